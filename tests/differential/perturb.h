#pragma once
// How far rounding may move a program's results: the program is interpreted again and again with every rounded value
// moved a little, and the results' spread is the tolerance (stochastic arithmetic: Vignes, Math. Comput. Simul. 35,
// 1993).

#include <cstdint>

#include "compiler/interp/interpreter.h"

namespace skein::compiler::test {

/// Moves what an op rounded by up to the error that a backend may make. The same values are moved in the same way on
/// every device: what does not vary must go on not to vary.
void perturb(std::uint64_t seed, mlir::Operation* op, llvm::ArrayRef<const HostArray*> operands,
             llvm::MutableArrayRef<HostArray> results);

}  // namespace skein::compiler::test
