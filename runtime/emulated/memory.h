#pragma once
// Device memory: addresses that the host cannot touch, and the bytes behind them.
//
//   addresses  | device 0 ............ | device 1 ............ | shared memory window |    PROT_NONE
//   bytes      | device 0 ............ | device 1 ............ |                           at the same offsets
//   shadow     how many of each 256 bytes are allocated, so that an access is checked in a few instructions
//
// Shared memory's bytes belong to the block that runs; the window gives them addresses only.

#include "runtime/emulated/state.h"

#include <map>
#include <utility>
#include <vector>

namespace skein::runtime::emulated {

class Memory {
 public:
  static constexpr std::uint64_t granule = 256;
  static constexpr std::uint64_t window_bytes = std::uint64_t{8} << 20;

  /// Of all devices. Throws CUDA_ERROR_OUT_OF_MEMORY where the host has no addresses left.
  static Memory& instance();

  CUdeviceptr allocate(int device, std::size_t bytes);
  void free(CUdeviceptr address);
  /// Free and total bytes.
  std::pair<std::size_t, std::size_t> room(int device);

  void* allocate_host(std::size_t bytes);
  void free_host(void* memory);
  bool is_host(std::uint64_t address, std::uint64_t bytes);

  bool is_device(std::uint64_t address) const { return (address - base_) >> shift_ < devices_.size(); }
  std::uint64_t window() const { return base_ + (devices_.size() << shift_); }

  /// The bytes of an access by a context that reaches these devices; null if any of them is not allocated.
  char* translate(std::uint64_t address, std::uint64_t bytes, std::uint64_t reachable) const {
    const std::uint64_t offset = address - base_, device = offset >> shift_;
    if (device >= devices_.size() || !(reachable >> device & 1) || bytes > stride()) return nullptr;
    std::uint64_t first = offset / granule, inside = offset % granule, valid = shadow_at(first);
    if (inside + bytes <= valid) return bytes_ + offset;
    // Granules before the last are whole, since between allocations there is one that is empty.
    for (std::uint64_t end = inside + bytes; end > granule; end -= granule) {
      if (valid != granule) return nullptr;
      valid = shadow_at(++first);
      if (end - granule <= valid) return bytes_ + offset;
    }
    return nullptr;
  }

  /// The bytes behind a range of device memory, or of pinned host memory; throws CUDA_ERROR_ILLEGAL_ADDRESS.
  /// Besides the memory that the context's kernels reach, that of the devices `also`.
  char* resolve(const Context& context, std::uint64_t address, std::uint64_t bytes, const char* who,
                std::uint64_t also = 0);

  /// What an access that was refused has touched, as "12 bytes past the end of an allocation of 1024 bytes".
  std::string explain(std::uint64_t address, std::uint64_t bytes, std::uint64_t reachable);

 private:
  struct Device {
    std::mutex mutex;
    std::map<std::uint64_t, std::size_t> live, freed;  // offset in the device and bytes
    std::size_t used = 0;
    std::uint64_t cursor = 0;
  };

  Memory();
  std::uint64_t stride() const { return std::uint64_t{1} << shift_; }
  std::uint16_t shadow_at(std::uint64_t index) const { return __atomic_load_n(shadow_ + index, __ATOMIC_RELAXED); }
  std::uint64_t find_gap(Device& device, std::uint64_t footprint) const;
  void mark(std::uint64_t offset, std::size_t bytes, bool valid);
  std::string explain_on(Device& device, std::uint64_t at, std::uint64_t bytes);

  std::uint64_t base_ = 0;
  unsigned shift_ = 0;
  char* bytes_ = nullptr;
  std::uint16_t* shadow_ = nullptr;
  std::vector<Device*> devices_;
  std::mutex host_mutex_;
  std::map<std::uint64_t, std::size_t> host_;
};

}  // namespace skein::runtime::emulated
