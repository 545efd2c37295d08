#pragma once
// A GPU of this process: its context, the stream on which all its work is ordered, its memory and its loaded programs.

#include "runtime/buffer.h"
#include "runtime/cuda/library.h"

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace skein::runtime::cuda {

class Gpu {
 public:
  /// The process's GPUs, in the order of its devices. The first call starts them all.
  static Gpu& of(int index);
  static int count();

  int index() const { return index_; }
  CUstream stream() const { return stream_; }
  cublasHandle_t blas();
  /// Makes this GPU the one that the calling thread talks to.
  void select();

  /// Memory of at least `bytes` bytes, at a multiple of 256; free memory is kept and given again, in the stream's order.
  /// Throws RuntimeError, naming bytes asked and available.
  void* allocate(std::size_t bytes);
  void deallocate(void* memory, std::size_t bytes) noexcept;
  std::int64_t bytes_in_use();

  /// What is called before is done first; `upload` returns when `from` may change.
  void upload(void* to, const void* from, std::size_t bytes);
  /// Waits for all that was called before.
  void download(void* to, const void* from, std::size_t bytes);
  void copy(void* to, const void* from, std::size_t bytes);
  void clear(void* memory, std::size_t bytes);
  void store(void* to, std::uint64_t bits, int bytes);
  void launch(const skein_gpu_kernel& kernel, std::int64_t grid, int parameter_count, void* const* parameters);
  void* constant(const skein_gpu_module& module, const void* data, std::size_t bytes);
  /// Waits for all work; throws RuntimeError with what has failed since.
  void synchronise();

  /// This GPU's later work waits for what `other` has been asked for so far.
  void wait_for(Gpu& other);
  /// Forgets a program whose code is about to go.
  void unload(const skein_gpu_module* module) noexcept;

 private:
  /// Until the stream is empty; throws the error of a process that is lost meanwhile, or has failed.
  void wait();
  explicit Gpu(int index, CUdevice device);
  [[noreturn]] void fail(CUresult result, const char* call);
  void check(CUresult result, const char* call) {
    if (result != CUDA_SUCCESS) fail(result, call);
  }

  struct Program {
    CUmodule module = nullptr;
    std::unordered_map<const skein_gpu_kernel*, CUfunction> functions;
    std::unordered_map<const void*, std::pair<void*, std::size_t>> constants;
  };
  Program& program(const skein_gpu_module&);

  const int index_;
  CUcontext context_ = nullptr;
  CUstream stream_ = nullptr;
  CUevent event_ = nullptr;
  cublasHandle_t blas_ = nullptr;
  std::mutex mutex_;
  std::unordered_map<const skein_gpu_module*, Program> programs_;
  std::unordered_map<std::size_t, std::vector<void*>> free_;  // by size class
  std::int64_t in_use_ = 0;
  // Pinned memory, through which small arrays go up without a wait.
  char* staging_ = nullptr;
  std::size_t staged_ = 0;
  std::vector<std::string> last_launches_;  // a few, for errors that show later
  std::size_t next_launch_ = 0;
};

/// "sm_90": what programs are compiled for.
std::string architecture();
/// "GPU 0: NVIDIA H100, 79 GiB": of one of the process's.
std::string describe(int index);
/// Memory of a GPU, or of the process's first, given back with the last handle.
Buffer allocate(Gpu&, std::size_t bytes);
Buffer allocate(std::size_t bytes);

}  // namespace skein::runtime::cuda
