#include "tools/npy_file.h"

#include <skein/base/error.h>

#include <fstream>
#include <iterator>

namespace skein::tools {

using compiler::HostArray;

// NumPy's names, in the order of DType.
static const char* const descriptions[dtype_count] = {"|b1", "|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4",
                                                      "<u8", "<f2", "<u2", "<f4", "<f8", "<c8", "<c16"};
static const std::string magic = "\x93NUMPY";

/// What stands behind 'key': in the header, up to the end of the header.
static std::string valueOf(const std::string& header, const std::string& key, const std::string& path) {
  std::size_t at = header.find("'" + key + "'");
  if (at == header.npos || (at = header.find(':', at)) == header.npos)
    throw UserError(path + ": the header has no " + key, "load");
  return header.substr(header.find_first_not_of(' ', at + 1));
}

HostArray readNpy(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw UserError("cannot open " + path, "load");
  std::string text((std::istreambuf_iterator<char>(stream)), {});
  if (text.size() < 12 || text.compare(0, magic.size(), magic) != 0) throw UserError(path + " is no .npy file", "load");
  auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(text[i])); };
  // Version 1 has a length of two bytes, later ones of four.
  std::size_t start = byte(6) == 1 ? 10 : 12;
  std::size_t length = byte(8) | byte(9) << 8 | (start == 12 ? byte(10) << 16 | byte(11) << 24 : 0);
  if (text.size() < start + length) throw UserError(path + " is truncated", "load");
  std::string header = text.substr(start, length);

  HostArray array;
  std::string description = valueOf(header, "descr", path);
  description = description.substr(1, description.find('\'', 1) - 1);
  bool known = false;
  for (int d = 0; d < dtype_count && !known; ++d)
    if ((known = description == descriptions[d])) array.dtype = static_cast<DType>(d);
  if (!known) throw UserError(path + " has elements of type " + description + ", which is no dtype", "load");
  if (valueOf(header, "fortran_order", path).starts_with("True"))
    throw UserError(path + " is in Fortran order; save a C-ordered copy", "load");
  std::string shape = valueOf(header, "shape", path);
  for (std::size_t i = 1; i < shape.size() && shape[i] != ')';) {
    if (shape[i] < '0' || shape[i] > '9') {
      ++i;
      continue;
    }
    std::size_t digits = 0;
    array.shape.push_back(std::stoll(shape.substr(i), &digits));
    i += digits;
  }
  std::size_t bytes = static_cast<std::size_t>(array.volume()) * itemsize(array.dtype);
  if (text.size() - start - length < bytes) throw UserError(path + " is truncated", "load");
  array.data.resize(bytes);
  std::copy_n(reinterpret_cast<const std::byte*>(text.data()) + start + length, bytes, array.data.begin());
  return array;
}

void writeNpy(const std::string& path, const HostArray& array) {
  std::string header = "{'descr': '" + std::string(descriptions[static_cast<int>(array.dtype)]) +
                       "', 'fortran_order': False, 'shape': (";
  for (std::int64_t size : array.shape) header += std::to_string(size) + ",";
  header += "), }";
  header.append(63 - (magic.size() + 4 + header.size()) % 64, ' ');  // the data start at a multiple of 64
  header += '\n';
  std::ofstream stream(path, std::ios::binary);
  stream << magic << '\1' << '\0' << static_cast<char>(header.size() & 255) << static_cast<char>(header.size() >> 8)
         << header;
  stream.write(reinterpret_cast<const char*>(array.data.data()), static_cast<std::streamsize>(array.data.size()));
  if (!stream.flush()) throw RuntimeError("cannot write " + path, "save");
}

}  // namespace skein::tools
