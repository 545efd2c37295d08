#pragma once
// Streams (a thread with a queue each), events and graphs.

#include "runtime/emulated/state.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace skein::runtime::emulated {

using Work = std::function<void()>;  // may throw a Failure, which then is the context's

class Stream {
 public:
  /// Its thread ends, and the stream with it, when close() was called and everything has been done.
  static Stream* create(Context& context);
  void close();

  /// Returns at once. Work that is always done is done in a failed context too: others wait for it.
  void enqueue(Work work, bool always = false);
  void finish();
  bool idle();

  void begin_capture();
  std::vector<Work> end_capture();
  bool capturing();

  Context& context;

 private:
  struct Operation {
    Work work;
    bool always;
  };
  explicit Stream(Context& context) : context(context) {}
  void serve();
  void run(const Operation& operation);

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::deque<Operation> queue_;
  std::uint64_t enqueued_ = 0, completed_ = 0;
  bool closed_ = false, capturing_ = false;
  std::vector<Work> captured_;
};

/// The stream of a handle; null means the context's own. Throws if the context has failed.
Stream& stream_of(CUstream handle, Context& context);

/// One recording of an event.
class Mark {
 public:
  void reach();
  void wait();
  bool reached();

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool reached_ = false;
};

struct Event {
  Context& context;
  std::mutex mutex;
  std::shared_ptr<Mark> latest;  // null: never recorded

  std::shared_ptr<Mark> mark() {
    std::lock_guard lock(mutex);
    return latest;
  }
};

struct Graph {
  std::vector<Work> operations;
};

}  // namespace skein::runtime::emulated
