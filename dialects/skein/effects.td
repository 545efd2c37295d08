// What a program does besides computing.
#ifndef SKEIN_EFFECTS_TD
#define SKEIN_EFFECTS_TD
include "dialect.td"
def Skein_PrintOp : Skein_Op<"print", [MemoryEffects<[MemWrite]>]> {
  let summary = "Prints a line on every device; {} stands for the next operand";
  let arguments = (ins Variadic<Skein_Tensor>:$operands, StrAttr:$format);
  let assemblyFormat = "$format (`,` $operands^)? attr-dict `:` functional-type($operands, results)";
}
def Skein_CheckOp : Skein_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the program with a UserError where the predicate, a bool scalar, does not hold";
  let arguments = (ins Skein_Tensor:$predicate, Variadic<Skein_Tensor>:$values, StrAttr:$format);
  let assemblyFormat = "$predicate `,` $format (`,` $values^)? attr-dict `:` functional-type(operands, results)";
}
#endif
