#include "runtime/executable.h"

#include "runtime/buffer.h"
#include "runtime/cpu/context.h"

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
    if (!context.workers.empty()) {
      context.workers = {};
      team.release();
    }
    busy = false;
    if (context.error) std::rethrow_exception(std::exchange(context.error, nullptr));
  }

 private:
  // Apart, so that no variable lives across setjmp.
  __attribute__((noinline)) void call(const Executable& executable, void* const* buffers, char* memory) {
    if (setjmp(context.exit) == 0) executable.entry(&context, buffers, memory);
  }
};

thread_local Entry entry;

}  // namespace

void run(const Executable& executable, std::span<void* const> buffers) {
  if (!entry.busy) return entry.run(executable, buffers.data());
  Entry nested;  // a host callback of a program calls another program
  nested.run(executable, buffers.data());
}

}  // namespace skein::runtime
