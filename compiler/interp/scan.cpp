// The scan family.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

static Results evaluateCumulative(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray& operand = *operands[0];
  auto cumulative = llvm::cast<ir::CumulativeOp>(op);
  auto dim = static_cast<std::int64_t>(cumulative.getDim());
  llvm::StringRef kind = cumulative.getKind();
  Index rows = operand.shape;
  const std::int64_t length = rows[dim];
  rows[dim] = length > 0 ? 1 : 0;
  forEachIndex(rows, [&](const Index& start) {
    // Totals are kept wide, and rounded where they are stored.
    auto run = [&](auto total, auto combine) {
      using T = decltype(total);
      for (std::int64_t k = 0; k < length; ++k) {
        Index at = start;
        at[dim] = cumulative.getReverse() ? length - 1 - k : k;
        const std::int64_t offset = offsetOf(operand.shape, at);
        T element = load<T>(operand, offset);
        total = k == 0 ? element : combine(total, element);
        store(result, offset, total);
      }
    };
    if (kind == "sum" || kind == "prod") {
      auto combine = [&](auto a, auto b) { return static_cast<decltype(a)>(kind == "sum" ? a + b : a * b); };
      if (is_complex(operand.dtype)) return run(Complex(), combine);
      if (is_floating(operand.dtype)) return run(Real(), combine);
      return run(Integer(), combine);
    }
    const bool greatest = kind == "max";
    if (is_floating(operand.dtype))
      return run(Real(), [&](Real a, Real b) { return std::isnan(a) || (!std::isnan(b) && (greatest ? a >= b : a <= b)) ? a : b; });
    IntegerKind order = kindOf(operand.dtype);
    run(Integer(), [&](Integer a, Integer b) { return order.less(a, b) == greatest ? b : a; });
  });
  return {result};
}

void addScan(Meanings& meanings) { define<ir::CumulativeOp>(meanings, evaluateCumulative); }

}  // namespace skein::compiler::interp
