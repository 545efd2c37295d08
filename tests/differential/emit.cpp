#include "tests/differential/emit.h"

#include <limits>

#include "compiler/interp/number.h"

namespace skein::compiler::test {

std::vector<mlir::Value> Emitter::emitAll(llvm::StringRef name, mlir::ValueRange operands,
                                          llvm::ArrayRef<mlir::NamedAttribute> attributes) {
  mlir::OperationState state(b.getUnknownLoc(), ("skein." + name).str());
  state.addOperands(operands);
  state.addAttributes(attributes);
  if (auto* inference = state.name.getInterface<mlir::InferTypeOpInterface>()) {
    auto failed = mlir::failed(inference->inferReturnTypes(b.getContext(), b.getUnknownLoc(), operands,
                                                           state.attributes.getDictionary(b.getContext()), nullptr, {},
                                                           state.types));
    if (failed) throw std::runtime_error("the generator built a wrong " + name.str());
  }
  mlir::Operation* op = b.create(state);
  return {op->result_begin(), op->result_end()};
}

mlir::Value Emitter::constant(const HostArray& array) {
  auto type = ir::makeType(array.shape, ir::elementType(b.getContext(), array.dtype), {});
  mlir::DenseElementsAttr value;
  if (is_bool(array.dtype)) {
    llvm::SmallVector<bool> bits;
    for (std::int64_t i = 0; i < array.volume(); ++i) bits.push_back(interp::loadInteger(array, i));
    value = mlir::DenseElementsAttr::get(type, bits);
  } else {
    value = mlir::DenseElementsAttr::getFromRawBuffer(
        type, {reinterpret_cast<const char*>(array.data.data()), array.data.size()});
  }
  return emit("constant", {}, b.getNamedAttr("value", value));
}

static void fill(HostArray& array, double value) {
  for (std::int64_t i = 0; i < array.volume(); ++i) {
    if (is_complex(array.dtype))
      interp::store(array, i, interp::Complex(value));
    else if (is_floating(array.dtype))
      interp::store(array, i, value);
    else
      interp::store(array, i, static_cast<interp::Integer>(value));
  }
}

mlir::Value Emitter::splat(DType dtype, const Sizes& shape, double value) {
  HostArray array = HostArray::zeros(dtype, shape);
  fill(array, value);
  return constant(array);
}

DType dtypeOf(mlir::Value value) { return *ir::dtypeOf(ir::arrayType(value).getElementType()); }
Sizes shapeOf(mlir::Value value) { return ir::arrayType(value).getShape().vec(); }
std::int64_t volumeOf(mlir::Value value) { return ir::arrayType(value).getNumElements(); }

HostArray randomArray(Random& random, DType dtype, const Sizes& shape) {
  HostArray array = HostArray::zeros(dtype, shape);
  bool small = random.chance(70), special = random.chance(10);
  auto real = [&] {
    if (special && random.chance(20)) {
      double infinity = std::numeric_limits<double>::infinity();
      return random.among({infinity, -infinity, std::nan(""), 0.0, -0.0, 1e-40, 6e4, 1e30});
    }
    return small ? random.between(-24, 24) / 8.0 : 4 * random.unit() - 2;
  };
  for (std::int64_t i = 0; i < array.volume(); ++i) {
    if (is_complex(dtype))
      interp::store(array, i, interp::Complex(random.between(-24, 24) / 8.0, random.between(-24, 24) / 8.0));
    else if (is_floating(dtype))
      interp::store(array, i, real());
    else
      interp::store(array, i,
                    small ? interp::Integer(random.between(is_unsigned(dtype) ? 0 : -10, 10))
                          : static_cast<interp::Integer>(random.bits()));
  }
  return array;
}

}  // namespace skein::compiler::test
