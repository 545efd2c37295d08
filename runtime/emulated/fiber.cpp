#include "runtime/emulated/fiber.h"

#include <sys/mman.h>
#include <mutex>
#include <new>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SKEIN_ASAN 1
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if __has_feature(thread_sanitizer)
#define SKEIN_TSAN 1
#include <sanitizer/tsan_interface.h>
#endif
#endif

namespace skein::runtime::emulated {

namespace context = boost::context::detail;

namespace {

constexpr std::size_t guard_bytes = 4096;
constexpr std::size_t stack_bytes = 64 * 1024;

// One pool for all streams: a block of 1024 threads takes 64 MiB of addresses, and a process may have many streams.
struct Pool {
  std::mutex mutex;
  std::vector<char*> free;
};
Pool& pool() {
  static Pool* instance = new Pool;
  return *instance;
}

char* take_stack() {
  {
    std::lock_guard lock(pool().mutex);
    if (auto& free = pool().free; !free.empty()) {
      char* stack = free.back();
      free.pop_back();
      return stack;
    }
  }
  void* memory = mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  mprotect(memory, guard_bytes, PROT_NONE);
  return static_cast<char*>(memory);
}

void give_stack(char* stack) {
  std::lock_guard lock(pool().mutex);
  pool().free.push_back(stack);
}

}  // namespace

Fiber::~Fiber() {
  if (!stack_) return;
#if SKEIN_TSAN
  if (tsan_) __tsan_destroy_fiber(tsan_);
#endif
  give_stack(stack_);
}

void Fiber::prepare(Entry entry, void* argument) {
  if (!stack_) stack_ = take_stack();
  entry_ = entry, argument_ = argument;
  char* bottom = stack_ + guard_bytes;
  context_ = context::make_fcontext(bottom + stack_bytes, stack_bytes, trampoline);
#if SKEIN_TSAN
  if (tsan_) __tsan_destroy_fiber(tsan_);
  tsan_ = __tsan_create_fiber(0);  // a new one each time: what has ended left its calls on the shadow stack
#endif
  fake_stack_ = nullptr;
  bottom_ = bottom, size_ = stack_bytes;
#if SKEIN_ASAN
  __asan_unpoison_memory_region(bottom, stack_bytes);
#endif
}

bool Fiber::holds(std::uint64_t address, std::uint64_t bytes) const {
  const std::uint64_t bottom = reinterpret_cast<std::uint64_t>(stack_) + guard_bytes;
  return stack_ && address >= bottom && bytes <= stack_bytes && address - bottom <= stack_bytes - bytes;
}

// Inlined always: a call that begins on one fiber's shadow stack would end on the other's.
__attribute__((always_inline)) inline void Fiber::announce(Fiber& to, bool forever) {
  to.from_ = this;
#if SKEIN_ASAN
  __sanitizer_start_switch_fiber(forever ? nullptr : &fake_stack_, to.bottom_, to.size_);
#endif
#if SKEIN_TSAN
  if (!stack_) tsan_ = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(to.tsan_, 0);
#endif
  (void)forever;
}

// On the stack that has been switched to: remembers where the other one stopped.
Fiber& Fiber::arrive(context::transfer_t transfer) {
  Fiber& self = *static_cast<Fiber*>(transfer.data);
  Fiber& from = *self.from_;
  from.context_ = transfer.fctx;
#if SKEIN_ASAN
  const void* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(self.fake_stack_, &bottom, &size);
  if (!from.stack_) from.bottom_ = bottom, from.size_ = size;  // a thread's own stack, seen for the first time
#endif
  return self;
}

void Fiber::switch_to(Fiber& other) {
  announce(other, false);
  arrive(context::jump_fcontext(other.context_, &other));
}

void Fiber::exit_to(Fiber& other) {
  announce(other, true);
  context::jump_fcontext(other.context_, &other);
  __builtin_unreachable();
}

void Fiber::trampoline(context::transfer_t transfer) {
  Fiber& self = arrive(transfer);
  self.entry_(self.argument_);
  __builtin_unreachable();
}

}  // namespace skein::runtime::emulated
