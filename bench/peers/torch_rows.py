"""PyTorch's rows, eager, on as many threads as it chooses."""
import numpy as np
import torch

from serve import integers, numbers, serve, sized

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


MANY = sized(10_000_000, 100_000)
FEW = MANY // 10


def on(f, *inputs):
    make = {"x": lambda: numbers(np, MANY), "table": lambda: numbers(np, FEW), "places": lambda: integers(np, MANY, FEW).astype(np.int64)}

    def prepare():
        data = [torch.from_numpy(make[i]()) for i in inputs]
        return lambda: f(*data), 1
    return prepare


def floats(*shape):
    return lambda: numbers(np, int(np.prod(shape))).reshape(shape)


def signal(n):
    return lambda: (numbers(np, n) + 1j * (1 - numbers(np, n))).astype(np.complex64)


def matrix(n):
    def make():
        a = numbers(np, n * n).reshape(n, n)
        return a + a.T + 2 * n * np.eye(n, dtype=np.float32)
    return make


def of(f, *make):
    def prepare():
        data = [torch.from_numpy(m()) for m in make]
        return lambda: f(*data), 1
    return prepare


def mlp_step():
    width, batch = sized(1024, 64), sized(1024, 64)
    net = torch.nn.Sequential(torch.nn.Linear(784, width), torch.nn.ReLU(), torch.nn.Linear(width, width), torch.nn.ReLU(), torch.nn.Linear(width, 10))
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01)
    x, labels = torch.from_numpy(numbers(np, batch * 784).reshape(batch, 784)), torch.arange(batch) % 10

    def work():
        with torch.enable_grad():
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(x), labels).backward()
        optimiser.step()
    return work, 1


def lstm():
    hidden = sized(256, 16)
    net, x = torch.nn.LSTM(hidden, hidden), torch.from_numpy(numbers(np, sized(1000, 50) * hidden).reshape(-1, hidden))
    return lambda: net(x), 1


def cloud(f, count, few):
    def prepare():
        n = sized(count, few)
        x = torch.from_numpy(numbers(np, n * 18).reshape(n, 18))
        return lambda: f(x), 1
    return prepare


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
    "cumsum": on_numbers(lambda x: torch.cumsum(x, 0)),
    "keep_mask": on_numbers(lambda x: x[x > 0.5]),
    "sort": on(torch.sort, "x"),
    "argsort": on(torch.argsort, "x"),
    "top_k": on(lambda x: torch.topk(x, 100), "x"),
    "unique": on(torch.unique, "places"),
    "segment_sum": on(lambda x, k: torch.zeros(FEW).index_add_(0, k, x), "x", "places"),
    "gather": on(lambda t, k: t[k], "table", "places"),
    "scatter_add": on(lambda t, k, x: t.index_add(0, k, x), "table", "places", "x"),
    "histogram": on(lambda x: torch.histc(x, 1000, 0, 1), "x"),
    "mlp_step": mlp_step,
    "lstm": lstm,
    "distances_matmul": cloud(lambda x: torch.cdist(x, x), 12910, 500),
    "fft": of(torch.fft.fft, signal(sized(1 << 22, 1 << 12))),
    "fft_prime": of(torch.fft.fft, signal(sized(1_000_003, 1009))),
    "rfft2": of(torch.fft.rfft2, floats(sized(2048, 64), sized(2048, 64))),
    "cholesky": of(torch.linalg.cholesky, matrix(sized(4096, 128))),
    "solve": of(torch.linalg.solve, matrix(sized(4096, 128)), floats(sized(4096, 128))),
    "qr": of(torch.linalg.qr, matrix(sized(1024, 64))),
    "svd": of(torch.linalg.svd, matrix(sized(1024, 64))),
    "eigh": of(torch.linalg.eigh, matrix(sized(1024, 64))),
    "tiny_call": tiny_call,
})
