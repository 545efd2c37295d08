// Reductions: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%b: tensor<2xi1>, %m: tensor<2x3xf32>) {
  // CHECK: = skein.reduce_sum %{{.*}} {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  %r0 = skein.reduce_sum %m {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  // CHECK: = skein.reduce_prod %{{.*}} {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  %r1 = skein.reduce_prod %m {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  // CHECK: = skein.reduce_max %{{.*}} {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  %r2 = skein.reduce_max %m {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  // CHECK: = skein.reduce_min %{{.*}} {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  %r3 = skein.reduce_min %m {dims = array<i64: 0, 1>} : (tensor<2x3xf32>) -> tensor<f32>
  // CHECK: = skein.reduce_and %{{.*}} {dims = array<i64: 0>} : (tensor<2xi1>) -> tensor<i1>
  %r4 = skein.reduce_and %b {dims = array<i64: 0>} : (tensor<2xi1>) -> tensor<i1>
  // CHECK: = skein.reduce_or %{{.*}} {dims = array<i64: 0>} : (tensor<2xi1>) -> tensor<i1>
  %r5 = skein.reduce_or %b {dims = array<i64: 0>} : (tensor<2xi1>) -> tensor<i1>
  // CHECK: = skein.argmax %{{.*}} {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xi32>
  %r6 = skein.argmax %m {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xi32>
  // CHECK: = skein.argmin %{{.*}} {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xi32>
  %r7 = skein.argmin %m {dims = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xi32>
  // CHECK: = skein.moments %{{.*}} {dims = array<i64: 1>} : (tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  %r8:2 = skein.moments %m {dims = array<i64: 1>} : (tensor<2x3xf32>) -> (tensor<2xf32>, tensor<2xf32>)
  return
}
