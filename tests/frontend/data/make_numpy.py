#!/usr/bin/env python3
"""Writes numpy.json beside this file: calls with arguments, and what NumPy and SciPy give for them.

A case is {"call", "args", "options", "results", "near"}; numbers that JSON has no word for are strings. `near`: the error
allowed, relative to the largest result (0: exact).
"""
import json
import pathlib

import numpy as np
import scipy.special as sp

rng = np.random.default_rng(2026)
cases = []


def text(a):
    a = np.asarray(a)
    def one(v):
        if a.dtype.kind == "f":
            short = float(str(v))  # of a float32 the fewest digits that give it back
            return short if np.isfinite(v) else str(float(v))
        return bool(v) if a.dtype.kind == "b" else int(v)
    return {"dtype": str(a.dtype), "shape": list(a.shape), "data": [one(v) for v in a.ravel()]}


def narrow(a, like):
    """The dtype that Skein gives: int32, and float32 unless an argument is float64."""
    a = np.asarray(a)
    if a.dtype == np.int64:
        return a.astype(np.int32)
    if a.dtype == np.float64 and not any(np.asarray(x).dtype == np.float64 for x in like):
        return a.astype(np.float32)
    return a


def case(call, args, results, near=None, **options):
    args = [np.asarray(a) for a in args]
    results = results if isinstance(results, (list, tuple)) else [results]
    results = [narrow(r, args) for r in results]
    if near is None:
        double = any(a.dtype == np.float64 for a in args)
        near = 0 if all(r.dtype.kind in "ib" for r in results) else 1e-12 if double else 1e-5
    cases.append({"call": call, "args": [text(a) for a in args], "options": options, "results": [text(r) for r in results], "near": near})


def some(shape, dtype=np.float32, low=-3, high=3):
    if np.dtype(dtype).kind == "b":
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind in "iu":
        return rng.integers(int(low), int(high) + 1, shape).astype(dtype)
    return np.round(rng.uniform(low, high, shape), 3).astype(dtype)  # few digits, for a small file


f4, f8, i4, b1 = np.float32, np.float64, np.int32, np.bool_
special = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -2.5], f4)

# Elementwise.
for name in "rint fix signbit sinc fabs isposinf isneginf".split():
    for x in (special, some((3, 5), f8), some((0, 2))):
        with np.errstate(all="ignore"):
            case(name, [x], getattr(np, name)(x))
for name, x in {"expit": some(11, f8, -9, 9), "logit": np.linspace(0.01, 0.99, 13), "entr": np.array([-1, 0, 0.5, 2.0, np.nan]),
                "i0": np.concatenate([np.linspace(-20, 20, 31), [100.0, 8.0, 0.0]]), "i1": np.linspace(-20, 20, 31),
                "i0e": np.linspace(-50, 50, 23), "i1e": np.linspace(-50, 50, 23), "gammaln": np.linspace(0.1, 9, 9)}.items():
    case(name, [x], getattr(sp, name)(x), 2e-14 if name[0] == "i" else 1e-12)
    case(name, [x.astype(f4)], getattr(sp, name)(x.astype(f4)), 5e-6)
for name in "heaviside fmax fmin logaddexp2 float_power".split():
    a, b = some((4, 1), f4, 0.1, 3), some((3,), f4, 0.1, 3)
    case(name, [a, b], getattr(np, name)(a, b))
    case(name, [a.astype(f8), b], getattr(np, name)(a.astype(f8), b))
case("fmax", [special, special[::-1]], np.fmax(special, special[::-1]))
case("fmin", [special, special[::-1]], np.fmin(special, special[::-1]))
case("heaviside", [special, np.full(7, 0.5, f4)], np.heaviside(special, np.float32(0.5)))
for name in "gcd lcm".split():
    a, b = some((5, 1), i4, -60, 60), some((1, 7), i4, -60, 60)
    case(name, [a, b], getattr(np, name)(a, b))
    case(name, [np.array([0, 0, 12], i4), np.array([0, 5, 0], i4)], getattr(np, name)(np.array([0, 0, 12]), np.array([0, 5, 0])))
for name in "xlogy xlog1py betaln".split():
    a, b = some(9, f8, 0.2, 3), some(9, f8, 0.2, 3)
    a[0] = 0 if name[0] == "x" else a[0]
    case(name, [a, b], getattr(sp, name)(a, b))
x = np.array([1.0, -0.75, 3e-30, 1e30, 0.0], f4)
n = np.array([3, -140, 100, -20, 7], i4)
case("ldexp", [x, n], np.ldexp(x, n), 0)
case("ldexp", [x.astype(f8), n * 5], np.ldexp(x.astype(f8), n * 5), 0)
a, b = some(8, f4), some(8, f4, 0.5, 2)
case("divmod", [a, b], list(np.divmod(a, b)))
x = some(8, i4, -9, 9)
case("divmod", [x, np.array([2, -3, 4, -5, 2, 3, 7, -1], i4)], list(np.divmod(x, np.array([2, -3, 4, -5, 2, 3, 7, -1], i4))))
x = some(9, f8)
case("modf", [x], list(np.modf(x)))
case("modf", [special], list(np.modf(special)))
for decimals in (0, 2, -1):
    x = some(9, f8, -300, 300)
    case("round", [x], np.round(x, decimals), decimals=decimals)
x = some(9, i4, -300, 300)
case("round", [x], np.round(x, -1), decimals=-1)
case("angle", [np.array([1, -1, 0], f4)], np.angle(np.array([1, -1, 0], f4)))
case("angle", [np.array([1, -1, 0], f4)], np.angle(np.array([1, -1, 0], f4), deg=True), deg=True)
case("nan_to_num", [special], np.nan_to_num(special), 0)
case("nan_to_num", [special], np.nan_to_num(special, nan=1, posinf=2, neginf=3), 0, nan=1.0, posinf=2.0, neginf=3.0)
for axis in (0, -1):
    x = np.cumsum(some((5, 7), f8, -4, 4), axis=axis)
    case("unwrap", [x], np.unwrap(x, axis=axis), axis=axis)
x = np.cumsum(some(11, f8, -4, 4))
case("unwrap", [x], np.unwrap(x, period=3.0), period=3.0)
a = some(7, f4)
b = np.where([1, 0, 1, 1, 0, 1, 1], a, a + 1).astype(f4)
case("isclose", [a, b], np.isclose(a, b))
case("isclose", [special, special], np.isclose(special, special))
case("isclose", [special, special], np.isclose(special, special, equal_nan=True), equal_nan=True)
case("allclose", [a, a], np.allclose(a, a))
case("array_equal", [a, b], np.array_equal(a, b))
case("array_equal", [a, b[:3]], np.array_equal(a, b[:3]))
for axis in (None, 0, -1):
    x = some((3, 5), f8)
    case("logsumexp", [x], sp.logsumexp(x, axis=axis), axis=axis)
    case("softmax", [x], sp.softmax(x, axis=axis), axis=axis)
    case("log_softmax", [x], sp.log_softmax(x, axis=axis), axis=axis)
x, w = some((3, 5), f8), some((3, 5), f8, 0.1, 1)
case("logsumexp", [x, w], sp.logsumexp(x, axis=1, b=w, keepdims=True), axis=1, keepdims=True)
case("logsumexp", [np.full(3, -np.inf, f4)], np.float32(-np.inf))
x = some(9, f8)
case("gelu", [x], x * sp.ndtr(x), approximate=False)
case("gelu", [x], 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))), approximate=True)
case("silu", [x], x * sp.expit(x))
case("elu", [x], np.where(x > 0, x, np.expm1(x)))
case("softplus", [x], np.logaddexp(x, 0))
case("one_hot", [np.array([0, 2, -1, 4], i4)], np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [0, 0, 0]], f4), classes=3)

# Making arrays.
case("eye", [], np.eye(3, 5, 1, dtype=f4), rows=3, columns=5, k=1)
case("eye", [], np.eye(4, 2, -1, dtype=f4), rows=4, columns=2, k=-1)
for k in (-4, -1, 0, 2, 5):
    x = some((4, 3), f4)
    case("tril", [x], np.tril(x, k), k=k)
    case("triu", [x], np.triu(x, k), k=k)
    case("diag", [x], np.diag(x, k), k=k) if -4 <= k <= 3 else None
    v = some(3, i4)
    case("diag", [v], np.diag(v, k), k=k)
    case("tri", [], np.tri(3, 4, k, dtype=f4), rows=3, columns=4, k=k)
x = some((2, 3, 4), i4)
case("diagonal", [x], np.diagonal(x, 1, 1, 2), offset=1, axis1=1, axis2=2)
case("diagonal", [x], np.diagonal(x, 0, -1, 0), offset=0, axis1=-1, axis2=0)
case("trace", [x], np.trace(x, 0, 0, 2), offset=0, axis1=0, axis2=2)
case("logspace", [], np.logspace(-1, 2, 7, dtype=f4), 1e-6, start=-1.0, stop=2.0, count=7)
case("geomspace", [], np.geomspace(1, 1000, 4, dtype=f4), 1e-6, start=1.0, stop=1000.0, count=4)
case("geomspace", [], np.geomspace(-8, -1, 4, dtype=f4), 1e-6, start=-8.0, stop=-1.0, count=4)
a, b, c = some(2, i4), some(3, i4), some(4, i4)
for indexing in ("xy", "ij"):
    case("meshgrid", [a, b, c], list(np.meshgrid(a, b, c, indexing=indexing)), indexing=indexing, sparse=False)
    case("meshgrid", [a, b], list(np.meshgrid(a, b, indexing=indexing, sparse=True)), indexing=indexing, sparse=True)
case("indices", [], np.indices((2, 3)), shape=[2, 3])
case("vander", [b], np.vander(b, 4), columns=4, increasing=False)
case("vander", [b], np.vander(b, 3, True), columns=3, increasing=True)

# Shapes.
x, y = some((2, 3), i4), some((2, 3), i4)
for name in "vstack hstack dstack column_stack".split():
    case(name, [x, y], getattr(np, name)([x, y]))
    case(name, [b, b], getattr(np, name)([b, b]))
for name in "atleast_1d atleast_2d atleast_3d fliplr flipud".split():
    case(name, [x], getattr(np, name)(x))
    if name.startswith("atleast"):
        case(name, [b], getattr(np, name)(b))
x = some((2, 3, 4), i4)
for k in range(-1, 4):
    case("rot90", [x], np.rot90(x, k, (0, 2)), k=k, a=0, b=2)
v = some(5, i4)
case("resize", [v], np.resize(v, (3, 4)), shape=[3, 4])
case("resize", [v], np.resize(v, (3,)), shape=[3])
for axis, start in ((2, 0), (0, 3), (-1, 1), (1, -2)):
    case("rollaxis", [x], np.rollaxis(x, axis, start), axis=axis, start=start)
for mode in "constant edge reflect symmetric wrap".split():
    case("pad", [x[0]], np.pad(x[0], ((0, 3), (4, 9)), mode), widths=[[0, 3], [4, 9]], mode=mode)
    one = some(1, f4)
    case("pad", [one], np.pad(one, (2, 1), mode), widths=[[2, 1]], mode=mode)
case("append", [x, x], np.append(x, x), axis=None)
case("append", [x, x[:, :1]], np.append(x, x[:, :1], 1), axis=1)
m = some((3, 4), i4)
case("insert", [m, np.array(9, i4)], np.insert(m, 1, 9, axis=1), places=1, axis=1)
case("insert", [m, np.arange(4, dtype=i4)], np.insert(m, -1, np.arange(4), axis=0), places=-1, axis=0)
case("insert", [m, np.array([7, 8, 9], i4)], np.insert(m, 2, [7, 8, 9], axis=1), places=2, axis=1)
case("insert", [m, np.array([7, 8, 9], i4)], np.insert(m, [0, 4, 2], [7, 8, 9], axis=1), places=[0, 4, 2], axis=1)
case("insert", [m, np.array([7, 8], i4)], np.insert(m, [12, 0], [7, 8]), places=[12, 0], axis=None)
case("delete_", [m], np.delete(m, 1, 0), places=1, axis=0)
case("delete_", [m], np.delete(m, [-1, 0], 1), places=[-1, 0], axis=1)
case("delete_", [m], np.delete(m, [3, 5]), places=[3, 5], axis=None)
v = some(11, i4)
case("array_split", [v], np.array_split(v, 4), parts=4)
case("split", [v], np.split(v, [2, 2, -3, 20]), places=[2, 2, -3, 20])

# Reductions.
gaps = np.where(rng.random((3, 4, 5)) < 0.25, np.nan, some((3, 4, 5), f8))
for axis in (None, 0, -1, [0, 2], [-1, 1]):
    numpy_axis = tuple(axis) if isinstance(axis, list) else axis
    x = some((3, 4, 5), f8)
    for keepdims in (False, True):
        options = {"axis": axis, "keepdims": keepdims}
        for name in "ptp median".split():
            case(name, [x], getattr(np, name)(x, axis=numpy_axis, keepdims=keepdims), **options)
    for name in "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian".split():
        case(name, [gaps], getattr(np, name)(gaps, axis=numpy_axis), axis=axis)
        case(name, [gaps[:, :2].astype(f4)], getattr(np, name)(gaps[:, :2].astype(f4), axis=numpy_axis), axis=axis)
    for method in "linear lower higher midpoint nearest".split():
        q = np.array([0.0, 0.3, 1.0])
        case("quantile", [x, q], np.quantile(x, q, axis=numpy_axis, method=method), axis=axis, method=method, keepdims=False)
        case("nanquantile", [gaps, q], np.nanquantile(gaps, q, axis=numpy_axis, method=method, keepdims=True), axis=axis, method=method, keepdims=True)
    case("percentile", [x, np.array(37.5)], np.percentile(x, 37.5, axis=numpy_axis), axis=axis, method="linear", keepdims=False)
for axis in (None, 1, -1):
    case("nanargmax", [np.nan_to_num(gaps, nan=-9.0)], np.nanargmax(np.nan_to_num(gaps, nan=-9.0), axis=axis), axis=axis)
    full = gaps.copy()
    full[:, 0, :] = full[..., 0] = 0.5
    case("nanargmax", [full], np.nanargmax(full, axis=axis), axis=axis)
    case("nanargmin", [full], np.nanargmin(full, axis=axis), axis=axis)
case("median", [gaps], np.median(gaps, axis=1), axis=1, keepdims=False)
v = some(6, i4)
case("median", [v], np.median(v), axis=None, keepdims=False)
x, w = some((3, 5), f8), some((3, 5), f8, 0.1, 1)
case("average", [x], np.average(x, axis=0), axis=0)
case("average", [x, w], np.average(x, weights=w), axis=None)
case("average", [x, w[0]], np.average(x, axis=1, weights=w[0]), axis=1)
for axis in (None, 0, -1):
    for dtype in (f4, f8, i4, b1):
        x = some((3, 7), dtype, -2, 2)
        case("cumsum", [x], np.cumsum(x, axis=axis), axis=axis)
        if dtype != b1:
            case("cumprod", [x], np.cumprod(x, axis=axis), axis=axis)
    x = some((3, 7), f4)
    flat = x.ravel() if axis is None else x
    case("cummax", [x], np.maximum.accumulate(flat, axis=axis or 0), axis=axis)
    case("cummin", [x], np.minimum.accumulate(flat, axis=axis or 0), axis=axis)
    case("nancumsum", [gaps], np.nancumsum(gaps, axis=axis), axis=axis)
    case("logcumsumexp", [x.astype(f8) * 30], np.logaddexp.accumulate(flat.astype(f8) * 30, axis=axis or 0), axis=axis)
case("cumsum", [np.zeros((0, 3), f4)], np.zeros((0, 3), f4), axis=0)
v = some(5, f8)
case("cumulative_sum", [v], np.cumulative_sum(v, include_initial=True), axis=None, include_initial=True)
x = some((3, 5), i4)
case("cumulative_prod", [x], np.cumulative_prod(x, axis=1, include_initial=True), axis=1, include_initial=True)
for axis in (0, -1):
    for dtype in (f8, i4, b1):
        x = some((4, 5), dtype)
        for n in (0, 1, 2, 6):
            case("diff", [x], np.diff(x, n, axis), n=n, axis=axis)
x = some((4, 5), f4)
case("diff", [x, np.array(2, f4), x[:, :1]], np.diff(x, 1, -1, 2, x[:, :1]), n=1, axis=-1)
v = some(5, i4)
case("ediff1d", [v, np.array([7, 8], i4), np.array(-1, i4)], np.ediff1d(v, to_end=[7, 8], to_begin=-1))
x = some((4, 5), f8)
where = np.sort(some(5, f8))
for order in (1, 2):
    case("gradient", [x], list(np.gradient(x, edge_order=order)), axis=None, edge_order=order)
    case("gradient", [x, where], np.gradient(x, where, axis=1, edge_order=order), 1e-10, axis=1, edge_order=order)
case("gradient", [x, np.array(0.5)], np.gradient(x, 0.5, axis=-1), axis=-1, edge_order=1)
case("trapezoid", [x], np.trapezoid(x, dx=0.5, axis=0), dx=0.5, axis=0)
case("trapezoid", [x, where], np.trapezoid(x, where), dx=1.0, axis=-1)
x, y = some((3, 7), f8), some((2, 7), f8)
fw, aw = some(7, i4, 1, 3), some(7, f8, 0.5, 2)
case("cov", [x], np.cov(x))
case("cov", [x[0]], np.cov(x[0]))
case("cov", [x, y], np.cov(x, y, bias=True), bias=True)
case("cov", [x.T], np.cov(x.T, rowvar=False), rowvar=False)
case("cov_weighted", [x, fw, aw], np.cov(x, fweights=fw, aweights=aw))
case("corrcoef", [x], np.corrcoef(x))

# Counting.
v = some(20, i4, 0, 6)
w = some(20, f8)
case("bincount", [v], np.bincount(v), length=-1)
case("bincount", [v, w], np.bincount(v, w, 9), length=9)
x = some(50, f8)
for density in (False, True):
    case("histogram", [x], list(np.histogram(x, 7, density=density)), bins=7, density=density)
case("histogram", [x], list(np.histogram(x, 5, (-1.0, 2.0))), bins=5, range=[-1.0, 2.0], density=False)
edges = np.array([-2, -1, 0.5, 3.0])
case("histogram_edges", [x, edges], np.histogram(x, edges)[0])
p = some((40, 2), f8)
h, e = np.histogramdd(p, (3, 4), density=True)
case("histogramdd", [p], [h, *e], bins=[3, 4], density=True)
data, ids = some((9, 2), f8), np.array([0, 2, 2, 5, 1, -1, 0, 7, 2], i4)
for name, kind, start in (("sum", np.add, 0), ("prod", np.multiply, 1), ("max", np.maximum, -np.inf), ("min", np.minimum, np.inf)):
    out = np.full((6, 2), start, f8)
    good = (ids >= 0) & (ids < 6)
    kind.at(out, ids[good], data[good])
    case("segment_" + name, [data, ids], out, segments=6)

# Sorting and searching.
for dtype in (f4, f8, i4):
    for shape in ((0,), (1,), (13,), (64,)):
        a = np.sort(some(shape, dtype))
        v = some((3, 5), dtype, -4, 4)
        for side in ("left", "right"):
            case("searchsorted", [a, v], np.searchsorted(a, v, side), side=side)
a = np.array([1, 2, 2, np.nan, np.nan], f4)
v = np.array([np.nan, 2, 3, -np.inf, np.inf], f4)
for side in ("left", "right"):
    case("searchsorted", [a, v], np.searchsorted(a, v, side), side=side)
x = some(12, f4)
order = np.argsort(x).astype(i4)
bins = np.array([-2, -1, 0.5, 2], f4)
for right in (False, True):
    case("digitize", [x, bins], np.digitize(x, bins, right), right=right)
    case("digitize", [x, bins[::-1]], np.digitize(x, bins[::-1], right), right=right)
for invert in (False, True):
    x = some((3, 4), i4)
    case("isin", [x, np.array([1, 2, -3], i4)], np.isin(x, [1, 2, -3], invert=invert), invert=invert)
x = some((4, 7), f4)
for axis in (0, 1):
    order = np.argsort(-x, axis=axis, stable=True)
    order = order[:3] if axis == 0 else order[:, :3]
    case("top_k", [x], [np.take_along_axis(x, order, axis), order], k=3, axis=axis)
    case("take_along_axis", [x, order.astype(i4)], np.take_along_axis(x, order, axis), axis=axis)
    put = x.copy()
    np.put_along_axis(put, order, np.float32(9), axis)
    case("put_along_axis", [x, order.astype(i4), np.array(9, f4)], put, axis=axis)
a, b = some(20, i4, 0, 3), some(20, i4, 0, 3)
case("lexsort", [a, b], np.lexsort([a, b]))
for x in (some((5, 6), i4), np.array([np.nan, 1, np.nan, 0, 1], f4), some(9, b1), np.zeros((0,), f4)):
    u = np.unique_all(x)
    case("unique_all", [x], list(u), size=-1)
    case("unique", [x], np.unique(x), size=-1)
x = some((3, 4), i4, -1, 1)
case("nonzero", [x], list(np.nonzero(x)), size=-1)
case("argwhere", [x], np.argwhere(x), size=-1)
case("flatnonzero", [x], np.append(np.flatnonzero(x), [-1] * (15 - np.count_nonzero(x))), size=15, fill=-1)
c = np.array([True, False, True])
case("compress", [c, x], np.compress(c, x, 0), axis=0, size=-1)
case("compress", [c, x], np.concatenate([np.compress(c, x, 0), np.zeros((2, 4), i4)]), axis=0, size=4)
case("extract", [x > 0, x], np.extract(x > 0, x))
case("select", [x < 0, x > 0, x, x * 2], np.select([x < 0, x > 0], [x, x * 2], 7), default=7)
ch = np.array([0, 2, 1, 5, -2], i4)
ways = [some(5, i4) for _ in range(3)]
for mode in ("clip", "wrap"):
    case("choose", [ch, *ways], np.choose(ch, ways, mode=mode), mode=mode)

# Polynomials, signals, products.
p = some(5, f8)
x = some((2, 3), f8)
case("polyval", [p, x], np.polyval(p, x))
p = some(40, f8)
case("polyval", [p, x / 4], np.polyval(p, x / 4))
xp, fp = np.sort(some(7, f8)), some(7, f8)
x = some((3, 4), f8, -4, 4)
case("interp", [x, xp, fp], np.interp(x, xp, fp))
case("interp", [x, xp, fp], np.interp(x, xp, fp, left=9, right=8), left=9.0, right=8.0)
case("interp", [x, xp, fp], np.interp(x, xp, fp, period=2.5), period=2.5)
case("interp", [x, xp[:1], fp[:1]], np.interp(x, xp[:1], fp[:1]))
for n, m in ((1, 1), (5, 3), (3, 5), (4, 4), (11, 2), (2, 7)):
    for mode in ("full", "same", "valid"):
        for dtype in (f8, i4):
            a, v = some(n, dtype), some(m, dtype)
            case("convolve", [a, v], np.convolve(a, v, mode), mode=mode)
            case("correlate", [a, v], np.correlate(a, v, mode), mode=mode)
a, b = some((2, 3, 4), f8), some((5, 4), f8)
case("inner", [a, b], np.inner(a, b))
case("kron", [a, b], np.kron(a, b))
a, b = some((4, 3), f8), some(3, f8)
case("cross", [a, b], np.cross(a, b))
case("cross", [a.T, b], np.cross(a.T, b, axisa=0, axisc=0), axisa=0, axisb=-1, axisc=0)
a, v = some((2, 3, 4), f8), some((2, 4), f8)
case("matvec", [a, v], np.matvec(a, v))
v = some((2, 3), f8)
case("vecmat", [v, a], np.vecmat(v, a))
case("vecdot", [a, a[0]], np.vecdot(a, a[0]))
for equation, shapes in {"ij,jk,kl->il": [(2, 3), (3, 4), (4, 5)], "i,ij,j": [(3,), (3, 4), (4,)],
                         "ab,bc,cd,de->ea": [(2, 3), (3, 5), (5, 2), (2, 4)], "ij,ij,jk->k": [(2, 3), (2, 3), (3, 4)]}.items():
    operands = [some(s, f8) for s in shapes]
    case("einsum", operands, np.einsum(equation, *operands), equation=equation)
x = some((3, 4, 5), f8)
for order in (None, 1, 2, 0, 3, -1, "inf", "-inf"):
    number = float(order) if isinstance(order, str) else order
    case("norm", [x], np.linalg.norm(x, number, axis=1), ord=order, axis=1, keepdims=False)
for order in (None, 1, -1, "inf", "-inf", "fro"):
    number = float(order) if order in ("inf", "-inf") else order
    case("norm", [x], np.linalg.norm(x, number, axis=(2, 0), keepdims=True), ord=order, axis=[2, 0], keepdims=True)
case("norm", [x], np.linalg.norm(x), ord=None, axis=None, keepdims=False)
case("vector_norm", [x], np.linalg.vector_norm(x, axis=(0, 2), ord=3), axis=[0, 2], ord=3.0)
case("matrix_norm", [x], np.linalg.matrix_norm(x))
m = some((2, 3, 3), f8)
for power in (0, 1, 2, 5):
    case("matrix_power", [m], np.linalg.matrix_power(m, power), power=power)

path = pathlib.Path(__file__).with_name("numpy.json")
lines = ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases)
path.write_text("[\n" + lines + "\n]\n")
print(len(cases), "cases,", path.stat().st_size, "bytes,", len({c["call"] for c in cases}), "functions")
