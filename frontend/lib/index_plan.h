#pragma once
// What a list of indices means for an array of known shape: which window of it, with which steps, where new dimensions go.

#include <skein/array.h>

#include <span>
#include <vector>

#include "frontend/trace/emit.h"

namespace skein::detail {

/// One dimension of the array that is indexed.
struct IndexedDim {
  std::int64_t start = 0;    // of the window, unless `dynamic`
  std::int64_t window = 0;   // elements from the first to the last that is taken
  std::int64_t step = 1;     // positive
  bool reversed = false;     // the last element taken comes first
  bool dropped = false;      // an integer: no dimension of the result
  int dynamic = -1;          // which of IndexPlan::scalars says the start
  int gather = -1;           // which of IndexPlan::arrays takes elements along it
  std::int64_t count() const { return window ? (window - 1) / step + 1 : 0; }
};

struct IndexPlan {
  std::vector<IndexedDim> dims;
  std::vector<Array> scalars;  // integer arrays of rank 0
  std::vector<Array> arrays;   // integer arrays of higher rank
  Shape array_shape;           // what the arrays broadcast to
  std::vector<int> out;        // the result's parts in order: a dimension >= 0, new_axis or array_block
  static constexpr int new_axis = -1, array_block = -2;

  /// The shape of the result.
  Shape result() const;
  /// How many elements of each dimension are taken.
  Shape counts() const;
  /// Everything that a program made of it depends on, but the starts where they are operands.
  void describe(Key& key) const;
};

/// Reads the indices as NumPy does. Throws UserError naming the current call.
IndexPlan plan_index(const Array& x, std::span<const Index> indices);

}  // namespace skein::detail
