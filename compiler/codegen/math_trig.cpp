// sin, cos and tan.
//
// The argument is reduced by multiples of pi (sin, cos) or pi/2 (tan) in three parts (Cody and Waite): with fused
// multiply-adds the first step is exact and the others round relative to the small result, so zeros keep their digits.
// Beyond a limit, which a branch on all lanes watches, float32 is reduced exactly as in Payne and Hanek ("Radian
// reduction for trigonometric functions", 1983), in integers; float64 calls the C library lane by lane.
#include "compiler/codegen/math_lanes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"

namespace skein::compiler::math {
using mlir::Value;

static constexpr double twoOverPi = 0x1.45f306dc9c883p-1, oneOverPi = 0x1.45f306dc9c883p-2;

// Up to here the multiple of pi/2 is found without doubt and the third part of pi/2 suffices.
static double limit(Num x) { return x.isDouble() ? 0x1p40 : 0x1p17; }

// x - n pi/2. The parts of pi/2 are all positive, so that 0 gives 0 and -0 gives -0.
static Num subtractQuarters(Num x, Num n) {
  if (x.isDouble())
    return fma(n, -0x1.c1cd129024e08p-107, fma(n, -0x1.1a62633145c06p-54, fma(n, -0x1.921fb54442d18p0, x)));
  return fma(n, -0x1.846988p-48, fma(n, -0x1.4442dp-24, fma(n, -0x1.921fb4p0, x)));
}

// x in units of 2^-62 quarter turns, modulo a whole turn: float32, |x| in [2^17, inf), as 64-bit lanes.
static Int turnsOfLarge(Num x, const Lanes& wide) {
  Int bits = bitsOf(abs(x));
  Int mantissa = widenUnsigned((bits & 0x7fffff) | integer(bits, 0x800000), wide);
  // |x| = mantissa * 2^e. Of 2/pi = 0.b1b2b3... the bits from b(e-1) on count: 96 are enough for every float32.
  Int first = widenUnsigned(shiftLogical(bits, 23) - (150 + 2 - 32), wide);  // 32 zeros stand before b1
  Int word = shiftLogical(first, 5), by = first & 31;
  static constexpr uint32_t table[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1,
                                       0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab};
  auto entry = [&](int offset) {
    Int value = integer(wide, table[offset]);
    for (int i = 1; i + offset < 8 && i < 5; ++i) value = select(word == i, integer(wide, table[i + offset]), value);
    return value;
  };
  Int high = (entry(0) << 32) | entry(1), low = (entry(2) << 32) | entry(3);
  Int window = shiftLeft(high, by) | shiftLogical(shiftLogical(low, 1), integer(wide, 63) - by);
  Int below = shiftLogical(shiftLeft(low, by), 32);
  Int turns = mantissa * window + shiftLogical(mantissa * below, 32);
  Num wideX = widen(x, wide);
  return select(wideX < 0, integer(wide, 0) - turns, turns);
}

namespace {
struct Angle {
  Num r;
  Int quadrant;  // tan: its lowest bit. sin and cos: the sign of the result is its highest bit.
};
}  // namespace

enum class Function { sin, cos, tan };

static Angle reduceSmall(Num x, Function function) {
  int top = x.lanes->bits() - 1;
  if (function == Function::tan) {
    Rounded n = roundScaled(x, twoOverPi);
    return {subtractQuarters(x, n.number), n.bits};
  }
  if (function == Function::sin) {
    Rounded n = roundScaled(x, oneOverPi);
    return {subtractQuarters(x, n.number + n.number), n.bits << top};
  }
  // cos(r + (2k + 1) pi/2) = -(-1)^k sin(r)
  Rounded k = roundInteger(fma(x, oneOverPi, -0.5));
  return {subtractQuarters(x, fma(k.number, 2, 1)), (k.bits + 1) << top};
}

static Angle reduceLarge(Num x, Function function) {
  Lanes wide{x.lanes->b, x.lanes->b.getF64Type(), x.lanes->width, x.lanes->target};
  Int turns = turnsOfLarge(x, wide);
  if (function == Function::cos) turns = turns + (int64_t(1) << 62);  // cos(x) = sin(x + pi/2)
  // The nearest multiple of a quarter turn (tan) or a half turn.
  int unit = function == Function::tan ? 62 : 63;
  Int count = shiftLogical(turns + (int64_t(1) << (unit - 1)), unit);
  Num r = roundToNum(turns - (count << unit)) * 0x1.921fb54442d18p-62;
  auto& b = x.lanes->b;
  Int quadrant{x.lanes, mlir::arith::TruncIOp::create(b, x.lanes->intType(), count.value)};
  if (function != Function::tan) quadrant = quadrant << 31;
  return {narrow(r, *x.lanes), quadrant};
}

static Angle reduce(Num x, Function function) {
  Angle small = reduceSmall(x, function);
  if (x.isDouble()) return small;
  Num a = abs(x);
  Mask large = a > limit(x);
  auto values = ifAny(large, {small.r.value, small.quadrant.value}, [&]() -> llvm::SmallVector<Value> {
    Angle reduced = reduceLarge(x, function);
    Num r = select(a < infinity(a), reduced.r, nan(a));
    return {select(large, r, small.r).value, select(large, reduced.quadrant, small.quadrant).value};
  });
  return {{x.lanes, values[0]}, {x.lanes, values[1]}};
}

// The C library's result where x is too large for the reduction of float64.
static Num orLibrary(Num x, Num value, llvm::StringRef symbol) {
  if (!x.isDouble()) return value;
  Mask large = abs(x) > limit(x);
  auto values = ifAny(large, {value.value}, [&]() -> llvm::SmallVector<Value> {
    return {select(large, callPerLane(symbol, {x}), value).value};
  });
  return {x.lanes, values[0]};
}

// sin(r) for |r| <= pi/2 and a little more.
static Num sinKernel(Num r) {
  Num z = r * r;
  Num p = r.isDouble() ? polynomial(z, {-0x1.5555555555555p-3, 0x1.11111111110bap-7, -0x1.a01a01a013729p-13,
                                        0x1.71de3a51d6a55p-19, -0x1.ae64546705642p-26, 0x1.6123ae54d98eep-33,
                                        -0x1.ae3ae80bb053cp-41, 0x1.873e0aba06e06p-49})
                       : polynomial(z, {-0x1.555554p-3, 0x1.111026p-7, -0x1.9fab4ep-13, 0x1.60cf66p-19});
  return r * fma(z, p, 1);  // not r + r z p: that turns -0 into 0
}

Num emitSin(Num x) {
  Angle angle = reduce(x, Function::sin);
  return orLibrary(x, flipSign(sinKernel(angle.r), angle.quadrant), "sin");
}

Num emitCos(Num x) {
  Angle angle = reduce(x, Function::cos);
  return orLibrary(x, flipSign(sinKernel(angle.r), angle.quadrant), "cos");
}

Num emitTan(Num x) {
  auto [r, quadrant] = reduce(x, Function::tan);
  Num z = r * r;
  Num p = r.isDouble() ? polynomial(z, {-0x1.5555555555555p-3, 0x1.1111111110c38p-7, -0x1.a01a019e8c8bfp-13,
                                        0x1.71de3795caf5fp-19, -0x1.ae60035c7cd81p-26, 0x1.5e06d3242bbp-33})
                       : polynomial(z, {-0x1.555552p-3, 0x1.110b6cp-7, -0x1.9a6852p-13});
  Num q = r.isDouble() ? polynomial(z, {0x1.5555555555555p-5, -0x1.6c16c16c168abp-10, 0x1.a01a019f2fa2bp-16,
                                        -0x1.27e4f9f727fa3p-22, 0x1.1eeb4b4fb4fb4p-29, -0x1.906a6791b07f1p-37})
                       : polynomial(z, {0x1.555554p-5, -0x1.6c123cp-10, 0x1.9b8aa8p-16});
  Num sine = fma(r * z, p, r), cosine = fma(z * z, q, fma(z, -0.5, 1));
  Mask odd = (quadrant & 1) == 1;  // tan(r + pi/2) = -cos(r) / sin(r)
  Num value = select(odd, -cosine, sine) / select(odd, sine, cosine);
  return orLibrary(x, select(x == 0, x, value), "tan");
}

}  // namespace skein::compiler::math
