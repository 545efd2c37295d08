#include "compiler/lowering/element.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

llvm::SmallVector<int64_t, 4> denseStrides(llvm::ArrayRef<int64_t> shape) {
  llvm::SmallVector<int64_t, 4> strides(shape.size());
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return strides;
}

int64_t volume(llvm::ArrayRef<int64_t> shape) {
  int64_t product = 1;
  for (int64_t size : shape) product *= size;
  return product;
}

Type signless(Type element) {
  if (auto complex = llvm::dyn_cast<ComplexType>(element)) return complex.getElementType();
  if (auto integer = llvm::dyn_cast<IntegerType>(element)) return IntegerType::get(element.getContext(), integer.getWidth());
  return element;
}

Type memoryType(Type element) {
  Type type = signless(element);
  return type.isInteger(1) ? IntegerType::get(element.getContext(), 8) : type;
}

int64_t byteSize(Type element) {
  int64_t bytes = memoryType(element).getIntOrFloatBitWidth() / 8;
  return llvm::isa<ComplexType>(element) ? 2 * bytes : bytes;
}

Value vectorOf(Builder& b, Value scalar, int64_t width) {
  if (llvm::isa<VectorType>(scalar.getType())) return scalar;
  return vector::BroadcastOp::create(b, VectorType::get(width, scalar.getType()), scalar);
}

Type like(Value shape, Type scalar) {
  if (auto vec = llvm::dyn_cast<VectorType>(shape.getType())) return VectorType::get(vec.getShape(), scalar);
  return scalar;
}

void eachReshapeGroup(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to, llvm::function_ref<void(size_t, size_t, size_t, size_t)> group) {
  if (volume(from) == 0) return;
  size_t i = 0, j = 0;
  while (i < from.size() && j < to.size()) {
    if (from[i] == 1) {
      ++i;
      continue;
    }
    if (to[j] == 1) {
      ++j;
      continue;
    }
    size_t iEnd = i + 1, jEnd = j + 1;
    int64_t left = from[i], right = to[j];
    while (left != right) {
      if (left < right)
        left *= from[iEnd++];
      else
        right *= to[jEnd++];
    }
    group(i, iEnd, j, jEnd);
    i = iEnd;
    j = jEnd;
  }
}

const Storage* ElementEmitter::storageOf(Value array) const {
  auto found = storages.find(array);
  return found == storages.end() ? nullptr : &found->second;
}

// ---- index arithmetic ----

Value ElementEmitter::constant(int64_t value) { return arith::ConstantIntOp::create(b, value, 64); }

Index ElementEmitter::shifted(Index i, int64_t by) const {
  if (i.lanes && by) {
    Value offset = arith::ConstantOp::create(b, DenseElementsAttr::get(llvm::cast<VectorType>(i.lanes.getType()), by));
    return {{}, 1, 0, 0, arith::AddIOp::create(b, i.lanes, offset)};
  }
  i.add += by;
  return i;
}

Index ElementEmitter::scaled(Index i, int64_t by) const {
  if (i.lanes) {
    if (by == 1) return i;
    Value factor = arith::ConstantOp::create(b, DenseElementsAttr::get(llvm::cast<VectorType>(i.lanes.getType()), by));
    return {{}, 1, 0, 0, arith::MulIOp::create(b, i.lanes, factor)};
  }
  i.mul *= by;
  i.add *= by;
  i.step *= by;
  if (by == 0) i.var = {};
  return i;
}

Index ElementEmitter::reversed(Index i, int64_t size) const { return shifted(scaled(i, -1), size - 1); }

Value ElementEmitter::value(const Index& i) {
  if (!i.var) return constant(i.add);
  Value v = i.var;
  if (i.mul != 1) v = b.createOrFold<arith::MulIOp>(v, constant(i.mul));
  if (i.add != 0) v = b.createOrFold<arith::AddIOp>(v, constant(i.add));
  return v;
}

Value ElementEmitter::laneValues(const Index& i) {
  if (i.lanes) return i.lanes;
  Value base = vectorOf(b, value(i), width);
  if (i.step == 0) return base;
  llvm::SmallVector<int64_t> steps;
  for (int64_t l = 0; l < width; ++l) steps.push_back(l * i.step);
  auto type = VectorType::get(width, b.getI64Type());
  return arith::AddIOp::create(b, base, arith::ConstantOp::create(b, DenseElementsAttr::get(type, llvm::ArrayRef(steps))));
}

Index ElementEmitter::plus(Index x, Index y) {
  if (x.lanes || y.lanes) return {{}, 1, 0, 0, arith::AddIOp::create(b, laneValues(x), laneValues(y))};
  if (!x.var) return shifted({y.var, y.mul, y.add, y.step + x.step, {}}, x.add);
  if (!y.var) return shifted({x.var, x.mul, x.add, x.step + y.step, {}}, y.add);
  if (x.var == y.var) return {x.var, x.mul + y.mul, x.add + y.add, x.step + y.step, {}};
  // Two variables: their sum becomes a variable of its own.
  Value left = x.mul == 1 ? x.var : arith::MulIOp::create(b, x.var, constant(x.mul)).getResult();
  Value right = y.mul == 1 ? y.var : arith::MulIOp::create(b, y.var, constant(y.mul)).getResult();
  return {arith::AddIOp::create(b, left, right), 1, x.add + y.add, x.step + y.step, {}};
}

Index ElementEmitter::linearise(llvm::ArrayRef<Index> dims, llvm::ArrayRef<int64_t> sizes) {
  auto strides = denseStrides(sizes);
  Index flat = at(0);
  for (auto [i, dim] : llvm::enumerate(dims))
    if (sizes[i] != 1) flat = plus(flat, scaled(dim, strides[i]));
  return flat;
}

llvm::SmallVector<Index, 4> ElementEmitter::delinearise(Index flat, llvm::ArrayRef<int64_t> sizes) {
  llvm::SmallVector<Index, 4> dims(sizes.size());
  auto strides = denseStrides(sizes);
  int64_t significant = llvm::count_if(sizes, [](int64_t size) { return size != 1; });
  for (size_t i = 0; i < sizes.size(); ++i) dims[i] = at(0);
  if (significant == 0) return dims;
  if (significant == 1) {
    for (size_t i = 0; i < sizes.size(); ++i)
      if (sizes[i] != 1) dims[i] = flat;
    return dims;
  }
  bool first = true;
  auto divide = [&](Value v, int64_t by, bool remainder) -> Value {
    Value divisor = constant(by);
    if (llvm::isa<VectorType>(v.getType())) divisor = vectorOf(b, divisor, width);
    return remainder ? b.createOrFold<arith::RemUIOp>(v, divisor) : b.createOrFold<arith::DivUIOp>(v, divisor);
  };
  Value v = flat.uniform() ? value(flat) : laneValues(flat);
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (sizes[i] == 1) continue;
    Value part = strides[i] == 1 ? v : divide(v, strides[i], false);
    if (!first) part = divide(part, sizes[i], true);
    first = false;
    dims[i] = flat.uniform() ? Index{part, 1, 0, 0, {}} : Index{{}, 1, 0, 0, part};
  }
  return dims;
}

Index ElementEmitter::clamped(Index i, int64_t low, int64_t high) {
  if (i.constant()) return at(std::clamp(i.add, low, high));
  if (i.uniform()) {
    Value v = arith::MaxSIOp::create(b, value(i), constant(low));
    return {arith::MinSIOp::create(b, v, constant(high)), 1, 0, 0, {}};
  }
  Value v = arith::MaxSIOp::create(b, laneValues(i), vectorOf(b, constant(low), width));
  return {{}, 1, 0, 0, arith::MinSIOp::create(b, v, vectorOf(b, constant(high), width))};
}

Value ElementEmitter::within(const Index& i, int64_t low, int64_t high) {
  // One unsigned comparison does for both bounds.
  Index moved = shifted(i, -low);
  Value v = i.uniform() ? value(moved) : laneValues(moved);
  Value bound = constant(high - low);
  if (!i.uniform()) bound = vectorOf(b, bound, width);
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ult, v, bound);
}

llvm::ArrayRef<Index> ElementEmitter::dimsOf(Position& at, llvm::ArrayRef<int64_t> shape) {
  if (at.dims.size() != shape.size()) at.dims = delinearise(*at.flat, shape);
  return at.dims;
}

Position ElementEmitter::reshaped(Position at, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to) {
  if (at.flat) return {{}, at.flat};
  // Groups of dimensions with equal products correspond; within a group of one dimension on each side nothing changes.
  Position result;
  result.dims.assign(to.size(), this->at(0));
  eachReshapeGroup(from, to, [&](size_t i, size_t iEnd, size_t j, size_t jEnd) {
    Index flat = linearise(llvm::ArrayRef(at.dims).slice(i, iEnd - i), from.slice(i, iEnd - i));
    auto parts = delinearise(flat, to.slice(j, jEnd - j));
    for (size_t k = j; k < jEnd; ++k) result.dims[k] = parts[k - j];
  });
  return result;
}

// ---- memory ----

static Value pointerAt(Builder& b, Value pointer, Type memory, Value offset) {
  return LLVM::GEPOp::create(b, pointer.getType().isIntOrIndex() ? pointer.getType() : Type(LLVM::LLVMPointerType::get(b.getContext())), memory,
                             pointer, ValueRange{offset}, LLVM::GEPNoWrapFlags::inbounds);
}

/// The address of lane 0, or of each lane where the lanes are not a constant step apart.
Value ElementEmitter::address(const Storage& storage, Type element, const Index& offset, Value& lanePointers) {
  int64_t parts = llvm::isa<ComplexType>(element) ? 2 : 1;
  Index scaledOffset = scaled(offset, parts);
  if (!offset.lanes && (offset.step == 0 || offset.step == 1 || offset.step == -1)) {
    Index origin = scaledOffset;
    origin.step = 0;
    return pointerAt(b, storage.pointer, memoryType(element), value(origin));
  }
  auto type = VectorType::get(width, LLVM::LLVMPointerType::get(b.getContext()));
  lanePointers = LLVM::GEPOp::create(b, type, memoryType(element), storage.pointer, ValueRange{laneValues(scaledOffset)}, LLVM::GEPNoWrapFlags::inbounds);
  return {};
}

static unsigned alignmentOf(Type memory) { return memory.getIntOrFloatBitWidth() / 8; }

static Value toRegister(Builder& b, Type element, Value v) {
  if (!element.isInteger(1)) return v;
  Value zero = arith::ConstantOp::create(b, b.getZeroAttr(v.getType()));
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, v, zero);
}

static Value toMemory(Builder& b, Type element, Value v) {
  if (!element.isInteger(1)) return v;
  Type byte = b.getI8Type();
  if (auto vec = llvm::dyn_cast<VectorType>(v.getType())) byte = VectorType::get(vec.getShape(), byte);
  return arith::ExtUIOp::create(b, byte, v);
}

static Value reversedLanes(Builder& b, Value v) {
  int64_t width = llvm::cast<VectorType>(v.getType()).getNumElements();
  llvm::SmallVector<int64_t> order;
  for (int64_t l = 0; l < width; ++l) order.push_back(width - 1 - l);
  return vector::ShuffleOp::create(b, v, v, order);
}

Elem ElementEmitter::load(const Storage& from, Type element, const Position& at, llvm::ArrayRef<int64_t> shape) {
  Index offset = this->at(0);
  if (at.flat && from.dense) {
    offset = *at.flat;
  } else {
    Position copy = at;
    for (auto [i, dim] : llvm::enumerate(dimsOf(copy, shape)))
      if (shape[i] != 1) offset = plus(offset, scaled(dim, from.strides[i]));
  }
  return loadAt(from, element, offset);
}

/// Bytes that a value's place is a multiple of.
static unsigned alignmentOf(Type memory, Type accessed, bool aligned) {
  auto vec = llvm::dyn_cast<VectorType>(accessed);
  return vec && aligned ? vec.getNumElements() * alignmentOf(memory) : alignmentOf(memory);
}

Elem ElementEmitter::loadAt(const Storage& from, Type element, const Index& offset) {
  Type memory = memoryType(element);
  bool complex = llvm::isa<ComplexType>(element);
  Value lanePointers;
  Value pointer = address(from, element, offset, lanePointers);
  auto loadFrom = [&](Value p, Type type) -> Value {
    auto load = LLVM::LoadOp::create(b, type, p, alignmentOf(memory, type, aligned));
    if (from.constant && from.scope) load.setAliasScopesAttr(b.getArrayAttr({from.scope}));
    return load;
  };
  auto part = [&](int64_t which) -> Value {
    auto vectorType = width > 1 ? VectorType::get(width, memory) : VectorType();
    if (lanePointers) {
      Value pointers = lanePointers;
      if (which) pointers = LLVM::GEPOp::create(b, pointers.getType(), memory, pointers, llvm::ArrayRef<LLVM::GEPArg>{which}, LLVM::GEPNoWrapFlags::inbounds);
      Value lanes = mask ? mask : Value(arith::ConstantOp::create(b, DenseElementsAttr::get(VectorType::get(width, b.getI1Type()), true)));
      Value none = arith::ConstantOp::create(b, b.getZeroAttr(vectorType));
      return LLVM::masked_gather::create(b, vectorType, pointers, lanes, ValueRange{none}, b.getI32IntegerAttr(alignmentOf(memory)));
    }
    if (offset.step == 0) return loadFrom(which ? pointerAt(b, pointer, memory, constant(which)) : pointer, memory);
    // Lane 0 of a reversed vector is the last in memory.
    Value first = offset.step == -1 ? pointerAt(b, pointer, memory, constant((1 - width) * (complex ? 2 : 1))) : pointer;
    Value loaded;
    if (complex) {
      // The parts lie in turn: every second element, read as one wide vector.
      auto wide = VectorType::get(2 * width, memory);
      Value pair;
      if (mask) {
        llvm::SmallVector<int64_t> twice;
        for (int64_t l = 0; l < 2 * width; ++l) twice.push_back(l / 2);
        Value lanes = offset.step == -1 ? reversedLanes(b, mask) : mask;
        pair = LLVM::MaskedLoadOp::create(b, wide, first, vector::ShuffleOp::create(b, lanes, lanes, twice), arith::ConstantOp::create(b, b.getZeroAttr(wide)).getResult(), alignmentOf(memory));
      } else {
        pair = loadFrom(first, wide);
      }
      llvm::SmallVector<int64_t> every;
      for (int64_t l = 0; l < width; ++l) every.push_back(2 * l + which);
      loaded = vector::ShuffleOp::create(b, pair, pair, every);
    } else if (mask) {
      Value lanes = offset.step == -1 ? reversedLanes(b, mask) : mask;
      loaded = LLVM::MaskedLoadOp::create(b, vectorType, first, lanes, arith::ConstantOp::create(b, b.getZeroAttr(vectorType)).getResult(), alignmentOf(memory));
    } else {
      loaded = loadFrom(first, vectorType);
    }
    return offset.step == -1 ? reversedLanes(b, loaded) : loaded;
  };
  Elem result{toRegister(b, element, part(0)), {}};
  if (complex) result.im = part(1);
  return result;
}

void ElementEmitter::store(const Storage& to, Type element, const Position& at, Elem v) {
  Index offset = this->at(0);
  if (at.flat && to.dense) {
    offset = *at.flat;
  } else {
    for (auto [i, dim] : llvm::enumerate(at.dims)) offset = plus(offset, scaled(dim, to.strides[i]));
  }
  storeAt(to, element, offset, v);
}

void ElementEmitter::storeAt(const Storage& to, Type element, const Index& offset, Elem v) {
  Type memory = memoryType(element);
  bool complex = llvm::isa<ComplexType>(element);
  if (!offset.uniform()) {
    v.re = vectorOf(b, v.re, width);
    if (complex) v.im = vectorOf(b, v.im, width);
  }
  Value lanePointers;
  Value pointer = address(to, element, offset, lanePointers);
  Value re = toMemory(b, element, v.re);
  if (lanePointers) {
    Value lanes = mask ? mask : Value(arith::ConstantOp::create(b, DenseElementsAttr::get(VectorType::get(width, b.getI1Type()), true)));
    LLVM::masked_scatter::create(b, re, lanePointers, lanes, b.getI32IntegerAttr(alignmentOf(memory)));
    if (complex) {
      Value other = LLVM::GEPOp::create(b, lanePointers.getType(), memory, lanePointers, llvm::ArrayRef<LLVM::GEPArg>{1}, LLVM::GEPNoWrapFlags::inbounds);
      LLVM::masked_scatter::create(b, v.im, other, lanes, b.getI32IntegerAttr(alignmentOf(memory)));
    }
    return;
  }
  auto storeTo = [&](Value what, Value place) {
    bool past = streaming && llvm::isa<VectorType>(what.getType());
    unsigned bytes = alignmentOf(memory, what.getType(), aligned || past);
    auto made = LLVM::StoreOp::create(b, what, place, std::min(bytes, 64u), /*isVolatile=*/false, /*isNonTemporal=*/past);
    if (to.scope) made.setNoaliasScopesAttr(b.getArrayAttr({to.scope}));
  };
  if (offset.step == 0) {
    storeTo(re, pointer);
    if (complex) storeTo(v.im, pointerAt(b, pointer, memory, constant(1)));
    return;
  }
  Value lanes = mask;
  if (complex) {
    llvm::SmallVector<int64_t> mixed, twice;
    for (int64_t l = 0; l < width; ++l) {
      mixed.push_back(l);
      mixed.push_back(width + l);
      twice.push_back(l);
      twice.push_back(l);
    }
    re = vector::ShuffleOp::create(b, v.re, v.im, mixed);
    if (lanes) lanes = vector::ShuffleOp::create(b, lanes, lanes, twice);
  }
  if (lanes)
    LLVM::MaskedStoreOp::create(b, re, pointer, lanes, alignmentOf(memory));
  else
    storeTo(re, pointer);
}

// ---- values ----

Elem ElementEmitter::number(Type element, double v) {
  Type type = signless(element);
  Elem e;
  if (auto f = llvm::dyn_cast<FloatType>(type))
    e.re = arith::ConstantOp::create(b, FloatAttr::get(f, v));
  else
    e.re = arith::ConstantOp::create(b, IntegerAttr::get(type, static_cast<int64_t>(v)));
  if (llvm::isa<ComplexType>(element)) e.im = arith::ConstantOp::create(b, FloatAttr::get(llvm::cast<FloatType>(type), 0));
  return e;
}
Elem ElementEmitter::zero(Type element) { return number(element, 0); }

void ElementEmitter::agree(Elem& x, Elem& y) {
  auto isVector = [](const Elem& e) { return llvm::isa<VectorType>(e.re.getType()); };
  if (isVector(x) == isVector(y)) return;
  Elem& scalar = isVector(x) ? y : x;
  scalar.re = vectorOf(b, scalar.re, width);
  if (scalar.im) scalar.im = vectorOf(b, scalar.im, width);
}

Elem ElementEmitter::select(Value condition, Elem x, Elem y) {
  agree(x, y);
  if (llvm::isa<VectorType>(condition.getType())) {
    Elem as{condition, {}};
    agree(x, as);
    agree(y, as);
  }
  Elem result{arith::SelectOp::create(b, condition, x.re, y.re), {}};
  if (x.im) result.im = arith::SelectOp::create(b, condition, x.im, y.im);
  return result;
}

ElementEmitter::Key ElementEmitter::keyOf(Value array, const Position& at) {
  Key key{reinterpret_cast<uintptr_t>(array.getAsOpaquePointer())};
  auto add = [&](const Index& i) {
    key.push_back(reinterpret_cast<uintptr_t>(i.var.getAsOpaquePointer()));
    key.push_back(i.mul);
    key.push_back(i.add);
    key.push_back(i.step);
    key.push_back(reinterpret_cast<uintptr_t>(i.lanes.getAsOpaquePointer()));
  };
  if (at.flat)
    add(*at.flat);
  else
    for (const Index& i : at.dims) add(i);
  return key;
}

void ElementEmitter::remember(Value array, const Position& at, Elem v) { memo.back()[keyOf(array, at)] = v; }

Elem ElementEmitter::emit(Value array, const Position& at) {
  if (auto scalar = scalars.find(array); scalar != scalars.end()) return scalar->second;
  auto type = arrayType(array);
  Position where = at;
  // A dimension of one element has one index; a scalar has no position: equal places get equal keys.
  if (type.getRank() == 0) where = {};
  if (where.flat && volume(type.getShape()) == 1) where = {llvm::SmallVector<Index, 4>(type.getRank(), this->at(0)), {}};
  for (auto [i, dim] : llvm::enumerate(where.dims))
    if (type.getDimSize(i) == 1) dim = this->at(0);
  Key key = keyOf(array, where);
  for (auto& scope : llvm::reverse(memo))
    if (auto found = scope.find(key); found != scope.end()) return found->second;
  Elem result;
  if (const Storage* storage = storageOf(array))
    result = load(*storage, type.getElementType(), where, type.getShape());
  else
    result = compute(array.getDefiningOp(), llvm::cast<OpResult>(array).getResultNumber(), where);
  memo.back()[key] = result;
  return result;
}

Elem ElementEmitter::compute(Operation* op, unsigned result, const Position& at) {
  Builder::InsertionGuard guard(b);
  if (auto threefry = llvm::dyn_cast<ir::ThreefryOp>(op)) {
    llvm::SmallVector<Value> words;
    bool anyVector = false;
    for (Value operand : op->getOperands()) words.push_back(emit(operand, at).re), anyVector |= llvm::isa<VectorType>(words.back().getType());
    if (anyVector)
      for (Value& word : words) word = vectorOf(b, word, width);
    auto [word0, word1] = emitThreefry(b, words);
    remember(op->getResult(0), at, {word0, {}});
    remember(op->getResult(1), at, {word1, {}});
    return {result ? word1 : word0, {}};
  }
  if (op->hasTrait<ir::OpTrait::Elementwise>()) {
    llvm::SmallVector<Elem> operands;
    bool anyVector = false;
    for (Value operand : op->getOperands()) {
      operands.push_back(emit(operand, at));
      anyVector |= llvm::isa<VectorType>(operands.back().re.getType());
    }
    if (anyVector)
      for (Elem& e : operands) {
        e.re = vectorOf(b, e.re, width);
        if (e.im) e.im = vectorOf(b, e.im, width);
      }
    return emitElementwise(b, op, operands);
  }
  if (llvm::isa<ir::ForOp>(op)) {
    emitElementLoop(*this, op, at);
    return emit(op->getResult(result), at);
  }
  if (op->getName().getStringRef().starts_with("skein.reduce_") || llvm::isa<ir::ArgmaxOp, ir::ArgminOp, ir::MomentsOp>(op))
    return emitInlineReduce(*this, op, result, at);
  return emitShape(*this, op, at);
}

}  // namespace skein::compiler
