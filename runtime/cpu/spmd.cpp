#include "runtime/cpu/spmd.h"

#include "runtime/cpu/run.h"
#include "runtime/device.h"
#include "runtime/mpi/world.h"

#include <skein/base/error.h>

#include <algorithm>
#include <mutex>
#include <numeric>

namespace skein::runtime::cpu {
namespace {

// All devices together below this much work (ns) run in turn on the calling thread: waking another thread, or having it
// fetch the data, would take longer.
constexpr double worth_lanes = 20000;
constexpr std::size_t kept_runs = 8;

// A run that ended well is kept with its groups and fibers' places, and used again for the next run on such a mesh.
thread_local std::vector<std::unique_ptr<Run>> idle_runs;

std::unique_ptr<Run> take_run(std::span<const std::int64_t> mesh, int lanes) {
  for (std::size_t i = idle_runs.size(); i-- > 0;)
    if (idle_runs[i]->fits(mesh, lanes)) {
      std::unique_ptr<Run> run = std::move(idle_runs[i]);
      idle_runs.erase(idle_runs.begin() + static_cast<std::ptrdiff_t>(i));
      return run;
    }
  return std::make_unique<Run>(mesh, lanes);
}

void keep_run(std::unique_ptr<Run> run) {
  if (idle_runs.size() == kept_runs) idle_runs.erase(idle_runs.begin());
  idle_runs.push_back(std::move(run));
}

}  // namespace

void run_spmd(skein_context* parent, const Request& request) {
  mpi::World* world = mpi::world();
  // Runs that cross processes come one after another, in the same order everywhere.
  static std::mutex across;
  std::unique_lock<std::mutex> turn;
  if (world) {
    turn = std::unique_lock(across);
    world->begin_run();
  }
  std::int64_t devices = 1;
  for (std::int64_t extent : request.mesh) devices *= extent;
  if (world) devices = std::max<std::int64_t>(1, world->devices_here(devices));
  // GPUs are told what to do by one thread: telling takes less time than doing.
  std::int64_t wanted = request.on_gpus ? 1
                        : request.lanes ? request.lanes
                        : static_cast<double>(devices) * static_cast<double>(request.work) >= worth_lanes
                            ? total_threads()
                            : 1;
  std::unique_ptr<Run> run;
  std::exception_ptr error;
  try {
    std::span<Worker* const> workers;
    if (wanted > 1) {
      workers = helpers(parent);
      if (request.lanes) workers = workers.first(std::min(workers.size(), static_cast<std::size_t>(request.lanes - 1)));
    }
    int lanes = static_cast<int>(std::min<std::int64_t>(devices, static_cast<std::int64_t>(workers.size()) + 1));
    run = take_run(request.mesh, lanes);
    error = run->execute(request, workers);
  } catch (...) {
    error = std::current_exception();  // no memory: other processes are told as of any error
  }
  if (world) error = world->end_run(std::move(error), request.site);
  if (error) std::rethrow_exception(error);
  keep_run(std::move(run));
}

void run_devices(int devices, int lanes, const std::function<void(Communicator&)>& body, const skein_site& site) {
  struct Call {
    const std::function<void(Communicator&)>& body;
    std::vector<int> ranks;
  } call{body, std::vector<int>(static_cast<std::size_t>(devices))};
  std::iota(call.ranks.begin(), call.ranks.end(), 0);
  void* const buffers[] = {&call};
  Team team;
  skein_context context;
  context.team = &team;
  const std::int64_t mesh[] = {devices};
  Request request;
  request.mesh = mesh;
  request.lanes = lanes;
  request.on_gpus = platform() != Platform::cpu;
  request.buffers = buffers;
  request.site = site;
  request.body = [](skein_context* device, void* const* arguments, char*) {
    const Call& c = *static_cast<const Call*>(arguments[0]);
    c.body(*make_communicator(*device->device, c.ranks));
  };
  run_spmd(&context, request);
}

}  // namespace skein::runtime::cpu
