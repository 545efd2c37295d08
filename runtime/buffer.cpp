#include "runtime/buffer.h"

#include <skein/base/error.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace skein::runtime {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t large = std::size_t{1} << 20;     // from here on memory comes from mmap, in huge pages
constexpr std::size_t checked = std::size_t{64} << 20;  // from here on a fresh mapping is compared with what is left

// Size classes: eight steps to each doubling, from 64 bytes; a block is at most an eighth larger than asked for.
constexpr int step_bits = 3;

int class_of(std::size_t bytes) {
  if (bytes <= 512) return static_cast<int>((std::max<std::size_t>(bytes, 1) - 1) / 64);
  int exponent = std::bit_width(bytes - 1) - 1;  // bytes - 1 in [2^exponent, 2^(exponent+1))
  auto step = static_cast<int>(((bytes - 1) >> (exponent - step_bits)) & ((1 << step_bits) - 1));
  return ((exponent - 9) << step_bits) + step + 8;
}

std::size_t class_size(int index) {
  if (index < 8) return static_cast<std::size_t>(index + 1) * 64;
  int exponent = ((index - 8) >> step_bits) + 9, step = (index - 8) & ((1 << step_bits) - 1);
  return (std::size_t{1} << exponent) + (static_cast<std::size_t>(step + 1) << (exponent - step_bits));
}

constexpr int class_count = 8 + ((63 - 9) << step_bits);

std::int64_t number_in(const std::string& path) {
  std::ifstream file(path);
  std::string text;
  return file >> text && text != "max" ? std::atoll(text.c_str()) : -1;
}

std::int64_t system_available() {
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  std::ifstream file("/proc/meminfo");
  for (std::string key, unit; file >> key;) {
    std::int64_t kib = 0;
    file >> kib;
    std::getline(file, unit);
    if (key == "MemAvailable:") {
      least = kib * 1024;
      break;
    }
  }
  for (auto [limit_path, used_path] :
       {std::pair{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"},
        std::pair{"/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"}}) {
    std::int64_t limit = number_in(limit_path), used = number_in(used_path);
    if (limit > 0 && used >= 0) least = std::min(least, std::max<std::int64_t>(limit - used, 0));
  }
  rlimit address_space{};
  if (getrlimit(RLIMIT_AS, &address_space) == 0 && address_space.rlim_cur != RLIM_INFINITY) {
    std::int64_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    std::int64_t left = static_cast<std::int64_t>(address_space.rlim_cur) - pages * sysconf(_SC_PAGESIZE);
    least = std::min(least, std::max<std::int64_t>(left, 0));
  }
  return least;
}

void* map_large(std::size_t bytes) {
  // One page more than needed, so that a 2 MiB boundary lies inside; the rest is given back at once.
  std::size_t padded = bytes + huge_page;
  void* raw = mmap(nullptr, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  auto begin = reinterpret_cast<std::uintptr_t>(raw);
  std::uintptr_t aligned = (begin + huge_page - 1) / huge_page * huge_page;
  if (aligned > begin) munmap(raw, aligned - begin);
  if (std::size_t tail = begin + padded - (aligned + bytes)) munmap(reinterpret_cast<void*>(aligned + bytes), tail);
  madvise(reinterpret_cast<void*>(aligned), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

std::size_t mapped_size(std::size_t class_bytes) {
  return class_bytes >= large ? (class_bytes + 4095) / 4096 * 4096 : class_bytes;
}

class Allocator {
 public:
  void* take(std::size_t bytes) {
    if (bytes > std::size_t{1} << 48) fail(bytes);
    int index = class_of(bytes);
    std::size_t size = mapped_size(class_size(index));
    {
      std::lock_guard lock(mutex_);
      auto& list = free_[static_cast<std::size_t>(index)];
      if (!list.empty()) {
        void* memory = list.back();
        list.pop_back();
        statistics_.cached -= static_cast<std::int64_t>(size);
        use(size);
        return memory;
      }
    }
    // Memory that was never touched is granted beyond what there is; ask first, rather than be killed later.
    if (size >= checked && static_cast<std::int64_t>(bytes) > system_available()) {
      trim();
      if (static_cast<std::int64_t>(bytes) > system_available()) fail(bytes);
    }
    void* memory = fresh(size);
    if (!memory) {
      trim();
      memory = fresh(size);
      if (!memory) fail(bytes);
    }
    std::lock_guard lock(mutex_);
    ++statistics_.mappings;
    use(size);
    return memory;
  }

  void give(void* memory, std::size_t bytes) noexcept {
    int index = class_of(bytes);
    std::size_t size = mapped_size(class_size(index));
    std::lock_guard lock(mutex_);
    statistics_.in_use -= static_cast<std::int64_t>(size);
    try {
      free_[static_cast<std::size_t>(index)].push_back(memory);
      statistics_.cached += static_cast<std::int64_t>(size);
    } catch (...) {  // no memory for the list itself
      drop(memory, size);
    }
  }

  void trim() noexcept {
    std::lock_guard lock(mutex_);
    for (int index = 0; index < class_count; ++index) {
      auto& list = free_[static_cast<std::size_t>(index)];
      for (void* memory : list) drop(memory, mapped_size(class_size(index)));
      std::vector<void*>().swap(list);
    }
    statistics_.cached = 0;
  }

  MemoryStatistics statistics() {
    std::lock_guard lock(mutex_);
    return statistics_;
  }
  void reset_peak() {
    std::lock_guard lock(mutex_);
    statistics_.peak = statistics_.in_use;
  }

 private:
  void use(std::size_t size) {
    statistics_.in_use += static_cast<std::int64_t>(size);
    statistics_.peak = std::max(statistics_.peak, statistics_.in_use);
  }
  static void* fresh(std::size_t size) {
    return size >= large ? map_large(size) : std::aligned_alloc(64, (size + 63) / 64 * 64);
  }
  static void drop(void* memory, std::size_t size) noexcept {
    if (size >= large)
      munmap(memory, size);
    else
      std::free(memory);
  }
  [[noreturn]] void fail(std::size_t bytes) {
    throw RuntimeError("out of memory: " + std::to_string(bytes) + " bytes were asked for, " +
                           std::to_string(available_memory()) + " are available (" +
                           std::to_string(statistics().in_use) + " in use by arrays)",
                       "allocate", "", 0);
  }

  std::mutex mutex_;
  std::array<std::vector<void*>, class_count> free_;
  MemoryStatistics statistics_;
};

Allocator& allocator() {
  static auto* instance = new Allocator;  // never destroyed: arrays may outlive static objects
  return *instance;
}

}  // namespace

void* allocate(std::size_t bytes) { return allocator().take(bytes); }
void deallocate(void* memory, std::size_t bytes) noexcept {
  if (memory) allocator().give(memory, bytes);
}
MemoryStatistics memory_statistics() { return allocator().statistics(); }
void reset_peak_memory() { allocator().reset_peak(); }
void release_cached_memory() { allocator().trim(); }
std::int64_t available_memory() { return system_available() + allocator().statistics().cached; }

Buffer Buffer::allocate(std::size_t bytes) {
  auto block = std::make_unique<Block>();
  block->data = runtime::allocate(bytes);
  block->bytes = bytes;
  return Buffer(block.release());
}

Buffer Buffer::adopt(void* data, std::size_t bytes, std::function<void()> release) {
  auto* block = new Block;
  block->data = data, block->bytes = bytes, block->release = std::move(release);
  return Buffer(block);
}

Buffer Buffer::borrow(void* data, std::size_t bytes, std::function<void()> release) {
  auto* block = new Block;
  block->data = data, block->bytes = bytes, block->owned = false, block->release = std::move(release);
  return Buffer(block);
}

void Buffer::destroy(Block* block) noexcept {
  if (block->release)
    block->release();
  else if (block->owned)
    deallocate(block->data, block->bytes);
  delete block;
}

}  // namespace skein::runtime
