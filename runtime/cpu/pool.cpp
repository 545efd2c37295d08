#include "runtime/cpu/pool.h"

#include "runtime/device.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <climits>
#include <mutex>
#include <thread>

namespace skein::runtime::cpu {
namespace {

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

constexpr int spin_steps = 4000;  // near 100 us: a program that is called in a loop finds its workers awake

}  // namespace

class alignas(128) Worker {
 public:
  enum State : std::uint32_t { idle, posted, running };

  bool claim() {
    bool expected = false;
    return !claimed_.load(std::memory_order_relaxed) &&
           claimed_.compare_exchange_strong(expected, true, std::memory_order_acquire);
  }
  void release() { claimed_.store(false, std::memory_order_release); }

  void post(Task task, void* argument, int member) {
    task_ = task, argument_ = argument, member_ = member;
    state_.store(posted, std::memory_order_seq_cst);
    if (asleep_.load(std::memory_order_seq_cst)) futex_wake(state_);
  }

  /// Takes a task back that has not begun.
  bool revoke() {
    std::uint32_t expected = posted;
    return state_.compare_exchange_strong(expected, idle, std::memory_order_acq_rel);
  }

  /// Waits until the task that was posted has ended.
  void join() {
    for (int i = 0; i < spin_steps; ++i) {
      if (state_.load(std::memory_order_acquire) == idle) return;
      Backoff::relax();
    }
    awaited_.store(true, std::memory_order_seq_cst);
    for (;;) {
      std::uint32_t now = state_.load(std::memory_order_seq_cst);
      if (now == idle) break;
      futex_wait(state_, now);
    }
    awaited_.store(false, std::memory_order_relaxed);
  }

  [[noreturn]] void loop() {
    for (;;) {
      int spins = 0;
      for (;;) {
        std::uint32_t expected = posted;
        if (state_.load(std::memory_order_relaxed) == posted &&
            state_.compare_exchange_strong(expected, running, std::memory_order_acq_rel))
          break;
        if (++spins < spin_steps) {
          Backoff::relax();
          continue;
        }
        asleep_.store(true, std::memory_order_seq_cst);
        while (state_.load(std::memory_order_seq_cst) == idle) futex_wait(state_, idle);
        asleep_.store(false, std::memory_order_relaxed);
      }
      task_(argument_, member_);
      state_.store(idle, std::memory_order_seq_cst);
      if (awaited_.load(std::memory_order_seq_cst)) futex_wake(state_);
    }
  }

 private:
  std::atomic<std::uint32_t> state_{idle};
  std::atomic<bool> asleep_{false}, awaited_{false};
  Task task_ = nullptr;
  void* argument_ = nullptr;
  int member_ = 0;
  alignas(128) std::atomic<bool> claimed_{false};
};

namespace {

// Workers are started when they are first wanted, and never end.
class Pool {
 public:
  template <class Take>
  void claim(int wanted, Take take) {
    int limit = total_threads() - 1;
    if (wanted > limit) wanted = limit;
    if (wanted > started_.load(std::memory_order_acquire)) start(wanted);
    int known = started_.load(std::memory_order_acquire);
    for (int i = 0; i < known && wanted > 0; ++i)
      if (workers_[i]->claim()) take(workers_[i]), --wanted;
  }

 private:
  void start(int count) {
    std::lock_guard lock(mutex_);
    if (workers_.empty()) workers_.resize(static_cast<std::size_t>(total_threads()));
    for (int i = started_.load(std::memory_order_relaxed); i < count; ++i) {
      auto* worker = new Worker;
      std::thread thread([worker] {
        pthread_setname_np(pthread_self(), "skein-worker");
        worker->loop();
      });
      thread.detach();
      workers_[static_cast<std::size_t>(i)] = worker;
      started_.store(i + 1, std::memory_order_release);
    }
  }

  std::mutex mutex_;
  std::vector<Worker*> workers_;  // sized once
  std::atomic<int> started_{0};
};

Pool& pool() {
  static auto* instance = new Pool;  // never destroyed: workers outlive main
  return *instance;
}

}  // namespace

void Team::claim(int wanted) {
  if (wanted > 0) pool().claim(wanted, [this](Worker* worker) { workers_.push_back(worker); });
}

void Team::release() {
  for (Worker* worker : workers_) worker->release();
  workers_.clear();
}

void fork_join(std::span<Worker* const> workers, Task task, void* argument, bool optional) {
  for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->post(task, argument, static_cast<int>(i) + 1);
  task(argument, 0);
  for (Worker* worker : workers)
    if (!optional || !worker->revoke()) worker->join();
}

}  // namespace skein::runtime::cpu
