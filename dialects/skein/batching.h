#pragma once
// A program of one example as a program of many: each op with an operand that has a batch dimension becomes the op that works on
// all examples at once.

#include "dialects/skein/dialect.h"
#include "mlir/IR/Builders.h"

namespace skein::ir {

/// A value; `batched`: its leading dimension counts the examples.
struct Batched {
  mlir::Value value;
  bool batched = false;
};

/// Emits at `b` the block's ops for `size` examples at once, with `arguments` for its arguments. What the block reads from outside
/// is the same for all examples. `axis`: the name by which collectives inside mean the batch ("" for none); such collectives
/// become reductions, concatenations and index arithmetic over the batch dimension. Failure: an error at the op's location says
/// which op cannot be batched.
mlir::FailureOr<llvm::SmallVector<Batched>> batch(mlir::OpBuilder& b, mlir::Block& block, llvm::ArrayRef<Batched> arguments, int64_t size, llvm::StringRef axis, AxesAttr mesh);

}  // namespace skein::ir
