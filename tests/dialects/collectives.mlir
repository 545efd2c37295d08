// Collectives: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%f: tensor<2xf32>, %v: tensor<2xf32, #skein.array<varying "x">>) {
  // CHECK: = skein.psum %{{.*}}, %{{.*}} {axes = #skein.axes<"x" = 2>} : (tensor<2xf32, #skein.array<varying "x">>, tensor<2xf32, #skein.array<varying "x">>) -> (tensor<2xf32>, tensor<2xf32>)
  %r0:2 = skein.psum %v, %v {axes = #skein.axes<"x" = 2>} : (tensor<2xf32, #skein.array<varying "x">>, tensor<2xf32, #skein.array<varying "x">>) -> (tensor<2xf32>, tensor<2xf32>)
  // CHECK: = skein.pmax %{{.*}} {axes = #skein.axes<"x" = 2>, groups = {{\[}}array<i64: 1, 0>]} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  %r1 = skein.pmax %v {axes = #skein.axes<"x" = 2>, groups = [array<i64: 1, 0>]} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  // CHECK: = skein.pmin %{{.*}} {axes = #skein.axes<"x" = 2>} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32>
  %r2 = skein.pmin %v {axes = #skein.axes<"x" = 2>} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32>
  // CHECK: = skein.all_gather %{{.*}} {axes = #skein.axes<"x" = 2>, dim = 0 : i64, tiled = true} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<4xf32, #skein.array<varying "x">>
  %r3 = skein.all_gather %v {axes = #skein.axes<"x" = 2>, dim = 0 : i64, tiled = true} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<4xf32, #skein.array<varying "x">>
  // CHECK: = skein.all_gather %{{.*}} {axes = #skein.axes<"x" = 2>, dim = 1 : i64, invariant = true, tiled = false} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2x2xf32>
  %r4 = skein.all_gather %v {axes = #skein.axes<"x" = 2>, dim = 1 : i64, invariant = true, tiled = false} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2x2xf32>
  // CHECK: = skein.psum_scatter %{{.*}} {axes = #skein.axes<"x" = 2>, dim = 0 : i64, tiled = false} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<f32, #skein.array<varying "x">>
  %r5 = skein.psum_scatter %v {axes = #skein.axes<"x" = 2>, dim = 0 : i64, tiled = false} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<f32, #skein.array<varying "x">>
  // CHECK: = skein.all_to_all %{{.*}} {axes = #skein.axes<"x" = 2>, concat_dim = 0 : i64, split_dim = 0 : i64, tiled = true} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  %r6 = skein.all_to_all %v {axes = #skein.axes<"x" = 2>, concat_dim = 0 : i64, split_dim = 0 : i64, tiled = true} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  // CHECK: = skein.ppermute %{{.*}} {axes = #skein.axes<"x" = 2>, pairs = array<i64: 0, 1, 1, 0>} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  %r7 = skein.ppermute %v {axes = #skein.axes<"x" = 2>, pairs = array<i64: 0, 1, 1, 0>} : (tensor<2xf32, #skein.array<varying "x">>) -> tensor<2xf32, #skein.array<varying "x">>
  // CHECK: = skein.axis_index {axes = #skein.axes<"x" = 2, "y" = 4>} : () -> tensor<i32, #skein.array<varying "x", "y">>
  %r8 = skein.axis_index {axes = #skein.axes<"x" = 2, "y" = 4>} : () -> tensor<i32, #skein.array<varying "x", "y">>
  // CHECK: = skein.pvary %{{.*}} {axes = #skein.axes<"x" = 2>} : (tensor<2xf32>) -> tensor<2xf32, #skein.array<varying "x">>
  %r9 = skein.pvary %f {axes = #skein.axes<"x" = 2>} : (tensor<2xf32>) -> tensor<2xf32, #skein.array<varying "x">>
  return
}
