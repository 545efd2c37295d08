#pragma once
// The three classes of errors: what the user did, what the environment did, what Skein did.

#include <skein/base/export.h>

#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>

namespace skein {

/// Any error of Skein. what() reads "file:line: op: message"; parts that are not known are left out.
class SKEIN_API Error : public std::exception {
 public:
  ~Error() override;
  const char* what() const noexcept override;
  /// The operation that the user called: "psum".
  std::string_view op() const noexcept;
  /// Where the user called it; a default-constructed one if the call was not in this process's C++ code.
  std::source_location location() const noexcept;
  /// File and line of the call, also where the program came from a file of IR; "" and 0 if unknown.
  const char* file() const noexcept;
  unsigned line() const noexcept;
  /// What was wrong, without place and op.
  std::string_view message() const noexcept;

 protected:
  Error(std::string message, std::string op, std::source_location location);
  Error(std::string message, std::string op, const char* file, unsigned line);

 private:
  struct State;
  std::shared_ptr<const State> state_;  // shared: copying an exception must not throw
};

/// The program asked for something wrong: says what, where, and the cure.
class SKEIN_API UserError : public Error {
 public:
  explicit UserError(std::string message, std::string op = {},
                     std::source_location location = std::source_location::current());
  UserError(std::string message, std::string op, const char* file, unsigned line);
  ~UserError() override;
};

/// The environment failed: memory, a library, a file, another process.
class SKEIN_API RuntimeError : public Error {
 public:
  explicit RuntimeError(std::string message, std::string op = {},
                        std::source_location location = std::source_location::current());
  RuntimeError(std::string message, std::string op, const char* file, unsigned line);
  ~RuntimeError() override;
};

/// Skein failed: never the user's fault.
class SKEIN_API InternalError : public Error {
 public:
  explicit InternalError(std::string message, std::string op = {},
                         std::source_location location = std::source_location::current());
  InternalError(std::string message, std::string op, const char* file, unsigned line);
  ~InternalError() override;
};

}  // namespace skein
