#include "runtime/plugins.h"

#include <dlfcn.h>
#include <cstdlib>
#include <filesystem>

namespace skein::runtime {

std::vector<std::string> plugin_paths(const char* variable, const char* file) {
  std::vector<std::string> paths;
  if (const char* named = std::getenv(variable); named && *named) paths.emplace_back(named);
  Dl_info info{};
  static const char here = 0;
  if (dladdr(&here, &info) && info.dli_fname) {
    std::error_code ignored;
    const auto folder = std::filesystem::canonical(info.dli_fname, ignored).parent_path();
    paths.push_back((folder / file).string());
    paths.push_back((folder.parent_path() / "lib" / file).string());
  }
  paths.emplace_back(file);
  return paths;
}

}  // namespace skein::runtime
