#pragma once
// Functions made of functions: derivatives and batching. They take functions of trees, nest with each other, with jit and with
// shard_map, and inside a trace become plain ops of the program; outside, each call is traced and run.

#include <skein/program.h>

#include <array>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

namespace skein {

namespace detail {

using Leaves = std::vector<Array>;
using TreeFunction = std::function<Leaves(const Leaves&)>;

// ---- in a trace, on leaves ----
struct Tangents {
  Leaves values, tangents;
};
/// Tangents have the types of what they belong to; of integers and bools they are zeros.
SKEIN_API Tangents jvp_leaves(const TreeFunction& f, const Leaves& primals, const Leaves& tangents);

/// The values of f and what pulls cotangents back through it, as long as the trace lives.
class SKEIN_API PullState {
 public:
  PullState(const TreeFunction& f, const Leaves& primals);
  ~PullState();
  const Leaves& values() const { return values_; }
  /// One cotangent for each value; an empty array stands for zero. Gives one for each primal.
  Leaves pull(const Leaves& cotangents) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  Leaves values_;
};

SKEIN_API Leaves vmap_leaves(const TreeFunction& f, const Leaves& arguments, const std::vector<std::optional<int>>& in_axes,
                             const std::function<std::vector<std::optional<int>>(std::size_t)>& out_axes, const std::string& axis_name);
SKEIN_API Leaves custom_jvp_leaves(const TreeFunction& f, const TreeFunction& rule, const Leaves& arguments);
SKEIN_API Leaves custom_vjp_leaves(const TreeFunction& f, const TreeFunction& forward, const TreeFunction& backward, const Leaves& arguments, bool transparent = false);

/// Checks for grad: one float scalar; float arguments.
SKEIN_API void check_scalar_result(const Array&);
SKEIN_API void check_differentiable(const Array& leaf, int argument);
SKEIN_API Array one_like(const Array&);
[[noreturn]] SKEIN_API void fail_argnums(int argument, std::size_t count);
[[noreturn]] SKEIN_API void fail_trees(const char* what, const char* than);
SKEIN_API Array basis_like(const Array&);                                            // (size, *shape): the unit vectors
SKEIN_API Array jacobian_of(const Array& rows, const Shape& first, const Shape& second, bool rows_are_first);

/// The leaves of the arguments that `argnums` names, in that order.
template <class Arguments>
std::vector<Leaves> chosen_leaves(const Arguments& arguments, const std::vector<int>& argnums) {
  std::vector<Leaves> each;
  each_child(arguments, [&](const auto& argument) { each.push_back(leaves_of(argument)); });
  std::vector<Leaves> chosen;
  for (int n : argnums) {
    const int at = n < 0 ? n + static_cast<int>(each.size()) : n;
    if (at < 0 || at >= static_cast<int>(each.size())) fail_argnums(n, each.size());
    chosen.push_back(each[static_cast<std::size_t>(at)]);
    for (const Array& leaf : chosen.back()) check_differentiable(leaf, n);
  }
  return chosen;
}
template <class Arguments>
void put_leaves(Arguments& arguments, const std::vector<int>& argnums, const Leaves& leaves) {
  constexpr auto count = static_cast<int>(std::tuple_size_v<Arguments>);
  std::size_t next = 0;
  for (int n : argnums) {
    int i = 0;
    each_child(arguments, [&](auto& argument) {
      if (i++ == (n < 0 ? n + count : n)) each_leaf(argument, [&](Array& leaf) { leaf = leaves[next++]; });
    });
  }
}

template <class T>
struct IsPair : std::false_type {};
template <class A, class B>
struct IsPair<std::pair<A, B>> : std::true_type {};

template <class F, class Arguments>
using ResultOf = TreeType<decltype(std::apply(std::declval<F&>(), std::declval<Arguments>()))>;

/// What f gives, and for each chosen argument the gradients of its leaves.
template <class F, class Arguments>
auto value_and_gradients(F& fn, const Arguments& arguments, const std::vector<int>& argnums) {
  using Result = ResultOf<F, Arguments>;
  return run_as_program([&] {
    const std::vector<Leaves> chosen = chosen_leaves(arguments, argnums);
    Leaves primals;
    for (const Leaves& leaves : chosen) primals.insert(primals.end(), leaves.begin(), leaves.end());
    std::optional<Result> shape;
    PullState state(
        [&](const Leaves& in) {
          Arguments traced = arguments;
          put_leaves(traced, argnums, in);
          shape = apply_user_code(fn, std::move(traced));
          return leaves_of(*shape);
        },
        primals);
    check_scalar_result(state.values().at(0));
    Leaves cotangents(state.values().size());
    cotangents[0] = one_like(state.values()[0]);
    const Leaves gradients = state.pull(cotangents);
    std::vector<Leaves> each;
    std::size_t next = 0;
    for (const Leaves& leaves : chosen) {
      each.emplace_back(gradients.begin() + static_cast<std::ptrdiff_t>(next), gradients.begin() + static_cast<std::ptrdiff_t>(next + leaves.size()));
      next += leaves.size();
    }
    return std::pair<Result, std::vector<Leaves>>(rebuild(*shape, state.values()), std::move(each));
  });
}

// The first argument's type, for gradients.
template <class Arguments>
using First = TreeType<std::tuple_element_t<0, Arguments>>;

template <class Signature, template <class, class> class Make>
struct WithResult {
  using type = Unknown;
};
template <class R, class... P, template <class, class> class Make>
struct WithResult<R(P...), Make> {
  using type = typename Make<R, std::tuple<P...>>::type(P...);
};

/// What grad and its relatives return: `kind` makes the result of the value and the gradients.
template <class F, class Kind>
class Differentiated : public Callable<Differentiated<F, Kind>, typename WithResult<signature_of<F>, Kind::template Result>::type> {
 public:
  Differentiated(F fn, std::vector<int> argnums, const char* name, std::source_location where) : fn_(std::make_shared<F>(std::move(fn))), argnums_(std::move(argnums)), name_(name), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  auto run(std::source_location where, Arguments arguments) const {
    PublicCall call(name_, where);
    auto [value, gradients] = value_and_gradients(*fn_, arguments, argnums_);
    return Kind::make(std::move(value), std::move(gradients), std::get<0>(arguments));
  }

 private:
  std::shared_ptr<F> fn_;
  std::vector<int> argnums_;
  const char* name_;
  std::source_location where_;
};

template <class T>
T one_gradient(const T& like, const std::vector<Leaves>& gradients) {
  return rebuild(like, gradients.at(0));
}
template <class T>
std::vector<T> all_gradients(const T& like, const std::vector<Leaves>& gradients) {
  std::vector<T> trees;
  for (const Leaves& leaves : gradients) {
    if (leaves.size() != leaves_of(like).size()) fail_trees("an argument that argnums names", "the first argument");
    trees.push_back(rebuild(like, leaves));
  }
  return trees;
}

/// value: the function's value goes along; list: a vector of trees.
template <bool value, bool list, bool aux>
struct GradKind {
  template <class T>
  using Gradients = std::conditional_t<list, std::vector<T>, T>;
  template <class R, class Arguments>
  struct Result {
    using G = Gradients<First<Arguments>>;
    template <class V>
    struct Aux {
      using type = G;
    };
    template <class A, class B>
    struct Aux<std::pair<A, B>> {
      using type = std::pair<G, B>;
    };
    using type = std::conditional_t<value, std::pair<R, G>, typename Aux<std::conditional_t<aux, R, int>>::type>;
  };
  template <class R, class T>
  static auto make(R given, std::vector<Leaves> gradients, const T& first) {
    static_assert(aux == IsPair<R>::value, "with has_aux the function returns a pair (value, aux); without, a float scalar");
    auto result = [&] {
      if constexpr (list)
        return all_gradients(TreeType<T>(first), gradients);
      else
        return one_gradient(TreeType<T>(first), gradients);
    }();
    if constexpr (value)
      return std::pair(std::move(given), std::move(result));
    else if constexpr (aux)
      return std::pair(std::move(result), std::move(given.second));
    else
      return result;
  }
};

template <class F>
constexpr bool returns_pair() {
  if constexpr (std::is_same_v<signature_of<F>, Unknown>)
    return false;
  else
    return []<class R, class... P>(std::type_identity<R(P...)>) { return IsPair<R>::value; }(std::type_identity<signature_of<F>>());
}

}  // namespace detail

// ---- gradients ----

/// Which arguments to differentiate by: trees of one type. has_aux: f returns a pair (value, aux).
struct GradOptions {
  std::vector<int> argnums = {0};
  bool has_aux = false;
};
struct AuxOptions {
  bool has_aux = false;
};

/// The gradient of f, which returns a float scalar, by its first argument: a tree of that argument's type. Throws UserError for
/// other results, and for arguments that are no floats. The gradient of a value that is replicated over a mesh axis sums what the
/// devices that use it contribute.
template <class F>
auto grad(F&& fn, AuxOptions = {}, std::source_location where = std::source_location::current()) {
  using Fn = std::decay_t<F>;
  return detail::Differentiated<Fn, detail::GradKind<false, false, detail::returns_pair<Fn>()>>(std::forward<F>(fn), {0}, "grad", where);
}
/// The same by several arguments: a vector of trees, in the order of argnums.
template <class F, class Options = GradOptions>
  requires std::is_same_v<Options, GradOptions>
auto grad(F&& fn, Options options, std::source_location where = std::source_location::current()) {
  using Fn = std::decay_t<F>;
  return detail::Differentiated<Fn, detail::GradKind<false, true, detail::returns_pair<Fn>()>>(std::forward<F>(fn), std::move(options.argnums), "grad", where);
}
/// auto [value, gradient] = value_and_grad(f)(x); with has_aux the value is f's pair (value, aux).
template <class F>
auto value_and_grad(F&& fn, AuxOptions = {}, std::source_location where = std::source_location::current()) {
  using Fn = std::decay_t<F>;
  return detail::Differentiated<Fn, detail::GradKind<true, false, detail::returns_pair<Fn>()>>(std::forward<F>(fn), {0}, "value_and_grad", where);
}
template <class F, class Options = GradOptions>
  requires std::is_same_v<Options, GradOptions>
auto value_and_grad(F&& fn, Options options, std::source_location where = std::source_location::current()) {
  using Fn = std::decay_t<F>;
  return detail::Differentiated<Fn, detail::GradKind<true, true, detail::returns_pair<Fn>()>>(std::forward<F>(fn), std::move(options.argnums), "value_and_grad", where);
}

// ---- forward and reverse ----

namespace detail {

template <class F, class Primals>
auto function_of_leaves(F& fn, const Primals& primals, std::optional<ResultOf<F, Primals>>& shape) {
  return [&fn, &primals, &shape](const Leaves& in) {
    shape = apply_user_code(fn, rebuild(primals, in));
    return leaves_of(*shape);
  };
}

template <class F, class Primals>
auto jvp_of(F& fn, const Primals& primals, const Primals& tangents) {
  using Result = ResultOf<F, Primals>;
  return run_as_program([&] {
    if (!same_structure(primals, tangents)) fail_trees("the tangents", "the primals");
    std::optional<Result> shape;
    Tangents both = jvp_leaves(function_of_leaves(fn, primals, shape), leaves_of(primals), leaves_of(tangents));
    return std::pair<Result, Result>(rebuild(*shape, both.values), rebuild(*shape, both.tangents));
  });
}

/// What vjp returns besides the value.
template <class F, class Primals>
class Pull {
  using Result = ResultOf<F, Primals>;

 public:
  Pull(std::shared_ptr<F> fn, Primals primals, Result value, std::shared_ptr<const PullState> state, std::source_location where)
      : fn_(std::move(fn)), primals_(std::move(primals)), value_(std::move(value)), state_(std::move(state)), where_(where) {}
  /// The cotangent of each primal. The cotangent given has the value's type.
  Primals operator()(const Result& cotangent, std::source_location where = std::source_location::current()) const {
    PublicCall call("vjp", where);
    if (!same_structure(skeleton_of(cotangent), skeleton_of(value_))) fail_trees("the cotangent", "the function's value");
    if (state_) return rebuild(primals_, state_->pull(leaves_of(cotangent)));
    return run_as_program([&] {  // outside a trace the function is computed again
      std::optional<Result> shape;
      PullState state(function_of_leaves(*fn_, primals_, shape), leaves_of(primals_));
      return rebuild(primals_, state.pull(leaves_of(cotangent)));
    });
  }

 private:
  std::shared_ptr<F> fn_;
  Primals primals_;
  Result value_;
  std::shared_ptr<const PullState> state_;
  std::source_location where_;
};

/// What linearize returns besides the value.
template <class F, class Primals>
class Linear {
 public:
  Linear(std::shared_ptr<F> fn, Primals primals, std::source_location where) : fn_(std::move(fn)), primals_(std::move(primals)), where_(where) {}
  template <class... T>
  auto operator()(const T&... tangents) const {
    PublicCall call("linearize", where_);
    return jvp_of(*fn_, primals_, Primals(tangents...)).second;
  }

 private:
  std::shared_ptr<F> fn_;
  Primals primals_;
  std::source_location where_;
};

}  // namespace detail

/// auto [y, dy] = jvp(f, std::tuple{x}, std::tuple{dx}): the value, and its derivative in the direction of the tangents.
template <class F, class... P>
auto jvp(F&& fn, const std::tuple<P...>& primals, const std::tuple<P...>& tangents, std::source_location where = std::source_location::current()) {
  detail::PublicCall call("jvp", where);
  return detail::jvp_of(fn, primals, tangents);
}

/// auto [y, pull] = vjp(f, std::tuple{x, w}): pull(ct) is a tuple, what ct contributes to each primal.
template <class F, class... P>
auto vjp(F&& fn, const std::tuple<P...>& primals, std::source_location where = std::source_location::current()) {
  detail::PublicCall call("vjp", where);
  using Fn = std::decay_t<F>;
  using Primals = std::tuple<P...>;
  using Result = detail::ResultOf<Fn, Primals>;
  auto shared = std::make_shared<Fn>(std::forward<F>(fn));
  std::shared_ptr<const detail::PullState> state;
  Result value = [&]() -> Result {
    std::optional<Result> shape;
    if (!detail::tracing()) return detail::run_as_program([&] { return Result(detail::apply_user_code(*shared, Primals(primals))); });
    state = std::make_shared<const detail::PullState>(detail::function_of_leaves(*shared, primals, shape), detail::leaves_of(primals));
    return detail::rebuild(*shape, state->values());
  }();
  detail::Pull<Fn, Primals> pull(shared, primals, value, state, where);
  return std::pair(std::move(value), std::move(pull));
}

/// auto [y, lin] = linearize(f, std::tuple{x}): lin(dx) is the derivative in direction dx.
template <class F, class... P>
auto linearize(F&& fn, const std::tuple<P...>& primals, std::source_location where = std::source_location::current()) {
  detail::PublicCall call("linearize", where);
  using Fn = std::decay_t<F>;
  auto shared = std::make_shared<Fn>(std::forward<F>(fn));
  auto value = detail::run_as_program([&] { return detail::ResultOf<Fn, std::tuple<P...>>(detail::apply_user_code(*shared, std::tuple<P...>(primals))); });
  return std::pair(std::move(value), detail::Linear<Fn, std::tuple<P...>>(shared, primals, where));
}

/// The array as a constant for derivatives.
SKEIN_API Array stop_gradient(const Array&, std::source_location = std::source_location::current());

// ---- batching ----

/// Along which dimension an argument is batched: an integer, none, or a list that follows its tree.
class VmapAxes {
 public:
  VmapAxes() = default;
  VmapAxes(int axis) : axis_(axis) {}
  VmapAxes(NoneType) : axis_(std::nullopt) {}
  VmapAxes(std::initializer_list<VmapAxes> list) : list_(list), is_list_(true) {}
  VmapAxes(std::vector<VmapAxes> list) : list_(std::move(list)), is_list_(true) {}
  bool is_list() const { return is_list_; }
  std::optional<int> axis() const { return axis_; }
  const std::vector<VmapAxes>& list() const { return list_; }

 private:
  std::optional<int> axis_ = 0;
  std::vector<VmapAxes> list_;
  bool is_list_ = false;
};
struct VmapOptions {
  VmapAxes in_axes = 0;
  VmapAxes out_axes = 0;
  std::string axis_name = {};  // collectives over it mean the batch
};

namespace detail {

[[noreturn]] SKEIN_API void fail_axes(const char* which, std::size_t have, std::size_t want);

/// The axis of each leaf of a tree; an entry stands for all below it.
template <class T>
void match_axes(const VmapAxes& axes, const T& tree, const char* which, std::vector<std::optional<int>>& out) {
  if constexpr (std::is_same_v<T, Array>) {
    if (axes.is_list()) fail_axes(which, axes.list().size(), 1);
    if (!tree.empty()) out.push_back(axes.axis());
  } else if constexpr (contains_array<T>()) {
    if (!axes.is_list()) {
      each_child(tree, [&](const auto& child) { match_axes(axes, child, which, out); });
      return;
    }
    std::size_t count = 0, next = 0;
    each_child(tree, [&](const auto&) { ++count; });
    if (count != axes.list().size()) fail_axes(which, axes.list().size(), count);
    each_child(tree, [&](const auto& child) { match_axes(axes.list()[next++], child, which, out); });
  }
}

template <class F>
class Vmapped : public Callable<Vmapped<F>, signature_of<F>> {
 public:
  Vmapped(F fn, VmapOptions options, std::source_location where) : fn_(std::make_shared<F>(std::move(fn))), options_(std::move(options)), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  ResultOf<F, Arguments> run(std::source_location where, Arguments arguments) const {
    PublicCall call("vmap", where);
    using Result = ResultOf<F, Arguments>;
    return run_as_program([&] {
      std::vector<std::optional<int>> in_axes;
      match_axes(options_.in_axes, arguments, "in_axes", in_axes);
      std::optional<Result> shape;
      Leaves results = vmap_leaves(
          [&](const Leaves& in) {
            shape = apply_user_code(*fn_, rebuild(arguments, in));
            return leaves_of(*shape);
          },
          leaves_of(arguments), in_axes,
          [&](std::size_t) {
            std::vector<std::optional<int>> out_axes;
            match_axes(options_.out_axes, *shape, "out_axes", out_axes);
            return out_axes;
          },
          options_.axis_name);
      return rebuild(*shape, results);
    });
  }

 private:
  std::shared_ptr<F> fn_;
  VmapOptions options_;
  std::source_location where_;
};

}  // namespace detail

/// f of one example as a function of a batch: arguments have a dimension more where in_axes says, results where out_axes says. All
/// batched sizes are equal; UserError otherwise.
template <class F>
auto vmap(F&& fn, VmapOptions options = {}, std::source_location where = std::source_location::current()) {
  return detail::Vmapped<std::decay_t<F>>(std::forward<F>(fn), std::move(options), where);
}

// ---- rules of one's own ----

namespace detail {

template <class F, class Rule>
class CustomJvp : public Callable<CustomJvp<F, Rule>, signature_of<F>> {
 public:
  CustomJvp(F fn, Rule rule, std::source_location where) : state_(std::make_shared<std::pair<F, Rule>>(std::move(fn), std::move(rule))), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  ResultOf<F, Arguments> run(std::source_location where, Arguments arguments) const {
    PublicCall call("custom_jvp", where);
    using Result = ResultOf<F, Arguments>;
    return run_as_program([&] {
      std::optional<Result> shape;
      Leaves results = custom_jvp_leaves(
          function_of_leaves(state_->first, arguments, shape),
          [&](const Leaves& in) {  // primals, then tangents
            const auto half = static_cast<std::ptrdiff_t>(in.size() / 2);
            auto both = run_user_code(state_->second, rebuild(arguments, Leaves(in.begin(), in.begin() + half)), rebuild(arguments, Leaves(in.begin() + half, in.end())));
            Leaves out = leaves_of(Result(both.first));
            const Leaves tangents = leaves_of(Result(both.second));
            if (tangents.size() != out.size()) fail_trees("the tangent that the rule gives", "its value");
            out.insert(out.end(), tangents.begin(), tangents.end());
            return out;
          },
          leaves_of(arguments));
      return rebuild(*shape, results);
    });
  }

 private:
  std::shared_ptr<std::pair<F, Rule>> state_;
  std::source_location where_;
};

template <class F, class Forward, class Backward>
class CustomVjp : public Callable<CustomVjp<F, Forward, Backward>, signature_of<F>> {
 public:
  CustomVjp(F fn, Forward forward, Backward backward, std::source_location where)
      : state_(std::make_shared<std::tuple<F, Forward, Backward>>(std::move(fn), std::move(forward), std::move(backward))), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  ResultOf<F, Arguments> run(std::source_location where, Arguments arguments) const {
    PublicCall call("custom_vjp", where);
    using Result = ResultOf<F, Arguments>;
    using Both = decltype(std::apply(std::declval<Forward&>(), std::declval<Arguments>()));
    using Residuals = TreeType<typename std::decay_t<Both>::second_type>;
    return run_as_program([&] {
      std::optional<Result> shape;
      std::optional<Residuals> kept;
      Leaves results = custom_vjp_leaves(
          function_of_leaves(std::get<0>(*state_), arguments, shape),
          [&](const Leaves& in) {  // values, then residuals
            auto both = apply_user_code(std::get<1>(*state_), rebuild(arguments, in));
            Leaves out = leaves_of(Result(both.first));
            kept = Residuals(both.second);
            const Leaves more = leaves_of(*kept);
            out.insert(out.end(), more.begin(), more.end());
            return out;
          },
          [&](const Leaves& in) {  // residuals, then cotangents
            const auto count = static_cast<std::ptrdiff_t>(leaves_of(*kept).size());
            auto given = run_user_code(std::get<2>(*state_), rebuild(*kept, Leaves(in.begin(), in.begin() + count)), rebuild(*shape, Leaves(in.begin() + count, in.end())));
            return leaves_of(given);
          },
          leaves_of(arguments));
      return rebuild(*shape, results);
    });
  }

 private:
  std::shared_ptr<std::tuple<F, Forward, Backward>> state_;
  std::source_location where_;
};

}  // namespace detail

/// f with a forward derivative of its own: rule(primals, tangents), two tuples, returns {value, tangent}; it is linear in the
/// tangents, so that reverse mode can use it too.
template <class F, class Rule>
auto custom_jvp(F&& fn, Rule&& rule, std::source_location where = std::source_location::current()) {
  return detail::CustomJvp<std::decay_t<F>, std::decay_t<Rule>>(std::forward<F>(fn), std::forward<Rule>(rule), where);
}
/// f with a reverse derivative of its own: forward(args...) returns {value, residuals}, backward(residuals, cotangent) a tuple of
/// the arguments' cotangents.
template <class F, class Forward, class Backward>
auto custom_vjp(F&& fn, Forward&& forward, Backward&& backward, std::source_location where = std::source_location::current()) {
  return detail::CustomVjp<std::decay_t<F>, std::decay_t<Forward>, std::decay_t<Backward>>(std::forward<F>(fn), std::forward<Forward>(forward), std::forward<Backward>(backward), where);
}

namespace detail {

template <class F>
class Checkpointed : public Callable<Checkpointed<F>, signature_of<F>> {
 public:
  Checkpointed(F fn, std::source_location where) : fn_(std::make_shared<F>(std::move(fn))), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  ResultOf<F, Arguments> run(std::source_location where, Arguments arguments) const {
    PublicCall call("checkpoint", where);
    using Result = ResultOf<F, Arguments>;
    return run_as_program([&] {
      std::optional<Result> shape;
      auto f = function_of_leaves(*fn_, arguments, shape);
      Leaves results = custom_vjp_leaves(
          f,
          [&](const Leaves& in) {  // keeps the arguments alone
            Leaves out = f(in);
            out.insert(out.end(), in.begin(), in.end());
            return out;
          },
          [&](const Leaves& in) {
            const auto count = static_cast<std::ptrdiff_t>(leaves_of(arguments).size());
            PullState state(f, Leaves(in.begin(), in.begin() + count));
            return state.pull(Leaves(in.begin() + count, in.end()));
          },
          leaves_of(arguments), /*transparent=*/true);
      return rebuild(*shape, results);
    });
  }

 private:
  std::shared_ptr<F> fn_;
  std::source_location where_;
};

template <class F, bool forward>
class Jacobian : public Callable<Jacobian<F, forward>, signature_of<F>> {
 public:
  Jacobian(F fn, const char* name, std::source_location where) : fn_(std::make_shared<F>(std::move(fn))), name_(name), where_(where) {}
  std::source_location made_at() const { return where_; }
  template <class Arguments>
  Array run(std::source_location where, Arguments arguments) const {
    PublicCall call(name_, where);
    static_assert(std::is_same_v<First<Arguments>, Array>, "jacfwd, jacrev and hessian differentiate by a first argument that is an Array");
    return run_as_program([&] {
      const Array x = std::get<0>(arguments);
      check_differentiable(x, 0);
      TreeFunction f = [&](const Leaves& in) {
        Arguments traced = arguments;
        std::get<0>(traced) = in[0];
        return Leaves{Array(apply_user_code(*fn_, std::move(traced)))};
      };
      auto out_axes = [](std::size_t) { return std::vector<std::optional<int>>{0}; };
      if constexpr (forward) {
        Shape out;
        TreeFunction column = [&](const Leaves& direction) {
          Tangents both = jvp_leaves(f, {x}, direction);
          out = both.values[0].shape();
          return Leaves{both.tangents[0]};
        };
        Array columns = vmap_leaves(column, {basis_like(x)}, {0}, out_axes, "")[0];
        return jacobian_of(columns, out, x.shape(), false);
      } else {
        PullState state(f, {x});
        const Array y = state.values()[0];
        TreeFunction row = [&](const Leaves& cotangent) { return state.pull(cotangent); };
        Array rows = vmap_leaves(row, {basis_like(y)}, {0}, out_axes, "")[0];
        return jacobian_of(rows, y.shape(), x.shape(), true);
      }
    });
  }

 private:
  std::shared_ptr<F> fn_;
  const char* name_;
  std::source_location where_;
};

}  // namespace detail

/// f whose reverse derivative keeps its arguments alone, and computes the rest again.
template <class F>
auto checkpoint(F&& fn, std::source_location where = std::source_location::current()) {
  return detail::Checkpointed<std::decay_t<F>>(std::forward<F>(fn), where);
}
/// The matrix of all derivatives by the first argument, of shape f(x).shape + x.shape: column by column, in forward mode.
template <class F>
auto jacfwd(F&& fn, std::source_location where = std::source_location::current()) {
  return detail::Jacobian<std::decay_t<F>, true>(std::forward<F>(fn), "jacfwd", where);
}
/// The same row by row, in reverse mode.
template <class F>
auto jacrev(F&& fn, std::source_location where = std::source_location::current()) {
  return detail::Jacobian<std::decay_t<F>, false>(std::forward<F>(fn), "jacrev", where);
}
/// All second derivatives of a function with a scalar result, of shape x.shape + x.shape.
template <class F>
auto hessian(F&& fn, std::source_location where = std::source_location::current()) {
  return jacfwd(jacrev(std::forward<F>(fn), where), where);
}

}  // namespace skein
