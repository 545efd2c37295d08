// Reductions over any set of dimensions, which disappear.
#ifndef SKEIN_REDUCE_TD
#define SKEIN_REDUCE_TD
include "dialect.td"

class Reduce<string mnemonic, string domain, string image = "Same"> : Skein_TypedOp<mnemonic, [Pure]> {
  let arguments = (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$dims);
  let results = (outs Skein_Tensor:$result);
  let extraClassDefinition = compatible # [{
    ::mlir::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext*, std::optional<::mlir::Location> loc, Adaptor adaptor,
                                                      ::llvm::SmallVectorImpl<::mlir::Type>& results) {
      return inferReduce(loc, getOperationName(), adaptor.getOperands(), adaptor.getDims(), Domain::}] # domain # [{, Image::}] # image # [{, results);
    }
  }];
}
def Skein_ReduceSumOp : Reduce<"reduce_sum", "Number">;
def Skein_ReduceProdOp : Reduce<"reduce_prod", "Number">;
def Skein_ReduceMaxOp : Reduce<"reduce_max", "Ordered">;     // NaN if any is; empty: the least value
def Skein_ReduceMinOp : Reduce<"reduce_min", "Ordered">;
def Skein_ReduceAndOp : Reduce<"reduce_and", "Bits">;
def Skein_ReduceOrOp : Reduce<"reduce_or", "Bits">;
def Skein_ArgmaxOp : Reduce<"argmax", "Ordered", "Index">;   // first of equals; a NaN is the greatest; over one dimension
def Skein_ArgminOp : Reduce<"argmin", "Ordered", "Index">;
def Skein_MomentsOp : Skein_TypedOp<"moments", [Pure]> {
  let summary = "Mean and sum of squared deviations from it, in one pass (Chan, Golub, LeVeque 1983)";
  let arguments = (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$dims);
  let results = (outs Skein_Tensor:$mean, Skein_Tensor:$m2);
}
#endif
