// Laws of control flow: types of carries, and no collective under a predicate that varies over its axes.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

static bool isScalar(Type type, Domain domain) { return arrayType(type).getRank() == 0 && inDomain(arrayType(type).getElementType(), domain); }

/// A collective that some devices of its axes skip would wait for ever.
static LogicalResult checkCollectives(llvm::StringRef control, Type predicate, llvm::ArrayRef<Region*> regions) {
  auto axes = varying(predicate);
  if (axes.empty()) return success();
  for (Region* region : regions) {
    auto walk = region->walk([&](Operation* op) {
      if (!op->hasTrait<OpTrait::Collective>()) return WalkResult::advance();
      for (StringAttr axis : op->getAttrOfType<AxesAttr>("axes").getNames())
        if (llvm::is_contained(axes, axis)) {
          (void)refuse(op->getLoc(), "control.C4",
                       plainName(op->getName().getStringRef()) + " over axis " + axis.getValue() + " stands under a " + control +
                           " whose predicate varies over that axis (" + describe(predicate) +
                           "): some devices would wait for ever; make the predicate the same on all of them, with pmax or psum of it over " + axis.getValue());
          return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    if (walk.wasInterrupted()) return failure();
  }
  return success();
}

static LogicalResult checkCarry(Location loc, llvm::StringRef control, TypeRange inits, TypeRange others, llvm::StringRef what) {
  if (inits.size() != others.size())
    return refuse(loc, "control.C1", control + ": the carry has " + llvm::Twine(inits.size()) + " arrays, " + what + " " + llvm::Twine(others.size()));
  for (auto [i, init] : llvm::enumerate(inits))
    if (init != others[i])
      return refuse(loc, "control.C1", control + ": array " + llvm::Twine(i) + " of the carry is " + describe(init) + ", but " + what + " has " + describe(others[i]) +
                                           "; the carry keeps its type from turn to turn");
  return success();
}

static LogicalResult checkJoins(Location loc, llvm::StringRef control, Type predicate, TypeRange results) {
  for (Type result : results)
    for (StringAttr axis : varying(predicate))
      if (!llvm::is_contained(varying(result), axis))
        return refuse(loc, "control.C3", control + ": the predicate " + describe(predicate) + " varies over " + axis.getValue() + ", so the result " + describe(result) + " does too");
  return success();
}

LogicalResult WhileOp::verify() {
  Block &cond = getCond().front(), &body = getBody().front();
  TypeRange carry = getInits().getTypes();
  auto test = cond.getTerminator()->getOperandTypes();
  if (test.size() != 1 || !isScalar(test[0], Domain::Bits) || !arrayType(test[0]).getElementType().isInteger(1))
    return refuse(getLoc(), "control.C2", "while_loop: the condition is a bool scalar" + (test.size() == 1 ? ", not " + describe(test[0]) : ""));
  if (failed(checkCarry(getLoc(), "while_loop", carry, cond.getArgumentTypes(), "the condition's argument")) ||
      failed(checkCarry(getLoc(), "while_loop", carry, body.getArgumentTypes(), "the body's argument")) ||
      failed(checkCarry(getLoc(), "while_loop", carry, body.getTerminator()->getOperandTypes(), "the body's result")) ||
      failed(checkCarry(getLoc(), "while_loop", carry, getResultTypes(), "the result")))
    return failure();
  if (failed(checkJoins(getLoc(), "while_loop", test[0], carry))) return failure();
  return checkCollectives("while_loop", test[0], {&getCond(), &getBody()});
}

LogicalResult ForOp::verify() {
  Block& body = getBody().front();
  if (getLow().getType() != getHigh().getType() || !isScalar(getLow().getType(), Domain::Integer))
    return refuse(getLoc(), "control.C2", "fori_loop: the bounds are integer scalars of one dtype, not " + describe(getLow().getType()) + " and " + describe(getHigh().getType()));
  if (body.getNumArguments() == 0 || body.getArgument(0).getType() != getLow().getType())
    return refuse(getLoc(), "control.C1", "fori_loop: the body's first argument is the counter");
  TypeRange carry = getInits().getTypes();
  if (failed(checkCarry(getLoc(), "fori_loop", carry, TypeRange(body.getArgumentTypes()).drop_front(), "the body's argument")) ||
      failed(checkCarry(getLoc(), "fori_loop", carry, body.getTerminator()->getOperandTypes(), "the body's result")) ||
      failed(checkCarry(getLoc(), "fori_loop", carry, getResultTypes(), "the result")))
    return failure();
  if (failed(checkJoins(getLoc(), "fori_loop", getLow().getType(), carry))) return failure();
  return checkCollectives("fori_loop", getLow().getType(), {&getBody()});
}

LogicalResult SwitchOp::verify() {
  if (!isScalar(getIndex().getType(), Domain::Integer)) return refuse(getLoc(), "control.C2", "switch: the index is an integer scalar, not " + describe(getIndex().getType()));
  if (getBranches().empty()) return refuse(getLoc(), "control.C1", "switch wants at least one branch");
  llvm::SmallVector<Region*> regions;
  for (Region& branch : getBranches()) {
    regions.push_back(&branch);
    if (branch.getNumArguments() != 0) return refuse(getLoc(), "control.C1", "switch: branches take no arguments");
    if (failed(checkCarry(getLoc(), "switch", getResultTypes(), branch.front().getTerminator()->getOperandTypes(), "a branch"))) return failure();
  }
  if (failed(checkJoins(getLoc(), "cond", getIndex().getType(), getResultTypes()))) return failure();
  return checkCollectives("cond", getIndex().getType(), regions);
}

/// That a region takes these types and yields those.
static LogicalResult checkRegion(Location loc, llvm::StringRef op, Region& region, TypeRange takes, TypeRange yields, llvm::StringRef what) {
  Block& block = region.front();
  if (block.getArgumentTypes() != takes) return refuse(loc, "custom.C1", op + ": " + what + " takes " + describeAll(block.getArgumentTypes()) + ", not " + describeAll(takes));
  TypeRange given = block.getTerminator()->getOperandTypes();
  if (given.size() < yields.size() || given.take_front(yields.size()) != yields)
    return refuse(loc, "custom.C1", op + ": " + what + " gives " + describeAll(given) + " where " + describeAll(yields) + " belongs");
  return success();
}

static llvm::SmallVector<Type> twice(TypeRange a, TypeRange b) {
  llvm::SmallVector<Type> both(a);
  llvm::append_range(both, b);
  return both;
}

LogicalResult CustomJvpOp::verify() {
  TypeRange in = getOperandTypes(), out = getResultTypes();
  if (failed(checkRegion(getLoc(), "custom_jvp", getBody(), in, out, "the function"))) return failure();
  return checkRegion(getLoc(), "custom_jvp", getRule(), twice(in, in), twice(out, out), "the rule");
}

LogicalResult CustomVjpOp::verify() {
  TypeRange in = getOperandTypes(), out = getResultTypes();
  if (failed(checkRegion(getLoc(), "custom_vjp", getBody(), in, out, "the function")) || failed(checkRegion(getLoc(), "custom_vjp", getForward(), in, out, "forward"))) return failure();
  auto residuals = TypeRange(getForward().front().getTerminator()->getOperandTypes()).drop_front(out.size());
  return checkRegion(getLoc(), "custom_vjp", getBackward(), twice(residuals, out), in, "backward");
}

/// The number of blocks along a dimension, or a failure that names what is wrong with the spec.
static FailureOr<int64_t> blocks(Location loc, AxesAttr mesh, Attribute entry, llvm::SmallVectorImpl<StringAttr>& used) {
  int64_t count = 1;
  for (Attribute named : llvm::cast<mlir::ArrayAttr>(entry)) {
    auto axis = llvm::cast<StringAttr>(named);
    auto found = llvm::find(mesh.getNames(), axis);
    if (found == mesh.getNames().end()) return refuse(loc, "shard_map.C1", "shard_map: the mesh has no axis " + axis.getValue());
    if (llvm::is_contained(used, axis)) return refuse(loc, "shard_map.C2", "shard_map: axis " + axis.getValue() + " stands twice in one spec");
    used.push_back(axis);
    count *= mesh.getSizes()[found - mesh.getNames().begin()];
  }
  return count;
}

/// Checks that `block` is the device's part of the global array under the spec.
static LogicalResult checkBlock(Location loc, AxesAttr mesh, SpecAttr spec, RankedTensorType global, RankedTensorType block, llvm::StringRef what) {
  llvm::SmallVector<StringAttr> used;
  bool fits = global.getRank() == block.getRank() && global.getElementType() == block.getElementType();
  if (static_cast<int64_t>(spec.getDims().size()) > global.getRank())
    return refuse(loc, "shard_map.C3", "shard_map: the spec of " + what + " names " + llvm::Twine(spec.getDims().size()) + " dimensions, " + describe(global) + " has " + llvm::Twine(global.getRank()));
  for (int64_t i = 0; fits && i < global.getRank(); ++i) {
    int64_t count = 1;
    if (i < static_cast<int64_t>(spec.getDims().size())) {
      auto named = blocks(loc, mesh, spec.getDims()[i], used);
      if (failed(named)) return failure();
      count = *named;
    }
    fits = block.getDimSize(i) * count == global.getDimSize(i);
  }
  if (!fits) return refuse(loc, "shard_map.C4", "shard_map: " + what + " is " + describe(global) + " outside, " + describe(block) + " inside, which the spec does not relate");
  return success();
}

LogicalResult ShardMapOp::verify() {
  Block& body = getBody().front();
  auto yielded = body.getTerminator()->getOperandTypes();
  if (getInSpecs().size() != getOperands().size() || body.getNumArguments() != getOperands().size() || getOutSpecs().size() != getNumResults() ||
      yielded.size() != getNumResults())
    return refuse(getLoc(), "shard_map.C5", "shard_map: one spec for each operand and result");
  for (auto [i, operand] : llvm::enumerate(getOperands()))
    if (failed(checkBlock(getLoc(), getMesh(), llvm::cast<SpecAttr>(getInSpecs()[i]), arrayType(operand), arrayType(body.getArgument(i)), "an argument"))) return failure();
  for (auto [i, result] : llvm::enumerate(getResults())) {
    auto spec = llvm::cast<SpecAttr>(getOutSpecs()[i]);
    if (failed(checkBlock(getLoc(), getMesh(), spec, arrayType(result), arrayType(yielded[i]), "a result"))) return failure();
    if (!getCheckVma()) continue;
    for (StringAttr axis : varying(yielded[i]))
      if (llvm::none_of(spec.getDims(), [&](Attribute dim) { return llvm::is_contained(llvm::cast<mlir::ArrayAttr>(dim), axis); }))
        return refuse(getLoc(), "shard_map.C6", "shard_map: a result " + describe(yielded[i]) + " varies over axis " + axis.getValue() + ", which its out spec does not name");
  }
  return success();
}

}  // namespace skein::ir
