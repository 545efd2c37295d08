// Elementwise functions and operators.
#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"

#include <cmath>
#include <limits>

namespace skein {
namespace detail {

Joined join_operands(std::initializer_list<Array> operands, Want want) {
  Joined joined{operands, bool_, false};
  auto* first = impl_of(joined.operands[0]);
  joined.dtype = first->dtype, joined.weak = first->weak;
  for (std::size_t i = 1; i < joined.operands.size(); ++i) {
    auto* next = impl_of(joined.operands[i]);
    std::tie(joined.dtype, joined.weak) = promote(joined.dtype, joined.weak, next->dtype, next->weak);
  }
  if (want == Want::inexact && !is_floating(joined.dtype) && !is_complex(joined.dtype)) joined.dtype = float32;
  if (want == Want::number && is_bool(joined.dtype)) joined.dtype = int32;
  for (Array& operand : joined.operands)
    if (operand.impl()->literal.kind != Literal::Kind::none) operand = cast(operand, joined.dtype);
  return joined;
}

Array expand(const Array& array, const Shape& shape) {
  const Shape& have = array.shape();
  if (have == shape) return array;
  std::vector<std::int64_t> dims;
  for (std::size_t i = 0; i < have.size(); ++i)
    dims.push_back(static_cast<std::int64_t>(shape.size() - have.size() + i));
  return emit("broadcast", {array}, {{"shape", shape.to_vector()}, {"dims", dims}});
}

std::vector<Array> align(std::span<const Array> operands, DType dtype) {
  std::vector<Array> aligned;
  Shape shape = operands.size() == 1 ? operands[0].shape() : broadcast_shapes(operands);
  for (const Array& operand : operands) aligned.push_back(expand(cast(operand, dtype), shape));
  return aligned;
}

}  // namespace detail

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

// ---- one operand ----

namespace {
Array unary(const char* name, const char* op, const Array& x, Where at, Want want = Want::any) {
  Call call(name, at);
  return elementwise(name, {x}, want, [&](In in) { return emit(op, {in[0]}); });
}
/// Of integers and bool the value itself.
Array rounding(const char* name, const char* op, const Array& x, Where at) {
  Call call(name, at);
  if (!is_floating(impl_of(x)->dtype)) return x;
  return unary(name, op, x, at);
}
Array to_bool(const Array& x) { return is_bool(x.dtype()) ? x : emit("convert", {x}, {{"dtype", bool_}}); }
Array constant_like(const Array& x, double value) { return expand(cast(Array(value), x.dtype()), x.shape()); }
}  // namespace

// clang-format off
#define INEXACT(name, op) Array name(const Array& x, Where at) { return unary(#name, op, x, at, Want::inexact); }
INEXACT(exp, "exp") INEXACT(exp2, "exp2") INEXACT(expm1, "expm1") INEXACT(log, "log") INEXACT(log2, "log2")
INEXACT(log10, "log10") INEXACT(log1p, "log1p")
INEXACT(sqrt, "sqrt") INEXACT(rsqrt, "rsqrt") INEXACT(cbrt, "cbrt") INEXACT(sin, "sin") INEXACT(cos, "cos")
INEXACT(tan, "tan")
INEXACT(arcsin, "asin") INEXACT(arccos, "acos") INEXACT(arctan, "atan") INEXACT(sinh, "sinh") INEXACT(cosh, "cosh")
INEXACT(tanh, "tanh")
INEXACT(arcsinh, "asinh") INEXACT(arccosh, "acosh") INEXACT(arctanh, "atanh") INEXACT(erf, "erf") INEXACT(erfc, "erfc")
INEXACT(erfinv, "erf_inv")
INEXACT(lgamma, "lgamma") INEXACT(digamma, "digamma") INEXACT(sigmoid, "logistic");
#undef INEXACT
// clang-format on

Array square(const Array& x, Where at) {
  Call call("square", at);
  return elementwise("square", {x}, Want::any, [](In in) { return emit("mul", {in[0], in[0]}); });
}
Array reciprocal(const Array& x, Where at) {
  Call call("reciprocal", at);
  return elementwise("reciprocal", {x}, Want::inexact,
                     [](In in) { return emit("div", {constant_like(in[0], 1), in[0]}); });
}
Array abs(const Array& x, Where at) {
  Call call("abs", at);
  DType dtype = impl_of(x)->dtype;
  return is_bool(dtype) || is_unsigned(dtype) ? x : unary("abs", "abs", x, at);
}
Array sign(const Array& x, Where at) { return unary("sign", "sign", x, at); }
Array negative(const Array& x, Where at) { return unary("negative", "neg", x, at); }
Array positive(const Array& x, Where at) {
  Call call("positive", at);
  check_usable(x);
  return x;
}
Array floor(const Array& x, Where at) { return rounding("floor", "floor", x, at); }
Array ceil(const Array& x, Where at) { return rounding("ceil", "ceil", x, at); }
Array trunc(const Array& x, Where at) { return rounding("trunc", "trunc", x, at); }
Array round(const Array& x, Where at) { return rounding("round", "round_even", x, at); }

namespace {
bool exact(const Array& x) { return !is_floating(impl_of(x)->dtype) && !is_complex(impl_of(x)->dtype); }
}  // namespace
Array isnan(const Array& x, Where at) {
  Call call("isnan", at);
  if (exact(x)) return zeros(x.shape(), bool_);
  return elementwise("isnan", {x}, Want::any, [](In in) { return emit("ne", {in[0], in[0]}); }, false);
}
Array isinf(const Array& x, Where at) {
  Call call("isinf", at);
  if (exact(x)) return zeros(x.shape(), bool_);
  return elementwise(
      "isinf", {x}, Want::any,
      [](In in) {
        Array size = emit("abs", {in[0]});
        return emit("eq", {size, constant_like(size, std::numeric_limits<double>::infinity())});
      },
      false);
}
Array isfinite(const Array& x, Where at) {
  Call call("isfinite", at);
  if (exact(x)) return ones(x.shape(), bool_);
  return elementwise("isfinite", {x}, Want::any, [](In in) { return emit("is_finite", {in[0]}); }, false);
}
Array logical_not(const Array& x, Where at) {
  Call call("logical_not", at);
  return elementwise("logical_not", {x}, Want::any, [](In in) { return emit("not", {to_bool(in[0])}); }, false);
}
Array bitwise_not(const Array& x, Where at) { return unary("bitwise_not", "not", x, at); }
Array population_count(const Array& x, Where at) { return unary("population_count", "popcnt", x, at); }
Array count_leading_zeros(const Array& x, Where at) { return unary("count_leading_zeros", "clz", x, at); }
Array real(const Array& x, Where at) {
  Call call("real", at);
  return is_complex(impl_of(x)->dtype) ? unary("real", "real", x, at) : x;
}
Array imag(const Array& x, Where at) {
  Call call("imag", at);
  return is_complex(impl_of(x)->dtype) ? unary("imag", "imag", x, at) : zeros(x.shape(), x.dtype());
}
Array conj(const Array& x, Where at) {
  Call call("conj", at);
  return is_complex(impl_of(x)->dtype) ? unary("conj", "conj", x, at) : x;
}
Array deg2rad(const Array& x, Where at) {
  Call call("deg2rad", at);
  return x * (M_PI / 180);
}
Array rad2deg(const Array& x, Where at) {
  Call call("rad2deg", at);
  return x * (180 / M_PI);
}

// ---- two operands ----

namespace {
Array binary(const char* name, const char* op, const Array& a, const Array& b, Where at, Want want = Want::any,
             bool weak_result = true) {
  Call call(name, at);
  return elementwise(name, {a, b}, want, [&](In in) { return emit(op, {in[0], in[1]}); }, weak_result);
}
Array zero_like(const Array& x) { return constant_like(x, 0); }
/// The remainder with the divisor's sign, from that with the dividend's.
Array floored(const Array& r, const Array& b) {
  if (is_unsigned(b.dtype())) return r;
  Array zero = zero_like(r);
  Array turn = emit("and", {emit("ne", {emit("lt", {r, zero}), emit("lt", {b, zero})}), emit("ne", {r, zero})});
  return emit("select", {turn, emit("add", {r, b}), r});
}
}  // namespace

// clang-format off
#define BINARY(name, op, ...) \
  Array name(const Array& a, const Array& b, Where at) { \
    return binary(#name, op, a, b, at __VA_OPT__(, ) __VA_ARGS__); \
  }
BINARY(add, "add") BINARY(subtract, "sub") BINARY(multiply, "mul") BINARY(divide, "div", Want::inexact)
BINARY(fmod, "rem", Want::number)
BINARY(arctan2, "atan2", Want::inexact) BINARY(nextafter, "nextafter", Want::inexact)
BINARY(copysign, "copysign", Want::inexact)
BINARY(maximum, "maximum") BINARY(minimum, "minimum")
BINARY(bitwise_and, "and") BINARY(bitwise_or, "or") BINARY(bitwise_xor, "xor")
BINARY(left_shift, "shl", Want::number) BINARY(right_shift_logical, "shr_logical", Want::number)
BINARY(equal, "eq", Want::any, false) BINARY(not_equal, "ne", Want::any, false) BINARY(less, "lt", Want::any, false)
BINARY(less_equal, "le", Want::any, false) BINARY(greater, "gt", Want::any, false)
BINARY(greater_equal, "ge", Want::any, false);
#undef BINARY
// clang-format on

Array right_shift(const Array& a, const Array& b, Where at) {
  Call call("right_shift", at);
  return elementwise("right_shift", {a, b}, Want::number, [](In in) {
    return emit(is_unsigned(in[0].dtype()) ? "shr_logical" : "shr_arithmetic", {in[0], in[1]});
  });
}

Array remainder(const Array& a, const Array& b, Where at) {
  Call call("remainder", at);
  return elementwise("remainder", {a, b}, Want::number,
                     [](In in) { return floored(emit("rem", {in[0], in[1]}), in[1]); });
}

Array floor_divide(const Array& a, const Array& b, Where at) {
  Call call("floor_divide", at);
  return elementwise("floor_divide", {a, b}, Want::number, [](In in) {
    const Array &x = in[0], &y = in[1];
    if (is_unsigned(x.dtype())) return emit("div", {x, y});
    Array r = emit("rem", {x, y}), zero = zero_like(r), one = constant_like(r, 1);
    Array turn = emit("and", {emit("ne", {emit("lt", {r, zero}), emit("lt", {y, zero})}), emit("ne", {r, zero})});
    // Of floats the quotient is exact once the remainder is taken off, but for its last bit.
    Array q = is_floating(x.dtype()) ? emit("div", {emit("sub", {x, r}), y}) : emit("div", {x, y});
    Array floored_q = emit("select", {turn, emit("sub", {q, one}), q});
    return is_floating(x.dtype()) ? emit("round_even", {floored_q}) : floored_q;
  });
}

/// x to a known small power, by squaring.
static Array integer_power(Array x, std::int64_t n) {
  bool inverse = n < 0;
  if (inverse) n = -n;
  Array result;
  for (; n; n >>= 1) {
    if (n & 1) result = result.empty() ? x : emit("mul", {result, x});
    if (n > 1) x = emit("mul", {x, x});
  }
  if (result.empty()) result = constant_like(x, 1);
  return inverse ? emit("div", {constant_like(result, 1), result}) : result;
}

Array power(const Array& a, const Array& b, Where at) {
  Call call("power", at);
  auto number = known_number(b);
  DType base = impl_of(a)->dtype;
  bool small_integer = number && !is_floating(base) && !is_complex(base) ? *number >= 0 && is_integer(impl_of(b)->dtype)
                                                                         : number.has_value();
  if (small_integer && *number == std::floor(*number) && std::abs(*number) <= 64) {
    auto n = static_cast<std::int64_t>(*number);
    DType dtype = join_operands({a, b}, Want::number).dtype;
    bool weak = a.weak() && b.weak();
    return staged("integer_power", {a}, Key(n, dtype, weak),
                  [&](In in) { return with_weak(integer_power(cast(in[0], dtype), n), weak); });
  }
  return elementwise("power", {a, b}, Want::number, [](In in) { return emit("pow", {in[0], in[1]}); });
}

Array hypot(const Array& a, const Array& b, Where at) {
  Call call("hypot", at);
  return elementwise("hypot", {a, b}, Want::inexact, [](In in) {
    Array x = emit("abs", {in[0]}), y = emit("abs", {in[1]});
    Array large = emit("maximum", {x, y}), small = emit("minimum", {x, y}), zero = zero_like(x),
          one = constant_like(x, 1);
    Array nothing = emit("eq", {large, zero});
    Array ratio = emit("div", {small, emit("select", {nothing, one, large})});
    Array root = emit("mul", {large, emit("sqrt", {emit("add", {one, emit("mul", {ratio, ratio})})})});
    Array infinite = constant_like(x, std::numeric_limits<double>::infinity());
    Array either = emit("or", {emit("eq", {x, infinite}), emit("eq", {y, infinite})});
    return emit("select", {either, infinite, emit("select", {nothing, large, root})});
  });
}

Array logaddexp(const Array& a, const Array& b, Where at) {
  Call call("logaddexp", at);
  return elementwise("logaddexp", {a, b}, Want::inexact, [](In in) {
    Array difference = emit("sub", {in[0], in[1]});
    Array soft = emit("add", {emit("maximum", {in[0], in[1]}),
                              emit("log1p", {emit("exp", {emit("neg", {emit("abs", {difference})})})})});
    return emit("select",
                {emit("ne", {difference, difference}), emit("add", {in[0], in[1]}), soft});  // of equal infinities
  });
}

namespace {
Array logical(const char* name, const char* op, const Array& a, const Array& b, Where at) {
  Call call(name, at);
  return elementwise(name, {a, b}, Want::any, [&](In in) { return emit(op, {to_bool(in[0]), to_bool(in[1])}); }, false);
}
}  // namespace
Array logical_and(const Array& a, const Array& b, Where at) { return logical("logical_and", "and", a, b, at); }
Array logical_or(const Array& a, const Array& b, Where at) { return logical("logical_or", "or", a, b, at); }
Array logical_xor(const Array& a, const Array& b, Where at) { return logical("logical_xor", "xor", a, b, at); }

Array where(const Array& condition, const Array& a, const Array& b, Where at) {
  Call call("where", at);
  Joined joined = join_operands({a, b});
  std::vector<Array> operands{condition, joined.operands[0], joined.operands[1]};
  impl_of(condition);
  auto build = [&](In in) {
    Shape shape = broadcast_shapes(in);
    return std::vector<Array>{
        with_weak(emit("select", {expand(to_bool(in[0]), shape), expand(cast(in[1], joined.dtype), shape),
                                  expand(cast(in[2], joined.dtype), shape)}),
                  joined.weak)};
  };
  return staged_all("where", operands, Key(joined.dtype, joined.weak), build)[0];
}

Array clip(const Array& x, const Array& low, const Array& high, Where at) {
  Call call("clip", at);
  return elementwise("clip", {x, low, high}, Want::any, [](In in) { return emit("clamp", {in[1], in[0], in[2]}); });
}

Array complex(const Array& a, const Array& b, Where at) {
  return binary("complex", "complex", a, b, at, Want::inexact);
}

Array bitcast(const Array& x, DType dtype, Where at) {
  Call call("bitcast", at);
  return staged("bitcast", {x}, Key(dtype), [&](In in) { return emit("bitcast", {in[0]}, {{"dtype", dtype}}); });
}

Array astype(const Array& x, DType dtype, Where at) {
  Call call("astype", at);
  check_usable(x);
  return cast(x, dtype);
}

// ---- operators ----

// clang-format off
#define OPERATOR(symbol, name, text) \
  Array operator symbol(const Operand& a, const Operand& b) { \
    Call call(text, a.where.line() ? a.where : b.where); \
    return name(a.array, b.array, a.where); \
  }
OPERATOR(+, add, "add") OPERATOR(-, subtract, "subtract") OPERATOR(*, multiply, "multiply")
OPERATOR(/, divide, "divide") OPERATOR(%, remainder, "remainder")
OPERATOR(&, bitwise_and, "bitwise_and") OPERATOR(|, bitwise_or, "bitwise_or") OPERATOR(^, bitwise_xor, "bitwise_xor")
OPERATOR(<<, left_shift, "left_shift") OPERATOR(>>, right_shift, "right_shift")
OPERATOR(==, equal, "equal") OPERATOR(!=, not_equal, "not_equal") OPERATOR(<, less, "less")
OPERATOR(<=, less_equal, "less_equal")
OPERATOR(>, greater, "greater") OPERATOR(>=, greater_equal, "greater_equal");
#undef OPERATOR
// clang-format on
Array operator-(const Operand& a) { return negative(a.array, a.where); }
Array operator+(const Operand& a) { return positive(a.array, a.where); }
Array operator!(const Operand& a) { return logical_not(a.array, a.where); }
Array operator~(const Operand& a) { return bitwise_not(a.array, a.where); }

}  // namespace skein
