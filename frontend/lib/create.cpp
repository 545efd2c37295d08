// Arrays from nothing: filled at once outside a trace, constants and counters inside one.
#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"

#include <cmath>
#include <cstring>

namespace skein {

using namespace detail;
using Where = std::source_location;

namespace {

void check_shape(const Shape& shape) {
  for (std::int64_t dim : shape)
    if (dim < 0) fail("a shape has no negative sizes; this is " + to_string(shape));
}

/// One number everywhere.
Array filled(const Shape& shape, const Literal& number, DType dtype) {
  check_shape(shape);
  if (tracing()) return emit_splat(shape, make_literal(number, dtype, false), dtype);
  ArrayImpl* impl = make_concrete(dtype, shape);
  Array result(impl);
  std::byte element[16];
  store(number, dtype, element);
  std::size_t size = itemsize(dtype), total = static_cast<std::size_t>(impl->bytes());
  auto* to = static_cast<std::byte*>(impl->data);
  bool zero = true;
  for (std::size_t i = 0; i < size; ++i) zero = zero && element[i] == std::byte{0};
  if (zero) {
    std::memset(to, 0, total);
  } else if (total) {
    // Doubling copies run at memory speed for every size of element.
    std::memcpy(to, element, size);
    for (std::size_t done = size; done < total; done *= 2) std::memcpy(to + done, to, std::min(done, total - done));
  }
  return result;
}

Literal real(double value) { return {Literal::Kind::real, 0, value}; }
Literal integer(std::int64_t value) { return {Literal::Kind::signed_integer, value}; }

/// start + i * step, in the dtype.
Array counted(std::int64_t count, double start, double step, DType dtype) {
  bool whole = is_integer(dtype) || is_bool(dtype);
  if (tracing()) {
    DType work = whole ? (is_bool(dtype) ? int32 : dtype) : dtype;
    if (is_complex(work)) work = real_dtype(work);
    Array i = emit_iota({count}, whole ? work : work == float16 || work == bfloat16 ? float32 : work, 0);
    if (step != 1) i = i * (whole ? Array(static_cast<std::int64_t>(step)) : Array(step));
    if (start != 0) i = i + (whole ? Array(static_cast<std::int64_t>(start)) : Array(start));
    return cast(i, dtype);
  }
  ArrayImpl* impl = make_concrete(dtype, {count});
  Array result(impl);
  auto* to = static_cast<std::byte*>(impl->data);
  if (dtype == int32) {
    auto first = static_cast<std::int64_t>(start), by = static_cast<std::int64_t>(step);
    for (std::int64_t i = 0; i < count; ++i)
      reinterpret_cast<std::int32_t*>(to)[i] = static_cast<std::int32_t>(first + i * by);
  } else if (dtype == float32) {
    for (std::int64_t i = 0; i < count; ++i)
      reinterpret_cast<float*>(to)[i] = static_cast<float>(start + static_cast<double>(i) * step);
  } else {
    std::size_t size = itemsize(dtype);
    for (std::int64_t i = 0; i < count; ++i)
      store(whole ? integer(static_cast<std::int64_t>(start) + i * static_cast<std::int64_t>(step))
                  : real(start + static_cast<double>(i) * step),
            dtype, to + static_cast<std::size_t>(i) * size);
  }
  return result;
}

}  // namespace

Array zeros(const Shape& shape, DType dtype, Where at) {
  Call call("zeros", at);
  return filled(shape, integer(0), dtype);
}
Array ones(const Shape& shape, DType dtype, Where at) {
  Call call("ones", at);
  return filled(shape, integer(1), dtype);
}
Array full(const Shape& shape, const Array& value, std::optional<DType> dtype, Where at) {
  Call call("full", at);
  ArrayImpl* impl = impl_of(value);
  DType wanted = dtype.value_or(impl->dtype);
  if (impl->literal.kind != Literal::Kind::none) return filled(shape, impl->literal, wanted);
  check_shape(shape);
  return broadcast_to(cast(value, wanted), shape);
}
Array zeros_like(const Array& x, Where at) {
  Call call("zeros_like", at);
  return zeros(impl_of(x)->shape, x.dtype());
}
Array ones_like(const Array& x, Where at) {
  Call call("ones_like", at);
  return ones(impl_of(x)->shape, x.dtype());
}
Array full_like(const Array& x, const Array& value, Where at) {
  Call call("full_like", at);
  return full(impl_of(x)->shape, value, x.dtype());
}

Array eye(std::int64_t rows, DType dtype, Where at) {
  Call call("eye", at);
  check_shape({rows});
  if (tracing()) return cast(emit("eq", {emit_iota({rows, rows}, int32, 0), emit_iota({rows, rows}, int32, 1)}), dtype);
  Array result = filled({rows, rows}, integer(0), dtype);
  std::size_t size = itemsize(dtype);
  for (std::int64_t i = 0; i < rows; ++i)
    store(integer(1), dtype,
          static_cast<std::byte*>(result.impl()->data) + static_cast<std::size_t>(i * (rows + 1)) * size);
  return result;
}

Array detail::arange(double start, double stop, double step, DType dtype, Where at) {
  Call call("arange", at);
  if (step == 0 || !std::isfinite(start) || !std::isfinite(stop) || !std::isfinite(step))
    fail("the step is not 0, and bounds and step are finite");
  double count = std::ceil((stop - start) / step);
  return counted(count > 0 ? static_cast<std::int64_t>(count) : 0, start, step, dtype);
}

Array linspace(double start, double stop, std::int64_t count, DType dtype, Where at) {
  Call call("linspace", at);
  check_shape({count});
  if (count == 1) return filled({1}, real(start), dtype);
  if (!is_floating(dtype)) return cast(linspace(start, stop, count, float64, at), dtype);
  double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
  Array inside = counted(count, start, step, dtype);
  if (!tracing()) {
    // The last one is exact.
    if (count > 1)
      store(real(stop), dtype,
            static_cast<std::byte*>(inside.impl()->data) + static_cast<std::size_t>(count - 1) * itemsize(dtype));
    return inside;
  }
  return where(emit_iota({count}, int32, 0) == count - 1, cast(Array(stop), dtype), inside);
}

}  // namespace skein
