#pragma once
// `none`: an absent value; in a partition spec a dimension that is not split, in an index a new axis or an open end.

namespace skein {

struct NoneType {
  friend constexpr bool operator==(NoneType, NoneType) { return true; }
};

inline constexpr NoneType none{};

}  // namespace skein
