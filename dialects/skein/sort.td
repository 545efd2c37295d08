// Sorting.
#ifndef SKEIN_SORT_TD
#define SKEIN_SORT_TD
include "dialect.td"
def Skein_SortOp : Skein_TypedOp<"sort", [Pure]> {
  let summary = "Sorts the first operand along dim, ascending, stable, NaN last; the others are carried along";
  let arguments = (ins Variadic<Skein_Tensor>:$operands, I64Attr:$dim);
  let results = (outs Variadic<Skein_Tensor>:$results);
}
#endif
