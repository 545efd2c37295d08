#include "tests/cuda/emulated_driver.h"

#include <gtest/gtest.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <utility>

#include "llvm/AsmParser/Parser.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace skein::emulated_test {
namespace {

constexpr const char* scene_variable = "SKEIN_EMULATED_TEST_SCENE";
constexpr std::chrono::seconds longest_scene{120};  // sanitizers are slow, and so is a busy machine

std::string library_path() {
  const char* named = std::getenv("SKEIN_EMULATED_DRIVER");
  if (named && *named) return named;
  return std::filesystem::canonical("/proc/self/exe").parent_path() / "../../lib/libskein_emulated.so";
}

template <class F>
void find(void* library, const char* name, F*& function) {
  function = reinterpret_cast<F*>(dlsym(library, name));
  if (!function) throw std::runtime_error(std::string("the emulated driver has no ") + name);
}

[[noreturn]] void fail(const std::string& what, const std::source_location& where) {
  throw std::runtime_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) + ": " + what);
}

constexpr const char* prelude = R"(
target datalayout = "e-i64:64-i128:128-v16:16-v32:32-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.tid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.tid.z()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.z()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.z()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.nctaid.y()
declare i32 @llvm.nvvm.read.ptx.sreg.clock()
declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)
declare i32 @llvm.nvvm.shfl.sync.down.i32(i32, i32, i32, i32)
declare i32 @llvm.nvvm.shfl.sync.idx.i32(i32, i32, i32, i32)

define internal i64 @index() {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %n = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %first = mul i32 %b, %n
  %i = add i32 %first, %t
  %wide = zext i32 %i to i64
  ret i64 %wide
}
)";

}  // namespace

const char* const add_one_and_twice = R"(
define ptx_kernel void @add_one(ptr addrspace(1) %p, i64 %n) {
entry:
  %i = call i64 @index()
  %inside = icmp ult i64 %i, %n
  br i1 %inside, label %work, label %done
work:
  %at = getelementptr i32, ptr addrspace(1) %p, i64 %i
  %old = load i32, ptr addrspace(1) %at, align 4
  %new = add i32 %old, 1
  store i32 %new, ptr addrspace(1) %at, align 4
  br label %done
done:
  ret void
}

define ptx_kernel void @twice(ptr addrspace(1) %p, i64 %n) {
entry:
  %i = call i64 @index()
  %inside = icmp ult i64 %i, %n
  br i1 %inside, label %work, label %done
work:
  %at = getelementptr i32, ptr addrspace(1) %p, i64 %i
  %old = load i32, ptr addrspace(1) %at, align 4
  %new = mul i32 %old, 2
  store i32 %new, ptr addrspace(1) %at, align 4
  br label %done
done:
  ret void
}
)";

// ---- the library ----

const Library& api() {
  static const Library* loaded = [] {
    void* library = dlopen(library_path().c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) throw std::runtime_error(std::string("no emulated driver: ") + dlerror());
    auto table = std::make_unique<Library>();
#define SKEIN_FIND(name, parameters) find(library, #name, table->name);
    SKEIN_CUDA_DRIVER(SKEIN_FIND)
    SKEIN_CUBLAS(SKEIN_FIND)
    SKEIN_NCCL(SKEIN_FIND)
#undef SKEIN_FIND
    return table.release();  // used until the very end
  }();
  return *loaded;
}

std::string name_of(CUresult result) {
  const char* name = nullptr;
  if (api().cuGetErrorName(result, &name) == CUDA_SUCCESS) return name;
  return "error " + std::to_string(result);
}

std::string text_of(CUresult result) {
  const char* text = nullptr;
  return api().cuGetErrorString(result, &text) == CUDA_SUCCESS ? text : "no text";
}

void check(CUresult result, std::source_location location) {
  if (result != CUDA_SUCCESS) fail(name_of(result) + ": " + text_of(result), location);
}

void check_status(int status, std::source_location location) {
  if (status != 0) fail("status " + std::to_string(status), location);
}

CUcontext use_device(int device) {
  check(api().cuInit(0));
  CUcontext context = nullptr;
  check(api().cuDevicePrimaryCtxRetain(&context, device));
  check(api().cuCtxSetCurrent(context));
  return context;
}

// ---- memory ----

void upload(CUdeviceptr to, const void* from, std::size_t bytes) {
  if (bytes == 0) return;
  check(api().cuMemcpyHtoDAsync_v2(to, from, bytes, nullptr));
  check(api().cuStreamSynchronize(nullptr));
}

void download(void* to, CUdeviceptr from, std::size_t bytes) {
  if (bytes == 0) return;
  check(api().cuMemcpyDtoHAsync_v2(to, from, bytes, nullptr));
  check(api().cuStreamSynchronize(nullptr));
}

Buffer::Buffer(std::size_t bytes) : bytes_(bytes) {
  check(api().cuMemAlloc_v2(&address_, std::max<std::size_t>(bytes, 1)));
}

Buffer::Buffer(Buffer&& other) noexcept : address_(std::exchange(other.address_, 0)), bytes_(other.bytes_) {}

Buffer::~Buffer() {
  if (address_) api().cuMemFree_v2(address_);  // of a failed context this is an error, too
}

// ---- kernels ----

std::string image_of(const std::string& assembly) {
  llvm::LLVMContext context;
  llvm::SMDiagnostic problem;
  const std::string text = prelude + assembly;
  std::unique_ptr<llvm::Module> module = llvm::parseAssemblyString(text, problem, context);
  if (!module) {
    std::string what;
    llvm::raw_string_ostream stream(what);
    problem.print("assembly", stream, false);
    throw std::runtime_error(what);
  }
  std::string bitcode;
  {
    llvm::raw_string_ostream stream(bitcode);
    llvm::WriteBitcodeToFile(*module, stream);
  }
  const std::uint64_t bytes = bitcode.size();
  std::string image = std::string(SKEIN_EMULATED_LINE) + '\0' + SKEIN_EMULATED_MAGIC;
  image.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
  return image + bitcode;
}

Module::Module(const std::string& assembly) {
  check(api().cuModuleLoadDataEx(&handle_, image_of(assembly).data(), 0, nullptr, nullptr));
}

CUfunction Module::operator[](const char* kernel) const {
  CUfunction function = nullptr;
  check(api().cuModuleGetFunction(&function, handle_, kernel));
  return function;
}

// ---- scenes ----

namespace {

std::map<std::string, void (*)()>& scenes() {
  static std::map<std::string, void (*)()> all;
  return all;
}

std::vector<std::string> environment_with(const Environment& changes) {
  Environment all;
  for (char** entry = environ; *entry; ++entry) {
    const std::string text = *entry;
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) all[text.substr(0, equals)] = text.substr(equals + 1);
  }
  for (const auto& [name, value] : changes) all[name] = value;
  std::vector<std::string> lines;
  for (const auto& [name, value] : all) lines.push_back(name + "=" + value);
  return lines;
}

/// Starts this program again; its output comes through the pipe.
pid_t start(const Environment& changes, int output) {
  std::vector<std::string> lines = environment_with(changes);
  std::vector<char*> environment;
  for (std::string& line : lines) environment.push_back(line.data());
  environment.push_back(nullptr);
  char program[] = "/proc/self/exe";
  char* arguments[] = {program, nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  pid_t process = -1;
  const int error = posix_spawn(&process, program, &actions, nullptr, arguments, environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw std::runtime_error("a scene does not start: error " + std::to_string(error));
  return process;
}

/// Until the other end is closed; false if that takes too long.
bool read_all(int input, std::string& output) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + longest_scene;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{input, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;  // interrupted, or the time is over
    char part[4096];
    const ssize_t bytes = read(input, part, sizeof part);
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes <= 0) return true;
    output.append(part, static_cast<std::size_t>(bytes));
  }
}

}  // namespace

Scene::Scene(const char* name, void (*body)()) : name_(name) {
  if (!scenes().emplace(name, body).second) {
    std::fprintf(stderr, "two scenes are called %s\n", name);
    std::abort();
  }
}

Ending Scene::run(const Environment& changes) const {
  Environment environment = changes;
  environment[scene_variable] = name_;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  const pid_t process = start(environment, ends[1]);
  close(ends[1]);
  Ending ending;
  ending.in_time = read_all(ends[0], ending.output);
  if (!ending.in_time) kill(process, SIGKILL);
  close(ends[0]);
  int status = 0;
  while (waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFEXITED(status)) ending.exit_code = WEXITSTATUS(status);
  return ending;
}

std::string Scene::output(const Environment& changes) const {
  Ending ending = run(changes);
  const std::string scene = std::string("the scene \"") + name_ + "\" ";
  if (!ending.in_time) throw std::runtime_error(scene + "hangs, after it said: " + ending.output);
  if (ending.exit_code != 0)
    throw std::runtime_error(scene + "ends with code " + std::to_string(ending.exit_code) +
                             ", after it said: " + ending.output);
  return ending.output;
}

void Scene::play_if_asked() {
  const char* name = std::getenv(scene_variable);
  if (!name) return;
  int code = 0;
  try {
    scenes().at(name)();
  } catch (const std::exception& error) {
    say(error.what());
    code = 3;
  }
  // Without the ends of static objects, and without a search for leaks: what a fault left behind is of no interest.
  _exit(code);
}

void say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);  // it may be the last that this process does
}

void tell(CUresult result) { say(name_of(result) + ": " + text_of(result)); }

}  // namespace skein::emulated_test

int main(int argc, char** argv) {
  skein::emulated_test::Scene::play_if_asked();
  setenv("SKEIN_EMULATED_GPUS", "4", 0);  // where it is run by hand
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
