#include "tests/differential/child.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>

namespace skein::compiler::test {

static void write(int pipe, const void* data, std::size_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    ssize_t written = ::write(pipe, at, bytes);
    if (written <= 0) _exit(2);  // the parent is gone
    at += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

Child::Child(std::uint64_t first, std::uint64_t end, const std::function<Report(std::uint64_t)>& work)
    : seed_(first), end_(end) {
  int ends[2];
  std::fflush(nullptr);
  if (pipe(ends) != 0 || (process_ = fork()) < 0) throw std::runtime_error("cannot start a process");
  if (process_ > 0) {
    close(ends[1]);
    pipe_ = ends[0];
    return;
  }
  close(ends[0]);
  for (std::uint64_t seed = first; seed < end; ++seed) {
    Report report = work(seed);
    std::int64_t head[3] = {report.elements, report.compared, static_cast<std::int64_t>(report.message.size())};
    write(ends[1], head, sizeof head);
    write(ends[1], report.message.data(), report.message.size());
  }
  _exit(0);
}

Child::~Child() {
  close(pipe_);
  if (process_ > 0) {
    kill(process_, SIGKILL);
    waitpid(process_, nullptr, 0);
  }
}

bool Child::read(void* data, std::size_t bytes, int seconds, std::string& trouble) {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    pollfd wait{pipe_, POLLIN, 0};
    if (poll(&wait, 1, seconds * 1000) == 0) {
      trouble = "no end after " + std::to_string(seconds) + " s";
      return false;
    }
    ssize_t got = ::read(pipe_, at, bytes);
    if (got <= 0) {
      int status = 0;
      waitpid(process_, &status, 0);
      process_ = -1;
      trouble = WIFSIGNALED(status) ? "crash, signal " + std::to_string(WTERMSIG(status))
                                    : "exit with code " + std::to_string(WEXITSTATUS(status));
      return false;
    }
    at += got;
    bytes -= static_cast<std::size_t>(got);
  }
  return true;
}

std::optional<Report> Child::next(int seconds) {
  if (seed_ >= end_) return std::nullopt;
  Report report{seed_++};
  std::int64_t head[3];
  bool whole = read(head, sizeof head, seconds, report.message);
  if (whole) {
    report.elements = head[0];
    report.compared = head[1];
    report.message.resize(static_cast<std::size_t>(head[2]));
    whole = read(report.message.data(), report.message.size(), seconds, report.message);
  }
  if (!whole) seed_ = end_;
  return report;
}

}  // namespace skein::compiler::test
