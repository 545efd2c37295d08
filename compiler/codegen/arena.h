#pragma once
// Places in a program's arena, given at compile time.

#include <cstdint>
#include <map>

namespace skein::compiler {

class Arena {
 public:
  /// The offset of `bytes` that nothing else uses until they are released. Best fit, 64-byte aligned.
  int64_t take(int64_t bytes) {
    bytes = rounded(bytes);
    auto best = holes.end();
    for (auto hole = holes.begin(); hole != holes.end(); ++hole)
      if (hole->second >= bytes && (best == holes.end() || hole->second < best->second)) best = hole;
    if (best != holes.end()) {
      auto [offset, size] = *best;
      holes.erase(best);
      if (size > bytes) holes[offset + bytes] = size - bytes;
      return offset;
    }
    // Grow: a hole at the end is part of the new place.
    int64_t offset = end;
    if (!holes.empty() && std::prev(holes.end())->first + std::prev(holes.end())->second == end) {
      offset = std::prev(holes.end())->first;
      holes.erase(std::prev(holes.end()));
    }
    end = offset + bytes;
    return offset;
  }

  void release(int64_t offset, int64_t bytes) {
    auto [place, inserted] = holes.emplace(offset, rounded(bytes));
    if (auto next = std::next(place); next != holes.end() && place->first + place->second == next->first) {
      place->second += next->second;
      holes.erase(next);
    }
    if (place != holes.begin()) {
      auto before = std::prev(place);
      if (before->first + before->second == place->first) {
        before->second += place->second;
        holes.erase(place);
      }
    }
  }

  int64_t size() const { return end; }

 private:
  static int64_t rounded(int64_t bytes) { return bytes <= 0 ? 64 : (bytes + 63) / 64 * 64; }
  std::map<int64_t, int64_t> holes;  // offset -> size
  int64_t end = 0;
};

}  // namespace skein::compiler
