#pragma once
// Memory of the CPU devices: a caching allocator, and the counted handle that arrays hold.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

namespace skein::runtime {

struct MemoryStatistics {
  std::int64_t in_use = 0;    // bytes in live buffers
  std::int64_t peak = 0;      // the most that ever were in use
  std::int64_t cached = 0;    // bytes freed and kept
  std::int64_t mappings = 0;  // how often the system was asked for memory
};

/// Memory of at least `bytes` bytes, 64-byte aligned (2 MiB, in huge pages, when large). Freed memory is kept and
/// reused. Throws RuntimeError, naming bytes asked and available. Thread safe.
void* allocate(std::size_t bytes);
/// `bytes` as it was asked for.
void deallocate(void* memory, std::size_t bytes) noexcept;

MemoryStatistics memory_statistics();
void reset_peak_memory();
/// Gives the memory that is cached back to the system.
void release_cached_memory();
/// Bytes that this process can still get: what the system, the cgroup and the process's limit leave, and the cache.
std::int64_t available_memory();

/// A counted handle of a piece of memory, its own or borrowed. Copies share it.
class Buffer {
 public:
  Buffer() = default;
  /// Memory of its own, not initialised. Throws RuntimeError when there is none.
  static Buffer allocate(std::size_t bytes);
  /// Memory of its own that `release` gives back (of a GPU).
  static Buffer adopt(void* data, std::size_t bytes, std::function<void()> release);
  /// Memory of someone else, who is told by `release` when the last handle is gone.
  static Buffer borrow(void* data, std::size_t bytes, std::function<void()> release = {});

  Buffer(const Buffer& other) noexcept : block_(other.block_) {
    if (block_) block_->count.fetch_add(1, std::memory_order_relaxed);
  }
  Buffer(Buffer&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  Buffer& operator=(Buffer other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~Buffer() {
    if (block_ && block_->count.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy(block_);
  }

  void* data() const { return block_ ? block_->data : nullptr; }
  std::size_t size() const { return block_ ? block_->bytes : 0; }
  explicit operator bool() const { return block_ != nullptr; }
  /// Whether this is the only handle of memory of its own: a donated one may then be written to.
  bool unique() const { return block_ && block_->owned && block_->count.load(std::memory_order_acquire) == 1; }

 private:
  struct Block {
    std::atomic<std::int64_t> count{1};
    void* data = nullptr;
    std::size_t bytes = 0;
    bool owned = true;
    std::function<void()> release;
  };
  explicit Buffer(Block* block) : block_(block) {}
  static void destroy(Block*) noexcept;

  Block* block_ = nullptr;
};

}  // namespace skein::runtime
