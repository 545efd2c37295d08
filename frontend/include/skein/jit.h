#pragma once
// jit: a function traced once for each signature, compiled, and run.

#include <skein/program.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>
#include <unordered_map>
#include <vector>

namespace skein {

struct JitOptions {
  std::vector<int> static_argnums = {};  // arguments without arrays are static anyhow; naming one with arrays is a UserError
  std::vector<int> donate_argnums = {};  // arguments whose memory the results may reuse; they cannot be read afterwards
};

namespace detail {

/// A function compiled for one signature: the static parts of its arguments, the program, what is static in its result.
template <class Result, class Arguments>
struct Specialization {
  using Stored = std::conditional_t<std::is_void_v<Result>, std::tuple<>, Result>;
  Arguments skeleton;
  ProgramPtr program;
  Stored result;

  Result run(std::span<const Array* const> leaves) const {
    Stored out = result;
    PointerList<Array> places;
    each_leaf(out, [&](Array& leaf) {
      if (!leaf.empty()) places.push_back(&leaf);
    });
    execute(*program, leaves, places.span());
    if constexpr (!std::is_void_v<Result>) return out;
  }
};

template <class Arguments>
void collect_leaves(const Arguments& arguments, PointerList<const Array>& leaves) {
  each_leaf(arguments, [&](const Array& leaf) {
    if (!leaf.empty()) leaves.push_back(&leaf);
  });
}

SKEIN_API void check_argnums(const JitOptions&, const std::vector<int>& leaf_counts);

template <class F, class Arguments>
struct Specialize {
  using Result = std::decay_t<decltype(std::apply(std::declval<F&>(), std::declval<Arguments>()))>;
  using Spec = Specialization<Result, Arguments>;

  static std::unique_ptr<const Spec> trace(F& fn, const Arguments& arguments, std::span<const Array* const> leaves, const JitOptions& options) {
    std::vector<int> counts;
    std::apply([&](const auto&... argument) { (counts.push_back(static_cast<int>(leaves_of(argument).size())), ...); }, arguments);
    check_argnums(options, counts);
    std::vector<int> donated;
    int position = 0, argument = 0;
    std::apply([&](const auto&... tree) {
      auto visit = [&](const auto& one) {
        bool donate = std::find(options.donate_argnums.begin(), options.donate_argnums.end(), argument++) != options.donate_argnums.end();
        each_leaf(one, [&](const Array& leaf) {
          if (leaf.empty()) return;
          if (donate) donated.push_back(position);
          ++position;
        });
      };
      (visit(tree), ...);
    }, arguments);

    auto spec = std::make_unique<Spec>();
    spec->skeleton = skeleton_of(arguments);
    ProgramScope scope(leaves, true);
    Arguments traced = arguments;
    std::size_t next = 0;
    each_leaf(traced, [&](Array& leaf) {
      if (!leaf.empty()) leaf = scope.arguments()[next++];
    });
    if constexpr (std::is_void_v<Result>) {
      apply_user_code(fn, std::move(traced));
      spec->program = scope.finish({}, donated);
    } else {
      Result result = apply_user_code(fn, std::move(traced));
      PointerList<const Array> outputs;
      collect_leaves(result, outputs);
      spec->program = scope.finish(outputs.span(), donated);
      spec->result = skeleton_of(std::move(result));
    }
    return spec;
  }
};

struct CacheBase {
  virtual ~CacheBase() = default;
};

/// The specialisations of one function for arguments of one C++ type.
template <class F, class Arguments>
class Cache : public CacheBase {
 public:
  using Spec = typename Specialize<F, Arguments>::Spec;

  const Spec& find(F& fn, const Arguments& arguments, std::span<const Array* const> leaves, const JitOptions& options) {
    const Spec* last = last_.load(std::memory_order_acquire);
    if (last && accepts(*last->program, leaves) && same_structure(last->skeleton, arguments)) return *last;
    std::size_t hash = hash_types(leaves);
    hash_structure(hash, arguments);
    if (const Spec* found = look(hash, arguments, leaves)) return *found;
    auto made = Specialize<F, Arguments>::trace(fn, arguments, leaves, options);  // without the lock: it runs user code
    std::lock_guard lock(mutex_);
    if (const Spec* found = look_locked(hash, arguments, leaves)) return *found;
    const Spec* spec = made.get();
    entries_.emplace(hash, std::move(made));
    last_.store(spec, std::memory_order_release);
    return *spec;
  }

 private:
  const Spec* look(std::size_t hash, const Arguments& arguments, std::span<const Array* const> leaves) {
    std::lock_guard lock(mutex_);
    return look_locked(hash, arguments, leaves);
  }
  const Spec* look_locked(std::size_t hash, const Arguments& arguments, std::span<const Array* const> leaves) {
    auto [first, end] = entries_.equal_range(hash);
    for (; first != end; ++first) {
      const Spec* spec = first->second.get();
      if (!accepts(*spec->program, leaves) || !same_structure(spec->skeleton, arguments)) continue;
      last_.store(spec, std::memory_order_release);
      return spec;
    }
    return nullptr;
  }

  std::atomic<const Spec*> last_{nullptr};
  std::mutex mutex_;
  std::unordered_multimap<std::size_t, std::unique_ptr<const Spec>> entries_;
};

}  // namespace detail

/// A program made for one signature; called with arguments of that signature.
template <class F, class Arguments>
class Compiled {
  using Specialize = detail::Specialize<F, Arguments>;

 public:
  Compiled(std::shared_ptr<const typename Specialize::Spec> spec, std::source_location where) : spec_(std::move(spec)), where_(where) {}

  /// The optimised IR.
  std::string as_text() const { return detail::program_text(*spec_->program); }
  /// JSON: operations, bytes read and written, kernels.
  std::string cost_analysis() const { return detail::program_cost(*spec_->program); }
  /// JSON: bytes of inputs, outputs, temporaries.
  std::string memory_analysis() const { return detail::program_memory(*spec_->program); }

  template <class... A>
  typename Specialize::Result operator()(A&&... values) const {
    detail::PublicCall call("jit", where_);
    Arguments arguments(std::forward<A>(values)...);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments, leaves);
    if (!detail::accepts(*spec_->program, leaves.span()) || !detail::same_structure(spec_->skeleton, arguments))
      throw UserError("the arguments' types, shapes or static values are not those that the program was compiled for", "jit", where_);
    return spec_->run(leaves.span());
  }

 private:
  std::shared_ptr<const typename Specialize::Spec> spec_;
  std::source_location where_;
};

/// A function with its arguments, to be compiled for their signature.
template <class F, class Arguments>
class Lowered {
  using Specialize = detail::Specialize<F, Arguments>;

 public:
  Lowered(std::shared_ptr<F> fn, Arguments arguments, JitOptions options, std::source_location where)
      : fn_(std::move(fn)), arguments_(std::move(arguments)), options_(std::move(options)), where_(where) {}
  Compiled<F, Arguments> compile() const {
    detail::PublicCall call("jit", where_);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments_, leaves);
    return {std::shared_ptr<const typename Specialize::Spec>(Specialize::trace(*fn_, arguments_, leaves.span(), options_)), where_};
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
  Jitted(F fn, JitOptions options, std::source_location where) : state_(std::make_shared<State>(std::move(fn), std::move(options), where)) {}

  template <class Arguments>
  typename detail::Specialize<F, Arguments>::Result run(std::source_location where, Arguments arguments) const {
    if (detail::tracing()) return detail::apply_user_code(*state_->fn, std::move(arguments));
    detail::PublicCall call("jit", where);
    detail::PointerList<const Array> leaves;
    detail::collect_leaves(arguments, leaves);
    return state_->template cache<Arguments>().find(*state_->fn, arguments, leaves.span(), state_->options).run(leaves.span());
  }
  std::source_location made_at() const { return state_->where; }

  template <class... A>
  auto lower(A&&... arguments) const {
    if constexpr (std::is_same_v<detail::signature_of<F>, detail::Unknown>)
      return lower_as(std::tuple<std::decay_t<A>...>(std::forward<A>(arguments)...));
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
    State(F f, JitOptions o, std::source_location w) : fn(std::make_shared<F>(std::move(f))), options(std::move(o)), where(w) {}
    template <class Arguments>
    detail::Cache<F, Arguments>& cache() {
      using Wanted = detail::Cache<F, Arguments>;
      // A function with one signature has one cache: it is found without a lock.
      if (const Known* known = last.load(std::memory_order_acquire); known && *known->type == typeid(Arguments)) return static_cast<Wanted&>(*known->cache);
      std::lock_guard lock(mutex);
      auto& slot = caches[typeid(Arguments)];
      if (!slot.cache) slot = {&typeid(Arguments), std::make_unique<Wanted>()};
      last.store(&slot, std::memory_order_release);
      return static_cast<Wanted&>(*slot.cache);
    }
    struct Known {
      const std::type_info* type = nullptr;
      std::unique_ptr<detail::CacheBase> cache;
    };
    std::shared_ptr<F> fn;
    JitOptions options;
    std::source_location where;
    std::atomic<const Known*> last{nullptr};
    std::mutex mutex;
    std::unordered_map<std::type_index, Known> caches;
  };
  std::shared_ptr<State> state_;
};

/// Compiles fn once for each signature: dtypes and shapes of its arrays, values of what is static. Usable from several
/// threads. Exceptions of fn pass through.
template <class F>
Jitted<std::decay_t<F>> jit(F&& fn, JitOptions options = {}, std::source_location where = std::source_location::current()) {
  return Jitted<std::decay_t<F>>(std::forward<F>(fn), std::move(options), where);
}

}  // namespace skein
