#include "frontend/lib/file.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace skein::detail {

void FileContext::refuse(const std::string& what) const { throw UserError(fmt::format("'{}' {}", path, what), op, location); }
void FileContext::fail(const std::string& what) const { throw RuntimeError(fmt::format("'{}' {}", path, what), op, location); }

InputFile::InputFile(FileContext context) : context_(std::move(context)) {
  file_.reset(std::fopen(context_.path.c_str(), "rb"));
  if (!file_) context_.refuse(fmt::format("cannot be opened: {}", std::strerror(errno)));
  struct stat status;
  if (fstat(fileno(file_.get()), &status) != 0 || !S_ISREG(status.st_mode)) context_.refuse("is not a regular file");
  size_ = static_cast<std::uint64_t>(status.st_size);
}

void InputFile::read(std::uint64_t offset, std::span<std::byte> out) const {
  if (offset > size_ || out.size() > size_ - offset)
    context_.refuse(fmt::format("is truncated: bytes {} to {} are wanted, the file has {}", offset, offset + out.size(), size_));
  if (out.empty()) return;
  if (fseeko(file_.get(), static_cast<off_t>(offset), SEEK_SET) != 0 ||
      std::fread(out.data(), 1, out.size(), file_.get()) != out.size())
    context_.fail(fmt::format("could not be read: {}", std::ferror(file_.get()) ? std::strerror(errno) : "it became shorter meanwhile"));
}

OutputFile::OutputFile(FileContext context) : context_(std::move(context)) {
  file_.reset(std::fopen(context_.path.c_str(), "wb"));
  if (!file_) context_.refuse(fmt::format("cannot be written: {}", std::strerror(errno)));
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_.get()) != bytes.size())
    context_.fail(fmt::format("could not be written after byte {}: {}", written_, std::strerror(errno)));
  written_ += bytes.size();
}

void OutputFile::close() {
  if (std::fclose(file_.release()) != 0) context_.fail(fmt::format("could not be written: {}", std::strerror(errno)));
}

}  // namespace skein::detail
