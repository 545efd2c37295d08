// Reciprocal square root and cube root.
#include "compiler/codegen/math_lanes.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler::math {

// One step of Newton's method from the processor's estimate, which is exact for 0, infinity and what has no root: there
// the step's error term is no number, and the estimate stays.
Num emitRsqrt(Num x) {
  const Lanes& lanes = *x.lanes;
  if (lanes.isDouble() || !lanes.target.avx512) return 1 / sqrt(x);
  if (!hasExponentInstructions(lanes)) {
    // The same bits for a scalar or a short vector as for a lane of a whole register.
    mlir::ImplicitLocOpBuilder& b = lanes.b;
    int64_t have = std::max<int64_t>(lanes.width, 1), whole = (have + 15) / 16 * 16;
    Lanes wide{b, lanes.element, whole, lanes.target};
    if (!lanes.width) {
      Num all{&wide, mlir::vector::BroadcastOp::create(b, llvm::cast<mlir::VectorType>(wide.numType()), x.value)};
      return {&lanes, mlir::vector::ExtractOp::create(b, emitRsqrt(all).value, llvm::ArrayRef<int64_t>{0})};
    }
    llvm::SmallVector<int64_t> padded, first;
    for (int64_t lane = 0; lane < whole; ++lane) padded.push_back(std::min(lane, have - 1));
    for (int64_t lane = 0; lane < have; ++lane) first.push_back(lane);
    Num all{&wide, mlir::vector::ShuffleOp::create(b, x.value, x.value, padded)};
    mlir::Value roots = emitRsqrt(all).value;
    return {&lanes, mlir::vector::ShuffleOp::create(b, roots, roots, first)};
  }
  Num estimate = rootEstimate(x);
  Num error = fma(-(x * estimate), estimate, 1);
  Num better = fma(estimate * 0.5, error, estimate);
  return select(error == error, better, estimate);
}

// |x| = 2^(3k) m with m in [1, 8): a polynomial for the cube root, then one step of Halley's method, of third order.
Num emitCbrt(Num x) {
  const Lanes& lanes = *x.lanes;
  int bits = lanes.mantissaBits();
  Num a = abs(x);
  Mask subnormal = a < (x.isDouble() ? 0x1p-1022 : 0x1p-126);
  Int whole = bitsOf(select(subnormal, a * (x.isDouble() ? 0x1p54 : 0x1p24), a));
  Int exponent = (whole >> bits) + (x.isDouble() ? 0 : 2);  // the bias is then a multiple of 3
  Int third = (exponent * 43691) >> 17;
  Int rest = exponent - third * 3;
  Num mantissa = fromBits((whole & ((int64_t(1) << bits) - 1)) + (int64_t(lanes.bias()) << bits));
  Num root = polynomial(mantissa, {0x1.c9df4cp-2, 0x1.e673bp-1, -0x1.5515c2p-1, 0x1.8a9dc6p-2, -0x1.27e174p-3,
                                   0x1.fa58p-6, -0x1.76d3b8p-9});
  Num ofRest =
      select(rest == 0, num(x, 1), select(rest == 1, num(x, 0x1.428a2f98d728bp0), num(x, 0x1.965fea53d6e3dp0)));
  Num t = root * ofRest;
  Num m = fromBits(bitsOf(mantissa) + (rest << bits));
  Num square = t * t;
  Num error = fma(square, t, -m), cube = square * t;
  Num better = t - t * error / (2 * cube + m);
  Int power =
      third - (x.isDouble() ? 341 : 43) - select(subnormal, integer(lanes, x.isDouble() ? 18 : 8), integer(lanes, 0));
  Num value = better * powerOfTwo(power);
  return copysign(select((a > 0) & (a < infinity(a)), value, a), x);
}

}  // namespace skein::compiler::math
