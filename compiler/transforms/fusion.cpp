// Groups ops into kernels: what is in memory, and what is computed again where it is needed.
//
// The cost model, in one place. A value is stored when somebody needs it in memory (a collective, a loop, the caller), when
// it is a reduction, or when computing it again for each kernel that reads it would cost more than storing and loading it
// (`worthStoring`). A reduction along rows that fit the cache joins the kernel that uses it, so that the row is read once.
// Kernels over the same iteration space are merged where nothing stands between them.
#include "compiler/codegen/access.h"
#include "compiler/log.h"
#include "compiler/transforms/device_scalars.h"
#include "compiler/transforms/transforms.h"
#include "dialects/skein/typing.h"
#include "mlir/IR/IRMapping.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

namespace {

constexpr double kCheapCycles = 6;          // computed again without a thought
constexpr double kNanosecondsPerCycle = 0.025;  // of one element, 16 lanes a vector operation
constexpr int64_t kLargeElements = 1 << 18;     // beyond: not in the nearer caches
constexpr double kStoreLarge = 1.0, kStoreSmall = 0.15;  // nanoseconds to store and load an element
constexpr int64_t kMostWrittenOut = 8;      // a short trailing dimension shares what it repeats
constexpr int64_t kRowMost = 1 << 15, kRowsLeast = 16;
constexpr int kMostOps = 300, kMostRoots = 8;

bool isScalar(Value v) { return arrayType(v).getRank() == 0; }

bool isScalarOp(Operation* op) {
  return isElementRule(op) && !op->hasAttr(kDeviceScalar) && !isReduction(op) && op->getNumResults() > 0 && llvm::all_of(op->getOperands(), isScalar) && llvm::all_of(op->getResults(), isScalar);
}

/// A loop that works on every element by itself.
bool isElementLoop(ir::ForOp loop) {
  llvm::ArrayRef<int64_t> shape;
  bool any = false, fits = true;
  for (Value result : loop.getResults()) {
    if (isScalar(result)) {
      if (!result.use_empty()) return false;  // no element of the arrays computes it
      continue;
    }
    if (!any) shape = arrayType(result).getShape(), any = true;
    fits &= arrayType(result).getShape() == shape;
  }
  // A body that only passes its state on computes nothing, and may do so with arrays that are split over processes.
  if (!any || !fits || loop.getBody().front().getOperations().size() == 1) return false;
  auto fine = [&](Value v) { return isScalar(v) || arrayType(v).getShape() == shape; };
  auto walk = loop.getBody().walk([&](Operation* inner) {
    if (llvm::isa<ir::YieldOp>(inner)) return WalkResult::advance();
    bool elementwise = inner->hasTrait<ir::OpTrait::Elementwise>() || llvm::isa<ir::PvaryOp>(inner);
    if (auto constant = llvm::dyn_cast<ir::ConstantOp>(inner)) elementwise = llvm::cast<DenseElementsAttr>(constant.getValue()).isSplat();
    if (auto broadcast = llvm::dyn_cast<ir::BroadcastOp>(inner)) elementwise = isScalar(broadcast.getOperand());
    if (auto nested = llvm::dyn_cast<ir::ForOp>(inner)) elementwise = true;
    if (!elementwise || !llvm::all_of(inner->getOperands(), fine) || !llvm::all_of(inner->getResults(), fine)) return WalkResult::interrupt();
    return WalkResult::advance();
  });
  return !walk.wasInterrupted();
}

bool isFusible(Operation* op) {
  if (auto loop = llvm::dyn_cast<ir::ForOp>(op)) return isElementLoop(loop);
  if (auto constant = llvm::dyn_cast<ir::ConstantOp>(op)) return !isScalar(constant.getResult()) && llvm::cast<DenseElementsAttr>(constant.getValue()).isSplat();
  if (!isElementRule(op) || isScalarOp(op)) return false;
  return true;
}

/// What an op reads: its operands, and what its regions see from outside.
llvm::SetVector<Value> reads(Operation* op) {
  llvm::SetVector<Value> values(op->operand_begin(), op->operand_end());
  for (Region& region : op->getRegions())
    region.walk([&](Operation* inner) {
      for (Value operand : inner->getOperands())
        if (!op->isAncestor(operand.getParentRegion()->getParentOp())) values.insert(operand);
    });
  return values;
}

struct Kernel {
  llvm::SmallVector<Value> roots;
  llvm::SetVector<Value> inputs;   // in memory, and scalars that the program holds
  Operation* position;             // where it runs: at its last root
  bool reduce = false, window = false;
};

class BlockFusion {
 public:
  explicit BlockFusion(Block& block) : block(block) {}

  bool run() {
    llvm::SmallVector<Operation*> ops;
    for (Operation& op : block) ops.push_back(&op);
    for (Operation* op : llvm::reverse(ops)) decide(op);
    for (Operation* op : ops) collect(op);
    for (Kernel& kernel : kernels) build(kernel);
    // What every reader has taken into its kernel is not needed outside.
    for (Operation* op : llvm::reverse(ops))
      if (isFusible(op) && op->use_empty()) op->erase();
    return !kernels.empty();
  }

 private:
  Block& block;
  llvm::DenseSet<Value> stored;
  llvm::DenseMap<Value, llvm::SmallPtrSet<Operation*, 4>> rootsOf;  // the stored ops that take a value into their kernel
  llvm::SmallVector<Kernel> kernels;

  bool inKernel(Value v) const {  // computed inside the kernels that need it
    Operation* op = v.getDefiningOp();
    return op && op->getBlock() == &block && isFusible(op) && !stored.contains(v);
  }

  void decide(Operation* op) {
    if (!isFusible(op)) return;
    bool window = llvm::isa<ir::DynamicUpdateSliceOp>(op);
    bool store = window;
    llvm::SmallPtrSet<Operation*, 4> roots;
    double again = 0;
    for (Value value : op->getResults()) {
      for (OpOperand& use : value.getUses()) {
        Operation* user = block.findAncestorOpInBlock(*use.getOwner());
        if (!isFusible(user)) {
          store = true;
          continue;
        }
        if (llvm::isa<ir::DynamicUpdateSliceOp>(user) && use.getOperandNumber() == 0 && user == use.getOwner()) store = true;
        bool userStored = stored.contains(user->getResult(0));
        if (userStored)
          roots.insert(user);
        else
          roots.insert(rootsOf[user->getResult(0)].begin(), rootsOf[user->getResult(0)].end());
        int64_t mine = std::max<int64_t>(1, volume(arrayType(value).getShape())), theirs = 1;
        for (Value result : user->getResults()) theirs = std::max(theirs, volume(arrayType(result).getShape()));
        // What does not vary along the last dimension is computed once a row: the loop over the row hoists it.
        auto broadcast = llvm::dyn_cast<ir::BroadcastOp>(user);
        bool oncePerRow = broadcast && broadcast.getShape().size() > 1;
        for (size_t i = 0; oncePerRow && i < broadcast.getDims().size(); ++i)
          oncePerRow = broadcast.getDims()[i] + 1 != static_cast<int64_t>(broadcast.getShape().size()) || arrayType(value).getDimSize(i) == 1;
        if (llvm::isa<ir::BroadcastOp, ir::TakeOp>(user) && !oncePerRow && theirs / mine > kMostWrittenOut) again += static_cast<double>(theirs / mine - 1);
      }
    }
    if (isReduction(op) && !isInlineReduce(op) && !joinsRows(op, roots)) store = true;
    if (!store) {
      double cycles = computeCost(op->getResult(0));
      bool large = volume(arrayType(op->getResult(0)).getShape()) > kLargeElements;
      again += static_cast<double>(spacesOf(roots) - 1);
      if (cycles > kCheapCycles && again * cycles * kNanosecondsPerCycle > (large ? kStoreLarge : kStoreSmall)) store = true;
      if (!store && sizeOf(op) > kMostOps) store = true;
    }
    for (Value value : op->getResults()) {
      if (store)
        stored.insert(value);
      else
        rootsOf[value] = roots;
    }
  }

  /// Iteration spaces of the kernels that roots make: roots over the same one are likely to be merged.
  static int64_t spacesOf(const llvm::SmallPtrSet<Operation*, 4>& roots) {
    llvm::SmallVector<std::pair<llvm::ArrayRef<int64_t>, Attribute>> spaces;
    for (Operation* root : roots) {
      bool reduces = isReduction(root) && !isInlineReduce(root);
      std::pair space{arrayType(reduces ? root->getOperand(0) : root->getResult(0)).getShape(), reduces ? root->getAttr("dims") : Attribute()};
      if (!llvm::is_contained(spaces, space)) spaces.push_back(space);
    }
    return std::max<int64_t>(1, spaces.size());
  }

  int sizeOf(Operation* op) {
    llvm::DenseSet<Operation*> seen;
    llvm::SmallVector<Operation*> pending{op};
    while (!pending.empty()) {
      Operation* next = pending.pop_back_val();
      if (next->getBlock() != &block || !isFusible(next) || !seen.insert(next).second) continue;
      if (seen.size() > kMostOps) break;
      for (Value v : reads(next))
        if (v.getDefiningOp()) pending.push_back(v.getDefiningOp());
    }
    return static_cast<int>(seen.size());
  }

  /// A reduction over rows that only the map over the same rows uses, row by row.
  bool joinsRows(Operation* op, const llvm::SmallPtrSet<Operation*, 4>& roots) {
    auto type = arrayType(op->getOperand(0));
    auto dims = op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef();
    if (roots.size() != 1 || type.getRank() < 2 || dims.size() != 1 || dims[0] != type.getRank() - 1) return false;
    int64_t length = type.getShape().back(), rows = volume(type.getShape().drop_back());
    if (length > kRowMost || rows < kRowsLeast) return false;
    Operation* root = *roots.begin();
    if (isReduction(root) || llvm::isa<ir::DynamicUpdateSliceOp, ir::ForOp>(root) || arrayType(root->getResult(0)).getShape() != type.getShape()) return false;
    llvm::DenseMap<Value, llvm::SmallVector<int64_t, 4>> memory;
    auto strides = denseStrides(arrayType(op->getResult(0)).getShape());
    for (Value result : op->getResults()) memory[result] = strides;
    strides.push_back(0);
    // All other reductions inside are along the same rows (or they would have been stored), so one walk from the root sees every use.
    for (const Load& load : loadsOf(root->getResult(0), memory))
      if (load.irregular || load.strides != strides) return false;
    return true;
  }

  void inputsOf(Value v, llvm::SetVector<Value>& inputs, llvm::DenseSet<Value>& seen) {
    if (!seen.insert(v).second) return;
    if (auto constant = v.getDefiningOp<ir::ConstantOp>(); constant && llvm::cast<DenseElementsAttr>(constant.getValue()).isSplat()) return;
    if (!inKernel(v)) {
      inputs.insert(v);
      return;
    }
    for (Value operand : reads(v.getDefiningOp())) inputsOf(operand, inputs, seen);
  }

  void collect(Operation* op) {
    if (op->getNumResults() == 0 || !stored.contains(op->getResult(0))) return;
    // The same bytes under another shape need no kernel.
    if (auto reshape = llvm::dyn_cast<ir::ReshapeOp>(op); reshape && !inKernel(reshape.getOperand()) && !reshape.getOperand().getDefiningOp<ir::ConstantOp>()) return;
    Kernel kernel;
    for (Value result : op->getResults())
      if (!result.use_empty()) kernel.roots.push_back(result);
    if (kernel.roots.empty()) return;
    kernel.position = op;
    kernel.reduce = isReduction(op) && !isInlineReduce(op);
    kernel.window = llvm::isa<ir::DynamicUpdateSliceOp>(op);
    llvm::DenseSet<Value> seen;
    for (Value operand : reads(op)) inputsOf(operand, kernel.inputs, seen);
    if (Kernel* other = partner(kernel, op)) {
      // Where all that it reads is there already, the earlier place serves those who wait for the results.
      if (!llvm::all_of(kernel.inputs, [&](Value v) { return isAvailable(v, *other); })) other->position = op;
      llvm::append_range(other->roots, kernel.roots);
      other->inputs.insert(kernel.inputs.begin(), kernel.inputs.end());
      return;
    }
    kernels.push_back(std::move(kernel));
  }

  /// Whether a value that is in memory is so before the kernel runs.
  bool isAvailable(Value v, const Kernel& kernel) {
    Operation* op = v.getDefiningOp();
    if (!op || op->getBlock() != &block) return true;
    for (const Kernel& maker : kernels)
      if (llvm::is_contained(maker.roots, v)) return &maker != &kernel && maker.position->isBeforeInBlock(kernel.position);
    return op->isBeforeInBlock(kernel.position);
  }

  /// A kernel over the same iteration space that can run with this one: at its own place, or waiting until `op`.
  Kernel* partner(const Kernel& kernel, Operation* op) {
    if (kernel.window) return nullptr;
    auto space = [](const Kernel& k) {
      Operation* root = k.roots[0].getDefiningOp();
      return k.reduce ? arrayType(root->getOperand(0)).getShape() : arrayType(k.roots[0]).getShape();
    };
    auto dims = [](const Kernel& k) { return k.roots[0].getDefiningOp()->getAttrOfType<DenseI64ArrayAttr>("dims"); };
    auto joins = [&](const Kernel& k) {  // row kernels are planned for one root
      llvm::DenseSet<Value> seen;
      std::function<bool(Value)> any = [&](Value v) {
        if (!seen.insert(v).second || !v.getDefiningOp() || (!inKernel(v) && !llvm::is_contained(k.roots, v))) return false;
        Operation* d = v.getDefiningOp();
        if (isReduction(d) && !isInlineReduce(d) && !llvm::is_contained(k.roots, v)) return true;
        return llvm::any_of(reads(d), any);
      };
      return llvm::any_of(k.roots, any);
    };
    for (Kernel& other : llvm::reverse(kernels)) {
      if (other.window || other.reduce != kernel.reduce || other.roots.size() + kernel.roots.size() > kMostRoots || space(other) != space(kernel)) continue;
      if (kernel.reduce && dims(other) != dims(kernel)) continue;
      bool shares = llvm::any_of(kernel.inputs, [&](Value v) { return !isScalar(v) && other.inputs.contains(v); });
      bool small = volume(space(kernel)) < kLargeElements;
      if (kernel.reduce ? !shares : !(shares || small)) continue;
      if (joins(other) || joins(kernel)) continue;
      if (llvm::all_of(kernel.inputs, [&](Value v) { return isAvailable(v, other); })) return &other;
      // Nobody between the two reads what the first makes, and neither does the second.
      bool between = llvm::any_of(other.roots, [&](Value root) { return kernel.inputs.contains(root); });
      for (Value root : other.roots)
        for (Operation* user : root.getUsers()) {
          Operation* here = block.findAncestorOpInBlock(*user);
          if (!here->isBeforeInBlock(op)) continue;
          // Ops that are computed inside kernels read where those kernels stand; others, and mere views, read here.
          if (!isFusible(here) || llvm::isa<ir::ReshapeOp>(here)) between = true;
        }
      for (const Kernel& third : kernels)
        if (&third != &other && other.position->isBeforeInBlock(third.position))
          between |= llvm::any_of(other.roots, [&](Value root) { return third.inputs.contains(root); });
      if (!between) return &other;
    }
    return nullptr;
  }

  void build(Kernel& kernel) {
    OpBuilder builder(kernel.position);
    builder.setInsertionPointAfter(kernel.position);
    // A later kernel may have replaced what this one reads.
    OperationState state(kernel.position->getLoc(), ir::KernelOp::getOperationName());
    state.addOperands(kernel.inputs.getArrayRef());
    llvm::SmallVector<Type> types;
    for (Value root : kernel.roots) types.push_back(root.getType());
    state.addTypes(types);
    Region* region = state.addRegion();
    Block* body = new Block;
    region->push_back(body);
    IRMapping map;
    for (Value input : kernel.inputs) map.map(input, body->addArgument(input.getType(), input.getLoc()));
    OpBuilder inside(builder.getContext());
    inside.setInsertionPointToEnd(body);
    std::function<void(Value)> copy = [&](Value v) {
      if (map.contains(v)) return;
      Operation* op = v.getDefiningOp();
      for (Value operand : reads(op)) copy(operand);
      if (!map.contains(v)) inside.clone(*op, map);
    };
    llvm::SmallVector<Value> yields;
    for (Value root : kernel.roots) copy(root), yields.push_back(map.lookup(root));
    ir::YieldOp::create(inside, kernel.position->getLoc(), yields);
    if (kernel.window) state.addAttribute("window", builder.getUnitAttr());
    Operation* made = builder.create(state);
    if (logging("fusion")) explain(kernel, *body);
    for (auto [root, result] : llvm::zip(kernel.roots, made->getResults())) {
      // Kernels hold constants of their own.
      if (root.getDefiningOp<ir::ConstantOp>())
        root.replaceUsesWithIf(result, [&](OpOperand& use) { return !isFusible(block.findAncestorOpInBlock(*use.getOwner())); });
      else
        root.replaceAllUsesWith(result);
      for (Kernel& other : kernels) {
        if (other.inputs.contains(root)) {
          llvm::SetVector<Value> renamed;
          for (Value v : other.inputs) renamed.insert(v == root ? Value(result) : v);
          other.inputs = renamed;
        }
      }
    }
  }

  static void explain(const Kernel& kernel, Block& body) {
    int64_t bytes = 0;
    auto add = [&](Value v) { bytes += volume(arrayType(v).getShape()) * byteSize(arrayType(v).getElementType()); };
    for (Value v : kernel.inputs) add(v);
    std::string results;
    double cycles = 0;
    for (Value v : kernel.roots) add(v), results += " " + ir::describe(v.getType());
    for (Value root : body.getTerminator()->getOperands()) cycles += computeCost(root);
    log("fusion", (llvm::Twine(kernel.window ? "window" : kernel.reduce ? "reduction" : "map") + " kernel of " + llvm::Twine(body.getOperations().size() - 1) + " ops ->" + results + "; " +
                   llvm::Twine(bytes) + " bytes in memory, about " + llvm::Twine(static_cast<int64_t>(cycles)) + " cycles an element")
                      .str());
  }
};

void fuseRegion(Region& region) {
  for (Block& block : region) {
    for (Operation& op : llvm::make_early_inc_range(block)) {
      // Loops that become part of a kernel keep their bodies as they are.
      if (auto loop = llvm::dyn_cast<ir::ForOp>(&op); loop && isElementLoop(loop)) continue;
      for (Region& inner : op.getRegions()) fuseRegion(inner);
    }
    BlockFusion(block).run();
  }
}

}  // namespace

void fuse(func::FuncOp function) { fuseRegion(function.getBody()); }

}  // namespace skein::compiler
