#pragma once
// The state of emitting one GPU kernel; its kinds are in kernel*.cpp.

#include "compiler/codegen/gpu/kernel.h"

namespace skein::compiler {

class GpuKernelEmitter {
 public:
  GpuKernelEmitter(Builder& b, const KernelRequest& request, llvm::StringRef name);
  GpuKernelCode emit();

 private:
  static constexpr int64_t kWarp = 32, kBlock = 256, kTile = 32;
  static constexpr int64_t kMostShared = 48 << 10;  // bytes that every GPU gives a block without being asked

  Builder& b;
  const KernelRequest& request;
  std::string name;
  ir::KernelOp op;
  mlir::Block& body;
  mlir::Operation* terminator;
  GpuKernelCode code;
  int sharedArrays = 0;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<int64_t, 4>> memory;  // strides of the kernel's inputs

  struct Function {
    mlir::func::FuncOp op;
    mlir::Value thread32, block32;  // numbers of the thread in its block, and of the block
    llvm::SmallVector<Storage> inputs, outputs;
    llvm::SmallVector<Elem> scalars;  // inputs that are passed by value
    mlir::Value scratch;
  };
  Function startFunction(llvm::StringRef suffix);
  void finishFunction(Function& f, int64_t grid, int64_t block);
  void bindInputs(ElementEmitter& e, const Function& f);
  mlir::Value wide(mlir::Value number32);
  mlir::Value globalThread(const Function& f, int64_t block, int64_t threads);
  void when(mlir::Value condition, llvm::function_ref<void()> then, llvm::function_ref<void()> otherwise = nullptr);
  bool flatDense(mlir::Value root) const;
  /// An array of the block's shared memory, as a generic pointer.
  mlir::Value sharedMemory(mlir::Type element, int64_t count);

  // ---- maps ----
  void emitMap();
  int64_t elementsOfThread(llvm::ArrayRef<mlir::Value> roots) const;
  mlir::Value aligned(const Function& f);
  bool emitTransposed(Function& f, llvm::ArrayRef<mlir::Value> roots);
  bool readPermuted(mlir::Value array) const;

  // ---- reductions: a group of threads for each row ----
  struct Group {
    int64_t size = 0;  // a warp, a block, or the rows of threads of a tile of columns
    mlir::Value rank;  // the thread's number in it, i64
  };
  struct Totals {
    llvm::SmallVector<Reduction::Values> of;  // each reduction
    mlir::Value count;                        // elements that they hold, f64
  };
  void emitReduce();
  void emitNothingReduced(llvm::ArrayRef<mlir::Operation*> reductions);
  void emitRowReduce(llvm::ArrayRef<mlir::Operation*> reductions);
  void emitColumnReduce(llvm::ArrayRef<mlir::Operation*> reductions);
  void emitCombine(llvm::ArrayRef<mlir::Operation*> reductions, int64_t rows, int64_t chunks);
  void emitRows();
  using PositionOf = llvm::function_ref<Position(ElementEmitter&, mlir::Value)>;
  /// What this thread's share of the elements [begin, end) gives: every group.size-th of them.
  Totals reduceShare(ElementEmitter& e, llvm::MutableArrayRef<Reduction> rules, mlir::Value begin, mlir::Value end, const Group& group, PositionOf positionOf);
  /// The totals of all threads of a warp or block, in its first thread.
  Totals reduceGroup(llvm::MutableArrayRef<Reduction> rules, Totals mine, const Group& group);
  Totals combine(llvm::MutableArrayRef<Reduction> rules, const Totals& x, const Totals& y);
  mlir::Value shuffleDown(mlir::Value v, int64_t by, int64_t lanes = kWarp);
  /// The first thread's value in all threads of a group.
  llvm::SmallVector<mlir::Value> broadcast(llvm::ArrayRef<mlir::Value> values, const Group& group);
  void storeFinished(ElementEmitter& e, const Function& f, llvm::MutableArrayRef<Reduction> rules, const Totals& totals, const Position& at);
  void storePlaces(mlir::Value base, mlir::Value first, int64_t pitch, const Totals& totals);
  Totals loadPlaces(llvm::MutableArrayRef<Reduction> rules, mlir::Value base, mlir::Value first, int64_t pitch);
  llvm::SmallVector<mlir::Type> slotTypes(llvm::MutableArrayRef<Reduction> rules);
};

}  // namespace skein::compiler
