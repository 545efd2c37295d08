#include <skein/base/error.h>
#include <skein/base/spec.h>

#include <ostream>

namespace skein {

PartitionSpec PartitionSpec::resolve(const Mesh& mesh, std::string_view op, std::source_location location) const {
  auto fail = [&](const std::string& message) {
    throw UserError("spec " + to_string(*this) + " on " + to_string(mesh) + ": " + message, std::string(op), location);
  };
  std::vector<SpecEntry> result;
  std::vector<std::string> used;
  for (const SpecEntry& entry : entries_) {
    std::vector<std::string> names = entry.names();
    if (entry.kind() == SpecEntry::Kind::all) names = mesh.axis_names();
    if (entry.kind() == SpecEntry::Kind::index) {
      if (entry.index() < 0 || entry.index() >= mesh.rank())
        fail("there is no axis number " + std::to_string(entry.index()) + "; the mesh has " +
             std::to_string(mesh.rank()) + " axes");
      names = {mesh.axis_names()[static_cast<std::size_t>(entry.index())]};
    }
    for (const std::string& name : names) {
      if (mesh.axis_position(name) < 0) fail("the mesh has no axis '" + name + "'");
      for (const std::string& other : used)
        if (other == name) fail("axis '" + name + "' is used twice; an axis splits at most one dimension");
      used.push_back(name);
    }
    result.emplace_back(std::move(names));
  }
  return PartitionSpec(std::move(result));
}

std::string to_string(const PartitionSpec& spec) {
  std::string text = "P(";
  bool first = true;
  for (const SpecEntry& entry : spec.entries()) {
    if (!first) text += ", ";
    first = false;
    switch (entry.kind()) {
      case SpecEntry::Kind::none:
        text += "none";
        break;
      case SpecEntry::Kind::all:
        text += "-1";
        break;
      case SpecEntry::Kind::index:
        text += std::to_string(entry.index());
        break;
      case SpecEntry::Kind::names: {
        std::string names;
        for (const std::string& name : entry.names()) names += (names.empty() ? "\"" : ",\"") + name + "\"";
        text += entry.names().size() == 1 ? names : "{" + names + "}";
      }
    }
  }
  return text + ")";
}

std::ostream& operator<<(std::ostream& out, const PartitionSpec& spec) { return out << to_string(spec); }

}  // namespace skein
