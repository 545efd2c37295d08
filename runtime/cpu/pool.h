#pragma once
// The worker threads of this process, and how a thread has some of them help.
//
// A run claims the workers that are free and keeps them to its end, so that handing them work is two stores and no
// lock. A run that finds none free works alone: two runs never wait for each other.
//
// Left to itself the kernel may wake a worker on the core of the thread that woke it, and leave both there while another
// process is busy. So each core has a worker that stays on it, and a run takes those of the other cores:
//
//   cores     0        1        2        3
//   workers   0        1        2        3        4 5 ...  (more threads than cores were asked for: on any core)
//   a run     takes    (it is   takes    takes
//                      here)

#include <sched.h>
#include <cstdint>
#include <ctime>
#include <span>
#include <vector>

namespace skein::runtime::cpu {

class Worker;
using Task = void (*)(void* argument, int member);

/// Workers claimed by one thread; gives them back when destroyed.
class Team {
 public:
  Team() = default;
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;
  ~Team() { release(); }
  /// Claims up to `wanted` free workers (beside those it has), none of them on the core that the caller is on.
  void claim(int wanted);
  /// If the caller has moved to the core of one of the workers, replaces that one, where another is free.
  void keep_apart();
  void release();
  std::span<Worker* const> workers() const { return workers_; }

 private:
  std::vector<Worker*> workers_;
};

/// Runs task(argument, 0) on this thread and task(argument, i + 1) on worker i, and waits for all. With `optional`, a
/// worker that has not begun when this thread is done need not begin any more.
void fork_join(std::span<Worker* const> workers, Task task, void* argument, bool optional);

/// Waiting in steps: first the core spins, then other threads may have it, then it sleeps for a moment.
class Backoff {
 public:
  void step() {
    if (++steps_ < 600) {
      relax();
    } else if (steps_ < 20000) {
      sched_yield();
    } else {
      timespec moment{0, 20000};
      nanosleep(&moment, nullptr);
    }
  }
  /// Whether it has waited long enough that asking what is wrong costs nothing.
  bool long_wait() const { return steps_ >= 1000; }
  void reset() { steps_ = 0; }
  static void relax() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
  }

 private:
  std::uint32_t steps_ = 0;
};

}  // namespace skein::runtime::cpu
