// Bodies of control flow and of shard_map.
#include "frontend/trace/region.h"

#include "frontend/trace/split.h"
#include "frontend/trace/trace.h"

namespace skein::detail {

struct Body::State {
  mlir::Region region;
  std::shared_ptr<Frame> frame;
  bool open = false;
};

Body::Body(std::span<const TypeInfo> arguments, const Mesh* mesh) : state_(std::make_unique<State>()) {
  const std::shared_ptr<Frame>& outer = current_frame();
  mlir::Block& block = state_->region.emplaceBlock();
  mlir::MLIRContext* context = outer->builder.getContext();
  for (const TypeInfo& type : arguments) block.addArgument(to_type(context, type), user_location(context));
  state_->frame = std::make_shared<Frame>(*outer->program, &block);
  state_->frame->mesh = mesh ? std::optional<Mesh>(*mesh) : outer->mesh;
  state_->frame->alive = false;
  reopen();
  for (std::size_t i = 0; i < arguments.size(); ++i)
    arguments_.push_back(wrap(block.getArgument(static_cast<unsigned>(i)), arguments[i].weak));
}
Body::Body(Body&&) noexcept = default;
Body::~Body() {
  if (state_) close();
}

void Body::close() {
  if (!state_->open) return;
  state_->open = state_->frame->alive = false;
  frames().pop_back();
}
void Body::reopen() {
  if (state_->open) return;
  state_->open = state_->frame->alive = true;
  frames().push_back(state_->frame);
}
void Body::yield(std::span<const Array> values) {
  reopen();
  llvm::SmallVector<mlir::Value> operands;
  for (const Array& value : values) operands.push_back(value_of(value));
  auto& builder = state_->frame->builder;
  mlir::OperationState yield(user_location(builder.getContext()), ir::YieldOp::getOperationName());
  yield.addOperands(operands);
  builder.create(yield);
  close();
}

mlir::Block& Body::block() const { return state_->region.front(); }

std::vector<Array> emit_with_bodies(const char* op, std::span<const Array> operands, std::vector<Attribute> attributes,
                                    std::span<const TypeInfo> results, std::span<Body> bodies) {
  Frame& frame = *current_frame();
  mlir::MLIRContext* context = frame.builder.getContext();
  mlir::OperationState state(user_location(context), std::string("skein.") + op);
  for (const Array& operand : operands) state.operands.push_back(value_of(operand));
  for (const Attribute& attribute : attributes)
    state.addAttribute(attribute.name, to_attribute(context, attribute.value));
  for (const TypeInfo& type : results) state.types.push_back(to_type(context, type));
  for (Body& body : bodies) state.addRegion()->takeBody(body.state_->region);
  mlir::Operation* made = frame.builder.create(state);
  // The op's own laws alone: a body that is still apart from the program has no place for dominance.
  if (mlir::failed(made->getName().verifyInvariants(made))) {
    // The op may be used by nothing yet: taken out again, so that a caught error leaves a sound program.
    made->erase();
    throw_diagnostic(*frame.program);
  }
  std::vector<Array> arrays;
  for (std::size_t i = 0; i < results.size(); ++i)
    arrays.push_back(wrap(made->getResult(static_cast<unsigned>(i)), results[i].weak));
  return arrays;
}

const Mesh* mesh_in_force() {
  if (frames().empty()) return nullptr;
  const auto& mesh = frames().back()->mesh;
  return mesh ? &*mesh : nullptr;
}

std::vector<std::string> join_axes(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  auto has = [](const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  std::vector<std::string> all = a, ordered;
  for (const std::string& axis : b)
    if (!has(all, axis)) all.push_back(axis);
  if (const Mesh* mesh = mesh_in_force())
    for (const std::string& axis : mesh->axis_names())
      if (has(all, axis)) ordered.push_back(axis);
  for (const std::string& axis : all)
    if (!has(ordered, axis)) ordered.push_back(axis);
  return ordered;
}

Array vary(const Array& array, const std::vector<std::string>& axes) {
  TypeInfo type = type_of(array);
  AxesValue missing;
  const Mesh* mesh = mesh_in_force();
  for (const std::string& axis : axes) {
    if (std::find(type.varying.begin(), type.varying.end(), axis) != type.varying.end()) continue;
    if (!mesh || mesh->axis_position(axis) < 0) fail("unbound axis name: " + axis);
    missing.names.push_back(axis);
    missing.sizes.push_back(mesh->axis_size(axis));
  }
  if (missing.names.empty()) return array;
  return with_weak(emit("pvary", {array}, {{"axes", missing}}), type.weak);
}

void note_sharding(const Array& traced, NamedSharding sharding) {
  current_frame()->program->shardings[traced.impl()->value] =
      std::make_shared<const NamedSharding>(std::move(sharding));
}

std::shared_ptr<const NamedSharding> split_of(const Array& array) {
  ArrayImpl* impl = impl_of(array);
  if (impl->state == ArrayImpl::State::traced)
    return split_of(*impl->frame->program, mlir::Value::getFromOpaquePointer(impl->value));
  return impl->stored.empty() ? nullptr : impl->sharding;
}

void inherit_split(std::span<const Array> traced, std::span<const Array> from) {
  for (std::size_t i = 0; i < traced.size(); ++i)
    if (auto split = split_of(from[i])) current_frame()->program->shardings[traced[i].impl()->value] = split;
}

}  // namespace skein::detail
