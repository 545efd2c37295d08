#include "runtime/emulated/communicator.h"

#include "runtime/emulated/memory.h"
#include "runtime/emulated/reduce.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>

namespace skein::runtime::emulated {
namespace {

constexpr std::size_t chunk_bytes = 256 * 1024, ring_bytes = 64 * 1024;

const char* verb_name(Verb verb) {
  switch (verb) {
    case Verb::all_reduce: return "ncclAllReduce";
    case Verb::all_gather: return "ncclAllGather";
    default: return "ncclReduceScatter";
  }
}

std::string text_of(const Call& call) {
  static constexpr const char* ops[] = {" sum", " product", " maximum", " minimum"};
  return std::string(verb_name(call.verb)) + " of " + std::to_string(call.count) + " " + dtype_name(call.dtype) +
         (call.verb == Verb::all_gather ? "" : ops[call.op & 3]);
}

}  // namespace

// All of it begins as zeros.
struct Communicator::Header {
  std::atomic<std::uint32_t> ranks, joined, aborted;  // aborted: 1 while the reason is being written, then 2
  char why[1024];
};

struct alignas(64) Communicator::Slot {
  std::atomic<std::uint64_t> arrived;
  std::atomic<std::uint32_t> claimed;
  Call calls[2];  // in turn
};

struct alignas(64) Communicator::Ring {
  std::atomic<std::uint64_t> written, read;
  char data[ring_bytes];

  std::size_t put(const char* from, std::size_t bytes) {
    const std::uint64_t at = written.load(std::memory_order_relaxed);
    const std::size_t room = ring_bytes - (at - read.load(std::memory_order_acquire));
    const std::size_t start = at % ring_bytes, n = std::min({bytes, room, ring_bytes - start});
    std::memcpy(data + start, from, n);
    written.store(at + n, std::memory_order_release);
    return n;
  }
  std::size_t get(char* to, std::size_t bytes) {
    const std::uint64_t at = read.load(std::memory_order_relaxed);
    const std::size_t there = written.load(std::memory_order_acquire) - at;
    const std::size_t start = at % ring_bytes, n = std::min({bytes, there, ring_bytes - start});
    std::memcpy(to, data + start, n);
    read.store(at + n, std::memory_order_release);
    return n;
  }
};

/// A transfer on its way: first what it is, then the elements.
struct Communicator::Progress {
  struct Frame {
    std::uint64_t count;
    std::int64_t dtype;
  };
  Transfer what;
  char* memory;
  std::size_t total;
  Frame frame;
  std::size_t done = 0;
};

Communicator::Communicator(Context& context, const std::string& name, int ranks, int rank)
    : context(context), ranks(ranks), rank(rank), name_(name) {}

Communicator::~Communicator() {
  if (memory_) munmap(memory_, bytes_);
}

Communicator::Slot& Communicator::slot(int of) {
  return reinterpret_cast<Slot*>(memory_ + (sizeof(Header) + 63) / 64 * 64)[of];
}

Communicator::Ring& Communicator::ring(int from, int to) {
  char* rings = reinterpret_cast<char*>(&slot(ranks)) + static_cast<std::size_t>(ranks) * 2 * chunk_bytes;
  return reinterpret_cast<Ring*>(rings)[from * ranks + to];
}

void Communicator::join() {
  const auto n = static_cast<std::size_t>(ranks);
  bytes_ = (sizeof(Header) + 63) / 64 * 64 + n * (sizeof(Slot) + 2 * chunk_bytes) + n * n * sizeof(Ring);
  const int file = shm_open(name_.c_str(), O_RDWR | O_CREAT, 0600);
  if (file < 0) throw Failure{CUDA_ERROR_UNKNOWN, "NCCL: no shared memory " + name_};
  void* memory = MAP_FAILED;
  // All ranks give it the same size; whoever is the first makes it.
  if (ftruncate(file, static_cast<off_t>(bytes_)) == 0)
    memory = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (memory == MAP_FAILED)
    throw Failure{CUDA_ERROR_UNKNOWN, "NCCL: no shared memory of " + std::to_string(bytes_) + " bytes"};
  memory_ = static_cast<char*>(memory);
  header_ = reinterpret_cast<Header*>(memory_);
  std::uint32_t expected = 0;
  header_->ranks.compare_exchange_strong(expected, static_cast<std::uint32_t>(ranks));
  require(expected == 0 || expected == static_cast<std::uint32_t>(ranks),
          "NCCL: ranks of one id differ in their number");
  require(slot(rank).claimed.exchange(1) == 0, "NCCL: two ranks of one number");
  if (header_->joined.fetch_add(1) + 1 == static_cast<std::uint32_t>(ranks)) shm_unlink(name_.c_str());
}

void Communicator::await_all() {
  wait([&] { return header_->joined.load() >= static_cast<std::uint32_t>(ranks); });
}

void Communicator::abort(const std::string& why) noexcept {
  std::uint32_t expected = 0;
  if (!header_ || !header_->aborted.compare_exchange_strong(expected, 1)) return;
  header_->why[why.copy(header_->why, sizeof header_->why - 1)] = 0;
  header_->aborted.store(2);
}

// ---- waiting ----

void Communicator::check_alive() {
  if (left_.load()) throw Left();
  // Of a rank whose device has failed the others would wait for ever.
  if (context.error.load())
    throw Failure{CUDA_ERROR_LAUNCH_FAILED, "NCCL: the device of rank " + std::to_string(rank) + " has failed"};
  if (header_->aborted.load() == 0) return;
  while (header_->aborted.load() == 1) sched_yield();
  throw Failure{CUDA_ERROR_LAUNCH_FAILED, header_->why};
}

/// For ever, unless the communicator is aborted.
template <class Done>
void Communicator::wait(Done done) {
  for (unsigned looks = 0; !done(); ++looks) {
    check_alive();
    if (looks < 100)
      sched_yield();
    else
      usleep(looks < 1000 ? 20 : 200);
  }
}

void Communicator::meet() {
  const std::uint64_t number = ++meetings_;
  slot(rank).arrived.store(number, std::memory_order_release);
  for (int other = 0; other < ranks; ++other)
    wait([&] { return slot(other).arrived.load(std::memory_order_acquire) >= number; });
}

// ---- collectives ----

void Communicator::collective(const Call& call, CUdeviceptr send, CUdeviceptr receive) {
  std::lock_guard lock(collectives_);
  try {
    check_alive();
    const std::uint64_t n = static_cast<std::uint64_t>(ranks), bytes = call.count * item_bytes(call.dtype);
    const bool scatters = call.verb == Verb::reduce_scatter, gathers = call.verb == Verb::all_gather;
    const std::string name = text_of(call);
    Memory& memory = Memory::instance();
    const char* from = memory.resolve(context, send, scatters ? n * bytes : bytes, (name + ": input").c_str());
    char* to = memory.resolve(context, receive, gathers ? n * bytes : bytes, (name + ": result").c_str());
    compare(call);
    if (scatters)
      reduce_scatter(call, from, to);
    else if (gathers)
      all_gather(call, from, to);
    else
      all_reduce(call, from, to);
  } catch (const Left&) {
  } catch (const Failure& failure) {
    abort(failure.text);
    throw;
  }
}

/// All ranks see the same calls, so that all fail or none.
void Communicator::compare(const Call& call) {
  const std::uint64_t turn = calls_++ % 2;
  slot(rank).calls[turn] = call;
  meet();
  const Call& first = slot(0).calls[turn];
  for (int other = 1; other < ranks; ++other)
    if (const Call& theirs = slot(other).calls[turn]; !(theirs == first))
      throw Failure{CUDA_ERROR_LAUNCH_FAILED, "NCCL: rank 0 calls " + text_of(first) + ", rank " +
                                                  std::to_string(other) + " calls " + text_of(theirs)};
}

/// Puts a chunk where all ranks read it; returns the chunks of all.
std::vector<const void*> Communicator::post(const char* from, std::uint64_t bytes) {
  const std::uint64_t turn = posts_++ % 2;
  char* chunks = reinterpret_cast<char*>(&slot(ranks));
  auto chunk = [&](int of) { return chunks + (static_cast<std::size_t>(of) * 2 + turn) * chunk_bytes; };
  std::memcpy(chunk(rank), from, bytes);
  meet();
  std::vector<const void*> all;
  for (int other = 0; other < ranks; ++other) all.push_back(chunk(other));
  return all;
}

void Communicator::all_reduce(const Call& call, const char* send, char* receive) {
  const std::uint64_t item = item_bytes(call.dtype), step = chunk_bytes / item;
  for (std::uint64_t at = 0; at < call.count; at += step) {
    const std::uint64_t n = std::min(step, call.count - at);
    reduce(call.dtype, call.op, receive + at * item, post(send + at * item, n * item), n);
  }
}

void Communicator::all_gather(const Call& call, const char* send, char* receive) {
  const std::uint64_t block = call.count * item_bytes(call.dtype);
  for (std::uint64_t at = 0; at < block; at += chunk_bytes) {
    const std::uint64_t n = std::min<std::uint64_t>(chunk_bytes, block - at);
    const std::vector<const void*> all = post(send + at, n);
    for (std::size_t other = 0; other < all.size(); ++other) std::memcpy(receive + other * block + at, all[other], n);
  }
}

void Communicator::reduce_scatter(const Call& call, const char* send, char* receive) {
  const std::uint64_t item = item_bytes(call.dtype), step = chunk_bytes / item;
  for (int owner = 0; owner < ranks; ++owner)
    for (std::uint64_t at = 0; at < call.count; at += step) {
      const std::uint64_t n = std::min(step, call.count - at);
      const char* from = send + (static_cast<std::uint64_t>(owner) * call.count + at) * item;
      const std::vector<const void*> all = post(from, n * item);
      if (owner == rank) reduce(call.dtype, call.op, receive + at * item, all, n);
    }
}

// ---- sends and receives ----

void Communicator::transfer(const std::vector<Transfer>& transfers) {
  std::lock_guard lock(transfers_);
  try {
    check_alive();
    std::vector<Progress> all;
    for (const Transfer& t : transfers) {
      const std::uint64_t bytes = t.count * item_bytes(t.dtype);
      char* memory = Memory::instance().resolve(context, t.address, bytes, t.send ? "ncclSend" : "ncclRecv");
      all.push_back({t, memory, sizeof(Progress::Frame) + bytes, {t.count, t.dtype}, 0});
    }
    for (bool left = true; left;) {
      left = false;
      bool moved = false;
      // Of the transfers with one peer in one direction, each waits for those before it.
      std::vector<bool> busy(static_cast<std::size_t>(ranks) * 2);
      for (Progress& progress : all) {
        const std::size_t way = static_cast<std::size_t>(progress.what.peer) * 2 + progress.what.send;
        if (progress.done == progress.total || busy[way]) continue;
        moved |= advance(progress);
        if (progress.done < progress.total) busy[way] = true, left = true;
      }
      check_alive();
      if (left && !moved) usleep(20);
    }
  } catch (const Left&) {
  } catch (const Failure& failure) {
    abort(failure.text);
    throw;
  }
}

/// As far as the ring lets it; whether that was any way at all.
bool Communicator::advance(Progress& p) {
  constexpr std::size_t head = sizeof(Progress::Frame);
  const int peer = p.what.peer;
  Ring& between = p.what.send ? ring(rank, peer) : ring(peer, rank);
  const std::size_t before = p.done;
  while (p.done < p.total) {
    const bool framing = p.done < head;
    char* part = framing ? reinterpret_cast<char*>(&p.frame) + p.done : p.memory + (p.done - head);
    const std::size_t bytes = (framing ? head : p.total) - p.done;
    const std::size_t n = p.what.send ? between.put(part, bytes) : between.get(part, bytes);
    if (n == 0) break;
    p.done += n;
    const Progress::Frame& theirs = p.frame;
    if (framing && p.done == head && (theirs.count != p.what.count || theirs.dtype != p.what.dtype))
      throw Failure{CUDA_ERROR_LAUNCH_FAILED,
                    "NCCL: rank " + std::to_string(rank) + " receives " + std::to_string(p.what.count) + " " +
                        dtype_name(p.what.dtype) + " from rank " + std::to_string(peer) + ", which sends " +
                        std::to_string(theirs.count) + " " + dtype_name(static_cast<int>(theirs.dtype))};
  }
  return p.done > before;
}

}  // namespace skein::runtime::emulated
