// Reductions on a GPU. A group of threads shares a row: each thread reduces every n-th element, a few at a time, into totals
// of its own; then warps join theirs by shuffles and blocks by shared memory, always in the same order, so that results are
// the same from run to run. Few long rows are cut in chunks, whose totals a second kernel joins.
#include "compiler/codegen/gpu/kernel_emitter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {

constexpr int64_t kUnrolled = 8;             // loads of a thread that are under way together
constexpr int64_t kSmallRow = 1024;          // elements that a warp reduces
constexpr int64_t kBlocksWanted = 1024;      // that fill a large GPU a few times over
constexpr int64_t kLeastChunk = 8192;        // elements of a row that are worth a block of its own
constexpr int64_t kSlotBytes = 8;

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

Value f64(Builder& b, double value) { return arith::ConstantOp::create(b, b.getF64FloatAttr(value)); }

llvm::SmallVector<Operation*> reductionsOf(Operation* terminator) {
  llvm::SmallVector<Operation*> reductions;
  for (Value root : terminator->getOperands())
    if (!llvm::is_contained(reductions, root.getDefiningOp())) reductions.push_back(root.getDefiningOp());
  return reductions;
}

}  // namespace

void GpuKernelEmitter::emitReduce() {
  auto reductions = reductionsOf(terminator);
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  if (volume(shape) == 0) return emitNothingReduced(reductions);
  // Neighbouring threads read neighbouring memory: along what is reduced, or along what is kept.
  auto dims = dimsOf(reductions[0]);
  int64_t along = 0, across = 0, kept = 1, lastKept = -1;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d)
    if (!llvm::is_contained(dims, d)) kept *= shape[d], lastKept = shape[d] > 1 ? d : lastKept;
  for (Operation* r : reductions)
    for (const Load& load : loadsOf(r->getOperand(0), memory)) {
      bool reduced = llvm::any_of(dims, [&](int64_t d) { return shape[d] > 1 && load.strides[d] == 1; });
      (lastKept >= 0 && load.strides[lastKept] == 1 && !reduced ? across : along) += 1;
    }
  if (across > along && kept >= kTile / 2)
    emitColumnReduce(reductions);
  else
    emitRowReduce(reductions);
}

/// Results over no elements: the identities.
void GpuKernelEmitter::emitNothingReduced(llvm::ArrayRef<Operation*> reductions) {
  auto kept = arrayType(reductions[0]->getResult(0)).getShape();
  const int64_t total = volume(kept);
  if (total == 0) return;
  Function f = startFunction("");
  ElementEmitter e(b, 1);
  llvm::SmallVector<Reduction> rules;
  Totals nothing{{}, f64(b, 0)};
  for (Operation* op : reductions) {
    rules.emplace_back(e, op);
    nothing.of.push_back(rules.back().startTotal(e.zero(rules.back().element)));
  }
  Value thread = globalThread(f, kBlock, total);
  when(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, thread, e.constant(total)),
       [&] { storeFinished(e, f, rules, nothing, {e.delinearise({thread, 1, 0, 0, {}}, kept), {}}); });
  finishFunction(f, (total + kBlock - 1) / kBlock, kBlock);
}

// ---- a thread's share ----

GpuKernelEmitter::Totals GpuKernelEmitter::reduceShare(ElementEmitter& e, llvm::MutableArrayRef<Reduction> rules, Value begin, Value end, const Group& group, PositionOf positionOf) {
  // Only moments look at the first element of the data.
  llvm::SmallVector<Reduction::Values> starts;
  {
    ElementEmitter::Scope scope(e);
    for (Reduction& r : rules)
      starts.push_back(r.startTotal(llvm::isa<ir::MomentsOp>(r.op) ? e.emit(r.op->getOperand(0), positionOf(e, begin)) : e.zero(r.element)));
  }
  auto inits = flatten(starts);
  inits.push_back(f64(b, 0));
  auto elements = [&](Value first, int64_t count, ValueRange carried) {
    ElementEmitter::Scope scope(e);
    auto totals = split(carried.drop_back(), starts);
    llvm::SmallVector<Value> next;
    for (auto [k, r] : llvm::enumerate(rules)) {
      llvm::SmallVector<Elem> terms;
      llvm::SmallVector<Value> places;
      for (int64_t u = 0; u < count; ++u) {
        places.push_back(arith::AddIOp::create(b, first, e.constant(u * group.size)));
        terms.push_back(e.emit(r.op->getOperand(0), positionOf(e, places.back())));
      }
      Reduction::Values run;
      if (r.addsFloats()) {
        run = r.sumOf(terms, false);
      } else {
        run = r.start(0);
        for (auto [term, place] : llvm::zip(terms, places)) run = r.step(run, term, place, totals[k]);
      }
      llvm::append_range(next, r.fold(totals[k], carried.back(), run, f64(b, static_cast<double>(count))));
    }
    next.push_back(arith::AddFOp::create(b, carried.back(), f64(b, static_cast<double>(count))));
    return next;
  };
  auto loop = [&](Value from, Value to, int64_t step, int64_t count, ValueRange carried) {
    auto made = scf::ForOp::create(b, from, to, e.constant(step), carried, [](OpBuilder&, Location, Value, ValueRange) {});
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(made.getBody());
    scf::YieldOp::create(b, elements(made.getInductionVar(), count, made.getRegionIterArgs()));
    return llvm::SmallVector<Value>(made.getResults());
  };
  // Whole runs of kUnrolled elements a thread, then one by one.
  const int64_t run = kUnrolled * group.size;
  Value length = arith::SubIOp::create(b, end, begin);
  Value whole = arith::MulIOp::create(b, arith::DivUIOp::create(b, length, e.constant(run)), e.constant(run));
  Value middle = arith::AddIOp::create(b, begin, whole);
  auto values = loop(arith::AddIOp::create(b, begin, group.rank), middle, run, kUnrolled, inits);
  values = loop(arith::AddIOp::create(b, middle, group.rank), end, group.size, 1, values);
  Value count = values.pop_back_val();
  return {split(values, starts), count};
}

// ---- threads together ----

GpuKernelEmitter::Totals GpuKernelEmitter::combine(llvm::MutableArrayRef<Reduction> rules, const Totals& x, const Totals& y) {
  Totals both{{}, arith::AddFOp::create(b, x.count, y.count)};
  for (auto [k, r] : llvm::enumerate(rules)) {
    auto joined = r.combine(x.of[k], x.count, y.of[k], y.count);
    if (llvm::isa<ir::MomentsOp>(r.op)) {  // a mean of nothing has no weight, and no value either
      Value some = arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, y.count, f64(b, 0));
      for (auto [value, alone] : llvm::zip(joined, x.of[k])) value = arith::SelectOp::create(b, some, value, alone);
    }
    both.of.push_back(joined);
  }
  return both;
}

static Value shuffle32(Builder& b, Value v, Value by, int64_t lanes, gpu::ShuffleMode mode) {
  Value width = arith::ConstantIntOp::create(b, lanes, 32);
  return gpu::ShuffleOp::create(b, v, by, width, mode).getShuffleResult();
}

/// A value of up to 64 bits through shuffles of 32.
static Value shuffle(Builder& b, Value v, int64_t by, int64_t lanes, gpu::ShuffleMode mode) {
  Type type = v.getType();
  const unsigned bits = type.getIntOrFloatBitWidth();
  Value offset = arith::ConstantIntOp::create(b, by, 32);
  Value word = llvm::isa<FloatType>(type) ? Value(arith::BitcastOp::create(b, b.getIntegerType(bits), v)) : v;
  if (bits < 32) {
    word = shuffle32(b, arith::ExtUIOp::create(b, b.getI32Type(), word), offset, lanes, mode);
    word = arith::TruncIOp::create(b, b.getIntegerType(bits), word);
  } else if (bits == 32) {
    word = shuffle32(b, word, offset, lanes, mode);
  } else {
    Value half = arith::ConstantIntOp::create(b, 32, 64);
    Value low = arith::TruncIOp::create(b, b.getI32Type(), word), high = arith::TruncIOp::create(b, b.getI32Type(), arith::ShRUIOp::create(b, word, half));
    low = arith::ExtUIOp::create(b, b.getI64Type(), shuffle32(b, low, offset, lanes, mode));
    high = arith::ExtUIOp::create(b, b.getI64Type(), shuffle32(b, high, offset, lanes, mode));
    word = arith::OrIOp::create(b, low, arith::ShLIOp::create(b, high, half));
  }
  return word.getType() == type ? word : Value(arith::BitcastOp::create(b, type, word));
}

GpuKernelEmitter::Totals GpuKernelEmitter::reduceGroup(llvm::MutableArrayRef<Reduction> rules, Totals mine, const Group& group) {
  auto alongWarp = [&](Totals totals, int64_t lanes) {
    for (int64_t by = lanes / 2; by > 0; by /= 2) {
      Totals other{{}, shuffle(b, totals.count, by, kWarp, gpu::ShuffleMode::DOWN)};
      for (const auto& values : totals.of) {
        other.of.emplace_back();
        for (Value v : values) other.of.back().push_back(shuffle(b, v, by, kWarp, gpu::ShuffleMode::DOWN));
      }
      totals = combine(rules, totals, other);
    }
    return totals;
  };
  Totals warp = alongWarp(mine, kWarp);
  if (group.size == kWarp) return warp;
  // The warps' totals meet in shared memory; the first warp joins them.
  const int64_t warps = group.size / kWarp;
  const auto slots = static_cast<int64_t>(slotTypes(rules).size()) + 1;
  Value shared = sharedMemory(b.getI64Type(), slots * warps);
  Value lane = arith::RemUIOp::create(b, group.rank, arith::ConstantIntOp::create(b, kWarp, 64));
  Value number = arith::DivUIOp::create(b, group.rank, arith::ConstantIntOp::create(b, kWarp, 64));
  Value zero = arith::ConstantIntOp::create(b, 0, 64);
  when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, zero), [&] { storePlaces(shared, number, warps, warp); });
  gpu::BarrierOp::create(b);
  Value there = arith::MinUIOp::create(b, lane, arith::ConstantIntOp::create(b, warps - 1, 64));
  return alongWarp(loadPlaces(rules, shared, there, warps), warps);
}

llvm::SmallVector<Value> GpuKernelEmitter::broadcast(llvm::ArrayRef<Value> values, const Group& group) {
  llvm::SmallVector<Value> all;
  if (group.size == kWarp) {
    for (Value v : values) all.push_back(shuffle(b, v, 0, kWarp, gpu::ShuffleMode::IDX));
    return all;
  }
  Value shared = sharedMemory(b.getI64Type(), static_cast<int64_t>(values.size()));
  Value zero = arith::ConstantIntOp::create(b, 0, 64);
  auto place = [&](size_t i) {
    return LLVM::GEPOp::create(b, shared.getType(), b.getI64Type(), shared, llvm::ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i)}, LLVM::GEPNoWrapFlags::inbounds);
  };
  when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group.rank, zero), [&] {
    for (auto [i, v] : llvm::enumerate(values)) LLVM::StoreOp::create(b, v, place(i), kSlotBytes);
  });
  gpu::BarrierOp::create(b);
  for (auto [i, v] : llvm::enumerate(values)) all.push_back(LLVM::LoadOp::create(b, v.getType(), place(i), kSlotBytes));
  return all;
}

llvm::SmallVector<Type> GpuKernelEmitter::slotTypes(llvm::MutableArrayRef<Reduction> rules) {
  llvm::SmallVector<Type> types;
  for (Reduction& r : rules) llvm::append_range(types, r.totalTypes());
  return types;
}

static Value slotPlace(Builder& b, Value base, Value first, int64_t offset) {
  Value index = arith::AddIOp::create(b, first, arith::ConstantIntOp::create(b, offset, 64));
  return LLVM::GEPOp::create(b, base.getType(), b.getI64Type(), base, ValueRange{index}, LLVM::GEPNoWrapFlags::inbounds);
}

/// Slot k of these totals at first + k * pitch, eight bytes each; the count behind them.
void GpuKernelEmitter::storePlaces(Value base, Value first, int64_t pitch, const Totals& totals) {
  auto values = flatten(totals.of);
  values.push_back(totals.count);
  for (auto [k, v] : llvm::enumerate(values)) {
    Value memory = v.getType().isInteger(1) ? Value(arith::ExtUIOp::create(b, b.getI8Type(), v)) : v;
    LLVM::StoreOp::create(b, memory, slotPlace(b, base, first, static_cast<int64_t>(k) * pitch), kSlotBytes);
  }
}

GpuKernelEmitter::Totals GpuKernelEmitter::loadPlaces(llvm::MutableArrayRef<Reduction> rules, Value base, Value first, int64_t pitch) {
  Totals totals;
  int64_t slot = 0;
  auto load = [&](Type type) -> Value {
    Type memory = type.isInteger(1) ? Type(b.getI8Type()) : type;
    Value v = LLVM::LoadOp::create(b, memory, slotPlace(b, base, first, slot++ * pitch), kSlotBytes);
    return memory == type ? v : Value(arith::TruncIOp::create(b, type, v));
  };
  for (Reduction& r : rules) {
    totals.of.emplace_back();
    for (Type type : r.totalTypes()) totals.of.back().push_back(load(type));
  }
  totals.count = load(b.getF64Type());
  return totals;
}

void GpuKernelEmitter::storeFinished(ElementEmitter& e, const Function& f, llvm::MutableArrayRef<Reduction> rules, const Totals& totals, const Position& at) {
  llvm::DenseMap<Value, Elem> finished;
  for (auto [k, r] : llvm::enumerate(rules))
    for (auto [i, value] : llvm::enumerate(r.finish(totals.of[k]))) finished[r.op->getResult(i)] = value;
  for (auto [output, root] : llvm::enumerate(terminator->getOperands())) e.store(f.outputs[output], arrayType(root).getElementType(), at, finished[root]);
}

// ---- kinds ----

void GpuKernelEmitter::emitRowReduce(llvm::ArrayRef<Operation*> reductions) {
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  auto dims = dimsOf(reductions[0]);
  llvm::SmallVector<int64_t> kept, reducedSizes;
  bool trailing = true;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) {
    bool reduced = llvm::is_contained(dims, d);
    (reduced ? reducedSizes : kept).push_back(shape[d]);
    trailing &= reduced == (d >= static_cast<int64_t>(shape.size() - dims.size()));
  }
  const int64_t rows = volume(kept), length = volume(reducedSizes);
  const bool flat = trailing && llvm::all_of(reductions, [&](Operation* r) { return flatDense(r->getOperand(0)); });
  const int64_t groupSize = length <= kSmallRow && rows > 1 ? kWarp : kBlock;
  const int64_t groups = kBlock / groupSize;  // of a block
  int64_t chunks = std::max<int64_t>(1, std::min(kBlocksWanted / std::max<int64_t>(rows, 1), length / kLeastChunk));
  const int64_t chunk = (length + chunks - 1) / chunks;
  chunks = (length + chunk - 1) / chunk;

  Function f = startFunction("");
  ElementEmitter e(b, 1);
  bindInputs(e, f);
  llvm::SmallVector<Reduction> rules;
  for (Operation* r : reductions) rules.emplace_back(e, r);
  Value thread = wide(f.thread32), size = e.constant(groupSize);
  Group group{groupSize, groups == 1 ? thread : Value(arith::RemUIOp::create(b, thread, size))};
  Value item = wide(f.block32);
  if (groups > 1) item = arith::AddIOp::create(b, arith::MulIOp::create(b, item, e.constant(groups)), arith::DivUIOp::create(b, thread, size));
  auto reduceItem = [&] {
    ElementEmitter::Scope scope(e);
    Value row = item, begin = e.constant(0), end = e.constant(length);
    if (chunks > 1) {
      row = arith::DivUIOp::create(b, item, e.constant(chunks));
      begin = arith::MulIOp::create(b, arith::RemUIOp::create(b, item, e.constant(chunks)), e.constant(chunk));
      end = arith::MinUIOp::create(b, arith::AddIOp::create(b, begin, e.constant(chunk)), end);
    }
    Value rowStart = arith::MulIOp::create(b, row, e.constant(length));
    auto at = e.delinearise({row, 1, 0, 0, {}}, kept);
    auto positionOf = [&](ElementEmitter& emitter, Value r) {
      if (flat) return Position{{}, Index{arith::AddIOp::create(b, rowStart, r), 1, 0, 0, {}}};
      auto reducedAt = emitter.delinearise({r, 1, 0, 0, {}}, reducedSizes);
      Position where;
      size_t nextKept = 0, nextReduced = 0;
      for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) where.dims.push_back(llvm::is_contained(dims, d) ? reducedAt[nextReduced++] : at[nextKept++]);
      return where;
    };
    Totals totals = reduceGroup(rules, reduceShare(e, rules, begin, end, group, positionOf), group);
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group.rank, e.constant(0)), [&] {
      if (chunks == 1) return storeFinished(e, f, rules, totals, {{at.begin(), at.end()}, {}});
      Value which = arith::RemUIOp::create(b, item, e.constant(chunks));
      Value first = arith::AddIOp::create(b, arith::MulIOp::create(b, which, e.constant(rows)), row);
      storePlaces(f.scratch, first, rows * chunks, totals);
    });
  };
  if (groups > 1)
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, item, e.constant(rows * chunks)), reduceItem);
  else
    reduceItem();
  finishFunction(f, (rows * chunks + groups - 1) / groups, kBlock);
  if (chunks > 1) emitCombine(reductions, rows, chunks);
}

/// Tiles of 32 columns: a warp reads a row of the tile, the block's warps take rows in turn.
void GpuKernelEmitter::emitColumnReduce(llvm::ArrayRef<Operation*> reductions) {
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  auto dims = dimsOf(reductions[0]);
  llvm::SmallVector<int64_t> kept, reducedSizes;
  for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) (llvm::is_contained(dims, d) ? reducedSizes : kept).push_back(shape[d]);
  const int64_t columns = volume(kept), length = volume(reducedSizes), tiles = (columns + kTile - 1) / kTile, warps = kBlock / kTile;
  constexpr int64_t kLeastRows = 256;
  int64_t chunks = std::max<int64_t>(1, std::min(kBlocksWanted / tiles, length / kLeastRows));
  const int64_t chunk = (length + chunks - 1) / chunks;
  chunks = (length + chunk - 1) / chunk;

  Function f = startFunction("");
  ElementEmitter e(b, 1);
  bindInputs(e, f);
  llvm::SmallVector<Reduction> rules;
  for (Operation* r : reductions) rules.emplace_back(e, r);
  Value thread = wide(f.thread32), block = wide(f.block32), tile = e.constant(kTile);
  Value x = arith::RemUIOp::create(b, thread, tile), y = arith::DivUIOp::create(b, thread, tile);
  Value which = arith::DivUIOp::create(b, block, e.constant(tiles));
  Value column = arith::AddIOp::create(b, arith::MulIOp::create(b, arith::RemUIOp::create(b, block, e.constant(tiles)), tile), x);
  // Threads beyond the last column do what its thread does, and store nothing: everyone comes to the barrier.
  Value there = arith::MinUIOp::create(b, column, e.constant(columns - 1));
  Value begin = arith::MulIOp::create(b, which, e.constant(chunk));
  Value end = arith::MinUIOp::create(b, arith::AddIOp::create(b, begin, e.constant(chunk)), e.constant(length));
  auto at = e.delinearise({there, 1, 0, 0, {}}, kept);
  auto positionOf = [&](ElementEmitter& emitter, Value r) {
    auto reducedAt = emitter.delinearise({r, 1, 0, 0, {}}, reducedSizes);
    Position where;
    size_t nextKept = 0, nextReduced = 0;
    for (int64_t d = 0; d < static_cast<int64_t>(shape.size()); ++d) where.dims.push_back(llvm::is_contained(dims, d) ? reducedAt[nextReduced++] : at[nextKept++]);
    return where;
  };
  Totals mine = reduceShare(e, rules, begin, end, {warps, y}, positionOf);
  Value shared = sharedMemory(b.getI64Type(), (static_cast<int64_t>(slotTypes(rules).size()) + 1) * kBlock);
  storePlaces(shared, thread, kBlock, mine);
  gpu::BarrierOp::create(b);
  Value first = arith::CmpIOp::create(b, arith::CmpIPredicate::eq, y, e.constant(0));
  Value inside = arith::CmpIOp::create(b, arith::CmpIPredicate::ult, column, e.constant(columns));
  when(arith::AndIOp::create(b, first, inside), [&] {
    Totals totals = mine;
    for (int64_t k = 1; k < warps; ++k) totals = combine(rules, totals, loadPlaces(rules, shared, arith::AddIOp::create(b, x, e.constant(k * kTile)), kBlock));
    if (chunks == 1) return storeFinished(e, f, rules, totals, {{at.begin(), at.end()}, {}});
    storePlaces(f.scratch, arith::AddIOp::create(b, arith::MulIOp::create(b, which, e.constant(columns)), column), columns * chunks, totals);
  });
  finishFunction(f, tiles * chunks, kBlock);
  if (chunks > 1) emitCombine(reductions, columns, chunks);
}

/// Joins the chunks' totals: one thread for each row.
void GpuKernelEmitter::emitCombine(llvm::ArrayRef<Operation*> reductions, int64_t rows, int64_t chunks) {
  auto kept = arrayType(reductions[0]->getResult(0)).getShape();
  Function f = startFunction("_combine");
  ElementEmitter e(b, 1);
  llvm::SmallVector<Reduction> rules;
  for (Operation* r : reductions) rules.emplace_back(e, r);
  code.scratchBytes = (static_cast<int64_t>(slotTypes(rules).size()) + 1) * rows * chunks * kSlotBytes;
  // A warp for each row: lanes take chunks in turn.
  Value thread = globalThread(f, kBlock, rows * kWarp), warp = e.constant(kWarp);
  Value row = arith::DivUIOp::create(b, thread, warp), lane = arith::RemUIOp::create(b, thread, warp);
  when(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, e.constant(rows)), [&] {
    auto load = [&](Value which) {
      Value first = arith::AddIOp::create(b, arith::MulIOp::create(b, which, e.constant(rows)), row);
      return loadPlaces(rules, f.scratch, first, rows * chunks);
    };
    // Lanes without a chunk hold nothing.
    Totals none{{}, f64(b, 0)};
    for (Reduction& r : rules) none.of.push_back(r.startTotal(e.zero(r.element)));
    auto inits = flatten(none.of);
    inits.push_back(none.count);
    auto loop = scf::ForOp::create(b, lane, e.constant(chunks), warp, inits, [](OpBuilder&, Location, Value, ValueRange) {});
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(loop.getBody());
      ValueRange carried = loop.getRegionIterArgs();
      Totals now{split(carried.drop_back(), none.of), carried.back()};
      Totals next = combine(rules, now, load(loop.getInductionVar()));
      auto yields = flatten(next.of);
      yields.push_back(next.count);
      scf::YieldOp::create(b, yields);
    }
    ValueRange last = loop.getResults();
    Totals totals = reduceGroup(rules, {split(last.drop_back(), none.of), last.back()}, {kWarp, lane});
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, lane, e.constant(0)), [&] { storeFinished(e, f, rules, totals, {e.delinearise({row, 1, 0, 0, {}}, kept), {}}); });
  });
  finishFunction(f, (rows * kWarp + kBlock - 1) / kBlock, kBlock);
}

/// Rows that stay near while they are reduced and mapped (a softmax): a warp or a block for each.
void GpuKernelEmitter::emitRows() {
  llvm::SmallVector<Operation*> reductions;
  for (Operation& inner : body)
    if (isReduction(&inner) && !isInlineReduce(&inner)) reductions.push_back(&inner);
  auto shape = arrayType(reductions[0]->getOperand(0)).getShape();
  const int64_t length = shape.back();
  llvm::SmallVector<int64_t> kept(shape.drop_back());
  const int64_t rows = volume(kept);
  if (rows == 0) return;
  const int64_t groupSize = length <= kSmallRow ? kWarp : kBlock, groups = kBlock / groupSize;
  Function f = startFunction("");
  ElementEmitter e(b, 1);
  bindInputs(e, f);
  Value thread = wide(f.thread32), size = e.constant(groupSize);
  Group group{groupSize, groups == 1 ? thread : Value(arith::RemUIOp::create(b, thread, size))};
  Value row = wide(f.block32);
  if (groups > 1) row = arith::AddIOp::create(b, arith::MulIOp::create(b, row, e.constant(groups)), arith::DivUIOp::create(b, thread, size));
  auto emitRow = [&] {
    ElementEmitter::Scope scope(e);
    auto at = e.delinearise({row, 1, 0, 0, {}}, kept);
    auto positionOf = [&](ElementEmitter&, Value i) {
      Position where{{at.begin(), at.end()}, {}};
      where.dims.push_back({i, 1, 0, 0, {}});
      return where;
    };
    Value zero = e.constant(0), end = e.constant(length);
    for (Operation* op : reductions) {
      llvm::SmallVector<Reduction> rule;
      rule.emplace_back(e, op);
      Totals totals = reduceGroup(rule, reduceShare(e, rule, zero, end, group, positionOf), group);
      auto finished = rule[0].finish(totals.of[0]);
      llvm::SmallVector<Value> parts;
      for (const Elem& value : finished) {
        parts.push_back(value.re);
        if (value.im) parts.push_back(value.im);
      }
      auto everywhere = broadcast(parts, group);
      size_t next = 0;
      for (auto [i, value] : llvm::enumerate(finished)) {
        Elem elem{everywhere[next++], {}};
        if (value.im) elem.im = everywhere[next++];
        e.bind(op->getResult(i), elem);
      }
    }
    llvm::SmallVector<std::pair<size_t, Value>> maps, others;
    for (auto [output, root] : llvm::enumerate(terminator->getOperands())) (arrayType(root).getShape() == shape ? maps : others).push_back({output, root});
    if (!maps.empty()) {
      auto loop = scf::ForOp::create(b, group.rank, end, size);
      OpBuilder::InsertionGuard guard(b);
      ElementEmitter::Scope inner(e);
      b.setInsertionPointToStart(loop.getBody());
      Position where = positionOf(e, loop.getInductionVar());
      llvm::SmallVector<Elem> values;
      for (auto [output, root] : maps) values.push_back(e.emit(root, where));
      for (auto [k, map] : llvm::enumerate(maps)) e.store(f.outputs[map.first], arrayType(map.second).getElementType(), where, values[k]);
    }
    if (others.empty()) return;
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, group.rank, zero), [&] {
      ElementEmitter::Scope inner(e);
      Position where{{at.begin(), at.end()}, {}};
      for (auto [output, root] : others) e.store(f.outputs[output], arrayType(root).getElementType(), where, e.emit(root, where));
    });
  };
  if (groups > 1)
    when(arith::CmpIOp::create(b, arith::CmpIPredicate::ult, row, e.constant(rows)), emitRow);
  else
    emitRow();
  finishFunction(f, (rows + groups - 1) / groups, kBlock);
}

}  // namespace skein::compiler
