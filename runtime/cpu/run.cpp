#include "runtime/cpu/run.h"

#include "runtime/cuda/gpu.h"
#include "runtime/mpi/exchange.h"
#include "runtime/mpi/world.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <algorithm>
#include <numeric>

namespace skein::runtime::cpu {

bool MeetingWait::ready() const {
  for (const auto& lane : group->lanes) {
    if (lane.get() == self) continue;
    std::uint64_t there = finish ? lane->finished.load(std::memory_order_acquire)
                                 : lane->shown[meeting & 1].meeting.load(std::memory_order_acquire);
    if (there < meeting) return false;
  }
  return true;
}

// ---- lanes ----

void Lane::push(Device& device) {
  std::size_t at = head_ + queued_++;
  queue_[at >= queue_.size() ? at - queue_.size() : at] = &device;
}

Device* Lane::pop() {
  if (!queued_) return nullptr;
  Device* device = queue_[head_];
  if (++head_ == queue_.size()) head_ = 0;
  --queued_;
  return device;
}

void Lane::leave(Device& device) {
  Device* next = pop();
  device.fiber.switch_to(next ? next->fiber : main_);
}

void Lane::resume(Device& device) { main_.switch_to(device.fiber); }

void Lane::park(Device& device) {
  device.state = Device::State::parked;
  device.released = false;
  leave(device);
  device.state = Device::State::active;
  if (!device.released) cancel();
}

void Lane::release(Device& device) {
  device.released = true;
  device.state = Device::State::active;
  push(device);
}

void Lane::await(Device& device, const Wait& wait) {
  if (wait.ready()) return;
  device.wait = &wait;
  device.state = Device::State::polling;
  polling_.push_back(&device);
  // While there are other devices here that can go on, they do. Alone, the device waits where it is.
  if (devices_.size() > 1 && (queued_ || polling_.size() > 1)) {
    leave(device);  // the lane takes it off the list
  } else {
    Backoff backoff;
    while (!wait.ready() && !run_.failed()) {
      if (backoff.long_wait()) {
        enter_idle();
        if (std::exception_ptr trouble = wait.trouble()) run_.fail(trouble);
      }
      backoff.step();
    }
    leave_idle();
    polling_.clear();
  }
  device.wait = nullptr;
  device.state = Device::State::active;
  if (!wait.ready()) cancel();
}

void Lane::settle() {
  if (settled_) return;
  settled_ = true;
  run_.settled_.fetch_add(1, std::memory_order_acq_rel);
}

void Lane::cancel() {
  settle();
  Backoff backoff;
  while (run_.settled_.load(std::memory_order_acquire) < static_cast<int>(run_.lanes_.size())) backoff.step();
  throw Cancelled();
}

void Lane::enter_idle() {
  if (idle_ || run_.failed()) return;
  std::lock_guard lock(run_.mutex_);
  idle_ = true;
  ++run_.idle_lanes_;
  run_.check_deadlock();
}

void Lane::leave_idle() {
  if (!idle_) return;
  std::lock_guard lock(run_.mutex_);
  idle_ = false;
  --run_.idle_lanes_;
}

// Resumes what has become ready; whether there was anything.
bool Lane::poll() {
  for (std::size_t i = 0; i < polling_.size(); ++i) {
    if (!polling_[i]->wait->ready() && !run_.failed()) continue;
    Device* device = polling_[i];
    leave_idle();
    polling_.erase(polling_.begin() + static_cast<std::ptrdiff_t>(i));
    resume(*device);
    return true;
  }
  if (run_.failed())
    for (Device* device : devices_)
      if (device->state == Device::State::parked) {
        leave_idle();
        resume(*device);
        return true;
      }
  return false;
}

void Lane::device_main(Device& device) noexcept {
  const Request& request = *run_.request_;
  device.state = Device::State::active;
  try {
    if (!run_.failed() && setjmp(device.context.exit) == 0)
      request.body(&device.context, request.buffers, device.arena);
  } catch (const Cancelled&) {
  } catch (...) {
    run_.fail(std::current_exception());
  }
  device.state = Device::State::ended;
  device.waiting = nullptr;
  ++ended_;
}

void Lane::fiber_main(void* argument) {
  Device& device = *static_cast<Device*>(argument);
  Lane& lane = *device.lane;
  lane.device_main(device);
  Device* next = lane.pop();
  device.fiber.exit_to(next ? next->fiber : lane.main_);
}

void Lane::execute() {
  const int count = static_cast<int>(devices_.size());
  if (count == 1) {
    device_main(*devices_[0]);  // on the thread's own stack
  } else {
    for (Device* device : devices_) {
      device->fiber.prepare(fiber_main, device);
      push(*device);
    }
    Backoff backoff;
    while (ended_ < count) {
      if (Device* device = pop()) {
        leave_idle();
        resume(*device);
        backoff.reset();
      } else if (poll()) {
        backoff.reset();
      } else {
        if (run_.lanes_.size() == 1 || backoff.long_wait()) enter_idle();
        if (backoff.long_wait())
          for (Device* device : polling_)
            if (std::exception_ptr trouble = device->wait->trouble()) run_.fail(trouble);
        backoff.step();
      }
    }
    for (Device* device : devices_) device->fiber.recycle();
  }
  settle();
  if (run_.lanes_.size() > 1) enter_idle();  // for good: it will never do anything that another lane waits for
}

// ---- runs ----

Run::Run(std::span<const std::int64_t> mesh, int lanes) : mesh_(mesh.begin(), mesh.end()) {
  std::int64_t size = 1;
  for (std::int64_t extent : mesh) size *= extent;
  by_rank_.resize(static_cast<std::size_t>(size));
  for (int i = 0; i < lanes; ++i) lanes_.push_back(std::make_unique<Lane>(*this, i));
  const mpi::World* world = mpi::world();
  for (int rank = 0; rank < size; ++rank) {
    if (world && world->process_of(rank) != world->rank()) continue;
    auto device = std::make_unique<Device>();
    by_rank_[static_cast<std::size_t>(rank)] = device.get();
    device->lane = lanes_[devices_.size() % lanes_.size()].get();
    device->lane->devices_.push_back(device.get());
    device->coordinates.resize(mesh.size());
    std::int64_t rest = rank;
    for (std::size_t axis = mesh.size(); axis-- > 0; rest /= mesh[axis]) device->coordinates[axis] = rest % mesh[axis];
    device->context.run = this;
    device->context.device = device.get();
    device->context.rank = rank;
    device->context.coordinates = device->coordinates.data();
    devices_.push_back(std::move(device));
  }
  for (auto& lane : lanes_) lane->queue_.resize(lane->devices_.size());
}

std::exception_ptr Run::execute(const Request& request, std::span<Worker* const> workers) {
  request_ = &request;
  constexpr std::int64_t kept_arenas = std::int64_t{4}
                                       << 20;  // together; larger ones go back to the allocator after each run
  settled_.store(0, std::memory_order_relaxed);
  idle_lanes_ = 0;
  const std::size_t leaders = lanes_.size() - 1;
  const std::size_t helpers = workers.size() - leaders, each = helpers / lanes_.size();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    Lane& lane = *lanes_[i];
    lane.head_ = lane.queued_ = 0;
    lane.ended_ = 0;
    lane.settled_ = lane.idle_ = false;
    lane.workers_ = workers.subspan(leaders + i * each, each);
  }
  for (std::size_t i = 0; i < devices_.size(); ++i)
    devices_[i]->context.gpu = request.on_gpus ? &cuda::Gpu::of(static_cast<int>(i)) : nullptr;
  for (auto& device : devices_) {
    if (request.on_gpus) {  // free for others as soon as its last use is in the GPU's queue
      device->arena = static_cast<char*>(device->context.gpu->allocate(static_cast<std::size_t>(request.arena_bytes)));
      device->context.gpu->wait_for(cuda::Gpu::of(0));
    } else if (request.arena_bytes > static_cast<std::int64_t>(device->arena_memory.size()))
      device->arena_memory = Buffer(),
      device->arena_memory = Buffer::allocate(static_cast<std::size_t>(request.arena_bytes));
    if (!request.on_gpus) device->arena = static_cast<char*>(device->arena_memory.data());
    device->state = Device::State::fresh;
    // Devices that share a lane have no threads beside it: they take turns.
    device->context.workers = device->lane->devices_.size() == 1 ? device->lane->workers_ : std::span<Worker* const>();
    device->context.team = nullptr;
  }
  if (leaders == 0) {
    lanes_[0]->execute();
  } else {
    fork_join(
        workers.first(leaders),
        [](void* run, int lane) { static_cast<Run*>(run)->lanes_[static_cast<std::size_t>(lane)]->execute(); }, this,
        false);
  }
  if (request.on_gpus)
    for (auto& device : devices_) {
      device->context.gpu->deallocate(device->arena, static_cast<std::size_t>(request.arena_bytes));
      cuda::Gpu::of(0).wait_for(*device->context.gpu);
    }
  if (request.arena_bytes * size() > kept_arenas)
    for (auto& device : devices_) device->arena_memory = Buffer();
  return error_;
}

void Run::fail(std::exception_ptr error) noexcept {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  failed_.store(true, std::memory_order_release);
}

void Run::check_deadlock() {
  if (failed() || idle_lanes_ < static_cast<int>(lanes_.size())) return;
  bool all_ended = true;
  for (const auto& device : devices_) {
    if (device->state == Device::State::ended) continue;
    all_ended = false;
    if (device->state == Device::State::active || device->state == Device::State::fresh) return;
    // What another process does is not known here; its waits have a time-out.
    if (device->wait && (device->wait->remote() || device->wait->ready())) return;
  }
  if (all_ended) return;
  std::string text = "devices wait for others that will never come:";
  const Site* site = nullptr;
  for (const auto& device : devices_) {
    text += fmt::format("\n  device {}: ", device->context.rank);
    if (device->waiting)
      text += "waits in " + device->waiting->describe(), site = site ? site : device->waiting->site;
    else
      text += "has ended";
  }
  text += "\nevery device of a group must call the same collectives in the same order";
  error_ = std::make_exception_ptr(UserError(text, site && site->op ? site->op : request_->site.op,
                                             site ? site->file : request_->site.file,
                                             static_cast<unsigned>(site ? site->line : request_->site.line)));
  failed_.store(true, std::memory_order_release);
}

Membership Run::join(Device& device, const std::vector<int>& ranks) {
  std::lock_guard lock(mutex_);
  std::unique_ptr<Group>& group = groups_[ranks];
  if (!group) {
    group = std::make_unique<Group>();
    group->ranks = ranks;
    std::vector<int> lane_slot(lanes_.size(), -1);
    for (std::size_t m = 0; m < ranks.size(); ++m) {
      Device* there = by_rank_[static_cast<std::size_t>(ranks[m])];
      if (!there) {
        group->where.emplace_back(-1, -1);
        continue;
      }
      Device& member = *there;
      int& slot = lane_slot[static_cast<std::size_t>(member.lane->index())];
      if (slot < 0) {
        slot = static_cast<int>(group->lanes.size());
        group->lanes.push_back(std::make_unique<GroupLane>());
        group->lanes.back()->lane = member.lane->index();
      }
      GroupLane& lane = *group->lanes[static_cast<std::size_t>(slot)];
      group->where.emplace_back(slot, static_cast<int>(lane.members.size()));
      lane.members.push_back(static_cast<int>(m));
      lane.devices.push_back(&member);
      lane.messages.push_back(nullptr);
    }
    for (auto& lane : group->lanes)
      for (Showcase& shown : lane->shown)
        if (group->lanes.size() > 1)
          shown.payload = std::make_unique<char[]>(static_cast<std::size_t>(small_bytes) * lane->members.size());
    if (std::any_of(group->where.begin(), group->where.end(), [](auto place) { return place.first < 0; }))
      group->party = std::make_shared<mpi::Party>(*mpi::world(), ranks);
  }
  for (std::size_t m = 0; m < ranks.size(); ++m)
    if (ranks[m] == device.context.rank) {
      auto [lane, slot] = group->where[m];
      return {group.get(), static_cast<int>(m), group->lanes[static_cast<std::size_t>(lane)].get(), slot};
    }
  throw InternalError(fmt::format("device {} is not in its group", device.context.rank), "collective", "", 0);
}

std::int64_t Run::shard_slot(const Device& device, std::span<const std::int32_t> axes) const {
  auto same = [&](const Device& a, const Device& b) {
    return std::all_of(axes.begin(), axes.end(), [&](std::int32_t axis) {
      return a.coordinates[static_cast<std::size_t>(axis)] == b.coordinates[static_cast<std::size_t>(axis)];
    });
  };
  std::int64_t slots = 0;
  for (std::size_t i = 0; i < devices_.size(); ++i) {
    const auto before = std::find_if(devices_.begin(), devices_.begin() + static_cast<std::ptrdiff_t>(i),
                                     [&](const auto& d) { return same(*d, *devices_[i]); });
    const bool first = before == devices_.begin() + static_cast<std::ptrdiff_t>(i);
    if (same(*devices_[i], device)) return devices_[i].get() == &device ? slots : ~slots;
    slots += first;
  }
  return ~slots;
}

const Membership& Run::resolve(Device& device, const skein_collective& collective) {
  auto id = static_cast<std::size_t>(collective.id);
  std::span<const std::int32_t> axes(collective.axes, static_cast<std::size_t>(collective.axis_count));
  std::span<const std::int32_t> groups(collective.groups, static_cast<std::size_t>(collective.group_count) *
                                                              static_cast<std::size_t>(collective.group_size));
  if (id >= device.resolved.size()) device.resolved.resize(id + 1);
  Device::Resolved& entry = device.resolved[id];
  const std::size_t length = 2 + axes.size() + groups.size();
  if (entry.key.size() == length && entry.key[0] == collective.axis_count && entry.key[1] == collective.group_size &&
      std::equal(axes.begin(), axes.end(), entry.key.begin() + 2) &&
      std::equal(groups.begin(), groups.end(), entry.key.begin() + 2 + collective.axis_count))
    return entry.membership;

  // The devices that differ from this one only along the axes, row-major in the order named.
  std::vector<std::int64_t> place = device.coordinates;
  std::int64_t size = 1;
  for (std::int32_t axis : axes) size *= mesh_[static_cast<std::size_t>(axis)];
  std::vector<int> ranks(static_cast<std::size_t>(size));
  int mine = 0;
  for (std::int64_t within = 0; within < size; ++within) {
    std::int64_t rest = within;
    for (std::size_t i = axes.size(); i-- > 0;) {
      auto axis = static_cast<std::size_t>(axes[i]);
      place[axis] = rest % mesh_[axis];
      rest /= mesh_[axis];
    }
    std::int64_t rank = 0;
    for (std::size_t axis = 0; axis < mesh_.size(); ++axis) rank = rank * mesh_[axis] + place[axis];
    ranks[static_cast<std::size_t>(within)] = static_cast<int>(rank);
    if (rank == device.context.rank) mine = static_cast<int>(within);
  }
  if (collective.group_count > 0) {
    auto length_of = static_cast<std::size_t>(collective.group_size);
    for (std::size_t g = 0; g < static_cast<std::size_t>(collective.group_count); ++g) {
      auto group = groups.subspan(g * length_of, length_of);
      if (std::find(group.begin(), group.end(), mine) == group.end()) continue;
      std::vector<int> chosen;
      for (std::int32_t within : group) chosen.push_back(ranks.at(static_cast<std::size_t>(within)));
      ranks = std::move(chosen);
      break;
    }
  }
  entry.membership = join(device, ranks);
  entry.key = {collective.axis_count, collective.group_size};
  entry.key.insert(entry.key.end(), axes.begin(), axes.end());
  entry.key.insert(entry.key.end(), groups.begin(), groups.end());
  return entry.membership;
}

}  // namespace skein::runtime::cpu
