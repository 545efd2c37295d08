#include "dialects/skein/types.h"

#include <algorithm>

#include "llvm/ADT/STLExtras.h"

namespace skein::ir {

using namespace mlir;

RankedTensorType arrayType(Type type) { return llvm::cast<RankedTensorType>(type); }
RankedTensorType arrayType(Value value) { return arrayType(value.getType()); }

static EncodingAttr encodingOf(RankedTensorType type) { return llvm::dyn_cast_or_null<EncodingAttr>(type.getEncoding()); }

llvm::ArrayRef<StringAttr> varying(Type type) {
  auto encoding = encodingOf(arrayType(type));
  return encoding ? encoding.getVarying() : llvm::ArrayRef<StringAttr>();
}

static void sortAxes(Axes& axes) {
  llvm::sort(axes, [](StringAttr a, StringAttr b) { return a.getValue() < b.getValue(); });
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
}

Axes joinVarying(TypeRange types) {
  Axes all;
  for (Type type : types) llvm::append_range(all, varying(type));
  sortAxes(all);
  return all;
}

static Attribute encode(MLIRContext* context, llvm::ArrayRef<StringAttr> axes, llvm::ArrayRef<int64_t> capacities,
                        llvm::ArrayRef<StringAttr> symbols) {
  if (axes.empty() && capacities.empty()) return {};
  Axes sorted(axes);
  sortAxes(sorted);
  return EncodingAttr::get(context, sorted, capacities, symbols);
}

RankedTensorType makeType(llvm::ArrayRef<int64_t> shape, Type element, llvm::ArrayRef<StringAttr> axes) {
  return RankedTensorType::get(shape, element, encode(element.getContext(), axes, {}, {}));
}

RankedTensorType withVarying(RankedTensorType type, llvm::ArrayRef<StringAttr> axes) {
  auto old = encodingOf(type);
  return RankedTensorType::get(type.getShape(), type.getElementType(),
                               encode(type.getContext(), axes, old ? old.getCapacities() : llvm::ArrayRef<int64_t>(),
                                      old ? old.getSymbols() : llvm::ArrayRef<StringAttr>()));
}

RankedTensorType withElement(RankedTensorType type, Type element) {
  return RankedTensorType::get(type.getShape(), element, type.getEncoding());
}

Type elementType(MLIRContext* c, DType dtype) {
  auto integer = [&](unsigned width, bool is_unsigned) -> Type {
    return IntegerType::get(c, width, is_unsigned ? IntegerType::Unsigned : IntegerType::Signless);
  };
  switch (dtype) {
    case DType::bool_: return integer(1, false);
    case DType::int8: return integer(8, false);
    case DType::int16: return integer(16, false);
    case DType::int32: return integer(32, false);
    case DType::int64: return integer(64, false);
    case DType::uint8: return integer(8, true);
    case DType::uint16: return integer(16, true);
    case DType::uint32: return integer(32, true);
    case DType::uint64: return integer(64, true);
    case DType::float16: return Float16Type::get(c);
    case DType::bfloat16: return BFloat16Type::get(c);
    case DType::float32: return Float32Type::get(c);
    case DType::float64: return Float64Type::get(c);
    case DType::complex64: return ComplexType::get(Float32Type::get(c));
    case DType::complex128: return ComplexType::get(Float64Type::get(c));
  }
  return {};
}

std::optional<DType> dtypeOf(Type element) {
  if (auto integer = llvm::dyn_cast<IntegerType>(element)) {
    bool is_unsigned = integer.isUnsigned();
    switch (integer.getWidth()) {
      case 1: return is_unsigned ? std::nullopt : std::optional(DType::bool_);
      case 8: return is_unsigned ? DType::uint8 : DType::int8;
      case 16: return is_unsigned ? DType::uint16 : DType::int16;
      case 32: return is_unsigned ? DType::uint32 : DType::int32;
      case 64: return is_unsigned ? DType::uint64 : DType::int64;
      default: return std::nullopt;
    }
  }
  if (element.isF16()) return DType::float16;
  if (element.isBF16()) return DType::bfloat16;
  if (element.isF32()) return DType::float32;
  if (element.isF64()) return DType::float64;
  if (auto complex = llvm::dyn_cast<ComplexType>(element)) {
    if (complex.getElementType().isF32()) return DType::complex64;
    if (complex.getElementType().isF64()) return DType::complex128;
  }
  return std::nullopt;
}

std::string describe(Type type, llvm::ArrayRef<std::string> meshOrder) {
  auto array = llvm::dyn_cast<RankedTensorType>(type);
  std::string text;
  llvm::raw_string_ostream out(text);
  if (!array) {
    out << type;
    return text;
  }
  auto dtype = dtypeOf(array.getElementType());
  if (dtype)
    out << std::string(name(*dtype));
  else
    out << array.getElementType();
  auto encoding = encodingOf(array);
  size_t dynamic = 0;
  out << '[';
  llvm::interleave(
      array.getShape(),
      [&](int64_t size) {
        if (!ShapedType::isDynamic(size)) {
          out << size;
        } else if (encoding && dynamic < encoding.getSymbols().size()) {
          out << encoding.getSymbols()[dynamic].getValue() << "<=" << encoding.getCapacities()[dynamic];
          ++dynamic;
        } else {
          out << '?';
        }
      },
      [&] { out << ','; });
  out << ']';
  auto axes = varying(array);
  if (!axes.empty()) {
    std::vector<std::string> names;
    for (const std::string& axis : meshOrder)
      if (llvm::any_of(axes, [&](StringAttr a) { return a.getValue() == axis; })) names.push_back(axis);
    for (StringAttr axis : axes)
      if (!llvm::is_contained(meshOrder, axis.getValue().str())) names.push_back(axis.getValue().str());
    out << "{V:";
    llvm::interleave(names, [&](const std::string& n) { out << n; }, [&] { out << ','; });
    out << '}';
  }
  return text;
}

}  // namespace skein::ir
