// Factorisations of matrices: calls of the runtime.
#include "compiler/codegen/program_emitter.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/StringSwitch.h"
#include "runtime/abi.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

static int64_t routineOf(Operation* op) {
  return llvm::StringSwitch<int64_t>(ir::plainName(op->getName().getStringRef()))
      .Case("cholesky", SKEIN_CHOLESKY)
      .Case("triangular_solve", SKEIN_TRIANGULAR_SOLVE)
      .Case("lu", SKEIN_LU)
      .Case("qr", SKEIN_QR)
      .Case("eigh", SKEIN_EIGH)
      .Case("svd", SKEIN_SVD)
      .Case("svdvals", SKEIN_SVDVALS)
      .Case("eig", SKEIN_EIG)
      .Default(SKEIN_EIGVALS);
}

static int64_t flagOf(Operation* op, llvm::StringRef name) {
  auto flag = op->getAttrOfType<BoolAttr>(name);
  return flag && flag.getValue() ? 1 : 0;
}

void ProgramEmitter::emitLinalg(Operation* op) {
  llvm::SmallVector<Value> inputs, outputs;
  for (Value operand : op->getOperands()) inputs.push_back(densePointerOf(operand));
  for (Value value : op->getResults()) outputs.push_back(result(value));
  auto type = arrayType(op->getOperand(0));
  int64_t rank = type.getRank(), m = type.getDimSize(rank - 2), n = type.getDimSize(rank - 1), batch = 1, columns = 0;
  for (int64_t size : type.getShape().drop_back(2)) batch *= size;
  if (op->getNumOperands() > 1) columns = arrayType(op->getOperand(1)).getShape().back();
  int64_t transpose = 0;
  if (auto solve = llvm::dyn_cast<ir::TriangularSolveOp>(op)) transpose = solve.getTranspose() == "none" ? 0 : solve.getTranspose() == "transpose" ? 1 : 2;
  int64_t dtype = static_cast<int64_t>(*ir::dtypeOf(type.getElementType()));
  Value descriptor = globalStruct("linalg", {number(dtype, 32), number(routineOf(op), 32), number(flagOf(op, "lower"), 32), number(transpose, 32), number(flagOf(op, "unit_diagonal"), 32),
                                             number(flagOf(op, "full"), 32), number(batch), number(m), number(n), number(columns)});
  double each = static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(columns ? columns : std::min(m, n));
  code.work += loopFactor * static_cast<double>(batch) * (each + 1000);
  code.parallel |= batch > 1;
  code.mayFail = true;  // a library without LAPACK
  call("skein_linalg_run", {context, descriptor, pointerArray(inputs), pointerArray(outputs)});
}

}  // namespace skein::compiler
