// Type rules and folds of the elementwise family.
#include "dialects/skein/typing.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/Matchers.h"

namespace skein::ir {

using namespace mlir;

static LogicalResult sameShapes(MaybeLoc loc, llvm::StringRef op, ValueRange operands) {
  auto first = arrayType(operands[0]);
  for (Value other : operands.drop_front())
    if (arrayType(other).getShape() != first.getShape())
      return refuse(loc, "elementwise.C2", plainName(op) + ": shapes do not match: " + describeAll(operands.getTypes()));
  return success();
}

LogicalResult inferElementwise(MaybeLoc loc, llvm::StringRef op, ValueRange operands, Domain domain, Image image, Types& results) {
  auto first = arrayType(operands[0]);
  if (failed(sameShapes(loc, op, operands))) return failure();
  for (Value other : operands.drop_front())
    if (arrayType(other).getElementType() != first.getElementType())
      return refuse(loc, "elementwise.C3", plainName(op) + ": dtypes do not match: " + describeAll(operands.getTypes()));
  if (failed(checkDomain(loc, op, first.getElementType(), domain))) return failure();
  if (image == Image::Complex && !first.getElementType().isF32() && !first.getElementType().isF64())
    return refuse(loc, "elementwise.C1", plainName(op) + " takes float32 or float64, not " + describe(first));
  auto type = withElement(first, imageOf(first.getElementType(), image));
  results.push_back(withVarying(type, joinVarying(operands.getTypes())));
  return success();
}

LogicalResult SelectOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  if (!arrayType(adaptor.getPredicate()).getElementType().isInteger(1))
    return refuse(loc, "select.C1", "select: the condition is bool, not " + describe(adaptor.getPredicate().getType()));
  auto onTrue = arrayType(adaptor.getOnTrue());
  if (failed(sameShapes(loc, "select", adaptor.getOperands()))) return failure();
  if (onTrue.getElementType() != arrayType(adaptor.getOnFalse()).getElementType())
    return refuse(loc, "select.C2", "select: dtypes do not match: " + describeAll(adaptor.getOperands().drop_front().getTypes()));
  results.push_back(withVarying(onTrue, joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

LogicalResult ConvertOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto from = arrayType(adaptor.getOperand());
  if (!dtypeOf(adaptor.getDtype())) return refuse(loc, "convert.C1", "convert: no dtype is this MLIR type");
  if (llvm::isa<ComplexType>(from.getElementType()) && !llvm::isa<ComplexType>(adaptor.getDtype()) && !adaptor.getDtype().isInteger(1))
    return refuse(loc, "convert.C2", "convert: " + describe(from) + " has no value in a real dtype; take real() or abs()");
  results.push_back(withElement(from, adaptor.getDtype()));
  return success();
}

static unsigned widthOf(Type element) {
  if (auto complex = llvm::dyn_cast<ComplexType>(element)) return 2 * complex.getElementType().getIntOrFloatBitWidth();
  return element.getIntOrFloatBitWidth();
}

LogicalResult BitcastOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto from = arrayType(adaptor.getOperand());
  if (!dtypeOf(adaptor.getDtype()) || widthOf(from.getElementType()) != widthOf(adaptor.getDtype()))
    return refuse(loc, "bitcast.C1", "bitcast: " + describe(from) + " and the dtype asked for differ in width");
  results.push_back(withElement(from, adaptor.getDtype()));
  return success();
}

// ---- folds ----

static bool isSplat(Attribute attribute, double value) {
  auto elements = llvm::dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!elements || !elements.isSplat()) return false;
  if (llvm::isa<FloatType>(elements.getElementType())) {
    auto splat = elements.getSplatValue<APFloat>();
    // -0 is the identity of addition, 0 is not: (-0) + 0 is 0.
    return splat.convertToDouble() == value && !(splat.isZero() && splat.isNegative());
  }
  if (auto integer = llvm::dyn_cast<IntegerType>(elements.getElementType()))
    return integer.getWidth() > 1 && elements.getSplatValue<APInt>().getLimitedValue() == static_cast<uint64_t>(value);
  return false;
}

static bool isInteger(Type type) { return llvm::isa<IntegerType>(arrayType(type).getElementType()); }

/// Integer arithmetic on splats: loop bounds, offsets and counters of random numbers.
static Attribute foldIntegers(Operation* op, DenseElementsAttr lhs, DenseElementsAttr rhs) {
  auto type = arrayType(op->getResult(0).getType());
  auto element = llvm::dyn_cast<IntegerType>(lhs.getElementType());
  if (!element || element.getWidth() == 1 || !lhs.isSplat() || !rhs.isSplat() || !varying(type).empty()) return {};
  APInt a = lhs.getSplatValue<APInt>(), b = rhs.getSplatValue<APInt>();
  bool is_unsigned = element.isUnsigned();
  auto compare = [&](bool value) { return DenseElementsAttr::get(type, value); };
  return llvm::TypeSwitch<Operation*, Attribute>(op)
      .Case<AddOp>([&](auto) { return DenseElementsAttr::get(type, a + b); })
      .Case<SubOp>([&](auto) { return DenseElementsAttr::get(type, a - b); })
      .Case<MulOp>([&](auto) { return DenseElementsAttr::get(type, a * b); })
      .Case<LtOp>([&](auto) { return compare(is_unsigned ? a.ult(b) : a.slt(b)); })
      .Case<GtOp>([&](auto) { return compare(is_unsigned ? a.ugt(b) : a.sgt(b)); })
      .Case<EqOp>([&](auto) { return compare(a == b); })
      .Default([](auto) { return Attribute(); });
}

OpFoldResult foldElementwise(Operation* op, llvm::ArrayRef<Attribute> operands) {
  Type type = op->getResult(0).getType();
  auto unchanged = [&](unsigned i) { return op->getOperand(i).getType() == type ? OpFoldResult(op->getOperand(i)) : OpFoldResult(); };
  if (operands.size() == 2) {
    auto lhs = llvm::dyn_cast_or_null<DenseElementsAttr>(operands[0]), rhs = llvm::dyn_cast_or_null<DenseElementsAttr>(operands[1]);
    if (lhs && rhs)
      if (Attribute folded = foldIntegers(op, lhs, rhs)) return folded;
    if (llvm::isa<MulOp, DivOp>(op) && isSplat(operands[1], 1)) return unchanged(0);
    if (llvm::isa<MulOp>(op) && isSplat(operands[0], 1)) return unchanged(1);
    if (isInteger(type)) {
      if (llvm::isa<AddOp, SubOp, XorOp, OrOp, ShlOp>(op) && isSplat(operands[1], 0)) return unchanged(0);
      if (llvm::isa<AddOp, XorOp, OrOp>(op) && isSplat(operands[0], 0)) return unchanged(1);
    } else if (llvm::isa<SubOp>(op) && isSplat(operands[1], 0)) {
      return unchanged(0);  // x - 0 is x, also for -0
    }
  }
  if (llvm::isa<NegOp, NotOp, ConjOp>(op))
    if (Operation* inner = op->getOperand(0).getDefiningOp(); inner && inner->getName() == op->getName()) return inner->getOperand(0);
  return {};
}

OpFoldResult SelectOp::fold(FoldAdaptor adaptor) {
  auto predicate = llvm::dyn_cast_or_null<DenseElementsAttr>(adaptor.getPredicate());
  if (predicate && predicate.isSplat()) {
    Value chosen = predicate.getSplatValue<bool>() ? getOnTrue() : getOnFalse();
    if (chosen.getType() == getType()) return chosen;
  }
  if (getOnTrue() == getOnFalse() && getOnTrue().getType() == getType()) return getOnTrue();
  return {};
}

OpFoldResult ConvertOp::fold(FoldAdaptor adaptor) {
  if (getOperand().getType() == getType()) return getOperand();
  auto value = llvm::dyn_cast_or_null<DenseElementsAttr>(adaptor.getOperand());
  auto type = llvm::cast<RankedTensorType>(getType());
  if (!value || !value.isSplat() || !varying(type).empty()) return {};
  Type from = value.getElementType(), to = type.getElementType();
  auto isNumber = [](Type t) { return llvm::isa<IntegerType>(t) && !t.isInteger(1); };
  if (isNumber(from) && isNumber(to)) {
    bool is_unsigned = llvm::cast<IntegerType>(from).isUnsigned();
    APInt bits = value.getSplatValue<APInt>();
    unsigned width = to.getIntOrFloatBitWidth();
    return DenseElementsAttr::get(type, is_unsigned ? bits.zextOrTrunc(width) : bits.sextOrTrunc(width));
  }
  if (isNumber(from) && llvm::isa<FloatType>(to)) {
    APFloat result(llvm::cast<FloatType>(to).getFloatSemantics());
    result.convertFromAPInt(value.getSplatValue<APInt>(), !llvm::cast<IntegerType>(from).isUnsigned(), APFloat::rmNearestTiesToEven);
    return DenseElementsAttr::get(type, result);
  }
  if (llvm::isa<FloatType>(from) && llvm::isa<FloatType>(to)) {
    APFloat result = value.getSplatValue<APFloat>();
    bool lost;
    result.convert(llvm::cast<FloatType>(to).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    return DenseElementsAttr::get(type, result);
  }
  return {};
}

OpFoldResult BitcastOp::fold(FoldAdaptor) { return getOperand().getType() == getType() ? OpFoldResult(getOperand()) : OpFoldResult(); }

}  // namespace skein::ir
