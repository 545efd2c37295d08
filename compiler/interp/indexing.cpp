// The indexing family.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

/// Joins an element of `updates` with one of `result`, which gets the outcome.
static void join(HostArray& result, std::int64_t to, const HostArray& updates, std::int64_t from, llvm::StringRef kind) {
  if (kind == "set") return copyElement(result, to, updates, from);
  auto arithmetic = [&](auto type) {
    using T = decltype(type);
    T a = load<T>(result, to), b = load<T>(updates, from);
    store(result, to, kind == "add" ? static_cast<T>(a + b) : static_cast<T>(a * b));
  };
  if (kind == "add" || kind == "mul") {
    if (is_complex(result.dtype)) return arithmetic(Complex());
    if (is_floating(result.dtype)) return arithmetic(Real());
    return arithmetic(Integer());
  }
  bool better;
  if (is_floating(result.dtype)) {
    Real a = loadReal(result, to), b = loadReal(updates, from);
    better = std::isnan(b) || (!std::isnan(a) && (kind == "max" ? b > a : b < a));
  } else {
    IntegerKind order = kindOf(result.dtype);
    Integer a = loadInteger(result, to), b = loadInteger(updates, from);
    better = kind == "max" ? order.less(a, b) : order.less(b, a);
  }
  if (better) copyElement(result, to, updates, from);
}

static Results evaluateScatter(mlir::Operation* op, Operands operands) {
  HostArray result = *operands[0];
  const HostArray &indices = *operands[1], &updates = *operands[2];
  auto scatter = llvm::cast<ir::ScatterOp>(op);
  auto dim = static_cast<std::int64_t>(scatter.getDim());
  std::int64_t from = 0;
  forEachIndex(updates.shape, [&](const Index& index) {
    auto middle = index.begin() + dim;
    Integer chosen = loadInteger(indices, offsetOf(indices.shape, Index(middle, middle + indices.rank())));
    const std::int64_t here = from++;
    if (chosen < 0 || chosen >= result.shape[dim]) return;
    Index to(index.begin(), middle);
    to.push_back(chosen);
    to.insert(to.end(), middle + indices.rank(), index.end());
    join(result, offsetOf(result.shape, to), updates, here, scatter.getKind());
  });
  return {result};
}

void addIndexing(Meanings& meanings) { define<ir::ScatterOp>(meanings, evaluateScatter); }

}  // namespace skein::compiler::interp
