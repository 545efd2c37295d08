// Derivatives and batching of traced functions: a function is traced into a block of its own, and the dialect's engines turn
// the block into ops of the program.
#include <skein/ops.h>
#include <skein/transforms.h>

#include "dialects/skein/batching.h"
#include "dialects/skein/derivatives.h"
#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"

namespace skein {
namespace detail {
namespace {

std::vector<TypeInfo> types_of(const Leaves& leaves) {
  std::vector<TypeInfo> types;
  for (const Array& leaf : leaves) types.push_back(type_of(leaf));
  return types;
}

llvm::SmallVector<mlir::Value> values_of(const Leaves& leaves) {
  llvm::SmallVector<mlir::Value> values;
  for (const Array& leaf : leaves) values.push_back(value_of(leaf));
  return values;
}

/// The value as that type: converted, varying over all its axes.
Array fit(const Array& value, const TypeInfo& type) { return with_weak(vary(cast(value, type.dtype), type.varying), type.weak); }

bool has_tangent(const Array& x) { return is_floating(x.dtype()) || is_complex(x.dtype()); }

Array zeros_of(const Array& like) {
  const TypeInfo type = type_of(like);
  return with_weak(vary(emit_splat(type.shape, Array(0), type.dtype), type.varying), type.weak);
}

ir::AxesAttr mesh_attribute() {
  const Mesh* mesh = mesh_in_force();
  return mesh ? axes_attribute(current_frame()->builder.getContext(), axes_of(*mesh)) : ir::AxesAttr();
}

/// A function traced into a block that no op takes.
struct Traced {
  Traced(const TreeFunction& f, const std::vector<TypeInfo>& arguments, const Mesh* mesh = nullptr) : body(arguments, mesh) {
    results = f(body.arguments());
    for (const Array& result : results) check_usable(result);
    types = types_of(results);
    body.yield(results);
  }
  Body body;
  Leaves results;  // weak or not; only their types are of use outside
  std::vector<TypeInfo> types;
};

Array wrapped(mlir::Value value, const TypeInfo& like) { return wrap(value, like.weak); }

}  // namespace

Tangents jvp_leaves(const TreeFunction& f, const Leaves& primals, const Leaves& tangents) {
  if (primals.size() != tangents.size()) fail_trees("the tangents", "the primals");
  llvm::SmallVector<mlir::Value> directions;
  for (std::size_t i = 0; i < primals.size(); ++i) {
    const TypeInfo type = type_of(primals[i]), given = type_of(tangents[i]);
    if (!(type.shape == given.shape)) fail("tangent " + std::to_string(i) + " is " + to_string(given) + ", and what it belongs to " + to_string(type));
    directions.push_back(has_tangent(primals[i]) ? value_of(fit(tangents[i], type)) : mlir::Value());
  }
  Traced traced(f, types_of(primals));
  auto made = ir::pushForward(current_frame()->builder, traced.body.block(), values_of(primals), directions, llvm::DenseMap<mlir::Value, mlir::Value>(), mesh_attribute());
  if (mlir::failed(made)) throw_diagnostic(*current_frame()->program);
  Tangents both;
  for (std::size_t i = 0; i < traced.types.size(); ++i) {
    both.values.push_back(wrapped(made->values[i], traced.types[i]));
    both.tangents.push_back(made->tangents[i] ? wrapped(made->tangents[i], traced.types[i]) : zeros_of(both.values.back()));
  }
  return both;
}

struct PullState::State {
  State(const TreeFunction& f, const Leaves& primals) : primals(primals), traced(f, types_of(primals)) {
    auto arguments = values_of(primals);
    pullback = std::make_unique<ir::Pullback>(current_frame()->builder, traced.body.block(), arguments, llvm::ArrayRef<mlir::Value>(), mesh_attribute());
  }
  Leaves primals;
  Traced traced;
  std::unique_ptr<ir::Pullback> pullback;
};

PullState::PullState(const TreeFunction& f, const Leaves& primals) : state_(std::make_unique<State>(f, primals)) {
  for (std::size_t i = 0; i < state_->traced.types.size(); ++i) values_.push_back(wrapped(state_->pullback->values()[i], state_->traced.types[i]));
}
PullState::~PullState() = default;

Leaves PullState::pull(const Leaves& cotangents) const {
  llvm::SmallVector<mlir::Value> given;
  for (std::size_t i = 0; i < values_.size(); ++i) {
    if (i >= cotangents.size() || cotangents[i].empty() || !has_tangent(values_[i])) {
      given.push_back({});
      continue;
    }
    const TypeInfo& type = state_->traced.types[i];
    if (!(type_of(cotangents[i]).shape == type.shape)) fail("the cotangent is " + describe(cotangents[i]) + ", the value " + to_string(type));
    given.push_back(value_of(fit(cotangents[i], type)));
  }
  auto pulled = state_->pullback->pull(current_frame()->builder, given);
  if (mlir::failed(pulled)) throw_diagnostic(*current_frame()->program);
  Leaves contributions;
  for (std::size_t i = 0; i < state_->primals.size(); ++i) {
    const Array& primal = state_->primals[i];
    contributions.push_back((*pulled)[i] ? wrap((*pulled)[i], type_of(primal).weak) : zeros_of(primal));
  }
  return contributions;
}

// ---- vmap ----

namespace {

/// A dimension moved, by one transpose.
Array move_dimension(const Array& x, std::int64_t from, std::int64_t to) {
  if (from == to) return x;
  std::vector<std::int64_t> order;
  for (std::int64_t d = 0; d < x.ndim(); ++d)
    if (d != from) order.push_back(d);
  order.insert(order.begin() + to, from);
  return with_weak(emit("transpose", {x}, {{"permutation", order}}), x.weak());
}

std::int64_t normal(int axis, std::int64_t rank, const char* which, const Array& of) {
  const std::int64_t at = axis < 0 ? axis + rank : axis;
  if (at < 0 || at >= rank) fail(std::string(which) + " names axis " + std::to_string(axis) + " of " + describe(of));
  return at;
}

}  // namespace

Leaves vmap_leaves(const TreeFunction& f, const Leaves& arguments, const std::vector<std::optional<int>>& in_axes,
                   const std::function<std::vector<std::optional<int>>(std::size_t)>& out_axes, const std::string& axis_name) {
  std::int64_t size = -1;
  std::size_t first = 0;
  llvm::SmallVector<ir::Batched> batched;
  std::vector<TypeInfo> types;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    TypeInfo type = type_of(arguments[i]);
    if (!in_axes[i]) {
      batched.push_back({value_of(arguments[i]), false});
      types.push_back(type);
      continue;
    }
    const std::int64_t axis = normal(*in_axes[i], arguments[i].ndim(), "in_axes", arguments[i]);
    const std::int64_t here = arguments[i].shape()[static_cast<std::size_t>(axis)];
    if (size >= 0 && here != size)
      fail("the batched sizes differ: " + std::to_string(size) + " of array " + std::to_string(first) + ", " + describe(arguments[first]) + ", and " + std::to_string(here) + " of array " +
           std::to_string(i) + ", " + describe(arguments[i]));
    if (size < 0) size = here, first = i;
    batched.push_back({value_of(move_dimension(arguments[i], axis, 0)), true});
    Shape rest;
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(type.shape.size()); ++d)
      if (d != axis) rest.push_back(type.shape[static_cast<std::size_t>(d)]);
    type.shape = rest;
    if (!axis_name.empty()) type.varying.push_back(axis_name);
    types.push_back(type);
  }
  if (size < 0) fail("no argument is batched: in_axes is none for all of them");
  std::optional<Mesh> extended;
  if (!axis_name.empty()) {
    Shape shape;
    std::vector<std::string> names;
    if (const Mesh* mesh = mesh_in_force()) shape = mesh->shape(), names = mesh->axis_names();
    if (std::find(names.begin(), names.end(), axis_name) != names.end()) fail("the name " + axis_name + " is an axis of the mesh in force already");
    shape.push_back(size), names.push_back(axis_name);
    extended.emplace(shape, names);
  }
  Traced traced(f, types, extended ? &*extended : nullptr);
  const auto axes = out_axes(traced.types.size());
  auto made = ir::batch(current_frame()->builder, traced.body.block(), batched, size, axis_name, mesh_attribute());
  if (mlir::failed(made)) throw_diagnostic(*current_frame()->program);
  Leaves results;
  for (std::size_t i = 0; i < traced.types.size(); ++i) {
    Array result = wrapped((*made)[i].value, traced.types[i]);
    if (!axes[i]) {
      if ((*made)[i].batched) fail("out_axes says none of result " + std::to_string(i) + ", which differs from example to example");
      results.push_back(result);
      continue;
    }
    if (!(*made)[i].batched) {
      std::vector<std::int64_t> shape{size}, dims;
      for (std::int64_t d = 0; d < result.ndim(); ++d) shape.push_back(result.shape()[static_cast<std::size_t>(d)]), dims.push_back(d + 1);
      result = with_weak(emit("broadcast", {result}, {{"shape", shape}, {"dims", dims}}), traced.types[i].weak);
    }
    results.push_back(move_dimension(result, 0, normal(*axes[i], result.ndim(), "out_axes", result)));
  }
  return results;
}

// ---- rules of one's own ----

namespace {

Leaves fit_all(const Leaves& values, const std::vector<TypeInfo>& types, const char* what) {
  if (values.size() != types.size()) fail_trees(what, "the function's value");
  Leaves fitted;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!(type_of(values[i]).shape == types[i].shape)) fail(std::string(what) + " has " + describe(values[i]) + " where " + to_string(types[i]) + " belongs");
    fitted.push_back(fit(values[i], types[i]));
  }
  return fitted;
}

std::vector<TypeInfo> joined(std::vector<TypeInfo> a, const std::vector<TypeInfo>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

}  // namespace

Leaves custom_jvp_leaves(const TreeFunction& f, const TreeFunction& rule, const Leaves& arguments) {
  const auto types = types_of(arguments);
  Traced traced(f, types);
  Traced ruled([&](const Leaves& in) { return fit_all(rule(in), joined(traced.types, traced.types), "what the rule gives"); }, joined(types, types));
  Body bodies[] = {std::move(traced.body), std::move(ruled.body)};
  return emit_with_bodies("custom_jvp", arguments, {}, traced.types, bodies);
}

Leaves custom_vjp_leaves(const TreeFunction& f, const TreeFunction& forward, const TreeFunction& backward, const Leaves& arguments, bool transparent) {
  const auto types = types_of(arguments);
  Traced traced(f, types);
  const std::size_t count = traced.types.size();
  Traced kept(
      [&](const Leaves& in) {
        Leaves given = forward(in);
        if (given.size() < count) fail_trees("what forward gives", "the function's value");
        Leaves values = fit_all(Leaves(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(count)), traced.types, "what forward gives");
        values.insert(values.end(), given.begin() + static_cast<std::ptrdiff_t>(count), given.end());
        return values;
      },
      types);
  const std::vector<TypeInfo> residuals(kept.types.begin() + static_cast<std::ptrdiff_t>(count), kept.types.end());
  Traced pulled([&](const Leaves& in) { return fit_all(backward(in), types, "what backward gives"); }, joined(residuals, traced.types));
  Body bodies[] = {std::move(traced.body), std::move(kept.body), std::move(pulled.body)};
  return emit_with_bodies("custom_vjp", arguments, {{"transparent", transparent}}, traced.types, bodies);
}

// ---- checks, and what the templates need ----

void check_scalar_result(const Array& value) {
  if (!value.shape().empty() || !is_floating(value.dtype()))
    fail("the function's value is " + describe(value) + "; a gradient is of one float scalar: sum it, or use vjp or jacrev");
}

void check_differentiable(const Array& leaf, int argument) {
  check_usable(leaf);
  if (!is_floating(leaf.dtype()))
    fail("argument " + std::to_string(argument) + " holds " + describe(leaf) + ", which has no gradient: only floats have; name other arguments with argnums, or convert it with astype");
}

Array one_like(const Array& value) {
  const TypeInfo type = type_of(value);
  return with_weak(vary(emit_splat(type.shape, Array(1), type.dtype), type.varying), type.weak);
}

void fail_argnums(int argument, std::size_t count) { fail("argnums names argument " + std::to_string(argument) + "; the function takes " + std::to_string(count)); }
void fail_trees(const char* what, const char* than) { fail(std::string(what) + " has another structure than " + than); }
void fail_axes(const char* which, std::size_t have, std::size_t want) {
  fail(std::string(which) + " has a list of " + std::to_string(have) + " where " + std::to_string(want) + " belong; one entry may stand for all below it");
}

Array basis_like(const Array& x) {
  const std::int64_t n = x.shape().volume();
  Array rows = emit_iota({n, n}, int32, 0), columns = emit_iota({n, n}, int32, 1);
  std::vector<std::int64_t> shape{n};
  for (std::int64_t dim : x.shape()) shape.push_back(dim);
  Array unit = emit("convert", {emit("eq", {rows, columns})}, {{"dtype", x.dtype()}});
  return vary(emit("reshape", {unit}, {{"shape", shape}}), type_of(x).varying);
}

Array jacobian_of(const Array& rows, const Shape& first, const Shape& second, bool rows_are_first) {
  const std::int64_t m = first.volume(), n = second.volume();
  Array matrix = emit("reshape", {rows}, {{"shape", rows_are_first ? std::vector<std::int64_t>{m, n} : std::vector<std::int64_t>{n, m}}});
  if (!rows_are_first) matrix = emit("transpose", {matrix}, {{"permutation", std::vector<std::int64_t>{1, 0}}});
  std::vector<std::int64_t> shape = first.to_vector();
  for (std::int64_t dim : second) shape.push_back(dim);
  return emit("reshape", {matrix}, {{"shape", shape}});
}

}  // namespace detail

Array stop_gradient(const Array& x, std::source_location where) {
  detail::Call call("stop_gradient", where);
  detail::check_usable(x);
  if (!detail::tracing() || !detail::has_tangent(x)) return x;
  return detail::custom_jvp_leaves([](const detail::Leaves& in) { return in; }, [](const detail::Leaves& in) { return detail::Leaves{in[0], detail::zeros_of(in[1])}; }, {x})[0];
}

}  // namespace skein
