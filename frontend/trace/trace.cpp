// Frames, captured values, and types of traced arrays.
#include "frontend/trace/trace.h"

#include "frontend/trace/split.h"

#include <cstring>
#include <mutex>

#include "compiler/compile.h"
#include "llvm/Support/raw_ostream.h"
#include "mlir/IR/Diagnostics.h"

namespace skein::detail {

// ---- the user's call ----

namespace {
struct Site {
  const char* op = "";
  std::source_location where;
  bool active = false;
};
thread_local Site site;
}  // namespace

PublicCall::PublicCall(const char* op, std::source_location where) : outermost_(!site.active) {
  if (outermost_) site = {op, where, true};
}
PublicCall::~PublicCall() {
  if (outermost_) site.active = false;
}
PublicUserCode::PublicUserCode() : op_(site.active ? site.op : nullptr), where_(site.where) { site.active = false; }
PublicUserCode::~PublicUserCode() { site = op_ ? Site{op_, where_, true} : Site{}; }

const char* current_op() { return site.active ? site.op : ""; }
std::source_location current_location() { return site.active ? site.where : std::source_location(); }
void fail(const std::string& message) { throw UserError(message, current_op(), current_location()); }
void rethrow_at_call(const RuntimeError& error) {
  if (*error.file() || !site.active) throw error;
  throw RuntimeError(std::string(error.message()), site.op, site.where);
}

// ---- contexts ----

namespace {
constexpr int uses_of_a_context = 64;
struct ContextPool {
  std::mutex mutex;
  std::vector<std::pair<std::unique_ptr<mlir::MLIRContext>, int>> idle;
};
ContextPool& pool() {
  static auto* pool = new ContextPool;  // not destroyed: threads may outlive main
  return *pool;
}
}  // namespace

LentContext::LentContext() {
  {
    std::lock_guard lock(pool().mutex);
    if (!pool().idle.empty()) {
      std::tie(context_, uses_) = std::move(pool().idle.back());
      pool().idle.pop_back();
    }
  }
  if (!context_) context_ = compiler::makeContext();
}
LentContext::~LentContext() {
  if (++uses_ >= uses_of_a_context) return;
  std::lock_guard lock(pool().mutex);
  if (pool().idle.size() < 4) pool().idle.emplace_back(std::move(context_), uses_);
}

// ---- programs and frames ----

TracedProgram::TracedProgram(bool e) : embed(e) {
  mlir::MLIRContext* c = context.get();
  handler_ = c->getDiagEngine().registerHandler([this](mlir::Diagnostic& d) {
    if (d.getSeverity() != mlir::DiagnosticSeverity::Error) return mlir::success();
    diagnostic = d.str();
    diagnostic_line = 0;
    if (auto place = llvm::dyn_cast<mlir::FileLineColLoc>(d.getLocation())) {
      diagnostic_file = place.getFilename().str();
      diagnostic_line = place.getLine();
    }
    return mlir::success();
  });
  auto unknown = mlir::UnknownLoc::get(c);
  module = mlir::ModuleOp::create(unknown);
  mlir::OpBuilder builder(module->getBodyRegion());
  main = mlir::func::FuncOp::create(builder, unknown, "main", builder.getFunctionType({}, {}));
  main.addEntryBlock();
}
TracedProgram::~TracedProgram() {
  module = nullptr;
  context.get()->getDiagEngine().eraseHandler(handler_);
}

std::vector<std::shared_ptr<Frame>>& frames() {
  thread_local std::vector<std::shared_ptr<Frame>> stack;
  return stack;
}
bool tracing() { return !frames().empty(); }

const std::shared_ptr<Frame>& current_frame() {
  if (frames().empty()) throw InternalError("an op is built outside a trace", current_op(), current_location());
  return frames().back();
}

mlir::Location user_location(mlir::MLIRContext* context) {
  auto where = current_location();
  if (!where.line()) return mlir::UnknownLoc::get(context);
  return mlir::FileLineColLoc::get(context, where.file_name(), where.line(), where.column());
}

void throw_diagnostic(TracedProgram& program) {
  std::string message = std::move(program.diagnostic), op = current_op();
  if (message.starts_with("'skein.")) message = message.substr(message.find(' ', 1) + 1);  // MLIR's own prefix of an op
  if (message.starts_with("op ")) message = message.substr(3);
  if (message.starts_with(op + ": ")) message = message.substr(op.size() + 2);
  if (message.empty()) throw InternalError("an op was refused without a reason", op, current_location());
  auto where = current_location();
  if (program.diagnostic_line &&
      (program.diagnostic_line != where.line() || program.diagnostic_file != where.file_name()))
    throw UserError(message, op, program.diagnostic_file.c_str(), program.diagnostic_line);
  throw UserError(message, op, where);
}

// ---- values ----

bool is_traced(const Array& array) { return !array.empty() && array.impl()->state == ArrayImpl::State::traced; }

void check_usable(const Array& array) {
  ArrayImpl* impl = impl_of(array);
  if (impl->state != ArrayImpl::State::traced) return;
  if (!impl->frame->alive)
    fail(
        "this array stands for a value inside a traced function, loop body, branch or shard_map body that has ended; "
        "return it from there "
        "instead of keeping it in a variable outside");
}

Array wrap(mlir::Value value, bool weak) {
  auto type = ir::arrayType(value);
  auto* impl = new ArrayImpl;
  Array array(impl);
  impl->state = ArrayImpl::State::traced;
  impl->dtype = *ir::dtypeOf(type.getElementType());
  impl->weak = weak && !is_bool(impl->dtype);
  impl->shape = Shape(type.getShape().begin(), type.getShape().end());
  impl->value = value.getAsOpaquePointer();
  impl->frame = current_frame();
  return array;
}

static mlir::Value embed_constant(Frame& frame, const ArrayImpl& impl) {
  mlir::MLIRContext* context = frame.builder.getContext();
  auto type = ir::makeType(impl.shape, ir::elementType(context, impl.dtype), {});
  mlir::DenseElementsAttr elements;
  if (is_bool(impl.dtype)) {
    auto* bytes = static_cast<const std::uint8_t*>(impl.data);
    llvm::SmallVector<bool> bits(bytes, bytes + impl.shape.volume());
    elements = mlir::DenseElementsAttr::get(type, bits);
  } else {
    elements = mlir::DenseElementsAttr::getFromRawBuffer(
        type, {static_cast<const char*>(impl.data), static_cast<std::size_t>(impl.bytes())});
  }
  return ir::ConstantOp::create(frame.builder, user_location(context), type, elements);
}

static mlir::Value find_value(const Array& array);

mlir::Value value_of(const Array& array) {
  mlir::Value value = find_value(array);
  const Frame& frame = *current_frame();
  if (auto split = frame.mesh ? split_of(*frame.program, value) : nullptr)
    fail(describe(array) + " is split over processes as " + to_string(split->spec()) + " on " +
         to_string(split->mesh()) +
         " and stands outside this shard_map; pass it as an argument with that spec, or bring all of it to every "
         "process with sk::process_allgather");
  return value;
}

static mlir::Value find_value(const Array& array) {
  ArrayImpl* impl = impl_of(array);
  Frame& frame = *current_frame();
  TracedProgram& program = *frame.program;
  if (impl->state == ArrayImpl::State::traced) {
    check_usable(array);
    if (impl->frame->program != &program)
      fail("this array belongs to another program that is being traced, " + describe(array) +
           "; pass it as an argument");
    return mlir::Value::getFromOpaquePointer(impl->value);
  }
  check_concrete(array);
  constexpr std::int64_t small = 16;  // elements
  bool number = impl->literal.kind != Literal::Kind::none, whole = impl->stored.empty();
  if (whole && (number || (program.embed && impl->shape.volume() <= small) || impl->shape.volume() == 0)) {
    stored_data(array);  // a GPU's comes here
    return embed_constant(frame, *impl);
  }
  auto [entry, fresh] = program.captured_values.try_emplace(impl);
  if (fresh) {
    program.captured.push_back(array);
    auto type = ir::makeType(impl->shape, ir::elementType(frame.builder.getContext(), impl->dtype), {});
    entry->second = program.main.front().addArgument(type, user_location(frame.builder.getContext()));
    if (!whole) program.shardings[entry->second.getAsOpaquePointer()] = impl->sharding;
  }
  return entry->second;
}

std::shared_ptr<const NamedSharding> split_of(const TracedProgram& program, mlir::Value value) {
  auto found = program.shardings.find(value.getAsOpaquePointer());
  return found != program.shardings.end() && is_split(*found->second) ? found->second : nullptr;
}

mlir::RankedTensorType to_type(mlir::MLIRContext* context, const TypeInfo& type) {
  ir::Axes axes;
  for (const std::string& axis : type.varying) axes.push_back(mlir::StringAttr::get(context, axis));
  return ir::makeType(type.shape, ir::elementType(context, type.dtype), axes);
}

AxesValue axes_of(const Mesh& mesh) { return {mesh.axis_names(), mesh.shape().to_vector()}; }

}  // namespace skein::detail

namespace skein {

TypeInfo type_of(const Array& array, std::source_location where) {
  detail::Call call("type_of", where);
  auto* impl = detail::impl_of(array);
  TypeInfo type{impl->dtype, impl->shape, {}, impl->weak};
  if (impl->state != detail::ArrayImpl::State::traced || !impl->frame->alive) return type;
  auto axes = ir::varying(mlir::Value::getFromOpaquePointer(impl->value).getType());
  std::vector<std::string> rest;
  for (mlir::StringAttr axis : axes) rest.push_back(axis.getValue().str());
  // The mesh's order, then whatever it does not have.
  if (!detail::frames().empty() && detail::frames().back()->mesh)
    for (const std::string& axis : detail::frames().back()->mesh->axis_names())
      if (std::erase(rest, axis)) type.varying.push_back(axis);
  type.varying.insert(type.varying.end(), rest.begin(), rest.end());
  return type;
}

}  // namespace skein
