#include "runtime/print.h"

#include <fmt/format.h>
#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <vector>

namespace skein::runtime {
namespace {

float half_to_float(std::uint16_t bits) { return static_cast<float>(std::bit_cast<_Float16>(bits)); }

template <class T>
T at(const void* data, std::int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

// The real value of an element, or one part of a complex one.
double real_at(DType dtype, const void* data, std::int64_t i, int part = 0) {
  switch (dtype) {
    case DType::float16:
      return half_to_float(at<std::uint16_t>(data, i));
    case DType::bfloat16:
      return std::bit_cast<float>(static_cast<std::uint32_t>(at<std::uint16_t>(data, i)) << 16);
    case DType::float32:
      return at<float>(data, i);
    case DType::float64:
      return at<double>(data, i);
    case DType::complex64:
      return at<float>(data, 2 * i + part);
    case DType::complex128:
      return at<double>(data, 2 * i + part);
    default:
      return 0;
  }
}

// Whether a text stands for exactly this value of the dtype.
bool round_trips(DType dtype, double value, const std::string& text) {
  double parsed = std::strtod(text.c_str(), nullptr);
  switch (dtype) {
    case DType::float16:
      return static_cast<_Float16>(parsed) == static_cast<_Float16>(value);
    case DType::bfloat16:
      return std::abs(parsed - value) <= std::abs(value) / 1024;
    case DType::float32:
    case DType::complex64:
      return static_cast<float>(parsed) == static_cast<float>(value);
    default:
      return parsed == value;
  }
}

// The shortest text that round-trips, with at most `most` digits after the point; `style` is 'f' or 'e'.
std::string shortest(DType dtype, double value, char style, int most) {
  for (int digits = 0;; ++digits) {
    std::string text = style == 'f' ? fmt::format("{:.{}f}", value, digits) : fmt::format("{:.{}e}", value, digits);
    if (digits == most || round_trips(dtype, value, text)) return text;
  }
}

std::string special(double value) { return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf"; }

std::string scalar_text(DType dtype, double value) {
  if (!std::isfinite(value)) return special(value);
  double magnitude = std::abs(value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= 1e16)) return shortest(dtype, value, 'e', 17);
  std::string text = shortest(dtype, value, 'f', 21);
  return text.find('.') == text.npos ? text + ".0" : text;
}

// Texts of equal width, points below each other.
std::vector<std::string> real_column(DType dtype, const std::vector<double>& values) {
  double largest = 0, least = std::numeric_limits<double>::infinity();
  for (double value : values)
    if (std::isfinite(value) && value != 0)
      largest = std::max(largest, std::abs(value)), least = std::min(least, std::abs(value));
  bool exponents = largest >= 1e8 || (largest > 0 && (least < 1e-4 || largest / least > 1000));
  std::vector<std::string> texts;
  std::size_t left = 0, right = 0;  // characters before the point, and digits after it
  for (double value : values) {
    texts.push_back(!std::isfinite(value) ? special(value) : shortest(dtype, value, exponents ? 'e' : 'f', 8));
    if (!std::isfinite(value)) continue;
    const std::string& text = texts.back();
    std::size_t mantissa = std::min(text.find('e'), text.size()), point = std::min(text.find('.'), mantissa);
    left = std::max(left, point);
    right = std::max(right, mantissa > point ? mantissa - point - 1 : 0);
  }
  std::size_t width = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string& text = texts[i];
    if (std::isfinite(values[i])) {
      std::size_t mantissa = std::min(text.find('e'), text.size()), point = std::min(text.find('.'), mantissa);
      if (point == mantissa) text.insert(point, "."), ++mantissa;
      text.insert(mantissa, right - (mantissa - point - 1), exponents ? '0' : ' ');
      text.insert(0, left - point, ' ');
    }
    width = std::max(width, text.size());
  }
  for (std::string& text : texts) text.insert(0, width - text.size(), ' ');
  return texts;
}

std::string integer_text(DType dtype, const void* data, std::int64_t i) {
  switch (dtype) {
    case DType::bool_:
      return at<std::uint8_t>(data, i) ? "True" : "False";
    case DType::int8:
      return std::to_string(at<std::int8_t>(data, i));
    case DType::int16:
      return std::to_string(at<std::int16_t>(data, i));
    case DType::int32:
      return std::to_string(at<std::int32_t>(data, i));
    case DType::int64:
      return std::to_string(at<std::int64_t>(data, i));
    case DType::uint8:
      return std::to_string(at<std::uint8_t>(data, i));
    case DType::uint16:
      return std::to_string(at<std::uint16_t>(data, i));
    case DType::uint32:
      return std::to_string(at<std::uint32_t>(data, i));
    default:
      return std::to_string(at<std::uint64_t>(data, i));
  }
}

// The texts of the elements at these positions, in columns of one width.
std::vector<std::string> column(DType dtype, const void* data, const std::vector<std::int64_t>& positions) {
  auto part = [&](int which) {
    std::vector<double> values;
    for (std::int64_t i : positions) values.push_back(real_at(dtype, data, i, which));
    return values;
  };
  if (is_floating(dtype)) return real_column(dtype, part(0));
  if (is_complex(dtype)) {
    std::vector<double> imaginary = part(1), magnitudes;
    for (double value : imaginary) magnitudes.push_back(std::abs(value));
    std::vector<std::string> texts = real_column(dtype, part(0)), others = real_column(dtype, magnitudes);
    for (std::size_t i = 0; i < texts.size(); ++i) {
      std::string& other = others[i];
      std::size_t end = other.find_last_not_of(' ') + 1, begin = other.find_first_not_of(' ');
      texts[i] += (std::signbit(imaginary[i]) ? "-" : "+") + other.substr(begin, end - begin) + "j" +
                  other.substr(end) + std::string(begin, ' ');
    }
    return texts;
  }
  std::vector<std::string> texts;
  std::size_t width = 0;
  for (std::int64_t i : positions)
    texts.push_back(integer_text(dtype, data, i)), width = std::max(width, texts.back().size());
  for (std::string& text : texts) text.insert(0, width - text.size(), ' ');
  return texts;
}

// NumPy's layout (numpy/_core/arrayprint.py, _formatArray).
class Layout {
 public:
  Layout(DType dtype, std::span<const std::int64_t> shape, const void* data) : shape_(shape) {
    std::int64_t volume = 1;
    for (std::int64_t dim : shape) volume *= dim;
    summary_ = volume > 1000;
    collect(0, 0);
    texts_ = column(dtype, data, positions_);
  }
  std::string text() { return block(0, " ", 75); }

 private:
  static constexpr std::int64_t edge = 3;
  bool shortened(std::size_t axis) const { return summary_ && shape_[axis] > 2 * edge; }

  template <class F, class G>
  void each(std::size_t axis, F&& element, G&& dots) const {
    for (std::int64_t i = 0; i < shape_[axis]; ++i) {
      if (shortened(axis) && i == edge) dots(), i = shape_[axis] - edge;
      element(i);
    }
  }
  void collect(std::size_t axis, std::int64_t offset) {
    if (axis == shape_.size()) return positions_.push_back(offset);
    each(
        axis, [&](std::int64_t i) { collect(axis + 1, offset * shape_[axis] + i); }, [] {});
  }
  std::string block(std::size_t axis, const std::string& indent, int width) {
    std::string text;
    if (axis + 1 == shape_.size()) {
      std::string line = indent;
      bool first = true;
      auto word = [&](const std::string& w) {
        if (!first) line += ' ';
        first = false;
        if (static_cast<int>(line.size() + w.size()) > width - 1 && line.size() > indent.size()) {
          text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
          line = indent;
        }
        line += w;
      };
      each(
          axis, [&](std::int64_t) { word(texts_[next_++]); }, [&] { word("..."); });
      text += line;
    } else {
      std::string separator(shape_.size() - axis - 1, '\n');
      bool first = true;
      auto line = [&](const std::string& l) {
        if (!first) text += separator;
        first = false;
        text += indent + l;
      };
      each(
          axis, [&](std::int64_t) { line(block(axis + 1, indent + " ", width - 1)); }, [&] { line("..."); });
    }
    return "[" + text.substr(indent.size()) + "]";
  }

  std::span<const std::int64_t> shape_;
  bool summary_ = false;
  std::vector<std::int64_t> positions_;
  std::vector<std::string> texts_;
  std::size_t next_ = 0;
};

struct Sink {
  std::mutex mutex;
  std::function<void(std::string_view)> function;
};

Sink& sink() {
  static auto* instance = new Sink;  // programs may print until the process ends
  return *instance;
}

}  // namespace

std::string format_array(DType dtype, std::span<const std::int64_t> shape, const void* data) {
  if (shape.empty()) {
    if (is_floating(dtype)) return scalar_text(dtype, real_at(dtype, data, 0));
    if (!is_complex(dtype)) return integer_text(dtype, data, 0);
    double imaginary = real_at(dtype, data, 0, 1);
    auto trim = [](std::string text) { return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text; };
    return "(" + trim(scalar_text(dtype, real_at(dtype, data, 0))) + (std::signbit(imaginary) ? "-" : "+") +
           trim(scalar_text(dtype, std::abs(imaginary))) + "j)";
  }
  for (std::int64_t dim : shape)
    if (dim == 0) return "[]";
  return Layout(dtype, shape, data).text();
}

std::string format_message(const skein_message& message, const void* const* operands) {
  std::string text;
  int next = 0;
  for (const char* c = message.format; *c; ++c) {
    if ((c[0] == '{' && c[1] == '{') || (c[0] == '}' && c[1] == '}')) {
      text += *c++;
    } else if (c[0] == '{' && c[1] == '}' && next < message.operand_count) {
      text += format_array(static_cast<DType>(message.dtypes[next]),
                           {message.shapes[next], static_cast<std::size_t>(message.ranks[next])}, operands[next]);
      ++next, ++c;
    } else {
      text += *c;
    }
  }
  return text;
}

void set_print_sink(std::function<void(std::string_view)> function) {
  std::lock_guard lock(sink().mutex);
  sink().function = std::move(function);
}

void print_line(std::string text) {
  text += '\n';
  std::lock_guard lock(sink().mutex);
  if (sink().function) {
    sink().function(text);
  } else {
    std::fwrite(text.data(), 1, text.size(), stderr);
    std::fflush(stderr);
  }
}

}  // namespace skein::runtime
