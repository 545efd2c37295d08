// Sorts: the comparator is read as keys, each a function of one side's elements, compared one after another.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

/// A key of the comparator: what the left side's elements are made into, and how it is compared.
struct SortKey {
  Value left;
  bool descending = false;
  bool total = false;  // floats by TOTALORDER
};

/// The same computation of the right side's elements as `a` is of the left's. In JAX's order argument 2i is left, 2i + 1 right.
bool mirrored(Value a, Value c, Block& block, int depth = 0) {
  if (depth > 64 || a.getType() != c.getType()) return false;
  auto left = llvm::dyn_cast<BlockArgument>(a), right = llvm::dyn_cast<BlockArgument>(c);
  if (left && left.getOwner() == &block)
    return right && right.getOwner() == &block && left.getArgNumber() % 2 == 0 && right.getArgNumber() == left.getArgNumber() + 1;
  if (a == c) return a.getParentBlock() != &block || a.getDefiningOp();  // a constant
  Operation *x = a.getDefiningOp(), *y = c.getDefiningOp();
  if (!x || !y || x->getName() != y->getName() || x->getNumOperands() != y->getNumOperands() || x->getNumRegions() || x->getNumResults() != 1 || y->getNumResults() != 1) return false;
  if (x->getPropertiesAsAttribute() != y->getPropertiesAsAttribute() || x->getRawDictionaryAttrs() != y->getRawDictionaryAttrs()) return false;
  for (auto [p, q] : llvm::zip(x->getOperands(), y->getOperands()))
    if (!mirrored(p, q, block, depth + 1)) return false;
  return true;
}

/// Whether the value is made of the right side's elements alone.
bool isRight(Value v, Block& block, int depth = 0) {
  if (depth > 64) return false;
  if (auto argument = llvm::dyn_cast<BlockArgument>(v)) return argument.getOwner() == &block && argument.getArgNumber() % 2 == 1;
  Operation* op = v.getDefiningOp();
  return op && llvm::any_of(op->getOperands(), [&](Value inner) { return isRight(inner, block, depth + 1); });
}

/// Whether the value is the constant 0, or a NaN.
bool isFloat(Value v, bool nan) {
  Operation* op = v.getDefiningOp();
  auto elements = op && op->getName().getStringRef() == "stablehlo.constant" ? llvm::dyn_cast_or_null<DenseFPElementsAttr>(op->getAttr("value")) : DenseFPElementsAttr();
  if (!elements || elements.empty() || !elements.isSplat()) return false;
  auto number = elements.getSplatValue<APFloat>();
  return nan ? number.isNaN() : number.isZero();
}

struct Comparison {
  Value lhs, rhs;
  std::string direction, kind;
};

std::optional<Comparison> comparisonOf(Value v) {
  Operation* op = v.getDefiningOp();
  if (!op || op->getName().getStringRef() != "stablehlo.compare" || op->getNumOperands() != 2) return std::nullopt;
  return Comparison{op->getOperand(0), op->getOperand(1), Importer::wordOf(op->getAttr("comparison_direction")), Importer::wordOf(op->getAttr("compare_type"))};
}

std::optional<SortKey> keyOf(Value v, Block& block) {
  auto found = comparisonOf(v);
  if (!found || (found->direction != "LT" && found->direction != "GT" && found->direction != "LE" && found->direction != "GE")) return std::nullopt;
  bool less = found->direction[0] == 'L', swapped = isRight(found->lhs, block);
  if (swapped) std::swap(found->lhs, found->rhs), less = !less;
  if (!mirrored(found->lhs, found->rhs, block)) return std::nullopt;
  return SortKey{found->lhs, !less, found->kind == "TOTALORDER"};
}

/// Keys in order of weight: less(k0) or (equal(k0) and (less(k1) or ...)).
bool keysOf(Value v, Block& block, llvm::SmallVectorImpl<SortKey>& keys) {
  if (keys.size() > 32) return false;
  if (auto key = keyOf(v, block)) {
    keys.push_back(*key);
    return true;
  }
  Operation* op = v.getDefiningOp();
  if (!op) return false;
  llvm::StringRef name = op->getName().getStringRef();
  if (name == "stablehlo.or" && op->getNumOperands() == 2) {
    for (int side : {0, 1}) {
      auto key = keyOf(op->getOperand(side), block);
      Operation* rest = op->getOperand(1 - side).getDefiningOp();
      if (!key || !rest || rest->getName().getStringRef() != "stablehlo.and" || rest->getNumOperands() != 2) continue;
      for (int equal : {0, 1}) {
        auto same = comparisonOf(rest->getOperand(equal));
        if (!same || same->direction != "EQ") continue;
        Value left = isRight(same->lhs, block) ? same->rhs : same->lhs, right = left == same->lhs ? same->rhs : same->lhs;
        // Of the key's own sides: the left one of the less is the left one of the equal, or computed alike.
        if (!mirrored(left, right, block) || !mirrored(key->left, right, block)) continue;
        keys.push_back(*key);
        if (keysOf(rest->getOperand(1 - equal), block, keys)) return true;
        keys.pop_back();
      }
    }
  }
  // select(equal(k0), less(k1), less(k0))
  if (name == "stablehlo.select" && op->getNumOperands() == 3) {
    auto same = comparisonOf(op->getOperand(0));
    auto key = keyOf(op->getOperand(2), block);
    if (same && key && same->direction == "EQ") {
      Value left = isRight(same->lhs, block) ? same->rhs : same->lhs, right = left == same->lhs ? same->rhs : same->lhs;
      if (mirrored(left, right, block) && mirrored(key->left, right, block)) {
        keys.push_back(*key);
        if (keysOf(op->getOperand(1), block, keys)) return true;
        keys.pop_back();
      }
    }
  }
  return false;
}

/// The values sorted by an array of theirs, ascending and stable.
Values sortBy(Importer& in, llvm::ArrayRef<Value> all, size_t key, int64_t dim) {
  Values operands{all[key]};
  for (size_t i = 0; i < all.size(); ++i)
    if (i != key) operands.push_back(all[i]);
  Values sorted = in.emitAll("sort", operands, {in.number("dim", dim)}), back(all.size());
  back[key] = sorted[0];
  for (size_t i = 0, from = 1; i < all.size(); ++i)
    if (i != key) back[i] = sorted[from++];
  return back;
}

/// An array that ascends where the key's elements do as the comparator says.
Value ordered(Importer& in, Value key, bool descending, bool total) {
  if (llvm::isa<FloatType>(arrayType(key).getElementType()) && (descending || total)) key = in.totalOrder(total ? key : in.canonical(key));
  return descending ? in.emit("not", {key}) : key;
}

Values sortOp(Importer& in, Operation& op) {
  size_t n = op.getNumOperands();
  if (n == 0 || op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock() || op.getNumResults() != n) in.refuse("has one region, and a result for each operand");
  Block& block = op.getRegion(0).front();
  if (block.empty() || block.getNumArguments() != 2 * n || block.back().getNumOperands() != 1) in.refuse("its region compares two elements of each operand");
  Values all = in.values(op.getOperands());
  auto shape = arrayType(all[0]).getShape();
  int64_t dim = in.attribute("dimension") ? in.integer("dimension") : static_cast<int64_t>(shape.size()) - 1;
  if (dim < 0) dim += static_cast<int64_t>(shape.size());
  for (Value v : all)
    if (arrayType(v).getShape() != shape) in.refuse("its operands agree in shape");

  llvm::SmallVector<SortKey> keys;
  if (!in.canVectorise(block) || !keysOf(block.back().getOperand(0), block, keys))
    in.refuse("sorts by comparators that compare keys one after another (a < b, or a0 < b0, or equal and a1 < b1...); this one is another");
  // Keys as arrays: the left side's computation on whole operands.
  Values arrays = all;
  llvm::SmallVector<size_t> places;
  for (const SortKey& key : keys) {
    // JAX makes zeros and NaNs alike before it compares by TOTALORDER, which is how Skein sorts.
    Value plain = key.left;
    bool total = key.total, alike = false;
    if (Operation* made = plain.getDefiningOp(); made && total && made->getName().getStringRef() == "stablehlo.select" && made->getNumOperands() == 3) {
      auto nan = comparisonOf(made->getOperand(0));
      Operation* inner = made->getOperand(2).getDefiningOp();
      if (nan && nan->direction == "NE" && nan->lhs == nan->rhs && inner && inner->getName().getStringRef() == "stablehlo.select" && inner->getNumOperands() == 3 &&
          inner->getOperand(2) == nan->lhs) {
        auto zero = comparisonOf(inner->getOperand(0));
        alike = zero && zero->direction == "EQ" && zero->lhs == nan->lhs && isFloat(zero->rhs, false) && isFloat(inner->getOperand(1), false) && isFloat(made->getOperand(1), true);
        if (alike) plain = nan->lhs;
      }
    }
    if (auto argument = llvm::dyn_cast<BlockArgument>(plain); argument && !key.descending && (!total || alike)) {
      places.push_back(argument.getArgNumber() / 2);
      continue;
    }
    Values arguments;
    for (Value v : all) arguments.append(2, v);
    Value array = in.vectorise(block, ValueRange{plain}, arguments, shape)[0];
    places.push_back(arrays.size());
    arrays.push_back(ordered(in, array, key.descending, total && !alike));
  }
  for (size_t k = places.size(); k-- > 0;) arrays = sortBy(in, arrays, places[k], dim);
  arrays.resize(n);
  return arrays;
}

Values topK(Importer& in, Operation& op) {
  Value v = in.operand(0);
  Dims shape(arrayType(v).getShape());
  int64_t k = in.integer("k"), dim = static_cast<int64_t>(shape.size()) - 1;
  if (dim < 0 || k < 0 || k > shape[dim] || op.getNumResults() != 2) in.refuse("takes the k greatest of the last dimension");
  Value key = ordered(in, v, true, false), index = in.iota(shape, in.b.getI32Type(), dim);
  Values sorted = sortBy(in, {key, v, index}, 0, dim);
  Dims starts(shape.size(), 0);
  shape[dim] = k;
  return {in.slice(sorted[1], starts, shape), in.slice(sorted[2], starts, shape)};
}

}  // namespace

void addSort(Handlers& all) {
  all["stablehlo.sort"] = sortOp;
  all["chlo.top_k"] = topK;
}

}  // namespace skein::compiler::stablehlo
