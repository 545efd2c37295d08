#pragma once
// The part of the ZIP format that .npz archives use: stored and deflated members, 64-bit sizes (PKWARE's APPNOTE 6.3.10).

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "frontend/lib/file.h"

namespace skein::detail {

struct ZipMember {
  std::string name;
  int method = 0;  // 0 stored, 8 deflated
  std::uint32_t crc = 0;
  std::uint64_t packed = 0, size = 0;  // bytes in the file and unpacked
  std::uint64_t header = 0;            // where its local header begins
};

/// Unpacked bytes, not zeroed before.
struct ZipBytes {
  std::unique_ptr<std::byte[]> data;
  std::size_t size = 0;
  std::span<const std::byte> span() const { return {data.get(), size}; }
};

/// The archive's directory. Throws UserError for what is no archive, or one whose members cannot be read.
std::vector<ZipMember> zip_directory(const InputFile& file);

/// A member's bytes, checked against its checksum. Throws UserError.
ZipBytes zip_read(const InputFile& file, const ZipMember& member);

/// Writes an archive member by member.
class ZipWriter {
 public:
  ZipWriter(FileContext context, bool deflate) : context_(context), file_(std::move(context)), deflate_(deflate) {}

  /// A member whose bytes are the pieces one after the other.
  void add(const std::string& name, std::span<const std::span<const std::byte>> pieces);
  void close();

 private:
  FileContext context_;
  OutputFile file_;
  bool deflate_;
  std::vector<ZipMember> members_;
};

}  // namespace skein::detail
