#pragma once
// Fused kernels are emitted by asking for the value of one element (or one vector of elements) at a position.
//
// Each op of a kernel says how an element of its result follows from elements of its operands; no op is ever given a
// buffer of its own. The same rules serve scalar code, vector code of any width and, later, one thread of a GPU.

#include <functional>
#include <optional>

#include "dialects/skein/types.h"
#include "llvm/ADT/MapVector.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace skein::compiler {

using Builder = mlir::ImplicitLocOpBuilder;

/// One element, or a vector of them; `im` only for complex dtypes. Integers are signless, bool is i1.
struct Elem {
  mlir::Value re, im;
};

/// Along one dimension: lane l stands at var * mul + add + l * step, or at lanes[l] where that is given.
struct Index {
  mlir::Value var;    // i64, none: 0
  int64_t mul = 1;
  int64_t add = 0;
  int64_t step = 0;
  mlir::Value lanes;  // vector of i64
  bool uniform() const { return step == 0 && !lanes; }
  bool constant() const { return !var && uniform(); }
};

/// A place in an array: its index along each dimension, or its row-major flat index from which those follow.
struct Position {
  llvm::SmallVector<Index, 4> dims;
  std::optional<Index> flat;
};

/// Where an array lies: strides in elements. `constant`: nothing writes to it while the kernel runs; `scope` then is the
/// alias scope of all such arrays, which stores (they have it too) do not touch.
struct Storage {
  mlir::Value pointer;
  llvm::SmallVector<int64_t, 4> strides;
  bool constant = false;
  bool dense = true;
  mlir::Attribute scope = {};
};

llvm::SmallVector<int64_t, 4> denseStrides(llvm::ArrayRef<int64_t> shape);
int64_t volume(llvm::ArrayRef<int64_t> shape);
int64_t byteSize(mlir::Type element);                         // of one element in memory
mlir::Type memoryType(mlir::Type element);                    // scalar in memory: bool is i8, complex its part
mlir::Type signless(mlir::Type element);                      // scalar in registers: complex its part
/// Groups of dimensions [i, iEnd) of one shape and [j, jEnd) of the other with equal products, which a reshape relates;
/// dimensions of one element stand outside. None where the arrays are empty.
void eachReshapeGroup(llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to, llvm::function_ref<void(size_t i, size_t iEnd, size_t j, size_t jEnd)> group);
/// The type `scalar`, as many lanes wide as `shape`.
mlir::Type like(mlir::Value shape, mlir::Type scalar);
mlir::Value vectorOf(Builder& b, mlir::Value scalar, int64_t width);

class ElementEmitter {
 public:
  ElementEmitter(Builder& builder, int64_t width, mlir::Value mask = {}) : b(builder), width(width), mask(mask) {}

  Builder& b;
  const int64_t width;      // lanes of a vector; 1: scalars only
  mlir::Value mask;         // lanes that exist, none: all
  bool streaming = false;   // whole vectors are stored past the caches; their places are aligned to a vector
  bool aligned = false;     // whole vectors lie at multiples of their size

  void bind(mlir::Value array, Storage storage) { storages[array] = std::move(storage); }
  void bind(mlir::Value scalar, Elem value) { scalars[scalar] = value; }
  const Storage* storageOf(mlir::Value array) const;

  /// The element(s) of `array` at a position: a scalar where the position is uniform, else a vector.
  Elem emit(mlir::Value array, const Position& at);
  Elem emitScalar(mlir::Value scalar) { return emit(scalar, {}); }
  void store(const Storage& to, mlir::Type element, const Position& at, Elem value);
  /// The same at an offset in elements from the storage's beginning.
  Elem loadAt(const Storage& from, mlir::Type element, const Index& offset);
  void storeAt(const Storage& to, mlir::Type element, const Index& offset, Elem value);

  // Scopes of what has been emitted already: values emitted inside a nested block are not visible outside it.
  struct Scope {
    explicit Scope(ElementEmitter& e) : emitter(e) { e.memo.emplace_back(); }
    ~Scope() { emitter.memo.pop_back(); }
    ElementEmitter& emitter;
  };
  void remember(mlir::Value array, const Position& at, Elem value);

  // ---- index arithmetic ----
  mlir::Value constant(int64_t value);
  Index at(int64_t value) const { return {{}, 1, value, 0, {}}; }
  Index shifted(Index i, int64_t by) const;
  Index scaled(Index i, int64_t by) const;
  Index reversed(Index i, int64_t size) const;       // size - 1 - i
  Index plus(Index a, Index b);
  mlir::Value value(const Index& i);                 // i64 of lane 0
  mlir::Value laneValues(const Index& i);            // vector of i64
  Index linearise(llvm::ArrayRef<Index> dims, llvm::ArrayRef<int64_t> sizes);
  llvm::SmallVector<Index, 4> delinearise(Index flat, llvm::ArrayRef<int64_t> sizes);
  Index clamped(Index i, int64_t low, int64_t high);
  llvm::ArrayRef<Index> dimsOf(Position& at, llvm::ArrayRef<int64_t> shape);
  void needDims(Position& at, llvm::ArrayRef<int64_t> shape) { (void)dimsOf(at, shape); }
  Position reshaped(Position at, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to);
  /// low <= i < high, lane by lane or once.
  mlir::Value within(const Index& i, int64_t low, int64_t high);

  Elem zero(mlir::Type element);
  Elem number(mlir::Type element, double value);
  /// Both as vectors if either is one.
  void agree(Elem& x, Elem& y);
  Elem select(mlir::Value condition, Elem x, Elem y);

 private:
  Elem load(const Storage& from, mlir::Type element, const Position& at, llvm::ArrayRef<int64_t> shape);
  Elem compute(mlir::Operation* op, unsigned result, const Position& at);
  mlir::Value address(const Storage& storage, mlir::Type element, const Index& offset, mlir::Value& lanePointers);

  using Key = llvm::SmallVector<uintptr_t, 8>;
  static Key keyOf(mlir::Value array, const Position& at);
  struct KeyInfo {
    static Key getEmptyKey() { return {~uintptr_t(0)}; }
    static Key getTombstoneKey() { return {~uintptr_t(1)}; }
    static unsigned getHashValue(const Key& k) { return llvm::hash_combine_range(k.begin(), k.end()); }
    static bool isEqual(const Key& a, const Key& b) { return a == b; }
  };
  llvm::SmallVector<llvm::DenseMap<Key, Elem, KeyInfo>, 4> memo{1};
  llvm::DenseMap<mlir::Value, Storage> storages;
  llvm::DenseMap<mlir::Value, Elem> scalars;
};

// ---- the rules, one file a family ----
bool isElementRule(mlir::Operation* op);  // there is a rule for it: the op can stand inside a kernel
Elem emitElementwise(Builder& b, mlir::Operation* op, llvm::ArrayRef<Elem> operands);                       // elementwise.cpp
/// A float in another float dtype, rounded once to nearest even.
mlir::Value convertFloat(Builder& b, mlir::Value x, mlir::FloatType to);
Elem emitComplex(Builder& b, mlir::Operation* op, llvm::ArrayRef<Elem> operands);                           // complex.cpp
std::pair<mlir::Value, mlir::Value> emitThreefry(Builder& b, llvm::ArrayRef<mlir::Value> operands);         // random.cpp
Elem emitShape(ElementEmitter& e, mlir::Operation* op, const Position& at);                                 // shape.cpp
Elem emitInlineReduce(ElementEmitter& e, mlir::Operation* op, unsigned result, const Position& at);         // reduce.cpp
/// The start of a window, clamped so that the window lies inside a dimension of `size` elements.
Index windowStart(ElementEmitter& e, mlir::Value start, int64_t size, int64_t window);
void emitElementLoop(ElementEmitter& e, mlir::Operation* op, const Position& at);                           // control.cpp

}  // namespace skein::compiler
