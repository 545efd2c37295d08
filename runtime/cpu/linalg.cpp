#include "runtime/cpu/linalg.h"

#include "runtime/cpu/blas.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <type_traits>

namespace skein::runtime::cpu {
namespace {

template <class T>
struct PartOf {
  using type = T;
};
template <class T>
struct PartOf<std::complex<T>> {
  using type = T;
};
template <class T>
using Part = typename PartOf<T>::type;
template <class T>
constexpr bool is_complex_type = !std::is_same_v<T, Part<T>>;

// The Fortran routines of one dtype. Strings are followed, behind all arguments, by their lengths.
struct Routines {
  void *trsm, *potrf, *getrf, *geqrf, *orgqr, *syevd, *gesdd, *geev;
};

template <class T>
const Routines& routines() {
  static const Routines all = [] {
    constexpr bool complex = is_complex_type<T>;
    const std::string letter = std::is_same_v<Part<T>, float> ? (complex ? "c" : "s") : (complex ? "z" : "d");
    auto find = [&](const char* stem) {
      void* routine = blas_symbol((letter + stem + "_").c_str());
      if (!routine)
        throw RuntimeError("the BLAS library that was found has no LAPACK (" + letter + stem + "_); install OpenBLAS, on Debian the package libopenblas0", "linalg", "", 0);
      return routine;
    };
    return Routines{find("trsm"),  find("potrf"), find("getrf"), find("geqrf"), find(complex ? "ungqr" : "orgqr"), find(complex ? "heevd" : "syevd"),
                    find("gesdd"), find("geev")};
  }();
  return all;
}

constexpr std::size_t one_letter = 1;

template <class... A>
void invoke(void* routine, A... arguments) {
  reinterpret_cast<void (*)(A...)>(routine)(arguments...);
}

template <class T>
bool is_finite(T x) {
  if constexpr (is_complex_type<T>)
    return std::isfinite(x.real()) && std::isfinite(x.imag());
  else
    return std::isfinite(x);
}

// Solves one matrix after another; keeps its memory between them. LAPACK has columns one after another, arrays here have rows.
template <class T>
class Solver {
  using R = Part<T>;

 public:
  explicit Solver(const skein_linalg& s)
      : s_(s), lapack_(routines<T>()), m_(static_cast<int>(s.m)), n_(static_cast<int>(s.n)), k_(std::min(m_, n_)) {}

  /// False for a fault of ours.
  bool run(std::int64_t i, const void* const* inputs, void* const* outputs) {
    info_ = 0;
    const T* in = static_cast<const T*>(inputs[0]) + i * s_.m * s_.n;
    auto out = [&](int which, std::int64_t count, auto type) { return static_cast<decltype(type)*>(outputs[which]) + i * count; };
    const std::int64_t m = s_.m, n = s_.n, k = k_, left = s_.full ? m : k, right = s_.full ? n : k;
    using Complex = std::complex<R>;
    switch (static_cast<skein_linalg_routine>(s_.routine)) {
      case SKEIN_CHOLESKY: cholesky(in, out(0, n * n, T())); break;
      case SKEIN_TRIANGULAR_SOLVE:
        triangular_solve(in, static_cast<const T*>(inputs[1]) + i * n * s_.columns, out(0, n * s_.columns, T()));
        break;
      case SKEIN_LU: lu(in, out(0, m * n, T()), out(1, k, std::int32_t()), out(2, m, std::int32_t())); break;
      case SKEIN_QR: qr(in, static_cast<int>(left), out(0, m * left, T()), out(1, left * n, T())); break;
      case SKEIN_EIGH: eigh(in, out(0, n, R()), out(1, n * n, T())); break;
      case SKEIN_SVD: svd(in, static_cast<int>(left), static_cast<int>(right), out(0, m * left, T()), out(1, k, R()), out(2, right * n, T())); break;
      case SKEIN_SVDVALS: svd(in, 0, 0, nullptr, out(0, k, R()), nullptr); break;
      case SKEIN_EIG: eig(in, out(0, n, Complex()), out(1, n * n, Complex())); break;
      case SKEIN_EIGVALS: eig(in, out(0, n, Complex()), static_cast<Complex*>(nullptr)); break;
    }
    return info_ >= 0;
  }

 private:
  // ---- rows and columns ----
  static void to_columns(const T* from, std::int64_t rows, std::int64_t columns, std::vector<T>& to) {
    to.resize(static_cast<std::size_t>(rows * columns));
    constexpr std::int64_t tile = 16;
    for (std::int64_t i0 = 0; i0 < rows; i0 += tile)
      for (std::int64_t j0 = 0; j0 < columns; j0 += tile)
        for (std::int64_t i = i0; i < std::min(rows, i0 + tile); ++i)
          for (std::int64_t j = j0; j < std::min(columns, j0 + tile); ++j) to[static_cast<std::size_t>(j * rows + i)] = from[i * columns + j];
  }
  /// The first rows and columns of a matrix whose columns are `stride` apart.
  template <class U>
  static void to_rows(const U* from, std::int64_t stride, std::int64_t rows, std::int64_t columns, U* to) {
    constexpr std::int64_t tile = 16;
    for (std::int64_t i0 = 0; i0 < rows; i0 += tile)
      for (std::int64_t j0 = 0; j0 < columns; j0 += tile)
        for (std::int64_t i = i0; i < std::min(rows, i0 + tile); ++i)
          for (std::int64_t j = j0; j < std::min(columns, j0 + tile); ++j) to[i * columns + j] = from[j * stride + i];
  }
  template <class U>
  static void identity(U* to, std::int64_t size) {
    std::fill(to, to + size * size, U(0));
    for (std::int64_t i = 0; i < size; ++i) to[i * size + i] = U(1);
  }
  static constexpr R nan() { return std::numeric_limits<R>::quiet_NaN(); }
  static bool finite(const T* from, std::int64_t count) { return std::all_of(from, from + count, is_finite<T>); }

  /// What turns a vector so that its first element of at least half the greatest magnitude is real and positive: factorisations leave
  /// the sign open.
  template <class U>
  static U turn_of(const U* vector, std::int64_t count) {
    R most = 0;
    for (std::int64_t i = 0; i < count; ++i) most = std::max(most, static_cast<R>(std::abs(vector[i])));
    for (std::int64_t i = 0; i < count; ++i)
      if (std::abs(vector[i]) * 2 >= most && most > 0) {
        if constexpr (is_complex_type<U>)
          return std::conj(vector[i]) / std::abs(vector[i]);
        else
          return vector[i] < 0 ? U(-1) : U(1);
      }
    return U(1);
  }
  static T conjugate(T x) {
    if constexpr (is_complex_type<T>)
      return std::conj(x);
    else
      return x;
  }

  /// Room for the size that a query has put into the first element.
  int room(T query) {
    int size = static_cast<int>(std::real(query));
    size = std::max(size + size / 1024, 1);  // sizes above 2^24 are rounded in float
    if (static_cast<int>(work_.size()) < size) work_.resize(static_cast<std::size_t>(size));
    return static_cast<int>(work_.size());
  }
  template <class U>
  static U* grown(std::vector<U>& memory, std::int64_t count) {
    if (static_cast<std::int64_t>(memory.size()) < std::max<std::int64_t>(count, 1)) memory.resize(static_cast<std::size_t>(std::max<std::int64_t>(count, 1)));
    return memory.data();
  }

  // ---- routines ----
  void cholesky(const T* in, T* out) {
    if (!n_) return;
    to_columns(in, n_, n_, a_);
    invoke(lapack_.potrf, "L", &n_, a_.data(), &n_, &info_, one_letter);
    to_rows<T>(a_.data(), n_, n_, n_, out);
    for (std::int64_t i = 0; i < n_; ++i)
      for (std::int64_t j = 0; j < n_; ++j)
        if (j > i)
          out[i * n_ + j] = T(0);
        else if (info_ > 0)
          out[i * n_ + j] = T(nan());
  }

  void triangular_solve(const T* a, const T* b, T* out) {
    const int columns = static_cast<int>(s_.columns);
    std::copy(b, b + s_.n * s_.columns, out);
    if (!n_ || !columns) return;
    // Read by columns a row-major matrix is its transpose: x^T op(a)^T = b^T.
    const T one(1);
    invoke(lapack_.trsm, "R", s_.lower ? "U" : "L", s_.transpose == 0 ? "N" : s_.transpose == 1 ? "T" : "C", s_.unit_diagonal ? "U" : "N", &columns, &n_, &one, a, &n_,
           out, &columns, one_letter, one_letter, one_letter, one_letter);
  }

  void lu(const T* in, T* out, std::int32_t* pivots, std::int32_t* permutation) {
    std::iota(permutation, permutation + m_, 0);
    if (!k_) return;
    to_columns(in, m_, n_, a_);
    invoke(lapack_.getrf, &m_, &n_, a_.data(), &m_, pivots, &info_);
    to_rows<T>(a_.data(), m_, m_, n_, out);
    for (int i = 0; i < k_; ++i) {
      --pivots[i];
      std::swap(permutation[i], permutation[pivots[i]]);
    }
  }

  void qr(const T* in, int inner, T* q, T* r) {
    if (!k_) {
      if (inner) identity(q, inner);  // square: of no columns
      return;
    }
    to_columns(in, m_, n_, a_);
    T* tau = grown(tau_, k_);
    T query(0);
    int ask = -1;
    invoke(lapack_.geqrf, &m_, &n_, a_.data(), &m_, tau, &query, &ask, &info_);
    int size = room(query);
    invoke(lapack_.geqrf, &m_, &n_, a_.data(), &m_, tau, work_.data(), &size, &info_);
    for (std::int64_t i = 0; i < inner; ++i)
      for (std::int64_t j = 0; j < n_; ++j) r[i * n_ + j] = j >= i ? a_[static_cast<std::size_t>(j * m_ + i)] : T(0);
    a_.resize(std::max(a_.size(), static_cast<std::size_t>(m_) * static_cast<std::size_t>(inner)));
    invoke(lapack_.orgqr, &m_, &inner, &k_, a_.data(), &m_, tau, &query, &ask, &info_);
    size = room(query);
    invoke(lapack_.orgqr, &m_, &inner, &k_, a_.data(), &m_, tau, work_.data(), &size, &info_);
    to_rows<T>(a_.data(), m_, m_, inner, q);
  }

  void eigh(const T* in, R* values, T* vectors) {
    if (!n_) return;
    const std::int64_t count = s_.n * s_.n;
    bool failed = !finite(in, count);
    if (!failed) {
      to_columns(in, n_, n_, a_);
      const char* triangle = s_.lower ? "L" : "U";
      T query(0);
      R real_query(0);
      int ask = -1, integer_query = 0;
      if constexpr (is_complex_type<T>) {
        invoke(lapack_.syevd, "V", triangle, &n_, a_.data(), &n_, values, &query, &ask, &real_query, &ask, &integer_query, &ask, &info_, one_letter, one_letter);
        int size = room(query), real_size = static_cast<int>(real_query) + static_cast<int>(real_query) / 1024 + 1;
        R* real_work = grown(real_work_, real_size);
        std::int32_t* integers = grown(integer_work_, integer_query);
        invoke(lapack_.syevd, "V", triangle, &n_, a_.data(), &n_, values, work_.data(), &size, real_work, &real_size, integers, &integer_query, &info_, one_letter,
               one_letter);
      } else {
        invoke(lapack_.syevd, "V", triangle, &n_, a_.data(), &n_, values, &query, &ask, &integer_query, &ask, &info_, one_letter, one_letter);
        int size = room(query);
        std::int32_t* integers = grown(integer_work_, integer_query);
        invoke(lapack_.syevd, "V", triangle, &n_, a_.data(), &n_, values, work_.data(), &size, integers, &integer_query, &info_, one_letter, one_letter);
      }
      failed = info_ > 0;
    }
    if (failed) {
      std::fill(values, values + n_, nan());
      std::fill(vectors, vectors + count, T(nan()));
      return;
    }
    for (std::int64_t j = 0; j < n_; ++j) {
      T* column = a_.data() + j * n_;
      const T turn = turn_of(column, n_);
      for (std::int64_t i = 0; i < n_; ++i) column[i] *= turn;
    }
    to_rows<T>(a_.data(), n_, n_, n_, vectors);
  }

  /// Without vectors where u is null.
  void svd(const T* in, int left, int right, T* u, R* values, T* vh) {
    if (!k_) {
      if (u && left) identity(u, left);
      if (vh && right) identity(vh, right);
      return;
    }
    const std::int64_t count = s_.m * s_.n;
    bool failed = !finite(in, count);
    if (!failed) {
      to_columns(in, m_, n_, a_);
      const char* job = !u ? "N" : s_.full ? "A" : "S";
      T* left_vectors = grown(u_, static_cast<std::int64_t>(m_) * left);
      T* right_vectors = grown(vh_, static_cast<std::int64_t>(right) * n_);
      const int rows = std::max(right, 1);
      T query(0);
      int ask = -1;
      std::int32_t* integers = grown(integer_work_, 8 * static_cast<std::int64_t>(k_));
      auto call = [&](T* work, int* size) {
        if constexpr (is_complex_type<T>) {
          const std::int64_t small = k_, large = std::max(m_, n_);
          R* real_work = grown(real_work_, std::max(5 * small * small + 7 * small, 2 * large * small + 2 * small * small + small));
          invoke(lapack_.gesdd, job, &m_, &n_, a_.data(), &m_, values, left_vectors, &m_, right_vectors, &rows, work, size, real_work, integers, &info_, one_letter);
        } else {
          invoke(lapack_.gesdd, job, &m_, &n_, a_.data(), &m_, values, left_vectors, &m_, right_vectors, &rows, work, size, integers, &info_, one_letter);
        }
      };
      call(&query, &ask);
      int size = room(query);
      call(work_.data(), &size);
      failed = info_ > 0;
    }
    if (failed) {
      std::fill(values, values + k_, nan());
      if (u) std::fill(u, u + static_cast<std::int64_t>(m_) * left, T(nan()));
      if (vh) std::fill(vh, vh + static_cast<std::int64_t>(right) * n_, T(nan()));
      return;
    }
    if (!u) return;
    for (std::int64_t j = 0; j < k_; ++j) {
      T* column = u_.data() + j * m_;
      const T turn = turn_of(column, m_);
      for (std::int64_t i = 0; i < m_; ++i) column[i] *= turn;
      for (std::int64_t i = 0; i < n_; ++i) vh_[static_cast<std::size_t>(i * right + j)] *= conjugate(turn);
    }
    to_rows<T>(u_.data(), m_, m_, left, u);
    to_rows<T>(vh_.data(), right, right, n_, vh);
  }

  /// Without vectors where these are null.
  void eig(const T* in, std::complex<R>* values, std::complex<R>* vectors) {
    using Complex = std::complex<R>;
    if (!n_) return;
    const std::int64_t count = s_.n * s_.n, n = s_.n;
    bool failed = !finite(in, count);
    std::vector<Complex> columns(vectors ? static_cast<std::size_t>(count) : 0);
    if (!failed) {
      to_columns(in, n_, n_, a_);
      const char* job = vectors ? "V" : "N";
      T* own = grown(u_, vectors ? count : 1);
      T none(0), query(0);
      const int one = 1;
      int ask = -1;
      R* parts = grown(real_work_, 2 * n);
      auto call = [&](T* work, int* size) {
        if constexpr (is_complex_type<T>)
          invoke(lapack_.geev, "N", job, &n_, a_.data(), &n_, values, &none, &one, own, &n_, work, size, parts, &info_, one_letter, one_letter);
        else
          invoke(lapack_.geev, "N", job, &n_, a_.data(), &n_, parts, parts + n, &none, &one, own, &n_, work, size, &info_, one_letter, one_letter);
      };
      call(&query, &ask);
      int size = room(query);
      call(work_.data(), &size);
      failed = info_ > 0;
      if (!failed) {
        if constexpr (is_complex_type<T>) {
          if (vectors) std::copy(own, own + count, columns.begin());
        } else {
          for (std::int64_t j = 0; j < n; ++j) values[j] = Complex(parts[j], parts[n + j]);
          // A pair of conjugate eigenvalues has the vectors x + i y and x - i y, where x and y stand in two columns.
          for (std::int64_t j = 0; vectors && j < n; ++j) {
            const bool pair = parts[n + j] != 0 && j + 1 < n;
            for (std::int64_t i = 0; i < n; ++i) {
              const auto at = static_cast<std::size_t>(j * n + i);
              columns[at] = Complex(own[j * n + i], pair ? own[(j + 1) * n + i] : R(0));
              if (pair) columns[at + static_cast<std::size_t>(n)] = std::conj(columns[at]);
            }
            j += pair;
          }
        }
      }
    }
    if (failed) {
      std::fill(values, values + n, Complex(nan(), nan()));
      if (vectors) std::fill(vectors, vectors + count, Complex(nan(), nan()));
      return;
    }
    if (!vectors) return;
    for (std::int64_t j = 0; j < n; ++j) {
      Complex* column = columns.data() + j * n;
      const Complex turn = turn_of(column, n);
      for (std::int64_t i = 0; i < n; ++i) column[i] *= turn;
    }
    to_rows<Complex>(columns.data(), n, n, n, vectors);
  }

  const skein_linalg& s_;
  const Routines& lapack_;
  const int m_, n_, k_;
  int info_ = 0;
  std::vector<T> a_, tau_, u_, vh_, work_;
  std::vector<R> real_work_;
  std::vector<std::int32_t> integer_work_;
};

template <class T>
void solve_all(const skein_linalg& s, const void* const* inputs, void* const* outputs, std::span<Worker* const> workers) {
  struct Job {
    const skein_linalg& s;
    const void* const* inputs;
    void* const* outputs;
    std::atomic<std::int64_t> next{0};
    std::atomic<bool> fault{false};
  } job{s, inputs, outputs};
  routines<T>();  // what is missing is found here, not on a worker
  Task task = [](void* argument, int) {
    Job& j = *static_cast<Job*>(argument);
    try {
      Solver<T> solver(j.s);
      for (std::int64_t i; (i = j.next.fetch_add(1, std::memory_order_relaxed)) < j.s.batch;)
        if (!solver.run(i, j.inputs, j.outputs)) j.fault = true;
    } catch (...) {  // out of memory
      j.fault = true;
    }
  };
  const std::int64_t helpers = std::min<std::int64_t>(static_cast<std::int64_t>(workers.size()), s.batch - 1);
  if (helpers <= 0)
    task(&job, 0);
  else
    fork_join(workers.first(static_cast<std::size_t>(helpers)), task, &job, true);
  if (job.fault) throw InternalError("LAPACK refused an argument, or memory ran out", "linalg", "", 0);
}

}  // namespace

bool worth_threads(const skein_linalg& s) {
  return s.batch > 1 && static_cast<double>(s.batch) * static_cast<double>(s.m) * static_cast<double>(s.n) * static_cast<double>(std::min(s.m, s.n)) > 3e5;
}

LinalgSizes sizes_of(const skein_linalg& s) {
  const std::size_t item = itemsize(static_cast<DType>(s.dtype));
  const bool complex = is_complex(static_cast<DType>(s.dtype));
  const std::size_t real = complex ? item / 2 : item, pair = complex ? item : 2 * item;
  auto bytes = [&](std::int64_t count, std::size_t size) { return static_cast<std::size_t>(s.batch * count) * size; };
  const std::int64_t m = s.m, n = s.n, k = std::min(m, n), left = s.full ? m : k, right = s.full ? n : k;
  LinalgSizes all{{bytes(m * n, item)}, {}};
  switch (static_cast<skein_linalg_routine>(s.routine)) {
    case SKEIN_CHOLESKY: all.outputs = {bytes(n * n, item)}; break;
    case SKEIN_TRIANGULAR_SOLVE:
      all.inputs.push_back(bytes(n * s.columns, item));
      all.outputs = {bytes(n * s.columns, item)};
      break;
    case SKEIN_LU: all.outputs = {bytes(m * n, item), bytes(k, 4), bytes(m, 4)}; break;
    case SKEIN_QR: all.outputs = {bytes(m * left, item), bytes(left * n, item)}; break;
    case SKEIN_EIGH: all.outputs = {bytes(n, real), bytes(n * n, item)}; break;
    case SKEIN_SVD: all.outputs = {bytes(m * left, item), bytes(k, real), bytes(right * n, item)}; break;
    case SKEIN_SVDVALS: all.outputs = {bytes(k, real)}; break;
    case SKEIN_EIG: all.outputs = {bytes(n, pair), bytes(n * n, pair)}; break;
    case SKEIN_EIGVALS: all.outputs = {bytes(n, pair)}; break;
  }
  return all;
}

void linalg(const skein_linalg& s, const void* const* inputs, void* const* outputs, std::span<Worker* const> workers) {
  if (s.batch <= 0) return;
  if (std::max({s.m, s.n, s.columns}) > 2147483647 / 64)
    throw RuntimeError("a matrix with a side above 2^25 is more than LAPACK can take", "linalg", "", 0);
  switch (static_cast<DType>(s.dtype)) {
    case DType::float32: return solve_all<float>(s, inputs, outputs, workers);
    case DType::float64: return solve_all<double>(s, inputs, outputs, workers);
    case DType::complex64: return solve_all<std::complex<float>>(s, inputs, outputs, workers);
    case DType::complex128: return solve_all<std::complex<double>>(s, inputs, outputs, workers);
    default: throw InternalError("LAPACK has no " + std::string(name(static_cast<DType>(s.dtype))), "linalg", "", 0);
  }
}

}  // namespace skein::runtime::cpu
