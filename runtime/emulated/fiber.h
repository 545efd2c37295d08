#pragma once
// Fibers of the emulated GPU's threads (Boost.Context), with small stacks that all streams share.

#include <boost/context/detail/fcontext.hpp>

#include <cstddef>
#include <cstdint>

namespace skein::runtime::emulated {

/// A fiber, or (without a stack of its own) the flow of control of a stream's thread.
class Fiber {
 public:
  using Entry = void (*)(void* argument);  // ends with exit_to()

  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Gets a stack; entry(argument) begins at the first switch to it. What ran on it before is forgotten.
  void prepare(Entry entry, void* argument);
  void switch_to(Fiber& other);
  /// Switches for the last time; objects on this fiber's stack are not destroyed.
  [[noreturn]] void exit_to(Fiber& other);
  /// Whether an address is on its stack.
  bool holds(std::uint64_t address, std::uint64_t bytes) const;

 private:
  static void trampoline(boost::context::detail::transfer_t);
  void announce(Fiber& to, bool forever);
  static Fiber& arrive(boost::context::detail::transfer_t);

  boost::context::detail::fcontext_t context_ = nullptr;
  char* stack_ = nullptr;  // its guard page
  Entry entry_ = nullptr;
  void* argument_ = nullptr;
  Fiber* from_ = nullptr;  // who switched here
  // For the sanitizers: a fiber's shadow state and the stack of a thread.
  [[maybe_unused]] void* tsan_ = nullptr;
  [[maybe_unused]] void* fake_stack_ = nullptr;
  const void* bottom_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace skein::runtime::emulated
