// What is refused of sorting; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main() {
  // expected-error @+2 {{sort wants at least one array [sort.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  skein.sort {dim = 0 : i64} : () -> ()
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{sort: axis 1 is out of range for float32[2] [sort.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.sort %a0 {dim = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<3xi32>) {
  // expected-error @+2 {{sort: keys and what they carry agree in shape; these do not: float32[2], int32[3] [sort.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = skein.sort %a0, %a1 {dim = 0 : i64} : (tensor<2xf32>, tensor<3xi32>) -> (tensor<2xf32>, tensor<3xi32>)
  return
}

// -----

func.func @main(%a0: tensor<2xcomplex<f32>>) {
  // expected-error @+2 {{sort takes an ordered dtype, not complex, not complex64; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.sort %a0 {dim = 0 : i64} : (tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>
  return
}
