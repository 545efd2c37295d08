// The collectives: for each group of devices, what its members give and get.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

using Arrays = std::vector<const HostArray*>;

/// The device's rank over the axes: row-major in the order named.
static std::int64_t rankOf(const Grid& grid, ir::AxesAttr axes, int device) {
  std::int64_t rank = 0;
  for (auto [axis, size] : llvm::zip_equal(axes.getNames(), axes.getSizes()))
    rank = rank * size + grid.coordinate(device, axis);
  return rank;
}

static void checkBound(Machine& machine, mlir::Operation* op, ir::AxesAttr axes) {
  for (auto [axis, size] : llvm::zip_equal(axes.getNames(), axes.getSizes())) {
    auto found = llvm::find(machine.grid().names, axis);
    if (found == machine.grid().names.end())
      throwUserError(op, "axis " + axis.getValue().str() + " is not bound: no shard_map around has it in its mesh");
    if (machine.grid().sizes[found - machine.grid().names.begin()] != size)
      throwInternalError(op, "axis " + axis.getValue().str() + " has another size in the mesh");
  }
}

/// The groups of devices that communicate, each in the order of its ranks: devices that differ only along the axes,
/// split further by axis_index_groups.
static std::vector<Devices> groupsOf(Machine& machine, mlir::Operation* op) {
  auto axes = op->getAttrOfType<ir::AxesAttr>("axes");
  auto indexGroups = op->getAttrOfType<mlir::ArrayAttr>("groups");
  checkBound(machine, op, axes);
  const Grid& grid = machine.grid();
  std::int64_t ranks = 1;
  for (std::int64_t size : axes.getSizes()) ranks *= size;
  std::vector<Devices> wholes;
  for (int first = 0; first < grid.count(); ++first) {
    if (rankOf(grid, axes, first) != 0) continue;  // each group is found at its rank 0
    Devices group(ranks);
    for (int device = 0; device < grid.count(); ++device) {
      bool together = llvm::all_of(grid.names, [&](mlir::StringAttr axis) {
        return llvm::is_contained(axes.getNames(), axis) ||
               grid.coordinate(device, axis) == grid.coordinate(first, axis);
      });
      if (together) group[rankOf(grid, axes, device)] = device;
    }
    wholes.push_back(group);
  }
  std::vector<Devices> groups;
  for (const Devices& whole : wholes) {
    if (!indexGroups) groups.push_back(whole);
    for (mlir::Attribute entry : indexGroups ? indexGroups.getValue() : llvm::ArrayRef<mlir::Attribute>()) {
      Devices& group = groups.emplace_back();
      for (std::int64_t rank : llvm::cast<mlir::DenseI64ArrayAttr>(entry).asArrayRef()) group.push_back(whole[rank]);
    }
  }
  // Under control flow a group takes part as a whole or not at all: the type rules see to it.
  llvm::erase_if(groups, [&](const Devices& group) {
    auto active = llvm::count_if(group, [&](int device) { return llvm::is_contained(machine.active(), device); });
    if (active != 0 && active != static_cast<std::int64_t>(group.size()))
      throwInternalError(op, "some devices of a group would wait for ever");
    return active == 0;
  });
  return groups;
}

/// For each operand and group: `exchange` makes of the members' arrays, in rank order, the result of the member `rank`.
static void forEachMember(Machine& machine, mlir::Operation* op,
                          llvm::function_ref<HostArray(const Arrays&, std::int64_t rank)> exchange) {
  for (const Devices& group : groupsOf(machine, op))
    for (auto [operand, result] : llvm::zip_equal(op->getOperands(), op->getResults())) {
      Arrays given;
      for (int device : group) given.push_back(&machine.get(operand, device));
      std::vector<HostArray> got;
      for (std::size_t rank = 0; rank < group.size(); ++rank)
        got.push_back(exchange(given, static_cast<std::int64_t>(rank)));
      for (auto [device, array] : llvm::zip_equal(group, got)) machine.set(result, device, std::move(array));
    }
}

/// The part number `part` of `parts` along a dimension.
static HostArray partOf(const HostArray& array, std::int64_t dim, std::int64_t parts, std::int64_t part) {
  Index shape = array.shape;
  shape[dim] /= parts;
  HostArray result = HostArray::zeros(array.dtype, shape);
  std::int64_t at = 0;
  forEachIndex(shape, [&](const Index& index) {
    Index from = index;
    from[dim] += part * shape[dim];
    copyElement(result, at++, array, offsetOf(array.shape, from));
  });
  return result;
}

/// Arrays of one shape, one after another along a dimension.
static HostArray join(const std::vector<HostArray>& arrays, std::int64_t dim) {
  Index shape = arrays[0].shape;
  shape[dim] *= static_cast<std::int64_t>(arrays.size());
  HostArray result = HostArray::zeros(arrays[0].dtype, shape);
  for (auto [part, array] : llvm::enumerate(arrays)) {
    std::int64_t at = 0;
    forEachIndex(array.shape, [&](const Index& index) {
      Index to = index;
      to[dim] += static_cast<std::int64_t>(part) * array.shape[dim];
      copyElement(result, offsetOf(shape, to), array, at++);
    });
  }
  return result;
}

static HostArray withUnitDim(HostArray array, std::int64_t dim) {
  array.shape.insert(array.shape.begin() + dim, 1);
  return array;
}
static HostArray withoutDim(HostArray array, std::int64_t dim) {
  array.shape.erase(array.shape.begin() + dim);
  return array;
}

static HostArray observedSum(Machine& machine, mlir::Operation* op, const Arrays& given) {
  HostArray sum = sumOf(given);
  machine.observe(op, given, sum);
  return sum;
}

static void evaluatePsum(Machine& machine, mlir::Operation* op) {
  forEachMember(machine, op, [&](const Arrays& given, std::int64_t) { return observedSum(machine, op, given); });
}

template <bool greatest>
static void evaluateExtreme(Machine& machine, mlir::Operation* op) {
  forEachMember(machine, op, [](const Arrays& given, std::int64_t) {
    HostArray result = *given[0];
    for (std::int64_t i = 0; i < result.volume(); ++i)
      for (const HostArray* other : given) {
        bool better;
        if (is_floating(result.dtype)) {
          Real old = loadReal(result, i), now = loadReal(*other, i);
          better = std::isnan(now) || (!std::isnan(old) && (greatest ? now > old : now < old));
          if (now == old && std::signbit(now) != std::signbit(old))
            better = std::signbit(old) == greatest;  // 0 is greater than -0
        } else {
          IntegerKind kind = kindOf(result.dtype);
          Integer old = loadInteger(result, i), now = loadInteger(*other, i);
          better = greatest ? kind.less(old, now) : kind.less(now, old);
        }
        if (better) copyElement(result, i, *other, i);
      }
    return result;
  });
}

static void evaluateAllGather(Machine& machine, mlir::Operation* op) {
  auto gather = llvm::cast<ir::AllGatherOp>(op);
  auto dim = static_cast<std::int64_t>(gather.getDim());
  forEachMember(machine, op, [&](const Arrays& given, std::int64_t) {
    std::vector<HostArray> blocks;
    for (const HostArray* array : given) blocks.push_back(gather.getTiled() ? *array : withUnitDim(*array, dim));
    return join(blocks, dim);
  });
}

static void evaluatePsumScatter(Machine& machine, mlir::Operation* op) {
  auto scatter = llvm::cast<ir::PsumScatterOp>(op);
  auto dim = static_cast<std::int64_t>(scatter.getDim());
  forEachMember(machine, op, [&](const Arrays& given, std::int64_t rank) {
    HostArray part = partOf(observedSum(machine, op, given), dim, static_cast<std::int64_t>(given.size()), rank);
    return scatter.getTiled() ? part : withoutDim(part, dim);
  });
}

static void evaluateAllToAll(Machine& machine, mlir::Operation* op) {
  auto exchange = llvm::cast<ir::AllToAllOp>(op);
  auto split = static_cast<std::int64_t>(exchange.getSplitDim()),
       concat = static_cast<std::int64_t>(exchange.getConcatDim());
  forEachMember(machine, op, [&](const Arrays& given, std::int64_t rank) {
    std::vector<HostArray> blocks;
    for (const HostArray* array : given) {
      HostArray part = partOf(*array, split, static_cast<std::int64_t>(given.size()), rank);
      blocks.push_back(exchange.getTiled() ? part : withUnitDim(withoutDim(part, split), concat));
    }
    return join(blocks, concat);
  });
}

static void evaluatePpermute(Machine& machine, mlir::Operation* op) {
  auto pairs = llvm::cast<ir::PpermuteOp>(op).getPairs();
  forEachMember(machine, op, [&](const Arrays& given, std::int64_t rank) {
    for (std::size_t i = 0; i < pairs.size(); i += 2)
      if (pairs[i + 1] == rank) return *given[pairs[i]];
    return HostArray::zeros(given[0]->dtype, given[0]->shape);
  });
}

static void evaluateAxisIndex(Machine& machine, mlir::Operation* op) {
  auto axes = llvm::cast<ir::AxisIndexOp>(op).getAxes();
  checkBound(machine, op, axes);
  for (int device : machine.active())
    machine.set(op->getResult(0), device,
                HostArray::scalar(static_cast<std::int32_t>(rankOf(machine.grid(), axes, device))));
}

static void evaluatePvary(Machine& machine, mlir::Operation* op) {
  checkBound(machine, op, llvm::cast<ir::PvaryOp>(op).getAxes());
  for (int device : machine.active())
    machine.set(op->getResult(0), device, HostArray(machine.get(op->getOperand(0), device)));
}

void addCollectives(Meanings& meanings) {
  define<ir::PsumOp>(meanings, evaluatePsum);
  define<ir::PmaxOp>(meanings, evaluateExtreme<true>);
  define<ir::PminOp>(meanings, evaluateExtreme<false>);
  define<ir::AllGatherOp>(meanings, evaluateAllGather);
  define<ir::PsumScatterOp>(meanings, evaluatePsumScatter);
  define<ir::AllToAllOp>(meanings, evaluateAllToAll);
  define<ir::PpermuteOp>(meanings, evaluatePpermute);
  define<ir::AxisIndexOp>(meanings, evaluateAxisIndex);
  define<ir::PvaryOp>(meanings, evaluatePvary);
}

}  // namespace skein::compiler::interp
