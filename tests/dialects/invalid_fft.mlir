// What is refused of the fft family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<4xcomplex<f32>>) {
  // expected-error @+2 {{fft: there is fft, ifft, rfft and irfft, no dct [fft.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "dct", lengths = array<i64: 4>} : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return
}

// -----

func.func @main(%a0: tensor<4xcomplex<f32>>) {
  // expected-error @+2 {{ifft transforms one dimension or more of those that are there, not 2 of complex64[4] [fft.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "ifft", lengths = array<i64: 1, 4>} : (tensor<4xcomplex<f32>>) -> tensor<4xcomplex<f32>>
  return
}

// -----

func.func @main(%a0: tensor<0xcomplex<f32>>) {
  // expected-error @+2 {{fft: a length is 1 or more, not 0 [fft.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "fft", lengths = array<i64: 0>} : (tensor<0xcomplex<f32>>) -> tensor<0xcomplex<f32>>
  return
}

// -----

func.func @main(%a0: tensor<4xf32>) {
  // expected-error @+2 {{fft takes complex64 or complex128, not float32[4] [fft.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "fft", lengths = array<i64: 4>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @main(%a0: tensor<4xf16>) {
  // expected-error @+2 {{rfft takes float32 or float64, not float16[4] [fft.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "rfft", lengths = array<i64: 4>} : (tensor<4xf16>) -> tensor<3xf16>
  return
}

// -----

func.func @main(%a0: tensor<4xcomplex<f32>>) {
  // expected-error @+2 {{irfft of lengths [8]: dimension 0 has 5 elements, in complex64[4] it has not [fft.C4]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fft %a0 {kind = "irfft", lengths = array<i64: 8>} : (tensor<4xcomplex<f32>>) -> tensor<8xf32>
  return
}
