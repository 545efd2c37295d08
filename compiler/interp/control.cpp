// The control family. Devices whose predicate differs run one after the other, with only some of them active.
#include "compiler/interp/machine.h"
#include "compiler/interp/number.h"

namespace skein::compiler::interp {

/// Copies the values on the active devices. All are read before any is set: a carry may swap.
static void assign(Machine& machine, mlir::ValueRange to, mlir::ValueRange from) {
  for (int device : machine.active()) {
    std::vector<HostArray> values;
    for (mlir::Value value : from) values.push_back(machine.get(value, device));
    for (auto [target, value] : llvm::zip_equal(to, values)) machine.set(target, device, std::move(value));
  }
}

static Devices where(const Machine& machine, llvm::function_ref<bool(int device)> holds) {
  Devices chosen;
  for (int device : machine.active())
    if (holds(device)) chosen.push_back(device);
  return chosen;
}

/// Runs the block on those devices, and gives `to` what it yields there.
static void runInto(Machine& machine, mlir::Block& block, const Devices& devices, mlir::ValueRange to) {
  mlir::Operation* yield = machine.run(block, devices);
  for (int device : devices) {
    std::vector<HostArray> values;
    for (mlir::Value value : yield->getOperands()) values.push_back(machine.get(value, device));
    for (auto [target, value] : llvm::zip_equal(to, values)) machine.set(target, device, std::move(value));
  }
}

static void evaluateWhile(Machine& machine, mlir::Operation* op) {
  auto loop = llvm::cast<ir::WhileOp>(op);
  mlir::Block &cond = loop.getCond().front(), &body = loop.getBody().front();
  assign(machine, loop.getResults(), loop.getInits());  // the carry lives in the results
  Devices running = machine.active();
  while (true) {
    for (int device : running)
      for (auto [argument, carry] : llvm::zip_equal(cond.getArguments(), loop.getResults()))
        machine.set(argument, device, machine.get(carry, device));
    mlir::Value holds = machine.run(cond, running)->getOperand(0);
    llvm::erase_if(running, [&](int device) { return !loadInteger(machine.get(holds, device), 0); });
    if (running.empty()) return;
    for (int device : running)
      for (auto [argument, carry] : llvm::zip_equal(body.getArguments(), loop.getResults()))
        machine.set(argument, device, machine.get(carry, device));
    runInto(machine, body, running, loop.getResults());
  }
}

static void evaluateFor(Machine& machine, mlir::Operation* op) {
  auto loop = llvm::cast<ir::ForOp>(op);
  mlir::Block& body = loop.getBody().front();
  assign(machine, loop.getResults(), loop.getInits());
  HostArray counter = machine.get(loop.getLow(), machine.active()[0]);
  IntegerKind kind = kindOf(counter.dtype);
  // Turn by turn: a device that starts or ends elsewhere has another count of turns.
  for (Integer turn = 0;; ++turn) {
    auto value = [&](int device) { return loadInteger(machine.get(loop.getLow(), device), 0) + turn; };
    Devices running = where(machine, [&](int device) {
      Integer low = loadInteger(machine.get(loop.getLow(), device), 0),
              high = loadInteger(machine.get(loop.getHigh(), device), 0);
      return kind.less(low, high) &&
             static_cast<std::uint64_t>(turn) < static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    });
    if (running.empty()) return;
    for (int device : running) {
      store(counter, 0, value(device));
      machine.set(body.getArgument(0), device, counter);
      for (auto [argument, carry] : llvm::zip_equal(body.getArguments().drop_front(), loop.getResults()))
        machine.set(argument, device, machine.get(carry, device));
    }
    runInto(machine, body, running, loop.getResults());
  }
}

static void evaluateSwitch(Machine& machine, mlir::Operation* op) {
  auto choice = llvm::cast<ir::SwitchOp>(op);
  auto branches = static_cast<Integer>(choice.getBranches().size());
  auto chosen = [&](int device) {
    const HostArray& index = machine.get(choice.getIndex(), device);
    Integer value = loadInteger(index, 0);
    if (index.dtype == DType::uint64 && value < 0) return branches - 1;
    return std::clamp<Integer>(value, 0, branches - 1);
  };
  for (auto [i, branch] : llvm::enumerate(choice.getBranches())) {
    Devices devices = where(machine, [&](int device) { return chosen(device) == static_cast<Integer>(i); });
    if (!devices.empty()) runInto(machine, branch.front(), devices, choice.getResults());
  }
}

static void evaluateCall(Machine& machine, mlir::Operation* op) {
  auto call = llvm::cast<ir::CallOp>(op);
  mlir::Operation* returned = machine.run(
      call.getCallee(), [&](unsigned argument, int device) { return machine.get(call.getOperand(argument), device); });
  assign(machine, call.getResults(), returned->getOperands());
}

/// A function with a derivative of its own means its body.
static void evaluateCustom(Machine& machine, mlir::Operation* op) {
  mlir::Block& body = op->getRegion(0).front();
  assign(machine, body.getArguments(), op->getOperands());
  runInto(machine, body, machine.active(), op->getResults());
}

/// What fusion made of ops means what the ops mean.
static void evaluateKernel(Machine& machine, mlir::Operation* op) {
  auto kernel = llvm::cast<ir::KernelOp>(op);
  mlir::Block& body = kernel.getBody().front();
  assign(machine, body.getArguments(), kernel.getInputs());
  runInto(machine, body, machine.active(), kernel.getResults());
}

// ---- shard_map ----

/// Into how many blocks a spec cuts each dimension, and which of them is the device's.
struct Cut {
  Index counts, position;
};
static Cut cutOf(const Grid& grid, ir::SpecAttr spec, std::int64_t rank, int device) {
  Cut cut{Index(rank, 1), Index(rank, 0)};
  for (auto [dim, axes] : llvm::enumerate(spec.getDims()))
    for (mlir::Attribute named : llvm::cast<mlir::ArrayAttr>(axes)) {  // the first axis named is the slowest
      auto axis = llvm::cast<mlir::StringAttr>(named);
      std::int64_t size = grid.sizes[llvm::find(grid.names, axis) - grid.names.begin()];
      cut.counts[dim] *= size;
      cut.position[dim] = cut.position[dim] * size + grid.coordinate(device, axis);
    }
  return cut;
}

/// Visits the elements of a device's block: their places in the block and in the global array.
static void forEachInBlock(const Cut& cut, llvm::ArrayRef<std::int64_t> block, llvm::ArrayRef<std::int64_t> global,
                           llvm::function_ref<void(std::int64_t, std::int64_t)> visit) {
  std::int64_t at = 0;
  forEachIndex(block, [&](const Index& index) {
    Index whole = index;
    for (std::size_t i = 0; i < whole.size(); ++i) whole[i] += cut.position[i] * block[i];
    visit(at++, offsetOf(global, whole));
  });
}

static HostArray blockOf(const HostArray& global, const Cut& cut) {
  HostArray block = HostArray::zeros(global.dtype, global.shape);
  for (std::size_t i = 0; i < block.shape.size(); ++i) block.shape[i] /= cut.counts[i];
  block.data.resize(block.volume() * itemsize(block.dtype));
  forEachInBlock(cut, block.shape, global.shape,
                 [&](std::int64_t inBlock, std::int64_t inGlobal) { copyElement(block, inBlock, global, inGlobal); });
  return block;
}

static void evaluateShardMap(Machine& machine, mlir::Operation* op) {
  auto map = llvm::cast<ir::ShardMapOp>(op);
  if (!machine.grid().names.empty()) throwUserError(op, "a shard_map stands inside another one");
  Grid grid{llvm::to_vector(map.getMesh().getNames()), llvm::to_vector(map.getMesh().getSizes())};
  auto spec = [](mlir::ArrayAttr specs, std::size_t i) { return llvm::cast<ir::SpecAttr>(specs[i]); };
  std::vector<HostArray> results;
  machine.runOn(
      grid, map.getBody().front(),
      [&](unsigned argument, int device) {
        const HostArray& global = machine.get(map.getOperand(argument), 0);
        return blockOf(global, cutOf(grid, spec(map.getInSpecs(), argument), global.rank(), device));
      },
      [&](mlir::Operation* yield) {
        for (unsigned i = 0; i < op->getNumResults(); ++i) {
          HostArray& global = results.emplace_back(emptyResult(op, i));
          // Devices that hold the same block write it in descending order: the first device's stays.
          for (int device = grid.count(); device-- > 0;) {
            const HostArray& block = machine.get(yield->getOperand(i), device);
            Cut cut = cutOf(grid, spec(map.getOutSpecs(), i), global.rank(), device);
            forEachInBlock(cut, block.shape, global.shape, [&](std::int64_t inBlock, std::int64_t inGlobal) {
              copyElement(global, inGlobal, block, inBlock);
            });
          }
        }
      });
  for (auto [value, array] : llvm::zip_equal(op->getResults(), results)) machine.set(value, 0, std::move(array));
}

void addControl(Meanings& meanings) {
  define<ir::WhileOp>(meanings, evaluateWhile);
  define<ir::ForOp>(meanings, evaluateFor);
  define<ir::SwitchOp>(meanings, evaluateSwitch);
  define<ir::CallOp>(meanings, evaluateCall);
  define<ir::CustomJvpOp>(meanings, evaluateCustom);
  define<ir::CustomVjpOp>(meanings, evaluateCustom);
  define<ir::ShardMapOp>(meanings, evaluateShardMap);
  define<ir::KernelOp>(meanings, evaluateKernel);
  define<ir::YieldOp>(
      meanings, +[](Machine&, mlir::Operation*) {});  // read by what runs its block
}

}  // namespace skein::compiler::interp
