// Prints and checks: ops inside a program, done at once outside.
#include <skein/debug.h>
#include <skein/runtime.h>

#include <sstream>

#include "frontend/trace/emit.h"
#include "runtime/print.h"

namespace skein {

using namespace detail;

namespace {

/// The format with everything that is no array put in; arrays keep their {}.
std::string settle(const std::string& format, const std::vector<Piece>& pieces, std::vector<Array>& arrays, bool now) {
  std::string text;
  std::size_t next = 0;
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format.compare(i, 2, "{}") != 0) {
      // Doubled braces are braces; the runtime's format has them doubled too.
      bool doubled = (format[i] == '{' || format[i] == '}') && i + 1 < format.size() && format[i + 1] == format[i];
      text += format[i];
      if (doubled) ++i;
      if (doubled && !now) text += format[i];
      continue;
    }
    ++i;
    if (next == pieces.size()) fail("the format \"" + format + "\" has more {} than there are values");
    const Piece& piece = pieces[next++];
    if (piece.array.empty()) {
      for (char c : piece.text) text += (c == '{' || c == '}') && !now ? std::string(2, c) : std::string(1, c);
    } else if (now) {
      std::ostringstream out;
      out << piece.array;
      text += out.str();
    } else {
      arrays.push_back(piece.array);
      text += "{}";
    }
  }
  if (next != pieces.size())
    fail("the format \"" + format + "\" has " + std::to_string(next) + " {} for " + std::to_string(pieces.size()) +
         " values");
  return text;
}

}  // namespace

void detail::print(const std::string& format, const std::vector<Piece>& pieces) {
  std::vector<Array> arrays;
  std::string text = settle(format, pieces, arrays, !tracing());
  if (tracing()) {
    emit_all("print", arrays, {{"format", text}});
    return;
  }
  runtime::print_line(text);
}

void detail::check(const Array& predicate, const std::string& format, const std::vector<Piece>& pieces) {
  check_usable(predicate);
  if (!predicate.shape().empty() || !is_bool(predicate.dtype()))
    fail("the predicate is a bool scalar, not " + describe(predicate) + "; reduce it with sk::all or sk::any");
  std::vector<Array> arrays{predicate};
  if (tracing()) {
    std::string text = settle(format, pieces, arrays, false);
    emit_all("check", arrays, {{"format", text}});
    return;
  }
  if (!predicate.item<bool>()) fail(settle(format, pieces, arrays, true));
}

void effects_barrier() {}  // on the CPU a call has ended when it returns, with its prints

}  // namespace skein
