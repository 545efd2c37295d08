#pragma once
// What the templates of the public headers need of tracing and running; not for users.

#include <skein/call.h>
#include <skein/tree.h>

#include <functional>
#include <memory>
#include <string>

namespace skein::detail {

class CompiledProgram;  // machine code with its inputs, captured arrays and what its outputs are
using ProgramPtr = std::shared_ptr<const CompiledProgram>;

SKEIN_API bool tracing();

/// As long as it lives, errors and ops are those of this call of the user's, unless an outer call stands.
class SKEIN_API PublicCall {
 public:
  PublicCall(const char* op, std::source_location where);
  ~PublicCall();
  PublicCall(const PublicCall&) = delete;
  PublicCall& operator=(const PublicCall&) = delete;

 private:
  bool outermost_;
};

/// As long as it lives, the user's own code runs.
class SKEIN_API PublicUserCode {
 public:
  PublicUserCode();
  ~PublicUserCode();
  PublicUserCode(const PublicUserCode&) = delete;
  PublicUserCode& operator=(const PublicUserCode&) = delete;

 private:
  const char* op_;
  std::source_location where_;
};

template <class Fn, class... A>
decltype(auto) run_user_code(Fn& fn, A&&... arguments) {
  PublicUserCode user;
  return std::invoke(fn, std::forward<A>(arguments)...);  // a line of its header is known not to be the user's
}
template <class Fn, class Tuple>
decltype(auto) apply_user_code(Fn& fn, Tuple&& arguments) {
  PublicUserCode user;
  return std::apply(fn, std::forward<Tuple>(arguments));
}

/// A program being traced on this thread: as long as it lives, ops are recorded. Left without finish() it is dropped.
class SKEIN_API ProgramScope {
 public:
  /// `inputs`: the arguments' leaves. Captured arrays become further inputs; small ones constants if `embed` is set.
  ProgramScope(std::span<const Array* const> inputs, bool embed);
  ~ProgramScope();
  ProgramScope(const ProgramScope&) = delete;
  ProgramScope& operator=(const ProgramScope&) = delete;

  /// The traced stand-ins of the inputs.
  const std::vector<Array>& arguments() const { return arguments_; }
  /// Ends the trace and compiles. `donated`: positions of inputs whose memory may be reused.
  ProgramPtr finish(std::span<const Array* const> outputs, const std::vector<int>& donated);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::vector<Array> arguments_;
};

/// Whether the program was compiled for inputs of these types.
SKEIN_API bool accepts(const CompiledProgram&, std::span<const Array* const> inputs) noexcept;
/// A hash of the inputs' types.
SKEIN_API std::size_t hash_types(std::span<const Array* const> inputs) noexcept;
/// Runs it and puts the results where `outputs` point. Throws UserError for an input that cannot be read.
SKEIN_API void execute(const CompiledProgram&, std::span<const Array* const> inputs, std::span<Array* const> outputs);
SKEIN_API std::string program_text(const CompiledProgram&);
SKEIN_API std::string program_cost(const CompiledProgram&);
SKEIN_API std::string program_memory(const CompiledProgram&);

/// The tree without its arrays, for comparing structures and for building results.
template <class T>
T skeleton_of(T tree) {
  each_leaf(tree, [](Array& leaf) { leaf = leaf.empty() ? Array() : Array(false); });
  return tree;
}

/// Runs a traceable function at once: in the trace there is, or as a program of its own, whose inputs are what it
/// captures.
template <class Fn>
auto run_as_program(Fn&& fn) {
  using Result = decltype(fn());
  if (tracing()) return fn();
  ProgramScope scope({}, false);
  if constexpr (std::is_void_v<Result>) {
    fn();
    execute(*scope.finish({}, {}), {}, {});
  } else {
    Result result = fn();
    PointerList<const Array> outputs;
    PointerList<Array> places;
    each_leaf(result, [&](Array& leaf) {
      if (leaf.empty()) return;
      outputs.push_back(&leaf);
      places.push_back(&leaf);
    });
    ProgramPtr program = scope.finish(outputs.span(), {});
    execute(*program, {}, places.span());
    return result;
  }
}

}  // namespace skein::detail
