// Ops by name: attributes, type inference, and the diagnostic that becomes the user's error.
#include "frontend/trace/emit.h"

#include <numeric>

#include "frontend/trace/split.h"
#include "frontend/trace/trace.h"

namespace skein::detail {

ir::AxesAttr axes_attribute(mlir::MLIRContext* context, const AxesValue& axes) {
  llvm::SmallVector<mlir::StringAttr> names;
  for (const std::string& axis : axes.names) names.push_back(mlir::StringAttr::get(context, axis));
  return ir::AxesAttr::get(context, names, axes.sizes);
}

mlir::Attribute to_attribute(mlir::MLIRContext* context, const AttributeValue& value) {
  mlir::Builder b(context);
  struct Convert {
    mlir::Builder& b;
    mlir::Attribute operator()(bool v) { return b.getBoolAttr(v); }
    mlir::Attribute operator()(std::int64_t v) { return b.getI64IntegerAttr(v); }
    mlir::Attribute operator()(const std::vector<std::int64_t>& v) { return b.getDenseI64ArrayAttr(v); }
    mlir::Attribute operator()(DType v) { return mlir::TypeAttr::get(ir::elementType(b.getContext(), v)); }
    mlir::Attribute operator()(const std::string& v) { return b.getStringAttr(v); }
    mlir::Attribute operator()(const AxesValue& v) { return axes_attribute(b.getContext(), v); }
    mlir::Attribute operator()(const Groups& v) {
      llvm::SmallVector<mlir::Attribute> groups;
      for (const auto& group : v) groups.push_back(b.getDenseI64ArrayAttr(group));
      return b.getArrayAttr(groups);
    }
    mlir::Attribute operator()(const Specs& v) {
      llvm::SmallVector<mlir::Attribute> specs;
      for (const PartitionSpec& spec : v) {
        llvm::SmallVector<mlir::Attribute> dims;
        for (const SpecEntry& entry : spec.entries()) {
          llvm::SmallVector<mlir::Attribute> axes;
          for (const std::string& axis : entry.names()) axes.push_back(b.getStringAttr(axis));
          dims.push_back(b.getArrayAttr(axes));
        }
        specs.push_back(ir::SpecAttr::get(b.getContext(), b.getArrayAttr(dims)));
      }
      return b.getArrayAttr(specs);
    }
  };
  return std::visit(Convert{b}, value);
}

std::vector<Array> emit_all(const char* op, std::span<const Array> operands, std::vector<Attribute> attributes) {
  Frame& frame = *current_frame();
  mlir::MLIRContext* context = frame.builder.getContext();
  mlir::OperationState state(user_location(context), std::string("skein.") + op);
  for (const Array& operand : operands) {
    state.operands.push_back(value_of(operand));
    if (auto split = split_of(*frame.program, state.operands.back()))
      fail(describe(operand) + " is split over processes as " + to_string(split->spec()) + " on " +
           to_string(split->mesh()) +
           "; work on it inside shard_map, where each device has its part, or bring all of it to every process with "
           "sk::process_allgather");
  }
  for (const Attribute& attribute : attributes)
    state.addAttribute(attribute.name, to_attribute(context, attribute.value));
  auto registered = mlir::RegisteredOperationName::lookup(state.name.getStringRef(), context);
  if (!registered) throw InternalError(std::string("there is no op ") + op, current_op(), current_location());
  if (auto* infer = registered->getInterface<mlir::InferTypeOpInterface>()) {
    if (mlir::failed(infer->inferReturnTypes(context, state.location, state.operands,
                                             state.attributes.getDictionary(context), mlir::OpaqueProperties(nullptr),
                                             {}, state.types)))
      throw_diagnostic(*frame.program);
  }
  mlir::Operation* made = frame.builder.create(state);
  std::vector<Array> results;
  for (mlir::Value result : made->getResults()) results.push_back(wrap(result));
  return results;
}

Array emit(const char* op, std::initializer_list<Array> operands, std::vector<Attribute> attributes) {
  return emit_all(op, {operands.begin(), operands.size()}, std::move(attributes))[0];
}

Array emit_splat(const Shape& shape, const Array& scalar, DType dtype) {
  Array value = cast(scalar, dtype);
  return shape.empty()
             ? value
             : emit("broadcast", {value}, {{"shape", shape.to_vector()}, {"dims", std::vector<std::int64_t>()}});
}

Array emit_iota(const Shape& shape, DType dtype, std::int64_t dim) {
  return emit("iota", {}, {{"shape", shape.to_vector()}, {"dtype", dtype}, {"dim", dim}});
}

// ---- promotion and broadcasting ----

Array cast(const Array& array, DType dtype) {
  ArrayImpl* impl = impl_of(array);
  if (impl->literal.kind != Literal::Kind::none && impl->shape.empty()) {
    if (impl->dtype == dtype && !impl->weak) return array;
    return make_literal(impl->literal, dtype, false);
  }
  if (impl->dtype == dtype) return with_weak(array, false);
  return staged("astype", {array}, Key(dtype), [&](std::span<const Array> in) {
    // A complex number's imaginary part is dropped, as NumPy does.
    Array value = is_complex(in[0].dtype()) && !is_complex(dtype) && !is_bool(dtype) ? emit("real", {in[0]}) : in[0];
    return value.dtype() == dtype ? value : emit("convert", {value}, {{"dtype", dtype}});
  });
}

std::pair<DType, bool> promote_all(std::vector<Array>& operands) {
  auto* first = impl_of(operands[0]);
  DType dtype = first->dtype;
  bool weak = first->weak;
  for (std::size_t i = 1; i < operands.size(); ++i) {
    auto* next = impl_of(operands[i]);
    std::tie(dtype, weak) = promote(dtype, weak, next->dtype, next->weak);
  }
  for (Array& operand : operands) operand = cast(operand, dtype);
  return {dtype, weak};
}

Shape broadcast_shapes(std::span<const Array> operands) {
  Shape shape;
  for (const Array& operand : operands) {
    const Shape& other = impl_of(operand)->shape;
    while (shape.size() < other.size()) shape.insert(0, 1);
    std::size_t offset = shape.size() - other.size();
    for (std::size_t i = 0; i < other.size(); ++i) {
      std::int64_t& size = shape[offset + i];
      if (size == 1)
        size = other[i];
      else if (other[i] != 1 && other[i] != size) {
        std::string all;
        for (const Array& each : operands) all += (all.empty() ? "" : " and ") + describe(each);
        fail("shapes do not broadcast: " + all + "; sizes of a dimension, counted from the last, are equal or 1");
      }
    }
  }
  return shape;
}

std::int64_t normal_axis(std::int64_t axis, std::int64_t rank, const Array& of) {
  if (axis < -rank || axis >= rank)
    fail("axis " + std::to_string(axis) + " is out of range for " + describe(of) + ", which has " +
         std::to_string(rank) + " dimensions");
  return axis < 0 ? axis + rank : axis;
}

Key& Key::add(std::int64_t v) {
  bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
  return *this;
}
Key& Key::add(double v) {
  bytes_.append(reinterpret_cast<const char*>(&v), sizeof v);
  return *this;
}
Key& Key::add(std::string_view v) {
  add(static_cast<std::int64_t>(v.size()));
  bytes_.append(v);
  return *this;
}
Key& Key::add(std::span<const std::int64_t> v) {
  add(static_cast<std::int64_t>(v.size()));
  bytes_.append(reinterpret_cast<const char*>(v.data()), v.size() * sizeof(std::int64_t));
  return *this;
}

}  // namespace skein::detail
