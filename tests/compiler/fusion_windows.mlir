// A stencil with dynamic_update_slice computes its window; the rest of the array stays where it is.
// RUN: skein-opt %s --canonicalize --cse --skein-fusion | FileCheck %s

// The slices that it reads join it.
// CHECK-LABEL: @jacobi
// CHECK: skein.for
// CHECK: %[[K:.*]] = skein.kernel %{{.*}} {window} : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
// CHECK-NEXT: ^bb0(%[[U:.*]]: tensor<1024x1024xf32>):
// CHECK-COUNT-2: skein.slice %[[U]]
// CHECK: %[[NEW:.*]] = skein.dynamic_update_slice %[[U]],
// CHECK-NEXT: skein.yield %[[NEW]]
// CHECK-NEXT: }
// CHECK-NEXT: skein.yield %[[K]]
func.func @jacobi(%x: tensor<1024x1024xf32>, %n: tensor<i32>) -> tensor<1024x1024xf32> {
  %zero = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %one = skein.constant {value = dense<1> : tensor<i32>} : () -> tensor<i32>
  %r = skein.for %zero, %n, %x : (tensor<i32>, tensor<i32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  ^bb0(%i: tensor<i32>, %u: tensor<1024x1024xf32>):
    %up = skein.slice %u {starts = array<i64: 0, 1>, stops = array<i64: 1022, 1023>, strides = array<i64: 1, 1>} : (tensor<1024x1024xf32>) -> tensor<1022x1022xf32>
    %down = skein.slice %u {starts = array<i64: 2, 1>, stops = array<i64: 1024, 1023>, strides = array<i64: 1, 1>} : (tensor<1024x1024xf32>) -> tensor<1022x1022xf32>
    %sum = skein.add %up, %down : (tensor<1022x1022xf32>, tensor<1022x1022xf32>) -> tensor<1022x1022xf32>
    %half = skein.constant {value = dense<0.5> : tensor<1022x1022xf32>} : () -> tensor<1022x1022xf32>
    %mean = skein.mul %sum, %half : (tensor<1022x1022xf32>, tensor<1022x1022xf32>) -> tensor<1022x1022xf32>
    %next = skein.dynamic_update_slice %u, %mean, %one, %one : (tensor<1024x1024xf32>, tensor<1022x1022xf32>, tensor<i32>, tensor<i32>) -> tensor<1024x1024xf32>
    skein.yield %next : tensor<1024x1024xf32>
  }
  return %r : tensor<1024x1024xf32>
}
