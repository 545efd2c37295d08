// Derivatives of the fft family: linear ops. A cotangent c of a complex value z pairs with a tangent t as Re(sum(c t)), without a
// conjugate, so that complex transforms, whose matrices are symmetric, are their own transposes.
#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

/// Along the last dimension, of the n / 2 + 1 numbers that stand for n: those that stand for themselves alone times `alone`, the
/// others, which stand for their conjugates too, times `twice`.
Value scaleHalf(Emitter& e, Value v, int64_t n, double alone, double twice) {
  auto type = arrayType(v);
  Dims shape(type.getShape());
  Type number = e.getI32Type();
  Value place = e.make<IotaOp>(shape, number, static_cast<uint64_t>(type.getRank() - 1));
  Value single = e.eq(place, e.integer(place.getType(), 0));
  if (n % 2 == 0) single = e.make<OrOp>(single, e.eq(place, e.integer(place.getType(), n / 2)));
  return e.mul(v, e.select(single, e.constant(type, alone), e.constant(type, twice)));
}

LogicalResult pullFft(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<FftOp>(any);
  Value ct = cotangents[0];
  llvm::StringRef kind = op.getKind();
  Dims lengths(op.getLengths());
  double count = 1;
  for (int64_t length : lengths) count *= static_cast<double>(length);
  if (kind == "rfft") {
    // Re(sum over k <= n / 2 of c_k w^jk), w = exp(-2 pi i / n): the irfft of conj(c), whose terms but the first and the middle one
    // irfft counts twice.
    Value scaled = scaleHalf(e, e.make<ConjOp>(ct), lengths.back(), count, count / 2);
    accounts.add(e, op.getOperand(), e.make<FftOp>(scaled, llvm::StringRef("irfft"), lengths));
  } else if (kind == "irfft") {
    Value sums = e.make<ConjOp>(e.make<FftOp>(ct, llvm::StringRef("rfft"), lengths));
    accounts.add(e, op.getOperand(), scaleHalf(e, sums, lengths.back(), 1 / count, 2 / count));
  } else {
    accounts.add(e, op.getOperand(), e.make<FftOp>(ct, kind, lengths));
  }
  return success();
}

}  // namespace

void addFftRules(Rules& rules) { addRule<FftOp>(rules, pushLinear, pullFft); }

}  // namespace skein::ir
