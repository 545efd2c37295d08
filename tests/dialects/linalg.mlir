// Ops of the linalg family are read and printed again.
// RUN: skein-opt %s

func.func @main(%a: tensor<2x3x3xf64>, %b: tensor<2x3x4xf64>, %c: tensor<3x2xcomplex<f32>>) {
  %0 = skein.cholesky %a : (tensor<2x3x3xf64>) -> tensor<2x3x3xf64>
  %1 = skein.triangular_solve %a, %b {lower = true, transpose = "none", unit_diagonal = false} : (tensor<2x3x3xf64>, tensor<2x3x4xf64>) -> tensor<2x3x4xf64>
  %2:3 = skein.lu %c : (tensor<3x2xcomplex<f32>>) -> (tensor<3x2xcomplex<f32>>, tensor<2xi32>, tensor<3xi32>)
  %3:2 = skein.qr %c {full = false} : (tensor<3x2xcomplex<f32>>) -> (tensor<3x2xcomplex<f32>>, tensor<2x2xcomplex<f32>>)
  %4:2 = skein.eigh %a {lower = true} : (tensor<2x3x3xf64>) -> (tensor<2x3xf64>, tensor<2x3x3xf64>)
  %5:3 = skein.svd %c {full = true} : (tensor<3x2xcomplex<f32>>) -> (tensor<3x3xcomplex<f32>>, tensor<2xf32>, tensor<2x2xcomplex<f32>>)
  %6 = skein.svdvals %c : (tensor<3x2xcomplex<f32>>) -> tensor<2xf32>
  %7:2 = skein.eig %a : (tensor<2x3x3xf64>) -> (tensor<2x3xcomplex<f64>>, tensor<2x3x3xcomplex<f64>>)
  %8 = skein.eigvals %a : (tensor<2x3x3xf64>) -> tensor<2x3xcomplex<f64>>
  return
}
