// Fourier transforms: calls of the runtime.
#include <cmath>

#include "compiler/codegen/program_emitter.h"
#include "dialects/skein/typing.h"
#include "llvm/ADT/StringSwitch.h"
#include "runtime/abi.h"

namespace skein::compiler {

using namespace mlir;
using ir::arrayType;

void ProgramEmitter::emitFft(ir::FftOp op) {
  auto operand = arrayType(op.getOperand());
  llvm::ArrayRef<int64_t> lengths = op.getLengths();
  auto kind = llvm::StringSwitch<int64_t>(op.getKind()).Case("fft", SKEIN_FFT).Case("ifft", SKEIN_IFFT).Case("rfft", SKEIN_RFFT).Default(SKEIN_IRFFT);
  int64_t batch = volume(operand.getShape().drop_back(lengths.size())), count = volume(lengths);
  Value from = densePointerOf(op.getOperand()), to = result(op.getResult());
  auto dtype = *ir::dtypeOf(ir::imageOf(operand.getElementType(), ir::Image::Real));
  Value descriptor = globalStruct("fft", {number(static_cast<int64_t>(dtype), 32), number(kind, 32), number(static_cast<int64_t>(lengths.size()), 32), number(batch),
                                          globalIntegers(lengths, 64)});
  const double elements = static_cast<double>(batch) * static_cast<double>(count);
  code.work += loopFactor * elements * (2 + std::log2(static_cast<double>(count)));
  code.parallel |= elements > 20000;
  code.mayFail = true;  // it takes memory
  call("skein_fft_run", {context, descriptor, from, to});
}

}  // namespace skein::compiler
