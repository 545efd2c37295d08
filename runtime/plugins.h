#pragma once
// Libraries of Skein's own that are loaded when they are needed, and lie beside it.

#include <string>
#include <vector>

namespace skein::runtime {

/// Where to look for such a library, in order: what an environment variable names, beside this library, in lib beside a program's
/// bin, and where the loader looks.
std::vector<std::string> plugin_paths(const char* variable, const char* file);

}  // namespace skein::runtime
