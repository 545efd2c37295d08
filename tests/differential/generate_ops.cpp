// The generator's ops on one device: elementwise, shape, reduce, contract, sort, random.
#include <numeric>

#include "compiler/interp/number.h"
#include "tests/differential/generator.h"

namespace skein::compiler::test {

static bool isAny(DType) { return true; }
static bool isNumber(DType d) { return !is_bool(d); }
static bool isOrdered(DType d) { return !is_complex(d); }
static bool isBits(DType d) { return is_bool(d) || is_integer(d); }
static bool isReal(DType d) { return is_integer(d) || is_floating(d); }
static bool is32Or64(DType d) { return d == float32 || d == float64; }

void Generator::complexUnary(mlir::Value z) {
  const char* name =
      random.among({"neg", "sign", "exp",  "expm1", "log",      "log1p", "sqrt", "rsqrt", "sin",  "cos",
                    "tan", "sinh", "cosh", "tanh",  "logistic", "conj",  "abs",  "real",  "imag", "is_finite"});
  llvm::StringRef op(name);
  if (op != "neg" && op != "conj" && op != "real" && op != "imag" && op != "is_finite") z = rightHalf(tame(z));
  if (op == "tan") z = emit("complex", {emit("imag", z), emit("real", z)});  // its poles are on the real axis
  add(emit(name, z));
}

void Generator::unary() {
  mlir::Value x = any();
  DType dtype = dtypeOf(x);
  if (is_complex(dtype)) return complexUnary(x);
  if (is_bool(dtype)) return void(add(emit("not", x)));
  if (is_integer(dtype)) return void(add(emit(random.among({"neg", "abs", "sign", "not", "popcnt", "clz"}), x)));
  if (random.chance(30)) {
    add(emit(random.among({"log", "log2", "log10", "sqrt", "rsqrt", "lgamma", "digamma", "cbrt"}), positive(x)));
  } else if (random.chance(30)) {  // within [-3/4, 3/4]
    mlir::Value y = emit("mul", {emit("tanh", x), splat(dtype, shapeOf(x), 0.75)});
    add(emit(random.among({"asin", "acos", "atanh", "erf_inv", "tan", "log1p"}), y));
  } else if (random.chance(10)) {
    add(emit("acosh", emit("add", {positive(x), splat(dtype, shapeOf(x), 1)})));
  } else {
    add(emit(random.among({"neg",   "abs",  "sign",  "exp",   "exp2",       "expm1",     "sin",  "cos",
                           "atan",  "sinh", "cosh",  "tanh",  "asinh",      "erf",       "erfc", "logistic",
                           "floor", "ceil", "trunc", "round", "round_even", "is_finite", "exp",  "sin"}),
             x));
  }
}

void Generator::binary() {
  if (random.chance(20)) {  // compare
    if (random.chance(30)) {
      mlir::Value x = any();
      return void(add(emit(random.among({"eq", "ne"}), {x, like(any(), x)})));
    }
    mlir::Value x = anyOf(isOrdered);
    return void(add(emit(random.among({"lt", "le", "gt", "ge"}), {x, like(any(), x)})));
  }
  mlir::Value x = any(), y = like(any(), x);
  DType dtype = dtypeOf(x);
  if (is_bool(dtype))
    return void(add(emit(random.among({"add", "mul", "and", "or", "xor", "maximum", "minimum"}), {x, y})));
  if (is_integer(dtype))
    return void(add(emit(random.among({"add", "sub", "mul", "div", "rem", "pow", "maximum", "minimum", "and", "or",
                                       "xor", "shl", "shr_arithmetic", "shr_logical"}),
                         {x, y})));
  if (is_complex(dtype)) {
    if (random.chance(70)) return void(add(emit(random.among({"add", "sub", "mul"}), {x, y})));
    return void(random.chance(50) ? add(emit("div", {x, rightHalf(y)}))
                                  : add(emit("pow", {rightHalf(tame(x)), tame(y)})));
  }
  switch (random.between(0, 9)) {
    case 0:
      add(emit("div", {x, positive(y)}));
      break;
    case 1:
      add(emit("pow", {positive(x), y}));
      break;
    case 2:
      add(emit("atan2", {x, positive(y)}));
      break;
    case 3:
      add(emit(random.among({"rem", "nextafter"}), {x, positive(y)}));
      break;
    case 4:
      add(emit("copysign", {x, toDtype(toDtype(y, int32), dtype)}));
      break;  // no -0 among the signs
    default:
      add(emit(random.among({"add", "sub", "mul", "maximum", "minimum"}), {x, y}));
  }
}

void Generator::ternary() {
  mlir::Value x = any();
  if (random.chance(50)) {
    mlir::Value predicate = toShape(anyOf(is_bool), shapeOf(x));
    return void(add(emit("select", {predicate, x, like(any(), x)})));
  }
  x = anyOf(isOrdered);
  if (is_floating(dtypeOf(x)) && random.chance(50)) return void(add(emit("fma", {x, like(any(), x), like(any(), x)})));
  add(emit("clamp", {like(any(), x), x, like(any(), x)}));
}

void Generator::conversion() {
  mlir::Value x = any();
  if (is32Or64(dtypeOf(x)) && random.chance(20)) return void(add(emit("complex", {x, like(any(), x)})));
  if (random.chance(25)) {  // bits of integers; of floats where none is NaN
    DType dtype = dtypeOf(x);
    if (is_floating(dtype)) {
      mlir::Value y = positive(x);
      x = emit("select", {emit("is_finite", y), y, splat(dtype, shapeOf(x), 1)});
    }
    if (is_bool(dtype) || is_complex(dtype)) return;
    std::vector<DType> same;
    for (int d = 1; d < dtype_count; ++d)
      if (itemsize(static_cast<DType>(d)) == itemsize(dtype) && !is_complex(static_cast<DType>(d)))
        same.push_back(static_cast<DType>(d));
    return void(add(emit("bitcast", x, this->dtype(random.of(same)))));
  }
  add(toDtype(x, static_cast<DType>(random.between(0, dtype_count - 1))));
}

void Generator::shape() {
  mlir::Value x = any();
  Sizes sizes = shapeOf(x);
  auto rank = static_cast<std::int64_t>(sizes.size());
  auto someDim = [&] { return random.between(0, static_cast<int>(rank) - 1); };
  switch (random.between(0, 9)) {
    case 0: {  // the sizes in another order, and a 1
      random.shuffle(sizes);
      if (random.chance(50)) sizes.insert(sizes.begin() + random.between(0, static_cast<int>(rank)), 1);
      if (random.chance(30)) sizes = {volumeOf(x)};
      add(emit("reshape", x, list("shape", sizes)));
      return;
    }
    case 1: {
      if (rank >= 3) return;
      int at = random.between(0, static_cast<int>(rank));
      Sizes dims;
      for (int i = 0; i < rank; ++i) dims.push_back(i < at ? i : i + 1);
      Sizes result = sizes;
      for (std::int64_t& size : result)
        if (size == 1) size = random.between(1, 3);
      result.insert(result.begin() + at, random.chance(5) ? 0 : random.among({1, 2, 3, 5}));
      add(emit("broadcast", x, {list("shape", result), list("dims", dims)}));
      return;
    }
    case 2: {
      Sizes permutation(rank);
      std::iota(permutation.begin(), permutation.end(), 0);
      random.shuffle(permutation);
      add(emit("transpose", x, list("permutation", permutation)));
      return;
    }
    case 3: {
      if (rank == 0) return;
      int dim = someDim();
      std::vector<mlir::Value> parts = {x};
      for (int i = random.between(0, 2); i >= 0; --i) {
        Sizes other = sizes;
        other[dim] = random.between(0, 3);
        parts.push_back(toShape(toDtype(any(), dtypeOf(x)), other));
      }
      random.shuffle(parts);
      add(emit("concatenate", parts, number("dim", dim)));
      return;
    }
    case 4: {
      Sizes starts, stops, strides;
      for (std::int64_t size : sizes) {
        starts.push_back(random.between(0, static_cast<int>(size) / 2));
        stops.push_back(random.chance(5) ? starts.back()
                                         : random.between(static_cast<int>(size + 1) / 2, static_cast<int>(size)));
        strides.push_back(random.between(1, 3));
      }
      add(emit("slice", x, {list("starts", starts), list("stops", stops), list("strides", strides)}));
      return;
    }
    case 5: {
      Sizes low, high, interior;
      for (std::int64_t size : sizes) {
        low.push_back(random.between(size > 2 ? -1 : 0, 2));
        high.push_back(random.between(size > 2 ? -1 : 0, 2));
        interior.push_back(random.chance(25) ? 1 : 0);
      }
      mlir::Value value = toShape(toDtype(any(), dtypeOf(x)), {});
      add(emit("pad", {x, value}, {list("low", low), list("high", high), list("interior", interior)}));
      return;
    }
    case 6: {
      Sizes dims;
      for (int i = 0; i < rank; ++i)
        if (random.chance(50)) dims.push_back(i);
      add(emit("reverse", x, list("dims", dims)));
      return;
    }
    case 7: {
      Sizes result = smallShape(2);
      result.push_back(random.between(1, 5));
      DType dtype = static_cast<DType>(random.between(1, dtype_count - 1));
      add(emit("iota", {},
               {list("shape", result), this->dtype(dtype),
                number("dim", random.between(0, static_cast<int>(result.size()) - 1))}));
      return;
    }
    case 8:
      fresh(static_cast<DType>(random.between(0, dtype_count - 1)), smallShape());
      return;
    default: {
      if (rank == 0) return;
      int dim = someDim();
      if (sizes[dim] == 0) return;
      mlir::Value indices = anyOf(is_integer);
      if (random.chance(50)) indices = toShape(indices, {random.chance(5) ? 0 : random.between(1, 5)});
      add(emit("take", {x, indices}, number("dim", dim)));
    }
  }
}

/// Scatters and running totals; of floats only those that do not round.
void Generator::indexed() {
  mlir::Value x = any();
  Sizes sizes = shapeOf(x);
  if (sizes.empty()) return;
  const auto dim = random.between(0, static_cast<int>(sizes.size()) - 1);
  const DType type = dtypeOf(x);
  const bool rounds = is_floating(type) || is_complex(type), ordered = !is_complex(type), number_ = type != bool_;
  auto text = [&](llvm::StringRef value) { return b.getNamedAttr("kind", b.getStringAttr(value)); };
  if (random.chance(50)) {
    if (!ordered) return;
    const char* kind = rounds || !number_ ? random.among({"max", "min"}) : random.among({"sum", "prod", "max", "min"});
    add(emit("cumulative", x, {number("dim", dim), text(kind), flag("reverse", random.chance(50))}));
    return;
  }
  mlir::Value indices = toShape(anyOf(is_integer), {random.chance(5) ? 0 : random.between(1, 6)});
  Sizes updates = sizes;
  updates[dim] = shapeOf(indices)[0];
  mlir::Value with = toShape(toDtype(any(), type), updates);
  const char* kind = !ordered            ? "set"
                     : rounds || !number_ ? random.among({"set", "max", "min"})
                                          : random.among({"set", "add", "mul", "max", "min"});
  add(emit("scatter", {x, indices, with}, {number("dim", dim), text(kind)}));
}

void Generator::window() {
  if (random.chance(30)) return indexed();
  mlir::Value x = any();
  Sizes sizes = shapeOf(x), windowSizes;
  std::vector<mlir::Value> operands = {x};
  for (std::int64_t size : sizes)
    windowSizes.push_back(random.between(size > 0 && !random.chance(5) ? 1 : 0, static_cast<int>(size)));
  bool update = random.chance(50);
  if (update) operands.push_back(toShape(toDtype(any(), dtypeOf(x)), windowSizes));
  for (std::size_t i = 0; i < sizes.size(); ++i) operands.push_back(toShape(anyOf(is_integer), {}));
  add(update ? emit("dynamic_update_slice", operands) : emit("dynamic_slice", operands, list("sizes", windowSizes)));
}

void Generator::reduction() {
  auto someDims = [&](mlir::Value x) {
    Sizes dims;
    for (std::size_t i = 0; i < shapeOf(x).size(); ++i)
      if (random.chance(60)) dims.push_back(static_cast<std::int64_t>(i));
    random.shuffle(dims);
    return list("dims", dims);
  };
  switch (random.between(0, 5)) {
    case 0: {
      mlir::Value x = anyOf(isBits);
      add(emit(random.among({"reduce_and", "reduce_or"}), x, someDims(x)));
      return;
    }
    case 1: {
      mlir::Value x = anyOf(isOrdered);
      Sizes sizes = shapeOf(x);
      if (sizes.empty()) return;
      int dim = random.between(0, static_cast<int>(sizes.size()) - 1);
      if (sizes[dim] == 0) return;
      add(emit(random.among({"argmax", "argmin"}), x, list("dims", {dim})));
      return;
    }
    case 2: {
      mlir::Value x = anyOf(is_floating);
      Sizes sizes = shapeOf(x);
      if (volumeOf(x) == 0) return;  // the mean of nothing
      for (mlir::Value value : emitAll("moments", x, someDims(x))) add(value);
      return;
    }
    case 3: {
      mlir::Value x = anyOf(isOrdered);
      add(emit(random.among({"reduce_max", "reduce_min"}), x, someDims(x)));
      return;
    }
    default: {
      mlir::Value x = anyOf(isNumber);
      add(emit(random.among({"reduce_sum", "reduce_sum", "reduce_prod"}), x, someDims(x)));
    }
  }
}

void Generator::contraction() {
  mlir::Value x = anyOf(isNumber);
  Sizes left, right, lb, rb, lc, rc;
  // Dimensions in turn: batch, contracting, free of either side; then each side's in a random order.
  std::vector<std::pair<char, std::int64_t>> dims;
  for (char kind : {'b', 'c', 'c', 'l', 'r'})
    if (random.chance(kind == 'c' ? 60 : 55))
      dims.push_back({kind, random.chance(4) ? 0 : random.among({1, 2, 3, 5, 7})});
  random.shuffle(dims);
  std::vector<std::pair<int, std::int64_t>> l, r;  // which of dims, size
  for (std::size_t i = 0; i < dims.size(); ++i) {
    if (dims[i].first != 'r') l.push_back({static_cast<int>(i), dims[i].second});
    if (dims[i].first != 'l') r.push_back({static_cast<int>(i), dims[i].second});
  }
  random.shuffle(l);
  random.shuffle(r);
  for (auto& d : l) left.push_back(d.second);
  for (auto& d : r) right.push_back(d.second);
  for (std::size_t i = 0; i < l.size(); ++i)
    for (std::size_t j = 0; j < r.size(); ++j)
      if (l[i].first == r[j].first) {
        bool batch = dims[l[i].first].first == 'b';
        (batch ? lb : lc).push_back(static_cast<std::int64_t>(i));
        (batch ? rb : rc).push_back(static_cast<std::int64_t>(j));
      }
  mlir::Value a = toShape(x, left), c = toShape(toDtype(any(), dtypeOf(x)), right);
  add(emit("dot_general", {a, c},
           {list("lhs_batch", lb), list("rhs_batch", rb), list("lhs_contract", lc), list("rhs_contract", rc)}));
}

void Generator::sorting() {
  mlir::Value keys = anyOf(isOrdered);
  Sizes sizes = shapeOf(keys);
  if (sizes.empty()) return;
  std::vector<mlir::Value> operands = {keys};
  for (int i = random.between(0, 2); i > 0; --i) operands.push_back(toShape(anyOf(isAny), sizes));
  for (mlir::Value value :
       emitAll("sort", operands, number("dim", random.between(0, static_cast<int>(sizes.size()) - 1))))
    add(value);
}

/// Numbers whose parts lie between -1 and 1, none of them NaN.
mlir::Value Generator::bounded(const Sizes& shape, DType dtype) {
  auto part = [&] {
    mlir::Value x = emit("tanh", toShape(toDtype(any(), real_dtype(dtype)), shape));
    return emit("select", {emit("eq", {x, x}), x, splat(real_dtype(dtype), shape, 0.5)});
  };
  if (!is_complex(dtype)) return part();
  mlir::Value real = part(), imaginary = part();
  return emit("complex", {real, imaginary});
}

/// Transforms, and factors of matrices whose diagonal is strong: eigenvalues lie apart, pivots stay where they are.
void Generator::algebra() {
  auto text = [&](llvm::StringRef name, llvm::StringRef value) { return b.getNamedAttr(name, b.getStringAttr(value)); };
  bool wide = random.chance(50);
  const DType real = wide ? float64 : float32, whole = wide ? complex128 : complex64, type = random.chance(50) ? real : whole;
  Sizes batch = smallShape(1);
  auto of = [&](std::initializer_list<std::int64_t> last) {
    Sizes shape = batch;
    shape.insert(shape.end(), last);
    return shape;
  };
  if (random.chance(40)) {
    std::int64_t n = random.between(1, 13);
    const char* kind = random.among({"fft", "ifft", "rfft", "irfft"});
    bool from_real = llvm::StringRef(kind) == "rfft", to_real = llvm::StringRef(kind) == "irfft";
    add(emit("fft", bounded(of({to_real ? n / 2 + 1 : n}), from_real ? real : whole), {text("kind", kind), list("lengths", {n})}));
    return;
  }
  std::int64_t n = random.between(1, 4);
  HostArray diagonal = HostArray::zeros(type, of({n, n})), upper = diagonal;
  auto set = [&](HostArray& array, std::int64_t i, double value) {
    is_complex(type) ? interp::store(array, i, interp::Complex(value)) : interp::store(array, i, value);
  };
  for (std::int64_t i = 0; i < diagonal.volume(); ++i) {
    std::int64_t row = i / n % n, column = i % n;
    set(diagonal, i, row == column ? 8.0 + 12.0 * static_cast<double>(row) : 0);
    set(upper, i, row < column);
  }
  mlir::Value small = bounded(of({n, n}), type), a = emit("add", {small, constant(diagonal)});
  const llvm::StringRef op = random.among({"cholesky", "triangular_solve", "lu", "qr", "eigh", "svd", "svdvals", "eig", "eigvals"});
  std::vector<mlir::NamedAttribute> attributes;
  std::vector<mlir::Value> operands{a};
  if (op == "eigh" || op == "triangular_solve") attributes.push_back(flag("lower", random.chance(50)));
  if (op == "qr" || op == "svd") attributes.push_back(flag("full", random.chance(50)));
  if (op == "eig" || op == "eigvals")  // of a triangular matrix, whose eigenvalues have an order
    operands[0] = emit("add", {emit("mul", {small, constant(upper)}), constant(diagonal)});
  if (op == "triangular_solve") {
    operands.push_back(bounded(of({n, random.between(1, 3)}), type));
    attributes.push_back(text("transpose", random.among({"none", "transpose", "adjoint"})));
    attributes.push_back(flag("unit_diagonal", false));
  }
  for (mlir::Value value : emitAll(op, operands, attributes)) add(value);
}

void Generator::randomBits() {
  mlir::Value counter = toDtype(anyOf(isReal), uint32);
  std::vector<mlir::Value> operands;
  for (int i = 0; i < 4; ++i) operands.push_back(i == 3 ? counter : like(any(), counter));
  for (mlir::Value value : emitAll("threefry", operands)) add(value);
}

}  // namespace skein::compiler::test
