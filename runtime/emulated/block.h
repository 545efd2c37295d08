#pragma once
// A block of threads while it runs. Each thread is a fiber that runs until it has to wait for others; threads that
// never wait are called one after another on one fiber.
//
// A fault switches away from its fiber for good, so that nothing on the stacks of compiled code needs to be unwound.

#include "runtime/emulated/fiber.h"
#include "runtime/emulated/kernel.h"
#include "runtime/emulated/memory.h"

#include <random>

namespace skein::runtime::emulated {

/// What a thread reads of itself; compiled code knows the layout.
struct Registers {
  std::uint32_t tid[3], ntid[3], ctaid[3], nctaid[3], lane;
};

enum class State : std::uint8_t { ready, at_barrier, at_warp, done };

/// What threads of a warp do together; the first four in the order of PTX's shfl.
enum Exchange : std::uint32_t {
  shuffle_up, shuffle_down, shuffle_bfly, shuffle_idx,
  vote_all, vote_any, vote_uni, vote_ballot, warp_sync,
  reduce_add, reduce_min, reduce_max, reduce_umin, reduce_umax, reduce_and, reduce_or, reduce_xor
};
enum BarrierKind : std::uint32_t { barrier_sync, barrier_popc, barrier_and, barrier_or };

/// What a thread waits with: the number of the call in its module, what it does (above), and its operands.
struct Arrival {
  std::uint32_t site = 0, kind = 0, mask = 0, value = 0, b = 0, c = 0;
};

class Block;

struct Thread {
  Registers registers{};
  Fiber fiber;
  Block* block = nullptr;
  State state = State::ready;
  Arrival arrival;
  std::uint64_t result = 0;  // of the exchange that it waited for
};

class Block {
 public:
  Block(const Launch& launch, Context& context);
  ~Block();
  /// Runs the block of this number.
  void run(std::uint64_t number);

  /// The address of an access of the running thread, as the host has it.
  void* access(std::uint64_t address, std::uint64_t bytes, std::uint64_t alignment, bool write);
  std::uint32_t barrier(const Arrival& arrival);
  std::uint64_t exchange(const Arrival& arrival);
  /// Ends the launch; of the running thread.
  [[noreturn]] __attribute__((format(printf, 3, 4))) void fault(CUresult code, const char* format, ...);

  Thread* current = nullptr;

 private:
  void place(std::uint64_t number);
  void run_plain();
  void run_fibers();
  void resume(Thread& thread);
  static void thread_main(void* argument);
  static void plain_main(void* argument);
  void check_fault();
  [[noreturn]] void report_stuck();
  /// The lanes of a thread's warp that a mask names and that there are.
  std::vector<Thread*> lanes(const Thread& thread, std::uint32_t mask);
  Thread* lane(const Thread& thread, unsigned number);
  void check_arrival(const Thread& self, const Thread& other);
  void finish_exchange(const Thread& self);
  char* shared_memory(std::uint64_t address, std::uint64_t bytes);
  bool on_host(std::uint64_t address, std::uint64_t bytes);
  [[noreturn]] void refuse(std::uint64_t address, std::uint64_t bytes, bool write);
  void poison_shared();

  const Launch& launch_;
  const Kernel& kernel_;
  const void* parameters_;
  Memory& memory_;
  const std::uint64_t reachable_;
  std::vector<Range> shared_;
  char* shared_bytes_ = nullptr;  // at the offsets of the window
  std::vector<Thread> threads_;   // of a plain kernel only one, which is each in turn
  std::vector<std::uint32_t> order_;
  std::mt19937_64 random_;
  Fiber scheduler_;
  std::size_t count_ = 0, waiting_ = 0, done_ = 0;  // threads; of those, at the barrier and returned
  Arrival barrier_;                                 // that the first of them waits at
  std::uint32_t votes_ = 0;                         // of the barrier
  std::uint64_t number_ = 0;
  CUresult code_ = CUDA_SUCCESS;
  char text_[1024] = {};
};

/// The block that this stream's thread runs; compiled code asks for it at each access, so it is to be found fast.
extern __attribute__((tls_model("initial-exec"))) constinit thread_local Block* running;

/// The entry points of compiled code: what a module's symbols are resolved with.
struct Helper {
  const char* name;
  void* address;
};
const std::vector<Helper>& helpers();

}  // namespace skein::runtime::emulated
