// What is refused of reductions; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [reduce_sum.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_sum %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [reduce_prod.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_prod %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [reduce_max.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_max %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [reduce_min.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_min %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>) {
  // expected-error @+2 {{axis 1 is out of range for bool[2] of rank 1 [reduce_and.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_and %a0 {dims = array<i64: 1>} : (tensor<2xi1>) -> tensor<i1>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>) {
  // expected-error @+2 {{axis 1 is out of range for bool[2] of rank 1 [reduce_or.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_or %a0 {dims = array<i64: 1>} : (tensor<2xi1>) -> tensor<i1>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [argmax.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmax %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [argmin.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmin %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 0 is named twice [reduce_sum.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_sum %a0 {dims = array<i64: 0, 0>} : (tensor<2xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>) {
  // expected-error @+2 {{reduce_sum takes a number, not bool, not bool; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reduce_sum %a0 {dims = array<i64: 0>} : (tensor<2xi1>) -> tensor<i1>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{argmax works along one axis; reshape to one dimension first [argmax.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmax %a0 {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<i32>
  return
}

// -----

func.func @main(%a0: tensor<2x0xf32>) {
  // expected-error @+2 {{argmax of float32[2,0]: axis 1 is empty [argmax.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmax %a0 {dims = array<i64: 1>} : (tensor<2x0xf32>) -> tensor<2xi32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{argmin works along one axis; reshape to one dimension first [argmin.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmin %a0 {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<i32>
  return
}

// -----

func.func @main(%a0: tensor<2x0xf32>) {
  // expected-error @+2 {{argmin of float32[2,0]: axis 1 is empty [argmin.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.argmin %a0 {dims = array<i64: 1>} : (tensor<2x0xf32>) -> tensor<2xi32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [moments.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = skein.moments %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return
}

// -----

func.func @main(%a0: tensor<2xi32>) {
  // expected-error @+2 {{moments takes a floating dtype, not int32; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = skein.moments %a0 {dims = array<i64: 0>} : (tensor<2xi32>) -> (tensor<i32>, tensor<i32>)
  return
}
