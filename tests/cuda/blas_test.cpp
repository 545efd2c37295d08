// The emulated driver: cuBLAS against the loops of the definition.
#include "tests/cuda/emulated_driver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <complex>
#include <limits>
#include <type_traits>

namespace skein::emulated_test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class T>
struct Blas;
template <>
struct Blas<float> {
  using Raw = float;
  static constexpr auto gemm = &Library::cublasSgemmStridedBatched;
};
template <>
struct Blas<double> {
  using Raw = double;
  static constexpr auto gemm = &Library::cublasDgemmStridedBatched;
};
template <>
struct Blas<std::complex<float>> {
  using Raw = Complex64;
  static constexpr auto gemm = &Library::cublasCgemmStridedBatched;
};
template <>
struct Blas<std::complex<double>> {
  using Raw = Complex128;
  static constexpr auto gemm = &Library::cublasZgemmStridedBatched;
};

/// Small whole numbers: whatever the order of a sum, it is exact.
template <class T>
T whole(int re, int im) {
  if constexpr (std::is_floating_point_v<T>)
    return static_cast<T>(re);
  else
    return T(static_cast<typename T::value_type>(re), static_cast<typename T::value_type>(im));
}
template <class T>
std::vector<T> numbers(std::size_t count, int salt) {
  std::vector<T> all(count);
  for (std::size_t i = 0; i < count; ++i) {
    const int n = static_cast<int>(i) + salt;
    all[i] = whole<T>(n * 7 % 9 - 4, n * 5 % 7 - 3);
  }
  return all;
}

class Handle {
 public:
  Handle() { check_status(api().cublasCreate_v2(&handle_)); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() { api().cublasDestroy_v2(handle_); }
  operator cublasHandle_t() const { return handle_; }

 private:
  cublasHandle_t handle_ = nullptr;
};

struct Product {
  int m, n, k, batch;
  bool transpose_a = false, transpose_b = false, one_a = false;  // one_a: the same A for the whole batch
};

/// The leading dimensions and strides, longer than they need be, so that what lies between is seen to be left alone.
struct Layout {
  int lda, ldb, ldc;
  long long stride_a, stride_b, stride_c;
  explicit Layout(const Product& p)
      : lda(std::max(1, p.transpose_a ? p.k : p.m) + 2),
        ldb(std::max(1, p.transpose_b ? p.n : p.k) + 1),
        ldc(std::max(1, p.m) + 3),
        stride_a(p.one_a ? 0 : lda * (p.transpose_a ? p.m : p.k) + 5),
        stride_b(ldb * (p.transpose_b ? p.k : p.n) + 4),
        stride_c(ldc * p.n + 6) {}
};

template <class T>
int gemm(cublasHandle_t handle, const Product& p, const Layout& l, T alpha, const Buffer& a, const Buffer& b, T beta,
         const Buffer& c) {
  using Raw = typename Blas<T>::Raw;
  auto device = [](const Buffer& buffer) { return static_cast<Raw*>(pointer(buffer.address())); };
  auto scalar = [](const T& value) { return reinterpret_cast<const Raw*>(&value); };
  return (api().*Blas<T>::gemm)(handle, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                                p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, p.m, p.n, p.k, scalar(alpha), device(a),
                                l.lda, l.stride_a, device(b), l.ldb, l.stride_b, scalar(beta), device(c), l.ldc,
                                l.stride_c, p.batch);
}

/// Column by column, as the definition has it.
template <class T>
void multiply(const Product& p, const Layout& l, T alpha, const std::vector<T>& a, const std::vector<T>& b, T beta,
              std::vector<T>& c) {
  for (long long g = 0; g < p.batch; ++g)
    for (long long j = 0; j < p.n; ++j)
      for (long long i = 0; i < p.m; ++i) {
        T sum{};
        for (long long s = 0; s < p.k; ++s) {
          const long long at_a = g * l.stride_a + (p.transpose_a ? s + i * l.lda : i + s * l.lda);
          const long long at_b = g * l.stride_b + (p.transpose_b ? j + s * l.ldb : s + j * l.ldb);
          sum += a[static_cast<std::size_t>(at_a)] * b[static_cast<std::size_t>(at_b)];
        }
        T& to = c[static_cast<std::size_t>(g * l.stride_c + j * l.ldc + i)];
        to = beta == T(0) ? alpha * sum : alpha * sum + beta * to;  // with beta zero, C is not read
      }
}

template <class T>
class Gemm : public testing::Test {
 protected:
  void compare(const Product& p, T alpha, T beta, bool nothing_in_c = false) {
    SCOPED_TRACE(testing::Message() << p.m << " x " << p.n << " x " << p.k << ", batch " << p.batch
                                    << (p.transpose_a ? ", A transposed" : "")
                                    << (p.transpose_b ? ", B transposed" : ""));
    const Layout l(p);
    const auto matrices = static_cast<std::size_t>(p.batch);
    auto a = numbers<T>(p.one_a ? static_cast<std::size_t>(l.lda * (p.transpose_a ? p.m : p.k))
                                : static_cast<std::size_t>(l.stride_a) * matrices, 1);
    auto b = numbers<T>(static_cast<std::size_t>(l.stride_b) * matrices, 2);
    auto c = numbers<T>(static_cast<std::size_t>(l.stride_c) * matrices, 3);
    if (nothing_in_c) {
      std::vector<T> product = c;
      multiply(p, l, T(1), a, b, T(0), product);
      for (std::size_t i = 0; i < c.size(); ++i)
        if (product[i] != c[i]) c[i] = T(std::numeric_limits<double>::quiet_NaN());
    }
    Buffer on_a(a), on_b(b), on_c(c);
    Stream stream;
    Handle handle;
    check_status(api().cublasSetStream_v2(handle, stream));
    check_status(gemm(handle, p, l, alpha, on_a, on_b, beta, on_c));
    stream.finish();
    multiply(p, l, alpha, a, b, beta, c);
    EXPECT_EQ(on_c.read<T>(), c);
  }
};
using Scalars = testing::Types<float, double, std::complex<float>, std::complex<double>>;
TYPED_TEST_SUITE(Gemm, Scalars);

TYPED_TEST(Gemm, AllTransposesSizesAndBatches) {
  use_device();
  for (bool transpose_a : {false, true})
    for (bool transpose_b : {false, true})
      for (Product p : {Product{1, 1, 1, 1}, Product{5, 3, 7, 1}, Product{16, 9, 4, 3}, Product{1, 6, 8, 2},
                        Product{33, 2, 20, 1}, Product{3, 4, 0, 2}, Product{0, 3, 2, 1}, Product{2, 2, 2, 0}}) {
        p.transpose_a = transpose_a, p.transpose_b = transpose_b;
        this->compare(p, whole<TypeParam>(1, 0), whole<TypeParam>(0, 0));
        this->compare(p, whole<TypeParam>(2, -1), whole<TypeParam>(3, 1));
      }
}

TYPED_TEST(Gemm, OneMatrixForTheWholeBatch) {
  use_device();
  Product p{4, 3, 5, 3};
  p.one_a = true;
  this->compare(p, whole<TypeParam>(1, 0), whole<TypeParam>(0, 0));
}

// What is not a number stays out of the result.
TYPED_TEST(Gemm, WithBetaZeroTheResultIsNotRead) {
  use_device();
  this->compare({4, 3, 5, 2}, whole<TypeParam>(1, 0), whole<TypeParam>(0, 0), true);
}

TYPED_TEST(Gemm, LeadingDimensionsThatAreTooShortAreRefused) {
  use_device();
  Handle handle;
  Buffer memory(4096);
  const Product p{4, 3, 5, 1};
  const TypeParam one = whole<TypeParam>(1, 0), zero = whole<TypeParam>(0, 0);
  for (int Layout::* which : {&Layout::lda, &Layout::ldb, &Layout::ldc}) {
    Layout l(p);
    l.*which = 2;
    EXPECT_NE(gemm(handle, p, l, one, memory, memory, zero, memory), 0);
  }
}

const Scene gemm_beyond_memory("a product that does not fit in its result", [] {
  use_device();
  Handle handle;
  Buffer a(std::vector<float>(1000, 1.f)), b(std::vector<float>(1000, 1.f));
  const Product p{4, 3, 5, 1};
  const Layout l(p);
  Buffer c(static_cast<std::size_t>(l.ldc * 2 + 3) * sizeof(float));  // by one element
  check_status(gemm(handle, p, l, 1.f, a, b, 0.f, c));
  tell(api().cuStreamSynchronize(nullptr));
});

TEST(Blas, AProductStaysInItsMemory) {
  EXPECT_THAT(gemm_beyond_memory.output(), AllOf(HasSubstr("CUDA_ERROR_ILLEGAL_ADDRESS: "), HasSubstr("gemm: C"),
                                                 HasSubstr("past the end of an allocation of 68 bytes")));
}

}  // namespace
}  // namespace skein::emulated_test
