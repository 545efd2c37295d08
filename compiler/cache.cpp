#include "compiler/cache.h"

#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compiler/log.h"
#include "llvm/Support/SHA256.h"
#include "llvm/ADT/StringExtras.h"
#include "skein/base/error.h"

namespace skein::compiler {

namespace fs = std::filesystem;

namespace {

/// Changes whenever the compiler is another: it is the file that this code was loaded from, as it was built.
const std::string& compilerVersion() {
  static const std::string version = [] {
    Dl_info info{};
    ::dladdr(reinterpret_cast<void*>(&compilerVersion), &info);
    struct stat status{};
    if (!info.dli_fname || ::stat(info.dli_fname, &status) != 0) return std::string("unknown");
    return std::to_string(status.st_size) + "-" + std::to_string(status.st_mtim.tv_sec) + "." + std::to_string(status.st_mtim.tv_nsec);
  }();
  return version;
}

std::string hash(const std::string& text) {
  llvm::SHA256 sha;
  sha.update(text);
  return llvm::toHex(sha.final(), true);
}

struct Folder {
  fs::path path;       // empty: no cache
  bool asked = false;  // the user named it
};

Folder folder() {
  if (const char* named = std::getenv("SKEIN_CACHE_DIR")) {
    if (!*named || std::string(named) == "off") return {};
    return {named, true};
  }
  if (const char* xdg = std::getenv("XDG_CACHE_HOME"); xdg && *xdg) return {fs::path(xdg) / "skein", false};
  if (const char* home = std::getenv("HOME"); home && *home) return {fs::path(home) / ".cache" / "skein", false};
  return {};
}

void put(std::string& out, const std::string& field) {
  uint64_t size = field.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += field;
}

bool take(const std::string& in, size_t& at, std::string& field) {
  uint64_t size;
  if (in.size() - at < sizeof size) return false;
  std::memcpy(&size, in.data() + at, sizeof size);
  at += sizeof size;
  if (in.size() - at < size) return false;
  field.assign(in, at, size);
  at += size;
  return true;
}

}  // namespace

std::string cacheKey(const std::string& ir, const std::vector<int>& donated, const std::string& target) {
  std::string all = compilerVersion() + "\n" + target + "\n";
  for (int input : donated) all += std::to_string(input) + ",";
  return hash(all + "\n" + ir);
}

std::optional<CachedProgram> loadCached(const std::string& key) {
  Folder cache = folder();
  if (cache.path.empty()) return std::nullopt;
  std::ifstream file(cache.path / (key + ".bin"), std::ios::binary);
  if (!file) return std::nullopt;
  std::stringstream stream;
  stream << file.rdbuf();
  std::string bytes = stream.str(), sum, body, numbers;
  CachedProgram program;
  size_t at = 0, inner = 0;
  bool whole = take(bytes, at, sum) && take(bytes, at, body) && hash(body) == sum && take(body, inner, program.object) && take(body, inner, program.entry) &&
               take(body, inner, program.irText) && take(body, inner, program.costJson) && take(body, inner, program.memoryJson) && take(body, inner, numbers);
  std::istringstream fields(numbers);
  size_t aliases = 0;
  whole = whole && (fields >> program.arenaBytes >> program.work >> program.mayFail >> program.parallel >> aliases);
  for (size_t i = 0; whole && i < aliases; ++i) whole = static_cast<bool>(fields >> program.aliases.emplace_back());
  if (!whole) {
    log("cache", "damaged entry " + key + " is compiled again");
    return std::nullopt;
  }
  log("cache", "hit " + key);
  return program;
}

void storeCached(const std::string& key, const CachedProgram& program) {
  Folder cache = folder();
  if (cache.path.empty()) return;
  std::string body, bytes;
  put(body, program.object);
  put(body, program.entry);
  put(body, program.irText);
  put(body, program.costJson);
  put(body, program.memoryJson);
  std::ostringstream fields;
  fields << program.arenaBytes << ' ' << program.work << ' ' << program.mayFail << ' ' << program.parallel << ' ' << program.aliases.size();
  for (int alias : program.aliases) fields << ' ' << alias;
  put(body, fields.str());
  put(bytes, hash(body));
  put(bytes, body);
  std::error_code error;
  fs::create_directories(cache.path, error);
  static std::atomic<unsigned> counter = 0;
  fs::path temporary = cache.path / (key + "." + std::to_string(::getpid()) + "." + std::to_string(counter++) + ".tmp");
  if (!error) {
    errno = 0;
    std::ofstream file(temporary, std::ios::binary);
    file << bytes;
    file.flush();
    if (!file) error = std::error_code(errno ? errno : ENOSPC, std::generic_category());
  }
  if (!error) fs::rename(temporary, cache.path / (key + ".bin"), error);
  if (!error) return log("cache", "stored " + key);
  std::error_code ignored;
  fs::remove(temporary, ignored);
  std::string what = "the cache of compiled programs in " + cache.path.string() + " cannot be written: " + error.message() + "; free space, or set SKEIN_CACHE_DIR to another folder or to \"off\"";
  if (cache.asked) throw RuntimeError(what, "compile", "", 0);
  log("cache", what);
}

}  // namespace skein::compiler
