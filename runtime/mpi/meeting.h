#pragma once
// One meeting of a group's processes: headers and few data here, much data in transfers.cpp.

#include "runtime/mpi/exchange.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <sched.h>
#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace skein::runtime::mpi {

using cpu::Message;
using cpu::Verb;
using Clock = std::chrono::steady_clock;

// Payloads up to this travel with the headers; with many processes only smaller ones do, as each gets those of all. One
// array beyond `worth_packing` goes by itself, where nothing is added up.
inline constexpr std::size_t most_payload = 16 << 10, most_together = 128 << 10, least_payload = 256;
inline constexpr std::size_t worth_packing = 2 << 10;
// Up to so many processes send to each other at once; more pass headers on in rounds.
inline constexpr std::size_t direct_processes = 8;

/// What goes before the data of a meeting, from every process to the others.
struct Header {
  std::uint64_t signature, run;
  std::int64_t count, payload;
  std::int32_t device, line;
  std::uint8_t verb, reduction, dtype, operands;
  char op[32], file[52];
};

std::string describe(const Header&);
/// The last part of a path, that has room.
std::string_view tail(std::string_view path, std::size_t room);

inline std::size_t padded(std::size_t bytes) { return (bytes + 7) / 8 * 8; }
inline std::size_t bytes_of(const Operand& operand) {
  return static_cast<std::size_t>(operand.count) * itemsize(operand.dtype);
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
    // What a failed run leaves behind: nobody may write to these arrays any more, and who reads them has a moment to do
    // so.
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
        if (!arrived(one) && std::find(missing.begin(), missing.end(), one.process) == missing.end())
          missing.push_back(one.process);
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
      text += fmt::format("{}  device {}: waits in {}", i ? "\n" : "",
                          party.ranks_[static_cast<std::size_t>(party.here()[i])], messages[i]->describe());
    return text;
  }

  void send(Pending& pending, const void* data, std::size_t bytes, std::size_t to) {
    auto* at = static_cast<const char*>(data);
    do {
      std::size_t part = std::min(bytes, Transport::most_bytes);
      if (Request request = world.send(at, part, party.processes_[to], tag))
        pending.requests.push_back({request, party.processes_[to], false});
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
    throw RuntimeError(pending.failure, site.op ? site.op : "", site.file ? site.file : "",
                       static_cast<unsigned>(site.line));
  }

  // ---- headers ----

  /// Slots are counted from this process on.
  char* slot(std::size_t process) {
    return party.slots_.data() + (process + processes - me) % processes * party.slot_bytes_;
  }
  Header& header(std::size_t process) { return *reinterpret_cast<Header*>(slot(process)); }
  char* payload(std::size_t process) { return slot(process) + sizeof(Header); }

  void fill_header(std::size_t payload_bytes) {
    Header& h = header(me);
    h = {};
    h.signature = first.signature(), h.run = world.run(), h.payload = static_cast<std::int64_t>(payload_bytes);
    h.device = party.ranks_[static_cast<std::size_t>(party.here()[0])];
    h.verb = static_cast<std::uint8_t>(first.verb), h.reduction = static_cast<std::uint8_t>(first.reduction);
    h.operands = static_cast<std::uint8_t>(std::min<std::size_t>(first.operands.size(), 255));
    if (!first.operands.empty())
      h.dtype = static_cast<std::uint8_t>(first.operands[0].dtype), h.count = first.operands[0].count;
    h.line = first.site->line;
    std::string_view op = first.site->op ? first.site->op : "",
                     file = tail(first.site->file ? first.site->file : "", sizeof h.file);
    std::copy_n(op.data(), std::min(op.size(), sizeof h.op - 1), h.op);
    std::copy_n(file.data(), file.size(), h.file);
  }

  /// Headers set out; with few processes data may follow at once, before those of the others are here.
  void gather_headers() {
    Pending& pending = headers;
    const std::size_t mine = sizeof(Header) + static_cast<std::size_t>(header(me).payload);
    if (processes <= direct_processes) {
      for (std::size_t step = 1; step < processes; ++step)
        receive(pending, slot((me + step) % processes), party.slot_bytes_, (me + step) % processes);
      for (std::size_t step = 1; step < processes; ++step)
        send(pending, slot(me), mine, (me + processes - step) % processes);
    } else {
      // Each round doubles what is known (Bruck and others, "Efficient algorithms for all-to-all communications",
      // 1997).
      party.unpacked_.resize(processes * party.slot_bytes_);
      for (std::size_t known = 1; known < processes;) {
        const std::size_t count = std::min(known, processes - known);
        receive(pending, party.unpacked_.data(), count * party.slot_bytes_, (me + known) % processes);
        party.packed_.clear();
        for (std::size_t k = 0; k < count; ++k) {
          const char* from = slot((me + k) % processes);
          party.packed_.insert(party.packed_.end(), from,
                               from + sizeof(Header) + reinterpret_cast<const Header*>(from)->payload);
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
      text += fmt::format("\n  device {}: {}{}", header(p).device, describe(header(p)),
                          header(p).run == header(me).run ? "" : ", in another program or run");
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
    return bytes <= party.payload_room_ &&
           (bytes <= worth_packing || first.verb == Verb::all_reduce || first.operands.size() > 1);
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
      for (std::size_t o = 0; o < operands; ++o)
        outputs[static_cast<std::size_t>(party.here()[i]) * operands + o] = messages[i]->operands[o].output;
    cpu::move_data({&first, static_cast<int>(size), inputs.data(), outputs.data(), party.here()}, workers);
  }

  // ---- much data, in transfers.cpp ----

  /// The inputs of the members here added up: where there is one member it is its input, else what `into` then holds.
  const char* local_sum(std::size_t o, std::int64_t begin, std::int64_t end, void* into);
  void all_reduce();
  void all_gather();
  void reduce_scatter();
  void all_to_all();
  /// The message of a member, where it is on this process.
  const Message* here(int member) const;
  void permute();
  void broadcast();
  void all_to_allv();

  void run();
};

}  // namespace skein::runtime::mpi
