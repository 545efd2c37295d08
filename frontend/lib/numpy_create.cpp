// Arrays from nothing and around diagonals.
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

void check_sizes(const Shape& shape) {
  for (std::int64_t size : shape)
    if (size < 0) fail("a shape has no negative sizes; this is " + to_string(shape));
}

/// Row + k of each element of the last two dimensions, and its column.
std::pair<Array, Array> rows_and_columns(const Shape& shape, std::int64_t k) {
  auto rank = static_cast<std::int64_t>(shape.size());
  std::int64_t most = shape[place(rank - 2)] + shape[place(rank - 1)];
  DType dtype = index_dtype(2 * most);
  Array rows = emit_iota(shape, dtype, rank - 2), columns = emit_iota(shape, dtype, rank - 1);
  return {rows + Array(std::clamp(k, -most, most)), columns};
}

Array triangle(const char* name, const Array& x, std::int64_t k, Where at, bool lower) {
  Call call(name, at);
  if (rank_of(x) < 2) fail("wants two dimensions or more, not " + describe(x));
  return staged(name, {x}, Key(k), [&](In in) {
    auto [rows, columns] = rows_and_columns(in[0].shape(), lower ? k : k - 1);
    Array below = columns <= rows, zero = cast(Array(0), in[0].dtype());
    return with_weak(lower ? where(below, in[0], zero) : where(below, zero, in[0]), in[0].weak());
  });
}

Array of_values(const std::vector<double>& values, DType dtype) {
  return cast(from_data(values, Shape{static_cast<std::int64_t>(values.size())}), dtype);
}

/// `count` numbers from start to stop.
std::vector<double> evenly(double start, double stop, std::int64_t count) {
  std::vector<double> values;
  double step = count > 1 ? (stop - start) / static_cast<double>(count - 1) : 0;
  for (std::int64_t i = 0; i < count; ++i)
    values.push_back(i && i == count - 1 ? stop : start + static_cast<double>(i) * step);
  return values;
}

}  // namespace

Array eye(std::int64_t rows, std::int64_t columns, std::int64_t k, DType dtype, Where at) {
  Call call("eye", at);
  check_sizes({rows, columns});
  return staged("eye", {}, Key(rows, columns, k, dtype), [&](In) {
    auto [row, column] = rows_and_columns({rows, columns}, k);
    return cast(row == column, dtype);
  });
}
Array identity(std::int64_t rows, DType dtype, Where at) {
  Call call("identity", at);
  return eye(rows, dtype, at);
}
Array tri(std::int64_t rows, std::optional<std::int64_t> columns, std::int64_t k, DType dtype, Where at) {
  Call call("tri", at);
  Shape shape{rows, columns.value_or(rows)};
  check_sizes(shape);
  return staged("tri", {}, Key(shape, k, dtype), [&](In) {
    auto [row, column] = rows_and_columns(shape, k);
    return cast(column <= row, dtype);
  });
}
Array tril(const Array& x, std::int64_t k, Where at) { return triangle("tril", x, k, at, true); }
Array triu(const Array& x, std::int64_t k, Where at) { return triangle("triu", x, k, at, false); }

Array diagonal(const Array& x, DiagonalOptions o, Where at) {
  Call call("diagonal", at);
  std::int64_t rank = rank_of(x);
  if (rank < 2) fail("wants two dimensions or more, not " + describe(x));
  std::int64_t first = normal_axis(o.axis1, rank, x), second = normal_axis(o.axis2, rank, x);
  if (first == second) fail("the two axes are different; both are axis " + std::to_string(first));
  std::int64_t down = std::max<std::int64_t>(-o.offset, 0), right = std::max<std::int64_t>(o.offset, 0);
  std::int64_t count = std::max<std::int64_t>(std::min(length_of(x, first) - down, length_of(x, second) - right), 0);
  return staged("diagonal", {x}, Key(o.offset, first, second), [&](In in) {
    List order;
    for (std::int64_t i = 0; i < rank; ++i)
      if (i != first && i != second) order.push_back(i);
    order.push_back(first), order.push_back(second);
    Array v = transpose(in[0], order);
    Shape shape = v.shape();
    shape.pop_back(), shape.pop_back();
    if (!count) {
      shape.push_back(0);
      return zeros(shape, v.dtype());
    }
    v = cut(cut(v, rank - 2, down, down + count), rank - 1, right, right + count);
    shape.push_back(count * count);
    return cut(reshape(v, shape), rank - 2, 0, count * count, count + 1);  // row-major, each count + 1 after the last
  });
}

Array diag(const Array& x, std::int64_t k, Where at) {
  Call call("diag", at);
  std::int64_t rank = rank_of(x);
  if (rank == 2) return diagonal(x, {.offset = k});
  if (rank != 1) fail("wants a vector or a matrix, not " + describe(x));
  return staged("diag", {x}, Key(k), [&](In in) {
    std::int64_t before = std::max<std::int64_t>(-k, 0), after = std::max<std::int64_t>(k, 0);
    Array rows = pad(in[0], {{before, after}});
    std::int64_t size = rows.size();
    auto [row, column] = rows_and_columns({size, size}, k);
    Array zero = cast(Array(0), rows.dtype());
    return with_weak(where(row == column, reshape(rows, {size, 1}), zero), in[0].weak());
  });
}
Array diagflat(const Array& x, std::int64_t k, Where at) {
  Call call("diagflat", at);
  return diag(ravel(x), k);
}
Array trace(const Array& x, DiagonalOptions o, Where at) {
  Call call("trace", at);
  if (rank_of(x) < 2) fail("wants two dimensions or more, not " + describe(x));
  return sum(diagonal(x, o), {.axis = -1});
}

Array logspace(double start, double stop, std::int64_t count, double base, DType dtype, Where at) {
  Call call("logspace", at);
  check_sizes({count});
  std::vector<double> values = evenly(start, stop, count);
  for (double& value : values) value = std::pow(base, value);
  return of_values(values, dtype);
}
Array geomspace(double start, double stop, std::int64_t count, DType dtype, Where at) {
  Call call("geomspace", at);
  check_sizes({count});
  if (start == 0 || stop == 0 || (start < 0) != (stop < 0)) fail("the bounds have one sign, and neither is 0");
  double sign = start < 0 ? -1 : 1;
  std::vector<double> values = evenly(std::log10(sign * start), std::log10(sign * stop), count);
  for (double& value : values) value = sign * std::pow(10, value);
  if (count > 0) values.front() = start;
  if (count > 1) values.back() = stop;
  return of_values(values, dtype);
}

std::vector<Array> meshgrid(const std::vector<Array>& arrays, MeshgridOptions o, Where at) {
  Call call("meshgrid", at);
  bool exchanged = o.indexing == "xy";
  if (!exchanged && o.indexing != "ij") fail("indexing is \"xy\" or \"ij\", not \"" + std::string(o.indexing) + "\"");
  for (const Array& array : arrays)
    if (rank_of(array) > 1) fail("wants vectors, not " + describe(array));
  if (arrays.empty()) return {};
  return staged_all("meshgrid", arrays, Key(exchanged, o.sparse), [&](In in) {
    Shape whole = Shape::filled(in.size(), 1);
    auto dim = [&](std::size_t i) { return exchanged && in.size() > 1 && i < 2 ? 1 - i : i; };
    for (std::size_t i = 0; i < in.size(); ++i) whole[dim(i)] = in[i].size();
    std::vector<Array> grids;
    for (std::size_t i = 0; i < in.size(); ++i) {
      Shape shape = Shape::filled(in.size(), 1);
      shape[dim(i)] = in[i].size();
      Array grid = reshape(in[i], shape);
      grids.push_back(o.sparse ? grid : broadcast_to(grid, whole));
    }
    return grids;
  });
}

Array indices(const Shape& shape, DType dtype, Where at) {
  Call call("indices", at);
  check_sizes(shape);
  if (shape.empty()) return zeros({0}, dtype);
  return staged("indices", {}, Key(shape, dtype), [&](In) {
    std::vector<Array> all_dims;
    for (std::size_t i = 0; i < shape.size(); ++i)
      all_dims.push_back(cast(counter(shape, static_cast<std::int64_t>(i)), dtype));
    return stack(all_dims);
  });
}

std::vector<Array> detail::function_indices(const Shape& shape, std::size_t parameters, DType dtype, Where at) {
  Call call("fromfunction", at);
  if (shape.size() != parameters)
    fail("the function takes " + std::to_string(parameters) + " arrays, the shape " + to_string(shape) + " has " +
         std::to_string(shape.size()) + " dimensions");
  return unstack(indices(shape, dtype));
}

Array vander(const Array& x, std::optional<std::int64_t> columns, bool increasing, Where at) {
  Call call("vander", at);
  if (rank_of(x) != 1) fail("wants a vector, not " + describe(x));
  std::int64_t count = columns.value_or(x.size());
  check_sizes({count});
  return staged("vander", {x}, Key(count, increasing), [&](In in) {
    Array v = cast(in[0], sum_dtype(in[0].dtype()));
    if (!count) return zeros({v.size(), 0}, v.dtype());
    std::vector<Array> powers{ones(v.shape(), v.dtype())};
    while (static_cast<std::int64_t>(powers.size()) < count) powers.push_back(powers.back() * v);
    if (!increasing) std::reverse(powers.begin(), powers.end());
    return stack(powers, {.axis = 1});
  });
}

Array empty(const Shape& shape, DType dtype, Where at) {
  Call call("empty", at);
  return zeros(shape, dtype);
}
Array empty_like(const Array& x, std::optional<DType> dtype, Where at) {
  Call call("empty_like", at);
  return zeros(impl_of(x)->shape, dtype.value_or(x.dtype()));
}
Array zeros_like(const Array& x, DType dtype, Where at) {
  Call call("zeros_like", at);
  return zeros(impl_of(x)->shape, dtype);
}
Array ones_like(const Array& x, DType dtype, Where at) {
  Call call("ones_like", at);
  return ones(impl_of(x)->shape, dtype);
}
Array full_like(const Array& x, const Array& value, DType dtype, Where at) {
  Call call("full_like", at);
  return full(impl_of(x)->shape, value, dtype);
}

}  // namespace skein
