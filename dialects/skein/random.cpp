// Type rules of the random family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

LogicalResult ThreefryOp::inferReturnTypes(MLIRContext* context, MaybeLoc loc, Adaptor adaptor, Types& results) {
  if (failed(inferElementwise(loc, "threefry", adaptor.getOperands(), Domain::Integer, Image::Same, results))) return failure();
  if (arrayType(results[0]).getElementType() != elementType(context, DType::uint32))
    return refuse(loc, "threefry.C1", "threefry works on uint32, not " + describe(results[0]));
  results.push_back(results[0]);
  return success();
}

}  // namespace skein::ir
