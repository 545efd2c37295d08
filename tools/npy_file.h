#pragma once
// Arrays in NumPy's .npy files (format 1.0), for the tools.

#include <string>

#include "compiler/interp/host_array.h"

namespace skein::tools {

/// Reads an array. Throws UserError for a file that is no .npy file, is truncated, or holds a dtype that Skein lacks.
compiler::HostArray readNpy(const std::string& path);
/// Writes an array; bfloat16, which NumPy lacks, as its bits in uint16. Throws RuntimeError where the file cannot be
/// written.
void writeNpy(const std::string& path, const compiler::HostArray& array);

}  // namespace skein::tools
