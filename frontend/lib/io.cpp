// load and save: NumPy's files to and from the memory of arrays.
#include <skein/io.h>

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "frontend/lib/npy.h"
#include "frontend/lib/zip.h"
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"

namespace skein {
namespace {

using detail::Call;
using detail::FileContext;
using detail::NpyHeader;

FileContext context_of(const std::string& path, const char* op) { return {op, path, detail::current_location()}; }

std::string with_ending(const std::string& path, std::string_view ending) { return path.ends_with(ending) ? path : path + std::string(ending); }

/// An array of a header's shape, whose elements `read` brings in the file's order.
template <class Read>
Array read_elements(const NpyHeader& header, Read&& read) {
  auto* impl = detail::make_concrete(header.dtype, header.shape);
  Array result(impl);
  std::span<std::byte> to(static_cast<std::byte*>(impl->data), static_cast<std::size_t>(header.data_bytes));
  if (!header.fortran_order) {
    read(to);
    normalise_npy(header, to);
    return result;
  }
  auto bytes = std::make_unique_for_overwrite<std::byte[]>(to.size());
  std::span<std::byte> from(bytes.get(), to.size());
  read(from);
  normalise_npy(header, from);
  from_fortran_order(header, from, to);
  return result;
}

std::span<const std::byte> elements_of(const Array& x) {
  auto* data = static_cast<const std::byte*>(detail::concrete_data(x));
  return {data, static_cast<std::size_t>(x.nbytes())};
}

}  // namespace

Array load(const std::string& path, std::source_location where) {
  Call call("load", where);
  detail::InputFile file(context_of(path, "load"));
  std::byte start[detail::npy_prologue_bytes];
  auto prologue = std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(sizeof start, file.size())));
  file.read(0, prologue);
  std::vector<std::byte> text(static_cast<std::size_t>(npy_header_bytes(prologue, file.size(), file.context())));
  file.read(0, text);
  NpyHeader header = parse_npy_header(text, file.size(), file.context());
  return read_elements(header, [&](std::span<std::byte> to) { file.read(header.data_offset, to); });
}

void save(const std::string& path, const Array& x, std::source_location where) {
  Call call("save", where);
  auto elements = elements_of(x);
  detail::OutputFile file(context_of(with_ending(path, ".npy"), "save"));
  file.write(detail::make_npy_header(x.dtype(), x.shape()));
  file.write(elements);
  file.close();
}

std::map<std::string, Array> load_npz(const std::string& path, std::source_location where) {
  Call call("load_npz", where);
  detail::InputFile file(context_of(path, "load_npz"));
  std::map<std::string, Array> arrays;
  for (const detail::ZipMember& member : zip_directory(file)) {
    constexpr std::string_view ending = ".npy";
    if (!member.name.ends_with(ending)) continue;
    detail::ZipBytes bytes = zip_read(file, member);
    FileContext context = file.context().member(member.name);
    auto all = bytes.span();
    auto text = all.first(static_cast<std::size_t>(npy_header_bytes(all.first(std::min(all.size(), detail::npy_prologue_bytes)), all.size(), context)));
    NpyHeader header = parse_npy_header(text, all.size(), context);
    arrays[member.name.substr(0, member.name.size() - ending.size())] = read_elements(header, [&](std::span<std::byte> to) {
      auto from = all.subspan(static_cast<std::size_t>(header.data_offset), to.size());
      std::copy(from.begin(), from.end(), to.begin());
    });
  }
  return arrays;
}

void save_npz(const std::string& path, const std::map<std::string, Array>& arrays, NpzOptions options, std::source_location where) {
  Call call("save_npz", where);
  for (const auto& [name, array] : arrays) {
    if (name.empty() || name.size() > 60000) detail::fail(fmt::format("an array's name has 1 to 60000 characters, not {}", name.size()));
    elements_of(array);  // fails before a file is made
  }
  detail::ZipWriter archive(context_of(with_ending(path, ".npz"), "save_npz"), options.compressed);
  for (const auto& [name, array] : arrays) {
    std::string header = detail::make_npy_header(array.dtype(), array.shape());
    std::span<const std::byte> pieces[] = {std::as_bytes(std::span(header)), elements_of(array)};
    archive.add(name + ".npy", pieces);
  }
  archive.close();
}

}  // namespace skein
