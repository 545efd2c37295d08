// The shape family: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%f: tensor<2xf32>, %i: tensor<2xi32>, %v: tensor<2xf32, #skein.array<varying "x">>, %s: tensor<i32>, %m: tensor<2x3xf32>, %w: tensor<1x1xf32>, %z: tensor<f32>) {
  // CHECK: = skein.constant {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : () -> tensor<2xf32>
  %r0 = skein.constant {value = dense<[1.000000e+00, 2.000000e+00]> : tensor<2xf32>} : () -> tensor<2xf32>
  // CHECK: = skein.iota {dim = 1 : i64, dtype = i32, shape = array<i64: 2, 3>} : () -> tensor<2x3xi32>
  %r1 = skein.iota {dim = 1 : i64, dtype = i32, shape = array<i64: 2, 3>} : () -> tensor<2x3xi32>
  // CHECK: = skein.reshape %{{.*}} {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  %r2 = skein.reshape %m {shape = array<i64: 6>} : (tensor<2x3xf32>) -> tensor<6xf32>
  // CHECK: = skein.broadcast %{{.*}} {dims = array<i64: 1>, shape = array<i64: 3, 2>} : (tensor<2xf32>) -> tensor<3x2xf32>
  %r3 = skein.broadcast %f {dims = array<i64: 1>, shape = array<i64: 3, 2>} : (tensor<2xf32>) -> tensor<3x2xf32>
  // CHECK: = skein.transpose %{{.*}} {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %r4 = skein.transpose %m {permutation = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  // CHECK: = skein.concatenate %{{.*}}, %{{.*}} {dim = 0 : i64} : (tensor<2xf32>, tensor<2xf32, #skein.array<varying "x">>) -> tensor<4xf32, #skein.array<varying "x">>
  %r5 = skein.concatenate %f, %v {dim = 0 : i64} : (tensor<2xf32>, tensor<2xf32, #skein.array<varying "x">>) -> tensor<4xf32, #skein.array<varying "x">>
  // CHECK: = skein.slice %{{.*}} {starts = array<i64: 0, 1>, stops = array<i64: 2, 3>, strides = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  %r6 = skein.slice %m {starts = array<i64: 0, 1>, stops = array<i64: 2, 3>, strides = array<i64: 1, 2>} : (tensor<2x3xf32>) -> tensor<2x1xf32>
  // CHECK: = skein.dynamic_slice %{{.*}}, %{{.*}}, %{{.*}} {sizes = array<i64: 1, 2>} : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
  %r7 = skein.dynamic_slice %m, %s, %s {sizes = array<i64: 1, 2>} : (tensor<2x3xf32>, tensor<i32>, tensor<i32>) -> tensor<1x2xf32>
  // CHECK: = skein.dynamic_update_slice %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : (tensor<2x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  %r8 = skein.dynamic_update_slice %m, %w, %s, %s : (tensor<2x3xf32>, tensor<1x1xf32>, tensor<i32>, tensor<i32>) -> tensor<2x3xf32>
  // CHECK: = skein.pad %{{.*}}, %{{.*}} {high = array<i64: -1>, interior = array<i64: 1>, low = array<i64: 2>} : (tensor<2xf32>, tensor<f32>) -> tensor<4xf32>
  %r9 = skein.pad %f, %z {high = array<i64: -1>, interior = array<i64: 1>, low = array<i64: 2>} : (tensor<2xf32>, tensor<f32>) -> tensor<4xf32>
  // CHECK: = skein.reverse %{{.*}} {dims = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %r10 = skein.reverse %m {dims = array<i64: 0>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  // CHECK: = skein.take %{{.*}}, %{{.*}} {dim = 1 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  %r11 = skein.take %m, %i {dim = 1 : i64} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  return
}
