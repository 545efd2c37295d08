#pragma once
// The importer's inside: values of the source by their stand-ins, how attributes are read, and the ops' families.

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "compiler/import/stablehlo.h"
#include "dialects/skein/types.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"

namespace skein::compiler::stablehlo {

using namespace mlir;
using ir::arrayType;

using Dims = llvm::SmallVector<int64_t>;
using Values = llvm::SmallVector<Value>;

class Importer;
/// Makes an op's results; a null value stands for a token or a tuple.
using Handler = Values (*)(Importer&, Operation&);
using Handlers = std::map<std::string, Handler>;
/// A region to be made: the types of its block's arguments, and what makes its ops and gives what it yields.
using RegionFill = std::pair<llvm::SmallVector<Type>, std::function<Values(ValueRange)>>;

class Importer {
 public:
  Importer(ModuleOp source, OpBuilder& builder, ir::AxesAttr varying);
  /// The ops of a function's body; the values that it returns.
  Values call(func::FuncOp function, ValueRange arguments);
  func::FuncOp function(llvm::StringRef name);

  // ---- errors ----
  /// Throws the UserError of the op that is being imported.
  [[noreturn]] void refuse(const llvm::Twine& message) const;
  [[noreturn]] void refuseAt(Location place, llvm::StringRef op, const llvm::Twine& message) const;

  // ---- reading the source: attributes of the op at hand, wherever they are stored ----
  Attribute attribute(llvm::StringRef name) const;  // null if there is none
  Dims integers(llvm::StringRef name) const;        // refused if there are none
  std::optional<Dims> integersIfAny(llvm::StringRef name) const;
  int64_t integer(llvm::StringRef name) const;
  bool flag(llvm::StringRef name) const;            // false if there is none
  std::string symbol(llvm::StringRef name) const;
  /// The last word of an enumeration: LT of #stablehlo<comparison_direction LT>; "" if there is none.
  static std::string wordOf(Attribute attribute);
  /// The text of an attribute of another dialect, #stablehlo.dot<...>; refused if there is none.
  std::string opaque(llvm::StringRef name) const;
  /// The list `key = [1, 2]` and the number `key = 1` in such a text; empty and 0 if they are left out, as printers do.
  Dims listIn(llvm::StringRef text, llvm::StringRef key) const;
  int64_t numberIn(llvm::StringRef text, llvm::StringRef key) const;
  /// Integers of `dense<[[0, 1]]> : tensor<1x2xi64>`, with the shape.
  std::pair<Dims, Dims> table(llvm::StringRef name) const;

  // ---- values ----
  /// What stands for a value of the source.
  Value value(Value source) const;
  Values values(ValueRange source, bool others = false) const;  // others: tokens and tuples too, as null values
  /// The stand-in of an operand of the op at hand; refused if it has no such operand.
  Value operand(unsigned i) const;
  void define(Value source, Value stand) { values_[source] = stand; }
  /// The array type that the source declares; refuses dynamic sizes and dtypes that Skein does not have.
  RankedTensorType declared(Value source) const;
  RankedTensorType declared(Type type) const;
  llvm::DenseMap<Value, Values> tuples;

  // ---- making ops ----
  Values emitAll(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes = {});
  Value emit(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes = {});
  NamedAttribute named(llvm::StringRef name, Attribute value) { return b.getNamedAttr(name, value); }
  NamedAttribute named(llvm::StringRef name, llvm::ArrayRef<int64_t> list) { return b.getNamedAttr(name, b.getDenseI64ArrayAttr(list)); }
  NamedAttribute number(llvm::StringRef name, int64_t value) { return b.getNamedAttr(name, b.getI64IntegerAttr(value)); }

  /// An op with regions of one block each, whose results' types are given. A region's block takes its types.
  Values control(llvm::StringRef op, ValueRange operands, llvm::ArrayRef<NamedAttribute> attributes, llvm::ArrayRef<Type> results,
                 llvm::ArrayRef<RegionFill> regions);
  /// Ops of a block whose arguments are these; what its terminator returns.
  Values inlineBlock(Block& block, ValueRange arguments);

  Value constant(DenseElementsAttr elements);
  Value splat(llvm::ArrayRef<int64_t> shape, Type element, int64_t number);
  Value iota(llvm::ArrayRef<int64_t> shape, Type element, int64_t dim);
  Value reshape(Value v, llvm::ArrayRef<int64_t> shape);
  Value broadcast(Value v, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> dims);
  Value transpose(Value v, llvm::ArrayRef<int64_t> permutation);
  Value slice(Value v, llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> stops, llvm::ArrayRef<int64_t> strides = {});
  Value convert(Value v, Type element);
  Value select(Value predicate, Value a, Value b) { return emit("select", {predicate, a, b}); }
  Value pad(Value v, Value with, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high, llvm::ArrayRef<int64_t> interior);
  /// Bits as an integer of the same width, ordered as StableHLO's TOTALORDER orders the floats.
  Value totalOrder(Value v);
  /// -0 as 0 and every NaN as the same one, as JAX's comparators do.
  Value canonical(Value v);

  /// An elementwise op on stand-ins of any shape; null if the op is none.
  Value elementwise(Operation& op, ValueRange operands);
  static bool isElementwise(Operation& op);
  /// A region of scalars, applied to whole arrays of one shape. Not for regions that hold more than elementwise ops.
  bool canVectorise(Block& block);
  Values vectorise(Block& block, ValueRange arguments, llvm::ArrayRef<int64_t> shape);
  /// The same of values of the region, and of what they need alone.
  Values vectorise(Block& block, ValueRange wanted, ValueRange arguments, llvm::ArrayRef<int64_t> shape);

  OpBuilder& b;
  ir::AxesAttr varyOver;  // all values vary over these axes

 private:
  void importOp(Operation& op);
  Location place() const;
  [[noreturn]] void refuseMade(llvm::StringRef op) const;

  ModuleOp source_;
  Operation* at_ = nullptr;
  llvm::DenseMap<Value, Value> values_;
  llvm::SmallVector<Operation*> open_;  // functions that stand open
  int64_t made_ = 0;
  std::string diagnostic_;
  ScopedDiagnosticHandler diagnostics_;
};

/// The first place in a file that a location names; null if there is none.
FileLineColLoc fileOf(Location location);

// ---- recognising regions ----

/// The op that a region of two scalars is, either way round: "add", "maximum"... ; "first" or "second" if it returns one.
std::string kindOf(Block& block);
/// The same for argument pair i of n: result i is op(argument i, argument n + i). Empty if it is not so.
std::string kindOf(Block& block, unsigned i, unsigned n);
/// The integer that every element of a constant is.
std::optional<int64_t> splatInteger(Value v);
int64_t volumeOf(llvm::ArrayRef<int64_t> shape);
Dims inOrder(int64_t rank);
Dims rowMajor(llvm::ArrayRef<int64_t> shape);

// ---- families ----
void addShape(Handlers&);
void addReduce(Handlers&);
void addSort(Handlers&);
void addIndexing(Handlers&);
void addControl(Handlers&);
void addCollectives(Handlers&);
void addLinalg(Handlers&);

/// Calls of LAPACK in JAX's names, lapack_spotrf_ffi.
bool isLapackCall(llvm::StringRef name);
Values lapackCall(Importer&, Operation&, llvm::StringRef name);

}  // namespace skein::compiler::stablehlo
