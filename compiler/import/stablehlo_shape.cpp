// Ops that move elements, constants, contractions, and what means nothing here but its operand.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

Values constantOp(Importer& in, Operation& op) {
  Attribute value = in.attribute("value");
  if (!llvm::isa_and_nonnull<DenseElementsAttr>(value)) in.refuse("its value is no dense<...>; resources and other forms are not supported");
  auto elements = llvm::cast<DenseElementsAttr>(value);
  in.declared(elements.getType());
  return {in.constant(elements)};
}

Values iotaOp(Importer& in, Operation& op) {
  auto type = in.declared(op.getResult(0));
  return {in.iota(type.getShape(), type.getElementType(), in.integer("iota_dimension"))};
}

Values broadcastInDim(Importer& in, Operation& op) {
  auto shape = in.declared(op.getResult(0)).getShape();
  Dims dims = in.integers("broadcast_dimensions");
  Value v = in.operand(0);
  if (static_cast<int64_t>(dims.size()) != arrayType(v).getRank()) in.refuse("broadcast_dimensions has one entry for each dimension of the operand");
  // Skein's broadcast keeps the order of dimensions.
  Dims order = inOrder(arrayType(v).getRank());
  llvm::sort(order, [&](int64_t x, int64_t y) { return dims[x] < dims[y]; });
  llvm::sort(dims);
  return {in.broadcast(in.transpose(v, order), shape, dims)};
}

Values reshapeOp(Importer& in, Operation& op) { return {in.reshape(in.operand(0), in.declared(op.getResult(0)).getShape())}; }
Values transposeOp(Importer& in, Operation& op) { return {in.emit("transpose", {in.operand(0)}, {in.named("permutation", in.integers("permutation"))})}; }
Values reverseOp(Importer& in, Operation& op) { return {in.emit("reverse", {in.operand(0)}, {in.named("dims", in.integers("dimensions"))})}; }

Values sliceOp(Importer& in, Operation& op) {
  return {in.slice(in.operand(0), in.integers("start_indices"), in.integers("limit_indices"), in.integers("strides"))};
}

Values concatenateOp(Importer& in, Operation& op) { return {in.emit("concatenate", in.values(op.getOperands()), {in.number("dim", in.integer("dimension"))})}; }

void needOperands(Importer& in, Operation& op, unsigned least) {
  if (op.getNumOperands() < least) in.refuse("takes at least " + llvm::Twine(least) + " operands");
}

Values padOp(Importer& in, Operation& op) {
  needOperands(in, op, 2);
  return {in.emit("pad", in.values(op.getOperands()),
                  {in.named("low", in.integers("edge_padding_low")), in.named("high", in.integers("edge_padding_high")),
                   in.named("interior", in.integers("interior_padding"))})};
}

Values dynamicSlice(Importer& in, Operation& op) {
  needOperands(in, op, 1);
  return {in.emit("dynamic_slice", in.values(op.getOperands()), {in.named("sizes", in.integers("slice_sizes"))})};
}
Values dynamicUpdateSlice(Importer& in, Operation& op) {
  needOperands(in, op, 2);
  return {in.emit("dynamic_update_slice", in.values(op.getOperands()))};
}

Values dotGeneral(Importer& in, Operation& op) {
  std::string text = in.opaque("dot_dimension_numbers");
  Type element = in.declared(op.getResult(0)).getElementType();
  // The result's dtype is the one that products and sums are computed in.
  Value lhs = in.convert(in.operand(0), element), rhs = in.convert(in.operand(1), element);
  return {in.emit("dot_general", {lhs, rhs},
                  {in.named("lhs_batch", in.listIn(text, "lhs_batching_dimensions")), in.named("rhs_batch", in.listIn(text, "rhs_batching_dimensions")),
                   in.named("lhs_contract", in.listIn(text, "lhs_contracting_dimensions")),
                   in.named("rhs_contract", in.listIn(text, "rhs_contracting_dimensions"))})};
}

/// The older product of vectors and matrices.
Values dot(Importer& in, Operation& op) {
  Type element = in.declared(op.getResult(0)).getElementType();
  Value lhs = in.convert(in.operand(0), element), rhs = in.convert(in.operand(1), element);
  if (arrayType(lhs).getRank() == 0) in.refuse("takes vectors and matrices");
  Dims none, last{arrayType(lhs).getRank() - 1}, first{0};
  return {in.emit("dot_general", {lhs, rhs},
                  {in.named("lhs_batch", none), in.named("rhs_batch", none), in.named("lhs_contract", last), in.named("rhs_contract", first)})};
}

Values getDimensionSize(Importer& in, Operation& op) {
  auto shape = arrayType(in.operand(0)).getShape();
  int64_t dim = in.integer("dimension");
  if (dim < 0 || dim >= static_cast<int64_t>(shape.size())) in.refuse("there is no dimension " + llvm::Twine(dim));
  return {in.splat({}, in.b.getI32Type(), shape[dim])};
}

Values constantLike(Importer& in, Operation& op) {
  auto type = in.declared(op.getResult(0));
  auto value = llvm::dyn_cast_or_null<TypedAttr>(in.attribute("value"));
  if (!value || value.getType() != type.getElementType()) in.refuse("its value has not the operand's dtype");
  auto scalar = ir::makeType({}, type.getElementType(), {});
  Attribute element = value;
  return {in.broadcast(in.constant(DenseElementsAttr::get(scalar, llvm::ArrayRef<Attribute>(element))), type.getShape(), {})};
}

Values sameAsOperands(Importer& in, Operation& op) { return in.values(op.getOperands(), true); }

Values tuple(Importer& in, Operation& op) {
  in.tuples[op.getResult(0)] = in.values(op.getOperands(), true);
  return {Value()};
}

Values getTupleElement(Importer& in, Operation& op) {
  auto found = op.getNumOperands() == 1 ? in.tuples.find(op.getOperand(0)) : in.tuples.end();
  int64_t index = in.integer("index");
  if (found == in.tuples.end() || index < 0 || index >= static_cast<int64_t>(found->second.size())) in.refuse("takes an element of a tuple that stands in the same function");
  return {found->second[index]};
}

Values token(Importer& in, Operation& op) { return {Value()}; }

}  // namespace

void addShape(Handlers& all) {
  all["stablehlo.constant"] = constantOp;
  all["stablehlo.iota"] = iotaOp;
  all["stablehlo.broadcast_in_dim"] = broadcastInDim;
  all["stablehlo.reshape"] = reshapeOp;
  all["stablehlo.transpose"] = transposeOp;
  all["stablehlo.reverse"] = reverseOp;
  all["stablehlo.slice"] = sliceOp;
  all["stablehlo.concatenate"] = concatenateOp;
  all["stablehlo.pad"] = padOp;
  all["stablehlo.dynamic_slice"] = dynamicSlice;
  all["stablehlo.dynamic_update_slice"] = dynamicUpdateSlice;
  all["stablehlo.dot_general"] = dotGeneral;
  all["stablehlo.dot"] = dot;
  all["stablehlo.get_dimension_size"] = getDimensionSize;
  all["chlo.constant_like"] = constantLike;
  all["stablehlo.optimization_barrier"] = sameAsOperands;
  all["sdy.sharding_constraint"] = sameAsOperands;
  all["stablehlo.tuple"] = tuple;
  all["stablehlo.get_tuple_element"] = getTupleElement;
  all["stablehlo.create_token"] = token;
  all["stablehlo.after_all"] = token;
}

}  // namespace skein::compiler::stablehlo
