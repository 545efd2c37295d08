#include "tests/conformance/backend.h"

#include "runtime/cpu/spmd.h"
#include "runtime/device.h"
#include "runtime/mpi/launcher.h"
#include "runtime/mpi/world.h"

#include <bit>
#include <complex>
#include <cstdlib>
#include <cstring>

namespace skein::conformance {

namespace {
std::vector<Backend> of_processes() {
  // As many devices as all processes have together; each process runs its own.
  const bool one_each = runtime::mpi::world()->device_count() == runtime::mpi::world()->size();
  auto on = [](int lanes) {
    return [lanes](int devices, const Body& body) { runtime::cpu::run_devices(devices, lanes, body); };
  };
  std::vector<Backend> all = {
      {.name = "processes", .run = on(1), .finds_circles = false, .sums_in_rank_order = one_each}};
  if (!one_each)
    all.push_back({.name = "processes_and_lanes", .run = on(2), .finds_circles = false, .sums_in_rank_order = false});
  return all;
}
}  // namespace

void join_processes() {
  const runtime::mpi::Launcher launcher = runtime::mpi::detect_launcher();
  const char* devices = std::getenv("SKEIN_CPU_DEVICES");
  const bool gpus = runtime::platform() != runtime::Platform::cpu;
  if (launcher.processes > 1)
    runtime::mpi::join({.devices = gpus ? static_cast<int>(runtime::devices().size()) : devices ? std::atoi(devices) : 1});
}

const std::vector<Backend>& backends() {
  if (runtime::platform() != runtime::Platform::cpu) {
    // NCCL itself takes sums in an order of its own.
    static const std::vector<Backend> gpus = {{.name = "gpus",
                                               .run = [](int devices, const Body& body) { runtime::cpu::run_devices(devices, 1, body); },
                                               .finds_circles = !runtime::mpi::world(),
                                               .sums_in_rank_order = runtime::platform() == runtime::Platform::emulated}};
    return gpus;
  }
  if (runtime::mpi::world()) {
    static const std::vector<Backend> across = of_processes();
    return across;
  }
  static const std::vector<Backend> all = {
      {"in_turn", [](int devices, const Body& body) { runtime::cpu::run_devices(devices, 1, body); }},
      {"two_lanes", [](int devices, const Body& body) { runtime::cpu::run_devices(devices, 2, body); }},
      {"a_lane_each", [](int devices, const Body& body) { runtime::cpu::run_devices(devices, devices, body); }},
  };
  return all;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  std::vector<int> counts = {1, 2, 3, 4, 6, 8};
  if (runtime::mpi::world()) counts = {runtime::mpi::world()->device_count()};
  for (int backend = 0; backend < static_cast<int>(backends().size()); ++backend)
    for (int devices : counts) cases.push_back({backend, devices});
  return cases;
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  return backends()[static_cast<std::size_t>(info.param.backend)].name + "_" + std::to_string(info.param.devices);
}

namespace {
template <class T>
void set(void* data, std::int64_t i, T value) {
  std::memcpy(static_cast<char*>(data) + static_cast<std::size_t>(i) * sizeof(T), &value, sizeof(T));
}
template <class T>
T at(const void* data, std::int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}
}  // namespace

void put(DType dtype, void* data, std::int64_t i, double value) {
  switch (dtype) {
    case DType::bool_:
      return set<std::uint8_t>(data, i, value != 0);
    case DType::int8:
      return set(data, i, static_cast<std::int8_t>(value));
    case DType::int16:
      return set(data, i, static_cast<std::int16_t>(value));
    case DType::int32:
      return set(data, i, static_cast<std::int32_t>(value));
    case DType::int64:
      return set(data, i, static_cast<std::int64_t>(value));
    case DType::uint8:
      return set(data, i, static_cast<std::uint8_t>(value));
    case DType::uint16:
      return set(data, i, static_cast<std::uint16_t>(value));
    case DType::uint32:
      return set(data, i, static_cast<std::uint32_t>(value));
    case DType::uint64:
      return set(data, i, static_cast<std::uint64_t>(value));
    case DType::float16:
      return set(data, i, static_cast<_Float16>(value));
    case DType::bfloat16:
      return set(data, i, static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16));
    case DType::float32:
      return set(data, i, static_cast<float>(value));
    case DType::float64:
      return set(data, i, value);
    case DType::complex64:
      return set(data, i, std::complex<float>(static_cast<float>(value), 0));
    case DType::complex128:
      return set(data, i, std::complex<double>(value, 0));
  }
}

double get(DType dtype, const void* data, std::int64_t i) {
  switch (dtype) {
    case DType::bool_:
      return at<std::uint8_t>(data, i);
    case DType::int8:
      return at<std::int8_t>(data, i);
    case DType::int16:
      return at<std::int16_t>(data, i);
    case DType::int32:
      return at<std::int32_t>(data, i);
    case DType::int64:
      return static_cast<double>(at<std::int64_t>(data, i));
    case DType::uint8:
      return at<std::uint8_t>(data, i);
    case DType::uint16:
      return at<std::uint16_t>(data, i);
    case DType::uint32:
      return at<std::uint32_t>(data, i);
    case DType::uint64:
      return static_cast<double>(at<std::uint64_t>(data, i));
    case DType::float16:
      return static_cast<double>(at<_Float16>(data, i));
    case DType::bfloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(at<std::uint16_t>(data, i)) << 16);
    case DType::float32:
      return at<float>(data, i);
    case DType::float64:
      return at<double>(data, i);
    case DType::complex64:
      return at<std::complex<float>>(data, i).real();
    case DType::complex128:
      return at<std::complex<double>>(data, i).real();
  }
  return 0;
}

Array::Array(DType d, std::int64_t n, std::function<double(std::int64_t)> value)
    : dtype(d), count(n), bytes(static_cast<std::size_t>(n) * itemsize(d) / 8 + 1, 0xcdcdcdcdcdcdcdcdull) {
  if (value)
    for (std::int64_t i = 0; i < n; ++i) set(i, value(i));
}

}  // namespace skein::conformance
