// What is refused of functions with derivatives of their own; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error @+1 {{custom_jvp: the rule takes float32[2], not float32[2], float32[2] [custom.C1]}}
  %r = skein.custom_jvp %a : (tensor<2xf32>) -> tensor<2xf32> {
  ^bb0(%x: tensor<2xf32>):
    skein.yield %x : tensor<2xf32>
  } rule {
  ^bb0(%x: tensor<2xf32>):
    skein.yield %x, %x : tensor<2xf32>, tensor<2xf32>
  }
  return %r : tensor<2xf32>
}
