#include "compiler/log.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace skein::compiler {

bool logging(std::string_view topic) {
  static const std::string topics = [] {
    const char* value = std::getenv("SKEIN_LOG");
    return "," + std::string(value ? value : "") + ",";
  }();
  return topics.find("," + std::string(topic) + ",") != std::string::npos || topics == ",all,";
}

void log(std::string_view topic, std::string_view message) {
  if (logging(topic)) std::fprintf(stderr, "skein %.*s: %.*s\n", static_cast<int>(topic.size()), topic.data(), static_cast<int>(message.size()), message.data());
}

}  // namespace skein::compiler
