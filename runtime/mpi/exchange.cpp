#include "runtime/mpi/exchange.h"

#include "runtime/mpi/meeting.h"

namespace skein::runtime::mpi {

std::string describe(const Header& header) {
  Operand operand{nullptr, nullptr, static_cast<DType>(header.dtype), header.count};
  Site site{header.op, header.file, header.line};
  Message message;
  message.verb = static_cast<Verb>(header.verb), message.reduction = static_cast<Reduction>(header.reduction),
  message.site = &site;
  if (header.operands) message.operands = {&operand, 1};
  return message.describe() + (header.operands > 1 ? fmt::format(" and {} more arrays", header.operands - 1) : "");
}

/// The last part of a path, that has room.
std::string_view tail(std::string_view path, std::size_t room) {
  return path.size() < room ? path : path.substr(path.rfind('/') + 1).substr(0, room - 1);
}

Party::Party(World& world, const std::vector<int>& ranks) : world_(world), ranks_(ranks) {
  for (std::size_t m = 0; m < ranks.size(); ++m) {
    int process = world.process_of(ranks[m]);
    auto at = static_cast<std::size_t>(std::find(processes_.begin(), processes_.end(), process) - processes_.begin());
    if (at == processes_.size()) {
      if (process == world.rank()) me_ = at;
      processes_.push_back(process);
      members_.emplace_back();
    }
    members_[at].push_back(static_cast<int>(m));
    process_index_.push_back(at);
    most_members_ = std::max(most_members_, members_[at].size());
  }
  payload_room_ = std::max(std::min(most_payload, most_together / processes_.size() / 64 * 64), least_payload);
  slot_bytes_ = sizeof(Header) + std::max(payload_room_, padded(most_members_ * ranks.size() * sizeof(std::int64_t)));
  slots_.resize(processes_.size() * slot_bytes_);
}

void Meeting::run() {
  if (first.on_gpus) {  // they move the data themselves; here only who calls what is compared
    fill_header(0);
    gather_headers();
    return check_headers();
  }
  if (few()) return exchange_few();
  std::size_t with_header = 0;
  if (first.verb == Verb::all_to_allv)
    for (const Message* message : messages) {
      std::copy(message->routing->send_counts.begin(), message->routing->send_counts.end(),
                reinterpret_cast<std::int64_t*>(payload(me) + with_header));
      with_header += size * sizeof(std::int64_t);
    }
  fill_header(with_header);
  gather_headers();
  switch (first.verb) {
    case Verb::all_reduce:
      all_reduce();
      break;
    case Verb::all_gather:
      all_gather();
      break;
    case Verb::reduce_scatter:
      reduce_scatter();
      break;
    case Verb::all_to_all:
      all_to_all();
      break;
    case Verb::permute:
      permute();
      break;
    case Verb::broadcast:
      broadcast();
      break;
    case Verb::all_to_allv:
      all_to_allv();
      break;
    case Verb::barrier:
      break;
  }
  check_headers();
}

void Party::meet(std::span<const cpu::Message* const> messages, std::span<cpu::Worker* const> workers,
                 const std::function<void(const cpu::Wait&)>& await) {
  Meeting{*this, messages, workers, await}.run();
}

}  // namespace skein::runtime::mpi
