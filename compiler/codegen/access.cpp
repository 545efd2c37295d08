#include "compiler/codegen/access.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/ADT/TypeSwitch.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

bool isReduction(Operation* op) { return llvm::isa<ir::ArgmaxOp, ir::ArgminOp, ir::MomentsOp>(op) || op->getName().getStringRef().starts_with("skein.reduce_"); }

bool isInlineReduce(Operation* op) {
  constexpr int64_t kMostSteps = 16;
  if (!isReduction(op)) return false;
  auto type = arrayType(op->getOperand(0));
  int64_t steps = 1;
  for (int64_t dim : op->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef()) steps *= type.getDimSize(dim);
  return steps <= kMostSteps;
}

double opCost(Operation* op) {
  if (llvm::isa<ir::ThreefryOp>(op)) return 75;
  if (llvm::isa<ir::ForOp>(op)) return 1000;
  double cost = llvm::StringSwitch<double>(op->getName().stripDialect())
                    .Cases({"add", "sub", "mul", "neg", "abs", "and", "or", "xor", "not", "select", "eq", "ne", "lt", "le", "gt", "ge", "maximum", "minimum", "fma", "convert",
                           "shl", "shr_logical", "shr_arithmetic", "clamp", "bitcast"}, 1)
                    .Cases({"exp", "exp2", "log", "log2", "tanh", "logistic", "sqrt", "rsqrt", "div", "expm1", "log1p"}, 14)
                    .Cases({"sin", "cos", "erf", "erf_inv"}, 24)
                    .Cases({"pow", "tan", "rem", "lgamma", "digamma", "atan2", "cbrt"}, 60)
                    .Cases({"reshape", "broadcast", "transpose", "slice", "constant", "iota", "reverse", "pvary", "dynamic_slice"}, 0)
                    .Cases({"concatenate", "pad", "dynamic_update_slice", "take"}, 4)
                    .Default(op->hasTrait<ir::OpTrait::Elementwise>() ? 30 : 1);
  if (op->getNumResults() && llvm::isa<ComplexType>(arrayType(op->getResult(0)).getElementType())) cost *= 3;
  return cost;
}

static double costOf(Value v, llvm::DenseSet<Operation*>& seen) {
  Operation* op = v.getDefiningOp();
  if (!op || !seen.insert(op).second) return 0;
  double cost = opCost(op);
  double inner = 0;
  for (Value operand : op->getOperands())
    if (arrayType(operand).getRank() > 0) inner += costOf(operand, seen);
  if (isReduction(op)) {
    auto type = arrayType(op->getOperand(0));
    int64_t steps = std::max<int64_t>(1, volume(type.getShape()) / std::max<int64_t>(1, volume(arrayType(op->getResult(0)).getShape())));
    inner = (inner + 1) * static_cast<double>(steps);
  }
  return cost + inner;
}

double computeCost(Value root) {
  llvm::DenseSet<Operation*> seen;
  return costOf(root, seen);
}

namespace {

// For each dimension of a value: its index as a linear function of the iteration space's indices.
struct Map {
  llvm::SmallVector<llvm::SmallVector<int64_t, 4>, 4> rows;
  bool irregular = false;
  bool operator==(const Map& o) const { return rows == o.rows && irregular == o.irregular; }
};

struct Walker {
  const llvm::DenseMap<Value, llvm::SmallVector<int64_t, 4>>& memory;
  int64_t space;
  llvm::SmallVector<Load> loads;
  llvm::SmallVector<std::pair<Value, Map>> seen;

  llvm::SmallVector<int64_t, 4> nothing() const { return llvm::SmallVector<int64_t, 4>(space, 0); }

  void visit(Value v, const Map& map, int64_t times) {
    auto type = arrayType(v);
    for (auto& [value, m] : seen)
      if (value == v && m == map) return;
    seen.push_back({v, map});
    if (auto found = memory.find(v); found != memory.end()) {
      Load load{v, nothing(), map.irregular, times};
      for (int64_t d = 0; d < type.getRank(); ++d)
        for (int64_t s = 0; s < space; ++s) load.strides[s] += type.getDimSize(d) == 1 ? 0 : map.rows[d][s] * found->second[d];
      loads.push_back(load);
      return;
    }
    Operation* op = v.getDefiningOp();
    if (!op) return;
    llvm::TypeSwitch<Operation*>(op)
        .Case<ir::ReshapeOp>([&](auto r) { visit(r.getOperand(), reshape(map, type.getShape(), arrayType(r.getOperand()).getShape()), times); })
        .Case<ir::BroadcastOp>([&](auto r) {
          Map inner{{}, map.irregular};
          auto from = arrayType(r.getOperand());
          for (auto [i, dim] : llvm::enumerate(r.getDims())) inner.rows.push_back(from.getDimSize(i) == 1 ? nothing() : map.rows[dim]);
          visit(r.getOperand(), inner, times);
        })
        .Case<ir::TransposeOp>([&](auto t) {
          Map inner{{}, map.irregular};
          inner.rows.resize(map.rows.size());
          for (auto [i, dim] : llvm::enumerate(t.getPermutation())) inner.rows[dim] = map.rows[i];
          visit(t.getOperand(), inner, times);
        })
        .Case<ir::SliceOp>([&](auto s) {
          Map inner = map;
          for (size_t d = 0; d < inner.rows.size(); ++d)
            for (int64_t& c : inner.rows[d]) c *= s.getStrides()[d];
          visit(s.getOperand(), inner, times);
        })
        .Case<ir::ReverseOp>([&](auto r) {
          Map inner = map;
          for (int64_t dim : r.getDims())
            for (int64_t& c : inner.rows[dim]) c = -c;
          visit(r.getOperand(), inner, times);
        })
        .Case<ir::TakeOp>([&](auto t) {
          auto from = arrayType(t.getOperand());
          int64_t rank = arrayType(t.getIndices()).getRank(), dim = t.getDim();
          Map which{{}, map.irregular}, source{{}, true};
          for (int64_t d = 0; d < rank; ++d) which.rows.push_back(map.rows[dim + d]);
          for (int64_t d = 0; d < from.getRank(); ++d) source.rows.push_back(d < dim ? map.rows[d] : d == dim ? nothing() : map.rows[d + rank - 1]);
          visit(t.getIndices(), which, times);
          visit(t.getOperand(), source, times);
        })
        .Case<ir::PadOp>([&](auto p) {
          Map inner = map;
          inner.irregular |= llvm::any_of(p.getInterior(), [](int64_t i) { return i > 0; });
          visit(p.getOperand(), inner, times);
        })
        .Default([&](Operation* other) {
          if (isReduction(other)) {
            auto from = arrayType(other->getOperand(0));
            auto dims = other->getAttrOfType<DenseI64ArrayAttr>("dims").asArrayRef();
            Map inner{{}, map.irregular};
            size_t next = 0;
            int64_t steps = 1;
            for (int64_t d = 0; d < from.getRank(); ++d) {
              if (llvm::is_contained(dims, d)) {
                inner.rows.push_back(nothing());
                steps *= from.getDimSize(d);
              } else {
                inner.rows.push_back(map.rows[next++]);
              }
            }
            visit(other->getOperand(0), inner, times * steps);
            return;
          }
          if (auto loop = llvm::dyn_cast<ir::ForOp>(other)) {
            for (Value init : loop.getInits())
              if (arrayType(init).getRank() > 0) visit(init, map, times);
            loop.getBody().walk([&](Operation* inside) {
              for (Value operand : inside->getOperands())
                if (!loop.getBody().isAncestor(operand.getParentRegion()) && arrayType(operand).getRank() > 0) visit(operand, map, times);
            });
            return;
          }
          for (Value operand : other->getOperands())
            if (static_cast<size_t>(arrayType(operand).getRank()) == map.rows.size() && !map.rows.empty()) visit(operand, map, times);
        });
  }

  /// Merged dimensions are linear; split ones are not, except that the innermost follows as long as it does not wrap.
  Map reshape(const Map& map, llvm::ArrayRef<int64_t> from, llvm::ArrayRef<int64_t> to) {
    Map result{{}, map.irregular};
    result.rows.assign(to.size(), nothing());
    eachReshapeGroup(from, to, [&](size_t i, size_t iEnd, size_t j, size_t jEnd) {
      auto flat = nothing();
      auto strides = denseStrides(from.slice(i, iEnd - i));
      for (size_t k = i; k < iEnd; ++k)
        for (int64_t s = 0; s < space; ++s) flat[s] += map.rows[k][s] * strides[k - i];
      if (jEnd - j > 1) result.irregular = true;
      result.rows[jEnd - 1] = flat;
    });
    return result;
  }
};

}  // namespace

llvm::SmallVector<Load> loadsOf(Value root, const llvm::DenseMap<Value, llvm::SmallVector<int64_t, 4>>& memory) {
  int64_t rank = arrayType(root).getRank();
  Walker walker{memory, rank, {}, {}};
  Map identity;
  for (int64_t d = 0; d < rank; ++d) {
    identity.rows.push_back(walker.nothing());
    identity.rows.back()[d] = 1;
  }
  walker.visit(root, identity, 1);
  return walker.loads;
}

static bool follows(Value v, llvm::function_ref<bool(Value)> isDense, llvm::DenseSet<Value>& seen) {
  auto type = arrayType(v);
  if (type.getRank() == 0 || volume(type.getShape()) <= 1 || !seen.insert(v).second) return true;
  Operation* op = v.getDefiningOp();
  if (!op) return isDense(v);
  return llvm::TypeSwitch<Operation*, bool>(op)
      .Case<ir::ReshapeOp, ir::PvaryOp>([&](auto r) { return follows(r.getOperand(), isDense, seen); })
      .Case<ir::BroadcastOp>([&](auto r) {
        auto from = arrayType(r.getOperand());
        if (volume(from.getShape()) == 1) return from.getRank() == 0 || follows(r.getOperand(), isDense, seen);
        return volume(from.getShape()) == volume(type.getShape()) && follows(r.getOperand(), isDense, seen);
      })
      .Case<ir::ConstantOp>([&](auto c) { return llvm::cast<DenseElementsAttr>(c.getValue()).isSplat(); })
      .Case<ir::IotaOp>([&](auto iota) { return volume(type.getShape()) == type.getDimSize(iota.getDim()); })
      .Case<ir::ForOp>([&](ir::ForOp loop) {
        bool all = llvm::all_of(loop.getInits(), [&](Value init) { return follows(init, isDense, seen); });
        loop.getBody().walk([&](Operation* inside) {
          for (Value operand : inside->getOperands())
            if (!loop.getBody().isAncestor(operand.getParentRegion())) all = all && follows(operand, isDense, seen);
        });
        return all;
      })
      .Default([&](Operation* other) {
        if (!other->hasTrait<ir::OpTrait::Elementwise>()) return false;
        return llvm::all_of(other->getOperands(), [&](Value operand) { return follows(operand, isDense, seen); });
      });
}

bool followsFlatIndex(Value root, llvm::function_ref<bool(Value)> isDense) {
  llvm::DenseSet<Value> seen;
  return follows(root, isDense, seen);
}

/// Whether the argument is read only at the element that is being computed.
static bool readsInPlace(Value v, Value argument, int64_t elements, llvm::DenseSet<Value>& seen) {
  if (v == argument) return true;
  if (!seen.insert(v).second || !v.getDefiningOp()) return true;
  bool inPlace = true;
  auto look = [&](Value operand) {
    if (operand.getParentRegion() != v.getParentRegion()) return;  // inside a loop's body
    if (volume(arrayType(operand).getShape()) == elements) {
      inPlace &= readsInPlace(operand, argument, elements, seen);
      return;
    }
    // What another number of elements is made of is read from anywhere.
    llvm::SmallVector<Value> pending{operand};
    llvm::DenseSet<Value> visited;
    while (!pending.empty()) {
      Value next = pending.pop_back_val();
      inPlace &= next != argument;
      if (visited.insert(next).second && next.getDefiningOp()) llvm::append_range(pending, next.getDefiningOp()->getOperands());
    }
  };
  Operation* op = v.getDefiningOp();
  for (Value operand : op->getOperands()) look(operand);
  for (Region& region : op->getRegions())
    region.walk([&](Operation* inner) {
      for (Value operand : inner->getOperands()) look(operand);
    });
  return inPlace;
}

bool mayOverwrite(ValueRange roots, Value argument, llvm::function_ref<bool(Value)> isDense) {
  int64_t elements = volume(arrayType(argument).getShape());
  llvm::DenseSet<Value> seen;
  return llvm::all_of(roots, [&](Value root) {
    return root.getDefiningOp() && !isReduction(root.getDefiningOp()) && volume(arrayType(root).getShape()) == elements && followsFlatIndex(root, isDense) &&
           readsInPlace(root, argument, elements, seen);
  });
}

}  // namespace skein::compiler
