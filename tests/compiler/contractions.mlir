// Contractions: matrix products for a BLAS, or products and sums that fuse.
// RUN: skein-opt %s --skein-contractions --canonicalize --cse | FileCheck %s

// As it is.
// CHECK-LABEL: @matrix
// CHECK-NEXT: %{{.*}} = skein.dot_general %arg0, %arg1 {{.*}}lhs_contract = array<i64: 1>, matrix,{{.*}}rhs_contract = array<i64: 0>}
// CHECK-NEXT: return
func.func @matrix(%a: tensor<64x128xf32>, %b: tensor<128x96xf32>) -> tensor<64x96xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<64x128xf32>, tensor<128x96xf32>) -> tensor<64x96xf32>
  return %r : tensor<64x96xf32>
}

// Transposed operands go to the library as they lie.
// CHECK-LABEL: @transposed
// CHECK-NEXT: %{{.*}} = skein.dot_general %arg0, %arg1 {{.*}}lhs_contract = array<i64: 0>, matrix,{{.*}}rhs_contract = array<i64: 1>}
// CHECK-NEXT: return
func.func @transposed(%a: tensor<128x64xf32>, %b: tensor<96x128xf32>) -> tensor<64x96xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 0>, rhs_contract = array<i64: 1>} : (tensor<128x64xf32>, tensor<96x128xf32>) -> tensor<64x96xf32>
  return %r : tensor<64x96xf32>
}

// The batch is the leading dimension.
// CHECK-LABEL: @batched
// CHECK-NEXT: %{{.*}} = skein.dot_general %arg0, %arg1 {lhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, matrix, rhs_batch = array<i64: 0>, rhs_contract = array<i64: 1>}
// CHECK-NEXT: return
func.func @batched(%a: tensor<5x64x128xf32>, %b: tensor<5x128x96xf32>) -> tensor<5x64x96xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64: 0>, rhs_batch = array<i64: 0>, lhs_contract = array<i64: 2>, rhs_contract = array<i64: 1>} : (tensor<5x64x128xf32>, tensor<5x128x96xf32>) -> tensor<5x64x96xf32>
  return %r : tensor<5x64x96xf32>
}

// What is neither [rows, depth] nor [depth, rows] is transposed first.
// CHECK-LABEL: @middle
// CHECK-NEXT: %[[T:.*]] = skein.transpose %arg0 {permutation = array<i64: 0, 2, 1>}
// CHECK-NEXT: %[[A:.*]] = skein.reshape %[[T]] {shape = array<i64: 64, 128>}
// CHECK-NEXT: %[[P:.*]] = skein.dot_general %[[A]], %arg1 {{.*}}matrix
// CHECK-NEXT: %{{.*}} = skein.reshape %[[P]] {shape = array<i64: 8, 8, 96>}
func.func @middle(%a: tensor<8x128x8xf32>, %b: tensor<128x96xf32>) -> tensor<8x8x96xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<8x128x8xf32>, tensor<128x96xf32>) -> tensor<8x8x96xf32>
  return %r : tensor<8x8x96xf32>
}

// Narrow floats are multiplied as float32.
// CHECK-LABEL: @narrow
// CHECK-COUNT-2: skein.convert %{{.*}} {dtype = f32}
// CHECK: skein.dot_general {{.*}}matrix{{.*}} -> tensor<64x96xf32>
// CHECK-NEXT: %{{.*}} = skein.convert %{{.*}} {dtype = bf16}
func.func @narrow(%a: tensor<64x128xbf16>, %b: tensor<128x96xbf16>) -> tensor<64x96xbf16> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<64x128xbf16>, tensor<128x96xbf16>) -> tensor<64x96xbf16>
  return %r : tensor<64x96xbf16>
}

// Small ones are products and sums.
// CHECK-LABEL: @small
// CHECK-NOT: skein.dot_general
// CHECK: %[[P:.*]] = skein.mul {{.*}} : (tensor<4x6x5xf32>, tensor<4x6x5xf32>)
// CHECK-NEXT: %{{.*}} = skein.reduce_sum %[[P]] {dims = array<i64: 2>}
func.func @small(%a: tensor<4x5xf32>, %b: tensor<5x6xf32>) -> tensor<4x6xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<4x5xf32>, tensor<5x6xf32>) -> tensor<4x6xf32>
  return %r : tensor<4x6xf32>
}

// So are products with a vector, which read the matrix once,
// CHECK-LABEL: @vector
// CHECK-NOT: skein.dot_general
// CHECK: %[[P:.*]] = skein.mul %arg0,
// CHECK-NEXT: %{{.*}} = skein.reduce_sum %[[P]] {dims = array<i64: 1>}
func.func @vector(%a: tensor<1000x1000xf32>, %b: tensor<1000xf32>) -> tensor<1000xf32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<1000x1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  return %r : tensor<1000xf32>
}

// and those of dtypes that the library does not have.
// CHECK-LABEL: @integers
// CHECK-NOT: skein.dot_general
// CHECK: skein.reduce_sum {{.*}} {dims = array<i64: 2>} : (tensor<64x96x128xi32>)
func.func @integers(%a: tensor<64x128xi32>, %b: tensor<128x96xi32>) -> tensor<64x96xi32> {
  %r = skein.dot_general %a, %b {lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>} : (tensor<64x128xi32>, tensor<128x96xi32>) -> tensor<64x96xi32>
  return %r : tensor<64x96xi32>
}
