// Derivatives of the elementwise family: the factor d(result)/d(operand) serves both modes. Formulas and their guards are JAX's.
#include <numbers>

#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

Value operand(Operation* op, unsigned i = 0) { return op->getOperand(i); }
Value result(Operation* op) { return op->getResult(0); }
Value one(Emitter& e, Value like) { return e.constant(like.getType(), 1); }
Value square(Emitter& e, Value x) { return e.mul(x, x); }
bool isComplex(Value v) { return llvm::isa<ComplexType>(arrayType(v).getElementType()); }

/// 1 instead of 0, where a quotient or a logarithm is multiplied by 0 anyway.
Value replaceZero(Emitter& e, Value x) { return e.select(e.eq(x, e.constant(x.getType(), 0)), one(e, x), x); }

/// The one value of a float constant, also where it is broadcast.
std::optional<double> splatOf(Value v) {
  while (Operation* op = v.getDefiningOp()) {
    if (auto constant = llvm::dyn_cast<ConstantOp>(op)) {
      auto value = llvm::dyn_cast<DenseElementsAttr>(constant.getValue());
      if (!value || !value.isSplat() || !llvm::isa<FloatType>(value.getElementType())) return std::nullopt;
      APFloat number = value.getSplatValue<APFloat>();
      bool lost;
      number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven, &lost);
      return number.convertToDouble();
    }
    if (!llvm::isa<BroadcastOp, ReshapeOp, PvaryOp>(op)) return std::nullopt;
    v = op->getOperand(0);
  }
  return std::nullopt;
}

template <class Op>
void factors(Rules& rules, std::initializer_list<Factor> list) {
  rules[Op::getOperationName()].factors.assign(list.begin(), list.end());
}

/// The derivative by a power's base; exponents are often constants.
Value powerBase(Emitter& e, Operation* op, Value v) {
  Value x = operand(op, 0), y = operand(op, 1);
  if (auto n = splatOf(y)) {
    if (*n == 0) return {};
    if (*n == 1) return v;
    if (*n == 2) return e.mul(v, e.scale(x, 2));
    return e.mul(v, e.scale(e.make<PowOp>(x, e.constant(y.getType(), *n - 1)), *n));
  }
  Value zero = e.eq(y, e.constant(y.getType(), 0));
  Value safe = e.select(zero, one(e, y), y);
  Value slope = e.mul(safe, e.make<PowOp>(x, e.sub(safe, one(e, y))));
  return e.mul(v, e.select(zero, e.constant(y.getType(), 0), slope));
}

/// Of the two operands of maximum or minimum, the one that is the result gets all; equal ones share.
template <unsigned i>
Value extreme(Emitter& e, Operation* op, Value v) {
  Value taken = e.eq(operand(op, i), result(op)), tie = e.eq(operand(op, 1 - i), result(op));
  return e.where(taken, e.select(tie, e.scale(v, 0.5), v));
}

void addSmoothFunctions(Rules& rules) {
  factors<NegOp>(rules, {[](Emitter& e, Operation*, Value v) { return e.neg(v); }});
  factors<ExpOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, result(op)); }});
  factors<Exp2Op>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.scale(result(op), std::numbers::ln2)); }});
  factors<Expm1Op>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.add(result(op), one(e, v))); }});
  factors<LogOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, operand(op)); }});
  factors<Log2Op>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, e.scale(operand(op), std::numbers::ln2)); }});
  factors<Log10Op>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, e.scale(operand(op), std::numbers::ln10)); }});
  factors<Log1pOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, e.add(operand(op), one(e, v))); }});
  factors<SqrtOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.div(e.constant(v.getType(), 0.5), result(op))); }});
  factors<RsqrtOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.scale(e.div(result(op), operand(op)), -0.5)); }});
  factors<CbrtOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.div(e.constant(v.getType(), 1.0 / 3), square(e, result(op)))); }});
  factors<LogisticOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.mul(result(op), e.sub(one(e, v), result(op)))); }});

  factors<SinOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<CosOp>(operand(op))); }});
  factors<CosOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.neg(e.mul(v, e.make<SinOp>(operand(op)))); }});
  factors<TanOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.add(one(e, v), square(e, result(op)))); }});
  factors<AsinOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<RsqrtOp>(e.sub(one(e, v), square(e, operand(op))))); }});
  factors<AcosOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.neg(e.mul(v, e.make<RsqrtOp>(e.sub(one(e, v), square(e, operand(op)))))); }});
  factors<AtanOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, e.add(one(e, v), square(e, operand(op)))); }});
  factors<SinhOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<CoshOp>(operand(op))); }});
  factors<CoshOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<SinhOp>(operand(op))); }});
  factors<TanhOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(e.add(v, e.mul(v, result(op))), e.sub(one(e, v), result(op))); }});
  factors<AsinhOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<RsqrtOp>(e.add(square(e, operand(op)), one(e, v)))); }});
  factors<AcoshOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                     Value x = operand(op);
                     return e.mul(v, e.make<RsqrtOp>(e.mul(e.sub(x, one(e, x)), e.add(x, one(e, x)))));
                   }});
  factors<AtanhOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                     Value x = operand(op);
                     return e.div(e.div(v, e.add(one(e, x), x)), e.sub(one(e, x), x));
                   }});

  factors<ErfOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                   return e.mul(v, e.scale(e.make<ExpOp>(e.neg(square(e, operand(op)))), 2 * std::numbers::inv_sqrtpi));
                 }});
  factors<ErfcOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                    return e.mul(v, e.scale(e.make<ExpOp>(e.neg(square(e, operand(op)))), -2 * std::numbers::inv_sqrtpi));
                  }});
  factors<ErfInvOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                      return e.mul(v, e.scale(e.make<ExpOp>(square(e, result(op))), 0.5 / std::numbers::inv_sqrtpi));
                    }});
  factors<LgammaOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, e.make<DigammaOp>(operand(op))); }});
}

void addArithmetic(Rules& rules) {
  Factor same = [](Emitter&, Operation*, Value v) { return v; };
  factors<AddOp>(rules, {same, same});
  factors<SubOp>(rules, {same, [](Emitter& e, Operation*, Value v) { return e.neg(v); }});
  factors<MulOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, operand(op, 1)); },
                         [](Emitter& e, Operation* op, Value v) { return e.mul(operand(op, 0), v); }});
  factors<DivOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.div(v, operand(op, 1)); },
                         [](Emitter& e, Operation* op, Value v) { return e.neg(e.div(e.mul(v, result(op)), operand(op, 1))); }});
  factors<RemOp>(rules, {same, [](Emitter& e, Operation* op, Value v) {
                           // x rem y is x - n y, with n a whole number.
                           Value n = e.make<RoundOp>(e.div(e.sub(operand(op, 0), result(op)), operand(op, 1)));
                           return e.neg(e.mul(v, n));
                         }});
  factors<PowOp>(rules, {powerBase, [](Emitter& e, Operation* op, Value v) {
                           return e.mul(v, e.mul(e.make<LogOp>(replaceZero(e, operand(op, 0))), result(op)));
                         }});
  factors<Atan2Op>(rules, {[](Emitter& e, Operation* op, Value v) {
                             return e.mul(v, e.div(operand(op, 1), e.add(square(e, operand(op, 0)), square(e, operand(op, 1)))));
                           },
                           [](Emitter& e, Operation* op, Value v) {
                             return e.neg(e.mul(v, e.div(operand(op, 0), e.add(square(e, operand(op, 0)), square(e, operand(op, 1))))));
                           }});
  factors<MaximumOp>(rules, {extreme<0>, extreme<1>});
  factors<MinimumOp>(rules, {extreme<0>, extreme<1>});
  factors<CopysignOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                                Value from = e.make<CopysignOp>(one(e, v), operand(op, 0)), to = e.make<CopysignOp>(one(e, v), operand(op, 1));
                                return e.mul(v, e.mul(from, to));
                              },
                              nullptr});
  factors<ClampOp>(rules, {[](Emitter& e, Operation* op, Value v) {
                             Value low = operand(op, 0), x = operand(op, 1), high = operand(op, 2);
                             return e.where(e.make<AndOp>(e.make<GtOp>(low, x), e.make<LtOp>(low, high)), v);
                           },
                           [](Emitter& e, Operation* op, Value v) {
                             Value low = operand(op, 0), x = operand(op, 1), high = operand(op, 2);
                             return e.where(e.make<AndOp>(e.make<GtOp>(x, low), e.make<LtOp>(x, high)), v);
                           },
                           [](Emitter& e, Operation* op, Value v) { return e.where(e.make<LtOp>(operand(op, 2), operand(op, 1)), v); }});
  factors<FmaOp>(rules, {[](Emitter& e, Operation* op, Value v) { return e.mul(v, operand(op, 1)); },
                         [](Emitter& e, Operation* op, Value v) { return e.mul(operand(op, 0), v); }, same});
}

// ---- select, convert and complex numbers: the map of cotangents is not that of tangents ----

LogicalResult pushSelect(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Value zero = tangents[1] && tangents[2] ? Value() : e.constant(result(op).getType(), 0);
  results[0] = e.select(operand(op), tangents[1] ? tangents[1] : zero, tangents[2] ? tangents[2] : zero);
  return success();
}
LogicalResult pullSelect(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value zero = e.constant(cotangents[0].getType(), 0);
  if (accounts.wants(operand(op, 1))) accounts.add(e, operand(op, 1), e.select(operand(op), cotangents[0], zero));
  if (accounts.wants(operand(op, 2))) accounts.add(e, operand(op, 2), e.select(operand(op), zero, cotangents[0]));
  return success();
}

LogicalResult pullConvert(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value ct = cotangents[0];
  if (isComplex(ct) && !isComplex(operand(op))) ct = e.make<RealOp>(ct);
  accounts.add(e, operand(op), e.convert(ct, arrayType(operand(op)).getElementType()));
  return success();
}

Value complexOf(Emitter& e, Value real) { return e.make<ComplexOp>(real, e.constant(real.getType(), 0)); }

LogicalResult pullReal(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, operand(op), complexOf(e, cotangents[0]));
  return success();
}
LogicalResult pullImag(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, operand(op), e.make<ComplexOp>(e.constant(cotangents[0].getType(), 0), e.neg(cotangents[0])));
  return success();
}
LogicalResult pullConj(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  accounts.add(e, operand(op), e.make<ConjOp>(cotangents[0]));
  return success();
}

LogicalResult pushComplex(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Value zero = tangents[0] && tangents[1] ? Value() : e.constant(operand(op).getType(), 0);
  results[0] = e.make<ComplexOp>(tangents[0] ? tangents[0] : zero, tangents[1] ? tangents[1] : zero);
  return success();
}
LogicalResult pullComplex(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  if (accounts.wants(operand(op, 0))) accounts.add(e, operand(op, 0), e.make<RealOp>(cotangents[0]));
  if (accounts.wants(operand(op, 1))) accounts.add(e, operand(op, 1), e.neg(e.make<ImagOp>(cotangents[0])));
  return success();
}

/// conj(z) / abs(z)
Value direction(Emitter& e, Operation* op) {
  return e.div(e.make<ConjOp>(operand(op)), complexOf(e, replaceZero(e, result(op))));
}
Value alongSign(Emitter& e, Operation* op, Value v) {
  return e.select(e.make<GeOp>(operand(op), e.constant(operand(op).getType(), 0)), v, e.neg(v));
}
LogicalResult pushAbs(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  results[0] = isComplex(operand(op)) ? e.make<RealOp>(e.mul(tangents[0], direction(e, op))) : alongSign(e, op, tangents[0]);
  return success();
}
LogicalResult pullAbs(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value ct = cotangents[0];
  accounts.add(e, operand(op), isComplex(operand(op)) ? e.mul(complexOf(e, ct), direction(e, op)) : alongSign(e, op, ct));
  return success();
}

LogicalResult noTrigamma(Emitter& e) { return e.emitError("digamma has no derivative: there is no trigamma; lgamma can be derived once"); }
LogicalResult pushDigamma(Emitter& e, Operation*, llvm::ArrayRef<Value>, Values&) { return noTrigamma(e); }
LogicalResult pullDigamma(Emitter& e, Operation*, llvm::ArrayRef<Value>, Accounts&) { return noTrigamma(e); }

}  // namespace

void addElementwiseRules(Rules& rules) {
  addSmoothFunctions(rules);
  addArithmetic(rules);
  addRule<AbsOp>(rules, pushAbs, pullAbs);
  addRule<SelectOp>(rules, pushSelect, pullSelect);
  addRule<ConvertOp>(rules, pushLinear, pullConvert);
  addRule<RealOp>(rules, pushLinear, pullReal);
  addRule<ImagOp>(rules, pushLinear, pullImag);
  addRule<ConjOp>(rules, pushLinear, pullConj);
  addRule<ComplexOp>(rules, pushComplex, pullComplex);
  addRule<DigammaOp>(rules, pushDigamma, pullDigamma);
  addZeroRules<SignOp, FloorOp, CeilOp, TruncOp, RoundOp, RoundEvenOp, IsFiniteOp, NextafterOp, BitcastOp>(rules);
  addZeroRules<EqOp, NeOp, LtOp, LeOp, GtOp, GeOp, NotOp, PopcntOp, ClzOp, AndOp, OrOp, XorOp, ShlOp, ShrArithmeticOp, ShrLogicalOp>(rules);
  addZeroRules<ThreefryOp>(rules);
}

}  // namespace skein::ir
