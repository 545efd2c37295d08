#pragma once
// Random programs: ops of all families on random shapes and dtypes, collectives on random meshes, control flow around
// both.

#include <cstdint>
#include <vector>

#include "compiler/interp/host_array.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace skein::compiler::test {

struct RandomProgram {
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<HostArray> inputs;
};

/// The program of a seed; the same in every process.
RandomProgram generate(mlir::MLIRContext& context, std::uint64_t seed);

}  // namespace skein::compiler::test
