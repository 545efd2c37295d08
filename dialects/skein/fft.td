// Fourier transforms.
#ifndef SKEIN_FFT_TD
#define SKEIN_FFT_TD
include "dialect.td"
def Skein_FftOp : Skein_TypedOp<"fft", [Pure]> {
  let summary = "The Fourier transform (kind: fft, ifft, rfft, irfft) over the last dimensions; lengths: of the real or complex array";
  let arguments = (ins Skein_Tensor:$operand, StrAttr:$kind, DenseI64ArrayAttr:$lengths);
  let results = (outs Skein_Tensor:$result);
}
#endif
