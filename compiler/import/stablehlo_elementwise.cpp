// Elementwise ops, and regions of them: on scalars in the file, on whole arrays here.
#include "compiler/import/stablehlo_importer.h"
#include "llvm/ADT/StringMap.h"

namespace skein::compiler::stablehlo {

namespace {

struct Plain {
  const char* skein;
  unsigned operands;
};

/// Ops that are one of Skein's with the same operands.
const llvm::StringMap<Plain>& plainOps() {
  static const auto* all = [] {
    auto* made = new llvm::StringMap<Plain>;
    const std::pair<const char*, const char*> one[] = {
        {"stablehlo.negate", "neg"}, {"stablehlo.abs", "abs"}, {"stablehlo.sign", "sign"}, {"stablehlo.exponential", "exp"},
        {"stablehlo.exponential_minus_one", "expm1"}, {"stablehlo.log", "log"}, {"stablehlo.log_plus_one", "log1p"},
        {"stablehlo.logistic", "logistic"}, {"stablehlo.sqrt", "sqrt"}, {"stablehlo.rsqrt", "rsqrt"}, {"stablehlo.cbrt", "cbrt"},
        {"stablehlo.sine", "sin"}, {"stablehlo.cosine", "cos"}, {"stablehlo.tan", "tan"}, {"stablehlo.tanh", "tanh"},
        {"stablehlo.floor", "floor"}, {"stablehlo.ceil", "ceil"}, {"stablehlo.round_nearest_even", "round_even"},
        {"stablehlo.round_nearest_afz", "round"}, {"stablehlo.is_finite", "is_finite"}, {"stablehlo.not", "not"}, {"stablehlo.popcnt", "popcnt"},
        {"stablehlo.count_leading_zeros", "clz"}, {"chlo.acos", "acos"}, {"chlo.acosh", "acosh"}, {"chlo.asin", "asin"}, {"chlo.asinh", "asinh"},
        {"chlo.atan", "atan"}, {"chlo.atanh", "atanh"}, {"chlo.sinh", "sinh"}, {"chlo.cosh", "cosh"}, {"chlo.tan", "tan"}, {"chlo.erf", "erf"},
        {"chlo.erfc", "erfc"}, {"chlo.erf_inv", "erf_inv"}, {"chlo.lgamma", "lgamma"}, {"chlo.digamma", "digamma"}, {"chlo.conj", "conj"}};
    const std::pair<const char*, const char*> two[] = {
        {"stablehlo.add", "add"}, {"stablehlo.subtract", "sub"}, {"stablehlo.multiply", "mul"}, {"stablehlo.divide", "div"},
        {"stablehlo.remainder", "rem"}, {"stablehlo.power", "pow"}, {"stablehlo.maximum", "maximum"}, {"stablehlo.minimum", "minimum"},
        {"stablehlo.atan2", "atan2"}, {"stablehlo.and", "and"}, {"stablehlo.or", "or"}, {"stablehlo.xor", "xor"}, {"stablehlo.shift_left", "shl"},
        {"stablehlo.shift_right_arithmetic", "shr_arithmetic"}, {"stablehlo.shift_right_logical", "shr_logical"}, {"stablehlo.complex", "complex"},
        {"chlo.next_after", "nextafter"}};
    for (auto [name, op] : one) (*made)[name] = {op, 1};
    for (auto [name, op] : two) (*made)[name] = {op, 2};
    return made;
  }();
  return *all;
}

/// The others, with the number of their operands.
const llvm::StringMap<unsigned>& otherOps() {
  static const auto* all = new llvm::StringMap<unsigned>{
      {"stablehlo.real", 1}, {"stablehlo.imag", 1}, {"stablehlo.compare", 2}, {"stablehlo.select", 3}, {"stablehlo.clamp", 3}, {"stablehlo.convert", 1},
      {"stablehlo.bitcast_convert", 1}, {"stablehlo.reduce_precision", 1}, {"chlo.square", 1}, {"chlo.is_inf", 1}, {"chlo.is_pos_inf", 1},
      {"chlo.is_neg_inf", 1}};
  return *all;
}

unsigned widthOf(Type element) {
  if (auto complex = llvm::dyn_cast<ComplexType>(element)) return 2 * complex.getElementType().getIntOrFloatBitWidth();
  return element.getIntOrFloatBitWidth();
}

Value infinity(Importer& in, RankedTensorType type, bool negative) {
  auto real = llvm::cast<FloatType>(type.getElementType());
  auto scalar = ir::makeType({}, real, {});
  return in.broadcast(in.constant(DenseElementsAttr::get(scalar, APFloat::getInf(real.getFloatSemantics(), negative))), type.getShape(), {});
}

Value compare(Importer& in, Operation& op, Value lhs, Value rhs) {
  std::string direction = Importer::wordOf(op.getAttr("comparison_direction")), kind = Importer::wordOf(op.getAttr("compare_type"));
  const std::pair<const char*, const char*> names[] = {{"EQ", "eq"}, {"NE", "ne"}, {"LT", "lt"}, {"LE", "le"}, {"GT", "gt"}, {"GE", "ge"}};
  if (kind == "TOTALORDER" && llvm::isa<FloatType>(arrayType(lhs).getElementType())) lhs = in.totalOrder(lhs), rhs = in.totalOrder(rhs);
  for (auto [word, name] : names)
    if (direction == word) return in.emit(name, {lhs, rhs});
  in.refuse("there is no comparison " + direction);
}

Value reducePrecision(Importer& in, Operation& op, Value v) {
  auto bits = [&](const char* name) -> int64_t {
    auto found = llvm::dyn_cast_or_null<IntegerAttr>(op.getAttr(name));
    if (!found) in.refuse(llvm::Twine(name) + " is missing");
    return found.getInt();
  };
  int64_t exponent = bits("exponent_bits"), mantissa = bits("mantissa_bits");
  auto element = llvm::dyn_cast<FloatType>(arrayType(v).getElementType());
  if (!element) in.refuse("takes floats");
  int64_t has = element.getFPMantissaWidth() - 1, hasExponent = static_cast<int64_t>(element.getWidth()) - 1 - has;
  if (exponent >= hasExponent && mantissa >= has) return v;
  if (element.isF32() && exponent == 8 && mantissa == 7) return in.convert(in.convert(v, in.b.getBF16Type()), element);
  in.refuse("to " + llvm::Twine(exponent) + " bits of exponent and " + llvm::Twine(mantissa) +
            " of mantissa is not supported; supported is what changes nothing, and float32 to 8 and 7");
}

}  // namespace

bool Importer::isElementwise(Operation& op) {
  llvm::StringRef name = op.getName().getStringRef();
  unsigned operands = 0;
  if (auto plain = plainOps().find(name); plain != plainOps().end())
    operands = plain->second.operands;
  else if (auto other = otherOps().find(name); other != otherOps().end())
    operands = other->second;
  return operands && op.getNumOperands() == operands && op.getNumResults() == 1 && llvm::isa<RankedTensorType>(op.getResult(0).getType()) &&
         llvm::all_of(op.getOperandTypes(), [](Type type) { return llvm::isa<RankedTensorType>(type); });
}

Value Importer::elementwise(Operation& op, ValueRange in) {
  llvm::StringRef name = op.getName().getStringRef();
  Type element = declared(op.getResult(0)).getElementType();
  if (auto plain = plainOps().find(name); plain != plainOps().end()) return emit(plain->second.skein, in);
  bool isComplex = llvm::isa<ComplexType>(arrayType(in[0]).getElementType());
  auto first = arrayType(in[0]);
  if (name == "stablehlo.real") return isComplex ? emit("real", in) : in[0];
  if (name == "stablehlo.imag") return isComplex ? emit("imag", in) : splat(first.getShape(), first.getElementType(), 0);
  if (name == "stablehlo.compare") return compare(*this, op, in[0], in[1]);
  if (name == "stablehlo.convert") return convert(in[0], element);
  if (name == "stablehlo.reduce_precision") return reducePrecision(*this, op, in[0]);
  if (name == "chlo.square") return emit("mul", {in[0], in[0]});
  if (name == "stablehlo.select") {
    Value predicate = in[0];
    if (arrayType(predicate).getRank() == 0) predicate = broadcast(predicate, arrayType(in[1]).getShape(), {});
    return select(predicate, in[1], in[2]);
  }
  if (name == "stablehlo.clamp") {
    Values all(in);
    for (Value& bound : all)
      if (arrayType(bound).getRank() == 0) bound = broadcast(bound, arrayType(in[1]).getShape(), {});
    return emit("clamp", all);
  }
  if (name == "stablehlo.bitcast_convert") {
    Type from = first.getElementType();
    if (from == element) return in[0];
    if (widthOf(from) != widthOf(element) || isComplex || llvm::isa<ComplexType>(element))
      refuse("between dtypes of different widths is not supported, here " + ir::describe(first) + "; shift and convert instead");
    return emit("bitcast", {in[0]}, {named("dtype", Attribute(TypeAttr::get(element)))});
  }
  if (!llvm::isa<FloatType>(first.getElementType())) refuse("takes floats, not " + ir::describe(first));
  if (name == "chlo.is_inf") return emit("eq", {emit("abs", {in[0]}), infinity(*this, first, false)});
  return emit("eq", {in[0], infinity(*this, first, name == "chlo.is_neg_inf")});
}

Value Importer::totalOrder(Value v) {
  auto type = arrayType(v);
  unsigned width = type.getElementType().getIntOrFloatBitWidth();
  Type integer = b.getIntegerType(width);
  Value bits = emit("bitcast", {v}, {named("dtype", Attribute(TypeAttr::get(integer)))});
  // The more negative a float, the greater its bits: those of negative ones turn round, the sign bit stays.
  Value sign = emit("shr_arithmetic", {bits, splat(type.getShape(), integer, width - 1)});
  Value mask = emit("shr_logical", {sign, splat(type.getShape(), integer, 1)});
  return emit("xor", {bits, mask});
}

Value Importer::canonical(Value v) {
  auto type = arrayType(v);
  auto element = llvm::cast<FloatType>(type.getElementType());
  Value zero = splat(type.getShape(), element, 0);
  auto scalar = ir::makeType({}, element, {});
  Value nan = broadcast(constant(DenseElementsAttr::get(scalar, APFloat::getNaN(element.getFloatSemantics()))), type.getShape(), {});
  return select(emit("ne", {v, v}), nan, select(emit("eq", {v, zero}), zero, v));
}

// ---- regions of scalars ----

bool Importer::canVectorise(Block& block) {
  auto isScalar = [](Type type) {
    auto array = llvm::dyn_cast<RankedTensorType>(type);
    return array && array.getRank() == 0;
  };
  if (block.empty() || !llvm::all_of(block.getArgumentTypes(), isScalar)) return false;
  for (Operation& op : block) {
    if (&op == &block.back()) break;
    if (!isElementwise(op) && op.getName().getStringRef() != "stablehlo.constant") return false;
    if (op.getNumResults() != 1 || !isScalar(op.getResult(0).getType())) return false;
  }
  return true;
}

Values Importer::vectorise(Block& block, ValueRange arguments, llvm::ArrayRef<int64_t> shape) {
  return vectorise(block, ValueRange(block.back().getOperands()), arguments, shape);
}

Values Importer::vectorise(Block& block, ValueRange wanted, ValueRange arguments, llvm::ArrayRef<int64_t> shape) {
  llvm::DenseMap<Value, Value> known;
  if (block.getNumArguments() != arguments.size()) refuse("its region takes " + llvm::Twine(block.getNumArguments()) + " values, not " + llvm::Twine(arguments.size()));
  for (auto [argument, given] : llvm::zip(block.getArguments(), arguments)) {
    if (declared(argument).getElementType() != arrayType(given).getElementType()) refuse("its region takes another dtype than the operands have");
    known[argument] = given;
  }
  llvm::DenseSet<Value> needed;
  for (Value v : wanted) needed.insert(v);
  for (Operation& op : llvm::reverse(block))
    if (op.getNumResults() == 1 && needed.contains(op.getResult(0)))
      for (Value v : op.getOperands()) needed.insert(v);
  auto lookup = [&](Value v) -> Value {
    if (declared(v).getRank() != 0) refuse("its region works on scalars");
    if (auto found = known.find(v); found != known.end()) return found->second;
    // What stands outside of the region is the same for all elements.
    Value outer = broadcast(value(v), shape, {});
    known[v] = outer;
    return outer;
  };
  for (Operation& op : block) {
    if (&op == &block.back() || !needed.contains(op.getResult(0))) continue;
    Value made;
    if (isElementwise(op)) {
      Values operands;
      for (Value v : op.getOperands()) operands.push_back(lookup(v));
      made = elementwise(op, operands);
    } else {
      auto elements = llvm::dyn_cast_or_null<DenseElementsAttr>(op.getAttr("value"));
      if (!elements || elements.getType().getRank() != 0) refuse("a constant in its region is no scalar");
      made = broadcast(constant(elements), shape, {});
    }
    if (arrayType(made).getElementType() != declared(op.getResult(0)).getElementType()) refuse("a value in its region is declared with another dtype than it has");
    known[op.getResult(0)] = made;
  }
  Values results;
  for (Value v : wanted) results.push_back(lookup(v));
  return results;
}

}  // namespace skein::compiler::stablehlo
