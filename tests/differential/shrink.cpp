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
  main.setFunctionType(mlir::FunctionType::get(module.getContext(), main.getArgumentTypes(), returned->getOperandTypes()));
  return true;
}

static mlir::Value zeroOf(mlir::Operation* op, mlir::Type type) {
  auto array = ir::arrayType(type);
  if (!ir::varying(type).empty()) return {};
  mlir::OpBuilder builder(op);
  Emitter emitter(builder);
  return emitter.splat(*ir::dtypeOf(array.getElementType()), array.getShape().vec(), 1);
}

/// Replaces the results of op number `i` in the way number `way`; false if there is no such way.
static bool replace(mlir::ModuleOp module, std::size_t i, int way) {
  auto ops = opsOf(module);
  if (i >= ops.size()) return false;
  mlir::Operation* op = ops[i];
  if (op->use_empty() || (llvm::isa<ir::ConstantOp>(op) && way >= 0)) return false;
  bool changed = false;
  for (mlir::Value result : op->getResults()) {
    if (result.use_empty()) continue;
    mlir::Value other;
    if (way == 0) {
      other = zeroOf(op, result.getType());
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
  auto attempt = [&](auto change) {
    Module candidate = best->clone();
    if (!change(*candidate)) return false;
    eraseDead(*candidate);
    if (mlir::failed(mlir::verify(*candidate)) || !fails(*candidate)) return false;
    best = std::move(candidate);
    return true;
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
