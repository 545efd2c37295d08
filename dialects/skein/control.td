// Control flow. Regions see the values around them; carries keep their types from turn to turn.
#ifndef SKEIN_CONTROL_TD
#define SKEIN_CONTROL_TD
include "dialect.td"

def Skein_YieldOp : Skein_Op<"yield", [Pure, Terminator, ReturnLike]> {
  let arguments = (ins Variadic<AnyType>:$operands);
  let assemblyFormat = "attr-dict ($operands^ `:` type($operands))?";
  let builders = [OpBuilder<(ins), [{ (void)$_state; }]>];
}
class Control<string mnemonic, list<Trait> traits = []> :
    Skein_Op<mnemonic, !listconcat(traits, [RecursiveMemoryEffects])> {
  let results = (outs Variadic<Skein_Tensor>:$results);
  let hasVerifier = 1;
}
def Skein_WhileOp : Control<"while"> {
  let summary = "Runs `body` on the carry as long as `cond` of it holds";
  let arguments = (ins Variadic<Skein_Tensor>:$inits);
  let regions = (region SizedRegion<1>:$cond, SizedRegion<1>:$body);
  let assemblyFormat = "$inits attr-dict `:` functional-type($inits, results) `cond` $cond `body` $body";
}
def Skein_ForOp : Control<"for"> {
  let summary = "Runs `body` on (i, carry) for i from low to below high, step 1";
  let arguments = (ins Skein_Tensor:$low, Skein_Tensor:$high, Variadic<Skein_Tensor>:$inits);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results) $body";
}
def Skein_SwitchOp : Control<"switch"> {
  let summary = "Runs the branch that the int32 index names, clamped into range";
  let arguments = (ins Skein_Tensor:$index);
  let regions = (region VariadicRegion<SizedRegion<1>>:$branches);
  let assemblyFormat = "$index attr-dict `:` functional-type($index, results) $branches";
}
def Skein_CallOp : Skein_Op<"call"> {
  let summary = "Calls a function of the module; inlined before anything else is compiled";
  let arguments = (ins FlatSymbolRefAttr:$callee, Variadic<Skein_Tensor>:$operands);
  let results = (outs Variadic<Skein_Tensor>:$results);
  let assemblyFormat = "$callee `(` $operands `)` attr-dict `:` functional-type($operands, results)";
}
def Skein_CustomJvpOp : Control<"custom_jvp"> {
  let summary = "`body` of the operands; its derivative is `rule` of operands and tangents, which gives values and tangents";
  let arguments = (ins Variadic<Skein_Tensor>:$operands);
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$rule);
  let assemblyFormat = "$operands attr-dict `:` functional-type($operands, results) $body `rule` $rule";
}
def Skein_CustomVjpOp : Control<"custom_vjp"> {
  let summary = "`body` of the operands; for reverse mode `forward` gives values and residuals, `backward` of residuals and cotangents the operands' cotangents";
  let arguments = (ins Variadic<Skein_Tensor>:$operands, DefaultValuedAttr<BoolAttr, "false">:$transparent);  // transparent: forward mode goes through body
  let regions = (region SizedRegion<1>:$body, SizedRegion<1>:$forward, SizedRegion<1>:$backward);
  let assemblyFormat = "$operands attr-dict `:` functional-type($operands, results) $body `forward` $forward `backward` $backward";
}
def Skein_ShardMapOp : Control<"shard_map"> {
  let summary = "Runs the body once on each device of the mesh, on blocks of the operands";
  let arguments = (ins Variadic<Skein_Tensor>:$operands, Skein_AxesAttr:$mesh, TypedArrayAttrBase<Skein_SpecAttr, "specs">:$in_specs,
                       TypedArrayAttrBase<Skein_SpecAttr, "specs">:$out_specs, DefaultValuedAttr<BoolAttr, "true">:$check_vma);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$operands attr-dict `:` functional-type($operands, results) $body";
}

// Made by the fusion pass, never written by a front end.
def Skein_KernelOp : Skein_Op<"kernel", [RecursiveMemoryEffects, IsolatedFromAbove]> {
  let summary = "Ops that run as one pass of loops; only operands and results are in memory";
  let arguments = (ins Variadic<Skein_Tensor>:$inputs);
  let results = (outs Variadic<Skein_Tensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$inputs attr-dict `:` functional-type($inputs, results) $body";
}

#endif
