// A program as JAX exports it, printed in the dialect, and run.
// RUN: skein-opt --from-stablehlo %s | FileCheck %s
// RUN: skein-run %s --out %t.out | FileCheck %s --check-prefix=RUN-IT

// CHECK: func.func @main() -> tensor<4x2xf32>
// CHECK: skein.iota
// CHECK-NOT: stablehlo
// RUN-IT: result0: float32[4,2] -> {{.*}}0.npy
"builtin.module"() ({
  "func.func"() <{function_type = () -> tensor<4x2xf32>, sym_name = "main"}> ({
    %0 = "stablehlo.iota"() <{iota_dimension = 0 : i64}> : () -> tensor<4x2xf32>
    %1 = "stablehlo.sine"(%0) : (tensor<4x2xf32>) -> tensor<4x2xf32>
    "func.return"(%1) : (tensor<4x2xf32>) -> ()
  }) : () -> ()
}) : () -> ()
