#include "dialects/skein/dialect.h"

#include "dialects/skein/typing.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/IR/DialectImplementation.h"

using namespace mlir;

#include "dialects/skein/dialect.cpp.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/skein/attributes.cpp.inc"
#define GET_OP_CLASSES
#include "dialects/skein/ops.cpp.inc"

namespace skein::ir {

void SkeinDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/skein/attributes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/skein/ops.cpp.inc"
      >();
}

Operation* SkeinDialect::materializeConstant(OpBuilder& builder, Attribute value, Type type, Location loc) {
  auto elements = llvm::dyn_cast<ElementsAttr>(value);
  // A constant is the same on every device: a folded value that is typed as varying stays as it was.
  if (!elements || elements.getType() != type) return nullptr;
  return ConstantOp::create(builder, loc, type, elements);
}

// ---- #skein.array<varying "x", "y" sizes n max 15, m max 4>: brackets of MLIR's lexer must pair, so not n <= 15 ----

LogicalResult EncodingAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, llvm::ArrayRef<StringAttr> varying,
                                   llvm::ArrayRef<int64_t> capacities, llvm::ArrayRef<StringAttr> symbols) {
  if (capacities.size() != symbols.size()) return emitError() << "each dynamic dimension has a symbol and a capacity";
  for (int64_t capacity : capacities)
    if (capacity < 0) return emitError() << "a capacity is not negative, this is " << capacity;
  for (size_t i = 1; i < varying.size(); ++i)
    if (!(varying[i - 1].getValue() < varying[i].getValue())) return emitError() << "varying axes are sorted and different";
  return success();
}

void EncodingAttr::print(AsmPrinter& printer) const {
  printer << '<';
  if (!getVarying().empty()) {
    printer << "varying ";
    llvm::interleaveComma(getVarying(), printer, [&](StringAttr axis) { printer << axis; });
    if (!getCapacities().empty()) printer << " sizes ";
  }
  for (auto [i, capacity] : llvm::enumerate(getCapacities())) {
    if (i) printer << ", ";
    printer.printKeywordOrString(getSymbols()[i].getValue());
    printer << " max " << capacity;
  }
  printer << '>';
}

Attribute EncodingAttr::parse(AsmParser& parser, Type) {
  SmallVector<StringAttr> axes, symbols;
  SmallVector<int64_t> capacities;
  auto builder = parser.getBuilder();
  auto finish = [&] { return parser.getChecked<EncodingAttr>(parser.getContext(), axes, capacities, symbols); };
  if (parser.parseLess()) return {};
  if (succeeded(parser.parseOptionalKeyword("varying"))) {
    do {
      std::string axis;
      if (parser.parseString(&axis)) return {};
      axes.push_back(builder.getStringAttr(axis));
    } while (succeeded(parser.parseOptionalComma()));
    if (succeeded(parser.parseOptionalGreater())) return finish();
    if (parser.parseKeyword("sizes")) return {};
  }
  do {
    std::string symbol;
    int64_t capacity;
    if (parser.parseKeywordOrString(&symbol) || parser.parseKeyword("max") || parser.parseInteger(capacity)) return {};
    symbols.push_back(builder.getStringAttr(symbol));
    capacities.push_back(capacity);
  } while (succeeded(parser.parseOptionalComma()));
  if (parser.parseGreater()) return {};
  return finish();
}

// ---- #skein.axes<"x" = 4, "y" = 2> ----

LogicalResult AxesAttr::verify(llvm::function_ref<InFlightDiagnostic()> emitError, llvm::ArrayRef<StringAttr> names, llvm::ArrayRef<int64_t> sizes) {
  if (names.size() != sizes.size()) return emitError() << "each axis has a name and a size";
  for (auto [i, axis] : llvm::enumerate(names)) {
    if (sizes[i] < 1) return emitError() << "axis " << axis << " has " << sizes[i] << " devices; it needs at least 1";
    if (llvm::is_contained(names.take_front(i), axis)) return emitError() << "axis " << axis << " is named twice";
  }
  return success();
}

void AxesAttr::print(AsmPrinter& printer) const {
  printer << '<';
  llvm::interleaveComma(llvm::zip(getNames(), getSizes()), printer,
                        [&](auto axis) { printer << std::get<0>(axis) << " = " << std::get<1>(axis); });
  printer << '>';
}

Attribute AxesAttr::parse(AsmParser& parser, Type) {
  SmallVector<StringAttr> names;
  SmallVector<int64_t> sizes;
  auto axis = [&]() -> ParseResult {
    std::string name;
    if (parser.parseString(&name) || parser.parseEqual() || parser.parseInteger(sizes.emplace_back())) return failure();
    names.push_back(parser.getBuilder().getStringAttr(name));
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater, axis)) return {};
  return parser.getChecked<AxesAttr>(parser.getContext(), names, sizes);
}

}  // namespace skein::ir
