#pragma once
// SKEIN_LOG=compile,cache,fusion: what the compiler says about its work, on stderr.

#include <string_view>

namespace skein::compiler {

bool logging(std::string_view topic);
void log(std::string_view topic, std::string_view message);

}  // namespace skein::compiler
