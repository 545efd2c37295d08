// Factorisations: against NumPy's values, their laws, and derivatives against differences.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <skein/linalg.h>
#include <skein/skein.h>

#include <cmath>
#include <complex>
#include <functional>
#include <random>

namespace sk = skein;
namespace la = skein::linalg;
using sk::Array;
using sk::P;
using testing::HasSubstr;

namespace {

Array random_array(const sk::Shape& shape, unsigned seed, sk::DType dtype = sk::float64) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> draw(-1, 1);
  auto part = [&] {
    std::vector<double> values(static_cast<std::size_t>(shape.volume()));
    for (double& v : values) v = draw(engine);
    return sk::from_data(values, shape);
  };
  Array re = part();
  if (dtype == sk::complex64 || dtype == sk::complex128) return sk::astype(sk::complex(re, part()), dtype);
  return sk::astype(re, dtype);
}
Array adjoint(const Array& x) { return sk::conj(sk::matrix_transpose(x)); }
Array positive_definite(const Array& x) { return sk::matmul(x, adjoint(x)) + sk::eye(x.shape().back(), x.dtype()); }
double distance(const Array& a, const Array& b) {
  EXPECT_EQ(a.shape(), b.shape());
  if (!(a.shape() == b.shape()) || !a.size()) return 0;
  return sk::astype(sk::max(sk::abs(a - b)), sk::float64).item<double>();
}
double tolerance(sk::DType d) { return d == sk::float64 || d == sk::complex128 ? 1e-10 : 2e-4; }
const sk::DType kDtypes[] = {sk::float32, sk::float64, sk::complex64, sk::complex128};

TEST(Linalg, ValuesOfNumPy) {
  Array a = sk::array({{4., 2.}, {2., 3.}});
  EXPECT_NEAR(distance(la::cholesky(a), sk::array({{2., 0.}, {1., std::sqrt(2.)}})), 0, 1e-14);
  EXPECT_NEAR(la::det(a).item<double>(), 8, 1e-13);
  EXPECT_NEAR(distance(la::inv(a), sk::array({{0.375, -0.25}, {-0.25, 0.5}})), 0, 1e-14);
  EXPECT_NEAR(distance(la::solve(a, sk::array({2., 3.})), sk::array({0., 1.})), 0, 1e-14);
  EXPECT_NEAR(distance(la::eigvalsh(a), sk::array({(7 - std::sqrt(17.)) / 2, (7 + std::sqrt(17.)) / 2})), 0, 1e-13);
  Array b = sk::array({{1., 2.}, {3., 4.}});
  EXPECT_NEAR(distance(la::svdvals(b), sk::array({5.464985704219043, 0.36596619062625746})), 0, 1e-13);
  auto [sign, size] = la::slogdet(b);
  EXPECT_EQ(sign.item<double>(), -1);
  EXPECT_NEAR(size.item<double>(), std::log(2.), 1e-14);
  auto [q, r] = la::qr(b);
  EXPECT_NEAR(r.to_vector<double>()[0], -std::sqrt(10.), 1e-13);  // LAPACK's sign
  EXPECT_NEAR(distance(la::expm(sk::array({{0., 1.}, {0., 0.}})), sk::array({{1., 1.}, {0., 1.}})), 0, 1e-14);
  EXPECT_NEAR(distance(la::expm(sk::array({{0., -3.}, {3., 0.}})), sk::array({{std::cos(3.), -std::sin(3.)}, {std::sin(3.), std::cos(3.)}})), 0, 1e-13);
  EXPECT_NEAR(la::cond(b).item<double>(), 14.933034373659268, 1e-10);
  EXPECT_EQ(la::matrix_rank(sk::array({{1., 2.}, {2., 4.}})).item<std::int32_t>(), 1);
  auto rotated = la::eigvals(sk::array({{0., -1.}, {1., 0.}})).to_vector<std::complex<double>>();
  EXPECT_NEAR(std::abs(rotated[0] * rotated[1] - 1.), 0, 1e-13);
  EXPECT_NEAR(std::abs(rotated[0] + rotated[1]), 0, 1e-13);
  Array coefficients = sk::polyfit(sk::array({0., 1., 2., 3.}), sk::array({1., 3., 7., 13.}), 2);
  EXPECT_NEAR(distance(coefficients, sk::array({1., 1., 1.})), 0, 1e-12);
  EXPECT_EQ(la::inv(sk::array({{2, 0}, {0, 4}})).dtype(), sk::float32);
}

TEST(Linalg, Laws) {
  for (sk::DType dtype : kDtypes)
    for (std::int64_t n : {0, 1, 2, 5, 40}) {
      SCOPED_TRACE(std::string(sk::name(dtype)) + " " + std::to_string(n));
      const double close = tolerance(dtype) * static_cast<double>(n + 1);
      for (sk::Shape batch : {sk::Shape{}, sk::Shape{3}}) {
        sk::Shape shape = batch;
        shape.push_back(n), shape.push_back(n);
        Array x = random_array(shape, 1, dtype), one = sk::broadcast_to(sk::eye(n, dtype), shape);
        Array a = x + 3.0 * sk::eye(n, dtype), h = positive_definite(x);
        Array l = la::cholesky(h);
        EXPECT_NEAR(distance(sk::matmul(l, adjoint(l)), h), 0, close);
        EXPECT_NEAR(distance(la::cholesky(h, {.upper = true}), adjoint(l)), 0, close);
        EXPECT_NEAR(distance(sk::matmul(a, la::inv(a)), one), 0, 10 * close);
        EXPECT_NEAR(distance(sk::matmul(a, la::solve(a, x)), x), 0, 10 * close);
        auto [p, lower, upper] = la::lu(x);
        EXPECT_NEAR(distance(sk::matmul(p, sk::matmul(lower, upper)), x), 0, close);
        auto factor = la::lu_factor(a);
        for (int trans : {0, 1, 2}) {
          Array op = trans == 0 ? a : trans == 1 ? sk::matrix_transpose(a) : adjoint(a);
          EXPECT_NEAR(distance(sk::matmul(op, la::lu_solve(factor, x, {.trans = trans})), x), 0, 10 * close);
          Array t = trans == 0 ? l : trans == 1 ? sk::matrix_transpose(l) : adjoint(l);
          EXPECT_NEAR(distance(sk::matmul(t, la::solve_triangular(l, x, {.lower = true, .trans = trans})), x), 0, 10 * close);
        }
        auto [w, v] = la::eigh(h);
        EXPECT_NEAR(distance(sk::matmul(v * sk::expand_dims(w, -2), adjoint(v)), h), 0, 10 * close);
        if (n && n < 40) {
          auto [ew, ev] = la::eig(x);
          EXPECT_NEAR(distance(sk::matmul(sk::astype(x, ev.dtype()), ev), ev * sk::expand_dims(ew, -2)), 0, 10 * close);
        }
      }
    }
}

TEST(Linalg, MatricesThatAreNotSquare) {
  for (sk::DType dtype : kDtypes)
    for (auto [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{{5, 3}, {3, 5}, {1, 4}, {4, 1}, {0, 3}, {3, 0}, {40, 20}})
      for (bool full : {false, true}) {
        SCOPED_TRACE(std::string(sk::name(dtype)) + " " + std::to_string(m) + " " + std::to_string(n));
        Array a = random_array({2, m, n}, 2, dtype);
        const double close = 20 * tolerance(dtype);
        const std::int64_t k = std::min(m, n);
        auto [q, r] = la::qr(a, {.mode = full ? "complete" : "reduced"});
        EXPECT_EQ(q.shape(), sk::Shape({2, m, full ? m : k}));
        EXPECT_NEAR(distance(sk::matmul(q, r), a), 0, close);
        EXPECT_NEAR(distance(sk::matmul(adjoint(q), q), sk::broadcast_to(sk::eye(q.shape().back(), dtype), {2, q.shape().back(), q.shape().back()})), 0, close);
        auto [u, s, vh] = la::svd(a, {.full_matrices = full});
        EXPECT_EQ(u.shape(), sk::Shape({2, m, full ? m : k}));
        EXPECT_EQ(vh.shape(), sk::Shape({2, full ? n : k, n}));
        Array first = u(sk::all, sk::all, sk::slice(0, k)) * sk::expand_dims(s, -2);
        EXPECT_NEAR(distance(sk::matmul(first, vh(sk::all, sk::slice(0, k), sk::all)), a), 0, close);
        EXPECT_NEAR(distance(la::svdvals(a), s), 0, close);
        if (k) EXPECT_NEAR(distance(sk::matmul(a, sk::matmul(la::pinv(a), a)), a), 0, close);
      }
}

TEST(Linalg, Failures) {
  Array l = la::cholesky(sk::array({{1.f, 2.f}, {2.f, 1.f}}));
  EXPECT_TRUE(sk::all(sk::isnan(sk::diagonal(l))).item<bool>());
  EXPECT_EQ(l.to_vector<float>()[1], 0);
  EXPECT_TRUE(std::isnan(la::svdvals(sk::array({{1.f, NAN}, {0.f, 1.f}})).to_vector<float>()[0]));
  EXPECT_EQ(la::det(sk::array({{1., 2.}, {2., 4.}})).item<double>(), 0);
}

TEST(Linalg, LeastSquares) {
  Array a = random_array({6, 3}, 3), b = random_array({6, 2}, 4);
  auto [x, residuals, rank, s] = la::lstsq(a, b);
  EXPECT_NEAR(distance(sk::matmul(adjoint(a), sk::matmul(a, x) - b), sk::zeros({3, 2}, sk::float64)), 0, 1e-12);
  EXPECT_EQ(rank.item<std::int32_t>(), 3);
  EXPECT_EQ(residuals.shape(), sk::Shape({2}));
  EXPECT_EQ(la::lstsq(a, b(sk::all, 0)).x.shape(), sk::Shape({3}));
  Array product = la::multi_dot({a, random_array({3, 8}, 5), random_array({8, 2}, 6)});
  EXPECT_NEAR(distance(product, sk::matmul(sk::matmul(a, random_array({3, 8}, 5)), random_array({8, 2}, 6))), 0, 1e-12);
}

// ---- derivatives ----

struct Case {
  const char* name;
  sk::Shape shape;
  std::function<Array(Array)> f;
};
Array spread(const Array& x) { return x + sk::diag(sk::arange(2.0, 2.0 + 2.0 * static_cast<double>(x.shape().back()), 2, sk::float64)); }

std::vector<Case> cases() {
  Array b = random_array({4, 2}, 8);
  return {
      {"cholesky", {4, 4}, [](Array x) { return la::cholesky(positive_definite(x)); }},
      {"solve", {4, 4}, [b](Array x) { return la::solve(spread(x), b * sk::sum(x)); }},
      {"inv", {2, 3, 3}, [](Array x) { return la::inv(spread(x)); }},
      {"det", {4, 4}, [](Array x) { return la::det(x); }},
      {"slogdet", {4, 4}, [](Array x) { return la::slogdet(spread(x)).logabsdet; }},
      {"triangular", {4, 4}, [b](Array x) { return la::solve_triangular(spread(x), sk::sin(b * sk::sum(x)), {.lower = true}); }},
      {"triangular_transposed", {4, 4}, [b](Array x) { return la::solve_triangular(spread(x), b, {.trans = 1}); }},
      {"triangular_unit", {4, 4}, [b](Array x) { return la::solve_triangular(x, b, {.lower = true, .trans = 2, .unit_diagonal = true}); }},
      {"lu", {4, 4}, [](Array x) { return la::lu_factor(x).lu; }},
      {"lu_tall", {5, 3}, [](Array x) { return la::lu_factor(x).lu; }},
      {"lu_wide", {3, 5}, [](Array x) { auto f = la::lu(x); return sk::concatenate({f.l, f.u}, {.axis = 1}); }},
      {"qr", {4, 4}, [](Array x) { auto f = la::qr(spread(x)); return sk::concatenate({f.q, f.r}); }},
      {"qr_tall", {5, 3}, [](Array x) { auto f = la::qr(x); return sk::concatenate({f.q, sk::sin(f.r)}); }},
      {"qr_wide", {3, 5}, [](Array x) { auto f = la::qr(x); return sk::concatenate({f.q, sk::sin(f.r)}, {.axis = 1}); }},
      {"eigh", {4, 4}, [](Array x) { auto f = la::eigh(spread(x)); return sk::concatenate({f.eigenvectors, sk::expand_dims(f.eigenvalues, 0)}); }},
      {"eigvalsh", {4, 4}, [](Array x) { return la::eigvalsh(x); }},
      {"svd", {4, 4}, [](Array x) { auto f = la::svd(spread(x)); return sk::concatenate({f.u, f.vh, sk::expand_dims(f.s, 0)}); }},
      {"svd_tall", {5, 3}, [](Array x) { auto f = la::svd(x, {.full_matrices = false}); return sk::concatenate({f.u, f.vh, sk::expand_dims(f.s, 0)}); }},
      {"svd_wide", {3, 5}, [](Array x) { auto f = la::svd(x, {.full_matrices = false}); return sk::concatenate({f.u * f.s, f.vh}, {.axis = 1}); }},
      {"svdvals", {3, 5}, [](Array x) { return la::svdvals(x); }},
      {"eigvals", {4, 4}, [](Array x) { return sk::real(sk::sum(sk::exp(la::eigvals(spread(x))))); }},
      {"pinv", {4, 3}, [](Array x) { return la::pinv(x); }},
      {"lstsq", {4, 3}, [b](Array x) { return la::lstsq(x, b).x; }},
      {"expm", {3, 3}, [](Array x) { return la::expm(3.0 * x); }},
      {"complex_cholesky", {3, 3}, [](Array x) { return sk::abs(la::cholesky(positive_definite(sk::complex(x, x * x)))); }},
      {"complex_solve", {3, 3}, [](Array x) { auto z = sk::complex(spread(x), sk::sin(x)); return sk::imag(la::solve(z, adjoint(z))); }},
      {"complex_qr", {4, 3}, [](Array x) { auto f = la::qr(sk::complex(x, sk::sin(2.0 * x) + 0.3)); return sk::real(f.q) * sk::imag(f.q); }},
      {"complex_eigh", {3, 3}, [](Array x) { auto z = sk::complex(spread(x), sk::sin(x)); return sk::abs(la::eigh(z).eigenvectors); }},
      {"complex_svd", {4, 3}, [](Array x) { auto f = la::svd(sk::complex(x, sk::sin(2.0 * x) + 0.3), {.full_matrices = false}); return sk::concatenate({sk::abs(f.u), sk::abs(f.vh)}); }},
  };
}

void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
class LinalgDerivative : public testing::TestWithParam<Case> {};

TEST_P(LinalgDerivative, AgreesWithDifferences) {
  const Case& c = GetParam();
  Array x = random_array(c.shape, 21), dx = random_array(c.shape, 22);
  auto [y, dy] = sk::jvp(c.f, std::tuple{x}, std::tuple{dx});
  EXPECT_NEAR(distance(y, c.f(x)), 0, 1e-9);
  const double h = 1e-6;
  const Array difference = (c.f(x + h * dx) - c.f(x - h * dx)) / (2 * h);
  EXPECT_NEAR(distance(dy, difference), 0, 1e-5 * (1 + sk::max(sk::abs(difference)).item<double>()));
}

TEST_P(LinalgDerivative, ReverseAgreesWithForward) {
  const Case& c = GetParam();
  Array x = random_array(c.shape, 23), dx = random_array(c.shape, 24);
  auto [y, dy] = sk::jvp(c.f, std::tuple{x}, std::tuple{dx});
  Array ct = random_array(y.shape(), 25);
  auto [value, pull] = sk::vjp(c.f, std::tuple{x});
  auto [pulled] = pull(ct);
  const double forward = sk::sum(ct * dy).item<double>();
  EXPECT_NEAR(sk::sum(pulled * dx).item<double>(), forward, 1e-8 * (1 + std::abs(forward)));
}

TEST_P(LinalgDerivative, BatchedIsALoop) {
  const Case& c = GetParam();
  std::vector<Array> examples, values, gradients;
  auto scalar = [&](Array x) { return sk::sum(sk::sin(c.f(x))); };
  for (unsigned k = 0; k < 3; ++k) {
    examples.push_back(random_array(c.shape, 30 + k));
    values.push_back(c.f(examples.back()));
    gradients.push_back(sk::grad(scalar)(examples.back()));
  }
  Array batch = sk::stack(examples), wanted = sk::stack(gradients);
  EXPECT_NEAR(distance(sk::vmap(c.f)(batch), sk::stack(values)), 0, 1e-9);
  EXPECT_NEAR(distance(sk::vmap(sk::grad(scalar))(batch), wanted), 0, 1e-8 * (1 + sk::max(sk::abs(wanted)).item<double>()));
}

INSTANTIATE_TEST_SUITE_P(Ops, LinalgDerivative, testing::ValuesIn(cases()), [](const auto& info) { return std::string(info.param.name); });

TEST(Linalg, InsideShardMap) {
  auto mesh = sk::make_mesh({4}, {"d"});
  Array a = random_array({8, 3, 3}, 9) + 3.0 * sk::eye(3, sk::float64), b = random_array({8, 3, 2}, 10);
  auto f = sk::shard_map([](Array x, Array y) { return la::solve(x, y); }, mesh, {.in_specs = {P("d"), P("d")}, .out_specs = {P("d")}});
  EXPECT_NEAR(distance(f(a, b), la::solve(a, b)), 0, 1e-12);
  auto loss = [&](Array x) { return sk::sum(f(x, b)); };
  auto plain = [&](Array x) { return sk::sum(la::solve(x, b)); };
  EXPECT_NEAR(distance(sk::grad(loss)(a), sk::grad(plain)(a)), 0, 1e-10);
}

TEST(Linalg, Errors) {
  auto text_of = [](const std::function<void()>& f) -> std::string {
    try {
      f();
    } catch (const sk::UserError& error) {
      return error.what();
    }
    return "no error";
  };
  EXPECT_THAT(text_of([] { la::inv(sk::ones({2, 3})); }), HasSubstr("takes square matrices, not float32[2,3]"));
  EXPECT_THAT(text_of([] { la::svd(sk::ones({3})); }), HasSubstr("two dimensions"));
  EXPECT_THAT(text_of([] { la::cholesky(sk::ones({2, 2}, sk::float16)); }), HasSubstr("not float16[2,2]"));
  EXPECT_THAT(text_of([] { la::solve(sk::ones({2, 2}), sk::ones({3})); }), HasSubstr("a row for each row"));
  EXPECT_THAT(text_of([] { la::solve(sk::ones({4, 2, 2}), sk::ones({3, 2, 1})); }), HasSubstr("do not broadcast"));
  EXPECT_THAT(text_of([] { la::qr(sk::ones({2, 2}), {.mode = "r"}); }), HasSubstr("reduced"));
  EXPECT_THAT(text_of([] { sk::grad([](Array x) { return sk::sum(la::qr(x, {.mode = "complete"}).q); })(sk::ones({3, 2})); }), HasSubstr("complete"));
  EXPECT_THAT(text_of([] { sk::grad([](Array x) { return sk::sum(sk::abs(la::eig(x).eigenvectors)); })(sk::ones({2, 2})); }), HasSubstr("eigvals"));
}

}  // namespace
