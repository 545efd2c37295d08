#pragma once
// The .npy format (NumPy enhancement proposal 1, versions 1 to 3), apart from files and arrays.

#include <skein/base/dtype.h>
#include <skein/base/shape.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "frontend/lib/file.h"

namespace skein::detail {

struct NpyHeader {
  DType dtype = float32;
  Shape shape;
  bool swapped = false;        // the other byte order than this machine's
  bool fortran_order = false;  // first dimension runs fastest
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;
};

inline constexpr std::size_t npy_prologue_bytes = 12;  // magic, version and the longer form of the header's length

/// Bytes of the header, prologue included, as the first bytes of a file say. `start` holds at most 12 of them, `total`
/// is the file's size. Throws UserError for what is no .npy file.
std::uint64_t npy_header_bytes(std::span<const std::byte> start, std::uint64_t total, const FileContext& context);

/// Reads a header, prologue included, and checks that the file of `total` bytes holds what it promises. Throws UserError.
NpyHeader parse_npy_header(std::span<const std::byte> header, std::uint64_t total, const FileContext& context);

/// Brings the elements as they are in the file to this machine's byte order, and bools to 0 and 1; in place.
void normalise_npy(const NpyHeader& header, std::span<std::byte> data);

/// Copies elements whose first dimension runs fastest so that the last does.
void from_fortran_order(const NpyHeader& header, std::span<const std::byte> from, std::span<std::byte> to);

/// The header of an array in row-major order, prologue included.
std::string make_npy_header(DType dtype, const Shape& shape);

}  // namespace skein::detail
