#include "runtime/cuda/gpu.h"

#include "runtime/cuda/clique.h"
#include "runtime/device.h"
#include "runtime/mpi/world.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <unistd.h>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>

namespace skein::runtime::cuda {
namespace {

constexpr std::size_t remembered_launches = 8;
constexpr std::size_t staging_bytes = std::size_t{4} << 20, most_staged = staging_bytes / 4;

CUdeviceptr address(const void* memory) { return reinterpret_cast<CUdeviceptr>(memory); }

/// Sizes are rounded, so that memory fits again: to 512 bytes, beyond 1 MiB to an eighth of the power of two below.
std::size_t size_class(std::size_t bytes) {
  if (bytes <= 512) return 512;
  std::size_t step = 512;
  if (bytes > (std::size_t{1} << 20))
    while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

/// SKEIN_DEBUG=sync waits after every launch, so that an error is told where it happens.
bool waits_always() {
  static const bool on = [] {
    const char* text = std::getenv("SKEIN_DEBUG");
    return text && std::string(text).find("sync") != std::string::npos;
  }();
  return on;
}

std::string describe(const skein_site& site) {
  return fmt::format("{} at {}:{}", site.op ? site.op : "?", site.file ? site.file : "?", site.line);
}

}  // namespace

Gpu& Gpu::of(int index) {
  static const auto* gpus = [] {
    auto* list = new std::vector<std::unique_ptr<Gpu>>;  // used until the very end
    for (const runtime::Device& device : devices())
      list->push_back(std::unique_ptr<Gpu>(new Gpu(device.id, static_cast<CUdevice>(device.ordinal))));
    // A program's arrays lie on the first GPU, where the others read and write their blocks.
    for (auto& one : *list)
      for (auto& other : *list) {
        if (one == other) continue;
        one->select();
        CUresult result = driver().cuCtxEnablePeerAccess(other->context_, 0);
        if (result != CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED && result != CUDA_SUCCESS)
          throw RuntimeError(fmt::format("GPU {} cannot read GPU {}'s memory; start one process for each GPU", one->index_,
                                         other->index_),
                             "initialize", "", 0);
      }
    return list;
  }();
  return *gpus->at(static_cast<std::size_t>(index));
}

int Gpu::count() { return static_cast<int>(devices().size()); }

Gpu::Gpu(int index, CUdevice device) : index_(index), last_launches_(remembered_launches) {
  const Driver& cu = driver();
  check(cu.cuDevicePrimaryCtxRetain(&context_, device), "cuDevicePrimaryCtxRetain");
  select();
  check(cu.cuStreamCreate(&stream_, STREAM_NON_BLOCKING), "cuStreamCreate");
  check(cu.cuEventCreate(&event_, EVENT_DISABLE_TIMING), "cuEventCreate");
}

void Gpu::select() {
  thread_local CUcontext current = nullptr;  // the driver's own call takes longer than most launches' preparation
  if (current == context_) return;
  if (CUresult result = driver().cuCtxSetCurrent(context_)) cuda::check(result, "cuCtxSetCurrent");
  current = context_;
}

void Gpu::fail(CUresult result, const char* call) {
  const char *name = "unknown error", *text = "";
  driver().cuGetErrorName(result, &name);
  driver().cuGetErrorString(result, &text);
  std::string message = fmt::format("GPU {} reports {} in {}: {}", index_, name, call, text);
  std::string sites;
  for (std::size_t k = 0; k < last_launches_.size(); ++k) {
    const std::string& site = last_launches_[(next_launch_ + k) % last_launches_.size()];
    if (!site.empty()) sites += "\n  " + site;
  }
  if (!sites.empty())
    message += "\nkernels launched last, the latest last:" + sites +
               (waits_always() ? "" : "\nSKEIN_DEBUG=sync waits for each, so that the last one is the one that failed");
  throw RuntimeError(message, "gpu", "", 0);
}

// ---- memory ----

void* Gpu::allocate(std::size_t bytes) {
  if (bytes == 0) bytes = 1;
  const std::size_t size = size_class(bytes);
  std::lock_guard lock(mutex_);
  in_use_ += static_cast<std::int64_t>(size);
  if (auto& list = free_[size]; !list.empty()) {
    void* memory = list.back();
    list.pop_back();
    return memory;
  }
  select();
  CUdeviceptr memory = 0;
  CUresult result = driver().cuMemAlloc_v2(&memory, size);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {  // what is kept goes back first
    driver().cuStreamSynchronize(stream_);
    for (auto& [unused, list] : free_) {
      for (void* kept : list) driver().cuMemFree_v2(address(kept));
      list.clear();
    }
    result = driver().cuMemAlloc_v2(&memory, size);
  }
  if (result != CUDA_SUCCESS) in_use_ -= static_cast<std::int64_t>(size);
  if (result == CUDA_ERROR_OUT_OF_MEMORY) {
    std::size_t free = 0, total = 0;
    driver().cuMemGetInfo_v2(&free, &total);
    throw RuntimeError(fmt::format("out of memory on GPU {}: {} bytes were asked for, {} of {} are available ({} in use by arrays)",
                                   index_, bytes, free, total, in_use_),
                       "allocate", "", 0);
  }
  check(result, "cuMemAlloc");
  return reinterpret_cast<void*>(memory);
}

void Gpu::deallocate(void* memory, std::size_t bytes) noexcept {
  if (!memory) return;
  const std::size_t size = size_class(std::max<std::size_t>(bytes, 1));
  std::lock_guard lock(mutex_);
  in_use_ -= static_cast<std::int64_t>(size);
  free_[size].push_back(memory);
}

std::int64_t Gpu::bytes_in_use() {
  std::lock_guard lock(mutex_);
  return in_use_;
}

void Gpu::upload(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  if (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) {  // travels in the command itself
    std::uint64_t bits = 0;
    std::memcpy(&bits, from, bytes);
    return store(to, bits, static_cast<int>(bytes));
  }
  select();
  if (bytes <= most_staged) {
    std::lock_guard lock(mutex_);
    if (!staging_) {
      void* memory = nullptr;
      check(driver().cuMemHostAlloc(&memory, staging_bytes, 0), "cuMemHostAlloc");
      staging_ = static_cast<char*>(memory);
    }
    if (staged_ + bytes > staging_bytes) wait(), staged_ = 0;  // what was staged has gone up
    std::memcpy(staging_ + staged_, from, bytes);
    check(driver().cuMemcpyHtoDAsync_v2(address(to), staging_ + staged_, bytes, stream_), "cuMemcpyHtoDAsync");
    staged_ += (bytes + 63) / 64 * 64;
    return;
  }
  wait();  // a copy from memory that is not pinned waits for its turn, whatever it waits for
  check(driver().cuMemcpyHtoDAsync_v2(address(to), from, bytes, stream_), "cuMemcpyHtoDAsync");
  check(driver().cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

void Gpu::download(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  select();
  wait();
  check(driver().cuMemcpyDtoHAsync_v2(to, address(from), bytes, stream_), "cuMemcpyDtoHAsync");
  check(driver().cuStreamSynchronize(stream_), "cuStreamSynchronize");
}

void Gpu::copy(void* to, const void* from, std::size_t bytes) {
  if (bytes == 0 || to == from) return;
  select();
  check(driver().cuMemcpyAsync(address(to), address(from), bytes, stream_), "cuMemcpyAsync");
}

void Gpu::clear(void* memory, std::size_t bytes) {
  if (bytes == 0) return;
  select();
  check(driver().cuMemsetD8Async(address(memory), 0, bytes, stream_), "cuMemsetD8Async");
}

void Gpu::store(void* to, std::uint64_t bits, int bytes) {
  select();
  const Driver& cu = driver();
  switch (bytes) {
    case 1:
      return check(cu.cuMemsetD8Async(address(to), static_cast<unsigned char>(bits), 1, stream_), "cuMemsetD8Async");
    case 2:
      return check(cu.cuMemsetD16Async(address(to), static_cast<unsigned short>(bits), 1, stream_), "cuMemsetD16Async");
    case 4:
      return check(cu.cuMemsetD32Async(address(to), static_cast<unsigned>(bits), 1, stream_), "cuMemsetD32Async");
    default:
      check(cu.cuMemsetD32Async(address(to), static_cast<unsigned>(bits), 1, stream_), "cuMemsetD32Async");
      check(cu.cuMemsetD32Async(address(to) + 4, static_cast<unsigned>(bits >> 32), 1, stream_), "cuMemsetD32Async");
  }
}

// ---- programs ----

// With the mutex held.
Gpu::Program& Gpu::program(const skein_gpu_module& module) {
  Program& loaded = programs_[&module];
  if (!loaded.module) {
    select();
    check(driver().cuModuleLoadDataEx(&loaded.module, module.image, 0, nullptr, nullptr), "cuModuleLoadDataEx");
  }
  return loaded;
}

void Gpu::launch(const skein_gpu_kernel& kernel, std::int64_t grid, int parameter_count, void* const* parameters) {
  if (grid <= 0) return;
  if (grid > INT32_MAX)
    throw RuntimeError(fmt::format("a kernel of {} blocks is larger than a GPU takes", grid), kernel.site.op,
                       kernel.site.file, static_cast<unsigned>(kernel.site.line));
  CUfunction function = nullptr;
  {
    std::lock_guard lock(mutex_);
    CUfunction& found = program(*kernel.module).functions[&kernel];
    if (!found) check(driver().cuModuleGetFunction(&found, program(*kernel.module).module, kernel.name), "cuModuleGetFunction");
    function = found;
    last_launches_[next_launch_] = describe(kernel.site);
    next_launch_ = (next_launch_ + 1) % last_launches_.size();
  }
  select();
  std::size_t bytes = static_cast<std::size_t>(parameter_count) * sizeof(void*);
  void* extra[] = {LAUNCH_PARAM_BUFFER_POINTER, const_cast<void**>(parameters), LAUNCH_PARAM_BUFFER_SIZE, &bytes, LAUNCH_PARAM_END};
  check(driver().cuLaunchKernel(function, static_cast<unsigned>(grid), 1, 1, static_cast<unsigned>(kernel.block), 1, 1, 0, stream_, nullptr, extra),
        "cuLaunchKernel");
  if (waits_always()) synchronise();
}

void* Gpu::constant(const skein_gpu_module& module, const void* data, std::size_t bytes) {
  {
    std::lock_guard lock(mutex_);
    auto& known = program(module).constants;
    if (auto found = known.find(data); found != known.end()) return found->second.first;
  }
  void* memory = allocate(bytes);
  upload(memory, data, bytes);
  std::lock_guard lock(mutex_);
  auto [entry, fresh] = program(module).constants.try_emplace(data, memory, bytes);
  return entry->second.first;
}

void Gpu::unload(const skein_gpu_module* module) noexcept {
  Program gone;
  {
    std::lock_guard lock(mutex_);
    auto found = programs_.find(module);
    if (found == programs_.end()) return;
    gone = std::move(found->second);
    programs_.erase(found);
  }
  for (auto& [unused, memory] : gone.constants) deallocate(memory.first, memory.second);
  try {
    select();
  } catch (const Error&) {
    return;
  }
  driver().cuStreamSynchronize(stream_);  // its kernels may still run
  driver().cuModuleUnload(gone.module);
}

// ---- order ----

void Gpu::synchronise() {
  select();
  wait();
}

void Gpu::wait() {
  mpi::World* world = mpi::world();
  if (!world) return check(driver().cuStreamSynchronize(stream_), "cuStreamSynchronize");
  // What is queued may wait for another process, which may be gone.
  const skein_site here{"gpu", "", 0};
  for (int looks = 0;; ++looks) {
    CUresult result = driver().cuStreamQuery(stream_);
    if (result != CUDA_ERROR_NOT_READY) return check(result, "cuStreamQuery");
    if (looks < 1000) continue;
    usleep(looks < 2000 ? 10 : 200);
    if (looks % 50) continue;
    const auto now = std::chrono::steady_clock::now();  // work may take as long as it likes
    if (std::exception_ptr trouble = world->trouble({}, now, fmt::format("GPU {} for what it was asked to do", index_), here)) {
      Clique::abort_all();
      driver().cuStreamSynchronize(stream_);
      std::rethrow_exception(trouble);
    }
  }
}

void Gpu::wait_for(Gpu& other) {
  if (this == &other) return;
  std::lock_guard lock(other.mutex_);
  other.select();
  other.check(driver().cuEventRecord(other.event_, other.stream_), "cuEventRecord");
  select();
  check(driver().cuStreamWaitEvent(stream_, other.event_, 0), "cuStreamWaitEvent");
}

cublasHandle_t Gpu::blas() {
  std::lock_guard lock(mutex_);
  if (blas_) return blas_;
  select();
  if (cuda::blas().cublasCreate_v2(&blas_) || cuda::blas().cublasSetStream_v2(blas_, stream_))
    throw RuntimeError(fmt::format("cuBLAS does not start on GPU {}", index_), "dot_general", "", 0);
  return blas_;
}

std::string architecture() {
  static const std::string name = [] {
    const int ordinal = devices().front().ordinal;
    int major = 0, minor = 0;
    cuda::check(driver().cuDeviceGetAttribute(&major, COMPUTE_CAPABILITY_MAJOR, ordinal), "cuDeviceGetAttribute");
    cuda::check(driver().cuDeviceGetAttribute(&minor, COMPUTE_CAPABILITY_MINOR, ordinal), "cuDeviceGetAttribute");
    if (major < 8)
      throw RuntimeError(fmt::format("GPU {} has compute capability {}.{}; Skein needs 8.0 or later", ordinal, major, minor),
                         "initialize", "", 0);
    return fmt::format("sm_{}{}", major, minor);
  }();
  return name;
}

std::string describe(int index) {
  const int ordinal = devices().at(static_cast<std::size_t>(index)).ordinal;
  char name[128] = "";
  std::size_t bytes = 0;
  cuda::check(driver().cuDeviceGetName(name, sizeof name, ordinal), "cuDeviceGetName");
  cuda::check(driver().cuDeviceTotalMem_v2(&bytes, ordinal), "cuDeviceTotalMem");
  return fmt::format("GPU {}: {}, {} GiB, {}", ordinal, name, bytes >> 30, architecture());
}

Buffer allocate(std::size_t bytes) { return allocate(Gpu::of(0), bytes); }

Buffer allocate(Gpu& gpu, std::size_t bytes) {
  void* memory = gpu.allocate(bytes);
  return Buffer::adopt(memory, bytes, [&gpu, memory, bytes] { gpu.deallocate(memory, bytes); });
}

}  // namespace skein::runtime::cuda
