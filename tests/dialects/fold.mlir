// What folds without a pass of the compiler: identities, splats of integers, shape ops that do nothing.
// RUN: skein-opt %s --canonicalize --split-input-file | FileCheck %s

// CHECK-LABEL: @identities
// CHECK-SAME: (%[[X:.*]]: tensor<2xf32>, %[[I:.*]]: tensor<2xi32>)
func.func @identities(%x: tensor<2xf32>, %i: tensor<2xi32>) -> (tensor<2xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>) {
  %one = skein.constant {value = dense<1.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %zero = skein.constant {value = dense<0.0> : tensor<2xf32>} : () -> tensor<2xf32>
  %none = skein.constant {value = dense<0> : tensor<2xi32>} : () -> tensor<2xi32>
  %0 = skein.mul %x, %one : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %1 = skein.sub %x, %zero : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %2 = skein.add %i, %none : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %n = skein.neg %x : (tensor<2xf32>) -> tensor<2xf32>
  %3 = skein.neg %n : (tensor<2xf32>) -> tensor<2xf32>
  // CHECK: return %[[X]], %[[X]], %[[I]], %[[X]]
  return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<2xi32>, tensor<2xf32>
}

// -----

// (-0) + 0 is 0, not -0.
// CHECK-LABEL: @notAnIdentity
func.func @notAnIdentity(%x: tensor<f32>) -> tensor<f32> {
  %zero = skein.constant {value = dense<0.0> : tensor<f32>} : () -> tensor<f32>
  // CHECK: skein.add
  %0 = skein.add %x, %zero : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// -----

// A value that varies stays what it is: x * 1 on a varying x is x, on a 1 that varies it is not.
// CHECK-LABEL: @varying
func.func @varying(%x: tensor<f32>) -> tensor<f32, #skein.array<varying "x">> {
  %one = skein.constant {value = dense<1.0> : tensor<f32>} : () -> tensor<f32>
  %v = skein.pvary %one {axes = #skein.axes<"x" = 2>} : (tensor<f32>) -> tensor<f32, #skein.array<varying "x">>
  // CHECK: skein.mul
  %0 = skein.mul %x, %v : (tensor<f32>, tensor<f32, #skein.array<varying "x">>) -> tensor<f32, #skein.array<varying "x">>
  return %0 : tensor<f32, #skein.array<varying "x">>
}

// -----

// CHECK-LABEL: @constants
func.func @constants() -> (tensor<i32>, tensor<i1>, tensor<2xf32>, tensor<ui8>) {
  %a = skein.constant {value = dense<2147483647> : tensor<i32>} : () -> tensor<i32>
  %b = skein.constant {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  // CHECK-DAG: skein.constant {value = dense<-2147483648> : tensor<i32>}
  %0 = skein.add %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i32>
  // CHECK-DAG: skein.constant {value = dense<false> : tensor<i1>}
  %1 = skein.lt %a, %b : (tensor<i32>, tensor<i32>) -> tensor<i1>
  // CHECK-DAG: skein.constant {value = dense<1.000000e+00> : tensor<2xf32>}
  %c = skein.convert %b {dtype = f32} : (tensor<i32>) -> tensor<f32>
  %2 = skein.broadcast %c {shape = array<i64: 2>, dims = array<i64>} : (tensor<f32>) -> tensor<2xf32>
  // CHECK-DAG: skein.constant {value = dense<255> : tensor<ui8>}
  %3 = skein.convert %a {dtype = ui8} : (tensor<i32>) -> tensor<ui8>
  return %0, %1, %2, %3 : tensor<i32>, tensor<i1>, tensor<2xf32>, tensor<ui8>
}

// -----

// CHECK-LABEL: @shapes
// CHECK-SAME: (%[[X:.*]]: tensor<2x3xf32>)
func.func @shapes(%x: tensor<2x3xf32>) -> (tensor<2x3xf32>, tensor<6xf32>) {
  %0 = skein.reshape %x {shape = array<i64: 2, 3>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %1 = skein.transpose %0 {permutation = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %2 = skein.reverse %1 {dims = array<i64>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %3 = skein.slice %2 {starts = array<i64: 0, 0>, stops = array<i64: 2, 3>, strides = array<i64: 1, 1>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %4 = skein.concatenate %3 {dim = 0 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK-NEXT: %[[R:.*]] = skein.reshape %[[X]] {shape = array<i64: 6>}
  %5 = skein.reshape %4 {shape = array<i64: 3, 2>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %6 = skein.reshape %5 {shape = array<i64: 6>} : (tensor<3x2xf32>) -> tensor<6xf32>
  // CHECK-NEXT: return %[[X]], %[[R]]
  return %4, %6 : tensor<2x3xf32>, tensor<6xf32>
}
