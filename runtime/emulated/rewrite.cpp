// Kernels, globals and accesses to memory; the intrinsics of the GPU are in intrinsics.cpp.
//
// Types keep their address spaces: the host's code generators treat all that the GPU has (0 to 7) as ordinary memory
// and casts between them as nothing, and every pointer is 64 bits wide on both sides. So only the pointers of accesses
// change.

#include "runtime/emulated/rewrite.h"

#include "runtime/emulated/memory.h"

#include <algorithm>
#include <bit>

#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/IR/Metadata.h"

namespace skein::runtime::emulated {
namespace {

constexpr unsigned shared_space = 3, last_space = 5;
constexpr std::uint64_t first_shared_offset = 4096, shared_gap = 256;
constexpr std::uint64_t widest_access = 16;  // bytes that one instruction of the GPU moves

std::uint64_t aligned(std::uint64_t at, std::uint64_t alignment) {
  return (at + alignment - 1) / alignment * alignment;
}

}  // namespace

void unsupported(const std::string& what) {
  throw Failure{CUDA_ERROR_NOT_SUPPORTED, "not supported by the emulated GPU: " + what};
}

Rewriter::Rewriter(llvm::Module& module, const llvm::DataLayout& host, const llvm::Triple& triple, std::string prefix)
    : module_(module),
      context_(module.getContext()),
      host_(host),
      triple_(triple),
      prefix_(std::move(prefix)),
      void_(llvm::Type::getVoidTy(context_)),
      i32_(llvm::Type::getInt32Ty(context_)),
      i64_(llvm::Type::getInt64Ty(context_)),
      pointer_(llvm::PointerType::get(context_, 0)) {}

void Rewriter::run() {
  if (!module_.getModuleInlineAsm().empty()) unsupported("assembly");
  find_kernels();  // the parameters lie as the GPU's data layout says
  llvm::StripDebugInfo(module_);
  drop_metadata();
  module_.setDataLayout(host_);
  module_.setTargetTriple(triple_);
  declare_helpers();
  find_callees();
  place_globals();
  for (llvm::Function& function : module_)
    if (!function.isDeclaration()) rewrite(function);
  for (std::size_t k = 0; k < kernels.size(); ++k) {
    kernels[k]->blocking = llvm::any_of(reached_[k], [&](llvm::Function* f) { return blocking_.contains(f); });
    wrap(*kernel_functions_[k], *kernels[k]);
  }
}

// ---- kernels ----

void Rewriter::find_kernels() {
  Functions found;
  for (llvm::Function& function : module_)
    if (!function.isDeclaration() && function.getCallingConv() == llvm::CallingConv::PTX_Kernel)
      found.insert(&function);
  if (llvm::NamedMDNode* annotations = module_.getNamedMetadata("nvvm.annotations"))
    for (llvm::MDNode* node : annotations->operands()) {
      auto* function = llvm::mdconst::dyn_extract_or_null<llvm::Function>(node->getOperand(0));
      for (unsigned i = 1; function && i < node->getNumOperands(); i += 2) {
        auto* text = llvm::dyn_cast_or_null<llvm::MDString>(node->getOperand(i).get());
        if (text && text->getString() == "kernel" && !function->isDeclaration()) found.insert(function);
      }
    }
  for (llvm::Function* function : found) add_kernel(*function);
}

void Rewriter::add_kernel(llvm::Function& function) {
  auto kernel = std::make_unique<Kernel>();
  kernel->name = function.getName().str();
  kernel->symbol = prefix_ + "_kernel" + std::to_string(kernels.size());
  const llvm::DataLayout& layout = module_.getDataLayout();
  for (llvm::Argument& argument : function.args()) {
    if (argument.hasByValAttr()) unsupported("a parameter of a kernel in memory (byval), of " + kernel->name);
    llvm::Type* type = argument.getType();
    const std::uint64_t bytes = layout.getTypeStoreSize(type).getFixedValue();
    const std::uint64_t natural =
        type->isSingleValueType() ? std::bit_ceil(bytes) : layout.getABITypeAlign(type).value();
    const std::uint64_t at = aligned(kernel->parameter_bytes, natural);
    kernel->parameters.push_back({at, bytes});
    kernel->parameter_bytes = at + bytes;
  }
  kernel_functions_.push_back(&function);
  kernels.push_back(std::move(kernel));
}

void Rewriter::wrap(llvm::Function& function, Kernel& kernel) {
  // Attributes of parameters would have to stand at the call as well, and mean nothing here.
  function.setAttributes(llvm::AttributeList());
  function.addFnAttr(llvm::Attribute::NoUnwind);
  auto* type = llvm::FunctionType::get(void_, {pointer_}, false);
  auto* wrapper = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, kernel.symbol, module_);
  wrapper->addFnAttr(llvm::Attribute::NoUnwind);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context_, "", wrapper));
  llvm::SmallVector<llvm::Value*> arguments;
  for (llvm::Argument& argument : function.args()) {
    llvm::Value* place = b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), wrapper->getArg(0),
                                                      kernel.parameters[argument.getArgNo()].offset);
    arguments.push_back(b.CreateAlignedLoad(argument.getType(), place, llvm::Align(1)));
  }
  b.CreateCall(function.getFunctionType(), &function, arguments);
  b.CreateRetVoid();
}

// ---- the module ----

void Rewriter::declare_helpers() {
  auto declare = [&](const char* name, llvm::Type* result, llvm::ArrayRef<llvm::Type*> parameters) {
    llvm::FunctionCallee callee = module_.getOrInsertFunction(name, llvm::FunctionType::get(result, parameters, false));
    llvm::cast<llvm::Function>(callee.getCallee())->addFnAttr(llvm::Attribute::NoUnwind);
    return callee;
  };
  access_ = declare("skein_emulated_access", pointer_, {i64_, i32_, i32_, i32_});
  copy_ = declare("skein_emulated_copy", void_, {i64_, i64_, i64_});
  fill_ = declare("skein_emulated_fill", void_, {i64_, i32_, i64_});
  get_registers_ = declare("skein_emulated_registers", pointer_, {});
  barrier_ = declare("skein_emulated_barrier", i32_, {i32_, i32_, i32_});
  exchange_ = declare("skein_emulated_exchange", i64_, {i32_, i32_, i32_, i32_, i32_, i32_});
  trap_ = declare("skein_emulated_trap", void_, {});
}

void Rewriter::drop_metadata() {
  llvm::SmallVector<llvm::NamedMDNode*> nodes;
  for (llvm::NamedMDNode& node : module_.named_metadata()) nodes.push_back(&node);
  for (llvm::NamedMDNode* node : nodes) node->eraseFromParent();
}

void Rewriter::find_callees() {
  for (llvm::Function& function : module_)
    for (llvm::Instruction& instruction : llvm::instructions(function))
      if (auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction))
        if (llvm::Function* callee = call->getCalledFunction()) callees_[&function].insert(callee);
  for (llvm::Function* function : kernel_functions_) reached_.push_back(reached_from(*function));
  shared_top_.assign(kernels.size(), first_shared_offset);
}

Rewriter::Functions Rewriter::reached_from(llvm::Function& function) {
  Functions reached;
  reached.insert(&function);
  for (unsigned i = 0; i < reached.size(); ++i)
    if (auto found = callees_.find(reached[i]); found != callees_.end()) reached.insert_range(found->second);
  return reached;
}

// ---- globals ----

void Rewriter::place_globals() {
  for (llvm::GlobalVariable& variable : llvm::make_early_inc_range(module_.globals())) {
    if (variable.getName().starts_with("llvm."))
      variable.eraseFromParent();
    else if (variable.getAddressSpace() == shared_space)
      place_shared(variable);
    else
      place_table(variable);
  }
}

Rewriter::Functions Rewriter::users_of(llvm::GlobalVariable& variable) {
  Functions functions;
  llvm::SetVector<llvm::User*> users;
  users.insert_range(variable.users());
  for (unsigned i = 0; i < users.size(); ++i) {
    if (auto* instruction = llvm::dyn_cast<llvm::Instruction>(users[i]))
      functions.insert(instruction->getFunction());
    else if (llvm::isa<llvm::GlobalValue>(users[i]))
      unsupported("an address of shared memory in a global variable");
    else
      users.insert_range(users[i]->users());
  }
  return functions;
}

/// Each kernel has its own arrays at the window's start, with gaps between them; an array of several lies at one place.
void Rewriter::place_shared(llvm::GlobalVariable& variable) {
  const std::uint64_t bytes = host_.getTypeAllocSize(variable.getValueType()).getFixedValue();
  const std::uint64_t alignment = std::max<std::uint64_t>(
      variable.getAlign().valueOrOne().value(), host_.getABITypeAlign(variable.getValueType()).value());
  std::uint64_t at = dynamic_shared_offset;
  if (bytes > 0) {
    const Functions functions = users_of(variable);
    std::vector<std::size_t> owners;
    at = first_shared_offset;
    for (std::size_t k = 0; k < kernels.size(); ++k)
      if (llvm::any_of(reached_[k], [&](llvm::Function* f) { return functions.contains(f); }))
        owners.push_back(k), at = std::max(at, shared_top_[k]);
    at = aligned(at, std::max(alignment, shared_gap));
    if (at + bytes > dynamic_shared_offset) unsupported("so much shared memory in one module");
    for (std::size_t k : owners) {
      shared_top_[k] = aligned(at + bytes, shared_gap) + shared_gap;
      kernels[k]->shared.push_back({at, bytes});
      kernels[k]->static_bytes = aligned(kernels[k]->static_bytes, alignment) + bytes;
    }
  }
  llvm::Constant* address = llvm::ConstantInt::get(i64_, Memory::instance().window() + at);
  variable.replaceAllUsesWith(llvm::ConstantExpr::getIntToPtr(address, variable.getType()));
  variable.eraseFromParent();
}

/// Of the host's memory, where compiled code has it; the accesses are checked as others are.
void Rewriter::place_table(llvm::GlobalVariable& variable) {
  if (variable.isDeclaration() || variable.getAddressSpace() > last_space)
    unsupported("the global variable " + variable.getName().str());
  variable.setName(prefix_ + "_table" + std::to_string(tables.size()));
  variable.setComdat(nullptr);
  variable.setLinkage(llvm::GlobalValue::ExternalLinkage);
  variable.setVisibility(llvm::GlobalValue::DefaultVisibility);
  variable.setDSOLocal(true);
  tables.push_back({variable.getName().str(), host_.getTypeAllocSize(variable.getValueType()).getFixedValue()});
}

// ---- functions ----

void Rewriter::rewrite(llvm::Function& function) {
  function.setCallingConv(llvm::CallingConv::C);
  function.setComdat(nullptr);
  function.setVisibility(llvm::GlobalValue::DefaultVisibility);
  function.setLinkage(llvm::GlobalValue::InternalLinkage);
  for (const char* attribute : {"target-cpu", "target-features", "tune-cpu"}) function.removeFnAttr(attribute);
  // It calls helpers now, which read and write what they like.
  function.removeFnAttr(llvm::Attribute::Memory);
  function.removeFnAttr(llvm::Attribute::UWTable);
  function.addFnAttr(llvm::Attribute::NoUnwind);
  llvm::SmallVector<llvm::Instruction*> all;
  for (llvm::Instruction& instruction : llvm::instructions(function)) all.push_back(&instruction);
  for (llvm::Instruction* instruction : all) rewrite(*instruction);
}

void Rewriter::rewrite(llvm::Instruction& instruction) {
  if (auto* load = llvm::dyn_cast<llvm::LoadInst>(&instruction)) {
    guard_access(*load, load->getPointerOperandIndex(), load->getType(), load->getAlign(), false);
    load->setAlignment(std::min(load->getAlign(), llvm::Align(widest_access)));
  } else if (auto* store = llvm::dyn_cast<llvm::StoreInst>(&instruction)) {
    llvm::Type* type = store->getValueOperand()->getType();
    guard_access(*store, store->getPointerOperandIndex(), type, store->getAlign(), true);
    store->setAlignment(std::min(store->getAlign(), llvm::Align(widest_access)));
  } else if (auto* update = llvm::dyn_cast<llvm::AtomicRMWInst>(&instruction)) {
    llvm::Type* type = update->getValOperand()->getType();
    guard_access(*update, update->getPointerOperandIndex(), type, update->getAlign(), true);
  } else if (auto* swap = llvm::dyn_cast<llvm::AtomicCmpXchgInst>(&instruction)) {
    llvm::Type* type = swap->getNewValOperand()->getType();
    guard_access(*swap, swap->getPointerOperandIndex(), type, swap->getAlign(), true);
  } else if (auto* call = llvm::dyn_cast<llvm::CallBase>(&instruction)) {
    rewrite_call(*call);
  } else if (auto* binary = llvm::dyn_cast<llvm::BinaryOperator>(&instruction)) {
    if (binary->isIntDivRem()) guard_division(*binary);
  }
}

void Rewriter::guard_access(llvm::Instruction& access, unsigned operand, llvm::Type* type, llvm::Align align,
                            bool write) {
  llvm::Value* pointer = access.getOperand(operand);
  if (llvm::isa<llvm::AllocaInst>(llvm::getUnderlyingObject(pointer, 0))) return;
  const std::uint64_t bytes = host_.getTypeStoreSize(type).getFixedValue();
  if (bytes == 0) return;
  // The GPU moves up to 16 bytes at once, less where the module promises less alignment; that is what it insists on.
  const std::uint64_t alignment = std::min({align.value(), std::bit_ceil(bytes), widest_access});
  llvm::IRBuilder<> b(&access);
  llvm::Value* address = b.CreatePtrToInt(pointer, i64_);
  access.setOperand(operand, b.CreateCall(access_, {address, b.getInt32(static_cast<std::uint32_t>(bytes)),
                                                    b.getInt32(static_cast<std::uint32_t>(alignment)),
                                                    b.getInt32(write)}));
}

/// Division by zero and overflow give some number on a GPU; the host would trap.
void Rewriter::guard_division(llvm::BinaryOperator& division) {
  llvm::Value* divisor = division.getOperand(1);
  if (auto* constant = llvm::dyn_cast<llvm::ConstantInt>(divisor))
    if (!constant->isZero() && !constant->isMinusOne()) return;
  llvm::Type* type = division.getType();
  llvm::IRBuilder<> b(&division);
  llvm::Value* bad = b.CreateICmpEQ(divisor, llvm::Constant::getNullValue(type));
  if (division.getOpcode() == llvm::Instruction::SDiv || division.getOpcode() == llvm::Instruction::SRem) {
    auto* least = llvm::ConstantInt::get(type, llvm::APInt::getSignedMinValue(type->getScalarSizeInBits()));
    llvm::Value* overflow = b.CreateAnd(b.CreateICmpEQ(divisor, llvm::Constant::getAllOnesValue(type)),
                                        b.CreateICmpEQ(division.getOperand(0), least));
    bad = b.CreateOr(bad, overflow);
  }
  division.setOperand(1, b.CreateSelect(bad, llvm::ConstantInt::get(type, 1), divisor));
}

void Rewriter::rewrite_call(llvm::CallBase& call) {
  call.setCallingConv(llvm::CallingConv::C);
  if (call.isInlineAsm()) unsupported("assembly");
  llvm::Function* callee = call.getCalledFunction();
  if (!callee) unsupported("a call of a pointer");
  llvm::StringRef name = callee->getName();
  if (!callee->isIntrinsic()) {
    if (callee->isDeclaration()) unsupported("the function " + name.str());
    return;
  }
  llvm::IRBuilder<> b(&call);
  auto address = [&](llvm::Value* pointer) { return b.CreatePtrToInt(pointer, i64_); };
  if (auto* transfer = llvm::dyn_cast<llvm::MemTransferInst>(&call)) {
    b.CreateCall(copy_, {address(transfer->getRawDest()), address(transfer->getRawSource()),
                         b.CreateZExtOrTrunc(transfer->getLength(), i64_)});
    call.eraseFromParent();
  } else if (auto* fill = llvm::dyn_cast<llvm::MemSetInst>(&call)) {
    b.CreateCall(fill_, {address(fill->getRawDest()), b.CreateZExtOrTrunc(fill->getValue(), i32_),
                         b.CreateZExtOrTrunc(fill->getLength(), i64_)});
    call.eraseFromParent();
  } else if (name.consume_front("llvm.nvvm.")) {
    rewrite_intrinsic(call, name);
  } else if (name == "llvm.trap" || name == "llvm.debugtrap" || name.starts_with("llvm.ubsantrap")) {
    b.CreateCall(trap_);
    call.eraseFromParent();
  } else if (name.starts_with("llvm.prefetch")) {
    call.eraseFromParent();
  } else if (llvm::isa<llvm::AnyMemIntrinsic>(call) || name.starts_with("llvm.masked.") ||
             name.starts_with("llvm.vp.") || name.starts_with("llvm.va_") || name.starts_with("llvm.stack")) {
    unsupported(name.str());
  }
}

}  // namespace skein::runtime::emulated
