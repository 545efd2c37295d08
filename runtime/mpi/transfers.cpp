// Much data of a meeting: straight from and into the devices' arrays.
#include "runtime/buffer.h"
#include "runtime/mpi/meeting.h"

#include <utility>

namespace skein::runtime::mpi {

static constexpr std::size_t segment_bytes = 1 << 20;

const char* Meeting::local_sum(std::size_t o, std::int64_t begin, std::int64_t end, void* into) {
  if (messages.size() == 1) return static_cast<const char*>(first.operands[o].input);
  std::vector<const void*> inputs;
  for (const Message* message : messages) inputs.push_back(message->operands[o].input);
  cpu::add_up(first, first.operands[o].dtype, inputs, {&into, 1}, begin, end, workers);
  return static_cast<const char*>(into);
}

void Meeting::all_reduce() {
  // Of each array this process adds up one share, segment by segment, and hands the sums on.
  struct Part {
    std::size_t operand;
    std::int64_t begin, end;  // of this process's share, in elements
    Buffer others;            // the same elements of the other processes
    const char* mine;
  };
  const std::size_t operands = first.operands.size();
  auto edge = [&](std::size_t o, std::size_t p) {
    const std::int64_t count = first.operands[o].count;
    return p == processes ? count
                          : count * static_cast<std::int64_t>(p) / static_cast<std::int64_t>(processes) / 64 * 64;
  };
  auto element = [&](std::size_t o) { return static_cast<std::int64_t>(itemsize(first.operands[o].dtype)); };
  auto output = [&](std::size_t o) { return static_cast<char*>(first.operands[o].output); };
  std::vector<const char*> sums(operands);
  for (std::size_t o = 0; o < operands; ++o)
    sums[o] = local_sum(o, 0, first.operands[o].count, first.operands[o].output);

  for (std::size_t o = 0; o < operands; ++o) {
    const std::int64_t bytes = element(o), step = static_cast<std::int64_t>(segment_bytes) / bytes;
    std::int64_t longest = 0;
    for (std::size_t p = 0; p < processes; ++p) longest = std::max(longest, edge(o, p + 1) - edge(o, p));
    const std::int64_t begin = edge(o, me), length = edge(o, me + 1) - begin;
    Buffer others = Buffer::allocate(static_cast<std::size_t>(length * bytes) * (processes - 1) + 1);
    auto theirs = [&](std::size_t p) {
      return static_cast<char*>(others.data()) + static_cast<std::int64_t>(p < me ? p : p - 1) * length * bytes;
    };
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
        if (my_end > my_begin)
          receive(*gathered.back(), theirs(from) + (my_begin - begin) * bytes,
                  static_cast<std::size_t>((my_end - my_begin) * bytes), from);
        if (their_end > their_begin)
          send(*gathered.back(), sums[o] + their_begin * bytes,
               static_cast<std::size_t>((their_end - their_begin) * bytes), to);
      }
    }
    Pending handed_on(*this);
    for (std::int64_t s = 0; s < segments; ++s) {
      wait(*gathered[static_cast<std::size_t>(s)]);
      auto [my_begin, my_end] = cut(me, s);
      if (my_end > my_begin) {
        std::vector<const void*> inputs;  // element my_begin of each
        for (std::size_t p = 0; p < processes; ++p)
          inputs.push_back(p == me ? sums[o] + my_begin * bytes : theirs(p) + (my_begin - begin) * bytes);
        void* to = output(o) + my_begin * bytes;
        cpu::add_up(first, first.operands[o].dtype, inputs, {&to, 1}, 0, my_end - my_begin, workers);
      }
      for (std::size_t k = 1; k < processes; ++k) {
        const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
        auto [their_begin, their_end] = cut(from, s);
        if (their_end > their_begin)
          receive(handed_on, output(o) + their_begin * bytes,
                  static_cast<std::size_t>((their_end - their_begin) * bytes), from);
        if (my_end > my_begin)
          send(handed_on, output(o) + my_begin * bytes, static_cast<std::size_t>((my_end - my_begin) * bytes), to);
      }
    }
    wait(handed_on);
    for (std::size_t i = 1; i < messages.size(); ++i)
      cpu::copy_array(messages[i]->operands[o].output, output(o), first.operands[o].count * bytes, workers);
  }
}

void Meeting::all_gather() {
  Pending pending(*this);
  for (std::size_t o = 0; o < first.operands.size(); ++o) {
    const std::size_t block = bytes_of(first.operands[o]);
    auto* out = static_cast<char*>(first.operands[o].output);
    for (std::size_t k = 1; k < processes; ++k) {
      const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
      for (int member : party.members_[from])
        receive(pending, out + static_cast<std::size_t>(member) * block, block, from);
      for (const Message* message : messages) send(pending, message->operands[o].input, block, to);
    }
  }
  for (std::size_t i = 0; i < messages.size(); ++i)
    for (std::size_t o = 0; o < first.operands.size(); ++o) {
      const std::size_t block = bytes_of(first.operands[o]);
      for (const Message* to : messages)
        cpu::copy_array(static_cast<char*>(to->operands[o].output) + static_cast<std::size_t>(party.here()[i]) * block,
                        messages[i]->operands[o].input, static_cast<std::int64_t>(block), workers);
    }
  wait(pending);
  for (std::size_t i = 1; i < messages.size(); ++i)
    for (std::size_t o = 0; o < first.operands.size(); ++o)
      for (std::size_t p = 0; p < processes; ++p)
        for (int member : party.members_[p]) {
          const std::size_t at = static_cast<std::size_t>(member) * bytes_of(first.operands[o]);
          if (p != me)
            cpu::copy_array(static_cast<char*>(messages[i]->operands[o].output) + at,
                            static_cast<char*>(first.operands[o].output) + at,
                            static_cast<std::int64_t>(bytes_of(first.operands[o])), workers);
        }
}

void Meeting::reduce_scatter() {
  for (std::size_t o = 0; o < first.operands.size(); ++o) {
    const std::int64_t count = first.operands[o].count;
    const std::size_t block = bytes_of(first.operands[o]);
    Buffer sums = messages.size() > 1 ? Buffer::allocate(block * size + 1) : Buffer();
    const char* mine = local_sum(o, 0, count * static_cast<std::int64_t>(size), sums.data());
    Buffer others = Buffer::allocate(block * messages.size() * (processes - 1) + 1);
    Pending pending(*this);
    auto theirs = [&](std::size_t p, std::size_t i) {
      return static_cast<char*>(others.data()) + ((p < me ? p : p - 1) * messages.size() + i) * block;
    };
    for (std::size_t k = 1; k < processes; ++k) {
      const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
      for (std::size_t i = 0; i < messages.size(); ++i) receive(pending, theirs(from, i), block, from);
      for (int member : party.members_[to]) send(pending, mine + static_cast<std::size_t>(member) * block, block, to);
    }
    wait(pending);
    for (std::size_t i = 0; i < messages.size(); ++i) {
      std::vector<const void*> inputs;
      for (std::size_t p = 0; p < processes; ++p)
        inputs.push_back(p == me ? mine + static_cast<std::size_t>(party.here()[i]) * block : theirs(p, i));
      cpu::add_up(first, first.operands[o].dtype, inputs, {&messages[i]->operands[o].output, 1}, 0, count, workers);
    }
  }
}

void Meeting::all_to_all() {
  Pending pending(*this);
  for (std::size_t o = 0; o < first.operands.size(); ++o) {
    const std::size_t block = bytes_of(first.operands[o]);
    auto in = [&](std::size_t i, int member) {
      return static_cast<const char*>(messages[i]->operands[o].input) + static_cast<std::size_t>(member) * block;
    };
    auto out = [&](std::size_t i, int member) {
      return static_cast<char*>(messages[i]->operands[o].output) + static_cast<std::size_t>(member) * block;
    };
    for (std::size_t k = 1; k < processes; ++k) {
      const std::size_t to = (me + k) % processes, from = (me + processes - k) % processes;
      for (int source : party.members_[from])
        for (std::size_t i = 0; i < messages.size(); ++i) receive(pending, out(i, source), block, from);
      for (std::size_t i = 0; i < messages.size(); ++i)
        for (int target : party.members_[to]) send(pending, in(i, target), block, to);
    }
    for (std::size_t i = 0; i < messages.size(); ++i)
      for (std::size_t j = 0; j < messages.size(); ++j)
        cpu::copy_array(out(j, party.here()[i]), in(i, party.here()[j]), static_cast<std::int64_t>(block), workers);
  }
  wait(pending);
}

const Message* Meeting::here(int member) const {
  auto found = std::find(party.here().begin(), party.here().end(), member);
  return found == party.here().end() ? nullptr : messages[static_cast<std::size_t>(found - party.here().begin())];
}

void Meeting::permute() {
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

void Meeting::broadcast() {
  // A binomial tree of the processes, from the root's on.
  const std::size_t root = party.process_index_[static_cast<std::size_t>(first.root)],
                    at = (me + processes - root) % processes;
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
      if (message->operands[o].output != data)
        cpu::copy_array(message->operands[o].output, data, static_cast<std::int64_t>(bytes), workers);
    wait(pending);
  }
}

void Meeting::all_to_allv() {
  check_headers();  // row counts have come with them
  auto counts = [&](std::size_t p, std::size_t i) {
    return reinterpret_cast<const std::int64_t*>(payload(p)) + i * size;
  };
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const auto to = static_cast<std::size_t>(party.here()[i]);
    for (std::size_t p = 0; p < processes; ++p)
      for (std::size_t s = 0; s < party.members_[p].size(); ++s) {
        const auto from = static_cast<std::size_t>(party.members_[p][s]);
        const std::int64_t sent = counts(p, s)[to], expected = messages[i]->routing->receive_counts[from];
        if (sent != expected)
          throw UserError(fmt::format("rank {} sends {} rows to rank {}, which expects {}", from, sent, to, expected),
                          messages[i]->site->op, messages[i]->site->file,
                          static_cast<unsigned>(messages[i]->site->line));
      }
  }
  Pending pending(*this);
  for (std::size_t o = 0; o < first.operands.size(); ++o) {
    const std::size_t row = bytes_of(first.operands[o]);
    auto in = [&](std::size_t i, int member) {
      return static_cast<const char*>(messages[i]->operands[o].input) +
             static_cast<std::size_t>(messages[i]->routing->send_offsets[static_cast<std::size_t>(member)]) * row;
    };
    auto out = [&](std::size_t i, int member) {
      return static_cast<char*>(messages[i]->operands[o].output) +
             static_cast<std::size_t>(messages[i]->routing->receive_offsets[static_cast<std::size_t>(member)]) * row;
    };
    auto sent = [&](std::size_t i, int member) {
      return static_cast<std::size_t>(messages[i]->routing->send_counts[static_cast<std::size_t>(member)]) * row;
    };
    auto received = [&](std::size_t i, int member) {
      return static_cast<std::size_t>(messages[i]->routing->receive_counts[static_cast<std::size_t>(member)]) * row;
    };
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
        cpu::copy_array(out(j, party.here()[i]), in(i, party.here()[j]),
                        static_cast<std::int64_t>(sent(i, party.here()[j])), workers);
  }
  wait(pending);
}

}  // namespace skein::runtime::mpi
