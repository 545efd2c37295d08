// What is refused of the scan family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{cumulative: axis 1 is out of range for float32[2] [cumulative.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.cumulative %a0 {dim = 1 : i64, kind = "sum", reverse = false} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{cumulative: there is sum, prod, max and min, no mean [cumulative.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.cumulative %a0 {dim = 0 : i64, kind = "mean", reverse = false} : (tensor<2xf32>) -> tensor<2xf32>
  return
}
