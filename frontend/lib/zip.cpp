#include "frontend/lib/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

namespace skein::detail {
namespace {

constexpr std::uint32_t local_signature = 0x04034b50, central_signature = 0x02014b50, end_signature = 0x06054b50,
                        end64_signature = 0x06064b50, locator64_signature = 0x07064b50;
constexpr std::uint64_t end_bytes = 22, locator_bytes = 20, end64_bytes = 56, local_bytes = 30, central_bytes = 46;
constexpr std::uint32_t in_extra32 = 0xffffffff;  // the true number is in the 64-bit extra field
constexpr std::uint16_t in_extra16 = 0xffff, extra64_id = 1, utf8_names = 1 << 11, encrypted = 1;
constexpr std::size_t chunk = std::size_t{1} << 30;  // zlib counts in 32 bits

/// Little-endian numbers out of a span; the caller has checked that they are there.
class Fields {
 public:
  explicit Fields(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::size_t left() const { return bytes_.size(); }
  void skip(std::size_t n) { bytes_ = bytes_.subspan(n); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(take(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(take(4)); }
  std::uint64_t u64() { return take(8); }
  std::span<const std::byte> bytes(std::size_t n) {
    auto result = bytes_.first(n);
    skip(n);
    return result;
  }

 private:
  std::uint64_t take(std::size_t n) {
    std::uint64_t value = 0;
    for (std::size_t i = n; i-- > 0;) value = value << 8 | std::to_integer<std::uint64_t>(bytes_[i]);
    skip(n);
    return value;
  }
  std::span<const std::byte> bytes_;
};

struct Directory {
  std::uint64_t offset, bytes, members;
};

/// Finds the end record, which a comment of up to 65535 bytes may follow, and the 64-bit one before it.
Directory find_directory(const InputFile& file) {
  auto malformed = [&](const char* what) { file.context().refuse(fmt::format("is not a readable .npz archive: {}", what)); };
  if (file.size() < end_bytes) malformed("it is too short");
  std::vector<std::byte> tail(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), end_bytes + 65535)));
  std::uint64_t tail_offset = file.size() - tail.size();
  file.read(tail_offset, tail);
  std::size_t at = tail.size() - end_bytes + 1;
  while (at-- > 0) {
    Fields end(std::span(tail).subspan(at));
    if (end.u32() != end_signature) continue;
    end.skip(6);
    Directory result{};
    result.members = end.u16();
    result.bytes = end.u32();
    result.offset = end.u32();
    bool wants64 = result.members == in_extra16 || result.bytes == in_extra32 || result.offset == in_extra32;
    if (wants64 && at >= locator_bytes) {
      Fields locator(std::span(tail).subspan(at - locator_bytes));
      if (locator.u32() == locator64_signature) {
        locator.skip(4);
        std::byte record[end64_bytes];
        std::uint64_t where = locator.u64();
        if (where > file.size() || file.size() - where < end64_bytes) malformed("its 64-bit end record lies outside the file");
        file.read(where, record);
        Fields end64{std::span<const std::byte>(record)};
        if (end64.u32() != end64_signature) malformed("its 64-bit end record is missing");
        end64.skip(28);
        result.members = end64.u64();
        result.bytes = end64.u64();
        result.offset = end64.u64();
      }
    }
    if (result.offset > file.size() || result.bytes > file.size() - result.offset) malformed("its directory lies outside the file");
    return result;
  }
  malformed("its directory is missing; the file is truncated or no archive");
  return {};
}

/// Replaces the numbers of a directory entry that did not fit 32 bits.
void apply_extra64(ZipMember& member, Fields extra) {
  while (extra.left() >= 4) {
    std::uint16_t id = extra.u16(), length = extra.u16();
    if (length > extra.left()) return;
    Fields body(extra.bytes(length));
    if (id != extra64_id) continue;
    for (std::uint64_t* number : {&member.size, &member.packed, &member.header})
      if (*number == in_extra32 && body.left() >= 8) *number = body.u64();
  }
}

std::uint32_t checksum(std::uint32_t crc, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    std::size_t n = std::min(bytes.size(), chunk);
    crc = static_cast<std::uint32_t>(crc32(crc, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(n)));
    bytes = bytes.subspan(n);
  }
  return crc;
}

/// Unpacks raw deflated bytes; true if they make exactly the bytes of `to`.
bool inflate_into(std::span<const std::byte> from, std::span<std::byte> to) {
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
  std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::byte nothing;  // zlib wants an address even for no bytes
  std::size_t in = 0, out = 0;
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(from.data() + in));
    stream.avail_in = static_cast<uInt>(std::min(from.size() - in, chunk));
    stream.next_out = reinterpret_cast<Bytef*>(out < to.size() ? to.data() + out : &nothing);
    stream.avail_out = static_cast<uInt>(std::min(to.size() - out, chunk));
    uInt had_in = stream.avail_in, had_out = stream.avail_out;
    status = inflate(&stream, Z_NO_FLUSH);
    in += had_in - stream.avail_in, out += had_out - stream.avail_out;
    if (status == Z_OK && had_in == stream.avail_in && had_out == stream.avail_out) return false;
  }
  return status == Z_STREAM_END && out == to.size();
}

void put(std::string& text, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i) & 0xff);
}

/// What local header and directory entry have in common.
void put_common(std::string& text, const ZipMember& member, std::size_t extra_bytes) {
  bool large = extra_bytes > 0;
  put(text, large ? 45 : 20, 2);  // the version that is needed to read it
  put(text, utf8_names, 2);
  put(text, static_cast<std::uint64_t>(member.method), 2);
  put(text, 0, 2);
  put(text, 0x21, 2);  // 1980-01-01: the same arrays make the same file
  put(text, member.crc, 4);
  put(text, large ? in_extra32 : member.packed, 4);
  put(text, large ? in_extra32 : member.size, 4);
  put(text, member.name.size(), 2);
  put(text, extra_bytes, 2);
}

bool is_large(const ZipMember& member) { return std::max({member.packed, member.size, member.header}) >= in_extra32; }

}  // namespace

std::vector<ZipMember> zip_directory(const InputFile& file) {
  Directory directory = find_directory(file);
  std::vector<std::byte> bytes(static_cast<std::size_t>(directory.bytes));
  file.read(directory.offset, bytes);
  std::vector<ZipMember> members;
  std::uint64_t packed = 0;
  Fields fields{std::span<const std::byte>(bytes)};
  auto malformed = [&](const char* what) { file.context().refuse(fmt::format("has a malformed directory: {}", what)); };
  for (std::uint64_t i = 0; i < directory.members; ++i) {
    if (fields.left() < central_bytes) malformed("it ends early");
    if (fields.u32() != central_signature) malformed("an entry has a wrong signature");
    ZipMember member;
    fields.skip(4);
    std::uint16_t flags = fields.u16();
    member.method = fields.u16();
    fields.skip(4);
    member.crc = fields.u32();
    member.packed = fields.u32();
    member.size = fields.u32();
    std::uint16_t name = fields.u16(), extra = fields.u16(), comment = fields.u16();
    fields.skip(8);
    member.header = fields.u32();
    if (fields.left() < std::size_t{name} + extra + comment) malformed("it ends early");
    auto text = fields.bytes(name);
    member.name.assign(reinterpret_cast<const char*>(text.data()), text.size());
    apply_extra64(member, Fields(fields.bytes(extra)));
    fields.skip(comment);
    FileContext context = file.context().member(member.name);
    if (flags & encrypted) context.refuse("is encrypted");
    if (member.method != 0 && member.method != 8)
      context.refuse(fmt::format("is packed with method {}; stored (0) and deflated (8) members can be read", member.method));
    // Members lie side by side, so together they are no larger than the file. Deflate packs at most 1032 to 1.
    if (member.packed > file.size() || (packed += member.packed) > file.size()) context.refuse("promises more bytes than the archive has");
    if (member.method == 0 ? member.size != member.packed : member.size / 1032 > member.packed)
      context.refuse(fmt::format("cannot have {} bytes when {} are stored", member.size, member.packed));
    members.push_back(std::move(member));
  }
  return members;
}

ZipBytes zip_read(const InputFile& file, const ZipMember& member) {
  FileContext context = file.context().member(member.name);
  std::byte header[local_bytes];
  if (member.header > file.size() || file.size() - member.header < local_bytes) context.refuse("is truncated: it lies outside the archive");
  file.read(member.header, header);
  Fields fields{std::span<const std::byte>(header)};
  if (fields.u32() != local_signature) context.refuse("has no header where the archive's directory says");
  fields.skip(22);
  std::uint64_t offset = member.header + local_bytes + fields.u16();
  offset += fields.u16();
  if (offset > file.size() || member.packed > file.size() - offset) context.refuse("is truncated: it lies outside the archive");

  ZipBytes result{std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(member.size)), static_cast<std::size_t>(member.size)};
  std::span<std::byte> to(result.data.get(), result.size);
  if (member.method == 0) {
    file.read(offset, to);
  } else {
    auto packed = std::make_unique_for_overwrite<std::byte[]>(static_cast<std::size_t>(member.packed));
    std::span<std::byte> from(packed.get(), static_cast<std::size_t>(member.packed));
    file.read(offset, from);
    if (!inflate_into(from, to)) context.refuse("is damaged: its deflated bytes do not unpack to the size promised");
  }
  if (checksum(0, to) != member.crc) context.refuse("is damaged: its checksum does not match");
  return result;
}

void ZipWriter::add(const std::string& name, std::span<const std::span<const std::byte>> pieces) {
  ZipMember member;
  member.name = name;
  member.header = file_.written();
  member.method = deflate_ ? 8 : 0;
  for (auto piece : pieces) member.crc = checksum(member.crc, piece), member.size += piece.size();
  member.packed = member.size;

  std::vector<std::byte> packed;
  if (deflate_) {
    z_stream stream{};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) context_.fail("could not be packed");
    std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, deflateEnd);
    std::vector<std::byte> buffer(1 << 18);
    auto drain = [&](int flush) {
      int status;
      do {
        stream.next_out = reinterpret_cast<Bytef*>(buffer.data());
        stream.avail_out = static_cast<uInt>(buffer.size());
        status = deflate(&stream, flush);
        packed.insert(packed.end(), buffer.begin(), buffer.end() - stream.avail_out);
      } while (stream.avail_out == 0 && status != Z_STREAM_END);
    };
    for (auto piece : pieces)
      for (std::size_t at = 0; at < piece.size(); at += chunk) {
        auto part = piece.subspan(at, std::min(chunk, piece.size() - at));
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(part.data()));
        stream.avail_in = static_cast<uInt>(part.size());
        drain(Z_NO_FLUSH);
      }
    drain(Z_FINISH);
    member.packed = packed.size();
  }

  std::string header, extra;
  if (is_large(member)) put(extra, extra64_id, 2), put(extra, 16, 2), put(extra, member.size, 8), put(extra, member.packed, 8);
  put(header, local_signature, 4);
  put_common(header, member, extra.size());
  file_.write(header + name + extra);
  if (deflate_) file_.write(packed);
  else
    for (auto piece : pieces) file_.write(piece);
  members_.push_back(std::move(member));
}

void ZipWriter::close() {
  std::uint64_t start = file_.written();
  for (const ZipMember& member : members_) {
    std::string entry, extra;
    if (is_large(member))
      put(extra, extra64_id, 2), put(extra, 24, 2), put(extra, member.size, 8), put(extra, member.packed, 8), put(extra, member.header, 8);
    put(entry, central_signature, 4);
    put(entry, 3 << 8 | 45, 2);  // made on Unix
    put_common(entry, member, extra.size());
    put(entry, 0, 6);                                     // no comment, one disk, binary
    put(entry, std::uint64_t{0100644} << 16, 4);          // rw-r--r--
    put(entry, extra.empty() ? member.header : in_extra32, 4);
    file_.write(entry + member.name + extra);
  }
  std::uint64_t bytes = file_.written() - start, count = members_.size();
  std::string end;
  if (start >= in_extra32 || bytes >= in_extra32 || count >= in_extra16) {
    std::uint64_t where = file_.written();
    put(end, end64_signature, 4), put(end, end64_bytes - 12, 8), put(end, 3 << 8 | 45, 2), put(end, 45, 2), put(end, 0, 8);
    put(end, count, 8), put(end, count, 8), put(end, bytes, 8), put(end, start, 8);
    put(end, locator64_signature, 4), put(end, 0, 4), put(end, where, 8), put(end, 1, 4);
  }
  put(end, end_signature, 4), put(end, 0, 4);
  for (int i = 0; i < 2; ++i) put(end, std::min<std::uint64_t>(count, in_extra16), 2);
  put(end, std::min<std::uint64_t>(bytes, in_extra32), 4), put(end, std::min<std::uint64_t>(start, in_extra32), 4), put(end, 0, 2);
  file_.write(end);
  file_.close();
}

}  // namespace skein::detail
