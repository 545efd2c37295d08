"""PyTorch's rows, eager, on as many threads as it chooses."""
import numpy as np
import torch

from serve import numbers, serve, sized

N = sized(50_000_000, 500_000)
SIDE = sized(10000, 1000)
torch.set_grad_enabled(False)


def on_numbers(f):
    def prepare():
        x = torch.from_numpy(numbers(np, N))
        return lambda: f(x), 1
    return prepare


def on_matrix(f):
    def prepare():
        a = torch.from_numpy(numbers(np, SIDE * SIDE).reshape(SIDE, SIDE))
        return lambda: f(a), 1
    return prepare


def product(shape, dtype=torch.float32, f=torch.matmul):
    def prepare():
        a = torch.from_numpy(numbers(np, int(np.prod(shape))).reshape(shape)).to(dtype)
        b = a + 1
        return lambda: f(a, b), 1
    return prepare


def tiny_call():
    x = torch.tensor([1.0, 2.0, 3.0, 4.0])
    return lambda: x + 1, 1


def jacobi():
    n = sized(4096, 256)
    u = torch.from_numpy(numbers(np, n * n).reshape(n, n))

    def work():
        v = u
        for _ in range(50):
            w = v.clone()
            w[1:-1, 1:-1] = 0.25 * (v[:-2, 1:-1] + v[2:, 1:-1] + v[1:-1, :-2] + v[1:-1, 2:])
            v = w
        return v
    return work, 1


LARGE, SMALL = sized(4096, 256), sized(1024, 64)
serve({
    "exp_sin": on_numbers(lambda x: torch.exp(x) + 3 * torch.sin(x)),
    "add_one": on_numbers(lambda x: x + 1),
    "sum_squares": on_numbers(lambda x: torch.dot(x, x)),
    "mean_var_max": on_numbers(lambda x: (x.mean(), x.var(correction=0), x.max())),
    "standardise": on_matrix(lambda a: (a - a.mean(dim=0)) / a.std(dim=0, correction=0)),
    "sum_axis0": on_matrix(lambda a: a.sum(dim=0)),
    "sum_axis1": on_matrix(lambda a: a.sum(dim=1)),
    "softmax": on_matrix(lambda a: torch.softmax(a, dim=1)),
    "jacobi": jacobi,
    "uniform": lambda: (lambda: torch.rand(N), 1),
    "normal": lambda: (lambda: torch.randn(N), 1),
    "matmul_f32": product((LARGE, LARGE)),
    "matmul_f64": product((LARGE, LARGE), torch.float64),
    "matmul_transposed": product((LARGE, LARGE), f=lambda a, b: a.T @ b),
    "matmul_batched": product((16, SMALL, SMALL)),
    "tiny_call": tiny_call,
})
