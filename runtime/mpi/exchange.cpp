#include "runtime/mpi/exchange.h"

#include "runtime/buffer.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <sched.h>
#include <algorithm>
#include <cstring>
#include <utility>

namespace skein::runtime::mpi {

using cpu::Message;
using cpu::Verb;
using Clock = std::chrono::steady_clock;

namespace {

// Payloads up to this travel with the headers; with many processes only smaller ones do, as each gets those of all.
constexpr std::size_t most_payload = 16 << 10, most_together = 128 << 10, least_payload = 256;
constexpr std::size_t worth_packing = 2 << 10;  // one array beyond this goes by itself, where nothing is added up
constexpr std::size_t direct_processes = 8;  // up to so many send to each other at once; more pass headers on in rounds
constexpr std::size_t segment_bytes = 1 << 20;

struct Header {
  std::uint64_t signature, run;
  std::int64_t count, payload;
  std::int32_t device, line;
  std::uint8_t verb, reduction, dtype, operands;
  char op[32], file[52];
};

std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }
std::size_t bytes_of(const Operand& operand) { return static_cast<std::size_t>(operand.count) * itemsize(operand.dtype); }

std::string describe(const Header& header) {
  Operand operand{nullptr, nullptr, static_cast<DType>(header.dtype), header.count};
  Site site{header.op, header.file, header.line};
  Message message;
  message.verb = static_cast<Verb>(header.verb), message.reduction = static_cast<Reduction>(header.reduction), message.site = &site;
  if (header.operands) message.operands = {&operand, 1};
  return message.describe() + (header.operands > 1 ? fmt::format(" and {} more arrays", header.operands - 1) : "");
}

/// The last part of a path, that has room.
std::string_view tail(std::string_view path, std::size_t room) { return path.size() < room ? path : path.substr(path.rfind('/') + 1).substr(0, room - 1); }

}  // namespace

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

/// One meeting, from the headers to the last byte.
struct Meeting {
  Party& party;
  std::span<const Message* const> messages;
  std::span<cpu::Worker* const> workers;
  const std::function<void(const cpu::Wait&)>& await;
  const Message& first = *messages[0];
  World& world = party.world_;
  const std::size_t size = party.ranks_.size(), processes = party.processes_.size(), me = party.me_;
  const int tag = world.tag_of(party.ranks_);

  /// Messages on their way, and with whom.
  struct Pending final : cpu::Wait {
    explicit Pending(const Meeting& m) : meeting(m), since(Clock::now()) {}
    // What a failed run leaves behind: nobody may write to these arrays any more, and who reads them has a moment to do so.
    ~Pending() override {
      for (One& one : requests)
        if (one.receives) meeting.world.cancel(one.request);
      const Clock::time_point begin = Clock::now();
      for (One& one : requests)
        while (!arrived(one) && Clock::now() - begin < std::chrono::milliseconds(100)) sched_yield();
    }
    struct One {
      Request request;
      int process;
      bool receives;
    };
    bool ready() const override {
      for (; done < requests.size(); ++done)
        if (!arrived(requests[done])) return false;
      return true;
    }
    // A message that does not fit is one of another collective: its header tells which.
    bool arrived(One& one) const {
      try {
        return meeting.world.test(one.request);
      } catch (const std::runtime_error& error) {
        one.request = 0;
        if (failure.empty()) failure = error.what();
        return true;
      }
    }
    bool remote() const override { return true; }
    std::exception_ptr trouble() const override {
      std::vector<int> missing;
      for (One& one : requests)
        if (!arrived(one) && std::find(missing.begin(), missing.end(), one.process) == missing.end()) missing.push_back(one.process);
      if (missing.empty()) return nullptr;
      return meeting.world.trouble(missing, since, meeting.where(), *meeting.first.site);
    }
    const Meeting& meeting;
    Clock::time_point since;
    mutable std::vector<One> requests;
    mutable std::size_t done = 0;
    mutable std::string failure;
  };
  Pending headers{*this};

  /// "  device 1: waits in psum of float32[4] at f.cpp:12", a line for each member here.
  std::string where() const {
    std::string text;
    for (std::size_t i = 0; i < messages.size(); ++i)
      text += fmt::format("{}  device {}: waits in {}", i ? "\n" : "", party.ranks_[static_cast<std::size_t>(party.here()[i])], messages[i]->describe());
    return text;
  }

  void send(Pending& pending, const void* data, std::size_t bytes, std::size_t to) {
    auto* at = static_cast<const char*>(data);
    do {
      std::size_t part = std::min(bytes, Transport::most_bytes);
      if (Request request = world.send(at, part, party.processes_[to], tag)) pending.requests.push_back({request, party.processes_[to], false});
      at += part, bytes -= part;
    } while (bytes > 0);
  }
  void receive(Pending& pending, void* data, std::size_t bytes, std::size_t from) {
    auto* at = static_cast<char*>(data);
    do {
      std::size_t part = std::min(bytes, Transport::most_bytes);
      pending.requests.push_back({world.receive(at, part, party.processes_[from], tag), party.processes_[from], true});
      at += part, bytes -= part;
    } while (bytes > 0);
  }
  void wait(Pending& pending) {
    if (&pending != &headers) check_headers();
    if (!pending.ready()) await(pending);
    pending.requests.clear(), pending.done = 0;
    if (pending.failure.empty()) return;
    const Site& site = *first.site;
    throw RuntimeError(pending.failure, site.op ? site.op : "", site.file ? site.file : "", static_cast<unsigned>(site.line));
  }

  // ---- headers ----

  /// Slots are counted from this process on.
  char* slot(std::size_t process) { return party.slots_.data() + (process + processes - me) % processes * party.slot_bytes_; }
  Header& header(std::size_t process) { return *reinterpret_cast<Header*>(slot(process)); }
  char* payload(std::size_t process) { return slot(process) + sizeof(Header); }

  void fill_header(std::size_t payload_bytes) {
    Header& h = header(me);
    h = {};
    h.signature = first.signature(), h.run = world.run(), h.payload = static_cast<std::int64_t>(payload_bytes);
    h.device = party.ranks_[static_cast<std::size_t>(party.here()[0])];
    h.verb = static_cast<std::uint8_t>(first.verb), h.reduction = static_cast<std::uint8_t>(first.reduction);
    h.operands = static_cast<std::uint8_t>(std::min<std::size_t>(first.operands.size(), 255));
    if (!first.operands.empty()) h.dtype = static_cast<std::uint8_t>(first.operands[0].dtype), h.count = first.operands[0].count;
    h.line = first.site->line;
    std::string_view op = first.site->op ? first.site->op : "", file = tail(first.site->file ? first.site->file : "", sizeof h.file);
    std::copy_n(op.data(), std::min(op.size(), sizeof h.op - 1), h.op);
    std::copy_n(file.data(), file.size(), h.file);
  }

  /// Headers set out; with few processes data may follow at once, before those of the others are here.
  void gather_headers() {
    Pending& pending = headers;
    const std::size_t mine = sizeof(Header) + static_cast<std::size_t>(header(me).payload);
    if (processes <= direct_processes) {
      for (std::size_t step = 1; step < processes; ++step) receive(pending, slot((me + step) % processes), party.slot_bytes_, (me + step) % processes);
      for (std::size_t step = 1; step < processes; ++step) send(pending, slot(me), mine, (me + processes - step) % processes);
    } else {
      // Each round doubles what is known (Bruck and others, "Efficient algorithms for all-to-all communications", 1997).
      party.unpacked_.resize(processes * party.slot_bytes_);
      for (std::size_t known = 1; known < processes;) {
        const std::size_t count = std::min(known, processes - known);
        receive(pending, party.unpacked_.data(), count * party.slot_bytes_, (me + known) % processes);
        party.packed_.clear();
        for (std::size_t k = 0; k < count; ++k) {
          const char* from = slot((me + k) % processes);
          party.packed_.insert(party.packed_.end(), from, from + sizeof(Header) + reinterpret_cast<const Header*>(from)->payload);
        }
        send(pending, party.packed_.data(), party.packed_.size(), (me + processes - known) % processes);
        wait(pending);
        const char* at = party.unpacked_.data();
        for (std::size_t k = 0; k < count; ++k) {
          std::size_t bytes = sizeof(Header) + static_cast<std::size_t>(reinterpret_cast<const Header*>(at)->payload);
          std::memcpy(slot((me + known + k) % processes), at, bytes);
          at += bytes;
        }
        known += count;
      }
    }
    unchecked = true;
  }
  bool unchecked = false;
  void check_headers() {
    if (!unchecked) return;
    unchecked = false;
    wait(headers);
    for (std::size_t p = 0; p < processes; ++p)
      if (header(p).signature != header(me).signature || header(p).run != header(me).run) mismatch();
  }

  [[noreturn]] void mismatch() {
    std::string text = "the devices of a group call different collectives:";
    for (std::size_t p = 0; p < processes; ++p)
      text += fmt::format("\n  device {}: {}{}", header(p).device, describe(header(p)), header(p).run == header(me).run ? "" : ", in another program or run");
    const Site& site = *first.site;
    throw UserError(text, site.op ? site.op : "", site.file ? site.file : "", static_cast<unsigned>(site.line));
  }

  // ---- few data: all members' inputs travel with the headers ----

  std::size_t blocks() const { return first.verb == Verb::reduce_scatter || first.verb == Verb::all_to_all ? size : 1; }
  std::size_t member_bytes() const {
    std::size_t total = 0;
    for (const Operand& operand : first.operands) total += padded(bytes_of(operand) * blocks());
    return total;
  }
  bool few() const {
    if (first.verb == Verb::barrier) return true;
    if (first.verb == Verb::all_to_allv) return false;
    const std::size_t bytes = member_bytes() * party.most_members_;
    return bytes <= party.payload_room_ && (bytes <= worth_packing || first.verb == Verb::all_reduce || first.operands.size() > 1);
  }

  void exchange_few() {
    char* at = payload(me);
    for (const Message* message : messages)
      for (const Operand& operand : message->operands) {
        const std::size_t bytes = bytes_of(operand) * blocks();
        if (bytes) std::memcpy(at, operand.input, bytes);
        at += padded(bytes);
      }
    fill_header(static_cast<std::size_t>(at - payload(me)));
    gather_headers();
    check_headers();
    if (first.verb == Verb::barrier) return;
    const std::size_t operands = first.operands.size();
    std::vector<const void*> inputs(size * operands);
    std::vector<void*> outputs(size * operands);
    for (std::size_t p = 0; p < processes; ++p) {
      const char* from = payload(p);
      for (int member : party.members_[p])
        for (std::size_t o = 0; o < operands; ++o) {
          inputs[static_cast<std::size_t>(member) * operands + o] = from;
          from += padded(bytes_of(first.operands[o]) * blocks());
        }
    }
    for (std::size_t i = 0; i < messages.size(); ++i)
      for (std::size_t o = 0; o < operands; ++o) outputs[static_cast<std::size_t>(party.here()[i]) * operands + o] = messages[i]->operands[o].output;
    cpu::move_data({&first, static_cast<int>(size), inputs.data(), outputs.data(), party.here()}, workers);
  }

  // ---- much data ----

  /// The inputs of the members here added up: where there is one member it is its input, else what `into` then holds.
  const char* local_sum(std::size_t o, std::int64_t begin, std::int64_t end, void* into) {
    if (messages.size() == 1) return static_cast<const char*>(first.operands[o].input);
    std::vector<const void*> inputs;
    for (const Message* message : messages) inputs.push_back(message->operands[o].input);
    cpu::add_up(first, first.operands[o].dtype, inputs, {&into, 1}, begin, end, workers);
    return static_cast<const char*>(into);
  }

  void all_reduce() {
    // Of each array this process adds up one share, segment by segment, and hands the sums on.
    struct Part {
      std::size_t operand;
      std::int64_t begin, end;        // of this process's share, in elements
      Buffer others;                  // the same elements of the other processes
      const char* mine;
    };
    const std::size_t operands = first.operands.size();
    auto edge = [&](std::size_t o, std::size_t p) {
      const std::int64_t count = first.operands[o].count;
      return p == processes ? count : count * static_cast<std::int64_t>(p) / static_cast<std::int64_t>(processes) / 64 * 64;
    };
    auto element = [&](std::size_t o) { return static_cast<std::int64_t>(itemsize(first.operands[o].dtype)); };
    auto output = [&](std::size_t o) { return static_cast<char*>(first.operands[o].output); };
    std::vector<const char*> sums(operands);
    for (std::size_t o = 0; o < operands; ++o) sums[o] = local_sum(o, 0, first.operands[o].count, first.operands[o].output);

    for (std::size_t o = 0; o < operands; ++o) {
      const std::int64_t bytes = element(o), step = static_cast<std::int64_t>(segment_bytes) / bytes;
      std::int64_t longest = 0;
      for (std::size_t p = 0; p < processes; ++p) longest = std::max(longest, edge(o, p + 1) - edge(o, p));
      const std::int64_t begin = edge(o, me), length = edge(o, me + 1) - begin;
      Buffer others = Buffer::allocate(static_cast<std::size_t>(length * bytes) * (processes - 1) + 1);
      auto theirs = [&](std::size_t p) { return static_cast<char*>(others.data()) + static_cast<std::int64_t>(p < me ? p : p - 1) * length * bytes; };
      const std::int64_t segments = std::max<std::int64_t>(1, (longest + step - 1) / step);
      auto cut = [&](std::size_t p, std::int64_t s) {  // segment s of the share of p
        const std::int64_t from = edge(o, p), all = edge(o, p + 1) - from;
        return std::pair{from + std::min(all, s * step), from + std::min(all, (s + 1) * step)};
      };
      std::vector<std::unique_ptr<Pending>> gathered;
      for (std::int64_t s = 0; s < segments; ++s) {
        gathered.push_back(std::make_unique<Pending>(*this));
        for (std::size_t k = 1; k < processes; ++k) {
          const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
          auto [my_begin, my_end] = cut(me, s);
          auto [their_begin, their_end] = cut(to, s);
          if (my_end > my_begin) receive(*gathered.back(), theirs(from) + (my_begin - begin) * bytes, static_cast<std::size_t>((my_end - my_begin) * bytes), from);
          if (their_end > their_begin) send(*gathered.back(), sums[o] + their_begin * bytes, static_cast<std::size_t>((their_end - their_begin) * bytes), to);
        }
      }
      Pending handed_on(*this);
      for (std::int64_t s = 0; s < segments; ++s) {
        wait(*gathered[static_cast<std::size_t>(s)]);
        auto [my_begin, my_end] = cut(me, s);
        if (my_end > my_begin) {
          std::vector<const void*> inputs;  // element my_begin of each
          for (std::size_t p = 0; p < processes; ++p) inputs.push_back(p == me ? sums[o] + my_begin * bytes : theirs(p) + (my_begin - begin) * bytes);
          void* to = output(o) + my_begin * bytes;
          cpu::add_up(first, first.operands[o].dtype, inputs, {&to, 1}, 0, my_end - my_begin, workers);
        }
        for (std::size_t k = 1; k < processes; ++k) {
          const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
          auto [their_begin, their_end] = cut(from, s);
          if (their_end > their_begin) receive(handed_on, output(o) + their_begin * bytes, static_cast<std::size_t>((their_end - their_begin) * bytes), from);
          if (my_end > my_begin) send(handed_on, output(o) + my_begin * bytes, static_cast<std::size_t>((my_end - my_begin) * bytes), to);
        }
      }
      wait(handed_on);
      for (std::size_t i = 1; i < messages.size(); ++i)
        cpu::copy_array(messages[i]->operands[o].output, output(o), first.operands[o].count * bytes, workers);
    }
  }

  void all_gather() {
    Pending pending(*this);
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t block = bytes_of(first.operands[o]);
      auto* out = static_cast<char*>(first.operands[o].output);
      for (std::size_t k = 1; k < processes; ++k) {
        const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
        for (int member : party.members_[from]) receive(pending, out + static_cast<std::size_t>(member) * block, block, from);
        for (const Message* message : messages) send(pending, message->operands[o].input, block, to);
      }
    }
    for (std::size_t i = 0; i < messages.size(); ++i)
      for (std::size_t o = 0; o < first.operands.size(); ++o) {
        const std::size_t block = bytes_of(first.operands[o]);
        for (const Message* to : messages)
          cpu::copy_array(static_cast<char*>(to->operands[o].output) + static_cast<std::size_t>(party.here()[i]) * block, messages[i]->operands[o].input,
                          static_cast<std::int64_t>(block), workers);
      }
    wait(pending);
    for (std::size_t i = 1; i < messages.size(); ++i)
      for (std::size_t o = 0; o < first.operands.size(); ++o)
        for (std::size_t p = 0; p < processes; ++p)
          for (int member : party.members_[p]) {
            const std::size_t at = static_cast<std::size_t>(member) * bytes_of(first.operands[o]);
            if (p != me) cpu::copy_array(static_cast<char*>(messages[i]->operands[o].output) + at, static_cast<char*>(first.operands[o].output) + at,
                                         static_cast<std::int64_t>(bytes_of(first.operands[o])), workers);
          }
  }

  void reduce_scatter() {
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::int64_t count = first.operands[o].count;
      const std::size_t block = bytes_of(first.operands[o]);
      Buffer sums = messages.size() > 1 ? Buffer::allocate(block * size + 1) : Buffer();
      const char* mine = local_sum(o, 0, count * static_cast<std::int64_t>(size), sums.data());
      Buffer others = Buffer::allocate(block * messages.size() * (processes - 1) + 1);
      Pending pending(*this);
      auto theirs = [&](std::size_t p, std::size_t i) { return static_cast<char*>(others.data()) + ((p < me ? p : p - 1) * messages.size() + i) * block; };
      for (std::size_t k = 1; k < processes; ++k) {
        const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
        for (std::size_t i = 0; i < messages.size(); ++i) receive(pending, theirs(from, i), block, from);
        for (int member : party.members_[to]) send(pending, mine + static_cast<std::size_t>(member) * block, block, to);
      }
      wait(pending);
      for (std::size_t i = 0; i < messages.size(); ++i) {
        std::vector<const void*> inputs;
        for (std::size_t p = 0; p < processes; ++p) inputs.push_back(p == me ? mine + static_cast<std::size_t>(party.here()[i]) * block : theirs(p, i));
        cpu::add_up(first, first.operands[o].dtype, inputs, {&messages[i]->operands[o].output, 1}, 0, count, workers);
      }
    }
  }

  void all_to_all() {
    Pending pending(*this);
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t block = bytes_of(first.operands[o]);
      auto in = [&](std::size_t i, int member) { return static_cast<const char*>(messages[i]->operands[o].input) + static_cast<std::size_t>(member) * block; };
      auto out = [&](std::size_t i, int member) { return static_cast<char*>(messages[i]->operands[o].output) + static_cast<std::size_t>(member) * block; };
      for (std::size_t k = 1; k < processes; ++k) {
        const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
        for (int source : party.members_[from])
          for (std::size_t i = 0; i < messages.size(); ++i) receive(pending, out(i, source), block, from);
        for (std::size_t i = 0; i < messages.size(); ++i)
          for (int target : party.members_[to]) send(pending, in(i, target), block, to);
      }
      for (std::size_t i = 0; i < messages.size(); ++i)
        for (std::size_t j = 0; j < messages.size(); ++j) cpu::copy_array(out(j, party.here()[i]), in(i, party.here()[j]), static_cast<std::int64_t>(block), workers);
    }
    wait(pending);
  }

  /// The message of a member, where it is on this process.
  const Message* here(int member) const {
    auto found = std::find(party.here().begin(), party.here().end(), member);
    return found == party.here().end() ? nullptr : messages[static_cast<std::size_t>(found - party.here().begin())];
  }

  void permute() {
    Pending pending(*this);
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t block = bytes_of(first.operands[o]);
      std::vector<bool> gets(messages.size());
      for (auto [source, destination] : first.pairs) {
        const Message *from = here(source), *to = here(destination);
        if (to) gets[static_cast<std::size_t>(std::find(messages.begin(), messages.end(), to) - messages.begin())] = true;
        if (from && to)
          cpu::copy_array(to->operands[o].output, from->operands[o].input, static_cast<std::int64_t>(block), workers);
        else if (from)
          send(pending, from->operands[o].input, block, party.process_index_[static_cast<std::size_t>(destination)]);
        else if (to)
          receive(pending, to->operands[o].output, block, party.process_index_[static_cast<std::size_t>(source)]);
      }
      for (std::size_t i = 0; i < messages.size(); ++i)
        if (!gets[i]) std::memset(messages[i]->operands[o].output, 0, block);
    }
    wait(pending);
  }

  void broadcast() {
    // A binomial tree of the processes, from the root's on.
    const std::size_t root = party.process_index_[static_cast<std::size_t>(first.root)], at = (me + processes - root) % processes;
    const Message* source = here(first.root);
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t bytes = bytes_of(first.operands[o]);
      Pending pending(*this);
      const void* data = source ? source->operands[o].input : first.operands[o].output;
      std::size_t span = 1;
      while (span < processes && !(at & span)) span *= 2;
      if (at) {
        receive(pending, first.operands[o].output, bytes, (at - span + root) % processes);
        wait(pending);
      }
      for (std::size_t half = span / 2; half; half /= 2)
        if (at + half < processes) send(pending, data, bytes, (at + half + root) % processes);
      for (const Message* message : messages)
        if (message->operands[o].output != data) cpu::copy_array(message->operands[o].output, data, static_cast<std::int64_t>(bytes), workers);
      wait(pending);
    }
  }

  void all_to_allv() {
    check_headers();  // row counts have come with them
    auto counts = [&](std::size_t p, std::size_t i) { return reinterpret_cast<const std::int64_t*>(payload(p)) + i * size; };
    for (std::size_t i = 0; i < messages.size(); ++i) {
      const auto to = static_cast<std::size_t>(party.here()[i]);
      for (std::size_t p = 0; p < processes; ++p)
        for (std::size_t s = 0; s < party.members_[p].size(); ++s) {
          const auto from = static_cast<std::size_t>(party.members_[p][s]);
          const std::int64_t sent = counts(p, s)[to], expected = messages[i]->routing->receive_counts[from];
          if (sent != expected)
            throw UserError(fmt::format("rank {} sends {} rows to rank {}, which expects {}", from, sent, to, expected), messages[i]->site->op,
                            messages[i]->site->file, static_cast<unsigned>(messages[i]->site->line));
        }
    }
    Pending pending(*this);
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t row = bytes_of(first.operands[o]);
      auto in = [&](std::size_t i, int member) {
        return static_cast<const char*>(messages[i]->operands[o].input) + static_cast<std::size_t>(messages[i]->routing->send_offsets[static_cast<std::size_t>(member)]) * row;
      };
      auto out = [&](std::size_t i, int member) {
        return static_cast<char*>(messages[i]->operands[o].output) + static_cast<std::size_t>(messages[i]->routing->receive_offsets[static_cast<std::size_t>(member)]) * row;
      };
      auto sent = [&](std::size_t i, int member) { return static_cast<std::size_t>(messages[i]->routing->send_counts[static_cast<std::size_t>(member)]) * row; };
      auto received = [&](std::size_t i, int member) { return static_cast<std::size_t>(messages[i]->routing->receive_counts[static_cast<std::size_t>(member)]) * row; };
      for (std::size_t k = 1; k < processes; ++k) {
        const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
        for (int source : party.members_[from])
          for (std::size_t i = 0; i < messages.size(); ++i)
            if (received(i, source)) receive(pending, out(i, source), received(i, source), from);
        for (std::size_t i = 0; i < messages.size(); ++i)
          for (int target : party.members_[to])
            if (sent(i, target)) send(pending, in(i, target), sent(i, target), to);
      }
      for (std::size_t i = 0; i < messages.size(); ++i)
        for (std::size_t j = 0; j < messages.size(); ++j)
          cpu::copy_array(out(j, party.here()[i]), in(i, party.here()[j]), static_cast<std::int64_t>(sent(i, party.here()[j])), workers);
    }
    wait(pending);
  }

  void run() {
    if (few()) return exchange_few();
    std::size_t with_header = 0;
    if (first.verb == Verb::all_to_allv)
      for (const Message* message : messages) {
        std::copy(message->routing->send_counts.begin(), message->routing->send_counts.end(), reinterpret_cast<std::int64_t*>(payload(me) + with_header));
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
};

void Party::meet(std::span<const cpu::Message* const> messages, std::span<cpu::Worker* const> workers, const std::function<void(const cpu::Wait&)>& await) {
  Meeting{*this, messages, workers, await}.run();
}

}  // namespace skein::runtime::mpi
