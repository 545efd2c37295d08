// From a StableHLO module to one of Skein's ops: reading, walking op by op, and checking what came out.
#include "compiler/import/stablehlo.h"

#include <set>

#include "compiler/import/stablehlo_importer.h"
#include "llvm/Support/MemoryBuffer.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "skein/base/error.h"

namespace skein::compiler {

using namespace mlir;

namespace stablehlo {

// Calls are imported where they stand; a file of a few lines may otherwise ask for more ops than there is memory.
constexpr int64_t kMostOps = 4'000'000;

static const Handlers& handlers() {
  static const Handlers all = [] {
    Handlers made;
    addShape(made);
    addReduce(made);
    addSort(made);
    addIndexing(made);
    addControl(made);
    addCollectives(made);
    addLinalg(made);
    return made;
  }();
  return all;
}

Importer::Importer(ModuleOp source, OpBuilder& builder, ir::AxesAttr varying)
    : b(builder), varyOver(varying), source_(source), diagnostics_(source.getContext(), [this](Diagnostic& d) {
        if (d.getSeverity() == DiagnosticSeverity::Error && diagnostic_.empty()) diagnostic_ = d.str();
        return success();
      }) {}

func::FuncOp Importer::function(llvm::StringRef name) {
  auto found = source_.lookupSymbol<func::FuncOp>(name);
  if (!found || found.isDeclaration()) {
    std::string message = "there is no function @" + name.str() + " in the file";
    if (at_) refuse(message);
    refuseAt(source_.getLoc(), "import_stablehlo", message);
  }
  return found;
}

Values Importer::call(func::FuncOp function, ValueRange arguments) {
  if (llvm::is_contained(open_, function.getOperation())) refuse("@" + function.getName() + " calls itself; a program ends: use a loop");
  if (!function.getBody().hasOneBlock()) refuseAt(function.getLoc(), "func", "@" + function.getName() + " has several blocks; a function is one, without branches");
  open_.push_back(function);
  Values results = inlineBlock(function.getBody().front(), arguments);
  open_.pop_back();
  return results;
}

Values Importer::inlineBlock(Block& block, ValueRange arguments) {
  Operation* outer = at_;
  if (block.getNumArguments() != arguments.size())
    refuse("takes " + llvm::Twine(block.getNumArguments()) + " values in its region and is given " + llvm::Twine(arguments.size()));
  for (auto [argument, given] : llvm::zip(block.getArguments(), arguments)) {
    if (llvm::isa<RankedTensorType>(argument.getType())) {
      auto type = declared(argument);
      if (arrayType(given).getShape() != type.getShape() || arrayType(given).getElementType() != type.getElementType())
        refuse("an argument of its region is declared " + ir::describe(type) + " and given as " + ir::describe(given.getType()));
    }
    define(argument, given);
  }
  if (block.empty()) refuse("its region does not end with a return");
  for (Operation& op : block.getOperations()) {
    if (&op == &block.back()) break;
    importOp(op);
  }
  Operation& last = block.back();
  llvm::StringRef name = last.getName().getStringRef();
  at_ = &last;
  if (name != "func.return" && name != "stablehlo.return" && name != "sdy.return" && name != "mhlo.return") refuse("a region ends with a return");
  Values results = values(last.getOperands(), true);
  at_ = outer;
  return results;
}

void Importer::importOp(Operation& op) {
  Operation* outer = at_;
  at_ = &op;
  Values results;
  if (isElementwise(op)) {
    results.push_back(elementwise(op, values(op.getOperands())));
  } else {
    auto found = handlers().find(op.getName().getStringRef().str());
    if (found == handlers().end())
      refuse("this op is not supported; what is: elementwise ops, shapes, contractions, reductions, sorts, gathers and scatters, loops, branches, calls and the collectives of jax.shard_map");
    static const std::set<std::string, std::less<>> without = {"func.call", "stablehlo.composite", "stablehlo.while", "stablehlo.case", "stablehlo.if",
                                                               "stablehlo.custom_call", "stablehlo.optimization_barrier", "sdy.manual_computation"};
    if (op.getNumResults() == 0 && !without.count(found->first)) refuse("has no result");
    results = found->second(*this, op);
  }
  if (results.size() != op.getNumResults()) refuse("has " + llvm::Twine(op.getNumResults()) + " results in the file, its meaning " + llvm::Twine(results.size()));
  for (auto [declaredAs, made] : llvm::zip(op.getResults(), results)) {
    if (made && llvm::isa<RankedTensorType>(declaredAs.getType())) {
      auto type = declared(declaredAs);
      if (arrayType(made).getShape() != type.getShape() || arrayType(made).getElementType() != type.getElementType())
        refuse("its result is declared " + ir::describe(type) + ", but operands and attributes make it " + ir::describe(made.getType()));
    }
    define(declaredAs, made);
  }
  at_ = outer;
}

// ---- errors ----

FileLineColLoc fileOf(Location location) {
  FileLineColLoc found;
  location->walk([&](Location inner) {
    if (auto place = llvm::dyn_cast<FileLineColLoc>(inner)) {
      found = place;
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return found;
}

void Importer::refuseAt(Location location, llvm::StringRef op, const llvm::Twine& message) const {
  auto place = fileOf(location);
  std::string file = place ? place.getFilename().str() : "";
  throw UserError(message.str(), op.str(), file.c_str(), place ? place.getLine() : 0);
}

void Importer::refuse(const llvm::Twine& message) const {
  if (!at_) refuseAt(source_->getLoc(), "import_stablehlo", message);
  refuseAt(at_->getLoc(), at_->getName().getStringRef(), message);
}

void Importer::refuseMade(llvm::StringRef op) const {
  std::string why = diagnostic_;
  if (why.empty()) why = "has no meaning on these operands";
  refuse(why + " (as skein." + op + ")");
}

Location Importer::place() const {
  auto found = at_ ? fileOf(at_->getLoc()) : FileLineColLoc();
  return found ? Location(found) : Location(UnknownLoc::get(b.getContext()));
}

// ---- values ----

Value Importer::value(Value source) const {
  auto found = values_.find(source);
  if (found == values_.end() || !found->second) refuse("an operand has no value here: a token, a tuple, or what stands in another function");
  return found->second;
}

Values Importer::values(ValueRange source, bool others) const {
  Values all;
  for (Value v : source) all.push_back(others && !llvm::isa<RankedTensorType>(v.getType()) ? Value() : value(v));
  return all;
}

Value Importer::operand(unsigned i) const {
  if (i >= at_->getNumOperands()) refuse("has " + llvm::Twine(at_->getNumOperands()) + " operands, which are too few");
  return value(at_->getOperand(i));
}

RankedTensorType Importer::declared(Value source) const { return declared(source.getType()); }

RankedTensorType Importer::declared(Type type) const {
  std::string text;
  llvm::raw_string_ostream(text) << type;
  auto array = llvm::dyn_cast<RankedTensorType>(type);
  if (!array) refuse("values of type " + text + " are not supported; there are arrays of known shape");
  if (!array.hasStaticShape()) refuse("the type " + text + " has a size that is not known; export for fixed shapes");
  if (!ir::dtypeOf(array.getElementType())) refuse("the type " + text + " has a dtype that Skein does not have");
  // Sizes whose product overflows.
  if (volumeOf(array.getShape()) < 0) refuse("the type " + text + " has more elements than there are addresses");
  return ir::makeType(array.getShape(), array.getElementType(), {});
}

Values Importer::emitAll(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes) {
  if (++made_ > kMostOps) refuse("the program has more than " + llvm::Twine(kMostOps) + " ops once its functions stand where they are called");
  MLIRContext* context = b.getContext();
  OperationState state(place(), ("skein." + op).str());
  for (Value v : operands)
    if (!v) refuse("an operand is no array");
  state.addOperands(operands);
  state.addAttributes(attributes);
  auto* infer = state.name.getInterface<InferTypeOpInterface>();
  if (!infer) throw InternalError("there is no op skein." + op.str());
  diagnostic_.clear();
  if (failed(infer->inferReturnTypes(context, state.location, state.operands, state.attributes.getDictionary(context), OpaqueProperties(nullptr), {}, state.types)))
    refuseMade(op);
  for (Type type : state.types)
    if (volumeOf(arrayType(type).getShape()) < 0) refuse("a step of it would have more elements than there are addresses");
  Operation* made = b.create(state);
  Values results;
  for (Value result : made->getResults()) {
    // Inside shard_map all values vary over all axes: loops and branches then keep their types.
    llvm::SmallVector<StringAttr> names;
    Dims sizes;
    if (varyOver)
      for (auto [name, size] : llvm::zip(varyOver.getNames(), varyOver.getSizes()))
        if (!llvm::is_contained(ir::varying(result.getType()), name)) names.push_back(name), sizes.push_back(size);
    results.push_back(names.empty() ? result : emit("pvary", {result}, {named("axes", Attribute(ir::AxesAttr::get(context, names, sizes)))}));
  }
  return results;
}

Value Importer::emit(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes) { return emitAll(op, operands, attributes)[0]; }

Values Importer::control(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes, llvm::ArrayRef<Type> results,
                         llvm::ArrayRef<RegionFill> regions) {
  Location here = place();
  OperationState state(here, ("skein." + op).str());
  state.addOperands(operands);
  state.addAttributes(attributes);
  state.addTypes(results);
  for (const auto& [types, fill] : regions) {
    Block& block = state.addRegion()->emplaceBlock();
    for (Type type : types) block.addArgument(type, here);
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&block);
    Values yielded = fill(block.getArguments());
    OperationState yield(here, "skein.yield");
    yield.addOperands(yielded);
    b.create(yield);
  }
  Operation* made = b.create(state);
  diagnostic_.clear();
  if (failed(made->getName().verifyInvariants(made))) refuseMade(op);
  Values all(made->getResults());
  return all;
}

}  // namespace stablehlo

// ---- entry points ----

OwningOpRef<ModuleOp> parseStablehlo(llvm::StringRef text, const std::string& file, MLIRContext& context) {
  std::string message, where = file;
  unsigned line = 0;
  OwningOpRef<ModuleOp> module;
  bool allowed = context.allowsUnregisteredDialects();
  context.allowUnregisteredDialects(true);
  {
    ScopedDiagnosticHandler handler(&context, [&](Diagnostic& d) {
      if (d.getSeverity() == DiagnosticSeverity::Error && message.empty()) {
        message = d.str();
        if (auto place = stablehlo::fileOf(d.getLocation())) where = place.getFilename().str(), line = place.getLine();
      }
      return success();
    });
    context.getOrLoadDialect<func::FuncDialect>();
    module = parseSourceString<ModuleOp>(text, ParserConfig(&context, /*verifyAfterParse=*/true), file);
  }
  context.allowUnregisteredDialects(allowed);
  if (module) return module;
  if (message.empty()) message = "the file holds no MLIR module";
  if (message.find("custom op") != std::string::npos)
    message += "; this is JAX's short form, write the generic one: python -m skein_export convert in.mlir out.mlir";
  throw UserError(message, "import_stablehlo", where.c_str(), line);
}

llvm::SmallVector<Value> inlineStablehlo(OpBuilder& builder, ModuleOp source, ValueRange arguments, ir::AxesAttr varying) {
  stablehlo::Importer importer(source, builder, varying);
  auto main = importer.function("main");
  return importer.call(main, arguments);
}

OwningOpRef<ModuleOp> importStablehlo(ModuleOp source) {
  MLIRContext* context = source.getContext();
  Location loc = source.getLoc();
  OwningOpRef<ModuleOp> made = ModuleOp::create(loc);
  OpBuilder builder(context);
  builder.setInsertionPointToEnd(made->getBody());
  {
    stablehlo::Importer importer(source, builder, {});
    auto original = importer.function("main");
    llvm::SmallVector<Type> types;
    for (Type type : original.getArgumentTypes()) types.push_back(importer.declared(type));
    auto main = func::FuncOp::create(builder, original.getLoc(), "main", builder.getFunctionType(types, {}));
    builder.setInsertionPointToEnd(main.addEntryBlock());
    stablehlo::Values results = importer.call(original, main.getArguments());
    for (Value v : results)
      if (!v) importer.refuseAt(original.getLoc(), "func", "main returns arrays alone, no tokens or tuples");
    func::ReturnOp::create(builder, original.getLoc(), results);
    main.setFunctionType(builder.getFunctionType(types, ValueRange(results).getTypes()));
  }
  std::string message;
  ScopedDiagnosticHandler handler(context, [&](Diagnostic& d) {
    if (message.empty()) message = d.str();
    return success();
  });
  if (failed(verify(*made))) throw InternalError("an imported program breaks the dialect's laws: " + message, "import_stablehlo");
  return made;
}

OwningOpRef<ModuleOp> importStablehlo(llvm::StringRef text, const std::string& file, MLIRContext& context) {
  auto source = parseStablehlo(text, file, context);
  return importStablehlo(*source);
}

OwningOpRef<ModuleOp> importStablehloFile(const std::string& path, MLIRContext& context) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer) throw RuntimeError("cannot read " + path + ": " + buffer.getError().message(), "import_stablehlo", path.c_str(), 0);
  return importStablehlo((*buffer)->getBuffer(), path, context);
}

}  // namespace skein::compiler
