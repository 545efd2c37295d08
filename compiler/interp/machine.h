#pragma once
// Inside the interpreter: the devices of a mesh as a plain loop, and the table of what each op means.
//
// All devices run a program op by op in lock step: a value is a list of arrays, one for each device. Under control flow
// only some devices are active, those whose predicate chose the region.

#include <functional>
#include <ostream>
#include <string>

#include "compiler/interp/host_array.h"
#include "compiler/interp/interpreter.h"
#include "dialects/skein/dialect.h"
#include "dialects/skein/types.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace skein::compiler::interp {

class Machine;
using Operands = llvm::ArrayRef<const HostArray*>;
using Results = std::vector<HostArray>;
using Devices = std::vector<int>;
using Index = std::vector<std::int64_t>;

/// What an op means: on each device alone, or for all active devices together.
struct Meaning {
  Results (*local)(mlir::Operation*, Operands) = nullptr;
  void (*joint)(Machine&, mlir::Operation*) = nullptr;
};
using Meanings = llvm::StringMap<Meaning>;

// One function for each family.
void addElementwise(Meanings&);
void addShape(Meanings&);
void addReduce(Meanings&);
void addContract(Meanings&);
void addSort(Meanings&);
void addIndexing(Meanings&);
void addScan(Meanings&);
void addFft(Meanings&);
void addLinalg(Meanings&);
void addControl(Meanings&);
void addRandom(Meanings&);
void addCollectives(Meanings&);
void addEffects(Meanings&);

template <class Op>
void define(Meanings& meanings, Results (*local)(mlir::Operation*, Operands)) {
  meanings[Op::getOperationName()] = {local, nullptr};
}
template <class Op>
void define(Meanings& meanings, void (*joint)(Machine&, mlir::Operation*)) {
  meanings[Op::getOperationName()] = {nullptr, joint};
}

/// The grid of devices that a shard_map runs on; ranks are row-major over the axes.
struct Grid {
  llvm::SmallVector<mlir::StringAttr> names;
  llvm::SmallVector<std::int64_t> sizes;

  int count() const;
  std::int64_t coordinate(int device, mlir::StringAttr axis) const;
  bool has(mlir::StringAttr axis) const { return llvm::is_contained(names, axis); }
};

class Machine {
 public:
  Machine(mlir::ModuleOp module, std::ostream& out, const InterpretOptions& options)
      : module_(module), out_(out), options_(options) {}

  /// Runs the ops of a block on the active devices, and returns its terminator.
  mlir::Operation* run(mlir::Block& block);
  /// Runs `block` with `devices` alone active.
  mlir::Operation* run(mlir::Block& block, Devices devices);
  /// Runs a function's body; its results are the operands of what is returned.
  mlir::Operation* run(llvm::StringRef function,
                       const std::function<HostArray(unsigned argument, int device)>& arguments);
  /// Runs the body of a shard_map on all devices of a grid, then `collect` while their values are there.
  void runOn(const Grid& grid, mlir::Block& body,
             const std::function<HostArray(unsigned argument, int device)>& arguments,
             const std::function<void(mlir::Operation* terminator)>& collect);

  /// A device's value; what was made outside of the shard_map is the same on every device.
  const HostArray& get(mlir::Value value, int device) const;
  void set(mlir::Value value, int device, HostArray array);

  const Devices& active() const { return active_; }
  const Grid& grid() const { return grid_; }
  std::ostream& out() const { return out_; }
  void observe(mlir::Operation* op, Operands operands, llvm::MutableArrayRef<HostArray> results) const {
    if (options_.observe) options_.observe(op, operands, results);
  }

 private:
  void execute(mlir::Operation* op);
  void compareDevices(mlir::Operation* op) const;

  mlir::ModuleOp module_;
  std::ostream& out_;
  const InterpretOptions& options_;
  Grid grid_;  // no axes and one device outside of a shard_map
  Devices active_ = {0};
  llvm::DenseMap<mlir::Value, std::vector<HostArray>> values_;
};

// ---- for the families ----

/// Zeros of the type of the op's result `i`.
HostArray emptyResult(mlir::Operation* op, unsigned i = 0);
/// Calls `visit` with each index into the shape, the last dimension running fastest.
void forEachIndex(llvm::ArrayRef<std::int64_t> shape, llvm::function_ref<void(const Index&)> visit);
/// The position of an index in row-major order.
std::int64_t offsetOf(llvm::ArrayRef<std::int64_t> shape, const Index& index);
/// The sum over the arrays, element by element, rounded once at the end.
HostArray sumOf(llvm::ArrayRef<const HostArray*> arrays);

/// The op's place in the user's program.
struct Site {
  std::string file;
  unsigned line = 0;
};
Site siteOf(mlir::Location location);
[[noreturn]] void throwUserError(mlir::Operation* op, const std::string& message);
[[noreturn]] void throwInternalError(mlir::Operation* op, const std::string& message);

}  // namespace skein::compiler::interp
