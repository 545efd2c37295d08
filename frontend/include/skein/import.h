#pragma once
// Programs that JAX exported, as functions: auto f = sk::import_stablehlo("step.mlir"); auto out = f(x, y);

#include <skein/array.h>

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace skein {

/// A program that was imported: takes arrays of main's shapes and dtypes, and returns main's results, in order. Inside
/// jit, grad, vmap and shard_map its ops are part of what is traced; outside it runs at once, compiled at its first call.
/// Throws UserError for another number of arguments, another shape, or another dtype; C++ scalars are converted.
class SKEIN_API ImportedFunction {
 public:
  /// Types of what it takes and returns.
  const std::vector<TypeInfo>& inputs() const;
  const std::vector<TypeInfo>& outputs() const;

  std::vector<Array> operator()(const std::vector<Array>& arguments,
                                std::source_location where = std::source_location::current()) const;
  template <class... A>
    requires(std::convertible_to<const A&, Array> && ...)
  std::vector<Array> operator()(const A&... arguments) const {
    return (*this)(std::vector<Array>{Array(arguments)...}, made_at());
  }

 private:
  struct State;
  explicit ImportedFunction(std::shared_ptr<const State> state) : state_(std::move(state)) {}
  std::source_location made_at() const;
  friend SKEIN_API ImportedFunction import_stablehlo_text(const std::string&, const std::string&, std::source_location);

  std::shared_ptr<const State> state_;
};

/// Func @main of a StableHLO module in MLIR's generic form, text or bytecode. Throws UserError, with line and op of the
/// file, for what is not supported; RuntimeError if the file cannot be read.
SKEIN_API ImportedFunction import_stablehlo(const std::string& path,
                                            std::source_location where = std::source_location::current());
/// The same of a text; `name` stands in errors for the file's.
SKEIN_API ImportedFunction import_stablehlo_text(const std::string& text, const std::string& name = "stablehlo",
                                                 std::source_location where = std::source_location::current());

}  // namespace skein
