// Factorisations of matrices, the last two dimensions; the dimensions before them are a batch.
#ifndef SKEIN_LINALG_TD
#define SKEIN_LINALG_TD
include "dialect.td"
class Factorisation<string mnemonic, dag results_> : Skein_TypedOp<mnemonic, [Pure]> {
  let arguments = (ins Skein_Tensor:$operand);
  let results = results_;
}
def Skein_CholeskyOp : Factorisation<"cholesky", (outs Skein_Tensor:$result)> {
  let summary = "The lower factor L of a = L L^H, zeros above; the lower triangle is read; NaN where a is not positive definite";
}
def Skein_TriangularSolveOp : Skein_TypedOp<"triangular_solve", [Pure]> {
  let summary = "x of op(a) x = b with a triangular; op by `transpose`: none, transpose or adjoint; the other triangle is not read";
  let arguments = (ins Skein_Tensor:$a, Skein_Tensor:$b, BoolAttr:$lower, StrAttr:$transpose, BoolAttr:$unit_diagonal);
  let results = (outs Skein_Tensor:$result);
}
def Skein_LuOp : Factorisation<"lu", (outs Skein_Tensor:$factors, Skein_Tensor:$pivots, Skein_Tensor:$permutation)> {
  let summary = "a[permutation] = L U, both in one matrix (L's diagonal is 1); row i was exchanged with row pivots[i]";
}
def Skein_QrOp : Skein_TypedOp<"qr", [Pure]> {
  let summary = "a = Q R by Householder reflections; full: Q is square";
  let arguments = (ins Skein_Tensor:$operand, BoolAttr:$full);
  let results = (outs Skein_Tensor:$q, Skein_Tensor:$r);
}
def Skein_EighOp : Skein_TypedOp<"eigh", [Pure]> {
  let summary = "Eigenvalues (ascending) and eigenvectors (columns) of Hermitian matrices, of which one triangle is read";
  let arguments = (ins Skein_Tensor:$operand, BoolAttr:$lower);
  let results = (outs Skein_Tensor:$values, Skein_Tensor:$vectors);
}
def Skein_SvdOp : Skein_TypedOp<"svd", [Pure]> {
  let summary = "a = U diag(s) V^H, s descending; full: U and V are square";
  let arguments = (ins Skein_Tensor:$operand, BoolAttr:$full);
  let results = (outs Skein_Tensor:$u, Skein_Tensor:$s, Skein_Tensor:$vh);
}
def Skein_SvdvalsOp : Factorisation<"svdvals", (outs Skein_Tensor:$s)> {
  let summary = "Singular values, descending";
}
def Skein_EigOp : Factorisation<"eig", (outs Skein_Tensor:$values, Skein_Tensor:$vectors)> {
  let summary = "Eigenvalues, in no order, and right eigenvectors (columns of length 1), both complex";
}
def Skein_EigvalsOp : Factorisation<"eigvals", (outs Skein_Tensor:$values)> {
  let summary = "Eigenvalues, complex, in no order";
}
#endif
