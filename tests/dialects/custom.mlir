// Functions with derivatives of their own, in their custom assembly, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

// CHECK-LABEL: @forward_mode
func.func @forward_mode(%a: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: skein.custom_jvp %{{.*}} : (tensor<2xf32>) -> tensor<2xf32> {
  %r = skein.custom_jvp %a : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<2xf32>):
    %y = skein.sin %x : (tensor<2xf32>) -> tensor<2xf32>
    skein.yield %y : tensor<2xf32>
  // CHECK: } rule {
  } rule {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<2xf32>, %{{.*}}: tensor<2xf32>):
  ^bb0(%x: tensor<2xf32>, %dx: tensor<2xf32>):
    %y = skein.sin %x : (tensor<2xf32>) -> tensor<2xf32>
    skein.yield %y, %dx : tensor<2xf32>, tensor<2xf32>
  }
  return %r : tensor<2xf32>
}

// CHECK-LABEL: @reverse_mode
func.func @reverse_mode(%a: tensor<2xf32>) -> tensor<2xf32> {
  // CHECK: skein.custom_vjp %{{.*}} {transparent = true} : (tensor<2xf32>) -> tensor<2xf32> {
  %r = skein.custom_vjp %a {transparent = true} : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  // CHECK: } forward {
  } forward {
  ^bb0(%x: tensor<2xf32>):
    // CHECK: skein.yield %{{.*}}, %{{.*}} : tensor<2xf32>, tensor<i1>
    %residual = skein.constant {value = dense<true> : tensor<i1>} : () -> tensor<i1>
    skein.yield %x, %residual : tensor<2xf32>, tensor<i1>
  // CHECK: } backward {
  } backward {
  // CHECK-NEXT: ^bb0(%{{.*}}: tensor<i1>, %{{.*}}: tensor<2xf32>):
  ^bb0(%residual: tensor<i1>, %dy: tensor<2xf32>):
    skein.yield %dy : tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
