#include "compiler/codegen/math_lanes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler::math {
using namespace mlir;

Type Lanes::like(Type scalar) const { return width ? Type(VectorType::get({width}, scalar)) : scalar; }
Type Lanes::intType() const { return like(b.getIntegerType(bits())); }

// ---- Constants

static Value constant(const Lanes& lanes, TypedAttr scalar) {
  if (!lanes.width) return arith::ConstantOp::create(lanes.b, scalar);
  auto type = cast<ShapedType>(lanes.like(scalar.getType()));
  return arith::ConstantOp::create(lanes.b, DenseElementsAttr::get(type, Attribute(scalar)));
}

Num num(const Lanes& lanes, double value) { return {&lanes, constant(lanes, FloatAttr::get(lanes.element, value))}; }
Int integer(const Lanes& lanes, int64_t value) {
  Type type = lanes.b.getIntegerType(lanes.bits());
  return {&lanes, constant(lanes, IntegerAttr::get(type, APInt(lanes.bits(), value, true, true)))};
}

// ---- One operator, one op

#define SKEIN_BINARY(Class, symbol, Op) \
  Class operator symbol(Class a, Class b) { return {a.lanes, Op::create(a.lanes->b, a.value, b.value)}; }
SKEIN_BINARY(Num, +, arith::AddFOp)
SKEIN_BINARY(Num, -, arith::SubFOp)
SKEIN_BINARY(Num, *, arith::MulFOp)
SKEIN_BINARY(Num, /, arith::DivFOp)
SKEIN_BINARY(Int, +, arith::AddIOp)
SKEIN_BINARY(Int, -, arith::SubIOp)
SKEIN_BINARY(Int, *, arith::MulIOp)
SKEIN_BINARY(Int, &, arith::AndIOp)
SKEIN_BINARY(Int, |, arith::OrIOp)
SKEIN_BINARY(Int, ^, arith::XOrIOp)
SKEIN_BINARY(Mask, &, arith::AndIOp)
SKEIN_BINARY(Mask, |, arith::OrIOp)
SKEIN_BINARY(Mask, ^, arith::XOrIOp)
#undef SKEIN_BINARY

Num operator-(Num a) { return {a.lanes, arith::NegFOp::create(a.lanes->b, a.value)}; }
Num fma(Num a, Num b, Num c) { return {a.lanes, mlir::math::FmaOp::create(a.lanes->b, a.value, b.value, c.value)}; }
Num abs(Num a) { return {a.lanes, mlir::math::AbsFOp::create(a.lanes->b, a.value)}; }
Num sqrt(Num a) { return {a.lanes, mlir::math::SqrtOp::create(a.lanes->b, a.value)}; }
Num floor(Num a) { return {a.lanes, mlir::math::FloorOp::create(a.lanes->b, a.value)}; }
Num trunc(Num a) { return {a.lanes, mlir::math::TruncOp::create(a.lanes->b, a.value)}; }
Num roundEven(Num a) { return {a.lanes, mlir::math::RoundEvenOp::create(a.lanes->b, a.value)}; }
Num copysign(Num a, Num b) { return {a.lanes, mlir::math::CopySignOp::create(a.lanes->b, a.value, b.value)}; }

static Mask compare(arith::CmpFPredicate predicate, Num a, Num b) {
  return {a.lanes, arith::CmpFOp::create(a.lanes->b, predicate, a.value, b.value)};
}
Mask operator<(Num a, Num b) { return compare(arith::CmpFPredicate::OLT, a, b); }
Mask operator==(Num a, Num b) { return compare(arith::CmpFPredicate::OEQ, a, b); }
Mask isNan(Num a) { return compare(arith::CmpFPredicate::UNO, a, a); }
Mask operator==(Int a, Int b) {
  return {a.lanes, arith::CmpIOp::create(a.lanes->b, arith::CmpIPredicate::eq, a.value, b.value)};
}
Mask operator<(Int a, Int b) {
  return {a.lanes, arith::CmpIOp::create(a.lanes->b, arith::CmpIPredicate::slt, a.value, b.value)};
}
Mask lessUnsigned(Int a, Int b) {
  return {a.lanes, arith::CmpIOp::create(a.lanes->b, arith::CmpIPredicate::ult, a.value, b.value)};
}
Mask operator!(Mask a) {
  Value ones = constant(*a.lanes, IntegerAttr::get(a.lanes->b.getI1Type(), 1));
  return {a.lanes, arith::XOrIOp::create(a.lanes->b, a.value, ones)};
}

static Value select(Mask condition, Value yes, Value no) {
  return arith::SelectOp::create(condition.lanes->b, condition.value, yes, no);
}
Num select(Mask condition, Num yes, Num no) { return {yes.lanes, select(condition, yes.value, no.value)}; }
Int select(Mask condition, Int yes, Int no) { return {yes.lanes, select(condition, yes.value, no.value)}; }

Num clamp(Num a, double low, double high) {
  a = select(a < low, low, a);
  return select(a > high, high, a);
}

Int multiplyHigh(Int a, Int b) {
  return {a.lanes, arith::MulUIExtendedOp::create(a.lanes->b, a.value, b.value).getHigh()};
}
Int operator<<(Int a, int64_t by) {
  return {a.lanes, arith::ShLIOp::create(a.lanes->b, a.value, integer(a, by).value)};
}
Int operator>>(Int a, int64_t by) {
  return {a.lanes, arith::ShRSIOp::create(a.lanes->b, a.value, integer(a, by).value)};
}
Int shiftLogical(Int a, int64_t by) {
  return {a.lanes, arith::ShRUIOp::create(a.lanes->b, a.value, integer(a, by).value)};
}
Int shiftLeft(Int a, Int by) { return {a.lanes, arith::ShLIOp::create(a.lanes->b, a.value, by.value)}; }
Int shiftLogical(Int a, Int by) { return {a.lanes, arith::ShRUIOp::create(a.lanes->b, a.value, by.value)}; }

// ---- Bits

Int bitsOf(Num a) { return {a.lanes, arith::BitcastOp::create(a.lanes->b, a.lanes->intType(), a.value)}; }
Num fromBits(Int a) { return {a.lanes, arith::BitcastOp::create(a.lanes->b, a.lanes->numType(), a.value)}; }

// 1.5 * 2^mantissaBits: adding it rounds to an integer and leaves that integer in the lowest bits.
static double roundingConstant(const Lanes& lanes) { return lanes.isDouble() ? 0x1.8p52 : 0x1.8p23; }
static int64_t roundingBits(const Lanes& lanes) { return lanes.isDouble() ? 0x4338000000000000 : 0x4B400000; }

Num toNum(Int a) {
  const Lanes& lanes = *a.lanes;
  // Vectors of 64-bit integers convert in one instruction only in AVX-512.
  if (lanes.isDouble()) return fromBits(a + roundingBits(lanes)) - roundingConstant(lanes);
  return {&lanes, arith::SIToFPOp::create(lanes.b, lanes.numType(), a.value)};
}
Num roundToNum(Int a) { return {a.lanes, arith::SIToFPOp::create(a.lanes->b, a.lanes->numType(), a.value)}; }

Num flipSign(Num a, Int bits) {
  int64_t sign = a.isDouble() ? std::numeric_limits<int64_t>::min() : int64_t(std::numeric_limits<int32_t>::min());
  return fromBits(bitsOf(a) ^ (bits & sign));
}

Num polynomial(Num x, std::initializer_list<double> coefficients) {
  const double* c = coefficients.end() - 1;
  Num result = num(x, *c);
  while (c != coefficients.begin()) result = fma(result, x, *--c);
  return result;
}

// ---- Powers of two

Int Rounded::value() const { return bits - roundingBits(*bits.lanes); }

Rounded roundScaled(Num x, double scale) {
  Num shifted = fma(x, scale, roundingConstant(*x.lanes));
  return {shifted - roundingConstant(*x.lanes), bitsOf(shifted)};
}
Rounded roundInteger(Num x) {
  Num shifted = x + roundingConstant(*x.lanes);
  return {shifted - roundingConstant(*x.lanes), bitsOf(shifted)};
}

Num powerOfTwo(Int n) {
  const Lanes& lanes = *n.lanes;
  return fromBits((n << lanes.mantissaBits()) + (int64_t(lanes.bias()) << lanes.mantissaBits()));
}

// ---- AVX-512

static int64_t registerLanes(const Lanes& lanes) { return lanes.isDouble() ? 8 : 16; }
bool hasExponentInstructions(const Lanes& lanes) {
  return lanes.target.avx512 && lanes.width && lanes.width % registerLanes(lanes) == 0;
}

// One intrinsic for each register. Its operands: those given, then an immediate if there is one, then the lanes that a
// mask of all ones never takes, the mask, and the rounding mode (4: the current one).
static Num callIntrinsic(StringRef name, ArrayRef<Num> operands, std::optional<int> immediate = {},
                         bool rounds = true) {
  const Lanes& lanes = *operands[0].lanes;
  ImplicitLocOpBuilder& b = lanes.b;
  int64_t piece = registerLanes(lanes);
  auto type = VectorType::get({piece}, lanes.element);
  auto fullName = b.getStringAttr("llvm.x86.avx512." + name + (lanes.isDouble() ? ".pd.512" : ".ps.512"));
  auto i32 = [&](int value) -> Value { return arith::ConstantOp::create(b, b.getI32IntegerAttr(value)); };
  Value all = arith::ConstantOp::create(b, IntegerAttr::get(b.getIntegerType(piece), -1));
  SmallVector<Value> parts;
  for (int64_t at = 0; at < lanes.width; at += piece) {
    auto cut = llvm::to_vector(llvm::seq<int64_t>(at, at + piece));
    SmallVector<Value> values;
    for (Num operand : operands)
      values.push_back(lanes.width == piece ? operand.value
                                            : vector::ShuffleOp::create(b, operand.value, operand.value, cut));
    Value first = values[0];
    if (immediate) values.push_back(i32(*immediate));
    values.append({first, all});
    if (rounds) values.push_back(i32(4));
    parts.push_back(LLVM::CallIntrinsicOp::create(b, type, fullName, values).getResult(0));
  }
  // One register after another again.
  Value whole = parts[0];
  for (size_t i = 1; i < parts.size(); ++i) {
    int64_t have = piece * static_cast<int64_t>(i);
    auto same = llvm::to_vector(llvm::seq<int64_t>(0, have));
    SmallVector<int64_t> padded(llvm::seq<int64_t>(0, piece).begin(), llvm::seq<int64_t>(0, piece).end());
    // A shuffle's operands have one length: the next part is widened first.
    for (int64_t lane = piece; lane < have; ++lane) padded.push_back(0);
    Value next = have == piece ? parts[i] : Value(vector::ShuffleOp::create(b, parts[i], parts[i], padded));
    for (int64_t lane = 0; lane < piece; ++lane) same.push_back(have + lane);
    whole = vector::ShuffleOp::create(b, whole, next, same);
  }
  return {&lanes, whole};
}

Num exponentByInstruction(Num a) { return callIntrinsic("mask.getexp", {a}); }
Num mantissaByInstruction(Num a) { return callIntrinsic("mask.getmant", {a}, 0b1011); }

Num rootEstimate(Num a) { return callIntrinsic("rsqrt14", {a}, {}, /*rounds=*/false); }

Num scale(Num a, Rounded n) {
  const Lanes& lanes = *a.lanes;
  if (hasExponentInstructions(lanes)) return callIntrinsic("mask.scalef", {a, n.number});
  // In two steps, since 2^n itself may not be a number. The first is exact, so there is one rounding.
  Int whole = n.value(), half = whole >> 1;
  return a * powerOfTwo(half) * powerOfTwo(whole - half);
}

// ---- Both precisions

Num widen(Num a, const Lanes& wide) { return {&wide, arith::ExtFOp::create(wide.b, wide.numType(), a.value)}; }
Num narrow(Num a, const Lanes& single) {
  return {&single, arith::TruncFOp::create(single.b, single.numType(), a.value)};
}
Int widenUnsigned(Int a, const Lanes& wide) { return {&wide, arith::ExtUIOp::create(wide.b, wide.intType(), a.value)}; }

// ---- What is rare, and loops

static Value anyOf(Mask mask) {
  if (!mask.lanes->width) return mask.value;
  return vector::ReductionOp::create(mask.lanes->b, vector::CombiningKind::OR, mask.value);
}

SmallVector<Value> ifAny(Mask rare, ValueRange fast, function_ref<SmallVector<Value>()> slow) {
  ImplicitLocOpBuilder& b = rare.lanes->b;
  auto op = scf::IfOp::create(b, fast.getTypes(), anyOf(rare), /*withElseRegion=*/true);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(op.thenBlock());
  scf::YieldOp::create(b, slow());
  b.setInsertionPointToStart(op.elseBlock());
  scf::YieldOp::create(b, fast);
  return SmallVector<Value>(op.getResults());
}

SmallVector<Num> whileAny(ArrayRef<Num> start, function_ref<Mask(ArrayRef<Num>)> more,
                          function_ref<SmallVector<Num>(ArrayRef<Num>)> next) {
  const Lanes& lanes = *start[0].lanes;
  ImplicitLocOpBuilder& b = lanes.b;
  auto values = [](ArrayRef<Num> numbers) {
    SmallVector<Value> result;
    for (Num number : numbers) result.push_back(number.value);
    return result;
  };
  auto numbers = [&](ValueRange list) {
    SmallVector<Num> result;
    for (Value value : list) result.push_back({&lanes, value});
    return result;
  };
  SmallVector<Value> inits = values(start);
  SmallVector<Type> types(start.size(), lanes.numType());
  SmallVector<Location> locations(start.size(), b.getLoc());
  auto loop = scf::WhileOp::create(b, TypeRange(types), ValueRange(inits));
  OpBuilder::InsertionGuard guard(b);
  Block* before = b.createBlock(&loop.getBefore(), {}, types, locations);
  scf::ConditionOp::create(b, anyOf(more(numbers(before->getArguments()))), before->getArguments());
  Block* after = b.createBlock(&loop.getAfter(), {}, types, locations);
  scf::YieldOp::create(b, values(next(numbers(after->getArguments()))));
  return numbers(loop.getResults());
}

SmallVector<Value> perLane(Num x, ValueRange start, function_ref<SmallVector<Value>(Num)> scalar) {
  const Lanes& lanes = *x.lanes;
  if (!lanes.width) return scalar(x);
  ImplicitLocOpBuilder& b = lanes.b;
  Lanes single{b, lanes.element, 0, lanes.target};
  Value zero = arith::ConstantIndexOp::create(b, 0), one = arith::ConstantIndexOp::create(b, 1);
  Value width = arith::ConstantIndexOp::create(b, lanes.width);
  auto loop = scf::ForOp::create(b, zero, width, one, start);
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(loop.getBody());
  SmallVector<OpFoldResult> lane = {loop.getInductionVar()};
  SmallVector<Value> results = scalar({&single, vector::ExtractOp::create(b, x.value, ArrayRef<OpFoldResult>(lane))});
  for (auto [i, result] : llvm::enumerate(results))
    result = vector::InsertOp::create(b, result, loop.getRegionIterArg(i), ArrayRef<OpFoldResult>(lane));
  scf::YieldOp::create(b, results);
  return SmallVector<Value>(loop.getResults());
}

// ---- Pairs

Pair sum(Num a, Num b) {
  Num s = a + b;
  return {s, b - (s - a)};
}
Pair anySum(Num a, Num b) {  // Knuth's
  Num s = a + b, part = s - a;
  return {s, (a - (s - part)) + (b - part)};
}
Pair product(Pair a, Num b) {
  Num p = a.high * b;
  return {p, fma(a.low, b, fma(a.high, b, -p))};
}
Pair product(Pair a, Pair b) {
  Num p = a.high * b.high;
  return {p, fma(a.high, b.high, -p) + fma(a.high, b.low, a.low * b.high)};
}

}  // namespace skein::compiler::math
