// Threefry-2x32 with 20 rounds (Salmon, Moraes, Dror, Shaw: Parallel random numbers: as easy as 1, 2, 3; SC 2011).
#include "compiler/lowering/element.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace skein::compiler {

using namespace mlir;

std::pair<Value, Value> emitThreefry(Builder& b, llvm::ArrayRef<Value> words) {
  static constexpr int kRotations[2][4] = {{13, 15, 26, 6}, {17, 29, 16, 24}};
  Type type = words[0].getType();
  auto number = [&](int64_t value) -> Value {
    auto attr = b.getI32IntegerAttr(static_cast<int32_t>(value));
    if (auto vec = llvm::dyn_cast<VectorType>(type)) return arith::ConstantOp::create(b, DenseElementsAttr::get(vec, attr));
    return arith::ConstantOp::create(b, attr);
  };
  auto add = [&](Value x, Value y) -> Value { return arith::AddIOp::create(b, x, y); };
  auto exclusive = [&](Value x, Value y) -> Value { return arith::XOrIOp::create(b, x, y); };
  Value key[3] = {words[0], words[1], exclusive(exclusive(words[0], words[1]), number(0x1BD11BDA))};
  Value x = add(words[2], key[0]), y = add(words[3], key[1]);
  for (int round = 0; round < 5; ++round) {
    for (int rotation : kRotations[round % 2]) {
      x = add(x, y);
      y = LLVM::FshlOp::create(b, type, y, y, number(rotation));
      y = exclusive(y, x);
    }
    x = add(x, key[(round + 1) % 3]);
    y = add(add(y, key[(round + 2) % 3]), number(round + 1));
  }
  return {x, y};
}

}  // namespace skein::compiler
