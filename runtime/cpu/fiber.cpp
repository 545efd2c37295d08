#include "runtime/cpu/fiber.h"

#include <skein/base/error.h>

#include <sys/mman.h>
#include <cstdint>
#include <utility>

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

namespace skein::runtime::cpu {

namespace context = boost::context::detail;

struct Stack {
  char* base = nullptr;  // the guard page
  Stack* next = nullptr;
};

namespace {

constexpr std::size_t guard_bytes = 4096;
constexpr std::size_t stack_bytes = 512 * 1024;  // usable; pages are touched as they are needed

// Stacks that this thread has used and keeps.
class StackCache {
 public:
  ~StackCache() {
    while (Stack* stack = take_cached()) destroy(stack);
  }
  Stack* take() {
    if (Stack* stack = take_cached()) return stack;
    auto* stack = new Stack;
    void* memory = mmap(nullptr, guard_bytes + stack_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (memory == MAP_FAILED) {
      delete stack;
      throw RuntimeError("out of memory: no stack of " + std::to_string(stack_bytes) + " bytes for a device",
                         "shard_map", "", 0);
    }
    mprotect(memory, guard_bytes, PROT_NONE);
    stack->base = static_cast<char*>(memory);
    return stack;
  }
  void give(Stack* stack) {
    if (count_ >= 64) return destroy(stack);
    stack->next = first_;
    first_ = stack;
    ++count_;
  }

 private:
  Stack* take_cached() {
    Stack* stack = first_;
    if (stack) first_ = stack->next, --count_;
    return stack;
  }
  static void destroy(Stack* stack) {
    munmap(stack->base, guard_bytes + stack_bytes);
    delete stack;
  }
  Stack* first_ = nullptr;
  int count_ = 0;
};

thread_local StackCache stacks;

}  // namespace

void Fiber::prepare(Entry entry, void* argument) {
  if (!stack_) stack_ = stacks.take();
  entry_ = entry, argument_ = argument;
  char* bottom = stack_->base + guard_bytes;
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

void Fiber::recycle() {
  if (!stack_) return;
  stacks.give(std::exchange(stack_, nullptr));
#if SKEIN_TSAN
  __tsan_destroy_fiber(std::exchange(tsan_, nullptr));
#endif
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

}  // namespace skein::runtime::cpu
