#pragma once
// Loops and branches inside programs. States are trees; inside shard_map they join their varying axes and the
// predicate's.

#include <skein/program.h>

#include <functional>

namespace skein {

namespace detail {

using Leaves = std::vector<Array>;
using Step = std::function<Leaves(const Leaves&)>;

// Each gets its results by value; bodies may be called several times, until types no longer change.
SKEIN_API Leaves while_leaves(const std::function<Array(const Leaves&)>& condition, const Step& body, Leaves init);
SKEIN_API Leaves for_leaves(const Array& low, const Array& high,
                            const std::function<Leaves(const Array&, const Leaves&)>& body, Leaves init);
struct ScanResult {
  Leaves state, ys;
};
/// The body takes states then xs, and gives states then ys.
SKEIN_API ScanResult scan_leaves(const std::function<ScanResult(const Leaves&, const Leaves&)>& body, Leaves init,
                                 const Leaves& xs, std::int64_t length, bool reverse, std::int64_t unroll);
SKEIN_API Leaves switch_leaves(const char* op, const Array& index, std::span<const std::function<Leaves()>> branches);
/// The bool scalar as a branch number.
SKEIN_API Array branch_of(const Array& predicate);
[[noreturn]] SKEIN_API void fail_structure(const char* what, const char* than);
SKEIN_API std::int64_t scan_length(const Leaves& xs, std::int64_t given);

/// The tree that a body gave, as the state's type with the state's structure.
template <class State, class Given>
Leaves leaves_as(const State& like, Given&& given, const char* what) {
  static_assert(std::is_convertible_v<Given, State>, "a body returns its state's type");
  State state = std::forward<Given>(given);
  if (!same_structure(like, state)) fail_structure(what, "the initial state");
  return leaves_of(state);
}

template <class T>
auto as_tree(T&& value) {
  return TreeType<T>(std::forward<T>(value));
}

}  // namespace detail

/// While cond(state), a bool scalar, holds: state = body(state). Throws UserError if the body changes the state's type.
template <class Cond, class Body, class Init>
detail::TreeType<Init> while_loop(Cond&& cond, Body&& body, Init&& init,
                                  std::source_location where = std::source_location::current()) {
  detail::PublicCall call("while_loop", where);
  using State = detail::TreeType<Init>;
  State start = detail::as_tree(std::forward<Init>(init));
  return detail::run_as_program([&] {
    auto leaves = detail::while_leaves(
        [&](const detail::Leaves& state) -> Array {
          return detail::run_user_code(cond, detail::rebuild(start, state));
        },
        [&](const detail::Leaves& state) {
          return detail::leaves_as<State>(start, detail::run_user_code(body, detail::rebuild(start, state)),
                                          "the body's result");
        },
        detail::leaves_of(start));
    return detail::rebuild(start, leaves);
  });
}

/// For i from low to below high: state = body(i, state). The bounds are integers, known or traced.
template <class Body, class Init>
detail::TreeType<Init> fori_loop(const Array& low, const Array& high, Body&& body, Init&& init,
                                 std::source_location where = std::source_location::current()) {
  detail::PublicCall call("fori_loop", where);
  using State = detail::TreeType<Init>;
  State start = detail::as_tree(std::forward<Init>(init));
  return detail::run_as_program([&] {
    auto leaves = detail::for_leaves(
        low, high,
        [&](const Array& i, const detail::Leaves& state) {
          return detail::leaves_as<State>(start, detail::run_user_code(body, Array(i), detail::rebuild(start, state)),
                                          "the body's result");
        },
        detail::leaves_of(start));
    return detail::rebuild(start, leaves);
  });
}

struct ScanOptions {
  bool reverse = false;      // from the last element to the first; ys keep the order of xs
  std::int64_t length = -1;  // needed where xs is none
  std::int64_t unroll = 1;   // steps per turn of the loop
};
/// Over the first dimension of xs (a tree, or none): {state, y} = body(state, x); gives the last state and all y,
/// stacked.
template <class Body, class Init, class Xs>
auto scan(Body&& body, Init&& init, Xs&& xs, ScanOptions options = {},
          std::source_location where = std::source_location::current()) {
  detail::PublicCall call("scan", where);
  using State = detail::TreeType<Init>;
  using Elements = detail::TreeType<Xs>;
  using Pair = std::decay_t<decltype(body(std::declval<State>(), std::declval<Elements>()))>;
  using Y = detail::TreeType<typename Pair::second_type>;
  State start = detail::as_tree(std::forward<Init>(init));
  Elements elements = detail::as_tree(std::forward<Xs>(xs));
  return detail::run_as_program([&] {
    std::optional<Y> shape;
    detail::Leaves columns = detail::leaves_of(elements);
    auto result = detail::scan_leaves(
        [&](const detail::Leaves& state, const detail::Leaves& x) {
          Pair pair = detail::run_user_code(body, detail::rebuild(start, state), detail::rebuild(elements, x));
          Y y = std::move(pair.second);
          if (shape && !detail::same_structure(*shape, y)) detail::fail_structure("the body's second result", "before");
          shape = y;
          return detail::ScanResult{detail::leaves_as<State>(start, std::move(pair.first), "the body's first result"),
                                    detail::leaves_of(y)};
        },
        detail::leaves_of(start), columns, detail::scan_length(columns, options.length), options.reverse,
        options.unroll);
    return std::pair<State, Y>(detail::rebuild(start, result.state), detail::rebuild(*shape, result.ys));
  });
}

/// if_true(operands...) where the predicate, a scalar, holds, else if_false(operands...); both results have one type.
template <class True, class False, class... T>
auto cond(const Operand& predicate, True&& if_true, False&& if_false, T&&... operands) {
  detail::PublicCall call("cond", predicate.where);
  std::tuple<detail::TreeType<T>...> arguments(std::forward<T>(operands)...);
  using Result = detail::TreeType<decltype(std::apply(if_true, arguments))>;
  static_assert(std::is_convertible_v<decltype(std::apply(if_false, arguments)), Result>,
                "both branches of cond return one type");
  return detail::run_as_program([&] {
    std::optional<Result> shape;
    auto branch = [&](auto& fn) -> std::function<detail::Leaves()> {
      return [&] {
        Result result = detail::apply_user_code(fn, arguments);
        if (shape && !detail::same_structure(*shape, result))
          detail::fail_structure("a branch's result", "the other's");
        shape = result;
        return detail::leaves_of(result);
      };
    };
    std::function<detail::Leaves()> branches[] = {branch(if_false), branch(if_true)};
    auto leaves = detail::switch_leaves("cond", detail::branch_of(predicate.array), branches);
    return detail::rebuild(*shape, leaves);
  });
}

/// The branch number `index`, clamped into range, of the operands; all branches' results have one type.
template <class... Branches, class... T>
auto switch_(const Operand& index, std::tuple<Branches...> branches, T&&... operands) {
  static_assert(sizeof...(Branches) > 0, "switch_ wants at least one branch");
  detail::PublicCall call("switch_", index.where);
  std::tuple<detail::TreeType<T>...> arguments(std::forward<T>(operands)...);
  using Result = detail::TreeType<decltype(std::apply(std::get<0>(branches), arguments))>;
  return detail::run_as_program([&] {
    std::optional<Result> shape;
    std::vector<std::function<detail::Leaves()>> list;
    std::apply(
        [&](auto&... fn) {
          (list.push_back([&] {
            Result result = detail::apply_user_code(fn, arguments);
            if (shape && !detail::same_structure(*shape, result))
              detail::fail_structure("a branch's result", "the others'");
            shape = result;
            return detail::leaves_of(result);
          }),
           ...);
        },
        branches);
    auto leaves = detail::switch_leaves("switch_", index.array, list);
    return detail::rebuild(*shape, leaves);
  });
}

}  // namespace skein
