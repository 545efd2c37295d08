#pragma once
// Elementary functions as straight-line code on scalars and vectors of float32 and float64.
//
// Every function is within 4 units in the last place of the exact value over its whole range; subnormal arguments and
// results, signed zeros, infinities and NaN are those of C's <math.h>. Lanes do not influence each other, and a scalar
// gives the same bits as a lane of a vector. Two exceptions: erf_inv is XLA's, step by step, because normal random
// numbers must be JAX's (near 1 it loses digits; erf_inv_exact keeps them), and float64 digamma loses digits next to
// its zeros on the negative axis. rsqrt of float32 starts from AVX-512's estimate where that is there, so its last bit
// depends on the processor. tests/compiler/math_test.cpp measures the errors and prints speeds.
//
// The code wants the upstream conversions of scf, vector, math, arith, index and cf, no fast-math flags, and a code
// generator that fuses no multiplication of several uses with an addition (for GPUs: FPOpFusion other than Fast). It
// calls no library. sin, cos and tan of float64 read a table, an LLVM constant in the module around the code.

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace mlir::math {}

namespace skein::compiler::math {
using namespace mlir::math;  // inside the compiler `math::` names both these functions and the upstream ops

/// What the code may use beyond LLVM's portable instructions.
struct MathTarget {
  bool avx512 = false;  // AVX-512 F, VL and DQ: scaling by powers of two in one instruction
};

/// Sets the target of the code that this thread emits while it lives.
class TargetScope {
 public:
  explicit TargetScope(MathTarget target);
  ~TargetScope();
  TargetScope(const TargetScope&) = delete;
  TargetScope& operator=(const TargetScope&) = delete;

 private:
  MathTarget previous;
};

/// Whether `emit` knows a function: the op's mnemonic without prefix, as "erf_inv".
bool known(llvm::StringRef name);

/// Emits one function of operands of one type, a float32 or float64 scalar or vector. It must be `known`.
mlir::Value emit(mlir::ImplicitLocOpBuilder& b, llvm::StringRef name, mlir::ValueRange operands);

}  // namespace skein::compiler::math
