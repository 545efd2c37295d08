#!/usr/bin/env python3
"""Writes distributions.json beside it: what jax.random gives, for distributions_test.cpp to compare with.

Run it with a Python that has jax and numpy: python make_distributions.py
Every case holds the call, its parameters and the elements of the result as unsigned integers of their bits. `rel` and
`abs` say how far ours may be, in units of the dtype's epsilon: 0 and 0 where all numbers are equal.
"""
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_threefry_partitionable", True)
random = jax.random
cases = []


def as_bits(x):
    x = np.ascontiguousarray(np.asarray(x))
    return [int(v) for v in x.reshape(-1).view(np.dtype(f"u{x.dtype.itemsize}"))]


def parameter(value, dtype):
    """A number stays one (weak in both libraries); a list is an array of that dtype."""
    if isinstance(value, list):
        return jnp.asarray(np.asarray(value, dtype))
    return value


def written(value, dtype):
    if isinstance(value, list):
        value = np.asarray(value, dtype)
        return dict(shape=list(value.shape), values=[float(v) for v in value.reshape(-1)], dtype=str(value.dtype))
    return value


def case(key, call, shape, *parameters, dtype="float32", result=None, rel=4, abs_=0, pdtype=None, **options):
    pdtype = pdtype or (dtype if dtype.startswith("float") else "float32")
    given = [parameter(p, pdtype) for p in parameters]
    function = getattr(random, call)
    if call in ("categorical", "choice"):
        got = function(key, *given, shape=shape, **options)
    elif call == "ball":
        got = function(key, int(parameters[0]), parameters[1], shape, dtype)
    else:
        got = function(key, *given, shape=shape, dtype=dtype)
    entry = dict(call=call, key=[int(w) for w in random.key_data(key)], parameters=[written(p, pdtype) for p in parameters])
    if shape is not None:
        entry["shape"] = list(shape)
    entry.update(options, dtype=dtype, rel=rel, abs=abs_, result_dtype=str(got.dtype), result_shape=list(got.shape),
                 bits=as_bits(got))
    cases.append(entry)


def floating(key, dtype):
    """Every distribution of floating numbers, in float32 or float64."""
    def add(call, shape, *parameters, **more):
        case(key, call, shape, *parameters, dtype=dtype, **more)

    for shape in [(), (3, 7)]:
        add("cauchy", shape, rel=16)
        # XLA's log1p of float64 is some 80 eps off where ours is exact to 2.
        add("laplace", shape, rel=100 if dtype == "float64" else 4)
        add("logistic", shape, rel=100 if dtype == "float64" else 4, abs_=4)
        add("gumbel", shape, abs_=8)
        add("maxwell", shape, rel=8)
    add("truncated_normal", (24,), -1.0, 2.5, rel=32, abs_=64)
    add("truncated_normal", None, [[-1.0], [0.5]], [1.0, 2.0, 3.0], rel=32, abs_=128)
    add("lognormal", (3, 5), 0.7, rel=16)
    add("lognormal", None, [0.1, 1.0, 2.5], rel=32)
    add("double_sided_maxwell", (16,), 0.5, 2.0, rel=8, abs_=16)
    add("rayleigh", (16,), 2.0, rel=6)
    add("rayleigh", None, [0.5, 1.0, 3.0], rel=6)
    add("pareto", (16,), 3.0, rel=16)
    add("weibull_min", (16,), 2.0, 1.7, rel=32)
    add("wald", (16,), 0.2, rel=64)
    add("wald", (3, 3), [1.0, 2.0, 3.0], rel=1000)
    add("triangular", (16,), -1.0, 0.3, 2.0, rel=8, abs_=8)
    add("triangular", None, [0.0, 1.0], [[1.0], [1.5]], 4.0, rel=8, abs_=8)
    for a in [0.1, 0.7, 1.0, 3.5, 50.0]:
        add("gamma", (20,), a, rel=2000 if a < 0.5 else 64)
        add("loggamma", (20,), a, rel=64, abs_=64)
    add("gamma", None, [[0.3, 2.0, 10.0], [1.0, 0.9, 100.0]], rel=500)
    add("gamma", (), 2.5, rel=64)
    add("beta", (16,), 0.5, 2.0, rel=500)
    add("beta", None, [0.2, 1.0, 5.0], [[1.0], [3.0]], rel=1000)
    add("dirichlet", (4,), [0.5, 1.0, 4.0], rel=500)
    add("dirichlet", None, [[1.0, 2.0], [3.0, 0.7]], rel=500)
    add("chisquare", (16,), 3.0, rel=128)
    add("t", (16,), 5.0, rel=64)
    add("t", (2, 3), [1.5, 4.0, 30.0], rel=200)
    add("f", (16,), 3.0, 7.0, rel=300)
    add("generalized_normal", (16,), 1.5, rel=300)
    add("ball", (5,), 3, 2.0, rel=300)
    add("ball", (), 4, 1.0, rel=300)
    for n, p in [(5.0, 0.3), (40.0, 0.7), (1000.0, 0.4)]:
        add("binomial", (24,), [n], [p], rel=0)
    add("binomial", (4, 3), [3.0, 30.0, 300.0], [0.5, 0.9, 0.2], rel=0)


def integers(key):
    for shape in [(), (16,)]:
        case(key, "rademacher", shape, dtype="int32", rel=0)
    case(key, "rademacher", (16,), dtype="float32", rel=0)
    for lam in [0.0, 0.5, 9.0, 12.0, 400.0]:
        case(key, "poisson", (24,), lam, dtype="int32", rel=0)
    case(key, "poisson", (4, 5), [0.0, 3.0, 9.99, 10.0, 3000.0], dtype="int32", rel=0)
    case(key, "poisson", None, [1.0, 20.0], dtype="uint8", rel=0)
    case(key, "geometric", (24,), 0.3, dtype="int32", rel=0)
    case(key, "geometric", None, [0.01, 0.5, 1.0], dtype="int32", rel=0)
    logits = [[0.1, 1.0, -2.0, 0.5], [3.0, 2.9, 2.8, -1.0]]
    case(key, "categorical", None, logits, dtype="int32", rel=0, axis=-1, replace=True)
    case(key, "categorical", (5, 2), logits, dtype="int32", rel=0, axis=-1, replace=True)
    case(key, "categorical", (3, 4), logits, dtype="int32", rel=0, axis=0, replace=True)
    case(key, "categorical", (3, 2), logits, dtype="int32", rel=0, axis=1, replace=False)
    for replace, shape in [(True, (20,)), (False, (2, 2))]:
        case(key, "choice", shape, 5, dtype="int32", rel=0, replace=replace, p=jnp.array([0.1, 0.2, 0.3, 0.15, 0.25], jnp.float32))
        cases[-1]["p"] = [0.1, 0.2, 0.3, 0.15, 0.25]


for seed in [0, 42, 123456789]:
    floating(random.key(seed), "float32")
    integers(random.key(seed))
with jax.enable_x64(True):
    for seed in [0, 42]:
        floating(random.key(np.int32(seed)), "float64")
    key = random.key(np.int32(7))
    case(key, "poisson", (16,), 30.0, dtype="int64", rel=0)
    case(key, "geometric", (16,), [0.05], dtype="int64", pdtype="float64", rel=0)
    case(key, "rademacher", (16,), dtype="int64", rel=0)

path = pathlib.Path(__file__).parent / "distributions.json"
with open(path, "w") as file:
    file.write('{"comment": "Made by make_distributions.py with jax %s; results are the bits of the elements.",\n"cases": [\n' % jax.__version__)
    file.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    file.write("\n]}\n")
print(f"{len(cases)} cases, {path.stat().st_size} bytes in {path.name}")
