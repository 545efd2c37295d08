// What compiled code calls: accesses to memory, barriers, and exchanges between the threads of a warp.

#include "runtime/emulated/block.h"

#include <algorithm>
#include <cstring>

namespace skein::runtime::emulated {
namespace {

constexpr std::uint32_t undefined = 0xCDCDCDCD;  // what a lane reads from one that takes no part

using Wide = unsigned long long;  // for printf

/// The lane that a shuffle reads from, and whether it is inside the segment, as PTX has it.
std::pair<unsigned, bool> source_of(std::uint32_t kind, unsigned lane, std::uint32_t b, std::uint32_t c) {
  const int self = static_cast<int>(lane), by = b & 31, clamp = c & 31, segment = c >> 8 & 31;
  const int last = (self & segment) | (clamp & ~segment), first = self & segment;
  int from = self;
  bool inside = false;
  switch (kind) {
    case shuffle_up: from = self - by, inside = from >= last; break;
    case shuffle_down: from = self + by, inside = from <= last; break;
    case shuffle_bfly: from = self ^ by, inside = from <= last; break;
    default: from = first | (by & ~segment), inside = from <= last; break;
  }
  return {static_cast<unsigned>(inside ? from : self), inside};
}

std::uint32_t reduce(std::uint32_t kind, std::uint32_t x, std::uint32_t y) {
  const auto sx = static_cast<std::int32_t>(x), sy = static_cast<std::int32_t>(y);
  switch (kind) {
    case reduce_add: return x + y;
    case reduce_min: return sx < sy ? x : y;
    case reduce_max: return sx > sy ? x : y;
    case reduce_umin: return std::min(x, y);
    case reduce_umax: return std::max(x, y);
    case reduce_and: return x & y;
    case reduce_or: return x | y;
    default: return x ^ y;
  }
}

/// What votes and reductions give to all lanes alike.
std::uint32_t together(std::uint32_t kind, const std::vector<Thread*>& lanes) {
  std::uint32_t ballot = 0, total = lanes.front()->arrival.value;
  bool first = true;
  std::size_t yes = 0;
  for (const Thread* thread : lanes) {
    if (thread->arrival.value) ballot |= 1u << thread->registers.lane, ++yes;
    if (!first) total = reduce(kind, total, thread->arrival.value);
    first = false;
  }
  switch (kind) {
    case vote_all: return yes == lanes.size();
    case vote_any: return yes > 0;
    case vote_uni: return yes == 0 || yes == lanes.size();
    case vote_ballot: return ballot;
    default: return total;
  }
}

}  // namespace

// ---- memory ----

void* Block::access(std::uint64_t address, std::uint64_t bytes, std::uint64_t alignment, bool write) {
  if (address & (alignment - 1))
    fault(CUDA_ERROR_MISALIGNED_ADDRESS, " %s %llu bytes at 0x%llx, which is not a multiple of %llu",
          write ? "writes" : "reads", Wide{bytes}, Wide{address}, Wide{alignment});
  if (char* memory = memory_.translate(address, bytes, reachable_)) return memory;
  if (char* memory = shared_memory(address, bytes)) return memory;
  if (on_host(address, bytes)) return reinterpret_cast<void*>(address);
  refuse(address, bytes, write);
}

char* Block::shared_memory(std::uint64_t address, std::uint64_t bytes) {
  const std::uint64_t offset = address - memory_.window();
  if (offset >= Memory::window_bytes) return nullptr;
  for (const Range& range : shared_)
    if (const std::uint64_t at = offset - range.begin; at < range.bytes && bytes <= range.bytes - at)
      return shared_bytes_ + offset;
  return nullptr;
}

/// The thread's own variables, the module's tables, and pinned memory are where they seem to be.
bool Block::on_host(std::uint64_t address, std::uint64_t bytes) {
  if (current->fiber.holds(address, bytes)) return true;
  for (const Range& table : *kernel_.tables)
    if (const std::uint64_t at = address - table.begin; at < table.bytes && bytes <= table.bytes - at) return true;
  return memory_.is_host(address, bytes);
}

void Block::refuse(std::uint64_t address, std::uint64_t bytes, bool write) {
  char where[256];
  {
    // Destroyed here: fault() leaves this stack for good.
    const std::string text = memory_.explain(address, bytes, reachable_);
    where[text.copy(where, sizeof where - 1)] = 0;
  }
  fault(CUDA_ERROR_ILLEGAL_ADDRESS, " %s %llu %s at 0x%llx, %s", write ? "writes" : "reads", Wide{bytes},
        bytes == 1 ? "byte" : "bytes", Wide{address}, where);
}

// ---- barriers ----

std::uint32_t Block::barrier(const Arrival& arrival) {
  Thread& self = *current;
  if (done_ > 0) fault(CUDA_ERROR_LAUNCH_FAILED, ": divergent barrier: %zu other threads have returned", done_);
  if (waiting_ > 0 && barrier_.site != arrival.site)
    fault(CUDA_ERROR_LAUNCH_FAILED, ": divergent barrier: %zu other threads wait at another one", waiting_);
  if (waiting_ == 0) barrier_ = arrival, votes_ = 0;
  votes_ += arrival.value != 0;
  if (++waiting_ < count_) {
    self.state = State::at_barrier;
    self.fiber.switch_to(scheduler_);
  } else {
    waiting_ = 0;
    self.state = State::at_barrier;
    for (Thread& thread : threads_) thread.state = State::ready, thread.result = votes_;
  }
  switch (arrival.kind) {
    case barrier_and: return self.result == count_;
    case barrier_or: return self.result > 0;
    default: return static_cast<std::uint32_t>(self.result);
  }
}

// ---- warps ----

Thread* Block::lane(const Thread& thread, unsigned number) {
  const auto self = static_cast<std::size_t>(&thread - threads_.data());
  const std::size_t other = self / warp_size * warp_size + number;
  return other < threads_.size() ? &threads_[other] : nullptr;
}

std::vector<Thread*> Block::lanes(const Thread& thread, std::uint32_t mask) {
  std::vector<Thread*> found;
  for (unsigned number = 0; number < warp_size; ++number)
    if (Thread* other = mask >> number & 1 ? lane(thread, number) : nullptr) found.push_back(other);
  return found;
}

/// Faults where the other lane can never come to where this one waits for it.
void Block::check_arrival(const Thread& self, const Thread& other) {
  const unsigned number = other.registers.lane;
  const std::uint32_t mask = self.arrival.mask;
  if (other.state == State::done)
    fault(CUDA_ERROR_LAUNCH_FAILED, ": divergent warp: waits for the lanes 0x%x, of which %u has returned", mask,
          number);
  if (other.state == State::at_barrier)
    fault(CUDA_ERROR_LAUNCH_FAILED, ": divergent warp: waits for the lanes 0x%x, of which %u waits at a barrier", mask,
          number);
  if (other.state == State::at_warp && other.arrival.mask >> self.registers.lane & 1 &&
      (other.arrival.site != self.arrival.site || other.arrival.mask != mask))
    fault(CUDA_ERROR_LAUNCH_FAILED,
          ": divergent warp: waits for the lanes 0x%x, of which %u waits at another call or for others (0x%x)", mask,
          number, other.arrival.mask);
}

std::uint64_t Block::exchange(const Arrival& arrival) {
  Thread& self = *current;
  if (!(arrival.mask >> self.registers.lane & 1))
    fault(CUDA_ERROR_LAUNCH_FAILED, ": is lane %u, which is not of the lanes 0x%x that its call names",
          self.registers.lane, arrival.mask);
  self.arrival = arrival;
  bool complete = true;
  for (unsigned number = 0; number < warp_size; ++number) {
    const Thread* other = arrival.mask >> number & 1 ? lane(self, number) : nullptr;
    if (!other || other == &self) continue;
    check_arrival(self, *other);
    // After the check, one that waits for this lane is at the same call.
    complete &= other->state == State::at_warp && (other->arrival.mask >> self.registers.lane & 1);
  }
  if (complete) {
    finish_exchange(self);
  } else {
    self.state = State::at_warp;
    self.fiber.switch_to(scheduler_);
  }
  return self.result;
}

void Block::finish_exchange(const Thread& self) {
  const std::uint32_t kind = self.arrival.kind, mask = self.arrival.mask;
  const std::vector<Thread*> all = lanes(self, mask);
  const std::uint32_t common = kind > shuffle_idx ? together(kind, all) : 0;
  for (Thread* thread : all) {
    thread->state = State::ready;
    thread->result = common;
    if (kind > shuffle_idx) continue;
    auto [from, inside] = source_of(kind, thread->registers.lane, thread->arrival.b, thread->arrival.c);
    const Thread* source = mask >> from & 1 ? lane(self, from) : nullptr;
    const std::uint32_t value = source ? source->arrival.value : undefined;
    thread->result = value | static_cast<std::uint64_t>(inside) << 32;
  }
}

// ---- the entry points ----

extern "C" {

static void* skein_emulated_access(std::uint64_t address, std::uint32_t bytes, std::uint32_t alignment,
                                   std::uint32_t write) {
  return running->access(address, bytes, alignment, write != 0);
}

static void skein_emulated_copy(std::uint64_t to, std::uint64_t from, std::uint64_t bytes) {
  if (bytes == 0) return;
  void* source = running->access(from, bytes, 1, false);
  std::memmove(running->access(to, bytes, 1, true), source, bytes);
}

static void skein_emulated_fill(std::uint64_t to, std::uint32_t value, std::uint64_t bytes) {
  if (bytes > 0) std::memset(running->access(to, bytes, 1, true), static_cast<int>(value & 255), bytes);
}

static const void* skein_emulated_registers() { return &running->current->registers; }

static std::uint32_t skein_emulated_barrier(std::uint32_t site, std::uint32_t kind, std::uint32_t value) {
  return running->barrier({site, kind, 0, value, 0, 0});
}

static std::uint64_t skein_emulated_exchange(std::uint32_t site, std::uint32_t kind, std::uint32_t mask,
                                             std::uint32_t value, std::uint32_t b, std::uint32_t c) {
  return running->exchange({site, kind, mask, value, b, c});
}

static void skein_emulated_trap() { running->fault(CUDA_ERROR_LAUNCH_FAILED, " executes a trap"); }

}  // extern "C"

const std::vector<Helper>& helpers() {
  static const auto& list = *new std::vector<Helper>{
      {"skein_emulated_access", reinterpret_cast<void*>(&skein_emulated_access)},
      {"skein_emulated_copy", reinterpret_cast<void*>(&skein_emulated_copy)},
      {"skein_emulated_fill", reinterpret_cast<void*>(&skein_emulated_fill)},
      {"skein_emulated_registers", reinterpret_cast<void*>(&skein_emulated_registers)},
      {"skein_emulated_barrier", reinterpret_cast<void*>(&skein_emulated_barrier)},
      {"skein_emulated_exchange", reinterpret_cast<void*>(&skein_emulated_exchange)},
      {"skein_emulated_trap", reinterpret_cast<void*>(&skein_emulated_trap)},
  };
  return list;
}

}  // namespace skein::runtime::emulated
