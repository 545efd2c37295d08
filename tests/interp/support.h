#pragma once
// Small programs for the interpreter: from text, or of a single op.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "compiler/interp/interpreter.h"
#include "dialects/skein/types.h"

namespace skein::compiler::test {

/// A context that knows the dialects of traced programs.
mlir::MLIRContext& context();

/// Parses the module and runs its main, checking that devices agree where the types say so.
std::vector<HostArray> run(const std::string& module, const std::vector<HostArray>& inputs = {},
                           std::ostream* out = nullptr);

/// Runs one op on the inputs; `attributes` is the text of a dictionary.
std::vector<HostArray> runOp(const std::string& name, const std::vector<HostArray>& inputs,
                             const std::string& attributes = "{}");

/// The op's single result, as C++ values.
template <class Result, class T>
std::vector<Result> compute(const std::string& name, const std::vector<std::vector<T>>& operands,
                            const std::string& attributes = "{}") {
  std::vector<HostArray> inputs;
  for (const auto& values : operands)
    inputs.push_back(HostArray::of<T>({static_cast<std::int64_t>(values.size())}, values));
  std::vector<HostArray> results = runOp("skein." + name, inputs, attributes);
  EXPECT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].dtype, dtype_of<Result>());
  return results[0].values<Result>();
}

/// 0, 1, 2... of a shape.
template <class T>
HostArray range(std::vector<std::int64_t> shape) {
  HostArray array = HostArray::zeros(dtype_of<T>(), shape);
  for (std::int64_t i = 0; i < array.volume(); ++i) array.as<T>()[i] = static_cast<T>(i);
  return array;
}

/// A module whose main runs `body` on a mesh: func @main(arguments) -> results.
std::string shardMap(const std::string& mesh, const std::string& arguments, const std::string& inSpecs,
                     const std::string& outSpecs, const std::string& blockArguments, const std::string& body,
                     const std::string& results);

}  // namespace skein::compiler::test
