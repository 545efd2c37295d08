// Ops that move elements and compute none.
#ifndef SKEIN_SHAPE_TD
#define SKEIN_SHAPE_TD
include "dialect.td"

def Skein_ConstantOp : Skein_TypedOp<"constant", [Pure, ConstantLike]> {
  let arguments = (ins ElementsAttr:$value);
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
}
def Skein_IotaOp : Skein_TypedOp<"iota", [Pure]> {
  let summary = "Each element is its index along one dimension";
  let arguments = (ins DenseI64ArrayAttr:$shape, TypeAttr:$dtype, I64Attr:$dim);
  let results = (outs Skein_Tensor:$result);
}
class ShapeOp<string mnemonic, dag arguments_, bit folds = 0> : Skein_TypedOp<mnemonic, [Pure]> {
  let arguments = arguments_;
  let results = (outs Skein_Tensor:$result);
  let hasFolder = folds;
}
def Skein_ReshapeOp : ShapeOp<"reshape", (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$shape), 1>;
def Skein_BroadcastOp : ShapeOp<"broadcast", (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$shape, DenseI64ArrayAttr:$dims), 1> {
  let summary = "dims[i]: the dimension of the result that dimension i of the operand becomes; a size of 1 is repeated";
}
def Skein_TransposeOp : ShapeOp<"transpose", (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$permutation), 1> {
  let summary = "Dimension i of the result is dimension permutation[i] of the operand";
}
def Skein_ConcatenateOp : ShapeOp<"concatenate", (ins Variadic<Skein_Tensor>:$operands, I64Attr:$dim), 1>;
def Skein_SliceOp : ShapeOp<"slice", (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$starts, DenseI64ArrayAttr:$stops,
                                    DenseI64ArrayAttr:$strides), 1>;
def Skein_DynamicSliceOp : ShapeOp<"dynamic_slice", (ins Skein_Tensor:$operand, Variadic<Skein_Tensor>:$starts, DenseI64ArrayAttr:$sizes)> {
  let summary = "A window of static size; starts (integer scalars) are clamped so that it lies inside";
}
def Skein_DynamicUpdateSliceOp : ShapeOp<"dynamic_update_slice", (ins Skein_Tensor:$operand, Skein_Tensor:$update, Variadic<Skein_Tensor>:$starts)> {
  let summary = "The operand with a window replaced; starts (integer scalars) are clamped so that it lies inside";
}
def Skein_PadOp : ShapeOp<"pad", (ins Skein_Tensor:$operand, Skein_Tensor:$value, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high,
                                DenseI64ArrayAttr:$interior), 1> {
  let summary = "low and high may be negative (they crop); interior elements go between neighbours";
}
def Skein_ReverseOp : ShapeOp<"reverse", (ins Skein_Tensor:$operand, DenseI64ArrayAttr:$dims), 1>;
def Skein_TakeOp : ShapeOp<"take", (ins Skein_Tensor:$operand, Skein_Tensor:$indices, I64Attr:$dim)> {
  let summary = "operand's slices at integer indices along dim, whose place the indices' dimensions take; clamped";
}
#endif
