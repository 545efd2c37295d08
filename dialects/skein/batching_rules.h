#pragma once
// What the batching rules share. A rule is given an op of the program of one example and emits what does the same for all: a
// batched value has the batch as its leading dimension. Result types follow from the new operands alone, never from the old
// op: the vmapped axis, over which old types may vary, is none any more.

#include <memory>

#include "dialects/skein/batching.h"
#include "dialects/skein/types.h"
#include "llvm/ADT/DenseMap.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace skein::ir {

using Dims = llvm::SmallVector<int64_t>;
using Examples = llvm::SmallVector<Batched>;
using MaybeExamples = mlir::FailureOr<Examples>;
using Bodies = llvm::SmallVector<std::unique_ptr<mlir::Region>>;

class Batcher {
 public:
  Batcher(mlir::OpBuilder& at, int64_t size, llvm::StringRef axis, AxesAttr mesh);

  mlir::ImplicitLocOpBuilder b;
  const int64_t size;
  llvm::StringRef axis;                         // the vmapped axis's name; empty: none, or hidden by a mesh's
  llvm::SmallVector<AxesAttr> meshes;           // in force, the innermost last
  mlir::Value active;                           // bool[size]: the examples for which what is emitted counts; null: all
  llvm::SmallVector<mlir::Operation*> callees;  // functions that are being inlined

  /// Emits the block's ops; gives what its terminator hands over.
  MaybeExamples run(mlir::Block& block, llvm::ArrayRef<Batched> arguments);

  /// What stands for a value of the program of one example; itself if it comes from outside.
  Batched of(mlir::Value value) const;
  Examples all(mlir::ValueRange values) const;

  /// The op with other operands and some attributes changed; its result types follow. Null (after an error) if they do not.
  mlir::Operation* again(mlir::Operation* op, mlir::ValueRange operands, llvm::ArrayRef<mlir::NamedAttribute> changes = {});
  MaybeExamples results(mlir::Operation* made, bool batched);
  mlir::NamedAttribute number(llvm::StringRef name, int64_t value);
  mlir::NamedAttribute list(llvm::StringRef name, llvm::ArrayRef<int64_t> values);
  mlir::Operation* build(llvm::StringRef name, mlir::ValueRange operands, llvm::ArrayRef<mlir::Type> results, Bodies& bodies,
                         llvm::ArrayRef<mlir::NamedAttribute> attributes = {});

  // ---- with the batch dimension ----
  /// The list with `first` before it.
  Dims leading(llvm::ArrayRef<int64_t> list, int64_t first) const;
  /// The shape of all examples.
  Dims leading(llvm::ArrayRef<int64_t> shape) const { return leading(shape, size); }
  /// The value of all examples: repeated where it is the same for all.
  mlir::Value whole(Batched);
  llvm::SmallVector<mlir::Value> wholes(llvm::ArrayRef<Batched>);
  /// For each example one of the two; `chosen` is bool[size].
  Batched choose(mlir::Value chosen, Batched yes, Batched no);
  /// The value of one example out of all; `example` is an integer scalar.
  mlir::Value row(mlir::Value value, mlir::Value example);
  /// A loop over the examples, one after another.
  void forEach(llvm::function_ref<void(mlir::Value example)> emit);
  /// What `emit` emits, run where the bool scalar holds.
  void when(mlir::Value predicate, llvm::function_ref<void()> emit);

  // ---- plain values ----
  mlir::Value splat(llvm::ArrayRef<int64_t> shape, mlir::Type element, int64_t value);
  mlir::Value iota(llvm::ArrayRef<int64_t> shape, mlir::Type element, int64_t dim);
  mlir::Value broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> dims);
  mlir::Value transposed(mlir::Value value, llvm::ArrayRef<int64_t> order);
  mlir::Value converted(mlir::Value value, mlir::Type element);
  /// Typed as varying over these axes too.
  mlir::Value vary(mlir::Value value, llvm::ArrayRef<mlir::StringAttr> axes);

 private:
  llvm::DenseMap<mlir::Value, Batched> map;

  MaybeExamples visit(mlir::Operation* op);
};

// ---- the families; each is given ops of its own, or fails for an op that it does not know ----

/// Ops whose attributes name dimensions: shape, reduce, contract, sort, cumulative. An operand is batched.
MaybeExamples batchDimensions(Batcher& r, mlir::Operation* op, llvm::ArrayRef<Batched> operands);
/// Ops whose operands say where they read or write: take, scatter and dynamic slices. An operand is batched.
MaybeExamples batchIndexing(Batcher& r, mlir::Operation* op, llvm::ArrayRef<Batched> operands);
MaybeExamples batchCollective(Batcher& r, mlir::Operation* op, llvm::ArrayRef<Batched> operands);
MaybeExamples batchControl(Batcher& r, mlir::Operation* op, llvm::ArrayRef<Batched> operands);
MaybeExamples batchEffect(Batcher& r, mlir::Operation* op, llvm::ArrayRef<Batched> operands);

/// Reports why vmap does not take the op, and fails.
mlir::LogicalResult cannotBatch(mlir::Operation* op, const llvm::Twine& why);

inline MaybeExamples oneValue(mlir::Value value, bool batched) { return Examples{Batched{value, batched}}; }
inline bool anyBatched(llvm::ArrayRef<Batched> values) {
  return llvm::any_of(values, [](const Batched& v) { return v.batched; });
}
llvm::SmallVector<mlir::Value> valuesOf(llvm::ArrayRef<Batched> values);
/// Each entry one up: dimensions behind the batch's.
Dims shifted(llvm::ArrayRef<int64_t> dims);
/// The order that moves dimension `from` to the front, and the one that moves the first dimension to place `to`.
Dims toFront(int64_t rank, int64_t from);
Dims fromFront(int64_t rank, int64_t to);

}  // namespace skein::ir
