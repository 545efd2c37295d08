// Where an element of a shape op comes from.
#include "compiler/lowering/element.h"
#include "llvm/ADT/TypeSwitch.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

/// A start index of a dynamic slice, clamped so that the window lies inside.
Index windowStart(ElementEmitter& e, Value start, int64_t size, int64_t window) {
  Builder& b = e.b;
  Type element = arrayType(start).getElementType();
  Value v = e.emitScalar(start).re;
  unsigned width = v.getType().getIntOrFloatBitWidth();
  bool is_unsigned = element.isUnsignedInteger();
  if (width < 64) v = is_unsigned ? Value(arith::ExtUIOp::create(b, b.getI64Type(), v)) : Value(arith::ExtSIOp::create(b, b.getI64Type(), v));
  Value high = e.constant(size - window);
  if (is_unsigned && width == 64) return {arith::MinUIOp::create(b, v, high), 1, 0, 0, {}};
  v = arith::MaxSIOp::create(b, v, e.constant(0));
  return {arith::MinSIOp::create(b, v, high), 1, 0, 0, {}};
}

namespace {

Elem emitConstant(ElementEmitter& e, ir::ConstantOp op) {
  // Constants with more than one value are placed in memory; here are only the others.
  auto value = llvm::cast<DenseElementsAttr>(op.getValue());
  Type element = arrayType(op.getResult()).getElementType();
  Builder& b = e.b;
  if (llvm::isa<ComplexType>(element)) {
    auto number = *value.getValues<std::complex<APFloat>>().begin();
    auto part = llvm::cast<FloatType>(signless(element));
    return {arith::ConstantOp::create(b, FloatAttr::get(part, number.real())), arith::ConstantOp::create(b, FloatAttr::get(part, number.imag()))};
  }
  if (auto f = llvm::dyn_cast<FloatType>(element)) return {arith::ConstantOp::create(b, FloatAttr::get(f, *value.getValues<APFloat>().begin())), {}};
  return {arith::ConstantOp::create(b, IntegerAttr::get(signless(element), *value.getValues<APInt>().begin())), {}};
}

Elem emitIota(ElementEmitter& e, ir::IotaOp op, const Position& at) {
  Builder& b = e.b;
  Position copy = at;
  Index i = e.dimsOf(copy, op.getShape())[op.getDim()];
  Type element = op.getDtype();
  Type scalar = signless(element);
  // Narrow lanes are cheap lanes: 32 bits are enough for the index itself below 2^31.
  bool narrow = scalar.getIntOrFloatBitWidth() <= 32 && op.getShape()[op.getDim()] <= INT32_MAX;
  Value v;
  if (i.uniform()) {
    v = e.value(i);
    if (narrow) v = arith::TruncIOp::create(b, b.getI32Type(), v);
  } else if (narrow && !i.lanes) {
    Value base = vectorOf(b, arith::TruncIOp::create(b, b.getI32Type(), e.value(i)), e.width);
    llvm::SmallVector<int32_t> steps;
    for (int64_t l = 0; l < e.width; ++l) steps.push_back(static_cast<int32_t>(l * i.step));
    auto type = VectorType::get(e.width, b.getI32Type());
    v = arith::AddIOp::create(b, base, arith::ConstantOp::create(b, DenseElementsAttr::get(type, llvm::ArrayRef(steps))));
  } else {
    v = e.laneValues(i);
    if (narrow) v = arith::TruncIOp::create(b, VectorType::get(e.width, b.getI32Type()), v);
  }
  Type part = scalar;
  auto like = [&](Type t) -> Type { return llvm::isa<VectorType>(v.getType()) ? Type(VectorType::get(e.width, t)) : t; };
  if (auto f = llvm::dyn_cast<FloatType>(part)) {
    Type wide = f.getWidth() == 16 ? Type(b.getF32Type()) : part;
    v = arith::SIToFPOp::create(b, like(wide), v);
    if (wide != part) v = convertFloat(b, v, f);
  } else {
    unsigned have = getElementTypeOrSelf(v.getType()).getIntOrFloatBitWidth(), want = part.getIntOrFloatBitWidth();
    if (have > want) v = arith::TruncIOp::create(b, like(part), v);
    if (have < want) v = arith::ExtSIOp::create(b, like(part), v);
  }
  Elem result{v, {}};
  if (llvm::isa<ComplexType>(element)) {
    result.im = e.zero(part).re;
    if (llvm::isa<VectorType>(v.getType())) result.im = vectorOf(b, result.im, e.width);
  }
  return result;
}

Elem emitConcatenate(ElementEmitter& e, ir::ConcatenateOp op, const Position& at) {
  auto type = arrayType(op.getResult());
  Position where = at;
  e.needDims(where, type.getShape());
  where.flat.reset();
  Index i = where.dims[op.getDim()];
  Elem result;
  int64_t start = 0;
  for (Value operand : op.getOperands()) {
    int64_t size = arrayType(operand).getDimSize(op.getDim());
    if (size == 0) continue;
    if (i.constant() && (i.add < start || i.add >= start + size)) {
      start += size;
      continue;
    }
    Position inside = where;
    // Elements of other operands read the nearest of this one instead; the choice below drops them.
    inside.dims[op.getDim()] = e.clamped(e.shifted(i, -start), 0, size - 1);
    Elem here = e.emit(operand, inside);
    result = result.re ? e.select(e.within(i, start, start + size), here, result) : here;
    start += size;
  }
  return result;
}

Elem emitPad(ElementEmitter& e, ir::PadOp op, const Position& at) {
  Builder& b = e.b;
  auto from = arrayType(op.getOperand());
  Position where = at;
  e.needDims(where, arrayType(op.getResult()).getShape());
  where.flat.reset();
  Value inside;
  auto require = [&](Value condition) {
    if (!inside) {
      inside = condition;
      return;
    }
    Elem x{inside, {}}, y{condition, {}};
    e.agree(x, y);
    inside = arith::AndIOp::create(b, x.re, y.re);
  };
  for (int64_t d = 0; d < from.getRank(); ++d) {
    Index i = e.shifted(where.dims[d], -op.getLow()[d]);
    int64_t size = from.getDimSize(d), spread = op.getInterior()[d] + 1;
    int64_t extent = size == 0 ? 0 : (size - 1) * spread + 1;
    if (extent == 0) return e.emitScalar(op.getValue());
    if (op.getLow()[d] > 0 || op.getHigh()[d] > 0) require(e.within(i, 0, extent));
    i = e.clamped(i, 0, extent - 1);
    if (spread > 1) {
      Value v = i.uniform() ? e.value(i) : e.laneValues(i);
      Value by = e.constant(spread), none = e.constant(0);
      if (!i.uniform()) by = vectorOf(b, by, e.width), none = vectorOf(b, none, e.width);
      Value quotient = arith::DivUIOp::create(b, v, by);
      require(arith::CmpIOp::create(b, arith::CmpIPredicate::eq, arith::RemUIOp::create(b, v, by), none));
      i = i.uniform() ? Index{quotient, 1, 0, 0, {}} : Index{{}, 1, 0, 0, quotient};
    }
    where.dims[d] = i;
  }
  Elem element = e.emit(op.getOperand(), where);
  return inside ? e.select(inside, element, e.emitScalar(op.getValue())) : element;
}

Elem emitTake(ElementEmitter& e, ir::TakeOp op, const Position& at) {
  Builder& b = e.b;
  auto from = arrayType(op.getOperand()), indices = arrayType(op.getIndices());
  Position where = at;
  e.needDims(where, arrayType(op.getResult()).getShape());
  int64_t dim = op.getDim(), rank = indices.getRank();
  Position which, source;
  for (int64_t d = 0; d < rank; ++d) which.dims.push_back(where.dims[dim + d]);
  Value v = e.emit(op.getIndices(), which).re;
  bool lanes = llvm::isa<VectorType>(v.getType()), is_unsigned = indices.getElementType().isUnsignedInteger();
  Type wide = lanes ? Type(VectorType::get(e.width, b.getI64Type())) : Type(b.getI64Type());
  if (indices.getElementType().getIntOrFloatBitWidth() < 64)
    v = is_unsigned ? Value(arith::ExtUIOp::create(b, wide, v)) : Value(arith::ExtSIOp::create(b, wide, v));
  // Beyond the signed range an unsigned index is still beyond the end.
  Value last = e.constant(from.getDimSize(dim) - 1);
  if (is_unsigned) v = arith::MinUIOp::create(b, v, lanes ? vectorOf(b, last, e.width) : last);
  Index i = lanes ? Index{{}, 1, 0, 0, v} : Index{v, 1, 0, 0, {}};
  if (!is_unsigned) i = e.clamped(i, 0, from.getDimSize(dim) - 1);
  for (int64_t d = 0; d < dim; ++d) source.dims.push_back(where.dims[d]);
  source.dims.push_back(i);
  for (int64_t d = dim + 1; d < from.getRank(); ++d) source.dims.push_back(where.dims[d + rank - 1]);
  return e.emit(op.getOperand(), source);
}

/// The window's element where the position lies in it, else the operand's.
Elem emitUpdate(ElementEmitter& e, ir::DynamicUpdateSliceOp op, const Position& at) {
  Builder& b = e.b;
  auto type = arrayType(op.getResult()), window = arrayType(op.getUpdate());
  Position where = at, inside;
  e.needDims(where, type.getShape());
  where.flat.reset();
  Value within;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    Index start = windowStart(e, op.getStarts()[d], type.getDimSize(d), window.getDimSize(d));
    Index i = e.plus(where.dims[d], e.scaled(start, -1));
    if (window.getDimSize(d) == 0) return e.emit(op.getOperand(), where);
    Value here = e.within(i, 0, window.getDimSize(d));
    if (within) {
      Elem x{within, {}}, y{here, {}};
      e.agree(x, y);
      within = arith::AndIOp::create(b, x.re, y.re);
    } else {
      within = here;
    }
    inside.dims.push_back(e.clamped(i, 0, window.getDimSize(d) - 1));
  }
  Elem old = e.emit(op.getOperand(), where), update = e.emit(op.getUpdate(), inside);
  return within ? e.select(within, update, old) : update;
}

}  // namespace

Elem emitShape(ElementEmitter& e, Operation* op, const Position& at) {
  return llvm::TypeSwitch<Operation*, Elem>(op)
      .Case<ir::ConstantOp>([&](auto c) { return emitConstant(e, c); })
      .Case<ir::IotaOp>([&](auto iota) { return emitIota(e, iota, at); })
      .Case<ir::PvaryOp>([&](auto p) { return e.emit(p.getOperand(), at); })
      .Case<ir::ReshapeOp>([&](auto r) { return e.emit(r.getOperand(), e.reshaped(at, r.getShape(), arrayType(r.getOperand()).getShape())); })
      .Case<ir::BroadcastOp>([&](auto r) {
        auto from = arrayType(r.getOperand());
        if (volume(from.getShape()) == 1) return e.emit(r.getOperand(), {llvm::SmallVector<Index, 4>(from.getRank(), e.at(0)), {}});
        if (at.flat && volume(from.getShape()) == volume(r.getShape())) return e.emit(r.getOperand(), {{}, at.flat});
        Position where = at, source;
        e.needDims(where, r.getShape());
        for (auto [i, dim] : llvm::enumerate(r.getDims())) source.dims.push_back(from.getDimSize(i) == 1 ? e.at(0) : where.dims[dim]);
        return e.emit(r.getOperand(), source);
      })
      .Case<ir::TransposeOp>([&](auto t) {
        Position where = at, source;
        e.needDims(where, arrayType(t.getResult()).getShape());
        source.dims.resize(where.dims.size());
        for (auto [i, dim] : llvm::enumerate(t.getPermutation())) source.dims[dim] = where.dims[i];
        return e.emit(t.getOperand(), source);
      })
      .Case<ir::SliceOp>([&](auto s) {
        Position where = at, source;
        e.needDims(where, arrayType(s.getResult()).getShape());
        for (size_t d = 0; d < where.dims.size(); ++d) source.dims.push_back(e.shifted(e.scaled(where.dims[d], s.getStrides()[d]), s.getStarts()[d]));
        return e.emit(s.getOperand(), source);
      })
      .Case<ir::DynamicSliceOp>([&](auto s) {
        Position where = at, source;
        auto from = arrayType(s.getOperand());
        e.needDims(where, s.getSizes());
        for (int64_t d = 0; d < from.getRank(); ++d) {
          bool whole = s.getSizes()[d] == from.getDimSize(d);
          source.dims.push_back(whole ? where.dims[d] : e.plus(windowStart(e, s.getStarts()[d], from.getDimSize(d), s.getSizes()[d]), where.dims[d]));
        }
        return e.emit(s.getOperand(), source);
      })
      .Case<ir::ReverseOp>([&](auto r) {
        Position source = at;
        auto type = arrayType(r.getOperand());
        e.needDims(source, type.getShape());
        source.flat.reset();
        for (int64_t dim : r.getDims()) source.dims[dim] = e.reversed(source.dims[dim], type.getDimSize(dim));
        return e.emit(r.getOperand(), source);
      })
      .Case<ir::ConcatenateOp>([&](auto c) { return emitConcatenate(e, c, at); })
      .Case<ir::PadOp>([&](auto p) { return emitPad(e, p, at); })
      .Case<ir::TakeOp>([&](auto t) { return emitTake(e, t, at); })
      .Case<ir::DynamicUpdateSliceOp>([&](auto u) { return emitUpdate(e, u, at); })
      .Default([](Operation*) { return Elem{}; });
}

bool isElementRule(Operation* op) {
  return op->hasTrait<ir::OpTrait::Elementwise>() ||
         llvm::isa<ir::ConstantOp, ir::IotaOp, ir::PvaryOp, ir::ReshapeOp, ir::BroadcastOp, ir::TransposeOp, ir::SliceOp, ir::DynamicSliceOp, ir::ReverseOp,
                   ir::ConcatenateOp, ir::PadOp, ir::TakeOp, ir::DynamicUpdateSliceOp, ir::ArgmaxOp, ir::ArgminOp, ir::MomentsOp>(op) ||
         op->getName().getStringRef().starts_with("skein.reduce_");
}

}  // namespace skein::compiler
