// Type rules of the fft family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult FftOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  llvm::StringRef kind = adaptor.getKind();
  if (!llvm::is_contained({"fft", "ifft", "rfft", "irfft"}, kind)) return refuse(loc, "fft.C1", "fft: there is fft, ifft, rfft and irfft, no " + kind);
  llvm::ArrayRef<int64_t> lengths = adaptor.getLengths();
  int64_t count = static_cast<int64_t>(lengths.size()), first = type.getRank() - count;
  if (count == 0 || first < 0)
    return refuse(loc, "fft.C2", kind + " transforms one dimension or more of those that are there, not " + llvm::Twine(count) + " of " + describe(type));
  for (int64_t length : lengths)
    if (length < 1) return refuse(loc, "fft.C2", kind + ": a length is 1 or more, not " + llvm::Twine(length));
  Type element = type.getElementType();
  bool takesReal = kind == "rfft";
  Type part = imageOf(element, Image::Real);
  if (llvm::isa<ComplexType>(element) == takesReal || !(part.isF32() || part.isF64()))
    return refuse(loc, "fft.C3", kind + " takes " + (takesReal ? "float32 or float64" : "complex64 or complex128") + ", not " + describe(type));
  SmallVector<int64_t> shape(type.getShape());
  for (int64_t d = 0; d < count; ++d) {
    bool last = d + 1 == count;
    int64_t half = lengths[d] / 2 + 1, want = last && kind == "irfft" ? half : lengths[d];
    if (shape[first + d] != want)
      return refuse(loc, "fft.C4", kind + " of lengths " + describeShape(lengths) + ": dimension " + llvm::Twine(first + d) + " has " + llvm::Twine(want) + " elements, in " +
                                       describe(type) + " it has not");
    if (last) shape[first + d] = kind == "rfft" ? half : lengths[d];
  }
  Type result = takesReal ? imageOf(element, Image::Complex) : kind == "irfft" ? part : element;
  results.push_back(RankedTensorType::get(shape, result, type.getEncoding()));
  return success();
}

}  // namespace skein::ir
