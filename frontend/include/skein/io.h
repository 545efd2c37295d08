#pragma once
// Arrays in files: NumPy's .npy and .npz.

#include <skein/array.h>

#include <map>
#include <string>

namespace skein {

/// Reads an .npy file (format 1 to 3, any byte order, C and Fortran order). Throws UserError, naming the file, for one that
/// is missing, truncated or malformed, or whose dtype Skein does not have.
SKEIN_API Array load(const std::string& path, std::source_location = std::source_location::current());

/// Writes an .npy file; as NumPy, it adds .npy to a name without it. bfloat16, which NumPy does not have, is written as NumPy
/// writes that of ml_dtypes: two bytes of dtype "<V2", bfloat16 again to load and np.load(path).view(ml_dtypes.bfloat16).
/// Throws UserError if the file cannot be made, RuntimeError if the disk is full.
SKEIN_API void save(const std::string& path, const Array& x, std::source_location = std::source_location::current());

/// Reads the arrays of an .npz archive, stored or deflated, by name; members that are no .npy files are left out. Throws as load.
SKEIN_API std::map<std::string, Array> load_npz(const std::string& path, std::source_location = std::source_location::current());

struct NpzOptions {
  bool compressed = false;  // deflate: smaller and slower
};
/// Writes an .npz archive; throws as save.
SKEIN_API void save_npz(const std::string& path, const std::map<std::string, Array>& arrays, NpzOptions = {},
                        std::source_location = std::source_location::current());

}  // namespace skein
