#pragma once
// The emulated driver as its tests see it: the entry points, what cleans up after itself, and scenes, which run in a
// process of their own, since the errors of a device are for ever and the settings are read once.

#include "runtime/cuda/driver.h"

#include <cstddef>
#include <cstdint>
#include <future>
#include <map>
#include <source_location>
#include <string>
#include <vector>

namespace skein::emulated_test {

using namespace runtime::cuda;

// ---- the library ----

struct Library {
#define SKEIN_DECLARE(name, parameters) int(*name) parameters = nullptr;
  SKEIN_CUDA_DRIVER(SKEIN_DECLARE)
  SKEIN_CUBLAS(SKEIN_DECLARE)
  SKEIN_NCCL(SKEIN_DECLARE)
#undef SKEIN_DECLARE
};
/// Loaded at the first call, from SKEIN_EMULATED_DRIVER or the build's lib folder.
const Library& api();

/// "CUDA_ERROR_NOT_READY"
std::string name_of(CUresult result);
/// What the driver says of the error.
std::string text_of(CUresult result);
/// Throws for everything but success; the second is for cuBLAS and NCCL.
void check(CUresult result, std::source_location location = std::source_location::current());
void check_status(int status, std::source_location location = std::source_location::current());

/// Makes the device's context that of this thread; starts the driver if need be.
CUcontext use_device(int device = 0);

// ---- memory ----

/// Both return when all has been copied.
void upload(CUdeviceptr to, const void* from, std::size_t bytes);
void download(void* to, CUdeviceptr from, std::size_t bytes);
inline void* pointer(CUdeviceptr address) { return reinterpret_cast<void*>(address); }

/// Device memory of the current context.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes);
  template <class T>
  explicit Buffer(const std::vector<T>& data) : Buffer(data.size() * sizeof(T)) {
    upload(address_, data.data(), bytes_);
  }
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&&) = delete;
  ~Buffer();

  CUdeviceptr address() const { return address_; }
  template <class T>
  std::vector<T> read() const {
    std::vector<T> data(bytes_ / sizeof(T));
    download(data.data(), address_, data.size() * sizeof(T));
    return data;
  }

 private:
  CUdeviceptr address_ = 0;
  std::size_t bytes_ = 0;
};

// ---- streams ----

/// Its end does not wait for its work: a test calls finish().
class Stream {
 public:
  Stream() { check(api().cuStreamCreate(&handle_, STREAM_NON_BLOCKING)); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { api().cuStreamDestroy_v2(handle_); }
  operator CUstream() const { return handle_; }
  void finish() const { check(api().cuStreamSynchronize(handle_)); }

 private:
  CUstream handle_ = nullptr;
};

class Event {
 public:
  Event() { check(api().cuEventCreate(&handle_, EVENT_DISABLE_TIMING)); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { api().cuEventDestroy_v2(handle_); }
  operator CUevent() const { return handle_; }

 private:
  CUevent handle_ = nullptr;
};

/// Holds streams until it is opened, so that what is behind it has certainly not run before.
class Gate {
 public:
  void hold(CUstream stream) {
    check(api().cuLaunchHostFunc(stream, [](void* self) { static_cast<Gate*>(self)->opened_.wait(); }, this));
  }
  void open() { promise_.set_value(); }

 private:
  std::promise<void> promise_;
  std::shared_future<void> opened_ = promise_.get_future().share();
};

// ---- kernels ----

/// An image as runtime/cuda/driver.h describes it, of a module in LLVM's assembly. Triple, data layout, the intrinsics
/// that these tests use and `i64 @index()`, the number of the thread among all along x, are put before the text.
std::string image_of(const std::string& assembly);

class Module {
 public:
  explicit Module(const std::string& assembly);
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  ~Module() { api().cuModuleUnload(handle_); }
  CUfunction operator[](const char* kernel) const;
  CUmodule handle() const { return handle_; }

 private:
  CUmodule handle_ = nullptr;
};

/// Two kernels: add_one(ptr, i64 n) adds one to each of n elements (i32), twice(ptr, i64 n) doubles them.
extern const char* const add_one_and_twice;

struct Size {
  unsigned grid = 1, block = 1, shared_bytes = 0;
};

template <class... Arguments>
CUresult launch(CUfunction kernel, Size size, CUstream stream, Arguments... arguments) {
  void* parameters[] = {static_cast<void*>(&arguments)..., nullptr};
  return api().cuLaunchKernel(kernel, size.grid, 1, 1, size.block, 1, 1, size.shared_bytes, stream, parameters,
                              nullptr);
}

/// Launches and waits; the first error of both.
template <class... Arguments>
CUresult run(CUfunction kernel, Size size, Arguments... arguments) {
  if (CUresult refused = launch(kernel, size, nullptr, arguments...)) return refused;
  return api().cuStreamSynchronize(nullptr);
}

// ---- scenes ----

using Environment = std::map<std::string, std::string>;

struct Ending {
  bool in_time = true;  // otherwise it was killed
  int exit_code = -1;   // -1: none, for it was killed by a signal
  std::string output;
};

/// A part of this program that runs alone. What it prints with say() comes back; an exception that leaves it is
/// printed, too.
class Scene {
 public:
  Scene(const char* name, void (*body)());  // at namespace scope
  Ending run(const Environment& changes = {}) const;
  /// What it printed; throws if it did not come to its end or took too long.
  std::string output(const Environment& changes = {}) const;
  /// In main(): does not return in a process that was started for a scene.
  static void play_if_asked();

 private:
  const char* name_;
};

void say(const std::string& line);
/// "CUDA_ERROR_INVALID_VALUE: what the driver says of it"
void tell(CUresult result);

}  // namespace skein::emulated_test
