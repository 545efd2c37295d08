// Checkpoints: a folder with shards_N.bin of each process and manifest.json, which is written last.
#include <skein/checkpoint.h>
#include <skein/runtime.h>

#include <fmt/format.h>
#include <zlib.h>
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "frontend/lib/file.h"
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "frontend/trace/split.h"

namespace skein::detail {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr int version = 1;

FileContext context_of(const fs::path& path) { return {current_op(), path.string(), current_location()}; }

std::uint32_t checksum(const std::byte* data, std::size_t bytes) {
  uLong sum = crc32_z(0, nullptr, 0);
  return static_cast<std::uint32_t>(crc32_z(sum, reinterpret_cast<const Bytef*>(data), bytes));
}

/// What `work` threw in any process is thrown in all of them.
void together(const std::function<void()>& work) {
  std::string text;
  try {
    work();
  } catch (const Error& error) {
    text = std::string(error.message());
  } catch (const std::exception& error) {
    text = error.what();
  }
  const auto texts = gather_texts(text);
  for (std::size_t process = 0; process < texts.size(); ++process)
    if (!texts[process].empty())
      throw RuntimeError(
          (texts.size() > 1 ? "process " + std::to_string(process) + ": " : std::string()) + texts[process],
          current_op(), current_location());
}

json to_json(const std::vector<Slice>& index) {
  json list = json::array();
  for (const Slice& slice : index) list.push_back({*slice.start, *slice.stop});
  return list;
}
std::vector<Slice> from_json(const json& list) {
  std::vector<Slice> index;
  for (const json& slice : list) index.push_back({slice[0].get<std::int64_t>(), slice[1].get<std::int64_t>(), {}});
  return index;
}
std::string text_of(const std::vector<Slice>& index) {
  std::string text;
  for (const Slice& slice : index) text += fmt::format("{}{}:{}", text.empty() ? "" : ", ", *slice.start, *slice.stop);
  return "[" + text + "]";
}

/// Whether this process writes a block: the first device that holds it is one of its own.
bool writes(const Shape& shape, const NamedSharding& sharding, const std::vector<Slice>& index) {
  for (std::int64_t rank = 0; rank < sharding.mesh().size(); ++rank)
    if (block_index(shape, sharding, rank) == index)
      return is_local(sharding.mesh().ids()[static_cast<std::size_t>(rank)]);
  return false;
}

/// Writes this process's shards, and gives their part of the manifest.
json write_shards(const fs::path& folder, const std::vector<const Array*>& leaves) {
  const std::string name = fmt::format("shards_{}.bin", process_index());
  OutputFile file(context_of(folder / name));
  json parts = json::array();
  auto write = [&](std::size_t leaf, const std::vector<Slice>& index, const void* data, std::int64_t bytes) {
    std::span<const std::byte> block(static_cast<const std::byte*>(data), static_cast<std::size_t>(bytes));
    parts.push_back({{"leaf", leaf},
                     {"index", to_json(index)},
                     {"file", name},
                     {"offset", file.written()},
                     {"bytes", bytes},
                     {"crc32", checksum(block.data(), block.size())}});
    file.write(block);
  };
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    const ArrayImpl& impl = *impl_of(*leaves[i]);
    const auto* data = static_cast<const std::byte*>(stored_data(*leaves[i]));
    if (impl.stored.empty()) {
      std::vector<Slice> all;
      for (std::int64_t size : impl.shape) all.push_back({0, size, {}});
      if (process_index() == 0) write(i, all, data, impl.bytes());
      continue;
    }
    const std::int64_t bytes =
        block_shape(impl.shape, *impl.sharding).volume() * static_cast<std::int64_t>(itemsize(impl.dtype));
    for (const Block& block : local_blocks(impl.shape, *impl.sharding)) {
      if (writes(impl.shape, *impl.sharding, block.index)) write(i, block.index, data, bytes);
      data += bytes;
    }
  }
  file.close();
  return parts;
}

}  // namespace

void save_leaves(const std::string& folder, const std::vector<const Array*>& leaves, std::source_location where) {
  Call call("save_sharded", where);
  for (const Array* leaf : leaves) stored_data(*leaf);
  fs::path place(folder);
  if (!place.has_filename()) place = place.parent_path();
  // Beside its place under another name, until it is whole.
  const fs::path beside = place.parent_path() / (place.filename().string() + ".partial"),
                 old = place.parent_path() / (place.filename().string() + ".old");
  try {
    together([&] {
      if (process_index() != 0) return;
      fs::remove_all(beside);
      fs::create_directories(beside);
    });
    json mine;
    together([&] { mine = write_shards(beside, leaves); });
    const auto all = gather_texts(mine.dump());
    together([&] {
      if (process_index() != 0) return;
      json manifest{{"skein_checkpoint", version}, {"arrays", json::array()}, {"parts", json::array()}};
      for (const Array* leaf : leaves)
        manifest["arrays"].push_back(
            {{"dtype", std::string(name(leaf->dtype()))}, {"shape", leaf->shape().to_vector()}});
      for (const std::string& text : all)
        for (const json& part : json::parse(text)) manifest["parts"].push_back(part);
      const std::string text = manifest.dump(1);
      OutputFile file(context_of(beside / "manifest.json"));
      file.write(text);
      file.write(fmt::format("\n{:08x}\n", checksum(reinterpret_cast<const std::byte*>(text.data()), text.size())));
      file.close();
      fs::remove_all(old);
      if (fs::exists(place)) fs::rename(place, old);
      fs::rename(beside, place);
      fs::remove_all(old);
    });
  } catch (...) {
    std::error_code ignored;
    if (process_index() == 0) fs::remove_all(beside, ignored);
    throw;
  }
}

namespace {

struct Checkpoint {
  fs::path folder;
  json manifest;
  std::map<std::string, std::unique_ptr<InputFile>> files;

  explicit Checkpoint(const std::string& path) : folder(path) {
    const FileContext context = context_of(folder / "manifest.json");
    if (!fs::is_directory(folder)) context_of(folder).refuse("is no folder with a checkpoint");
    InputFile file(context);
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    file.read(0, std::as_writable_bytes(std::span(text)));
    const std::size_t end = text.size() >= 10 ? text.size() - 10 : 0;  // "\n", eight digits, "\n"
    if (text.substr(end) != fmt::format("\n{:08x}\n", checksum(reinterpret_cast<const std::byte*>(text.data()), end)))
      context.refuse("is damaged: its checksum differs");
    manifest = json::parse(text.substr(0, end), nullptr, false);
    if (manifest.is_discarded() || manifest.value("skein_checkpoint", 0) != version)
      context.refuse("is no manifest of a checkpoint of this version");
  }

  /// The shard's bytes, whole and checked.
  std::vector<std::byte> read(const json& part, std::size_t leaf) {
    const std::string name = part["file"];
    const std::string what = fmt::format("array {}, elements {}", leaf, text_of(from_json(part["index"])));
    const FileContext context = context_of(folder / name).member(what);
    auto& file = files[name];
    if (!file) {
      if (!fs::is_regular_file(folder / name)) context.refuse("is missing");
      file = std::make_unique<InputFile>(context_of(folder / name));
    }
    std::vector<std::byte> bytes(part["bytes"].get<std::size_t>());
    const auto offset = part["offset"].get<std::uint64_t>();
    if (offset + bytes.size() > file->size()) context.refuse("is cut off: the file ends before it");
    file->read(offset, bytes);
    if (checksum(bytes.data(), bytes.size()) != part["crc32"].get<std::uint32_t>())
      context.refuse("is damaged: its checksum differs");
    return bytes;
  }
};

/// Copies what two boxes of an array have in common from a dense block of one to a dense block of the other.
void copy_common(const std::vector<Slice>& from_index, std::byte* from, const std::vector<Slice>& to_index, void* to,
                 std::int64_t item) {
  std::vector<Slice> in_from, in_to;
  Shape from_shape, to_shape, common;
  for (std::size_t d = 0; d < from_index.size(); ++d) {
    const std::int64_t low = std::max(*from_index[d].start, *to_index[d].start),
                       high = std::min(*from_index[d].stop, *to_index[d].stop);
    if (high <= low) return;
    in_from.push_back({low - *from_index[d].start, high - *from_index[d].start, {}});
    in_to.push_back({low - *to_index[d].start, high - *to_index[d].start, {}});
    from_shape.push_back(*from_index[d].stop - *from_index[d].start),
        to_shape.push_back(*to_index[d].stop - *to_index[d].start), common.push_back(high - low);
  }
  std::vector<std::byte> box(static_cast<std::size_t>(common.volume() * item));
  copy_box(from, from_shape, in_from, box.data(), item, true);
  copy_box(to, to_shape, in_to, box.data(), item, false);
}

bool meet(const std::vector<Slice>& a, const std::vector<Slice>& b) {
  for (std::size_t d = 0; d < a.size(); ++d)
    if (std::min(*a[d].stop, *b[d].stop) <= std::max(*a[d].start, *b[d].start)) return false;
  return true;
}

}  // namespace

std::vector<Array> load_leaves(const std::string& folder, const std::vector<const PartitionSpec*>& specs,
                               const Mesh& mesh, std::source_location where) {
  Call call("load_sharded", where);
  check_devices(mesh);
  std::vector<Array> arrays;
  std::string user_error;
  together([&] {
    // A user's mistake is one in every process: all read the same manifest. Damage may be seen by some alone.
    try {
      Checkpoint checkpoint(folder);
      const json& kinds = checkpoint.manifest["arrays"];
      if (kinds.size() != specs.size())
        context_of(folder).refuse(fmt::format("holds {} arrays, the tree has {}: it was saved from another structure",
                                              kinds.size(), specs.size()));
      for (std::size_t i = 0; i < specs.size(); ++i) {
        const Shape shape(kinds[i]["shape"].get<std::vector<std::int64_t>>());
        const DType dtype = *dtype_from_name(kinds[i]["dtype"].get<std::string>());
        const NamedSharding sharding(mesh, specs[i]->resolve(mesh, current_op(), current_location()));
        std::vector<const json*> parts;
        for (const json& part : checkpoint.manifest["parts"])
          if (part["leaf"] == i) parts.push_back(&part);
        arrays.push_back(make_split(dtype, shape, sharding, [&](const std::vector<Slice>& index, void* memory) {
          for (const json* part : parts) {
            const auto there = from_json((*part)["index"]);
            if (!meet(there, index)) continue;
            auto bytes = checkpoint.read(*part, i);
            copy_common(there, bytes.data(), index, memory, static_cast<std::int64_t>(itemsize(dtype)));
          }
        }));
      }
    } catch (const UserError& error) {
      user_error = error.message();
    }
  });
  const auto errors = gather_texts(user_error);
  for (const std::string& text : errors)
    if (!text.empty()) throw UserError(text, current_op(), current_location());
  return arrays;
}

}  // namespace skein::detail
