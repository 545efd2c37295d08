#pragma once
// Text of arrays, as NumPy prints them, and of messages with {} for each operand.

#include "runtime/abi.h"

#include <skein/base/dtype.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace skein::runtime {

/// The array as NumPy's str() gives it: rows in brackets, columns aligned, summarised above 1000 elements.
std::string format_array(DType, std::span<const std::int64_t> shape, const void* data);

/// The message's format with each {} replaced by an operand; {{ and }} are braces.
std::string format_message(const skein_message&, const void* const* operands);

/// Where printed lines go; an empty function restores standard error: standard output belongs to the program, whose
/// results may be piped on. Calls come one at a time, each with one whole text.
void set_print_sink(std::function<void(std::string_view)> sink);
/// Prints one line.
void print_line(std::string text);

}  // namespace skein::runtime
