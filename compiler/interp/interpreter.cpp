// The interpreter's loop over ops and devices. What each op means stands in the file of its family.
#include "compiler/interp/interpreter.h"

#include <skein/base/error.h>

#include <iostream>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler {
namespace interp {

static const Meanings& meanings() {
  static const Meanings all = [] {
    Meanings table;
    addElementwise(table);
    addShape(table);
    addReduce(table);
    addContract(table);
    addSort(table);
    addIndexing(table);
    addScan(table);
    addFft(table);
    addLinalg(table);
    addControl(table);
    addRandom(table);
    addCollectives(table);
    addEffects(table);
    return table;
  }();
  return all;
}

int Grid::count() const {
  int product = 1;
  for (std::int64_t size : sizes) product *= static_cast<int>(size);
  return product;
}

std::int64_t Grid::coordinate(int device, mlir::StringAttr axis) const {
  for (std::size_t i = names.size(); i-- > 0; device /= static_cast<int>(sizes[i]))
    if (names[i] == axis) return device % sizes[i];
  return 0;
}

const HostArray& Machine::get(mlir::Value value, int device) const {
  auto found = values_.find(value);
  if (found == values_.end()) throw InternalError("a value is read before it is computed", "interpret");
  return found->second[found->second.size() == 1 ? 0 : device];
}

void Machine::set(mlir::Value value, int device, HostArray array) {
  auto& devices = values_[value];
  devices.resize(grid_.count());
  devices[device] = std::move(array);
}

mlir::Operation* Machine::run(mlir::Block& block) {
  for (mlir::Operation& op : block.without_terminator()) execute(&op);
  return block.getTerminator();
}

mlir::Operation* Machine::run(mlir::Block& block, Devices devices) {
  Devices outer = std::exchange(active_, std::move(devices));
  mlir::Operation* terminator = run(block);
  active_ = outer;
  return terminator;
}

mlir::Operation* Machine::run(llvm::StringRef name, const std::function<HostArray(unsigned, int)>& arguments) {
  auto function = module_.lookupSymbol<mlir::func::FuncOp>(name);
  if (!function || function.isExternal()) throw UserError("the module has no function " + name.str(), "interpret");
  for (mlir::BlockArgument argument : function.getArguments())
    for (int device : active_) set(argument, device, arguments(argument.getArgNumber(), device));
  return run(function.front());
}

void Machine::runOn(const Grid& grid, mlir::Block& body, const std::function<HostArray(unsigned, int)>& arguments,
                    const std::function<void(mlir::Operation*)>& collect) {
  Grid outerGrid = std::exchange(grid_, grid);
  Devices outerActive = std::exchange(active_, {});
  for (int device = 0; device < grid.count(); ++device) active_.push_back(device);
  for (mlir::BlockArgument argument : body.getArguments())
    for (int device : active_) set(argument, device, arguments(argument.getArgNumber(), device));
  collect(run(body));
  grid_ = outerGrid;
  active_ = outerActive;
}

void Machine::execute(mlir::Operation* op) {
  auto found = meanings().find(op->getName().getStringRef());
  if (found == meanings().end())
    throwInternalError(op, "the interpreter does not know " + op->getName().getStringRef().str());
  const Meaning& meaning = found->second;
  if (meaning.joint) {
    meaning.joint(*this, op);
  } else {
    for (int device : active_) {
      llvm::SmallVector<const HostArray*> operands;
      for (mlir::Value operand : op->getOperands()) operands.push_back(&get(operand, device));
      Results results = meaning.local(op, operands);
      observe(op, operands, results);
      for (auto [value, array] : llvm::zip_equal(op->getResults(), results)) set(value, device, std::move(array));
    }
  }
  if (options_.checkVarying) compareDevices(op);
}

void Machine::compareDevices(mlir::Operation* op) const {
  for (mlir::Value result : op->getResults()) {
    auto varying = ir::varying(result.getType());
    auto same = [&](int a, int b) {
      return llvm::all_of(
          varying, [&](mlir::StringAttr axis) { return grid_.coordinate(a, axis) == grid_.coordinate(b, axis); });
    };
    for (std::size_t i = 1; i < active_.size(); ++i)
      for (std::size_t j = 0; j < i; ++j)
        if (same(active_[i], active_[j]) && get(result, active_[i]) != get(result, active_[j]))
          throwInternalError(op, "devices " + std::to_string(active_[j]) + " and " + std::to_string(active_[i]) +
                                     " differ in a value of type " + ir::describe(result.getType()));
  }
}

HostArray emptyResult(mlir::Operation* op, unsigned i) {
  auto type = ir::arrayType(op->getResult(i));
  auto dtype = ir::dtypeOf(type.getElementType());
  if (!dtype || !type.hasStaticShape())
    throwInternalError(op, "the interpreter has no arrays of type " + ir::describe(type));
  return HostArray::zeros(*dtype, type.getShape().vec());
}

void forEachIndex(llvm::ArrayRef<std::int64_t> shape, llvm::function_ref<void(const Index&)> visit) {
  if (llvm::is_contained(shape, 0)) return;
  Index index(shape.size(), 0);
  while (true) {
    visit(index);
    std::size_t dim = shape.size();
    while (dim > 0 && ++index[dim - 1] == shape[dim - 1]) index[--dim] = 0;
    if (dim == 0) return;
  }
}

std::int64_t offsetOf(llvm::ArrayRef<std::int64_t> shape, const Index& index) {
  std::int64_t offset = 0;
  for (auto [size, i] : llvm::zip_equal(shape, index)) offset = offset * size + i;
  return offset;
}

HostArray sumOf(llvm::ArrayRef<const HostArray*> arrays) {
  HostArray result = HostArray::zeros(arrays[0]->dtype, arrays[0]->shape);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    if (is_complex(result.dtype)) {
      std::complex<long double> sum = 0;
      for (const HostArray* array : arrays) sum += std::complex<long double>(loadComplex(*array, i));
      store(result, i, Complex(sum));
    } else if (is_floating(result.dtype)) {
      long double sum = 0;
      for (const HostArray* array : arrays) sum += loadReal(*array, i);
      store(result, i, static_cast<Real>(sum));
    } else {
      std::uint64_t sum = 0;
      for (const HostArray* array : arrays) sum += static_cast<std::uint64_t>(loadInteger(*array, i));
      store(result, i, static_cast<Integer>(sum));
    }
  }
  return result;
}

Site siteOf(mlir::Location location) {
  Site site;
  location->walk([&](mlir::Location inner) {
    auto file = llvm::dyn_cast<mlir::FileLineColLoc>(inner);
    if (!file) return mlir::WalkResult::advance();
    site = {file.getFilename().str(), file.getLine()};
    return mlir::WalkResult::interrupt();
  });
  return site;
}

static std::string plainName(mlir::Operation* op) { return op->getName().stripDialect().str(); }

void throwUserError(mlir::Operation* op, const std::string& message) {
  Site site = siteOf(op->getLoc());
  throw UserError(message, plainName(op), site.file.c_str(), site.line);
}
void throwInternalError(mlir::Operation* op, const std::string& message) {
  Site site = siteOf(op->getLoc());
  throw InternalError(message, plainName(op), site.file.c_str(), site.line);
}

/// Fails unless the inputs have the types of main's arguments.
static void checkInputs(mlir::func::FuncOp main, llvm::ArrayRef<HostArray> inputs) {
  if (main.getNumArguments() != inputs.size())
    throw UserError(
        "main takes " + std::to_string(main.getNumArguments()) + " arrays, not " + std::to_string(inputs.size()),
        "interpret");
  for (auto [argument, input] : llvm::zip_equal(main.getArguments(), inputs)) {
    auto type = ir::arrayType(argument);
    if (ir::dtypeOf(type.getElementType()) != input.dtype || type.getShape() != llvm::ArrayRef(input.shape) ||
        input.data.size() != input.volume() * itemsize(input.dtype))
      throw UserError("argument " + std::to_string(argument.getArgNumber()) + " of main is " + ir::describe(type) +
                          ", the input is another",
                      "interpret");
  }
}

}  // namespace interp

std::vector<HostArray> interpret(mlir::ModuleOp module, llvm::ArrayRef<HostArray> inputs,
                                 const InterpretOptions& options) {
  auto main = module.lookupSymbol<mlir::func::FuncOp>("main");
  if (!main) throw UserError("the module has no function main", "interpret");
  interp::checkInputs(main, inputs);
  interp::Machine machine(module, options.out ? *options.out : std::cout, options);
  mlir::Operation* returned = machine.run("main", [&](unsigned argument, int) { return inputs[argument]; });
  std::vector<HostArray> outputs;
  for (mlir::Value value : returned->getOperands()) outputs.push_back(machine.get(value, 0));
  return outputs;
}

bool interpreterKnows(llvm::StringRef opName) { return interp::meanings().contains(opName); }

}  // namespace skein::compiler
