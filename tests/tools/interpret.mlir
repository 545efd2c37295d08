// A program's results go to .npy files, and from there into another one, on a mesh.
// RUN: skein-run %s --interpret --out %t.out | FileCheck %s
// RUN: skein-run %S/inputs/sum.mlir --interpret --args %t.out/0.npy %t.out/1.npy 2>&1 | FileCheck %S/inputs/sum.mlir
// RUN: ! skein-run %S/inputs/sum.mlir --interpret --args %t.out/1.npy 2>&1 | FileCheck %s --check-prefix=ERROR

// CHECK: result0: float32[4,2] -> {{.*}}0.npy
// CHECK: result1: bool[] -> {{.*}}1.npy
// ERROR: main takes 2 arrays, not 1
func.func @main() -> (tensor<4x2xf32>, tensor<i1>) {
  %0 = skein.iota {shape = array<i64: 4, 2>, dtype = f32, dim = 0 : i64} : () -> tensor<4x2xf32>
  %1 = skein.constant {value = dense<true> : tensor<i1>} : () -> tensor<i1>
  return %0, %1 : tensor<4x2xf32>, tensor<i1>
}
