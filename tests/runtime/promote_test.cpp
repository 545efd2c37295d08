// The whole table of JAX's type promotion (docs.jax.dev, "Type promotion semantics"), 64-bit types enabled.
//
// Rows and columns: b1 u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8, and i* f* c* for weak int, float, complex. A star marks a weak result.

#include <skein/base/dtype.h>

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

namespace skein {
namespace {

constexpr const char* table[] = {
    //       b1 u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*
    "b1 | b1 u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*",
    "u1 | u1 u1 u2 u4 u8 i2 i2 i4 i8 bf f2 f4 f8 c4 c8 u1 f* c*",
    "u2 | u2 u2 u2 u4 u8 i4 i4 i4 i8 bf f2 f4 f8 c4 c8 u2 f* c*",
    "u4 | u4 u4 u4 u4 u8 i8 i8 i8 i8 bf f2 f4 f8 c4 c8 u4 f* c*",
    "u8 | u8 u8 u8 u8 u8 f* f* f* f* bf f2 f4 f8 c4 c8 u8 f* c*",
    "i1 | i1 i2 i4 i8 f* i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i1 f* c*",
    "i2 | i2 i2 i4 i8 f* i2 i2 i4 i8 bf f2 f4 f8 c4 c8 i2 f* c*",
    "i4 | i4 i4 i4 i8 f* i4 i4 i4 i8 bf f2 f4 f8 c4 c8 i4 f* c*",
    "i8 | i8 i8 i8 i8 f* i8 i8 i8 i8 bf f2 f4 f8 c4 c8 i8 f* c*",
    "bf | bf bf bf bf bf bf bf bf bf bf f4 f4 f8 c4 c8 bf bf c4",
    "f2 | f2 f2 f2 f2 f2 f2 f2 f2 f2 f4 f2 f4 f8 c4 c8 f2 f2 c4",
    "f4 | f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f4 f8 c4 c8 f4 f4 c4",
    "f8 | f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 f8 c8 c8 f8 f8 c8",
    "c4 | c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c4 c8 c4 c8 c4 c4 c4",
    "c8 | c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8 c8",
    "i* | i* u1 u2 u4 u8 i1 i2 i4 i8 bf f2 f4 f8 c4 c8 i* f* c*",
    "f* | f* f* f* f* f* f* f* f* f* bf f2 f4 f8 c4 c8 f* f* c*",
    "c* | c* c* c* c* c* c* c* c* c* c4 c4 c4 c8 c4 c8 c* c* c*",
};

std::pair<DType, bool> parse(const std::string& word) {
  static const std::pair<const char*, DType> names[] = {
      {"b1", bool_}, {"u1", uint8}, {"u2", uint16}, {"u4", uint32}, {"u8", uint64}, {"i1", int8}, {"i2", int16}, {"i4", int32},
      {"i8", int64}, {"bf", bfloat16}, {"f2", float16}, {"f4", float32}, {"f8", float64}, {"c4", complex64}, {"c8", complex128}};
  for (auto [text, dtype] : names)
    if (word == text) return {dtype, false};
  return {word == "i*" ? int32 : word == "f*" ? float32 : complex64, true};
}

TEST(Promote, TheWholeTable) {
  std::vector<std::string> heads;
  for (const char* row : table) heads.push_back(std::string(row).substr(0, 2));
  for (const char* row : table) {
    std::istringstream words(std::string(row).substr(4));
    auto a = parse(std::string(row).substr(0, 2));
    for (const std::string& head : heads) {
      std::string word;
      words >> word;
      auto b = parse(head);
      EXPECT_EQ(promote(a.first, a.second, b.first, b.second), parse(word)) << row << " with " << head;
      EXPECT_EQ(promote(b.first, b.second, a.first, a.second), parse(word)) << head << " with " << row;
    }
  }
}

TEST(Promote, WeakValuesOfUnusualDtypes) {
  EXPECT_EQ(promote(int64, true, int32, true), std::pair(int64, true));
  EXPECT_EQ(promote(int64, true, int8, false), std::pair(int8, false));
  EXPECT_EQ(promote(float64, true, int32, false), std::pair(float32, true));
  EXPECT_EQ(promote(bool_, true, bool_, true), std::pair(bool_, false));
}

}  // namespace
}  // namespace skein
