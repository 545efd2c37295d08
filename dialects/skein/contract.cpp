// Type rules of the contract family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult DotGeneralOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto lhs = arrayType(adaptor.getLhs()), rhs = arrayType(adaptor.getRhs());
  if (lhs.getElementType() != rhs.getElementType())
    return refuse(loc, "dot_general.C1", "dot_general: dtypes do not match: " + describe(lhs) + ", " + describe(rhs));
  auto all = [](llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b) {
    SmallVector<int64_t> list(a);
    llvm::append_range(list, b);
    return list;
  };
  auto lhsNamed = all(adaptor.getLhsBatch(), adaptor.getLhsContract()), rhsNamed = all(adaptor.getRhsBatch(), adaptor.getRhsContract());
  if (failed(checkDims(loc, "dot_general.C2", lhsNamed, lhs)) || failed(checkDims(loc, "dot_general.C2", rhsNamed, rhs))) return failure();
  if (lhsNamed.size() != rhsNamed.size() || adaptor.getLhsBatch().size() != adaptor.getRhsBatch().size())
    return refuse(loc, "dot_general.C3", "dot_general: both sides have as many batch and contracting dimensions");
  for (auto [l, r] : llvm::zip(lhsNamed, rhsNamed))
    if (lhs.getDimSize(l) != rhs.getDimSize(r))
      return refuse(loc, "dot_general.C4", "matmul: sizes do not match: dimension " + llvm::Twine(l) + " of " + describe(lhs) + " and dimension " +
                                               llvm::Twine(r) + " of " + describe(rhs));
  SmallVector<int64_t> shape;
  for (int64_t l : adaptor.getLhsBatch()) shape.push_back(lhs.getDimSize(l));
  auto addFree = [&](RankedTensorType type, llvm::ArrayRef<int64_t> named) {
    for (int64_t i = 0; i < type.getRank(); ++i)
      if (!llvm::is_contained(named, i)) shape.push_back(type.getDimSize(i));
  };
  addFree(lhs, lhsNamed);
  addFree(rhs, rhsNamed);
  results.push_back(makeType(shape, lhs.getElementType(), joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

}  // namespace skein::ir
