// Elementwise ops: a line each. Operands agree in shape and dtype (`convert` and `broadcast` are explicit), varying axes join.
#ifndef SKEIN_ELEMENTWISE_TD
#define SKEIN_ELEMENTWISE_TD
include "dialect.td"

// `domain`: the dtypes that the op takes; `image`: the dtype of its result.
class Elementwise<string mnemonic, string domain, string image, list<Trait> traits> :
    Skein_TypedOp<mnemonic, !listconcat([Pure, ElementwiseTrait], traits)> {
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
  let extraClassDefinition = compatible # [{
    ::mlir::LogicalResult $cppClass::inferReturnTypes(::mlir::MLIRContext*, std::optional<::mlir::Location> loc, Adaptor adaptor,
                                                      ::llvm::SmallVectorImpl<::mlir::Type>& results) {
      return inferElementwise(loc, getOperationName(), adaptor.getOperands(), Domain::}] # domain # [{, Image::}] # image # [{, results);
    }
    ::mlir::OpFoldResult $cppClass::fold(FoldAdaptor adaptor) { return foldElementwise(*this, adaptor.getOperands()); }
  }];
}
class Unary<string mnemonic, string domain, string image = "Same", list<Trait> traits = []> : Elementwise<mnemonic, domain, image, traits> {
  let arguments = (ins Skein_Tensor:$operand);
}
class Binary<string mnemonic, string domain, string image = "Same", list<Trait> traits = []> : Elementwise<mnemonic, domain, image, traits> {
  let arguments = (ins Skein_Tensor:$lhs, Skein_Tensor:$rhs);
}

def Skein_NegOp : Unary<"neg", "Number">;
def Skein_AbsOp : Unary<"abs", "Number", "Real">;
def Skein_SignOp : Unary<"sign", "Number">;
def Skein_NotOp : Unary<"not", "Bits">;
def Skein_PopcntOp : Unary<"popcnt", "Integer">;
def Skein_ClzOp : Unary<"clz", "Integer">;
def Skein_ExpOp : Unary<"exp", "Inexact">;
def Skein_Exp2Op : Unary<"exp2", "Float">;
def Skein_Expm1Op : Unary<"expm1", "Inexact">;
def Skein_LogOp : Unary<"log", "Inexact">;
def Skein_Log2Op : Unary<"log2", "Float">;
def Skein_Log10Op : Unary<"log10", "Float">;
def Skein_Log1pOp : Unary<"log1p", "Inexact">;
def Skein_SqrtOp : Unary<"sqrt", "Inexact">;
def Skein_RsqrtOp : Unary<"rsqrt", "Inexact">;
def Skein_CbrtOp : Unary<"cbrt", "Float">;
def Skein_SinOp : Unary<"sin", "Inexact">;
def Skein_CosOp : Unary<"cos", "Inexact">;
def Skein_TanOp : Unary<"tan", "Inexact">;
def Skein_AsinOp : Unary<"asin", "Float">;
def Skein_AcosOp : Unary<"acos", "Float">;
def Skein_AtanOp : Unary<"atan", "Float">;
def Skein_SinhOp : Unary<"sinh", "Inexact">;
def Skein_CoshOp : Unary<"cosh", "Inexact">;
def Skein_TanhOp : Unary<"tanh", "Inexact">;
def Skein_AsinhOp : Unary<"asinh", "Float">;
def Skein_AcoshOp : Unary<"acosh", "Float">;
def Skein_AtanhOp : Unary<"atanh", "Float">;
def Skein_ErfOp : Unary<"erf", "Float">;
def Skein_ErfcOp : Unary<"erfc", "Float">;
def Skein_ErfInvOp : Unary<"erf_inv", "Float">;
def Skein_LgammaOp : Unary<"lgamma", "Float">;
def Skein_DigammaOp : Unary<"digamma", "Float">;
def Skein_LogisticOp : Unary<"logistic", "Inexact">;
def Skein_FloorOp : Unary<"floor", "Float">;
def Skein_CeilOp : Unary<"ceil", "Float">;
def Skein_TruncOp : Unary<"trunc", "Float">;
def Skein_RoundOp : Unary<"round", "Float">;            // half away from zero
def Skein_RoundEvenOp : Unary<"round_even", "Float">;   // half to even: NumPy's round
def Skein_IsFiniteOp : Unary<"is_finite", "Inexact", "Bool">;
def Skein_RealOp : Unary<"real", "Complex", "Real">;
def Skein_ImagOp : Unary<"imag", "Complex", "Real">;
def Skein_ConjOp : Unary<"conj", "Complex">;

def Skein_AddOp : Binary<"add", "Any", "Same", [Commutative]>;          // of bools: or
def Skein_SubOp : Binary<"sub", "Number">;
def Skein_MulOp : Binary<"mul", "Any", "Same", [Commutative]>;          // of bools: and
def Skein_DivOp : Binary<"div", "Number">;                              // of integers: towards zero; x / 0 is -1 as in XLA
def Skein_RemOp : Binary<"rem", "RealNumber">;                          // sign of the dividend
def Skein_PowOp : Binary<"pow", "Number">;
def Skein_Atan2Op : Binary<"atan2", "Float">;
def Skein_MaximumOp : Binary<"maximum", "Ordered", "Same", [Commutative]>;  // NaN if either is
def Skein_MinimumOp : Binary<"minimum", "Ordered", "Same", [Commutative]>;
def Skein_NextafterOp : Binary<"nextafter", "Float">;
def Skein_CopysignOp : Binary<"copysign", "Float">;
def Skein_AndOp : Binary<"and", "Bits", "Same", [Commutative]>;
def Skein_OrOp : Binary<"or", "Bits", "Same", [Commutative]>;
def Skein_XorOp : Binary<"xor", "Bits", "Same", [Commutative]>;
def Skein_ShlOp : Binary<"shl", "Integer">;                             // by the width or more: 0
def Skein_ShrArithmeticOp : Binary<"shr_arithmetic", "Integer">;        // by the width or more: the sign
def Skein_ShrLogicalOp : Binary<"shr_logical", "Integer">;
def Skein_ComplexOp : Binary<"complex", "Float", "Complex">;
def Skein_EqOp : Binary<"eq", "Any", "Bool", [Commutative]>;
def Skein_NeOp : Binary<"ne", "Any", "Bool", [Commutative]>;
def Skein_LtOp : Binary<"lt", "Ordered", "Bool">;
def Skein_LeOp : Binary<"le", "Ordered", "Bool">;
def Skein_GtOp : Binary<"gt", "Ordered", "Bool">;
def Skein_GeOp : Binary<"ge", "Ordered", "Bool">;

def Skein_ClampOp : Elementwise<"clamp", "Ordered", "Same", []> {       // minimum(maximum(operand, low), high)
  let arguments = (ins Skein_Tensor:$low, Skein_Tensor:$operand, Skein_Tensor:$high);
}
def Skein_FmaOp : Elementwise<"fma", "Float", "Same", []> {
  let arguments = (ins Skein_Tensor:$a, Skein_Tensor:$b, Skein_Tensor:$c);
}

def Skein_SelectOp : Skein_TypedOp<"select", [Pure, ElementwiseTrait]> {
  let summary = "on_true where the bool predicate holds, else on_false";
  let arguments = (ins Skein_Tensor:$predicate, Skein_Tensor:$on_true, Skein_Tensor:$on_false);
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
}
def Skein_ConvertOp : Skein_TypedOp<"convert", [Pure, ElementwiseTrait]> {
  let summary = "The value in another dtype: floats to integers truncate and saturate (NaN: 0), to bool: != 0";
  let arguments = (ins Skein_Tensor:$operand, TypeAttr:$dtype);
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
}
def Skein_BitcastOp : Skein_TypedOp<"bitcast", [Pure, ElementwiseTrait]> {
  let summary = "The same bits in another dtype of the same width";
  let arguments = (ins Skein_Tensor:$operand, TypeAttr:$dtype);
  let results = (outs Skein_Tensor:$result);
  let hasFolder = 1;
}
#endif
