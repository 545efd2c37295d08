#include "tests/differential/shrink.h"

#include <chrono>

#include "mlir/IR/Verifier.h"
#include "tests/differential/emit.h"

namespace skein::compiler::test {

using Module = mlir::OwningOpRef<mlir::ModuleOp>;

static mlir::func::FuncOp mainOf(mlir::ModuleOp module) { return module.lookupSymbol<mlir::func::FuncOp>("main"); }

/// The ops of main, the last first: what depends on most comes first.
static std::vector<mlir::Operation*> opsOf(mlir::ModuleOp module) {
  std::vector<mlir::Operation*> ops;
  mainOf(module).getBody().walk([&](mlir::Operation* op) {
    if (!op->hasTrait<mlir::OpTrait::IsTerminator>()) ops.push_back(op);
  });
  std::reverse(ops.begin(), ops.end());
  return ops;
}

static void eraseDead(mlir::ModuleOp module) {
  for (auto function : llvm::make_early_inc_range(module.getOps<mlir::func::FuncOp>()))
    if (function.isPrivate() && mlir::SymbolTable::symbolKnownUseEmpty(function, module)) function.erase();
  for (bool changed = true; changed;) {
    changed = false;
    for (mlir::Operation* op : opsOf(module)) {
      if (!op->use_empty() || llvm::isa<ir::PrintOp, ir::CheckOp>(op)) continue;
      op->erase();
      changed = true;
      break;  // the list names ops of its regions too
    }
  }
}

static bool dropResult(mlir::ModuleOp module, unsigned i) {
  auto main = mainOf(module);
  mlir::Operation* returned = main.front().getTerminator();
  if (returned->getNumOperands() < 2 || i >= returned->getNumOperands()) return false;
  returned->eraseOperand(i);
  main.setFunctionType(
      mlir::FunctionType::get(module.getContext(), main.getArgumentTypes(), returned->getOperandTypes()));
  return true;
}

/// Ones of the type, standing before the op.
static mlir::Value onesOf(mlir::Operation* op, mlir::Type type) {
  auto array = ir::arrayType(type);
  mlir::OpBuilder builder(op);
  Emitter emitter(builder);
  mlir::Value ones = emitter.splat(*ir::dtypeOf(array.getElementType()), array.getShape().vec(), 1);
  llvm::ArrayRef<mlir::StringAttr> names = ir::varying(type);
  if (names.empty()) return ones;
  auto mesh = op->getParentOfType<ir::ShardMapOp>().getMesh();
  llvm::SmallVector<std::int64_t> sizes;
  for (mlir::StringAttr name : names)
    sizes.push_back(mesh.getSizes()[llvm::find(mesh.getNames(), name) - mesh.getNames().begin()]);
  return emitter.emit("pvary", ones, emitter.axes(names, sizes));
}

/// Takes away what nothing uses of the operands and results of shard_maps and switches.
static void trim(mlir::ModuleOp module) {
  auto without = [](mlir::ArrayAttr list, unsigned i) {
    auto entries = llvm::to_vector(list.getValue());
    entries.erase(entries.begin() + i);
    return mlir::ArrayAttr::get(list.getContext(), entries);
  };
  for (mlir::Operation* op : opsOf(module)) {
    if (!llvm::isa<ir::ShardMapOp, ir::SwitchOp>(op)) continue;
    auto map = llvm::dyn_cast<ir::ShardMapOp>(op);
    for (unsigned i = map ? op->getNumOperands() : 0; i-- > 0;) {
      mlir::Block& body = map.getBody().front();
      if (!body.getArgument(i).use_empty() || op->getNumOperands() == 1) continue;
      body.eraseArgument(i);
      op->eraseOperand(i);
      op->setAttr("in_specs", without(map.getInSpecs(), i));
    }
    llvm::SmallVector<unsigned> used;
    for (mlir::OpResult result : op->getResults())
      if (!result.use_empty()) used.push_back(result.getResultNumber());
    if (used.size() == op->getNumResults()) continue;
    // Results cannot be erased: another op takes over the regions.
    mlir::OpBuilder builder(op);
    mlir::OperationState state(op->getLoc(), op->getName());
    state.addOperands(op->getOperands());
    state.addAttributes(op->getAttrs());
    for (unsigned i : used) state.addTypes(op->getResult(i).getType());
    for (mlir::Region& region : op->getRegions()) {
      mlir::Operation* yield = region.front().getTerminator();
      for (unsigned i = yield->getNumOperands(); i-- > 0;)
        if (!llvm::is_contained(used, i)) yield->eraseOperand(i);
      state.addRegion()->takeBody(region);
    }
    mlir::Operation* smaller = builder.create(state);
    if (map) {
      llvm::SmallVector<mlir::Attribute> specs;
      for (unsigned i : used) specs.push_back(llvm::cast<ir::ShardMapOp>(smaller).getOutSpecs()[i]);
      smaller->setAttr("out_specs", builder.getArrayAttr(specs));
    }
    for (auto [i, old] : llvm::enumerate(used)) op->getResult(old).replaceAllUsesWith(smaller->getResult(i));
    op->erase();
    return trim(module);  // the list names the old op
  }
}

/// Replaces the results of op number `i` in the way number `way`; false if there is no such way.
static bool replace(mlir::ModuleOp module, std::size_t i, int way) {
  auto ops = opsOf(module);
  if (i >= ops.size()) return false;
  mlir::Operation* op = ops[i];
  if (llvm::isa<ir::PrintOp, ir::CheckOp>(op)) return op->erase(), true;
  if (op->use_empty() || llvm::isa<ir::ConstantOp>(op)) return false;
  // Else a loop might not end.
  if (auto loop = llvm::dyn_cast<ir::WhileOp>(op->getParentOp()))
    if (op->getParentRegion() == &loop.getCond() ||
        llvm::is_contained(op->getUsers(), loop.getBody().front().getTerminator()))
      return false;
  if (auto pvary = llvm::dyn_cast<ir::PvaryOp>(op); pvary && pvary.getOperand().getDefiningOp<ir::ConstantOp>())
    return false;
  bool changed = false;
  for (mlir::Value result : op->getResults()) {
    if (result.use_empty()) continue;
    mlir::Value other;
    if (way == 0) {
      other = onesOf(op, result.getType());
    } else {  // a value of the type that stands before: an operand, or an argument of the block
      std::vector<mlir::Value> candidates(op->operand_begin(), op->operand_end());
      candidates.insert(candidates.end(), op->getBlock()->args_begin(), op->getBlock()->args_end());
      int found = 0;
      for (mlir::Value candidate : candidates)
        if (candidate.getType() == result.getType() && ++found == way) other = candidate;
    }
    if (!other) continue;
    result.replaceAllUsesWith(other);
    changed = true;
  }
  return changed;
}

Module shrink(mlir::ModuleOp module, const std::function<bool(mlir::ModuleOp)>& fails, double seconds) {
  auto start = std::chrono::steady_clock::now();
  auto late = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() > seconds; };
  Module best = module.clone();
  // With what nothing uses, and without: it may be what fails.
  auto attempt = [&](auto change) {
    for (bool trimmed : {true, false}) {
      Module candidate = best->clone();
      if (!change(*candidate)) return false;
      eraseDead(*candidate);
      if (trimmed) trim(*candidate), eraseDead(*candidate);
      if (mlir::failed(mlir::verify(*candidate)) || !fails(*candidate)) continue;
      best = std::move(candidate);
      return true;
    }
    return false;
  };
  mlir::ScopedDiagnosticHandler quiet(module.getContext(), [](mlir::Diagnostic&) { return mlir::success(); });
  attempt([](mlir::ModuleOp) { return true; });
  for (bool changed = true; changed && !late();) {
    changed = false;
    for (unsigned i = 0; i < 8 && !late(); ++i)
      while (attempt([&](mlir::ModuleOp candidate) { return dropResult(candidate, i); })) changed = true;
    for (std::size_t i = 0; i < opsOf(*best).size() && !late(); ++i)
      for (int way = 0; way < 4 && !late(); ++way)
        if (attempt([&](mlir::ModuleOp candidate) { return replace(candidate, i, way); })) {
          changed = true;
          --way;  // the op number i is another one now
        }
  }
  return best;
}

}  // namespace skein::compiler::test
