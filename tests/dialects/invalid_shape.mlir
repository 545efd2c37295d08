// What is refused of the shape family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main() {
  // expected-error @+2 {{iota: axis 2 is out of range for shape [2,3] [iota.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.iota {shape = array<i64: 2, 3>, dtype = f32, dim = 2 : i64} : () -> tensor<2x3xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+2 {{iota has a numeric dtype, not bool [iota.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.iota {shape = array<i64: 2>, dtype = i1, dim = 0 : i64} : () -> tensor<2xi1>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{reshape: float32[2,3] has 6 elements, shape [4] wants 4 [reshape.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reshape %a0 {shape = array<i64: 4>} : (tensor<2x3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{broadcast of float32[2] wants 1 entries, one for each dimension, not 2 [broadcast.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.broadcast %a0 {shape = array<i64: 2, 2>, dims = array<i64: 0, 1>} : (tensor<2xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{broadcast: the operand's dimensions keep their order within the result's 2 dimensions [broadcast.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.broadcast %a0 {shape = array<i64: 3, 2>, dims = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{broadcast: the operand's dimensions keep their order within the result's 1 dimensions [broadcast.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.broadcast %a0 {shape = array<i64: 2>, dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{broadcast: dimension 0 of float32[2] has size 2; it cannot be broadcast to 3 of shape [3] [broadcast.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.broadcast %a0 {shape = array<i64: 3>, dims = array<i64: 0>} : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{transpose of float32[2,3] wants 2 entries, one for each dimension, not 1 [transpose.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.transpose %a0 {permutation = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 0 is named twice [transpose.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.transpose %a0 {permutation = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 2 is out of range for float32[2,3] of rank 2 [transpose.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.transpose %a0 {permutation = array<i64: 0, 2>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @main() {
  // expected-error @+2 {{concatenate wants at least one array [concatenate.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.concatenate {dim = 0 : i64} : () -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{concatenate: axis 1 is out of range for float32[2] [concatenate.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.concatenate %a0 {dim = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2x3xf32>, %a1: tensor<2x4xf32>) {
  // expected-error @+2 {{concatenate along axis 0: arrays agree in dtype and in all other dimensions; these do not: float32[2,3], float32[2,4] [concatenate.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.concatenate %a0, %a1 {dim = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{slice of float32[2] wants 1 entries, one for each dimension, not 2 [slice.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.slice %a0 {starts = array<i64: 0, 0>, stops = array<i64: 2>, strides = array<i64: 1>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{slice 0:3:1 does not lie within dimension 0 of float32[2] [slice.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.slice %a0 {starts = array<i64: 0>, stops = array<i64: 3>, strides = array<i64: 1>} : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{slice 0:2:0 does not lie within dimension 0 of float32[2] [slice.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.slice %a0 {starts = array<i64: 0>, stops = array<i64: 2>, strides = array<i64: 0>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{dynamic_slice of float32[2] wants 1 start indices, not 0 [dynamic_slice.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_slice %a0 {sizes = array<i64: 1>} : (tensor<2xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<f32>) {
  // expected-error @+2 {{dynamic_slice: start indices are integer scalars, not float32[] [dynamic_slice.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_slice %a0, %a1 {sizes = array<i64: 1>} : (tensor<2xf32>, tensor<f32>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>) {
  // expected-error @+2 {{dynamic_slice of float32[2] wants 1 entries, one for each dimension, not 2 [dynamic_slice.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_slice %a0, %a1 {sizes = array<i64: 1, 1>} : (tensor<2xf32>, tensor<i32>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>) {
  // expected-error @+2 {{dynamic_slice: a window of shape [3] does not fit into float32[2] [dynamic_slice.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_slice %a0, %a1 {sizes = array<i64: 3>} : (tensor<2xf32>, tensor<i32>) -> tensor<3xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<1xf32>, %a2: tensor<i32>, %a3: tensor<i32>) {
  // expected-error @+2 {{dynamic_update_slice of float32[2] wants 1 start indices, not 2 [dynamic_update_slice.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_update_slice %a0, %a1, %a2, %a3 : (tensor<2xf32>, tensor<1xf32>, tensor<i32>, tensor<i32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<1xf32>, %a2: tensor<1xi32>) {
  // expected-error @+2 {{dynamic_update_slice: start indices are integer scalars, not int32[1] [dynamic_update_slice.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_update_slice %a0, %a1, %a2 : (tensor<2xf32>, tensor<1xf32>, tensor<1xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<3xf32>, %a2: tensor<i32>) {
  // expected-error @+2 {{dynamic_update_slice: the update float32[3] does not fit into float32[2] [dynamic_update_slice.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.dynamic_update_slice %a0, %a1, %a2 : (tensor<2xf32>, tensor<3xf32>, tensor<i32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<f32>) {
  // expected-error @+2 {{pad of float32[2] wants 1 entries, one for each dimension, not 2 [pad.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.pad %a0, %a1 {low = array<i64: 0, 0>, high = array<i64: 0>, interior = array<i64: 0>} : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>) {
  // expected-error @+2 {{pad: the padding value is a scalar of the array's dtype, not int32[] for float32[2] [pad.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.pad %a0, %a1 {low = array<i64: 0>, high = array<i64: 0>, interior = array<i64: 0>} : (tensor<2xf32>, tensor<i32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<f32>) {
  // expected-error @+2 {{pad: dimension 0 of float32[2] would get -1 elements [pad.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.pad %a0, %a1 {low = array<i64: -3>, high = array<i64: 0>, interior = array<i64: 0>} : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is out of range for float32[2] of rank 1 [reverse.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.reverse %a0 {dims = array<i64: 1>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<i32>) {
  // expected-error @+2 {{take: axis 1 is out of range for float32[2] [take.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.take %a0, %a1 {dim = 1 : i64} : (tensor<2xf32>, tensor<i32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<f32>) {
  // expected-error @+2 {{take: indices are integers, not float32[] [take.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.take %a0, %a1 {dim = 0 : i64} : (tensor<2xf32>, tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<0xf32>, %a1: tensor<i32>) {
  // expected-error @+2 {{take: axis 0 of float32[0] is empty [take.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.take %a0, %a1 {dim = 0 : i64} : (tensor<0xf32>, tensor<i32>) -> tensor<f32>
  return
}
