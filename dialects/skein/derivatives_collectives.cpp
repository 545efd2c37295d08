// Derivatives of the collectives: each is linear but pmax and pmin, and its transpose is a collective again.
#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

AxesAttr axesOf(Operation* op) { return op->getAttrOfType<AxesAttr>("axes"); }
mlir::ArrayAttr groupsOf(Operation* op) { return op->getAttrOfType<mlir::ArrayAttr>("groups"); }

/// Operands travel together; those with a tangent do so again.
LogicalResult pushTogether(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Values moved;
  for (Value t : tangents)
    if (t) moved.push_back(t);
  if (moved.empty()) return success();
  Operation* made = e.rebuild(op, moved);
  unsigned next = 0;
  for (unsigned i = 0; i < tangents.size(); ++i)
    if (tangents[i]) results[i] = made->getResult(next++);
  return success();
}

/// The cotangents that are wanted go through `transpose` together.
LogicalResult pullTogether(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts,
                           llvm::function_ref<Operation*(ValueRange)> transpose) {
  Values moved;
  llvm::SmallVector<unsigned> of;
  for (unsigned i = 0; i < op->getNumOperands(); ++i)
    if (cotangents[i] && accounts.wants(op->getOperand(i))) moved.push_back(cotangents[i]), of.push_back(i);
  if (of.empty()) return success();
  Operation* made = transpose(moved);
  for (auto [k, i] : llvm::enumerate(of)) accounts.add(e, op->getOperand(i), made->getResult(k));
  return success();
}

// ---- psum, pvary ----

LogicalResult pullPsum(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  if (auto groups = groupsOf(op))
    return pullTogether(e, op, cotangents, accounts, [&](ValueRange cts) { return PsumOp::create(e, cts, axesOf(op), groups).getOperation(); });
  for (auto [operand, ct] : llvm::zip(op->getOperands(), cotangents))
    if (ct && accounts.wants(operand)) accounts.add(e, operand, e.vary(ct, axesOf(op).getNames()));
  return success();
}

LogicalResult pushPvary(Emitter&, Operation*, llvm::ArrayRef<Value> tangents, Values& results) {
  results[0] = tangents[0];
  return success();
}
LogicalResult pullPvary(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, op->getOperand(0), cotangents[0]);  // the account sums over the axes
  return success();
}

// ---- pmax, pmin: the devices that have the extreme share evenly ----

struct Holders {
  Value mask;   // whether the device has the extreme
  Value count;  // how many of the group do
};
Holders holdersOf(Emitter& e, Operation* op, unsigned i) {
  Value x = op->getOperand(i);
  Value mask = e.vary(e.eq(x, op->getResult(i)), axesOf(op).getNames());
  Value one = e.convert(mask, arrayType(x).getElementType());
  return {mask, PsumOp::create(e, ValueRange(one), axesOf(op), groupsOf(op))->getResult(0)};
}
Value sumOf(Emitter& e, Operation* op, Value v) { return PsumOp::create(e, ValueRange(v), axesOf(op), groupsOf(op))->getResult(0); }

LogicalResult pushExtreme(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  for (unsigned i = 0; i < tangents.size(); ++i) {
    if (!tangents[i]) continue;
    Holders holders = holdersOf(e, op, i);
    results[i] = e.div(sumOf(e, op, e.where(holders.mask, tangents[i])), holders.count);
  }
  return success();
}
LogicalResult pullExtreme(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  for (unsigned i = 0; i < cotangents.size(); ++i) {
    if (!cotangents[i] || !accounts.wants(op->getOperand(i))) continue;
    Holders holders = holdersOf(e, op, i);
    // Without groups the cotangent is that of a value which all share: the whole of it, on each device.
    Value whole = groupsOf(op) ? sumOf(e, op, cotangents[i]) : cotangents[i];
    accounts.add(e, op->getOperand(i), e.where(holders.mask, e.div(whole, holders.count)));
  }
  return success();
}

// ---- all_gather, psum_scatter, all_to_all, ppermute ----

LogicalResult pullAllGather(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<AllGatherOp>(any);
  bool tiled = op.getTiled();
  int64_t dim = op.getDim();
  if (!op.getInvariant() || op.getGroupsAttr())
    return pullTogether(e, any, cotangents, accounts, [&](ValueRange cts) {
      return PsumScatterOp::create(e, cts, op.getAxes(), static_cast<uint64_t>(dim), tiled, op.getGroupsAttr()).getOperation();
    });
  // All devices share the result, and its cotangent: each takes its own part.
  for (auto [operand, ct] : llvm::zip(op->getOperands(), cotangents)) {
    if (!ct || !accounts.wants(operand)) continue;
    auto shape = arrayType(operand).getShape();
    Dims window(arrayType(ct).getShape());
    int64_t step = tiled ? shape[dim] : 1;
    window[dim] = step;
    Value rank = e.make<AxisIndexOp>(op.getAxes()), zero = e.scalar(e.getI32Type(), 0);
    Values starts(window.size(), zero);
    starts[dim] = e.mul(rank, e.scalar(e.getI32Type(), step));
    accounts.add(e, operand, e.reshape(e.make<DynamicSliceOp>(ct, starts, window), shape));
  }
  return success();
}

LogicalResult pullPsumScatter(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<PsumScatterOp>(any);
  return pullTogether(e, any, cotangents, accounts, [&](ValueRange cts) {
    return AllGatherOp::create(e, cts, op.getAxes(), op.getDim(), op.getTiled(), op.getGroupsAttr(), false).getOperation();
  });
}

LogicalResult pullAllToAll(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<AllToAllOp>(any);
  return pullTogether(e, any, cotangents, accounts, [&](ValueRange cts) {
    return AllToAllOp::create(e, cts, op.getAxes(), op.getConcatDim(), op.getSplitDim(), op.getTiled(), op.getGroupsAttr()).getOperation();
  });
}

LogicalResult pullPpermute(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<PpermuteOp>(any);
  Dims back(op.getPairs());
  for (size_t i = 0; i + 1 < back.size(); i += 2) std::swap(back[i], back[i + 1]);
  return pullTogether(e, any, cotangents, accounts, [&](ValueRange cts) { return PpermuteOp::create(e, cts, op.getAxes(), back).getOperation(); });
}

}  // namespace

void addCollectiveRules(Rules& rules) {
  addRule<PsumOp>(rules, pushTogether, pullPsum);
  addRule<PmaxOp>(rules, pushExtreme, pullExtreme);
  addRule<PminOp>(rules, pushExtreme, pullExtreme);
  addRule<AllGatherOp>(rules, pushTogether, pullAllGather);
  addRule<PsumScatterOp>(rules, pushTogether, pullPsumScatter);
  addRule<AllToAllOp>(rules, pushTogether, pullAllToAll);
  addRule<PpermuteOp>(rules, pushTogether, pullPpermute);
  addRule<PvaryOp>(rules, pushPvary, pullPvary);
  addZeroRules<AxisIndexOp>(rules);
}

}  // namespace skein::ir
