// The effects.
#include <fmt/format.h>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

static std::string realText(DType dtype, Real value) {
  if (std::isnan(value)) return "nan";
  // The shortest text that reads back as the same number, at float32's precision where that is enough.
  bool small = itemsize(real_dtype(dtype)) <= 4;
  std::string text = small ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
  return text.find_first_of(".ei") == text.npos ? text + ".0" : text;
}

static std::string elementText(const HostArray& array, std::int64_t i) {
  if (is_bool(array.dtype)) return loadInteger(array, i) ? "True" : "False";
  if (is_unsigned(array.dtype)) return fmt::format("{}", static_cast<std::uint64_t>(loadInteger(array, i)));
  if (is_integer(array.dtype)) return fmt::format("{}", loadInteger(array, i));
  Complex z = loadComplex(array, i);
  std::string real = realText(array.dtype, z.real());
  if (!is_complex(array.dtype)) return real;
  return "(" + real + (std::signbit(z.imag()) ? "-" : "+") + realText(array.dtype, std::fabs(z.imag())) + "j)";
}

/// A scalar plainly, an array in brackets: [[1 2] [3 4]]. (The runtime lines up columns as NumPy does.)
static std::string arrayText(const HostArray& array, std::size_t dim, std::int64_t& at) {
  if (dim == array.shape.size()) return elementText(array, at++);
  std::string text = "[";
  for (std::int64_t i = 0; i < array.shape[dim]; ++i) text += (i ? " " : "") + arrayText(array, dim + 1, at);
  return text + "]";
}

/// The format with each {} replaced by the next array; {{ and }} stand for a brace.
static std::string substitute(llvm::StringRef format, const std::vector<const HostArray*>& arrays) {
  std::string text;
  std::size_t next = 0;
  while (!format.empty()) {
    if (format.starts_with("{}") && next < arrays.size()) {
      std::int64_t at = 0;
      text += arrayText(*arrays[next++], 0, at);
      format = format.drop_front(2);
    } else {
      bool doubled = format.starts_with("{{") || format.starts_with("}}");
      text += format.front();
      format = format.drop_front(doubled ? 2 : 1);
    }
  }
  return text;
}

static std::vector<const HostArray*> readAll(Machine& machine, mlir::ValueRange values, int device) {
  std::vector<const HostArray*> arrays;
  for (mlir::Value value : values) arrays.push_back(&machine.get(value, device));
  return arrays;
}

static void evaluatePrint(Machine& machine, mlir::Operation* op) {
  auto print = llvm::cast<ir::PrintOp>(op);
  for (int device : machine.active())
    machine.out() << substitute(print.getFormat(), readAll(machine, print.getOperands(), device)) << '\n';
}

static void evaluateCheck(Machine& machine, mlir::Operation* op) {
  auto check = llvm::cast<ir::CheckOp>(op);
  for (int device : machine.active())
    if (!loadInteger(machine.get(check.getPredicate(), device), 0))
      throwUserError(op, substitute(check.getFormat(), readAll(machine, check.getValues(), device)));
}

void addEffects(Meanings& meanings) {
  define<ir::PrintOp>(meanings, evaluatePrint);
  define<ir::CheckOp>(meanings, evaluateCheck);
}

}  // namespace skein::compiler::interp
