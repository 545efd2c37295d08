#pragma once
// Looking inside a program, and checks within it.

#include <skein/program.h>

#include <sstream>
#include <string_view>

namespace skein {
namespace detail {

/// A format and where the user wrote it.
struct Format {
  Format(const char* t, std::source_location w = std::source_location::current()) : text(t), where(w) {}
  Format(const std::string& t, std::source_location w = std::source_location::current()) : text(t), where(w) {}
  std::string text;
  std::source_location where;
};

/// Arrays as they are; everything else as text, known while tracing.
struct Piece {
  Array array;
  std::string text;
};
template <class T>
Piece piece_of(const T& value) {
  if constexpr (std::is_same_v<T, Array>) {
    return {value, {}};
  } else {
    std::ostringstream out;
    out << std::boolalpha << value;
    return {Array(), out.str()};
  }
}
SKEIN_API void print(const std::string& format, const std::vector<Piece>& pieces);
SKEIN_API void check(const Array& predicate, const std::string& format, const std::vector<Piece>& pieces);

}  // namespace detail

/// Inside a program: ends it with a UserError where the predicate, a bool scalar, does not hold on some device.
template <class... T>
void check(const Operand& predicate, const std::string& format, const T&... values) {
  detail::PublicCall call("check", predicate.where);
  detail::check(predicate.array, format, {detail::piece_of(values)...});
}

namespace debug {
/// Prints a line when the program runs, on every device; {} stands for the next value.
template <class... T>
void print(const skein::detail::Format& format, const T&... values) {
  skein::detail::PublicCall call("print", format.where);
  skein::detail::print(format.text, {skein::detail::piece_of(values)...});
}
}  // namespace debug

}  // namespace skein
