// How one element of an elementwise op follows from its operands' elements.
#include "compiler/codegen/math.h"
#include "compiler/lowering/element.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {

Value integer(Builder& b, Value shape, int64_t value) {
  Type type = shape.getType();
  Type scalar = getElementTypeOrSelf(type);
  auto attr = b.getIntegerAttr(scalar, APInt(scalar.getIntOrFloatBitWidth(), value, true, true));
  if (auto vec = llvm::dyn_cast<VectorType>(type)) return arith::ConstantOp::create(b, DenseElementsAttr::get(vec, attr));
  return arith::ConstantOp::create(b, attr);
}

Value real(Builder& b, Value shape, double value) {
  auto scalar = llvm::cast<FloatType>(getElementTypeOrSelf(shape.getType()));
  auto attr = FloatAttr::get(scalar, value);
  if (auto vec = llvm::dyn_cast<VectorType>(shape.getType())) return arith::ConstantOp::create(b, DenseElementsAttr::get(vec, attr));
  return arith::ConstantOp::create(b, attr);
}

Value isNan(Builder& b, Value x) { return arith::CmpFOp::create(b, arith::CmpFPredicate::UNO, x, x); }

bool isUnsigned(Type element) { return element.isUnsignedInteger() || element.isInteger(1); }

Value emitFloat(Builder& b, Operation* op, llvm::ArrayRef<Value> x) {
  using P = arith::CmpFPredicate;
  auto compare = [&](P predicate) -> Value { return arith::CmpFOp::create(b, predicate, x[0], x[1]); };
  return llvm::TypeSwitch<Operation*, Value>(op)
      // A product and the sum it goes into may be one operation, which rounds once.
      .Case<ir::AddOp>([&](auto) { return arith::AddFOp::create(b, x[0], x[1], arith::FastMathFlags::contract); })
      .Case<ir::SubOp>([&](auto) { return arith::SubFOp::create(b, x[0], x[1], arith::FastMathFlags::contract); })
      .Case<ir::MulOp>([&](auto) { return arith::MulFOp::create(b, x[0], x[1], arith::FastMathFlags::contract); })
      .Case<ir::DivOp>([&](auto) { return arith::DivFOp::create(b, x[0], x[1]); })
      .Case<ir::NegOp>([&](auto) { return arith::NegFOp::create(b, x[0]); })
      .Case<ir::AbsOp>([&](auto) { return math::AbsFOp::create(b, x[0]); })
      .Case<ir::FmaOp>([&](auto) { return math::FmaOp::create(b, x[0], x[1], x[2]); })
      .Case<ir::ErfInvOp>([&](auto) { return math::emit(b, "erf_inv_exact", x); })
      .Case<ir::MaximumOp>([&](auto) { return math::emit(b, "max", x); })
      .Case<ir::MinimumOp>([&](auto) { return math::emit(b, "min", x); })
      .Case<ir::ClampOp>([&](auto) { return math::emit(b, "min", {math::emit(b, "max", {x[1], x[0]}), x[2]}); })
      .Case<ir::EqOp>([&](auto) { return compare(P::OEQ); })
      .Case<ir::NeOp>([&](auto) { return compare(P::UNE); })
      .Case<ir::LtOp>([&](auto) { return compare(P::OLT); })
      .Case<ir::LeOp>([&](auto) { return compare(P::OLE); })
      .Case<ir::GtOp>([&](auto) { return compare(P::OGT); })
      .Case<ir::GeOp>([&](auto) { return compare(P::OGE); })
      .Case<ir::SignOp>([&](auto) -> Value {
        Value one = math::CopySignOp::create(b, real(b, x[0], 1), x[0]);
        Value zero = arith::CmpFOp::create(b, P::UEQ, x[0], real(b, x[0], 0));  // zeros keep their sign, NaN stays
        return arith::SelectOp::create(b, zero, x[0], one);
      })
      .Case<ir::IsFiniteOp>([&](auto) -> Value {
        return arith::CmpFOp::create(b, P::OLT, math::AbsFOp::create(b, x[0]), real(b, x[0], std::numeric_limits<double>::infinity()));
      })
      .Default([&](Operation* other) { return math::emit(b, ir::plainName(other->getName().getStringRef()), x); });
}

/// By squaring, as the exponent's bits go; negative exponents leave 0 except for bases 1 and -1.
Value integerPower(Builder& b, Value base, Value exponent, bool is_unsigned) {
  unsigned width = getElementTypeOrSelf(base.getType()).getIntOrFloatBitWidth();
  Value result = integer(b, base, 1), one = integer(b, base, 1), zero = integer(b, base, 0), square = base, bits = exponent;
  for (unsigned i = 0; i < width; ++i) {
    Value odd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, bits, one), zero);
    result = arith::SelectOp::create(b, odd, arith::MulIOp::create(b, result, square), result);
    square = arith::MulIOp::create(b, square, square);
    bits = arith::ShRUIOp::create(b, bits, one);
  }
  if (is_unsigned) return result;
  Value negative = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, exponent, zero);
  Value odd = arith::CmpIOp::create(b, arith::CmpIPredicate::ne, arith::AndIOp::create(b, exponent, one), zero);
  Value isOne = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, base, one);
  Value minusOne = integer(b, base, -1);
  Value isMinusOne = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, base, minusOne);
  Value reciprocal = arith::SelectOp::create(b, isOne, one, arith::SelectOp::create(b, isMinusOne, arith::SelectOp::create(b, odd, minusOne, one), zero));
  return arith::SelectOp::create(b, negative, reciprocal, result);
}

Value emitInteger(Builder& b, Operation* op, llvm::ArrayRef<Value> x, Type element) {
  using P = arith::CmpIPredicate;
  bool u = isUnsigned(element), boolean = element.isInteger(1);
  unsigned width = element.getIntOrFloatBitWidth();
  auto compare = [&](P s, P un) -> Value { return arith::CmpIOp::create(b, u ? un : s, x[0], x[1]); };
  auto maximum = [&](Value p, Value q) -> Value { return u ? Value(arith::MaxUIOp::create(b, p, q)) : Value(arith::MaxSIOp::create(b, p, q)); };
  auto minimum = [&](Value p, Value q) -> Value { return u ? Value(arith::MinUIOp::create(b, p, q)) : Value(arith::MinSIOp::create(b, p, q)); };
  auto tooFar = [&] { return Value(arith::CmpIOp::create(b, P::uge, x[1], integer(b, x[1], width))); };
  // The hardware traps on x / 0 and on the least value / -1: divide by 1 there and put the defined result in its place.
  auto divide = [&](bool remainder) -> Value {
    Value zero = integer(b, x[0], 0), one = integer(b, x[0], 1), minusOne = integer(b, x[0], -1);
    Value byZero = arith::CmpIOp::create(b, P::eq, x[1], zero), unsafe = byZero, overflow;
    if (!u) {
      Value least = integer(b, x[0], width == 64 ? INT64_MIN : -(int64_t(1) << (width - 1)));
      overflow = arith::AndIOp::create(b, arith::CmpIOp::create(b, P::eq, x[0], least), arith::CmpIOp::create(b, P::eq, x[1], minusOne));
      unsafe = arith::OrIOp::create(b, byZero, overflow);
    }
    Value divisor = arith::SelectOp::create(b, unsafe, one, x[1]);
    if (remainder) {
      Value r = u ? Value(arith::RemUIOp::create(b, x[0], divisor)) : Value(arith::RemSIOp::create(b, x[0], divisor));
      return arith::SelectOp::create(b, byZero, x[0], r);  // least % -1 is least % 1: 0
    }
    Value q = u ? Value(arith::DivUIOp::create(b, x[0], divisor)) : Value(arith::DivSIOp::create(b, x[0], divisor));
    return arith::SelectOp::create(b, byZero, minusOne, q);  // least / -1 is least / 1: it wraps
  };
  return llvm::TypeSwitch<Operation*, Value>(op)
      .Case<ir::AddOp>([&](auto) -> Value { return boolean ? Value(arith::OrIOp::create(b, x[0], x[1])) : Value(arith::AddIOp::create(b, x[0], x[1])); })
      .Case<ir::SubOp>([&](auto) { return arith::SubIOp::create(b, x[0], x[1]); })
      .Case<ir::MulOp>([&](auto) -> Value { return boolean ? Value(arith::AndIOp::create(b, x[0], x[1])) : Value(arith::MulIOp::create(b, x[0], x[1])); })
      .Case<ir::DivOp>([&](auto) { return divide(false); })
      .Case<ir::RemOp>([&](auto) { return divide(true); })
      .Case<ir::PowOp>([&](auto) { return integerPower(b, x[0], x[1], u); })
      .Case<ir::NegOp>([&](auto) { return arith::SubIOp::create(b, integer(b, x[0], 0), x[0]); })
      .Case<ir::AbsOp>([&](auto) -> Value { return u ? x[0] : Value(math::AbsIOp::create(b, x[0])); })
      .Case<ir::SignOp>([&](auto) -> Value {
        if (u) return minimum(x[0], integer(b, x[0], 1));
        Value low = arith::MaxSIOp::create(b, x[0], integer(b, x[0], -1));
        return arith::MinSIOp::create(b, low, integer(b, x[0], 1));
      })
      .Case<ir::NotOp>([&](auto) { return arith::XOrIOp::create(b, x[0], integer(b, x[0], -1)); })
      .Case<ir::PopcntOp>([&](auto) { return math::CtPopOp::create(b, x[0]); })
      .Case<ir::ClzOp>([&](auto) { return math::CountLeadingZerosOp::create(b, x[0]); })
      .Case<ir::MaximumOp>([&](auto) { return maximum(x[0], x[1]); })
      .Case<ir::MinimumOp>([&](auto) { return minimum(x[0], x[1]); })
      .Case<ir::ClampOp>([&](auto) { return minimum(maximum(x[1], x[0]), x[2]); })
      .Case<ir::AndOp>([&](auto) { return arith::AndIOp::create(b, x[0], x[1]); })
      .Case<ir::OrOp>([&](auto) { return arith::OrIOp::create(b, x[0], x[1]); })
      .Case<ir::XorOp>([&](auto) { return arith::XOrIOp::create(b, x[0], x[1]); })
      .Case<ir::ShlOp>([&](auto) { return arith::SelectOp::create(b, tooFar(), integer(b, x[0], 0), arith::ShLIOp::create(b, x[0], x[1])); })
      .Case<ir::ShrLogicalOp>([&](auto) { return arith::SelectOp::create(b, tooFar(), integer(b, x[0], 0), arith::ShRUIOp::create(b, x[0], x[1])); })
      .Case<ir::ShrArithmeticOp>([&](auto) {
        Value distance = arith::SelectOp::create(b, tooFar(), integer(b, x[1], width - 1), x[1]);
        return arith::ShRSIOp::create(b, x[0], distance);
      })
      .Case<ir::EqOp>([&](auto) { return compare(P::eq, P::eq); })
      .Case<ir::NeOp>([&](auto) { return compare(P::ne, P::ne); })
      .Case<ir::LtOp>([&](auto) { return compare(P::slt, P::ult); })
      .Case<ir::LeOp>([&](auto) { return compare(P::sle, P::ule); })
      .Case<ir::GtOp>([&](auto) { return compare(P::sgt, P::ugt); })
      .Case<ir::GeOp>([&](auto) { return compare(P::sge, P::uge); })
      .Default([](Operation*) { return Value(); });
}

/// Truncates towards zero; what does not fit becomes the nearest value that does, NaN becomes 0.
Value floatToInteger(Builder& b, Value x, Type to) {
  bool u = to.isUnsignedInteger();
  unsigned width = to.getIntOrFloatBitWidth();
  double low = u ? 0.0 : -std::ldexp(1.0, width - 1), high = std::ldexp(1.0, u ? width : width - 1);
  Type target = like(x, signless(to));
  Value tooLow = arith::CmpFOp::create(b, arith::CmpFPredicate::OLE, x, real(b, x, low));
  Value tooHigh = arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x, real(b, x, high));
  Value inside = arith::SelectOp::create(b, arith::OrIOp::create(b, arith::OrIOp::create(b, tooLow, tooHigh), isNan(b, x)), real(b, x, 0), x);
  Value converted = u ? Value(arith::FPToUIOp::create(b, target, inside)) : Value(arith::FPToSIOp::create(b, target, inside));
  uint64_t all = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  Value least = integer(b, converted, u ? 0 : static_cast<int64_t>(uint64_t(1) << (width - 1)));
  Value greatest = integer(b, converted, static_cast<int64_t>(u ? all : all >> 1));
  return arith::SelectOp::create(b, tooHigh, greatest, arith::SelectOp::create(b, tooLow, least, converted));
}

}  // namespace

Value convertFloat(Builder& b, Value x, FloatType to) {
  unsigned from = getElementTypeOrSelf(x.getType()).getIntOrFloatBitWidth();
  if (getElementTypeOrSelf(x.getType()) == to) return x;
  if (from == 64 && to.getWidth() == 16) {
    // Through float32 rounded to odd, so that the second rounding is the only one that counts (Boldo, Melquiond 2008).
    Value single = arith::TruncFOp::create(b, like(x, b.getF32Type()), x);
    Value back = arith::ExtFOp::create(b, x.getType(), single);
    Value bits = arith::BitcastOp::create(b, like(x, b.getI32Type()), single);
    Value tooFar = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, math::AbsFOp::create(b, back), math::AbsFOp::create(b, x));
    Value inexact = arith::CmpFOp::create(b, arith::CmpFPredicate::ONE, back, x);
    Value one = integer(b, bits, 1);
    Value towardsZero = arith::SelectOp::create(b, tooFar, arith::SubIOp::create(b, bits, one), bits);
    Value odd = arith::SelectOp::create(b, inexact, arith::OrIOp::create(b, towardsZero, one), bits);
    return convertFloat(b, arith::BitcastOp::create(b, single.getType(), odd), to);
  }
  if (from == 32 && to.isBF16()) {
    // To nearest even on the bits: the processor's instruction flushes subnormal numbers. NaN stays one.
    Value bits = arith::BitcastOp::create(b, like(x, b.getI32Type()), x);
    Value upper = integer(b, bits, 16);
    Value even = arith::AndIOp::create(b, arith::ShRUIOp::create(b, bits, upper), integer(b, bits, 1));
    Value rounded = arith::AddIOp::create(b, bits, arith::AddIOp::create(b, even, integer(b, bits, 0x7fff)));
    rounded = arith::SelectOp::create(b, isNan(b, x), arith::OrIOp::create(b, bits, integer(b, bits, 0x400000)), rounded);
    Value half = arith::TruncIOp::create(b, like(x, b.getI16Type()), arith::ShRUIOp::create(b, rounded, upper));
    return arith::BitcastOp::create(b, like(x, to), half);
  }
  if (from == 16 && getElementTypeOrSelf(x.getType()).isBF16() && to.getWidth() > 16) {
    // On the bits too: LLVM then sees no arithmetic in bfloat16, which it would give to a library.
    Value bits = arith::ExtUIOp::create(b, like(x, b.getI32Type()), arith::BitcastOp::create(b, like(x, b.getI16Type()), x));
    Value single = arith::BitcastOp::create(b, like(x, b.getF32Type()), arith::ShLIOp::create(b, bits, integer(b, bits, 16)));
    return convertFloat(b, single, to);
  }
  if (from < to.getWidth()) return arith::ExtFOp::create(b, like(x, to), x);
  if (from > to.getWidth()) return arith::TruncFOp::create(b, like(x, to), x);
  Value wide = convertFloat(b, x, b.getF32Type());  // float16 <-> bfloat16
  return convertFloat(b, wide, to);
}

namespace {

Value convertReal(Builder& b, Value x, Type from, Type to) {
  if (from == to) return x;
  bool fromFloat = llvm::isa<FloatType>(from), toFloat = llvm::isa<FloatType>(to);
  if (to.isInteger(1)) {
    if (fromFloat && from.getIntOrFloatBitWidth() == 16) x = convertFloat(b, x, b.getF32Type());
    if (fromFloat) return arith::CmpFOp::create(b, arith::CmpFPredicate::UNE, x, real(b, x, 0));
    return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, x, integer(b, x, 0));
  }
  if (fromFloat && toFloat) return convertFloat(b, x, llvm::cast<FloatType>(to));
  if (fromFloat) {
    if (from.getIntOrFloatBitWidth() == 16) x = convertFloat(b, x, b.getF32Type());
    return floatToInteger(b, x, to);
  }
  if (toFloat) {
    Type target = like(x, to);
    bool narrow = to.getIntOrFloatBitWidth() == 16;  // through float32: float16 cannot hold every 16-bit integer
    Type wide = narrow ? like(x, b.getF32Type()) : target;
    Value converted = isUnsigned(from) ? Value(arith::UIToFPOp::create(b, wide, x)) : Value(arith::SIToFPOp::create(b, wide, x));
    return narrow ? convertFloat(b, converted, llvm::cast<FloatType>(to)) : converted;
  }
  Type target = like(x, signless(to));
  unsigned fromWidth = from.getIntOrFloatBitWidth(), toWidth = to.getIntOrFloatBitWidth();
  if (fromWidth == toWidth) return x;
  if (fromWidth > toWidth) return arith::TruncIOp::create(b, target, x);
  return isUnsigned(from) ? Value(arith::ExtUIOp::create(b, target, x)) : Value(arith::ExtSIOp::create(b, target, x));
}

Elem convert(Builder& b, Elem x, Type from, Type to) {
  auto part = [](Type t) { return llvm::isa<ComplexType>(t) ? llvm::cast<ComplexType>(t).getElementType() : t; };
  if (auto complex = llvm::dyn_cast<ComplexType>(to)) {
    Elem result{convertReal(b, x.re, part(from), complex.getElementType()), {}};
    result.im = x.im ? convertReal(b, x.im, part(from), complex.getElementType()) : real(b, result.re, 0);
    return result;
  }
  if (llvm::isa<ComplexType>(from)) {  // to bool: the type rule allows nothing else
    Value re = convertReal(b, x.re, part(from), to), im = convertReal(b, x.im, part(from), to);
    return {arith::OrIOp::create(b, re, im), {}};
  }
  return {convertReal(b, x.re, from, to), {}};
}

/// The neighbour of x towards y, on the bits of a 16-bit float.
Value nextafter16(Builder& b, Value x, Value y) {
  using P = arith::CmpFPredicate;
  Type bitsType = like(x, b.getI16Type());
  Value bits = arith::BitcastOp::create(b, bitsType, x);
  Value zero = real(b, x, 0), one = integer(b, bits, 1), signBit = integer(b, bits, INT16_MIN);
  Value isZero = arith::CmpFOp::create(b, P::OEQ, x, zero);
  Value up = arith::CmpFOp::create(b, P::OLT, x, y);
  Value positive = arith::CmpFOp::create(b, P::OGT, x, zero);
  Value away = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, up, positive);
  Value stepped = arith::SelectOp::create(b, away, arith::AddIOp::create(b, bits, one), arith::SubIOp::create(b, bits, one));
  Value least = arith::SelectOp::create(b, up, one, arith::OrIOp::create(b, one, signBit));
  Value next = arith::BitcastOp::create(b, x.getType(), arith::SelectOp::create(b, isZero, least, stepped));
  Value same = arith::CmpFOp::create(b, P::OEQ, x, y);
  next = arith::SelectOp::create(b, same, y, next);
  next = arith::SelectOp::create(b, isNan(b, y), y, next);
  return arith::SelectOp::create(b, isNan(b, x), x, next);
}

}  // namespace

Elem emitElementwise(Builder& b, Operation* op, llvm::ArrayRef<Elem> operands) {
  Type element = arrayType(op->getOperand(0)).getElementType();
  Type result = arrayType(op->getResult(0)).getElementType();
  if (llvm::isa<ir::ConvertOp>(op)) return convert(b, operands[0], element, result);
  if (llvm::isa<ir::BitcastOp>(op)) {
    if (llvm::isa<ComplexType>(element)) return operands[0];
    return {arith::BitcastOp::create(b, like(operands[0].re, signless(result)), operands[0].re), {}};
  }
  if (llvm::isa<ir::SelectOp>(op)) {
    Elem chosen{arith::SelectOp::create(b, operands[0].re, operands[1].re, operands[2].re), {}};
    if (operands[1].im) chosen.im = arith::SelectOp::create(b, operands[0].re, operands[1].im, operands[2].im);
    return chosen;
  }
  if (llvm::isa<ComplexType>(element) || llvm::isa<ComplexType>(result)) return emitComplex(b, op, operands);
  llvm::SmallVector<Value> x;
  for (const Elem& e : operands) x.push_back(e.re);
  if (!llvm::isa<FloatType>(element)) return {emitInteger(b, op, x, element), {}};
  if (element.getIntOrFloatBitWidth() != 16) return {emitFloat(b, op, x), {}};
  if (llvm::isa<ir::NextafterOp>(op)) return {nextafter16(b, x[0], x[1]), {}};
  // 16-bit floats compute in float32 and round once per op.
  for (Value& v : x) v = convertFloat(b, v, b.getF32Type());
  Value wide = emitFloat(b, op, x);
  if (!llvm::isa<FloatType>(getElementTypeOrSelf(wide.getType()))) return {wide, {}};
  return {convertFloat(b, wide, llvm::cast<FloatType>(result)), {}};
}

}  // namespace skein::compiler
