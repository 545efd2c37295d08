#pragma once
// Functions over arrays with NumPy's names. Each works on concrete arrays at once and inside a trace builds the
// program. Operands broadcast as NumPy's and promote as JAX's; a UserError names op, types and the caller's line.

#include <skein/array.h>

#include <string_view>

namespace skein {

/// Which dimensions: one, several, or (default, none) all. Negative ones count from the end.
class AxisList {
 public:
  AxisList() = default;
  AxisList(NoneType) {}
  template <std::integral T>
  AxisList(T axis) : axes_{static_cast<std::int64_t>(axis)}, given_(true) {}
  AxisList(std::initializer_list<std::int64_t> axes) : axes_(axes), given_(true) {}
  AxisList(const std::vector<std::int64_t>& axes) : axes_(axes), given_(true) {}
  AxisList(const std::vector<int>& axes) : axes_(axes.begin(), axes.end()), given_(true) {}
  bool given() const { return given_; }
  const std::vector<std::int64_t>& axes() const { return axes_; }

 private:
  std::vector<std::int64_t> axes_;
  bool given_ = false;
};

#define SKEIN_WHERE std::source_location = std::source_location::current()

// ---- elementwise, one operand ----
// Functions of real analysis make integers float32; integers keep their dtype in abs, sign, floor and their like.
// clang-format off
#define SKEIN_UNARY(name) SKEIN_API Array name(const Array&, SKEIN_WHERE);
SKEIN_UNARY(exp) SKEIN_UNARY(exp2) SKEIN_UNARY(expm1) SKEIN_UNARY(log) SKEIN_UNARY(log2) SKEIN_UNARY(log10)
SKEIN_UNARY(log1p)
SKEIN_UNARY(sqrt) SKEIN_UNARY(rsqrt) SKEIN_UNARY(cbrt) SKEIN_UNARY(square) SKEIN_UNARY(reciprocal)
SKEIN_UNARY(sin) SKEIN_UNARY(cos) SKEIN_UNARY(tan) SKEIN_UNARY(arcsin) SKEIN_UNARY(arccos) SKEIN_UNARY(arctan)
SKEIN_UNARY(sinh) SKEIN_UNARY(cosh) SKEIN_UNARY(tanh) SKEIN_UNARY(arcsinh) SKEIN_UNARY(arccosh) SKEIN_UNARY(arctanh)
SKEIN_UNARY(erf) SKEIN_UNARY(erfc) SKEIN_UNARY(erfinv) SKEIN_UNARY(lgamma) SKEIN_UNARY(digamma) SKEIN_UNARY(sigmoid)
SKEIN_UNARY(abs) SKEIN_UNARY(sign) SKEIN_UNARY(negative) SKEIN_UNARY(positive)
SKEIN_UNARY(floor) SKEIN_UNARY(ceil) SKEIN_UNARY(trunc) SKEIN_UNARY(round)  // round: halves to even
SKEIN_UNARY(isnan) SKEIN_UNARY(isinf) SKEIN_UNARY(isfinite) SKEIN_UNARY(logical_not)
SKEIN_UNARY(bitwise_not) SKEIN_UNARY(population_count) SKEIN_UNARY(count_leading_zeros)
SKEIN_UNARY(real) SKEIN_UNARY(imag) SKEIN_UNARY(conj) SKEIN_UNARY(deg2rad) SKEIN_UNARY(rad2deg)
#undef SKEIN_UNARY

// ---- elementwise, two operands ----
#define SKEIN_BINARY(name) SKEIN_API Array name(const Array&, const Array&, SKEIN_WHERE);
SKEIN_BINARY(add) SKEIN_BINARY(subtract) SKEIN_BINARY(multiply)
SKEIN_BINARY(divide)        // true division: of integers float32
SKEIN_BINARY(floor_divide)  // towards minus infinity
SKEIN_BINARY(remainder)     // the divisor's sign
SKEIN_BINARY(fmod)          // the dividend's sign
SKEIN_BINARY(power)         // of integers integer: exponents are not negative
SKEIN_BINARY(arctan2) SKEIN_BINARY(hypot) SKEIN_BINARY(nextafter) SKEIN_BINARY(copysign) SKEIN_BINARY(logaddexp)
SKEIN_BINARY(maximum) SKEIN_BINARY(minimum)  // NaN if either is
SKEIN_BINARY(logical_and) SKEIN_BINARY(logical_or) SKEIN_BINARY(logical_xor)
SKEIN_BINARY(bitwise_and) SKEIN_BINARY(bitwise_or) SKEIN_BINARY(bitwise_xor) SKEIN_BINARY(left_shift)
SKEIN_BINARY(right_shift)
SKEIN_BINARY(right_shift_logical)  // zeros come in from the left, for signed integers too
SKEIN_BINARY(equal) SKEIN_BINARY(not_equal) SKEIN_BINARY(less) SKEIN_BINARY(less_equal) SKEIN_BINARY(greater)
SKEIN_BINARY(greater_equal);
#undef SKEIN_BINARY
// clang-format on

/// `a` where the condition (bool, or != 0) holds, else `b`.
SKEIN_API Array where(const Array& condition, const Array& a, const Array& b, SKEIN_WHERE);
/// minimum(maximum(x, low), high).
SKEIN_API Array clip(const Array& x, const Array& low, const Array& high, SKEIN_WHERE);
/// a + b i, of float32 or float64.
SKEIN_API Array complex(const Array& real, const Array& imag, SKEIN_WHERE);
/// The same bits in another dtype of the same size.
SKEIN_API Array bitcast(const Array&, DType, SKEIN_WHERE);

// ---- reductions ----
struct ReduceOptions {
  AxisList axis = {};
  bool keepdims = false;
  std::optional<DType> dtype = {};  // of the sum and of the result
  Array where = {};                 // bool: what takes part
};
struct VarOptions {
  AxisList axis = {};
  bool keepdims = false;
  std::optional<DType> dtype = {};
  Array where = {};
  double ddof = 0;  // divides by n - ddof
};
/// bool and integers narrower than 32 bits sum in int32 (uint32); float16 and bfloat16 accumulate in float32.
SKEIN_API Array sum(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array prod(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
/// NaN if any element is. Of nothing at all: a UserError.
SKEIN_API Array max(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array min(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
/// Of integers float32.
SKEIN_API Array mean(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array var(const Array&, const VarOptions& = {}, SKEIN_WHERE);
SKEIN_API Array std(const Array&, const VarOptions& = {}, SKEIN_WHERE);
SKEIN_API Array any(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array count_nonzero(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
/// Along one axis, or of the flattened array: the first index of the greatest (least) element, NaN being the greatest.
SKEIN_API Array argmax(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array argmin(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);

// ---- shape ----
/// One size may be -1: what is left.
SKEIN_API Array reshape(const Array&, const Shape& shape, SKEIN_WHERE);
SKEIN_API Array ravel(const Array&, SKEIN_WHERE);
/// Dimension i of the result is dimension axes[i]; without axes their order is reversed.
SKEIN_API Array transpose(const Array&, const AxisList& axes = {}, SKEIN_WHERE);
SKEIN_API Array swapaxes(const Array&, int a, int b, SKEIN_WHERE);
SKEIN_API Array moveaxis(const Array&, int source, int destination, SKEIN_WHERE);
SKEIN_API Array broadcast_to(const Array&, const Shape& shape, SKEIN_WHERE);
/// New dimensions of size 1 at these places of the result.
SKEIN_API Array expand_dims(const Array&, const AxisList& axes, SKEIN_WHERE);
/// Without the given dimensions of size 1, or without all such.
SKEIN_API Array squeeze(const Array&, const AxisList& axes = {}, SKEIN_WHERE);
struct AxisOptions {
  int axis = 0;
};
SKEIN_API Array concatenate(const std::vector<Array>&, AxisOptions = {}, SKEIN_WHERE);
/// Arrays of one shape along a new dimension.
SKEIN_API Array stack(const std::vector<Array>&, AxisOptions = {}, SKEIN_WHERE);
/// Reversed along the given dimensions, or all.
SKEIN_API Array flip(const Array&, const AxisList& axes = {}, SKEIN_WHERE);
struct RollOptions {
  AxisList axis = {};
};
/// Elements move by `shift` places and come in again at the other end; without an axis through the flattened array.
SKEIN_API Array roll(const Array&, std::int64_t shift, const RollOptions& = {}, SKEIN_WHERE);
struct PadOptions {
  Array value = 0;
};
/// `widths[i]`: how many elements of `value` go before and after dimension i; one pair stands for all dimensions.
SKEIN_API Array pad(const Array&, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths,
                    const PadOptions& = {}, SKEIN_WHERE);
/// Dimension `axis` repeated as a whole, or each element in place.
SKEIN_API Array tile(const Array&, const Shape& repetitions, SKEIN_WHERE);
SKEIN_API Array repeat(const Array&, std::int64_t count, AxisOptions = {}, SKEIN_WHERE);
/// Parts of equal size along an axis.
SKEIN_API std::vector<Array> split(const Array&, std::int64_t parts, AxisOptions = {}, SKEIN_WHERE);
/// x's slices at integer indices along an axis; out of range ones clamp.
SKEIN_API Array take(const Array&, const Array& indices, AxisOptions = {}, SKEIN_WHERE);
/// A window of static size; starts (one integer scalar for each dimension) are clamped so that it lies inside.
SKEIN_API Array dynamic_slice(const Array&, const std::vector<Array>& starts, const Shape& sizes, SKEIN_WHERE);
SKEIN_API Array dynamic_update_slice(const Array&, const Array& update, const std::vector<Array>& starts, SKEIN_WHERE);

// ---- contractions ----
/// NumPy's matmul: the last two dimensions are matrices, the others broadcast; a vector is a row or a column.
SKEIN_API Array matmul(const Array&, const Array&, SKEIN_WHERE);
SKEIN_API Array dot(const Array&, const Array&, SKEIN_WHERE);
SKEIN_API Array vdot(const Array&, const Array&, SKEIN_WHERE);
SKEIN_API Array outer(const Array&, const Array&, SKEIN_WHERE);
/// Contracts the last `axes` dimensions of a with the first of b.
SKEIN_API Array tensordot(const Array&, const Array&, int axes = 2, SKEIN_WHERE);
/// The dimensions named in `axes_a` and `axes_b` are contracted with each other.
SKEIN_API Array tensordot(const Array&, const Array&, const AxisList& axes_a, const AxisList& axes_b, SKEIN_WHERE);
/// "ij,jk->ik"; without an arrow the letters that come once, sorted. One or two operands.
SKEIN_API Array einsum(std::string_view equation, const Array&, SKEIN_WHERE);
SKEIN_API Array einsum(std::string_view equation, const Array&, const Array&, SKEIN_WHERE);

// ---- sorting ----
struct SortOptions {
  int axis = -1;
  bool descending = false;
};
/// Stable, NaN last.
SKEIN_API Array sort(const Array&, SortOptions = {}, SKEIN_WHERE);
SKEIN_API Array argsort(const Array&, SortOptions = {}, SKEIN_WHERE);

}  // namespace skein
