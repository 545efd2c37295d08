// A program as functions: one for each kernel, and one that has the buffers and runs them. Large kernels are not inlined,
// for what they say about their pointers holds for one call only; small ones may be.
// RUN: skein-opt %s --skein-fusion --skein-emit | FileCheck %s

// CHECK: func.func @skein_program(%{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr, %{{.*}}: !llvm.ptr)
// CHECK-DAG: call @skein_program_kernel0(
// CHECK-DAG: call @skein_program_kernel1(
// CHECK-DAG: func.func private @skein_program_kernel0({{.*}} attributes {passthrough = ["noinline"]}
// CHECK-DAG: func.func private @skein_program_kernel1({{.*}}i64) {
// CHECK-NOT: = skein.
func.func @main(%x: tensor<1000xf32>, %y: tensor<100xf32>) -> (tensor<1000xf32>, tensor<100xf32>) {
  %a = skein.add %x, %x : (tensor<1000xf32>, tensor<1000xf32>) -> tensor<1000xf32>
  %b = skein.mul %y, %y : (tensor<100xf32>, tensor<100xf32>) -> tensor<100xf32>
  return %a, %b : tensor<1000xf32>, tensor<100xf32>
}
