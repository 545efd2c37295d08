// Printing and checking.
#include <skein/base/error.h>

#include <sstream>

#include "tests/interp/support.h"

namespace skein::compiler::test {

TEST(Print, FillsTheFormatOnEveryDevice) {
  std::string body = R"(
    %0 = skein.axis_index {axes = #skein.axes<"x" = 3>} : () -> tensor<i32, #skein.array<varying "x">>
    skein.print "rank {} has {}", %0, %b : (tensor<i32, #skein.array<varying "x">>, tensor<2xf32, #skein.array<varying "x">>) -> ()
    skein.yield %b : tensor<2xf32, #skein.array<varying "x">>)";
  std::ostringstream out;
  run(shardMap("\"x\" = 3", "%a: tensor<6xf32>", "#skein.spec<[[\"x\"]]>", "#skein.spec<[[\"x\"]]>",
               "%b: tensor<2xf32, #skein.array<varying \"x\">>", body, "tensor<6xf32>"),
      {HostArray::of<float>({6}, {0.5f, 1, 2, 3, 4, 0.1f})}, &out);
  EXPECT_EQ(out.str(), "rank 0 has [0.5 1.0]\nrank 1 has [2.0 3.0]\nrank 2 has [4.0 0.1]\n");
}

TEST(Print, OtherDtypes) {
  std::ostringstream out;
  run(R"(func.func @main(%a: tensor<1x2xi1>, %b: tensor<ui8>, %c: tensor<complex<f64>>) {
    skein.print "{} {} {} {{}}", %a, %b, %c : (tensor<1x2xi1>, tensor<ui8>, tensor<complex<f64>>) -> ()
    skein.print "done" : () -> ()
    return
  })",
      {HostArray{bool_, {1, 2}, {std::byte(1), std::byte(0)}}, HostArray::scalar<std::uint8_t>(200),
       HostArray::scalar(std::complex<double>(1.5, -2))},
      &out);
  EXPECT_EQ(out.str(), "[[True False]] 200 (1.5-2.0j) {}\ndone\n");
}

TEST(Check, ThrowsAtTheUsersLine) {
  std::string text = R"(func.func @main(%p: tensor<i1>, %x: tensor<i32>) {
    skein.check %p, "x is {}", %x : (tensor<i1>, tensor<i32>) -> () loc("user.cpp":42:7)
    return
  })";
  EXPECT_NO_THROW(run(text, {HostArray{bool_, {}, {std::byte(1)}}, HostArray::scalar<std::int32_t>(5)}));
  try {
    run(text, {HostArray{bool_, {}, {std::byte(0)}}, HostArray::scalar<std::int32_t>(5)});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_EQ(error.message(), "x is 5");
    EXPECT_EQ(error.op(), "check");
    EXPECT_STREQ(error.file(), "user.cpp");
    EXPECT_EQ(error.line(), 42u);
  }
}

}  // namespace skein::compiler::test
