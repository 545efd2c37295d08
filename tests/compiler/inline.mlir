// Calls are replaced by the bodies of their functions, calls in calls and calls in loops too.
// RUN: skein-opt %s --skein-inline | FileCheck %s

// CHECK-LABEL: @main
// CHECK-NOT: skein.call
// CHECK: %[[A:.*]] = skein.add %arg0, %arg0
// CHECK-NEXT: %[[B:.*]] = skein.add %[[A]], %[[A]]
// CHECK-NEXT: %{{.*}} = skein.for %arg1, %arg1, %[[B]]
// CHECK-NEXT: ^bb0(%{{.*}}: tensor<i32>, %[[Y:.*]]: tensor<4xf32>):
// CHECK-NEXT: %[[C:.*]] = skein.add %[[Y]], %[[Y]]
// CHECK-NEXT: skein.yield %[[C]]
func.func private @twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %r = skein.add %x, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r, %x : tensor<4xf32>, tensor<4xf32>
}
func.func private @four(%x: tensor<4xf32>) -> tensor<4xf32> {
  %a:2 = skein.call @twice(%x) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  %b:2 = skein.call @twice(%a#0) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
  return %b#0 : tensor<4xf32>
}
func.func @main(%x: tensor<4xf32>, %n: tensor<i32>) -> tensor<4xf32> {
  %a = skein.call @four(%x) : (tensor<4xf32>) -> tensor<4xf32>
  %r = skein.for %n, %n, %a : (tensor<i32>, tensor<i32>, tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%i: tensor<i32>, %y: tensor<4xf32>):
    %b:2 = skein.call @twice(%y) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>)
    skein.yield %b#0 : tensor<4xf32>
  }
  return %r : tensor<4xf32>
}
