// The sort family.
#include <numeric>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

static Results evaluateSort(mlir::Operation* op, Operands operands) {
  Results results;
  for (unsigned i = 0; i < operands.size(); ++i) results.push_back(emptyResult(op, i));
  const HostArray& keys = *operands[0];
  auto dim = llvm::cast<ir::SortOp>(op).getDim();
  IntegerKind kind = kindOf(keys.dtype);
  auto before = [&](std::int64_t a, std::int64_t b) {
    if (!is_floating(keys.dtype)) return kind.less(loadInteger(keys, a), loadInteger(keys, b));
    Real x = loadReal(keys, a), y = loadReal(keys, b);
    return std::isnan(y) ? !std::isnan(x) : x < y;  // NaN is last; -0 and 0 are equal
  };
  // One row along dim after another.
  Index rows = keys.shape;
  std::int64_t length = rows[dim];
  rows[dim] = length > 0 ? 1 : 0;
  forEachIndex(rows, [&](const Index& start) {
    std::vector<std::int64_t> row, sorted;
    for (Index index = start; index[dim] < length; ++index[dim]) row.push_back(offsetOf(keys.shape, index));
    sorted = row;
    std::stable_sort(sorted.begin(), sorted.end(), before);
    for (auto [result, operand] : llvm::zip_equal(results, operands))
      for (auto [to, from] : llvm::zip_equal(row, sorted)) copyElement(result, to, *operand, from);
  });
  return results;
}

void addSort(Meanings& meanings) { define<ir::SortOp>(meanings, evaluateSort); }

}  // namespace skein::compiler::interp
