#include "runtime/cpu/blas.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <dlfcn.h>
#include <algorithm>
#include <array>
#include <atomic>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>

namespace skein::runtime::cpu {
namespace {

enum : int { row_major = 101, no_transpose = 111, transpose = 112 };

using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);
using Dgemm = void (*)(int, int, int, int, int, int, double, const double*, int, const double*, int, double, double*,
                       int);
using Cgemm = void (*)(int, int, int, int, int, int, const void*, const void*, int, const void*, int, const void*,
                       void*, int);

struct Library {
  Sgemm sgemm = nullptr;
  Dgemm dgemm = nullptr;
  Cgemm cgemm = nullptr, zgemm = nullptr;
  void* handle = nullptr;
  std::string name, problem;
};

// Sets an environment variable for as long as it lives: OpenBLAS reads its settings while it is loaded.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    if (value)
      setenv(name, value, 1);
    else
      unsetenv(name);
  }
  ~Setting() {
    if (old_)
      setenv(name_, old_->c_str(), 1);
    else
      unsetenv(name_);
  }

 private:
  const char* name_;
  std::optional<std::string> old_;
};

// The fastest kernels for this machine; null leaves the choice to OpenBLAS. What the environment's OPENBLAS_CORETYPE
// says may be meant for another machine; SKEIN_BLAS_CORETYPE is meant for us.
const char* core_type() {
  if (const char* chosen = std::getenv("SKEIN_BLAS_CORETYPE"); chosen && *chosen) return chosen;
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return __builtin_cpu_is("amd") ? "Zen" : "Haswell";
#endif
  return nullptr;
}

Library load() {
  Library library;
  Setting cores("OPENBLAS_CORETYPE", core_type());
  Setting threads("OPENBLAS_NUM_THREADS", "1");  // the work is split over the device's own threads
  void* handle = nullptr;
  for (const char* name : {"libopenblas.so.0", "libopenblas.so", "libcblas.so.3", "libblas.so.3"}) {
    handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (handle && dlsym(handle, "cblas_sgemm")) {
      library.name = name;
      break;
    }
    handle = nullptr;
  }
  if (!handle) {
    library.problem =
        "no BLAS library was found (libopenblas.so.0); install OpenBLAS, on Debian the package libopenblas0";
    return library;
  }
  library.handle = handle;
  library.sgemm = reinterpret_cast<Sgemm>(dlsym(handle, "cblas_sgemm"));
  library.dgemm = reinterpret_cast<Dgemm>(dlsym(handle, "cblas_dgemm"));
  library.cgemm = reinterpret_cast<Cgemm>(dlsym(handle, "cblas_cgemm"));
  library.zgemm = reinterpret_cast<Cgemm>(dlsym(handle, "cblas_zgemm"));
  if (auto set = reinterpret_cast<void (*)(int)>(dlsym(handle, "openblas_set_num_threads"))) set(1);
  if (auto core = reinterpret_cast<char* (*)()>(dlsym(handle, "openblas_get_corename")))
    library.name += std::string(" (") + core() + ")";
  return library;
}

std::atomic<const Library*> loaded{nullptr};

const Library& library() {
  static const Library instance = load();
  loaded.store(&instance, std::memory_order_release);
  if (!instance.problem.empty()) throw RuntimeError(instance.problem, "matmul", "", 0);
  return instance;
}

// One piece of one product: rows [m0, m1), columns [n0, n1).
void piece(const Library& blas, const skein_matmul& s, const char* a, const char* b, char* c, std::int64_t m0,
           std::int64_t m1, std::int64_t n0, std::int64_t n1) {
  const auto size = static_cast<std::int64_t>(itemsize(static_cast<DType>(s.dtype)));
  a += (s.transpose_a ? m0 : m0 * s.lda) * size;
  b += (s.transpose_b ? n0 * s.ldb : n0) * size;
  c += (m0 * s.ldc + n0) * size;
  int ta = s.transpose_a ? transpose : no_transpose, tb = s.transpose_b ? transpose : no_transpose;
  int m = static_cast<int>(m1 - m0), n = static_cast<int>(n1 - n0), k = static_cast<int>(s.k);
  auto lda = static_cast<int>(s.lda), ldb = static_cast<int>(s.ldb), ldc = static_cast<int>(s.ldc);
  switch (static_cast<DType>(s.dtype)) {
    case DType::float32:
      return blas.sgemm(row_major, ta, tb, m, n, k, 1, reinterpret_cast<const float*>(a), lda,
                        reinterpret_cast<const float*>(b), ldb, 0, reinterpret_cast<float*>(c), ldc);
    case DType::float64:
      return blas.dgemm(row_major, ta, tb, m, n, k, 1, reinterpret_cast<const double*>(a), lda,
                        reinterpret_cast<const double*>(b), ldb, 0, reinterpret_cast<double*>(c), ldc);
    case DType::complex64: {
      const std::complex<float> one = 1, zero = 0;
      return blas.cgemm(row_major, ta, tb, m, n, k, &one, a, lda, b, ldb, &zero, c, ldc);
    }
    case DType::complex128: {
      const std::complex<double> one = 1, zero = 0;
      return blas.zgemm(row_major, ta, tb, m, n, k, &one, a, lda, b, ldb, &zero, c, ldc);
    }
    default:
      throw InternalError("BLAS has no products of " + std::string(name(static_cast<DType>(s.dtype))), "matmul", "", 0);
  }
}

}  // namespace

bool worth_threads(const skein_matmul& s) {
  return static_cast<double>(s.batch) * static_cast<double>(s.m) * static_cast<double>(s.n) *
             static_cast<double>(s.k) >=
         1e6;
}

void matmul(const skein_matmul& s, const void* a, const void* b, void* c, std::span<Worker* const> workers) {
  if (s.batch <= 0 || s.m <= 0 || s.n <= 0) return;
  const auto size = static_cast<std::int64_t>(itemsize(static_cast<DType>(s.dtype)));
  if (s.k <= 0) {
    for (std::int64_t i = 0; i < s.batch; ++i)
      for (std::int64_t row = 0; row < s.m; ++row)
        std::memset(static_cast<char*>(c) + (i * s.stride_c + row * s.ldc) * size, 0,
                    static_cast<std::size_t>(s.n * size));
    return;
  }
  constexpr std::int64_t most = 2147483647;
  if (std::max({s.m, s.n, s.k, s.lda, s.ldb, s.ldc}) > most)
    throw RuntimeError("a matrix with a side above 2^31 is more than BLAS can take", "matmul", "", 0);

  struct Job {
    const Library& blas;
    const skein_matmul& s;
    const char *a, *b;
    char* c;
    std::int64_t size, row_parts, column_parts, pieces;
    std::atomic<std::int64_t> next{0};
  } job{library(), s, static_cast<const char*>(a), static_cast<const char*>(b), static_cast<char*>(c), size, 1, 1, 0};

  // Each thread a part of the batch, or a part of each product: BLAS runs best on pieces that are large and near
  // square.
  const auto threads = worth_threads(s) ? static_cast<std::int64_t>(workers.size()) + 1 : 1;
  if (s.batch % threads != 0 && s.batch < 4 * threads) {
    double best = 1e300;
    for (std::int64_t rows = 1; rows <= threads; ++rows) {
      if (threads % rows) continue;
      std::int64_t columns = threads / rows;
      if (rows > s.m || columns > s.n) continue;
      double perimeter = static_cast<double>(s.m) / static_cast<double>(rows) +
                         static_cast<double>(s.n) / static_cast<double>(columns);
      if (perimeter < best) best = perimeter, job.row_parts = rows, job.column_parts = columns;
    }
  }
  job.pieces = s.batch * job.row_parts * job.column_parts;
  Task task = [](void* argument, int) {
    Job& j = *static_cast<Job*>(argument);
    // Edges at multiples of 16 elements keep the kernels' tiles whole.
    auto edge = [](std::int64_t part, std::int64_t parts, std::int64_t extent) {
      return part == parts ? extent : std::min(extent, (extent * part / parts + 15) / 16 * 16);
    };
    for (std::int64_t i; (i = j.next.fetch_add(1, std::memory_order_relaxed)) < j.pieces;) {
      std::int64_t batch = i / (j.row_parts * j.column_parts), part = i % (j.row_parts * j.column_parts);
      std::int64_t row = part / j.column_parts, column = part % j.column_parts;
      std::int64_t m0 = edge(row, j.row_parts, j.s.m), m1 = edge(row + 1, j.row_parts, j.s.m);
      std::int64_t n0 = edge(column, j.column_parts, j.s.n), n1 = edge(column + 1, j.column_parts, j.s.n);
      if (m0 < m1 && n0 < n1)
        piece(j.blas, j.s, j.a + batch * j.s.stride_a * j.size, j.b + batch * j.s.stride_b * j.size,
              j.c + batch * j.s.stride_c * j.size, m0, m1, n0, n1);
    }
  };
  if (threads == 1 || job.pieces == 1)
    task(&job, 0);
  else
    fork_join(workers.first(static_cast<std::size_t>(std::min(threads, job.pieces) - 1)), task, &job, true);
}

void* blas_symbol(const char* name) { return dlsym(library().handle, name); }

std::string blas_description() {
  const Library* instance = loaded.load(std::memory_order_acquire);
  return instance ? instance->name : "";
}

}  // namespace skein::runtime::cpu
