// The meeting of a group's members, and the communicator class on top of it.

#include "runtime/cpu/run.h"
#include "runtime/cuda/calls.h"
#include "runtime/cuda/clique.h"
#include "runtime/mpi/exchange.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstring>

namespace skein::runtime::cpu {
namespace {

std::int64_t padded(std::int64_t bytes) { return (bytes + 7) / 8 * 8; }

// Bytes of each member's inputs in a showcase, one operand after another.
std::int64_t shown_bytes(const Message& message, int group_size) {
  bool blocks = message.verb == Verb::reduce_scatter || message.verb == Verb::all_to_all;
  std::int64_t total = 0;
  for (const Operand& operand : message.operands)
    total += padded(operand.count * static_cast<std::int64_t>(itemsize(operand.dtype)) * (blocks ? group_size : 1));
  return total;
}

UserError at_site(const std::string& text, const Site& site) {
  return UserError(text, site.op ? site.op : "", site.file, static_cast<unsigned>(site.line));
}

[[noreturn]] void mismatch(const Membership& me, const Message& mine) {
  std::string text = "the devices of a group call different collectives:";
  const Group& group = *me.group;
  for (int m = 0; m < group.size(); ++m) {
    auto [lane, slot] = group.where[static_cast<std::size_t>(m)];
    if (lane < 0) continue;
    const Message* message = group.lanes[static_cast<std::size_t>(lane)]->messages[static_cast<std::size_t>(slot)];
    text += fmt::format("\n  device {}: {}", group.ranks[static_cast<std::size_t>(m)], message->describe());
  }
  throw at_site(text, *mine.site);
}

void set_inputs(GroupLane& mine, const GroupLane& theirs, std::size_t operands) {
  for (std::size_t s = 0; s < theirs.members.size(); ++s)
    for (std::size_t o = 0; o < operands; ++o)
      mine.inputs[static_cast<std::size_t>(theirs.members[s]) * operands + o] = theirs.messages[s]->operands[o].input;
}

void set_outputs(GroupLane& mine, const GroupLane& theirs, std::size_t operands) {
  for (std::size_t s = 0; s < theirs.members.size(); ++s)
    for (std::size_t o = 0; o < operands; ++o)
      mine.outputs[static_cast<std::size_t>(theirs.members[s]) * operands + o] = theirs.messages[s]->operands[o].output;
}

// Copies the lane's inputs into what it shows.
void show_payload(GroupLane& lane, Showcase& shown, std::int64_t bytes, int group_size) {
  char* to =
      bytes * static_cast<std::int64_t>(lane.members.size()) <= static_cast<std::int64_t>(sizeof shown.inline_payload)
          ? shown.inline_payload
          : shown.payload.get();
  for (const Message* message : lane.messages) {
    bool blocks = message->verb == Verb::reduce_scatter || message->verb == Verb::all_to_all;
    for (const Operand& operand : message->operands) {
      std::int64_t size =
          operand.count * static_cast<std::int64_t>(itemsize(operand.dtype)) * (blocks ? group_size : 1);
      if (size) std::memcpy(to, operand.input, static_cast<std::size_t>(size));
      to += padded(size);
    }
  }
}

void set_shown_inputs(GroupLane& mine, const GroupLane& theirs, const Showcase& shown, const Message& message,
                      std::int64_t bytes, int group_size) {
  const char* from =
      bytes * static_cast<std::int64_t>(theirs.members.size()) <= static_cast<std::int64_t>(sizeof shown.inline_payload)
          ? shown.inline_payload
          : shown.payload.get();
  bool blocks = message.verb == Verb::reduce_scatter || message.verb == Verb::all_to_all;
  const std::size_t operands = message.operands.size();
  for (int member : theirs.members)
    for (std::size_t o = 0; o < operands; ++o) {
      const Operand& operand = message.operands[o];
      mine.inputs[static_cast<std::size_t>(member) * operands + o] = from;
      from += padded(operand.count * static_cast<std::int64_t>(itemsize(operand.dtype)) * (blocks ? group_size : 1));
    }
}

// What every device can check alone.
void check(const Message& message, const Membership& me) {
  const int size = me.group->size();
  if (message.verb == Verb::all_reduce || message.verb == Verb::reduce_scatter)
    for (const Operand& operand : message.operands)
      if ((message.reduction == Reduction::logical_and || message.reduction == Reduction::logical_or) &&
          operand.dtype >= DType::float16)
        throw at_site(fmt::format("bits of {} cannot be combined; only of integers and bool", name(operand.dtype)),
                      *message.site);
  if (message.verb == Verb::broadcast && (message.root < 0 || message.root >= size))
    throw at_site(fmt::format("root {} is not a rank of a group of {}", message.root, size), *message.site);
  if (message.verb == Verb::permute)
    for (std::size_t i = 0; i < message.pairs.size(); ++i) {
      auto [source, destination] = message.pairs[i];
      if (source < 0 || source >= size || destination < 0 || destination >= size)
        throw at_site(fmt::format("pair ({}, {}) is out of range for a group of {}", source, destination, size),
                      *message.site);
      for (std::size_t j = 0; j < i; ++j)
        if (message.pairs[j].first == source || message.pairs[j].second == destination)
          throw at_site(fmt::format("pairs ({}, {}) and ({}, {}) share a {}; each may come once",
                                    message.pairs[j].first, message.pairs[j].second, source, destination,
                                    message.pairs[j].first == source ? "source" : "destination"),
                        *message.site);
    }
}

// All members are on one lane: the last one to come moves everything.
void meet_on_lane(const Membership& me, Message& message) {
  GroupLane& lane = *me.lane;
  if (message.verb == Verb::all_to_allv) return move_rows(*me.group, lane.messages, lane.members);
  const std::size_t operands = message.operands.size();
  set_inputs(lane, lane, operands);
  set_outputs(lane, lane, operands);
  move_data({&message, me.group->size(), lane.inputs.data(), lane.outputs.data(), lane.members}, {});
}

// The lane's last member deals with the other lanes.
void meet_lanes(Device& device, const Membership& me, Message& message) {
  Group& group = *me.group;
  GroupLane& lane = *me.lane;
  const std::size_t operands = message.operands.size();
  const std::int64_t bytes = shown_bytes(message, group.size());
  const bool small = bytes <= small_bytes && message.verb != Verb::all_to_allv;
  const std::uint64_t meeting = lane.meeting;
  Showcase& shown = lane.shown[meeting & 1];
  if (small) show_payload(lane, shown, bytes, group.size());
  shown.signature = message.signature();
  shown.meeting.store(meeting, std::memory_order_release);
  device.lane->await(device, MeetingWait(&group, &lane, meeting, false));
  for (const auto& other : group.lanes)
    if (other->shown[meeting & 1].signature != shown.signature) mismatch(me, message);

  if (small) {
    for (const auto& other : group.lanes)
      set_shown_inputs(lane, *other, other->shown[meeting & 1], message, bytes, group.size());
    set_outputs(lane, lane, operands);
    move_data({&message, group.size(), lane.inputs.data(), lane.outputs.data(), lane.members}, {});
    return;  // nobody has to wait: the inputs were copied, and the next meeting but one is the first to reuse their
             // place
  }
  if (message.verb == Verb::all_to_allv) {
    std::vector<const Message*> messages(static_cast<std::size_t>(group.size()));
    for (const auto& other : group.lanes)
      for (std::size_t s = 0; s < other->members.size(); ++s)
        messages[static_cast<std::size_t>(other->members[s])] = other->messages[s];
    move_rows(group, messages, lane.members);
  } else {
    for (const auto& other : group.lanes) set_inputs(lane, *other, operands);
    Movement movement{&message, group.size(), lane.inputs.data(), lane.outputs.data(), lane.members};
    std::vector<int> all;
    if (message.verb == Verb::all_reduce) {
      // Each lane sums its share of the elements and writes it to everyone's output: one pass over all data.
      for (const auto& other : group.lanes) {
        set_outputs(lane, *other, operands);
        all.insert(all.end(), other->members.begin(), other->members.end());
        if (other.get() == &lane) movement.share = static_cast<int>(&other - group.lanes.data());
      }
      movement.targets = all;
      movement.shares = static_cast<int>(group.lanes.size());
    } else {
      set_outputs(lane, lane, operands);
    }
    move_data(movement, device.lane->workers());
  }
  lane.finished.store(meeting, std::memory_order_release);
  device.lane->await(device, MeetingWait(&group, &lane, meeting, true));
}

/// There are members on other processes: when all those here have come, the first lane's last one speaks for them.
void meet_processes(Device& device, const Membership& me, Message& message) {
  Group& group = *me.group;
  GroupLane& lane = *me.lane;
  const std::uint64_t meeting = lane.meeting;
  if (group.lanes.size() > 1) {
    Showcase& shown = lane.shown[meeting & 1];
    shown.signature = message.signature();
    shown.meeting.store(meeting, std::memory_order_release);
    device.lane->await(device, MeetingWait(&group, &lane, meeting, false));
    for (const auto& other : group.lanes)
      if (other->shown[meeting & 1].signature != shown.signature) mismatch(me, message);
  }
  if (group.lanes[0].get() == &lane) {
    std::vector<const Message*> messages;
    for (int member : group.party->here()) {
      auto [at, slot] = group.where[static_cast<std::size_t>(member)];
      messages.push_back(group.lanes[static_cast<std::size_t>(at)]->messages[static_cast<std::size_t>(slot)]);
    }
    group.party->meet(messages, device.lane->workers(), [&](const Wait& wait) { device.lane->await(device, wait); });
  }
  lane.finished.store(meeting, std::memory_order_release);
  if (group.lanes.size() > 1) device.lane->await(device, MeetingWait(&group, &lane, meeting, true));
}

/// GPUs, which one thread tells what to do: all members here have come.
void meet_on_gpus(const Membership& me, const Message& message, Device& device) {
  Group& group = *me.group;
  const GroupLane& lane = *me.lane;
  // NCCL would wait for ever where processes call different operations.
  if (group.party) group.party->meet(lane.messages, {}, [&](const Wait& wait) { device.lane->await(device, wait); });
  if (!group.clique) {
    std::vector<cuda::Gpu*> gpus;
    for (Device* member : lane.devices) gpus.push_back(member->context.gpu);
    group.clique = std::make_shared<cuda::Clique>(group.size(), lane.members, gpus, [&](cuda::ncclUniqueId& id) {
      if (!group.party) return;
      // The root's id is the only one that is not zero.
      std::vector<std::array<char, sizeof id.internal>> mine(lane.members.size()), all(mine);
      std::memcpy(mine[0].data(), id.internal, sizeof id.internal);
      std::vector<Operand> operands;
      for (std::size_t m = 0; m < mine.size(); ++m)
        operands.push_back({mine[m].data(), all[m].data(), DType::uint8, static_cast<std::int64_t>(sizeof id.internal)});
      std::vector<Message> each(mine.size());
      std::vector<const Message*> messages;
      for (std::size_t m = 0; m < mine.size(); ++m) {
        each[m].verb = Verb::all_reduce, each[m].reduction = Reduction::max, each[m].site = message.site;
        each[m].operands = {&operands[m], 1};
        messages.push_back(&each[m]);
      }
      group.party->meet(messages, {}, [&](const Wait& wait) { device.lane->await(device, wait); });
      std::memcpy(id.internal, all[0].data(), sizeof id.internal);
    });
  }
  group.clique->run(lane.messages);
}

}  // namespace

void meet(Device& device, const Membership& me, Message& message) {
  GroupLane& lane = *me.lane;
  if (device.lane->run().failed()) device.lane->cancel();
  check(message, me);
  device.waiting = &message;
  lane.messages[static_cast<std::size_t>(me.slot)] = &message;
  const auto members = static_cast<int>(lane.members.size());
  if (++lane.arrived < members) {
    device.lane->park(device);
    device.waiting = nullptr;
    return;
  }
  lane.arrived = 0;
  ++lane.meeting;
  const std::size_t pointers = static_cast<std::size_t>(me.group->size()) * message.operands.size();
  if (lane.inputs.size() < pointers) lane.inputs.resize(pointers), lane.outputs.resize(pointers);
  if (members > 1) {
    std::uint64_t signature = message.signature();
    for (const Message* other : lane.messages)
      if (other->signature() != signature) {
        // Members on other lanes may be anywhere; name those that are known.
        if (me.group->lanes.size() == 1) mismatch(me, message);
        throw at_site("the devices of a group call different collectives:\n  device " +
                          std::to_string(device.context.rank) + ": " + message.describe() +
                          "\n  another: " + other->describe(),
                      *message.site);
      }
  }
  if (me.group->lanes.size() == 1 && !me.group->party) {
    if (message.on_gpus)
      meet_on_gpus(me, message, device);
    else
      meet_on_lane(me, message);
  } else {
    bool failed = false;
    try {
      if (message.on_gpus)
        meet_on_gpus(me, message, device);
      else if (me.group->party)
        meet_processes(device, me, message);
      else
        meet_lanes(device, me, message);
    } catch (const Cancelled&) {
      throw;
    } catch (...) {
      device.lane->run().fail(std::current_exception());
      failed = true;
    }
    if (failed) device.lane->cancel();  // other lanes may still be reading what this device has shown
  }
  for (Device* other : lane.devices)
    if (other != &device) device.lane->release(*other);
  device.waiting = nullptr;
}

namespace {

class InProcessCommunicator final : public Communicator {
 public:
  InProcessCommunicator(Device& device, Membership membership) : device_(device), me_(membership) {}

  int rank() const override { return me_.member; }
  int size() const override { return me_.group->size(); }

  void all_reduce(std::span<const Operand> operands, Reduction reduction, const Site& site) override {
    Message message = make(Verb::all_reduce, operands, site);
    message.reduction = reduction;
    go(message);
  }
  void all_gather(std::span<const Operand> operands, const Site& site) override {
    Message message = make(Verb::all_gather, operands, site);
    go(message);
  }
  void reduce_scatter(std::span<const Operand> operands, Reduction reduction, const Site& site) override {
    Message message = make(Verb::reduce_scatter, operands, site);
    message.reduction = reduction;
    go(message);
  }
  void all_to_all(std::span<const Operand> operands, const Site& site) override {
    Message message = make(Verb::all_to_all, operands, site);
    go(message);
  }
  void all_to_allv(std::span<const Operand> operands, const Routing& routing, const Site& site) override {
    auto size = static_cast<std::size_t>(this->size());
    if (routing.send_counts.size() != size || routing.send_offsets.size() != size ||
        routing.receive_counts.size() != size || routing.receive_offsets.size() != size)
      throw at_site(fmt::format("counts and offsets must have one entry for each of the {} members", size), site);
    Message message = make(Verb::all_to_allv, operands, site);
    message.routing = &routing;
    go(message);
  }
  void permute(std::span<const Operand> operands, std::span<const std::pair<int, int>> pairs,
               const Site& site) override {
    Message message = make(Verb::permute, operands, site);
    message.pairs = pairs;
    go(message);
  }
  void broadcast(std::span<const Operand> operands, int root, const Site& site) override {
    Message message = make(Verb::broadcast, operands, site);
    message.root = root;
    go(message);
  }
  void barrier(const Site& site) override {
    Message message = make(Verb::barrier, {}, site);
    go(message);
  }

  std::unique_ptr<Communicator> split(int color, int key, const Site& site) override {
    const std::int32_t mine[2] = {color, key};
    std::vector<std::int32_t> all(2 * static_cast<std::size_t>(size()));
    const Operand operand{mine, all.data(), DType::int32, 2};
    all_gather({&operand, 1}, site);
    if (color < 0) return nullptr;
    std::vector<std::pair<int, int>> chosen;  // key, rank here
    for (int m = 0; m < size(); ++m)
      if (all[2 * static_cast<std::size_t>(m)] == color)
        chosen.emplace_back(all[2 * static_cast<std::size_t>(m) + 1], m);
    std::sort(chosen.begin(), chosen.end());
    std::vector<int> ranks;
    for (auto [unused, m] : chosen) ranks.push_back(me_.group->ranks[static_cast<std::size_t>(m)]);
    return std::make_unique<InProcessCommunicator>(device_, device_.lane->run().join(device_, ranks));
  }

 private:
  static Message make(Verb verb, std::span<const Operand> operands, const Site& site) {
    Message message;
    message.verb = verb, message.operands = operands, message.site = &site;
    return message;
  }

  /// Of GPUs: by way of their memory, where they exchange among themselves.
  void go(Message& message) {
    cuda::Gpu* gpu = device_.context.gpu;
    if (!gpu || !cuda::nccl() || !cuda::Clique::takes(message)) return meet(device_, me_, message);
    cuda::Copies there(*gpu, cuda::Copies::Place::gpu, message.verb, size(), message.operands);
    message.operands = there.operands();
    message.on_gpus = true;
    meet(device_, me_, message);
    there.bring_back();
  }

  Device& device_;
  Membership me_;
};

}  // namespace

std::unique_ptr<Communicator> make_communicator(Device& device, const std::vector<int>& ranks) {
  return std::make_unique<InProcessCommunicator>(device, device.lane->run().join(device, ranks));
}

void run_collective(skein_context* context, const skein_collective& collective, const void* const* inputs,
                    void* const* outputs) {
  if (!context->device)
    throw InternalError("a collective outside every mesh", collective.site.op, collective.site.file,
                        static_cast<unsigned>(collective.site.line));
  Device& device = *context->device;
  const Membership& me = device.lane->run().resolve(device, collective);
  constexpr int few = 8;
  Operand few_operands[few];
  std::vector<Operand> many;
  Operand* operands = few_operands;
  if (collective.operand_count > few)
    many.resize(static_cast<std::size_t>(collective.operand_count)), operands = many.data();
  for (int i = 0; i < collective.operand_count; ++i)
    operands[i] = {inputs[i], outputs[i], static_cast<DType>(collective.dtypes[i]), collective.counts[i]};
  Message message;
  message.operands = {operands, static_cast<std::size_t>(collective.operand_count)};
  message.site = &collective.site;
  std::vector<std::pair<int, int>> pairs;
  switch (collective.verb) {
    case SKEIN_ALL_REDUCE:
      message.verb = Verb::all_reduce;
      break;
    case SKEIN_ALL_GATHER:
      message.verb = Verb::all_gather;
      break;
    case SKEIN_REDUCE_SCATTER:
      message.verb = Verb::reduce_scatter;
      break;
    case SKEIN_ALL_TO_ALL:
      message.verb = Verb::all_to_all;
      break;
    case SKEIN_PERMUTE:
      message.verb = Verb::permute;
      for (int i = 0; i < collective.pair_count; ++i)
        pairs.emplace_back(collective.pairs[2 * i], collective.pairs[2 * i + 1]);
      message.pairs = pairs;
      break;
    default:
      throw InternalError(fmt::format("no collective has the number {}", collective.verb), collective.site.op,
                          collective.site.file, 0);
  }
  message.reduction = static_cast<Reduction>(collective.reduction);
  if (!context->gpu) return meet(device, me, message);
  message.on_gpus = cuda::nccl() && cuda::Clique::takes(message);
  if (message.on_gpus) return meet(device, me, message);
  // The same on copies in host memory, by what the host's devices do.
  cuda::Copies here(*context->gpu, cuda::Copies::Place::host, message.verb, me.group->size(), message.operands);
  message.operands = here.operands();
  meet(device, me, message);
  here.bring_back();
}

}  // namespace skein::runtime::cpu
