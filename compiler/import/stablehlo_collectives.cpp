// Meshes, jax.shard_map (sdy.manual_computation) and collectives in it. All values of a body vary over all axes of its mesh.
#include "compiler/import/stablehlo_importer.h"

namespace skein::compiler::stablehlo {

namespace {

/// Words in quotes in the order in which they stand.
llvm::SmallVector<std::string> quoted(llvm::StringRef text) {
  llvm::SmallVector<std::string> words;
  while (true) {
    text = text.drop_front(std::min(text.find('"'), text.size()));
    if (!text.consume_front("\"")) return words;
    words.push_back(text.take_until([](char c) { return c == '"'; }).str());
    text = text.drop_front(std::min(words.back().size() + 1, text.size()));
  }
}

std::string textOf(Attribute attribute) {
  std::string text;
  if (attribute) llvm::raw_string_ostream(text) << attribute;
  return text;
}

/// mesh<["x"=2, "y"=4]>, without a list of devices.
ir::AxesAttr meshOf(Importer& in, llvm::StringRef text) {
  llvm::SmallVector<StringAttr> names;
  Dims sizes;
  if (text.contains("device_ids")) in.refuse("a mesh with devices in an order of its own is not supported");
  while (true) {
    text = text.drop_front(std::min(text.find('"'), text.size()));
    if (!text.consume_front("\"")) break;
    auto [name, rest] = text.split('"');
    int64_t size;
    rest = rest.ltrim();
    if (!rest.consume_front("=") || (rest = rest.ltrim(), rest.consumeInteger(10, size)) || size < 1) in.refuse("a mesh is a list of \"name\"=size");
    names.push_back(in.b.getStringAttr(name));
    sizes.push_back(size);
    text = rest;
  }
  return ir::AxesAttr::get(in.b.getContext(), names, sizes);
}

/// Specs of <@mesh, [{"x"}, {"y", "z"}, {}]>, ...; and the mesh's name.
llvm::SmallVector<Attribute> specsOf(Importer& in, llvm::StringRef text, std::string& mesh) {
  llvm::SmallVector<Attribute> specs;
  for (size_t at = text.find("<@"); at != llvm::StringRef::npos; at = text.find("<@")) {
    text = text.drop_front(at + 2);
    std::string name = text.take_while([](char c) { return c != ',' && c != '>'; }).trim().str();
    if (!mesh.empty() && mesh != name) in.refuse("several meshes in one computation are not supported");
    mesh = name;
    llvm::StringRef list = text.drop_front(std::min(text.find('['), text.size())), inner = list.take_until([](char c) { return c == ']'; });
    if (inner.contains(":(") || text.take_until([](char c) { return c == '>'; }).contains("unreduced")) in.refuse("parts of axes and unreduced shardings are not supported");
    llvm::SmallVector<Attribute> dims;
    while (true) {
      inner = inner.drop_front(std::min(inner.find('{'), inner.size()));
      if (!inner.consume_front("{")) break;
      llvm::SmallVector<Attribute> axes;
      for (const std::string& axis : quoted(inner.take_until([](char c) { return c == '}'; }))) axes.push_back(in.b.getStringAttr(axis));
      dims.push_back(in.b.getArrayAttr(axes));
    }
    specs.push_back(ir::SpecAttr::get(in.b.getContext(), in.b.getArrayAttr(dims)));
  }
  return specs;
}

Values manualComputation(Importer& in, Operation& op) {
  if (in.varyOver) in.refuse("inside another one, or inside shard_map, is not supported");
  if (op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock()) in.refuse("has one region");
  std::string name;
  auto inSpecs = specsOf(in, textOf(in.attribute("in_shardings")), name), outSpecs = specsOf(in, textOf(in.attribute("out_shardings")), name);
  Block& block = op.getRegion(0).front();
  if (inSpecs.size() != op.getNumOperands() || outSpecs.size() != op.getNumResults() || block.getNumArguments() != op.getNumOperands()) in.refuse("has a sharding for each operand and result");
  // The mesh is an op of the module.
  auto module = op.getParentOfType<ModuleOp>();
  Operation* declared = module ? SymbolTable::lookupSymbolIn(module, name) : nullptr;
  if (!declared)
    for (Operation& other : *module.getBody())
      if (auto symbol = llvm::dyn_cast_or_null<StringAttr>(other.getAttr("sym_name")); symbol && symbol.getValue() == name) declared = &other;
  if (!declared || declared->getName().getStringRef() != "sdy.mesh") in.refuse("its mesh @" + name + " is not in the file");
  ir::AxesAttr mesh = meshOf(in, textOf(declared->getAttr("mesh")));
  auto manual = quoted(textOf(in.attribute("manual_axes")));
  for (StringAttr axis : mesh.getNames())
    if (!llvm::is_contained(manual, axis.getValue().str())) in.refuse("axis " + axis.getValue() + " of its mesh is not manual, which is not supported; name all axes in jax.shard_map");

  llvm::SmallVector<Type> types, results;
  for (Value argument : block.getArguments()) {
    auto type = in.declared(argument);
    types.push_back(ir::makeType(type.getShape(), type.getElementType(), mesh.getNames()));
  }
  for (Value result : op.getResults()) results.push_back(in.declared(result));
  // A block's type varies over the axes that split it; inside it is made varying over all.
  auto blockType = [&](unsigned i) {
    ir::Axes axes;
    for (Attribute dim : llvm::cast<ir::SpecAttr>(inSpecs[i]).getDims())
      for (Attribute axis : llvm::cast<mlir::ArrayAttr>(dim)) axes.push_back(llvm::cast<StringAttr>(axis));
    auto type = in.declared(block.getArgument(i));
    return ir::makeType(type.getShape(), type.getElementType(), axes);
  };
  llvm::SmallVector<Type> taken;
  for (unsigned i = 0; i < types.size(); ++i) taken.push_back(blockType(i));
  auto body = [&](ValueRange arguments) {
    in.varyOver = mesh;
    Values whole;
    for (Value v : arguments) {
      llvm::SmallVector<StringAttr> names;
      Dims sizes;
      for (auto [axis, size] : llvm::zip(mesh.getNames(), mesh.getSizes()))
        if (!llvm::is_contained(ir::varying(v.getType()), axis)) names.push_back(axis), sizes.push_back(size);
      whole.push_back(names.empty() ? v : in.emit("pvary", {v}, {in.named("axes", Attribute(ir::AxesAttr::get(in.b.getContext(), names, sizes)))}));
    }
    Values made = in.inlineBlock(block, whole);
    in.varyOver = {};
    return made;
  };
  Values operands = in.values(op.getOperands());
  return in.control("shard_map", operands,
                    {in.named("mesh", Attribute(mesh)), in.named("in_specs", Attribute(in.b.getArrayAttr(inSpecs))),
                     in.named("out_specs", Attribute(in.b.getArrayAttr(outSpecs))), in.named("check_vma", Attribute(in.b.getBoolAttr(false)))},
                    results, {RegionFill{taken, body}});
}

void needMesh(Importer& in) {
  if (!in.varyOver) in.refuse("stands outside of jax.shard_map, where there is no mesh; programs for several devices are exported with shard_map");
}

Values partitionId(Importer& in, Operation& op) {
  needMesh(in);
  Value rank = in.emit("axis_index", {}, {in.named("axes", Attribute(in.varyOver))});
  return {in.convert(rank, in.declared(op.getResult(0)).getElementType())};
}

Values replicaId(Importer& in, Operation& op) {
  needMesh(in);
  return {in.splat({}, in.declared(op.getResult(0)).getElementType(), 0)};
}

struct Group {
  ir::AxesAttr axes;
  mlir::ArrayAttr groups;  // null where they are all devices along the axes
};

/// The axes that groups of device numbers run over; groups of all devices where they are no axes'.
Group groupOf(Importer& in, Operation& op) {
  needMesh(in);
  auto [ids, shape] = in.table("replica_groups");
  ir::AxesAttr mesh = in.varyOver;
  size_t rank = mesh.getNames().size();
  Dims strides = rowMajor(mesh.getSizes());
  int64_t devices = volumeOf(mesh.getSizes());
  if (volumeOf(shape) != devices || rank > 8) in.refuse("its groups name every device of the mesh once");
  llvm::SmallVector<Dims> wanted;
  for (int64_t g = 0; g < shape[0]; ++g) wanted.emplace_back(ids.begin() + g * shape[1], ids.begin() + (g + 1) * shape[1]);
  llvm::sort(wanted, [](const Dims& x, const Dims& y) { return x[0] < y[0]; });
  for (unsigned mask = 1; mask < (1u << rank); ++mask) {
    llvm::SmallVector<Dims> made;
    std::map<int64_t, size_t> place;  // of the group, by the device's number with 0 along the axes
    for (int64_t device = 0; device < devices; ++device) {
      int64_t key = device;
      for (size_t a = 0; a < rank; ++a)
        if (mask >> a & 1) key -= device / strides[a] % mesh.getSizes()[a] * strides[a];
      auto [entry, fresh] = place.try_emplace(key, made.size());
      if (fresh) made.emplace_back();
      made[entry->second].push_back(device);
    }
    if (made != wanted) continue;
    llvm::SmallVector<StringAttr> names;
    Dims sizes;
    for (size_t a = 0; a < rank; ++a)
      if (mask >> a & 1) names.push_back(mesh.getNames()[a]), sizes.push_back(mesh.getSizes()[a]);
    return {ir::AxesAttr::get(in.b.getContext(), names, sizes), {}};
  }
  llvm::SmallVector<Attribute> groups;
  for (const Dims& group : wanted) groups.push_back(in.b.getDenseI64ArrayAttr(group));
  return {mesh, in.b.getArrayAttr(groups)};
}

llvm::SmallVector<NamedAttribute> attributesOf(Importer& in, const Group& group) {
  llvm::SmallVector<NamedAttribute> all{in.named("axes", Attribute(group.axes))};
  if (group.groups) all.push_back(in.named("groups", Attribute(group.groups)));
  return all;
}

std::string reduction(Importer& in, Operation& op) {
  if (op.getNumRegions() != 1 || !op.getRegion(0).hasOneBlock()) in.refuse("has one region");
  return kindOf(op.getRegion(0).front());
}

Values allReduce(Importer& in, Operation& op) {
  std::string kind = reduction(in, op);
  const char* name = kind == "add" ? "psum" : kind == "max" || kind == "or" ? "pmax" : kind == "min" || kind == "and" ? "pmin" : nullptr;
  if (!name) in.refuse("of other regions than add, maximum and minimum is not supported");
  for (Value v : op.getOperands())
    if ((kind == "or" || kind == "and") && !in.declared(v).getElementType().isInteger(1)) in.refuse("of bits is not supported, of bools it is");
  return in.emitAll(name, in.values(op.getOperands()), attributesOf(in, groupOf(in, op)));
}

Values allGather(Importer& in, Operation& op) {
  auto all = attributesOf(in, groupOf(in, op));
  all.push_back(in.number("dim", in.integer("all_gather_dim")));
  all.push_back(in.named("tiled", Attribute(in.b.getBoolAttr(true))));
  all.push_back(in.named("invariant", Attribute(in.b.getBoolAttr(false))));
  return in.emitAll("all_gather", in.values(op.getOperands()), all);
}

Values reduceScatter(Importer& in, Operation& op) {
  if (reduction(in, op) != "add") in.refuse("of other regions than add is not supported");
  auto all = attributesOf(in, groupOf(in, op));
  all.push_back(in.number("dim", in.integer("scatter_dimension")));
  all.push_back(in.named("tiled", Attribute(in.b.getBoolAttr(true))));
  return in.emitAll("psum_scatter", in.values(op.getOperands()), all);
}

Values allToAll(Importer& in, Operation& op) {
  auto all = attributesOf(in, groupOf(in, op));
  all.push_back(in.number("split_dim", in.integer("split_dimension")));
  all.push_back(in.number("concat_dim", in.integer("concat_dimension")));
  all.push_back(in.named("tiled", Attribute(in.b.getBoolAttr(true))));
  return in.emitAll("all_to_all", in.values(op.getOperands()), all);
}

Values collectivePermute(Importer& in, Operation& op) {
  needMesh(in);
  auto [pairs, shape] = in.table("source_target_pairs");
  return in.emitAll("ppermute", in.values(op.getOperands()), {in.named("axes", Attribute(in.varyOver)), in.named("pairs", pairs)});
}

}  // namespace

void addCollectives(Handlers& all) {
  all["sdy.manual_computation"] = manualComputation;
  all["stablehlo.partition_id"] = partitionId;
  all["stablehlo.replica_id"] = replicaId;
  all["stablehlo.all_reduce"] = allReduce;
  all["stablehlo.all_gather"] = allGather;
  all["stablehlo.reduce_scatter"] = reduceScatter;
  all["stablehlo.all_to_all"] = allToAll;
  all["stablehlo.collective_permute"] = collectivePermute;
}

}  // namespace skein::compiler::stablehlo
