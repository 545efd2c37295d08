#pragma once
// The tracer's inside: the program being built and the stack of frames, each a block into which ops go. With MLIR.

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "dialects/skein/dialect.h"
#include "dialects/skein/types.h"
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace skein::detail {

/// An MLIR context that is lent out to one trace at a time. Attributes and types live as long as their context, so one
/// is retired after some programs: a process that compiles for ever keeps its memory.
class LentContext {
 public:
  LentContext();
  ~LentContext();
  LentContext(const LentContext&) = delete;
  LentContext& operator=(const LentContext&) = delete;
  mlir::MLIRContext* get() const { return context_.get(); }

 private:
  std::unique_ptr<mlir::MLIRContext> context_;
  int uses_ = 0;
};

/// A program being traced: a module whose main's arguments are the inputs, then the captured arrays.
struct TracedProgram {
  explicit TracedProgram(bool embed);
  ~TracedProgram();

  LentContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  mlir::func::FuncOp main;
  std::vector<Array> inputs;    // the arguments' leaves, concrete
  std::vector<Array> captured;  // concrete arrays that user code closed over
  std::unordered_map<ArrayImpl*, mlir::Value> captured_values;
  std::unordered_map<void*, std::shared_ptr<const NamedSharding>> shardings;  // of shard_map's results, by value
  bool embed;                                                                 // small captured arrays become constants

  /// What MLIR said last, and where: the text of the UserError to come.
  std::string diagnostic;
  std::string diagnostic_file;
  unsigned diagnostic_line = 0;

 private:
  mlir::DiagnosticEngine::HandlerID handler_;
};

/// Where ops go. Values made while a frame is on the stack may be used until it leaves.
struct Frame {
  Frame(TracedProgram& p, mlir::Block* block) : program(&p), builder(p.context.get()) {
    builder.setInsertionPointToEnd(block);
  }
  TracedProgram* program;
  mlir::OpBuilder builder;
  bool alive = true;
  std::optional<Mesh> mesh;  // inside shard_map
};

std::vector<std::shared_ptr<Frame>>& frames();
/// The innermost frame; an InternalError if nothing is traced.
const std::shared_ptr<Frame>& current_frame();

/// The current call's line as a location.
mlir::Location user_location(mlir::MLIRContext*);
/// Throws the UserError that MLIR's last diagnostic describes.
[[noreturn]] void throw_diagnostic(TracedProgram&);

/// An Array that stands for a value of the innermost frame.
Array wrap(mlir::Value, bool weak = false);
/// The value of an array in the innermost frame: a concrete one becomes a constant or a captured input.
mlir::Value value_of(const Array&);
/// How a value of the program's entry is split over processes; null where it is whole.
std::shared_ptr<const NamedSharding> split_of(const TracedProgram&, mlir::Value);
mlir::Attribute to_attribute(mlir::MLIRContext*, const AttributeValue&);
ir::AxesAttr axes_attribute(mlir::MLIRContext*, const AxesValue&);
mlir::RankedTensorType to_type(mlir::MLIRContext*, const TypeInfo&);
/// A mesh as the ops name it.
AxesValue axes_of(const Mesh&);

}  // namespace skein::detail
