// Reductions: what they consume is not stored, and what reads the same data reads it once.
// RUN: skein-opt %s --canonicalize --cse --skein-fusion | FileCheck %s

// Sum, moments and greatest of one array are one kernel.
// CHECK-LABEL: @statistics
// CHECK-NEXT: %[[K:.*]]:4 = skein.kernel %arg0 :
// CHECK: skein.reduce_sum
// CHECK-NEXT: skein.moments
// CHECK-NEXT: skein.reduce_max
// CHECK-NEXT: skein.yield
// CHECK-NEXT: }
// CHECK-NEXT: return %[[K]]#0, %[[K]]#1, %[[K]]#2, %[[K]]#3
func.func @statistics(%x: tensor<50000000xf32>) -> (tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>) {
  %sum = skein.reduce_sum %x {dims = array<i64: 0>} : (tensor<50000000xf32>) -> tensor<f32>
  %mean, %m2 = skein.moments %x {dims = array<i64: 0>} : (tensor<50000000xf32>) -> (tensor<f32>, tensor<f32>)
  %max = skein.reduce_max %x {dims = array<i64: 0>} : (tensor<50000000xf32>) -> tensor<f32>
  return %sum, %mean, %m2, %max : tensor<f32>, tensor<f32>, tensor<f32>, tensor<f32>
}

// A producer joins the reduction.
// CHECK-LABEL: @sum_of_squares
// CHECK-NEXT: %{{.*}} = skein.kernel %arg0 : (tensor<50000000xf32>) -> tensor<f32>
// CHECK: skein.mul
// CHECK-NEXT: skein.reduce_sum
// CHECK-NOT: skein.kernel
// CHECK: return
func.func @sum_of_squares(%x: tensor<50000000xf32>) -> tensor<f32> {
  %q = skein.mul %x, %x : (tensor<50000000xf32>, tensor<50000000xf32>) -> tensor<50000000xf32>
  %sum = skein.reduce_sum %q {dims = array<i64: 0>} : (tensor<50000000xf32>) -> tensor<f32>
  return %sum : tensor<f32>
}

// So does a gather and what it gathers from.
// CHECK-LABEL: @gather
// CHECK-NEXT: %{{.*}} = skein.kernel %arg0, %arg1 : (tensor<1000000xf32>, tensor<5000000xi32>) -> tensor<f32>
// CHECK: skein.mul
// CHECK-NEXT: skein.take
// CHECK-NEXT: skein.reduce_sum
// CHECK-NOT: skein.kernel
// CHECK: return
func.func @gather(%x: tensor<1000000xf32>, %i: tensor<5000000xi32>) -> tensor<f32> {
  %e = skein.mul %x, %x : (tensor<1000000xf32>, tensor<1000000xf32>) -> tensor<1000000xf32>
  %t = skein.take %e, %i {dim = 0 : i64} : (tensor<1000000xf32>, tensor<5000000xi32>) -> tensor<5000000xf32>
  %s = skein.reduce_sum %t {dims = array<i64: 0>} : (tensor<5000000xf32>) -> tensor<f32>
  return %s : tensor<f32>
}

// Over columns: one pass for mean and variance, one for the result; the deviation is made once a column.
// CHECK-LABEL: @normalise
// CHECK-NEXT: %[[M:.*]]:2 = skein.kernel %arg0 : (tensor<10000x1000xf32>) -> (tensor<1000xf32>, tensor<1000xf32>)
// CHECK: skein.moments
// CHECK: %[[S:.*]] = skein.kernel %[[M]]#1 : (tensor<1000xf32>) -> tensor<1000xf32>
// CHECK: skein.sqrt
// CHECK: skein.kernel %arg0, %[[M]]#0, %[[S]] :
// CHECK-NOT: skein.sqrt
// CHECK-NOT: skein.kernel
// CHECK: return
func.func @normalise(%x: tensor<10000x1000xf32>) -> tensor<10000x1000xf32> {
  %mean, %m2 = skein.moments %x {dims = array<i64: 0>} : (tensor<10000x1000xf32>) -> (tensor<1000xf32>, tensor<1000xf32>)
  %count = skein.constant {value = dense<10000.0> : tensor<1000xf32>} : () -> tensor<1000xf32>
  %variance = skein.div %m2, %count : (tensor<1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  %std = skein.sqrt %variance : (tensor<1000xf32>) -> tensor<1000xf32>
  %means = skein.broadcast %mean {dims = array<i64: 1>, shape = array<i64: 10000, 1000>} : (tensor<1000xf32>) -> tensor<10000x1000xf32>
  %stds = skein.broadcast %std {dims = array<i64: 1>, shape = array<i64: 10000, 1000>} : (tensor<1000xf32>) -> tensor<10000x1000xf32>
  %d = skein.sub %x, %means : (tensor<10000x1000xf32>, tensor<10000x1000xf32>) -> tensor<10000x1000xf32>
  %r = skein.div %d, %stds : (tensor<10000x1000xf32>, tensor<10000x1000xf32>) -> tensor<10000x1000xf32>
  return %r : tensor<10000x1000xf32>
}

// A softmax over rows reads each row once, with both of its reductions.
// CHECK-LABEL: @softmax
// CHECK-NEXT: %[[K:.*]] = skein.kernel %arg0 : (tensor<1000x512xf32>) -> tensor<1000x512xf32>
// CHECK: skein.reduce_max
// CHECK-COUNT-1: skein.exp
// CHECK-NOT: skein.exp
// CHECK: skein.reduce_sum
// CHECK: skein.div
// CHECK-NEXT: skein.yield
// CHECK-NEXT: }
// CHECK-NEXT: return %[[K]]
func.func @softmax(%x: tensor<1000x512xf32>) -> tensor<1000x512xf32> {
  %m = skein.reduce_max %x {dims = array<i64: 1>} : (tensor<1000x512xf32>) -> tensor<1000xf32>
  %ms = skein.broadcast %m {dims = array<i64: 0>, shape = array<i64: 1000, 512>} : (tensor<1000xf32>) -> tensor<1000x512xf32>
  %d = skein.sub %x, %ms : (tensor<1000x512xf32>, tensor<1000x512xf32>) -> tensor<1000x512xf32>
  %e = skein.exp %d : (tensor<1000x512xf32>) -> tensor<1000x512xf32>
  %s = skein.reduce_sum %e {dims = array<i64: 1>} : (tensor<1000x512xf32>) -> tensor<1000xf32>
  %ss = skein.broadcast %s {dims = array<i64: 0>, shape = array<i64: 1000, 512>} : (tensor<1000xf32>) -> tensor<1000x512xf32>
  %r = skein.div %e, %ss : (tensor<1000x512xf32>, tensor<1000x512xf32>) -> tensor<1000x512xf32>
  return %r : tensor<1000x512xf32>
}

// And so does a normalisation of rows.
// CHECK-LABEL: @layernorm
// CHECK-NEXT: %[[K:.*]] = skein.kernel %arg0, %arg1 : (tensor<1000x512xf32>, tensor<512xf32>) -> tensor<1000x512xf32>
// CHECK: skein.moments
// CHECK: skein.rsqrt
// CHECK-NOT: skein.kernel
// CHECK: return %[[K]]
func.func @layernorm(%x: tensor<1000x512xf32>, %g: tensor<512xf32>) -> tensor<1000x512xf32> {
  %mean, %m2 = skein.moments %x {dims = array<i64: 1>} : (tensor<1000x512xf32>) -> (tensor<1000xf32>, tensor<1000xf32>)
  %c = skein.constant {value = dense<512.0> : tensor<1000xf32>} : () -> tensor<1000xf32>
  %v = skein.div %m2, %c : (tensor<1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  %s = skein.rsqrt %v : (tensor<1000xf32>) -> tensor<1000xf32>
  %ms = skein.broadcast %mean {dims = array<i64: 0>, shape = array<i64: 1000, 512>} : (tensor<1000xf32>) -> tensor<1000x512xf32>
  %ss = skein.broadcast %s {dims = array<i64: 0>, shape = array<i64: 1000, 512>} : (tensor<1000xf32>) -> tensor<1000x512xf32>
  %gs = skein.broadcast %g {dims = array<i64: 1>, shape = array<i64: 1000, 512>} : (tensor<512xf32>) -> tensor<1000x512xf32>
  %d = skein.sub %x, %ms : (tensor<1000x512xf32>, tensor<1000x512xf32>) -> tensor<1000x512xf32>
  %q = skein.mul %d, %ss : (tensor<1000x512xf32>, tensor<1000x512xf32>) -> tensor<1000x512xf32>
  %r = skein.mul %q, %gs : (tensor<1000x512xf32>, tensor<1000x512xf32>) -> tensor<1000x512xf32>
  return %r : tensor<1000x512xf32>
}

// Forces between all pairs: no array of pairs is in memory, only what each particle has.
// CHECK-LABEL: @forces
// CHECK-NEXT: %[[K:.*]] = skein.kernel %arg1, %arg0 : (tensor<8192xf32>, tensor<8192x3xf32>) -> tensor<8192x3xf32>
// CHECK: skein.pow
// CHECK: skein.reduce_sum %{{.*}} {dims = array<i64: 1>}
// CHECK-NEXT: skein.yield
// CHECK-NEXT: }
// CHECK-NEXT: return %[[K]]
func.func @forces(%x: tensor<8192x3xf32>, %m: tensor<8192xf32>) -> tensor<8192x3xf32> {
  %a = skein.broadcast %x {dims = array<i64: 0, 2>, shape = array<i64: 8192, 8192, 3>} : (tensor<8192x3xf32>) -> tensor<8192x8192x3xf32>
  %b = skein.broadcast %x {dims = array<i64: 1, 2>, shape = array<i64: 8192, 8192, 3>} : (tensor<8192x3xf32>) -> tensor<8192x8192x3xf32>
  %d = skein.sub %b, %a : (tensor<8192x8192x3xf32>, tensor<8192x8192x3xf32>) -> tensor<8192x8192x3xf32>
  %dd = skein.mul %d, %d : (tensor<8192x8192x3xf32>, tensor<8192x8192x3xf32>) -> tensor<8192x8192x3xf32>
  %r2 = skein.reduce_sum %dd {dims = array<i64: 2>} : (tensor<8192x8192x3xf32>) -> tensor<8192x8192xf32>
  %eps = skein.constant {value = dense<1.0e-4> : tensor<8192x8192xf32>} : () -> tensor<8192x8192xf32>
  %soft = skein.add %r2, %eps : (tensor<8192x8192xf32>, tensor<8192x8192xf32>) -> tensor<8192x8192xf32>
  %power = skein.constant {value = dense<-1.5> : tensor<8192x8192xf32>} : () -> tensor<8192x8192xf32>
  %inv = skein.pow %soft, %power : (tensor<8192x8192xf32>, tensor<8192x8192xf32>) -> tensor<8192x8192xf32>
  %mass = skein.broadcast %m {dims = array<i64: 1>, shape = array<i64: 8192, 8192>} : (tensor<8192xf32>) -> tensor<8192x8192xf32>
  %w = skein.mul %mass, %inv : (tensor<8192x8192xf32>, tensor<8192x8192xf32>) -> tensor<8192x8192xf32>
  %ws = skein.broadcast %w {dims = array<i64: 0, 1>, shape = array<i64: 8192, 8192, 3>} : (tensor<8192x8192xf32>) -> tensor<8192x8192x3xf32>
  %f = skein.mul %ws, %d : (tensor<8192x8192x3xf32>, tensor<8192x8192x3xf32>) -> tensor<8192x8192x3xf32>
  %r = skein.reduce_sum %f {dims = array<i64: 1>} : (tensor<8192x8192x3xf32>) -> tensor<8192x3xf32>
  return %r : tensor<8192x3xf32>
}
