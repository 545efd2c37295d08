// The driver's entry points for modules, kernels and graphs.

#include "runtime/emulated/entry.h"
#include "runtime/emulated/module.h"
#include "runtime/emulated/stream.h"

#include <cstring>

namespace skein::runtime::emulated {
namespace {

Module& module_of(CUmodule handle) {
  if (!handle) throw Failure{CUDA_ERROR_INVALID_HANDLE, {}};
  return *reinterpret_cast<Module*>(handle);
}

Kernel& kernel_of(CUfunction handle) {
  if (!handle) throw Failure{CUDA_ERROR_INVALID_HANDLE, {}};
  return *reinterpret_cast<Kernel*>(handle);
}

Graph& graph_of(void* handle) {
  if (!handle) throw Failure{CUDA_ERROR_INVALID_HANDLE, {}};
  return *static_cast<Graph*>(handle);
}

/// The buffer of cuLaunchKernel's `extra`, and its size.
std::pair<const void*, std::size_t> buffer_of(void** extra) {
  const void* buffer = nullptr;
  std::size_t bytes = 0;
  for (; *extra != LAUNCH_PARAM_END; extra += 2) {
    if (extra[0] == LAUNCH_PARAM_BUFFER_POINTER)
      buffer = extra[1];
    else if (extra[0] == LAUNCH_PARAM_BUFFER_SIZE)
      bytes = *static_cast<std::size_t*>(extra[1]);
    else
      throw Failure{CUDA_ERROR_INVALID_VALUE, "an unknown option of cuLaunchKernel"};
  }
  return {buffer, bytes};
}

void pack_parameters(const Kernel& kernel, void** parameters, void** extra, Launch& launch) {
  launch.parameters.resize(kernel.parameter_bytes / sizeof(std::max_align_t) + 1);
  auto* packed = reinterpret_cast<char*>(launch.parameters.data());
  require(!(parameters && extra), "a kernel's parameters given in both ways");
  if (extra) {
    auto [buffer, bytes] = buffer_of(extra);
    if (kernel.parameter_bytes == 0) return;
    // The buffer may be longer by what pads it.
    if (!buffer || bytes < kernel.parameter_bytes)
      throw Failure{CUDA_ERROR_INVALID_VALUE, "kernel " + kernel.name + " takes " +
                                                  std::to_string(kernel.parameter_bytes) +
                                                  " bytes of parameters, not " + std::to_string(bytes)};
    std::memcpy(packed, buffer, kernel.parameter_bytes);
    return;
  }
  require(parameters || kernel.parameters.empty(), "a kernel without its parameters");
  for (std::size_t i = 0; i < kernel.parameters.size(); ++i) {
    require(parameters[i], "a kernel's parameter is missing");
    std::memcpy(packed + kernel.parameters[i].offset, parameters[i], kernel.parameters[i].bytes);
  }
}

void check_sizes(const Launch& launch) {
  const auto& g = launch.grid;
  const auto& b = launch.block;
  const std::uint64_t threads = std::uint64_t{b[0]} * b[1] * b[2];
  require(g[0] && g[1] && g[2] && threads, "a launch of no blocks or no threads");
  require(g[0] <= 0x7fffffff && g[1] <= 65535 && g[2] <= 65535, "a grid that is too large");
  require(b[0] <= most_threads && b[1] <= most_threads && b[2] <= 64 && threads <= most_threads,
          "more than 1024 threads in a block");
}

void check_shared(const Kernel& kernel, std::uint64_t dynamic_bytes) {
  if (dynamic_bytes <= kernel.dynamic_limit.load()) return;
  throw Failure{CUDA_ERROR_INVALID_VALUE, "kernel " + kernel.name + ": " + std::to_string(dynamic_bytes) +
                                              " bytes of shared memory asked for at the launch, besides " +
                                              std::to_string(kernel.static_bytes) + " of fixed size; " +
                                              std::to_string(kernel.dynamic_limit.load()) +
                                              " are allowed (cuFuncSetAttribute)"};
}

}  // namespace

extern "C" {

// ---- modules and kernels ----

CUresult cuModuleLoadDataEx(CUmodule* module, const void* image, unsigned, int*, void**) {
  return guarded([&] { *module = reinterpret_cast<CUmodule>(Module::load(image, current_context()).get()); });
}

CUresult cuModuleUnload(CUmodule module) {
  return guarded([&] {
    require_initialised();
    std::shared_ptr<Module> last = std::move(module_of(module).handle);
  });
}

CUresult cuModuleGetFunction(CUfunction* function, CUmodule module, const char* name) {
  return guarded([&] {
    current_context();
    require(name, "no name of a kernel");
    *function = reinterpret_cast<CUfunction>(&module_of(module).kernel(name));
  });
}

CUresult cuFuncSetAttribute(CUfunction function, int attribute, int value) {
  return guarded([&] {
    current_context();
    Kernel& kernel = kernel_of(function);
    require(attribute == FUNC_MAX_DYNAMIC_SHARED_SIZE_BYTES, "an attribute that the emulated GPU does not know");
    require(value >= 0 && static_cast<std::uint64_t>(value) <= most_shared_opt_in - kernel.static_bytes,
            "more shared memory than a block can have");
    kernel.dynamic_limit = static_cast<std::uint64_t>(value);
  });
}

CUresult cuLaunchKernel(CUfunction function, unsigned gridX, unsigned gridY, unsigned gridZ, unsigned blockX,
                        unsigned blockY, unsigned blockZ, unsigned sharedBytes, CUstream handle, void** parameters,
                        void** extra) {
  return guarded([&] {
    Context& context = current_context();
    Stream& stream = stream_of(handle, context);
    const Kernel& kernel = kernel_of(function);
    if (kernel.context != &context || &stream.context != &context)
      throw Failure{CUDA_ERROR_INVALID_HANDLE,
                    "kernel " + kernel.name + ": the kernel, the stream and the thread are of different contexts"};
    auto launch = std::make_shared<Launch>(Launch{
        kernel.module->shared_from_this(), &kernel, {gridX, gridY, gridZ}, {blockX, blockY, blockZ}, sharedBytes, {}});
    check_sizes(*launch);
    check_shared(kernel, sharedBytes);
    pack_parameters(kernel, parameters, extra, *launch);
    stream.enqueue([launch, &context] { run(*launch, context); });
  });
}

// ---- graphs ----

CUresult cuStreamBeginCapture_v2(CUstream handle, int) {
  return guarded([&] {
    if (!handle) throw Failure{CUDA_ERROR_NOT_SUPPORTED, "the capture of the null stream"};
    stream_of(handle, current_context()).begin_capture();
  });
}

CUresult cuStreamEndCapture(CUstream handle, CUgraph* graph) {
  return guarded([&] {
    Stream& stream = stream_of(handle, current_context());
    *graph = reinterpret_cast<CUgraph>(new Graph{stream.end_capture()});
  });
}

CUresult cuGraphInstantiateWithFlags(CUgraphExec* exec, CUgraph graph, unsigned long long) {
  return guarded([&] {
    current_context();
    *exec = reinterpret_cast<CUgraphExec>(new Graph(graph_of(graph)));
  });
}

CUresult cuGraphLaunch(CUgraphExec exec, CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_of(handle, current_context());
    for (const Work& work : graph_of(exec).operations) stream.enqueue(work);
  });
}

CUresult cuGraphExecDestroy(CUgraphExec exec) {
  return guarded([&] { delete &graph_of(exec); });
}

CUresult cuGraphDestroy(CUgraph graph) {
  return guarded([&] { delete &graph_of(graph); });
}

}  // extern "C"
}  // namespace skein::runtime::emulated
