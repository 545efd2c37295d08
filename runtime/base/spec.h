#pragma once
// Partition specs: which mesh axes split which dimension of an array.

#include <skein/base/export.h>
#include <skein/base/mesh.h>
#include <skein/base/none.h>

#include <initializer_list>
#include <iosfwd>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

/// What splits one dimension: nothing, some named axes (the first is the slowest), an axis by position, or all axes.
class SpecEntry {
 public:
  enum class Kind : std::uint8_t { none, names, index, all };

  SpecEntry() = default;
  SpecEntry(NoneType) {}
  SpecEntry(const char* name) : kind_(Kind::names), names_{name} {}
  SpecEntry(std::string name) : kind_(Kind::names), names_{std::move(name)} {}
  SpecEntry(std::string_view name) : kind_(Kind::names), names_{std::string(name)} {}
  SpecEntry(std::initializer_list<const char*> names) { take({names.begin(), names.end()}); }
  SpecEntry(std::initializer_list<std::string> names) { take({names.begin(), names.end()}); }
  SpecEntry(std::vector<std::string> names) { take(std::move(names)); }
  /// An axis by its position in the mesh; -1 stands for all axes.
  SpecEntry(int axis) : kind_(axis == -1 ? Kind::all : Kind::index), index_(axis == -1 ? 0 : axis) {}

  Kind kind() const { return kind_; }
  bool is_none() const { return kind_ == Kind::none; }
  const std::vector<std::string>& names() const { return names_; }
  int index() const { return index_; }

  friend bool operator==(const SpecEntry& a, const SpecEntry& b) {
    return a.kind_ == b.kind_ && a.names_ == b.names_ && a.index_ == b.index_;
  }

 private:
  void take(std::vector<std::string> names) {
    names_ = std::move(names);
    kind_ = names_.empty() ? Kind::none : Kind::names;
  }

  Kind kind_ = Kind::none;
  std::vector<std::string> names_;
  int index_ = 0;
};

/// One entry per leading dimension of an array; dimensions without an entry are not split.
class PartitionSpec {
 public:
  PartitionSpec() = default;
  explicit PartitionSpec(std::vector<SpecEntry> entries) : entries_(std::move(entries)) {}

  const std::vector<SpecEntry>& entries() const { return entries_; }
  std::size_t size() const { return entries_.size(); }
  bool empty() const { return entries_.empty(); }
  const SpecEntry& operator[](std::size_t dim) const { return entries_[dim]; }

  /// The same spec with every axis by name (or none). Throws UserError, naming `op`, for an axis that the mesh does not
  /// have and for one that is used twice.
  SKEIN_API PartitionSpec resolve(const Mesh&, std::string_view op = "P",
                                  std::source_location location = std::source_location::current()) const;
  /// Of a resolved spec: the axes that split dimension `dim`, none beyond the entries.
  const std::vector<std::string>& axes(std::size_t dim) const {
    static const std::vector<std::string> nothing;
    return dim < entries_.size() ? entries_[dim].names() : nothing;
  }
  /// Of a resolved spec: all axes that it names.
  std::vector<std::string> all_axes() const {
    std::vector<std::string> result;
    for (const SpecEntry& entry : entries_) result.insert(result.end(), entry.names().begin(), entry.names().end());
    return result;
  }

  friend bool operator==(const PartitionSpec&, const PartitionSpec&) = default;

 private:
  std::vector<SpecEntry> entries_;
};

/// P("x"), P("x","y"), P(none,"x"), P({"x","y"}), P(), P(-1): all axes of the mesh, P(0): its first.
// Overloads rather than a template, so that a braced list is one entry.
inline PartitionSpec P() { return PartitionSpec(); }
inline PartitionSpec P(SpecEntry a) { return PartitionSpec(std::vector<SpecEntry>(1, std::move(a))); }
inline PartitionSpec P(SpecEntry a, SpecEntry b) {
  return PartitionSpec(std::vector<SpecEntry>{std::move(a), std::move(b)});
}
inline PartitionSpec P(SpecEntry a, SpecEntry b, SpecEntry c) {
  return PartitionSpec(std::vector<SpecEntry>{std::move(a), std::move(b), std::move(c)});
}
inline PartitionSpec P(SpecEntry a, SpecEntry b, SpecEntry c, SpecEntry d) {
  return PartitionSpec(std::vector<SpecEntry>{std::move(a), std::move(b), std::move(c), std::move(d)});
}
inline PartitionSpec P(SpecEntry a, SpecEntry b, SpecEntry c, SpecEntry d, SpecEntry e) {
  return PartitionSpec(std::vector<SpecEntry>{std::move(a), std::move(b), std::move(c), std::move(d), std::move(e)});
}
inline PartitionSpec P(SpecEntry a, SpecEntry b, SpecEntry c, SpecEntry d, SpecEntry e, SpecEntry f) {
  return PartitionSpec(
      std::vector<SpecEntry>{std::move(a), std::move(b), std::move(c), std::move(d), std::move(e), std::move(f)});
}

/// P("x", none, {"y","z"}).
SKEIN_API std::string to_string(const PartitionSpec&);
SKEIN_API std::ostream& operator<<(std::ostream&, const PartitionSpec&);

}  // namespace skein
