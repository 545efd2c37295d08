#pragma once
// The Skein dialect: its ops and attributes.

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace skein::ir::OpTrait {
/// Each element of the results depends on the same element of the operands alone.
template <class Op> class Elementwise : public mlir::OpTrait::TraitBase<Op, Elementwise> {};
/// Devices of a mesh do it together.
template <class Op> class Collective : public mlir::OpTrait::TraitBase<Op, Collective> {};
}  // namespace skein::ir::OpTrait

#include "dialects/skein/dialect.h.inc"
#define GET_ATTRDEF_CLASSES
#include "dialects/skein/attributes.h.inc"
#define GET_OP_CLASSES
#include "dialects/skein/ops.h.inc"
