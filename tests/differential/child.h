#pragma once
// Work in child processes, so that a crash or a hang of compiled code is a finding and not the end of the test.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace skein::compiler::test {

struct Report {
  std::uint64_t seed = 0;
  std::int64_t elements = 0, compared = 0;
  std::string message = {};  // empty: all is well
};

/// A child that works on seeds one after the other. The parent must not have started threads.
class Child {
 public:
  /// Starts one that reports on each seed from `first` below `end`.
  Child(std::uint64_t first, std::uint64_t end, const std::function<Report(std::uint64_t)>& work);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// The next report; of a crash or of `seconds` without an answer too, after which there is no further one.
  std::optional<Report> next(int seconds);

 private:
  bool read(void* data, std::size_t bytes, int seconds, std::string& trouble);

  int process_ = -1, pipe_ = -1;
  std::uint64_t seed_, end_;
};

}  // namespace skein::compiler::test
