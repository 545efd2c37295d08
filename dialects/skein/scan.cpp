// Type rules of the scan family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult CumulativeOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= type.getRank()) return refuse(loc, "cumulative.C1", "cumulative: axis " + llvm::Twine(dim) + " is out of range for " + describe(type));
  llvm::StringRef kind = adaptor.getKind();
  if (!llvm::is_contained({"sum", "prod", "max", "min"}, kind)) return refuse(loc, "cumulative.C2", "cumulative: there is sum, prod, max and min, no " + kind);
  bool ordered = kind == "max" || kind == "min";
  if (failed(checkDomain(loc, "cumulative", type.getElementType(), ordered ? Domain::Ordered : Domain::Number))) return failure();
  results.push_back(type);
  return success();
}

}  // namespace skein::ir
