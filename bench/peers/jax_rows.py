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

from serve import numbers, serve, sized

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
