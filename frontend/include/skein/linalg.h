#pragma once
// Factorisations of matrices and what is made of them, with NumPy's and SciPy's names. The last two dimensions are matrices, the
// dimensions before them a batch. float32, float64, complex64 and complex128; integers become float32; UserError for others, and
// where square matrices are wanted and others given. NaN where there is no result.

#include <skein/numpy.h>

namespace skein::linalg {

struct CholeskyOptions {
  bool upper = false;
};
/// L of A = L L^H (upper: its adjoint). Of the mean of A and its adjoint; NaN where that is not positive definite.
SKEIN_API Array cholesky(const Array&, CholeskyOptions = {}, SKEIN_WHERE);
/// x of a x = b. b is a vector if it has one dimension, else matrices; the batches broadcast.
SKEIN_API Array solve(const Array& a, const Array& b, SKEIN_WHERE);
SKEIN_API Array inv(const Array&, SKEIN_WHERE);
SKEIN_API Array det(const Array&, SKEIN_WHERE);
struct SlogdetResult {
  Array sign, logabsdet;
};
/// The determinant is sign exp(logabsdet); 0 and -inf of singular matrices.
SKEIN_API SlogdetResult slogdet(const Array&, SKEIN_WHERE);
struct QrOptions {
  std::string_view mode = "reduced";  // or "complete": Q square
};
struct QrResult {
  Array q, r;
};
SKEIN_API QrResult qr(const Array&, QrOptions = {}, SKEIN_WHERE);
struct EighOptions {
  std::string_view uplo = "L";  // or "U": the triangle that counts
  bool symmetrize = true;       // the mean of the matrix and its adjoint is taken instead, as in JAX
};
struct EigResult {
  Array eigenvalues, eigenvectors;
};
/// Of Hermitian matrices: real eigenvalues, ascending, and vectors as columns.
SKEIN_API EigResult eigh(const Array&, EighOptions = {}, SKEIN_WHERE);
SKEIN_API Array eigvalsh(const Array&, EighOptions = {}, SKEIN_WHERE);
/// Of any square matrices: complex, in no order. Has no derivative; eigvals has one.
SKEIN_API EigResult eig(const Array&, SKEIN_WHERE);
SKEIN_API Array eigvals(const Array&, SKEIN_WHERE);
struct SvdOptions {
  bool full_matrices = true;
  bool compute_uv = true;  // false: u and vh are empty arrays (empty() holds)
};
struct SvdResult {
  Array u, s, vh;
};
/// A = u diag(s) vh, s descending. Derivatives of vectors need full_matrices = false unless A is square.
SKEIN_API SvdResult svd(const Array&, SvdOptions = {}, SKEIN_WHERE);
SKEIN_API Array svdvals(const Array&, SKEIN_WHERE);
struct LstsqResult {
  Array x, residuals, rank, s;
};
/// x of least length among those that make |b - a x| least; singular values up to rcond times the greatest count as 0. `a` is one
/// matrix, b a vector or a matrix. residuals: the squares for each column, always.
SKEIN_API LstsqResult lstsq(const Array& a, const Array& b, std::optional<double> rcond = {}, SKEIN_WHERE);
struct RtolOptions {
  std::optional<double> rtol = {};  // max(rows, columns) times the dtype's epsilon
  bool hermitian = false;
};
/// The pseudo-inverse, of singular values above rtol times the greatest.
SKEIN_API Array pinv(const Array&, RtolOptions = {}, SKEIN_WHERE);
/// How many singular values are above rtol times the greatest; int32.
SKEIN_API Array matrix_rank(const Array&, RtolOptions = {}, SKEIN_WHERE);
/// |A| |A^-1| in a matrix norm; of order 2 (or none) and -2 from singular values.
SKEIN_API Array cond(const Array&, const NormOrder& = {}, SKEIN_WHERE);

struct LuResult {
  Array p, l, u;
};
/// A = p l u, as SciPy's.
SKEIN_API LuResult lu(const Array&, SKEIN_WHERE);
struct LuFactor {
  Array lu, piv;  // int32: row i was exchanged with row piv[i]
};
SKEIN_API LuFactor lu_factor(const Array&, SKEIN_WHERE);
struct LuSolveOptions {
  int trans = 0;  // 1: with the transpose, 2: with the adjoint
};
SKEIN_API Array lu_solve(const LuFactor&, const Array& b, LuSolveOptions = {}, SKEIN_WHERE);
struct SolveTriangularOptions {
  bool lower = false;
  int trans = 0;  // 1: the transpose, 2: the adjoint
  bool unit_diagonal = false;
};
/// As solve, of the one triangle of `a` that is read.
SKEIN_API Array solve_triangular(const Array& a, const Array& b, SolveTriangularOptions = {}, SKEIN_WHERE);
/// The exponential of matrices (Pade's approximant of degree 13, with squarings: Higham 2005); NaN for norms above about 3e5.
SKEIN_API Array expm(const Array&, SKEIN_WHERE);
/// The product of matrices (the first and the last may be vectors), in the order that costs least.
SKEIN_API Array multi_dot(const std::vector<Array>&, SKEIN_WHERE);

}  // namespace skein::linalg

namespace skein {
struct PolyfitOptions {
  std::optional<double> rcond = {};
  Array w = {};  // weights of the residuals
};
/// The coefficients, highest power first, of the polynomial nearest to the points (x, y); y may have columns.
SKEIN_API Array polyfit(const Array& x, const Array& y, std::int64_t degree, const PolyfitOptions& = {}, SKEIN_WHERE);
}  // namespace skein
