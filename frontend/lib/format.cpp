#include "frontend/lib/format.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <vector>

namespace skein::detail {
namespace {

// NumPy's print options, as they are set by default.
constexpr int precision = 8;
constexpr std::int64_t threshold = 1000, edge_items = 3;
constexpr std::size_t line_width = 75;

double half_to_double(std::uint16_t bits) {
  int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  double magnitude = exponent == 31 ? (mantissa ? NAN : INFINITY)
                     : exponent     ? std::ldexp(1024 + mantissa, exponent - 25)
                                    : std::ldexp(mantissa, -24);
  return bits >> 15 ? -magnitude : magnitude;
}

/// A floating number with the digits that its own dtype needs.
struct Real {
  double value;
  DType dtype;

  bool finite() const { return std::isfinite(value); }
  bool narrow() const { return dtype == float16 || dtype == bfloat16; }
  bool single() const { return dtype == float32 || dtype == complex64; }
  /// From here on the dtype's last digits before the point say nothing: the scientific form is used.
  double most_positional() const { return narrow() ? 1e3 : single() ? 1e6 : 1e16; }
  /// Shortest decimal that reads back as the same number, in the given form.
  std::string shortest(std::chars_format form) const {
    char buffer[512];
    auto end = narrow()   ? shortest_narrow(buffer, buffer + sizeof buffer, form)
               : single() ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value), form)
                          : std::to_chars(buffer, buffer + sizeof buffer, value, form);
    return {buffer, end.ptr};
  }
  /// `digits` after the point, rounded.
  std::string rounded(std::chars_format form, int digits) const {
    char buffer[512];
    auto end = std::to_chars(buffer, buffer + sizeof buffer, value, form, digits);
    return {buffer, end.ptr};
  }

 private:
  /// Half-precision numbers have no to_chars: the fewest digits whose decimal is nearest to this number among its kind.
  std::to_chars_result shortest_narrow(char* begin, char* last, std::chars_format form) const {
    int mantissa_bits = dtype == float16 ? 10 : 7, least_exponent = dtype == float16 ? -14 : -126;
    for (int digits = 0; digits < 8; ++digits) {
      char text[64];
      auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, digits);
      double read = 0;
      std::from_chars(text, end.ptr, read);
      double step = std::ldexp(1.0, std::max(value == 0 ? least_exponent : std::ilogb(value), least_exponent) - mantissa_bits);
      if (std::abs(read - value) < step / 2) {
        // The decimal itself, in the form asked for, is what a double of it prints.
        return std::to_chars(begin, last, read, form);
      }
    }
    return std::to_chars(begin, last, value, form);
  }
};

struct Parts {
  std::string before, after, exponent;  // of the point; the exponent with its sign, without e
};

Parts split(const std::string& text) {
  Parts parts;
  std::size_t e = text.find('e');
  if (e != text.npos) parts.exponent = text.substr(e + 1);
  std::string mantissa = text.substr(0, e);
  std::size_t point = mantissa.find('.');
  parts.before = mantissa.substr(0, point);
  if (point != mantissa.npos) parts.after = mantissa.substr(point + 1);
  return parts;
}

/// Digits as short as they identify the number, rounded where there are more than 8 after the point.
Parts digits_of(const Real& number, std::chars_format form) {
  Parts parts = split(number.shortest(form));
  if (parts.after.size() > precision) parts = split(number.rounded(form, precision));
  while (!parts.after.empty() && parts.after.back() == '0') parts.after.pop_back();
  return parts;
}

std::string pad_left(std::string text, std::size_t width) {
  return text.size() < width ? std::string(width - text.size(), ' ') + text : text;
}

/// One form for all floating numbers of an array, so that their points stand below each other.
class RealFormat {
 public:
  RealFormat(const std::vector<Real>& numbers, bool always_sign) : always_sign_(always_sign) {
    double largest = 0, least = INFINITY;
    bool all_finite = true, negative_infinity = false;
    for (const Real& x : numbers) {
      all_finite &= x.finite();
      negative_infinity |= std::isinf(x.value) && x.value < 0;
      if (x.finite() && x.value != 0) largest = std::max(largest, std::abs(x.value)), least = std::min(least, std::abs(x.value));
    }
    if (!numbers.empty() && largest > 0) {
      double ratio = numbers[0].single() ? static_cast<float>(largest / least) : largest / least;
      scientific_ = largest >= std::min(numbers[0].most_positional(), 1e8) || least < 1e-4 || ratio > 1000;
    }
    for (const Real& x : numbers)
      if (x.finite()) {
        Parts parts = digits_of(x, form());
        before_ = std::max(before_, parts.before.size() + (always_sign_ && !std::signbit(x.value)));
        after_ = std::max(after_, parts.after.size());
        exponent_ = std::max(exponent_, parts.exponent.size());
      }
    right_ = scientific_ ? after_ + exponent_ + 1 : after_;
    if (!all_finite) {
      std::size_t longest = 3 + (always_sign_ || negative_infinity);
      if (longest > right_ + 1) before_ = std::max(before_, longest - right_ - 1);
    }
  }

  /// `suffix` follows the digits at once, before the blanks that fill the column.
  std::string operator()(const Real& x, const char* suffix = "") const {
    if (!x.finite()) {
      std::string word = std::isnan(x.value) ? "nan" : x.value < 0 ? "-inf" : "inf";
      if (always_sign_ && word[0] != '-') word = '+' + word;
      return pad_left(word + suffix, before_ + right_ + 1 + std::strlen(suffix));
    }
    // The scientific form shows the same number of digits everywhere, exact ones where the shortest are fewer.
    Parts parts = scientific_ ? split(x.rounded(form(), static_cast<int>(after_))) : digits_of(x, form());
    if (always_sign_ && !std::signbit(x.value)) parts.before = '+' + parts.before;
    std::string text = pad_left(parts.before, before_) + '.' + parts.after;
    if (scientific_) {
      parts.exponent.insert(1, exponent_ - parts.exponent.size(), '0');
      return text + 'e' + parts.exponent + suffix;
    }
    return text + suffix + std::string(after_ - parts.after.size(), ' ');
  }

 private:
  std::chars_format form() const { return scientific_ ? std::chars_format::scientific : std::chars_format::fixed; }

  bool always_sign_, scientific_ = false;
  std::size_t before_ = 0, after_ = 0, exponent_ = 0, right_ = 0;
};

/// A single number as Python prints it: the digits that it needs, with a point.
std::string scalar_text(const Real& x) {
  if (!x.finite()) return std::isnan(x.value) ? "nan" : x.value < 0 ? "-inf" : "inf";
  double magnitude = std::abs(x.value);
  if (magnitude != 0 && (magnitude < 1e-4 || magnitude >= x.most_positional())) return x.shortest(std::chars_format::scientific);
  std::string text = x.shortest(std::chars_format::fixed);
  return text.find('.') == text.npos ? text + ".0" : text;
}

template <class T>
T load(const void* data, std::int64_t i) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

Real real_at(DType dtype, const void* data, std::int64_t i) {
  switch (dtype) {
    case DType::float16: return {half_to_double(load<std::uint16_t>(data, i)), dtype};
    case DType::bfloat16: return {std::bit_cast<float>(std::uint32_t{load<std::uint16_t>(data, i)} << 16), dtype};
    case DType::float32: case DType::complex64: return {load<float>(data, i), dtype};
    default: return {load<double>(data, i), dtype};
  }
}

std::string integer_at(DType dtype, const void* data, std::int64_t i) {
  switch (dtype) {
    case DType::bool_: return load<std::uint8_t>(data, i) ? "True" : "False";
    case DType::int8: return std::to_string(load<std::int8_t>(data, i));
    case DType::int16: return std::to_string(load<std::int16_t>(data, i));
    case DType::int32: return std::to_string(load<std::int32_t>(data, i));
    case DType::int64: return std::to_string(load<std::int64_t>(data, i));
    case DType::uint8: return std::to_string(load<std::uint8_t>(data, i));
    case DType::uint16: return std::to_string(load<std::uint16_t>(data, i));
    case DType::uint32: return std::to_string(load<std::uint32_t>(data, i));
    default: return std::to_string(load<std::uint64_t>(data, i));
  }
}

std::string scalar_text(DType dtype, const void* data) {
  if (is_complex(dtype)) {
    Real re = real_at(dtype, data, 0), im = real_at(dtype, data, 1);
    auto part = [](const Real& x) {
      std::string text = scalar_text(x);
      return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
    };
    if (re.value == 0 && !std::signbit(re.value)) return part(im) + "j";
    return '(' + part(re) + (std::signbit(im.value) && !std::isnan(im.value) ? "" : "+") + part(im) + "j)";
  }
  return is_floating(dtype) ? scalar_text(real_at(dtype, data, 0)) : integer_at(dtype, data, 0);
}

/// The nested brackets of an array whose elements `text` gives.
class Brackets {
 public:
  Brackets(const Shape& shape, bool summarise, std::function<std::string(std::int64_t)> text)
      : shape_(shape), summarise_(summarise), text_(std::move(text)) {}

  std::string all() { return nested(0, 0, 1, line_width - 1); }

  /// The elements that are shown.
  void shown(std::size_t dim, std::int64_t offset, std::vector<std::int64_t>& out) const {
    if (dim == shape_.size()) return out.push_back(offset);
    std::int64_t n = shape_[dim];
    for (std::int64_t i = 0; i < n; ++i) {
      if (cut(n) && i == edge_items) i = n - edge_items;
      shown(dim + 1, offset * n + i, out);
    }
  }

 private:
  bool cut(std::int64_t n) const { return summarise_ && n > 2 * edge_items; }

  std::string nested(std::size_t dim, std::int64_t offset, std::size_t indent, std::size_t width) {
    std::int64_t n = shape_[dim];
    bool last = dim + 1 == shape_.size();
    std::string blanks(indent, ' '), text, line;
    // Rows are lines of their own, with an empty line more for each dimension above.
    std::string between = last ? "" : std::string(shape_.size() - dim - 1, '\n') + blanks;
    std::size_t room = last ? width - (shape_.size() - 1) : 0;
    auto add = [&](const std::string& word) {
      if (!last) {
        text += (text.empty() ? "" : between) + word;
        return;
      }
      // NumPy counts the indentation and the closing brackets to the line's width.
      bool first = line.empty();
      if (!first && indent + line.size() + 1 + word.size() > room) {
        text += line.substr(0, line.find_last_not_of(' ') + 1) + '\n' + blanks;
        line = word;
      } else {
        line += (first ? "" : " ") + word;
      }
    };
    for (std::int64_t i = 0; i < n; ++i) {
      if (cut(n) && i == edge_items) {
        add("...");
        i = n - edge_items;
      }
      add(last ? text_(offset * n + i) : nested(dim + 1, offset * n + i, indent + 1, width));
    }
    return '[' + text + line + ']';
  }

  const Shape& shape_;
  bool summarise_;
  std::function<std::string(std::int64_t)> text_;
};

}  // namespace

std::string format_array(DType dtype, const Shape& shape, const void* data) {
  if (shape.empty()) return scalar_text(dtype, data);
  if (shape.volume() == 0) return "[]";
  bool summarise = shape.volume() > threshold;
  std::vector<std::int64_t> shown;
  Brackets(shape, summarise, {}).shown(0, 0, shown);

  if (is_complex(dtype)) {
    std::vector<Real> re, im;
    for (std::int64_t i : shown) re.push_back(real_at(dtype, data, 2 * i)), im.push_back(real_at(dtype, data, 2 * i + 1));
    RealFormat re_format(re, false), im_format(im, true);
    auto text = [&](std::int64_t i) { return re_format(real_at(dtype, data, 2 * i)) + im_format(real_at(dtype, data, 2 * i + 1), "j"); };
    return Brackets(shape, summarise, text).all();
  }
  if (is_floating(dtype)) {
    std::vector<Real> numbers;
    for (std::int64_t i : shown) numbers.push_back(real_at(dtype, data, i));
    RealFormat format(numbers, false);
    return Brackets(shape, summarise, [&](std::int64_t i) { return format(real_at(dtype, data, i)); }).all();
  }
  std::size_t width = is_bool(dtype) ? 5 : 0;
  for (std::int64_t i : shown) width = std::max(width, integer_at(dtype, data, i).size());
  return Brackets(shape, summarise, [&](std::int64_t i) { return pad_left(integer_at(dtype, data, i), width); }).all();
}

}  // namespace skein::detail
