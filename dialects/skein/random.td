// Random bits.
#ifndef SKEIN_RANDOM_TD
#define SKEIN_RANDOM_TD
include "dialect.td"
def Skein_ThreefryOp : Skein_TypedOp<"threefry", [Pure, ElementwiseTrait]> {
  let summary = "Threefry-2x32 with 20 rounds of a counter under a key, elementwise on uint32 (Salmon et al., SC 2011)";
  let arguments = (ins Skein_Tensor:$key0, Skein_Tensor:$key1, Skein_Tensor:$counter0, Skein_Tensor:$counter1);
  let results = (outs Skein_Tensor:$word0, Skein_Tensor:$word1);
}
#endif
