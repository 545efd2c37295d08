// Ops that write where indices say.
#ifndef SKEIN_INDEXING_TD
#define SKEIN_INDEXING_TD
include "dialect.td"
def Skein_ScatterOp : Skein_TypedOp<"scatter", [Pure]> {
  let summary = "The operand with its slices at integer indices along dim set to, or joined with, the updates; indices out of range are dropped";
  let arguments = (ins Skein_Tensor:$operand, Skein_Tensor:$indices, Skein_Tensor:$updates, I64Attr:$dim, StrAttr:$kind);
  let results = (outs Skein_Tensor:$result);
}
#endif
