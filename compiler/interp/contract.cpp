// The contract family.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

static Index free(std::size_t rank, llvm::ArrayRef<std::int64_t> batch, llvm::ArrayRef<std::int64_t> contract) {
  Index dims;
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(rank); ++i)
    if (!llvm::is_contained(batch, i) && !llvm::is_contained(contract, i)) dims.push_back(i);
  return dims;
}

static Results evaluateDotGeneral(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto dot = llvm::cast<ir::DotGeneralOp>(op);
  const HostArray &lhs = *operands[0], &rhs = *operands[1];
  Index lhsFree = free(lhs.shape.size(), dot.getLhsBatch(), dot.getLhsContract());
  Index rhsFree = free(rhs.shape.size(), dot.getRhsBatch(), dot.getRhsContract());
  Index contracted;
  for (std::int64_t dim : dot.getLhsContract()) contracted.push_back(lhs.shape[dim]);

  std::int64_t to = 0;
  forEachIndex(result.shape, [&](const Index& index) {
    Index left(lhs.shape.size()), right(rhs.shape.size());
    auto next = index.begin();
    for (auto [l, r] : llvm::zip_equal(dot.getLhsBatch(), dot.getRhsBatch())) left[l] = right[r] = *next++;
    for (std::int64_t dim : lhsFree) left[dim] = *next++;
    for (std::int64_t dim : rhsFree) right[dim] = *next++;

    std::complex<long double> complexSum = 0;
    long double realSum = 0;
    std::uint64_t integerSum = 0;  // wraps around
    forEachIndex(contracted, [&](const Index& inner) {
      for (auto [l, r, i] : llvm::zip_equal(dot.getLhsContract(), dot.getRhsContract(), inner)) left[l] = right[r] = i;
      std::int64_t a = offsetOf(lhs.shape, left), b = offsetOf(rhs.shape, right);
      if (is_complex(result.dtype))
        complexSum += std::complex<long double>(loadComplex(lhs, a)) * std::complex<long double>(loadComplex(rhs, b));
      else if (is_floating(result.dtype))
        realSum += static_cast<long double>(loadReal(lhs, a)) * loadReal(rhs, b);
      else if (is_bool(result.dtype))
        integerSum |= static_cast<std::uint64_t>(loadInteger(lhs, a) & loadInteger(rhs, b));
      else
        integerSum += static_cast<std::uint64_t>(loadInteger(lhs, a)) * static_cast<std::uint64_t>(loadInteger(rhs, b));
    });
    if (is_complex(result.dtype))
      store(result, to++, Complex(complexSum));
    else if (is_floating(result.dtype))
      store(result, to++, static_cast<Real>(realSum));
    else
      store(result, to++, static_cast<Integer>(integerSum));
  });
  return {result};
}

void addContract(Meanings& meanings) { define<ir::DotGeneralOp>(meanings, evaluateDotGeneral); }

}  // namespace skein::compiler::interp
