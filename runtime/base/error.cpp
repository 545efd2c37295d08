#include <skein/base/error.h>

namespace skein {

struct Error::State {
  std::string message, op, file, what;
  unsigned line;
  std::source_location location;
};

namespace {

std::string describe(const std::string& message, const std::string& op, const std::string& file, unsigned line) {
  std::string text;
  if (!file.empty()) {
    text += file;
    if (line) text += ":" + std::to_string(line);
    text += ": ";
  }
  if (!op.empty()) text += op + ": ";
  return text + message;
}

}  // namespace

Error::Error(std::string message, std::string op, std::source_location location) {
  std::string file = location.file_name() ? location.file_name() : "";
  std::string what = describe(message, op, file, location.line());
  state_ = std::make_shared<const State>(
      State{std::move(message), std::move(op), std::move(file), std::move(what), location.line(), location});
}

Error::Error(std::string message, std::string op, const char* file, unsigned line) {
  std::string name = file ? file : "";
  std::string what = describe(message, op, name, line);
  state_ = std::make_shared<const State>(
      State{std::move(message), std::move(op), std::move(name), std::move(what), line, std::source_location{}});
}

Error::~Error() = default;
const char* Error::what() const noexcept { return state_->what.c_str(); }
std::string_view Error::op() const noexcept { return state_->op; }
std::source_location Error::location() const noexcept { return state_->location; }
const char* Error::file() const noexcept { return state_->file.c_str(); }
unsigned Error::line() const noexcept { return state_->line; }
std::string_view Error::message() const noexcept { return state_->message; }

UserError::UserError(std::string message, std::string op, std::source_location location)
    : Error(std::move(message), std::move(op), location) {}
UserError::UserError(std::string message, std::string op, const char* file, unsigned line)
    : Error(std::move(message), std::move(op), file, line) {}
UserError::~UserError() = default;

RuntimeError::RuntimeError(std::string message, std::string op, std::source_location location)
    : Error(std::move(message), std::move(op), location) {}
RuntimeError::RuntimeError(std::string message, std::string op, const char* file, unsigned line)
    : Error(std::move(message), std::move(op), file, line) {}
RuntimeError::~RuntimeError() = default;

namespace {
std::string bug(std::string message) { return std::move(message) + "; this is a bug in Skein"; }
}  // namespace

InternalError::InternalError(std::string message, std::string op, std::source_location location)
    : Error(bug(std::move(message)), std::move(op), location) {}
InternalError::InternalError(std::string message, std::string op, const char* file, unsigned line)
    : Error(bug(std::move(message)), std::move(op), file, line) {}
InternalError::~InternalError() = default;

}  // namespace skein
