// MPI behind the Transport class: the one file that knows mpi.h, and a library of its own (libskein_mpi.so).
#include "runtime/mpi/transport.h"

#include <mpi.h>
#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace skein::runtime::mpi {
namespace {

static_assert(sizeof(MPI_Request) <= sizeof(Request));

void check(int code, const char* what) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING];
  int length = 0;
  MPI_Error_string(code, text, &length);
  throw std::runtime_error(std::string(what) + ": " + std::string(text, static_cast<std::size_t>(length)));
}

Request pack(MPI_Request native) {
  Request request = 0;
  std::memcpy(&request, &native, sizeof native);
  return request;
}
MPI_Request unpack(Request request) {
  MPI_Request native;
  std::memcpy(&native, &request, sizeof native);
  return native;
}

class MpiTransport final : public Transport {
 public:
  MpiTransport(MPI_Comm comm, bool began) : comm_(comm), began_(began) {
    MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN);
    check(MPI_Comm_rank(comm_, &rank_), "MPI_Comm_rank");
    check(MPI_Comm_size(comm_, &size_), "MPI_Comm_size");
    void* value = nullptr;
    int known = 0;
    MPI_Comm_get_attr(comm_, MPI_TAG_UB, &value, &known);
    if (known) tag_limit_ = *static_cast<int*>(value);
  }

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  int tag_limit() const override { return tag_limit_; }
  std::string name() const override {
    char text[MPI_MAX_LIBRARY_VERSION_STRING];
    int length = 0;
    MPI_Get_library_version(text, &length);
    std::string version(text, static_cast<std::size_t>(length));
    version.resize(std::min(version.find_first_of(",\n"), version.size()));
    return version.starts_with("Open MPI v") ? "Open MPI " + version.substr(10) : version;
  }

  Request send(const void* data, std::size_t bytes, int to, int tag) override {
    MPI_Request native;
    check(MPI_Isend(data, static_cast<int>(bytes), MPI_BYTE, to, tag, comm_, &native), "MPI_Isend");
    return done(native);
  }
  Request receive(void* data, std::size_t bytes, int from, int tag) override {
    MPI_Request native;
    check(MPI_Irecv(data, static_cast<int>(bytes), MPI_BYTE, from, tag, comm_, &native), "MPI_Irecv");
    return pack(native);
  }
  bool test(Request& request) override {
    if (!request) return true;
    MPI_Request native = unpack(request);
    int complete = 0;
    check(MPI_Test(&native, &complete, MPI_STATUS_IGNORE), "MPI_Test");
    if (complete) request = 0;
    return complete != 0;
  }
  void cancel(Request& request) override {
    if (!request) return;
    // A receive that is matched already cannot be cancelled: its end is waited for, as its memory may go now.
    MPI_Request native = unpack(request);
    request = 0;
    MPI_Cancel(&native);
    const double begin = MPI_Wtime();
    for (int complete = 0; MPI_Wtime() - begin < 1;)
      if (MPI_Test(&native, &complete, MPI_STATUS_IGNORE) != MPI_SUCCESS || complete) return;
    MPI_Request_free(&native);
  }

  std::vector<std::string> gather_texts(const std::string& mine) override {
    int length = static_cast<int>(mine.size());
    std::vector<int> lengths(static_cast<std::size_t>(size_)), offsets(lengths.size());
    check(MPI_Allgather(&length, 1, MPI_INT, lengths.data(), 1, MPI_INT, comm_), "MPI_Allgather");
    int total = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) offsets[i] = total, total += lengths[i];
    std::string all(static_cast<std::size_t>(total), '\0');
    check(MPI_Allgatherv(mine.data(), length, MPI_CHAR, all.data(), lengths.data(), offsets.data(), MPI_CHAR, comm_),
          "MPI_Allgatherv");
    std::vector<std::string> texts;
    for (std::size_t i = 0; i < lengths.size(); ++i)
      texts.push_back(all.substr(static_cast<std::size_t>(offsets[i]), static_cast<std::size_t>(lengths[i])));
    return texts;
  }

  void before_end(void (*leave)()) override {
    // Attributes of MPI_COMM_SELF are deleted first of all in MPI_Finalize (MPI 3.1, 8.7.1).
    int key = MPI_KEYVAL_INVALID;
    static void (*todo)() = nullptr;
    todo = leave;
    MPI_Comm_create_keyval(
        MPI_COMM_NULL_COPY_FN, [](MPI_Comm, int, void*, void*) { return todo(), MPI_SUCCESS; }, &key, nullptr);
    MPI_Comm_set_attr(MPI_COMM_SELF, key, nullptr);
  }
  void finish() override {
    int over = 0;
    MPI_Finalized(&over);
    if (over) return;  // the user's own MPI_Finalize came first
    MPI_Comm_free(&comm_);
    if (began_) MPI_Finalize();
  }

 private:
  // A message that is on its way already needs no request; sends of few bytes are.
  Request done(MPI_Request native) {
    int complete = 0;
    check(MPI_Test(&native, &complete, MPI_STATUS_IGNORE), "MPI_Test");
    return complete ? 0 : pack(native);
  }

  MPI_Comm comm_;
  const bool began_;  // MPI was not initialised before
  int rank_ = 0, size_ = 1, tag_limit_ = 32767;
};

}  // namespace
}  // namespace skein::runtime::mpi

extern "C" __attribute__((visibility("default"))) skein::runtime::mpi::Transport* skein_mpi_connect(
    int communicator, const char** error) {
  using namespace skein::runtime::mpi;
  static std::string reason;
  try {
    int ready = 0, level = MPI_THREAD_SINGLE;
    MPI_Initialized(&ready);
    if (!ready)
      check(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_SERIALIZED, &level), "MPI_Init_thread");
    else
      MPI_Query_thread(&level);
    if (level < MPI_THREAD_SERIALIZED)
      throw std::runtime_error(
          "MPI was initialised for one thread alone; call MPI_Init_thread with MPI_THREAD_SERIALIZED, or leave it to "
          "Skein");
    MPI_Comm from = communicator < 0 ? MPI_COMM_WORLD : MPI_Comm_f2c(communicator), own;
    check(MPI_Comm_dup(from, &own), "MPI_Comm_dup");
    return new MpiTransport(own, !ready);
  } catch (const std::exception& e) {
    reason = e.what();
    *error = reason.c_str();
    return nullptr;
  }
}
