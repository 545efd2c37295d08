// The dialect, its type encoding and the classes that its op families share.
#ifndef SKEIN_DIALECT_TD
#define SKEIN_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/AttrTypeBase.td"
include "mlir/IR/BuiltinAttributes.td"
include "mlir/Interfaces/InferTypeOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def Skein_Dialect : Dialect {
  let name = "skein";
  let cppNamespace = "::skein::ir";
  let summary = "Arrays of one device of a mesh: fused by the compiler, the same program on every device.";
  let useDefaultAttributePrinterParser = 1;
  // Ops are built by name with an attribute dictionary, by the front end and by importers.
  let usePropertiesForAttributes = 0;
  let hasConstantMaterializer = 1;
}

// What a builtin ranked tensor cannot say. A tensor without it is static and the same on every device.
def Skein_EncodingAttr : AttrDef<Skein_Dialect, "Encoding"> {
  let mnemonic = "array";
  let summary = "Mesh axes over which a value varies (sorted), capacity and symbol of each dynamic dimension in order.";
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$varying, ArrayRefParameter<"int64_t">:$capacities,
                        ArrayRefParameter<"::mlir::StringAttr">:$symbols);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

// Named axes and their sizes: a mesh, or the part of one that a collective runs over, in the order named.
def Skein_AxesAttr : AttrDef<Skein_Dialect, "Axes"> {
  let mnemonic = "axes";
  let parameters = (ins ArrayRefParameter<"::mlir::StringAttr">:$names, ArrayRefParameter<"int64_t">:$sizes);
  let hasCustomAssemblyFormat = 1;
  let genVerifyDecl = 1;
}

// How a global array is split: for each dimension the mesh axes that split it, row-major (JAX's PartitionSpec).
def Skein_SpecAttr : AttrDef<Skein_Dialect, "Spec"> {
  let mnemonic = "spec";
  let parameters = (ins "::mlir::ArrayAttr":$dims);  // of arrays of axis names
  let assemblyFormat = "`<` $dims `>`";
}

def ElementwiseTrait : NativeOpTrait<"Elementwise"> { let cppNamespace = "::skein::ir::OpTrait"; }
def CollectiveTrait : NativeOpTrait<"Collective"> { let cppNamespace = "::skein::ir::OpTrait"; }

class Skein_Op<string mnemonic, list<Trait> traits = []> : Op<Skein_Dialect, mnemonic, traits>;

// An op whose result types follow from its operands and attributes: the one typing rule of the dialect.
class Skein_TypedOp<string mnemonic, list<Trait> traits = []>
    : Skein_Op<mnemonic, !listconcat(traits, [InferTypeOpAdaptorWithIsCompatible])> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  code compatible = [{
    bool $cppClass::isCompatibleReturnTypes(::mlir::TypeRange l, ::mlir::TypeRange r) { return l == r; }
  }];
  let extraClassDefinition = compatible;
}

def Skein_Tensor : Type<CPred<"::llvm::isa<::mlir::RankedTensorType>($_self)">, "ranked tensor", "::mlir::RankedTensorType">;

#endif
