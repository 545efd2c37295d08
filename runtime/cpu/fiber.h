#pragma once
// Fibers: stacks that a thread switches between, in about 5 ns (Boost.Context). A fiber stays on the thread that
// started it.

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>

namespace skein::runtime::cpu {

struct Stack;  // cached by thread, with a guard page below

/// A fiber, or (without a stack of its own) the thread's own flow of control while it is switched away from.
class Fiber {
 public:
  using Entry = void (*)(void* argument);

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber() { recycle(); }

  /// Gets a stack; entry(argument) begins at the first switch to it and must end with exit_to().
  void prepare(Entry entry, void* argument);
  /// Gives the stack back to the thread's cache. The fiber must have ended, or never have begun.
  void recycle();
  /// From this running fiber to another one, until someone switches back.
  void switch_to(Fiber& other);
  /// The same for the last time.
  [[noreturn]] void exit_to(Fiber& other);

 private:
  static void trampoline(boost::context::detail::transfer_t);
  void announce(Fiber& to, bool forever);
  static Fiber& arrive(boost::context::detail::transfer_t);

  boost::context::detail::fcontext_t context_ = nullptr;
  Stack* stack_ = nullptr;
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  Fiber* from_ = nullptr;  // who switched here
  // For the sanitizers: a fiber's shadow state and the stack of a thread.
  [[maybe_unused]] void* tsan_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace skein::runtime::cpu
