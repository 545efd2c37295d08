// Type rules of the indexing family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult ScatterOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand()), indices = arrayType(adaptor.getIndices()), updates = arrayType(adaptor.getUpdates());
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= type.getRank()) return refuse(loc, "scatter.C1", "scatter: axis " + llvm::Twine(dim) + " is out of range for " + describe(type));
  if (!inDomain(indices.getElementType(), Domain::Integer)) return refuse(loc, "scatter.C2", "scatter: indices are integers, not " + describe(indices));
  SmallVector<int64_t> shape(type.getShape().take_front(dim));
  llvm::append_range(shape, indices.getShape());
  llvm::append_range(shape, type.getShape().drop_front(dim + 1));
  if (updates.getElementType() != type.getElementType() || updates.getShape() != llvm::ArrayRef(shape))
    return refuse(loc, "scatter.C3", "scatter: the updates, " + describe(updates) + ", are to have the dtype of " + describe(type) + " and the shape " + describeShape(shape));
  llvm::StringRef kind = adaptor.getKind();
  if (!llvm::is_contained({"set", "add", "mul", "min", "max"}, kind)) return refuse(loc, "scatter.C4", "scatter: there is set, add, mul, min and max, no " + kind);
  if (kind == "add" || kind == "mul") {
    if (failed(checkDomain(loc, "scatter", type.getElementType(), Domain::Number))) return failure();
  } else if (kind != "set") {
    if (failed(checkDomain(loc, "scatter", type.getElementType(), Domain::Ordered))) return failure();
  }
  results.push_back(makeType(type.getShape(), type.getElementType(), joinVarying(adaptor.getOperands().getTypes())));
  return success();
}

}  // namespace skein::ir
