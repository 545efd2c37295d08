// Type rules of the sort family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult SortOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  ValueRange operands = adaptor.getOperands();
  if (operands.empty()) return refuse(loc, "sort.C1", "sort wants at least one array");
  auto keys = arrayType(operands[0]);
  if (failed(checkDomain(loc, "sort", keys.getElementType(), Domain::Ordered))) return failure();
  int64_t dim = adaptor.getDim();
  if (dim < 0 || dim >= keys.getRank()) return refuse(loc, "sort.C2", "sort: axis " + llvm::Twine(dim) + " is out of range for " + describe(keys));
  auto axes = joinVarying(operands.getTypes());
  for (Value operand : operands) {
    if (arrayType(operand).getShape() != keys.getShape())
      return refuse(loc, "sort.C3", "sort: keys and what they carry agree in shape; these do not: " + describeAll(operands.getTypes()));
    results.push_back(withVarying(arrayType(operand), axes));
  }
  return success();
}

}  // namespace skein::ir
