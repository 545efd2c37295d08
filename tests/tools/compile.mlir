// The same with compiled code.
// RUN: skein-run %S/interpret.mlir --out %t.out | FileCheck %S/interpret.mlir
// RUN: skein-run %S/inputs/sum.mlir --args %t.out/0.npy %t.out/1.npy 2>&1 | FileCheck %S/inputs/sum.mlir
