// What is refused of contractions; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<3x2xf64>) {
  // expected-error @+2 {{dot_general: dtypes do not match: float32[2,3], float64[3,2] [dot_general.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dot_general %a0, %a1 {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<2x3xf32>, tensor<3x2xf64>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<3x2xf32>) {
  // expected-error @+2 {{axis 2 is out of range for float32[2,3] of rank 2 [dot_general.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dot_general %a0, %a1 {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 2>, rhs_contract = array<i64: 0>} : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<3x3xf32>) {
  // expected-error @+2 {{axis 0 is named twice [dot_general.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dot_general %a0, %a1 {lhs_batch = array<i64: 0>, rhs_batch = array<i64: 0>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<2x3xf32>, tensor<3x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<3x2xf32>) {
  // expected-error @+2 {{dot_general: both sides have as many batch and contracting dimensions [dot_general.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dot_general %a0, %a1 {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64>} : (tensor<2x3xf32>, tensor<3x2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<4x2xf32>) {
  // expected-error @+2 {{matmul: sizes do not match: dimension 1 of float32[2,3] and dimension 0 of float32[4,2] [dot_general.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dot_general %a0, %a1 {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<2x3xf32>, tensor<4x2xf32>) -> tensor<2x2xf32>
  return
}
