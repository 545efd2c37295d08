// Complex arithmetic and functions, from real parts.
#include <numbers>

#include "compiler/codegen/math.h"
#include "compiler/lowering/element.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

namespace skein::compiler {

using namespace mlir;

namespace {

struct Complex {
  Builder& b;

  Value add(Value x, Value y) { return arith::AddFOp::create(b, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(b, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(b, x, y); }
  Value div(Value x, Value y) { return arith::DivFOp::create(b, x, y); }
  Value neg(Value x) { return arith::NegFOp::create(b, x); }
  Value abs(Value x) { return math::AbsFOp::create(b, x); }
  Value less(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, x, y); }
  Value equal(Value x, Value y) { return arith::CmpFOp::create(b, arith::CmpFPredicate::OEQ, x, y); }
  Value select(Value c, Value x, Value y) { return arith::SelectOp::create(b, c, x, y); }
  Value fn(llvm::StringRef name, ValueRange x) { return math::emit(b, name, x); }
  Value real(Value shape, double value) {
    auto attr = FloatAttr::get(llvm::cast<FloatType>(getElementTypeOrSelf(shape.getType())), value);
    if (auto vec = llvm::dyn_cast<VectorType>(shape.getType())) return arith::ConstantOp::create(b, DenseElementsAttr::get(vec, attr));
    return arith::ConstantOp::create(b, attr);
  }

  Elem mul(Elem x, Elem y) { return {sub(mul(x.re, y.re), mul(x.im, y.im)), add(mul(x.re, y.im), mul(x.im, y.re))}; }

  /// Smith's algorithm (1962): scales by the larger part of the divisor.
  Elem div(Elem x, Elem y) {
    Value byIm = less(abs(y.re), abs(y.im));
    Value large = select(byIm, y.im, y.re), small = select(byIm, y.re, y.im);
    Value ratio = div(small, large);
    Value denominator = add(large, mul(small, ratio));
    Value p = select(byIm, x.im, x.re), q = select(byIm, x.re, x.im);
    Value re = div(add(p, mul(q, ratio)), denominator);
    Value swapped = div(sub(q, mul(p, ratio)), denominator);
    return {re, select(byIm, neg(swapped), swapped)};
  }

  /// Without overflow of the squares.
  Value hypot(Value x, Value y) {
    Value a = abs(x), c = abs(y);
    Value large = fn("max", {a, c}), small = fn("min", {a, c});
    Value ratio = div(small, large);
    Value length = mul(large, fn("sqrt", {add(real(x, 1), mul(ratio, ratio))}));
    length = select(equal(large, real(x, 0)), large, length);
    Value infinite = real(x, std::numeric_limits<double>::infinity());
    Value any = arith::OrIOp::create(b, equal(a, infinite), equal(c, infinite));
    return select(any, infinite, length);
  }

  Elem exp(Elem x) {
    Value size = fn("exp", {x.re});
    Value zero = real(x.re, 0);
    Value onAxis = equal(x.im, zero);
    return {mul(size, fn("cos", {x.im})), select(onAxis, x.im, mul(size, fn("sin", {x.im})))};
  }
  Elem log(Elem x) { return {fn("log", {hypot(x.re, x.im)}), fn("atan2", {x.im, x.re})}; }
  Elem sqrt(Elem x) {
    Value length = hypot(x.re, x.im), half = real(x.re, 0.5), zero = real(x.re, 0);
    Value t = fn("sqrt", {mul(half, add(length, abs(x.re)))});
    Value other = div(abs(x.im), add(t, t));
    Value isZero = equal(length, zero);
    Value right = arith::CmpFOp::create(b, arith::CmpFPredicate::OGE, x.re, zero);
    Value re = select(right, t, other), im = select(right, other, t);
    return {select(isZero, zero, re), math::CopySignOp::create(b, select(isZero, zero, im), x.im)};
  }
  Elem sin(Elem x) { return {mul(fn("sin", {x.re}), fn("cosh", {x.im})), mul(fn("cos", {x.re}), fn("sinh", {x.im}))}; }
  Elem cos(Elem x) { return {mul(fn("cos", {x.re}), fn("cosh", {x.im})), neg(mul(fn("sin", {x.re}), fn("sinh", {x.im})))}; }
  Elem sinh(Elem x) { return {mul(fn("sinh", {x.re}), fn("cos", {x.im})), mul(fn("cosh", {x.re}), fn("sin", {x.im}))}; }
  Elem cosh(Elem x) { return {mul(fn("cosh", {x.re}), fn("cos", {x.im})), mul(fn("sinh", {x.re}), fn("sin", {x.im}))}; }
  /// tanh(x + iy) = (tanh x (1 + tan^2 y) + i tan y (1 - tanh^2 x)) / (1 + tanh^2 x tan^2 y)
  Elem tanh(Elem x) {
    Value t = fn("tanh", {x.re}), u = fn("tan", {x.im}), one = real(x.re, 1);
    Value tt = mul(t, t), uu = mul(u, u);
    Value denominator = add(one, mul(tt, uu));
    Value c = fn("cosh", {x.re});
    Value sech2 = div(one, mul(c, c));
    return {div(mul(t, add(one, uu)), denominator), div(mul(u, sech2), denominator)};
  }
  Elem pow(Elem x, Elem y) {
    Value zero = real(x.re, 0), one = real(x.re, 1);
    Elem power = exp(mul(y, log(x)));
    auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(b, p, q); };
    Value baseZero = both(equal(x.re, zero), equal(x.im, zero)), exponentZero = both(equal(y.re, zero), equal(y.im, zero));
    Elem result{select(baseZero, zero, power.re), select(baseZero, zero, power.im)};
    return {select(exponentZero, one, result.re), select(exponentZero, zero, result.im)};
  }
};

}  // namespace

Elem emitComplex(Builder& b, Operation* op, llvm::ArrayRef<Elem> x) {
  Complex c{b};
  auto one = [&] { return Elem{c.real(x[0].re, 1), c.real(x[0].re, 0)}; };
  auto both = [&](Value p, Value q) -> Value { return arith::AndIOp::create(b, p, q); };
  auto finite = [&](Value v) { return c.less(c.abs(v), c.real(v, std::numeric_limits<double>::infinity())); };
  return llvm::TypeSwitch<Operation*, Elem>(op)
      .Case<ir::AddOp>([&](auto) { return Elem{c.add(x[0].re, x[1].re), c.add(x[0].im, x[1].im)}; })
      .Case<ir::SubOp>([&](auto) { return Elem{c.sub(x[0].re, x[1].re), c.sub(x[0].im, x[1].im)}; })
      .Case<ir::MulOp>([&](auto) { return c.mul(x[0], x[1]); })
      .Case<ir::DivOp>([&](auto) { return c.div(x[0], x[1]); })
      .Case<ir::PowOp>([&](auto) { return c.pow(x[0], x[1]); })
      .Case<ir::NegOp>([&](auto) { return Elem{c.neg(x[0].re), c.neg(x[0].im)}; })
      .Case<ir::ConjOp>([&](auto) { return Elem{x[0].re, c.neg(x[0].im)}; })
      .Case<ir::RealOp>([&](auto) { return Elem{x[0].re, {}}; })
      .Case<ir::ImagOp>([&](auto) { return Elem{x[0].im, {}}; })
      .Case<ir::ComplexOp>([&](auto) { return Elem{x[0].re, x[1].re}; })
      .Case<ir::AbsOp>([&](auto) { return Elem{c.hypot(x[0].re, x[0].im), {}}; })
      .Case<ir::SignOp>([&](auto) {
        Value length = c.hypot(x[0].re, x[0].im), zero = c.real(length, 0);
        Value isZero = c.equal(length, zero);
        return Elem{c.select(isZero, zero, c.div(x[0].re, length)), c.select(isZero, zero, c.div(x[0].im, length))};
      })
      .Case<ir::EqOp>([&](auto) { return Elem{both(c.equal(x[0].re, x[1].re), c.equal(x[0].im, x[1].im)), {}}; })
      .Case<ir::NeOp>([&](auto) {
        Value same = both(c.equal(x[0].re, x[1].re), c.equal(x[0].im, x[1].im));
        Value yes = arith::ConstantOp::create(b, llvm::isa<VectorType>(same.getType()) ? TypedAttr(DenseElementsAttr::get(llvm::cast<VectorType>(same.getType()), true)) : TypedAttr(b.getBoolAttr(true)));
        return Elem{arith::XOrIOp::create(b, same, yes), {}};
      })
      .Case<ir::IsFiniteOp>([&](auto) { return Elem{both(finite(x[0].re), finite(x[0].im)), {}}; })
      .Case<ir::ExpOp>([&](auto) { return c.exp(x[0]); })
      .Case<ir::Expm1Op>([&](auto) {
        // e^x cos y - 1 without cancellation: expm1(x) cos y + (cos y - 1), with cos y - 1 = -2 sin^2(y / 2)
        Value half = c.fn("sin", {c.mul(c.real(x[0].re, 0.5), x[0].im)});
        Value re = c.sub(c.mul(c.fn("expm1", {x[0].re}), c.fn("cos", {x[0].im})), c.mul(c.real(half, 2), c.mul(half, half)));
        return Elem{re, c.mul(c.fn("exp", {x[0].re}), c.fn("sin", {x[0].im}))};
      })
      .Case<ir::LogOp>([&](auto) { return c.log(x[0]); })
      .Case<ir::Log1pOp>([&](auto) {
        Elem shifted{c.add(x[0].re, c.real(x[0].re, 1)), x[0].im};
        // log|1 + z| = log1p(x (2 + x) + y^2) / 2
        Value size = c.add(c.mul(x[0].re, c.add(c.real(x[0].re, 2), x[0].re)), c.mul(x[0].im, x[0].im));
        return Elem{c.mul(c.real(size, 0.5), c.fn("log1p", {size})), c.fn("atan2", {shifted.im, shifted.re})};
      })
      .Case<ir::SqrtOp>([&](auto) { return c.sqrt(x[0]); })
      .Case<ir::RsqrtOp>([&](auto) { return c.div(one(), c.sqrt(x[0])); })
      .Case<ir::SinOp>([&](auto) { return c.sin(x[0]); })
      .Case<ir::CosOp>([&](auto) { return c.cos(x[0]); })
      .Case<ir::TanOp>([&](auto) {
        Elem turned = c.tanh({c.neg(x[0].im), x[0].re});  // tan z = -i tanh(i z)
        return Elem{turned.im, c.neg(turned.re)};
      })
      .Case<ir::SinhOp>([&](auto) { return c.sinh(x[0]); })
      .Case<ir::CoshOp>([&](auto) { return c.cosh(x[0]); })
      .Case<ir::TanhOp>([&](auto) { return c.tanh(x[0]); })
      .Case<ir::LogisticOp>([&](auto) {
        Elem e = c.exp({c.neg(x[0].re), c.neg(x[0].im)});
        return c.div(one(), {c.add(c.real(e.re, 1), e.re), e.im});
      })
      .Default([](Operation*) { return Elem{}; });
}

}  // namespace skein::compiler
