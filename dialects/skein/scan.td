// Running totals.
#ifndef SKEIN_SCAN_TD
#define SKEIN_SCAN_TD
include "dialect.td"
def Skein_CumulativeOp : Skein_TypedOp<"cumulative", [Pure]> {
  let summary = "Each element joined with all before it along dim (reverse: after it): their sum, prod, max or min";
  let arguments = (ins Skein_Tensor:$operand, I64Attr:$dim, StrAttr:$kind, BoolAttr:$reverse);
  let results = (outs Skein_Tensor:$result);
}
#endif
