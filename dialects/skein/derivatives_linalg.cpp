// Derivatives of the linalg family. Forward formulas are JAX's; see Giles (An extended collection of matrix derivative results, 2008),
// Murray (Differentiation of the Cholesky decomposition, 2016), Townsend (Differentiating the singular value decomposition, 2016).
//
// The formulas backwards are the adjoints of those forwards under <X, Y> = Re tr(X^H Y). A cotangent here pairs without the conjugate,
// so each rule conjugates what comes and what it gives (bar, give).
#include "dialects/skein/derivatives_rules.h"

namespace skein::ir {

using namespace mlir;

namespace {

// ---- matrices ----

bool isComplex(Value v) { return llvm::isa<ComplexType>(arrayType(v).getElementType()); }
int64_t rankOf(Value v) { return arrayType(v).getRank(); }
int64_t rowsOf(Value v) { return arrayType(v).getDimSize(rankOf(v) - 2); }
int64_t columnsOf(Value v) { return arrayType(v).getDimSize(rankOf(v) - 1); }
Value conj(Emitter& e, Value v) { return isComplex(v) ? e.make<ConjOp>(v) : v; }
Value flipped(Emitter& e, Value v) {
  Dims order;
  for (int64_t d = 0; d < rankOf(v); ++d) order.push_back(d);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return e.make<TransposeOp>(v, order);
}
Value adjoint(Emitter& e, Value v) { return conj(e, flipped(e, v)); }
Value product(Emitter& e, Value a, Value b) {
  Dims batch;
  for (int64_t d = 0; d + 2 < rankOf(a); ++d) batch.push_back(d);
  return e.make<DotGeneralOp>(a, b, batch, batch, Dims{rankOf(a) - 1}, Dims{rankOf(b) - 2});
}
Value indexAlong(Emitter& e, Value like, int64_t fromBack) {
  return e.make<IotaOp>(Dims(arrayType(like).getShape()), e.getI32Type(), static_cast<uint64_t>(rankOf(like) - fromBack));
}
Value onDiagonal(Emitter& e, Value like) { return e.eq(indexAlong(e, like, 2), indexAlong(e, like, 1)); }
Value lowerPart(Emitter& e, Value v) { return e.where(e.make<GeOp>(indexAlong(e, v, 2), indexAlong(e, v, 1)), v); }
Value belowDiagonal(Emitter& e, Value v) { return e.where(e.make<GtOp>(indexAlong(e, v, 2), indexAlong(e, v, 1)), v); }
Value upperPart(Emitter& e, Value v) { return e.where(e.make<LeOp>(indexAlong(e, v, 2), indexAlong(e, v, 1)), v); }
Value diagonalPart(Emitter& e, Value v) { return e.where(onDiagonal(e, v), v); }
/// The diagonal of square matrices as vectors.
Value diagonalOf(Emitter& e, Value v) { return e.make<ReduceSumOp>(diagonalPart(e, v), Dims{rankOf(v) - 1}); }
Value realPart(Emitter& e, Value v) { return isComplex(v) ? e.make<RealOp>(v) : v; }
/// A real array in the dtype of another.
Value inDtypeOf(Emitter& e, Value v, Value like) { return isComplex(like) && !isComplex(v) ? e.make<ComplexOp>(v, e.constant(v.getType(), 0)) : v; }
/// i times the imaginary part; null for real values.
Value imaginaryPart(Emitter& e, Value v) {
  if (!isComplex(v)) return {};
  Value im = e.make<ImagOp>(v);
  return e.make<ComplexOp>(e.constant(im.getType(), 0), im);
}
/// A vector for each matrix, repeated along the rows (every row is the vector) or along the columns.
Value alongRows(Emitter& e, Value vector, int64_t rows) {
  Dims shape(arrayType(vector).getShape()), dims;
  for (int64_t d = 0; d + 1 < rankOf(vector); ++d) dims.push_back(d);
  dims.push_back(rankOf(vector));
  shape.insert(shape.end() - 1, rows);
  return e.make<BroadcastOp>(vector, shape, dims);
}
Value alongColumns(Emitter& e, Value vector, int64_t columns) {
  Dims shape(arrayType(vector).getShape()), dims;
  for (int64_t d = 0; d < rankOf(vector); ++d) dims.push_back(d);
  shape.push_back(columns);
  return e.make<BroadcastOp>(vector, shape, dims);
}
/// v diag(s) and diag(s) v.
Value timesDiagonal(Emitter& e, Value v, Value s) { return e.mul(v, inDtypeOf(e, alongRows(e, s, rowsOf(v)), v)); }
Value diagonalTimes(Emitter& e, Value s, Value v) { return e.mul(inDtypeOf(e, alongColumns(e, s, columnsOf(v)), v), v); }
Value diagonalMatrix(Emitter& e, Value s) { return e.where(onDiagonal(e, alongRows(e, s, columnsOf(s))), alongRows(e, s, columnsOf(s))); }
/// 1 / x, and 0 where x is 0.
Value guardedInverse(Emitter& e, Value x) {
  Value zero = e.eq(x, e.constant(x.getType(), 0)), one = e.constant(x.getType(), 1);
  return e.select(zero, e.constant(x.getType(), 0), e.div(one, e.select(zero, one, x)));
}
Value window(Emitter& e, Value v, int64_t row, int64_t rows, int64_t column, int64_t columns) {
  Dims starts(rankOf(v), 0), stops(arrayType(v).getShape()), strides(rankOf(v), 1);
  size_t last = starts.size() - 1;
  starts[last - 1] = row, stops[last - 1] = row + rows;
  starts[last] = column, stops[last] = column + columns;
  return e.make<SliceOp>(v, starts, stops, strides);
}
/// Square, with ones on the diagonal where the matrix does not reach.
Value extended(Emitter& e, Value v, int64_t size) {
  if (rowsOf(v) == size && columnsOf(v) == size) return v;
  Dims low(rankOf(v), 0), high = low, interior = low;
  high[high.size() - 2] = size - rowsOf(v), high[high.size() - 1] = size - columnsOf(v);
  Value zero = e.constant(RankedTensorType::get({}, arrayType(v).getElementType()), 0);
  Value padded = e.make<PadOp>(v, zero, low, high, interior);
  int64_t whole = std::min(rowsOf(v), columnsOf(v));
  Value row = indexAlong(e, padded, 2);
  Value outside = e.make<AndOp>(onDiagonal(e, padded), e.make<GeOp>(row, e.integer(row.getType(), whole)));
  return e.select(outside, e.constant(padded.getType(), 1), padded);
}

Value solve(Emitter& e, Value a, Value b, bool lower, llvm::StringRef transpose, bool unit = false) {
  return e.make<TriangularSolveOp>(a, b, lower, transpose, unit);
}
/// x of x op(a) = b.
Value solveFromRight(Emitter& e, Value a, Value b, bool lower, bool adjoined, bool unit = false) {
  return adjoint(e, solve(e, a, adjoint(e, b), lower, adjoined ? "none" : "adjoint", unit));
}

/// The cotangent as the formulas have it, and back.
Value bar(Emitter& e, Value cotangent) { return cotangent ? conj(e, cotangent) : Value(); }
void give(Emitter& e, Accounts& accounts, Value operand, Value contribution) { accounts.add(e, operand, conj(e, contribution)); }

bool isEmpty(Value v) { return llvm::is_contained(arrayType(v).getShape(), int64_t{0}); }

// ---- cholesky: dL = L phi(L^-1 dA L^-H), phi the lower triangle with half the diagonal ----

Value phi(Emitter& e, Value v) {
  Value lower = lowerPart(e, v);
  return e.select(onDiagonal(e, v), e.scale(lower, 0.5), lower);
}
LogicalResult pushCholesky(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Value l = op->getResult(0);
  if (isEmpty(l)) return success();
  Value inner = solveFromRight(e, l, solve(e, l, tangents[0], true, "none"), true, true);
  results[0] = product(e, l, phi(e, inner));
  return success();
}
LogicalResult pullCholesky(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value l = op->getResult(0);
  if (isEmpty(l)) return success();
  Value inner = phi(e, product(e, adjoint(e, l), bar(e, cotangents[0])));
  give(e, accounts, op->getOperand(0), solveFromRight(e, l, solve(e, l, inner, true, "adjoint"), true, false));
  return success();
}

// ---- triangular_solve: dx = op(a)^-1 (db - op(da) x) ----

/// What of a matrix the op reads.
Value readPart(Emitter& e, TriangularSolveOp op, Value v) {
  Value row = indexAlong(e, v, 2), column = indexAlong(e, v, 1);
  if (!op.getLower()) std::swap(row, column);
  return e.where(op.getUnitDiagonal() ? e.make<GtOp>(row, column) : e.make<GeOp>(row, column), v);
}
LogicalResult pushTriangularSolve(Emitter& e, Operation* any, llvm::ArrayRef<Value> tangents, Values& results) {
  auto op = llvm::cast<TriangularSolveOp>(any);
  Value right = tangents[1];
  if (Value t = tangents[0]) {
    t = readPart(e, op, t);
    if (op.getTranspose() == "transpose") t = flipped(e, t);
    if (op.getTranspose() == "adjoint") t = adjoint(e, t);
    Value moved = product(e, t, op.getResult());
    right = right ? e.sub(right, moved) : e.neg(moved);
  }
  results[0] = solve(e, op.getA(), right, op.getLower(), op.getTranspose(), op.getUnitDiagonal());
  return success();
}
LogicalResult pullTriangularSolve(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<TriangularSolveOp>(any);
  Value x = op.getResult(), ct = cotangents[0], a = op.getA();
  bool lower = op.getLower(), unit = op.getUnitDiagonal();
  llvm::StringRef mode = op.getTranspose();
  // As the tape pairs: the cotangent of b is op(a)^-T ct.
  Value b = mode == "none"        ? solve(e, a, ct, lower, "transpose", unit)
            : mode == "transpose" ? solve(e, a, ct, lower, "none", unit)
                                  : conj(e, solve(e, a, conj(e, ct), lower, "none", unit));
  accounts.add(e, op.getB(), b);
  if (!accounts.wants(a)) return success();
  // -b x^T pairs with op(da).
  Value outer = e.neg(product(e, b, flipped(e, x)));
  if (mode == "transpose") outer = flipped(e, outer);
  if (mode == "adjoint") outer = adjoint(e, outer);
  accounts.add(e, a, readPart(e, op, outer));
  return success();
}

// ---- lu: with F = L^-1 dA[p] U^-1, dL = L tril(F, -1) and dU = triu(F) U ----

struct LuParts {
  Value l, u, places;  // square, extended by the identity; places[i, j]: row i of the factors is row j of the matrix
};
LuParts luParts(Emitter& e, Value factors, Value permutation, Value like) {
  int64_t m = rowsOf(factors), n = columnsOf(factors), k = std::min(m, n);
  LuParts parts;
  Value l = extended(e, belowDiagonal(e, window(e, factors, 0, m, 0, k)), m);
  parts.l = e.select(onDiagonal(e, l), e.constant(l.getType(), 1), l);
  parts.u = extended(e, upperPart(e, window(e, factors, 0, k, 0, n)), n);
  Value from = alongColumns(e, permutation, m);
  Value hit = e.eq(from, indexAlong(e, from, 1));
  Type type = RankedTensorType::get(arrayType(from).getShape(), arrayType(like).getElementType());
  parts.places = e.select(hit, e.constant(type, 1), e.constant(type, 0));
  return parts;
}
LogicalResult pushLu(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  if (isEmpty(op->getResult(0))) return success();
  LuParts p = luParts(e, op->getResult(0), op->getResult(2), op->getOperand(0));
  Value f = solve(e, p.l, product(e, p.places, tangents[0]), true, "none", true);
  f = solveFromRight(e, p.u, f, false, false);
  results[0] = e.add(product(e, p.l, belowDiagonal(e, f)), product(e, upperPart(e, f), p.u));
  return success();
}
LogicalResult pullLu(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  if (isEmpty(op->getResult(0)) || !cotangents[0]) return success();
  LuParts p = luParts(e, op->getResult(0), op->getResult(2), op->getOperand(0));
  Value g = bar(e, cotangents[0]);
  // The strict lower triangle is L's, the rest U's.
  Value f = e.add(belowDiagonal(e, product(e, adjoint(e, p.l), belowDiagonal(e, g))), upperPart(e, product(e, upperPart(e, g), adjoint(e, p.u))));
  f = solve(e, p.l, f, true, "adjoint", true);
  f = solveFromRight(e, p.u, f, false, true);
  give(e, accounts, op->getOperand(0), product(e, flipped(e, p.places), f));
  return success();
}

// ---- qr, of the first min(m, n) columns: with W = dA R^-1, C = Q^H W and the skew O = tril(C, -1) - its adjoint + i Im diag(C),
// dQ = Q (O - C) + W and dR = (C - O) R; further columns of R are Q^H A ----

LogicalResult checkQr(Emitter& e, QrOp op) {
  if (op.getFull() && rowsOf(op.getOperand()) > columnsOf(op.getOperand()))
    return e.emitError("qr has no derivative in mode \"complete\" for more rows than columns, whose Q is not unique; take mode \"reduced\"");
  return success();
}
Value firstColumns(Emitter& e, Value v, int64_t k) { return columnsOf(v) == k ? v : window(e, v, 0, rowsOf(v), 0, k); }
Value laterColumns(Emitter& e, Value v, int64_t k) { return window(e, v, 0, rowsOf(v), k, columnsOf(v) - k); }
Value sideBySide(Emitter& e, Value a, Value b) {
  Values both{a, b};
  return e.make<ConcatenateOp>(both, static_cast<uint64_t>(rankOf(a) - 1));
}
LogicalResult pushQr(Emitter& e, Operation* any, llvm::ArrayRef<Value> tangents, Values& results) {
  auto op = llvm::cast<QrOp>(any);
  if (failed(checkQr(e, op))) return failure();
  if (isEmpty(op.getOperand())) return success();
  Value q = op.getQ(), a = op.getOperand(), t = tangents[0];
  int64_t k = std::min(rowsOf(a), columnsOf(a));
  bool wide = columnsOf(a) > k;
  Value r = firstColumns(e, op.getR(), k);
  Value w = solveFromRight(e, r, firstColumns(e, t, k), false, false), c = product(e, adjoint(e, q), w);
  Value below = belowDiagonal(e, c);
  Value skew = e.sub(below, adjoint(e, below));
  if (Value turn = imaginaryPart(e, c)) skew = e.add(skew, diagonalPart(e, turn));
  Value rest = e.sub(c, skew);
  results[0] = e.sub(w, product(e, q, rest));
  results[1] = product(e, rest, r);
  if (wide) {
    Value later = e.add(product(e, adjoint(e, results[0]), laterColumns(e, a, k)), product(e, adjoint(e, q), laterColumns(e, t, k)));
    results[1] = sideBySide(e, results[1], later);
  }
  return success();
}
LogicalResult pullQr(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<QrOp>(any);
  if (failed(checkQr(e, op))) return failure();
  if (isEmpty(op.getOperand())) return success();
  Value q = op.getQ(), a = op.getOperand(), gq = bar(e, cotangents[0]), gr = bar(e, cotangents[1]);
  int64_t k = std::min(rowsOf(a), columnsOf(a));
  bool wide = columnsOf(a) > k;
  Value r = firstColumns(e, op.getR(), k), later;
  if (wide) {
    Value g = gr ? laterColumns(e, gr, k) : e.constant(laterColumns(e, op.getR(), k).getType(), 0);
    later = product(e, q, g);
    gq = e.sum(gq, product(e, laterColumns(e, a, k), adjoint(e, g)));
    if (gr) gr = firstColumns(e, gr, k);
  }
  Value m;  // Q^H gq - gr R^H
  if (gq) m = product(e, adjoint(e, q), gq);
  if (gr) {
    Value second = product(e, gr, adjoint(e, r));
    m = m ? e.sub(m, second) : e.neg(second);
  }
  Value c = e.sub(belowDiagonal(e, e.sub(m, adjoint(e, m))), m);
  if (Value turn = imaginaryPart(e, m)) c = e.add(c, diagonalPart(e, turn));
  Value w = e.sum(product(e, q, c), gq);
  Value first = solveFromRight(e, r, w, false, true);
  give(e, accounts, a, wide ? sideBySide(e, first, later) : first);
  return success();
}

// ---- eigh: with P = V^H dA V, dw = Re diag(P) and dV = V (F o P), F[i, j] = 1 / (w[j] - w[i]); equal eigenvalues do not turn ----

Value eighFactor(Emitter& e, Value w, Value like) {
  int64_t n = columnsOf(like);
  return inDtypeOf(e, guardedInverse(e, e.sub(alongRows(e, w, n), alongColumns(e, w, n))), like);
}
LogicalResult pushEigh(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  Value w = op->getResult(0), v = op->getResult(1);
  if (isEmpty(v)) return success();
  Value p = product(e, adjoint(e, v), product(e, tangents[0], v));
  results[0] = realPart(e, diagonalOf(e, p));
  results[1] = product(e, v, e.mul(eighFactor(e, w, p), p));
  return success();
}
LogicalResult pullEigh(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value w = op->getResult(0), v = op->getResult(1), p;
  if (isEmpty(v)) return success();
  if (Value g = cotangents[1]) {
    p = product(e, adjoint(e, v), bar(e, g));
    p = e.mul(eighFactor(e, w, p), p);
  }
  if (Value g = cotangents[0]) p = e.sum(p, inDtypeOf(e, diagonalMatrix(e, g), v));
  give(e, accounts, op->getOperand(0), product(e, v, product(e, p, adjoint(e, v))));
  return success();
}

// ---- svd: with P = U^H dA V, ds = Re diag(P), dU = U (F o (P S + S P^H) + i Im diag(P) / S) + (1 - U U^H) dA V / S,
// dV = V (F o (S P + P^H S)) + (1 - V V^H) dA^H U / S, F[i, j] = 1 / (s[j]^2 - s[i]^2) ----

struct SvdParts {
  Value u, s, v, inverse;  // of the first min(m, n) singular values
  Value factor;
};
SvdParts svdParts(Emitter& e, Value u, Value s, Value vh) {
  int64_t k = columnsOf(s);
  SvdParts p{firstColumns(e, u, k), s, {}, guardedInverse(e, s), {}};
  p.v = adjoint(e, rowsOf(vh) == k ? vh : window(e, vh, 0, k, 0, columnsOf(vh)));
  Value across = alongRows(e, s, k), down = alongColumns(e, s, k);
  p.factor = inDtypeOf(e, guardedInverse(e, e.mul(e.sub(across, down), e.add(across, down))), u);
  return p;
}
/// x without what lies in the span of the columns of u.
Value outsideOf(Emitter& e, Value u, Value x) { return e.sub(x, product(e, u, product(e, adjoint(e, u), x))); }
Value withAdjoint(Emitter& e, Value v) { return e.add(v, adjoint(e, v)); }

LogicalResult checkSvd(Emitter& e, SvdOp op) {
  if (op.getFull() && rowsOf(op.getOperand()) != columnsOf(op.getOperand()))
    return e.emitError("svd has no derivative of vectors with full_matrices for matrices that are not square, whose vectors are not unique; set full_matrices = false");
  return success();
}
LogicalResult pushSvd(Emitter& e, Operation* any, llvm::ArrayRef<Value> tangents, Values& results) {
  auto op = llvm::cast<SvdOp>(any);
  if (failed(checkSvd(e, op))) return failure();
  Value a = op.getOperand(), t = tangents[0];
  if (isEmpty(a)) return success();
  SvdParts parts = svdParts(e, op.getU(), op.getS(), op.getVh());
  Value p = product(e, adjoint(e, parts.u), product(e, t, parts.v));
  results[1] = realPart(e, diagonalOf(e, p));
  Value left = e.mul(parts.factor, withAdjoint(e, timesDiagonal(e, p, parts.s)));
  if (Value turn = imaginaryPart(e, p)) left = e.add(left, timesDiagonal(e, diagonalPart(e, turn), parts.inverse));
  Value right = e.mul(parts.factor, withAdjoint(e, diagonalTimes(e, parts.s, p)));
  Value du = product(e, parts.u, left), dv = product(e, parts.v, right);
  if (rowsOf(a) > columnsOf(a)) du = e.add(du, timesDiagonal(e, outsideOf(e, parts.u, product(e, t, parts.v)), parts.inverse));
  if (rowsOf(a) < columnsOf(a)) dv = e.add(dv, timesDiagonal(e, outsideOf(e, parts.v, product(e, adjoint(e, t), parts.u)), parts.inverse));
  results[0] = du;
  results[2] = adjoint(e, dv);
  return success();
}
LogicalResult pullSvd(Emitter& e, Operation* any, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  auto op = llvm::cast<SvdOp>(any);
  Value a = op.getOperand(), gu = bar(e, cotangents[0]), gs = cotangents[1], gvh = bar(e, cotangents[2]);
  if (isEmpty(a)) return success();
  if ((gu || gvh) && failed(checkSvd(e, op))) return failure();
  SvdParts parts = svdParts(e, op.getU(), op.getS(), op.getVh());
  Value p, outside;
  if (gu) {
    Value x = product(e, adjoint(e, parts.u), gu);
    p = timesDiagonal(e, withAdjoint(e, e.mul(parts.factor, x)), parts.s);
    if (Value turn = imaginaryPart(e, x)) p = e.add(p, timesDiagonal(e, diagonalPart(e, turn), parts.inverse));
    if (rowsOf(a) > columnsOf(a)) outside = product(e, timesDiagonal(e, outsideOf(e, parts.u, gu), parts.inverse), adjoint(e, parts.v));
  }
  if (gvh) {
    Value gv = adjoint(e, gvh), y = product(e, adjoint(e, parts.v), gv);
    p = e.sum(p, diagonalTimes(e, parts.s, withAdjoint(e, e.mul(parts.factor, y))));
    if (rowsOf(a) < columnsOf(a)) outside = product(e, parts.u, adjoint(e, timesDiagonal(e, outsideOf(e, parts.v, gv), parts.inverse)));
  }
  if (gs) p = e.sum(p, inDtypeOf(e, diagonalMatrix(e, gs), a));
  give(e, accounts, a, e.sum(product(e, parts.u, product(e, p, adjoint(e, parts.v))), outside));
  return success();
}

/// Singular values alone: their derivative needs the vectors.
LogicalResult pushSvdvals(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  if (isEmpty(op->getOperand(0))) return success();
  auto whole = SvdOp::create(e, op->getOperand(0), false);
  Value v = adjoint(e, whole.getVh());
  results[0] = realPart(e, diagonalOf(e, product(e, adjoint(e, whole.getU()), product(e, tangents[0], v))));
  return success();
}
LogicalResult pullSvdvals(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  if (isEmpty(op->getOperand(0))) return success();
  auto whole = SvdOp::create(e, op->getOperand(0), false);
  give(e, accounts, op->getOperand(0), product(e, timesDiagonal(e, whole.getU(), cotangents[0]), whole.getVh()));
  return success();
}

// ---- eigvals: dw = diag(V^-1 dA V) ----

LogicalResult pushEigvals(Emitter& e, Operation* op, llvm::ArrayRef<Value> tangents, Values& results) {
  if (isEmpty(op->getOperand(0))) return success();
  Value v = EigOp::create(e, op->getOperand(0)).getVectors();
  auto lu = LuOp::create(e, v);
  LuParts parts = luParts(e, lu.getFactors(), lu.getPermutation(), v);
  Value right = product(e, parts.places, product(e, inDtypeOf(e, tangents[0], v), v));
  results[0] = diagonalOf(e, solve(e, parts.u, solve(e, parts.l, right, true, "none", true), false, "none"));
  return success();
}
LogicalResult pullEigvals(Emitter& e, Operation* op, llvm::ArrayRef<Value> cotangents, Accounts& accounts) {
  Value a = op->getOperand(0);
  if (isEmpty(a)) return success();
  Value v = EigOp::create(e, a).getVectors();
  auto lu = LuOp::create(e, v);
  LuParts parts = luParts(e, lu.getFactors(), lu.getPermutation(), v);
  // V^-H diag(g) V^H, of V[p] = L U.
  Value right = diagonalTimes(e, bar(e, cotangents[0]), adjoint(e, v));
  Value x = solve(e, parts.l, solve(e, parts.u, right, false, "adjoint"), true, "adjoint", true);
  x = product(e, flipped(e, parts.places), x);
  give(e, accounts, a, isComplex(a) ? x : realPart(e, x));
  return success();
}

LogicalResult noVectors(Emitter& e) { return e.emitError("eig has no derivative, since its vectors have none here; eigvals has one, and eigh has both"); }
LogicalResult pushEig(Emitter& e, Operation*, llvm::ArrayRef<Value>, Values&) { return noVectors(e); }
LogicalResult pullEig(Emitter& e, Operation*, llvm::ArrayRef<Value>, Accounts&) { return noVectors(e); }

}  // namespace

void addLinalgRules(Rules& rules) {
  addRule<CholeskyOp>(rules, pushCholesky, pullCholesky);
  addRule<TriangularSolveOp>(rules, pushTriangularSolve, pullTriangularSolve);
  addRule<LuOp>(rules, pushLu, pullLu);
  addRule<QrOp>(rules, pushQr, pullQr);
  addRule<EighOp>(rules, pushEigh, pullEigh);
  addRule<SvdOp>(rules, pushSvd, pullSvd);
  addRule<SvdvalsOp>(rules, pushSvdvals, pullSvdvals);
  addRule<EigOp>(rules, pushEig, pullEig);
  addRule<EigvalsOp>(rules, pushEigvals, pullEigvals);
}

}  // namespace skein::ir
