// Sorts run along the last dimension; what is carried along is transposed with it.
// RUN: skein-opt %s --skein-sorts | FileCheck %s

// Along the first dimension.
// CHECK-LABEL: @leading
// CHECK-NEXT: %[[K:.*]] = skein.transpose %arg0 {permutation = array<i64: 1, 0>}
// CHECK-NEXT: %[[V:.*]] = skein.transpose %arg1 {permutation = array<i64: 1, 0>}
// CHECK-NEXT: %[[S:.*]]:2 = skein.sort %[[K]], %[[V]] {dim = 1 : i64}
// CHECK-NEXT: %[[A:.*]] = skein.transpose %[[S]]#0 {permutation = array<i64: 1, 0>}
// CHECK-NEXT: %[[B:.*]] = skein.transpose %[[S]]#1 {permutation = array<i64: 1, 0>}
// CHECK-NEXT: return %[[A]], %[[B]]
func.func @leading(%f: tensor<2x3xf32>, %i: tensor<2x3xi32>) -> (tensor<2x3xf32>, tensor<2x3xi32>) {
  %r:2 = skein.sort %f, %i {dim = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xi32>) -> (tensor<2x3xf32>, tensor<2x3xi32>)
  return %r#0, %r#1 : tensor<2x3xf32>, tensor<2x3xi32>
}

// Along the last.
// CHECK-LABEL: @last
// CHECK-NEXT: %[[S:.*]] = skein.sort %arg0 {dim = 1 : i64}
// CHECK-NEXT: return %[[S]]
func.func @last(%f: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %r = skein.sort %f {dim = 1 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return %r : tensor<2x3xf32>
}
