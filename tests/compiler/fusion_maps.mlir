// Maps: what is computed element by element is one pass over memory.
// RUN: skein-opt %s --canonicalize --cse --skein-fusion | FileCheck %s

// A chain of elementwise ops is one kernel; the constant lies inside it.
// CHECK-LABEL: @chain
// CHECK-NEXT: %[[K:.*]] = skein.kernel %arg0, %arg1 : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<4096xf32> {
// CHECK: skein.exp
// CHECK: skein.sin
// CHECK: skein.constant
// CHECK: skein.mul
// CHECK: skein.add
// CHECK-NEXT: skein.yield
// CHECK-NEXT: }
// CHECK-NEXT: return %[[K]]
func.func @chain(%x: tensor<4096xf32>, %y: tensor<4096xf32>) -> tensor<4096xf32> {
  %e = skein.exp %x : (tensor<4096xf32>) -> tensor<4096xf32>
  %s = skein.sin %y : (tensor<4096xf32>) -> tensor<4096xf32>
  %three = skein.constant {value = dense<3.0> : tensor<4096xf32>} : () -> tensor<4096xf32>
  %p = skein.mul %three, %s : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<4096xf32>
  %r = skein.add %e, %p : (tensor<4096xf32>, tensor<4096xf32>) -> tensor<4096xf32>
  return %r : tensor<4096xf32>
}

// Two results of what they share are one kernel, which computes it once and does not store it.
// CHECK-LABEL: @two_outputs_large
// CHECK-NEXT: %[[K:.*]]:2 = skein.kernel %arg0 :
// CHECK-COUNT-1: skein.exp
// CHECK-NOT: skein.exp
// CHECK: skein.yield %{{.*}}, %{{.*}} :
// CHECK-NEXT: }
// CHECK-NEXT: return %[[K]]#0, %[[K]]#1
func.func @two_outputs_large(%x: tensor<50000000xf32>) -> (tensor<50000000xf32>, tensor<50000000xf32>) {
  %e = skein.exp %x : (tensor<50000000xf32>) -> tensor<50000000xf32>
  %a = skein.add %e, %x : (tensor<50000000xf32>, tensor<50000000xf32>) -> tensor<50000000xf32>
  %b = skein.mul %e, %x : (tensor<50000000xf32>, tensor<50000000xf32>) -> tensor<50000000xf32>
  return %a, %b : tensor<50000000xf32>, tensor<50000000xf32>
}

// A loop over elements runs inside the kernel, with what comes before and after it.
// CHECK-LABEL: @julia
// CHECK: skein.kernel %arg0 :
// CHECK: skein.sin
// CHECK: skein.for
// CHECK-NOT: skein.kernel
// CHECK: skein.mul
// CHECK: skein.add
// CHECK: skein.yield
// CHECK: skein.exp
// CHECK-NEXT: skein.yield
// CHECK-NEXT: }
// CHECK-NEXT: return
func.func @julia(%x: tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  %zero = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>
  %n = skein.constant {value = dense<100> : tensor<i32>} : () -> tensor<i32>
  %start = skein.sin %x : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  %r = skein.for %zero, %n, %start : (tensor<i32>, tensor<i32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32> {
  ^bb0(%i: tensor<i32>, %u: tensor<1024x1024xf32>):
    %q = skein.mul %u, %u : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    %next = skein.add %q, %x : (tensor<1024x1024xf32>, tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
    skein.yield %next : tensor<1024x1024xf32>
  }
  %e = skein.exp %r : (tensor<1024x1024xf32>) -> tensor<1024x1024xf32>
  return %e : tensor<1024x1024xf32>
}
