// Type rules of the linalg family.
#include "dialects/skein/typing.h"

namespace skein::ir {

using namespace mlir;

namespace {

/// What the operands of the family are: matrices, perhaps square, of a dtype that LAPACK has.
LogicalResult checkMatrices(MaybeLoc loc, llvm::StringRef op, RankedTensorType type, bool square) {
  Type element = type.getElementType();
  Type part = llvm::isa<ComplexType>(element) ? llvm::cast<ComplexType>(element).getElementType() : element;
  if (!part.isF32() && !part.isF64())
    return refuse(loc, "linalg.C1", op + " takes float32, float64, complex64 and complex128, not " + describe(type));
  if (type.getRank() < 2) return refuse(loc, "linalg.C2", op + " takes matrices, of two dimensions or more, not " + describe(type));
  if (square && type.getShape().back() != type.getShape().drop_back().back())
    return refuse(loc, "linalg.C3", op + " takes square matrices, not " + describe(type));
  return success();
}

/// Describes the results of an op: shapes behind the batch.
class Results {
 public:
  Results(RankedTensorType type, ValueRange operands, Types& results)
      : type_(type), axes_(joinVarying(operands.getTypes())), results_(results) {}
  int64_t m() const { return type_.getDimSize(type_.getRank() - 2); }
  int64_t n() const { return type_.getDimSize(type_.getRank() - 1); }
  int64_t k() const { return std::min(m(), n()); }
  Type same() const { return type_.getElementType(); }
  Type real() const { return imageOf(same(), Image::Real); }
  Type complex() const { return llvm::isa<ComplexType>(same()) ? same() : Type(ComplexType::get(same())); }
  Type index() const { return IntegerType::get(same().getContext(), 32); }
  void add(llvm::ArrayRef<int64_t> shape, Type element) {
    SmallVector<int64_t> whole(type_.getShape().drop_back(2));
    llvm::append_range(whole, shape);
    results_.push_back(makeType(whole, element, axes_));
  }

 private:
  RankedTensorType type_;
  Axes axes_;
  Types& results_;
};

}  // namespace

LogicalResult CholeskyOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "cholesky", type, true))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.n(), all.n()}, all.same());
  return success();
}

LogicalResult TriangularSolveOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto a = arrayType(adaptor.getA()), b = arrayType(adaptor.getB());
  if (failed(checkMatrices(loc, "triangular_solve", a, true)) || failed(checkMatrices(loc, "triangular_solve", b, false))) return failure();
  if (a.getElementType() != b.getElementType() || a.getShape().drop_back() != b.getShape().drop_back())
    return refuse(loc, "triangular_solve.C1", "triangular_solve: batch, rows and dtype of both operands agree; these do not: " + describeAll(adaptor.getOperands().getTypes()));
  llvm::StringRef transpose = adaptor.getTranspose();
  if (!llvm::is_contained({"none", "transpose", "adjoint"}, transpose))
    return refuse(loc, "triangular_solve.C2", "triangular_solve: transpose is none, transpose or adjoint, not " + transpose);
  Results all(b, adaptor.getOperands(), results);
  all.add({all.m(), all.n()}, all.same());
  return success();
}

LogicalResult LuOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "lu", type, false))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.m(), all.n()}, all.same());
  all.add({all.k()}, all.index());
  all.add({all.m()}, all.index());
  return success();
}

LogicalResult QrOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "qr", type, false))) return failure();
  Results all(type, adaptor.getOperands(), results);
  int64_t inner = adaptor.getFull() ? all.m() : all.k();
  all.add({all.m(), inner}, all.same());
  all.add({inner, all.n()}, all.same());
  return success();
}

LogicalResult EighOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "eigh", type, true))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.n()}, all.real());
  all.add({all.n(), all.n()}, all.same());
  return success();
}

LogicalResult SvdOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "svd", type, false))) return failure();
  Results all(type, adaptor.getOperands(), results);
  bool full = adaptor.getFull();
  all.add({all.m(), full ? all.m() : all.k()}, all.same());
  all.add({all.k()}, all.real());
  all.add({full ? all.n() : all.k(), all.n()}, all.same());
  return success();
}

LogicalResult SvdvalsOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "svdvals", type, false))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.k()}, all.real());
  return success();
}

LogicalResult EigOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "eig", type, true))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.n()}, all.complex());
  all.add({all.n(), all.n()}, all.complex());
  return success();
}

LogicalResult EigvalsOp::inferReturnTypes(MLIRContext*, MaybeLoc loc, Adaptor adaptor, Types& results) {
  auto type = arrayType(adaptor.getOperand());
  if (failed(checkMatrices(loc, "eigvals", type, true))) return failure();
  Results all(type, adaptor.getOperands(), results);
  all.add({all.n()}, all.complex());
  return success();
}

}  // namespace skein::ir
