// The reduce family.
#include <limits>

#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

/// For each element of the result the positions of the elements that it is made of, in row-major order.
static std::vector<std::vector<std::int64_t>> members(const HostArray& operand, llvm::ArrayRef<std::int64_t> dims,
                                                      const HostArray& result) {
  std::vector<std::vector<std::int64_t>> lists(result.volume());
  std::int64_t at = 0;
  forEachIndex(operand.shape, [&](const Index& index) {
    Index kept;
    for (std::size_t i = 0; i < index.size(); ++i)
      if (!llvm::is_contained(dims, static_cast<std::int64_t>(i))) kept.push_back(index[i]);
    lists[offsetOf(result.shape, kept)].push_back(at++);
  });
  return lists;
}

static llvm::ArrayRef<std::int64_t> dimsOf(mlir::Operation* op) {
  return op->getAttrOfType<mlir::DenseI64ArrayAttr>("dims").asArrayRef();
}

/// Folds with a wider type than any dtype's, rounding once.
template <class T, class Wide, class Combine>
static void fold(HostArray& result, const HostArray& operand, llvm::ArrayRef<std::int64_t> dims, Wide identity,
                 Combine combine) {
  auto lists = members(operand, dims, result);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    Wide value = identity;
    for (std::int64_t at : lists[i]) value = combine(value, static_cast<Wide>(load<T>(operand, at)));
    store(result, i, static_cast<T>(value));
  }
}

template <bool product>
static Results evaluateSum(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  auto combine = [](auto a, auto b) {
    if constexpr (product)
      return static_cast<decltype(a)>(a * b);
    else
      return static_cast<decltype(a)>(a + b);
  };
  if (is_complex(result.dtype))
    fold<Complex>(result, *operands[0], dimsOf(op), std::complex<long double>(product), combine);
  else if (is_floating(result.dtype))
    fold<Real>(result, *operands[0], dimsOf(op), static_cast<long double>(product), combine);
  else
    fold<Integer>(result, *operands[0], dimsOf(op), static_cast<std::uint64_t>(product), combine);
  return {result};
}

template <bool greatest>
static Results evaluateExtreme(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  if (is_floating(result.dtype)) {
    Real infinity = std::numeric_limits<Real>::infinity();
    fold<Real>(result, *operands[0], dimsOf(op), greatest ? -infinity : infinity, [](Real a, Real b) {
      if (std::isnan(a) || std::isnan(b)) return std::numeric_limits<Real>::quiet_NaN();
      if (a == b) return std::signbit(a) == greatest ? b : a;  // 0 is greater than -0
      return (a > b) == greatest ? a : b;
    });
  } else {
    IntegerKind kind = kindOf(result.dtype);
    fold<Integer>(result, *operands[0], dimsOf(op), greatest ? kind.least() : kind.most(),
                  [&](Integer a, Integer b) { return kind.less(a, b) == greatest ? b : a; });
  }
  return {result};
}

static Results evaluateAnd(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  fold<Integer>(result, *operands[0], dimsOf(op), Integer(-1), [](Integer a, Integer b) { return a & b; });
  return {result};
}
static Results evaluateOr(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  fold<Integer>(result, *operands[0], dimsOf(op), Integer(0), [](Integer a, Integer b) { return a | b; });
  return {result};
}

/// The first of the best; a NaN is better than any number.
template <bool greatest>
static Results evaluateArg(mlir::Operation* op, Operands operands) {
  HostArray result = emptyResult(op);
  const HostArray& operand = *operands[0];
  auto better = [&](std::int64_t a, std::int64_t b) {
    if (!is_floating(operand.dtype)) {
      IntegerKind kind = kindOf(operand.dtype);
      Integer x = loadInteger(operand, a), y = loadInteger(operand, b);
      return greatest ? kind.less(y, x) : kind.less(x, y);
    }
    Real x = loadReal(operand, a), y = loadReal(operand, b);
    if (std::isnan(x) || std::isnan(y)) return !std::isnan(y);
    return greatest ? x > y : x < y;
  };
  auto lists = members(operand, dimsOf(op), result);
  for (std::int64_t i = 0; i < result.volume(); ++i) {
    std::size_t best = 0;
    for (std::size_t j = 1; j < lists[i].size(); ++j)
      if (better(lists[i][j], lists[i][best])) best = j;
    store(result, i, static_cast<Integer>(best));
  }
  return {result};
}

static Results evaluateMoments(mlir::Operation* op, Operands operands) {
  HostArray mean = emptyResult(op, 0), m2 = emptyResult(op, 1);
  auto lists = members(*operands[0], dimsOf(op), mean);
  for (std::int64_t i = 0; i < mean.volume(); ++i) {
    // Two passes: the plain definitions.
    long double sum = 0, squares = 0;
    for (std::int64_t at : lists[i]) sum += loadReal(*operands[0], at);
    long double average = sum / static_cast<long double>(lists[i].size());
    for (std::int64_t at : lists[i])
      squares += (loadReal(*operands[0], at) - average) * (loadReal(*operands[0], at) - average);
    store(mean, i, static_cast<Real>(average));
    store(m2, i, static_cast<Real>(squares));
  }
  return {mean, m2};
}

void addReduce(Meanings& meanings) {
  define<ir::ReduceSumOp>(meanings, evaluateSum<false>);
  define<ir::ReduceProdOp>(meanings, evaluateSum<true>);
  define<ir::ReduceMaxOp>(meanings, evaluateExtreme<true>);
  define<ir::ReduceMinOp>(meanings, evaluateExtreme<false>);
  define<ir::ReduceAndOp>(meanings, evaluateAnd);
  define<ir::ReduceOrOp>(meanings, evaluateOr);
  define<ir::ArgmaxOp>(meanings, evaluateArg<true>);
  define<ir::ArgminOp>(meanings, evaluateArg<false>);
  define<ir::MomentsOp>(meanings, evaluateMoments);
}

}  // namespace skein::compiler::interp
