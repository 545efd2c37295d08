// Reductions.
#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"

#include <limits>

namespace skein {

using namespace detail;
using Where = std::source_location;

namespace {

/// Which dimensions a reduction takes, sorted.
std::vector<std::int64_t> dims_of(const Array& x, const AxisList& axis) {
  std::int64_t rank = x.ndim();
  std::vector<std::int64_t> dims;
  if (!axis.given())
    for (std::int64_t i = 0; i < rank; ++i) dims.push_back(i);
  for (std::int64_t a : axis.axes()) {
    std::int64_t dim = normal_axis(a, rank, x);
    if (std::find(dims.begin(), dims.end(), dim) != dims.end()) fail("axis " + std::to_string(a) + " is named twice");
    dims.push_back(dim);
  }
  std::sort(dims.begin(), dims.end());
  return dims;
}

std::int64_t count_of(const Array& x, const std::vector<std::int64_t>& dims) {
  std::int64_t count = 1;
  for (std::int64_t dim : dims) count *= x.shape()[static_cast<std::size_t>(dim)];
  return count;
}

Array keep(const Array& result, const Shape& shape, const std::vector<std::int64_t>& dims, bool keepdims) {
  if (!keepdims || dims.empty()) return result;
  Shape kept = shape;
  for (std::int64_t dim : dims) kept[static_cast<std::size_t>(dim)] = 1;
  return emit("reshape", {result}, {{"shape", kept.to_vector()}});
}

Array masked(const Array& x, const Array& mask, const Array& neutral) {
  Shape shape = x.shape();
  Array bits = is_bool(mask.dtype()) ? mask : emit("convert", {mask}, {{"dtype", bool_}});
  return emit("select", {expand(bits, shape), x, expand(cast(neutral, x.dtype()), shape)});
}

/// Runs a reduction's builder with the dimensions, `where` being the second operand if there is one.
template <class Build>
Array reduction(const char* name, const Array& x, const AxisList& axis, bool keepdims, std::optional<DType> dtype,
                const Array& mask, Where at, Key extra, Build&& build) {
  Call call(name, at);
  impl_of(x);
  std::vector<std::int64_t> dims = dims_of(x, axis);
  Key key(dims, keepdims, dtype ? static_cast<int>(*dtype) : -1, extra.bytes());
  std::vector<Array> operands{x};
  if (!mask.empty()) {
    operands.push_back(mask);
    Shape both = broadcast_shapes(operands);
    if (!(both == x.shape())) fail("where, " + describe(mask) + ", does not broadcast to the array, " + describe(x));
  }
  auto all = [&](std::span<const Array> in) {
    Array result = build(in[0], in.size() > 1 ? in[1] : Array(), dims);
    return std::vector<Array>{
        with_weak(keep(result, in[0].shape(), dims, keepdims), x.weak() && !dtype && !is_bool(result.dtype()))};
  };
  return staged_all(name, operands, key, all)[0];
}

Array reduce(const char* op, const Array& x, const std::vector<std::int64_t>& dims) {
  return dims.empty() ? x : emit(op, {x}, {{"dims", dims}});
}

/// The dtype in which sums are formed: bool and narrow integers in 32 bits.
DType sum_dtype(DType d) {
  if (is_bool(d) || (is_signed_integer(d) && itemsize(d) < 4)) return int32;
  if (is_unsigned(d) && itemsize(d) < 4) return uint32;
  return d;
}
bool is_half(DType d) { return d == float16 || d == bfloat16; }
DType mean_dtype(DType d) { return is_floating(d) || is_complex(d) ? d : float32; }

Array total(const char* op, double neutral, Array x, const Array& mask, const std::vector<std::int64_t>& dims,
            DType result) {
  DType work = is_half(result) ? float32 : result;
  x = cast(x, work);
  if (!mask.empty()) x = masked(x, mask, neutral);
  return cast(reduce(op, x, dims), result);
}

Array extreme(const char* name, const char* op, bool greatest, const Array& x, const ReduceOptions& o, Where at) {
  return reduction(
      name, x, o.axis, o.keepdims, o.dtype, o.where, at, {}, [&](Array v, const Array& mask, const auto& dims) {
        if (o.dtype) v = cast(v, *o.dtype);
        if (count_of(v, dims) == 0 && !dims.empty() && v.size() == 0) {
          Shape rest;
          for (std::size_t i = 0; i < v.shape().size(); ++i)
            if (std::find(dims.begin(), dims.end(), static_cast<std::int64_t>(i)) == dims.end())
              rest.push_back(v.shape()[i]);
          if (rest.volume() != 0)
            fail("the array, " + describe(v) + ", has no elements along the axis: there is no " +
                 (greatest ? "greatest" : "least"));
        }
        if (!mask.empty()) {
          DType d = v.dtype();
          Array least;
          if (is_floating(d))
            least =
                Array(greatest ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity());
          else if (is_bool(d))
            least = Array(!greatest);
          else if (is_unsigned(d))
            least = greatest ? Array(0) : Array(~std::uint64_t{0});
          else
            least = Array(greatest ? INT64_MIN >> (64 - 8 * itemsize(d)) : INT64_MAX >> (64 - 8 * itemsize(d)));
          v = masked(v, mask, least);
        }
        return reduce(op, v, dims);
      });
}

Array truth(const char* name, const char* op, bool neutral, const Array& x, const ReduceOptions& o, Where at) {
  return reduction(name, x, o.axis, o.keepdims, {}, o.where, at, {}, [&](Array v, const Array& mask, const auto& dims) {
    v = cast(v, bool_);
    if (!mask.empty()) v = masked(v, mask, neutral);
    return reduce(op, v, dims);
  });
}

Array extreme_index(const char* name, const Array& x, const ReduceOptions& o, Where at) {
  Call call(name, at);
  impl_of(x);
  if (!o.where.empty() || o.dtype) fail("takes .axis and .keepdims only");
  if (o.axis.given() && o.axis.axes().size() != 1) fail("works along one axis, or over the flattened array");
  Key key(o.axis.given() ? o.axis.axes()[0] : std::int64_t{-100}, o.keepdims);
  return staged(name, {x}, key, [&](std::span<const Array> in) {
    Array v = in[0];
    Shape shape = v.shape();
    std::int64_t dim = 0;
    if (o.axis.given())
      dim = normal_axis(o.axis.axes()[0], v.ndim(), v);
    else
      v = emit("reshape", {v}, {{"shape", std::vector<std::int64_t>{v.size()}}});
    Array result = emit(name, {v}, {{"dims", std::vector<std::int64_t>{dim}}});
    if (!o.keepdims) return result;
    if (o.axis.given())
      shape[static_cast<std::size_t>(dim)] = 1;
    else
      shape = Shape::filled(shape.size(), 1);
    return emit("reshape", {result}, {{"shape", shape.to_vector()}});
  });
}

/// How many elements take part: known, or counted where there is a mask; in the mean's dtype.
Array taking_part(const Array& like, const Array& mask, const Shape& shape, const std::vector<std::int64_t>& dims,
                  std::int64_t known) {
  if (mask.empty()) return expand(cast(Array(static_cast<double>(known)), like.dtype()), like.shape());
  Array bits = expand(cast(mask, bool_), shape);
  return cast(reduce("reduce_sum", cast(bits, int32), dims), like.dtype());
}

}  // namespace

Array sum(const Array& x, const ReduceOptions& o, Where at) {
  return reduction("sum", x, o.axis, o.keepdims, o.dtype, o.where, at, {},
                   [&](Array v, const Array& mask, const auto& dims) {
                     return total("reduce_sum", 0, v, mask, dims, o.dtype ? *o.dtype : sum_dtype(v.dtype()));
                   });
}
Array prod(const Array& x, const ReduceOptions& o, Where at) {
  return reduction("prod", x, o.axis, o.keepdims, o.dtype, o.where, at, {},
                   [&](Array v, const Array& mask, const auto& dims) {
                     return total("reduce_prod", 1, v, mask, dims, o.dtype ? *o.dtype : sum_dtype(v.dtype()));
                   });
}
Array max(const Array& x, const ReduceOptions& o, Where at) { return extreme("max", "reduce_max", true, x, o, at); }
Array min(const Array& x, const ReduceOptions& o, Where at) { return extreme("min", "reduce_min", false, x, o, at); }

Array mean(const Array& x, const ReduceOptions& o, Where at) {
  return reduction("mean", x, o.axis, o.keepdims, o.dtype, o.where, at, {},
                   [&](Array v, const Array& mask, const auto& dims) {
                     DType result = o.dtype ? *o.dtype : mean_dtype(v.dtype());
                     DType work = is_half(result) ? float32 : result;
                     std::int64_t n = count_of(v, dims);
                     Array s = total("reduce_sum", 0, v, mask, dims, work);
                     return cast(emit("div", {s, taking_part(s, mask, v.shape(), dims, n)}), result);
                   });
}

static Array variance(const char* name, const Array& x, const VarOptions& o, Where at, bool root) {
  return reduction(
      name, x, o.axis, o.keepdims, o.dtype, o.where, at, Key(o.ddof),
      [&](Array v, const Array& mask, const auto& dims) {
        DType result = o.dtype ? *o.dtype : real_dtype(mean_dtype(v.dtype()));
        DType given = mean_dtype(v.dtype());
        std::int64_t n = count_of(v, dims);
        Array m2;
        if (mask.empty() && !is_complex(given)) {
          v = cast(v, is_half(result) ? float32 : is_floating(result) ? result : given);
          m2 = dims.empty() ? emit("sub", {v, v}) : emit_all("moments", std::span(&v, 1), {{"dims", dims}})[1];
        } else {
          v = cast(v, is_half(given) ? float32 : given);
          Array s = total("reduce_sum", 0, v, mask, dims, v.dtype());
          Array mean = emit("div", {s, taking_part(s, mask, v.shape(), dims, n)});
          Shape kept = v.shape();
          for (std::int64_t dim : dims) kept[static_cast<std::size_t>(dim)] = 1;
          Array d = emit("sub", {v, expand(emit("reshape", {mean}, {{"shape", kept.to_vector()}}), v.shape())});
          Array d2 = is_complex(v.dtype()) ? emit("real", {emit("mul", {d, emit("conj", {d})})}) : emit("mul", {d, d});
          m2 = total("reduce_sum", 0, d2, mask, dims, d2.dtype());
        }
        Array count = taking_part(m2, mask, v.shape(), dims, n);
        if (o.ddof != 0) count = emit("sub", {count, expand(cast(Array(o.ddof), count.dtype()), count.shape())});
        Array result_value = emit("div", {m2, count});
        return cast(root ? emit("sqrt", {result_value}) : result_value, result);
      });
}
Array var(const Array& x, const VarOptions& o, Where at) { return variance("var", x, o, at, false); }
Array std(const Array& x, const VarOptions& o, Where at) { return variance("std", x, o, at, true); }

Array any(const Array& x, const ReduceOptions& o, Where at) { return truth("any", "reduce_or", false, x, o, at); }
Array AllType::operator()(const Array& x, Where at) const { return truth("all", "reduce_and", true, x, {}, at); }
Array AllType::operator()(const Array& x, const ReduceOptions& o, Where at) const {
  return truth("all", "reduce_and", true, x, o, at);
}
Array count_nonzero(const Array& x, const ReduceOptions& o, Where at) {
  Call call("count_nonzero", at);
  ReduceOptions options = o;
  if (!options.dtype) options.dtype = int32;
  return sum(cast(x, bool_), options, at);
}
Array argmax(const Array& x, const ReduceOptions& o, Where at) { return extreme_index("argmax", x, o, at); }
Array argmin(const Array& x, const ReduceOptions& o, Where at) { return extreme_index("argmin", x, o, at); }

}  // namespace skein
