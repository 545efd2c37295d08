// Programs that JAX exported compute what JAX computed: through the compiler and through the interpreter.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skein/base/error.h>

#include <cmath>
#include <complex>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "compiler/compile.h"
#include "compiler/import/stablehlo.h"
#include "compiler/interp/interpreter.h"
#include "dialects/skein/types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/device.h"

namespace skein::compiler::test {

namespace {

using Json = nlohmann::json;

const std::string kFolder = SKEIN_IMPORT_CASES;

const Json& cases() {
  static const Json all = Json::parse(std::ifstream(kFolder + "/cases.json"));
  return all;
}

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const Json& entry : cases()) all.push_back(entry["name"].get<std::string>());
  return all;
}

double numberOf(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  const std::string word = value.get<std::string>();
  const double infinity = std::numeric_limits<double>::infinity();
  return word == "inf" ? infinity : word == "-inf" ? -infinity : std::numeric_limits<double>::quiet_NaN();
}

DType dtypeNamed(const std::string& wanted) {
  for (DType dtype : {bool_, int8, int16, int32, int64, uint8, uint16, uint32, uint64, float16, bfloat16, float32, float64, complex64, complex128})
    if (name(dtype) == wanted) return dtype;
  throw InternalError("no dtype " + wanted);
}

template <class T>
void fill(HostArray& array, const Json& values) {
  for (std::size_t i = 0; i < values.size(); ++i) array.as<T>()[i] = static_cast<T>(numberOf(values[i]));
}

HostArray arrayOf(const Json& entry) {
  HostArray array = HostArray::zeros(dtypeNamed(entry["dtype"].get<std::string>()), entry["shape"].get<std::vector<std::int64_t>>());
  const Json& values = entry["values"];
  switch (array.dtype) {
    case DType::bool_: fill<std::uint8_t>(array, values); break;
    case DType::int32: fill<std::int32_t>(array, values); break;
    case DType::uint32: fill<std::uint32_t>(array, values); break;
    case DType::uint8: fill<std::uint8_t>(array, values); break;
    case DType::float32:
    case DType::complex64: fill<float>(array, values); break;
    default: throw InternalError("the test knows no such dtype");
  }
  return array;
}

void expectClose(const HostArray& got, const HostArray& want, float tolerance) {
  ASSERT_EQ(got.dtype, want.dtype);
  ASSERT_EQ(got.shape, want.shape);
  if (want.dtype != DType::float32 && want.dtype != DType::complex64) {
    EXPECT_TRUE(got == want);
    return;
  }
  const std::int64_t numbers = want.volume() * (want.dtype == DType::complex64 ? 2 : 1);
  for (std::int64_t i = 0; i < numbers; ++i) {
    const float x = got.as<float>()[i], y = want.as<float>()[i];
    if (std::isnan(y))
      EXPECT_TRUE(std::isnan(x)) << i;
    else if (x != y)
      EXPECT_NEAR(x, y, tolerance * std::max(1.0f, std::abs(y))) << i;
  }
}

/// XLA leaves out roundings to bfloat16 between ops.
float toleranceOf(const std::string& name) { return name == "bfloat16" ? 0x1p-8f : 2e-5f; }

/// A function of stablehlo ops on one float32[4], for errors.
std::string programOf(const std::string& ops) {
  return "\"builtin.module\"() ({\n  \"func.func\"() <{function_type = (tensor<4xf32>) -> tensor<4xf32>, sym_name = \"main\"}> ({\n  ^bb0(%a: tensor<4xf32>):\n" + ops +
         "    \"func.return\"(%r) : (tensor<4xf32>) -> ()\n  }) : () -> ()\n}) : () -> ()\n";
}

std::string refusalOf(const std::string& text) {
  auto context = makeContext();
  try {
    importStablehlo(text, "program.mlir", *context);
  } catch (const UserError& error) {
    return error.what();
  }
  return "imported";
}

}  // namespace

class Imported : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    for (const Json& entry : cases())
      if (entry["name"].get<std::string>() == GetParam()) {
        for (const Json& input : entry["inputs"]) inputs.push_back(arrayOf(input));
        for (const Json& output : entry["outputs"]) want.push_back(arrayOf(output));
      }
    context = makeContext();
    module = importStablehloFile(kFolder + "/" + GetParam() + ".mlir", *context);
  }

  std::vector<HostArray> inputs, want;
  std::unique_ptr<mlir::MLIRContext> context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

TEST_P(Imported, InterpretedComputesWhatJaxDoes) {
  std::vector<HostArray> got = interpret(*module, inputs);
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    SCOPED_TRACE("result " + std::to_string(i));
    expectClose(got[i], want[i], toleranceOf(GetParam()));
  }
}

TEST_P(Imported, CompiledComputesWhatJaxDoes) {
  auto program = compile(*module, {.donated = {}, .gpu = runtime::gpu_architecture(), .emulated = runtime::platform() == runtime::Platform::emulated});
  std::vector<HostArray> got;
  std::vector<void*> buffers;
  std::vector<std::size_t> sizes;
  for (const HostArray& result : want) got.push_back(HostArray::zeros(result.dtype, result.shape));
  for (auto* arrays : {&inputs, &got})
    for (HostArray& array : *arrays) buffers.push_back(array.data.data()), sizes.push_back(array.data.size());
  ASSERT_EQ(program->executable.outputs, static_cast<int>(got.size()));
  runtime::run_from_host(program->executable, buffers, sizes);
  for (std::size_t i = 0; i < got.size(); ++i) {
    SCOPED_TRACE("result " + std::to_string(i));
    expectClose(got[i], want[i], toleranceOf(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Programs, Imported, testing::ValuesIn(names()), [](const auto& info) { return info.param; });

std::string textOf(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream(text) << module;
  return text;
}

TEST(Import, RecognisesWhatSkeinHasAnOpFor) {
  const std::pair<const char*, std::vector<const char*>> expected[] = {{"random_normal", {"skein.threefry"}},
                                                                       {"cumulative", {"skein.cumulative"}},
                                                                       {"argmax", {"skein.argmax", "skein.argmin"}},
                                                                       {"fori_loop", {"skein.for"}},
                                                                       {"scan", {"skein.for"}},
                                                                       {"gather_rows", {"skein.take"}},
                                                                       {"shard_map", {"skein.psum", "skein.all_gather", "skein.ppermute"}}};
  auto context = makeContext();
  for (const auto& [name, ops] : expected) {
    const std::string text = textOf(*importStablehloFile(kFolder + "/" + name + ".mlir", *context));
    for (const char* op : ops) EXPECT_THAT(text, testing::HasSubstr(op)) << name;
  }
  EXPECT_FALSE(context->allowsUnregisteredDialects());
}

TEST(ImportErrors, NameTheOpAndItsLine) {
  EXPECT_THAT(refusalOf(programOf("    %r = \"stablehlo.fly\"(%a) : (tensor<4xf32>) -> tensor<4xf32>\n")),
              testing::AllOf(testing::HasSubstr("program.mlir:4"), testing::HasSubstr("stablehlo.fly"), testing::HasSubstr("not supported")));
}

TEST(ImportErrors, RefuseConvolutions) {
  auto context = makeContext();
  EXPECT_THROW(importStablehloFile(kFolder + "/refused_convolution.mlir", *context), UserError);
  EXPECT_THROW(importStablehloFile(kFolder + "/no_such_file.mlir", *context), RuntimeError);
}

TEST(ImportErrors, RefuseWhatIsNoProgram) {
  EXPECT_THAT(refusalOf("this is no MLIR"), testing::HasSubstr("program.mlir:1"));
  EXPECT_THAT(refusalOf(""), testing::HasSubstr("@main"));
  EXPECT_THAT(refusalOf("\"builtin.module\"() ({"), testing::HasSubstr("program.mlir"));
}

TEST(ImportErrors, RefuseWrongAttributesAndTypes) {
  EXPECT_THAT(refusalOf(programOf("    %r = \"stablehlo.transpose\"(%a) : (tensor<4xf32>) -> tensor<4xf32>\n")), testing::HasSubstr("permutation"));
  EXPECT_THAT(refusalOf(programOf("    %r = \"stablehlo.transpose\"(%a) <{permutation = array<i64: 3>}> : (tensor<4xf32>) -> tensor<4xf32>\n")),
              testing::HasSubstr("out of range"));
  EXPECT_THAT(refusalOf(programOf("    %r = \"stablehlo.reverse\"(%a) <{dimensions = \"x\"}> : (tensor<4xf32>) -> tensor<4xf32>\n")),
              testing::HasSubstr("no list of integers"));
  EXPECT_THAT(refusalOf(programOf("    %b = \"stablehlo.abs\"(%a) : (tensor<4xf32>) -> tensor<?xf32>\n    %r = \"stablehlo.abs\"(%b) : (tensor<?xf32>) -> tensor<4xf32>\n")),
              testing::HasSubstr("not known"));
  EXPECT_THAT(refusalOf(programOf("    %b = \"stablehlo.abs\"(%a) : (tensor<4xf32>) -> tensor<5xf32>\n    %r = \"stablehlo.abs\"(%a) : (tensor<4xf32>) -> tensor<4xf32>\n")),
              testing::HasSubstr("float32[5]"));
  EXPECT_THAT(refusalOf(programOf("    %r = \"stablehlo.custom_call\"(%a) <{call_target_name = \"mine\"}> : (tensor<4xf32>) -> tensor<4xf32>\n")),
              testing::HasSubstr("mine"));
}

TEST(ImportErrors, RefuseFunctionsThatCallThemselves) {
  const std::string text =
      "\"builtin.module\"() ({\n  \"func.func\"() <{function_type = (tensor<4xf32>) -> tensor<4xf32>, sym_name = \"main\"}> ({\n  ^bb0(%a: tensor<4xf32>):\n"
      "    %r = \"func.call\"(%a) <{callee = @main}> : (tensor<4xf32>) -> tensor<4xf32>\n"
      "    \"func.return\"(%r) : (tensor<4xf32>) -> ()\n  }) : () -> ()\n}) : () -> ()\n";
  EXPECT_THAT(refusalOf(text), testing::HasSubstr("calls itself"));
}

}  // namespace skein::compiler::test
