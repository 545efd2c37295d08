// What is refused of the indexing family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>, %a2: tensor<f32>) {
  // expected-error @+2 {{scatter: axis 1 is out of range for float32[2] [scatter.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.scatter %a0, %a1, %a2 {dim = 1 : i64, kind = "set"} : (tensor<2xf32>, tensor<i32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<f32>, %a2: tensor<f32>) {
  // expected-error @+2 {{scatter: indices are integers, not float32[] [scatter.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.scatter %a0, %a1, %a2 {dim = 0 : i64, kind = "set"} : (tensor<2xf32>, tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<5xi32>, %a2: tensor<5xf32>) {
  // expected-error @+2 {{scatter: the updates, float32[5], are to have the dtype of float32[2,3] and the shape [5,3] [scatter.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.scatter %a0, %a1, %a2 {dim = 0 : i64, kind = "add"} : (tensor<2x3xf32>, tensor<5xi32>, tensor<5xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>, %a2: tensor<f32>) {
  // expected-error @+2 {{scatter: there is set, add, mul, min and max, no sub [scatter.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.scatter %a0, %a1, %a2 {dim = 0 : i64, kind = "sub"} : (tensor<2xf32>, tensor<i32>, tensor<f32>) -> tensor<2xf32>
  return
}
