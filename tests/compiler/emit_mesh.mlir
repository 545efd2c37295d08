// A program on a mesh: the devices' part is a function of its own, which the runtime runs once for each of them.
// RUN: skein-opt %s --verify-each=0 --skein-fusion --skein-emit --skein-llvm | FileCheck %s

// CHECK-DAG: llvm.func @skein_program(
// CHECK-DAG: llvm.call @skein_run_spmd(
// CHECK-DAG: llvm.func {{.*}}@skein_program_device_0(
// CHECK-DAG: llvm.call @skein_collective_run(
// CHECK-NOT: = skein.
func.func @main(%x: tensor<8x4096xf32>) -> tensor<8x4096xf32> {
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
