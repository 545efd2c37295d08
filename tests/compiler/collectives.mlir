// Collectives over other dimensions, and tiled ones, become those whose blocks lie one after another in the leading dimension.
// RUN: skein-opt %s --skein-collectives | FileCheck %s

!v = tensor<4x6xf32, #skein.array<varying "x">>

// CHECK-LABEL: @gather_columns
// CHECK-NEXT: %[[G:.*]] = skein.all_gather %arg0 {{.*}}dim = 0 : i64, tiled = false} : {{.*}} -> tensor<2x4x6xf32,
// CHECK-NEXT: %[[T:.*]] = skein.transpose %[[G]] {permutation = array<i64: 1, 0, 2>}
// CHECK-NEXT: %{{.*}} = skein.reshape %[[T]] {shape = array<i64: 4, 12>}
func.func @gather_columns(%a: !v) -> tensor<4x12xf32, #skein.array<varying "x">> {
  %r = skein.all_gather %a {axes = #skein.axes<"x" = 2>, dim = 1 : i64, tiled = true} : (!v) -> tensor<4x12xf32, #skein.array<varying "x">>
  return %r : tensor<4x12xf32, #skein.array<varying "x">>
}

// CHECK-LABEL: @stack_last
// CHECK-NEXT: %[[G:.*]] = skein.all_gather %arg0 {{.*}}dim = 0 : i64, tiled = false}
// CHECK-NEXT: %{{.*}} = skein.transpose %[[G]] {permutation = array<i64: 1, 2, 0>}
func.func @stack_last(%a: !v) -> tensor<4x6x2xf32, #skein.array<varying "x">> {
  %r = skein.all_gather %a {axes = #skein.axes<"x" = 2>, dim = 2 : i64, tiled = false} : (!v) -> tensor<4x6x2xf32, #skein.array<varying "x">>
  return %r : tensor<4x6x2xf32, #skein.array<varying "x">>
}

// Tiled in the leading dimension: the same bytes. An invariant result stays one.
// CHECK-LABEL: @gather_rows
// CHECK-NEXT: %[[G:.*]] = skein.all_gather %arg0 {{.*}}dim = 0 : i64, invariant = true, tiled = false} : {{.*}} -> tensor<2x4x6xf32>
// CHECK-NEXT: %{{.*}} = skein.reshape %[[G]] {shape = array<i64: 8, 6>}
func.func @gather_rows(%a: !v) -> tensor<8x6xf32> {
  %r = skein.all_gather %a {axes = #skein.axes<"x" = 2>, dim = 0 : i64, invariant = true, tiled = true} : (!v) -> tensor<8x6xf32>
  return %r : tensor<8x6xf32>
}

// CHECK-LABEL: @scatter_columns
// CHECK-NEXT: %[[C:.*]] = skein.reshape %arg0 {shape = array<i64: 4, 2, 3>}
// CHECK-NEXT: %[[T:.*]] = skein.transpose %[[C]] {permutation = array<i64: 1, 0, 2>}
// CHECK-NEXT: %[[S:.*]] = skein.psum_scatter %[[T]] {{.*}}dim = 0 : i64, tiled = false} : {{.*}} -> tensor<4x3xf32,
// CHECK-NEXT: return %[[S]]
func.func @scatter_columns(%a: !v) -> tensor<4x3xf32, #skein.array<varying "x">> {
  %r = skein.psum_scatter %a {axes = #skein.axes<"x" = 2>, dim = 1 : i64, tiled = true} : (!v) -> tensor<4x3xf32, #skein.array<varying "x">>
  return %r : tensor<4x3xf32, #skein.array<varying "x">>
}

// CHECK-LABEL: @columns_to_rows
// CHECK-NEXT: %[[C:.*]] = skein.reshape %arg0 {shape = array<i64: 4, 2, 3>}
// CHECK-NEXT: %[[T:.*]] = skein.transpose %[[C]] {permutation = array<i64: 1, 0, 2>}
// CHECK-NEXT: %[[A:.*]] = skein.all_to_all %[[T]] {{.*}}concat_dim = 0 : i64, split_dim = 0 : i64, tiled = false}
// CHECK-NEXT: %{{.*}} = skein.reshape %[[A]] {shape = array<i64: 8, 3>}
func.func @columns_to_rows(%a: !v) -> tensor<8x3xf32, #skein.array<varying "x">> {
  %r = skein.all_to_all %a {axes = #skein.axes<"x" = 2>, concat_dim = 0 : i64, split_dim = 1 : i64, tiled = true} : (!v) -> tensor<8x3xf32, #skein.array<varying "x">>
  return %r : tensor<8x3xf32, #skein.array<varying "x">>
}

// What has that form already stays as it is.
// CHECK-LABEL: @stack
// CHECK-NEXT: %[[G:.*]] = skein.all_gather %arg0 {{.*}}dim = 0 : i64, tiled = false}
// CHECK-NEXT: return %[[G]]
func.func @stack(%a: !v) -> tensor<2x4x6xf32, #skein.array<varying "x">> {
  %r = skein.all_gather %a {axes = #skein.axes<"x" = 2>, dim = 0 : i64, tiled = false} : (!v) -> tensor<2x4x6xf32, #skein.array<varying "x">>
  return %r : tensor<2x4x6xf32, #skein.array<varying "x">>
}
