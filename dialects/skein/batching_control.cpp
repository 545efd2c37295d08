// Batching rules of control flow and of effects. Where examples part (their bounds, predicates or indices differ) all go on until
// the last one ends, and a mask, `Batcher::active`, says for which of them what is computed counts.
#include "dialects/skein/batching_rules.h"
#include "llvm/Support/SaveAndRestore.h"
#include "mlir/IR/SymbolTable.h"

namespace skein::ir {

using namespace mlir;

namespace {

/// What a carried array's type needs beside shape and dtype.
struct Form {
  bool batched = false;
  Axes axes;
};
using Forms = llvm::SmallVector<Form>;

bool widen(Form& form, bool batched, llvm::ArrayRef<StringAttr> axes) {
  bool changed = batched && !form.batched;
  form.batched |= batched;
  for (StringAttr axis : axes) {
    if (llvm::is_contained(form.axes, axis)) continue;
    form.axes.push_back(axis);
    changed = true;
  }
  return changed;
}

/// Widens the forms to hold the values too; true if they changed.
bool widen(Forms& forms, llvm::ArrayRef<Batched> values) {
  bool changed = false;
  for (auto [form, v] : llvm::zip_equal(forms, values)) changed |= widen(form, v.batched, varying(v.value.getType()));
  return changed;
}

bool widen(Forms& forms, llvm::ArrayRef<StringAttr> axes) {
  bool changed = false;
  for (Form& form : forms) changed |= widen(form, false, axes);
  return changed;
}

Type typeOf(Batcher& r, const Form& form, Type single) {
  auto type = arrayType(single);
  return makeType(form.batched ? r.leading(type.getShape()) : Dims(type.getShape()), type.getElementType(), form.axes);
}

llvm::SmallVector<Type> typesOf(Batcher& r, const Forms& forms, TypeRange singles) {
  llvm::SmallVector<Type> types;
  for (auto [form, single] : llvm::zip_equal(forms, singles)) types.push_back(typeOf(r, form, single));
  return types;
}

llvm::SmallVector<Value> fit(Batcher& r, llvm::ArrayRef<Batched> values, const Forms& forms) {
  llvm::SmallVector<Value> fitted;
  for (auto [v, form] : llvm::zip_equal(values, forms)) fitted.push_back(r.vary(form.batched ? r.whole(v) : v.value, form.axes));
  return fitted;
}

Examples batchedAs(ValueRange values, const Forms& forms) {
  Examples all;
  for (auto [v, form] : llvm::zip_equal(values, forms)) all.push_back(Batched{v, form.batched});
  return all;
}

/// A body of one block with arguments of these types.
std::unique_ptr<Region> makeBody(Batcher& r, llvm::ArrayRef<Type> arguments) {
  auto region = std::make_unique<Region>();
  Block& block = region->emplaceBlock();
  for (Type type : arguments) block.addArgument(type, r.b.getLoc());
  return region;
}

/// The examples that are active both here and further out.
Value both(Batcher& r, Value mask, Value outer) {
  if (!outer) return mask;
  return AndOp::create(r.b, mask, outer);
}

Value any(Batcher& r, Value mask) { return ReduceOrOp::create(r.b, mask, Dims{0}); }

/// The examples of `given` that `running` names go on; the others stay as they were.
Examples frozen(Batcher& r, Value running, llvm::ArrayRef<Batched> given, llvm::ArrayRef<Batched> before) {
  Examples next;
  for (auto [now, old] : llvm::zip_equal(given, before)) next.push_back(r.choose(running, now, old));
  return next;
}

// ---- loops ----

MaybeExamples batchFor(Batcher& r, ForOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Block& source = op.getBody().front();
  Batched low = operands[0], high = operands[1];
  auto inits = operands.drop_front(2);
  // From the least of the lower bounds to the greatest of the upper ones; an example's turns are those between its own.
  bool ragged = low.batched || high.batched;
  Value first = low.value, last = high.value, starts, stops;
  if (ragged) starts = r.whole(low), stops = r.whole(high);
  if (low.batched) first = ReduceMinOp::create(b, low.value, Dims{0});
  if (high.batched) last = ReduceMaxOp::create(b, high.value, Dims{0});
  first = r.vary(first, varying(last.getType()));
  last = r.vary(last, varying(first.getType()));
  Axes axes(varying(first.getType()));

  Forms forms(inits.size());
  widen(forms, inits);
  widen(forms, axes);
  for (;;) {
    llvm::SmallVector<Type> carried = typesOf(r, forms, op.getInits().getTypes()), arguments;
    arguments.push_back(first.getType());
    llvm::append_range(arguments, carried);
    Bodies bodies;
    bodies.push_back(makeBody(r, arguments));
    Block& body = bodies[0]->front();
    Value counter = body.getArgument(0);
    Examples before = batchedAs(ValueRange(body.getArguments()).drop_front(), forms);
    {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToEnd(&body);
      Value running, mask = r.active;
      if (ragged) {
        Value turn = r.whole(Batched{counter, false});
        Value begun = LeOp::create(b, starts, turn), open = LtOp::create(b, turn, stops);
        running = AndOp::create(b, begun, open);
        mask = both(r, running, r.active);
      }
      Examples entering;
      entering.push_back(Batched{counter, false});
      llvm::append_range(entering, before);
      llvm::SaveAndRestore<Value> inner(r.active, mask);
      MaybeExamples given = r.run(source, entering);
      if (failed(given)) return failure();
      Examples next = ragged ? frozen(r, running, *given, before) : *given;
      if (widen(forms, next)) continue;
      YieldOp::create(b, fit(r, next, forms));
    }
    llvm::SmallVector<Value> entering{first, last};
    llvm::append_range(entering, fit(r, inits, forms));
    Operation* made = r.build(ForOp::getOperationName(), entering, carried, bodies, op->getAttrs());
    return batchedAs(made->getResults(), forms);
  }
}

MaybeExamples batchWhile(Batcher& r, WhileOp op, llvm::ArrayRef<Batched> inits) {
  auto& b = r.b;
  Block &test = op.getCond().front(), &step = op.getBody().front();
  Value outer = r.active;
  Forms forms(inits.size());
  widen(forms, inits);
  for (;;) {
    llvm::SmallVector<Type> carried = typesOf(r, forms, op.getInits().getTypes());
    Bodies bodies;
    bodies.push_back(makeBody(r, carried));
    Batched holds;
    {
      OpBuilder::InsertionGuard guard(b);
      Block& cond = bodies[0]->front();
      b.setInsertionPointToEnd(&cond);
      MaybeExamples tested = r.run(test, batchedAs(ValueRange(cond.getArguments()), forms));
      if (failed(tested)) return failure();
      holds = (*tested)[0];
      if (!holds.batched) {
        // No turns for examples of which none counts: such a loop might never end.
        if (outer) holds.value = AndOp::create(b, holds.value, any(r, outer));
        YieldOp::create(b, ValueRange(holds.value));
      }
    }
    Axes axes(varying(holds.value.getType()));
    if (holds.batched && outer) llvm::append_range(axes, varying(outer.getType()));
    if (widen(forms, axes)) continue;

    if (!holds.batched) {
      bodies.push_back(makeBody(r, carried));
      {
        OpBuilder::InsertionGuard guard(b);
        Block& body = bodies[1]->front();
        b.setInsertionPointToEnd(&body);
        MaybeExamples next = r.run(step, batchedAs(ValueRange(body.getArguments()), forms));
        if (failed(next)) return failure();
        if (widen(forms, *next)) continue;
        YieldOp::create(b, fit(r, *next, forms));
      }
      Operation* made = r.build(WhileOp::getOperationName(), fit(r, inits, forms), carried, bodies, op->getAttrs());
      return batchedAs(made->getResults(), forms);
    }

    // The examples part: which of them still run is carried along, and the loop ends with the last.
    Form flag;
    widen(flag, true, axes);
    llvm::SmallVector<Type> all = carried;
    all.push_back(typeOf(r, flag, makeType({}, b.getI1Type(), {})));
    bodies.clear();
    bodies.push_back(makeBody(r, all));
    bodies.push_back(makeBody(r, all));
    {
      OpBuilder::InsertionGuard guard(b);
      Block& cond = bodies[0]->front();
      b.setInsertionPointToEnd(&cond);
      YieldOp::create(b, ValueRange(any(r, cond.getArguments().back())));
    }
    {
      OpBuilder::InsertionGuard guard(b);
      Block& body = bodies[1]->front();
      b.setInsertionPointToEnd(&body);
      Value running = body.getArguments().back();
      llvm::SaveAndRestore<Value> inner(r.active, running);
      Examples before = batchedAs(ValueRange(body.getArguments()).drop_back(), forms);
      MaybeExamples given = r.run(step, before);
      if (failed(given)) return failure();
      Examples next = frozen(r, running, *given, before);
      if (widen(forms, next)) continue;
      llvm::SmallVector<Value> yielded = fit(r, next, forms);
      MaybeExamples tested = r.run(test, batchedAs(yielded, forms));
      if (failed(tested)) return failure();
      Value still = both(r, r.whole((*tested)[0]), running);
      yielded.push_back(r.vary(still, flag.axes));
      YieldOp::create(b, yielded);
    }
    llvm::SmallVector<Value> entering = fit(r, inits, forms);
    MaybeExamples tested = r.run(test, batchedAs(entering, forms));
    if (failed(tested)) return failure();
    entering.push_back(r.vary(both(r, r.whole((*tested)[0]), outer), flag.axes));
    assert(entering.back().getType() == all.back());
    Operation* made = r.build(WhileOp::getOperationName(), entering, all, bodies, op->getAttrs());
    return batchedAs(ValueRange(made->getResults()).drop_back(), forms);
  }
}

// ---- branches and calls ----

/// Every example has its branch: all are computed, and chosen from.
MaybeExamples batchParted(Batcher& r, SwitchOp op, Batched index) {
  auto& b = r.b;
  auto type = arrayType(index.value);
  auto integer = llvm::cast<IntegerType>(type.getElementType());
  // A narrow index names the first branches alone.
  int64_t last = static_cast<int64_t>(op.getBranches().size()) - 1;
  if (integer.getWidth() == 8) last = std::min<int64_t>(last, integer.isUnsigned() ? 255 : 127);
  auto number = [&](int64_t k) { return r.splat(type.getShape(), integer, k); };
  Value clamped = ClampOp::create(b, number(0), index.value, number(last));
  Value outer = r.active;
  Examples results;
  for (int64_t k = 0; k <= last; ++k) {
    Value chosen = EqOp::create(b, clamped, number(k));
    llvm::SaveAndRestore<Value> inner(r.active, both(r, chosen, outer));
    MaybeExamples given = r.run(op.getBranches()[k].front(), {});
    if (failed(given)) return failure();
    if (k == 0) {
      results = *given;
      continue;
    }
    for (auto [result, value] : llvm::zip_equal(results, *given)) result = r.choose(chosen, value, result);
  }
  return results;
}

MaybeExamples batchSwitch(Batcher& r, SwitchOp op, Batched index) {
  auto& b = r.b;
  // What no index can change needs none.
  if (op.getBranches().size() == 1 && index.batched) return r.run(op.getBranches()[0].front(), {});
  if (index.batched) return batchParted(r, op, index);
  Forms forms(op.getNumResults());
  widen(forms, varying(index.value.getType()));
  Bodies bodies;
  llvm::SmallVector<Examples> results;
  for (Region& branch : op.getBranches()) {
    bodies.push_back(makeBody(r, {}));
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&bodies.back()->front());
    MaybeExamples given = r.run(branch.front(), {});
    if (failed(given)) return failure();
    widen(forms, *given);
    results.push_back(*given);
  }
  for (auto [body, given] : llvm::zip_equal(bodies, results)) {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&body->front());
    YieldOp::create(b, fit(r, given, forms));
  }
  Operation* made = r.build(SwitchOp::getOperationName(), index.value, typesOf(r, forms, op.getResultTypes()), bodies, op->getAttrs());
  return batchedAs(made->getResults(), forms);
}

MaybeExamples batchCall(Batcher& r, CallOp op, llvm::ArrayRef<Batched> operands) {
  Operation* callee = SymbolTable::lookupNearestSymbolFrom(op, op.getCalleeAttr());
  // The op may stand in a block that belongs to no module yet.
  if (Operation* around = r.b.getInsertionBlock()->getParentOp(); !callee && around) callee = SymbolTable::lookupNearestSymbolFrom(around, op.getCalleeAttr());
  if (!callee || callee->getNumRegions() != 1 || callee->getRegion(0).empty()) return cannotBatch(op, "there is no function @" + op.getCallee().str());
  if (llvm::is_contained(r.callees, callee)) return cannotBatch(op, "@" + op.getCallee().str() + " calls itself; a program ends: use a loop");
  r.callees.push_back(callee);
  MaybeExamples given = r.run(callee->getRegion(0).front(), operands);
  r.callees.pop_back();
  return given;
}

// ---- functions with derivatives of their own ----

/// All regions work on all examples at once, with everything batched as soon as anything is: the rules then fit each other.
MaybeExamples batchCustom(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  bool any = anyBatched(operands);
  llvm::DenseSet<Block*> inside;
  op->walk([&](Block* block) { inside.insert(block); });
  op->walk([&](Operation* inner) {
    for (Value operand : inner->getOperands())
      if (!inside.contains(operand.getParentBlock())) any |= r.of(operand).batched;
  });
  auto whole = [&](llvm::ArrayRef<Batched> values) { return any ? r.wholes(values) : valuesOf(values); };
  Bodies bodies;
  auto region = [&](unsigned which, llvm::ArrayRef<Type> arguments) -> FailureOr<llvm::SmallVector<Type>> {
    bodies.push_back(makeBody(r, arguments));
    Block& block = bodies.back()->front();
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&block);
    Examples inputs;
    for (Value argument : block.getArguments()) inputs.push_back(Batched{argument, any});
    MaybeExamples given = r.run(op->getRegion(which).front(), inputs);
    if (failed(given)) return failure();
    auto yields = whole(*given);
    YieldOp::create(b, yields);
    return llvm::SmallVector<Type>(ValueRange(yields).getTypes());
  };
  auto joined = [](llvm::SmallVector<Type> first, llvm::ArrayRef<Type> second) {
    llvm::append_range(first, second);
    return first;
  };
  auto inputs = whole(operands);
  llvm::SmallVector<Type> in(ValueRange(inputs).getTypes());
  auto out = region(0, in);
  if (failed(out)) return failure();
  if (llvm::isa<CustomJvpOp>(op)) {
    if (failed(region(1, joined(in, in)))) return failure();
  } else {
    auto kept = region(1, in);
    if (failed(kept) || failed(region(2, joined(llvm::SmallVector<Type>(llvm::ArrayRef<Type>(*kept).drop_front(out->size())), *out)))) return failure();
  }
  Operation* made = r.build(op->getName().getStringRef(), inputs, *out, bodies, op->getAttrs());
  return r.results(made, any);
}

// ---- shard_map ----

/// The batch is split over no axis.
SpecAttr unsplitFirst(SpecAttr spec) {
  MLIRContext* context = spec.getContext();
  llvm::SmallVector<Attribute> dims;
  dims.push_back(mlir::ArrayAttr::get(context, {}));
  for (Attribute dim : spec.getDims()) dims.push_back(dim);
  return SpecAttr::get(context, mlir::ArrayAttr::get(context, dims));
}

mlir::ArrayAttr specsOf(Batcher& r, mlir::ArrayAttr specs, llvm::ArrayRef<Batched> values) {
  llvm::SmallVector<Attribute> all;
  for (auto [spec, v] : llvm::zip_equal(specs, values)) {
    auto one = llvm::cast<SpecAttr>(spec);
    all.push_back(v.batched ? unsplitFirst(one) : one);
  }
  return r.b.getArrayAttr(all);
}

MaybeExamples batchShardMap(Batcher& r, ShardMapOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  Block& source = op.getBody().front();
  AxesAttr mesh = op.getMesh();
  Forms blocks, wholes;
  for (auto [argument, v] : llvm::zip_equal(source.getArguments(), operands)) {
    Form form;
    widen(form, v.batched, varying(argument.getType()));
    blocks.push_back(form);
  }
  Bodies bodies;
  bodies.push_back(makeBody(r, typesOf(r, blocks, source.getArgumentTypes())));
  Block& body = bodies[0]->front();
  Examples results;
  {
    OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToEnd(&body);
    // An axis of the mesh hides a vmapped one of the same name.
    bool hidden = llvm::any_of(mesh.getNames(), [&](StringAttr name) { return name.getValue() == r.axis; });
    llvm::SaveAndRestore<llvm::StringRef> name(r.axis, hidden ? llvm::StringRef() : r.axis);
    r.meshes.push_back(mesh);
    MaybeExamples given = r.run(source, batchedAs(ValueRange(body.getArguments()), blocks));
    r.meshes.pop_back();
    if (failed(given)) return failure();
    results = *given;
    YieldOp::create(b, valuesOf(results));
  }
  for (auto [result, v] : llvm::zip_equal(op.getResults(), results)) {
    Form form;
    form.batched = v.batched;
    for (StringAttr axis : varying(result.getType()))
      if (axis.getValue() != r.axis) form.axes.push_back(axis);
    wholes.push_back(form);
  }
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.set("in_specs", specsOf(r, op.getInSpecs(), operands));
  attributes.set("out_specs", specsOf(r, op.getOutSpecs(), results));
  Operation* made = r.build(ShardMapOp::getOperationName(), valuesOf(operands), typesOf(r, wholes, op.getResultTypes()), bodies, attributes.getAttrs());
  return batchedAs(made->getResults(), wholes);
}

// ---- effects ----

/// A line for each example that counts; one line where all have the same.
MaybeExamples batchPrint(Batcher& r, PrintOp op, llvm::ArrayRef<Batched> operands) {
  if (!anyBatched(operands)) {
    auto print = [&] { r.again(op, valuesOf(operands)); };
    if (r.active)
      r.when(any(r, r.active), print);
    else
      print();
    return Examples();
  }
  r.forEach([&](Value example) {
    auto print = [&] {
      llvm::SmallVector<Value> rows;
      for (const Batched& v : operands) rows.push_back(v.batched ? r.row(v.value, example) : v.value);
      r.again(op, rows);
    };
    if (r.active)
      r.when(r.row(r.active, example), print);
    else
      print();
  });
  return Examples();
}

/// All examples that count pass; the message is that of the first that does not.
MaybeExamples batchCheck(Batcher& r, CheckOp op, llvm::ArrayRef<Batched> operands) {
  auto& b = r.b;
  if (!anyBatched(operands) && !r.active) return r.results(r.again(op, valuesOf(operands)), false);
  if (r.size == 0) return Examples();
  Batched holds = operands[0];
  if (r.active) {
    Value idle = NotOp::create(b, r.active);
    Value passes = OrOp::create(b, r.whole(holds), idle);
    holds = Batched{passes, true};
  }
  Value passed = holds.value, example = r.splat({}, b.getI32Type(), 0);
  if (holds.batched) {
    passed = ReduceAndOp::create(b, holds.value, Dims{0});
    example = ArgminOp::create(b, r.converted(holds.value, b.getI32Type()), Dims{0});
  }
  llvm::SmallVector<Value> values;
  values.push_back(passed);
  for (const Batched& v : operands.drop_front()) values.push_back(v.batched ? r.row(v.value, example) : v.value);
  return r.results(r.again(op, values), false);
}

}  // namespace

MaybeExamples batchControl(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  if (auto loop = llvm::dyn_cast<ForOp>(op)) return batchFor(r, loop, operands);
  if (auto loop = llvm::dyn_cast<WhileOp>(op)) return batchWhile(r, loop, operands);
  if (auto branches = llvm::dyn_cast<SwitchOp>(op)) return batchSwitch(r, branches, operands[0]);
  if (auto call = llvm::dyn_cast<CallOp>(op)) return batchCall(r, call, operands);
  if (llvm::isa<CustomJvpOp, CustomVjpOp>(op)) return batchCustom(r, op, operands);
  if (auto map = llvm::dyn_cast<ShardMapOp>(op)) return batchShardMap(r, map, operands);
  return cannotBatch(op, "the compiler makes this op after batching");
}

MaybeExamples batchEffect(Batcher& r, Operation* op, llvm::ArrayRef<Batched> operands) {
  if (auto print = llvm::dyn_cast<PrintOp>(op)) return batchPrint(r, print, operands);
  return batchCheck(r, llvm::cast<CheckOp>(op), operands);
}

}  // namespace skein::ir
