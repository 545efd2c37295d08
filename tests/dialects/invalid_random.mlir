// What is refused of random bits; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xi32>, %a1: tensor<2xi32>, %a2: tensor<2xi32>, %a3: tensor<2xi32>) {
  // expected-error @+2 {{threefry works on uint32, not int32[2] [threefry.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = skein.threefry %a0, %a1, %a2, %a3 : (tensor<2xi32>, tensor<2xi32>, tensor<2xi32>, tensor<2xi32>) -> (tensor<2xi32>, tensor<2xi32>)
  return
}
