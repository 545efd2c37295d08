// Attributes of the source, wherever an unregistered op keeps them, and the small ops that all families build with.
#include "compiler/import/stablehlo_importer.h"
#include "llvm/ADT/StringExtras.h"

namespace skein::compiler::stablehlo {

// ---- attributes ----

// An unregistered op's properties are a dictionary; getAttr looks there and among the discardable ones.
Attribute Importer::attribute(llvm::StringRef name) const { return at_->getAttr(name); }

static std::optional<Dims> integersOf(Attribute attribute) {
  if (auto list = llvm::dyn_cast<DenseI64ArrayAttr>(attribute)) return Dims(list.asArrayRef());
  Dims all;
  if (auto list = llvm::dyn_cast<DenseI32ArrayAttr>(attribute)) {
    for (int32_t v : list.asArrayRef()) all.push_back(v);
    return all;
  }
  if (auto list = llvm::dyn_cast<DenseIntElementsAttr>(attribute)) {
    if (list.getElementType().getIntOrFloatBitWidth() > 64 || list.getNumElements() > (1 << 24)) return std::nullopt;
    for (const APInt& v : list.getValues<APInt>()) all.push_back(v.getSExtValue());
    return all;
  }
  if (auto list = llvm::dyn_cast<mlir::ArrayAttr>(attribute)) {
    for (Attribute entry : list) {
      auto v = llvm::dyn_cast<IntegerAttr>(entry);
      if (!v || v.getValue().getBitWidth() > 64) return std::nullopt;
      all.push_back(v.getValue().getSExtValue());
    }
    return all;
  }
  return std::nullopt;
}

std::optional<Dims> Importer::integersIfAny(llvm::StringRef name) const {
  Attribute found = attribute(name);
  if (!found) return std::nullopt;
  auto list = integersOf(found);
  if (!list) refuse("attribute " + name + " is no list of integers");
  return list;
}

Dims Importer::integers(llvm::StringRef name) const {
  auto list = integersIfAny(name);
  if (!list) refuse("attribute " + name + " is missing");
  return *list;
}

int64_t Importer::integer(llvm::StringRef name) const {
  auto found = llvm::dyn_cast_or_null<IntegerAttr>(attribute(name));
  if (!found || found.getValue().getBitWidth() > 64) refuse("attribute " + name + ", an integer, is missing");
  return found.getValue().getSExtValue();
}

bool Importer::flag(llvm::StringRef name) const {
  Attribute found = attribute(name);
  if (!found) return false;
  if (auto value = llvm::dyn_cast<BoolAttr>(found)) return value.getValue();
  return llvm::isa<UnitAttr>(found);
}

std::string Importer::symbol(llvm::StringRef name) const {
  Attribute found = attribute(name);
  if (auto symbol = llvm::dyn_cast_or_null<FlatSymbolRefAttr>(found)) return symbol.getValue().str();
  if (auto text = llvm::dyn_cast_or_null<StringAttr>(found)) return text.getValue().str();
  refuse("attribute " + name + ", a name, is missing");
}

std::string Importer::wordOf(Attribute attribute) {
  std::string text;
  if (auto opaque = llvm::dyn_cast_or_null<OpaqueAttr>(attribute))
    text = opaque.getAttrData().str();
  else if (auto string = llvm::dyn_cast_or_null<StringAttr>(attribute))
    text = string.getValue().str();
  auto inWord = [](char c) { return llvm::isAlnum(c) || c == '_'; };
  while (!text.empty() && !inWord(text.back())) text.pop_back();
  size_t from = text.size();
  while (from > 0 && inWord(text[from - 1])) --from;
  return text.substr(from);
}

std::string Importer::opaque(llvm::StringRef name) const {
  auto found = llvm::dyn_cast_or_null<OpaqueAttr>(attribute(name));
  if (!found) refuse("attribute " + name + " is missing");
  return found.getAttrData().str();
}

/// What follows `key =` in the text; nothing if it does not stand there as a whole word.
static std::optional<llvm::StringRef> after(llvm::StringRef text, llvm::StringRef key) {
  for (size_t at = text.find(key); at != llvm::StringRef::npos; at = text.find(key, at + 1)) {
    bool whole = at == 0 || !(llvm::isAlnum(text[at - 1]) || text[at - 1] == '_');
    llvm::StringRef rest = text.drop_front(at + key.size()).ltrim();
    if (whole && rest.consume_front("=")) return rest.ltrim();
  }
  return std::nullopt;
}

Dims Importer::listIn(llvm::StringRef text, llvm::StringRef key) const {
  Dims all;
  auto found = after(text, key);
  if (!found) return all;
  llvm::StringRef rest = *found;
  if (!rest.consume_front("[")) refuse(key + " is no list");
  for (rest = rest.ltrim(); !rest.starts_with("]"); rest = rest.ltrim()) {
    int64_t number;
    if (rest.consumeInteger(10, number)) refuse(key + " is no list of integers");
    all.push_back(number);
    rest = rest.ltrim();
    rest.consume_front(",");
  }
  return all;
}

int64_t Importer::numberIn(llvm::StringRef text, llvm::StringRef key) const {
  auto found = after(text, key);
  if (!found) return 0;
  int64_t number;
  if (found->consumeInteger(10, number)) refuse(key + " is no integer");
  return number;
}

std::pair<Dims, Dims> Importer::table(llvm::StringRef name) const {
  auto found = llvm::dyn_cast_or_null<DenseIntElementsAttr>(attribute(name));
  if (!found || found.getType().getRank() != 2) refuse("attribute " + name + ", a table of integers, is missing");
  return {*integersOf(found), Dims(found.getType().getShape())};
}

// ---- shapes ----

int64_t volumeOf(llvm::ArrayRef<int64_t> shape) {
  int64_t product = 1;
  for (int64_t size : shape)
    if (size < 0 || __builtin_mul_overflow(product, std::max<int64_t>(size, 1), &product)) return -1;
  if (product > (int64_t{1} << 56)) return -1;
  return llvm::is_contained(shape, 0) ? 0 : product;
}

Dims inOrder(int64_t rank) {
  Dims order;
  for (int64_t d = 0; d < rank; ++d) order.push_back(d);
  return order;
}

Dims rowMajor(llvm::ArrayRef<int64_t> shape) {
  Dims strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;) strides[d - 1] = strides[d] * shape[d];
  return strides;
}

// ---- small ops ----

Value Importer::constant(DenseElementsAttr elements) { return emit("constant", {}, {named("value", Attribute(elements))}); }

Value Importer::splat(llvm::ArrayRef<int64_t> shape, Type element, int64_t number) {
  auto type = ir::makeType({}, element, {});
  DenseElementsAttr elements;
  if (auto integer = llvm::dyn_cast<IntegerType>(element)) {
    elements = DenseElementsAttr::get(type, APInt(64, static_cast<uint64_t>(number)).sextOrTrunc(integer.getWidth()));
  } else if (auto real = llvm::dyn_cast<FloatType>(element)) {
    APFloat value(static_cast<double>(number));
    bool lost;
    value.convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    elements = DenseElementsAttr::get(type, value);
  } else {
    return convert(splat(shape, llvm::cast<ComplexType>(element).getElementType(), number), element);
  }
  return broadcast(constant(elements), shape, {});
}

Value Importer::iota(llvm::ArrayRef<int64_t> shape, Type element, int64_t dim) {
  return emit("iota", {}, {named("shape", shape), named("dtype", Attribute(TypeAttr::get(element))), number("dim", dim)});
}

Value Importer::reshape(Value v, llvm::ArrayRef<int64_t> shape) {
  if (arrayType(v).getShape() == shape) return v;
  return emit("reshape", {v}, {named("shape", shape)});
}

Value Importer::broadcast(Value v, llvm::ArrayRef<int64_t> shape, llvm::ArrayRef<int64_t> dims) {
  if (arrayType(v).getShape() == shape && llvm::ArrayRef<int64_t>(inOrder(static_cast<int64_t>(shape.size()))) == dims) return v;
  return emit("broadcast", {v}, {named("shape", shape), named("dims", dims)});
}

Value Importer::transpose(Value v, llvm::ArrayRef<int64_t> permutation) {
  if (llvm::ArrayRef<int64_t>(inOrder(static_cast<int64_t>(permutation.size()))) == permutation) return v;
  return emit("transpose", {v}, {named("permutation", permutation)});
}

Value Importer::slice(Value v, llvm::ArrayRef<int64_t> starts, llvm::ArrayRef<int64_t> stops, llvm::ArrayRef<int64_t> strides) {
  Dims ones(starts.size(), 1);
  return emit("slice", {v}, {named("starts", starts), named("stops", stops), named("strides", strides.empty() ? llvm::ArrayRef<int64_t>(ones) : strides)});
}

Value Importer::convert(Value v, Type element) {
  if (arrayType(v).getElementType() == element) return v;
  if (llvm::isa<ComplexType>(arrayType(v).getElementType()) && !llvm::isa<ComplexType>(element) && !element.isInteger(1)) v = emit("real", {v});
  if (arrayType(v).getElementType() == element) return v;
  return emit("convert", {v}, {named("dtype", Attribute(TypeAttr::get(element)))});
}

Value Importer::pad(Value v, Value with, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high, llvm::ArrayRef<int64_t> interior) {
  auto zero = [](llvm::ArrayRef<int64_t> list) { return llvm::all_of(list, [](int64_t n) { return n == 0; }); };
  if (zero(low) && zero(high) && zero(interior)) return v;
  return emit("pad", {v, with}, {named("low", low), named("high", high), named("interior", interior)});
}

std::optional<int64_t> splatInteger(Value v) {
  while (Operation* op = v.getDefiningOp()) {
    llvm::StringRef name = op->getName().getStringRef();
    if (name == "stablehlo.broadcast_in_dim" || name == "stablehlo.reshape" || name == "stablehlo.convert") {
      if (op->getNumOperands() != 1 || !llvm::isa<RankedTensorType>(op->getOperand(0).getType())) return std::nullopt;
      v = op->getOperand(0);
      continue;
    }
    if (name != "stablehlo.constant") return std::nullopt;
    auto elements = llvm::dyn_cast_or_null<DenseIntElementsAttr>(op->getAttr("value"));
    if (!elements || elements.empty() || !elements.isSplat() || elements.getElementType().getIntOrFloatBitWidth() > 64) return std::nullopt;
    auto bits = elements.getSplatValue<APInt>();
    bool isUnsigned = llvm::cast<IntegerType>(elements.getElementType()).isUnsigned();
    return isUnsigned ? static_cast<int64_t>(bits.getZExtValue()) : bits.getSExtValue();
  }
  return std::nullopt;
}

}  // namespace skein::compiler::stablehlo
