#pragma once
// What a device's program may wait for.

#include <exception>

namespace skein::runtime::cpu {

struct Wait {
  virtual ~Wait() = default;
  virtual bool ready() const = 0;
  /// Whether what it waits for comes from another process, of whose devices nothing is known here.
  virtual bool remote() const { return false; }
  /// Asked from time to time: why it will never be ready, or null.
  virtual std::exception_ptr trouble() const { return nullptr; }
};

}  // namespace skein::runtime::cpu
