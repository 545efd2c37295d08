#include <skein/base/error.h>
#include <skein/base/mesh.h>

#include <map>
#include <numeric>
#include <ostream>

namespace skein {

struct Mesh::State {
  Shape shape;
  std::vector<std::string> names;
  std::vector<int> ids;
  std::int64_t size = 1;
};

Mesh::Mesh() {
  static const auto single = std::make_shared<const State>(State{{}, {}, {0}, 1});
  state_ = single;
}

Mesh::Mesh(Shape shape, std::vector<std::string> names, std::vector<int> ids, std::source_location location) {
  auto fail = [&](const std::string& message) { throw UserError(message, "make_mesh", location); };
  if (shape.size() != names.size())
    fail("the shape " + to_string(shape) + " has " + std::to_string(shape.size()) + " axes but " +
         std::to_string(names.size()) + " names are given; name each axis once");
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i].empty()) fail("axis " + std::to_string(i) + " has an empty name");
    if (shape[i] <= 0) fail("axis '" + names[i] + "' has size " + std::to_string(shape[i]) + "; it must be at least 1");
    for (std::size_t j = 0; j < i; ++j)
      if (names[i] == names[j]) fail("two axes are named '" + names[i] + "'; names must differ");
  }
  std::int64_t size = shape.volume();
  if (ids.empty()) {
    ids.resize(static_cast<std::size_t>(size));
    std::iota(ids.begin(), ids.end(), 0);
  } else if (static_cast<std::int64_t>(ids.size()) != size) {
    fail("a mesh of shape " + to_string(shape) + " needs " + std::to_string(size) + " devices but " +
         std::to_string(ids.size()) + " are given");
  }
  state_ = std::make_shared<const State>(State{std::move(shape), std::move(names), std::move(ids), size});
}

const Shape& Mesh::shape() const { return state_->shape; }
const std::vector<std::string>& Mesh::axis_names() const { return state_->names; }
const std::vector<int>& Mesh::ids() const { return state_->ids; }
std::int64_t Mesh::size() const { return state_->size; }
int Mesh::rank() const { return static_cast<int>(state_->names.size()); }

int Mesh::axis_position(std::string_view name) const {
  for (std::size_t i = 0; i < state_->names.size(); ++i)
    if (state_->names[i] == name) return static_cast<int>(i);
  return -1;
}

std::int64_t Mesh::axis_size(std::string_view name, std::source_location location) const {
  int position = axis_position(name);
  if (position < 0)
    throw UserError("no axis '" + std::string(name) + "' in " + to_string(*this), "axis_size", location);
  return state_->shape[static_cast<std::size_t>(position)];
}

std::int64_t Mesh::axes_size(const std::vector<std::string>& names, std::source_location location) const {
  std::int64_t size = 1;
  for (const std::string& name : names) size *= axis_size(name, location);
  return size;
}

Shape Mesh::coordinates(std::int64_t rank) const {
  Shape result = state_->shape;
  for (std::size_t i = result.size(); i-- > 0;) {
    std::int64_t extent = state_->shape[i];
    result[i] = rank % extent;
    rank /= extent;
  }
  return result;
}

std::int64_t Mesh::rank_of(const Shape& coordinates) const {
  std::int64_t rank = 0;
  for (std::size_t i = 0; i < state_->shape.size(); ++i) rank = rank * state_->shape[i] + coordinates[i];
  return rank;
}

std::int64_t Mesh::rank_within(std::int64_t rank, const std::vector<std::string>& axes) const {
  Shape place = coordinates(rank);
  std::int64_t within = 0;
  for (const std::string& axis : axes)
    within = within * axis_size(axis) + place[static_cast<std::size_t>(axis_position(axis))];
  return within;
}

std::vector<std::vector<int>> Mesh::groups(const std::vector<std::string>& axes) const {
  std::int64_t group_size = axes_size(axes);
  std::map<std::int64_t, std::size_t> index;  // rank with the grouped coordinates zeroed -> group
  std::vector<std::vector<int>> result;
  for (std::int64_t rank = 0; rank < size(); ++rank) {
    Shape place = coordinates(rank);
    for (const std::string& axis : axes) place[static_cast<std::size_t>(axis_position(axis))] = 0;
    auto [entry, fresh] = index.try_emplace(rank_of(place), result.size());
    if (fresh) result.emplace_back(static_cast<std::size_t>(group_size));
    result[entry->second][static_cast<std::size_t>(rank_within(rank, axes))] = static_cast<int>(rank);
  }
  return result;
}

bool operator==(const Mesh& a, const Mesh& b) {
  return a.state_ == b.state_ || (a.shape() == b.shape() && a.axis_names() == b.axis_names() && a.ids() == b.ids());
}

std::string to_string(const Mesh& mesh) {
  std::string text = "Mesh(";
  for (int i = 0; i < mesh.rank(); ++i) {
    auto axis = static_cast<std::size_t>(i);
    if (i) text += ", ";
    text += "'" + mesh.axis_names()[axis] + "': " + std::to_string(mesh.shape()[axis]);
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& out, const Mesh& mesh) { return out << to_string(mesh); }

}  // namespace skein
