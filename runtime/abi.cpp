// Compiled code may look these functions up by name in the shared library.
#pragma GCC visibility push(default)
#include "runtime/abi.h"
#pragma GCC visibility pop

#include "runtime/symbols.h"

#include "runtime/cpu/blas.h"
#include "runtime/cpu/context.h"
#include "runtime/cpu/fft.h"
#include "runtime/cpu/linalg.h"
#include "runtime/cpu/run.h"
#include "runtime/cpu/running.h"
#include "runtime/cpu/sort.h"
#include "runtime/cpu/spmd.h"
#include "runtime/cuda/calls.h"
#include "runtime/print.h"

#include <skein/base/error.h>

#include <fmt/format.h>
#include <algorithm>
#include <atomic>

using namespace skein;
using namespace skein::runtime;

namespace {

// A parallel loop while it runs. Threads take pieces as they come, so that one that is late has less to do.
struct Loop {
  skein_kernel kernel;
  void* const* arguments;
  std::int64_t count, step;
  std::atomic<std::int64_t> next{0};

  static void run(void* self, int) {
    Loop& loop = *static_cast<Loop*>(self);
    for (std::int64_t begin; (begin = loop.next.fetch_add(loop.step, std::memory_order_relaxed)) < loop.count;)
      loop.kernel(loop.arguments, begin, std::min(loop.count, begin + loop.step));
  }
};

std::string message_text(skein_context* context, const skein_message& message, const void* const* operands) {
  if (!context->gpu) return format_message(message, operands);
  const auto copies = cuda::operands_on_host(*context->gpu, message, operands);
  std::vector<const void*> here;
  for (const auto& copy : copies) here.push_back(copy.data());
  return format_message(message, here.data());
}

}  // namespace

extern "C" {

void skein_parallel_for(skein_context* context, skein_kernel kernel, void* const* arguments, std::int64_t count,
                        std::int64_t grain) {
  if (count <= 0) return;
  if (cpu::hopeless(context)) cpu::abandon(context);
  const std::int64_t most = count / std::max<std::int64_t>(grain, 1);
  if (most >= 2) {
    std::span<cpu::Worker* const> workers = cpu::helpers(context);
    const auto threads = static_cast<std::int64_t>(workers.size()) + 1;
    if (threads > 1) {
      std::int64_t pieces = std::min(most, 4 * threads);
      std::int64_t step = (count + pieces - 1) / pieces;
      if (step >= 1024) step = (step + 63) / 64 * 64;  // pieces begin at cache lines
      Loop loop{kernel, arguments, count, step};
      cpu::fork_join(workers.first(static_cast<std::size_t>(std::min(threads, pieces) - 1)), Loop::run, &loop, true);
      return;
    }
  }
  kernel(arguments, 0, count);
}

void skein_run_spmd(skein_context* context, const skein_mesh* mesh, skein_program body, void* const* buffers,
                    std::int64_t arena_bytes, std::int64_t work, const skein_site* site) {
  cpu::guarded(context, [&] {
    cpu::Request request;
    request.mesh = {mesh->shape, static_cast<std::size_t>(mesh->rank)};
    request.body = body;
    request.buffers = buffers;
    request.arena_bytes = arena_bytes;
    request.work = work;
    if (site) request.site = *site;
    request.on_gpus = context->gpu != nullptr;
    cpu::run_spmd(context, request);
  });
}

std::int64_t skein_axis_index(skein_context* context, std::int32_t axis) { return context->coordinates[axis]; }

std::int64_t skein_shard_slot(skein_context* context, std::int32_t axis_count, const std::int32_t* axes) {
  return context->run->shard_slot(*context->device, {axes, static_cast<std::size_t>(axis_count)});
}

void skein_collective_run(skein_context* context, const skein_collective* collective, const void* const* inputs,
                          void* const* outputs) {
  cpu::guarded(context, [&] { cpu::run_collective(context, *collective, inputs, outputs); });
}

void skein_matmul_run(skein_context* context, const skein_matmul* shape, const void* a, const void* b, void* c) {
  cpu::guarded(context, [&] {
    if (context->gpu) return cuda::matmul(*context->gpu, *shape, a, b, c);
    cpu::matmul(*shape, a, b, c, cpu::worth_threads(*shape) ? cpu::helpers(context) : std::span<cpu::Worker* const>());
  });
}

void skein_print(skein_context* context, const skein_message* message, const void* const* operands) {
  cpu::guarded(context, [&] { print_line(message_text(context, *message, operands)); });
}

void skein_check(skein_context* context, std::int8_t condition, const skein_message* message,
                 const void* const* operands) {
  if (condition) return;
  cpu::guarded(context, [&] {
    std::string text = message_text(context, *message, operands);
    if (context->run) text += fmt::format(" (on device {})", context->rank);
    const char* op = message->site.op && *message->site.op ? message->site.op : "check";
    throw UserError(text, op, message->site.file, static_cast<unsigned>(message->site.line));
  });
}

void skein_sort(skein_context* context, std::int32_t dtype, std::int64_t rows, std::int64_t length, void* keys,
                std::int32_t payload_count, const std::int32_t* payload_bytes, void* const* payloads) {
  cpu::guarded(context, [&] {
    if (payload_count > 64) throw InternalError("a sort carries at most 64 arrays along", "sort", "", 0);
    if (length > std::int64_t{4294967295})
      throw RuntimeError("rows of more than 2^32 elements cannot be sorted", "sort", "", 0);
    const bool parallel = cpu::worth_threads(rows, length);
    const std::span<const std::int32_t> widths(payload_bytes, static_cast<std::size_t>(payload_count));
    auto sort = [&](void* keys_here, void* const* payloads_here) {
      cpu::sort_rows(static_cast<DType>(dtype), rows, length, keys_here, widths, payloads_here,
                     parallel ? cpu::helpers(context) : std::span<cpu::Worker* const>());
    };
    if (context->gpu)
      cuda::sort(*context->gpu, static_cast<DType>(dtype), rows, length, keys, widths, payloads, sort);
    else
      sort(keys, payloads);
  });
}

void skein_scatter_run(skein_context* context, const skein_scatter* s, void* target, const void* indices,
                       const void* updates) {
  cpu::guarded(context, [&] {
    const auto workers = cpu::worth_threads(*s) ? cpu::helpers(context) : std::span<cpu::Worker* const>();
    if (!context->gpu) return cpu::scatter(*s, target, indices, updates, workers);
    const std::size_t item = itemsize(static_cast<DType>(s->dtype));
    const auto rows = static_cast<std::size_t>(s->outer * s->inner);
    cuda::HostCopy there(*context->gpu, target, rows * static_cast<std::size_t>(s->size) * item);
    cuda::HostCopy which(*context->gpu, indices, static_cast<std::size_t>(s->count) * itemsize(static_cast<DType>(s->index_dtype)));
    cuda::HostCopy what(*context->gpu, updates, rows * static_cast<std::size_t>(s->count) * item);
    cpu::scatter(*s, there.data(), which.data(), what.data(), workers);
    there.bring_back(target);
  });
}

void skein_cumulative_run(skein_context* context, const skein_cumulative* c, const void* operand, void* result) {
  cpu::guarded(context, [&] {
    const auto workers = cpu::worth_threads(*c) ? cpu::helpers(context) : std::span<cpu::Worker* const>();
    if (!context->gpu) return cpu::cumulate(*c, operand, result, workers);
    cuda::HostCopy copy(*context->gpu, operand,
                        static_cast<std::size_t>(c->outer * c->size * c->inner) * itemsize(static_cast<DType>(c->dtype)));
    cpu::cumulate(*c, copy.data(), copy.data(), workers);
    copy.bring_back(result);
  });
}
void skein_fft_run(skein_context* context, const skein_fft* f, const void* operand, void* result) {
  cpu::guarded(context, [&] {
    const auto workers = cpu::worth_threads(*f) ? cpu::helpers(context) : std::span<cpu::Worker* const>();
    if (!context->gpu) return cpu::fft(*f, operand, result, workers);
    const cpu::FftBytes bytes = cpu::bytes_of(*f);
    cuda::HostCopy from(*context->gpu, operand, bytes.operand);
    Buffer to = Buffer::allocate(std::max<std::size_t>(bytes.result, 1));
    cpu::fft(*f, from.data(), to.data(), workers);
    context->gpu->upload(result, to.data(), bytes.result);
  });
}
void skein_linalg_run(skein_context* context, const skein_linalg* s, const void* const* inputs, void* const* outputs) {
  cpu::guarded(context, [&] {
    const auto workers = cpu::worth_threads(*s) ? cpu::helpers(context) : std::span<cpu::Worker* const>();
    if (!context->gpu) return cpu::linalg(*s, inputs, outputs, workers);
    const cpu::LinalgSizes sizes = cpu::sizes_of(*s);
    std::vector<Buffer> memory;
    std::vector<const void*> in;
    std::vector<void*> out;
    for (std::size_t i = 0; i < sizes.inputs.size(); ++i) {
      memory.push_back(Buffer::allocate(std::max<std::size_t>(sizes.inputs[i], 1)));
      context->gpu->download(memory.back().data(), inputs[i], sizes.inputs[i]);
      in.push_back(memory.back().data());
    }
    for (std::size_t bytes : sizes.outputs) {
      memory.push_back(Buffer::allocate(std::max<std::size_t>(bytes, 1)));
      out.push_back(memory.back().data());
    }
    cpu::linalg(*s, in.data(), out.data(), workers);
    for (std::size_t i = 0; i < out.size(); ++i) context->gpu->upload(outputs[i], out[i], sizes.outputs[i]);
  });
}

// ---- GPUs ----

void skein_gpu_launch(skein_context* context, const skein_gpu_kernel* kernel, std::int64_t grid,
                      std::int32_t parameter_count, void* const* parameters) {
  cpu::guarded(context, [&] { context->gpu->launch(*kernel, grid, parameter_count, parameters); });
}

void skein_gpu_copy(skein_context* context, void* to, const void* from, std::int64_t bytes) {
  cpu::guarded(context, [&] { context->gpu->copy(to, from, static_cast<std::size_t>(bytes)); });
}

void* skein_gpu_constant(skein_context* context, const skein_gpu_module* module, const void* data, std::int64_t bytes) {
  void* memory = nullptr;
  cpu::guarded(context, [&] { memory = context->gpu->constant(*module, data, static_cast<std::size_t>(bytes)); });
  return memory;
}

void skein_gpu_store(skein_context* context, void* to, std::int64_t bits, std::int32_t bytes) {
  cpu::guarded(context, [&] { context->gpu->store(to, static_cast<std::uint64_t>(bits), bytes); });
}

std::int64_t skein_gpu_load(skein_context* context, const void* from, std::int32_t bytes) {
  std::int64_t bits = 0;
  cpu::guarded(context, [&] { context->gpu->download(&bits, from, static_cast<std::size_t>(bytes)); });
  return bits;
}

}  // extern "C"

namespace skein::runtime {

std::span<const Symbol> abi_symbols() {
#define SKEIN_SYMBOL(function) \
  { #function, reinterpret_cast < void*>(&function) }
  static const Symbol symbols[] = {
      SKEIN_SYMBOL(skein_parallel_for), SKEIN_SYMBOL(skein_run_spmd),       SKEIN_SYMBOL(skein_axis_index),
      SKEIN_SYMBOL(skein_shard_slot),   SKEIN_SYMBOL(skein_collective_run), SKEIN_SYMBOL(skein_matmul_run),
      SKEIN_SYMBOL(skein_print),        SKEIN_SYMBOL(skein_check),          SKEIN_SYMBOL(skein_sort),
      SKEIN_SYMBOL(skein_scatter_run),  SKEIN_SYMBOL(skein_cumulative_run),
      SKEIN_SYMBOL(skein_fft_run),
      SKEIN_SYMBOL(skein_linalg_run),
      SKEIN_SYMBOL(skein_gpu_launch),   SKEIN_SYMBOL(skein_gpu_copy),       SKEIN_SYMBOL(skein_gpu_constant),
      SKEIN_SYMBOL(skein_gpu_store),    SKEIN_SYMBOL(skein_gpu_load),
  };
#undef SKEIN_SYMBOL
  return symbols;
}

}  // namespace skein::runtime
