// Derivatives of the contract and sort families.
#include <algorithm>

#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

LogicalResult pushDot(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  for (unsigned i : {0u, 1u}) {
    if (!tangents[i]) continue;
    Values operands = valuesOf(op->getOperands());
    operands[i] = tangents[i];
    results[0] = e.sum(results[0], e.rebuild(op, operands)->getResult(0));
  }
  return success();
}

/// One side of a contraction: its dims by their part in it.
struct Side {
  Value value;
  Dims batch, contract, free;
  Side(Value v, llvm::ArrayRef<int64_t> batch, llvm::ArrayRef<int64_t> contract) : value(v), batch(batch), contract(contract) {
    for (int64_t d = 0; d < arrayType(v).getRank(); ++d)
      if (!llvm::is_contained(batch, d) && !llvm::is_contained(contract, d)) free.push_back(d);
  }
};

/// The cotangent of `to`: the result's with the other side contracted over what that side alone has. `freeAt`: where the other side's
/// free dimensions stand in the result.
Value cotangentOf(Emitter& e, const Side& to, const Side& other, Value ct, int64_t freeAt) {
  Dims batch, contracted;
  for (size_t i = 0; i < to.batch.size(); ++i) batch.push_back(i);
  for (size_t i = 0; i < other.free.size(); ++i) contracted.push_back(freeAt + i);
  Value product = e.make<DotGeneralOp>(ct, other.value, batch, other.batch, contracted, other.free);
  // Now come the batch, the free dimensions of `to`, and the contracted ones in the order in which they lie in `other`.
  Dims order = to.batch;
  llvm::append_range(order, to.free);
  llvm::SmallVector<std::pair<int64_t, int64_t>> pairs;
  for (auto [mine, theirs] : llvm::zip(to.contract, other.contract)) pairs.push_back({theirs, mine});
  llvm::sort(pairs);
  for (auto [theirs, mine] : pairs) order.push_back(mine);
  Dims permutation(order.size());
  for (auto [i, d] : llvm::enumerate(order)) permutation[d] = i;
  return e.make<TransposeOp>(product, permutation);
}

LogicalResult pullDot(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto dot = llvm::cast<DotGeneralOp>(op);
  Side lhs(dot.getLhs(), dot.getLhsBatch(), dot.getLhsContract()), rhs(dot.getRhs(), dot.getRhsBatch(), dot.getRhsContract());
  int64_t batch = lhs.batch.size();
  if (accounts.wants(lhs.value)) accounts.add(e, lhs.value, cotangentOf(e, lhs, rhs, cotangents[0], batch + static_cast<int64_t>(lhs.free.size())));
  if (accounts.wants(rhs.value)) accounts.add(e, rhs.value, cotangentOf(e, rhs, lhs, cotangents[0], batch));
  return success();
}

// ---- sort ----

/// Whether the value numbers the places along the dimension.
bool numbers(Value v, int64_t dim) {
  auto iota = v.getDefiningOp<IotaOp>();
  auto type = llvm::dyn_cast<IntegerType>(arrayType(v).getElementType());
  return iota && type && type.getWidth() >= 32 && static_cast<int64_t>(iota.getDim()) == dim;
}

/// The cotangents go back to where their elements came from: sorted by the places that the sort carried along.
LogicalResult pullSort(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  int64_t dim = llvm::cast<SortOp>(op).getDim();
  auto type = arrayType(op->getOperand(0));
  Value places;
  for (auto [operand, result] : llvm::zip(op->getOperands(), op->getResults()))
    if (numbers(operand, dim)) places = result;
  if (!places) {
    Type number = type.getDimSize(dim) > INT32_MAX ? e.getI64Type() : e.getI32Type();
    Values operands{op->getOperand(0), e.make<IotaOp>(type.getShape(), number, static_cast<uint64_t>(dim))};
    places = SortOp::create(e, operands, static_cast<uint64_t>(dim))->getResult(1);
  }
  Values operands{places};
  llvm::SmallVector<unsigned> of;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (cotangents[i] && accounts.wants(op->getOperand(i))) operands.push_back(cotangents[i]), of.push_back(i);
  if (of.empty()) return success();
  Operation* back = SortOp::create(e, operands, static_cast<uint64_t>(dim));
  for (auto [k, i] : llvm::enumerate(of)) accounts.add(e, op->getOperand(i), back->getResult(k + 1));
  return success();
}

}  // namespace

void addContractRules(Rules& rules) {
  addRule<DotGeneralOp>(rules, pushDot, pullDot);
  addRule<SortOp>(rules, nullptr, pullSort);  // forward mode sorts values and tangents at once
}

LogicalResult Forward::pushSort(OpBuilder& b, SortOp op) {
  Emitter e(b, op.getLoc(), mesh_);
  Values operands;
  llvm::SmallVector<unsigned> of;
  for (Value operand : op.getOperands()) operands.push_back(value(operand));
  for (auto [i, operand] : llvm::enumerate(op.getOperands()))
    if (Value t = tangent(operand)) operands.push_back(t), of.push_back(i);
  Operation* made = SortOp::create(e, operands, op.getDim());
  for (auto [old, now] : llvm::zip(op->getResults(), made->getResults())) set(old, now, {});
  for (auto [k, i] : llvm::enumerate(of)) set(op->getResult(i), made->getResult(i), made->getResult(op->getNumResults() + k));
  return success();
}

void Tape::emitSort(OpBuilder& b, SortOp op) {
  Emitter e = at(b, op.getLoc());
  Values operands;
  bool numbered = false;
  for (Value operand : op.getOperands()) {
    operands.push_back(value(operand));
    numbered |= numbers(operands.back(), op.getDim());
  }
  auto type = arrayType(operands[0]);
  if (!numbered) {
    Type number = type.getDimSize(op.getDim()) > INT32_MAX ? e.getI64Type() : e.getI32Type();
    operands.push_back(e.make<IotaOp>(type.getShape(), number, op.getDim()));
  }
  Operation* made = SortOp::create(e, operands, op.getDim());
  for (auto [old, now] : llvm::zip(op->getResults(), made->getResults())) map(old, now);
  note(made);
}

}  // namespace skein::ir
