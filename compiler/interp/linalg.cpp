// The linalg family: textbook algorithms in complex double, a matrix after the other.
#include <algorithm>
#include <limits>
#include <numeric>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

namespace {

struct Matrix {
  std::int64_t rows = 0, columns = 0;
  std::vector<Complex> elements = {};
  Matrix(std::int64_t rows, std::int64_t columns) : rows(rows), columns(columns), elements(static_cast<std::size_t>(rows * columns)) {}
  Complex& operator()(std::int64_t i, std::int64_t j) { return elements[static_cast<std::size_t>(i * columns + j)]; }
  Complex operator()(std::int64_t i, std::int64_t j) const { return elements[static_cast<std::size_t>(i * columns + j)]; }
  static Matrix identity(std::int64_t size) {
    Matrix one(size, size);
    for (std::int64_t i = 0; i < size; ++i) one(i, i) = 1;
    return one;
  }
  static Matrix filled(std::int64_t rows, std::int64_t columns, Complex value) {
    Matrix all(rows, columns);
    std::fill(all.elements.begin(), all.elements.end(), value);
    return all;
  }
};

const Complex kNaN(std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN());

Matrix operator*(const Matrix& a, const Matrix& b) {
  Matrix c(a.rows, b.columns);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t k = 0; k < a.columns; ++k)
      for (std::int64_t j = 0; j < b.columns; ++j) c(i, j) += a(i, k) * b(k, j);
  return c;
}
Matrix adjoint(const Matrix& a) {
  Matrix b(a.columns, a.rows);
  for (std::int64_t i = 0; i < a.rows; ++i)
    for (std::int64_t j = 0; j < a.columns; ++j) b(j, i) = std::conj(a(i, j));
  return b;
}
bool isFinite(const Matrix& a) {
  return std::all_of(a.elements.begin(), a.elements.end(), [](Complex x) { return std::isfinite(x.real()) && std::isfinite(x.imag()); });
}

// ---- the batch ----

std::int64_t sizeFromBack(const HostArray& array, std::size_t i) { return array.shape[array.shape.size() - i]; }
std::int64_t batchOf(const HostArray& array) {
  std::int64_t count = 1;
  for (std::size_t i = 0; i + 2 < array.shape.size(); ++i) count *= array.shape[i];
  return count;
}
Matrix matrixOf(const HostArray& array, std::int64_t b) {
  Matrix a(sizeFromBack(array, 2), sizeFromBack(array, 1));
  const auto count = static_cast<std::int64_t>(a.elements.size());
  for (std::int64_t i = 0; i < count; ++i) a.elements[static_cast<std::size_t>(i)] = loadComplex(array, b * count + i);
  return a;
}
/// Puts numbers where the b-th matrix (or vector) of that many lies.
void put(HostArray& array, std::int64_t b, const std::vector<Complex>& numbers) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  for (std::int64_t i = 0; i < count; ++i) {
    const Complex x = numbers[static_cast<std::size_t>(i)];
    if (is_complex(array.dtype))
      store(array, b * count + i, x);
    else
      store(array, b * count + i, Real(x.real()));
  }
}
void put(HostArray& array, std::int64_t b, const std::vector<Integer>& numbers) {
  const auto count = static_cast<std::int64_t>(numbers.size());
  for (std::int64_t i = 0; i < count; ++i) store(array, b * count + i, numbers[static_cast<std::size_t>(i)]);
}
template <class F>
Results forEachMatrix(mlir::Operation* op, Operands operands, F&& f) {
  Results results;
  for (unsigned i = 0; i < op->getNumResults(); ++i) results.push_back(emptyResult(op, i));
  for (std::int64_t b = 0; b < batchOf(*operands[0]); ++b) f(b, matrixOf(*operands[0], b), results);
  return results;
}

// ---- cholesky, triangular_solve, lu ----

Matrix choleskyOf(const Matrix& a) {
  const std::int64_t n = a.rows;
  Matrix l(n, n);
  for (std::int64_t j = 0; j < n; ++j) {
    double pivot = a(j, j).real();
    for (std::int64_t k = 0; k < j; ++k) pivot -= std::norm(l(j, k));
    if (!(pivot > 0)) {
      for (std::int64_t i = 0; i < n; ++i)
        for (std::int64_t k = 0; k <= i; ++k) l(i, k) = kNaN;
      return l;
    }
    l(j, j) = std::sqrt(pivot);
    for (std::int64_t i = j + 1; i < n; ++i) {
      Complex sum = a(i, j);
      for (std::int64_t k = 0; k < j; ++k) sum -= l(i, k) * std::conj(l(j, k));
      l(i, j) = sum / l(j, j);
    }
  }
  return l;
}
Results evaluateCholesky(mlir::Operation* op, Operands operands) {
  return forEachMatrix(op, operands, [](std::int64_t b, const Matrix& a, Results& results) { put(results[0], b, choleskyOf(a).elements); });
}

Results evaluateTriangularSolve(mlir::Operation* any, Operands operands) {
  auto op = llvm::cast<ir::TriangularSolveOp>(any);
  const std::string mode = op.getTranspose().str();
  return forEachMatrix(any, operands, [&](std::int64_t b, const Matrix& a, Results& results) {
    Matrix x = matrixOf(*operands[1], b);
    const std::int64_t n = a.rows;
    auto element = [&](std::int64_t i, std::int64_t j) { return mode == "none" ? a(i, j) : mode == "transpose" ? a(j, i) : std::conj(a(j, i)); };
    const bool forwards = op.getLower() == (mode == "none");
    for (std::int64_t c = 0; c < x.columns; ++c)
      for (std::int64_t step = 0; step < n; ++step) {
        const std::int64_t i = forwards ? step : n - 1 - step;
        for (std::int64_t j = forwards ? 0 : i + 1; j < (forwards ? i : n); ++j) x(i, c) -= element(i, j) * x(j, c);
        if (op.getUnitDiagonal()) continue;
        // A real number divides each part by itself: what is divided by 0 is infinite.
        const Complex pivot = element(i, i);
        x(i, c) = pivot.imag() == 0 ? x(i, c) / pivot.real() : x(i, c) / pivot;
      }
    put(results[0], b, x.elements);
  });
}

Results evaluateLu(mlir::Operation* op, Operands operands) {
  return forEachMatrix(op, operands, [](std::int64_t b, Matrix a, Results& results) {
    const std::int64_t k = std::min(a.rows, a.columns);
    std::vector<Integer> pivots, permutation(static_cast<std::size_t>(a.rows));
    std::iota(permutation.begin(), permutation.end(), 0);
    auto weight = [](Complex x) { return std::abs(x.real()) + std::abs(x.imag()); };  // as LAPACK compares
    for (std::int64_t j = 0; j < k; ++j) {
      std::int64_t best = j;
      for (std::int64_t i = j + 1; i < a.rows; ++i)
        if (weight(a(i, j)) > weight(a(best, j))) best = i;
      pivots.push_back(best);
      std::swap(permutation[static_cast<std::size_t>(j)], permutation[static_cast<std::size_t>(best)]);
      for (std::int64_t c = 0; c < a.columns; ++c) {
        const Complex upper = a(j, c);
        a(j, c) = a(best, c), a(best, c) = upper;
      }
      if (a(j, j) == Complex(0)) continue;
      for (std::int64_t i = j + 1; i < a.rows; ++i) {
        a(i, j) /= a(j, j);
        for (std::int64_t c = j + 1; c < a.columns; ++c) a(i, c) -= a(i, j) * a(j, c);
      }
    }
    put(results[0], b, a.elements);
    put(results[1], b, pivots);
    put(results[2], b, permutation);
  });
}

// ---- qr: reflections 1 - tau v v^H with v[0] = 1, which make the diagonal of R real; signs are LAPACK's ----

struct QR {
  Matrix q, r;
};
QR qrOf(Matrix r) {
  const std::int64_t m = r.rows, n = r.columns;
  Matrix q = Matrix::identity(m);
  for (std::int64_t j = 0; j < std::min(m, n); ++j) {
    double below = 0;
    for (std::int64_t i = j + 1; i < m; ++i) below += std::norm(r(i, j));
    const Complex alpha = r(j, j);
    if (below == 0 && alpha.imag() == 0) continue;
    const double beta = -std::copysign(std::sqrt(std::norm(alpha) + below), alpha.real());
    const Complex tau((beta - alpha.real()) / beta, -alpha.imag() / beta);
    std::vector<Complex> v(static_cast<std::size_t>(m));
    v[static_cast<std::size_t>(j)] = 1;
    for (std::int64_t i = j + 1; i < m; ++i) v[static_cast<std::size_t>(i)] = r(i, j) / (alpha - beta);
    for (std::int64_t c = 0; c < n; ++c) {  // R = H^H R
      Complex along = 0;
      for (std::int64_t i = j; i < m; ++i) along += std::conj(v[static_cast<std::size_t>(i)]) * r(i, c);
      for (std::int64_t i = j; i < m; ++i) r(i, c) -= std::conj(tau) * v[static_cast<std::size_t>(i)] * along;
    }
    for (std::int64_t i = j + 1; i < m; ++i) r(i, j) = 0;
    for (std::int64_t i = 0; i < m; ++i) {  // Q = Q H
      Complex along = 0;
      for (std::int64_t c = j; c < m; ++c) along += q(i, c) * v[static_cast<std::size_t>(c)];
      for (std::int64_t c = j; c < m; ++c) q(i, c) -= tau * along * std::conj(v[static_cast<std::size_t>(c)]);
    }
  }
  return {q, r};
}
/// The first rows and columns.
Matrix corner(const Matrix& a, std::int64_t rows, std::int64_t columns) {
  Matrix c(rows, columns);
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) c(i, j) = a(i, j);
  return c;
}
Results evaluateQr(mlir::Operation* op, Operands operands) {
  const bool full = llvm::cast<ir::QrOp>(op).getFull();
  return forEachMatrix(op, operands, [&](std::int64_t b, const Matrix& a, Results& results) {
    QR made = qrOf(a);
    const std::int64_t inner = full ? a.rows : std::min(a.rows, a.columns);
    put(results[0], b, corner(made.q, a.rows, inner).elements);
    put(results[1], b, corner(made.r, inner, a.columns).elements);
  });
}

// ---- rotations that make [[a, h], [conj(h), b]] diagonal (Jacobi) ----

/// Of columns p and q of a matrix: p' = c p - s conj(phase) q, q' = s p + c conj(phase) q.
struct Jacobi {
  double c = 1, s = 0;
  Complex phase = 1;
  Jacobi(double a, double b, Complex h) {
    const double size = std::abs(h);
    phase = h / size;
    const double tau = (b - a) / (2 * size), t = (tau < 0 ? -1 : 1) / (std::abs(tau) + std::hypot(1, tau));
    c = 1 / std::hypot(1, t), s = t * c;
  }
  void columns(Matrix& m, std::int64_t p, std::int64_t q) const {
    for (std::int64_t i = 0; i < m.rows; ++i) {
      const Complex x = m(i, p), y = std::conj(phase) * m(i, q);
      m(i, p) = c * x - s * y;
      m(i, q) = s * x + c * y;
    }
  }
  void rows(Matrix& m, std::int64_t p, std::int64_t q) const {
    for (std::int64_t j = 0; j < m.columns; ++j) {
      const Complex x = m(p, j), y = phase * m(q, j);
      m(p, j) = c * x - s * y;
      m(q, j) = s * x + c * y;
    }
  }
};
constexpr int kMostSweeps = 60;
constexpr double kSmall = 1e-15;

/// As the runtime: the first element of at least half the greatest magnitude becomes real and positive. Gives the factor.
Complex turn(Matrix& m, std::int64_t column) {
  double most = 0;
  for (std::int64_t i = 0; i < m.rows; ++i) most = std::max(most, std::abs(m(i, column)));
  for (std::int64_t i = 0; i < m.rows && most > 0; ++i) {
    const Complex x = m(i, column);
    if (std::abs(x) * 2 < most) continue;
    const Complex factor = x.imag() == 0 ? Complex(x.real() < 0 ? -1 : 1) : std::conj(x) / std::abs(x);
    for (std::int64_t k = 0; k < m.rows; ++k) m(k, column) *= factor;
    return factor;
  }
  return 1;
}
std::vector<std::int64_t> orderOf(const std::vector<double>& values, bool descending) {
  std::vector<std::int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t i, std::int64_t j) {
    const double x = values[static_cast<std::size_t>(i)], y = values[static_cast<std::size_t>(j)];
    return descending ? x > y : x < y;
  });
  return order;
}

Results evaluateEigh(mlir::Operation* op, Operands operands) {
  const bool lower = llvm::cast<ir::EighOp>(op).getLower();
  return forEachMatrix(op, operands, [&](std::int64_t b, Matrix a, Results& results) {
    const std::int64_t n = a.rows;
    if (!isFinite(a)) {
      put(results[0], b, std::vector<Complex>(static_cast<std::size_t>(n), kNaN));
      put(results[1], b, Matrix::filled(n, n, kNaN).elements);
      return;
    }
    double size = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      a(i, i) = a(i, i).real();
      for (std::int64_t j = 0; j < i; ++j) {
        if (lower)
          a(j, i) = std::conj(a(i, j));
        else
          a(i, j) = std::conj(a(j, i));
      }
      for (std::int64_t j = 0; j <= i; ++j) size = std::max(size, std::abs(a(i, j)));
    }
    Matrix v = Matrix::identity(n);
    bool moved = true;
    for (int sweep = 0; moved && sweep < kMostSweeps; ++sweep) {
      moved = false;
      for (std::int64_t p = 0; p < n; ++p)
        for (std::int64_t q = p + 1; q < n; ++q) {
          if (std::abs(a(p, q)) <= kSmall * 0.1 * size) continue;
          Jacobi rotation(a(p, p).real(), a(q, q).real(), a(p, q));
          rotation.columns(a, p, q), rotation.rows(a, p, q), rotation.columns(v, p, q);
          moved = true;
        }
    }
    std::vector<double> values;
    for (std::int64_t i = 0; i < n; ++i) values.push_back(a(i, i).real());
    std::vector<Complex> sorted;
    Matrix vectors(n, n);
    for (std::int64_t from : orderOf(values, false)) {
      const auto to = static_cast<std::int64_t>(sorted.size());
      sorted.push_back(values[static_cast<std::size_t>(from)]);
      for (std::int64_t i = 0; i < n; ++i) vectors(i, to) = v(i, from);
      turn(vectors, to);
    }
    put(results[0], b, sorted);
    put(results[1], b, vectors.elements);
  });
}

// ---- svd: columns are rotated until they are orthogonal (Hestenes) ----

struct SVD {
  Matrix u, v;  // square
  std::vector<Complex> s;
};
/// Of a matrix that has no more columns than rows.
SVD tallSvd(Matrix w) {
  const std::int64_t m = w.rows, n = w.columns;
  Matrix v = Matrix::identity(n);
  bool moved = true;
  for (int sweep = 0; moved && sweep < kMostSweeps; ++sweep) {
    moved = false;
    for (std::int64_t p = 0; p < n; ++p)
      for (std::int64_t q = p + 1; q < n; ++q) {
        double a = 0, b = 0;
        Complex h = 0;
        for (std::int64_t i = 0; i < m; ++i) a += std::norm(w(i, p)), b += std::norm(w(i, q)), h += std::conj(w(i, p)) * w(i, q);
        if (std::abs(h) <= kSmall * std::sqrt(a * b) || std::abs(h) < std::numeric_limits<double>::min()) continue;
        Jacobi rotation(a, b, h);
        rotation.columns(w, p, q), rotation.columns(v, p, q);
        moved = true;
      }
  }
  std::vector<double> lengths;
  double most = 0;
  for (std::int64_t j = 0; j < n; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i < m; ++i) sum += std::norm(w(i, j));
    lengths.push_back(std::sqrt(sum));
    most = std::max(most, lengths.back());
  }
  SVD made{Matrix(m, m), Matrix(n, n), {}};
  std::int64_t to = 0;
  for (std::int64_t from : orderOf(lengths, true)) {
    const double length = lengths[static_cast<std::size_t>(from)];
    made.s.push_back(length);
    for (std::int64_t i = 0; i < n; ++i) made.v(i, to) = v(i, from);
    if (length > 1e-13 * most)
      for (std::int64_t i = 0; i < m; ++i) made.u(i, to) = w(i, from) / length;
    ++to;
  }
  // What is missing of U: unit vectors without their parts along the others (Gram and Schmidt, twice).
  auto lengthOf = [&](std::int64_t j) {
    double sum = 0;
    for (std::int64_t i = 0; i < m; ++i) sum += std::norm(made.u(i, j));
    return std::sqrt(sum);
  };
  std::int64_t next = 0;
  for (std::int64_t j = 0; j < m; ++j)
    while (lengthOf(j) < 0.5) {
      for (std::int64_t i = 0; i < m; ++i) made.u(i, j) = i == next ? 1 : 0;
      ++next;
      for (int pass = 0; pass < 2; ++pass)
        for (std::int64_t other = 0; other < m; ++other) {
          if (other == j) continue;
          Complex along = 0;
          for (std::int64_t i = 0; i < m; ++i) along += std::conj(made.u(i, other)) * made.u(i, j);
          for (std::int64_t i = 0; i < m; ++i) made.u(i, j) -= along * made.u(i, other);
        }
      const double length = lengthOf(j);
      for (std::int64_t i = 0; i < m; ++i) made.u(i, j) = length > 1e-8 ? made.u(i, j) / length : Complex(0);
    }
  return made;
}
SVD svdOf(const Matrix& a) {
  SVD made = tallSvd(a.rows >= a.columns ? a : adjoint(a));
  if (a.rows < a.columns) std::swap(made.u, made.v);
  for (std::int64_t j = 0; j < std::min(a.rows, a.columns); ++j) {
    const Complex factor = turn(made.u, j);
    for (std::int64_t i = 0; i < made.v.rows; ++i) made.v(i, j) *= factor;
  }
  return made;
}
Results evaluateSvd(mlir::Operation* op, Operands operands) {
  const bool full = llvm::cast<ir::SvdOp>(op).getFull();
  return forEachMatrix(op, operands, [&](std::int64_t b, const Matrix& a, Results& results) {
    const std::int64_t k = std::min(a.rows, a.columns), left = full ? a.rows : k, right = full ? a.columns : k;
    if (!isFinite(a)) {
      put(results[0], b, Matrix::filled(a.rows, left, kNaN).elements);
      put(results[1], b, std::vector<Complex>(static_cast<std::size_t>(k), kNaN));
      put(results[2], b, Matrix::filled(right, a.columns, kNaN).elements);
      return;
    }
    SVD made = svdOf(a);
    put(results[0], b, corner(made.u, a.rows, left).elements);
    put(results[1], b, made.s);
    put(results[2], b, corner(adjoint(made.v), right, a.columns).elements);
  });
}
Results evaluateSvdvals(mlir::Operation* op, Operands operands) {
  return forEachMatrix(op, operands, [](std::int64_t b, const Matrix& a, Results& results) {
    const auto count = static_cast<std::size_t>(std::min(a.rows, a.columns));
    put(results[0], b, isFinite(a) ? svdOf(a).s : std::vector<Complex>(count, kNaN));
  });
}

// ---- eig: the QR algorithm with Wilkinson's shifts makes Q^H A Q = T triangular ----

struct Eig {
  std::vector<Complex> values;
  Matrix vectors;
};
Eig eigOf(const Matrix& a) {
  const std::int64_t n = a.rows;
  if (!isFinite(a)) return {std::vector<Complex>(static_cast<std::size_t>(n), kNaN), Matrix::filled(n, n, kNaN)};
  Matrix t = a, q = Matrix::identity(n);
  double size = 0;
  for (Complex x : a.elements) size = std::max(size, std::abs(x));
  std::int64_t last = n - 1;
  for (int step = 1; last > 0 && step < 100 * n; ++step) {
    double beside = 0;
    for (std::int64_t j = 0; j < last; ++j) beside = std::max(beside, std::abs(t(last, j)));
    if (beside <= kSmall * size) {
      for (std::int64_t j = 0; j < last; ++j) t(last, j) = 0;
      --last;
      continue;
    }
    // The eigenvalue of the last two rows and columns that is nearer to the last element; now and then another number.
    const Complex x = t(last - 1, last - 1), y = t(last, last), half = (x + y) / 2.0;
    const Complex root = std::sqrt((x - y) * (x - y) / 4.0 + t(last - 1, last) * t(last, last - 1));
    Complex shift = std::abs(half + root - y) < std::abs(half - root - y) ? half + root : half - root;
    if (step % 11 == 0) shift = y + Complex(beside, 0.5 * beside);
    Matrix active = corner(t, last + 1, last + 1);
    for (std::int64_t i = 0; i <= last; ++i) active(i, i) -= shift;
    const Matrix small = qrOf(active).q;
    Matrix whole = Matrix::identity(n);
    for (std::int64_t i = 0; i <= last; ++i)
      for (std::int64_t j = 0; j <= last; ++j) whole(i, j) = small(i, j);
    t = adjoint(whole) * t * whole;
    q = q * whole;
  }
  Eig made{{}, Matrix(n, n)};
  for (std::int64_t j = 0; j < n; ++j) {
    made.values.push_back(t(j, j));
    std::vector<Complex> x(static_cast<std::size_t>(n));
    x[static_cast<std::size_t>(j)] = 1;
    for (std::int64_t i = j - 1; i >= 0; --i) {
      Complex sum = 0;
      for (std::int64_t k = i + 1; k <= j; ++k) sum += t(i, k) * x[static_cast<std::size_t>(k)];
      Complex gap = t(i, i) - t(j, j);
      if (std::abs(gap) < kSmall * size) gap = std::max(kSmall * size, std::numeric_limits<double>::min());
      x[static_cast<std::size_t>(i)] = -sum / gap;
    }
    double length = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t k = 0; k <= j; ++k) made.vectors(i, j) += q(i, k) * x[static_cast<std::size_t>(k)];
      length += std::norm(made.vectors(i, j));
    }
    for (std::int64_t i = 0; i < n; ++i) made.vectors(i, j) /= std::sqrt(length);
    turn(made.vectors, j);
  }
  return made;
}
Results evaluateEig(mlir::Operation* op, Operands operands) {
  return forEachMatrix(op, operands, [](std::int64_t b, const Matrix& a, Results& results) {
    Eig made = eigOf(a);
    put(results[0], b, made.values);
    if (results.size() > 1) put(results[1], b, made.vectors.elements);
  });
}

}  // namespace

void addLinalg(Meanings& meanings) {
  define<ir::CholeskyOp>(meanings, evaluateCholesky);
  define<ir::TriangularSolveOp>(meanings, evaluateTriangularSolve);
  define<ir::LuOp>(meanings, evaluateLu);
  define<ir::QrOp>(meanings, evaluateQr);
  define<ir::EighOp>(meanings, evaluateEigh);
  define<ir::SvdOp>(meanings, evaluateSvd);
  define<ir::SvdvalsOp>(meanings, evaluateSvdvals);
  define<ir::EigOp>(meanings, evaluateEig);
  define<ir::EigvalsOp>(meanings, evaluateEig);
}

}  // namespace skein::compiler::interp
