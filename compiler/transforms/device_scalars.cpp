#include "compiler/transforms/device_scalars.h"

#include "compiler/lowering/element.h"
#include "llvm/ADT/TypeSwitch.h"
#include "compiler/codegen/access.h"

namespace skein::compiler {

using namespace mlir;

namespace {

bool isScalar(Value v) { return ir::arrayType(v).getRank() == 0; }

class Search {
 public:
  explicit Search(func::FuncOp function) : function(function) {
    for (Value argument : function.getArguments()) add(argument);
  }

  llvm::DenseSet<Value> run() {
    do {
      changed = false;
      function.getBody().walk<WalkOrder::PreOrder>([&](Operation* op) { visit(op); return llvm::isa<ir::KernelOp>(op) ? WalkResult::skip() : WalkResult::advance(); });
    } while (changed);
    return std::move(found);
  }

 private:
  func::FuncOp function;
  llvm::DenseSet<Value> found;
  bool changed = false;

  void add(Value v) {
    if (isScalar(v) && found.insert(v).second) changed = true;
  }
  /// As seen by `user`: what a shard_map reads from outside comes through memory.
  bool onDevice(Value v, Operation* user) {
    if (!isScalar(v) || found.contains(v)) return true;
    auto inside = user->getParentOfType<ir::ShardMapOp>();
    return inside && !inside->isAncestor(v.getParentBlock()->getParentOp());
  }
  /// A loop's state: one place each, for the initial value, the body's argument, what it yields and the result.
  void carry(Operation* loop, ValueRange inits, llvm::ArrayRef<ValueRange> arguments, Operation* yield) {
    for (unsigned k = 0; k < inits.size(); ++k) {
      bool there = onDevice(inits[k], loop) || onDevice(yield->getOperand(k), yield) || found.contains(loop->getResult(k));
      if (!there) continue;
      for (ValueRange list : arguments) add(list[k]);
      add(loop->getResult(k));
    }
  }

  void visit(Operation* op) {
    llvm::TypeSwitch<Operation*>(op)
        .Case<ir::ForOp>([&](ir::ForOp loop) {
          Block& body = loop.getBody().front();
          carry(loop, loop.getInits(), {body.getArguments().drop_front()}, body.getTerminator());
        })
        .Case<ir::WhileOp>([&](ir::WhileOp loop) {
          Block &cond = loop.getCond().front(), &body = loop.getBody().front();
          carry(loop, loop.getInits(), {cond.getArguments(), body.getArguments()}, body.getTerminator());
        })
        .Case<ir::SwitchOp>([&](ir::SwitchOp branches) {
          for (Region& branch : branches.getBranches())
            for (auto [k, yielded] : llvm::enumerate(branch.front().getTerminator()->getOperands()))
              if (onDevice(yielded, branch.front().getTerminator())) add(branches.getResult(k));
        })
        .Case<ir::ShardMapOp>([&](ir::ShardMapOp map) {
          for (Value argument : map.getBody().front().getArguments()) add(argument);
          for (Value result : map.getResults()) add(result);
        })
        .Case<ir::AxisIndexOp>([](auto) {})
        .Default([&](Operation* other) {
          bool computed = isElementRule(other) && !isReduction(other) && llvm::none_of(other->getOperands(), [&](Value v) { return onDevice(v, other); });
          if (!computed)
            for (Value result : other->getResults()) add(result);
        });
  }
};

}  // namespace

llvm::DenseSet<Value> findDeviceScalars(func::FuncOp function) { return Search(function).run(); }

void markDeviceScalars(func::FuncOp function) {
  auto found = findDeviceScalars(function);
  function.getBody().walk([&](Operation* op) {
    if (isElementRule(op) && llvm::any_of(op->getResults(), [&](Value v) { return found.contains(v); })) op->setAttr(kDeviceScalar, UnitAttr::get(op->getContext()));
  });
}

}  // namespace skein::compiler
