#pragma once
// Building ops by name, as the front end does: result types are inferred.

#include <random>

#include "compiler/interp/host_array.h"
#include "dialects/skein/types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace skein::compiler::test {

using Sizes = std::vector<std::int64_t>;

/// Random numbers that are the same with every C++ library.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::uint64_t bits() { return engine_(); }
  /// From low to high, both included.
  int between(int low, int high) { return low + static_cast<int>(bits() % static_cast<std::uint64_t>(high - low + 1)); }
  bool chance(int percent) { return between(0, 99) < percent; }
  double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  template <class List>
  auto& of(List& list) {
    return list[bits() % list.size()];
  }
  template <class T>
  T among(std::initializer_list<T> list) {
    return list.begin()[bits() % list.size()];
  }
  template <class List>
  void shuffle(List& list) {
    for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[bits() % i]);
  }

 private:
  std::mt19937_64 engine_;
};

/// Emits ops at the builder's place.
class Emitter {
 public:
  explicit Emitter(mlir::OpBuilder& builder) : b(builder) {}

  std::vector<mlir::Value> emitAll(llvm::StringRef name, mlir::ValueRange operands,
                                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {});
  mlir::Value emit(llvm::StringRef name, mlir::ValueRange operands,
                   llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) {
    return emitAll(name, operands, attributes).at(0);
  }

  mlir::NamedAttribute list(llvm::StringRef name, llvm::ArrayRef<std::int64_t> values) {
    return b.getNamedAttr(name, b.getDenseI64ArrayAttr(values));
  }
  mlir::NamedAttribute number(llvm::StringRef name, std::int64_t value) {
    return b.getNamedAttr(name, b.getI64IntegerAttr(value));
  }
  mlir::NamedAttribute flag(llvm::StringRef name, bool value) { return b.getNamedAttr(name, b.getBoolAttr(value)); }
  mlir::NamedAttribute dtype(DType value) {
    return b.getNamedAttr("dtype", mlir::TypeAttr::get(ir::elementType(b.getContext(), value)));
  }
  mlir::NamedAttribute axes(llvm::ArrayRef<mlir::StringAttr> names, llvm::ArrayRef<std::int64_t> sizes) {
    return b.getNamedAttr("axes", ir::AxesAttr::get(b.getContext(), names, sizes));
  }

  mlir::Value constant(const HostArray& array);
  /// Every element is `value`.
  mlir::Value splat(DType dtype, const Sizes& shape, double value);

  mlir::OpBuilder& b;
};

DType dtypeOf(mlir::Value value);
Sizes shapeOf(mlir::Value value);
std::int64_t volumeOf(mlir::Value value);

/// Random elements: floats that are mostly short (so that much arithmetic is exact), some special; integers mostly
/// small.
HostArray randomArray(Random& random, DType dtype, const Sizes& shape);

}  // namespace skein::compiler::test
