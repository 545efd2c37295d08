#pragma once
// Formulas on lanes: arithmetic that reads as arithmetic and emits one op per operator. Private to math_*.cpp.
//
// A Num is a scalar or a vector of float32 or float64, an Int holds integers of the same width, lane by lane, a Mask
// one bit for each lane. Nothing here is folded or reassociated: what is written is what is computed.

#include <initializer_list>
#include <optional>
#include <utility>

#include "compiler/codegen/math.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

namespace skein::compiler::math {

/// Where code goes, and the type of the lanes.
struct Lanes {
  mlir::ImplicitLocOpBuilder& b;
  mlir::FloatType element;
  int64_t width;  // lanes of a vector; 0: a scalar
  MathTarget target;

  bool isDouble() const { return element.isF64(); }
  int bits() const { return isDouble() ? 64 : 32; }
  int mantissaBits() const { return isDouble() ? 52 : 23; }
  int bias() const { return isDouble() ? 1023 : 127; }
  mlir::Type like(mlir::Type scalar) const;
  mlir::Type numType() const { return like(element); }
  mlir::Type intType() const;
};

struct Num {
  const Lanes* lanes;
  mlir::Value value;
  bool isDouble() const { return lanes->isDouble(); }
};
struct Int {
  const Lanes* lanes;
  mlir::Value value;
};
struct Mask {
  const Lanes* lanes;
  mlir::Value value;
};

// Constants, in all lanes.
Num num(const Lanes& lanes, double value);
inline Num num(Num like, double value) { return num(*like.lanes, value); }
Int integer(const Lanes& lanes, int64_t value);
inline Num infinity(Num like) { return num(like, __builtin_inf()); }
inline Num nan(Num like) { return num(like, __builtin_nan("")); }

Num operator+(Num a, Num b);
Num operator-(Num a, Num b);
Num operator*(Num a, Num b);
Num operator/(Num a, Num b);
Num operator-(Num a);
inline Num operator+(Num a, double b) { return a + num(a, b); }
inline Num operator-(Num a, double b) { return a - num(a, b); }
inline Num operator*(Num a, double b) { return a * num(a, b); }
inline Num operator*(double a, Num b) { return num(b, a) * b; }
inline Num operator+(double a, Num b) { return num(b, a) + b; }
inline Num operator-(double a, Num b) { return num(b, a) - b; }
inline Num operator/(double a, Num b) { return num(b, a) / b; }
/// a * b + c, rounded once.
Num fma(Num a, Num b, Num c);
inline Num fma(Num a, double b, Num c) { return fma(a, num(a, b), c); }
inline Num fma(Num a, Num b, double c) { return fma(a, b, num(a, c)); }
inline Num fma(Num a, double b, double c) { return fma(a, num(a, b), num(a, c)); }

Num abs(Num a);
Num sqrt(Num a);
Num floor(Num a);
Num trunc(Num a);
Num roundEven(Num a);
Num copysign(Num magnitude, Num sign);

// Comparisons are false where an operand is NaN.
Mask operator<(Num a, Num b);
Mask operator==(Num a, Num b);
inline Mask operator>(Num a, Num b) { return b < a; }
inline Mask operator<(Num a, double b) { return a < num(a, b); }
inline Mask operator>(Num a, double b) { return num(a, b) < a; }
inline Mask operator==(Num a, double b) { return a == num(a, b); }
Mask isNan(Num a);
Mask operator==(Int a, Int b);
Mask operator<(Int a, Int b);
Mask lessUnsigned(Int a, Int b);
Mask operator&(Mask a, Mask b);
Mask operator|(Mask a, Mask b);
Mask operator^(Mask a, Mask b);
Mask operator!(Mask a);

Num select(Mask condition, Num yes, Num no);
Int select(Mask condition, Int yes, Int no);
inline Num select(Mask condition, Num yes, double no) { return select(condition, yes, num(yes, no)); }
inline Num select(Mask condition, double yes, Num no) { return select(condition, num(no, yes), no); }
inline Num select(const Lanes& lanes, Mask condition, double yes, double no) {
  return select(condition, num(lanes, yes), num(lanes, no));
}
/// The nearest of [low, high], NaN where `a` is.
Num clamp(Num a, double low, double high);
inline Num atMost(Num a, double high) { return select(a > high, high, a); }

Int operator+(Int a, Int b);
Int operator-(Int a, Int b);
Int operator*(Int a, Int b);
Int multiplyHigh(Int a, Int b);  // the upper half of the product of numbers without sign
Int operator&(Int a, Int b);
Int operator|(Int a, Int b);
Int operator^(Int a, Int b);
Int operator<<(Int a, int64_t by);
Int operator>>(Int a, int64_t by);  // keeps the sign
Int shiftLogical(Int a, int64_t by);
Int shiftLogical(Int a, Int by);
Int shiftLeft(Int a, Int by);
inline Int integer(Int like, int64_t value) { return integer(*like.lanes, value); }
inline Int operator+(Int a, int64_t b) { return a + integer(a, b); }
inline Int operator-(Int a, int64_t b) { return a - integer(a, b); }
inline Int operator*(Int a, int64_t b) { return a * integer(a, b); }
inline Int operator&(Int a, int64_t b) { return a & integer(a, b); }
inline Mask operator==(Int a, int64_t b) { return a == integer(a, b); }
inline Mask operator<(Int a, int64_t b) { return a < integer(a, b); }
inline Mask operator>(Int a, int64_t b) { return integer(a, b) < a; }

Int bitsOf(Num a);
Num fromBits(Int a);
/// An integer below 2^22 (float32) or 2^51 (float64) in magnitude, exactly.
Num toNum(Int a);
/// `a` with the sign flipped where the highest bit of `bits` is set.
Num flipSign(Num a, Int bits);

/// c[0] + c[1] x + ... by Horner's rule.
Num polynomial(Num x, std::initializer_list<double> coefficients);

/// x * scale + offset rounded to an integer: as a number, and as the low bits of `bits`.
struct Rounded {
  Num number;
  Int bits;  // integer + a constant whose lowest bits, up to half of the type, are zero
  Int value() const;
};
Rounded roundScaled(Num x, double scale);
Rounded roundInteger(Num x);
/// a * 2^n, rounded once, also where the result is subnormal or infinite; a in [1/4, 4], |n| <= 300 (float32), 2200.
Num scale(Num a, Rounded n);
/// Whether there is one instruction for the exponent and the mantissa of each register of such lanes.
bool hasExponentInstructions(const Lanes& lanes);
Num exponentByInstruction(Num a);
/// In [3/4, 3/2), NaN for negative numbers.
/// 1 / sqrt(a) to 14 bits; only where hasExponentInstructions.
Num rootEstimate(Num a);
Num mantissaByInstruction(Num a);
/// 2^n, n within the range of normal numbers.
Num powerOfTwo(Int n);

/// The same lanes in the other precision.
Num widen(Num a, const Lanes& wide);
Num narrow(Num a, const Lanes& single);
/// The bits of float32 lanes as non-negative 64-bit integers.
Int widenUnsigned(Int a, const Lanes& wide);
/// A 64-bit integer rounded to float64.
Num roundToNum(Int a);

/// Where any lane of `rare` holds: the values that `slow` makes, else `fast`. Both must agree where `rare` is false.
llvm::SmallVector<mlir::Value> ifAny(Mask rare, mlir::ValueRange fast,
                                     llvm::function_ref<llvm::SmallVector<mlir::Value>()> slow);
/// While any lane wants `more`, the next values of all lanes.
llvm::SmallVector<Num> whileAny(llvm::ArrayRef<Num> start, llvm::function_ref<Mask(llvm::ArrayRef<Num>)> more,
                                llvm::function_ref<llvm::SmallVector<Num>(llvm::ArrayRef<Num>)> next);
/// What `scalar` makes of each lane, numbers or integers, in place of the values of `start`: short code in a loop.
llvm::SmallVector<mlir::Value> perLane(Num x, mlir::ValueRange start,
                                       llvm::function_ref<llvm::SmallVector<mlir::Value>(Num)> scalar);

/// The unevaluated sum of two numbers (Dekker, "A floating-point technique for extending the available precision",
/// 1971).
struct Pair {
  Num high, low;
};
/// a + b for |a| >= |b| or a = 0, exactly.
Pair sum(Num a, Num b);
/// a + b, exactly.
Pair anySum(Num a, Num b);
/// Not rounded to a `high` next to the product: sum(high, low) does that.
Pair product(Pair a, Num b);
Pair product(Pair a, Pair b);

// The functions, one file for each family. They are called on scalars and vectors alike.
Num emitExp(Num x), emitExp2(Num x), emitExpm1(Num x), emitLogistic(Num x);
Num emitTanh(Num x), emitSinh(Num x), emitCosh(Num x);
Num emitLog(Num x), emitLog2(Num x), emitLog10(Num x), emitLog1p(Num x);
Num emitAsinh(Num x), emitAcosh(Num x), emitAtanh(Num x);
Num emitSin(Num x), emitCos(Num x), emitTan(Num x);
Num emitAsin(Num x), emitAcos(Num x), emitAtan(Num x), emitAtan2(Num y, Num x);
Num emitRsqrt(Num x), emitCbrt(Num x), emitPow(Num x, Num y);
Num emitErf(Num x), emitErfc(Num x), emitErfInv(Num x), emitErfInvExact(Num x);
Num emitLgamma(Num x), emitDigamma(Num x);
Num emitRem(Num x, Num y), emitNextafter(Num x, Num y), emitRound(Num x);

// Parts that several families share.
/// e^x for x in [-80, 80], without the care for ends of the range.
Num expInside(Num x);
/// e^(x + low) over the whole range, `low` small beside 1.
Num expOfSum(Num x, Num low);
/// 2^r for |r| <= 1/2.
Num exp2Kernel(Num r);
/// x = 2^e (1 + f), 1 + f in [3/4, 3/2), for x positive and finite.
struct Parts {
  Num e, f;
  bool ends;  // also e = -infinity for 0, infinity for infinity, f = NaN for x < 0 and NaN; else these are just numbers
};
Parts splitExponent(Num x);
/// sin(r) for |r| <= pi/2 and a little more.
Num sinKernel(Num r);
/// log(1 + f) - f for 1 + f in [3/4, 3/2].
Num log1pTail(Num f);
/// log(1 + x + low) for x > -1 or NaN, infinite at infinity.
Num log1pInside(Num x, std::optional<Num> low = {});

}  // namespace skein::compiler::math
