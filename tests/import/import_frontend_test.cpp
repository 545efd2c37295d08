// Imported programs as functions: alone, in jit, under grad and vmap, and what they refuse.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skein/import.h>
#include <skein/skein.h>

#include <cmath>

namespace sk = skein;
using sk::Array;

namespace {

const std::string kFolder = SKEIN_IMPORT_CASES;

Array example() { return sk::array({{1.f, 2.f, 3.f}, {0.f, 0.f, 0.f}, {-1.f, 1.f, 4.f}, {2.f, 2.f, 2.f}}); }

void expectClose(const Array& got, const Array& want) {
  ASSERT_EQ(got.shape(), want.shape());
  auto x = got.to_vector<float>(), y = want.to_vector<float>();
  for (std::size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 1e-5) << i;
}

}  // namespace

TEST(ImportedFunction, RunsAloneAndInJit) {
  auto f = sk::import_stablehlo(kFolder + "/softmax.mlir");
  ASSERT_EQ(f.inputs().size(), 1u);
  EXPECT_EQ(sk::to_string(f.inputs()[0]), "float32[4,3]");
  Array x = example(), want = f(x)[0];
  EXPECT_NEAR(want.to_vector<float>()[3], 1.f / 3, 1e-6);
  expectClose(f(x)[0], want);  // the kept program
  expectClose(sk::jit([&](Array v) { return f(v)[0] + 1.f; })(x), want + 1.f);
}

TEST(ImportedFunction, HasDerivativesAndBatches) {
  auto f = sk::import_stablehlo(kFolder + "/softmax.mlir");
  Array x = example();
  auto energy = [&](Array v) { return sk::sum(f(v)[0] * f(v)[0]); };
  Array gradient = sk::grad(energy)(x);
  // Central differences of one element.
  const float h = 1e-2f;
  Array step = sk::array({{h, 0.f, 0.f}, {0.f, 0.f, 0.f}, {0.f, 0.f, 0.f}, {0.f, 0.f, 0.f}});
  float difference = (energy(x + step).item<float>() - energy(x - step).item<float>()) / (2 * h);
  EXPECT_NEAR(gradient.to_vector<float>()[0], difference, 1e-3);
  Array both = sk::vmap([&](Array v) { return f(v)[0]; })(sk::stack(std::vector<Array>{x, x * 2.f}));
  expectClose(both, sk::stack(std::vector<Array>{f(x)[0], f(x * 2.f)[0]}));
}

TEST(ImportedFunction, RefusesOtherArguments) {
  auto f = sk::import_stablehlo(kFolder + "/softmax.mlir");
  EXPECT_THROW(f(), sk::UserError);
  EXPECT_THROW(f(sk::array({1.f, 2.f})), sk::UserError);
  EXPECT_THROW(f(example() > 0.f), sk::UserError);
  EXPECT_THROW(sk::import_stablehlo(kFolder + "/refused_convolution.mlir"), sk::UserError);
  EXPECT_THROW(sk::import_stablehlo(kFolder + "/no_such_file.mlir"), sk::RuntimeError);
}
