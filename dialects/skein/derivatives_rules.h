#pragma once
// What the rules of the families share: where they emit, how cotangents add up, and the two walks for ops with regions.
//
// A cotangent is typed as varying over exactly the axes of its value (and those of the predicates around): so a rule whose result
// varies over more axes than an operand contributes what each device has, and the account sums over the rest.

#include <functional>

#include "dialects/skein/derivatives.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/StringMap.h"
#include "mlir/IR/Diagnostics.h"

namespace skein::ir {

using Dims = llvm::SmallVector<int64_t>;
using Values = llvm::SmallVector<mlir::Value>;
inline Values valuesOf(mlir::ValueRange range) { return Values(range.begin(), range.end()); }

/// Emits ops at one location, on the devices of one mesh.
class Emitter : public mlir::ImplicitLocOpBuilder {
 public:
  /// `apart`: axes over which devices may stand in different branches; nothing is summed over them here.
  Emitter(mlir::OpBuilder& b, mlir::Location loc, AxesAttr mesh, llvm::ArrayRef<mlir::StringAttr> apart = {})
      : mlir::ImplicitLocOpBuilder(loc, b), mesh_(mesh), apart_(apart.begin(), apart.end()) {}
  AxesAttr mesh() const { return mesh_; }

  template <class Op, class... Arguments>
  mlir::Value make(Arguments&&... arguments) {
    return Op::create(*this, std::forward<Arguments>(arguments)...)->getResult(0);
  }
  mlir::Value add(mlir::Value x, mlir::Value y) { return make<AddOp>(x, y); }
  mlir::Value sub(mlir::Value x, mlir::Value y) { return make<SubOp>(x, y); }
  mlir::Value mul(mlir::Value x, mlir::Value y) { return make<MulOp>(x, y); }
  mlir::Value div(mlir::Value x, mlir::Value y) { return make<DivOp>(x, y); }
  mlir::Value neg(mlir::Value x) { return make<NegOp>(x); }
  mlir::Value eq(mlir::Value x, mlir::Value y) { return make<EqOp>(x, y); }
  mlir::Value select(mlir::Value p, mlir::Value x, mlir::Value y) { return make<SelectOp>(p, x, y); }
  /// x, or 0 where the predicate does not hold.
  mlir::Value where(mlir::Value p, mlir::Value x) { return select(p, x, constant(x.getType(), 0)); }
  mlir::Value scale(mlir::Value x, double factor) { return mul(x, constant(x.getType(), factor)); }
  mlir::Value convert(mlir::Value x, mlir::Type element);
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape);
  /// The sum of both, of which either may be null.
  mlir::Value sum(mlir::Value x, mlir::Value y) { return !x ? y : !y ? x : add(x, y); }

  /// A constant of the type's shape and dtype, the same on every device.
  mlir::Value constant(mlir::Type like, double value);
  mlir::Value integer(mlir::Type like, int64_t value);
  /// An integer scalar.
  mlir::Value scalar(mlir::Type element, int64_t value) { return integer(mlir::RankedTensorType::get({}, element), value); }

  /// The op on other operands, with result types that follow from them.
  mlir::Operation* rebuild(mlir::Operation* op, mlir::ValueRange operands);

  /// The axes in the mesh's order.
  AxesAttr named(llvm::ArrayRef<mlir::StringAttr> axes);
  /// Typed as varying over the axes too.
  mlir::Value vary(mlir::Value v, llvm::ArrayRef<mlir::StringAttr> axes);
  /// Summed over all axes over which it varies but those.
  mlir::Value sumBut(mlir::Value v, llvm::ArrayRef<mlir::StringAttr> kept);
  /// The tangent with exactly this type; a null one becomes zeros.
  mlir::Value fit(mlir::Value tangent, mlir::Type type);
  /// The type of the cotangent of a value of the type.
  mlir::RankedTensorType cotangentType(mlir::Type type);
  mlir::Value zeroCotangent(mlir::Type type) { return fit({}, cotangentType(type)); }

 private:
  AxesAttr mesh_;
  Axes apart_;
};

/// What the walk backwards has collected so far for each value.
class Accounts {
 public:
  /// Only cotangents of `wanted` are kept.
  explicit Accounts(const llvm::DenseSet<mlir::Value>& wanted) : wanted_(wanted) {}
  bool wants(mlir::Value v) const { return wanted_.contains(v); }
  /// Adds a contribution, if the value's cotangent is wanted; a null one is zero.
  void add(Emitter& e, mlir::Value value, mlir::Value contribution);
  /// The sum so far of contributions that vary over exactly these axes, for rules that add to a part of it; null if there is none.
  mlir::Value* part(mlir::Value value, llvm::ArrayRef<mlir::StringAttr> axes);
  /// The cotangent, of type `cotangentType`; null if nothing was added.
  mlir::Value get(Emitter& e, mlir::Value value);
  void set(mlir::Value value, mlir::Value cotangent) { parts_[value] = {cotangent}; }

 private:
  const llvm::DenseSet<mlir::Value>& wanted_;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<mlir::Value, 1>> parts_;  // one for each set of axes
};

/// The tangents of the results of an op (in the new program), of which those of the operands are given; null ones are zero.
using Push = mlir::LogicalResult (*)(Emitter& e, mlir::Operation* op, llvm::ArrayRef<mlir::Value> tangents, Values& results);
/// Adds what the operands' cotangents get from the results', null where these are zero.
using Pull = mlir::LogicalResult (*)(Emitter& e, mlir::Operation* op, llvm::ArrayRef<mlir::Value> cotangents, Accounts& accounts);
/// A tangent or cotangent times d(result)/d(operand).
using Factor = mlir::Value (*)(Emitter& e, mlir::Operation* op, mlir::Value v);

struct Rule {
  Push push = nullptr;
  Pull pull = nullptr;
  llvm::SmallVector<Factor, 3> factors;  // instead, of elementwise ops: for each operand, null where it is zero
  bool isZero() const { return !push && !pull && factors.empty(); }
};
using Rules = llvm::StringMap<Rule>;

/// Null if the op has none: of control flow and calls, which the walks know themselves, and of what is no part of a user's program.
const Rule* ruleOf(llvm::StringRef op);
template <class Op>
void addRule(Rules& rules, Push push, Pull pull) {
  rules[Op::getOperationName()] = {push, pull, {}};
}
/// Ops whose results do not depend smoothly on any operand: their derivative is zero.
template <class... Ops>
void addZeroRules(Rules& rules) {
  ((rules[Ops::getOperationName()] = Rule()), ...);
}
void addElementwiseRules(Rules& rules);
void addShapeRules(Rules& rules);
void addReduceRules(Rules& rules);
void addContractRules(Rules& rules);
void addFftRules(Rules& rules);
void addLinalgRules(Rules& rules);
void addCollectiveRules(Rules& rules);

/// Linear in the first operand, alone: the op on the tangent.
mlir::LogicalResult pushLinear(Emitter& e, mlir::Operation* op, llvm::ArrayRef<mlir::Value> tangents, Values& results);

// ---- the walks ----

/// Whether the value is defined in the block or in a region inside.
bool isInside(mlir::Value v, mlir::Block& block);
/// Erases ops whose results nothing uses.
void eraseDead(mlir::Block& block);
/// Erases prints and checks inside the op.
void dropEffects(mlir::Operation* op);
/// The integer that all elements of the value are, if the program says so.
std::optional<int64_t> integerOf(mlir::Value v);
/// The body of the function that is called, null if it cannot be found.
mlir::Block* calleeOf(CallOp call, mlir::OpBuilder& b);

/// Which values depend smoothly on active ones.
class Activity {
 public:
  /// `outside`: whether values are active to begin with.
  explicit Activity(std::function<bool(mlir::Value)> outside) : outside_(std::move(outside)) {}
  bool operator()(mlir::Value v) const { return inside_.contains(v) || outside_(v); }
  void visit(mlir::Operation* op);

 private:
  void visit(mlir::Block& block);
  void mark(mlir::Value v);
  std::function<bool(mlir::Value)> outside_;
  llvm::DenseSet<mlir::Value> inside_;
};

/// Forward mode: a program's ops beside those of their tangents.
class Forward {
 public:
  Forward(AxesAttr mesh, const llvm::DenseMap<mlir::Value, mlir::Value>& outside) : mesh_(mesh), tangents_(outside) {}
  /// Of a value of the old program: the new one, and its tangent or null.
  mlir::Value value(mlir::Value old) const { return values_.lookupOrDefault(old); }
  mlir::Value tangent(mlir::Value old) const { return tangents_.lookup(old); }
  void set(mlir::Value old, mlir::Value value, mlir::Value tangent);
  /// Emits all but the terminator.
  mlir::LogicalResult run(mlir::OpBuilder& b, mlir::Block& block);

 private:
  mlir::LogicalResult emit(mlir::OpBuilder& b, mlir::Operation* op);
  void copy(mlir::OpBuilder& b, mlir::Operation* op);
  bool readsActive(mlir::Operation* op);
  mlir::LogicalResult pushLoop(mlir::OpBuilder& b, mlir::Operation* op);
  mlir::LogicalResult pushSwitch(mlir::OpBuilder& b, SwitchOp op);
  mlir::LogicalResult pushShardMap(mlir::OpBuilder& b, ShardMapOp op);
  mlir::LogicalResult pushCall(mlir::OpBuilder& b, CallOp op);
  mlir::LogicalResult pushSort(mlir::OpBuilder& b, SortOp op);
  mlir::LogicalResult pushCustom(mlir::OpBuilder& b, CustomJvpOp op);
  mlir::LogicalResult pushBody(mlir::OpBuilder& b, CustomVjpOp op);

  AxesAttr mesh_;
  mlir::IRMapping values_;
  llvm::DenseMap<mlir::Value, mlir::Value> tangents_;
  int depth_ = 0;  // of calls
};

/// Reverse mode: emits a program's ops and remembers them for the walk backwards.
class Tape {
 public:
  /// `again`: the ops have run before, for their effects; they are computed a second time for what the walk backwards reads.
  Tape(AxesAttr mesh, llvm::ArrayRef<mlir::StringAttr> apart, bool again) : mesh_(mesh), apart_(apart.begin(), apart.end()), again_(again) {}
  mlir::Value value(mlir::Value old) const { return map_.lookupOrDefault(old); }
  void map(mlir::Value old, mlir::Value now) { map_.map(old, now); }
  /// Marks a value of the new program as one whose cotangent is wanted.
  void want(mlir::Value v);
  const llvm::DenseSet<mlir::Value>& active() const { return active_; }
  void emit(mlir::OpBuilder& b, mlir::Block::iterator from, mlir::Block::iterator to);
  mlir::LogicalResult pull(mlir::OpBuilder& b, Accounts& accounts);
  Emitter at(mlir::OpBuilder& b, mlir::Location loc) const { return Emitter(b, loc, mesh_, apart_); }

 private:
  /// A loop of a fixed number of turns, as emitted.
  struct Loop {
    int64_t low = 0, turns = 0;
    unsigned carries = 0;                 // of the program; then come stacks of what the carry was at each turn
    llvm::SmallVector<unsigned> active;   // carries that have cotangents
    llvm::SmallVector<unsigned> stacked;  // carries that have a stack, in their order
    Values captured;                      // active values that the body reads from outside
    mlir::Operation* end = nullptr;       // in the body, what follows the program's ops
  };

  void emit(mlir::OpBuilder& b, mlir::Operation* op);
  bool readsActive(mlir::Operation* op) const;
  void note(mlir::Operation* made);
  void emitFor(mlir::OpBuilder& b, ForOp op);
  void emitSort(mlir::OpBuilder& b, SortOp op);
  ForOp stack(ForOp plain, Loop& loop);
  Values capturedBy(llvm::MutableArrayRef<mlir::Region> regions) const;
  mlir::LogicalResult turnBack(mlir::OpBuilder& b, ForOp op, const Loop& loop, mlir::Value counter, llvm::ArrayRef<mlir::Value> rows, Values& cotangents,
                               Values& sums);
  mlir::LogicalResult pullFor(mlir::OpBuilder& b, ForOp op, Accounts& accounts);
  mlir::LogicalResult pullSwitch(mlir::OpBuilder& b, SwitchOp op, llvm::ArrayRef<mlir::Value> cotangents, Accounts& accounts);
  mlir::LogicalResult pullShardMap(mlir::OpBuilder& b, ShardMapOp op, llvm::ArrayRef<mlir::Value> cotangents, Accounts& accounts);
  mlir::LogicalResult pullCustom(mlir::OpBuilder& b, CustomJvpOp op, llvm::ArrayRef<mlir::Value> cotangents, Accounts& accounts);
  void pullCustom(mlir::OpBuilder& b, CustomVjpOp op, llvm::ArrayRef<mlir::Value> cotangents, Accounts& accounts);

  AxesAttr mesh_;
  Axes apart_;
  bool again_;
  int depth_ = 0;  // of calls
  mlir::IRMapping map_;
  llvm::DenseSet<mlir::Value> active_;      // of the new program
  llvm::SmallVector<mlir::Operation*> ops_;  // that have active results, in order
  llvm::DenseMap<mlir::Operation*, Loop> loops_;
};

}  // namespace skein::ir
