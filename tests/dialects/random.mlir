// Random bits: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%k: tensor<2xui32>) {
  // CHECK: = skein.threefry %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2xui32>, tensor<2xui32>, tensor<2xui32>, tensor<2xui32>) -> (tensor<2xui32>, tensor<2xui32>)
  %r0:2 = skein.threefry %k, %k, %k, %k : (tensor<2xui32>, tensor<2xui32>, tensor<2xui32>, tensor<2xui32>) -> (tensor<2xui32>, tensor<2xui32>)
  return
}
