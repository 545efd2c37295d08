"""NumPy's rows."""
import numpy as np

from serve import numbers, serve, sized

N = sized(50_000_000, 500_000)
SIDE = sized(10000, 1000)


def on_numbers(f):
    def prepare():
        x = numbers(np, N)
        return lambda: f(x), 1
    return prepare


def on_matrix(f):
    def prepare():
        a = numbers(np, SIDE * SIDE).reshape(SIDE, SIDE)
        return lambda: f(a), 1
    return prepare


def softmax(a):
    e = np.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def product(shape, dtype=np.float32, f=np.matmul):
    def prepare():
        a = numbers(np, int(np.prod(shape))).reshape(shape).astype(dtype)
        b = a + 1
        return lambda: f(a, b), 1
    return prepare


def tiny_call():
    x = np.array([1, 2, 3, 4], np.float32)
    return lambda: x + 1, 1


def jacobi():
    n = sized(4096, 256)
    u = numbers(np, n * n).reshape(n, n)

    def work():
        v = u
        for _ in range(50):
            w = v.copy()
            w[1:-1, 1:-1] = np.float32(0.25) * (v[:-2, 1:-1] + v[2:, 1:-1] + v[1:-1, :-2] + v[1:-1, 2:])
            v = w
        return v
    return work, 1


LARGE, SMALL = sized(4096, 256), sized(1024, 64)
serve({
    "exp_sin": on_numbers(lambda x: np.exp(x) + 3 * np.sin(x)),
    "add_one": on_numbers(lambda x: x + 1),
    "sum_squares": on_numbers(lambda x: np.dot(x, x)),
    "mean_var_max": on_numbers(lambda x: (x.mean(), x.var(), x.max())),
    "standardise": on_matrix(lambda a: (a - a.mean(axis=0)) / a.std(axis=0)),
    "sum_axis0": on_matrix(lambda a: a.sum(axis=0)),
    "sum_axis1": on_matrix(lambda a: a.sum(axis=1)),
    "softmax": on_matrix(softmax),
    "jacobi": jacobi,
    "uniform": lambda: ((lambda rng: lambda: rng.random(N, dtype=np.float32))(np.random.default_rng(7)), 1),
    "normal": lambda: ((lambda rng: lambda: rng.standard_normal(N, dtype=np.float32))(np.random.default_rng(7)), 1),
    "matmul_f32": product((LARGE, LARGE)),
    "matmul_f64": product((LARGE, LARGE), np.float64),
    "matmul_transposed": product((LARGE, LARGE), f=lambda a, b: a.T @ b),
    "matmul_batched": product((16, SMALL, SMALL)),
    "tiny_call": tiny_call,
})
