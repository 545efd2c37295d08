// Powers and reciprocal roots in the form that is cheapest within the accuracy promised (docs/spec.md, div and pow):
// a / sqrt(x) and a / (x * sqrt(x)) through rsqrt, constant exponents through products.
#include "compiler/transforms/transforms.h"
#include "dialects/skein/typing.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {

using Builder = ImplicitLocOpBuilder;

/// The one value of a constant, also where it is broadcast.
std::optional<double> splatOf(Value v) {
  while (auto broadcast = v.getDefiningOp<ir::BroadcastOp>()) v = broadcast.getOperand();
  if (auto pvary = v.getDefiningOp<ir::PvaryOp>()) return splatOf(pvary.getOperand());
  auto constant = v.getDefiningOp<ir::ConstantOp>();
  if (!constant) return std::nullopt;
  auto value = llvm::cast<DenseElementsAttr>(constant.getValue());
  if (!value.isSplat() || !llvm::isa<FloatType>(value.getElementType())) return std::nullopt;
  return value.getSplatValue<APFloat>().convertToDouble();
}

Value splat(Builder& b, Value like, double value) {
  auto type = arrayType(like);
  auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
  return ir::ConstantOp::create(b, plain, DenseElementsAttr::get(plain, FloatAttr::get(type.getElementType(), value)));
}

/// The x of sqrt(x), or of x * sqrt(x), with the power of rsqrt(x) that its reciprocal is.
std::pair<Value, int> rootIn(Value v) {
  if (auto root = v.getDefiningOp<ir::SqrtOp>()) return {root.getOperand(), 1};
  if (auto product = v.getDefiningOp<ir::MulOp>())
    for (auto [x, other] : {std::pair(product.getLhs(), product.getRhs()), std::pair(product.getRhs(), product.getLhs())})
      if (auto root = other.getDefiningOp<ir::SqrtOp>(); root && root.getOperand() == x) return {x, 3};
  return {{}, 0};
}

Value power(Builder& b, Value x, int64_t n) {
  // By squaring: few factors, few roundings.
  Value result, square = x;
  for (; n; n >>= 1) {
    if (n & 1) result = result ? Value(ir::MulOp::create(b, result, square)) : square;
    if (n > 1) square = ir::MulOp::create(b, square, square);
  }
  return result;
}

void replace(Operation* op, Value value) {
  if (value.getType() == op->getResult(0).getType()) op->getResult(0).replaceAllUsesWith(value);
}

}  // namespace

void cheapenPowers(func::FuncOp function) {
  llvm::SmallVector<Operation*> ops;
  function.walk([&](Operation* op) {
    if (llvm::isa<ir::DivOp, ir::PowOp>(op)) ops.push_back(op);
  });
  for (Operation* op : ops) {
    Builder b(op->getLoc(), op);
    Value left = op->getOperand(0), right = op->getOperand(1);
    Type element = arrayType(left).getElementType();
    if (llvm::isa<ir::DivOp>(op) && element.isF32()) {
      auto [x, n] = rootIn(right);
      if (!x) continue;
      Value reciprocal = power(b, ir::RsqrtOp::create(b, x), n);
      replace(op, splatOf(left) == 1.0 ? reciprocal : Value(ir::MulOp::create(b, left, reciprocal)));
    } else if (llvm::isa<ir::PowOp>(op) && llvm::isa<FloatType>(element)) {
      auto exponent = splatOf(right);
      if (!exponent) continue;
      double whole = *exponent;
      if (whole == 1 || whole == 2 || whole == 3 || whole == 4) {
        replace(op, power(b, left, static_cast<int64_t>(whole)));
      } else if (whole == -1) {
        replace(op, ir::DivOp::create(b, splat(b, left, 1), left));
      } else if ((whole == -0.5 || whole == -1.5) && element.isF32()) {
        Value value = power(b, ir::RsqrtOp::create(b, left), whole == -0.5 ? 1 : 3);
        // pow(-0, -0.5) is +infinity and pow(-infinity, -0.5) is 0, which a root does not give.
        Value magnitude = ir::AbsOp::create(b, value);
        Value zero = ir::EqOp::create(b, left, splat(b, left, 0)), below = ir::EqOp::create(b, left, splat(b, left, -std::numeric_limits<double>::infinity()));
        value = ir::SelectOp::create(b, zero, magnitude, value);
        replace(op, ir::SelectOp::create(b, below, splat(b, left, 0), value));
      }
    }
  }
}

}  // namespace skein::compiler
