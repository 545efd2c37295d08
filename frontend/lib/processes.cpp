// The processes that run together, their devices, and arrays that are split over them.
#include <skein/global.h>
#include <skein/ops.h>
#include <skein/runtime.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>
#include <sstream>

#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "frontend/trace/split.h"
#include "runtime/cpu/spmd.h"
#include "runtime/device.h"
#include "runtime/mpi/launcher.h"
#include "runtime/mpi/world.h"

namespace skein {

using namespace detail;
using runtime::mpi::world;

void initialize(InitializeOptions options, std::source_location where) {
  Call call("initialize", where);
  static std::mutex mutex;
  static std::optional<std::source_location> first;
  std::lock_guard lock(mutex);
  if (first)
    fail(std::string("it was called before, at ") + first->file_name() + ":" + std::to_string(first->line()) +
         "; once is enough, before anything else");
  if (options.timeout < 0) fail("the time-out is a number of seconds, not " + std::to_string(options.timeout));
  const runtime::mpi::Launcher launcher = runtime::mpi::detect_launcher();
  runtime::DeviceConfig config{.cpu_devices = options.cpu_devices, .threads = options.threads};
  const bool several = launcher.processes > 1 || options.communicator >= 0;
  if (several) {
    config.processes = launcher.local_processes, config.process = launcher.local_rank;
    const char* each = std::getenv("SKEIN_CPU_DEVICES");
    if (each && *each)
      config.cpu_devices = 0;
    else if (options.cpu_devices > 0)
      config.cpu_devices = std::max(
          1, options.cpu_devices / launcher.processes + (launcher.rank < options.cpu_devices % launcher.processes));
  }
  runtime::configure(config, where);
  first = where;
  if (!several) return;
  try {
    runtime::mpi::join({.communicator = options.communicator,
                        .timeout = options.timeout,
                        .devices = static_cast<int>(runtime::devices().size()),
                        .threads = runtime::devices()[0].threads});
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }
}

std::vector<Device> devices() {
  std::vector<Device> list;
  const std::string& kind = runtime::devices()[0].kind;
  if (!world())
    for (const runtime::Device& device : runtime::devices()) list.push_back({device.id, device.kind});
  else
    for (int id = 0; id < world()->device_count(); ++id) list.push_back({id, kind, world()->process_of(id)});
  return list;
}

std::vector<Device> local_devices() {
  std::vector<Device> list = devices();
  std::erase_if(list, [](const Device& device) { return device.process != process_index(); });
  return list;
}

int process_index() { return world() ? world()->rank() : 0; }
int process_count() { return world() ? world()->size() : 1; }

namespace {

NamedSharding resolved(const NamedSharding& sharding) {
  if (!sharding.spec().empty()) check_devices(sharding.mesh());
  return {sharding.mesh(), sharding.spec().resolve(sharding.mesh(), current_op(), current_location())};
}

void check_divides(const Shape& shape, const NamedSharding& sharding) {
  if (sharding.spec().size() > shape.size())
    fail("an array of shape " + to_string(shape) + " has fewer dimensions than its spec " + to_string(sharding.spec()) +
         " names");
  for (std::size_t d = 0; d < shape.size(); ++d) {
    const std::int64_t parts = sharding.mesh().axes_size(sharding.spec().axes(d));
    if (shape[d] % parts)
      fail("dimension " + std::to_string(d) + " of shape " + to_string(shape) + " is not divisible by the " +
           std::to_string(parts) + " parts of " + to_string(sharding.spec()) + " on " + to_string(sharding.mesh()) +
           "; pad it to " + std::to_string((shape[d] + parts - 1) / parts * parts));
  }
}

std::string text_of(const std::vector<Slice>& index) {
  std::string text;
  for (const Slice& slice : index)
    text += (text.empty() ? "" : ", ") + std::to_string(*slice.start) + ":" + std::to_string(*slice.stop);
  return "[" + text + "]";
}

}  // namespace

Array detail::make_split(DType dtype, const Shape& shape, const NamedSharding& sharding,
                         const std::function<void(const std::vector<Slice>&, void*)>& fill) {
  check_divides(shape, sharding);
  Array array(make_concrete(dtype, shape, std::make_shared<const NamedSharding>(sharding)));
  ArrayImpl& impl = *array.impl();
  const auto item = static_cast<std::int64_t>(itemsize(dtype));
  const std::int64_t bytes = block_shape(shape, sharding).volume() * item;
  std::vector<std::byte> block(impl.stored.empty() ? static_cast<std::size_t>(bytes) : 0);
  std::int64_t slot = 0;
  for (const Block& here : local_blocks(shape, sharding)) {
    void* place = impl.stored.empty() ? block.data() : static_cast<std::byte*>(impl.data) + slot++ * bytes;
    fill(here.index, place);
    if (impl.stored.empty()) copy_box(impl.data, shape, here.index, block.data(), item, false);
  }
  return array;
}

std::vector<std::string> detail::gather_texts(const std::string& mine) {
  if (!world()) return {mine};
  const auto line = current_location();
  const runtime::Site site{current_op(), line.file_name(), static_cast<std::int32_t>(line.line())};
  std::vector<std::string> texts;
  std::mutex mutex;
  world()->set_program(0, current_op());
  runtime::cpu::run_devices(
      world()->device_count(), 1,
      [&](runtime::Communicator& devices) {
        const auto length = static_cast<std::int64_t>(mine.size());
        std::vector<std::int64_t> lengths(static_cast<std::size_t>(devices.size()));
        const runtime::Operand sizes{&length, lengths.data(), DType::int64, 1};
        devices.all_gather({&sizes, 1}, site);
        const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
        std::string padded = mine, all(static_cast<std::size_t>(longest * devices.size()), '\0');
        padded.resize(static_cast<std::size_t>(longest));
        const runtime::Operand whole{padded.data(), all.data(), DType::uint8, longest};
        devices.all_gather({&whole, 1}, site);
        std::lock_guard lock(mutex);
        if (!texts.empty()) return;
        for (const runtime::mpi::Process& process : world()->processes())
          texts.push_back(
              all.substr(static_cast<std::size_t>(process.first_device * longest),
                         static_cast<std::size_t>(lengths[static_cast<std::size_t>(process.first_device)])));
      },
      site);
  return texts;
}

Array make_array_from_callback(const Shape& shape, const NamedSharding& given,
                               const std::function<Array(const std::vector<Slice>&)>& part,
                               std::source_location where) {
  Call call("make_array_from_callback", where);
  const NamedSharding sharding = resolved(given);
  check_divides(shape, sharding);
  const Shape wanted = block_shape(shape, sharding);
  // The first part gives the dtype of all.
  std::vector<std::pair<std::vector<Slice>, Array>> parts;
  for (const Block& block : local_blocks(shape, sharding)) {
    Array value;
    {
      PublicUserCode user;
      value = part(block.index);
    }
    concrete_data(value);
    if (!(value.shape() == wanted))
      fail("the part at " + text_of(block.index) + " has shape " + to_string(wanted) + "; the function gave " +
           describe(value));
    if (!parts.empty() && value.dtype() != parts[0].second.dtype())
      fail("all parts have one dtype; here are " + describe(parts[0].second) + " and " + describe(value));
    parts.emplace_back(block.index, value);
  }
  std::size_t next = 0;
  return make_split(parts[0].second.dtype(), shape, sharding, [&](const std::vector<Slice>&, void* memory) {
    const Array& value = parts[next++].second;
    std::memcpy(memory, concrete_data(value), static_cast<std::size_t>(value.nbytes()));
  });
}

Array make_array_from_process_local_data(const NamedSharding& given, const Array& data, std::source_location where) {
  Call call("make_array_from_process_local_data", where);
  const NamedSharding sharding = resolved(given);
  void* elements = concrete_data(data);
  const Mesh& mesh = sharding.mesh();
  if (sharding.spec().size() > data.shape().size())
    fail(describe(data) + " has fewer dimensions than the spec " + to_string(sharding.spec()) + " names");
  // Where this process's parts lie along each dimension, in units of one part.
  const std::size_t dims = data.shape().size();
  std::vector<std::vector<std::int64_t>> places(dims);
  for (std::int64_t rank = 0; rank < mesh.size(); ++rank) {
    if (!is_local(mesh.ids()[static_cast<std::size_t>(rank)])) continue;
    for (std::size_t d = 0; d < dims; ++d) {
      const auto& axes = sharding.spec().axes(d);
      const std::int64_t at = axes.empty() ? 0 : mesh.rank_within(rank, axes);
      if (std::find(places[d].begin(), places[d].end(), at) == places[d].end()) places[d].push_back(at);
    }
  }
  Shape whole = data.shape();
  for (std::size_t d = 0; d < dims; ++d) {
    std::sort(places[d].begin(), places[d].end());
    const auto parts = static_cast<std::int64_t>(places[d].size());
    if (whole[d] % parts)
      fail("dimension " + std::to_string(d) + " of this process's data, " + describe(data) +
           ", is not divisible by the " + std::to_string(parts) + " parts that its devices have of it");
    whole[d] = whole[d] / parts * mesh.axes_size(sharding.spec().axes(d));
  }
  const Shape block = block_shape(whole, sharding);
  std::int64_t boxes = 1;
  for (const auto& along : places) boxes *= static_cast<std::int64_t>(along.size());
  if (boxes != static_cast<std::int64_t>(local_blocks(whole, sharding).size()))
    fail("the parts of this process's devices are no box of an array of shape " + to_string(whole) + " split as " +
         to_string(sharding.spec()) + "; use make_array_from_callback");
  return make_split(data.dtype(), whole, sharding, [&](const std::vector<Slice>& index, void* memory) {
    std::vector<Slice> here;  // in `data`
    for (std::size_t d = 0; d < dims; ++d) {
      const std::int64_t part = block[d] ? *index[d].start / block[d] : 0;
      const std::int64_t at = std::find(places[d].begin(), places[d].end(), part) - places[d].begin();
      here.push_back({at * block[d], (at + 1) * block[d], {}});
    }
    copy_box(elements, data.shape(), here, memory, static_cast<std::int64_t>(itemsize(data.dtype())), true);
  });
}

Array device_put(const Array& whole, const NamedSharding& given, std::source_location where) {
  Call call("device_put", where);
  const NamedSharding sharding = resolved(given);
  void* elements = concrete_data(whole);
  check_divides(whole.shape(), sharding);
  return make_split(whole.dtype(), whole.shape(), sharding, [&](const std::vector<Slice>& index, void* memory) {
    copy_box(elements, whole.shape(), index, memory, static_cast<std::int64_t>(itemsize(whole.dtype())), true);
  });
}

void detail::agree_on_program(const std::string& text, std::uint64_t fingerprint, const std::string& call) {
  const runtime::mpi::World& all = *world();
  struct Print {
    std::uint64_t fingerprint;
    char call[240];
  } mine{fingerprint, {}};
  std::copy_n(call.data(), std::min(call.size(), sizeof mine.call - 1), mine.call);
  std::vector<Print> prints(static_cast<std::size_t>(all.size()));
  const auto gathered = gather_texts(std::string(reinterpret_cast<const char*>(&mine), sizeof mine));
  for (std::size_t p = 0; p < prints.size(); ++p) std::memcpy(&prints[p], gathered[p].data(), sizeof mine);
  auto other = std::find_if(prints.begin(), prints.end(),
                            [&](const Print& p) { return p.fingerprint != prints[0].fingerprint; });
  if (other == prints.end()) return;
  // The texts, to find where they part.
  const auto texts = gather_texts(text);
  const auto process = other - prints.begin();
  std::istringstream one(texts[0]), two(texts[static_cast<std::size_t>(process)]);
  std::string a, b;
  do {
    if (!std::getline(one, a)) a = "(its end)";
    if (!std::getline(two, b)) b = "(its end)";
  } while (a == b && a != "(its end)");
  fail("processes run different programs: " + all.describe(0) + " calls " + prints[0].call + ", " +
       all.describe(static_cast<int>(process)) + " calls " + other->call + "; the first difference:\n  " + a + "\n  " +
       b + "\nall processes call the same programs in the same order");
}

Array detail::gather_processes(const Array& array, std::source_location where) {
  Call call("process_allgather", where);
  void* blocks = stored_data(array);
  const ArrayImpl& impl = *array.impl();
  if (impl.stored.empty()) return array;
  const NamedSharding& sharding = *impl.sharding;
  const auto item = static_cast<std::int64_t>(itemsize(impl.dtype));
  const Shape block = block_shape(impl.shape, sharding);
  const std::int64_t bytes = block.volume() * item;
  const auto here = local_blocks(impl.shape, sharding);
  Array whole(make_concrete(impl.dtype, impl.shape));
  const auto line = current_location();
  const runtime::Site site{"process_allgather", line.file_name(), static_cast<std::int32_t>(line.line())};
  std::mutex mutex;
  bool done = false;
  runtime::cpu::run_devices(
      static_cast<int>(sharding.mesh().size()), 1,
      [&](runtime::Communicator& devices) {
        const auto index = block_index(impl.shape, sharding, devices.rank());
        const auto slot =
            std::find_if(here.begin(), here.end(), [&](const Block& b) { return b.index == index; }) - here.begin();
        runtime::Buffer all = runtime::Buffer::allocate(static_cast<std::size_t>(bytes * devices.size()) + 1);
        const runtime::Operand operand{static_cast<std::byte*>(blocks) + slot * bytes, all.data(), DType::uint8, bytes};
        devices.all_gather({&operand, 1}, site);
        std::lock_guard lock(mutex);
        if (std::exchange(done, true)) return;
        for (int rank = 0; rank < devices.size(); ++rank)
          copy_box(whole.impl()->data, impl.shape, block_index(impl.shape, sharding, rank),
                   static_cast<std::byte*>(all.data()) + rank * bytes, item, false);
      },
      site);
  return whole;
}

}  // namespace skein
