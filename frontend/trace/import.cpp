// Imported StableHLO programs as functions: their ops go into the trace there is, or into a program of their own.
#include <skein/import.h>

#include <atomic>
#include <fstream>
#include <sstream>

#include "compiler/import/stablehlo.h"
#include "frontend/trace/region.h"
#include "frontend/trace/trace.h"

namespace skein {

using detail::Call;

struct ImportedFunction::State {
  std::string text, name;
  std::vector<TypeInfo> inputs, outputs;
  std::int64_t id = 0;
  std::source_location where;
};

namespace {

std::vector<TypeInfo> infos_of(mlir::TypeRange types) {
  std::vector<TypeInfo> infos;
  for (mlir::Type type : types) {
    auto array = ir::arrayType(type);
    infos.push_back({*ir::dtypeOf(array.getElementType()), Shape(array.getShape().begin(), array.getShape().end()), {}, false});
  }
  return infos;
}

/// The program's ops at the end of the innermost frame's block.
std::vector<Array> inline_program(const std::string& text, const std::string& name, std::span<const Array> arguments) {
  detail::Frame& frame = *detail::current_frame();
  mlir::MLIRContext* context = frame.builder.getContext();
  auto source = compiler::parseStablehlo(text, name, *context);
  // Inside shard_map all of it varies over the axes that any argument varies over.
  std::vector<std::string> axes;
  for (const Array& argument : arguments) axes = detail::join_axes(axes, type_of(argument).varying);
  llvm::SmallVector<mlir::Value> values;
  for (const Array& argument : arguments) {
    values.push_back(detail::value_of(detail::vary(argument, axes)));
    if (detail::split_of(*frame.program, values.back()))
      detail::fail(detail::describe(argument) + " is split over processes; call the imported function inside shard_map, where each device has its part");
  }
  ir::AxesAttr over;
  if (!axes.empty()) {
    const Mesh* mesh = detail::mesh_in_force();
    detail::AxesValue sizes;
    for (const std::string& axis : axes) {
      sizes.names.push_back(axis);
      sizes.sizes.push_back(mesh->axis_size(axis));
    }
    over = detail::axes_attribute(context, sizes);
  }
  std::vector<Array> results;
  for (mlir::Value value : compiler::inlineStablehlo(frame.builder, *source, values, over)) results.push_back(detail::wrap(value));
  return results;
}

}  // namespace

const std::vector<TypeInfo>& ImportedFunction::inputs() const { return state_->inputs; }
const std::vector<TypeInfo>& ImportedFunction::outputs() const { return state_->outputs; }
std::source_location ImportedFunction::made_at() const { return state_->where; }

std::vector<Array> ImportedFunction::operator()(const std::vector<Array>& given, std::source_location where) const {
  Call call("imported function", where);
  const auto& types = state_->inputs;
  if (given.size() != types.size())
    detail::fail(state_->name + " takes " + std::to_string(types.size()) + " arrays, not " + std::to_string(given.size()));
  std::vector<Array> arguments;
  for (std::size_t i = 0; i < given.size(); ++i) {
    detail::check_usable(given[i]);
    Array argument = given[i].weak() ? detail::cast(given[i], types[i].dtype) : given[i];
    if (argument.dtype() != types[i].dtype || argument.shape() != types[i].shape)
      detail::fail("argument " + std::to_string(i) + " of " + state_->name + " is " + to_string(types[i]) + ", not " + detail::describe(given[i]) +
                   "; the program was exported for that shape and dtype: reshape, or convert with astype");
    arguments.push_back(argument);
  }
  if (detail::tracing()) return inline_program(state_->text, state_->name, arguments);
  return detail::staged_all("imported function", arguments, detail::Key(state_->id),
                            [&](std::span<const Array> in) { return inline_program(state_->text, state_->name, in); });
}

ImportedFunction import_stablehlo_text(const std::string& text, const std::string& name, std::source_location where) {
  Call call("import_stablehlo", where);
  static std::atomic<std::int64_t> count{0};
  auto state = std::make_shared<ImportedFunction::State>();
  state->text = text, state->name = name, state->where = where;
  state->id = ++count;
  detail::LentContext context;
  auto module = compiler::importStablehlo(text, name, *context.get());
  auto main = module->lookupSymbol<mlir::func::FuncOp>("main");
  state->inputs = infos_of(main.getArgumentTypes());
  state->outputs = infos_of(main.getResultTypes());
  return ImportedFunction(std::move(state));
}

ImportedFunction import_stablehlo(const std::string& path, std::source_location where) {
  Call call("import_stablehlo", where);
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) throw RuntimeError("cannot read " + path, "import_stablehlo", where);
  return import_stablehlo_text(std::move(text).str(), path, where);
}

}  // namespace skein
