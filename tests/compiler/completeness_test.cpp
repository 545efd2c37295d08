// Every op of the dialect compiles: a program of one op for each, whose result is what the interpreter says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "compiler/compile.h"
#include "compiler/interp/interpreter.h"
#include "dialects/skein/batching.h"
#include "dialects/skein/derivatives_rules.h"
#include "dialects/skein/types.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "runtime/device.h"

namespace skein::compiler::test {

namespace {

struct Row {
  const char* operands = "";      // types of main's arguments, which are the op's operands
  const char* attributes = "{}";  // of the op
  std::string program = {};       // a whole program instead, where an op alone says too little
};

const char* const kOneFloat[] = {
    "neg", "abs", "sign", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "rsqrt", "cbrt", "sin", "cos", "tan", "asin", "acos", "atan", "sinh",
    "cosh", "tanh", "asinh", "acosh", "atanh", "erf", "erfc", "erf_inv", "lgamma", "digamma", "logistic", "floor", "ceil", "trunc", "round", "round_even", "is_finite"};
const char* const kTwoFloats[] = {"add", "sub", "mul", "div", "rem", "pow", "atan2", "maximum", "minimum", "nextafter", "copysign", "complex",
                                  "eq",  "ne",  "lt",  "le",  "gt",  "ge"};
const char* const kTwoIntegers[] = {"and", "or", "xor", "shl", "shr_arithmetic", "shr_logical"};

/// Runs `op` on two devices that hold the rows of an array; the block's result varies and is stacked in the rows.
std::string onMesh(const std::string& op, const std::string& block, const std::string& whole) {
  std::string type = "tensor<2x4xf32, #skein.array<varying \"x\">>";
  return "func.func @main(%a: tensor<4x4xf32>) -> " + whole +
         " {\n  %r = skein.shard_map %a {mesh = #skein.axes<\"x\" = 2>, in_specs = [#skein.spec<[[\"x\"], []]>], out_specs = [#skein.spec<[[\"x\"], []]>]}"
         " : (tensor<4x4xf32>) -> " + whole + " {\n  ^bb0(%b: " + type + "):\n" + op + "    skein.yield %y : " + block +
         "\n  }\n  return %r : " + whole + "\n}";
}

/// Sums and their relatives: what is the same on all devices is made varying again.
std::string reducedOnMesh(const std::string& name) {
  std::string type = "tensor<2x4xf32, #skein.array<varying \"x\">>";
  return onMesh("    %s = skein." + name + " %b {axes = #skein.axes<\"x\" = 2>} : (" + type + ") -> tensor<2x4xf32>\n"
                "    %y = skein.pvary %s {axes = #skein.axes<\"x\" = 2>} : (tensor<2x4xf32>) -> " + type + "\n", type, "tensor<4x4xf32>");
}

std::string collective(const std::string& name, const std::string& attributes, const std::string& block, const std::string& whole) {
  std::string type = "tensor<" + block + "xf32, #skein.array<varying \"x\">>";
  return onMesh("    %y = skein." + name + " %b {axes = #skein.axes<\"x\" = 2>, " + attributes +
                "} : (tensor<2x4xf32, #skein.array<varying \"x\">>) -> " + type + "\n", type, "tensor<" + whole + "xf32>");
}

const std::map<std::string, Row>& rows() {
  static const std::map<std::string, Row> table = [] {
    std::map<std::string, Row> all;
    for (const char* name : kOneFloat) all[name] = {"tensor<5xf32>"};
    for (const char* name : kTwoFloats) all[name] = {"tensor<5xf32>, tensor<5xf32>"};
    for (const char* name : kTwoIntegers) all[name] = {"tensor<5xi32>, tensor<5xi32>"};
    for (const char* name : {"not", "popcnt", "clz"}) all[name] = {"tensor<5xi32>"};
    for (const char* name : {"real", "imag", "conj"}) all[name] = {"tensor<5xcomplex<f32>>"};
    for (const char* name : {"clamp", "fma"}) all[name] = {"tensor<5xf32>, tensor<5xf32>, tensor<5xf32>"};
    all["select"] = {"tensor<5xi1>, tensor<5xf32>, tensor<5xf32>"};
    all["convert"] = {"tensor<5xf32>", "{dtype = f64}"};
    all["bitcast"] = {"tensor<5xf32>", "{dtype = i32}"};

    all["constant"] = {"", "{value = dense<[1.0, 2.0]> : tensor<2xf32>}"};
    all["iota"] = {"", "{shape = array<i64: 2, 3>, dtype = i32, dim = 1 : i64}"};
    all["reshape"] = {"tensor<2x3xf32>", "{shape = array<i64: 3, 2>}"};
    all["broadcast"] = {"tensor<3xf32>", "{shape = array<i64: 2, 3>, dims = array<i64: 1>}"};
    all["transpose"] = {"tensor<2x3xf32>", "{permutation = array<i64: 1, 0>}"};
    all["concatenate"] = {"tensor<2x3xf32>, tensor<2x2xf32>", "{dim = 1 : i64}"};
    all["slice"] = {"tensor<4x5xf32>", "{starts = array<i64: 1, 0>, stops = array<i64: 3, 5>, strides = array<i64: 1, 2>}"};
    all["dynamic_slice"] = {"tensor<4x5xf32>, tensor<i32>, tensor<i32>", "{sizes = array<i64: 2, 3>}"};
    all["dynamic_update_slice"] = {"tensor<4x5xf32>, tensor<2x2xf32>, tensor<i32>, tensor<i32>"};
    all["pad"] = {"tensor<3xf32>, tensor<f32>", "{low = array<i64: 2>, high = array<i64: -1>, interior = array<i64: 1>}"};
    all["reverse"] = {"tensor<2x3xf32>", "{dims = array<i64: 0, 1>}"};
    all["scatter"] = {"tensor<4x3xf32>, tensor<5xi32>, tensor<5x3xf32>", "{dim = 0 : i64, kind = \"add\"}"};
    all["cumulative"] = {"tensor<4x50xf32>", "{dim = 1 : i64, kind = \"sum\", reverse = false}"};
    // Of a matrix like it with a strong diagonal; eig of a triangular one, whose eigenvalues have an order.
    auto ofMatrix = [](const std::string& op, const std::string& change, const std::string& constant, const std::string& results) {
      std::string type = "tensor<3x3xf32>", many = results.find(',') == std::string::npos ? "" : ":2";
      return "func.func @main(%a: " + type + ") -> (" + results + ") {\n  %c = skein.constant {value = dense<" + constant + "> : " + type + "} : () -> " + type +
             "\n  %b = skein." + change + " %a, %c : (" + type + ", " + type + ") -> " + type + "\n  %r" + many + " = skein." + op + " : (" + type + ") -> (" + results +
             ")\n  return " + (many.empty() ? "%r" : "%r#0, %r#1") + " : " + results + "\n}";
    };
    std::string strong = "[[4.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 0.0, 7.0]]", upper = "[[1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, 0.0, 3.0]]";
    all["cholesky"].program = ofMatrix("cholesky %b", "add", strong, "tensor<3x3xf32>");
    all["eigh"].program = ofMatrix("eigh %b {lower = true}", "add", strong, "tensor<3xf32>, tensor<3x3xf32>");
    all["eig"].program = ofMatrix("eig %b", "mul", upper, "tensor<3xcomplex<f32>>, tensor<3x3xcomplex<f32>>");
    all["eigvals"].program = ofMatrix("eigvals %b", "mul", upper, "tensor<3xcomplex<f32>>");
    all["triangular_solve"] = {"tensor<3x3xf32>, tensor<3x2xf32>", "{lower = true, transpose = \"none\", unit_diagonal = true}"};
    all["lu"] = {"tensor<4x3xf32>"};
    all["qr"] = {"tensor<4x3xf32>", "{full = false}"};
    all["svd"] = {"tensor<4x3xf32>", "{full = false}"};
    all["svdvals"] = {"tensor<4x3xf32>"};
    all["fft"] = {"tensor<4x6xcomplex<f32>>", "{kind = \"fft\", lengths = array<i64: 6>}"};
    all["take"] = {"tensor<4x3xf32>, tensor<5xi32>", "{dim = 0 : i64}"};

    for (const char* name : {"reduce_sum", "reduce_prod", "reduce_max", "reduce_min", "argmax", "argmin", "moments"})
      all[name] = {"tensor<4x50xf32>", "{dims = array<i64: 1>}"};
    for (const char* name : {"reduce_and", "reduce_or"}) all[name] = {"tensor<4x50xi32>", "{dims = array<i64: 1>}"};
    const char* contract = "{lhs_batch = array<i64>, rhs_batch = array<i64>, lhs_contract = array<i64: 1>, rhs_contract = array<i64: 0>}";
    all["dot_general"] = {"tensor<40x50xf32>, tensor<50x60xf32>", contract};
    all["sort"] = {"tensor<20x3xf32>, tensor<20x3xi32>", "{dim = 0 : i64}"};
    all["threefry"] = {"tensor<5xui32>, tensor<5xui32>, tensor<5xui32>, tensor<5xui32>"};

    std::string twice = "%y = skein.add %x, %x : (tensor<20xf32>, tensor<20xf32>) -> tensor<20xf32>\n    skein.yield %y : tensor<20xf32>\n";
    std::string head = "func.func @main(%n: tensor<i32>, %a: tensor<20xf32>) -> tensor<20xf32> {\n  ", tail = "\n  return %r : tensor<20xf32>\n}";
    all["for"].program = head + "%z = skein.constant {value = dense<0> : tensor<i32>} : () -> tensor<i32>\n"
                                "  %r = skein.for %z, %n, %a : (tensor<i32>, tensor<i32>, tensor<20xf32>) -> tensor<20xf32> {\n"
                                "  ^bb0(%i: tensor<i32>, %x: tensor<20xf32>):\n    " + twice + "  }" + tail;
    all["yield"] = all["for"];
    all["while"].program = head + "%s:2 = skein.while %n, %a : (tensor<i32>, tensor<20xf32>) -> (tensor<i32>, tensor<20xf32>) cond {\n"
                                  "  ^bb0(%i: tensor<i32>, %x: tensor<20xf32>):\n"
                                  "    %t = skein.constant {value = dense<5> : tensor<i32>} : () -> tensor<i32>\n"
                                  "    %c = skein.lt %i, %t : (tensor<i32>, tensor<i32>) -> tensor<i1>\n    skein.yield %c : tensor<i1>\n  } body {\n"
                                  "  ^bb0(%i: tensor<i32>, %x: tensor<20xf32>):\n"
                                  "    %o = skein.constant {value = dense<1> : tensor<i32>} : () -> tensor<i32>\n"
                                  "    %j = skein.add %i, %o : (tensor<i32>, tensor<i32>) -> tensor<i32>\n"
                                  "    %y = skein.add %x, %x : (tensor<20xf32>, tensor<20xf32>) -> tensor<20xf32>\n"
                                  "    skein.yield %j, %y : tensor<i32>, tensor<20xf32>\n  }\n  return %s#1 : tensor<20xf32>\n}";
    all["switch"].program = head + "%r = skein.switch %n : (tensor<i32>) -> tensor<20xf32> {\n    skein.yield %a : tensor<20xf32>\n  }, {\n"
                                   "    %y = skein.neg %a : (tensor<20xf32>) -> tensor<20xf32>\n    skein.yield %y : tensor<20xf32>\n  }" + tail;
    all["call"].program = "func.func private @f(%x: tensor<20xf32>) -> tensor<20xf32> {\n"
                          "  %y = skein.add %x, %x : (tensor<20xf32>, tensor<20xf32>) -> tensor<20xf32>\n  return %y : tensor<20xf32>\n}\n" +
                          head + "%r = skein.call @f(%a) : (tensor<20xf32>) -> tensor<20xf32>" + tail;
    std::string body = "{\n  ^bb0(%x: tensor<20xf32>):\n    %y = skein.exp %x : (tensor<20xf32>) -> tensor<20xf32>\n    skein.yield %y : tensor<20xf32>\n  }";
    std::string both = "{\n  ^bb0(%x: tensor<20xf32>, %t: tensor<20xf32>):\n    skein.yield %x, %t : tensor<20xf32>, tensor<20xf32>\n  }";
    std::string join = "{\n  ^bb0(%x: tensor<20xf32>, %t: tensor<20xf32>):\n    skein.yield %t : tensor<20xf32>\n  }";
    std::string keep = "{\n  ^bb0(%x: tensor<20xf32>):\n    skein.yield %x, %x : tensor<20xf32>, tensor<20xf32>\n  }";
    all["custom_jvp"].program = head + "%r = skein.custom_jvp %a : (tensor<20xf32>) -> tensor<20xf32> " + body + " rule " + both + tail;
    all["custom_vjp"].program = head + "%r = skein.custom_vjp %a : (tensor<20xf32>) -> tensor<20xf32> " + body + " forward " + keep + " backward " + join + tail;
    // The fusion pass makes it of any op.
    all["kernel"].program = head + "%r = skein.exp %a : (tensor<20xf32>) -> tensor<20xf32>" + tail;
    all["print"].program = head + "%r = skein.exp %a : (tensor<20xf32>) -> tensor<20xf32>\n  skein.print \"n = {}\", %n : (tensor<i32>) -> ()" + tail;
    all["check"].program = head + "%r = skein.exp %a : (tensor<20xf32>) -> tensor<20xf32>\n"
                                  "  %c = skein.eq %n, %n : (tensor<i32>, tensor<i32>) -> tensor<i1>\n"
                                  "  skein.check %c, \"n is {}\", %n : (tensor<i1>, tensor<i32>) -> ()" + tail;

    for (const char* name : {"psum", "pmax", "pmin"}) all[name].program = reducedOnMesh(name);
    all["pvary"] = all["psum"];
    all["shard_map"] = all["psum"];
    all["all_gather"].program = collective("all_gather", "dim = 1 : i64, tiled = true", "2x8", "4x8");
    all["psum_scatter"].program = collective("psum_scatter", "dim = 1 : i64, tiled = true", "2x2", "4x2");
    all["all_to_all"].program = collective("all_to_all", "split_dim = 1 : i64, concat_dim = 0 : i64, tiled = true", "4x2", "8x2");
    all["ppermute"].program = collective("ppermute", "pairs = array<i64: 0, 1>", "2x4", "4x4");
    std::string rank = "tensor<1x1xi32, #skein.array<varying \"x\">>";
    all["axis_index"].program = onMesh("    %i = skein.axis_index {axes = #skein.axes<\"x\" = 2>} : () -> tensor<i32, #skein.array<varying \"x\">>\n"
                                       "    %y = skein.reshape %i {shape = array<i64: 1, 1>} : (tensor<i32, #skein.array<varying \"x\">>) -> " + rank + "\n",
                                       rank, "tensor<2x1xi32>");
    return all;
  }();
  return table;
}

mlir::MLIRContext& context() {
  static auto instance = makeContext();
  return *instance;
}

mlir::OwningOpRef<mlir::ModuleOp> moduleOf(const std::string& op, const Row& row) {
  if (!row.program.empty()) return mlir::parseSourceString<mlir::ModuleOp>(row.program, mlir::ParserConfig(&context()));
  mlir::OpBuilder builder(&context());
  mlir::Location loc = builder.getUnknownLoc();
  auto signature = llvm::cast<mlir::FunctionType>(mlir::parseType("(" + std::string(row.operands) + ") -> ()", &context()));
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  auto main = mlir::func::FuncOp::create(builder, loc, "main", signature);
  builder.setInsertionPointToEnd(main.addEntryBlock());
  mlir::OperationState state(loc, "skein." + op);
  state.addOperands(main.getArguments());
  state.addAttributes(llvm::cast<mlir::DictionaryAttr>(mlir::parseAttribute(row.attributes, &context())).getValue());
  auto* inference = state.name.getInterface<mlir::InferTypeOpInterface>();
  if (!inference || mlir::failed(inference->inferReturnTypes(&context(), loc, state.operands, state.attributes.getDictionary(&context()), nullptr, {}, state.types)))
    return {};
  mlir::Operation* made = builder.create(state);
  main.setFunctionType(builder.getFunctionType(signature.getInputs(), made->getResultTypes()));
  mlir::func::ReturnOp::create(builder, loc, made->getResults());
  return module;
}

template <class T>
void fill(HostArray& array) {
  for (std::int64_t i = 0; i < array.volume(); ++i) array.as<T>()[i] = static_cast<T>(i % 7 * 0.125 + 0.125);
}

/// Small values that most functions take; integers from 1 to 3.
HostArray inputOf(mlir::Type type) {
  auto array = ir::arrayType(type);
  HostArray host = HostArray::zeros(*ir::dtypeOf(array.getElementType()), array.getShape().vec());
  if (host.dtype == float32) fill<float>(host);
  if (host.dtype == complex64) fill<std::complex<float>>(host);
  for (std::int64_t i = 0; i < host.volume(); ++i) {
    if (host.dtype == int32 || host.dtype == uint32) host.as<std::int32_t>()[i] = static_cast<std::int32_t>(i % 3 + 1);
    if (host.dtype == bool_) host.as<std::uint8_t>()[i] = i % 2;
  }
  return host;
}

void expectClose(const HostArray& got, const HostArray& want) {
  ASSERT_EQ(got.dtype, want.dtype);
  if (got.dtype != float32 && got.dtype != float64 && got.dtype != complex64) {
    EXPECT_TRUE(got == want);
    return;
  }
  std::int64_t numbers = got.volume() * (got.dtype == complex64 ? 2 : 1);
  for (std::int64_t i = 0; i < numbers; ++i) {
    double x = got.dtype == float64 ? got.as<double>()[i] : got.as<float>()[i];
    double y = got.dtype == float64 ? want.as<double>()[i] : want.as<float>()[i];
    if (std::isnan(y))
      EXPECT_TRUE(std::isnan(x)) << i;
    else if (x != y)
      EXPECT_NEAR(x, y, 1e-5 * std::max(1.0, std::abs(y))) << i;
  }
}

std::vector<std::string> allOps() {
  std::vector<std::string> names;
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == "skein") names.push_back(name.stripDialect().str());
  return names;
}

}  // namespace

class Compiled : public testing::TestWithParam<std::string> {};

TEST_P(Compiled, ComputesWhatTheInterpreterSays) {
  auto row = rows().find(GetParam());
  ASSERT_NE(row, rows().end()) << "skein." << GetParam() << " has no program here: add a row for it";
  auto module = moduleOf(row->first, row->second);
  ASSERT_TRUE(module && mlir::succeeded(mlir::verify(*module))) << row->second.program;
  bool there = false;
  module->walk([&](mlir::Operation* op) { there |= op->getName().getStringRef() == "skein." + GetParam(); });
  EXPECT_TRUE(there || GetParam() == "kernel") << "the program does not hold the op";

  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  std::vector<HostArray> inputs;
  for (mlir::Type type : main.getArgumentTypes()) inputs.push_back(inputOf(type));
  std::ostringstream printed;
  std::vector<HostArray> want = interpret(*module, inputs, {.out = &printed});
  auto program = compile(*module, {.donated = {}, .gpu = runtime::gpu_architecture(), .emulated = runtime::platform() == runtime::Platform::emulated});
  if (GetParam() == "kernel") EXPECT_NE(program->text().find("skein.kernel"), std::string::npos);

  std::vector<HostArray> got;
  std::vector<void*> buffers;
  std::vector<std::size_t> sizes;
  for (const HostArray& result : want) got.push_back(HostArray::zeros(result.dtype, result.shape));
  for (auto* arrays : {&inputs, &got})
    for (HostArray& array : *arrays) buffers.push_back(array.data.data()), sizes.push_back(array.data.size());
  ASSERT_EQ(program->executable.outputs, static_cast<int>(got.size()));
  testing::internal::CaptureStderr();
  runtime::run_from_host(program->executable, buffers, sizes);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), printed.str());
  for (size_t i = 0; i < got.size(); ++i) expectClose(got[i], want[i]);
}

/// Another example than inputOf's.
HostArray otherInputOf(mlir::Type type) {
  HostArray host = inputOf(type);
  for (std::int64_t i = 0; i < host.volume(); ++i) {
    if (host.dtype == float32) host.as<float>()[i] = static_cast<float>((i * 3 + 2) % 5 * 0.15 + 0.2);
    if (host.dtype == complex64) host.as<std::complex<float>>()[i] += std::complex<float>(0.25f, 0.5f);
    if (host.dtype == int32 || host.dtype == uint32) host.as<std::int32_t>()[i] = static_cast<std::int32_t>((i + 2) % 3 + 1);
    if (host.dtype == bool_) host.as<std::uint8_t>()[i] = (i + 1) % 2;
  }
  return host;
}

HostArray stacked(const HostArray& a, const HostArray& b) {
  std::vector<std::int64_t> shape{2};
  shape.insert(shape.end(), a.shape.begin(), a.shape.end());
  HostArray both = HostArray::zeros(a.dtype, shape);
  std::copy(a.data.begin(), a.data.end(), both.data.begin());
  std::copy(b.data.begin(), b.data.end(), both.data.begin() + static_cast<std::ptrdiff_t>(a.data.size()));
  return both;
}

TEST_P(Compiled, WorksOnABatch) {
  if (GetParam() == "kernel") return;  // the compiler makes it after batching
  auto row = rows().find(GetParam());
  ASSERT_NE(row, rows().end());
  auto module = moduleOf(row->first, row->second);
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  // The program of two examples.
  mlir::OpBuilder builder(&context());
  mlir::Location loc = builder.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> both = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToEnd(both->getBody());
  std::vector<mlir::Type> types;
  std::vector<HostArray> first, second, inputs;
  for (mlir::Type type : main.getArgumentTypes()) {
    first.push_back(inputOf(type));
    second.push_back(otherInputOf(type));
    inputs.push_back(stacked(first.back(), second.back()));
    auto array = ir::arrayType(type);
    llvm::SmallVector<std::int64_t> shape{2};
    llvm::append_range(shape, array.getShape());
    types.push_back(ir::makeType(shape, array.getElementType(), {}));
  }
  auto program = mlir::func::FuncOp::create(builder, loc, "main", builder.getFunctionType(types, {}));
  builder.setInsertionPointToEnd(program.addEntryBlock());
  llvm::SmallVector<ir::Batched> arguments;
  for (mlir::Value argument : program.getArguments()) arguments.push_back({argument, true});
  auto made = ir::batch(builder, main.getBody().front(), arguments, 2, "", {});
  ASSERT_TRUE(mlir::succeeded(made));
  llvm::SmallVector<mlir::Value> values;
  for (const ir::Batched& value : *made) values.push_back(value.value);
  mlir::func::ReturnOp::create(builder, loc, values);
  program.setFunctionType(builder.getFunctionType(types, mlir::ValueRange(values).getTypes()));
  ASSERT_TRUE(mlir::succeeded(mlir::verify(*both)));

  std::ostringstream printed, apart;
  std::vector<HostArray> got = interpret(*both, inputs, {.out = &printed});
  std::vector<HostArray> one = interpret(*module, first, {.out = &apart}), two = interpret(*module, second, {.out = &apart});
  EXPECT_EQ(printed.str(), apart.str());
  for (size_t i = 0; i < got.size(); ++i) {
    if ((*made)[i].batched) {
      expectClose(got[i], stacked(one[i], two[i]));
    } else {
      expectClose(got[i], one[i]);
      expectClose(got[i], two[i]);
    }
  }
}

TEST_P(Compiled, HasADerivativeOrNone) {
  // These the walks know themselves, or have nothing to differentiate.
  const std::set<std::string> known = {"for", "while", "switch", "shard_map", "call", "custom_jvp", "custom_vjp", "sort", "yield", "print", "check", "kernel"};
  EXPECT_TRUE(ir::ruleOf("skein." + GetParam()) || known.count(GetParam())) << "no rule in dialects/skein/derivatives_*.cpp";
}

/// What the assembler says of a kernel; empty where it takes it and no register is spilled.
std::string assemble(const std::string& ptx, const std::string& architecture) {
  const std::string stem = testing::TempDir() + "/kernel_" + architecture;
  std::ofstream(stem + ".ptx") << ptx;
  const std::string command = "ptxas -v -arch=" + architecture + " -o /dev/null " + stem + ".ptx > " + stem + ".log 2>&1";
  const int status = std::system(command.c_str());
  std::ifstream log(stem + ".log");
  std::string problems;
  for (std::string line; std::getline(log, line);)
    if (status != 0 || (line.find("bytes spill stores") != std::string::npos && line.find(" 0 bytes spill stores") == std::string::npos)) problems += line + "\n";
  return problems;
}

/// Ops that the program itself, a library or the host deals with, so that a program of one of them alone has no kernel: docs/status.md
/// gives the reasons.
const std::set<std::string> kNoKernel = {"dot_general", "sort", "scatter", "cumulative", "constant", "reshape", "axis_index", "fft", "triangular_solve", "lu", "qr", "svd", "svdvals", "all_gather", "psum_scatter", "all_to_all", "ppermute"};

TEST_P(Compiled, HasKernelsForGpus) {
  auto row = rows().find(GetParam());
  ASSERT_NE(row, rows().end());
  const bool assembler = std::system("ptxas --version > /dev/null 2>&1") == 0;
  for (const char* architecture : {"sm_80", "sm_90", "sm_100"}) {
    auto module = moduleOf(row->first, row->second);
    std::string ptx = kernelsAsPtx(*module, architecture);
    const bool kernel = ptx.find(".entry") != std::string::npos;
    EXPECT_TRUE(kernel || kNoKernel.count(GetParam())) << ptx;
    EXPECT_EQ(ptx.find(".extern .func"), std::string::npos) << "a function of a library that is not there:\n" << ptx;
    if (kernel && assembler) EXPECT_EQ(assemble(ptx, architecture), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Dialect, Compiled, testing::ValuesIn(allOps()), [](const auto& info) { return info.param; });

TEST(Completeness, RowsAreOfOpsThatAreThere) {
  std::vector<std::string> ops = allOps();
  for (const auto& [name, row] : rows()) EXPECT_TRUE(std::find(ops.begin(), ops.end(), name) != ops.end()) << name;
  EXPECT_GT(ops.size(), 100u);
}

}  // namespace skein::compiler::test
