// What is refused of the linalg family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2x2xi32>) {
  // expected-error @+2 {{cholesky takes float32, float64, complex64 and complex128, not int32[2,2] [linalg.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.cholesky %a0 : (tensor<2x2xi32>) -> tensor<2x2xi32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{svdvals takes matrices, of two dimensions or more, not float32[2] [linalg.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.svdvals %a0 : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{cholesky takes square matrices, not float32[2,3] [linalg.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.cholesky %a0 : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x2xf32>, %a1: tensor<3x1xf32>) {
  // expected-error @+2 {{triangular_solve: batch, rows and dtype of both operands agree; these do not: float32[2,2], float32[3,1] [triangular_solve.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.triangular_solve %a0, %a1 {lower = true, transpose = "none", unit_diagonal = false} : (tensor<2x2xf32>, tensor<3x1xf32>) -> tensor<3x1xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x2xf32>, %a1: tensor<2x1xf32>) {
  // expected-error @+2 {{triangular_solve: transpose is none, transpose or adjoint, not both [triangular_solve.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.triangular_solve %a0, %a1 {lower = true, transpose = "both", unit_diagonal = false} : (tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x1xf32>
  return
}
