#include "runtime/mpi/lifeline.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <sstream>
#include <thread>
#include <vector>

namespace skein::runtime::mpi {
namespace {

int listening = -1;  // of the first process, from offer() to the constructor

constexpr std::uint8_t hello = 1, bye = 2, lost_one = 3;
struct Word {
  std::uint8_t kind;
  std::uint8_t rank[4];
};
Word word(std::uint8_t kind, int rank) {
  return {kind,
          {static_cast<std::uint8_t>(rank), static_cast<std::uint8_t>(rank >> 8), static_cast<std::uint8_t>(rank >> 16),
           static_cast<std::uint8_t>(rank >> 24)}};
}
int rank_of(const Word& w) { return w.rank[0] | w.rank[1] << 8 | w.rank[2] << 16 | w.rank[3] << 24; }

void say(int socket, const Word& w) { (void)!send(socket, &w, sizeof w, MSG_NOSIGNAL); }
/// A word, which is so short that it comes whole; false at the connection's end.
bool hear(int socket, Word& w) {
  ssize_t got;
  do got = recv(socket, &w, sizeof w, MSG_WAITALL);
  while (got < 0 && errno == EINTR);
  return got == sizeof w;
}

int connect_to(const std::string& address, int port) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, address.c_str(), &place.sin_addr) != 1) return -1;
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (s < 0) return -1;
  timeval patience{3, 0};
  setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (connect(s, reinterpret_cast<sockaddr*>(&place), sizeof place) == 0) return s;
  close(s);
  return -1;
}

}  // namespace

std::string Lifeline::offer() {
  int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_ANY);
  socklen_t length = sizeof place;
  if (s < 0 || bind(s, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 || listen(s, 4096) != 0 ||
      getsockname(s, reinterpret_cast<sockaddr*>(&place), &length) != 0) {
    if (s >= 0) close(s);
    return {};
  }
  listening = s;
  // Addresses that other hosts can reach come first, the loop on this host last.
  std::string text = std::to_string(ntohs(place.sin_port)), loops;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) == 0) {
    for (ifaddrs* at = list; at; at = at->ifa_next) {
      if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET || !(at->ifa_flags & IFF_UP)) continue;
      char name[INET_ADDRSTRLEN];
      inet_ntop(AF_INET, &reinterpret_cast<sockaddr_in*>(at->ifa_addr)->sin_addr, name, sizeof name);
      (at->ifa_flags & IFF_LOOPBACK ? loops : text) += std::string(" ") + name;
    }
    freeifaddrs(list);
  }
  return text + loops;
}

struct Lifeline::State {
  int rank = 0;
  std::vector<int> peers;  // sockets, by rank; of others than the first only that of the first
  std::vector<bool> left;
  int wake[2] = {-1, -1};
  std::atomic<bool> leaving{false};
  std::function<void(int)> lost;
  std::thread watcher;

  void watch() {
    std::vector<pollfd> waits;
    std::vector<int> of;
    bool told = false;
    auto lose = [&](int who) {
      if (leaving || told) return;
      told = true;
      for (std::size_t r = 0; r < peers.size(); ++r)
        if (rank == 0 && peers[r] >= 0 && static_cast<int>(r) != who) say(peers[r], word(lost_one, who));
      lost(who);
    };
    for (;;) {
      waits.assign(1, {wake[0], POLLIN, 0});
      of.assign(1, -1);
      for (std::size_t r = 0; r < peers.size(); ++r)
        if (peers[r] >= 0) waits.push_back({peers[r], POLLIN, 0}), of.push_back(static_cast<int>(r));
      if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) return;
      if (waits[0].revents || leaving) return;
      for (std::size_t i = 1; i < waits.size(); ++i) {
        if (!waits[i].revents) continue;
        auto peer = static_cast<std::size_t>(of[i]);
        Word w{};
        if (hear(peers[peer], w)) {
          if (w.kind == bye) left[peer] = true;
          if (w.kind == lost_one) lose(rank_of(w));
          continue;
        }
        close(peers[peer]);
        peers[peer] = -1;
        if (!left[peer]) lose(of[i]);
      }
    }
  }
};

Lifeline::Lifeline(const std::string& offer, int rank, int size, std::function<void(int)> lost)
    : state_(std::make_unique<State>()) {
  State& s = *state_;
  s.rank = rank;
  s.lost = std::move(lost);
  s.peers.assign(rank == 0 ? static_cast<std::size_t>(size) : 1, -1);
  s.left.assign(s.peers.size(), false);
  if (offer.empty()) return;
  if (rank == 0) {
    for (int others = 1; others < size;) {
      pollfd wait{listening, POLLIN, 0};
      if (poll(&wait, 1, 10000) <= 0) break;  // who cannot reach this process goes without
      int peer = accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
      if (peer < 0) continue;
      timeval patience{3, 0}, none{};
      setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      Word w{};
      const bool known = hear(peer, w) && w.kind == hello && rank_of(w) > 0 && rank_of(w) < size &&
                         s.peers[static_cast<std::size_t>(rank_of(w))] < 0;
      setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
      if (!known) {  // somebody else
        close(peer);
        continue;
      }
      s.peers[static_cast<std::size_t>(rank_of(w))] = peer;
      ++others;
    }
    close(listening);
    listening = -1;
  } else {
    std::istringstream text(offer);
    int port = 0;
    std::string address;
    for (text >> port; s.peers[0] < 0 && text >> address;) s.peers[0] = connect_to(address, port);
    if (s.peers[0] < 0) return;
    say(s.peers[0], word(hello, rank));
  }
  if (pipe2(s.wake, O_CLOEXEC) == 0) s.watcher = std::thread([&s] { s.watch(); });
}

void Lifeline::farewell() {
  State& s = *state_;
  if (s.leaving.exchange(true)) return;
  for (int peer : s.peers)
    if (peer >= 0) say(peer, word(bye, s.rank));
  if (s.watcher.joinable()) {
    (void)!write(s.wake[1], "", 1);
    s.watcher.join();
  }
}

Lifeline::~Lifeline() {
  farewell();
  for (int peer : state_->peers)
    if (peer >= 0) close(peer);
  for (int end : state_->wake)
    if (end >= 0) close(end);
}

}  // namespace skein::runtime::mpi
