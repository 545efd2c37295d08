// What a collective takes is in memory; what comes after it is another kernel, which reads both.
// RUN: skein-opt %s --canonicalize --cse --skein-fusion | FileCheck %s

// The square is computed once: it is stored for the sum and read again.
// CHECK-LABEL: @collective
// CHECK: skein.shard_map
// CHECK: %[[Q:.*]] = skein.kernel
// CHECK: skein.mul
// CHECK: %[[S:.*]] = skein.psum %[[Q]]
// CHECK-NEXT: %[[D:.*]] = skein.kernel %[[Q]], %[[S]]
// CHECK-NOT: skein.mul
// CHECK: skein.pvary
// CHECK: skein.sub
// CHECK: skein.yield %[[D]]
func.func @collective(%x: tensor<8x4096xf32>) -> tensor<8x4096xf32> {
  %r = skein.shard_map %x {mesh = #skein.axes<"x" = 8>, in_specs = [#skein.spec<[["x"], []]>], out_specs = [#skein.spec<[["x"], []]>]} : (tensor<8x4096xf32>) -> tensor<8x4096xf32> {
  ^bb0(%b: tensor<1x4096xf32, #skein.array<varying "x">>):
    %q = skein.mul %b, %b : (tensor<1x4096xf32, #skein.array<varying "x">>, tensor<1x4096xf32, #skein.array<varying "x">>) -> tensor<1x4096xf32, #skein.array<varying "x">>
    %s = skein.psum %q {axes = #skein.axes<"x" = 8>} : (tensor<1x4096xf32, #skein.array<varying "x">>) -> tensor<1x4096xf32>
    %v = skein.pvary %s {axes = #skein.axes<"x" = 8>} : (tensor<1x4096xf32>) -> tensor<1x4096xf32, #skein.array<varying "x">>
    %d = skein.sub %q, %v : (tensor<1x4096xf32, #skein.array<varying "x">>, tensor<1x4096xf32, #skein.array<varying "x">>) -> tensor<1x4096xf32, #skein.array<varying "x">>
    skein.yield %d : tensor<1x4096xf32, #skein.array<varying "x">>
  }
  return %r : tensor<8x4096xf32>
}
