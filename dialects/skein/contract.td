// Contractions.
#ifndef SKEIN_CONTRACT_TD
#define SKEIN_CONTRACT_TD
include "dialect.td"
def Skein_DotGeneralOp : Skein_TypedOp<"dot_general", [Pure]> {
  let summary = "Sum of products over the contracting dimensions; the result's: batch, then lhs's free, then rhs's free";
  let arguments = (ins Skein_Tensor:$lhs, Skein_Tensor:$rhs, DenseI64ArrayAttr:$lhs_batch, DenseI64ArrayAttr:$rhs_batch,
                       DenseI64ArrayAttr:$lhs_contract, DenseI64ArrayAttr:$rhs_contract);
  let results = (outs Skein_Tensor:$result);
}
#endif
