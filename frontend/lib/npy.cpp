#include "frontend/lib/npy.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

namespace skein::detail {
namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t max_rank = 64;  // NumPy's
constexpr char native_order = std::endian::native == std::endian::little ? '<' : '>';

/// The dictionary of a header: a Python literal with the keys descr, fortran_order and shape, in any order.
class HeaderText {
 public:
  HeaderText(std::string_view text, const FileContext& context) : text_(text), context_(context) {}

  struct Fields {
    std::optional<std::string> descr;
    std::optional<bool> fortran_order;
    std::optional<Shape> shape;
  };

  Fields parse() {
    Fields fields;
    expect('{');
    while (!accept('}')) {
      std::string key = string("a key");
      expect(':');
      if (key == "descr") {
        if (peek() == '[') context_.refuse("holds records (a structured dtype); save each field as an array of its own");
        fields.descr = string("the dtype");
      } else if (key == "fortran_order") {
        fields.fortran_order = boolean();
      } else if (key == "shape") {
        fields.shape = tuple();
      } else {
        malformed(fmt::format("the unknown key '{}'", printable(key)));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (at_ != text_.size()) malformed("text after the closing brace");
    return fields;
  }

  static std::string printable(std::string_view text) {
    std::string result(text.substr(0, 40));
    for (char& c : result)
      if (!std::isprint(static_cast<unsigned char>(c))) c = '?';
    return result;
  }

 private:
  [[noreturn]] void malformed(const std::string& what) const {
    context_.refuse(fmt::format("has a malformed .npy header: {} at its character {}", what, at_));
  }
  void skip_blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) malformed(fmt::format("no '{}'", c));
  }
  std::string string(const char* what) {
    char quote = peek();
    if (quote != '\'' && quote != '"') malformed(fmt::format("{} is not a string", what));
    std::size_t end = text_.find(quote, at_ + 1);
    if (end == text_.npos) malformed(fmt::format("{} has no closing quote", what));
    std::string result(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return result;
  }
  bool boolean() {
    skip_blanks();
    for (std::string_view word : {"True", "False"})
      if (text_.substr(at_, word.size()) == word) {
        at_ += word.size();
        return word == "True";
      }
    malformed("fortran_order is neither True nor False");
  }
  Shape tuple() {
    Shape shape;
    expect('(');
    while (!accept(')')) {
      shape.push_back(integer());
      if (shape.size() > max_rank) malformed(fmt::format("more than {} dimensions", max_rank));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }
  std::int64_t integer() {
    skip_blanks();
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error == std::errc::result_out_of_range) malformed("a dimension too large for 64 bits");
    if (error != std::errc{}) malformed("a dimension that is no integer");
    if (value < 0) malformed(fmt::format("the negative dimension {}", value));
    at_ = static_cast<std::size_t>(end - text_.data());
    accept('L');  // Python 2 wrote 3L
    return value;
  }

  std::string_view text_;
  const FileContext& context_;
  std::size_t at_ = 0;
};

/// NumPy's type string, as "<f4" or "|b1", as a dtype and whether its bytes are swapped.
std::pair<DType, bool> parse_descr(const std::string& descr, const FileContext& context) {
  auto unknown = [&](const std::string& why) {
    context.refuse(fmt::format("holds the dtype '{}', {}", HeaderText::printable(descr), why));
  };
  std::string_view text = descr;
  char order = '|';
  if (!text.empty() && std::string_view("<>=|").find(text[0]) != std::string_view::npos) order = text[0], text.remove_prefix(1);
  if (text == "?") text = "b1";
  if (!text.empty() && text[0] == 'O') unknown("Python objects, which only Python can read");
  static constexpr std::pair<std::string_view, DType> codes[] = {
      {"b1", bool_},   {"i1", int8},    {"i2", int16},   {"i4", int32},     {"i8", int64},
      {"u1", uint8},   {"u2", uint16},  {"u4", uint32},  {"u8", uint64},    {"f2", float16},
      {"V2", bfloat16}, {"f4", float32}, {"f8", float64}, {"c8", complex64}, {"c16", complex128}};
  for (auto [code, dtype] : codes)
    if (text == code) return {dtype, (order == '<' || order == '>') && order != native_order && itemsize(dtype) > 1};
  unknown("which no dtype of Skein has; convert it with astype before saving it");
  return {};
}

/// Bytes of the elements; nothing where the number does not fit.
std::optional<std::uint64_t> payload(DType dtype, const Shape& shape) {
  std::uint64_t elements = 1;
  bool empty = false;
  for (std::int64_t dim : shape) {
    // Dimensions of an empty array count too: the product must be a number, whatever the order of the factors.
    if (dim == 0) empty = true;
    else if (__builtin_mul_overflow(elements, static_cast<std::uint64_t>(dim), &elements)) return std::nullopt;
  }
  std::uint64_t bytes;
  if (__builtin_mul_overflow(elements, itemsize(dtype), &bytes) || bytes > static_cast<std::uint64_t>(INT64_MAX)) return std::nullopt;
  return empty ? 0 : bytes;
}

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes.size(); i-- > 0;) value = value << 8 | std::to_integer<std::uint32_t>(bytes[i]);
  return value;
}

}  // namespace

std::uint64_t npy_header_bytes(std::span<const std::byte> start, std::uint64_t total, const FileContext& context) {
  if (start.size() < magic.size() || std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    if (start.empty()) context.refuse("is empty, not an .npy file");
    if (start.size() >= 4 && std::memcmp(start.data(), "PK\3\4", 4) == 0) context.refuse("is an .npz archive; read it with load_npz");
    context.refuse("is not an .npy file: it does not begin with \\x93NUMPY");
  }
  if (start.size() < 8) context.refuse("is truncated: the .npy header is cut off");
  int version = std::to_integer<int>(start[6]);
  if (version < 1 || version > 3) context.refuse(fmt::format("has version {} of the .npy format; 1, 2 and 3 are known", version));
  std::size_t length_bytes = version == 1 ? 2 : 4;
  if (start.size() < 8 + length_bytes) context.refuse("is truncated: the .npy header is cut off");
  std::uint64_t bytes = 8 + length_bytes + little_endian(start.subspan(8, length_bytes));
  if (bytes > total)
    context.refuse(fmt::format("is truncated: its .npy header should have {} bytes, the file has {}", bytes, total));
  return bytes;
}

NpyHeader parse_npy_header(std::span<const std::byte> header, std::uint64_t total, const FileContext& context) {
  std::size_t prologue = std::to_integer<int>(header[6]) == 1 ? 10 : 12;
  std::string_view text(reinterpret_cast<const char*>(header.data()) + prologue, header.size() - prologue);
  auto fields = HeaderText(text, context).parse();
  auto missing = [&](const char* key) { context.refuse(fmt::format("has a malformed .npy header: the key '{}' is missing", key)); };
  if (!fields.descr) missing("descr");
  if (!fields.fortran_order) missing("fortran_order");
  if (!fields.shape) missing("shape");

  NpyHeader result;
  std::tie(result.dtype, result.swapped) = parse_descr(*fields.descr, context);
  result.shape = *fields.shape;
  result.fortran_order = *fields.fortran_order && result.shape.size() > 1;
  result.data_offset = header.size();
  auto bytes = payload(result.dtype, result.shape);
  if (!bytes) context.refuse(fmt::format("is malformed: an array of shape {} is too large for any memory", to_string(result.shape)));
  result.data_bytes = *bytes;
  std::uint64_t there = total - header.size();
  if (result.data_bytes > there)
    context.refuse(fmt::format("is truncated: {}{} takes {} bytes, the file holds {} after its header", name(result.dtype),
                               to_string(result.shape), result.data_bytes, there));
  return result;
}

void normalise_npy(const NpyHeader& header, std::span<std::byte> data) {
  if (is_bool(header.dtype))
    for (std::byte& b : data) b = b == std::byte{0} ? std::byte{0} : std::byte{1};
  if (!header.swapped) return;
  std::size_t word = itemsize(header.dtype) / (is_complex(header.dtype) ? 2 : 1);
  for (std::size_t i = 0; i < data.size(); i += word) std::reverse(data.data() + i, data.data() + i + word);
}

void from_fortran_order(const NpyHeader& header, std::span<const std::byte> from, std::span<std::byte> to) {
  const std::size_t item = itemsize(header.dtype), rank = header.shape.size();
  if (from.empty()) return;
  // Walks the result in order; `source` follows, one stride per dimension.
  Shape stride = Shape::filled(rank, 1), index = Shape::filled(rank, 0);
  for (std::size_t d = 1; d < rank; ++d) stride[d] = stride[d - 1] * header.shape[d - 1];
  std::int64_t source = 0;
  for (std::size_t at = 0; at < to.size(); at += item) {
    std::memcpy(to.data() + at, from.data() + static_cast<std::size_t>(source) * item, item);
    for (std::size_t d = rank; d-- > 0;) {
      source += stride[d];
      if (++index[d] < header.shape[d]) break;
      source -= stride[d] * header.shape[d];
      index[d] = 0;
    }
  }
}

std::string make_npy_header(DType dtype, const Shape& shape) {
  std::string_view kind = "?";
  if (is_bool(dtype)) kind = "b";
  else if (is_signed_integer(dtype)) kind = "i";
  else if (is_unsigned(dtype)) kind = "u";
  else if (dtype == bfloat16) kind = "V";
  else if (is_floating(dtype)) kind = "f";
  else kind = "c";
  std::string dims;
  for (std::int64_t dim : shape) dims += std::to_string(dim) + (shape.size() == 1 ? "," : ", ");
  if (shape.size() > 1) dims.resize(dims.size() - 2);
  std::string text = fmt::format("{{'descr': '{}{}{}', 'fortran_order': False, 'shape': ({}), }}", itemsize(dtype) == 1 ? '|' : native_order,
                                 kind, itemsize(dtype), dims);
  // The data begin at a multiple of 64 bytes, the header ends with a newline.
  bool long_form = text.size() + 1 + 10 + 64 > 65535;
  std::size_t prologue = long_form ? 12 : 10;
  std::size_t length = (prologue + text.size() + 1 + 63) / 64 * 64 - prologue;
  text.resize(length - 1, ' ');
  text += '\n';
  std::string result(magic);
  result += long_form ? '\2' : '\1';
  result += '\0';
  for (std::size_t i = 0; i < prologue - 8; ++i) result += static_cast<char>(length >> (8 * i) & 0xff);
  return result + text;
}

}  // namespace skein::detail
