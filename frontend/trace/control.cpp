// Loops and branches: bodies are traced until the types of what they carry no longer change.
#include <skein/control.h>
#include <skein/ops.h>

#include "frontend/trace/region.h"
#include "frontend/trace/split.h"

namespace skein::detail {
namespace {

std::vector<TypeInfo> types_of(const Leaves& leaves) {
  std::vector<TypeInfo> types;
  for (const Array& leaf : leaves) types.push_back(type_of(leaf));
  return types;
}

/// The value as that type: converted if it was weak, varying over all its axes.
Array fit(const Array& value, const TypeInfo& type) {
  return with_weak(vary(cast(value, type.dtype), type.varying), type.weak);
}
Leaves fit(const Leaves& values, const std::vector<TypeInfo>& types) {
  Leaves fitted;
  for (std::size_t i = 0; i < values.size(); ++i) fitted.push_back(fit(values[i], types[i]));
  return fitted;
}

std::string text_of(const TypeInfo& type) { return to_string(type) + (type.weak ? " (weak)" : ""); }

/// Widens the carry's types to hold what the body gave; true if they changed. Fails where they cannot.
bool join(std::vector<TypeInfo>& carry, const std::vector<TypeInfo>& given, const char* op) {
  if (carry.size() != given.size()) fail_structure("the body's result", "the initial state");
  bool changed = false;
  for (std::size_t i = 0; i < carry.size(); ++i) {
    TypeInfo next = carry[i];
    next.varying = join_axes(carry[i].varying, given[i].varying);
    bool same = carry[i].dtype == given[i].dtype;
    // A weak initial value takes the dtype that the body makes of it, as in JAX.
    if (carry[i].weak) std::tie(next.dtype, next.weak) = promote(carry[i].dtype, true, given[i].dtype, given[i].weak);
    bool fits =
        carry[i].shape == given[i].shape && (same || (carry[i].weak && next.dtype == given[i].dtype) || given[i].weak);
    if (!same && !carry[i].weak)
      fits = fits && promote(carry[i].dtype, false, given[i].dtype, given[i].weak).first == carry[i].dtype;
    if (!fits)
      fail("array " + std::to_string(i) + " of the state is " + text_of(carry[i]) + " before the body and " +
           text_of(given[i]) + " after it; a body of " + op +
           " keeps the types of its state: convert with astype, or start from a value of the other type");
    if (!(next == carry[i])) changed = true;
    carry[i] = next;
  }
  return changed;
}

/// A state that comes out of the body split over processes goes in so: whole initial values are split, outside the
/// body, which is then closed. True if any was.
bool split_alike(Leaves& init, const Leaves& next, Body& body, const char* op) {
  bool changed = false;
  for (std::size_t i = 0; i < init.size(); ++i) {
    auto before = split_of(init[i]), after = split_of(next[i]);
    if (before && after && same_placement(*before, *after)) continue;
    if (!before && after) {
      body.close();
      init[i] = with_weak(split_as(init[i], *after), init[i].weak());
      changed = true;
    } else if (before) {
      fail("array " + std::to_string(i) + " of the state, " + describe(init[i]) + ", is split over processes as " +
           to_string(before->spec()) + " before the body and " +
           (after ? "as " + to_string(after->spec()) : std::string("whole")) + " after it; a body of " + op +
           " keeps how its state is split");
    }
  }
  return changed;
}

bool widen(std::vector<TypeInfo>& carry, const std::vector<std::string>& axes) {
  bool changed = false;
  for (TypeInfo& type : carry) {
    auto joined = join_axes(type.varying, axes);
    if (joined != type.varying) changed = true;
    type.varying = joined;
  }
  return changed;
}

void check_scalar(const Array& value, bool wants_bool, const char* what) {
  if (!value.shape().empty() || (wants_bool ? !is_bool(value.dtype()) : !is_integer(value.dtype())))
    fail(std::string(what) + " is " + (wants_bool ? "a bool scalar" : "an integer scalar") + ", not " +
         describe(value));
}

}  // namespace

void fail_structure(const char* what, const char* than) {
  fail(std::string(what) + " has another structure than " + than +
       ": other lengths, keys or static members; they stay the same in a program");
}

Leaves while_leaves(const std::function<Array(const Leaves&)>& condition, const Step& body, Leaves init) {
  for (const Array& leaf : init) check_usable(leaf);
  std::vector<TypeInfo> carry = types_of(init);
  for (;;) {
    Body test(carry);
    inherit_split(test.arguments(), init);
    Array predicate = condition(test.arguments());
    check_scalar(predicate, true, "the condition's result");
    std::vector<std::string> axes = type_of(predicate).varying;
    test.yield(std::span(&predicate, 1));
    bool changed = widen(carry, axes);
    if (changed) continue;
    Body step(carry);
    inherit_split(step.arguments(), init);
    Leaves next = body(step.arguments());
    if (join(carry, types_of(next), "while_loop")) continue;
    if (split_alike(init, next, step, "while_loop")) continue;
    step.yield(fit(next, carry));
    Body bodies[] = {std::move(test), std::move(step)};
    Leaves results = emit_with_bodies("while", fit(init, carry), {}, carry, bodies);
    inherit_split(results, init);
    return results;
  }
}

Leaves for_leaves(const Array& low, const Array& high, const std::function<Leaves(const Array&, const Leaves&)>& body,
                  Leaves init) {
  check_scalar(low, false, "the lower bound");
  check_scalar(high, false, "the upper bound");
  for (const Array& leaf : init) check_usable(leaf);
  std::vector<Array> bounds{low, high};
  auto [dtype, weak] = promote_all(bounds);
  auto axes = join_axes(type_of(bounds[0]).varying, type_of(bounds[1]).varying);
  for (Array& bound : bounds) bound = vary(bound, axes);
  std::vector<TypeInfo> carry = types_of(init);
  widen(carry, axes);
  for (;;) {
    std::vector<TypeInfo> arguments{{dtype, {}, axes, weak}};
    arguments.insert(arguments.end(), carry.begin(), carry.end());
    Body step(arguments);
    Leaves state(step.arguments().begin() + 1, step.arguments().end());
    inherit_split(state, init);
    Leaves next = body(step.arguments()[0], state);
    if (join(carry, types_of(next), "fori_loop")) continue;
    if (split_alike(init, next, step, "fori_loop")) continue;
    step.yield(fit(next, carry));
    Leaves operands = bounds;
    for (const Array& leaf : fit(init, carry)) operands.push_back(leaf);
    Leaves results = emit_with_bodies("for", operands, {}, carry, std::span(&step, 1));
    inherit_split(results, init);
    return results;
  }
}

std::int64_t scan_length(const Leaves& xs, std::int64_t given) {
  std::int64_t length = given;
  for (const Array& x : xs) {
    if (x.shape().empty()) fail("scan goes over the first dimension of xs; " + describe(x) + " has none");
    if (length >= 0 && x.shape()[0] != length)
      fail("the arrays of xs (and .length) have one length; here are " + std::to_string(length) + " and " +
           std::to_string(x.shape()[0]) + " of " + describe(x));
    length = x.shape()[0];
  }
  if (length < 0) fail("without xs the length is needed: {.length = n}");
  return length;
}

/// Element i of each array.
static Leaves elements_at(const Leaves& xs, const Array& i) {
  Leaves elements;
  for (const Array& x : xs) {
    std::vector<Array> starts(x.shape().size(), cast(Array(0), i.dtype()));
    starts[0] = i;
    Shape sizes = x.shape(), rest(sizes.begin() + 1, sizes.end());
    sizes[0] = 1;
    elements.push_back(with_weak(reshape(dynamic_slice(x, starts, sizes), rest), x.weak()));
  }
  return elements;
}

ScanResult scan_leaves(const std::function<ScanResult(const Leaves&, const Leaves&)>& body, Leaves init,
                       const Leaves& xs, std::int64_t length, bool reverse, std::int64_t unroll) {
  for (const Array& leaf : init) check_usable(leaf);
  // First the types alone: of the state, which must come to rest, and of the ys.
  std::vector<TypeInfo> carry = types_of(init), columns = types_of(xs), ys;
  for (TypeInfo& column : columns) column.shape = Shape(column.shape.begin() + 1, column.shape.end());
  for (bool changed = true; changed;) {
    std::vector<TypeInfo> arguments = carry;
    arguments.insert(arguments.end(), columns.begin(), columns.end());
    Body trial(arguments);
    const Leaves& all = trial.arguments();
    auto middle = all.begin() + static_cast<std::ptrdiff_t>(carry.size());
    inherit_split(std::span(all).first(carry.size()), init);
    ScanResult result = body(Leaves(all.begin(), middle), Leaves(middle, all.end()));
    changed = join(carry, types_of(result.state), "scan");
    changed |= split_alike(init, result.state, trial, "scan");
    ys = types_of(result.ys);
  }
  Leaves start = fit(init, carry);
  std::size_t states = carry.size();
  for (TypeInfo& y : ys) {
    y.shape.insert(0, length);
    start.push_back(fit(zeros(y.shape, y.dtype), y));
    carry.push_back(y);
  }
  auto finish = [&](const Leaves& all) {
    auto middle = all.begin() + static_cast<std::ptrdiff_t>(states);
    return ScanResult{Leaves(all.begin(), middle), Leaves(middle, all.end())};
  };
  if (length == 0) return finish(start);
  std::int64_t steps = std::max<std::int64_t>(1, std::min(unroll, length));
  while (length % steps) --steps;  // every turn of the loop takes as many
  Leaves result = for_leaves(
      Array(0), Array(length / steps),
      [&](const Array& turn, const Leaves& all) {
        Leaves now = all;
        for (std::int64_t k = 0; k < steps; ++k) {
          Array i = steps == 1 ? turn : turn * steps + k;
          i = cast(i, turn.dtype());
          if (reverse) i = cast(length - 1 - i, turn.dtype());
          auto middle = now.begin() + static_cast<std::ptrdiff_t>(states);
          ScanResult step = body(Leaves(now.begin(), middle), elements_at(xs, i));
          Leaves next = fit(step.state, {carry.begin(), carry.begin() + static_cast<std::ptrdiff_t>(states)});
          for (std::size_t j = 0; j < step.ys.size(); ++j) {
            Shape row = ys[j].shape;
            row[0] = 1;
            std::vector<Array> starts(row.size(), cast(Array(0), i.dtype()));
            starts[0] = i;
            next.push_back(
                with_weak(dynamic_update_slice(now[states + j], reshape(cast(step.ys[j], ys[j].dtype), row), starts),
                          ys[j].weak));
          }
          now = std::move(next);
        }
        return now;
      },
      start);
  return finish(result);
}

Array branch_of(const Array& predicate) {
  check_usable(predicate);
  if (!predicate.shape().empty())
    fail("the predicate is a scalar, not " + describe(predicate) + "; choose elementwise with sk::where");
  return cast(is_bool(predicate.dtype()) ? predicate : predicate != 0, int32);
}

Leaves switch_leaves(const char* op, const Array& index, std::span<const std::function<Leaves()>> branches) {
  check_scalar(index, false, "the index");
  Array chosen = cast(index, int32);
  std::vector<Body> bodies;
  std::vector<Leaves> results;
  std::vector<TypeInfo> types;
  for (const auto& branch : branches) {
    bodies.emplace_back(std::span<const TypeInfo>());
    results.push_back(branch());
    std::vector<TypeInfo> given = types_of(results.back());
    bodies.back().close();
    if (results.size() == 1) types = given;
    if (given.size() != types.size()) fail_structure("a branch's result", "the first's");
    for (std::size_t i = 0; i < types.size(); ++i) {
      auto [dtype, weak] = promote(types[i].dtype, types[i].weak, given[i].dtype, given[i].weak);
      // Weak results adapt; strong ones must agree.
      bool fits = types[i].shape == given[i].shape && (types[i].weak || types[i].dtype == dtype) &&
                  (given[i].weak || given[i].dtype == dtype);
      if (!fits)
        fail(std::string("array ") + std::to_string(i) + " of the result is " + text_of(types[i]) +
             " in one branch and " + text_of(given[i]) + " in another; branches of " + op +
             " give one type: convert with astype");
      types[i].dtype = dtype, types[i].weak = weak;
      types[i].varying = join_axes(types[i].varying, given[i].varying);
    }
  }
  for (TypeInfo& type : types) type.varying = join_axes(type.varying, type_of(chosen).varying);
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    bodies[i].reopen();
    bodies[i].yield(fit(results[i], types));
  }
  for (std::size_t b = 1; b < results.size(); ++b)
    for (std::size_t i = 0; i < types.size(); ++i) {
      auto one = split_of(results[0][i]), other = split_of(results[b][i]);
      if (!one != !other || (one && !same_placement(*one, *other)))
        fail("array " + std::to_string(i) + " of the result is split over processes in one way in one branch of " + op +
             " and in another way, or whole, in another");
    }
  Leaves chosen_results = emit_with_bodies("switch", std::span(&chosen, 1), {}, types, bodies);
  if (!results.empty()) inherit_split(chosen_results, results[0]);
  return chosen_results;
}

}  // namespace skein::detail
