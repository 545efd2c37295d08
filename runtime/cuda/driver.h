#pragma once
// What Skein uses of the CUDA driver, cuBLAS and NCCL. The libraries are loaded at run time, so that one build serves machines
// with and without them; these are their stable C ABIs, compared with the real headers by tests/cuda/signatures_test.cpp where
// those are installed. A name with _v2 is what the libraries export; the real headers map the plain name to it.

#include "runtime/abi.h"

#include <cstddef>
#include <cstdint>

namespace skein::runtime::cuda {

// ---- the driver ----
using CUresult = int;  // 0: success
using CUdevice = int;
using CUdeviceptr = unsigned long long;
using CUcontext = struct CUctx_st*;
using CUstream = struct CUstream_st*;
using CUevent = struct CUevent_st*;
using CUmodule = struct CUmod_st*;
using CUfunction = struct CUfunc_st*;
using CUgraph = struct CUgraph_st*;
using CUgraphExec = struct CUgraphExec_st*;
using CUhostFn = void (*)(void*);

constexpr CUresult CUDA_SUCCESS = 0, CUDA_ERROR_INVALID_VALUE = 1, CUDA_ERROR_OUT_OF_MEMORY = 2, CUDA_ERROR_NOT_INITIALIZED = 3,
                   CUDA_ERROR_NO_DEVICE = 100, CUDA_ERROR_INVALID_DEVICE = 101, CUDA_ERROR_INVALID_IMAGE = 200, CUDA_ERROR_INVALID_CONTEXT = 201,
                   CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED = 704, CUDA_ERROR_NO_BINARY_FOR_GPU = 209, CUDA_ERROR_INVALID_PTX = 218,
                   CUDA_ERROR_INVALID_HANDLE = 400, CUDA_ERROR_NOT_FOUND = 500, CUDA_ERROR_NOT_READY = 600,
                   CUDA_ERROR_ILLEGAL_ADDRESS = 700, CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES = 701, CUDA_ERROR_LAUNCH_FAILED = 719,
                   CUDA_ERROR_MISALIGNED_ADDRESS = 716, CUDA_ERROR_NOT_SUPPORTED = 801, CUDA_ERROR_UNKNOWN = 999;
// CUdevice_attribute
constexpr int MAX_THREADS_PER_BLOCK = 1, MAX_SHARED_MEMORY_PER_BLOCK = 8, WARP_SIZE = 10, MULTIPROCESSOR_COUNT = 16, UNIFIED_ADDRESSING = 41,
              COMPUTE_CAPABILITY_MAJOR = 75, COMPUTE_CAPABILITY_MINOR = 76, MAX_SHARED_MEMORY_PER_BLOCK_OPTIN = 97;
// CUfunction_attribute
constexpr int FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;
// of cuLaunchKernel's `extra`
inline void* const LAUNCH_PARAM_END = nullptr;
inline void* const LAUNCH_PARAM_BUFFER_POINTER = reinterpret_cast<void*>(1);
inline void* const LAUNCH_PARAM_BUFFER_SIZE = reinterpret_cast<void*>(2);
constexpr unsigned STREAM_NON_BLOCKING = 1, EVENT_DISABLE_TIMING = 2;

// name, parameters; all return CUresult
#define SKEIN_CUDA_DRIVER(X)                                                                                       \
  X(cuInit, (unsigned flags))                                                                                      \
  X(cuDriverGetVersion, (int* version))                                                                            \
  X(cuGetErrorName, (CUresult error, const char** name))                                                           \
  X(cuGetErrorString, (CUresult error, const char** text))                                                         \
  X(cuDeviceGetCount, (int* count))                                                                                \
  X(cuDeviceGet, (CUdevice * device, int ordinal))                                                                 \
  X(cuDeviceGetName, (char* name, int length, CUdevice device))                                                    \
  X(cuDeviceGetAttribute, (int* value, int attribute, CUdevice device))                                            \
  X(cuDeviceTotalMem_v2, (std::size_t * bytes, CUdevice device))                                                   \
  X(cuDeviceCanAccessPeer, (int* can, CUdevice device, CUdevice peer))                                             \
  X(cuDevicePrimaryCtxRetain, (CUcontext * context, CUdevice device))                                              \
  X(cuCtxSetCurrent, (CUcontext context))                                                                          \
  X(cuCtxGetCurrent, (CUcontext * context))                                                                        \
  X(cuCtxEnablePeerAccess, (CUcontext peer, unsigned flags))                                                       \
  X(cuMemGetInfo_v2, (std::size_t * free, std::size_t* total))                                                     \
  X(cuMemAlloc_v2, (CUdeviceptr * memory, std::size_t bytes))                                                      \
  X(cuMemFree_v2, (CUdeviceptr memory))                                                                            \
  X(cuMemHostAlloc, (void** memory, std::size_t bytes, unsigned flags))                                            \
  X(cuMemFreeHost, (void* memory))                                                                                 \
  X(cuMemcpyHtoDAsync_v2, (CUdeviceptr to, const void* from, std::size_t bytes, CUstream stream))                  \
  X(cuMemcpyDtoHAsync_v2, (void* to, CUdeviceptr from, std::size_t bytes, CUstream stream))                        \
  X(cuMemcpyAsync, (CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream stream))                         \
  X(cuMemsetD8Async, (CUdeviceptr to, unsigned char value, std::size_t count, CUstream stream))                    \
  X(cuMemsetD16Async, (CUdeviceptr to, unsigned short value, std::size_t count, CUstream stream))                  \
  X(cuMemsetD32Async, (CUdeviceptr to, unsigned value, std::size_t count, CUstream stream))                        \
  X(cuStreamCreate, (CUstream * stream, unsigned flags))                                                           \
  X(cuStreamDestroy_v2, (CUstream stream))                                                                         \
  X(cuStreamSynchronize, (CUstream stream))                                                                        \
  X(cuStreamQuery, (CUstream stream))                                                                              \
  X(cuStreamWaitEvent, (CUstream stream, CUevent event, unsigned flags))                                           \
  X(cuEventCreate, (CUevent * event, unsigned flags))                                                              \
  X(cuEventDestroy_v2, (CUevent event))                                                                            \
  X(cuEventRecord, (CUevent event, CUstream stream))                                                               \
  X(cuEventSynchronize, (CUevent event))                                                                           \
  X(cuEventQuery, (CUevent event))                                                                                 \
  X(cuModuleLoadDataEx, (CUmodule * module, const void* image, unsigned count, int* options, void** values))       \
  X(cuModuleUnload, (CUmodule module))                                                                             \
  X(cuModuleGetFunction, (CUfunction * function, CUmodule module, const char* name))                               \
  X(cuFuncSetAttribute, (CUfunction function, int attribute, int value))                                           \
  X(cuLaunchKernel, (CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX, unsigned blockY, unsigned blockZ, \
                     unsigned sharedBytes, CUstream stream, void** parameters, void** extra))                      \
  X(cuLaunchHostFunc, (CUstream stream, CUhostFn function, void* data))                                            \
  X(cuStreamBeginCapture_v2, (CUstream stream, int mode))                                                          \
  X(cuStreamEndCapture, (CUstream stream, CUgraph * graph))                                                        \
  X(cuGraphInstantiateWithFlags, (CUgraphExec * exec, CUgraph graph, unsigned long long flags))                    \
  X(cuGraphLaunch, (CUgraphExec exec, CUstream stream))                                                            \
  X(cuGraphExecDestroy, (CUgraphExec exec))                                                                        \
  X(cuGraphDestroy, (CUgraph graph))

// ---- cuBLAS ---- all return cublasStatus_t; column-major as ever
using cublasStatus_t = int;  // 0: success
using cublasHandle_t = struct cublasContext*;
constexpr int CUBLAS_OP_N = 0, CUBLAS_OP_T = 1;
#define SKEIN_CUBLAS_GEMM(name, scalar)                                                                            \
  (cublasHandle_t handle, int transA, int transB, int m, int n, int k, const scalar* alpha, const scalar* A, int lda, long long strideA, const scalar* B, \
   int ldb, long long strideB, const scalar* beta, scalar* C, int ldc, long long strideC, int batch)
// A complex number's memory, as cuComplex and cuDoubleComplex have it.
struct alignas(8) Complex64 { float re, im; };
struct alignas(16) Complex128 { double re, im; };
#define SKEIN_CUBLAS(X)                                                                                            \
  X(cublasCreate_v2, (cublasHandle_t * handle))                                                                    \
  X(cublasDestroy_v2, (cublasHandle_t handle))                                                                     \
  X(cublasSetStream_v2, (cublasHandle_t handle, CUstream stream))                                                  \
  X(cublasSgemmStridedBatched, SKEIN_CUBLAS_GEMM(S, float))                                                        \
  X(cublasDgemmStridedBatched, SKEIN_CUBLAS_GEMM(D, double))                                                       \
  X(cublasCgemmStridedBatched, SKEIN_CUBLAS_GEMM(C, Complex64))                                                    \
  X(cublasZgemmStridedBatched, SKEIN_CUBLAS_GEMM(Z, Complex128))

// ---- NCCL ---- all return ncclResult_t
using ncclResult_t = int;  // 0: success
using ncclComm_t = struct ncclComm*;
struct ncclUniqueId { char internal[128]; };
constexpr int ncclInt8 = 0, ncclUint8 = 1, ncclInt32 = 2, ncclUint32 = 3, ncclInt64 = 4, ncclUint64 = 5, ncclFloat16 = 6, ncclFloat32 = 7, ncclFloat64 = 8, ncclBfloat16 = 9;
constexpr int ncclSum = 0, ncclProd = 1, ncclMax = 2, ncclMin = 3;
#define SKEIN_NCCL(X)                                                                                              \
  X(ncclGetUniqueId, (ncclUniqueId * id))                                                                          \
  X(ncclCommInitRank, (ncclComm_t * comm, int ranks, ncclUniqueId id, int rank))                                   \
  X(ncclCommDestroy, (ncclComm_t comm))                                                                            \
  X(ncclCommAbort, (ncclComm_t comm))                                                                              \
  X(ncclGroupStart, ())                                                                                            \
  X(ncclGroupEnd, ())                                                                                              \
  X(ncclAllReduce, (const void* send, void* receive, std::size_t count, int dtype, int op, ncclComm_t comm, CUstream stream)) \
  X(ncclAllGather, (const void* send, void* receive, std::size_t count, int dtype, ncclComm_t comm, CUstream stream)) \
  X(ncclReduceScatter, (const void* send, void* receive, std::size_t count, int dtype, int op, ncclComm_t comm, CUstream stream)) \
  X(ncclSend, (const void* send, std::size_t count, int dtype, int peer, ncclComm_t comm, CUstream stream))        \
  X(ncclRecv, (void* receive, std::size_t count, int dtype, int peer, ncclComm_t comm, CUstream stream))

// ---- what the emulated driver is given besides ----
// An image for the emulated driver is the PTX text, whose first line is this comment; behind the text's terminating zero stand
// the eight bytes of EMULATED_MAGIC, the size of the LLVM bitcode that the NVPTX back end was given (uint64), and the bitcode.
inline constexpr char EMULATED_FIRST_LINE[] = SKEIN_EMULATED_LINE;
inline constexpr char EMULATED_MAGIC[9] = SKEIN_EMULATED_MAGIC;

}  // namespace skein::runtime::cuda
