// Text of arrays and pictures of their shardings.
#include <skein/print.h>

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>
#include <set>

#include "frontend/lib/format.h"
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"

namespace skein {

std::ostream& operator<<(std::ostream& out, const Array& x) {
  if (x.empty()) return out << "an empty Array";
  if (detail::is_traced(x)) return out << "traced " << detail::describe(x);
  return out << detail::format_array(x.dtype(), x.shape(), detail::concrete_data(x));
}

namespace {

using Range = std::pair<std::int64_t, std::int64_t>;  // of one dimension: first element, one past the last

struct Box {
  std::vector<Range> ranges;
  std::vector<int> devices;
};

std::string device_names(const std::vector<int>& devices) {
  std::string text = "CPU ";
  for (std::size_t i = 0; i < devices.size(); ++i) text += (i ? "," : "") + std::to_string(devices[i]);
  return text;
}

/// A line of a table: corners and the edges between them.
std::string edge(const char* left, const char* middle, const char* right, std::int64_t columns, std::size_t width) {
  std::string text = left;
  for (std::int64_t c = 0; c < columns; ++c) {
    if (c) text += middle;
    for (std::size_t i = 0; i < width; ++i) text += "─";
  }
  return text + right + "\n";
}

std::string centred(const std::string& text, std::size_t width) {
  std::size_t blanks = width - std::min(width, text.size());
  return std::string(blanks / 2, ' ') + text + std::string(blanks - blanks / 2, ' ');
}

}  // namespace

std::string ShardingPicture::text() const {
  std::string text;
  for (const Table& table : tables_) {
    std::size_t width = 0;
    std::map<std::pair<std::int64_t, std::int64_t>, std::string> cells;
    for (const Part& part : table.parts) {
      cells[{part.row, part.column}] = part.devices;
      width = std::max(width, part.devices.size() + 2);
    }
    if (!table.title.empty()) text += table.title + "\n";
    for (std::int64_t r = 0; r < table.rows; ++r) {
      text += r ? edge("├", "┼", "┤", table.columns, width) : edge("┌", "┬", "┐", table.columns, width);
      for (std::int64_t c = 0; c < table.columns; ++c) text += "│" + centred(cells[{r, c}], width);
      text += "│\n";
    }
    text += edge("└", "┴", "┘", table.columns, width);
  }
  return text;
}

std::string ShardingPicture::svg() const {
  // Okabe and Ito's colours: told apart by everybody.
  static constexpr const char* colours[] = {"#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999"};
  constexpr int height = 36, gap = 24;
  int width = 72;
  std::int64_t total_height = 0, total_width = 0;
  for (const Table& table : tables_)
    for (const Part& part : table.parts) width = std::max(width, 8 * static_cast<int>(part.devices.size()) + 16);
  for (const Table& table : tables_) {
    total_width = std::max(total_width, table.columns * width);
    total_height += table.rows * height + (table.title.empty() ? 0 : gap);
  }
  std::string body;
  std::map<std::string, std::size_t> colour_of;
  std::int64_t top = 0;
  for (const Table& table : tables_) {
    if (!table.title.empty()) {
      body += fmt::format("  <text x=\"2\" y=\"{}\" text-anchor=\"start\">{}</text>\n", top + 16, table.title);
      top += gap;
    }
    for (const Part& part : table.parts) {
      std::size_t colour = colour_of.try_emplace(part.devices, colour_of.size()).first->second % std::size(colours);
      std::int64_t x = part.column * width, y = top + part.row * height;
      body += fmt::format("  <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" stroke=\"white\"/>\n", x, y, width, height, colours[colour]);
      body += fmt::format("  <text x=\"{}\" y=\"{}\">{}</text>\n", x + width / 2, y + height / 2 + 5, part.devices);
    }
    top += table.rows * height;
  }
  return fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" "
                     "font-family=\"monospace\" font-size=\"13\" text-anchor=\"middle\">\n{2}</svg>\n", total_width, total_height, body);
}

std::ostream& operator<<(std::ostream& out, const ShardingPicture& picture) { return out << picture.text(); }

ShardingPicture visualize_array_sharding(const Array& x, std::source_location where) {
  detail::Call call("visualize_array_sharding", where);
  detail::check_usable(x);
  if (detail::is_traced(x)) detail::fail("a traced array, " + detail::describe(x) + ", lies on no devices yet; look at the result of the program");
  const Shape& shape = x.shape();
  NamedSharding placed = x.sharding();
  const Mesh& mesh = placed.mesh();

  // The parts and who holds each; replicas share one.
  std::map<std::vector<Range>, std::vector<int>> boxes;
  for (std::int64_t rank = 0; rank < mesh.size(); ++rank) {
    std::vector<Range> ranges;
    for (std::size_t d = 0; d < shape.size(); ++d) {
      const auto& axes = placed.spec().axes(d);
      std::int64_t size = axes.empty() ? shape[d] : shape[d] / mesh.axes_size(axes);
      std::int64_t start = axes.empty() ? 0 : size * mesh.rank_within(rank, axes);
      ranges.push_back({start, start + size});
    }
    boxes[ranges].push_back(mesh.ids()[static_cast<std::size_t>(rank)]);
  }

  // Where each dimension is cut.
  std::vector<std::vector<Range>> cuts(shape.size());
  for (std::size_t d = 0; d < shape.size(); ++d) {
    std::set<Range> different;
    for (const auto& [ranges, devices] : boxes) different.insert(ranges[d]);
    cuts[d].assign(different.begin(), different.end());
  }
  // The table shows the last two dimensions that are cut; a vector is a row. The first of an array of higher rank is shown downwards.
  std::vector<std::size_t> cut;
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (cuts[d].size() > 1) cut.push_back(d);
  std::optional<std::size_t> down, across;
  if (cut.size() >= 2) down = cut[cut.size() - 2], across = cut.back();
  else if (cut.size() == 1) (shape.size() > 1 && cut[0] + 1 < shape.size() ? down : across) = cut[0];

  auto position = [&](std::size_t d, const Range& range) { return std::find(cuts[d].begin(), cuts[d].end(), range) - cuts[d].begin(); };
  std::map<std::string, ShardingPicture::Table> tables;
  std::vector<std::string> order;
  for (const auto& [ranges, devices] : boxes) {
    std::string title;
    if (cut.size() > 2) {
      for (std::size_t d = 0; d < shape.size(); ++d) {
        bool shown = d == *down || d == *across || cuts[d].size() == 1;
        title += (d ? "," : "") + (shown ? ":" : fmt::format("{}:{}", ranges[d].first, ranges[d].second));
      }
      title = "[" + title + "]";
    }
    auto [table, made] = tables.try_emplace(title);
    if (made) {
      order.push_back(title);
      table->second.title = title;
      if (down) table->second.rows = static_cast<std::int64_t>(cuts[*down].size());
      if (across) table->second.columns = static_cast<std::int64_t>(cuts[*across].size());
    }
    table->second.parts.push_back({down ? position(*down, ranges[*down]) : 0, across ? position(*across, ranges[*across]) : 0, device_names(devices)});
  }
  std::vector<ShardingPicture::Table> result;
  for (const std::string& title : order) result.push_back(std::move(tables.at(title)));
  return ShardingPicture(std::move(result));
}

}  // namespace skein
