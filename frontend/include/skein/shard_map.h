#pragma once
// shard_map: one program on every device of a mesh, each on its block of the arguments.

#include <skein/jit.h>

namespace skein {

/// A mesh of the first devices of devices(). Throws UserError if there are fewer.
SKEIN_API Mesh make_mesh(const Shape& shape, const std::vector<std::string>& axis_names,
                         std::source_location = std::source_location::current());

/// As long as it lives its mesh is the one of shard_map(f, specs) on this thread.
class SKEIN_API SetMesh {
 public:
  explicit SetMesh(Mesh);
  ~SetMesh();
  SetMesh(const SetMesh&) = delete;
  SetMesh& operator=(const SetMesh&) = delete;
};
[[nodiscard]] inline SetMesh set_mesh(const Mesh& mesh) { return SetMesh(mesh); }

/// A spec, or a list of specs that follows a tree (any prefix of it), or none for what is static.
class SpecTree {
 public:
  enum class Kind : std::uint8_t { none, spec, list };
  SpecTree() = default;
  SpecTree(NoneType) {}
  SpecTree(PartitionSpec spec) : kind_(Kind::spec), spec_(std::move(spec)) {}
  SpecTree(std::initializer_list<SpecTree> list) : kind_(Kind::list), list_(list) {}
  SpecTree(std::vector<SpecTree> list) : kind_(Kind::list), list_(std::move(list)) {}
  Kind kind() const { return kind_; }
  const PartitionSpec& spec() const { return spec_; }
  const std::vector<SpecTree>& list() const { return list_; }

 private:
  Kind kind_ = Kind::none;
  PartitionSpec spec_;
  std::vector<SpecTree> list_;
};

struct ShardMapOptions {
  std::vector<SpecTree> in_specs = {};   // one for each argument
  std::vector<SpecTree> out_specs = {};  // one for each element of the returned tuple; one alone stands for all
  bool check_vma = true;                 // refuse out specs that promise replication of a value that varies
};
struct ExpandOptions {
  bool tiled = false;  // as shard_map: no dimension over the devices
};
struct ConstructOptions {
  bool jit = false;
};

/// Mesh axes by name: one, several, all of the mesh in force, or what rank_info gave.
class AxisNames {
 public:
  AxisNames() = default;
  AxisNames(const char* name) : names_{name} {}
  AxisNames(std::string name) : names_{std::move(name)} {}
  AxisNames(std::initializer_list<const char*> names) : names_(names.begin(), names.end()) {}
  AxisNames(std::initializer_list<std::string> names) : names_(names) {}
  AxisNames(std::vector<std::string> names) : names_(std::move(names)) {}
  static AxisNames every() {
    AxisNames axes;
    axes.all_ = true;
    return axes;
  }
  const std::vector<std::string>& names() const { return names_; }
  bool all() const { return all_; }

 private:
  std::vector<std::string> names_;
  bool all_ = false;
};
/// All axes of the mesh in force; none outside.
inline const AxisNames all_axes = AxisNames::every();

/// auto [rank, ndev, axes] = rank_info(): of the mesh in force; outside 0, 1 and no axes.
struct RankInfo {
  Array rank;  // int32, row-major over the axes
  std::int64_t ndev = 1;
  AxisNames axes;
};
SKEIN_API RankInfo rank_info(std::source_location = std::source_location::current());

namespace detail {

/// A body between its blocks and its results. Open from its making to finish() or its end.
class SKEIN_API ShardMapScope {
 public:
  ShardMapScope(const Mesh&, const std::vector<const Array*>& leaves, const std::vector<const PartitionSpec*>& specs,
                bool expanding, bool check_vma);
  ~ShardMapScope();
  ShardMapScope(const ShardMapScope&) = delete;
  ShardMapScope& operator=(const ShardMapScope&) = delete;
  const std::vector<Array>& arguments() const { return arguments_; }
  std::vector<Array> finish(const std::vector<Array>& results, const std::vector<const PartitionSpec*>& specs);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::vector<Array> arguments_;
};

SKEIN_API Mesh mesh_given();
[[noreturn]] SKEIN_API void fail_specs(const std::string& path, const std::string& what);

/// Collects the spec of each leaf of the tree. `path` names the place for errors: "in_specs[0]".
template <class T>
void match_specs(const SpecTree& specs, const T& tree, const std::string& path,
                 std::vector<const PartitionSpec*>& out) {
  if constexpr (!contains_array<T>()) {
    if (specs.kind() == SpecTree::Kind::list)
      fail_specs(path, "is a list, but what stands there is static; it takes sk::none");
  } else if (specs.kind() == SpecTree::Kind::none) {
    bool any = false;
    each_leaf(tree, [&](const Array&) { any = true; });
    if (any)
      fail_specs(
          path,
          "is none, but what stands there holds arrays; they need a spec, P() if they are the same on every device");
  } else if (specs.kind() == SpecTree::Kind::spec) {
    each_leaf(tree, [&](const Array& leaf) {
      if (!leaf.empty()) out.push_back(&specs.spec());
    });
  } else if constexpr (std::is_same_v<T, Array>) {
    fail_specs(path, "is a list of " + std::to_string(specs.list().size()) +
                         ", but what stands there is one array; it takes one spec");
  } else {
    // One entry for each child, or for each that may hold arrays.
    std::size_t children = 0, holding = 0;
    each_child(tree, [&]<class C>(const C&) {
      ++children;
      if constexpr (contains_array<C>()) ++holding;
    });
    std::size_t given = specs.list().size();
    if (given != children && given != holding)
      fail_specs(path, "is a list of " + std::to_string(given) + ", but what stands there has " +
                           std::to_string(children) + " members; the list follows the tree");
    std::size_t next = 0;
    each_child(tree, [&]<class C>(const C& child) {
      if (given != children && !contains_array<C>()) return;
      match_specs(specs.list()[next], child, path + "[" + std::to_string(next) + "]", out);
      ++next;
    });
  }
}

template <class Arguments>
void match_arguments(const std::vector<SpecTree>& specs, const Arguments& arguments,
                     std::vector<const PartitionSpec*>& out) {
  constexpr std::size_t count = std::tuple_size_v<Arguments>;
  std::size_t holding = 0;
  std::apply([&](const auto&... argument) { ((holding += contains_array<std::decay_t<decltype(argument)>>()), ...); },
             arguments);
  if (specs.size() != count && specs.size() != holding)
    fail_specs("in_specs", "has " + std::to_string(specs.size()) + " entries, the function takes " +
                               std::to_string(count) + " arguments; give one entry for each");
  std::size_t next = 0;
  std::apply(
      [&](const auto&... argument) {
        auto visit = [&]<class T>(const T& tree) {
          if (specs.size() != count && !contains_array<T>()) return;
          match_specs(specs[next], tree, "in_specs[" + std::to_string(next) + "]", out);
          ++next;
        };
        (visit(argument), ...);
      },
      arguments);
}

template <class Result>
void match_result(const std::vector<SpecTree>& specs, const Result& result, std::vector<const PartitionSpec*>& out) {
  if (specs.size() == 1) {
    if (specs[0].kind() == SpecTree::Kind::spec || !IsTupleLike<Result>::value)
      return match_specs(specs[0], result, "out_specs[0]", out);
  }
  if constexpr (IsTupleLike<Result>::value) {
    if (specs.size() != std::tuple_size_v<Result>)
      fail_specs("out_specs", "has " + std::to_string(specs.size()) + " entries, the function returns " +
                                  std::to_string(std::tuple_size_v<Result>) +
                                  " values; give one entry for each, or one for all");
    std::size_t next = 0;
    each_child(result, [&](const auto& element) {
      match_specs(specs[next], element, "out_specs[" + std::to_string(next) + "]", out);
      ++next;
    });
  } else {
    fail_specs("out_specs", "has " + std::to_string(specs.size()) +
                                " entries, the function returns one value; give one entry, which may be a list that "
                                "follows the value's members");
  }
}

template <class F, class Arguments>
using SpmdResult = std::decay_t<decltype(std::apply(std::declval<F&>(), std::declval<Arguments&>()))>;

/// A function on a mesh.
template <class F>
class Spmd : public Callable<Spmd<F>, signature_of<F>> {
 public:
  Spmd(std::shared_ptr<F> fn, std::optional<Mesh> mesh, ShardMapOptions specs, const char* name, bool expanding,
       std::source_location where)
      : fn_(std::move(fn)),
        mesh_(std::move(mesh)),
        specs_(std::make_shared<const ShardMapOptions>(std::move(specs))),
        name_(name),
        expanding_(expanding),
        where_(where) {}

  template <class Arguments>
  SpmdResult<F, Arguments> run(std::source_location where, Arguments arguments) const {
    using Result = SpmdResult<F, Arguments>;
    PublicCall call(name_, where);
    Mesh mesh = mesh_ ? *mesh_ : mesh_given();
    std::vector<const PartitionSpec*> in_specs;
    match_arguments(specs_->in_specs, arguments, in_specs);
    return run_as_program([&]() -> Result {
      std::vector<const Array*> leaves;
      each_leaf(arguments, [&](const Array& leaf) {
        if (!leaf.empty()) leaves.push_back(&leaf);
      });
      ShardMapScope scope(mesh, leaves, in_specs, expanding_, specs_->check_vma);
      Arguments blocks = arguments;
      std::size_t next = 0;
      each_leaf(blocks, [&](Array& leaf) {
        if (!leaf.empty()) leaf = scope.arguments()[next++];
      });
      if constexpr (std::is_void_v<Result>) {
        apply_user_code(*fn_, std::move(blocks));
        if (!specs_->out_specs.empty())
          fail_specs("out_specs", "is given, but the function returns nothing; it takes {}");
        scope.finish({}, {});
      } else {
        Result result = apply_user_code(*fn_, std::move(blocks));
        std::vector<const PartitionSpec*> out_specs;
        match_result(specs_->out_specs, result, out_specs);
        std::vector<Array> values;
        each_leaf(result, [&](const Array& leaf) {
          if (!leaf.empty()) values.push_back(leaf);
        });
        std::vector<Array> whole = scope.finish(values, out_specs);
        next = 0;
        each_leaf(result, [&](Array& leaf) {
          if (!leaf.empty()) leaf = whole[next++];
        });
        return result;
      }
    });
  }
  std::source_location made_at() const { return where_; }

 private:
  std::shared_ptr<F> fn_;
  std::optional<Mesh> mesh_;
  std::shared_ptr<const ShardMapOptions> specs_;
  const char* name_;
  bool expanding_;
  std::source_location where_;
};

/// The same, compiled once for each signature if asked for.
template <class F>
class ConstructedSpmd : public Callable<ConstructedSpmd<F>, signature_of<F>> {
 public:
  ConstructedSpmd(Spmd<F> spmd, bool jit, std::source_location where) : spmd_(std::move(spmd)) {
    if (jit) jitted_.emplace(spmd_, JitOptions{}, where);
  }
  template <class Arguments>
  auto run(std::source_location where, Arguments arguments) const {
    return jitted_ ? jitted_->run(where, std::move(arguments)) : spmd_.run(where, std::move(arguments));
  }
  std::source_location made_at() const { return spmd_.made_at(); }

 private:
  Spmd<F> spmd_;
  std::optional<Jitted<Spmd<F>>> jitted_;
};

template <class F>
class SpmdConstructor {
 public:
  SpmdConstructor(std::shared_ptr<F> fn, ShardMapOptions specs, ExpandOptions options)
      : fn_(std::move(fn)), specs_(std::move(specs)), options_(options) {}
  ConstructedSpmd<F> operator()(const Mesh& mesh, ConstructOptions options = {},
                                std::source_location where = std::source_location::current()) const {
    return {Spmd<F>(fn_, mesh, specs_, "shard_map", !options_.tiled, where), options.jit, where};
  }

 private:
  std::shared_ptr<F> fn_;
  ShardMapOptions specs_;
  ExpandOptions options_;
};

template <class F>
auto share(F&& fn) {
  return std::make_shared<std::decay_t<F>>(std::forward<F>(fn));
}

}  // namespace detail

/// A function of global arrays that runs fn on each device of the mesh, on the blocks that in_specs make of them; its
/// results are put together by out_specs. Throws UserError for specs that do not fit, at the call.
template <class F>
detail::Spmd<std::decay_t<F>> shard_map(F&& fn, const Mesh& mesh, ShardMapOptions specs,
                                        std::source_location where = std::source_location::current()) {
  return {detail::share(std::forward<F>(fn)), mesh, std::move(specs), "shard_map", false, where};
}
/// On the mesh that set_mesh gives at the call.
template <class F>
detail::Spmd<std::decay_t<F>> shard_map(F&& fn, ShardMapOptions specs,
                                        std::source_location where = std::source_location::current()) {
  return {detail::share(std::forward<F>(fn)), std::nullopt, std::move(specs), "shard_map", false, where};
}
/// As shard_map, but a varying input loses its leading dimension over the devices, and a varying output gains one.
template <class F>
detail::Spmd<std::decay_t<F>> expanding_shard_map(F&& fn, const Mesh& mesh, ShardMapOptions specs,
                                                  ExpandOptions options = {},
                                                  std::source_location where = std::source_location::current()) {
  return {detail::share(std::forward<F>(fn)), mesh, std::move(specs), "expanding_shard_map", !options.tiled, where};
}
template <class F>
detail::Spmd<std::decay_t<F>> expanding_shard_map(F&& fn, ShardMapOptions specs, ExpandOptions options = {},
                                                  std::source_location where = std::source_location::current()) {
  return {
      detail::share(std::forward<F>(fn)), std::nullopt, std::move(specs), "expanding_shard_map", !options.tiled, where};
}
/// expanding_shard_map whose mesh comes later: shard_map_constructor(f, specs)(mesh, {.jit = true})(arguments...).
template <class F>
detail::SpmdConstructor<std::decay_t<F>> shard_map_constructor(F&& fn, ShardMapOptions specs,
                                                               ExpandOptions options = {}) {
  return {detail::share(std::forward<F>(fn)), std::move(specs), options};
}

}  // namespace skein
