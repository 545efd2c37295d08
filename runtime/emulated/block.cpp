#include "runtime/emulated/block.h"

#include <sys/mman.h>
#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace skein::runtime::emulated {
namespace {

constexpr int poison = 0xCD;

// Memory of the shared window's offsets; pages are touched where a kernel has arrays.
char* shared_window() {
  thread_local struct Window {
    char* memory = nullptr;
    ~Window() {
      if (memory) munmap(memory, Memory::window_bytes);
    }
  } window;
  if (!window.memory) {
    void* memory = mmap(nullptr, Memory::window_bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    window.memory = static_cast<char*>(memory);
  }
  return window.memory;
}

std::uint64_t volume(const unsigned (&sizes)[3]) {
  return std::uint64_t{sizes[0]} * sizes[1] * sizes[2];
}

}  // namespace

void run(const Launch& launch, Context& context) {
  const std::uint64_t blocks = volume(launch.grid);
  Block block(launch, context);
  if (settings().seed == 0 || blocks > (std::uint64_t{1} << 24)) {
    for (std::uint64_t number = 0; number < blocks; ++number) block.run(number);
    return;
  }
  std::vector<std::uint64_t> order(blocks);
  for (std::uint64_t number = 0; number < blocks; ++number) order[number] = number;
  std::shuffle(order.begin(), order.end(), std::mt19937_64(settings().seed));
  for (std::uint64_t number : order) block.run(number);
}

Block::Block(const Launch& launch, Context& context)
    : launch_(launch),
      kernel_(*launch.kernel),
      parameters_(launch.parameters.data()),
      memory_(Memory::instance()),
      reachable_(context.reachable.load()),
      shared_(kernel_.shared),
      threads_(kernel_.blocking ? volume(launch.block) : 1),
      random_(settings().seed),
      count_(volume(launch.block)) {
  if (launch.dynamic_bytes) shared_.push_back({dynamic_shared_offset, launch.dynamic_bytes});
  if (!shared_.empty()) shared_bytes_ = shared_window();
  for (std::size_t t = 0; t < threads_.size(); ++t) {
    Thread& thread = threads_[t];
    thread.block = this;
    for (int d = 0; d < 3; ++d) thread.registers.ntid[d] = launch.block[d], thread.registers.nctaid[d] = launch.grid[d];
    const auto x = launch.block[0], y = launch.block[1];
    const auto n = static_cast<unsigned>(t);
    thread.registers.tid[0] = n % x, thread.registers.tid[1] = n / x % y, thread.registers.tid[2] = n / x / y;
    thread.registers.lane = n % warp_size;
    order_.push_back(n);
  }
}

Block::~Block() = default;

void Block::poison_shared() {
  for (const Range& range : shared_) std::memset(shared_bytes_ + range.begin, poison, range.bytes);
}

void Block::place(std::uint64_t number) {
  number_ = number;
  const std::uint64_t x = launch_.grid[0], y = launch_.grid[1];
  for (Thread& thread : threads_) {
    thread.registers.ctaid[0] = static_cast<std::uint32_t>(number % x);
    thread.registers.ctaid[1] = static_cast<std::uint32_t>(number / x % y);
    thread.registers.ctaid[2] = static_cast<std::uint32_t>(number / x / y);
  }
}

constinit thread_local Block* running = nullptr;

void Block::run(std::uint64_t number) {
  place(number);
  poison_shared();
  running = this;
  if (kernel_.blocking)
    run_fibers();
  else
    run_plain();
}

void Block::check_fault() {
  if (code_ != CUDA_SUCCESS) throw Failure{code_, text_};
}

void Block::plain_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  Block& block = *thread.block;
  const std::uint32_t x = thread.registers.ntid[0], y = thread.registers.ntid[1];
  // In the opposite order for every other seed: there is nothing else to see of threads that do not wait.
  const bool backwards = settings().seed % 2 == 1;
  for (std::size_t t = 0; t < block.count_; ++t) {
    const auto n = static_cast<std::uint32_t>(backwards ? block.count_ - 1 - t : t);
    thread.registers.tid[0] = n % x, thread.registers.tid[1] = n / x % y, thread.registers.tid[2] = n / x / y;
    thread.registers.lane = n % warp_size;
    block.kernel_.entry(block.parameters_);
  }
  thread.fiber.exit_to(block.scheduler_);
}

void Block::run_plain() {
  Thread& thread = threads_.front();
  thread.fiber.prepare(plain_main, &thread);
  resume(thread);
}

void Block::resume(Thread& thread) {
  current = &thread;
  scheduler_.switch_to(thread.fiber);
  check_fault();
}

void Block::thread_main(void* argument) {
  Thread& thread = *static_cast<Thread*>(argument);
  Block& block = *thread.block;
  block.kernel_.entry(block.parameters_);
  thread.state = State::done;
  ++block.done_;
  if (block.waiting_ > 0)
    block.fault(CUDA_ERROR_LAUNCH_FAILED, ": divergent barrier: it returns while %zu others wait at a barrier",
                block.waiting_);
  thread.fiber.exit_to(block.scheduler_);
}

void Block::run_fibers() {
  waiting_ = done_ = 0;
  for (Thread& thread : threads_) {
    thread.fiber.prepare(thread_main, &thread);
    thread.state = State::ready;
  }
  while (done_ < count_) {
    if (settings().seed) std::shuffle(order_.begin(), order_.end(), random_);
    bool progress = false;
    for (std::uint32_t number : order_) {
      Thread& thread = threads_[number];
      if (thread.state != State::ready) continue;
      progress = true;
      resume(thread);
    }
    if (!progress) report_stuck();
  }
}

void Block::report_stuck() {
  std::size_t counts[4] = {};
  const Thread* first = nullptr;
  for (const Thread& thread : threads_) {
    ++counts[static_cast<int>(thread.state)];
    if (!first && thread.state == State::at_warp) first = &thread;
  }
  std::snprintf(text_, sizeof text_,
                "kernel %s: block %llu: divergent warp or barrier: %zu threads wait for their warp, %zu at a barrier, "
                "%zu have returned; thread %zu waits for the lanes 0x%x",
                kernel_.name.c_str(), static_cast<unsigned long long>(number_),
                counts[static_cast<int>(State::at_warp)], counts[static_cast<int>(State::at_barrier)],
                counts[static_cast<int>(State::done)], first ? static_cast<std::size_t>(first - threads_.data()) : 0,
                first ? first->arrival.mask : 0);
  throw Failure{CUDA_ERROR_LAUNCH_FAILED, text_};
}

void Block::fault(CUresult code, const char* format, ...) {
  const Registers& r = current->registers;
  int length = std::snprintf(text_, sizeof text_, "kernel %s: thread (%u,%u,%u) of block (%u,%u,%u)",
                             kernel_.name.c_str(), r.tid[0], r.tid[1], r.tid[2], r.ctaid[0], r.ctaid[1], r.ctaid[2]);
  length = std::clamp(length, 0, static_cast<int>(sizeof text_) - 1);
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text_ + length, sizeof text_ - static_cast<std::size_t>(length), format, arguments);
  va_end(arguments);
  code_ = code;
  current->fiber.exit_to(scheduler_);
}

}  // namespace skein::runtime::emulated
