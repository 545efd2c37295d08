#pragma once
// What compiled programs ask for on a GPU that is more than a launch or a copy.

#include "runtime/cpu/group.h"
#include "runtime/cuda/gpu.h"

#include <skein/base/dtype.h>

#include <algorithm>
#include <functional>
#include <span>
#include <vector>

namespace skein::runtime::cuda {

/// cuBLAS's product of matrices of float32, float64, complex64 or complex128.
void matmul(Gpu&, const skein_matmul&, const void* a, const void* b, void* c);
/// Through the host: no sort of a library is loaded at run time.
void sort(Gpu&, DType, std::int64_t rows, std::int64_t length, void* keys, std::span<const std::int32_t> payload_bytes,
          void* const* payloads, const std::function<void(void* keys, void* const* payloads)>& sort_on_host);
/// A copy of a GPU's array in host memory.
class HostCopy {
 public:
  HostCopy(Gpu& gpu, const void* from, std::size_t bytes) : gpu_(gpu), memory_(Buffer::allocate(std::max<std::size_t>(bytes, 1))), bytes_(bytes) {
    gpu.download(memory_.data(), from, bytes);
  }
  void* data() const { return memory_.data(); }
  void bring_back(void* to) const { gpu_.upload(to, memory_.data(), bytes_); }

 private:
  Gpu& gpu_;
  Buffer memory_;
  std::size_t bytes_;
};
/// The operands of a message, in host memory.
std::vector<std::vector<char>> operands_on_host(Gpu&, const skein_message&, const void* const* operands);
/// Copies of a collective's operands on the other side: of a GPU's arrays in host memory, or of the host's on a GPU.
class Copies {
 public:
  enum class Place { host, gpu };
  Copies(Gpu&, Place, cpu::Verb, int members, std::span<const Operand> operands);
  std::span<const Operand> operands() const { return copies_; }
  /// The results, to where they belong.
  void bring_back();

 private:
  std::size_t bytes(const Operand&, bool of_all) const;

  Gpu& gpu_;
  const Place place_;
  const cpu::Verb verb_;
  const std::size_t members_;
  std::vector<Operand> originals_, copies_;
  std::vector<Buffer> memory_;
};

}  // namespace skein::runtime::cuda
