#pragma once
// The state of emitting one function of a program; its parts are in program*.cpp.

#include "compiler/codegen/arena.h"
#include "compiler/codegen/program.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace skein::compiler {

/// A piece of the arena, shared by the values that alias it.
struct Place {
  int64_t offset = 0, bytes = 0;
  int users = 0;
  std::vector<std::shared_ptr<Place>> parts;  // of a loop's buffers together, instead of a piece of its own
};

/// Where a value is: in registers (scalars), or in memory.
struct Slot {
  Elem scalar;
  mlir::Value pointer;
  Layout layout;
  std::shared_ptr<Place> place;  // none: memory of somebody else (input, output, constant)
};

/// Where the producer of a value is asked to put it.
struct Destination {
  mlir::Value pointer;
  Layout layout;
};

class ProgramEmitter {
 public:
  /// `kernels`: the module for kernels of a GPU.
  ProgramEmitter(mlir::ModuleOp module, mlir::ModuleOp kernels, const Target& target, llvm::StringRef name, ir::AxesAttr mesh);

  void emitMain(mlir::func::FuncOp function, llvm::ArrayRef<int> donated);
  void emitBody(ir::ShardMapOp op, llvm::ArrayRef<mlir::Value> captured, llvm::ArrayRef<bool> split);
  ProgramCode code;

 private:
  mlir::ModuleOp module, kernels;
  Target target;
  Builder b;
  std::string name;
  ir::AxesAttr mesh;  // in force; none outside shard_map
  mlir::func::FuncOp function;
  mlir::Value context, buffers, arenaBase;
  Arena arena;
  llvm::DenseMap<mlir::Value, Slot> slots;
  llvm::DenseMap<mlir::Value, Destination> destinations;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value, 2>> aliasesOf;  // values that are in the same memory
  llvm::DenseMap<mlir::Value, mlir::Value> sourceOf;                          // the other way round
  llvm::DenseMap<mlir::Value, mlir::RankedTensorType> storedTypes;
  llvm::SmallVector<std::shared_ptr<Place>> temporaries;  // of the op that is being emitted
  llvm::DenseSet<mlir::Value> deviceScalars;  // in a GPU's memory
  double loopFactor = 1;
  int nextKernel = 0;

  // ---- the walk ----
  void start(llvm::StringRef symbol);
  void emitBlock(mlir::Block& block);
  void emitOp(mlir::Operation* op);
  void releaseAfter(mlir::Operation* op);
  mlir::Operation* lastUse(mlir::Value value);
  bool diesAt(mlir::Value value, mlir::Operation* op);
  void release(const std::shared_ptr<Place>& place);  // one user less

  // ---- values ----
  /// The type of what is in memory here: of an array that is split over processes, this one's blocks behind each other.
  mlir::RankedTensorType typeOf(mlir::Value value);
  bool onGpu() const { return !target.gpu.empty(); }
  /// A scalar that the program itself computes.
  bool inRegisters(mlir::Value value) const;
  Elem scalarOf(mlir::Value value);
  void storeScalar(mlir::Value pointer, mlir::Type element, Elem value);
  mlir::Value pointerOf(mlir::Value value);            // in memory, whatever its layout
  mlir::Value densePointerOf(mlir::Value value);       // copied where it is not dense
  Slot& slotOf(mlir::Value value);
  Slot allocate(mlir::RankedTensorType type);
  mlir::Value result(mlir::Value value);               // a place for a dense result: its destination or a new one
  void setScalar(mlir::Value value, Elem elem);
  void setAlias(mlir::Value alias, mlir::Value source);
  void settle(mlir::Value value);                      // copies a result into its destination where it is not there yet
  void copy(mlir::Value from, const Layout& fromLayout, mlir::Value to, const Layout& toLayout, mlir::RankedTensorType type);
  mlir::Value stackSlot(mlir::Type type, int64_t count = 1);
  mlir::Value offsetPointer(mlir::Value pointer, mlir::Value bytes);
  mlir::Value loadPointer(mlir::Value array, int64_t index);
  mlir::Value number(int64_t value, unsigned width = 64);

  // ---- ops ----
  void emitKernelOp(ir::KernelOp op);
  void emitAndRun(KernelRequest& request, llvm::StringRef kind, llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::Value> outputs);
  void runKernel(const KernelCode& kernel, llvm::ArrayRef<mlir::Value> pointers);
  void launch(const KernelRequest& request, llvm::StringRef kernelName, llvm::ArrayRef<mlir::Value> inputs, llvm::ArrayRef<mlir::Value> outputs);
  mlir::Value bitsOf(mlir::Value scalar);
  void copyAround(mlir::Value from, mlir::Value to, ir::DynamicUpdateSliceOp update);
  void emitScalar(mlir::Operation* op);
  void emitFor(ir::ForOp op);
  void emitWhile(ir::WhileOp op);
  void emitSwitch(ir::SwitchOp op);
  void emitShardMap(ir::ShardMapOp op);
  void emitDot(ir::DotGeneralOp op);
  void emitSort(ir::SortOp op);
  void emitScatter(ir::ScatterOp op);
  void emitCumulative(ir::CumulativeOp op);
  void emitFft(ir::FftOp op);
  void emitLinalg(mlir::Operation* op);
  void emitCollective(mlir::Operation* op);
  void emitAxisIndex(ir::AxisIndexOp op);
  void emitMessage(mlir::Operation* op);
  void emitConstant(ir::ConstantOp op);

  // ---- loops: carries are pointers and scalars ----
  struct Carry {
    llvm::SmallVector<mlir::Value> values;       // loop-carried SSA values, as iter_args
    struct Item {
      mlir::RankedTensorType type;
      bool scalar = false, inPlace = false;
      int passes = -1;                           // yields another argument unchanged
      unsigned first = 0;                        // into values: the scalar's parts, or the current buffer
      unsigned spare = 0;                        // into values: the buffer that is written next
      Layout layout;
    };
    llvm::SmallVector<Item> items;
    llvm::SmallVector<std::shared_ptr<Place>> places;
  };
  Carry startCarry(mlir::Operation* op, mlir::ValueRange inits, mlir::Block& body, mlir::ValueRange arguments, mlir::ValueRange results, int64_t turns);
  void bindCarry(const Carry& carry, mlir::ValueRange now, mlir::ValueRange arguments);
  void bindSpares(const Carry& carry, mlir::ValueRange now, mlir::Block& body);
  llvm::SmallVector<mlir::Value> nextCarry(const Carry& carry, mlir::ValueRange now, mlir::Block& body);
  void finishCarry(const Carry& carry, mlir::ValueRange last, mlir::ValueRange results);

  // ---- descriptors and calls ----
  mlir::Value addressOf(llvm::StringRef symbol);
  mlir::Value globalText(llvm::StringRef text);
  mlir::Value globalIntegers(llvm::ArrayRef<int64_t> values, unsigned width);
  mlir::Value globalStruct(llvm::StringRef hint, llvm::ArrayRef<mlir::Value> fields);
  llvm::SmallVector<mlir::Value, 3> siteFields(mlir::Operation* op);
  void call(llvm::StringRef callee, llvm::ArrayRef<mlir::Value> arguments);
  mlir::Value callFor(llvm::StringRef callee, mlir::Type result, llvm::ArrayRef<mlir::Value> arguments);
  mlir::Value pointerArray(llvm::ArrayRef<mlir::Value> pointers);
  mlir::Value moduleDescriptor();
};

/// A kernel whose one result is a run of an input's elements, as they lie, and long enough to be worth reading there: which input,
/// and from which element on.
struct Piece {
  unsigned input;
  int64_t first;
};
std::optional<Piece> pieceOf(ir::KernelOp op);
/// Whether all that read a value do so before the kernel (which may read the value itself), those of the same bytes under another
/// type and of pieces that are read where they lie included.
bool readBefore(mlir::Value value, ir::KernelOp kernel, mlir::Block& body, bool itself = true);

/// The user's line that an op comes from.
std::pair<std::string, int> userLine(mlir::Location loc);

}  // namespace skein::compiler
