// Fourier transforms and factorisations, also as the calls of LAPACK that JAX writes for CPUs.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

Values fftOp(Importer& in, Operation& op) {
  std::string kind = llvm::StringRef(Importer::wordOf(in.attribute("fft_type"))).lower();
  return {in.emit("fft", {in.operand(0)}, {in.named("kind", Attribute(in.b.getStringAttr(kind))), in.named("lengths", in.integers("fft_length"))})};
}

/// Exchanges the last two dimensions.
Value turned(Importer& in, Value v) {
  int64_t rank = arrayType(v).getRank();
  if (rank < 2) in.refuse("takes matrices");
  Dims order = inOrder(rank);
  std::swap(order[rank - 2], order[rank - 1]);
  return in.transpose(v, order);
}
Value conjugate(Importer& in, Value v) { return llvm::isa<ComplexType>(arrayType(v).getElementType()) ? in.emit("conj", {v}) : v; }

/// The factor with zeros in its other triangle: L of a = L L^H, or U of a = U^H U, of which that triangle is read.
Value choleskyOf(Importer& in, Value v, bool lower) {
  if (lower) return in.emit("cholesky", {v});
  return conjugate(in, turned(in, in.emit("cholesky", {conjugate(in, turned(in, v))})));
}

/// x of op(a) x = b, or of x op(a) = b where a stands on the right; `kind`: none, transpose or adjoint.
Value triangularSolve(Importer& in, Value a, Value b, bool left, bool lower, llvm::StringRef kind, bool unitDiagonal) {
  if (!left) {  // op(a)^T x^T = b^T
    if (kind == "adjoint") a = conjugate(in, a);
    kind = kind == "none" ? "transpose" : "none";
    b = turned(in, b);
  }
  Value x = in.emit("triangular_solve", {a, b},
                    {in.named("lower", Attribute(in.b.getBoolAttr(lower))), in.named("transpose", Attribute(in.b.getStringAttr(kind))),
                     in.named("unit_diagonal", Attribute(in.b.getBoolAttr(unitDiagonal)))});
  return left ? x : turned(in, x);
}

Values choleskyOp(Importer& in, Operation&) { return {choleskyOf(in, in.operand(0), in.flag("lower"))}; }

Values triangularSolveOp(Importer& in, Operation&) {
  std::string word = Importer::wordOf(in.attribute("transpose_a"));
  llvm::StringRef kind = word == "TRANSPOSE" ? "transpose" : word == "ADJOINT" ? "adjoint" : "none";
  return {triangularSolve(in, in.operand(0), in.operand(1), in.flag("left_side"), in.flag("lower"), kind, in.flag("unit_diagonal"))};
}

/// A letter among the options of a call of LAPACK: 'L' of uplo = 76.
char letter(Importer& in, llvm::StringRef name) {
  auto options = llvm::dyn_cast_or_null<DictionaryAttr>(in.attribute("mhlo.backend_config"));
  auto value = options ? options.getAs<IntegerAttr>(name) : IntegerAttr();
  if (!value) in.refuse("its backend_config has no " + name);
  return static_cast<char>(value.getValue().getZExtValue());
}

}  // namespace

bool isLapackCall(llvm::StringRef name) {
  if (!name.consume_front("lapack_") || !name.consume_back("_ffi") || name.empty() || !llvm::StringRef("sdcz").contains(name.front())) return false;
  name = name.drop_front();
  return name == "potrf" || name == "trsm" || name == "getrf" || name == "syevd" || name == "heevd";
}

Values lapackCall(Importer& in, Operation& op, llvm::StringRef name) {
  llvm::StringRef routine = name.drop_front(8).drop_back(4);  // potrf of lapack_spotrf_ffi
  Value a = in.operand(0);
  unsigned results = routine == "trsm" ? 1 : routine == "potrf" ? 2 : 3;
  if (op.getNumResults() != results) in.refuse("has " + llvm::Twine(results) + " results");
  // What failed is NaN in our results; LAPACK's own word for it is 0.
  auto info = [&] {
    auto type = in.declared(op.getResult(results - 1));
    return in.splat(type.getShape(), type.getElementType(), 0);
  };
  if (routine == "potrf") return {choleskyOf(in, a, letter(in, "uplo") == 'L'), info()};
  if (routine == "trsm") {
    char trans = letter(in, "trans_x");
    llvm::StringRef kind = trans == 'T' ? "transpose" : trans == 'C' ? "adjoint" : "none";
    return {triangularSolve(in, a, in.operand(1), letter(in, "side") == 'L', letter(in, "uplo") == 'L', kind, letter(in, "diag") == 'U')};
  }
  if (routine == "getrf") {
    Values lu = in.emitAll("lu", {a});
    auto type = arrayType(lu[1]);
    return {lu[0], in.emit("add", {lu[1], in.splat(type.getShape(), type.getElementType(), 1)}), info()};  // rows from 1
  }
  Values found = in.emitAll("eigh", {a}, {in.named("lower", Attribute(in.b.getBoolAttr(letter(in, "uplo") == 'L')))});
  return {found[1], found[0], info()};
}

void addLinalg(Handlers& all) {
  all["stablehlo.fft"] = fftOp;
  all["stablehlo.cholesky"] = choleskyOp;
  all["stablehlo.triangular_solve"] = triangularSolveOp;
}

}  // namespace skein::compiler::stablehlo
