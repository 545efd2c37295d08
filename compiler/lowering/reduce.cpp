// The reduce family: how runs and totals accumulate, and reductions inlined into an element.
#include "compiler/codegen/math.h"
#include "compiler/lowering/reduction.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

Reduction::Reduction(ElementEmitter& emitter, Operation* op) : op(op), e(emitter), b(emitter.b) {
  element = arrayType(op->getOperand(0)).getElementType();
  kind = llvm::TypeSwitch<Operation*, Kind>(op)
             .Case<ir::ReduceSumOp>([](auto) { return Kind::Sum; })
             .Case<ir::ReduceProdOp>([](auto) { return Kind::Prod; })
             .Case<ir::ReduceMaxOp>([](auto) { return Kind::Max; })
             .Case<ir::ReduceMinOp>([](auto) { return Kind::Min; })
             .Case<ir::ReduceAndOp>([](auto) { return Kind::And; })
             .Case<ir::ReduceOrOp>([](auto) { return Kind::Or; })
             .Case<ir::ArgmaxOp>([](auto) { return Kind::Argmax; })
             .Case<ir::ArgminOp>([](auto) { return Kind::Argmin; })
             .Default([](auto) { return Kind::Moments; });
  is_float = llvm::isa<FloatType>(element);
  is_complex = llvm::isa<ComplexType>(element);
  is_unsigned = element.isUnsignedInteger() || element.isInteger(1);
  runElement = signless(element);
  if (is_float && runElement.getIntOrFloatBitWidth() == 16) runElement = b.getF32Type();
}

llvm::SmallVector<Type, 2> Reduction::runTypes(int64_t lanes, bool wide) {
  auto shaped = [&](Type t) -> Type {
    if (wide && kind == Kind::Sum && t.isF32()) t = b.getF64Type();
    return lanes ? Type(VectorType::get(lanes, t)) : t;
  };
  if (kind == Kind::Argmax || kind == Kind::Argmin) return {shaped(runElement), shaped(b.getI64Type())};
  if (kind == Kind::Moments || is_complex) return {shaped(runElement), shaped(runElement)};
  return {shaped(runElement)};
}

bool Reduction::compensated() const { return kind == Kind::Sum && runElement.isF64(); }

/// The sum of two numbers, and what it lost (Knuth, 4.2.2): exact together.
static std::pair<Value, Value> exactSum(Builder& b, Value x, Value y) {
  Value sum = arith::AddFOp::create(b, x, y);
  Value second = arith::SubFOp::create(b, sum, x), first = arith::SubFOp::create(b, sum, second);
  return {sum, arith::AddFOp::create(b, arith::SubFOp::create(b, x, first), arith::SubFOp::create(b, y, second))};
}

/// Adds numbers (with what they lost, or without) to a total of sums, then what each of them has lost.
static Reduction::Values addExactly(Builder& b, llvm::ArrayRef<Value> total, llvm::ArrayRef<Value> more) {
  const size_t parts = total.size() / 2;
  Reduction::Values result(total);
  for (size_t i = 0; i < parts; ++i) {
    auto [sum, lost] = exactSum(b, total[i], more[i]);
    if (more.size() == total.size()) lost = arith::AddFOp::create(b, lost, more[parts + i]);
    result[i] = sum;
    result[parts + i] = arith::AddFOp::create(b, total[parts + i], lost);
  }
  return result;
}

llvm::SmallVector<Type, 2> Reduction::totalTypes() {
  Type wide = kind == Kind::Sum && (is_float || is_complex) ? Type(b.getF64Type()) : runElement;
  if (compensated()) return llvm::SmallVector<Type, 2>(is_complex ? 4 : 2, wide);
  if (kind == Kind::Moments) return {b.getF64Type(), b.getF64Type()};
  if (kind == Kind::Argmax || kind == Kind::Argmin) return {runElement, b.getI64Type()};
  if (is_complex) return {wide, wide};
  return {wide};
}

static Value constantOf(Builder& b, Type type, double value, int64_t integer) {
  Type scalar = getElementTypeOrSelf(type);
  TypedAttr attr = llvm::isa<FloatType>(scalar) ? TypedAttr(FloatAttr::get(scalar, value))
                                                : TypedAttr(b.getIntegerAttr(scalar, APInt(scalar.getIntOrFloatBitWidth(), integer, true, true)));
  if (auto vec = llvm::dyn_cast<VectorType>(type)) return arith::ConstantOp::create(b, DenseElementsAttr::get(vec, Attribute(attr)));
  return arith::ConstantOp::create(b, attr);
}

Reduction::Values Reduction::start(int64_t lanes, bool wide) {
  auto types = runTypes(lanes, wide);
  double infinity = std::numeric_limits<double>::infinity();
  unsigned width = runElement.getIntOrFloatBitWidth();
  uint64_t all = width == 64 ? ~uint64_t(0) : (uint64_t(1) << width) - 1;
  int64_t least = is_unsigned ? 0 : static_cast<int64_t>(~(all >> 1)), greatest = static_cast<int64_t>(is_unsigned ? all : all >> 1);
  switch (kind) {
    case Kind::Prod: {
      Values run{constantOf(b, types[0], 1, 1)};
      if (is_complex) run.push_back(constantOf(b, types[1], 0, 0));
      return run;
    }
    case Kind::Max: return {constantOf(b, types[0], -infinity, least)};
    case Kind::Min: return {constantOf(b, types[0], infinity, greatest)};
    case Kind::And: return {constantOf(b, types[0], 0, -1)};
    case Kind::Argmax: return {constantOf(b, types[0], -infinity, least), constantOf(b, types[1], 0, INT64_MAX)};
    case Kind::Argmin: return {constantOf(b, types[0], infinity, greatest), constantOf(b, types[1], 0, INT64_MAX)};
    default: {
      Values run;
      for (Type type : types) run.push_back(constantOf(b, type, 0, 0));
      return run;
    }
  }
}

/// Whether (x, xi) is to be preferred to (y, yi): the greater (least), NaN before all, the first of equals.
Value Reduction::better(Value x, Value xi, Value y, Value yi) {
  Value beats, equal;
  bool greatest = kind == Kind::Argmax;
  if (is_float) {
    using P = arith::CmpFPredicate;
    Value xNan = arith::CmpFOp::create(b, P::UNO, x, x), yNan = arith::CmpFOp::create(b, P::UNO, y, y);
    Value yNumber = arith::CmpFOp::create(b, P::ORD, y, y);
    beats = arith::OrIOp::create(b, arith::CmpFOp::create(b, greatest ? P::OGT : P::OLT, x, y), arith::AndIOp::create(b, xNan, yNumber));
    equal = arith::OrIOp::create(b, arith::CmpFOp::create(b, P::OEQ, x, y), arith::AndIOp::create(b, xNan, yNan));
  } else {
    using P = arith::CmpIPredicate;
    P predicate = greatest ? (is_unsigned ? P::ugt : P::sgt) : (is_unsigned ? P::ult : P::slt);
    beats = arith::CmpIOp::create(b, predicate, x, y);
    equal = arith::CmpIOp::create(b, P::eq, x, y);
  }
  Value earlier = arith::CmpIOp::create(b, arith::CmpIPredicate::slt, xi, yi);
  return arith::OrIOp::create(b, beats, arith::AndIOp::create(b, equal, earlier));
}

Reduction::Values Reduction::merge(llvm::ArrayRef<Value> x, llvm::ArrayRef<Value> y) {
  auto add = [&](Value p, Value q) -> Value { return llvm::isa<FloatType>(getElementTypeOrSelf(p.getType())) ? Value(arith::AddFOp::create(b, p, q, arith::FastMathFlags::contract)) : Value(arith::AddIOp::create(b, p, q)); };
  switch (kind) {
    case Kind::Sum:
    case Kind::Moments: {
      Values sum;
      for (auto [p, q] : llvm::zip(x, y)) sum.push_back(add(p, q));
      return sum;
    }
    case Kind::Prod:
      if (is_complex) {
        auto mul = [&](Value p, Value q) -> Value { return arith::MulFOp::create(b, p, q); };
        return {arith::SubFOp::create(b, mul(x[0], y[0]), mul(x[1], y[1])), add(mul(x[0], y[1]), mul(x[1], y[0]))};
      }
      return {is_float ? Value(arith::MulFOp::create(b, x[0], y[0])) : Value(arith::MulIOp::create(b, x[0], y[0]))};
    case Kind::Max:
      if (is_float) return {math::emit(b, "max", {x[0], y[0]})};
      return {is_unsigned ? Value(arith::MaxUIOp::create(b, x[0], y[0])) : Value(arith::MaxSIOp::create(b, x[0], y[0]))};
    case Kind::Min:
      if (is_float) return {math::emit(b, "min", {x[0], y[0]})};
      return {is_unsigned ? Value(arith::MinUIOp::create(b, x[0], y[0])) : Value(arith::MinSIOp::create(b, x[0], y[0]))};
    case Kind::And: return {arith::AndIOp::create(b, x[0], y[0])};
    case Kind::Or: return {arith::OrIOp::create(b, x[0], y[0])};
    case Kind::Argmax:
    case Kind::Argmin: {
      Value first = better(x[0], x[1], y[0], y[1]);
      return {arith::SelectOp::create(b, first, x[0], y[0]), arith::SelectOp::create(b, first, x[1], y[1])};
    }
  }
  return {};
}

Reduction::Values Reduction::sumOf(llvm::ArrayRef<Elem> terms, bool lanes) {
  if (terms.size() == 1) return step(start(lanes ? e.width : 0), terms[0], {}, {});
  const size_t half = terms.size() / 2;
  return merge(sumOf(terms.take_front(half), lanes), sumOf(terms.drop_front(half), lanes));
}

Value Reduction::splat(Value scalar, Value shape) {
  if (auto vec = llvm::dyn_cast<VectorType>(shape.getType()); vec && !llvm::isa<VectorType>(scalar.getType())) return vectorOf(b, scalar, vec.getNumElements());
  return scalar;
}

/// `then` where v is finite (v itself if none is given), else `other` (0 if none is given).
static Value finiteOr(Builder& b, Value v, Value other, Value then = {}) {
  Value infinity = constantOf(b, v.getType(), std::numeric_limits<double>::infinity(), 0);
  Value finite = arith::CmpFOp::create(b, arith::CmpFPredicate::OLT, math::AbsFOp::create(b, v), infinity);
  return arith::SelectOp::create(b, finite, then ? then : v, other ? other : constantOf(b, v.getType(), 0, 0));
}

static Value onlyNotFinite(Builder& b, Value v) { return finiteOr(b, v, v, constantOf(b, v.getType(), 0, 0)); }

static int64_t lanesOf(Value v) {
  auto vec = llvm::dyn_cast<VectorType>(v.getType());
  return vec ? vec.getNumElements() : 0;
}

/// The lanes from `first` on of a vector, or of two behind each other.
static Value lanesFrom(Builder& b, Value v, Value behind, int64_t first, int64_t count) {
  llvm::SmallVector<int64_t> which;
  for (int64_t l = 0; l < count; ++l) which.push_back(first + l);
  return vector::ShuffleOp::create(b, v, behind, which);
}

Reduction::Values Reduction::fitted(Values x, int64_t lanes) {
  for (int64_t have = lanesOf(x[0]); have > lanes; have /= 2) {
    Values low, high;
    for (Value v : x) {
      low.push_back(lanesFrom(b, v, v, 0, have / 2));
      high.push_back(lanesFrom(b, v, v, have / 2, have / 2));
    }
    x = merge(low, high);
  }
  for (int64_t have = lanesOf(x[0]); have < lanes; have *= 2) {
    Values nothing = start(have);
    for (auto [v, none] : llvm::zip(x, nothing)) v = lanesFrom(b, v, none, 0, 2 * have);
  }
  return x;
}

Reduction::Values Reduction::step(llvm::ArrayRef<Value> run, Elem x, Value index, llvm::ArrayRef<Value> total, Value mask) {
  const int64_t lanes = lanesOf(run[0]), width = lanes ? e.width : 0;
  auto shaped = [&](Value v) { return width && !lanesOf(v) ? vectorOf(b, v, width) : v; };
  Value v = x.re;
  if (is_float && v.getType() != runElement && getElementTypeOrSelf(v.getType()) != runElement) v = convertFloat(b, v, llvm::cast<FloatType>(runElement));
  Values one{shaped(v)};
  if (kind == Kind::Moments) {
    Value mean = finiteOr(b, total[0], {});  // deviations from infinity say nothing
    if (getElementTypeOrSelf(mean.getType()) != runElement) mean = arith::TruncFOp::create(b, like(mean, runElement), mean);
    Value deviation = arith::SubFOp::create(b, one[0], shaped(mean));
    if (!mask && width == lanes) return {arith::AddFOp::create(b, run[0], deviation), math::FmaOp::create(b, deviation, deviation, run[1])};
    one = {deviation, arith::MulFOp::create(b, deviation, deviation)};
  }
  if (is_complex) one.push_back(shaped(x.im));
  if (kind == Kind::Argmax || kind == Kind::Argmin) one.push_back(shaped(index));
  if (mask)
    for (auto [v, none] : llvm::zip(one, start(width))) v = arith::SelectOp::create(b, mask, v, none);
  if (lanes) one = fitted(one, lanes);
  if (getElementTypeOrSelf(run[0].getType()) != getElementTypeOrSelf(one[0].getType()))
    for (Value& v : one) v = widened(v);
  return merge(run, one);
}

Value Reduction::widened(Value v) {
  Type scalar = getElementTypeOrSelf(v.getType());
  return scalar.isF32() ? Value(arith::ExtFOp::create(b, like(v, b.getF64Type()), v)) : v;
}

Reduction::Values Reduction::horizontal(llvm::ArrayRef<Value> run) {
  Values lanes(run);
  if (!llvm::isa<VectorType>(run[0].getType())) return lanes;
  if ((kind == Kind::Sum && (is_float || is_complex)) || kind == Kind::Moments)
    for (Value& v : lanes) v = widened(v);
  lanes = fitted(lanes, 1);
  for (Value& v : lanes) v = vector::ExtractOp::create(b, v, llvm::ArrayRef<int64_t>{0});
  return lanes;
}

Reduction::Values Reduction::startTotal(Elem first) {
  if (kind == Kind::Moments) {
    Value mean = first.re;
    mean = convertFloat(b, mean, b.getF64Type());
    return {mean, constantOf(b, mean.getType(), 0, 0)};
  }
  Values run = start(0, /*wide=*/true);
  if (compensated()) run.append(Values(run));
  return run;
}

Reduction::Values Reduction::fold(llvm::ArrayRef<Value> total, Value before, llvm::ArrayRef<Value> run, Value count) {
  Values wide(run);
  if (kind == Kind::Sum || kind == Kind::Moments)
    for (Value& v : wide) v = widened(v);
  if (compensated()) return addExactly(b, total, wide);
  if (kind != Kind::Moments) return merge(total, wide);
  // The run holds sums of deviations d from the old mean and of their squares: it has mean old + s/c, m2 q - s^2/c. The counts
  // are the same in all lanes: no division is made of vectors.
  auto weighed = [&](Value v) { return splat(v, wide[0]); };
  Value all = arith::AddFOp::create(b, before, count);
  Value weight = weighed(arith::DivFOp::create(b, count, all)), n = weighed(before);
  Value shift = arith::MulFOp::create(b, wide[0], weighed(arith::DivFOp::create(b, constantOf(b, b.getF64Type(), 1, 0), count)));
  Value m2 = arith::SubFOp::create(b, wide[1], arith::MulFOp::create(b, wide[0], shift));
  m2 = arith::MaximumFOp::create(b, m2, constantOf(b, m2.getType(), 0, 0));
  Value mean = arith::AddFOp::create(b, total[0], arith::MulFOp::create(b, shift, weight));
  // From an infinite mean nothing leads back; only the opposite infinity, or NaN, changes it.
  mean = finiteOr(b, total[0], arith::AddFOp::create(b, total[0], onlyNotFinite(b, shift)), mean);
  Value between = arith::MulFOp::create(b, arith::MulFOp::create(b, shift, shift), arith::MulFOp::create(b, n, weight));
  return {mean, arith::AddFOp::create(b, total[1], arith::AddFOp::create(b, m2, between))};
}

Reduction::Values Reduction::combine(llvm::ArrayRef<Value> x, Value countX, llvm::ArrayRef<Value> y, Value countY) {
  if (compensated()) return addExactly(b, x, y);
  if (kind != Kind::Moments) return merge(x, y);
  Value nx = splat(countX, x[0]), ny = splat(countY, x[0]);
  Value shift = arith::SubFOp::create(b, y[0], x[0]);
  Value weight = arith::DivFOp::create(b, ny, arith::AddFOp::create(b, nx, ny));
  Value mean = arith::AddFOp::create(b, x[0], arith::MulFOp::create(b, shift, weight));
  mean = finiteOr(b, shift, arith::AddFOp::create(b, onlyNotFinite(b, x[0]), onlyNotFinite(b, y[0])), mean);
  Value between = arith::MulFOp::create(b, arith::MulFOp::create(b, shift, shift), arith::MulFOp::create(b, nx, weight));
  return {mean, arith::AddFOp::create(b, arith::AddFOp::create(b, x[1], y[1]), between)};
}

llvm::SmallVector<Elem, 2> Reduction::finish(llvm::ArrayRef<Value> total) {
  auto narrow = [&](Value v, Type to) -> Value {
    return convertFloat(b, v, llvm::cast<FloatType>(to));
  };
  if (kind == Kind::Moments) return {{narrow(total[0], element), {}}, {narrow(total[1], element), {}}};
  if (kind == Kind::Argmax || kind == Kind::Argmin) {
    Type index = signless(arrayType(op->getResult(0)).getElementType());
    Value v = total[1];
    if (index != getElementTypeOrSelf(v.getType())) v = arith::TruncIOp::create(b, like(v, index), v);
    return {{v, {}}};
  }
  Type part = signless(element);
  Values whole(total);
  if (const size_t parts = is_complex ? 2 : 1; compensated() && total.size() == 2 * parts) {
    whole.truncate(parts);
    for (size_t i = 0; i < parts; ++i) {
      // Beside infinity and NaN what was lost says nothing.
      Value known = arith::CmpFOp::create(b, arith::CmpFPredicate::ORD, total[parts + i], total[parts + i]);
      whole[i] = arith::SelectOp::create(b, known, arith::AddFOp::create(b, total[i], total[parts + i]), total[i]);
    }
    total = whole;
  }
  if (is_complex) return {{narrow(total[0], part), narrow(total[1], part)}};
  return {{is_float ? narrow(total[0], part) : total[0], {}}};
}

Elem emitInlineReduce(ElementEmitter& e, Operation* op, unsigned result, const Position& at) {
  // Short reductions inside an element: lane by lane, all steps written out (the fusion pass inlines no long ones).
  auto type = arrayType(op->getOperand(0));
  auto dims = op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef();
  Position outer = at;
  auto kept = e.dimsOf(outer, arrayType(op->getResult(0)).getShape());
  Reduction reduction(e, op);
  llvm::SmallVector<int64_t> sizes;
  for (int64_t dim : dims) sizes.push_back(type.getDimSize(dim));
  int64_t count = volume(sizes);
  auto elementAt = [&](int64_t k) {
    Position where;
    auto strides = denseStrides(sizes);
    size_t next = 0;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      auto found = llvm::find(dims, d);
      if (found == dims.end()) {
        where.dims.push_back(kept[next++]);
      } else {
        size_t i = found - dims.begin();
        where.dims.push_back(e.at(k / strides[i] % sizes[i]));
      }
    }
    return e.emit(op->getOperand(0), where);
  };
  llvm::SmallVector<Elem> elements;
  bool lanes = false;
  for (int64_t k = 0; k < count; ++k) {
    elements.push_back(elementAt(k));
    lanes |= llvm::isa<VectorType>(elements.back().re.getType());
  }
  Builder& b = e.b;
  auto number = [&](int64_t n) -> Value { return arith::ConstantOp::create(b, b.getF64FloatAttr(static_cast<double>(n))); };
  Elem first = count ? elements[0] : e.zero(reduction.element);
  if (lanes) first.re = vectorOf(b, first.re, e.width);
  auto total = reduction.startTotal(first);
  auto run = reduction.start(lanes ? e.width : 0);
  if (reduction.addsFloats() && count > 7) {
    run = reduction.sumOf(elements, lanes);
  } else {
    for (int64_t k = 0; k < count; ++k) run = reduction.step(run, elements[k], e.constant(k), total);
  }
  if (lanes)
    for (Value& v : total) v = vectorOf(b, v, e.width);
  llvm::SmallVector<Elem, 2> finals;
  if (total.size() == run.size() && (count == 0 || count > 8 || total[0].getType() == run[0].getType() || llvm::isa<ir::MomentsOp>(op))) {
    finals = reduction.finish(count ? reduction.fold(total, number(0), run, number(count)) : total);
  } else {
    // Eight terms or fewer need no wider total.
    finals = reduction.finish(run);
  }
  for (auto [i, value] : llvm::enumerate(finals)) e.remember(op->getResult(i), at, value);
  return finals[result];
}

}  // namespace skein::compiler
