// What devices of a mesh do together. Ranks count row-major over the axes in the order named.
#ifndef SKEIN_COLLECTIVES_TD
#define SKEIN_COLLECTIVES_TD
include "dialect.td"

// Collectives are not removed or merged when they have uses, but they are pure: every device runs the same ones.
class Collective<string mnemonic, dag arguments_, list<Trait> traits = []> : Skein_TypedOp<mnemonic, !listconcat([Pure, CollectiveTrait], traits)> {
  let arguments = arguments_;
}
class AllReduce<string mnemonic> : Collective<mnemonic, (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$axes, OptionalAttr<ArrayAttr>:$groups)> {
  let results = (outs Variadic<Skein_Tensor>:$results);
  let extraClassDefinition = compatible # [{
    ::mlir::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext*, std::optional<::mlir::Location> loc, Adaptor adaptor,
                                                      ::llvm::SmallVectorImpl<::mlir::Type>& results) {
      return inferAllReduce(loc, getOperationName(), adaptor.getOperands(), adaptor.getAxes(), adaptor.getGroupsAttr(), results);
    }
  }];
}
def Skein_PsumOp : AllReduce<"psum">;
def Skein_PmaxOp : AllReduce<"pmax">;
def Skein_PminOp : AllReduce<"pmin">;
class OneResult<string mnemonic, dag arguments_> : Collective<mnemonic, arguments_> { let results = (outs Variadic<Skein_Tensor>:$results); }
def Skein_AllGatherOp : OneResult<"all_gather", (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$axes, I64Attr:$dim, BoolAttr:$tiled,
                                                 OptionalAttr<ArrayAttr>:$groups, DefaultValuedAttr<BoolAttr, "false">:$invariant)>;
def Skein_PsumScatterOp : OneResult<"psum_scatter", (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$axes, I64Attr:$dim, BoolAttr:$tiled,
                                                     OptionalAttr<ArrayAttr>:$groups)>;
def Skein_AllToAllOp : OneResult<"all_to_all", (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$axes, I64Attr:$split_dim, I64Attr:$concat_dim,
                                                BoolAttr:$tiled, OptionalAttr<ArrayAttr>:$groups)>;
def Skein_PpermuteOp : OneResult<"ppermute", (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$axes, DenseI64ArrayAttr:$pairs)> {
  let summary = "pairs: source, destination, source, destination...; who is no destination gets zeros";
}
def Skein_AxisIndexOp : Skein_TypedOp<"axis_index", [Pure]> {
  let summary = "The device's rank over the axes, int32";
  let arguments = (ins Skein_AxesAttr:$axes);
  let results = (outs Skein_Tensor:$result);
}
def Skein_PvaryOp : Skein_TypedOp<"pvary", [Pure]> {
  let summary = "The same value, typed as varying over the axes too";
  let arguments = (ins Skein_Tensor:$operand, Skein_AxesAttr:$axes);
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
}
#endif
