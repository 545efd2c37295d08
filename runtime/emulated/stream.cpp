#include "runtime/emulated/stream.h"

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

namespace skein::runtime::emulated {

Stream* Stream::create(Context& context) {
  auto* stream = new Stream(context);
  // Detached: at the end of the process a thread may still wait for what will never come.
  std::thread([stream] {
    stream->serve();
    delete stream;
  }).detach();
  return stream;
}

void Stream::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  wake_.notify_all();
}

void Stream::enqueue(Work work, bool always) {
  std::lock_guard lock(mutex_);
  if (capturing_) {
    captured_.push_back(std::move(work));
    return;
  }
  queue_.push_back({std::move(work), always});
  ++enqueued_;
  wake_.notify_all();
}

void Stream::finish() {
  std::unique_lock lock(mutex_);
  const std::uint64_t target = enqueued_;
  done_.wait(lock, [&] { return completed_ >= target; });
}

bool Stream::idle() {
  std::lock_guard lock(mutex_);
  return completed_ == enqueued_;
}

void Stream::begin_capture() {
  std::lock_guard lock(mutex_);
  require(!capturing_, "the stream is captured already");
  capturing_ = true;
}

std::vector<Work> Stream::end_capture() {
  std::lock_guard lock(mutex_);
  require(capturing_, "the stream is not captured");
  capturing_ = false;
  return std::exchange(captured_, {});
}

bool Stream::capturing() {
  std::lock_guard lock(mutex_);
  return capturing_;
}

void Stream::serve() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return closed_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Operation operation = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    run(operation);
    operation.work = nullptr;  // what it holds is let go before anyone sees that it is done
    lock.lock();
    ++completed_;
    done_.notify_all();
  }
}

void Stream::run(const Operation& operation) {
  if (settings().delay) std::this_thread::sleep_for(std::chrono::microseconds(settings().delay));
  if (!operation.always && context.error.load() != CUDA_SUCCESS) return;
  try {
    operation.work();
  } catch (const Failure& failure) {
    context.fail(failure.code, failure.text);
  } catch (const std::exception& error) {
    context.fail(CUDA_ERROR_UNKNOWN, error.what());
  } catch (...) {
    context.fail(CUDA_ERROR_UNKNOWN, {});
  }
}

Stream& stream_of(CUstream handle, Context& context) {
  if (handle) {
    Stream& stream = *reinterpret_cast<Stream*>(handle);
    stream.context.check();
    return stream;
  }
  context.check();
  std::lock_guard lock(context.mutex);
  if (!context.default_stream) context.default_stream = Stream::create(context);
  return *context.default_stream;
}

void Mark::reach() {
  std::lock_guard lock(mutex_);
  reached_ = true;
  condition_.notify_all();
}

void Mark::wait() {
  std::unique_lock lock(mutex_);
  condition_.wait(lock, [&] { return reached_; });
}

bool Mark::reached() {
  std::lock_guard lock(mutex_);
  return reached_;
}

}  // namespace skein::runtime::emulated
