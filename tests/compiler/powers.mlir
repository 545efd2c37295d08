// Powers and reciprocal roots in their cheapest form within the accuracy promised.
// RUN: skein-opt %s --skein-powers --canonicalize --cse | FileCheck %s

// Through rsqrt; what a root does not give at -0 and -infinity is put right.
// CHECK-LABEL: @minus_three_halves
// CHECK-NOT: skein.pow
// CHECK: %[[R:.*]] = skein.rsqrt %arg0
// CHECK: %[[Q:.*]] = skein.mul %[[R]], %[[R]]
// CHECK: skein.mul %[[R]], %[[Q]]
// CHECK-COUNT-2: skein.select
// CHECK-NEXT: return
func.func @minus_three_halves(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = skein.constant {value = dense<-1.5> : tensor<4xf32>} : () -> tensor<4xf32>
  %r = skein.pow %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// An exponent that is broadcast from a scalar is a constant too.
// CHECK-LABEL: @minus_three_halves_broadcast
// CHECK-NOT: skein.pow
// CHECK: skein.rsqrt
// CHECK: return
func.func @minus_three_halves_broadcast(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = skein.constant {value = dense<-1.5> : tensor<f32>} : () -> tensor<f32>
  %cs = skein.broadcast %c {dims = array<i64>, shape = array<i64: 4>} : (tensor<f32>) -> tensor<4xf32>
  %r = skein.pow %x, %cs : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// 1 / sqrt(x).
// CHECK-LABEL: @one_over_root
// CHECK-NEXT: %[[R:.*]] = skein.rsqrt %arg0
// CHECK-NEXT: return %[[R]]
func.func @one_over_root(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = skein.constant {value = dense<1.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %s = skein.sqrt %x : (tensor<4xf32>) -> tensor<4xf32>
  %r = skein.div %c, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// m / (x * sqrt(x)).
// CHECK-LABEL: @mass_over_cube
// CHECK-NEXT: %[[R:.*]] = skein.rsqrt %arg1
// CHECK-NEXT: %[[Q:.*]] = skein.mul %[[R]], %[[R]]
// CHECK-NEXT: %[[C:.*]] = skein.mul %[[R]], %[[Q]]
// CHECK-NEXT: %[[F:.*]] = skein.mul %arg0, %[[C]]
// CHECK-NEXT: return %[[F]]
func.func @mass_over_cube(%m: tensor<4xf32>, %x: tensor<4xf32>) -> tensor<4xf32> {
  %s = skein.sqrt %x : (tensor<4xf32>) -> tensor<4xf32>
  %d = skein.mul %x, %s : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %r = skein.div %m, %d : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// x ** 2 is a product.
// CHECK-LABEL: @square
// CHECK-NEXT: %[[Q:.*]] = skein.mul %arg0, %arg0
// CHECK-NEXT: return %[[Q]]
func.func @square(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = skein.constant {value = dense<2.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %r = skein.pow %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}

// x ** -1 of what varies from device to device.
// CHECK-LABEL: @varying
// CHECK-NOT: skein.pow
// CHECK: skein.div %{{.*}}, %arg0
// CHECK-NEXT: return
func.func @varying(%x: tensor<4xf32, #skein.array<varying "x">>) -> tensor<4xf32, #skein.array<varying "x">> {
  %c = skein.constant {value = dense<-1.0> : tensor<4xf32>} : () -> tensor<4xf32>
  %r = skein.pow %x, %c : (tensor<4xf32, #skein.array<varying "x">>, tensor<4xf32>) -> tensor<4xf32, #skein.array<varying "x">>
  return %r : tensor<4xf32, #skein.array<varying "x">>
}

// A float64 root is not cheaper: the power stays.
// CHECK-LABEL: @f64
// CHECK: skein.pow
func.func @f64(%x: tensor<4xf64>) -> tensor<4xf64> {
  %c = skein.constant {value = dense<-1.5> : tensor<4xf64>} : () -> tensor<4xf64>
  %r = skein.pow %x, %c : (tensor<4xf64>, tensor<4xf64>) -> tensor<4xf64>
  return %r : tensor<4xf64>
}

// pow(-0, 0.5) is 0 and sqrt(-0) is -0: the power stays.
// CHECK-LABEL: @half
// CHECK: skein.pow
func.func @half(%x: tensor<4xf32>) -> tensor<4xf32> {
  %c = skein.constant {value = dense<0.5> : tensor<4xf32>} : () -> tensor<4xf32>
  %r = skein.pow %x, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %r : tensor<4xf32>
}
