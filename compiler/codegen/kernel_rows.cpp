// Kernels that work on one row after another while it is in the cache: reductions over the last dimension, and maps that
// use them (a softmax is one pass over memory).
#include "compiler/codegen/kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

/// Values of the row's shape that a stage computes.
static void reach(Value v, llvm::ArrayRef<int64_t> shape, llvm::SetVector<Value>& out) {
  Operation* op = v.getDefiningOp();
  if (!op || (isReduction(op) && !isInlineReduce(op)) || !out.insert(v)) return;
  for (Value operand : op->getOperands()) reach(operand, shape, out);
}

void KernelEmitter::emitRows() {
  llvm::SmallVector<Operation*> reductions;
  for (Operation& inner : body)
    if (isReduction(&inner) && !isInlineReduce(&inner)) reductions.push_back(&inner);
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  int64_t lane = shape.size() - 1, length = shape[lane];
  llvm::SmallVector<int64_t> kept(shape.drop_back());
  int64_t rows = volume(kept);
  llvm::SmallVector<Value> maps, all;
  for (Value root : terminator->getOperands())
    if (arrayType(root).getShape() == shape) maps.push_back(root);
  for (Operation* r : reductions) all.push_back(r->getOperand(0));
  llvm::append_range(all, maps);
  int64_t width = lanesFor(all);
  double cycles = 0;
  for (Value v : all) cycles += computeCost(v);

  // What is dear and needed by several stages is kept for the row.
  llvm::SmallVector<llvm::SetVector<Value>> needs(reductions.size() + 1);
  for (auto [i, r] : llvm::enumerate(reductions)) reach(r->getOperand(0), shape, needs[i]);
  for (Value root : maps) reach(root, shape, needs.back());
  struct Shared {
    Value value;
    size_t stage;
    Value buffer;
  };
  llvm::SmallVector<Shared> shared;
  constexpr double kDear = 10;
  constexpr int64_t kMostBytes = 96 << 10;
  int64_t bytes = 0;
  for (size_t stage = 0; stage < needs.size(); ++stage)
    for (Value v : needs[stage]) {
      if (arrayType(v).getShape() != shape || opCost(v.getDefiningOp()) < kDear || llvm::isa<ir::ForOp>(v.getDefiningOp())) continue;
      bool again = false;
      for (size_t later = stage + 1; later < needs.size(); ++later) again |= needs[later].contains(v);
      bool known = llvm::any_of(shared, [&](const Shared& s) { return s.value == v; });
      int64_t size = length * byteSize(arrayType(v).getElementType());
      if (!again || known || bytes + size > kMostBytes) continue;
      bytes += size;
      shared.push_back({v, stage, {}});
    }

  Function f = startFunction("");
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  ElementEmitter scalars(b, 1);
  bindInputs(scalars, f);
  for (Shared& s : shared) {
    Type memoryElement = memoryType(arrayType(s.value).getElementType());
    int64_t parts = llvm::isa<ComplexType>(arrayType(s.value).getElementType()) ? 2 : 1;
    s.buffer = LLVM::AllocaOp::create(b, pointer, memoryElement, scalars.constant(length * parts), 64);
  }
  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    ElementEmitter::Scope scope(scalars);
    b.setInsertionPointToStart(items.getBody());
    auto at = scalars.delinearise({items.getInductionVar(), 1, 0, 0, {}}, kept);
    auto positionOf = [&](ElementEmitter&, Index i) {
      Position where{{at.begin(), at.end()}, {}};
      where.dims.push_back(i);
      return where;
    };
    llvm::SmallVector<int64_t, 4> rowStrides(shape.size(), 0);
    rowStrides.back() = 1;
    llvm::DenseMap<Value, Elem> finished;
    size_t stage = 0;
    auto prepare = [&](ElementEmitter& e) {
      for (auto& [value, elem] : finished) e.bind(value, elem);
      for (const Shared& s : shared)
        if (s.stage < stage) e.bind(s.value, Storage{s.buffer, rowStrides, false, false});
    };
    auto keep = [&](ElementEmitter& e, Index i) {
      for (const Shared& s : shared)
        if (s.stage == stage) e.store({s.buffer, rowStrides, false, false}, arrayType(s.value).getElementType(), positionOf(e, i), e.emit(s.value, positionOf(e, i)));
    };
    Value zero = scalars.constant(0), end = scalars.constant(length);
    for (Operation* op : reductions) {
      llvm::SmallVector<Reduction> rule;
      prepare(scalars);
      rule.emplace_back(scalars, op);
      Value count;
      bool keeps = llvm::any_of(shared, [&](const Shared& s) { return s.stage == stage; });
      auto totals = reduceRow(scalars, f, rule, zero, end, width, keeps || llvm::isa<ir::ArgmaxOp, ir::ArgminOp>(op) || length < 4 * width ? 1 : 4,
                              [&](ElementEmitter& e, Index i) {
                                if (keeps && e.width > 1) keep(e, i);
                                return positionOf(e, i);
                              },
                              prepare, count);
      for (auto [i, value] : llvm::enumerate(rule[0].finish(totals[0]))) finished[op->getResult(i)] = value;
      ++stage;
    }
    prepare(scalars);
    llvm::SmallVector<size_t> mapOutputs;
    for (Value root : maps) mapOutputs.push_back(llvm::find(terminator->getOperands(), root) - terminator->getOperands().begin());
    if (!maps.empty()) storing(f, mapOutputs, lane, [&](bool streaming) {
      laneLoop(scalars, f, zero, end, width, {},
               [&](ElementEmitter& e, Index i, ValueRange) {
                 llvm::SmallVector<Elem> values;
                 for (Value root : maps) values.push_back(e.emit(root, positionOf(e, i)));
                 for (auto [k, root] : llvm::enumerate(maps)) {
                   size_t output = llvm::find(terminator->getOperands(), root) - terminator->getOperands().begin();
                   e.store(f.outputs[output], arrayType(root).getElementType(), positionOf(e, i), values[k]);
                 }
                 return llvm::SmallVector<Value>();
               },
               prepare, streaming);
    });
    Position row{{at.begin(), at.end()}, {}};
    for (auto [output, root] : llvm::enumerate(terminator->getOperands()))
      if (arrayType(root).getShape() != shape) scalars.store(f.outputs[output], arrayType(root).getElementType(), row, scalars.emit(root, row));
  }
  finishFunction(f, rows, (2 + cycles * 0.4) * static_cast<double>(length) / static_cast<double>(width));
}

}  // namespace skein::compiler
