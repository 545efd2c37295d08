// What is refused of the elementwise family; the numbers are docs/spec.md's.
// RUN: skein-opt %s --verify-diagnostics --split-input-file

func.func @main(%a0: tensor<2xi32>) {
  // expected-error @+2 {{exp takes a floating or complex dtype, not int32; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.exp %a0 : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>, %a1: tensor<2xi1>) {
  // expected-error @+2 {{sub takes a number, not bool, not bool; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.sub %a0, %a1 : (tensor<2xi1>, tensor<2xi1>) -> tensor<2xi1>
  return
}

// -----

func.func @main(%a0: tensor<2xcomplex<f32>>, %a1: tensor<2xcomplex<f32>>) {
  // expected-error @+2 {{rem takes a real number, not bool, not complex64; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.rem %a0, %a1 : (tensor<2xcomplex<f32>>, tensor<2xcomplex<f32>>) -> tensor<2xcomplex<f32>>
  return
}

// -----

func.func @main(%a0: tensor<2xcomplex<f32>>, %a1: tensor<2xcomplex<f32>>) {
  // expected-error @+2 {{lt takes an ordered dtype, not complex, not complex64; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.lt %a0, %a1 : (tensor<2xcomplex<f32>>, tensor<2xcomplex<f32>>) -> tensor<2xi1>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<2xf32>) {
  // expected-error @+2 {{shl takes an integer dtype, not float32; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.shl %a0, %a1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf64>) {
  // expected-error @+2 {{not takes an integer dtype or bool, not float64; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.not %a0 : (tensor<2xf64>) -> tensor<2xf64>
  return
}

// -----

func.func @main(%a0: tensor<2xcomplex<f64>>) {
  // expected-error @+2 {{erf takes a floating dtype, not complex128; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.erf %a0 : (tensor<2xcomplex<f64>>) -> tensor<2xcomplex<f64>>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{real takes a complex dtype, not float32; convert with astype first [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.real %a0 : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf16>, %a1: tensor<2xf16>) {
  // expected-error @+2 {{complex takes float32 or float64, not float16[2] [elementwise.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.complex %a0, %a1 : (tensor<2xf16>, tensor<2xf16>) -> tensor<2xcomplex<f32>>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<3xf32>) {
  // expected-error @+2 {{add: shapes do not match: float32[2], float32[3] [elementwise.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.add %a0, %a1 : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<2xf32>, %a2: tensor<f32>) {
  // expected-error @+2 {{fma: shapes do not match: float32[2], float32[2], float32[] [elementwise.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.fma %a0, %a1, %a2 : (tensor<2xf32>, tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>, %a1: tensor<2xi32, #skein.array<varying "x">>) {
  // expected-error @+2 {{mul: dtypes do not match: float32[2], int32[2]{V:x} [elementwise.C3]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.mul %a0, %a1 : (tensor<2xf32>, tensor<2xi32, #skein.array<varying "x">>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xi32>, %a1: tensor<2xf32>, %a2: tensor<2xf32>) {
  // expected-error @+2 {{select: the condition is bool, not int32[2] [select.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.select %a0, %a1, %a2 : (tensor<2xi32>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<i1>, %a1: tensor<2xf32>, %a2: tensor<2xf32>) {
  // expected-error @+2 {{select: shapes do not match: bool[], float32[2], float32[2] [elementwise.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.select %a0, %a1, %a2 : (tensor<i1>, tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xi1>, %a1: tensor<2xf32>, %a2: tensor<2xf64>) {
  // expected-error @+2 {{select: dtypes do not match: float32[2], float64[2] [select.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.select %a0, %a1, %a2 : (tensor<2xi1>, tensor<2xf32>, tensor<2xf64>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{convert: no dtype is this MLIR type [convert.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.convert %a0 {dtype = i7} : (tensor<2xf32>) -> tensor<2xi7>
  return
}

// -----

func.func @main(%a0: tensor<2xcomplex<f32>>) {
  // expected-error @+2 {{convert: complex64[2] has no value in a real dtype; take real() or abs() [convert.C2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.convert %a0 {dtype = f32} : (tensor<2xcomplex<f32>>) -> tensor<2xf32>
  return
}

// -----

func.func @main(%a0: tensor<2xf32>) {
  // expected-error @+2 {{bitcast: float32[2] and the dtype asked for differ in width [bitcast.C1]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = skein.bitcast %a0 {dtype = i16} : (tensor<2xf32>) -> tensor<2xi16>
  return
}
