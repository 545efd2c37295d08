#pragma once
// Files as io needs them: every failure is an error that names the file.

#include <skein/base/error.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <source_location>
#include <span>
#include <string>

namespace skein::detail {

/// Who reads or writes what, for the text of an error.
struct FileContext {
  std::string op;    // "load"
  std::string path;  // the file; in an archive "file.npz: name"
  std::source_location location;

  /// Throws UserError: "'pos.npy' <what>".
  [[noreturn]] void refuse(const std::string& what) const;
  /// Throws RuntimeError: the environment's fault.
  [[noreturn]] void fail(const std::string& what) const;
  /// The same for one member of an archive.
  FileContext member(const std::string& name) const { return {op, path + ": " + name, location}; }
};

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

/// A regular file, read at any place.
class InputFile {
 public:
  /// Throws UserError if the file is not there, not readable or not a regular file.
  explicit InputFile(FileContext context);

  std::uint64_t size() const { return size_; }
  const FileContext& context() const { return context_; }
  /// Fills `out` from byte `offset` on. Throws UserError if the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  FileContext context_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::uint64_t size_ = 0;
};

/// A file that is written from its beginning to its end.
class OutputFile {
 public:
  /// Throws UserError if the file cannot be made.
  explicit OutputFile(FileContext context);

  std::uint64_t written() const { return written_; }
  void write(std::span<const std::byte> bytes);
  void write(const std::string& text) { write(std::as_bytes(std::span(text))); }
  /// Throws RuntimeError if anything did not reach the file system: a full disk shows here at the latest.
  void close();

 private:
  FileContext context_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  std::uint64_t written_ = 0;
};

}  // namespace skein::detail
