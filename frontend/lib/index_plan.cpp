#include "frontend/lib/index_plan.h"

#include <fmt/format.h>

#include <algorithm>

namespace skein::detail {
namespace {

/// A slice of a dimension of `size` elements, as Python's slice.indices.
IndexedDim slice_of(const Slice& slice, std::int64_t size, std::size_t axis, const Array& x) {
  std::int64_t step = slice.step.value_or(1);
  if (step == 0) fail(fmt::format("a slice of axis {} of {} has step 0", axis, describe(x)));
  if (step == INT64_MIN) step = -INT64_MAX;
  std::int64_t lowest = step > 0 ? 0 : -1, highest = step > 0 ? size : size - 1;
  auto bound = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + size : *given, lowest, highest);
  };
  std::int64_t start = bound(slice.start, step > 0 ? lowest : highest), stop = bound(slice.stop, step > 0 ? highest : lowest);
  IndexedDim dim;
  std::int64_t distance = step > 0 ? stop - start : start - stop;
  if (distance <= 0) return dim;
  dim.reversed = step < 0;
  dim.step = step < 0 ? -step : step;
  std::int64_t count = (distance - 1) / dim.step + 1;
  if (count == 1) dim.step = 1;
  dim.window = (count - 1) * dim.step + 1;
  dim.start = dim.reversed ? start - (dim.window - 1) : start;
  return dim;
}

IndexedDim whole(std::int64_t size) {
  IndexedDim dim;
  dim.window = size;
  return dim;
}

bool takes_dimension(const Index& index) {
  return !std::holds_alternative<NoneType>(index.value) && !std::holds_alternative<EllipsisType>(index.value);
}

class Reader {
 public:
  Reader(const Array& x, std::span<const Index> indices) : x_(x), shape_(x.shape()), indices_(indices) {}

  IndexPlan read() {
    std::size_t taken = 0, ellipses = 0;
    for (const Index& index : indices_) {
      taken += takes_dimension(index);
      ellipses += std::holds_alternative<EllipsisType>(index.value);
    }
    if (taken > shape_.size())
      fail(fmt::format("{} indices are too many for {} of rank {}", taken, describe(x_), shape_.size()));
    if (ellipses > 1) fail("an index has at most one ellipsis");
    std::size_t rest = shape_.size() - taken;
    for (const Index& index : indices_) {
      if (std::holds_alternative<EllipsisType>(index.value)) {
        keep(std::exchange(rest, 0));
        separated();
      } else {
        std::visit([&](const auto& value) { take(value); }, index.value);
      }
    }
    keep(rest);
    place_arrays();
    return std::move(plan_);
  }

 private:
  std::size_t axis() const { return plan_.dims.size(); }
  void keep(std::size_t count) {
    while (count-- > 0) kept(whole(shape_[axis()]));
  }
  void kept(IndexedDim dim) {
    plan_.out.push_back(static_cast<int>(axis()));
    plan_.dims.push_back(dim);
  }

  void take(Absent) {}
  void take(EllipsisType) {}
  void take(AllType) {
    kept(whole(shape_[axis()]));
    separated();
  }
  void take(NoneType) {
    plan_.out.push_back(IndexPlan::new_axis);
    separated();
  }
  void take(const Slice& slice) {
    kept(slice_of(slice, shape_[axis()], axis(), x_));
    separated();
  }
  void take(std::int64_t i) {
    std::int64_t size = shape_[axis()];
    if (i < -size || i >= size) fail(fmt::format("index {} is out of range for axis {} of {}, of size {}", i, axis(), describe(x_), size));
    IndexedDim dim = whole(1);
    dim.start = i < 0 ? i + size : i;
    dim.dropped = true;
    plan_.dims.push_back(dim);
    advanced();
  }
  void take(const Array& array) {
    check_usable(array);
    if (is_bool(array.dtype()))
      fail(fmt::format("a bool index, {}, selects a number of elements that depends on the data; use sk::where(mask, x, otherwise), which "
                       "keeps the shape (sk::compress and masks as indices come with counted arrays)", describe(array)));
    if (!is_integer(array.dtype())) fail(fmt::format("indices are integers, not {}; convert with astype", describe(array)));
    if (array.shape().empty()) {
      if (shape_[axis()] == 0) fail(fmt::format("axis {} of {} is empty; it has no element to index", axis(), describe(x_)));
      IndexedDim dim = whole(1);
      dim.dropped = true;
      dim.dynamic = static_cast<int>(plan_.scalars.size());
      plan_.scalars.push_back(array);
      plan_.dims.push_back(dim);
    } else {
      if (shape_[axis()] == 0 && array.size() != 0)
        fail(fmt::format("axis {} of {} is empty; it has no element to index", axis(), describe(x_)));
      if (plan_.arrays.empty()) array_place_ = plan_.out.size();
      IndexedDim dim = whole(shape_[axis()]);
      dim.gather = static_cast<int>(plan_.arrays.size());
      plan_.arrays.push_back(array);
      plan_.dims.push_back(dim);
    }
    advanced();
  }

  // NumPy: integers and arrays together index their dimensions at once; what they give stands at the place of the first
  // of them if they are neighbours, in front if anything stands between them.
  void advanced() {
    if (group_ == Group::ended) split_ = true;
    group_ = Group::open;
  }
  void separated() {
    if (group_ == Group::open) group_ = Group::ended;
  }
  void place_arrays() {
    if (plan_.arrays.empty()) return;
    plan_.array_shape = broadcast_shapes(plan_.arrays);
    auto place = split_ ? 0 : static_cast<std::ptrdiff_t>(array_place_);
    plan_.out.insert(plan_.out.begin() + place, IndexPlan::array_block);
  }

  enum class Group { none, open, ended };

  const Array& x_;
  const Shape& shape_;
  std::span<const Index> indices_;
  IndexPlan plan_;
  std::size_t array_place_ = 0;
  Group group_ = Group::none;
  bool split_ = false;
};

}  // namespace

Shape IndexPlan::result() const {
  Shape shape;
  for (int part : out) {
    if (part == new_axis) shape.push_back(1);
    else if (part >= 0) shape.push_back(dims[static_cast<std::size_t>(part)].count());
    else
      for (std::int64_t size : array_shape) shape.push_back(size);
  }
  return shape;
}

Shape IndexPlan::counts() const {
  Shape shape;
  for (const IndexedDim& dim : dims) shape.push_back(dim.count());
  return shape;
}

void IndexPlan::describe(Key& key) const {
  for (const IndexedDim& dim : dims)
    key.add(dim.window).add(dim.step).add(dim.reversed).add(dim.dropped).add(dim.dynamic).add(dim.gather);
  for (int part : out) key.add(part);
}

IndexPlan plan_index(const Array& x, std::span<const Index> indices) {
  check_usable(x);
  return Reader(x, indices).read();
}

}  // namespace skein::detail
