// Contractions: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%m: tensor<2x3xf32>) {
  // CHECK: = skein.dot_general %{{.*}}, %{{.*}} {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 1>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  %r0 = skein.dot_general %m, %m {lhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_batch = array<i64>, rhs_contract = array<i64: 1>} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}
