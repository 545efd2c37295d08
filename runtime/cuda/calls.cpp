#include "runtime/cuda/calls.h"

#include "runtime/buffer.h"

#include <skein/base/dtype.h>
#include <skein/base/error.h>

#include <fmt/format.h>

namespace skein::runtime::cuda {

void matmul(Gpu& gpu, const skein_matmul& shape, const void* a, const void* b, void* c) {
  if (shape.batch == 0 || shape.m == 0 || shape.n == 0) return;
  gpu.select();
  // Row-major C = A B is column-major C' = B' A': the operands change places.
  auto run = [&](auto gemm, auto one, auto zero) {
    using Scalar = decltype(one);
    return gemm(gpu.blas(), shape.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N, shape.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N,
                static_cast<int>(shape.n), static_cast<int>(shape.m), static_cast<int>(shape.k), &one,
                static_cast<const Scalar*>(b), static_cast<int>(std::max<std::int64_t>(1, shape.ldb)), shape.stride_b,
                static_cast<const Scalar*>(a), static_cast<int>(std::max<std::int64_t>(1, shape.lda)), shape.stride_a, &zero,
                static_cast<Scalar*>(c), static_cast<int>(std::max<std::int64_t>(1, shape.ldc)), shape.stride_c,
                static_cast<int>(shape.batch));
  };
  const Blas& blas = cuda::blas();
  cublasStatus_t status = 0;
  switch (static_cast<DType>(shape.dtype)) {
    case DType::float32: status = run(blas.cublasSgemmStridedBatched, 1.0f, 0.0f); break;
    case DType::float64: status = run(blas.cublasDgemmStridedBatched, 1.0, 0.0); break;
    case DType::complex64: status = run(blas.cublasCgemmStridedBatched, Complex64{1, 0}, Complex64{0, 0}); break;
    case DType::complex128: status = run(blas.cublasZgemmStridedBatched, Complex128{1, 0}, Complex128{0, 0}); break;
    default: throw InternalError("no matrix product on a GPU of this dtype", "dot_general", "", 0);
  }
  if (status) throw RuntimeError(fmt::format("cuBLAS reports error {} on GPU {}", status, gpu.index()), "dot_general", "", 0);
}

void sort(Gpu& gpu, DType dtype, std::int64_t rows, std::int64_t length, void* keys, std::span<const std::int32_t> payload_bytes,
          void* const* payloads, const std::function<void(void*, void* const*)>& sort_on_host) {
  const auto count = static_cast<std::size_t>(rows * length);
  std::vector<Buffer> copies;
  std::vector<void*> pointers;
  auto bring = [&](void* from, std::size_t bytes) {
    copies.push_back(Buffer::allocate(bytes));
    gpu.download(copies.back().data(), from, bytes);
    return copies.back().data();
  };
  void* host_keys = bring(keys, count * itemsize(dtype));
  for (std::size_t i = 0; i < payload_bytes.size(); ++i) pointers.push_back(bring(payloads[i], count * static_cast<std::size_t>(payload_bytes[i])));
  sort_on_host(host_keys, pointers.data());
  gpu.upload(keys, host_keys, count * itemsize(dtype));
  for (std::size_t i = 0; i < payload_bytes.size(); ++i) gpu.upload(payloads[i], pointers[i], count * static_cast<std::size_t>(payload_bytes[i]));
}

std::vector<std::vector<char>> operands_on_host(Gpu& gpu, const skein_message& message, const void* const* operands) {
  std::vector<std::vector<char>> copies;
  for (std::int32_t i = 0; i < message.operand_count; ++i) {
    std::int64_t count = 1;
    for (std::int32_t d = 0; d < message.ranks[i]; ++d) count *= message.shapes[i][d];
    copies.emplace_back(static_cast<std::size_t>(count) * itemsize(static_cast<DType>(message.dtypes[i])));
    gpu.download(copies.back().data(), operands[i], copies.back().size());
  }
  return copies;
}

std::size_t Copies::bytes(const Operand& operand, bool of_all) const {
  return static_cast<std::size_t>(operand.count) * itemsize(operand.dtype) * (of_all ? members_ : 1);
}

Copies::Copies(Gpu& gpu, Place place, cpu::Verb verb, int members, std::span<const Operand> operands)
    : gpu_(gpu), place_(place), verb_(verb), members_(static_cast<std::size_t>(members)), originals_(operands.begin(), operands.end()) {
  const bool blocks = verb == cpu::Verb::reduce_scatter || verb == cpu::Verb::all_to_all;
  const bool joined = verb == cpu::Verb::all_gather || verb == cpu::Verb::all_to_all;
  for (const Operand& operand : originals_) {
    auto memory = [&](std::size_t size) {
      memory_.push_back(place == Place::host ? Buffer::allocate(std::max<std::size_t>(size, 1)) : allocate(gpu, size));
      return memory_.back().data();
    };
    const std::size_t size = bytes(operand, blocks);
    void* input = memory(size);
    if (place == Place::host)
      gpu.download(input, operand.input, size);
    else
      gpu.upload(input, operand.input, size);
    copies_.push_back({input, memory(bytes(operand, joined)), operand.dtype, operand.count});
  }
}

void Copies::bring_back() {
  const bool joined = verb_ == cpu::Verb::all_gather || verb_ == cpu::Verb::all_to_all;
  for (std::size_t i = 0; i < copies_.size(); ++i) {
    const std::size_t size = bytes(copies_[i], joined);
    if (place_ == Place::host)
      gpu_.upload(originals_[i].output, copies_[i].output, size);
    else
      gpu_.download(originals_[i].output, copies_[i].output, size);
  }
}

}  // namespace skein::runtime::cuda
