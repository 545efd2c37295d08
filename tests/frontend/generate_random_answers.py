#!/usr/bin/env python3
"""Writes data/threefry.json: what jax.random gives, for random_test.cpp to compare with.

Run it with a Python that has jax and numpy: python generate_random_answers.py
Every case holds the call, its arguments and the elements of the result as unsigned integers of their bits, so that nothing is
rounded on the way.
"""
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_threefry_partitionable", True)
random = jax.random


def as_bits(x):
    x = np.asarray(x)
    if x.dtype == bool:
        x = x.astype(np.uint8)
    parts = 2 if x.dtype.kind == "c" else 1
    word = np.dtype(f"u{x.dtype.itemsize // parts}")
    return [int(v) for v in np.ascontiguousarray(x).reshape(-1).view(word)]


cases = []


def case(call, key, result, **arguments):
    result = random.key_data(result) if jnp.issubdtype(result.dtype, jax.dtypes.prng_key) else result
    cases.append(dict(call=call, key=[int(w) for w in random.key_data(key)], **arguments, result_dtype=str(result.dtype),
                      result_shape=list(result.shape), bits=as_bits(result)))


def small_cases(key):
    case("key_data", key, key)
    for shape in [(1,), (2,), (3,), (4,), (8,), (2, 2), (0,)]:
        case("split", key, random.split(key, shape), shape=list(shape))
    for data in [0, 1, 2, 3, 4, 7, 100, 1234, 4294967295]:
        case("fold_in", key, random.fold_in(key, np.uint32(data)), data=data)
    for dtype in ["uint8", "uint16", "uint32"]:
        for shape in [(), (8,), (2, 3), (0, 3)]:
            case("bits", key, random.bits(key, shape, dtype), shape=list(shape), dtype=dtype)
    for shape in [(), (8,), (2, 3), (3, 1, 5)]:
        case("uniform", key, random.uniform(key, shape), shape=list(shape), dtype="float32")
    for dtype in ["float32", "float16", "bfloat16"]:
        for low, high in [(-1, 3), (0.1, 0.7), (-3.3, 12.7), (5, 6.1), (2, 2)]:
            case("uniform", key, random.uniform(key, (64,), dtype, low, high), shape=[64], dtype=dtype, low=low, high=high)
    for dtype in ["float16", "bfloat16"]:
        case("uniform", key, random.uniform(key, (64,), dtype), shape=[64], dtype=dtype)
    for shape in [(), (10,), (3, 7)]:
        case("normal", key, random.normal(key, shape), shape=list(shape), dtype="float32")
        case("exponential", key, random.exponential(key, shape), shape=list(shape), dtype="float32")
    case("normal", key, random.normal(key, (6,), "complex64"), shape=[6], dtype="complex64")
    for shape, low, high in [((10,), 0, 100), ((3, 3), 0, 8), ((10,), -5, 5), ((5,), 3, 3), ((5,), 5, 2), ((16,), -2147483648, 2147483647),
                             ((16,), 0, 1000003), ((16,), -10, 2000000000), ((16,), 0, 65536), ((16,), 0, 65537)]:
        case("randint", key, random.randint(key, shape, low, high), shape=list(shape), dtype="int32", low=low, high=high)
    for dtype, low, high in [("int8", -128, 127), ("int8", -128, 128), ("int8", -5, 100), ("uint8", 0, 256), ("uint8", 3, 17), ("int16", -300, 3000),
                             ("uint16", 0, 65536), ("uint16", 0, 100), ("uint32", 0, 1000), ("uint8", -20, 300)]:
        case("randint", key, random.randint(key, (16,), low, high, dtype), shape=[16], dtype=dtype, low=low, high=high)
    for n in [0, 1, 2, 5, 8, 10, 16, 1000, 2000]:
        case("permutation", key, random.permutation(key, n), n=n)
    case("permutation_rows", key, random.permutation(key, jnp.arange(12, dtype=jnp.float32).reshape(4, 3)), shape=[4, 3], axis=0, independent=False)
    case("permutation_rows", key, random.permutation(key, jnp.arange(12, dtype=jnp.float32).reshape(4, 3), axis=1), shape=[4, 3], axis=1, independent=False)
    case("permutation_rows", key, random.permutation(key, jnp.arange(12, dtype=jnp.float32).reshape(4, 3), axis=1, independent=True), shape=[4, 3], axis=1,
         independent=True)
    for p in [0.5, 0.1, 0.999]:
        case("bernoulli", key, random.bernoulli(key, p, (8,)), shape=[8], p=p)
    case("choice", key, random.choice(key, 10, (6,)), n=10, shape=[6], replace=True)
    case("choice", key, random.choice(key, 10, (2, 3), replace=False), n=10, shape=[2, 3], replace=False)


for seed in [0, 42, 1, 2**31 - 1, -1, 123456789]:
    small_cases(random.key(seed))
for seed in [0, 42]:
    case("normal", random.key(seed), random.normal(random.key(seed), (2000,)), shape=[2000], dtype="float32")

with jax.enable_x64(True):
    for seed in [0, 42]:
        key = random.key(np.int32(seed))
        for shape in [(), (8,), (2, 3)]:
            case("bits", key, random.bits(key, shape, "uint64"), shape=list(shape), dtype="uint64")
        case("uniform", key, random.uniform(key, (16,), "float64"), shape=[16], dtype="float64")
        case("uniform", key, random.uniform(key, (16,), "float64", -1.7, 2.9), shape=[16], dtype="float64", low=-1.7, high=2.9)
        case("normal", key, random.normal(key, (64,), "float64"), shape=[64], dtype="float64")
        for dtype, low, high in [("int64", 0, 100), ("int64", -(2**62), 2**62 + 12345), ("int64", -(2**63), 2**63 - 1), ("uint64", 0, 10**15), ("int32", 0, 2**31),
                                 ("int32", -(2**31), 2**31), ("uint32", 0, 2**32)]:
            low_, high_ = np.int64(low), np.int64(high)
            case("randint", key, random.randint(key, (16,), low_, high_, dtype), shape=[16], dtype=dtype, low=low, high=high)
    wide = [dict(seed=s, key=[int(w) for w in random.key_data(random.key(s))]) for s in [0, 42, 2**40 + 5, 2**62, -(2**40)]]

path = pathlib.Path(__file__).parent / "data" / "threefry.json"
with open(path, "w") as file:
    file.write('{"comment": "Made by generate_random_answers.py with jax %s; results are the bits of the elements.",\n' % jax.__version__)
    file.write('"wide_seeds": %s,\n"cases": [\n' % json.dumps(wide))
    file.write(",\n".join(json.dumps(c, separators=(",", ":")) for c in cases))
    file.write("\n]}\n")
print(f"{len(cases)} cases in {path.name}")
