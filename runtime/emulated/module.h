#pragma once
// A loaded module: rewritten at once, compiled for the host when the first of its kernels is asked for.

#include "runtime/emulated/kernel.h"

namespace skein::runtime::emulated {

class Module : public std::enable_shared_from_this<Module> {
 public:
  /// Of an image as runtime/cuda/driver.h describes it. Throws CUDA_ERROR_INVALID_IMAGE, CUDA_ERROR_NOT_SUPPORTED.
  static std::shared_ptr<Module> load(const void* image, Context& context);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Throws CUDA_ERROR_NOT_FOUND.
  Kernel& kernel(const std::string& name);

  Context& context;
  std::shared_ptr<Module> handle;  // what cuModuleUnload lets go; launches that have not run yet hold on

 private:
  struct Code;
  explicit Module(Context& context);
  void compile();

  std::mutex mutex_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<Range> tables_;
  std::unique_ptr<Code> code_;
};

}  // namespace skein::runtime::emulated
