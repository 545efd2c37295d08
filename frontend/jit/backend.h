#pragma once
// A traced module made runnable: compiled, or, with SKEIN_EXECUTE=interpreter, interpreted (slow; to find who is
// wrong).

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "mlir/IR/BuiltinOps.h"

namespace skein::detail {

class Backend {
 public:
  virtual ~Backend() = default;
  /// Inputs, then results: dense row-major memory of each.
  virtual void run(std::span<void* const> buffers) const = 0;
  /// For each result the donated input whose memory it reuses, or -1.
  virtual int alias(int result) const { return -1; }
  /// Whether the memory is a GPU's.
  virtual bool on_gpus() const { return false; }
  virtual std::string text() const = 0;
  virtual std::string cost() const = 0;
  virtual std::string memory() const = 0;
};

/// Takes the module's contents. `keep`: remember the program by its text, for one that is traced again and again.
std::shared_ptr<const Backend> make_backend(mlir::ModuleOp module, const std::vector<int>& donated, bool keep);

}  // namespace skein::detail
