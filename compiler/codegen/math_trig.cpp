// sin, cos and tan.
//
// The argument is reduced by multiples of pi (sin, cos) or pi/2 (tan) in three parts (Cody and Waite): with fused
// multiply-adds the first step is exact and the others round relative to the small result, so zeros keep their digits.
// Beyond a limit, which a branch on all lanes watches, it is reduced as in Payne and Hanek ("Radian reduction for
// trigonometric functions", 1983), in integers: float32 in vectors, float64, which is longer and rarer, lane by lane.
#include "compiler/codegen/math_lanes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/BuiltinOps.h"

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

static Angle reduceLargeSingle(Num x, Function function) {
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

// The bits of 2/pi after 64 zeros, the highest first, as a constant of the module.
static Value tableOfTwoOverPi(mlir::ImplicitLocOpBuilder& b) {
  static constexpr const char* kName = "skein_two_over_pi";
  static constexpr uint64_t words[] = {0x0000000000000000, 0xa2f9836e4e441529, 0xfc2757d1f534ddc0, 0xdb6295993c439041,
                                       0xfe5163abdebbc561, 0xb7246e3a424dd2e0, 0x06492eea09d1921c, 0xfe1deb1cb129a73e,
                                       0xe88235f52ebb4484, 0xe99c7026b45f7e41, 0x3991d639835339f4, 0x9c845f8bbdf9283b,
                                       0x1ff897ffde05980f, 0xef2f118b5a0a6d1f, 0x6d367ecf27cb09b7, 0x4f463f669e5fea2d,
                                       0x7527bac7ebe5f17b, 0x3d0739f78a5292ea, 0x6bfb5fb11f8d5d08, 0x56033046fc7b6bab};
  auto module = b.getInsertionBlock()->getParentOp()->getParentOfType<mlir::ModuleOp>();
  if (!module.lookupSymbol(kName)) {
    auto outer = mlir::OpBuilder::atBlockBegin(module.getBody());
    llvm::SmallVector<int64_t> values(std::begin(words), std::end(words));
    auto type = mlir::LLVM::LLVMArrayType::get(outer.getI64Type(), values.size());
    mlir::LLVM::GlobalOp::create(outer, b.getLoc(), type, /*isConstant=*/true, mlir::LLVM::Linkage::Internal, kName,
                                 outer.getI64TensorAttr(values), /*alignment=*/8);
  }
  return mlir::LLVM::AddressOfOp::create(b, mlir::LLVM::LLVMPointerType::get(b.getContext()), kName);
}

// A float64 scalar. |x| = mantissa * 2^e: of 2/pi = 0.b1b2b3... the 192 bits from b(e-1) on give x in quarter turns,
// modulo a whole turn, to 126 digits after the point; no float64 comes closer than 2^-61 to a multiple of a quarter.
static Angle reduceLargeDouble(Num x, Function function, Value table) {
  auto& b = x.lanes->b;
  Int bits = bitsOf(abs(x)), one = integer(bits, 1);
  Int mantissa = (bits & 0xfffffffffffff) | integer(bits, 0x10000000000000);
  Int first = shiftLogical(bits, 52) - (1075 + 2 - 64);  // 64 zeros stand before b1
  first = select(first < 0, integer(bits, 0), first);    // a lane that is not large
  Int word = first >> 6, by = first & 63;
  Int entries[4] = {word, word, word, word};
  for (int i = 0; i < 4; ++i) {
    mlir::Type pointer = table.getType(), i64 = b.getI64Type();
    Value address = mlir::LLVM::GEPOp::create(b, pointer, i64, table, mlir::ValueRange{(word + i).value});
    entries[i].value = mlir::LLVM::LoadOp::create(b, i64, address, /*alignment=*/8);
  }
  auto window = [&](int i) {
    return shiftLeft(entries[i], by) | shiftLogical(shiftLogical(entries[i + 1], 1), integer(bits, 63) - by);
  };
  // The product modulo 2^192 without its lowest word: high in units of 2^-62 quarter turns, low below that.
  Int middle = window(1), carried = multiplyHigh(mantissa, window(2));
  Int low = mantissa * middle + carried;
  Int high =
      mantissa * window(0) + multiplyHigh(mantissa, middle) + select(lessUnsigned(low, carried), one, integer(bits, 0));
  // -1 more than the negative is as good as the negative, here and below.
  Int sign = bitsOf(x) >> 63;
  high = high ^ sign, low = low ^ sign;
  if (function == Function::cos) high = high + (int64_t(1) << 62);  // cos(x) = sin(x + pi/2)
  // The nearest multiple of a quarter turn (tan) or a half turn.
  int unit = function == Function::tan ? 62 : 63;
  Int count = shiftLogical(high + (int64_t(1) << (unit - 1)), unit);
  high = high - (count << unit);
  // The magnitude of the rest as a pair of float64: high to 64 digits, low to 53.
  Int negative = high >> 63;
  high = high ^ negative, low = low ^ negative;
  Num upper = roundToNum(shiftLogical(high, 32)), lower = roundToNum(high & 0xffffffff);
  Num whole = fma(upper, 0x1p32, lower);
  Num rest = fma(upper, 0x1p32, -whole) + lower;
  Pair angle = sum(whole, fma(roundToNum(shiftLogical(low, 11)), 0x1p-53, rest));
  Num r = fma(angle.high, 0x1.921fb54442d18p-62,
              fma(angle.high, 0x1.1a62633145c07p-116, angle.low * 0x1.921fb54442d18p-62));
  return {flipSign(r, negative), function == Function::tan ? count : count << 63};
}

static Angle reduceLarge(Num x, Function function, Angle small) {
  if (!x.isDouble()) return reduceLargeSingle(x, function);
  Value table = tableOfTwoOverPi(x.lanes->b);
  auto values = perLane(x, {small.r.value, small.quadrant.value}, [&](Num lane) -> llvm::SmallVector<Value> {
    Angle angle = reduceLargeDouble(lane, function, table);
    return {angle.r.value, angle.quadrant.value};
  });
  return {{x.lanes, values[0]}, {x.lanes, values[1]}};
}

static Angle reduce(Num x, Function function) {
  Angle small = reduceSmall(x, function);
  Num a = abs(x);
  Mask large = a > limit(x);
  auto values = ifAny(large, {small.r.value, small.quadrant.value}, [&]() -> llvm::SmallVector<Value> {
    Angle reduced = reduceLarge(x, function, small);
    Num r = select(a < infinity(a), reduced.r, nan(a));
    return {select(large, r, small.r).value, select(large, reduced.quadrant, small.quadrant).value};
  });
  return {{x.lanes, values[0]}, {x.lanes, values[1]}};
}

Num sinKernel(Num r) {
  Num z = r * r;
  Num p = r.isDouble() ? polynomial(z, {-0x1.5555555555555p-3, 0x1.11111111110bap-7, -0x1.a01a01a013729p-13,
                                        0x1.71de3a51d6a55p-19, -0x1.ae64546705642p-26, 0x1.6123ae54d98eep-33,
                                        -0x1.ae3ae80bb053cp-41, 0x1.873e0aba06e06p-49})
                       : polynomial(z, {-0x1.555554p-3, 0x1.111026p-7, -0x1.9fab4ep-13, 0x1.60cf66p-19});
  return r * fma(z, p, 1);  // not r + r z p: that turns -0 into 0
}

Num emitSin(Num x) {
  Angle angle = reduce(x, Function::sin);
  return flipSign(sinKernel(angle.r), angle.quadrant);
}

Num emitCos(Num x) {
  Angle angle = reduce(x, Function::cos);
  return flipSign(sinKernel(angle.r), angle.quadrant);
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
  return select(x == 0, x, value);
}

}  // namespace skein::compiler::math
