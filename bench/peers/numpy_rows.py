"""NumPy's rows."""
import numpy as np

from serve import integers, numbers, serve, sized

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


MANY = sized(10_000_000, 100_000)
FEW = MANY // 10


def on(f, *inputs):
    make = {"x": lambda: numbers(np, MANY), "table": lambda: numbers(np, FEW), "places": lambda: integers(np, MANY, FEW)}

    def prepare():
        data = [make[i]() for i in inputs]
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
        data = [m() for m in make]
        return lambda: f(*data), 1
    return prepare


def top_k(x):
    places = np.argpartition(x, -100)[-100:]
    return np.sort(x[places])


def scatter_add(t, k, x):
    t = t.copy()
    np.add.at(t, k, x)
    return t


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
    "cumsum": on_numbers(np.cumsum),
    "keep_mask": on_numbers(lambda x: x[x > 0.5]),
    "sort": on(np.sort, "x"),
    "argsort": on(np.argsort, "x"),
    "sort_two_keys": on(lambda x, k: np.lexsort((x, k)), "x", "places"),
    "top_k": on(top_k, "x"),
    "unique": on(np.unique, "places"),
    "segment_sum": on(lambda x, k: np.bincount(k, x, FEW), "x", "places"),
    "gather": on(lambda t, k: t[k], "table", "places"),
    "scatter_add": on(scatter_add, "table", "places", "x"),
    "histogram": on(lambda x: np.histogram(x, bins=1000, range=(0, 1)), "x"),
    "fft": of(np.fft.fft, signal(sized(1 << 22, 1 << 12))),
    "fft_prime": of(np.fft.fft, signal(sized(1_000_003, 1009))),
    "rfft2": of(np.fft.rfft2, floats(sized(2048, 64), sized(2048, 64))),
    "cholesky": of(np.linalg.cholesky, matrix(sized(4096, 128))),
    "solve": of(np.linalg.solve, matrix(sized(4096, 128)), floats(sized(4096, 128))),
    "qr": of(np.linalg.qr, matrix(sized(1024, 64))),
    "svd": of(np.linalg.svd, matrix(sized(1024, 64))),
    "eigh": of(np.linalg.eigh, matrix(sized(1024, 64))),
    "tiny_call": tiny_call,
})
