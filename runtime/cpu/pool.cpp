#include "runtime/cpu/pool.h"

#include "runtime/device.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <climits>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

namespace skein::runtime::cpu {
namespace {

void futex_wait(std::atomic<std::uint32_t>& word, std::uint32_t expected) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAIT_PRIVATE, expected, nullptr, nullptr, 0);
}
void futex_wake(std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, reinterpret_cast<std::uint32_t*>(&word), FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

// Waiting awake, for the next task or for a task's end. It ends early when the core was taken away meanwhile: then
// another program wants it, and the next waits are short until one of them passes undisturbed.
class Spin {
 public:
  /// Until `done`, or until the thread should go to sleep; says whether it was done.
  template <class Done>
  bool wait(Done done) {
    constexpr int between_looks = 64;  // near 2 us
    for (int i = 0; i < between_looks; ++i) {
      if (done()) return true;
      Backoff::relax();
    }
    const std::int64_t begin = now();
    for (std::int64_t before = begin;;) {
      for (int i = 0; i < between_looks; ++i) {
        if (done()) return true;
        Backoff::relax();
      }
      const std::int64_t time = now();
      const bool disturbed = time - before > 100000;
      if (disturbed || time - begin > limit_) {
        limit_ = disturbed ? short_limit : long_limit;
        return done();
      }
      before = time;
    }
  }

 private:
  // A program that is called in a loop should find its workers awake.
  static constexpr std::int64_t long_limit = 200000, short_limit = 40000;  // ns
  static std::int64_t now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<std::int64_t>(time.tv_sec) * 1000000000 + time.tv_nsec;
  }
  std::int64_t limit_ = long_limit;
};

}  // namespace

class alignas(128) Worker {
 public:
  enum State : std::uint32_t { idle, posted, running };

  /// Stays on this core; -1: on any.
  explicit Worker(int core) : core_(core) {}
  int core() const { return core_; }

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
    thread_local Spin spin;
    if (spin.wait([this] { return state_.load(std::memory_order_acquire) == idle; })) return;
    awaited_.store(true, std::memory_order_seq_cst);
    for (;;) {
      std::uint32_t now = state_.load(std::memory_order_seq_cst);
      if (now == idle) break;
      futex_wait(state_, now);
    }
    awaited_.store(false, std::memory_order_relaxed);
  }

  [[noreturn]] void loop() {
    Spin spin;
    for (;;) {
      auto take = [this] {
        std::uint32_t expected = posted;
        return state_.load(std::memory_order_relaxed) == posted &&
               state_.compare_exchange_strong(expected, running, std::memory_order_acq_rel);
      };
      while (!spin.wait(take)) {
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
  const int core_;
  alignas(128) std::atomic<bool> claimed_{false};
};

namespace {

// Workers are started when they are first wanted, and never end.
class Pool {
 public:
  Pool() : free_(total_threads() - 1) {
    const std::vector<int>& cores = allowed_cores();
    const auto threads = static_cast<std::size_t>(total_threads());
    // With fewer threads than cores the kernel chooses: other processes like this one would all choose the first cores.
    const std::size_t pinned = threads < cores.size() ? 0 : cores.size();
    for (std::size_t i = 0; i < threads; ++i) slots_.emplace_back(i < pinned ? cores[i] : -1);
  }

  /// All runs together hold at most as many workers as there are threads beside one caller.
  template <class Take>
  void claim(int wanted, Take take) {
    const int here = sched_getcpu();
    for (Slot& slot : slots_) {
      if (wanted <= 0) return;
      if (slot.core >= 0 && slot.core == here) continue;
      if (free_.fetch_sub(1, std::memory_order_relaxed) <= 0) {
        free_.fetch_add(1, std::memory_order_relaxed);
        return;
      }
      Worker* worker = slot.worker.load(std::memory_order_acquire);
      if (!worker) worker = start(slot);
      if (worker->claim())
        take(worker), --wanted;
      else
        free_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  void release(Worker* worker) {
    worker->release();
    free_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  struct Slot {
    explicit Slot(int number) : core(number) {}
    const int core;
    std::atomic<Worker*> worker{nullptr};
  };

  Worker* start(Slot& slot) {
    std::lock_guard lock(mutex_);
    if (Worker* worker = slot.worker.load(std::memory_order_relaxed)) return worker;
    auto worker = std::make_unique<Worker>(slot.core);
    std::thread([w = worker.get()] {
      pthread_setname_np(pthread_self(), "skein-worker");
      if (w->core() >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(w->core(), &set);
        sched_setaffinity(0, sizeof set, &set);  // where that is forbidden the kernel chooses
      }
      w->loop();
    }).detach();
    slot.worker.store(worker.get(), std::memory_order_release);
    return worker.release();
  }

  std::mutex mutex_;
  std::atomic<int> free_;
  std::deque<Slot> slots_;
};

Pool& pool() {
  static auto* instance = new Pool;  // never destroyed: workers outlive main
  return *instance;
}

}  // namespace

void Team::claim(int wanted) {
  if (wanted > 0) pool().claim(wanted, [this](Worker* worker) { workers_.push_back(worker); });
}

void Team::keep_apart() {
  const int here = sched_getcpu();
  for (Worker*& worker : workers_) {
    if (worker->core() < 0 || worker->core() != here) continue;
    Worker* lost = std::exchange(worker, nullptr);
    pool().release(lost);
    pool().claim(1, [&worker](Worker* found) { worker = found; });
    if (!worker) workers_.erase(workers_.begin() + (&worker - workers_.data()));
    return;  // no two workers are on one core
  }
}

void Team::release() {
  for (Worker* worker : workers_) pool().release(worker);
  workers_.clear();
}

void fork_join(std::span<Worker* const> workers, Task task, void* argument, bool optional) {
  for (std::size_t i = 0; i < workers.size(); ++i) workers[i]->post(task, argument, static_cast<int>(i) + 1);
  task(argument, 0);
  for (Worker* worker : workers)
    if (!optional || !worker->revoke()) worker->join();
}

}  // namespace skein::runtime::cpu
