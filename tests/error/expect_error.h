#pragma once
// EXPECT_USER_ERROR(statement, op, parts...): the statement, on one line, throws a UserError whose text names this file
// and line, the op and all parts; afterwards the library works as before. EXPECT_RUNTIME_ERROR: a RuntimeError.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skein/skein.h>

#include <functional>
#include <string>
#include <vector>

template <class Error>
void expect_error(const std::function<void()>& statement, int line, const char* file, const std::string& op,
                  const std::vector<std::string>& parts) {
  SCOPED_TRACE(std::string(file) + ":" + std::to_string(line));
  try {
    statement();
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    std::string text = e.what(), name = file;
    name = name.substr(name.rfind('/') + 1);
    std::string place = name + ":" + std::to_string(line) + ":";
    EXPECT_NE(text.find(place), std::string::npos) << "no " << place << " in: " << text;
    if (!op.empty()) EXPECT_EQ(e.op(), op) << text;
    for (const std::string& part : parts)
      EXPECT_NE(text.find(part), std::string::npos) << "no \"" << part << "\" in: " << text;
  } catch (const std::exception& e) {
    ADD_FAILURE() << "another exception: " << e.what();
  }
  EXPECT_EQ((skein::array(1) + 1).item<int>(), 2);  // the program goes on
}
#define EXPECT_USER_ERROR(statement, op, ...) \
  expect_error<skein::UserError>([&] { statement; }, __LINE__, __FILE__, op, {__VA_ARGS__})
#define EXPECT_RUNTIME_ERROR(statement, op, ...) \
  expect_error<skein::RuntimeError>([&] { statement; }, __LINE__, __FILE__, op, {__VA_ARGS__})
