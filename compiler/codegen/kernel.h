#pragma once
// From a skein.kernel op to a function of loops over a range of work items.

#include "compiler/codegen/access.h"
#include "compiler/lowering/element.h"
#include "compiler/lowering/reduction.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>

namespace skein::compiler {

struct Target {
  int64_t vectorBytes = 16;  // of one register
  int64_t firstDevice = 0, devices = 0;  // of a mesh over several processes: which ranks are on this one; 0: all are
  std::string gpu;                       // the architecture of the GPU that kernels run on ("sm_90"); none: the CPU
  bool emulated = false;                 // the GPU is the emulated one
};

/// Where an array that a kernel reads or writes lies.
struct Layout {
  llvm::SmallVector<int64_t, 4> strides;
  bool dense = true;
};

struct KernelRequest {
  ir::KernelOp op;
  llvm::SmallVector<Layout> inputs, outputs;
  llvm::SmallVector<bool> inputConstant;  // no output overlaps it
  Target target;
  llvm::SmallVector<bool> byValue;  // on a GPU: scalars that the program holds
};

/// One function `name(arguments, begin, end)`; arguments: pointers to inputs, then outputs, then the scratch buffer.
struct KernelStage {
  mlir::func::FuncOp function;
  int64_t items = 0;       // work items that the range [begin, end) counts
  double itemCost = 0;     // nanoseconds of one item on one core
};

struct KernelCode {
  llvm::SmallVector<KernelStage, 2> stages;  // run one after another
  int64_t scratchBytes = 0;
};

/// Emits the kernel's functions into the module that `b` stands in.
KernelCode emitKernel(Builder& b, const KernelRequest& request, llvm::StringRef name);

// ---- shared by the kinds of kernels ----
class KernelEmitter {
 public:
  KernelEmitter(Builder& b, const KernelRequest& request, llvm::StringRef name);
  KernelCode emit();

 private:
  Builder& b;
  const KernelRequest& request;
  std::string name;
  ir::KernelOp op;
  mlir::Block& body;
  mlir::Operation* terminator;
  KernelCode code;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>> memory;  // strides of the kernel's inputs

  struct Function {
    mlir::func::FuncOp op;
    mlir::Value begin, end;
    llvm::SmallVector<Storage> inputs, outputs;
    llvm::SmallVector<mlir::Value> inputPointers;
    mlir::Value scratch;
  };
  Function startFunction(llvm::StringRef suffix);
  void finishFunction(Function& f, int64_t items, double itemCost);
  void bindInputs(ElementEmitter& e, const Function& f);

  int64_t lanesFor(llvm::ArrayRef<mlir::Value> roots) const;
  bool flatDense(mlir::Value root) const;
  /// The dimension to vectorise over; `reduced`: dimensions that a reduction runs over; -1: none pays.
  int64_t chooseLaneDim(llvm::ArrayRef<mlir::Value> roots, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> reduced, int64_t width,
                        llvm::ArrayRef<Layout> outputs, bool* strided = nullptr);

  /// for lanes in [begin, end): body(emitter, index of the first lane), `step` lanes at a time, which are `vectors` vectors. What
  /// is left at the end goes vector by vector, the last one masked.
  using LaneBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(ElementEmitter&, Index, mlir::ValueRange)>;
  llvm::SmallVector<mlir::Value> laneLoop(ElementEmitter& parent, const Function& f, mlir::Value begin, mlir::Value end, int64_t step, mlir::ValueRange inits, LaneBody body,
                                          llvm::function_ref<void(ElementEmitter&)> prepare = nullptr, bool streaming = false, int64_t vectors = 1);

  /// Emits `body` for results that are larger than the caches: once with stores past them, where the results' memory is
  /// aligned, and once without. `lane`: the dimension that vectors run along, -1: the flat index.
  void storing(const Function& f, llvm::ArrayRef<size_t> outputs, int64_t lane, llvm::function_ref<void(bool streaming)> body);
  void emitMap();
  void emitRows();
  void emitReduce();
  void emitNothingReduced(llvm::ArrayRef<mlir::Operation*> reductions);
  void emitRowReduce(llvm::ArrayRef<mlir::Operation*> reductions, int64_t laneDim, bool flat, int64_t width, int64_t vectors);
  void emitColumnReduce(llvm::ArrayRef<mlir::Operation*> reductions, int64_t laneDim, int64_t width, bool streaming);
  void emitCombine(llvm::ArrayRef<mlir::Operation*> reductions, int64_t chunks, int64_t chunkSize, int64_t total);
  /// Runs over one row (or chunk of it) and gives the reductions' totals and the count of elements.
  llvm::SmallVector<Reduction::Values> reduceRow(ElementEmitter& scalars, const Function& f, llvm::MutableArrayRef<Reduction> reductions, mlir::Value begin, mlir::Value end,
                                                 int64_t width, int64_t vectors, llvm::function_ref<Position(ElementEmitter&, Index)> positionOf,
                                                 llvm::function_ref<void(ElementEmitter&)> prepare, mlir::Value& count);
  mlir::Value f64(mlir::Value integer);
};

}  // namespace skein::compiler
