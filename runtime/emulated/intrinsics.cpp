// The intrinsics of the GPU: what a thread knows of itself, barriers, exchanges within a warp, and arithmetic.

#include "runtime/emulated/block.h"
#include "runtime/emulated/rewrite.h"

#include <cstddef>

#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/Intrinsics.h"

namespace skein::runtime::emulated {
namespace {

constexpr unsigned unknown = ~0u;

/// "add.rn.ftz.f" is "add": what is left without types, without flushing of subnormal numbers, and without rounding to
/// nearest, which is also what stands here for approximations.
std::string operation_of(llvm::StringRef name) {
  llvm::SmallVector<llvm::StringRef> words;
  name.split(words, '.');
  std::string left;
  for (llvm::StringRef word : words) {
    const bool noise = llvm::StringSwitch<bool>(word)
                           .Cases({"f", "d", "f16", "bf16", "f32", "f64"}, true)
                           .Cases({"f16x2", "bf16x2", "v2f16", "v2bf16"}, true)
                           .Cases({"ftz", "rn", "approx", "full"}, true)
                           .Default(false);
    if (!noise) left += (left.empty() ? "" : ".") + word.str();
  }
  return left;
}

}  // namespace

void Rewriter::rewrite_intrinsic(llvm::CallBase& call, llvm::StringRef name) {
  if (name.starts_with("membar.") || name.starts_with("fence.")) return call.eraseFromParent(), void();
  llvm::Value* value = special_register(call, name);
  if (!value) value = barrier(call, name);
  if (!value) value = warp(call, name);
  if (!value) value = arithmetic(call, name);
  if (!value) value = conversion(call, name);
  if (!value) unsupported("llvm.nvvm." + name.str());
  if (!call.getType()->isVoidTy()) call.replaceAllUsesWith(value);
  call.eraseFromParent();
}

// ---- registers ----

llvm::Value* Rewriter::registers_of(llvm::Function& function) {
  llvm::Value*& registers = registers_[&function];
  if (!registers) {
    llvm::BasicBlock& entry = function.getEntryBlock();
    llvm::IRBuilder<> b(&entry, entry.getFirstInsertionPt());
    registers = b.CreateCall(get_registers_);
  }
  return registers;
}

llvm::Value* Rewriter::special_register(llvm::CallBase& call, llvm::StringRef name) {
  if (!name.consume_front("read.ptx.sreg.")) return nullptr;
  llvm::IRBuilder<> b(&call);
  if (name == "warpsize") return b.getInt32(warp_size);
  const unsigned offset = llvm::StringSwitch<unsigned>(name)
                              .Case("tid.x", offsetof(Registers, tid))
                              .Case("tid.y", offsetof(Registers, tid) + 4)
                              .Case("tid.z", offsetof(Registers, tid) + 8)
                              .Case("ntid.x", offsetof(Registers, ntid))
                              .Case("ntid.y", offsetof(Registers, ntid) + 4)
                              .Case("ntid.z", offsetof(Registers, ntid) + 8)
                              .Case("ctaid.x", offsetof(Registers, ctaid))
                              .Case("ctaid.y", offsetof(Registers, ctaid) + 4)
                              .Case("ctaid.z", offsetof(Registers, ctaid) + 8)
                              .Case("nctaid.x", offsetof(Registers, nctaid))
                              .Case("nctaid.y", offsetof(Registers, nctaid) + 4)
                              .Case("nctaid.z", offsetof(Registers, nctaid) + 8)
                              .Case("laneid", offsetof(Registers, lane))
                              .Default(unknown);
  if (offset == unknown) return nullptr;
  llvm::Value* registers = registers_of(*call.getFunction());
  return b.CreateAlignedLoad(i32_, b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), registers, offset), llvm::Align(4));
}

// ---- threads that wait for each other ----

void Rewriter::mark_blocking(llvm::CallBase& call) { blocking_.insert(call.getFunction()), ++sites_; }

llvm::Value* Rewriter::barrier(llvm::CallBase& call, llvm::StringRef name) {
  const unsigned kind = llvm::StringSwitch<unsigned>(name)
                            .Cases({"barrier0", "barrier.cta.sync.all", "barrier.cta.sync.aligned.all"}, barrier_sync)
                            .Cases({"barrier.cta.red.popc.all", "barrier.cta.red.popc.aligned.all"}, barrier_popc)
                            .Cases({"barrier.cta.red.and.all", "barrier.cta.red.and.aligned.all"}, barrier_and)
                            .Cases({"barrier.cta.red.or.all", "barrier.cta.red.or.aligned.all"}, barrier_or)
                            .Default(unknown);
  if (kind == unknown) return nullptr;
  mark_blocking(call);
  llvm::IRBuilder<> b(&call);
  llvm::Value* vote = kind == barrier_sync ? b.getInt32(0) : b.CreateZExtOrTrunc(call.getArgOperand(1), i32_);
  llvm::Value* result = b.CreateCall(barrier_, {b.getInt32(sites_), b.getInt32(kind), vote});
  return call.getType()->isIntegerTy(1) ? b.CreateTrunc(result, call.getType()) : result;
}

/// The number that the helper returns, 64 bits.
llvm::Value* Rewriter::exchange(llvm::CallBase& call, unsigned kind, llvm::Value* mask, llvm::Value* value) {
  mark_blocking(call);
  llvm::IRBuilder<> b(&call);
  llvm::Value* none = b.getInt32(0);
  return b.CreateCall(exchange_, {b.getInt32(sites_), b.getInt32(kind), mask, value, none, none});
}

llvm::Value* Rewriter::warp(llvm::CallBase& call, llvm::StringRef name) {
  if (name.consume_front("shfl.sync.")) return shuffle(call, name);
  llvm::IRBuilder<> b(&call);
  if (name == "bar.warp.sync") return exchange(call, warp_sync, call.getArgOperand(0), b.getInt32(0));
  const unsigned vote = llvm::StringSwitch<unsigned>(name)
                            .Case("vote.all.sync", vote_all)
                            .Case("vote.any.sync", vote_any)
                            .Case("vote.uni.sync", vote_uni)
                            .Case("vote.ballot.sync", vote_ballot)
                            .Default(unknown);
  if (vote != unknown) {
    llvm::Value* mine = b.CreateZExt(call.getArgOperand(1), i32_);
    return b.CreateTrunc(exchange(call, vote, call.getArgOperand(0), mine), call.getType());
  }
  const unsigned reduction = llvm::StringSwitch<unsigned>(name)
                                 .Case("redux.sync.add", reduce_add)
                                 .Case("redux.sync.min", reduce_min)
                                 .Case("redux.sync.max", reduce_max)
                                 .Case("redux.sync.umin", reduce_umin)
                                 .Case("redux.sync.umax", reduce_umax)
                                 .Case("redux.sync.and", reduce_and)
                                 .Case("redux.sync.or", reduce_or)
                                 .Case("redux.sync.xor", reduce_xor)
                                 .Default(unknown);
  if (reduction == unknown) return nullptr;
  return b.CreateTrunc(exchange(call, reduction, call.getArgOperand(1), call.getArgOperand(0)), i32_);
}

/// shfl.sync: the mask, the value, the lane or distance, the clamp and segment; with p the result has a predicate, too.
llvm::Value* Rewriter::shuffle(llvm::CallBase& call, llvm::StringRef name) {
  auto [mode, type] = name.split('.');
  const unsigned kind = llvm::StringSwitch<unsigned>(mode)
                            .Case("up", shuffle_up)
                            .Case("down", shuffle_down)
                            .Case("bfly", shuffle_bfly)
                            .Case("idx", shuffle_idx)
                            .Default(unknown);
  const bool known = type == "i32" || type == "i32p" || type == "f32" || type == "f32p";
  if (kind == unknown || !known) return nullptr;
  mark_blocking(call);
  llvm::IRBuilder<> b(&call);
  llvm::Value* value = b.CreateBitCast(call.getArgOperand(1), i32_);
  llvm::Value* both = b.CreateCall(exchange_, {b.getInt32(sites_), b.getInt32(kind), call.getArgOperand(0), value,
                                               call.getArgOperand(2), call.getArgOperand(3)});
  llvm::Value* result = b.CreateBitCast(b.CreateTrunc(both, i32_), call.getArgOperand(1)->getType());
  if (!type.ends_with("p")) return result;
  llvm::Value* inside = b.CreateTrunc(b.CreateLShr(both, b.getInt64(32)), b.getInt1Ty());
  llvm::Value* pair = b.CreateInsertValue(llvm::PoisonValue::get(call.getType()), result, 0);
  return b.CreateInsertValue(pair, inside, 1);
}

// ---- arithmetic ----

llvm::Value* Rewriter::arithmetic(llvm::CallBase& call, llvm::StringRef name) {
  llvm::IRBuilder<> b(&call);
  const std::string op = operation_of(name);
  auto x = [&](unsigned i) { return call.getArgOperand(i); };
  auto one = [&] { return llvm::ConstantFP::get(call.getType(), 1.0); };
  auto unary = [&](llvm::Intrinsic::ID id) -> llvm::Value* { return b.CreateUnaryIntrinsic(id, x(0)); };
  auto binary = [&](llvm::Intrinsic::ID id) -> llvm::Value* { return b.CreateBinaryIntrinsic(id, x(0), x(1)); };
  if (op == "add") return b.CreateFAdd(x(0), x(1));
  if (op == "mul") return b.CreateFMul(x(0), x(1));
  if (op == "div") return b.CreateFDiv(x(0), x(1));
  if (op == "rcp") return b.CreateFDiv(one(), x(0));
  if (op == "sqrt") return unary(llvm::Intrinsic::sqrt);
  if (op == "rsqrt") return b.CreateFDiv(one(), unary(llvm::Intrinsic::sqrt));
  if (op == "ex2") return unary(llvm::Intrinsic::exp2);
  if (op == "lg2") return unary(llvm::Intrinsic::log2);
  if (op == "sin") return unary(llvm::Intrinsic::sin);
  if (op == "cos") return unary(llvm::Intrinsic::cos);
  if (op == "floor") return unary(llvm::Intrinsic::floor);
  if (op == "ceil") return unary(llvm::Intrinsic::ceil);
  if (op == "trunc") return unary(llvm::Intrinsic::trunc);
  if (op == "round") return unary(llvm::Intrinsic::roundeven);
  if (op == "fabs") return unary(llvm::Intrinsic::fabs);
  if (op == "neg") return b.CreateFNeg(x(0));
  if (op == "fmin") return binary(llvm::Intrinsic::minnum);
  if (op == "fmax") return binary(llvm::Intrinsic::maxnum);
  if (op == "fmin.nan") return binary(llvm::Intrinsic::minimum);
  if (op == "fmax.nan") return binary(llvm::Intrinsic::maximum);
  if (op == "fma") return b.CreateIntrinsic(llvm::Intrinsic::fma, {call.getType()}, {x(0), x(1), x(2)});
  return nullptr;
}

llvm::Value* Rewriter::conversion(llvm::CallBase& call, llvm::StringRef name) {
  llvm::IRBuilder<> b(&call);
  const std::string op = operation_of(name);
  if (call.arg_size() == 0) return nullptr;
  llvm::Value* x = call.getArgOperand(0);
  llvm::Type* type = call.getType();
  auto saturating = [&](llvm::Intrinsic::ID id) { return b.CreateIntrinsic(id, {type, x->getType()}, {x}); };
  if (op == "f2i.rz" || op == "d2i.rz" || op == "f2ll.rz" || op == "d2ll.rz")
    return saturating(llvm::Intrinsic::fptosi_sat);
  if (op == "f2ui.rz" || op == "d2ui.rz" || op == "f2ull.rz" || op == "d2ull.rz")
    return saturating(llvm::Intrinsic::fptoui_sat);
  if (op == "i2f" || op == "i2d" || op == "ll2f" || op == "ll2d") return b.CreateSIToFP(x, type);
  if (op == "ui2f" || op == "ui2d" || op == "ull2f" || op == "ull2d") return b.CreateUIToFP(x, type);
  if (op == "d2f" || op == "f2bf16" || op == "f2f16") return b.CreateFPTrunc(x, type);
  if (op == "d2i.lo") return b.CreateTrunc(b.CreateBitCast(x, i64_), i32_);
  if (op == "d2i.hi") return b.CreateTrunc(b.CreateLShr(b.CreateBitCast(x, i64_), b.getInt64(32)), i32_);
  if (op == "lohi.i2d") {
    llvm::Value* high = b.CreateShl(b.CreateZExt(call.getArgOperand(1), i64_), b.getInt64(32));
    return b.CreateBitCast(b.CreateOr(high, b.CreateZExt(x, i64_)), type);
  }
  return nullptr;
}

}  // namespace skein::runtime::emulated
