// Conversions of small floating formats against LLVM's.
#include <gtest/gtest.h>

#include <random>

#include "compiler/interp/number.h"
#include "llvm/ADT/APFloat.h"

namespace skein::compiler::interp {

static std::uint16_t expected(const llvm::fltSemantics& semantics, double value) {
  llvm::APFloat number(value);
  bool lost;
  number.convert(semantics, llvm::APFloat::rmNearestTiesToEven, &lost);
  return static_cast<std::uint16_t>(number.bitcastToAPInt().getZExtValue());
}

TEST(Number, SmallFloatsDecodeAndEncodeAllBits) {
  for (auto [format, semantics] :
       {std::pair(float16Format, &llvm::APFloat::IEEEhalf()), std::pair(bfloat16Format, &llvm::APFloat::BFloat())})
    for (int bits = 0; bits < 65536; ++bits) {
      llvm::APFloat number(*semantics, llvm::APInt(16, bits));
      double value = format.decode(static_cast<std::uint16_t>(bits));
      if (number.isNaN()) {
        EXPECT_TRUE(std::isnan(value));
        EXPECT_TRUE(std::isnan(format.decode(format.encode(value))));
        continue;
      }
      bool lost;
      number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &lost);
      ASSERT_EQ(value, number.convertToDouble());
      ASSERT_EQ(format.encode(value), bits);
    }
}

TEST(Number, SmallFloatsRoundToEven) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 200000; ++i) {
    // Random numbers, ties exactly between neighbours, and what lies just beside them.
    double value =
        std::ldexp(std::uniform_real_distribution<double>(-2, 2)(random), static_cast<int>(random() % 40) - 30);
    if (i % 2)
      value = std::ldexp(static_cast<double>(random() % 8192) + 0.5 * static_cast<double>(random() % 2),
                         static_cast<int>(random() % 30) - 28);
    if (i % 4 == 3) value = std::nextafter(value, i % 8 == 7 ? 1e9 : -1e9);
    ASSERT_EQ(float16Format.encode(value), expected(llvm::APFloat::IEEEhalf(), value)) << value;
    ASSERT_EQ(bfloat16Format.encode(value), expected(llvm::APFloat::BFloat(), value)) << value;
  }
  for (double value : {65504.0, 65519.999, 65520.0, 1e300, -1e300, 5.96e-8, 2.98e-8, 2.9802322387695312e-8, 0.0, -0.0})
    EXPECT_EQ(float16Format.encode(value), expected(llvm::APFloat::IEEEhalf(), value)) << value;
}

}  // namespace skein::compiler::interp
