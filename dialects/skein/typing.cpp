#include "dialects/skein/typing.h"

#include "llvm/ADT/SmallSet.h"

namespace skein::ir {

using namespace mlir;

LogicalResult refuse(MaybeLoc loc, llvm::StringRef constraint, const llvm::Twine& message) {
  if (loc) emitError(*loc) << message << " [" << constraint << "]";
  return failure();
}

llvm::StringRef plainName(llvm::StringRef op) {
  op.consume_front("skein.");
  return op;
}

std::string describeAll(TypeRange types) {
  std::string text;
  for (auto [i, type] : llvm::enumerate(types)) text += (i ? ", " : "") + describe(type);
  return text;
}

std::string describeShape(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (auto [i, size] : llvm::enumerate(shape)) text += (i ? "," : "") + (ShapedType::isDynamic(size) ? "?" : std::to_string(size));
  return text + "]";
}

bool inDomain(Type element, Domain domain) {
  bool is_bool = element.isInteger(1);
  bool is_integer = llvm::isa<IntegerType>(element) && !is_bool;
  bool is_float = llvm::isa<FloatType>(element);
  bool is_complex = llvm::isa<ComplexType>(element);
  switch (domain) {
    case Domain::Any: return true;
    case Domain::Number: return !is_bool;
    case Domain::RealNumber: return is_integer || is_float;
    case Domain::Ordered: return !is_complex;
    case Domain::Integer: return is_integer;
    case Domain::Bits: return is_integer || is_bool;
    case Domain::Float: return is_float;
    case Domain::Inexact: return is_float || is_complex;
    case Domain::Complex: return is_complex;
  }
  return false;
}

static llvm::StringRef wording(Domain domain) {
  switch (domain) {
    case Domain::Any: return "any dtype";
    case Domain::Number: return "a number, not bool";
    case Domain::RealNumber: return "a real number, not bool";
    case Domain::Ordered: return "an ordered dtype, not complex";
    case Domain::Integer: return "an integer dtype";
    case Domain::Bits: return "an integer dtype or bool";
    case Domain::Float: return "a floating dtype";
    case Domain::Inexact: return "a floating or complex dtype";
    case Domain::Complex: return "a complex dtype";
  }
  return "";
}

LogicalResult checkDomain(MaybeLoc loc, llvm::StringRef op, Type element, Domain domain) {
  if (inDomain(element, domain)) return success();
  auto dtype = dtypeOf(element);
  return refuse(loc, "elementwise.C1", plainName(op) + " takes " + wording(domain) + ", not " +
                                           (dtype ? std::string(name(*dtype)) : "this type") + "; convert with astype first");
}

Type imageOf(Type element, Image image) {
  MLIRContext* c = element.getContext();
  switch (image) {
    case Image::Same: return element;
    case Image::Bool: return IntegerType::get(c, 1);
    case Image::Real: return llvm::isa<ComplexType>(element) ? llvm::cast<ComplexType>(element).getElementType() : element;
    case Image::Complex: return ComplexType::get(element);
    case Image::Index: return IntegerType::get(c, 32);
  }
  return element;
}

LogicalResult checkDims(MaybeLoc loc, llvm::StringRef constraint, llvm::ArrayRef<int64_t> dims, RankedTensorType type) {
  llvm::SmallSet<int64_t, 8> seen;
  for (int64_t dim : dims) {
    if (dim < 0 || dim >= type.getRank())
      return refuse(loc, constraint, "axis " + llvm::Twine(dim) + " is out of range for " + describe(type) + " of rank " + llvm::Twine(type.getRank()));
    if (!seen.insert(dim).second) return refuse(loc, constraint, "axis " + llvm::Twine(dim) + " is named twice");
  }
  return success();
}

}  // namespace skein::ir
