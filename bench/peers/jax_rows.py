"""JAX's rows, compiled, on the CPU. usage: jax_rows.py DEVICES"""
import itertools
import os
import sys

DEVICES = int(sys.argv[1])
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={DEVICES}"

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from serve import integers, numbers, serve, sized

N = sized(50_000_000, 500_000)
SIDE = sized(10000, 1000)


def ready(f, *arguments):
    g = jax.jit(f)
    return lambda: jax.block_until_ready(g(*arguments)), 1


def on_numbers(f):
    return lambda: ready(f, jnp.asarray(numbers(np, N)))


def on_matrix(f):
    return lambda: ready(f, jnp.asarray(numbers(np, SIDE * SIDE).reshape(SIDE, SIDE)))


def softmax(a):
    e = jnp.exp(a - a.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def pairwise(x):
    diff = x[:, None, :] - x[None, :, :]
    r2 = (diff * diff).sum(axis=2) + 1e-3
    inv = 1 / (r2 * jnp.sqrt(r2))
    return (diff * inv[:, :, None]).sum(axis=1)


def jacobi(u):
    def sweep(_, v):
        return v.at[1:-1, 1:-1].set(0.25 * (v[:-2, 1:-1] + v[2:, 1:-1] + v[1:-1, :-2] + v[1:-1, 2:]))
    return lax.fori_loop(0, 50, sweep, u)


def julia(x, y):
    n = x.shape[0]

    def turn(_, state):
        x, y, turns = state
        inside = x * x + y * y < 4.0
        return jnp.where(inside, x * x - y * y - 0.8, x), jnp.where(inside, 2.0 * x * y + 0.156, y), turns + inside
    return lax.fori_loop(0, 100, turn, (jnp.broadcast_to(x, (n, n)), jnp.broadcast_to(y[:, None], (n, n)), jnp.zeros((n, n), jnp.int32)))[2]


def square(f):
    def prepare():
        n = sized(4096, 256)
        return ready(f, jnp.asarray(numbers(np, n * n).reshape(n, n)))
    return prepare


def points():
    n = sized(8192, 512)
    return ready(pairwise, jnp.asarray(numbers(np, 3 * n).reshape(n, 3)))


def plane():
    n = sized(1024, 128)
    return ready(julia, jnp.linspace(-1.6, 1.6, n), jnp.linspace(-1.0, 1.0, n))


def product(shape, dtype=np.float32, f=jnp.matmul):
    def prepare():
        with jax.enable_x64(dtype == np.float64):
            a = jnp.asarray(numbers(np, int(np.prod(shape))).reshape(shape).astype(dtype))
            b = a + 1
            work, turns = ready(f, a, b)
            work()
        return work, turns
    return prepare


def tiny_call():
    return ready(lambda v: v + 1, jnp.array([1, 2, 3, 4], jnp.float32))


def tiny_loop():
    return ready(lambda x: lax.fori_loop(0, 100000, lambda i, v: v * 0.5 + 1, x), jnp.float32(3))


def compilation():
    x = jnp.asarray(numbers(np, 1_000_000))
    constants = itertools.count(1.0, 0.37)

    def work():
        c = next(constants)
        jax.jit(lambda v: jnp.exp(v) + c * jnp.sin(v)).lower(x).compile()
    return work, 1


def loop(block, turns, body):
    """The body, on each device's block, `turns` times."""
    def prepare():
        mesh = jax.make_mesh((DEVICES,), ("d",))

        def program(x):
            return lax.fori_loop(0, turns, lambda _, v: body(v), x)
        f = jax.jit(jax.shard_map(program, mesh=mesh, in_specs=P("d"), out_specs=P("d"), check_vma=False))
        x = jax.device_put(jnp.zeros((block[0] * DEVICES, *block[1:]), jnp.float32), jax.sharding.NamedSharding(mesh, P("d")))
        return lambda: jax.block_until_ready(f(x)), turns
    return prepare


def psum_call():
    mesh = jax.make_mesh((DEVICES,), ("d",))
    f = jax.jit(jax.shard_map(lambda x: lax.psum(x, "d"), mesh=mesh, in_specs=P("d"), out_specs=P()))
    x = jax.device_put(jnp.ones(DEVICES, jnp.float32), jax.sharding.NamedSharding(mesh, P("d")))
    return lambda: jax.block_until_ready(f(x)), 1


MANY = sized(10_000_000, 100_000)
FEW = MANY // 10
SEARCHED = {
    "x": lambda: jnp.asarray(numbers(np, MANY)),
    "table": lambda: jnp.asarray(numbers(np, FEW)),
    "places": lambda: jnp.asarray(integers(np, MANY, FEW)),
}


def on(f, *inputs):
    return lambda: ready(f, *(SEARCHED[i]() if isinstance(i, str) else i() for i in inputs))


def floats(*shape):
    return lambda: jnp.asarray(numbers(np, int(np.prod(shape))).reshape(shape))


def signal(n):
    return lambda: lax.complex(floats(n)(), 1 - floats(n)())


def matrix(n):
    return lambda: floats(n, n)() + floats(n, n)().T + 2 * n * jnp.eye(n)


def layers(*sizes):
    return lambda: [((floats(a, b)() - 0.5) * 0.1, jnp.zeros(b)) for a, b in zip(sizes, sizes[1:])]


def loss(net, x, labels):
    for i, (w, b) in enumerate(net):
        x = x @ w + b
        if i + 1 < len(net):
            x = jax.nn.relu(x)
    return -(jax.nn.log_softmax(x) * labels).sum(axis=-1).mean()


def step(net, x, labels):
    return jax.tree.map(lambda p, g: p - 0.01 * g, net, jax.grad(loss)(net, x, labels))


def lstm(w, inputs):
    def turn(state, x):
        h, c = state
        gates = jnp.split(jnp.concatenate([x, h]) @ w, 4)
        c = jax.nn.sigmoid(gates[0]) * c + jax.nn.sigmoid(gates[1]) * jnp.tanh(gates[2])
        h = jax.nn.sigmoid(gates[3]) * jnp.tanh(c)
        return (h, c), h
    zero = jnp.zeros(inputs.shape[1])
    return lax.scan(turn, (zero, zero), inputs)[1]


def energy(x):
    d = x[:, None, :] - x[None, :, :]
    return (1 / jnp.sqrt((d * d).sum(axis=2) + 1e-3)).sum()


def escape(x, y):
    return lax.while_loop(lambda s: (s[0] * s[0] + s[1] * s[1] < 4.0) & (s[2] < 100),
                          lambda s: (s[0] * s[0] - s[1] * s[1] - 0.8, 2.0 * s[0] * s[1] + 0.156, s[2] + 1), (x, y, 0))[2]


def hessian(w, x):
    return jax.hessian(lambda v: jnp.square(jnp.tanh(x @ v) - 0.5).sum() + 0.1 * (jnp.square(v) * jnp.sin(v)).sum())(w)


def distances_matmul(x):
    n = (x * x).sum(axis=1)
    return jnp.sqrt(jnp.maximum(n[:, None] + n - 2 * x @ x.T, 0.0))


def distances_broadcast(x):
    d = x[:, None, :] - x[None, :, :]
    return jnp.sqrt((d * d).sum(axis=2))


def k_means(x):
    def turn(_, centres):
        nearest = ((centres * centres).sum(axis=1) - 2 * x @ centres.T).argmin(axis=1)
        counts = jax.ops.segment_sum(jnp.ones_like(nearest), nearest, 8)
        return jax.ops.segment_sum(x, nearest, 8) / jnp.maximum(counts, 1)[:, None]
    return lax.fori_loop(0, 30, turn, x[:8])


LARGE, SMALL = sized(4096, 256), sized(1024, 64)
ROWS = {
    "exp_sin": on_numbers(lambda x: jnp.exp(x) + 3 * jnp.sin(x)),
    "add_one": on_numbers(lambda x: x + 1),
    "sum_squares": on_numbers(lambda x: (x * x).sum()),
    "mean_var_max": on_numbers(lambda x: (x.mean(), x.var(), x.max())),
    "standardise": on_matrix(lambda a: (a - a.mean(axis=0)) / a.std(axis=0)),
    "sum_axis0": on_matrix(lambda a: a.sum(axis=0)),
    "sum_axis1": on_matrix(lambda a: a.sum(axis=1)),
    "softmax": on_matrix(softmax),
    "pairwise": points,
    "jacobi": square(jacobi),
    "julia": plane,
    "uniform": lambda: ready(lambda k: jax.random.uniform(k, (N,)), jax.random.key(7)),
    "normal": lambda: ready(lambda k: jax.random.normal(k, (N,)), jax.random.key(7)),
    "matmul_f32": product((LARGE, LARGE)),
    "matmul_f64": product((LARGE, LARGE), np.float64),
    "matmul_transposed": product((LARGE, LARGE), f=lambda a, b: a.T @ b),
    "matmul_batched": product((16, SMALL, SMALL)),
    "cumsum": on_numbers(jnp.cumsum),
    "keep_mask": on_numbers(lambda x: jnp.compress(x > 0.5, x, size=N, fill_value=0)),
    "sort": on(jnp.sort, "x"),
    "argsort": on(jnp.argsort, "x"),
    "sort_two_keys": on(lambda x, k: lax.sort((k, x), num_keys=2), "x", "places"),
    "top_k": on(lambda x: lax.top_k(x, 100), "x"),
    "unique": on(lambda k: jnp.unique(k, size=FEW), "places"),
    "segment_sum": on(lambda x, k: jax.ops.segment_sum(x, k, FEW), "x", "places"),
    "gather": on(lambda t, k: t[k], "table", "places"),
    "scatter_add": on(lambda t, k, x: t.at[k].add(x), "table", "places", "x"),
    "histogram": on(lambda x: jnp.histogram(x, bins=1000, range=(0, 1)), "x"),
    "mlp_step": on(step, layers(784, sized(1024, 64), sized(1024, 64), 10), floats(sized(1024, 64), 784), lambda: jax.nn.one_hot(jnp.arange(sized(1024, 64)) % 10, 10)),
    "lstm": on(lstm, lambda: (floats(sized(512, 32), sized(1024, 64))() - 0.5) * 0.1, floats(sized(1000, 50), sized(256, 16))),
    "pairwise_gradient": on(jax.grad(energy), floats(sized(8192, 256), 3)),
    "vmap_julia": on(jax.vmap(escape), lambda: floats(sized(1_000_000, 10_000))() * 3 - 1.5, lambda: floats(sized(1_000_000, 10_000))()[::-1] * 3 - 1.5),
    "hessian": on(hessian, floats(100), floats(sized(1000, 100), 100)),
    "distances_matmul": on(distances_matmul, floats(sized(12910, 500), 18)),
    "distances_broadcast": on(distances_broadcast, floats(sized(12910, 500), 18)),
    "k_means": on(k_means, floats(sized(100_000, 1000), 18)),
    "fft": on(jnp.fft.fft, signal(sized(1 << 22, 1 << 12))),
    "fft_prime": on(jnp.fft.fft, signal(sized(1_000_003, 1009))),
    "rfft2": on(jnp.fft.rfft2, floats(sized(2048, 64), sized(2048, 64))),
    "cholesky": on(jnp.linalg.cholesky, matrix(sized(4096, 128))),
    "solve": on(jnp.linalg.solve, matrix(sized(4096, 128)), floats(sized(4096, 128))),
    "qr": on(jnp.linalg.qr, matrix(sized(1024, 64))),
    "svd": on(jnp.linalg.svd, matrix(sized(1024, 64))),
    "eigh": on(jnp.linalg.eigh, matrix(sized(1024, 64))),
    "vmap_solve": on(jax.vmap(jnp.linalg.solve), lambda: floats(sized(1_000_000, 1000), 3, 3)() + 3 * jnp.eye(3), floats(sized(1_000_000, 1000), 3)),
    "tiny_call": tiny_call,
    "tiny_loop": tiny_loop,
    "compile": compilation,
    f"psum_call_{DEVICES}": psum_call,
    f"psum_4B_{DEVICES}": loop((1,), sized(1000, 10), lambda x: lax.psum(x, "d")),
}
for size in 1, 16:
    count, turns, n = size << 18, sized(100 if size == 1 else 10, 2), DEVICES
    ring = [(i, (i + 1) % n) for i in range(n)]
    tail = f"_{size}MiB_{n}"
    ROWS["psum" + tail] = loop((count,), turns, lambda x: lax.psum(x, "d"))
    ROWS["all_gather" + tail] = loop((n, count), turns, lambda x: lax.all_gather(x[1], "d"))
    ROWS["psum_scatter" + tail] = loop((n, count // n), turns, lambda x: x.at[0].set(lax.psum_scatter(x, "d")))
    ROWS["all_to_all" + tail] = loop((n, count // n), turns, lambda x: lax.all_to_all(x, "d", 0, 0, tiled=False))
    ROWS["ppermute" + tail] = loop((count,), turns, lambda x: lax.ppermute(x, "d", ring))
serve(ROWS)
