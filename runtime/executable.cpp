#include "runtime/executable.h"

#include "runtime/buffer.h"
#include "runtime/cpu/context.h"
#include "runtime/cuda/gpu.h"

#include <utility>

namespace skein::runtime {
namespace {

constexpr std::int64_t kept_arena = std::int64_t{1} << 20;

// What a thread needs to run a program; kept from call to call.
struct Entry {
  skein_context context;
  cpu::Team team;
  Buffer arena;
  bool busy = false;

  void run(const Executable& executable, void* const* buffers) {
    if (executable.on_gpus) return run_on_gpu(executable, buffers);
    Buffer large;  // a large arena goes back to the allocator, so that idle threads hold none
    char* memory = nullptr;
    if (executable.arena_bytes > kept_arena) {
      large = Buffer::allocate(static_cast<std::size_t>(executable.arena_bytes));
      memory = static_cast<char*>(large.data());
    } else if (executable.arena_bytes > 0) {
      if (executable.arena_bytes > static_cast<std::int64_t>(arena.size()))
        arena = Buffer(), arena = Buffer::allocate(static_cast<std::size_t>(executable.arena_bytes));
      memory = static_cast<char*>(arena.data());
    }
    busy = true;
    context.team = &team;
    call(executable, buffers, memory);
    finish();
  }

 private:
  // The arena is free for others as soon as its last use is in the GPU's queue.
  void run_on_gpu(const Executable& executable, void* const* buffers) {
    const Buffer memory = cuda::allocate(static_cast<std::size_t>(executable.arena_bytes));
    busy = true;
    context.team = &team;
    context.gpu = &cuda::Gpu::of(0);
    call(executable, buffers, static_cast<char*>(memory.data()));
    context.gpu = nullptr;
    finish();
  }
  void finish() {
    if (!context.workers.empty()) {
      context.workers = {};
      team.release();
    }
    busy = false;
    if (context.error) std::rethrow_exception(std::exchange(context.error, nullptr));
  }
  // Apart, so that no variable lives across setjmp.
  __attribute__((noinline)) void call(const Executable& executable, void* const* buffers, char* memory) {
    if (setjmp(context.exit) == 0) executable.entry(&context, buffers, memory);
  }
};

thread_local Entry entry;

}  // namespace

std::shared_ptr<void> loaded_kernels(const skein_gpu_module* module) {
  return {const_cast<skein_gpu_module*>(module), [](void* gone) {
            for (int i = 0; i < cuda::Gpu::count(); ++i) cuda::Gpu::of(i).unload(static_cast<skein_gpu_module*>(gone));
          }};
}

void run(const Executable& executable, std::span<void* const> buffers) {
  if (!entry.busy) return entry.run(executable, buffers.data());
  Entry nested;  // a host callback of a program calls another program
  nested.run(executable, buffers.data());
}

void run_from_host(const Executable& executable, std::span<void* const> buffers, std::span<const std::size_t> bytes) {
  if (!executable.on_gpus) return run(executable, buffers);
  cuda::Gpu& gpu = cuda::Gpu::of(0);
  std::vector<Buffer> copies;
  std::vector<void*> there;
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    copies.push_back(cuda::allocate(bytes[i]));
    there.push_back(copies.back().data());
    gpu.upload(there.back(), buffers[i], bytes[i]);
  }
  run(executable, there);
  for (auto i = static_cast<std::size_t>(executable.inputs); i < buffers.size(); ++i)
    gpu.download(buffers[i], there[i], bytes[i]);
}

}  // namespace skein::runtime
