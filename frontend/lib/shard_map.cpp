// shard_map: specs checked, blocks and results typed, the body between them.
#include <skein/runtime.h>
#include <skein/shard_map.h>

#include <algorithm>

#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "frontend/trace/region.h"
#include "frontend/trace/split.h"
#include "runtime/mpi/world.h"

#include <skein/ops.h>

namespace skein {

using namespace detail;

namespace {

std::vector<Mesh>& given_meshes() {
  thread_local std::vector<Mesh> meshes;
  return meshes;
}

}  // namespace

void detail::check_devices(const Mesh& mesh) {
  auto have = static_cast<std::int64_t>(devices().size());
  const runtime::mpi::World* world = runtime::mpi::world();
  for (int id : mesh.ids())
    if (id < 0 || id >= have)
      fail(to_string(mesh) + " needs " + std::to_string(mesh.size()) + " devices, " +
           (world ? "the " + std::to_string(world->size()) + " processes have " : std::string("this process has ")) +
           std::to_string(have) + "; ask for more with sk::initialize({.cpu_devices = " + std::to_string(mesh.size()) +
           "}) or SKEIN_CPU_DEVICES before anything else");
  if (!world) return;
  for (std::size_t rank = 0; rank < mesh.ids().size(); ++rank)
    if (mesh.ids()[rank] != static_cast<int>(rank))
      fail(to_string(mesh) + " has device " + std::to_string(mesh.ids()[rank]) + " at rank " + std::to_string(rank) +
           "; over several processes a mesh has the devices in their order, from 0 on");
  for (int process = 0; process < world->size(); ++process)
    if (std::none_of(mesh.ids().begin(), mesh.ids().end(), [&](int id) { return world->process_of(id) == process; }))
      fail(to_string(mesh) + " does not cover all processes: " + world->describe(process) +
           " has none of its devices; start fewer processes, or make a mesh of all " + std::to_string(have) +
           " devices");
}

namespace {

std::string braces(const std::vector<std::string>& names) {
  std::string text = "{";
  for (const std::string& name : names) text += (text.size() > 1 ? "," : "") + name;
  return text + "}";
}
std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "'" : ", '") + name + "'";
  return text;
}
bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// The axes in the mesh's order.
std::vector<std::string> in_mesh_order(const Mesh& mesh, const std::vector<std::string>& names) {
  std::vector<std::string> ordered;
  for (const std::string& axis : mesh.axis_names())
    if (contains(names, axis)) ordered.push_back(axis);
  return ordered;
}

void check_rank(const PartitionSpec& spec, std::size_t rank, const char* specs, const std::string& what) {
  if (spec.size() <= rank) return;
  std::string cure = rank == 0 ? std::string("consider using an ") + specs + " entry of `P()`"
                               : "an entry may name at most " + std::to_string(rank) + " dimensions";
  fail(what + " has rank " + std::to_string(rank) + ", but its " + specs + " entry " + to_string(spec) + " names " +
       std::to_string(spec.size()) + " dimensions; " + cure);
}

}  // namespace

Mesh make_mesh(const Shape& shape, const std::vector<std::string>& names, std::source_location where) {
  Call call("make_mesh", where);
  Mesh mesh(shape, names, {}, where);
  check_devices(mesh);
  return mesh;
}

SetMesh::SetMesh(Mesh mesh) { given_meshes().push_back(std::move(mesh)); }
SetMesh::~SetMesh() { given_meshes().pop_back(); }

Mesh detail::mesh_given() {
  if (given_meshes().empty())
    fail("no mesh is given; pass one, or keep `auto guard = sk::set_mesh(mesh);` alive around the call");
  return given_meshes().back();
}

void detail::fail_specs(const std::string& path, const std::string& what) { fail(path + " " + what); }

RankInfo rank_info(std::source_location where) {
  Call call("rank_info", where);
  const Mesh* mesh = mesh_in_force();
  if (!mesh) return {from_host(std::vector<std::int32_t>{0}.data(), {}, int32), 1, {}};
  return {emit("axis_index", {}, {{"axes", AxesValue{mesh->axis_names(), mesh->shape().to_vector()}}}), mesh->size(),
          AxisNames(mesh->axis_names())};
}

struct ShardMapScope::State {
  Mesh mesh;
  bool expanding, check_vma;
  std::vector<Array> operands;
  Specs in_specs;
  std::unique_ptr<Body> body;
};

ShardMapScope::ShardMapScope(const Mesh& mesh, const std::vector<const Array*>& leaves,
                             const std::vector<const PartitionSpec*>& specs, bool expanding, bool check_vma)
    : state_(new State{mesh, expanding, check_vma, {}, {}, nullptr}) {
  if (mesh_in_force())
    fail("it stands inside the body of another shard_map, on " + to_string(*mesh_in_force()) +
         "; a body is the program of one device already");
  check_devices(mesh);
  std::vector<TypeInfo> blocks;
  std::vector<bool> loses_first;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    check_usable(*leaves[i]);
    std::string what = "argument leaf " + std::to_string(i) + ", " + describe(*leaves[i]) + ",";
    PartitionSpec spec = specs[i]->resolve(mesh, current_op(), current_location());
    if (auto split = split_of(*leaves[i]); split && !same_placement(*split, NamedSharding(mesh, spec)))
      fail(what + " is split over processes as " + to_string(split->spec()) + " on " + to_string(split->mesh()) +
           ", but in_specs has " + to_string(*specs[i]) + " on " + to_string(mesh) +
           "; use the spec that it has, or bring all of it to every process with sk::process_allgather");
    Shape shape = leaves[i]->shape();
    check_rank(*specs[i], shape.size(), "in_specs", what);
    for (std::size_t d = 0; d < spec.size(); ++d) {
      if (spec.axes(d).empty()) continue;
      std::int64_t parts = mesh.axes_size(spec.axes(d)), size = shape[d];
      std::string split = "dimension " + std::to_string(d) + " of " + what + " has size " + std::to_string(size);
      std::string axes = "mesh " + std::string(spec.axes(d).size() == 1 ? "axis " : "axes ") + joined(spec.axes(d)) +
                         " of size " + std::to_string(parts) + " in " + to_string(mesh);
      if (expanding && d == 0 && size != parts)
        fail(split + "; expanding_shard_map takes one entry for each device along it, as many as " + axes +
             " (use {.tiled = true} to split a longer one)");
      if (size % parts)
        fail(split + ", which is not divisible by " + axes + "; pad it to " +
             std::to_string((size + parts - 1) / parts * parts) + " (sk::pad), or do not split it");
      shape[d] = size / parts;
    }
    blocks.push_back({leaves[i]->dtype(), shape, in_mesh_order(mesh, spec.all_axes()), false});
    loses_first.push_back(expanding && spec.size() && !spec.axes(0).empty());
    state_->operands.push_back(*leaves[i]);
    state_->in_specs.push_back(spec);
  }
  state_->body = std::make_unique<Body>(blocks, &mesh);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    Array block = state_->body->arguments()[i];
    arguments_.push_back(loses_first[i] ? squeeze(block, 0) : block);
  }
}
ShardMapScope::~ShardMapScope() = default;

std::vector<Array> ShardMapScope::finish(const std::vector<Array>& results,
                                         const std::vector<const PartitionSpec*>& specs) {
  const Mesh& mesh = state_->mesh;
  std::vector<Array> values;
  std::vector<TypeInfo> wholes;
  Specs out_specs;
  for (std::size_t i = 0; i < results.size(); ++i) {
    PartitionSpec spec = specs[i]->resolve(mesh, current_op(), current_location());
    Array value = results[i];
    check_usable(value);
    TypeInfo type = type_of(value);
    std::string what = "result leaf " + std::to_string(i) + ", " + describe(value) + ",";
    std::vector<std::string> promised = in_mesh_order(mesh, spec.all_axes()), broken;
    for (const std::string& axis : type.varying)
      if (!contains(promised, axis)) broken.push_back(axis);
    if (!broken.empty() && state_->check_vma)
      fail("for " + what + " the out_specs is " + to_string(*specs[i]) +
           " which implies that the corresponding output value is only varying across mesh axes " + braces(promised) +
           " and not " + braces(broken) + ", but it was inferred to be possibly varying over " + braces(type.varying) +
           "; name the axes in the out spec, or make the value the same on all devices with psum, pmax or pmin over "
           "them (a cond's result varies as its predicate does)");
    if (state_->expanding && spec.size() && !spec.axes(0).empty()) value = expand_dims(value, 0);
    check_rank(*specs[i], value.shape().size(), "out_specs", what);
    TypeInfo whole{value.dtype(), value.shape(), {}, false};
    for (std::size_t d = 0; d < spec.size(); ++d) whole.shape[d] *= mesh.axes_size(spec.axes(d));
    values.push_back(with_weak(value, false));
    wholes.push_back(whole);
    out_specs.push_back(std::move(spec));
  }
  state_->body->yield(values);
  std::vector<Array> arrays = emit_with_bodies("shard_map", state_->operands,
                                               {{"mesh", AxesValue{mesh.axis_names(), mesh.shape().to_vector()}},
                                                {"in_specs", state_->in_specs},
                                                {"out_specs", out_specs},
                                                {"check_vma", state_->check_vma}},
                                               wholes, std::span(state_->body.get(), 1));
  for (std::size_t i = 0; i < arrays.size(); ++i) note_sharding(arrays[i], NamedSharding(mesh, out_specs[i]));
  return arrays;
}

Array detail::split_as(const Array& array, const NamedSharding& sharding) {
  ShardMapScope scope(sharding.mesh(), {&array}, {&sharding.spec()}, false, true);
  return scope.finish({scope.arguments()[0]}, {&sharding.spec()})[0];
}

}  // namespace skein
