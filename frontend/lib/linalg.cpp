// Factorisations, and what is composed of them.
#include <skein/linalg.h>

#include <skein/control.h>
#include <skein/transforms.h>

#include "frontend/lib/linalg_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

// ---- operands ----

std::int64_t rows_of(const Array& x) { return length_of(x, rank_of(x) - 2); }
std::int64_t columns_of(const Array& x) { return length_of(x, rank_of(x) - 1); }
void check_matrix(const Array& x) {
  if (rank_of(x) < 2) fail("takes matrices, of two dimensions or more, not " + describe(x));
}
void check_square(const Array& x) {
  check_matrix(x);
  if (rows_of(x) != columns_of(x)) fail("takes square matrices, not " + describe(x));
}

/// Runs `build` on the operands in one dtype that LAPACK has; `build` gives several arrays.
template <class Build>
std::vector<Array> factored(const char* name, std::initializer_list<Array> operands, const Key& key, Build&& build) {
  Joined joined = join_operands(operands, Want::inexact);
  if (is_half(joined.dtype))
    fail("takes float32, float64, complex64 and complex128, not " + describe(joined.operands[0]) +
         "; convert with astype first");
  DType dtype = joined.dtype;
  return staged_all(name, joined.operands, Key(dtype, key.bytes()), [&, dtype](In in) {
    std::vector<Array> cast_in;
    for (const Array& each : in) cast_in.push_back(cast(each, dtype));
    return std::vector<Array>(build(In(cast_in)));
  });
}
using Out = std::vector<Array>;

List lead_of(const Array& x, std::size_t matrix = 2) {
  List shape = x.shape().to_vector();
  shape.resize(shape.size() - matrix);
  return shape;
}
Shape shaped(List lead, std::initializer_list<std::int64_t> rest) {
  lead.insert(lead.end(), rest);
  Shape shape;
  for (std::int64_t size : lead) shape.push_back(size);
  return shape;
}
/// The batch of both, broadcast.
List joint_lead(const Array& a, const List& x, const Array& b, const List& y) {
  List lead(std::max(x.size(), y.size()), 1);
  for (const List* list : {&x, &y})
    for (std::size_t i = 0; i < list->size(); ++i) {
      std::int64_t &size = lead[lead.size() - list->size() + i], own = (*list)[i];
      if (size == 1)
        size = own;
      else if (own != 1 && own != size)
        fail("the leading dimensions of " + describe(a) + " and " + describe(b) + " do not broadcast");
    }
  return lead;
}

// ---- in a trace ----

Array adjoint(const Array& x) { return conj(matrix_transpose(x)); }
Array hermitian_part(const Array& x) { return (x + adjoint(x)) * 0.5; }
Array unit(std::int64_t size, const Array& like) { return eye(size, like.dtype()); }
Array solved_triangle(const Array& a, const Array& b, bool lower, int trans, bool unit_diagonal) {
  const char* names[] = {"none", "transpose", "adjoint"};
  return emit("triangular_solve", {a, b},
              {{"lower", lower}, {"transpose", std::string(names[trans])}, {"unit_diagonal", unit_diagonal}});
}
std::vector<Array> emit_lu(const Array& a) { return emit_all("lu", std::vector<Array>{a}); }
std::vector<Array> emit_svd(const Array& a, bool full) { return emit_all("svd", std::vector<Array>{a}, {{"full", full}}); }
Array diagonal_of(const Array& x) { return diagonal(x, {.offset = 0, .axis1 = -2, .axis2 = -1}); }
/// The rows of b in another order, one for each matrix.
Array rows_in_order(const Array& b, const Array& order) {
  if (!b.size()) return b;
  return take_along(b, broadcast_to(expand_dims(order, -1), b.shape()), rank_of(b) - 2);
}
/// x of op(a) x = b, of the factors and the permutation of a.
Array solved(const Array& factors, const Array& permutation, const Array& b, int trans) {
  if (!trans) return solved_triangle(factors, solved_triangle(factors, rows_in_order(b, permutation), true, 0, true), false, 0, false);
  Array y = solved_triangle(factors, solved_triangle(factors, b, false, trans, false), true, trans, true);
  return rows_in_order(y, argsort(permutation));
}
/// a and b with one batch; a vector b has become one column.
struct System {
  Array a, b;
  bool vector = false;
  Array result(const Array& x) const { return vector ? squeeze(x, -1) : x; }
};
void check_system(const Array& a, const Array& b) {
  check_square(a);
  if (rank_of(b) < 1) fail("the right side is a vector or matrices, not " + describe(b));
  std::int64_t rows = rank_of(b) == 1 ? length_of(b, 0) : rows_of(b);
  if (rows != rows_of(a)) fail("the right side has a row for each row of the matrix; here are " + describe(a) + " and " + describe(b));
  joint_lead(a, lead_of(a), b, rank_of(b) == 1 ? List() : lead_of(b));
}
System system_of(const Array& a, Array b) {
  bool vector = rank_of(b) == 1;
  if (vector) b = expand_dims(b, 1);
  List lead = joint_lead(a, lead_of(a), b, lead_of(b));
  return {broadcast_to(a, shaped(lead, {rows_of(a), columns_of(a)})), broadcast_to(b, shaped(lead, {rows_of(b), columns_of(b)})),
          vector};
}
Array solve_in_trace(const Array& a, const Array& b) {
  System s = system_of(a, b);
  auto lu = emit_lu(s.a);
  return s.result(solved(lu[0], lu[2], s.b, 0));
}
/// 1 for an even number of exchanged rows, -1 for an odd one.
Array parity(const Array& pivots, DType dtype) {
  Array moved = not_equal(pivots, emit_iota(pivots.shape(), int32, rank_of(pivots) - 1));
  Array count = sum(cast(moved, int32), {.axis = -1});
  return cast(1 - 2 * (count & 1), dtype);
}
double epsilon_of(DType d) { return real_dtype(d) == float64 ? 2.220446049250313e-16 : 1.1920928955078125e-07; }
/// Which singular values count, these being the largest first.
Array counted(const Array& s, double rtol) {
  return greater(s, cut(s, rank_of(s) - 1, 0, 1) * rtol);
}
Array inverse_where(const Array& mask, const Array& s) {
  return where(mask, reciprocal(where(mask, s, ones_like(s))), zeros_like(s));
}

}  // namespace

namespace linalg {

// ---- factorisations ----

Array cholesky(const Array& x, CholeskyOptions o, Where at) {
  Call call("cholesky", at);
  check_square(x);
  return factored("cholesky", {x}, Key(o.upper), [&](In in) {
    Array l = emit("cholesky", {hermitian_part(in[0])});
    return Out{o.upper ? adjoint(l) : l};
  })[0];
}

QrResult qr(const Array& x, QrOptions o, Where at) {
  Call call("qr", at);
  check_matrix(x);
  if (o.mode != "reduced" && o.mode != "complete")
    fail("the mode is \"reduced\" or \"complete\", not \"" + std::string(o.mode) + "\"");
  bool full = o.mode == "complete";
  auto made = factored("qr", {x}, Key(full), [&](In in) { return emit_all("qr", in, {{"full", full}}); });
  return {made[0], made[1]};
}

namespace {
std::vector<Array> eigh_of(const Array& x, EighOptions o) {
  check_square(x);
  if (o.uplo != "L" && o.uplo != "U") fail("uplo is \"L\" or \"U\", not \"" + std::string(o.uplo) + "\"");
  bool lower = o.uplo == "L";
  return factored("eigh", {x}, Key(lower, o.symmetrize), [&](In in) {
    Array a = o.symmetrize ? hermitian_part(in[0]) : in[0];
    return emit_all("eigh", std::vector<Array>{a}, {{"lower", lower}});
  });
}
}  // namespace

EigResult eigh(const Array& x, EighOptions o, Where at) {
  Call call("eigh", at);
  auto made = eigh_of(x, o);
  return {made[0], made[1]};
}
Array eigvalsh(const Array& x, EighOptions o, Where at) {
  Call call("eigvalsh", at);
  return eigh_of(x, o)[0];
}
EigResult eig(const Array& x, Where at) {
  Call call("eig", at);
  check_square(x);
  auto made = factored("eig", {x}, Key(), [&](In in) { return emit_all("eig", in); });
  return {made[0], made[1]};
}
Array eigvals(const Array& x, Where at) {
  Call call("eigvals", at);
  check_square(x);
  return factored("eigvals", {x}, Key(), [&](In in) { return emit_all("eigvals", in); })[0];
}

SvdResult svd(const Array& x, SvdOptions o, Where at) {
  Call call("svd", at);
  check_matrix(x);
  if (!o.compute_uv) return {{}, svdvals(x), {}};
  auto made = factored("svd", {x}, Key(o.full_matrices), [&](In in) { return emit_svd(in[0], o.full_matrices); });
  return {made[0], made[1], made[2]};
}
Array svdvals(const Array& x, Where at) {
  Call call("svdvals", at);
  check_matrix(x);
  return factored("svdvals", {x}, Key(), [&](In in) { return emit_all("svdvals", in); })[0];
}

// ---- by lu ----

Array solve(const Array& a, const Array& b, Where at) {
  Call call("solve", at);
  check_system(a, b);
  return factored("solve", {a, b}, Key(), [&](In in) { return Out{solve_in_trace(in[0], in[1])}; })[0];
}
Array inv(const Array& x, Where at) {
  Call call("inv", at);
  check_square(x);
  return factored("inv", {x}, Key(), [&](In in) { return Out{solve_in_trace(in[0], unit(rows_of(in[0]), in[0]))}; })[0];
}
Array det(const Array& x, Where at) {
  Call call("det", at);
  check_square(x);
  return factored("det", {x}, Key(), [&](In in) {
    auto made = emit_lu(in[0]);
    return Out{prod(diagonal_of(made[0]), {.axis = -1}) * parity(made[1], in[0].dtype())};
  })[0];
}
SlogdetResult slogdet(const Array& x, Where at) {
  Call call("slogdet", at);
  check_square(x);
  auto both = factored("slogdet", {x}, Key(), [&](In in) {
    auto made = emit_lu(in[0]);
    Array pivots = diagonal_of(made[0]), sizes = abs(pivots);
    Array signs = is_complex(in[0].dtype()) ? where(equal(sizes, 0), zeros_like(pivots), pivots / cast(where(equal(sizes, 0), ones_like(sizes), sizes), in[0].dtype()))
                                            : sign(pivots);
    return Out{prod(signs, {.axis = -1}) * parity(made[1], in[0].dtype()), sum(log(sizes), {.axis = -1})};
  });
  return {both[0], both[1]};
}
LuResult lu(const Array& x, Where at) {
  Call call("lu", at);
  check_matrix(x);
  auto parts = factored("lu", {x}, Key(), [&](In in) {
    auto made = emit_lu(in[0]);
    std::int64_t m = rows_of(in[0]), n = columns_of(in[0]), k = std::min(m, n), rank = rank_of(in[0]);
    Array columns = emit_iota(shaped(lead_of(in[0]), {m, m}), int32, rank - 2);
    Array p = cast(equal(columns, broadcast_to(expand_dims(made[2], -2), columns.shape())), in[0].dtype());
    Array l = tril(cut(made[0], rank - 1, 0, k), -1) + eye(m, k, 0, in[0].dtype());
    return Out{p, l, triu(cut(made[0], rank - 2, 0, k))};
  });
  return {parts[0], parts[1], parts[2]};
}
LuFactor lu_factor(const Array& x, Where at) {
  Call call("lu_factor", at);
  check_matrix(x);
  auto made = factored("lu_factor", {x}, Key(), [&](In in) {
    auto all_three = emit_lu(in[0]);
    return Out{all_three[0], all_three[1]};
  });
  return {made[0], made[1]};
}
Array lu_solve(const LuFactor& factor, const Array& b, LuSolveOptions o, Where at) {
  Call call("lu_solve", at);
  check_system(factor.lu, b);
  if (o.trans < 0 || o.trans > 2) fail("trans is 0, 1 or 2, not " + std::to_string(o.trans));
  if (!is_integer(factor.piv.dtype()) || rank_of(factor.piv) + 1 != rank_of(factor.lu) || length_of(factor.piv, rank_of(factor.piv) - 1) != rows_of(factor.lu))
    fail("the pivots are integers, one for each row, not " + describe(factor.piv));
  Joined joined = join_operands({factor.lu, b}, Want::inexact);
  std::vector<Array> operands{joined.operands[0], factor.piv, joined.operands[1]};
  DType dtype = joined.dtype;
  return staged_all("lu_solve", operands, Key(dtype, o.trans), [&](In in) {
    Array factors = cast(in[0], dtype), pivots = as_index(in[1]), right = cast(in[2], dtype);
    std::int64_t last = rank_of(pivots) - 1, n = length_of(pivots, last);
    Array places = emit_iota(pivots.shape(), pivots.dtype(), last);
    Array order = fori_loop(
        0, n,
        [&](const Array& i, const Array& now) {
          Array here = equal(places, cast(i, pivots.dtype()));
          auto at_place = [&](const Array& which, const Array& values) {
            return sum(where(which, values, zeros_like(values)), {.axis = last, .keepdims = true});
          };
          Array there = equal(places, at_place(here, pivots));
          Array mine = at_place(here, now), theirs = at_place(there, now);
          return where(here, theirs, where(there, mine, now));
        },
        places);
    System s = system_of(factors, right);
    List lead = lead_of(s.a);
    return Out{s.result(solved(s.a, broadcast_to(order, shaped(lead, {n})), s.b, o.trans))};
  })[0];
}
Array solve_triangular(const Array& a, const Array& b, SolveTriangularOptions o, Where at) {
  Call call("solve_triangular", at);
  check_system(a, b);
  if (o.trans < 0 || o.trans > 2) fail("trans is 0, 1 or 2, not " + std::to_string(o.trans));
  return factored("solve_triangular", {a, b}, Key(o.lower, o.trans, o.unit_diagonal), [&](In in) {
    System s = system_of(in[0], in[1]);
    return Out{s.result(solved_triangle(s.a, s.b, o.lower, o.trans, o.unit_diagonal))};
  })[0];
}

// ---- by svd ----

namespace {
double tolerance_of(const Array& x, std::optional<double> given) {
  return given.value_or(static_cast<double>(std::max(rows_of(x), columns_of(x))) * epsilon_of(inexact_dtype(x.dtype())));
}
std::vector<Array> least_squares(const Array& a, Array b, double rcond) {
  bool vector = rank_of(b) == 1;
  if (vector) b = expand_dims(b, 1);
  auto made = emit_svd(a, false);
  Array s = made[1];
  std::int64_t k = s.size();
  Array mask = k ? counted(s, rcond) : greater(s, 0);
  Array along = matmul(adjoint(made[0]), b) * expand_dims(inverse_where(mask, s), 1);
  Array x = matmul(adjoint(made[2]), along);
  Array rest = abs(b - matmul(a, x));
  Array residuals = sum(rest * rest, {.axis = 0});
  return {vector ? squeeze(x, 1) : x, residuals, sum(cast(mask, int32)), s};
}
}  // namespace

LstsqResult lstsq(const Array& a, const Array& b, std::optional<double> rcond, Where at) {
  Call call("lstsq", at);
  if (rank_of(a) != 2) fail("takes one matrix, not " + describe(a));
  if (rank_of(b) < 1 || rank_of(b) > 2 || length_of(b, 0) != length_of(a, 0))
    fail("the right side has a row for each row of the matrix; here are " + describe(a) + " and " + describe(b));
  double tolerance = tolerance_of(a, rcond);
  auto all_four = factored("lstsq", {a, b}, Key(tolerance), [&](In in) { return least_squares(in[0], in[1], tolerance); });
  return {all_four[0], all_four[1], all_four[2], all_four[3]};
}
Array pinv(const Array& x, RtolOptions o, Where at) {
  Call call("pinv", at);
  check_matrix(x);
  double tolerance = tolerance_of(x, o.rtol);
  return factored("pinv", {x}, Key(tolerance), [&](In in) {
    if (!in[0].size()) return Out{zeros(shaped(lead_of(in[0]), {columns_of(in[0]), rows_of(in[0])}), in[0].dtype())};
    auto made = emit_svd(in[0], false);
    Array inverse = cast(inverse_where(counted(made[1], tolerance), made[1]), in[0].dtype());
    return Out{matmul(adjoint(made[2]) * expand_dims(inverse, -2), adjoint(made[0]))};
  })[0];
}
Array matrix_rank(const Array& x, RtolOptions o, Where at) {
  Call call("matrix_rank", at);
  check_matrix(x);
  double tolerance = tolerance_of(x, o.rtol);
  return factored("matrix_rank", {x}, Key(tolerance), [&](In in) {
    Array s = emit("svdvals", {in[0]});
    Array mask = columns_of(s) ? counted(s, tolerance) : greater(s, 0);
    return Out{sum(cast(mask, int32), {.axis = -1})};
  })[0];
}
Array cond(const Array& x, const NormOrder& order, Where at) {
  Call call("cond", at);
  check_matrix(x);
  if (!x.size()) fail("takes no empty matrices, such as " + describe(x));
  std::optional<double> number = order.number();
  bool singular = order.name().empty() && (!number || std::abs(*number) == 2);
  if (!singular) {
    check_square(x);
    MatrixNormOptions options{.keepdims = false, .ord = order};
    return matrix_norm(x, options) * matrix_norm(inv(x), options);
  }
  bool least = number.value_or(2) < 0;
  return factored("cond", {x}, Key(least), [&](In in) {
    Array s = emit("svdvals", {in[0]});
    std::int64_t dim = rank_of(s) - 1, k = length_of(s, dim);
    Array ratio = least ? cut(s, dim, k - 1, k) / cut(s, dim, 0, 1) : cut(s, dim, 0, 1) / cut(s, dim, k - 1, k);
    return Out{squeeze(ratio, -1)};
  })[0];
}

// ---- expm ----

Array expm(const Array& x, Where at) {
  Call call("expm", at);
  check_square(x);
  return factored("expm", {x}, Key(), [&](In in) {
    constexpr double theta = 5.371920351148152;  // Higham's bound for degree 13 in double
    constexpr std::int64_t most = 16;
    constexpr double b[] = {64764752532480000., 32382376266240000., 7771770303897600., 1187353796428800., 129060195264000., 10559470521600., 670442572800.,
                            33522128640.,       1323241920.,        40840800.,         960960.,          16380.,           182.,            1.};
    Array a = in[0];
    if (!a.size()) return Out{a};
    std::int64_t n = rows_of(a);
    DType real_one = real_dtype(a.dtype());
    // How often the matrix is halved: constant to the derivative.
    Array size = max(sum(abs(stop_gradient(a)), {.axis = -2, .keepdims = true}), {.axis = -1, .keepdims = true});
    Array raw = ceil(log2(maximum(size / theta, cast(Array(1), real_one))));
    Array halvings = minimum(raw, cast(Array(most), real_one));
    a = a * cast(exp2(-halvings), a.dtype());
    // The coefficients lie far apart: all are divided by the first, so that float32 has room.
    auto c = [&](int i) { return cast(Array(b[i] / b[0]), in[0].dtype()); };
    Array one = broadcast_to(unit(n, a), a.shape());
    Array a2 = matmul(a, a), a4 = matmul(a2, a2), a6 = matmul(a4, a2);
    Array u = matmul(a, matmul(a6, c(13) * a6 + c(11) * a4 + c(9) * a2) + c(7) * a6 + c(5) * a4 + c(3) * a2 + c(1) * one);
    Array v = matmul(a6, c(12) * a6 + c(10) * a4 + c(8) * a2) + c(6) * a6 + c(4) * a4 + c(2) * a2 + c(0) * one;
    Array start = solve_in_trace(v - u, v + u);
    Array squared = fori_loop(
        0, most, [&](const Array& i, const Array& now) { return where(less(cast(i, real_one), halvings), matmul(now, now), now); }, start);
    Array nan = cast(Array(std::numeric_limits<double>::quiet_NaN()), in[0].dtype());
    return Out{where(greater(raw, cast(Array(most), real_one)), nan, squared)};
  })[0];
}

// ---- multi_dot ----

namespace {
/// The product of matrices first ... last, split where `cut_at` says.
Array chain(In in, const std::vector<std::vector<std::size_t>>& cut_at, std::size_t first, std::size_t last) {
  if (first == last) return in[first];
  std::size_t middle = cut_at[first][last];
  return matmul(chain(in, cut_at, first, middle), chain(in, cut_at, middle + 1, last));
}
}  // namespace

Array multi_dot(const std::vector<Array>& all_of, Where at) {
  Call call("multi_dot", at);
  std::size_t count = all_of.size();
  if (count < 2) fail("wants two arrays or more");
  for (std::size_t i = 0; i < count; ++i) {
    bool end = i == 0 || i + 1 == count;
    if (rank_of(all_of[i]) != 2 && !(end && rank_of(all_of[i]) == 1))
      fail("takes matrices, and vectors as the first and the last; not " + describe(all_of[i]));
  }
  bool row = rank_of(all_of[0]) == 1, column = rank_of(all_of[count - 1]) == 1;
  std::vector<Array> operands = all_of;
  if (row) operands[0] = expand_dims(operands[0], 0);
  if (column) operands[count - 1] = expand_dims(operands[count - 1], 1);
  std::vector<double> sizes{static_cast<double>(length_of(operands[0], 0))};
  for (std::size_t i = 0; i < count; ++i) {
    if (i && length_of(operands[i], 0) != length_of(operands[i - 1], 1))
      fail("sizes do not match: " + describe(all_of[i - 1]) + " and " + describe(all_of[i]));
    sizes.push_back(static_cast<double>(length_of(operands[i], 1)));
  }
  std::vector<std::vector<double>> cost(count, std::vector<double>(count, 0));
  std::vector<std::vector<std::size_t>> cut_at(count, std::vector<std::size_t>(count, 0));
  for (std::size_t length = 1; length < count; ++length)
    for (std::size_t first = 0; first + length < count; ++first) {
      std::size_t last = first + length;
      double best = std::numeric_limits<double>::infinity();
      for (std::size_t middle = first; middle < last; ++middle) {
        double here = cost[first][middle] + cost[middle + 1][last] + sizes[first] * sizes[middle + 1] * sizes[last + 1];
        if (here < best) best = here, cut_at[first][last] = middle;
      }
      cost[first][last] = best;
    }
  return staged_all("multi_dot", operands, Key(row, column), [&](In in) {
    Array result = chain(in, cut_at, 0, count - 1);
    if (column) result = squeeze(result, 1);
    if (row) result = squeeze(result, 0);
    return Out{result};
  })[0];
}

}  // namespace linalg

// ---- norms and polynomials ----

Array detail::singular_norm(const Array& x, std::int64_t rows, std::int64_t columns, int kind) {
  List order;
  for (std::int64_t d = 0; d < rank_of(x); ++d)
    if (d != rows && d != columns) order.push_back(d);
  order.push_back(rows), order.push_back(columns);
  Array moved = transpose(x, order);
  Array s = emit("svdvals", {moved});
  Array value = kind == 0 ? sum(s, {.axis = -1}) : kind > 0 ? max(s, {.axis = -1}) : min(s, {.axis = -1});
  return expand_dims(value, List{std::min(rows, columns), std::max(rows, columns)});
}

Array polyfit(const Array& x, const Array& y, std::int64_t degree, const PolyfitOptions& o, Where at) {
  Call call("polyfit", at);
  if (rank_of(x) != 1 || !x.size()) fail("wants a vector of places, with elements, not " + describe(x));
  if (rank_of(y) < 1 || rank_of(y) > 2 || length_of(y, 0) != x.size())
    fail("wants a value, or a row of values, for each place; here are " + describe(x) + " and " + describe(y));
  if (degree < 0) fail("the degree is not negative, as " + std::to_string(degree));
  bool weighted = !o.w.empty();
  if (weighted && (rank_of(o.w) != 1 || o.w.size() != x.size())) fail("wants a weight for each place, not " + describe(o.w));
  Array weights = weighted ? o.w : Array(1);
  double tolerance = o.rcond.value_or(static_cast<double>(x.size()) * epsilon_of(inexact_dtype(x.dtype())));
  return factored("polyfit", {x, y, weights}, Key(degree, tolerance, weighted), [&](In in) {
    Array powers = vander(in[0], degree + 1), values = in[1];
    if (weighted) {
      Array w = expand_dims(in[2], 1);
      powers = powers * w;
      values = rank_of(values) == 1 ? values * in[2] : values * w;
    }
    // Columns of one length: the powers lie far apart.
    Array sizes = abs(powers);
    sizes = sqrt(sum(sizes * sizes, {.axis = 0}));
    sizes = where(equal(sizes, 0), ones_like(sizes), sizes);
    Array found = linalg::least_squares(powers / sizes, values, tolerance)[0];
    return Out{found / (rank_of(values) == 1 ? sizes : expand_dims(sizes, 1))};
  })[0];
}

}  // namespace skein
