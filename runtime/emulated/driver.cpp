// The driver's entry points for devices, contexts, memory, streams and events; those for kernels and graphs are in
// launch.cpp.

#include "runtime/emulated/entry.h"
#include "runtime/emulated/kernel.h"
#include "runtime/emulated/memory.h"
#include "runtime/emulated/stream.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <vector>

namespace skein::runtime::emulated {
namespace {

/// The stream's, not the thread's: as on a GPU, copies may be enqueued on streams of other contexts.
Stream& stream_for(CUstream handle) { return stream_of(handle, current_context()); }

/// Of any device: copies need no peer access, which is for kernels.
char* resolve(const Context& context, std::uint64_t address, std::size_t bytes, const char* what) {
  return Memory::instance().resolve(context, address, bytes, what, ~std::uint64_t{0});
}

void require_range(const Context& context, std::uint64_t address, std::size_t bytes, const char* what) {
  try {
    resolve(context, address, bytes, what);
  } catch (Failure& failure) {
    throw Failure{CUDA_ERROR_INVALID_VALUE, failure.text};  // known at once: not yet the context's error
  }
}

template <class Element>
CUresult set_memory(CUdeviceptr to, Element value, std::size_t count, CUstream handle, const char* name) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    require(to % sizeof(Element) == 0, "an address that is not a multiple of the element's size");
    require(count <= settings().memory, "too many elements");
    require_range(stream.context, to, count * sizeof(Element), name);
    stream.enqueue([=, &context = stream.context] {
      auto* bytes = resolve(context, to, count * sizeof(Element), name);
      std::fill_n(reinterpret_cast<Element*>(bytes), count, value);
    });
  });
}

const char* name_of(CUresult error) {
  switch (error) {
#define SKEIN_NAME(name) \
  case name: return #name
    SKEIN_NAME(CUDA_SUCCESS);
    SKEIN_NAME(CUDA_ERROR_INVALID_VALUE);
    SKEIN_NAME(CUDA_ERROR_OUT_OF_MEMORY);
    SKEIN_NAME(CUDA_ERROR_NOT_INITIALIZED);
    SKEIN_NAME(CUDA_ERROR_NO_DEVICE);
    SKEIN_NAME(CUDA_ERROR_INVALID_DEVICE);
    SKEIN_NAME(CUDA_ERROR_INVALID_IMAGE);
    SKEIN_NAME(CUDA_ERROR_INVALID_CONTEXT);
    SKEIN_NAME(CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED);
    SKEIN_NAME(CUDA_ERROR_NO_BINARY_FOR_GPU);
    SKEIN_NAME(CUDA_ERROR_INVALID_PTX);
    SKEIN_NAME(CUDA_ERROR_INVALID_HANDLE);
    SKEIN_NAME(CUDA_ERROR_NOT_FOUND);
    SKEIN_NAME(CUDA_ERROR_NOT_READY);
    SKEIN_NAME(CUDA_ERROR_ILLEGAL_ADDRESS);
    SKEIN_NAME(CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES);
    SKEIN_NAME(CUDA_ERROR_LAUNCH_FAILED);
    SKEIN_NAME(CUDA_ERROR_MISALIGNED_ADDRESS);
    SKEIN_NAME(CUDA_ERROR_NOT_SUPPORTED);
    SKEIN_NAME(CUDA_ERROR_UNKNOWN);
#undef SKEIN_NAME
    default: return nullptr;
  }
}

Event& event_of(CUevent handle) {
  if (!handle) throw Failure{CUDA_ERROR_INVALID_HANDLE, {}};
  return *reinterpret_cast<Event*>(handle);
}

}  // namespace

extern "C" {

// ---- devices ----

CUresult cuInit(unsigned) {
  return guarded([] {
    if (settings().devices == 0) throw Failure{CUDA_ERROR_NO_DEVICE, {}};
    Memory::instance();
    initialise();
  });
}

CUresult cuDriverGetVersion(int* version) {
  return guarded([&] {
    require(version, "no place for the version");
    *version = settings().version;
  });
}

CUresult cuGetErrorName(CUresult error, const char** name) {
  return guarded([&] {
    require(name, "no place for the name");
    *name = name_of(error);
    require(*name, "an unknown error");
  });
}

CUresult cuGetErrorString(CUresult error, const char** text) {
  if (!text) return CUDA_ERROR_INVALID_VALUE;
  *text = description(error);
  return CUDA_SUCCESS;
}

CUresult cuDeviceGetCount(int* count) {
  return guarded([&] {
    require_initialised();
    *count = settings().devices;
  });
}

CUresult cuDeviceGet(CUdevice* device, int ordinal) {
  return guarded([&] {
    require_initialised();
    *device = context_of(ordinal).device;
  });
}

CUresult cuDeviceGetName(char* name, int length, CUdevice device) {
  return guarded([&] {
    require_initialised();
    context_of(device);
    require(name && length > 0, "no room for the name");
    std::strncpy(name, "Emulated GPU", static_cast<std::size_t>(length));
    name[length - 1] = 0;
  });
}

CUresult cuDeviceGetAttribute(int* value, int attribute, CUdevice device) {
  return guarded([&] {
    require_initialised();
    context_of(device);
    switch (attribute) {
      case MAX_THREADS_PER_BLOCK: *value = most_threads; return;
      case MAX_SHARED_MEMORY_PER_BLOCK: *value = most_shared; return;
      case MAX_SHARED_MEMORY_PER_BLOCK_OPTIN: *value = most_shared_opt_in; return;
      case WARP_SIZE: *value = warp_size; return;
      case MULTIPROCESSOR_COUNT: *value = 132; return;
      case UNIFIED_ADDRESSING: *value = 1; return;
      case COMPUTE_CAPABILITY_MAJOR: *value = settings().capability / 10; return;
      case COMPUTE_CAPABILITY_MINOR: *value = settings().capability % 10; return;
      default: throw Failure{CUDA_ERROR_INVALID_VALUE, "an attribute that the emulated GPU does not know"};
    }
  });
}

CUresult cuDeviceTotalMem_v2(std::size_t* bytes, CUdevice device) {
  return guarded([&] {
    require_initialised();
    context_of(device);
    *bytes = settings().memory;
  });
}

CUresult cuDeviceCanAccessPeer(int* can, CUdevice device, CUdevice peer) {
  return guarded([&] {
    require_initialised();
    *can = &context_of(device) != &context_of(peer);
  });
}

// ---- contexts ----

CUresult cuDevicePrimaryCtxRetain(CUcontext* context, CUdevice device) {
  return guarded([&] {
    require_initialised();
    *context = reinterpret_cast<CUcontext>(&context_of(device));
  });
}

CUresult cuCtxSetCurrent(CUcontext context) {
  return guarded([&] {
    require_initialised();
    set_current_context(reinterpret_cast<Context*>(context));
  });
}

CUresult cuCtxGetCurrent(CUcontext* context) {
  return guarded([&] {
    require_initialised();
    *context = reinterpret_cast<CUcontext>(current_context_or_null());
  });
}

CUresult cuCtxEnablePeerAccess(CUcontext peer, unsigned) {
  return guarded([&] {
    Context& context = current_context();
    if (!peer || reinterpret_cast<Context*>(peer) == &context) throw Failure{CUDA_ERROR_INVALID_CONTEXT, {}};
    const std::uint64_t bit = std::uint64_t{1} << reinterpret_cast<Context*>(peer)->device;
    if (context.reachable.fetch_or(bit) & bit) throw Failure{CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED, {}};
  });
}

// ---- memory ----

CUresult cuMemGetInfo_v2(std::size_t* free, std::size_t* total) {
  return guarded([&] { std::tie(*free, *total) = Memory::instance().room(current_context().device); });
}

CUresult cuMemAlloc_v2(CUdeviceptr* memory, std::size_t bytes) {
  return guarded([&] { *memory = Memory::instance().allocate(current_context().device, bytes); });
}

// At once: what still runs and touches the memory will fault, where a real driver might have waited for it.
CUresult cuMemFree_v2(CUdeviceptr memory) {
  return guarded([&] {
    current_context();
    if (memory) Memory::instance().free(memory);
  });
}

CUresult cuMemHostAlloc(void** memory, std::size_t bytes, unsigned) {
  return guarded([&] {
    current_context();
    *memory = Memory::instance().allocate_host(bytes);
  });
}

CUresult cuMemFreeHost(void* memory) {
  return guarded([&] {
    current_context();
    Memory::instance().free_host(memory);
  });
}

CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void* from, std::size_t bytes, CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    require_range(stream.context, to, bytes, "cuMemcpyHtoDAsync");
    if (bytes == 0) return;
    const auto* source = static_cast<const char*>(from);
    auto copy = [=, &context = stream.context](const char* data) {
      std::memcpy(resolve(context, to, bytes, "cuMemcpyHtoDAsync"), data, bytes);
    };
    // Pageable memory has been read when the call returns, as with the real driver.
    if (Memory::instance().is_host(reinterpret_cast<std::uint64_t>(from), bytes) || stream.capturing())
      stream.enqueue([=] { copy(source); });
    else
      stream.enqueue([copy, data = std::vector<char>(source, source + bytes)] { copy(data.data()); });
  });
}

CUresult cuMemcpyDtoHAsync_v2(void* to, CUdeviceptr from, std::size_t bytes, CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    require_range(stream.context, from, bytes, "cuMemcpyDtoHAsync");
    if (bytes == 0) return;
    stream.enqueue([=, &context = stream.context] {
      std::memcpy(to, resolve(context, from, bytes, "cuMemcpyDtoHAsync"), bytes);
    });
    // To pageable memory the real driver's call returns when all has been copied.
    if (Memory::instance().is_host(reinterpret_cast<std::uint64_t>(to), bytes) || stream.capturing()) return;
    stream.finish();
    stream.context.check();
  });
}

CUresult cuMemcpyAsync(CUdeviceptr to, CUdeviceptr from, std::size_t bytes, CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    require_range(stream.context, to, bytes, "cuMemcpyAsync: destination");
    require_range(stream.context, from, bytes, "cuMemcpyAsync: source");
    if (bytes == 0) return;
    stream.enqueue([=, &context = stream.context] {
      char* source = resolve(context, from, bytes, "cuMemcpyAsync: source");
      std::memmove(resolve(context, to, bytes, "cuMemcpyAsync: destination"), source, bytes);
    });
  });
}

CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value, std::size_t count, CUstream stream) {
  return set_memory(to, value, count, stream, "cuMemsetD8Async");
}
CUresult cuMemsetD16Async(CUdeviceptr to, unsigned short value, std::size_t count, CUstream stream) {
  return set_memory(to, value, count, stream, "cuMemsetD16Async");
}
CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value, std::size_t count, CUstream stream) {
  return set_memory(to, value, count, stream, "cuMemsetD32Async");
}

// ---- streams ----

CUresult cuStreamCreate(CUstream* stream, unsigned) {
  return guarded([&] { *stream = reinterpret_cast<CUstream>(Stream::create(current_context())); });
}

CUresult cuStreamDestroy_v2(CUstream handle) {
  return guarded([&] {
    require_initialised();
    if (!handle) throw Failure{CUDA_ERROR_INVALID_HANDLE, {}};
    auto& stream = *reinterpret_cast<Stream*>(handle);
    Context& context = stream.context;
    stream.close();
    context.check();
  });
}

CUresult cuStreamSynchronize(CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    if (stream.capturing()) throw Failure{CUDA_ERROR_NOT_SUPPORTED, "cuStreamSynchronize of a captured stream"};
    stream.finish();
    stream.context.check();
  });
}

CUresult cuStreamQuery(CUstream handle) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    if (!stream.idle()) throw Failure{CUDA_ERROR_NOT_READY, {}};
    stream.context.check();
  });
}

CUresult cuStreamWaitEvent(CUstream handle, CUevent event, unsigned) {
  return guarded([&] {
    Stream& stream = stream_for(handle);
    if (stream.capturing()) throw Failure{CUDA_ERROR_NOT_SUPPORTED, "cuStreamWaitEvent of a captured stream"};
    if (auto mark = event_of(event).mark()) stream.enqueue([mark] { mark->wait(); }, true);
  });
}

CUresult cuLaunchHostFunc(CUstream handle, CUhostFn function, void* data) {
  return guarded([&] {
    require(function, "no function");
    stream_for(handle).enqueue([=] { function(data); });
  });
}

// ---- events ----

CUresult cuEventCreate(CUevent* event, unsigned) {
  return guarded([&] { *event = reinterpret_cast<CUevent>(new Event{current_context(), {}, {}}); });
}

CUresult cuEventDestroy_v2(CUevent event) {
  return guarded([&] {
    require_initialised();
    delete &event_of(event);
  });
}

CUresult cuEventRecord(CUevent handle, CUstream stream_handle) {
  return guarded([&] {
    Event& event = event_of(handle);
    Stream& stream = stream_for(stream_handle);
    if (&event.context != &stream.context)
      throw Failure{CUDA_ERROR_INVALID_HANDLE, "cuEventRecord: the event and the stream are of different contexts"};
    if (stream.capturing()) throw Failure{CUDA_ERROR_NOT_SUPPORTED, "cuEventRecord of a captured stream"};
    auto mark = std::make_shared<Mark>();
    // Together, so that of two recordings the one that is enqueued last counts.
    std::lock_guard lock(event.mutex);
    event.latest = mark;
    stream.enqueue([mark] { mark->reach(); }, true);
  });
}

CUresult cuEventSynchronize(CUevent handle) {
  return guarded([&] {
    require_initialised();
    Event& event = event_of(handle);
    event.context.check();
    if (auto mark = event.mark()) mark->wait();
    event.context.check();
  });
}

CUresult cuEventQuery(CUevent handle) {
  return guarded([&] {
    require_initialised();
    Event& event = event_of(handle);
    event.context.check();
    auto mark = event.mark();
    if (mark && !mark->reached()) throw Failure{CUDA_ERROR_NOT_READY, {}};
    event.context.check();
  });
}

}  // extern "C"
}  // namespace skein::runtime::emulated
