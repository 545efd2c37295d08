"""Makes the programs beside this file and cases.json, with jax from PyPI: python make_import_cases.py"""

import json
import os
import sys

os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=4"
here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "..", "tools", "jax"))

import jax
import jax.numpy as jnp
import numpy as np
import skein_export
from jax import lax
from jax.sharding import Mesh, PartitionSpec as P

rng = np.random.default_rng(20261125)
f = lambda *shape: rng.standard_normal(shape).astype(np.float32)
ints = lambda low, high, *shape: rng.integers(low, high, shape).astype(np.int32)
cases = {}


def case(name, fn, *args):
    cases[name] = (fn, args)


def mlp(w1, b1, w2, x):
    return jnp.tanh(x @ w1 + b1) @ w2


x43 = f(4, 3)
special = np.array([3, np.nan, -0.0, 0.0, np.inf, -np.inf, 1, -2, np.nan, 1], np.float32)
case("mlp", mlp, f(3, 5), f(5), f(5, 2), x43)
case("mlp_gradient", jax.grad(lambda *a: jnp.sum(mlp(*a) ** 2), (0, 1, 2)), f(3, 5), f(5), f(5, 2), x43)
case("softmax", jax.nn.softmax, x43)
case("elementwise", lambda x, y: (x / y, jnp.maximum(x, y), jnp.power(jnp.abs(x), y), jnp.arctan2(x, y), jnp.round(x * 3), jax.nn.gelu(x, approximate=False),
                                  jnp.clip(x, -0.5, 0.5), jnp.where(x > y, x, y), jnp.isnan(x), lax.erf_inv(x / 4), lax.lgamma(jnp.abs(x)), jnp.square(x)), x43, f(4, 3))
case("integers", lambda x, y: (x // y, x % y, lax.div(x, y), lax.rem(x, y), x ** 3, x << 2, x >> 1, lax.population_count(x), x & y, x.astype(jnp.uint8), x == y),
     np.array([7, -7, 5, -2147483648, 9, 0], np.int32), np.array([2, 2, -3, -1, 0, 4], np.int32))
case("complex", lambda x, y: (lambda z: (z * z, jnp.abs(z), jnp.real(z), jnp.conj(z), jnp.exp(z)))(lax.complex(x, y)), f(5), f(5))
case("cumulative", lambda x: (jnp.cumsum(x, 0), jnp.cumprod(x, 1), lax.cummax(x, 1), lax.cummin(x, 0, reverse=True)), x43)
case("sort", lambda x, s: (jnp.sort(x, 0), -jnp.sort(-x, 1), jnp.sort(s), jnp.sort(s, descending=True)), x43, special)
case("argsort", lambda x, s: (jnp.argsort(x, 0), jnp.argsort(s, descending=True)), x43, special)
case("lexsort", lambda a, c, x: lax.sort((a, c, x), num_keys=2), ints(0, 3, 12), ints(0, 3, 12), f(12))
case("top_k", lambda x: lax.top_k(x, 2), x43)
case("argmax", lambda x, s: (jnp.argmax(x, 0), jnp.argmin(x, 1), jnp.argmax(s)), x43, special)
case("reductions", lambda x, i: (jnp.sum(x), jnp.prod(x, 0), jnp.max(x, 1), jnp.any(x > 0, 0), jnp.all(x > -9), jnp.mean(x), lax.reduce(i, np.int32(0), lax.bitwise_xor, (0,))), x43, ints(0, 99, 7, 2))
case("windows", lambda x: (lax.reduce_window(x, -np.inf, lax.max, (2, 2), (1, 2), "VALID"), lax.reduce_window(x, np.float32(0), lax.add, (3, 1), (1, 1), "SAME")), f(5, 6))
case("gather_rows", lambda x, i: x[i], x43, np.array([[3, 0], [-1, 9]], np.int32))
case("gather_elements", lambda x, i, j: (x[i, j], x[:, j], x[i, 1:3]), x43, np.array([3, 0, 1], np.int32), np.array([2, 2, 0], np.int32))
case("gather_along", lambda x, i: jnp.take_along_axis(x, i, 1), x43, ints(0, 3, 4, 2))
case("scatter_add", lambda x, i, u: (x.at[i].add(u), x.at[:, i].set(1.0), x.at[2].mul(3.0), x.at[1:3, 1].max(0.5)), f(4, 4), np.array([1, 1, 9], np.int32), f(3, 4))
case("scatter_elements", lambda x, i, j: (x.at[i, j].min(-1.0), x.at[i, j].set(7.0)), x43, np.array([3, 0, 5], np.int32), np.array([2, 2, 0], np.int32))
case("gather_gradient", jax.grad(lambda x, i: jnp.sum(x[i, 1] ** 2)), x43, np.array([1, 1, 2], np.int32))
case("slices", lambda x, i: (lax.dynamic_slice(x, (i, i), (2, 2)), lax.dynamic_update_slice(x, jnp.ones((2, 2)), (i, 0)), x[::-1, ::2], lax.pad(x, np.float32(2), ((1, -1, 1), (0, 2, 0)))), x43, np.int32(3))
case("dot_general", lambda x, y: (jnp.einsum("bij,bkj->bik", x, y), jnp.einsum("bij,ckj->icbk", x, y)), f(2, 3, 4), f(2, 5, 4))
case("while_loop", lambda x: lax.while_loop(lambda c: jnp.sum(c[1]) < 100, lambda c: (c[0] + 1, c[1] * 2), (0, jnp.abs(x))), x43)
case("fori_loop", lambda n, x: lax.fori_loop(0, n, lambda i, c: c * 0.5 + i, x), np.int32(5), x43)
case("scan", lambda x: lax.scan(lambda c, r: (c + r, c * r), jnp.zeros(3), x), x43)
case("cond", lambda p, x: (lax.cond(p, lambda v: v + 1, lambda v: v - 1, x), lax.switch(jnp.int32(7), [jnp.sin, jnp.cos, jnp.exp], x)), np.bool_(True), x43)
case("random_normal", lambda k: (jax.random.normal(k, (5,)), jax.random.uniform(k, (3, 3)), jax.random.randint(k, (4,), 0, 100), jax.random.split(k)), np.array([0, 42], np.uint32))
case("bfloat16", lambda x: (x.astype(jnp.bfloat16) @ jnp.ones((3, 2), jnp.bfloat16)).astype(jnp.float32), x43)
matrix = f(3, 4, 4)
case("linalg", lambda a, b: (jnp.linalg.cholesky(a @ a.mT + jnp.eye(4)), jnp.linalg.solve(a, b), jnp.linalg.inv(a), jnp.linalg.det(a), jnp.linalg.slogdet(a), jnp.linalg.eigvalsh(a @ a.mT)),
     matrix, f(3, 4, 2))
case("triangular", lambda a, b: [lax.linalg.triangular_solve(a, b if left else b.mT, left_side=left, lower=lower, transpose_a=transpose, unit_diagonal=unit)
                                 for left in (True, False) for lower in (True, False) for transpose in (True, False) for unit in (True, False)],
     np.tril(f(2, 3, 3)) + np.triu(f(2, 3, 3)) + 3 * np.eye(3, dtype=np.float32), f(2, 3, 2))
case("fft", lambda x: (jnp.fft.fft(x), jnp.fft.ifft2(x), jnp.fft.rfft(x), jnp.fft.irfft(x), jnp.fft.rfftn(x)), f(4, 6))
case("layer_norm", lambda x: (x - x.mean(-1, keepdims=True)) / jnp.sqrt(x.var(-1, keepdims=True) + 1e-5), x43)

mesh = Mesh(np.array(jax.devices()).reshape(2, 2), ("x", "y"))


def on_mesh(x):
    return (lax.psum(x, "x") + lax.axis_index("y"), lax.all_gather(x, "y", tiled=True), lax.psum_scatter(x, "y", tiled=True, scatter_dimension=1),
            lax.ppermute(x, "x", [(0, 1), (1, 0)]), lax.all_to_all(x, "y", 1, 0, tiled=True))


case("shard_map", jax.shard_map(on_mesh, mesh=mesh, in_specs=P("x", "y"), check_vma=False,
                                out_specs=(P(None, "y"), P("x", None), P("x", "y"), P("x", "y"), P("x", "y"))), f(8, 8))


def entry(value):
    value = np.asarray(value)
    if value.dtype.kind == "c":
        numbers = value.reshape(-1).view(value.real.dtype)
    else:
        numbers = value.reshape(-1)
    word = lambda v: "nan" if v != v else "inf" if v == np.inf else "-inf" if v == -np.inf else (v if isinstance(v, (bool, int)) else float(v))
    return {"dtype": str(value.dtype), "shape": list(value.shape), "values": [word(v) for v in numbers.tolist()]}


def main():
    made = []
    for name, (fn, args) in cases.items():
        lowered = jax.jit(fn).lower(*args)
        with open(os.path.join(here, name + ".mlir"), "w") as file:
            file.write(skein_export.generic(lowered.compiler_ir("stablehlo")))
        results = jax.tree.leaves(jax.jit(fn)(*args))
        made.append({"name": name, "inputs": [entry(a) for a in jax.tree.leaves(args)], "outputs": [entry(r) for r in results]})
    with open(os.path.join(here, "cases.json"), "w") as file:
        json.dump(made, file, indent=None)
        file.write("\n")
    refused = jax.jit(lambda x, w: lax.conv_general_dilated(x, w, (1, 1), "SAME")).lower(f(1, 1, 4, 4), f(1, 1, 3, 3))
    with open(os.path.join(here, "refused_convolution.mlir"), "w") as file:
        file.write(skein_export.generic(refused.compiler_ir("stablehlo")))


main()
