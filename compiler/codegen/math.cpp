#include "compiler/codegen/math.h"

#include "compiler/codegen/math_lanes.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler::math {
using namespace mlir;

// ---- Functions that are exact

// The exponent of a positive number with its bias; it goes on below zero for subnormal numbers.
static Int biasedExponent(Num a) {
  const Lanes& lanes = *a.lanes;
  int digits = lanes.mantissaBits() + 1;
  Mask subnormal = a < (a.isDouble() ? 0x1p-1022 : 0x1p-126);
  Int bits = bitsOf(select(subnormal, a * (a.isDouble() ? 0x1p53 : 0x1p24), a));
  return (bits >> lanes.mantissaBits()) - select(subnormal, integer(bits, digits), integer(bits, 0));
}

// a modulo b, both finite, b > 0. A step is the remainder by t = b 2^k, k so that the quotient, below 2^23 (float32) or
// 2^52, is rounded by less than one and the fused multiply-add is exact; at most 13 (float32) or 42 steps.
static Num remainderBySteps(Num a, Num b) {
  Int least = biasedExponent(b) + (a.isDouble() ? 51 : 22);
  auto below = [&](llvm::ArrayRef<Num> state) { return !(state[0] < b); };
  auto step = [&](llvm::ArrayRef<Num> state) -> SmallVector<Num> {
    Num rest = state[0];
    Int k = biasedExponent(rest) - least;
    k = select(k > 0, k, integer(k, 0));
    Int half = k >> 1;  // 2^k itself may not be a number
    Num t = b * powerOfTwo(half) * powerOfTwo(k - half);
    Num r = fma(-trunc(rest / t), t, rest);
    return {select(r < 0, r + t, r)};
  };
  return whileAny({a}, below, step)[0];
}

// C's fmod: the remainder of the truncated quotient, with the sign of the dividend. Exact while the quotient is a
// number of few bits; in steps where it is not.
Num emitRem(Num x, Num y) {
  Num a = abs(x), b = abs(y);
  Num quotient = trunc(a / b);
  Num r = fma(-quotient, b, a);
  r = select(r < 0, r + b, r);  // the rounded quotient may be one too large
  Num value = copysign(select(a < b, a, r), x);
  Mask large = quotient > (x.isDouble() ? 0x1p51 : 0x1p22);
  auto values = ifAny(large, {value.value}, [&]() -> SmallVector<Value> {
    Mask undefined = (b == 0) | (a == infinity(a)), steps = large & !undefined;
    Num rest = remainderBySteps(select(steps, a, 0.0), select(steps, b, 1.0));
    rest = select(undefined, nan(x), copysign(rest, x));
    return {select(large, rest, value).value};
  });
  return {x.lanes, values[0]};
}

Num emitNextafter(Num x, Num y) {
  Int bits = bitsOf(x), one = integer(*x.lanes, 1);
  Mask away = !((x < y) ^ (x > 0));  // from zero: the bits grow with the magnitude
  Num next = fromBits(select(away, bits + one, bits - one));
  next = select(x == 0, copysign(fromBits(one), y), next);
  next = select(x == y, y, next);
  return select(isNan(x) | isNan(y), x + y, next);
}

Num emitRound(Num x) {  // half away from zero
  Num whole = trunc(x);
  Num rest = abs(x - whole);
  return copysign(select(rest < 0.5, whole, whole + copysign(num(x, 1), x)), x);
}

template <typename Op>
static Num one(ArrayRef<Num> x) {
  const Lanes& lanes = *x[0].lanes;
  SmallVector<Value> values;
  for (Num operand : x) values.push_back(operand.value);
  return {&lanes, Op::create(lanes.b, lanes.numType(), values)};
}

// ---- The table

using Emit = Num (*)(ArrayRef<Num>);
template <Num (*f)(Num)>
static Num unary(ArrayRef<Num> x) {
  return f(x[0]);
}
template <Num (*f)(Num, Num)>
static Num binary(ArrayRef<Num> x) {
  return f(x[0], x[1]);
}

static const llvm::StringMap<Emit>& table() {
  static const llvm::StringMap<Emit> functions = {
      {"exp", unary<emitExp>},
      {"exp2", unary<emitExp2>},
      {"expm1", unary<emitExpm1>},
      {"log", unary<emitLog>},
      {"log2", unary<emitLog2>},
      {"log10", unary<emitLog10>},
      {"log1p", unary<emitLog1p>},
      {"sqrt", one<mlir::math::SqrtOp>},
      {"rsqrt", unary<emitRsqrt>},
      {"cbrt", unary<emitCbrt>},
      {"sin", unary<emitSin>},
      {"cos", unary<emitCos>},
      {"tan", unary<emitTan>},
      {"asin", unary<emitAsin>},
      {"acos", unary<emitAcos>},
      {"atan", unary<emitAtan>},
      {"sinh", unary<emitSinh>},
      {"cosh", unary<emitCosh>},
      {"tanh", unary<emitTanh>},
      {"asinh", unary<emitAsinh>},
      {"acosh", unary<emitAcosh>},
      {"atanh", unary<emitAtanh>},
      {"erf", unary<emitErf>},
      {"erfc", unary<emitErfc>},
      {"erf_inv", unary<emitErfInv>},
      {"erf_inv_exact", unary<emitErfInvExact>},
      {"lgamma", unary<emitLgamma>},
      {"digamma", unary<emitDigamma>},
      {"logistic", unary<emitLogistic>},
      {"pow", binary<emitPow>},
      {"atan2", binary<emitAtan2>},
      {"rem", binary<emitRem>},
      {"nextafter", binary<emitNextafter>},
      {"floor", one<mlir::math::FloorOp>},
      {"ceil", one<mlir::math::CeilOp>},
      {"trunc", one<mlir::math::TruncOp>},
      {"round_even", one<mlir::math::RoundEvenOp>},
      {"round", unary<emitRound>},
      {"copysign", one<mlir::math::CopySignOp>},
      {"fma", one<mlir::math::FmaOp>},
      {"max", one<arith::MaximumFOp>},
      {"min", one<arith::MinimumFOp>},
      {"maximum", one<arith::MaximumFOp>},
      {"minimum", one<arith::MinimumFOp>},
  };
  return functions;
}

// ---- Entry

static thread_local MathTarget currentTarget;

TargetScope::TargetScope(MathTarget target) : previous(std::exchange(currentTarget, target)) {}
TargetScope::~TargetScope() { currentTarget = previous; }

bool known(StringRef name) { return table().contains(name); }

Value emit(ImplicitLocOpBuilder& b, StringRef name, ValueRange operands) {
  Emit function = table().lookup(name);
  assert(function && "a function without code");
  Type type = operands[0].getType();
  auto vectorType = dyn_cast<VectorType>(type);
  auto element = cast<FloatType>(vectorType ? vectorType.getElementType() : type);
  assert((element.isF32() || element.isF64()) && "other types are converted by the caller");
  bool flatten = vectorType && vectorType.getRank() != 1;
  Lanes lanes{b, element, vectorType ? vectorType.getNumElements() : 0, currentTarget};
  SmallVector<Num> values;
  for (Value operand : operands)
    values.push_back(
        {&lanes, flatten ? vector::ShapeCastOp::create(b, cast<VectorType>(lanes.numType()), operand) : operand});
  Value result = function(values).value;
  return flatten ? Value(vector::ShapeCastOp::create(b, vectorType, result)) : result;
}

}  // namespace skein::compiler::math
