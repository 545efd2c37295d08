#pragma once
// From the LLVM module that the NVPTX back end was given to one for the host, whose kernels do as the GPU would: each
// access to memory is checked and translated, threads wait for each other by calls of block.h.

#include "runtime/emulated/kernel.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/TargetParser/Triple.h"

namespace skein::runtime::emulated {

class Rewriter {
 public:
  struct Table {
    std::string symbol;
    std::uint64_t bytes;
  };
  /// `prefix` makes the symbols unique among all modules.
  Rewriter(llvm::Module& module, const llvm::DataLayout& host, const llvm::Triple& triple, std::string prefix);
  /// Throws CUDA_ERROR_NOT_SUPPORTED with the name of what is not known.
  void run();

  std::vector<std::unique_ptr<Kernel>> kernels;
  std::vector<Table> tables;  // globals outside shared memory

 private:
  using Functions = llvm::SetVector<llvm::Function*>;

  void find_kernels();
  void add_kernel(llvm::Function& function);
  void declare_helpers();
  void drop_metadata();
  void find_callees();
  Functions reached_from(llvm::Function& function);
  void place_globals();
  void place_shared(llvm::GlobalVariable& variable);
  void place_table(llvm::GlobalVariable& variable);
  Functions users_of(llvm::GlobalVariable& variable);
  void rewrite(llvm::Function& function);
  void rewrite(llvm::Instruction& instruction);
  void guard_access(llvm::Instruction& access, unsigned operand, llvm::Type* type, llvm::Align align, bool write);
  void guard_division(llvm::BinaryOperator& division);
  void rewrite_call(llvm::CallBase& call);
  void wrap(llvm::Function& function, Kernel& kernel);

  // intrinsics.cpp; all return what stands for the call, null if they do not know it
  void rewrite_intrinsic(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* special_register(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* barrier(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* warp(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* shuffle(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* exchange(llvm::CallBase& call, unsigned kind, llvm::Value* mask, llvm::Value* value);
  llvm::Value* arithmetic(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* conversion(llvm::CallBase& call, llvm::StringRef name);
  llvm::Value* registers_of(llvm::Function& function);
  void mark_blocking(llvm::CallBase& call);

  llvm::Module& module_;
  llvm::LLVMContext& context_;
  const llvm::DataLayout host_;
  const llvm::Triple triple_;
  const std::string prefix_;
  llvm::Type *void_, *i32_, *i64_;
  llvm::PointerType* pointer_;
  llvm::FunctionCallee access_, copy_, fill_, get_registers_, barrier_, exchange_, trap_;
  std::vector<llvm::Function*> kernel_functions_;  // as `kernels`
  std::vector<Functions> reached_;                 // by each
  std::vector<std::uint64_t> shared_top_;          // of each, in the window
  llvm::DenseMap<llvm::Function*, Functions> callees_;
  llvm::DenseMap<llvm::Function*, llvm::Value*> registers_;
  Functions blocking_;
  unsigned sites_ = 0;
};

/// CUDA_ERROR_NOT_SUPPORTED.
[[noreturn]] void unsupported(const std::string& what);

}  // namespace skein::runtime::emulated
