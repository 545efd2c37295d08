// cuBLAS: products of matrices, column by column, on the handle's stream.

#include "runtime/emulated/entry.h"
#include "runtime/emulated/memory.h"
#include "runtime/emulated/stream.h"

#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>
#include <vector>

namespace skein::runtime::emulated {
namespace {

constexpr cublasStatus_t not_initialised = 1, invalid_value = 7, execution_failed = 13;

struct Handle {
  Context& context;
  CUstream stream = nullptr;
};

template <class Scalar>
struct Gemm {
  bool transA, transB;
  std::int64_t m, n, k;
  Scalar alpha, beta;
  CUdeviceptr a, b, c;
  std::int64_t lda, ldb, ldc;
  std::int64_t strideA, strideB, strideC, batch;

  /// Bytes from the first to the last element that the matrices of a batch reach, from one base.
  static std::uint64_t span(std::int64_t rows, std::int64_t columns, std::int64_t ld, std::int64_t stride,
                            std::int64_t batch) {
    if (rows == 0 || columns == 0 || batch == 0) return 0;
    return static_cast<std::uint64_t>((batch - 1) * stride + (columns - 1) * ld + rows) * sizeof(Scalar);
  }
};

/// What products are added up in.
template <class Scalar>
using Sum = std::conditional_t<std::is_same_v<Scalar, float>, double, Scalar>;

template <class Scalar>
void multiply_one(const Gemm<Scalar>& g, const Scalar* a, const Scalar* b, Scalar* c) {
  std::vector<Sum<Scalar>> column(static_cast<std::size_t>(g.m));
  for (std::int64_t j = 0; j < g.n; ++j) {
    std::fill(column.begin(), column.end(), Sum<Scalar>(0));
    for (std::int64_t l = 0; l < g.k; ++l) {
      const Sum<Scalar> factor = g.transB ? b[j + l * g.ldb] : b[l + j * g.ldb];
      const Scalar* from = g.transA ? a + l : a + l * g.lda;
      const std::int64_t step = g.transA ? g.lda : 1;
      for (std::int64_t i = 0; i < g.m; ++i)
        column[static_cast<std::size_t>(i)] += Sum<Scalar>(from[i * step]) * factor;
    }
    Scalar* to = c + j * g.ldc;
    for (std::int64_t i = 0; i < g.m; ++i) {
      const auto product = static_cast<Scalar>(column[static_cast<std::size_t>(i)]) * g.alpha;
      to[i] = g.beta == Scalar(0) ? product : product + g.beta * to[i];  // with beta zero, C is not read
    }
  }
}

template <class Scalar>
void multiply(const Gemm<Scalar>& g, const Context& context) {
  if (g.m == 0 || g.n == 0 || g.batch == 0) return;
  auto matrix = [&](CUdeviceptr at, std::uint64_t bytes, const char* which) {
    return reinterpret_cast<Scalar*>(Memory::instance().resolve(context, at, bytes, which));
  };
  const std::int64_t rowsA = g.transA ? g.k : g.m, rowsB = g.transB ? g.n : g.k;
  const Scalar* a = matrix(g.a, g.span(rowsA, g.transA ? g.m : g.k, g.lda, g.strideA, g.batch), "cuBLAS gemm: A");
  const Scalar* b = matrix(g.b, g.span(rowsB, g.transB ? g.k : g.n, g.ldb, g.strideB, g.batch), "cuBLAS gemm: B");
  Scalar* c = matrix(g.c, g.span(g.m, g.n, g.ldc, g.strideC, g.batch), "cuBLAS gemm: C");
  for (std::int64_t i = 0; i < g.batch; ++i)
    multiply_one(g, a ? a + i * g.strideA : a, b ? b + i * g.strideB : b, c + i * g.strideC);
}

bool valid(int transA, int transB, int m, int n, int k, int lda, int ldb, int ldc, int batch) {
  auto known = [](int trans) { return trans == CUBLAS_OP_N || trans == CUBLAS_OP_T; };
  return known(transA) && known(transB) && m >= 0 && n >= 0 && k >= 0 && batch >= 0 &&
         lda >= std::max(1, transA == CUBLAS_OP_T ? k : m) && ldb >= std::max(1, transB == CUBLAS_OP_T ? n : k) &&
         ldc >= std::max(1, m);
}

cublasStatus_t status_of(CUresult result) {
  return result == CUDA_SUCCESS ? 0 : result == CUDA_ERROR_INVALID_VALUE ? invalid_value : execution_failed;
}

Handle& handle_of(cublasHandle_t handle) { return *reinterpret_cast<Handle*>(handle); }

/// `InMemory` is how the caller has a scalar; std::complex lies in memory like it.
template <class Scalar, class InMemory>
cublasStatus_t gemm(cublasHandle_t handle, int transA, int transB, int m, int n, int k, const InMemory* alpha,
                    const InMemory* a, int lda, long long strideA, const InMemory* b, int ldb, long long strideB,
                    const InMemory* beta, InMemory* c, int ldc, long long strideC, int batch) {
  static_assert(sizeof(Scalar) == sizeof(InMemory));
  if (!handle) return not_initialised;
  if (!alpha || !beta || !valid(transA, transB, m, n, k, lda, ldb, ldc, batch)) return invalid_value;
  return status_of(guarded([&] {
    auto address = [](const void* pointer) -> CUdeviceptr { return reinterpret_cast<std::uint64_t>(pointer); };
    auto scalar = [](const InMemory* number) {
      Scalar value;
      std::memcpy(static_cast<void*>(&value), number, sizeof value);
      return value;
    };
    const Gemm<Scalar> g{transA == CUBLAS_OP_T, transB == CUBLAS_OP_T, m, n, k, scalar(alpha), scalar(beta),
                         address(a), address(b), address(c), lda, ldb, ldc, strideA, strideB, strideC, batch};
    Handle& h = handle_of(handle);
    Stream& stream = stream_of(h.stream, h.context);
    stream.enqueue([g, &context = stream.context] { multiply(g, context); });
  }));
}

}  // namespace

extern "C" {

cublasStatus_t cublasCreate_v2(cublasHandle_t* handle) {
  return status_of(guarded([&] { *handle = reinterpret_cast<cublasHandle_t>(new Handle{current_context()}); }));
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  if (!handle) return not_initialised;
  delete &handle_of(handle);
  return 0;
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, CUstream stream) {
  if (!handle) return not_initialised;
  handle_of(handle).stream = stream;
  return 0;
}

#define SKEIN_EMULATED_GEMM(name, scalar, in_memory)                                                           \
  cublasStatus_t name SKEIN_CUBLAS_GEMM(name, in_memory) {                                                     \
    return gemm<scalar>(handle, transA, transB, m, n, k, alpha, A, lda, strideA, B, ldb, strideB, beta, C, ldc, \
                        strideC, batch);                                                                       \
  }
SKEIN_EMULATED_GEMM(cublasSgemmStridedBatched, float, float)
SKEIN_EMULATED_GEMM(cublasDgemmStridedBatched, double, double)
SKEIN_EMULATED_GEMM(cublasCgemmStridedBatched, std::complex<float>, Complex64)
SKEIN_EMULATED_GEMM(cublasZgemmStridedBatched, std::complex<double>, Complex128)

}  // extern "C"
}  // namespace skein::runtime::emulated
