// What is refused of collectives; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{all_gather: dimension 1 is out of range for float32[2] [collectives.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.all_gather %a0 {axes = #skein.axes<"x" = 4>, dim = 1 : i64, tiled = true} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<4xf32>) {
  // expected-error @+2 {{all_to_all: dimension -1 is out of range for float32[4] [collectives.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.all_to_all %a0 {axes = #skein.axes<"x" = 4>, split_dim = 0 : i64, concat_dim = -1 : i64, tiled = true} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @main(%a0: tensor<6xf32>) {
  // expected-error @+2 {{psum_scatter: dimension 0 of float32[6] has size 6, which is not divisible by the 4 devices of axis x; pad it to a multiple [collectives.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.psum_scatter %a0 {axes = #skein.axes<"x" = 4>, dim = 0 : i64, tiled = true} : (tensor<6xf32>) -> tensor<1xf32>
  return
}

// -----

func.func @main(%a0: tensor<8xf32>) {
  // expected-error @+2 {{psum_scatter: dimension 0 of float32[8] has size 8, which is not the 4 devices of axis x; use {.tiled = true} to split a larger one [collectives.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.psum_scatter %a0 {axes = #skein.axes<"x" = 4>, dim = 0 : i64, tiled = false} : (tensor<8xf32>) -> tensor<f32>
  return
}

// -----

func.func @main(%a0: tensor<6xf32>) {
  // expected-error @+2 {{all_to_all: dimension 0 of float32[6] has size 6, which is not divisible by the 4 devices of axis x; pad it to a multiple [collectives.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.all_to_all %a0 {axes = #skein.axes<"x" = 4>, split_dim = 0 : i64, concat_dim = 0 : i64, tiled = true} : (tensor<6xf32>) -> tensor<6xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{psum: axis_index_groups have different sizes [collectives.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.psum %a0 {axes = #skein.axes<"x" = 4>, groups = [array<i64: 0>, array<i64: 1, 2>]} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{pmax: rank 4 in axis_index_groups is named twice or outside 0..3 of axis x [collectives.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.pmax %a0 {axes = #skein.axes<"x" = 4>, groups = [array<i64: 0, 4>]} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{pmin: rank 0 in axis_index_groups is named twice or outside 0..3 of axis x [collectives.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.pmin %a0 {axes = #skein.axes<"x" = 4>, groups = [array<i64: 0, 0>]} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{all_gather: axis_index_groups name 2 of 4 ranks of axis x [collectives.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.all_gather %a0 {axes = #skein.axes<"x" = 4>, groups = [array<i64: 0, 1>], dim = 0 : i64, tiled = true} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{psum: each of axis_index_groups is a list of ranks [collectives.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.psum %a0 {axes = #skein.axes<"x" = 4>, groups = [3]} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>) {
  // expected-error @+2 {{psum takes a number, not bool, not bool; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.psum %a0 {axes = #skein.axes<"x" = 4>} : (tensor<2xi1>) -> tensor<2xi1>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{ppermute: pairs are source and destination [ppermute.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.ppermute %a0 {axes = #skein.axes<"x" = 4>, pairs = array<i64: 0>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{ppermute: rank 4 of the pair {0, 4} is outside 0..3 of axis x [ppermute.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.ppermute %a0 {axes = #skein.axes<"x" = 4>, pairs = array<i64: 0, 4>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{ppermute: source 0 is named twice; each rank sends and receives at most once [ppermute.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.ppermute %a0 {axes = #skein.axes<"x" = 4>, pairs = array<i64: 0, 1, 0, 2>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{ppermute: destination 1 is named twice; each rank sends and receives at most once [ppermute.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.ppermute %a0 {axes = #skein.axes<"x" = 4>, pairs = array<i64: 0, 1, 2, 1>} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
