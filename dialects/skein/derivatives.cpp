// The two walks over ops without regions, and what the rules emit with.
#include "dialects/skein/derivatives_rules.h"

#include <algorithm>

namespace skein::ir {

using namespace mlir;

bool isDifferentiable(Type type) {
  auto array = llvm::dyn_cast<RankedTensorType>(type);
  return array && llvm::isa<FloatType, ComplexType>(array.getElementType());
}

Value zeroOf(OpBuilder& b, Location loc, Type type) { return Emitter(b, loc, {}).constant(type, 0); }

// ---- Emitter ----

static Axes sorted(llvm::ArrayRef<StringAttr> axes) {
  Axes all(axes.begin(), axes.end());
  llvm::sort(all, [](StringAttr a, StringAttr b) { return a.getValue() < b.getValue(); });
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

Value Emitter::convert(Value x, Type element) { return arrayType(x).getElementType() == element ? x : make<ConvertOp>(x, element); }
Value Emitter::reshape(Value x, llvm::ArrayRef<int64_t> shape) { return arrayType(x).getShape() == shape ? x : make<ReshapeOp>(x, shape); }

/// A constant of one value; arrays of no elements are repetitions of a scalar.
static Value splat(Emitter& e, RankedTensorType type, llvm::function_ref<DenseElementsAttr(RankedTensorType)> attribute) {
  auto plain = RankedTensorType::get(type.getShape(), type.getElementType());
  if (!llvm::is_contained(type.getShape(), int64_t{0})) return e.make<ConstantOp>(plain, attribute(plain));
  auto scalar = RankedTensorType::get({}, type.getElementType());
  return e.make<BroadcastOp>(e.make<ConstantOp>(scalar, attribute(scalar)), type.getShape(), Dims());
}

Value Emitter::constant(Type like, double value) {
  auto type = arrayType(like);
  Type element = type.getElementType();
  if (llvm::isa<IntegerType>(element)) return integer(like, static_cast<int64_t>(value));
  auto complex = llvm::dyn_cast<ComplexType>(element);
  auto part = [&](double number) {
    APFloat rounded(number);
    bool lost;
    rounded.convert(llvm::cast<FloatType>(complex ? complex.getElementType() : element).getFloatSemantics(), APFloat::rmNearestTiesToEven, &lost);
    return rounded;
  };
  return splat(*this, type, [&](RankedTensorType plain) {
    if (!complex) return DenseElementsAttr::get(plain, part(value));
    std::complex<APFloat> number(part(value), part(0));
    return DenseElementsAttr::get(plain, llvm::ArrayRef<std::complex<APFloat>>(number));
  });
}

Value Emitter::integer(Type like, int64_t value) {
  auto type = arrayType(like);
  APInt bits(64, static_cast<uint64_t>(value));
  return splat(*this, type, [&](RankedTensorType plain) {
    return DenseElementsAttr::get(plain, bits.zextOrTrunc(plain.getElementType().getIntOrFloatBitWidth()));
  });
}

Operation* Emitter::rebuild(Operation* op, ValueRange operands) {
  OperationState state(getLoc(), op->getName());
  state.addOperands(operands);
  state.addAttributes(op->getAttrs());
  auto* infer = op->getName().getInterface<InferTypeOpInterface>();
  LogicalResult inferred = infer->inferReturnTypes(getContext(), state.location, state.operands, state.attributes.getDictionary(getContext()),
                                                   OpaqueProperties(nullptr), {}, state.types);
  if (failed(inferred)) llvm::report_fatal_error("a derivative's types do not follow");  // it works on what the op worked on
  return create(state);
}

AxesAttr Emitter::named(llvm::ArrayRef<StringAttr> axes) {
  llvm::SmallVector<StringAttr> names;
  llvm::SmallVector<int64_t> sizes;
  if (mesh_)
    for (auto [name, size] : llvm::zip(mesh_.getNames(), mesh_.getSizes()))
      if (llvm::is_contained(axes, name)) names.push_back(name), sizes.push_back(size);
  assert(names.size() == axes.size() && "an axis is not in the mesh in force");
  return AxesAttr::get(getContext(), names, sizes);
}

Value Emitter::vary(Value v, llvm::ArrayRef<StringAttr> axes) {
  auto have = varying(v.getType());
  Axes missing;
  for (StringAttr axis : sorted(axes))
    if (!llvm::is_contained(have, axis)) missing.push_back(axis);
  return missing.empty() ? v : make<PvaryOp>(v, named(missing));
}

Value Emitter::sumBut(Value v, llvm::ArrayRef<StringAttr> kept) {
  Axes gone;
  for (StringAttr axis : varying(v.getType()))
    if (!llvm::is_contained(kept, axis)) gone.push_back(axis);
  if (gone.empty()) return v;
  return PsumOp::create(*this, ValueRange(v), named(gone), mlir::ArrayAttr())->getResult(0);
}

Value Emitter::fit(Value tangent, Type type) { return vary(tangent ? tangent : constant(type, 0), varying(type)); }

RankedTensorType Emitter::cotangentType(Type type) {
  Axes axes(apart_);
  llvm::append_range(axes, varying(type));
  return withVarying(arrayType(type), sorted(axes));
}

// ---- Accounts ----

void Accounts::add(Emitter& e, Value value, Value contribution) {
  if (!contribution || !wants(value)) return;
  contribution = e.vary(contribution, varying(e.cotangentType(value.getType())));
  if (Value* sum = part(value, varying(contribution.getType())))
    *sum = e.add(*sum, contribution);
  else
    parts_[value].push_back(contribution);
}

Value* Accounts::part(Value value, llvm::ArrayRef<StringAttr> axes) {
  auto found = parts_.find(value);
  if (found == parts_.end()) return nullptr;
  Axes wanted = sorted(axes);
  for (Value& sum : found->second)
    if (varying(sum.getType()) == llvm::ArrayRef<StringAttr>(wanted)) return &sum;
  return nullptr;
}

Value Accounts::get(Emitter& e, Value value) {
  auto found = parts_.find(value);
  if (found == parts_.end()) return {};
  auto type = e.cotangentType(value.getType());
  Value all;
  for (Value sum : found->second) all = e.sum(all, e.sumBut(sum, varying(type)));
  found->second = {all};
  return all;
}

// ---- rules ----

const Rule* ruleOf(llvm::StringRef op) {
  static const Rules* rules = [] {
    auto* all = new Rules();
    addElementwiseRules(*all);
    addShapeRules(*all);
    addReduceRules(*all);
    addContractRules(*all);
    addFftRules(*all);
    addLinalgRules(*all);
    addCollectiveRules(*all);
    return all;
  }();
  auto found = rules->find(op);
  return found == rules->end() ? nullptr : &found->second;
}

LogicalResult pushLinear(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  if (!tangents[0]) return success();
  Values operands = valuesOf(op->getOperands());
  operands[0] = tangents[0];
  results[0] = e.rebuild(op, operands)->getResult(0);
  return success();
}

static LogicalResult refuseDerivative(Operation* op) {
  return emitError(op->getLoc()) << plainName(op->getName().getStringRef()) << " has no derivative; keep it out of what is derived";
}

static bool isSmooth(Operation* op) { return llvm::any_of(op->getResultTypes(), isDifferentiable); }

// ---- activity ----

void Activity::mark(Value v) {
  if (isDifferentiable(v.getType())) inside_.insert(v);
}

void Activity::visit(Block& block) {
  for (Operation& op : block.without_terminator()) visit(&op);
}

void Activity::visit(Operation* op) {
  auto active = [this](Value v) { return (*this)(v); };
  if (!isSmooth(op)) return;
  if (llvm::isa<ForOp, WhileOp>(op)) {
    bool counted = llvm::isa<ForOp>(op);
    Block& body = op->getRegion(op->getNumRegions() - 1).front();
    auto arguments = body.getArguments().drop_front(counted ? 1 : 0);
    for (auto [argument, init] : llvm::zip(arguments, op->getOperands().drop_front(counted ? 2 : 0)))
      if (active(init)) mark(argument);
    for (bool changed = true; changed;) {
      changed = false;
      visit(body);
      for (auto [argument, next] : llvm::zip(arguments, body.getTerminator()->getOperands()))
        if (active(next) && !active(argument)) mark(argument), changed = true;
    }
    for (auto [argument, result] : llvm::zip(arguments, op->getResults()))
      if (active(argument)) mark(result);
  } else if (auto choice = llvm::dyn_cast<SwitchOp>(op)) {
    for (Region& branch : choice.getBranches()) {
      visit(branch.front());
      for (auto [yielded, result] : llvm::zip(branch.front().getTerminator()->getOperands(), op->getResults()))
        if (active(yielded)) mark(result);
    }
  } else if (auto map = llvm::dyn_cast<ShardMapOp>(op)) {
    Block& body = map.getBody().front();
    for (auto [argument, operand] : llvm::zip(body.getArguments(), op->getOperands()))
      if (active(operand)) mark(argument);
    visit(body);
    for (auto [yielded, result] : llvm::zip(body.getTerminator()->getOperands(), op->getResults()))
      if (active(yielded)) mark(result);
  } else if (llvm::isa<SortOp>(op) || (op->hasTrait<OpTrait::Collective>() && op->getNumOperands() == op->getNumResults())) {
    for (auto [operand, result] : llvm::zip(op->getOperands(), op->getResults()))
      if (active(operand)) mark(result);
  } else {
    const Rule* rule = ruleOf(op->getName().getStringRef());
    if (rule && rule->isZero()) return;
    if (llvm::any_of(op->getOperands(), active))
      for (Value result : op->getResults()) mark(result);
  }
}

// ---- forward ----

void Forward::set(Value old, Value value, Value tangent) {
  values_.map(old, value);
  if (tangent && isDifferentiable(old.getType()))
    tangents_[old] = tangent;
  else
    tangents_.erase(old);
}

LogicalResult Forward::run(OpBuilder& b, Block& block) {
  for (Operation& op : block.without_terminator())
    if (failed(emit(b, &op))) return failure();
  return success();
}

bool Forward::readsActive(Operation* op) {
  bool found = false;
  op->walk([&](Operation* inner) {
    for (Value v : inner->getOperands()) found |= static_cast<bool>(tangent(v));
  });
  return found;
}

void Forward::copy(OpBuilder& b, Operation* op) {
  Operation* made = b.clone(*op, values_);
  for (auto [old, now] : llvm::zip(op->getResults(), made->getResults())) set(old, now, {});
}

LogicalResult Forward::emit(OpBuilder& b, Operation* op) {
  if (!isSmooth(op) || !readsActive(op)) {
    copy(b, op);
    return success();
  }
  if (llvm::isa<ForOp, WhileOp>(op)) return pushLoop(b, op);
  if (auto choice = llvm::dyn_cast<SwitchOp>(op)) return pushSwitch(b, choice);
  if (auto map = llvm::dyn_cast<ShardMapOp>(op)) return pushShardMap(b, map);
  if (auto call = llvm::dyn_cast<CallOp>(op)) return pushCall(b, call);
  if (auto sort = llvm::dyn_cast<SortOp>(op)) return pushSort(b, sort);
  if (auto custom = llvm::dyn_cast<CustomJvpOp>(op)) return pushCustom(b, custom);
  if (auto custom = llvm::dyn_cast<CustomVjpOp>(op)) {
    if (custom.getTransparent()) return pushBody(b, custom);
    return emitError(op->getLoc()) << "a function with a custom_vjp has a derivative in reverse mode alone (grad, vjp, jacrev); give it a custom_jvp for both";
  }
  const Rule* rule = ruleOf(op->getName().getStringRef());
  if (!rule) return refuseDerivative(op);
  Values tangents, results(op->getNumResults());
  for (Value operand : op->getOperands()) tangents.push_back(tangent(operand));
  copy(b, op);
  if (rule->isZero()) return success();
  Operation* made = value(op->getResult(0)).getDefiningOp();
  Emitter e(b, op->getLoc(), mesh_);
  if (rule->push) {
    if (failed(rule->push(e, made, tangents, results))) return failure();
  } else {
    for (auto [factor, t] : llvm::zip(rule->factors, tangents))
      if (factor && t) results[0] = e.sum(results[0], factor(e, made, t));
  }
  for (auto [i, t] : llvm::enumerate(results)) set(op->getResult(i), made->getResult(i), t);
  return success();
}

FailureOr<Derivatives> pushForward(OpBuilder& b, Block& block, ValueRange arguments, llvm::ArrayRef<Value> tangents,
                                   const llvm::DenseMap<Value, Value>& outside, AxesAttr mesh) {
  Forward forward(mesh, outside);
  for (auto [old, value, tangent] : llvm::zip(block.getArguments(), arguments, tangents)) forward.set(old, value, tangent);
  if (failed(forward.run(b, block))) return failure();
  Derivatives result;
  for (Value yielded : block.getTerminator()->getOperands()) {
    result.values.push_back(forward.value(yielded));
    result.tangents.push_back(forward.tangent(yielded));
  }
  return result;
}

// ---- reverse ----

void Tape::want(Value v) {
  if (isDifferentiable(v.getType())) active_.insert(v);
}

bool Tape::readsActive(Operation* op) const {
  bool found = false;
  op->walk([&](Operation* inner) {
    for (Value v : inner->getOperands()) found |= active_.contains(value(v));
  });
  return found;
}

void Tape::note(Operation* made) {
  Activity activity([this](Value v) { return active_.contains(v); });
  activity.visit(made);
  bool any = false;
  for (Value result : made->getResults())
    if (activity(result)) active_.insert(result), any = true;
  if (any) ops_.push_back(made);
}

void Tape::emit(OpBuilder& b, Block::iterator from, Block::iterator to) {
  for (auto op = from; op != to; ++op) emit(b, &*op);
}

void Tape::emit(OpBuilder& b, Operation* op) {
  if (again_ && llvm::isa<PrintOp, CheckOp>(op)) return;
  bool active = isSmooth(op) && readsActive(op);
  if (active) {
    if (auto loop = llvm::dyn_cast<ForOp>(op)) return emitFor(b, loop);
    if (auto sort = llvm::dyn_cast<SortOp>(op)) return emitSort(b, sort);
    if (auto call = llvm::dyn_cast<CallOp>(op); call && depth_ < 100)
      if (Block* callee = calleeOf(call, b)) {
        for (auto [argument, operand] : llvm::zip(callee->getArguments(), op->getOperands())) map(argument, value(operand));
        ++depth_;
        emit(b, callee->begin(), callee->getTerminator()->getIterator());
        --depth_;
        for (auto [result, returned] : llvm::zip(op->getResults(), callee->getTerminator()->getOperands())) map(result, value(returned));
        return;
      }
  }
  Operation* made = b.clone(*op, map_);
  if (again_) dropEffects(made);
  if (active) note(made);
}

LogicalResult Tape::pull(OpBuilder& b, Accounts& accounts) {
  for (Operation* op : llvm::reverse(ops_)) {
    Emitter e = at(b, op->getLoc());
    Values cotangents;
    bool any = false;
    for (Value result : op->getResults()) {
      cotangents.push_back(accounts.wants(result) ? accounts.get(e, result) : Value());
      any |= static_cast<bool>(cotangents.back());
    }
    if (!any) continue;
    LogicalResult done = success();
    const Rule* rule = ruleOf(op->getName().getStringRef());
    if (auto loop = llvm::dyn_cast<ForOp>(op)) {
      done = pullFor(b, loop, accounts);
    } else if (llvm::isa<WhileOp>(op)) {
      done = emitError(op->getLoc()) << "while_loop has no derivative in reverse mode, which needs a fixed number of turns: use scan, or "
                                        "fori_loop with constants for bounds, or forward mode (jvp, jacfwd)";
    } else if (auto choice = llvm::dyn_cast<SwitchOp>(op)) {
      done = pullSwitch(b, choice, cotangents, accounts);
    } else if (auto map = llvm::dyn_cast<ShardMapOp>(op)) {
      done = pullShardMap(b, map, cotangents, accounts);
    } else if (auto custom = llvm::dyn_cast<CustomJvpOp>(op)) {
      done = pullCustom(b, custom, cotangents, accounts);
    } else if (auto custom = llvm::dyn_cast<CustomVjpOp>(op)) {
      pullCustom(b, custom, cotangents, accounts);
    } else if (rule && rule->pull) {
      done = rule->pull(e, op, cotangents, accounts);
    } else if (rule && !rule->factors.empty()) {
      for (auto [factor, operand] : llvm::zip(rule->factors, op->getOperands()))
        if (factor && accounts.wants(operand)) accounts.add(e, operand, factor(e, op, cotangents[0]));
    } else {
      done = refuseDerivative(op);
    }
    if (failed(done)) return failure();
  }
  return success();
}

Pullback::Pullback(OpBuilder& b, Block& block, ValueRange arguments, llvm::ArrayRef<Value> outside, AxesAttr mesh)
    : outside_(outside.begin(), outside.end()), mesh_(mesh), tape_(std::make_shared<Tape>(mesh, llvm::ArrayRef<StringAttr>(), false)) {
  // An argument that the block reads by another name too, from outside or as another argument, gets a name of its own.
  llvm::DenseSet<Value> met(outside.begin(), outside.end());
  block.walk([&](Operation* op) {
    for (Value v : op->getOperands()) met.insert(v);
  });
  auto nowhere = AxesAttr::get(b.getContext(), llvm::ArrayRef<StringAttr>(), llvm::ArrayRef<int64_t>());
  for (auto [old, given] : llvm::zip(block.getArguments(), arguments)) {
    Value own = given;
    if (isDifferentiable(own.getType()) && !met.insert(own).second) own = PvaryOp::create(b, own.getLoc(), own, nowhere)->getResult(0);
    arguments_.push_back(own);
    tape_->map(old, own);
    tape_->want(own);
  }
  for (Value v : outside) tape_->want(v);
  Operation* end = block.getTerminator();
  tape_->emit(b, block.begin(), end->getIterator());
  for (Value yielded : end->getOperands()) values_.push_back(tape_->value(yielded));
}

FailureOr<llvm::SmallVector<Value>> Pullback::pull(OpBuilder& b, llvm::ArrayRef<Value> cotangents) {
  Accounts accounts(tape_->active());
  for (auto [value, ct] : llvm::zip(values_, cotangents)) {
    Emitter e(b, value.getLoc(), mesh_);
    accounts.add(e, value, ct);
  }
  if (failed(tape_->pull(b, accounts))) return failure();
  llvm::SmallVector<Value> results;
  for (llvm::ArrayRef<Value> list : {llvm::ArrayRef<Value>(arguments_), llvm::ArrayRef<Value>(outside_)})
    for (Value v : list) {
      Emitter e(b, v.getLoc(), mesh_);
      results.push_back(accounts.wants(v) ? accounts.get(e, v) : Value());
    }
  return results;
}

}  // namespace skein::ir
