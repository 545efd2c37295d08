#pragma once
// Compiled programs on disk, by the hash of their IR, the compiler and the target.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace skein::compiler {

struct CachedProgram {
  std::string object, entry, irText, costJson, memoryJson;
  int64_t arenaBytes = 0, work = 0;
  bool mayFail = false, parallel = false;
  std::vector<int> aliases;
};

std::string cacheKey(const std::string& ir, const std::vector<int>& donated, const std::string& target);
/// Nothing where the program is not there, or the file is damaged. SKEIN_CACHE_DIR names the folder; "" or "off": no cache.
std::optional<CachedProgram> loadCached(const std::string& key);
/// Written under another name and renamed, so that other processes see all of it or nothing. RuntimeError where the
/// folder is full or cannot be written and SKEIN_CACHE_DIR asked for it; else a line in SKEIN_LOG=cache.
void storeCached(const std::string& key, const CachedProgram& program);

}  // namespace skein::compiler
