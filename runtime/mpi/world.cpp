#include "runtime/mpi/world.h"

#include "runtime/device.h"
#include "runtime/mpi/lifeline.h"
#include "runtime/plugins.h"

#include <skein/base/error.h>

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <thread>

namespace skein::runtime::mpi {
namespace {

using Clock = std::chrono::steady_clock;

// How long a process may go on without an error after another was lost: within five seconds all are to have ended.
constexpr auto grace = std::chrono::milliseconds(4000);
constexpr double default_timeout = 600;
// How long after a process has ended its data may still arrive.
constexpr auto stragglers = std::chrono::milliseconds(200);
constexpr int straggler_looks = 200;

std::unique_ptr<Transport> connect(int communicator) {
  auto fail = [](const std::string& why) -> std::unique_ptr<Transport> {
    throw RuntimeError("this process was started with others, but MPI cannot be used: " + why +
                           "; SKEIN_PROCESSES=1 lets it run alone",
                       "initialize", "", 0);
  };
  // MPI's own plugins look for its symbols in the whole process.
  std::string tried;
  void* library = nullptr;
  for (const char* name : {"libmpi.so.40", "libmpi.so"}) {
    library = dlopen(name, RTLD_LAZY | RTLD_GLOBAL);
    if (library) break;
    tried += std::string(tried.empty() ? "" : "; ") + dlerror();
  }
  if (!library) return fail(tried);
  void* plugin = nullptr;
  tried.clear();
  for (const std::string& path : plugin_paths("SKEIN_MPI_PLUGIN", "libskein_mpi.so")) {
    plugin = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (plugin) break;
    tried += std::string(tried.empty() ? "" : "; ") + dlerror();
  }
  if (!plugin) return fail(tried);
  auto connect = reinterpret_cast<Connect>(dlsym(plugin, "skein_mpi_connect"));
  const char* error = "libskein_mpi.so is of another version";
  Transport* transport = connect ? connect(communicator, &error) : nullptr;
  if (!transport) return fail(error);
  return std::unique_ptr<Transport>(transport);
}

double timeout_from_environment() {
  const char* text = std::getenv("SKEIN_TIMEOUT");
  if (!text || !*text) return default_timeout;
  char* end = nullptr;
  double seconds = std::strtod(text, &end);
  if (*end || !(seconds > 0))
    throw UserError(std::string("SKEIN_TIMEOUT=") + text + " is not a number of seconds", "initialize", "", 0);
  return seconds;
}

/// Lines of a list as one.
std::string in_line(const std::string& lines) {
  std::string text;
  std::istringstream rest(lines);
  for (std::string line; std::getline(rest, line);)
    text += (text.empty() ? "" : "; ") + line.substr(std::min(line.find_first_not_of(' '), line.size()));
  return text;
}

/// "0-3,8".
std::string list_of(const std::vector<int>& numbers) {
  std::string text;
  for (std::size_t i = 0; i < numbers.size();) {
    std::size_t end = i;
    while (end + 1 < numbers.size() && numbers[end + 1] == numbers[end] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(numbers[i]);
    if (end > i) text += "-" + std::to_string(numbers[end]);
    i = end + 1;
  }
  return text;
}

void copy_text(char* to, std::size_t room, std::string_view text) {
  std::size_t length = std::min(text.size(), room - 1);
  std::memcpy(to, text.data(), length);
  to[length] = 0;
}

}  // namespace

struct World::Notice {
  enum class State : std::uint8_t { ended, cancelled, failed, left };
  enum class Class : std::uint8_t { user, runtime, internal, other };
  std::uint64_t run = 0, program = 0;
  State state = State::ended;
  Class error = Class::other;
  std::uint32_t line = 0;
  bool stuck = false;   // it waited for devices that have ended
  char call[128] = {};  // of the program
  // Only where something went wrong, the rest is sent:
  char waits[1000] = {};  // of its devices, a line each
  char op[48] = {}, file[256] = {}, text[3000] = {};
};

namespace {
constexpr int notice_tag = 1, first_tag = 2;
World* the_world = nullptr;
}  // namespace

World::World(const JoinOptions& options) : transport_(connect(options.communicator)) {
  timeout_ = options.timeout > 0 ? options.timeout : timeout_from_environment();
  char host[256] = "?";
  gethostname(host, sizeof host - 1);
  std::string gpus;
  for (const Device& device : devices())
    if (device.kind != "cpu") gpus += fmt::format("{}{} {}", gpus.empty() ? "" : ", ", device.kind, device.ordinal);
  std::string mine = fmt::format("{}\n{}\n{}\n{} {} {}\n{}", host, list_of(allowed_cores()), gpus, getpid(), options.devices,
                                 options.threads, rank() == 0 ? Lifeline::offer() : std::string());
  std::string offer;
  try {
    for (const std::string& text : transport_->gather_texts(mine)) {
      std::istringstream lines(text);
      Process process;
      std::getline(lines, process.host);
      std::getline(lines, process.cores);
      std::getline(lines, process.gpus);
      lines >> process.pid >> process.devices >> process.threads;
      std::string rest;
      std::getline(lines, rest);
      process.first_device = static_cast<int>(process_of_.size());
      process_of_.insert(process_of_.end(), static_cast<std::size_t>(process.devices),
                         static_cast<int>(processes_.size()));
      if (processes_.empty()) std::getline(lines, offer);
      processes_.push_back(process);
    }
  } catch (const std::runtime_error& error) {
    throw RuntimeError(error.what(), "initialize", "", 0);
  }
  peers_.resize(processes_.size());
  for (int p = 0; p < size(); ++p)
    if (p != rank()) listen(p);
  lifeline_ = std::make_unique<Lifeline>(offer, rank(), size(), [this](int who) {
    lost_.store(who);
    std::this_thread::sleep_for(grace);
    if (noticed_.load()) return;
    std::fprintf(stderr, "skein: RuntimeError: %s was lost; this process ends\n", describe(who).c_str());
    std::fflush(nullptr);
    std::_Exit(1);
  });
}

World::~World() = default;

std::int64_t World::devices_here(std::int64_t devices) const {
  const Process& me = processes_[static_cast<std::size_t>(rank())];
  return std::clamp<std::int64_t>(devices - me.first_device, 0, me.devices);
}

std::string World::describe(int process) const {
  return fmt::format("process {} on {}", process, processes_[static_cast<std::size_t>(process)].host);
}

Request World::send(const void* data, std::size_t bytes, int to, int tag) {
  std::lock_guard lock(mutex_);
  return transport_->send(data, bytes, to, tag);
}
Request World::receive(void* data, std::size_t bytes, int from, int tag) {
  std::lock_guard lock(mutex_);
  return transport_->receive(data, bytes, from, tag);
}
bool World::test(Request& request) {
  if (!request) return true;
  std::lock_guard lock(mutex_);
  return transport_->test(request);
}
void World::cancel(Request& request) {
  if (!request) return;
  std::lock_guard lock(mutex_);
  transport_->cancel(request);
}

int World::tag_of(const std::vector<int>& ranks) const {
  std::uint64_t hash = 0x9e3779b97f4a7c15u * (epoch_ + 1);
  for (int rank : ranks) hash = (hash ^ static_cast<std::uint64_t>(rank)) * 0x100000001b3u, hash ^= hash >> 29;
  return first_tag + static_cast<int>(hash % static_cast<std::uint64_t>(transport_->tag_limit() - first_tag));
}

void World::listen(int process) {
  Peer& peer = peers_[static_cast<std::size_t>(process)];
  peer.incoming = std::make_unique<Notice>();
  peer.request = receive(peer.incoming.get(), sizeof(Notice), process, notice_tag);
}

void World::poll() {
  for (int p = 0; p < size(); ++p) {
    Peer& peer = peers_[static_cast<std::size_t>(p)];
    if (p == rank() || !peer.incoming || !test(peer.request)) continue;
    const bool last = peer.incoming->state == Notice::State::left;
    peer.notices.push_back(std::move(peer.incoming));
    peer.heard = Clock::now();
    peer.looks = 0;
    if (!last) listen(p);
  }
}

const World::Notice* World::notice_of_this_run(int process) const {
  const Peer& peer = peers_[static_cast<std::size_t>(process)];
  if (peer.notices.empty()) return nullptr;
  const Notice& first = *peer.notices.front();
  return first.state == Notice::State::left || first.run == run_ ? &first : nullptr;
}

std::exception_ptr World::error_of(const Notice& notice) {
  switch (notice.error) {
    case Notice::Class::user:
      return std::make_exception_ptr(UserError(notice.text, notice.op, notice.file, notice.line));
    case Notice::Class::runtime:
      return std::make_exception_ptr(RuntimeError(notice.text, notice.op, notice.file, notice.line));
    case Notice::Class::internal:
      return std::make_exception_ptr(InternalError(notice.text, notice.op, notice.file, notice.line));
    case Notice::Class::other:
      break;
  }
  return std::make_exception_ptr(RuntimeError(notice.text, notice.op, notice.file, notice.line));
}

RuntimeError World::broken(const std::string& text, const Site& site) {
  broken_ = true;
  noticed_ = true;
  return RuntimeError(text, site.op ? site.op : "", site.file ? site.file : "", static_cast<unsigned>(site.line));
}

std::exception_ptr World::lost_error(const std::string& waits, const Site& site) {
  const int who = lost_.load();
  if (who < 0) return nullptr;
  std::string text = describe(who) + " was lost";
  if (!waits.empty()) text += fmt::format(" while {} waits: {}", describe(rank()), in_line(waits));
  return std::make_exception_ptr(broken(text, site));
}

void World::note_wait(const std::string& line) {
  if (waits_.find(line) == std::string::npos) waits_ += (waits_.empty() ? "" : "\n") + line;
}

void World::begin_run() {
  if (auto lost = lost_error({}, {"shard_map", "", 0})) std::rethrow_exception(lost);
  if (broken_)
    throw RuntimeError("an earlier run left the processes apart; nothing can run on their mesh any more", "shard_map",
                       "", 0);
  ++run_;
}

std::exception_ptr World::trouble(const std::vector<int>& missing, Clock::time_point since, const std::string& waits,
                                  const Site& site) {
  std::lock_guard lock(notices_);
  poll();
  if (auto lost = lost_error(waits, site)) return lost;
  for (int p = 0; p < size(); ++p)
    if (const Notice* notice = p == rank() ? nullptr : notice_of_this_run(p);
        notice && notice->state == Notice::State::failed) {
      note_wait(waits);
      return error_of(*notice);
    }
  for (int p : missing) {
    const Notice* notice = notice_of_this_run(p);
    // What it sent before may still be on its way, or here and not yet looked at, where this process had no core
    // meanwhile.
    Peer& peer = peers_[static_cast<std::size_t>(p)];
    if (!notice || ++peer.looks < straggler_looks || Clock::now() - peer.heard < stragglers) continue;
    if (notice->state == Notice::State::left)
      return std::make_exception_ptr(
          broken(fmt::format("{} has ended while {} waits: {}", describe(p), describe(rank()), in_line(waits)), site));
    stuck_ = true, note_wait(waits);  // the text is made when it is known of all devices where they are
    return std::make_exception_ptr(UserError("devices wait for others that will never come", site.op ? site.op : "",
                                             site.file ? site.file : "", static_cast<unsigned>(site.line)));
  }
  double waited = std::chrono::duration<double>(Clock::now() - since).count();
  if (waited < timeout_) return nullptr;
  std::string who;
  for (int p : missing) {
    const Process& process = processes_[static_cast<std::size_t>(p)];
    who += fmt::format("{}{} (device {})", who.empty() ? "" : ", ", describe(p), process.first_device);
  }
  return std::make_exception_ptr(
      broken(fmt::format("{} did not come within {:g} s; {} waits: {} (SKEIN_TIMEOUT gives more time)", who, timeout_,
                         describe(rank()), in_line(waits)),
             site));
}

std::exception_ptr World::end_run(std::exception_ptr mine, const Site& site) {
  auto sent = std::make_unique<Notice>();
  Notice& notice = *sent;
  notice.run = run_, notice.program = program_, notice.stuck = stuck_;
  copy_text(notice.waits, sizeof notice.waits, waits_);
  stuck_ = false, waits_.clear();
  copy_text(notice.call, sizeof notice.call, call_);
  if (mine) {
    notice.state = Notice::State::failed;
    auto fill = [&](Notice::Class c, const Error& error) {
      notice.error = c, notice.line = error.line();
      copy_text(notice.op, sizeof notice.op, error.op());
      copy_text(notice.file, sizeof notice.file, error.file());
      copy_text(notice.text, sizeof notice.text, error.message());
    };
    try {
      std::rethrow_exception(mine);
    } catch (const UserError& error) {
      fill(Notice::Class::user, error);
    } catch (const InternalError& error) {
      fill(Notice::Class::internal, error);
    } catch (const Error& error) {
      fill(Notice::Class::runtime, error);
    } catch (const std::exception& error) {
      copy_text(notice.text, sizeof notice.text, fmt::format("on {}: {}", describe(rank()), error.what()));
    } catch (...) {
      copy_text(notice.text, sizeof notice.text,
                fmt::format("on {}: an exception that is no std::exception", describe(rank())));
    }
  }
  tell(std::move(sent), notice.state == Notice::State::failed ? sizeof notice : offsetof(Notice, waits));
  if (broken_) return mine;  // the others know now; there is nothing to wait for
  const Clock::time_point since = Clock::now();
  std::exception_ptr result;
  for (int p = 0, spins = 0; p < size();) {
    if (p == rank() || notice_of_this_run(p)) {
      ++p;
      continue;
    }
    poll();
    if (++spins % 64 == 0) sched_yield();
    if (spins % 1024 != 0) continue;
    if (auto lost = lost_error("for the end of a run", site)) return mine ? mine : lost;
    if (std::chrono::duration<double>(Clock::now() - since).count() > timeout_) {
      auto late = std::make_exception_ptr(
          broken(fmt::format("{} did not come to the end of a run within {:g} s", describe(p), timeout_), site));
      return mine ? mine : late;
    }
  }
  bool failed = false, stuck = false;
  std::string places;
  for (int p = 0; p < size(); ++p) {
    const Notice* theirs = p == rank() ? &notice : notice_of_this_run(p);
    stuck |= theirs->stuck;
    const Process& process = processes_[static_cast<std::size_t>(p)];
    if (theirs->waits[0])
      places += std::string("\n") + theirs->waits;
    else
      for (int d = 0; d < process.devices; ++d)
        places += fmt::format("\n  device {}: has ended", process.first_device + d);
    if (theirs->state == Notice::State::failed && !failed) result = p == rank() && !stuck ? mine : error_of(*theirs);
    if (!result && theirs->state != Notice::State::left && theirs->program != program_)
      result =
          std::make_exception_ptr(UserError(fmt::format("processes run different programs: {} runs {}, {} runs {}; all "
                                                        "processes call the same programs in the same order",
                                                        describe(rank()), call_, describe(p), theirs->call),
                                            site.op ? site.op : "", site.file, static_cast<unsigned>(site.line)));
    failed |= theirs->state == Notice::State::failed;
    if (p != rank() && theirs->state != Notice::State::left) peers_[static_cast<std::size_t>(p)].notices.pop_front();
  }
  if (failed) ++epoch_;
  if (stuck) {
    try {
      std::rethrow_exception(result);
    } catch (const Error& error) {
      result = std::make_exception_ptr(
          UserError(std::string(error.message()) + ":" + places +
                        "\nevery device of a group must call the same collectives in the same order",
                    std::string(error.op()), error.file(), error.line()));
    }
  }
  return result;
}

void World::tell(std::unique_ptr<Notice> notice, std::size_t bytes) {
  std::erase_if(told_, [this](Told& old) {
    return std::all_of(old.requests.begin(), old.requests.end(), [this](Request& request) { return test(request); });
  });
  Told now;
  for (int p = 0; p < size(); ++p)
    if (p != rank() && lost_ < 0) now.requests.push_back(send(notice.get(), bytes, p, notice_tag));
  now.notice = std::move(notice);
  told_.push_back(std::move(now));
}

void World::leave_at_end() {
  std::atexit([] {
    the_world->leave();
    the_world->finish();
  });
  transport_->before_end([] { the_world->leave(); });
}

void World::finish() {
  if (!broken_ && lost_ < 0) transport_->finish();
}

void World::leave() {
  if (left_) return;
  left_ = true;
  // Without a farewell, so that those who wait for this process learn that it is gone.
  if (broken_ || lost_ >= 0) return;
  auto notice = std::make_unique<Notice>();
  notice->state = Notice::State::left;
  tell(std::move(notice), offsetof(Notice, waits));
  const Clock::time_point since = Clock::now();
  auto gone = [&] { return lost_ >= 0 || std::chrono::duration<double>(Clock::now() - since).count() > timeout_; };
  for (int p = 0; p < size() && !broken_;) {
    const Peer& peer = peers_[static_cast<std::size_t>(p)];
    if (p == rank() || !peer.incoming)
      ++p;
    else if (gone())
      noticed_ = broken_ = true;
    else
      poll(), sched_yield();
  }
  for (Told& told : told_)
    for (Request& request : told.requests)
      while (!broken_ && !test(request))
        if (gone()) noticed_ = broken_ = true;
  lifeline_->farewell();
}

World* world() { return the_world; }

void join(const JoinOptions& options) {
  the_world = new World(options);  // never destroyed: arrays of the user's may outlive it
  the_world->leave_at_end();
}

}  // namespace skein::runtime::mpi
