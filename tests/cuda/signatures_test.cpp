// What runtime/cuda/driver.h declares of the CUDA driver, cuBLAS and NCCL, against their own headers where those are
// installed: of a library that is loaded at run time, neither compiler nor linker sees that a call is wrong.

// Before the real headers, whose macros rename functions: what is written here as cuMemAlloc_v2 has to stay so.
#include "runtime/cuda/driver.h"

#include <gtest/gtest.h>

#include <type_traits>

namespace ours = skein::runtime::cuda;

namespace skein::runtime::cuda::declared {
#define SKEIN_DECLARE(name, parameters) using name = int(*) parameters;
SKEIN_CUDA_DRIVER(SKEIN_DECLARE)
SKEIN_CUBLAS(SKEIN_DECLARE)
SKEIN_NCCL(SKEIN_DECLARE)
#undef SKEIN_DECLARE
}  // namespace skein::runtime::cuda::declared

#if __has_include(<cuda.h>) && __has_include(<cublas_v2.h>) && __has_include(<nccl.h>)

#include <cublas_v2.h>
#include <cuda.h>
#include <nccl.h>

namespace {

template <class T>
concept Complete = requires { sizeof(T); };
template <class T>
constexpr bool is_whole = std::is_integral_v<T> || std::is_enum_v<T>;

template <class Ours, class Theirs>
constexpr bool alike();

/// Of what pointers point to: handles are structs that nobody knows.
template <class Ours, class Theirs>
constexpr bool pointed_alike() {
  if constexpr (std::is_function_v<Ours> || std::is_function_v<Theirs>)
    return std::is_function_v<Ours> && std::is_function_v<Theirs>;
  else if constexpr (std::is_class_v<Ours> && std::is_class_v<Theirs> && !(Complete<Ours> && Complete<Theirs>))
    return true;
  else
    return alike<Ours, Theirs>();
}

/// Whether values are passed in the same way: enumerations are integers here.
template <class Ours, class Theirs>
constexpr bool alike() {
  using A = std::remove_cv_t<Ours>;
  using B = std::remove_cv_t<Theirs>;
  if constexpr (std::is_void_v<A> || std::is_void_v<B>)
    return std::is_void_v<A> && std::is_void_v<B>;
  else if constexpr (std::is_pointer_v<A> && std::is_pointer_v<B>)
    return pointed_alike<std::remove_pointer_t<A>, std::remove_pointer_t<B>>();
  else if constexpr (is_whole<A> && is_whole<B>)
    return sizeof(A) == sizeof(B);
  else if constexpr (std::is_floating_point_v<A> && std::is_floating_point_v<B>)
    return sizeof(A) == sizeof(B);
  else if constexpr (std::is_class_v<A> && std::is_class_v<B>)
    return sizeof(A) == sizeof(B) && alignof(A) == alignof(B);
  else
    return false;
}

template <class R, class... P, class S, class... Q>
constexpr bool called_alike(R (*)(P...), S (*)(Q...)) {
  if constexpr (sizeof...(P) != sizeof...(Q))
    return false;
  else
    return alike<R, S>() && (alike<P, Q>() && ...);
}

// Not static_assert, so that all differences are seen, and a later CUDA breaks a test and not the build. A function
// that the real headers do not declare does not compile.
#define SKEIN_COMPARE(name, parameters)                                      \
  EXPECT_TRUE(called_alike(static_cast<ours::declared::name>(nullptr),       \
                           static_cast<decltype(&::name)>(nullptr))) << #name;

TEST(Signatures, TheDriversFunctions) { SKEIN_CUDA_DRIVER(SKEIN_COMPARE) }
TEST(Signatures, CublasFunctions) { SKEIN_CUBLAS(SKEIN_COMPARE) }
TEST(Signatures, NcclFunctions) { SKEIN_NCCL(SKEIN_COMPARE) }

// The comparison itself tells apart what it is for.
TEST(Signatures, DifferencesAreSeen) {
  using Call = int (*)(int, void*);
  auto same = [](auto other) { return called_alike(Call(nullptr), other); };
  EXPECT_TRUE(same(static_cast<CUresult (*)(unsigned, void*)>(nullptr)));
  EXPECT_FALSE(same(static_cast<int (*)(int)>(nullptr)));
  EXPECT_FALSE(same(static_cast<int (*)(long, void*)>(nullptr)));
  EXPECT_FALSE(same(static_cast<int (*)(float, void*)>(nullptr)));
  EXPECT_FALSE(same(static_cast<int (*)(int, void**)>(nullptr)));
  EXPECT_FALSE(same(static_cast<void (*)(int, void*)>(nullptr)));
}

TEST(Signatures, Types) {
  EXPECT_EQ(sizeof(ours::CUdeviceptr), sizeof(::CUdeviceptr));
  EXPECT_EQ(sizeof(ours::ncclUniqueId), sizeof(::ncclUniqueId));
  EXPECT_EQ(sizeof(ours::Complex64), sizeof(::cuComplex));
  EXPECT_EQ(alignof(ours::Complex64), alignof(::cuComplex));
  EXPECT_EQ(sizeof(ours::Complex128), sizeof(::cuDoubleComplex));
  EXPECT_EQ(alignof(ours::Complex128), alignof(::cuDoubleComplex));
}

#define SKEIN_SAME(ours_name, theirs) \
  EXPECT_EQ(static_cast<long long>(ours::ours_name), static_cast<long long>(theirs)) << #ours_name

TEST(Signatures, Errors) {
  SKEIN_SAME(CUDA_SUCCESS, ::CUDA_SUCCESS);
  SKEIN_SAME(CUDA_ERROR_INVALID_VALUE, ::CUDA_ERROR_INVALID_VALUE);
  SKEIN_SAME(CUDA_ERROR_OUT_OF_MEMORY, ::CUDA_ERROR_OUT_OF_MEMORY);
  SKEIN_SAME(CUDA_ERROR_NOT_INITIALIZED, ::CUDA_ERROR_NOT_INITIALIZED);
  SKEIN_SAME(CUDA_ERROR_NO_DEVICE, ::CUDA_ERROR_NO_DEVICE);
  SKEIN_SAME(CUDA_ERROR_INVALID_DEVICE, ::CUDA_ERROR_INVALID_DEVICE);
  SKEIN_SAME(CUDA_ERROR_INVALID_IMAGE, ::CUDA_ERROR_INVALID_IMAGE);
  SKEIN_SAME(CUDA_ERROR_INVALID_CONTEXT, ::CUDA_ERROR_INVALID_CONTEXT);
  SKEIN_SAME(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, ::CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
  SKEIN_SAME(CUDA_ERROR_NO_BINARY_FOR_GPU, ::CUDA_ERROR_NO_BINARY_FOR_GPU);
  SKEIN_SAME(CUDA_ERROR_INVALID_PTX, ::CUDA_ERROR_INVALID_PTX);
  SKEIN_SAME(CUDA_ERROR_INVALID_HANDLE, ::CUDA_ERROR_INVALID_HANDLE);
  SKEIN_SAME(CUDA_ERROR_NOT_FOUND, ::CUDA_ERROR_NOT_FOUND);
  SKEIN_SAME(CUDA_ERROR_NOT_READY, ::CUDA_ERROR_NOT_READY);
  SKEIN_SAME(CUDA_ERROR_ILLEGAL_ADDRESS, ::CUDA_ERROR_ILLEGAL_ADDRESS);
  SKEIN_SAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES, ::CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
  SKEIN_SAME(CUDA_ERROR_LAUNCH_FAILED, ::CUDA_ERROR_LAUNCH_FAILED);
  SKEIN_SAME(CUDA_ERROR_MISALIGNED_ADDRESS, ::CUDA_ERROR_MISALIGNED_ADDRESS);
  SKEIN_SAME(CUDA_ERROR_NOT_SUPPORTED, ::CUDA_ERROR_NOT_SUPPORTED);
  SKEIN_SAME(CUDA_ERROR_UNKNOWN, ::CUDA_ERROR_UNKNOWN);
}

TEST(Signatures, AttributesAndFlags) {
  SKEIN_SAME(MAX_THREADS_PER_BLOCK, CU_DEVICE_ATTRIBUTE_MAX_THREADS_PER_BLOCK);
  SKEIN_SAME(MAX_SHARED_MEMORY_PER_BLOCK, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK);
  SKEIN_SAME(WARP_SIZE, CU_DEVICE_ATTRIBUTE_WARP_SIZE);
  SKEIN_SAME(MULTIPROCESSOR_COUNT, CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT);
  SKEIN_SAME(UNIFIED_ADDRESSING, CU_DEVICE_ATTRIBUTE_UNIFIED_ADDRESSING);
  SKEIN_SAME(COMPUTE_CAPABILITY_MAJOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR);
  SKEIN_SAME(COMPUTE_CAPABILITY_MINOR, CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR);
  SKEIN_SAME(MAX_SHARED_MEMORY_PER_BLOCK_OPTIN, CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  SKEIN_SAME(FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES);
  SKEIN_SAME(STREAM_NON_BLOCKING, CU_STREAM_NON_BLOCKING);
  SKEIN_SAME(EVENT_DISABLE_TIMING, CU_EVENT_DISABLE_TIMING);
  EXPECT_EQ(ours::LAUNCH_PARAM_END, CU_LAUNCH_PARAM_END);
  EXPECT_EQ(ours::LAUNCH_PARAM_BUFFER_POINTER, CU_LAUNCH_PARAM_BUFFER_POINTER);
  EXPECT_EQ(ours::LAUNCH_PARAM_BUFFER_SIZE, CU_LAUNCH_PARAM_BUFFER_SIZE);
}

TEST(Signatures, CublasAndNcclNumbers) {
  SKEIN_SAME(CUBLAS_OP_N, ::CUBLAS_OP_N);
  SKEIN_SAME(CUBLAS_OP_T, ::CUBLAS_OP_T);
  EXPECT_EQ(static_cast<int>(CUBLAS_STATUS_SUCCESS), 0);
  EXPECT_EQ(static_cast<int>(ncclSuccess), 0);
  SKEIN_SAME(ncclInt8, ::ncclInt8);
  SKEIN_SAME(ncclUint8, ::ncclUint8);
  SKEIN_SAME(ncclInt32, ::ncclInt32);
  SKEIN_SAME(ncclUint32, ::ncclUint32);
  SKEIN_SAME(ncclInt64, ::ncclInt64);
  SKEIN_SAME(ncclUint64, ::ncclUint64);
  SKEIN_SAME(ncclFloat16, ::ncclFloat16);
  SKEIN_SAME(ncclFloat32, ::ncclFloat32);
  SKEIN_SAME(ncclFloat64, ::ncclFloat64);
  SKEIN_SAME(ncclBfloat16, ::ncclBfloat16);
  SKEIN_SAME(ncclSum, ::ncclSum);
  SKEIN_SAME(ncclProd, ::ncclProd);
  SKEIN_SAME(ncclMax, ::ncclMax);
  SKEIN_SAME(ncclMin, ::ncclMin);
}

}  // namespace

#else

TEST(Signatures, TheRealHeaders) { GTEST_SKIP() << "cuda.h, cublas_v2.h and nccl.h are not all there to compare with"; }

#endif
