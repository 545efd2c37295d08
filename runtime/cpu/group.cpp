#include "runtime/cpu/group.h"

#include "runtime/cpu/kernels.h"
#include "runtime/cpu/pool.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

namespace skein::runtime::cpu {
namespace {

std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return hash ^ (hash >> 29);
}

const char* name_of(Verb verb) {
  constexpr const char* names[] = {"all_reduce", "all_gather",  "reduce_scatter", "all_to_all",
                                   "permute",    "all_to_allv", "broadcast",      "barrier"};
  return names[static_cast<int>(verb)];
}

const char* name_of(Reduction reduction) {
  constexpr const char* names[] = {"sum", "max", "min", "prod", "and", "or"};
  return names[static_cast<int>(reduction)];
}

bool reduces(Verb verb) { return verb == Verb::all_reduce || verb == Verb::reduce_scatter; }

const char* bytes_at(const void* base, std::int64_t offset) { return static_cast<const char*>(base) + offset; }

// Work below this is not worth waking a thread for; a worker takes pieces of at least this size.
constexpr std::int64_t parallel_bytes = 256 * 1024;

// Splits [0, count) elements over this thread and the workers.
template <class F>
void over_range(std::span<Worker* const> workers, std::int64_t begin, std::int64_t end, std::int64_t element_bytes,
                F&& f) {
  std::int64_t pieces = std::min<std::int64_t>(static_cast<std::int64_t>(workers.size()) + 1,
                                               (end - begin) * element_bytes / parallel_bytes);
  if (pieces <= 1) return f(begin, end);
  struct Job {
    F& f;
    std::int64_t begin, end, step;
  } job{f, begin, end, ((end - begin) / pieces + 64) / 64 * 64};
  fork_join(
      workers.first(static_cast<std::size_t>(pieces - 1)),
      [](void* argument, int member) {
        Job& j = *static_cast<Job*>(argument);
        std::int64_t from = std::min(j.end, j.begin + member * j.step), to = std::min(j.end, from + j.step);
        if (from < to) j.f(from, to);
      },
      &job, false);
}

// A lane that writes this much in one meeting writes past the caches: the first of it would be gone before it is read,
// and a cached store reads what it replaces.
constexpr std::int64_t streaming_bytes = 4 << 20;

void copy(std::span<Worker* const> workers, void* to, const void* from, std::int64_t bytes, bool streaming) {
  if (to == from || bytes == 0) return;
  over_range(workers, 0, bytes, 1, [&](std::int64_t begin, std::int64_t end) {
    if (streaming)
      copy_streaming(static_cast<char*>(to) + begin, bytes_at(from, begin), end - begin);
    else
      std::memcpy(static_cast<char*>(to) + begin, bytes_at(from, begin), static_cast<std::size_t>(end - begin));
  });
}

void reduce_range(const Message& message, DType dtype, ReduceArguments arguments) {
  arguments.dtype = static_cast<int>(dtype);
  arguments.reduction = static_cast<int>(message.reduction);
  if (!reduce(arguments))
    throw UserError(fmt::format("there is no {} of {}", name_of(message.reduction), name(dtype)), message.site->op,
                    message.site->file, static_cast<unsigned>(message.site->line));
}

}  // namespace

std::string place(const Site& site) {
  if (!site.file || !*site.file) return {};
  return fmt::format(" at {}:{}", site.file, site.line);
}

std::uint64_t Message::signature() const {
  std::uint64_t hash =
      mix(static_cast<std::uint64_t>(verb) + 1, reduces(verb) ? static_cast<std::uint64_t>(reduction) : 0);
  hash = mix(hash, operands.size() + (static_cast<std::uint64_t>(root) << 32));
  for (const Operand& operand : operands)
    hash = mix(hash, static_cast<std::uint64_t>(operand.count) * 16 + static_cast<std::uint64_t>(operand.dtype));
  for (auto [source, destination] : pairs)
    hash = mix(hash, static_cast<std::uint64_t>(source) << 32 | static_cast<std::uint32_t>(destination));
  return hash;
}

std::string Message::describe() const {
  std::string arrays;
  for (const Operand& operand : operands)
    arrays += fmt::format("{}{}[{}]", arrays.empty() ? " of " : ", ", name(operand.dtype), operand.count);
  std::string what = name_of(verb);
  if (reduces(verb)) what += fmt::format(" ({})", name_of(reduction));
  if (verb == Verb::broadcast) what += fmt::format(" from {}", root);
  if (verb == Verb::permute) {
    what += " along";
    for (auto [source, destination] : pairs) what += fmt::format(" {}->{}", source, destination);
  }
  const char* op = site && site->op ? site->op : "";
  return fmt::format("{}{}{}{}{}", *op ? op : name_of(verb), *op ? fmt::format(", {}", what) : "", arrays,
                     verb == Verb::all_to_allv ? " per row" : "", site ? place(*site) : "");
}

void move_data(const Movement& movement, std::span<Worker* const> workers) {
  const Message& message = *movement.message;
  const int size = movement.size;
  const auto operands = static_cast<int>(message.operands.size());
  auto input = [&](int member, int operand) { return movement.inputs[member * operands + operand]; };
  auto output = [&](int member, int operand) { return movement.outputs[member * operands + operand]; };

  for (int o = 0; o < operands; ++o) {
    const Operand& operand = message.operands[static_cast<std::size_t>(o)];
    const auto element = static_cast<std::int64_t>(itemsize(operand.dtype));
    const std::int64_t block = operand.count * element;
    if (block == 0) continue;
    const bool gathers = message.verb == Verb::all_gather || message.verb == Verb::all_to_all;
    const bool streaming =
        block * (gathers ? size : 1) * static_cast<std::int64_t>(movement.targets.size()) / movement.shares >=
        streaming_bytes;
    // Pointers of all members to one operand; small groups stay off the heap.
    const void* few_in[16];
    void* few_out[16];
    std::vector<const void*> many_in;
    std::vector<void*> many_out;
    const void** in = few_in;
    void** out = few_out;
    if (size > 16)
      many_in.resize(static_cast<std::size_t>(size)), many_out.resize(static_cast<std::size_t>(size)),
          in = many_in.data(), out = many_out.data();

    switch (message.verb) {
      case Verb::all_reduce: {
        for (int p = 0; p < size; ++p) in[p] = input(p, o);
        int outputs = 0;
        for (int target : movement.targets) out[outputs++] = output(target, o);
        // Shares begin at multiples of 64 elements, so that no two threads write to one cache line.
        auto edge = [&](int share) {
          return share == movement.shares ? operand.count : operand.count * share / movement.shares / 64 * 64;
        };
        ReduceArguments arguments;
        arguments.inputs = size, arguments.input = in, arguments.outputs = outputs, arguments.output = out,
        arguments.streaming = streaming;
        over_range(workers, edge(movement.share), edge(movement.share + 1), element * (size + outputs),
                   [&](std::int64_t begin, std::int64_t end) {
                     ReduceArguments part = arguments;
                     part.begin = begin, part.end = end;
                     reduce_range(message, operand.dtype, part);
                   });
        break;
      }
      case Verb::reduce_scatter:
        for (int target : movement.targets) {
          for (int p = 0; p < size; ++p) in[p] = bytes_at(input(p, o), target * block);
          void* result = output(target, o);
          ReduceArguments arguments;
          arguments.inputs = size, arguments.input = in, arguments.outputs = 1, arguments.output = &result,
          arguments.streaming = streaming;
          over_range(workers, 0, operand.count, element * (size + 1), [&](std::int64_t begin, std::int64_t end) {
            ReduceArguments part = arguments;
            part.begin = begin, part.end = end;
            reduce_range(message, operand.dtype, part);
          });
        }
        break;
      case Verb::all_gather:
        // Each block is read once and written to all targets while it is in the cache.
        for (int p = 0; p < size; ++p)
          for (std::int64_t begin = 0; begin < block;
               begin += parallel_bytes * (static_cast<std::int64_t>(workers.size()) + 1)) {
            std::int64_t bytes =
                std::min(block - begin, parallel_bytes * (static_cast<std::int64_t>(workers.size()) + 1));
            for (int target : movement.targets)
              copy(workers, static_cast<char*>(output(target, o)) + p * block + begin, bytes_at(input(p, o), begin),
                   bytes, streaming);
          }
        break;
      case Verb::all_to_all:
        for (int target : movement.targets)
          for (int p = 0; p < size; ++p)
            copy(workers, static_cast<char*>(output(target, o)) + p * block, bytes_at(input(p, o), target * block),
                 block, streaming);
        break;
      case Verb::permute:
        for (int target : movement.targets) {
          int source = -1;
          for (auto [from, to] : message.pairs)
            if (to == target) source = from;
          if (source >= 0)
            copy(workers, output(target, o), input(source, o), block, streaming);
          else
            std::memset(output(target, o), 0, static_cast<std::size_t>(block));
        }
        break;
      case Verb::broadcast:
        for (int target : movement.targets) copy(workers, output(target, o), input(message.root, o), block, streaming);
        break;
      case Verb::all_to_allv:
      case Verb::barrier:
        break;
    }
  }
}

void add_up(const Message& message, DType dtype, std::span<const void* const> inputs, std::span<void* const> outputs,
            std::int64_t begin, std::int64_t end, std::span<Worker* const> workers) {
  ReduceArguments arguments;
  arguments.inputs = static_cast<int>(inputs.size()), arguments.input = inputs.data();
  arguments.outputs = static_cast<int>(outputs.size()), arguments.output = outputs.data();
  over_range(workers, begin, end, static_cast<std::int64_t>(itemsize(dtype) * (inputs.size() + outputs.size())),
             [&](std::int64_t from, std::int64_t to) {
               ReduceArguments part = arguments;
               part.begin = from, part.end = to;
               reduce_range(message, dtype, part);
             });
}

void copy_array(void* to, const void* from, std::int64_t bytes, std::span<Worker* const> workers) {
  copy(workers, to, from, bytes, bytes >= streaming_bytes);
}

void move_rows(const Group& group, std::span<const Message* const> messages, std::span<const int> targets) {
  for (int target : targets) {
    const Message& mine = *messages[static_cast<std::size_t>(target)];
    for (int p = 0; p < group.size(); ++p) {
      const Message& theirs = *messages[static_cast<std::size_t>(p)];
      auto from = static_cast<std::size_t>(p), to = static_cast<std::size_t>(target);
      std::int64_t rows = theirs.routing->send_counts[to];
      if (rows != mine.routing->receive_counts[from])
        throw UserError(fmt::format("rank {} sends {} rows to rank {}, which expects {}", p, rows, target,
                                    mine.routing->receive_counts[from]),
                        mine.site->op, mine.site->file, static_cast<unsigned>(mine.site->line));
      for (std::size_t o = 0; o < mine.operands.size(); ++o) {
        auto row = static_cast<std::size_t>(mine.operands[o].count) * itemsize(mine.operands[o].dtype);
        if (rows == 0 || row == 0) continue;
        std::memcpy(static_cast<char*>(mine.operands[o].output) +
                        static_cast<std::size_t>(mine.routing->receive_offsets[from]) * row,
                    static_cast<const char*>(theirs.operands[o].input) +
                        static_cast<std::size_t>(theirs.routing->send_offsets[to]) * row,
                    static_cast<std::size_t>(rows) * row);
      }
    }
  }
}

}  // namespace skein::runtime::cpu
