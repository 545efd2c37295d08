// Type rules of the reduce family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

static RankedTensorType dropDims(RankedTensorType type, llvm::ArrayRef<int64_t> dims, Type element) {
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(type.getShape()))
    if (!llvm::is_contained(dims, static_cast<int64_t>(i))) shape.push_back(size);
  return makeType(shape, element, varying(type));
}

LogicalResult inferReduce(MaybeLoc loc, llvm::StringRef op, ValueRange operands, llvm::ArrayRef<int64_t> dims, Domain domain, Image image, Types& results) {
  auto type = arrayType(operands[0]);
  std::string constraint = plainName(op).str();
  if (failed(checkDomain(loc, op, type.getElementType(), domain)) || failed(checkDims(loc, constraint + ".C1", dims, type))) return failure();
  if (image == Image::Index) {
    if (dims.size() != 1) return refuse(loc, constraint + ".C2", plainName(op) + " works along one axis; reshape to one dimension first");
    int64_t size = type.getDimSize(dims[0]);
    if (size == 0) return refuse(loc, constraint + ".C3", plainName(op) + " of " + describe(type) + ": axis " + llvm::Twine(dims[0]) + " is empty");
    Type index = IntegerType::get(type.getContext(), size > INT32_MAX ? 64 : 32);
    results.push_back(dropDims(type, dims, index));
    return success();
  }
  results.push_back(dropDims(type, dims, imageOf(type.getElementType(), image)));
  return success();
}

LogicalResult MomentsOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkDomain(loc, "moments", type.getElementType(), Domain::Float)) || failed(checkDims(loc, "moments.C1", adaptor.getDims(), type))) return failure();
  results.assign(2, dropDims(type, adaptor.getDims(), type.getElementType()));
  return success();
}

}  // namespace skein::ir
