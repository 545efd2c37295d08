#include "tests/interp/support.h"

#include "mlir/AsmParser/AsmParser.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

namespace skein::compiler::test {

mlir::MLIRContext& context() {
  static mlir::MLIRContext* instance = [] {
    auto* c = new mlir::MLIRContext(mlir::MLIRContext::Threading::DISABLED);
    c->loadDialect<ir::SkeinDialect, mlir::func::FuncDialect>();
    return c;
  }();
  return *instance;
}

std::vector<HostArray> run(const std::string& text, const std::vector<HostArray>& inputs, std::ostream* out) {
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context()));
  if (!module) throw std::runtime_error("the program does not parse: " + text);
  return interpret(*module, inputs, {.out = out, .checkVarying = true});
}

std::vector<HostArray> runOp(const std::string& name, const std::vector<HostArray>& inputs,
                             const std::string& attributes) {
  mlir::OpBuilder builder(&context());
  mlir::Location loc = builder.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToEnd(module->getBody());
  llvm::SmallVector<mlir::Type> types;
  for (const HostArray& input : inputs)
    types.push_back(ir::makeType(input.shape, ir::elementType(&context(), input.dtype), {}));
  auto main = mlir::func::FuncOp::create(builder, loc, "main", builder.getFunctionType(types, {}));
  builder.setInsertionPointToEnd(main.addEntryBlock());
  mlir::OperationState state(loc, name);
  state.addOperands(main.getArguments());
  state.addAttributes(llvm::cast<mlir::DictionaryAttr>(mlir::parseAttribute(attributes, &context())).getValue());
  auto* inference = state.name.getInterface<mlir::InferTypeOpInterface>();
  if (mlir::failed(inference->inferReturnTypes(&context(), loc, state.operands,
                                               state.attributes.getDictionary(&context()), nullptr, {}, state.types)))
    throw std::runtime_error(name + " has no type");
  mlir::Operation* op = builder.create(state);
  main.setFunctionType(builder.getFunctionType(types, op->getResultTypes()));
  mlir::func::ReturnOp::create(builder, loc, op->getResults());
  EXPECT_TRUE(mlir::succeeded(mlir::verify(*module)));
  return interpret(*module, inputs);
}

std::string shardMap(const std::string& mesh, const std::string& arguments, const std::string& inSpecs,
                     const std::string& outSpecs, const std::string& blockArguments, const std::string& body,
                     const std::string& results) {
  // "%a: t, %b: u" gives the operands "%a, %b" and their types "t, u"; commas within types are inside of brackets.
  std::string names, types, part;
  int depth = 0;
  for (char c : arguments + ",") {
    if (c == '<') ++depth;
    if (c == '>') --depth;
    if (c != ',' || depth) {
      part += c;
      continue;
    }
    if (std::size_t colon = part.find(':'); colon != std::string::npos) {
      names += (names.empty() ? "" : ", ") + part.substr(0, colon);
      types += (types.empty() ? "" : ", ") + part.substr(colon + 1);
    }
    part.clear();
  }
  std::string count = ":" + std::to_string(1 + std::count(outSpecs.begin(), outSpecs.end(), '#') - 1);
  std::string uses = "%r#0";
  for (long i = 1; i < std::count(outSpecs.begin(), outSpecs.end(), '#'); ++i) uses += ", %r#" + std::to_string(i);
  return "func.func @main(" + arguments + ") -> (" + results + ") {\n  %r" + count + " = skein.shard_map " + names +
         " {mesh = #skein.axes<" + mesh + ">, in_specs = [" + inSpecs + "], out_specs = [" + outSpecs + "]} : (" +
         types + ") -> (" + results + ") {\n  ^bb0(" + blockArguments + "):\n" + body + "\n  }\n  return " + uses +
         " : " + results + "\n}";
}

}  // namespace skein::compiler::test
