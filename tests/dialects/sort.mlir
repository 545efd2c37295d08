// Sorting: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%f: tensor<2xf32>, %i: tensor<2xi32>) {
  // CHECK: = skein.sort %{{.*}}, %{{.*}} {dim = 0 : i64} : (tensor<2xf32>, tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>)
  %r0:2 = skein.sort %f, %i {dim = 0 : i64} : (tensor<2xf32>, tensor<2xi32>) -> (tensor<2xf32>, tensor<2xi32>)
  return
}
