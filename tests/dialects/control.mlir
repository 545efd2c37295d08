// Control flow: every op in its custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

// CHECK-LABEL: @loops
func.func @loops(%n: tensor<i32>, %x: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: skein.while %{{.*}}, %{{.*}} : (tensor<i32>, tensor<2xf32>) -> (tensor<i32>, tensor<2xf32>) cond {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %{{.*}}: tensor<2xf32>):
  %0:2 = skein.while %n, %x : (tensor<i32>, tensor<2xf32>) -> (tensor<i32>, tensor<2xf32>) cond {
  ^bb0(%i: tensor<i32>, %y: tensor<2xf32>):
    %c = skein.lt %i, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>
    // CHECK: skein.yield %{{.*}} : tensor<i1>
    skein.yield %c : tensor<i1>
  // CHECK: } body {
  } body {
  ^bb0(%i: tensor<i32>, %y: tensor<2xf32>):
    skein.yield %i, %y : tensor<i32>, tensor<2xf32>
  }
  // CHECK: skein.for %{{.*}}, %{{.*}}, %{{.*}} : (tensor<i32>, tensor<i32>, tensor<2xf32>) -> tensor<2xf32> {
  %1 = skein.for %n, %n, %x : (tensor<i32>, tensor<i32>, tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%i: tensor<i32>, %y: tensor<2xf32>):
    skein.yield %y : tensor<2xf32>
  }
  // CHECK: skein.switch %{{.*}} : (tensor<i32>) -> tensor<2xf32> {
  %2 = skein.switch %n : (tensor<i32>) -> tensor<2xf32> {
    skein.yield %x : tensor<2xf32>
  // CHECK: }, {
  }, {
    skein.yield %1 : tensor<2xf32>
  }
  // CHECK: skein.call @loops(%{{.*}}, %{{.*}}) : (tensor<i32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = skein.call @loops(%n, %2) : (tensor<i32>, tensor<2xf32>) -> tensor<2xf32>
  // CHECK: skein.kernel %{{.*}} : (tensor<2xf32>) -> tensor<2xf32> {
  %4 = skein.kernel %3 : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%y: tensor<2xf32>):
    %e = skein.exp %y : (tensor<2xf32>) -> tensor<2xf32>
    skein.yield %e : tensor<2xf32>
  }
  return %4 : tensor<2xf32>
}

// CHECK-LABEL: @sharded
func.func @sharded(%a: tensor<8x3xf32>) -> tensor<4x3xf32> {
  // CHECK: skein.shard_map %{{.*}} {in_specs = [#skein.spec<{{\[\[}}"x", "y"], []]>], mesh = #skein.axes<"x" = 2, "y" = 4>, out_specs = [#skein.spec<{{\[\[}}"y"]]>]} : (tensor<8x3xf32>) -> tensor<4x3xf32> {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<1x3xf32, #skein.array<varying "x", "y">>):
  %0 = skein.shard_map %a {mesh = #skein.axes<"x" = 2, "y" = 4>, in_specs = [#skein.spec<[["x", "y"], []]>], out_specs = [#skein.spec<[["y"]]>]}
      : (tensor<8x3xf32>) -> tensor<4x3xf32> {
  ^bb0(%b: tensor<1x3xf32, #skein.array<varying "x", "y">>):
    %1 = skein.psum %b {axes = #skein.axes<"x" = 2>} : (tensor<1x3xf32, #skein.array<varying "x", "y">>) -> tensor<1x3xf32, #skein.array<varying "y">>
    skein.yield %1 : tensor<1x3xf32, #skein.array<varying "y">>
  }
  return %0 : tensor<4x3xf32>
}

// An op without operands, results and branches' arguments.
// CHECK-LABEL: @nothing
func.func @nothing() {
  // CHECK: skein.shard_map {in_specs = [], mesh = #skein.axes<"x" = 2>, out_specs = []} : () -> () {
  // CHECK-NEXT: skein.yield
  skein.shard_map {mesh = #skein.axes<"x" = 2>, in_specs = [], out_specs = []} : () -> () {
    skein.yield
  }
  return
}
