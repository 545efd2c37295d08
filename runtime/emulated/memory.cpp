#include "runtime/emulated/memory.h"

#include <sys/mman.h>
#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace skein::runtime::emulated {
namespace {

constexpr std::uint64_t granule = Memory::granule;
constexpr std::uint64_t first_offset = 4096;  // the lowest addresses of a device are never allocated
constexpr int fresh = 0xCD, gone = 0xDD;
// Filling commits memory of the host: of larger allocations only so much is filled, the rest reads as zero.
constexpr std::size_t most_filled = std::size_t{256} << 20;
// What is freed is not allocated again until so many more bytes have been, so that late accesses are caught.
constexpr std::uint64_t quarantine = std::uint64_t{64} << 20;
constexpr std::size_t large = 64 * 1024;
constexpr std::size_t page = 4096;

std::uint64_t padded(std::uint64_t bytes) { return (bytes + granule - 1) / granule * granule; }
/// With the red zone behind it.
std::uint64_t footprint_of(std::uint64_t bytes) { return padded(bytes) + granule; }

void* reserve(std::size_t bytes, int protection) {
  void* memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Failure{CUDA_ERROR_OUT_OF_MEMORY, "no addresses left for the emulated devices"};
  madvise(memory, bytes, MADV_DONTDUMP);
  return memory;
}

std::string plural(std::uint64_t count) { return std::to_string(count) + (count == 1 ? " byte" : " bytes"); }

}  // namespace

Memory& Memory::instance() {
  static Memory* memory = new Memory;
  return *memory;
}

Memory::Memory() {
  const Settings& s = settings();
  const std::uint64_t needed = s.memory + s.memory / 2 + 2 * quarantine;
  shift_ = static_cast<unsigned>(std::bit_width(std::bit_ceil(needed)) - 1);
  const std::size_t all = static_cast<std::size_t>(s.devices) << shift_;
  base_ = reinterpret_cast<std::uint64_t>(reserve(all + window_bytes, PROT_NONE));
  if (all > 0) {
    bytes_ = static_cast<char*>(reserve(all, PROT_READ | PROT_WRITE));
    shadow_ = static_cast<std::uint16_t*>(reserve(all / granule * sizeof(std::uint16_t), PROT_READ | PROT_WRITE));
  }
  for (int device = 0; device < s.devices; ++device) {
    devices_.push_back(new Device);
    devices_.back()->cursor = first_offset;
  }
}

/// The next gap behind the one that was taken last; 0 if there is none.
std::uint64_t Memory::find_gap(Device& device, std::uint64_t footprint) const {
  if (device.cursor > first_offset + device.used + quarantine) device.cursor = first_offset;
  for (std::uint64_t at : {device.cursor, first_offset}) {
    auto next = device.live.lower_bound(at);
    if (next != device.live.begin()) {
      auto before = std::prev(next);
      at = std::max(at, before->first + footprint_of(before->second));
    }
    for (; next != device.live.end(); ++next) {
      if (at + footprint <= next->first) return at;
      at = next->first + footprint_of(next->second);
    }
    if (at + footprint <= stride()) return at;
  }
  return 0;
}

void Memory::mark(std::uint64_t offset, std::size_t bytes, bool valid) {
  for (std::uint64_t done = 0; done < bytes; done += granule) {
    const auto here = static_cast<std::uint16_t>(valid ? std::min<std::uint64_t>(granule, bytes - done) : 0);
    __atomic_store_n(shadow_ + (offset + done) / granule, here, __ATOMIC_RELAXED);
  }
}

CUdeviceptr Memory::allocate(int device, std::size_t bytes) {
  require(bytes > 0, "an allocation of no bytes");
  Device& d = *devices_[static_cast<std::size_t>(device)];
  std::lock_guard lock(d.mutex);
  auto full = [&] {
    return Failure{CUDA_ERROR_OUT_OF_MEMORY, "out of memory: " + plural(bytes) + " asked for, " + plural(d.used) +
                                                 " of " + plural(settings().memory) + " in use"};
  };
  if (bytes > settings().memory || padded(bytes) > settings().memory - d.used) throw full();
  const std::uint64_t at = find_gap(d, footprint_of(bytes));
  if (at == 0) throw full();
  auto old = d.freed.lower_bound(at);
  if (old != d.freed.begin() && std::prev(old)->first + std::prev(old)->second > at) --old;
  while (old != d.freed.end() && old->first < at + footprint_of(bytes)) old = d.freed.erase(old);
  d.live.emplace(at, bytes);
  d.used += padded(bytes);
  d.cursor = at + footprint_of(bytes);
  const std::uint64_t offset = (static_cast<std::uint64_t>(device) << shift_) + at;
  std::memset(bytes_ + offset, fresh, std::min<std::size_t>(bytes, most_filled));
  mark(offset, bytes, true);
  return base_ + offset;
}

void Memory::free(CUdeviceptr address) {
  require(is_device(address), "cuMemFree of an address that is not in device memory");
  const std::uint64_t offset = address - base_, index = offset >> shift_, at = offset - (index << shift_);
  Device& d = *devices_[index];
  std::lock_guard lock(d.mutex);
  auto found = d.live.find(at);
  require(found != d.live.end(), "cuMemFree of an address that no allocation begins at");
  const std::size_t bytes = found->second;
  d.live.erase(found);
  d.used -= padded(bytes);
  mark(offset, bytes, false);
  if (d.freed.size() >= 4096) d.freed.erase(d.freed.begin());
  d.freed[at] = bytes;
  // The shadow refuses every access already; large memory is given back to the host instead.
  std::size_t filled = bytes;
  if (bytes >= large) {
    const std::uint64_t begin = (offset + page - 1) / page * page, end = (offset + bytes) / page * page;
    madvise(bytes_ + begin, end - begin, MADV_DONTNEED);
    filled = begin - offset;
  }
  std::memset(bytes_ + offset, gone, filled);
}

std::pair<std::size_t, std::size_t> Memory::room(int device) {
  Device& d = *devices_[static_cast<std::size_t>(device)];
  std::lock_guard lock(d.mutex);
  return {settings().memory - d.used, settings().memory};
}

void* Memory::allocate_host(std::size_t bytes) {
  require(bytes > 0, "an allocation of no bytes");
  void* memory = std::aligned_alloc(page, (bytes + page - 1) / page * page);
  if (!memory) throw Failure{CUDA_ERROR_OUT_OF_MEMORY, {}};
  std::memset(memory, fresh, std::min(bytes, most_filled));
  std::lock_guard lock(host_mutex_);
  host_[reinterpret_cast<std::uint64_t>(memory)] = bytes;
  return memory;
}

void Memory::free_host(void* memory) {
  {
    std::lock_guard lock(host_mutex_);
    require(host_.erase(reinterpret_cast<std::uint64_t>(memory)) == 1, "cuMemFreeHost of an unknown address");
  }
  std::free(memory);
}

bool Memory::is_host(std::uint64_t address, std::uint64_t bytes) {
  std::lock_guard lock(host_mutex_);
  auto after = host_.upper_bound(address);
  if (after == host_.begin()) return false;
  auto [begin, size] = *std::prev(after);
  return bytes <= size && address - begin <= size - bytes;
}

char* Memory::resolve(const Context& context, std::uint64_t address, std::uint64_t bytes, const char* who,
                      std::uint64_t also) {
  if (bytes == 0) return nullptr;
  const std::uint64_t reachable = context.reachable.load(std::memory_order_relaxed) | also;
  if (char* memory = translate(address, bytes, reachable)) return memory;
  if (is_host(address, bytes)) return reinterpret_cast<char*>(address);
  char place[32];
  std::snprintf(place, sizeof place, "0x%llx", static_cast<unsigned long long>(address));
  throw Failure{CUDA_ERROR_ILLEGAL_ADDRESS, std::string(who) + ": " + plural(bytes) + " at " + place + " on device " +
                                                std::to_string(context.device) + ", " +
                                                explain(address, bytes, reachable)};
}

std::string Memory::explain(std::uint64_t address, std::uint64_t bytes, std::uint64_t reachable) {
  if (address - window() < window_bytes) return "which is in the window of shared memory, outside its arrays";
  if (!is_device(address)) return address < 4096 ? "which is a null pointer" : "which is not in device memory";
  const std::uint64_t offset = address - base_, index = offset >> shift_;
  if (!(reachable >> index & 1))
    return "which is memory of device " + std::to_string(index) + ", to which peer access is not enabled";
  return explain_on(*devices_[index], offset - (index << shift_), bytes);
}

std::string Memory::explain_on(Device& device, std::uint64_t at, std::uint64_t bytes) {
  std::lock_guard lock(device.mutex);
  auto freed = device.freed.upper_bound(at);
  if (freed != device.freed.begin()) {
    auto [begin, size] = *std::prev(freed);
    if (at < begin + size)
      return "which is " + plural(at - begin) + " into an allocation of " + plural(size) + " that has been freed";
  }
  auto next = device.live.upper_bound(at);
  std::string text = "which is far from every allocation";
  std::uint64_t nearest = std::uint64_t{1} << 30;
  if (next != device.live.begin()) {
    auto [begin, size] = *std::prev(next);
    const std::uint64_t end = begin + size;
    if (at < end) {
      if (at + bytes <= end) return "which has been allocated meanwhile";
      return "of which " + plural(at + bytes - end) + " are past the end of an allocation of " + plural(size);
    }
    if (at - end < nearest) {
      nearest = at - end;
      text = "which is " + plural(at - end) + " past the end of an allocation of " + plural(size);
    }
  }
  if (next != device.live.end() && next->first - at < nearest)
    text = "which is " + plural(next->first - at) + " before an allocation of " + plural(next->second);
  return text;
}

}  // namespace skein::runtime::emulated
