#pragma once
// Looking at arrays: operator<< for the values stands in array.h; here, how an array lies on its devices.

#include <skein/array.h>

#include <iosfwd>
#include <string>
#include <vector>

namespace skein {

/// A table of the devices that hold each part of an array; prints as text, or draws itself.
class ShardingPicture {
 public:
  /// One part: the rows and columns of the table that it fills, the devices that hold it.
  struct Part {
    std::int64_t row, column;
    std::string devices;
  };
  /// A table of the two dimensions that are split, for one place along the others.
  struct Table {
    std::string title;  // that place, as "[0:2,:,:]"; empty where there is one table
    std::int64_t rows = 1, columns = 1;
    std::vector<Part> parts;
  };

  explicit ShardingPicture(std::vector<Table> tables) : tables_(std::move(tables)) {}
  const std::vector<Table>& tables() const { return tables_; }
  /// Boxes of characters, with a newline at the end.
  SKEIN_API std::string text() const;
  /// The same as an SVG document.
  SKEIN_API std::string svg() const;

 private:
  std::vector<Table> tables_;
};
SKEIN_API std::ostream& operator<<(std::ostream&, const ShardingPicture&);

/// Which device holds which part: a row of boxes for an array split along its only dimension, a table for one split along two.
SKEIN_API ShardingPicture visualize_array_sharding(const Array&, std::source_location = std::source_location::current());

}  // namespace skein
