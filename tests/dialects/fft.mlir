// Fourier transforms, there and back.
// RUN: skein-opt %s | skein-opt | FileCheck %s

func.func @main(%r: tensor<2x5xf32>, %z: tensor<4x3xcomplex<f64>>) {
  // CHECK: = skein.fft %{{.*}} {kind = "fft", lengths = array<i64: 4, 3>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x3xcomplex<f64>>
  %0 = skein.fft %z {kind = "fft", lengths = array<i64: 4, 3>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x3xcomplex<f64>>
  // CHECK: = skein.fft %{{.*}} {kind = "ifft", lengths = array<i64: 3>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x3xcomplex<f64>>
  %1 = skein.fft %z {kind = "ifft", lengths = array<i64: 3>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x3xcomplex<f64>>
  // CHECK: = skein.fft %{{.*}} {kind = "rfft", lengths = array<i64: 5>} : (tensor<2x5xf32>) -> tensor<2x3xcomplex<f32>>
  %2 = skein.fft %r {kind = "rfft", lengths = array<i64: 5>} : (tensor<2x5xf32>) -> tensor<2x3xcomplex<f32>>
  // CHECK: = skein.fft %{{.*}} {kind = "irfft", lengths = array<i64: 4, 5>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x5xf64>
  %3 = skein.fft %z {kind = "irfft", lengths = array<i64: 4, 5>} : (tensor<4x3xcomplex<f64>>) -> tensor<4x5xf64>
  return
}
