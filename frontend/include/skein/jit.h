#pragma once
// jit: a function traced once for each signature, compiled, and run.

#include <skein/program.h>

#include <atomic>
#include <memory>
#include <string>
#include <typeinfo>
#include <vector>

namespace skein {

struct JitOptions {
  std::vector<int> static_argnums =
      {};  // arguments without arrays are static anyhow; naming one with arrays is a UserError
  std::vector<int> donate_argnums = {};  // arguments whose memory the results may reuse; they cannot be read afterwards
};

namespace detail {

/// What a function was compiled to for its signatures. Thread safe; entries stay as long as the table.
class SKEIN_API SpecTable {
 public:
  struct SKEIN_API Entry {
    virtual ~Entry();
    ProgramPtr program;
    const std::type_info* arguments = nullptr;  // the C++ type of the arguments' tuple
  };
  using Matches = bool (*)(const Entry&, const void* arguments);  // whether static parts agree

  SpecTable();
  ~SpecTable();
  SpecTable(const SpecTable&) = delete;
  SpecTable& operator=(const SpecTable&) = delete;
  /// The entry used last: the common case is that it fits.
  const Entry* last() const { return last_.load(std::memory_order_acquire); }
  const Entry* find(std::size_t hash, std::span<const Array* const> leaves, Matches, const void* arguments);
  /// Adds an entry, or drops it if another thread was faster.
  const Entry* add(std::size_t hash, std::span<const Array* const> leaves, Matches, const void* arguments,
                   std::unique_ptr<Entry>);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::atomic<const Entry*> last_{nullptr};
};

/// The leaves that donate_argnums name; checks the options against how many leaves each argument has.
SKEIN_API std::vector<int> donated_leaves(const JitOptions&, const std::vector<int>& leaf_counts);

template <class Tree>
void collect_leaves(const Tree& tree, PointerList<const Array>& leaves) {
  each_leaf(tree, [&](const Array& leaf) {
    if (!leaf.empty()) leaves.push_back(&leaf);
  });
}

/// A function compiled for one signature: the static parts of its arguments, the program, what is static in its result.
template <class F, class Arguments>
struct Specialization : SpecTable::Entry {
  using Result = std::decay_t<decltype(std::apply(std::declval<F&>(), std::declval<Arguments>()))>;
  Arguments skeleton;
  std::conditional_t<std::is_void_v<Result>, std::tuple<>, Result> result;

  static bool matches(const Entry& entry, const void* arguments) {
    return *entry.arguments == typeid(Arguments) && same_structure(static_cast<const Specialization&>(entry).skeleton,
                                                                   *static_cast<const Arguments*>(arguments));
  }

  Result run(std::span<const Array* const> leaves) const {
    if constexpr (std::is_void_v<Result>) {
      execute(*program, leaves, {});
    } else {
      Result out = result;
      PointerList<Array> places;
      each_leaf(out, [&](Array& leaf) {
        if (!leaf.empty()) places.push_back(&leaf);
      });
      execute(*program, leaves, places.span());
      return out;
    }
  }

  static std::unique_ptr<Specialization> trace(F& fn, const Arguments& arguments, std::span<const Array* const> leaves,
                                               const JitOptions& options) {
    std::vector<int> counts;
    each_child(arguments, [&](const auto& argument) {
      int count = 0;
      each_leaf(argument, [&](const Array& leaf) { count += !leaf.empty(); });
      counts.push_back(count);
    });
    std::vector<int> donated = donated_leaves(options, counts);
    auto made = std::make_unique<Specialization>();
    made->arguments = &typeid(Arguments);
    made->skeleton = skeleton_of(arguments);
    ProgramScope scope(leaves, true);
    Arguments traced = arguments;
    const Array* next = scope.arguments().data();
    each_leaf(traced, [&](Array& leaf) {
      if (!leaf.empty()) leaf = *next++;
    });
    if constexpr (std::is_void_v<Result>) {
      apply_user_code(fn, std::move(traced));
      made->program = scope.finish({}, donated);
    } else {
      Result out = apply_user_code(fn, std::move(traced));
      PointerList<const Array> outputs;
      collect_leaves(out, outputs);
      made->program = scope.finish(outputs.span(), donated);
      made->result = skeleton_of(std::move(out));
    }
    return made;
  }

  static const Specialization& find(SpecTable& table, F& fn, const Arguments& arguments,
                                    std::span<const Array* const> leaves, const JitOptions& options) {
    const Entry* entry = table.last();
    if (!entry || !accepts(*entry->program, leaves) || !matches(*entry, &arguments)) {
      std::size_t hash = hash_types(leaves);
      hash_structure(hash, arguments);
      entry = table.find(hash, leaves, matches, &arguments);
      if (!entry)
        entry = table.add(hash, leaves, matches, &arguments,
                          trace(fn, arguments, leaves, options));  // traced without a lock: it runs user code
    }
    return static_cast<const Specialization&>(*entry);
  }
};

}  // namespace detail

/// A program made for one signature; called with arguments of that signature.
template <class F, class Arguments>
class Compiled {
  using Specialization = detail::Specialization<F, Arguments>;

 public:
  Compiled(std::shared_ptr<const Specialization> spec, std::source_location where)
      : spec_(std::move(spec)), where_(where) {}

  /// The optimised IR.
  std::string as_text() const { return detail::program_text(*spec_->program); }
  /// JSON: operations, bytes read and written, kernels.
  std::string cost_analysis() const { return detail::program_cost(*spec_->program); }
  /// JSON: bytes of inputs, outputs, temporaries.
  std::string memory_analysis() const { return detail::program_memory(*spec_->program); }

  template <class... A>
  typename Specialization::Result operator()(A&&... values) const {
    detail::PublicCall call("jit", where_);
    Arguments arguments(std::forward<A>(values)...);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments, leaves);
    if (!detail::accepts(*spec_->program, leaves.span()) || !detail::same_structure(spec_->skeleton, arguments))
      throw UserError("the arguments' types, shapes or static values are not those that the program was compiled for",
                      "jit", where_);
    return spec_->run(leaves.span());
  }

 private:
  std::shared_ptr<const Specialization> spec_;
  std::source_location where_;
};

/// A function with its arguments, to be compiled for their signature.
template <class F, class Arguments>
class Lowered {
  using Specialization = detail::Specialization<F, Arguments>;

 public:
  Lowered(std::shared_ptr<F> fn, Arguments arguments, JitOptions options, std::source_location where)
      : fn_(std::move(fn)), arguments_(std::move(arguments)), options_(std::move(options)), where_(where) {}
  Compiled<F, Arguments> compile() const {
    detail::PublicCall call("jit", where_);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments_, leaves);
    return {std::shared_ptr<const Specialization>(Specialization::trace(*fn_, arguments_, leaves.span(), options_)),
            where_};
  }

 private:
  std::shared_ptr<F> fn_;
  Arguments arguments_;
  JitOptions options_;
  std::source_location where_;
};

/// What jit returns: called inside a trace it is the function itself.
template <class F>
class Jitted : public detail::Callable<Jitted<F>, detail::signature_of<F>> {
 public:
  Jitted(F fn, JitOptions options, std::source_location where)
      : state_(std::make_shared<State>(std::move(fn), std::move(options), where)) {}

  template <class Arguments>
  typename detail::Specialization<F, Arguments>::Result run(std::source_location where, Arguments arguments) const {
    if (detail::tracing()) return detail::apply_user_code(*state_->fn, std::move(arguments));
    detail::PublicCall call("jit", where);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments, leaves);
    return detail::Specialization<F, Arguments>::find(state_->table, *state_->fn, arguments, leaves.span(),
                                                      state_->options)
        .run(leaves.span());
  }
  std::source_location made_at() const { return state_->where; }

  template <class... A>
  auto lower(A&&... arguments) const {
    if constexpr (std::is_same_v<detail::signature_of<F>, detail::Unknown>)
      return lower_as(std::tuple<detail::Passed<A>...>(std::forward<A>(arguments)...));
    else
      return lower_as(typename Parameters<detail::signature_of<F>>::type(std::forward<A>(arguments)...));
  }

 private:
  template <class S>
  struct Parameters;
  template <class R, class... P>
  struct Parameters<R(P...)> {
    using type = std::tuple<P...>;
  };
  template <class Arguments>
  Lowered<F, Arguments> lower_as(Arguments arguments) const {
    return {state_->fn, std::move(arguments), state_->options, state_->where};
  }

  struct State {
    State(F f, JitOptions o, std::source_location w)
        : fn(std::make_shared<F>(std::move(f))), options(std::move(o)), where(w) {}
    std::shared_ptr<F> fn;
    JitOptions options;
    std::source_location where;
    detail::SpecTable table;
  };
  std::shared_ptr<State> state_;
};

/// Compiles fn once for each signature: dtypes and shapes of its arrays, values of what is static. Usable from several
/// threads. Exceptions of fn pass through.
template <class F>
Jitted<std::decay_t<F>> jit(F&& fn, JitOptions options = {},
                            std::source_location where = std::source_location::current()) {
  return Jitted<std::decay_t<F>>(std::forward<F>(fn), std::move(options), where);
}

}  // namespace skein
