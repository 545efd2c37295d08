#pragma once
// A mesh: devices arranged in a grid whose axes have names.

#include <skein/base/export.h>
#include <skein/base/shape.h>

#include <cstdint>
#include <iosfwd>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

/// A cheap value. Ranks count row-major over the axes: the last axis runs fastest. Default: a mesh of no axes and one device.
class SKEIN_API Mesh {
 public:
  Mesh();
  /// Throws UserError if shape and names differ in length, a size is not positive, a name is empty or comes twice, or
  /// the number of ids is not the number of devices. Without ids the devices are 0, 1, 2...
  Mesh(Shape shape, std::vector<std::string> axis_names, std::vector<int> ids = {},
       std::source_location location = std::source_location::current());

  const Shape& shape() const;
  const std::vector<std::string>& axis_names() const;
  /// The device of each rank.
  const std::vector<int>& ids() const;
  /// Number of devices.
  std::int64_t size() const;
  /// Number of axes.
  int rank() const;

  /// Devices along an axis. Throws UserError if the mesh has no such axis.
  std::int64_t axis_size(std::string_view name, std::source_location location = std::source_location::current()) const;
  /// The product of the sizes of several axes.
  std::int64_t axes_size(const std::vector<std::string>& names,
                         std::source_location location = std::source_location::current()) const;
  /// The position of an axis, -1 if the mesh has none of that name.
  int axis_position(std::string_view name) const;

  Shape coordinates(std::int64_t rank) const;
  std::int64_t rank_of(const Shape& coordinates) const;
  /// The rank of a device within its group over `axes`: row-major over them in the order named.
  std::int64_t rank_within(std::int64_t rank, const std::vector<std::string>& axes) const;
  /// The groups of ranks that differ only along `axes`, each in the order of rank_within, in order of first member.
  std::vector<std::vector<int>> groups(const std::vector<std::string>& axes) const;

  friend SKEIN_API bool operator==(const Mesh&, const Mesh&);

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

/// "Mesh('nodes': 2, 'gpus': 2)".
SKEIN_API std::string to_string(const Mesh&);
SKEIN_API std::ostream& operator<<(std::ostream&, const Mesh&);

}  // namespace skein
