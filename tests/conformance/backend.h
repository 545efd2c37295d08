#pragma once
// What the suite needs to know of a back end: how it runs a function on n devices, each with its communicator.

#include "runtime/communicator.h"

#include <skein/base/error.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace skein::conformance {

using Body = std::function<void(runtime::Communicator&)>;

struct Backend {
  std::string name;
  /// Runs the body on so many devices and throws the first error of any.
  std::function<void(int devices, const Body&)> run;
  /// Whether wrong use is reported as an error with every device's place, rather than undefined (MPI).
  bool reports_mismatch = true;
  /// Whether a circle of waits is found at once, rather than by a time-out.
  bool finds_circles = true;
  /// Whether a sum is taken in rank order however the devices are spread, rather than within a process and then
  /// between.
  bool sums_in_rank_order = true;
};

const std::vector<Backend>& backends();
/// Before the tests are listed: joins the processes that were started together, if this one was.
void join_processes();

struct Case {
  int backend;
  int devices;
};

class Conformance : public testing::TestWithParam<Case> {
 protected:
  int devices() const { return GetParam().devices; }
  const Backend& backend() const { return backends()[static_cast<std::size_t>(GetParam().backend)]; }
  void run(const Body& body) const { backend().run(devices(), body); }
  /// The text of the error that the body ends in; "" if there is none.
  std::string error_of(const Body& body) const {
    try {
      run(body);
    } catch (const UserError& error) {
      return error.what();
    }
    return {};
  }
};

std::vector<Case> all_cases();
std::string case_name(const testing::TestParamInfo<Case>&);

#define SKEIN_CONFORMANCE(suite)                                                                  \
  INSTANTIATE_TEST_SUITE_P(Backends, suite, testing::ValuesIn(::skein::conformance::all_cases()), \
                           ::skein::conformance::case_name)

// Elements of any dtype from small whole numbers, and back.
void put(DType, void* data, std::int64_t index, double value);
double get(DType, const void* data, std::int64_t index);

/// An array of one dtype for use as a buffer.
struct Array {
  DType dtype;
  std::int64_t count;
  std::vector<std::uint64_t> bytes;  // aligned for every dtype

  Array(DType dtype, std::int64_t count, std::function<double(std::int64_t)> value = {});
  void* data() { return bytes.data(); }
  const void* data() const { return bytes.data(); }
  double operator[](std::int64_t i) const { return get(dtype, bytes.data(), i); }
  void set(std::int64_t i, double value) { put(dtype, bytes.data(), i, value); }
};

inline constexpr runtime::Site here(const char* op, int line) { return {op, "suite.cpp", line}; }

}  // namespace skein::conformance
