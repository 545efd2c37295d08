// Reductions: those whose region Skein has an op for, and others as a tree of the region applied to halves.
#include "compiler/import/stablehlo_importer.h"
#include "llvm/ADT/StringSwitch.h"

namespace skein::compiler::stablehlo {

// ---- recognising regions ----

std::string kindOf(Block& block, unsigned i, unsigned n) {
  if (block.empty() || block.getNumArguments() != 2 * n || block.back().getNumOperands() != n) return "";
  Value result = block.back().getOperand(i), a = block.getArgument(i), c = block.getArgument(n + i);
  if (result == a) return "first";
  if (result == c) return "second";
  Operation* op = result.getDefiningOp();
  if (!op || op->getBlock() != &block || op->getNumOperands() != 2) return "";
  bool both = (op->getOperand(0) == a && op->getOperand(1) == c) || (op->getOperand(0) == c && op->getOperand(1) == a);
  if (!both) return "";
  auto array = llvm::dyn_cast<RankedTensorType>(a.getType());
  bool isBool = array && array.getElementType().isInteger(1);
  return llvm::StringSwitch<std::string>(op->getName().getStringRef())
      .Case("stablehlo.add", isBool ? "or" : "add")
      .Case("stablehlo.multiply", isBool ? "and" : "mul")
      .Case("stablehlo.maximum", isBool ? "or" : "max")
      .Case("stablehlo.minimum", isBool ? "and" : "min")
      .Case("stablehlo.and", "and")
      .Case("stablehlo.or", "or")
      .Default("");
}
std::string kindOf(Block& block) { return kindOf(block, 0, 1); }

namespace {

const std::map<std::string, std::pair<const char*, const char*>> kReductions = {  // the reduction, and its step
    {"add", {"reduce_sum", "add"}},     {"mul", {"reduce_prod", "mul"}}, {"max", {"reduce_max", "maximum"}},
    {"min", {"reduce_min", "minimum"}}, {"and", {"reduce_and", "and"}},  {"or", {"reduce_or", "or"}}};

Region& onlyRegion(Importer& in, Operation& op) {
  if (op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock() || op.getRegion(0).front().empty()) in.refuse("has one region of one block");
  return op.getRegion(0);
}

/// Whether the initial value changes nothing.
bool isIdentity(Value init, const std::string& kind) {
  Operation* op = init.getDefiningOp();
  while (op && op->getNumOperands() == 1 && op->getName().getStringRef() == "stablehlo.broadcast_in_dim") op = op->getOperand(0).getDefiningOp();
  if (!op || op->getName().getStringRef() != "stablehlo.constant") return false;
  auto value = llvm::dyn_cast_or_null<DenseElementsAttr>(op->getAttr("value"));
  if (!value || value.empty() || !value.isSplat()) return false;
  if (llvm::isa<FloatType>(value.getElementType())) {
    auto number = value.getSplatValue<APFloat>();
    if (kind == "add") return number.isZero();
    if (kind == "mul") return number.convertToDouble() == 1.0;
    return number.isInfinity() && number.isNegative() == (kind == "max");
  }
  auto integer = llvm::dyn_cast<IntegerType>(value.getElementType());
  if (!integer) return false;
  auto bits = value.getSplatValue<APInt>();
  if (kind == "add" || kind == "or") return bits.isZero();
  if (kind == "mul") return bits.isOne();
  if (kind == "and") return bits.isAllOnes();
  if (integer.isUnsigned()) return kind == "max" ? bits.isZero() : bits.isAllOnes();
  return kind == "max" ? bits.isMinSignedValue() : bits.isMaxSignedValue();
}

bool isCompare(Value v, const char* direction, Value lhs, Value rhs) {
  Operation* op = v.getDefiningOp();
  return op && op->getName().getStringRef() == "stablehlo.compare" && op->getNumOperands() == 2 && op->getOperand(0) == lhs && op->getOperand(1) == rhs &&
         Importer::wordOf(op->getAttr("comparison_direction")) == direction;
}

/// x op y of the two values, either way round; null if it is another op.
std::pair<Value, Value> operandsOf(Value v, const char* name) {
  Operation* op = v.getDefiningOp();
  if (!op || op->getName().getStringRef() != name || op->getNumOperands() != 2) return {};
  return {op->getOperand(0), op->getOperand(1)};
}

/// JAX's argmax and argmin: of (value, index) the greater value, NaN first of all, then the lesser index.
std::string argKind(Block& block) {
  if (block.getNumArguments() != 4 || block.back().getNumOperands() != 2) return "";
  Value x = block.getArgument(0), i = block.getArgument(1), y = block.getArgument(2), j = block.getArgument(3);
  Operation *value = block.back().getOperand(0).getDefiningOp(), *index = block.back().getOperand(1).getDefiningOp();
  for (Operation* op : {value, index})
    if (!op || op->getName().getStringRef() != "stablehlo.select" || op->getNumOperands() != 3) return "";
  if (value->getOperand(1) != x || value->getOperand(2) != y || index->getOperand(1) != i || index->getOperand(2) != j) return "";
  Value wins = value->getOperand(0);
  auto [first, tie] = operandsOf(index->getOperand(0), "stablehlo.or");
  if (!first || first != wins) return "";
  auto [equal, lesser] = operandsOf(tie, "stablehlo.and");
  if (!equal || !isCompare(equal, "EQ", x, y) || !isCompare(lesser, "LT", i, j)) return "";
  Value greater = wins;
  if (auto [c, nan] = operandsOf(wins, "stablehlo.or"); c) {
    if (!isCompare(nan, "NE", x, x)) return "";
    greater = c;
  } else if (llvm::isa<FloatType>(llvm::cast<RankedTensorType>(x.getType()).getElementType())) {
    return "";
  }
  return isCompare(greater, "GT", x, y) ? "argmax" : isCompare(greater, "LT", x, y) ? "argmin" : "";
}

/// The region applied to halves along a dimension until one element is left.
Values tree(Importer& in, Block& block, Values all, int64_t dim) {
  for (int64_t size = arrayType(all[0]).getDimSize(dim); size > 1; size = arrayType(all[0]).getDimSize(dim)) {
    Dims shape(arrayType(all[0]).getShape()), starts(shape.size(), 0), middle(shape), low(shape.size(), 0), end(shape);
    int64_t half = size / 2;
    middle[dim] = half, low[dim] = half, end[dim] = 2 * half;
    Values operands;
    for (Value v : all) operands.push_back(in.slice(v, starts, middle));
    for (Value v : all) operands.push_back(in.slice(v, low, end));
    Values joined = in.vectorise(block, operands, middle);
    if (size % 2) {
      Dims last(shape.size(), 0);
      last[dim] = size - 1;
      for (size_t i = 0; i < all.size(); ++i)
        joined[i] = in.emit("concatenate", {joined[i], in.slice(all[i], last, shape)}, {in.number("dim", dim)});
    }
    all = joined;
  }
  return all;
}

Values reduceOp(Importer& in, Operation& op) {
  unsigned n = op.getNumOperands() / 2;
  if (n == 0 || op.getNumOperands() != 2 * n || op.getNumResults() != n) in.refuse("has an initial value and a result for each operand");
  Block& block = onlyRegion(in, op).front();
  Dims dims = in.integers("dimensions");
  Values all = in.values(op.getOperands());
  llvm::ArrayRef<Value> operands = llvm::ArrayRef(all).take_front(n), inits = llvm::ArrayRef(all).drop_front(n);
  auto shape = arrayType(operands[0]).getShape();
  int64_t rank = static_cast<int64_t>(shape.size());
  for (int64_t d : dims)
    if (d < 0 || d >= rank) in.refuse("there is no dimension " + llvm::Twine(d));
  for (Value v : operands)
    if (arrayType(v).getShape() != shape) in.refuse("its operands agree in shape");
  for (Value v : inits)
    if (arrayType(v).getRank() != 0) in.refuse("its initial values are scalars");

  // Each operand by itself, where Skein has the reduction.
  Values results;
  for (unsigned i = 0; i < n; ++i) {
    auto found = kReductions.find(kindOf(block, i, n));
    if (found == kReductions.end()) break;
    Value reduced = in.emit(found->second.first, {operands[i]}, {in.named("dims", dims)});
    if (!isIdentity(op.getOperand(n + i), found->first)) reduced = in.emit(found->second.second, {reduced, in.broadcast(inits[i], arrayType(reduced).getShape(), {})});
    results.push_back(reduced);
  }
  if (results.size() == n) return results;

  Operation* counter = n == 2 ? op.getOperand(1).getDefiningOp() : nullptr;
  if (counter && counter->getName().getStringRef() == "stablehlo.iota" && dims.size() == 1 && shape[dims[0]] > 0) {
    auto along = llvm::dyn_cast_or_null<IntegerAttr>(counter->getAttr("iota_dimension"));
    std::string kind = argKind(block);
    bool least = isIdentity(op.getOperand(2), kind == "argmax" ? "max" : "min") && splatInteger(op.getOperand(3)) == 0;
    if (!kind.empty() && least && along && along.getInt() == dims[0]) {
      Value value = in.emit(kind == "argmax" ? "reduce_max" : "reduce_min", {operands[0]}, {in.named("dims", dims)});
      Value index = in.emit(kind, {operands[0]}, {in.named("dims", dims)});
      return {value, in.convert(index, arrayType(operands[1]).getElementType())};
    }
  }

  if (!in.canVectorise(block)) in.refuse("its region holds more than elementwise ops on scalars, which is not supported");
  Values now(operands);
  Dims left;
  for (int64_t d = 0; d < rank; ++d)
    if (!llvm::is_contained(dims, d)) left.push_back(shape[d]);
  bool nothing = false;
  for (int64_t d : dims) nothing |= shape[d] == 0;
  Values starts;
  for (Value v : inits) starts.push_back(in.broadcast(v, left, {}));
  if (nothing) return starts;
  for (int64_t d : dims) now = tree(in, block, now, d);
  for (Value& v : now) v = in.reshape(v, left);
  Values both = starts;
  llvm::append_range(both, now);
  return in.vectorise(block, both, left);
}

struct Window {
  Dims sizes, strides, base, dilations, low, high;
};

Window windowOf(Importer& in, int64_t rank) {
  auto ones = Dims(rank, 1);
  Window w{in.integers("window_dimensions"), in.integersIfAny("window_strides").value_or(ones), in.integersIfAny("base_dilations").value_or(ones),
           in.integersIfAny("window_dilations").value_or(ones), Dims(rank, 0), Dims(rank, 0)};
  if (in.attribute("padding")) {
    auto [pairs, shape] = in.table("padding");
    if (shape[0] != rank || shape[1] != 2) in.refuse("its padding is a pair for each dimension");
    for (int64_t d = 0; d < rank; ++d) w.low[d] = pairs[2 * d], w.high[d] = pairs[2 * d + 1];
  }
  for (const Dims* list : {&w.sizes, &w.strides, &w.base, &w.dilations}) {
    if (static_cast<int64_t>(list->size()) != rank) in.refuse("its window has one entry for each dimension");
    for (int64_t v : *list)
      if (v < 1) in.refuse("sizes, strides and dilations of a window are positive");
  }
  return w;
}

/// A running total along one dimension: cumulative's axis and whether it runs backwards. Nothing if it is another window.
std::optional<std::pair<int64_t, bool>> runningTotal(const Window& w, llvm::ArrayRef<int64_t> shape) {
  std::optional<std::pair<int64_t, bool>> found;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (w.strides[d] != 1 || w.base[d] != 1 || w.dilations[d] != 1) return std::nullopt;
    if (w.sizes[d] == 1 && w.low[d] == 0 && w.high[d] == 0) continue;
    bool forwards = w.low[d] == shape[d] - 1 && w.high[d] == 0, backwards = w.high[d] == shape[d] - 1 && w.low[d] == 0;
    if (found || w.sizes[d] != shape[d] || !(forwards || backwards)) return std::nullopt;
    found = {static_cast<int64_t>(d), backwards};
  }
  return found;
}

Values reduceWindow(Importer& in, Operation& op) {
  unsigned n = op.getNumOperands() / 2;
  if (n == 0 || op.getNumOperands() != 2 * n || op.getNumResults() != n) in.refuse("has an initial value and a result for each operand");
  Block& block = onlyRegion(in, op).front();
  Values all = in.values(op.getOperands());
  int64_t rank = arrayType(all[0]).getRank();
  Window w = windowOf(in, rank);
  Dims shape(arrayType(all[0]).getShape());
  std::string kind = n == 1 ? kindOf(block) : "";
  bool identity = !kind.empty() && isIdentity(op.getOperand(1), kind);

  static const std::map<std::string, const char*> scans = {{"add", "sum"}, {"mul", "prod"}, {"max", "max"}, {"min", "min"}};
  auto scan = scans.find(kind);
  if (auto total = runningTotal(w, shape); total && identity && scan != scans.end())
    return {in.emit("cumulative", {all[0]},
                    {in.number("dim", total->first), in.named("kind", Attribute(in.b.getStringAttr(scan->second))),
                     in.named("reverse", Attribute(in.b.getBoolAttr(total->second)))})};

  if (!in.canVectorise(block)) in.refuse("its region holds more than elementwise ops on scalars, which is not supported");
  // Every place of the window is a strided slice of the padded operand. Dimension by dimension where the order is free.
  Values padded;
  Dims interior;
  for (int64_t d = 0; d < rank; ++d) interior.push_back(w.base[d] - 1);
  for (unsigned i = 0; i < n; ++i) {
    if (arrayType(all[i]).getShape() != llvm::ArrayRef<int64_t>(shape) || arrayType(all[n + i]).getRank() != 0) in.refuse("operands agree in shape, initial values are scalars");
    padded.push_back(in.pad(all[i], all[n + i], w.low, w.high, interior));
  }
  Dims out(in.declared(op.getResult(0)).getShape());
  int64_t steps = 0;
  for (int64_t size : w.sizes) steps += size;
  if (steps > 4096) in.refuse("a window of more than 4096 places that is no running total is not supported");
  Values now = padded;
  for (int64_t d = 0; d < rank; ++d) {
    Dims whole(arrayType(now[0]).getShape());
    int64_t reach = (w.sizes[d] - 1) * w.dilations[d] + 1;
    int64_t places = whole[d] < reach ? 0 : (whole[d] - reach) / w.strides[d] + 1;
    Dims part(whole);
    part[d] = places;
    if (places == 0) {  // nothing is in the result
      for (unsigned i = 0; i < n; ++i) now[i] = in.broadcast(all[n + i], part, {});
      continue;
    }
    Values sum;
    for (int64_t k = 0; k < w.sizes[d]; ++k) {
      Dims starts(rank, 0), stops(whole), strides(rank, 1);
      starts[d] = k * w.dilations[d];
      strides[d] = w.strides[d];
      stops[d] = starts[d] + (places - 1) * w.strides[d] + 1;
      Values step;
      for (Value v : now) step.push_back(in.slice(v, starts, stops, strides));
      if (k == 0) {
        sum = step;
        continue;
      }
      Values both = sum;
      llvm::append_range(both, step);
      sum = in.vectorise(block, both, part);
    }
    now = sum;
  }
  if (identity) return now;
  Values both;
  for (unsigned i = 0; i < n; ++i) both.push_back(in.broadcast(all[n + i], out, {}));
  llvm::append_range(both, now);
  return in.vectorise(block, both, out);
}

Values mapOp(Importer& in, Operation& op) {
  Block& block = onlyRegion(in, op).front();
  if (!in.canVectorise(block) || op.getNumOperands() == 0) in.refuse("its region holds more than elementwise ops on scalars, which is not supported");
  Values operands = in.values(op.getOperands());
  return in.vectorise(block, operands, arrayType(operands[0]).getShape());
}

}  // namespace

void addReduce(Handlers& all) {
  all["stablehlo.reduce"] = reduceOp;
  all["stablehlo.reduce_window"] = reduceWindow;
  all["stablehlo.map"] = mapOp;
}

}  // namespace skein::compiler::stablehlo
