// Kernels that reduce: along rows (lanes run over what is reduced) and along columns (lanes over what is kept).
#include "compiler/codegen/kernel.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {
constexpr int64_t kBlockSteps = 64;        // steps of a lane before they are added to the total
constexpr int64_t kCompensatedSteps = 4;   // the same where nothing wider keeps a sum exact
constexpr int64_t kChunk = int64_t(1) << 16;  // elements reduced by one work item when rows are few and long
constexpr int64_t kManyRows = 32;

llvm::ArrayRef<int64_t> dimsOf(Operation* op) { return op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef(); }

llvm::SmallVector<Value> flatten(llvm::ArrayRef<Reduction::Values> lists) {
  llvm::SmallVector<Value> all;
  for (const auto& list : lists) llvm::append_range(all, list);
  return all;
}

llvm::SmallVector<Reduction::Values> split(ValueRange all, llvm::ArrayRef<Reduction::Values> like) {
  llvm::SmallVector<Reduction::Values> lists;
  size_t next = 0;
  for (const auto& list : like) {
    lists.emplace_back();
    for (size_t i = 0; i < list.size(); ++i) lists.back().push_back(all[next++]);
  }
  return lists;
}

/// The place of slot `slot` of output `p` and chunk `chunk`, eight bytes each.
Value scratchPlace(Builder& b, Value scratch, Value index) {
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  return LLVM::GEPOp::create(b, pointer, b.getI64Type(), scratch, ValueRange{index}, LLVM::GEPNoWrapFlags::inbounds);
}
}  // namespace

void KernelEmitter::emitReduce() {
  llvm::SmallVector<Operation*> reductions;
  for (Value root : terminator->getOperands())
    if (!llvm::is_contained(reductions, root.getDefiningOp())) reductions.push_back(root.getDefiningOp());
  llvm::SmallVector<Value> operands;
  for (Operation* r : reductions) operands.push_back(r->getOperand(0));
  auto shape = arrayType(operands[0]).getShape();
  auto dims = dimsOf(reductions[0]);
  int64_t width = lanesFor(operands);
  if (volume(shape) == 0) {
    emitNothingReduced(reductions);
    return;
  }

  // Trailing dimensions that are reduced together, of arrays that can be walked in order, are one long row.
  bool trailing = true;
  int64_t kept = shape.size() - dims.size();
  for (int64_t dim : dims) trailing &= dim >= kept;
  bool flat = trailing && llvm::all_of(operands, [&](Value v) { return flatDense(v); });
  bool argument = llvm::any_of(reductions, [](Operation* r) { return llvm::isa<ir::ArgmaxOp, ir::ArgminOp>(r); });
  int64_t lane = chooseLaneDim(operands, shape, dims, width, {});
  double cycles = 0;
  for (Value v : operands) cycles += computeCost(v);
  bool alongRows = lane < 0 || llvm::is_contained(dims, lane);
  if (flat && (alongRows || kept == 0)) {
    emitRowReduce(reductions, -1, true, width, argument ? 1 : cycles < 4 ? 8 : 4);
    return;
  }
  if (alongRows) {
    emitRowReduce(reductions, lane < 0 ? dims.back() : lane, false, width, argument || cycles > 40 ? 1 : 4);
    return;
  }
  // Streaming: memory is read in the order of the lanes, row after row.
  bool streaming = false;
  for (Value v : operands)
    for (const Load& load : loadsOf(v, memory)) {
      bool varies = llvm::any_of(dims, [&](int64_t r) { return load.strides[r] != 0; });
      streaming |= load.strides[lane] == 1 && varies;
    }
  emitColumnReduce(reductions, lane, cycles > 60 ? width : 2 * width, streaming);
}

/// Results over no elements: the identities.
void KernelEmitter::emitNothingReduced(llvm::ArrayRef<Operation*> reductions) {
  auto kept = arrayType(reductions[0]->getResult(0)).getShape();
  Function f = startFunction("");
  ElementEmitter scalars(b, 1);
  llvm::DenseMap<Value, Elem> finished;
  for (Operation* op : reductions) {
    Reduction r(scalars, op);
    for (auto [i, value] : llvm::enumerate(r.finish(r.startTotal(scalars.zero(r.element))))) finished[op->getResult(i)] = value;
  }
  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(items.getBody());
    Position at{scalars.delinearise({items.getInductionVar(), 1, 0, 0, {}}, kept), {}};
    for (auto [output, root] : llvm::enumerate(terminator->getOperands())) scalars.store(f.outputs[output], arrayType(root).getElementType(), at, finished[root]);
  }
  finishFunction(f, volume(kept), 2);
}

llvm::SmallVector<Reduction::Values> KernelEmitter::reduceRow(ElementEmitter& scalars, const Function& f, llvm::MutableArrayRef<Reduction> reductions, Value begin, Value end,
                                                              int64_t width, int64_t vectors, llvm::function_ref<Position(ElementEmitter&, Index)> positionOf,
                                                              llvm::function_ref<void(ElementEmitter&)> prepare, Value& count) {
  Value zero = arith::ConstantOp::create(b, b.getF64FloatAttr(0));
  llvm::SmallVector<Reduction::Values> totals;
  Value some = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, begin, end);
  for (Reduction& r : reductions) {
    // Only moments look at the first element.
    Elem first = scalars.zero(r.element);
    if (llvm::isa<ir::MomentsOp>(r.op)) {
      auto guarded = scf::IfOp::create(b, TypeRange{first.re.getType()}, some, true);
      OpBuilder::InsertionGuard guard(b);
      ElementEmitter::Scope scope(scalars);
      b.setInsertionPointToStart(guarded.thenBlock());
      Value at = scalars.emit(r.op->getOperand(0), positionOf(scalars, {begin, 1, 0, 0, {}})).re;
      scf::YieldOp::create(b, at);
      b.setInsertionPointToStart(guarded.elseBlock());
      scf::YieldOp::create(b, first.re);
      first.re = guarded.getResult(0);
    }
    totals.push_back(r.startTotal(first));
  }
  llvm::SmallVector<Value> inits = flatten(totals);
  inits.push_back(zero);
  // Blocks of so many vectors, each folded into the totals.
  const int64_t steps = (llvm::any_of(reductions, [](const Reduction& r) { return r.compensated(); }) ? kCompensatedSteps : kBlockSteps) * width * vectors;
  auto blocks = scf::ForOp::create(b, begin, end, scalars.constant(steps), inits, [](OpBuilder&, Location, Value, ValueRange) {});
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(blocks.getBody());
    Value blockBegin = blocks.getInductionVar();
    Value blockEnd = arith::MinSIOp::create(b, arith::AddIOp::create(b, blockBegin, scalars.constant(steps)), end);
    auto before = split(blocks.getRegionIterArgs().drop_back(), totals);
    llvm::SmallVector<Reduction::Values> runs;
    for (Reduction& r : reductions) runs.push_back(r.start(width > 1 ? r.runLanes(width, vectors) : 0, /*wide=*/true));
    llvm::SmallVector<Value> runInits = flatten(runs);
    auto results = laneLoop(
        scalars, f, blockBegin, blockEnd, width * vectors, runInits,
        [&](ElementEmitter& e, Index i, ValueRange carried) {
          auto now = split(carried, runs);
          llvm::SmallVector<Value> next;
          for (auto [k, r] : llvm::enumerate(reductions)) {
            Reduction wide(e, r.op);
            Elem x = e.emit(r.op->getOperand(0), positionOf(e, i));
            Value index = llvm::isa<ir::ArgmaxOp, ir::ArgminOp>(r.op) ? e.laneValues(i) : Value();
            llvm::append_range(next, wide.step(now[k], x, index, before[k], e.mask));
          }
          return next;
        },
        prepare, false, vectors);
    auto finished = split(results, runs);
    Value n = blocks.getRegionIterArgs().back();
    Value c = f64(arith::SubIOp::create(b, blockEnd, blockBegin));
    llvm::SmallVector<Value> yields;
    for (auto [k, r] : llvm::enumerate(reductions)) llvm::append_range(yields, r.fold(before[k], n, r.horizontal(finished[k]), c));
    yields.push_back(arith::AddFOp::create(b, n, c));
    scf::YieldOp::create(b, yields);
  }
  count = blocks.getResults().back();
  return split(blocks.getResults().drop_back(), totals);
}

void KernelEmitter::emitRowReduce(llvm::ArrayRef<Operation*> reductions, int64_t laneDim, bool flat, int64_t width, int64_t vectors) {
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  auto dims = dimsOf(reductions[0]);
  llvm::SmallVector<int64_t> keptSizes, otherDims, otherSizes;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    if (!llvm::is_contained(dims, d))
      keptSizes.push_back(shape[d]);
    else if (!flat && d != laneDim)
      otherDims.push_back(d), otherSizes.push_back(shape[d]);
  }
  int64_t rows = volume(keptSizes), reduced = 1;
  for (int64_t d : dims) reduced *= shape[d];
  int64_t others = volume(otherSizes), length = flat ? reduced : others ? reduced / std::max<int64_t>(others, 1) : 0;
  if (!flat && laneDim >= 0) length = shape[laneDim];
  while (vectors > 1 && width * vectors > length) vectors /= 2;
  // Few long rows are cut in chunks, whose totals a second stage combines.
  int64_t chunk = length, chunks = 1;
  if (others == 1 && rows < kManyRows && length > 2 * kChunk) chunk = kChunk, chunks = (length + chunk - 1) / chunk;

  Function f = startFunction("");
  ElementEmitter scalars(b, 1);
  bindInputs(scalars, f);
  llvm::SmallVector<Reduction> rules;
  for (Operation* r : reductions) rules.emplace_back(scalars, r);
  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    ElementEmitter::Scope scope(scalars);
    b.setInsertionPointToStart(items.getBody());
    Value row = items.getInductionVar(), which = scalars.constant(0);
    if (chunks > 1) {
      which = arith::RemUIOp::create(b, items.getInductionVar(), scalars.constant(chunks));
      row = arith::DivUIOp::create(b, items.getInductionVar(), scalars.constant(chunks));
    }
    auto at = scalars.delinearise({row, 1, 0, 0, {}}, keptSizes);
    Value begin = chunks > 1 ? arith::MulIOp::create(b, which, scalars.constant(chunk)).getResult() : scalars.constant(0);
    Value end = chunks > 1 ? arith::MinSIOp::create(b, arith::AddIOp::create(b, begin, scalars.constant(chunk)), scalars.constant(length)).getResult() : scalars.constant(length);
    Value rowStart = flat ? arith::MulIOp::create(b, row, scalars.constant(length)).getResult() : Value();

    auto positionWith = [&](llvm::ArrayRef<Index> outerIndex) {
      return [&, outerIndex](ElementEmitter& e, Index i) {
        Position where;
        if (flat) {
          where.flat = rows == 1 ? i : e.plus({rowStart, 1, 0, 0, {}}, i);
          return where;
        }
        size_t nextKept = 0;
        for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
          if (d == laneDim) {
            where.dims.push_back(i);
          } else if (auto found = llvm::find(otherDims, d); found != otherDims.end()) {
            where.dims.push_back(outerIndex[found - otherDims.begin()]);
          } else {
            where.dims.push_back(at[nextKept++]);
          }
        }
        return where;
      };
    };
    Value count;
    llvm::SmallVector<Reduction::Values> totals;
    if (others == 1) {
      llvm::SmallVector<Index> zeros(otherDims.size(), scalars.at(0));
      totals = reduceRow(scalars, f, rules, begin, end, width, vectors, positionWith(zeros), nullptr, count);
    } else {
      // Runs along the lanes for every index of the other reduced dimensions.
      llvm::SmallVector<Value> inits;
      for (Reduction& r : rules) {
        totals.push_back(r.startTotal(scalars.zero(r.element)));
        llvm::append_range(inits, totals.back());
      }
      inits.push_back(arith::ConstantOp::create(b, b.getF64FloatAttr(0)));
      auto loop = scf::ForOp::create(b, scalars.constant(0), scalars.constant(others), scalars.constant(1), inits, [](OpBuilder&, Location, Value, ValueRange) {});
      {
        OpBuilder::InsertionGuard inner(b);
        ElementEmitter::Scope innerScope(scalars);
        b.setInsertionPointToStart(loop.getBody());
        auto outerIndex = scalars.delinearise({loop.getInductionVar(), 1, 0, 0, {}}, otherSizes);
        Value countHere;
        auto here = reduceRow(scalars, f, rules, begin, end, width, vectors, positionWith(outerIndex), nullptr, countHere);
        auto before = split(loop.getRegionIterArgs().drop_back(), totals);
        Value n = loop.getRegionIterArgs().back();
        llvm::SmallVector<Value> yields;
        for (auto [k, r] : llvm::enumerate(rules)) llvm::append_range(yields, r.combine(before[k], n, here[k], countHere));
        yields.push_back(arith::AddFOp::create(b, n, countHere));
        scf::YieldOp::create(b, yields);
      }
      totals = split(loop.getResults().drop_back(), totals);
      count = loop.getResults().back();
    }
    if (chunks == 1) {
      unsigned output = 0;
      llvm::SmallVector<Elem> finals;
      llvm::DenseMap<Value, Elem> finished;
      for (auto [k, r] : llvm::enumerate(rules))
        for (auto [i, value] : llvm::enumerate(r.finish(totals[k]))) finished[r.op->getResult(i)] = value;
      for (Value root : terminator->getOperands()) scalars.store(f.outputs[output++], arrayType(root).getElementType(), {at, {}}, finished[root]);
    } else {
      int64_t slot = 0;
      for (const auto& total : totals)
        for (Value v : total) {
          Value index = arith::AddIOp::create(b, items.getInductionVar(), scalars.constant(slot++ * rows * chunks));
          LLVM::StoreOp::create(b, v, scratchPlace(b, f.scratch, index), 8);
        }
      code.scratchBytes = slot * rows * chunks * 8;
    }
  }
  double cycles = 2;
  for (Operation* r : reductions) cycles += computeCost(r->getOperand(0)) + 1;
  finishFunction(f, rows * chunks, (1.5 + cycles * 0.4) * (static_cast<double>(chunk * others) / static_cast<double>(width * vectors) + 1) * (static_cast<double>(width * vectors) / 16 + 1));
  if (chunks > 1) emitCombine(reductions, chunks, chunk, length);
}

void KernelEmitter::emitCombine(llvm::ArrayRef<Operation*> reductions, int64_t chunks, int64_t chunk, int64_t total) {
  auto kept = arrayType(reductions[0]->getResult(0)).getShape();
  int64_t rows = volume(kept);
  Function f = startFunction("_combine");
  ElementEmitter scalars(b, 1);
  llvm::SmallVector<Reduction> rules;
  for (Operation* r : reductions) rules.emplace_back(scalars, r);
  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(items.getBody());
    Value row = items.getInductionVar();
    auto loadTotals = [&](Value which) {
      llvm::SmallVector<Reduction::Values> totals;
      int64_t slot = 0;
      for (Reduction& r : rules) {
        totals.emplace_back();
        for (Type type : r.totalTypes()) {
          Value index = arith::AddIOp::create(b, arith::MulIOp::create(b, row, scalars.constant(chunks)), which);
          index = arith::AddIOp::create(b, index, scalars.constant(slot++ * rows * chunks));
          totals.back().push_back(LLVM::LoadOp::create(b, type, scratchPlace(b, f.scratch, index), 8));
        }
      }
      return totals;
    };
    auto first = loadTotals(scalars.constant(0));
    auto loop = scf::ForOp::create(b, scalars.constant(1), scalars.constant(chunks), scalars.constant(1), flatten(first), [](OpBuilder&, Location, Value, ValueRange) {});
    {
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(loop.getBody());
      Value which = loop.getInductionVar();
      auto here = loadTotals(which);
      auto before = split(loop.getRegionIterArgs(), first);
      Value n = arith::MulIOp::create(b, which, scalars.constant(chunk));
      Value c = arith::MinSIOp::create(b, arith::SubIOp::create(b, scalars.constant(total), n), scalars.constant(chunk));
      llvm::SmallVector<Value> yields;
      for (auto [k, r] : llvm::enumerate(rules)) llvm::append_range(yields, r.combine(before[k], f64(n), here[k], f64(c)));
      scf::YieldOp::create(b, yields);
    }
    auto totals = split(loop.getResults(), first);
    llvm::DenseMap<Value, Elem> finished;
    for (auto [k, r] : llvm::enumerate(rules))
      for (auto [i, value] : llvm::enumerate(r.finish(totals[k]))) finished[r.op->getResult(i)] = value;
    Position at{scalars.delinearise({row, 1, 0, 0, {}}, kept), {}};
    unsigned output = 0;
    for (Value root : terminator->getOperands()) scalars.store(f.outputs[output++], arrayType(root).getElementType(), at, finished[root]);
  }
  finishFunction(f, rows, static_cast<double>(chunks) * 3);
}

void KernelEmitter::emitColumnReduce(llvm::ArrayRef<Operation*> reductions, int64_t lane, int64_t width, bool streaming) {
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  auto dims = dimsOf(reductions[0]);
  llvm::SmallVector<int64_t> reducedSizes, outer(shape);
  for (int64_t d : dims) reducedSizes.push_back(shape[d]);
  int64_t reduced = volume(reducedSizes);
  // Short kept dimensions inside the lanes are written out: their accumulators stand side by side.
  llvm::SmallVector<int64_t> inside;
  int64_t writtenOut = 1;
  for (int64_t d = lane + 1; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(dims, d) && writtenOut * shape[d] <= 8) inside.push_back(d), writtenOut *= shape[d];
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (d == lane || llvm::is_contained(dims, d) || llvm::is_contained(inside, d)) outer[d] = 1;
  // A tile of lanes has its totals in memory that stays in the first cache; its rows are read a block at a time.
  int64_t tile = streaming ? std::min<int64_t>((shape[lane] + width - 1) / width * width, 40 * width) : width;
  bool sums = llvm::any_of(reductions, [&](Operation* r) { return llvm::isa<ir::ReduceSumOp>(r) && !llvm::isa<IntegerType>(arrayType(r->getOperand(0)).getElementType()); });
  int64_t blockRows = sums ? kSumRows : streaming ? 32 : 128;
  int64_t tiles = (shape[lane] + tile - 1) / tile, outerRows = volume(outer);

  Function f = startFunction("");
  auto pointer = LLVM::LLVMPointerType::get(b.getContext());
  ElementEmitter scalars(b, 1);
  bindInputs(scalars, f);
  llvm::SmallVector<Type> totalTypes;
  {
    for (Operation* r : reductions) llvm::append_range(totalTypes, Reduction(scalars, r).totalTypes());
  }
  llvm::SmallVector<Value> places;  // of each total: writtenOut x tile values
  for (Type type : totalTypes) places.push_back(LLVM::AllocaOp::create(b, pointer, type, scalars.constant(tile * writtenOut), 64));

  auto items = scf::ForOp::create(b, f.begin, f.end, scalars.constant(1));
  {
    OpBuilder::InsertionGuard guard(b);
    ElementEmitter::Scope scope(scalars);
    b.setInsertionPointToStart(items.getBody());
    Value which = arith::RemUIOp::create(b, items.getInductionVar(), scalars.constant(tiles));
    Value outerRow = arith::DivUIOp::create(b, items.getInductionVar(), scalars.constant(tiles));
    auto at = scalars.delinearise({outerRow, 1, 0, 0, {}}, outer);
    Value begin = arith::MulIOp::create(b, which, scalars.constant(tile));
    Value end = arith::MinSIOp::create(b, arith::AddIOp::create(b, begin, scalars.constant(tile)), scalars.constant(shape[lane]));

    llvm::SmallVector<int64_t> insideSizes;
    for (int64_t d : inside) insideSizes.push_back(shape[d]);
    auto insideStrides = denseStrides(insideSizes);
    auto positionOf = [&](ElementEmitter& e, Index i, int64_t k, Index row) {
      auto reducedAt = e.delinearise(row, reducedSizes);
      Position where;
      for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
        if (d == lane)
          where.dims.push_back(i);
        else if (auto found = llvm::find(dims, d); found != dims.end())
          where.dims.push_back(reducedAt[found - dims.begin()]);
        else if (auto in = llvm::find(inside, d); in != inside.end())
          where.dims.push_back(e.at(k / insideStrides[in - inside.begin()] % shape[d]));
        else
          where.dims.push_back(at[d]);
      }
      return where;
    };
    // The places lie tile by tile: lane i of the tile at i - begin.
    auto placeOf = [&](ElementEmitter& e, size_t slot, int64_t k, Index i) {
      Value offset = arith::AddIOp::create(b, arith::SubIOp::create(b, i.var, begin), e.constant(k * tile));
      return LLVM::GEPOp::create(b, pointer, totalTypes[slot], places[slot], ValueRange{offset}, LLVM::GEPNoWrapFlags::inbounds).getResult();
    };
    auto eachVector = [&](llvm::function_ref<void(ElementEmitter&, Index)> body) {
      laneLoop(scalars, f, begin, end, width, {}, [&](ElementEmitter& e, Index i, ValueRange) {
        body(e, i);
        return llvm::SmallVector<Value>();
      });
    };
    auto loadTotals = [&](ElementEmitter& e, int64_t k, Index i) {
      llvm::SmallVector<Reduction::Values> totals;
      size_t slot = 0;
      for (Operation* r : reductions) {
        totals.emplace_back();
        for (Type type : Reduction(e, r).totalTypes()) {
          auto vectorType = VectorType::get(width, type);
          totals.back().push_back(LLVM::LoadOp::create(b, vectorType, placeOf(e, slot++, k, i), 8));
        }
      }
      return totals;
    };
    auto storeTotals = [&](ElementEmitter& e, int64_t k, Index i, llvm::ArrayRef<Reduction::Values> totals) {
      size_t slot = 0;
      for (const auto& total : totals)
        for (Value v : total) LLVM::StoreOp::create(b, vectorOf(b, v, width), placeOf(e, slot++, k, i), 8);
    };

    eachVector([&](ElementEmitter& e, Index i) {
      for (int64_t k = 0; k < writtenOut; ++k) {
        llvm::SmallVector<Reduction::Values> totals;
        for (Operation* op : reductions) {
          Reduction r(e, op);
          Elem first = e.zero(r.element);
          if (llvm::isa<ir::MomentsOp>(op) && reduced > 0) first = e.emit(op->getOperand(0), positionOf(e, i, k, e.at(0)));
          totals.push_back(r.startTotal(first));
        }
        storeTotals(e, k, i, totals);
      }
    });
    auto rowBlocks = scf::ForOp::create(b, scalars.constant(0), scalars.constant(reduced), scalars.constant(blockRows));
    {
      OpBuilder::InsertionGuard inner(b);
      b.setInsertionPointToStart(rowBlocks.getBody());
      Value firstRow = rowBlocks.getInductionVar();
      Value lastRow = arith::MinSIOp::create(b, arith::AddIOp::create(b, firstRow, scalars.constant(blockRows)), scalars.constant(reduced));
      Value before = f64(firstRow), count = f64(arith::SubIOp::create(b, lastRow, firstRow));
      eachVector([&](ElementEmitter& e, Index i) {
        llvm::SmallVector<llvm::SmallVector<Reduction::Values>> totals;
        llvm::SmallVector<Reduction::Values> runs;
        for (int64_t k = 0; k < writtenOut; ++k) {
          totals.push_back(loadTotals(e, k, i));
          for (Operation* op : reductions) runs.push_back(Reduction(e, op).start(e.width));
        }
        // What does not depend on the row is read before the loop over rows.
        auto rows = scf::ForOp::create(b, firstRow, lastRow, e.constant(1), flatten(runs), [](OpBuilder&, Location, Value, ValueRange) {});
        {
          OpBuilder::InsertionGuard innermost(b);
          ElementEmitter::Scope rowScope(e);
          b.setInsertionPointToStart(rows.getBody());
          auto now = split(rows.getRegionIterArgs(), runs);
          llvm::SmallVector<Value> next;
          size_t slot = 0;
          for (int64_t k = 0; k < writtenOut; ++k)
            for (auto [j, op] : llvm::enumerate(reductions)) {
              Reduction r(e, op);
              Elem x = e.emit(op->getOperand(0), positionOf(e, i, k, {rows.getInductionVar(), 1, 0, 0, {}}));
              Value index = llvm::isa<ir::ArgmaxOp, ir::ArgminOp>(op) ? rows.getInductionVar() : Value();
              llvm::append_range(next, r.step(now[slot++], x, index, totals[k][j]));
            }
          scf::YieldOp::create(b, next);
        }
        auto finished = split(rows.getResults(), runs);
        size_t slot = 0;
        for (int64_t k = 0; k < writtenOut; ++k) {
          llvm::SmallVector<Reduction::Values> folded;
          for (auto [j, op] : llvm::enumerate(reductions)) folded.push_back(Reduction(e, op).fold(totals[k][j], before, finished[slot++], count));
          storeTotals(e, k, i, folded);
        }
      });
    }
    eachVector([&](ElementEmitter& e, Index i) {
      for (int64_t k = 0; k < writtenOut; ++k) {
        auto totals = loadTotals(e, k, i);
        llvm::DenseMap<Value, Elem> finished;
        for (auto [j, op] : llvm::enumerate(reductions))
          for (auto [n, value] : llvm::enumerate(Reduction(e, op).finish(totals[j]))) finished[op->getResult(n)] = value;
        Position where;
        Position full = positionOf(e, i, k, e.at(0));
        for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
          if (!llvm::is_contained(dims, d)) where.dims.push_back(full.dims[d]);
        for (auto [output, root] : llvm::enumerate(terminator->getOperands())) e.store(f.outputs[output], arrayType(root).getElementType(), where, finished[root]);
      }
    });
  }
  double cycles = 2;
  for (Operation* r : reductions) cycles += computeCost(r->getOperand(0)) + 1;
  finishFunction(f, outerRows * tiles, (1 + cycles * 0.4) * static_cast<double>(tile * writtenOut) / 16 * static_cast<double>(reduced));
}

}  // namespace skein::compiler
