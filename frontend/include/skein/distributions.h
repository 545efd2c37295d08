#pragma once
// Samples of distributions, in the order of operations of jax.random: parameters are arrays or numbers that broadcast
// to the sample's shape, and a key and a place give the same number on any number of devices. The dtype is float32
// unless the options name another; of counts int32. More of them, without parameters, are in <skein/random.h>.

#include <skein/random.h>

namespace skein::random {

#define SKEIN_WHERE_ std::source_location = std::source_location::current()

/// The shape of a sample: as given, or (by default, none, and {}) that to which the parameters broadcast.
class SampleShape {
 public:
  SampleShape() = default;
  SampleShape(NoneType) {}
  SampleShape(std::initializer_list<std::int64_t> dims) : shape_(dims), given_(true) {}
  SampleShape(const std::vector<std::int64_t>& dims) : shape_(dims), given_(true) {}
  SampleShape(const Shape& shape) : shape_(shape), given_(true) {}
  bool given() const { return given_; }
  const Shape& shape() const { return shape_; }

 private:
  Shape shape_;
  bool given_ = false;
};

// ---- the real line ----

/// The normal distribution where it lies in (lower, upper).
SKEIN_API Array truncated_normal(const Array& key, const Array& lower, const Array& upper, const SampleShape& = {},
                                 const Options& = {}, SKEIN_WHERE_);
/// exp(sigma x) of a normal x.
SKEIN_API Array lognormal(const Array& key, const Array& sigma = 1.0, const SampleShape& = {}, const Options& = {},
                          SKEIN_WHERE_);
/// Density 1 / (pi (1 + x^2)).
SKEIN_API Array cauchy(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// Density exp(-|x|) / 2.
SKEIN_API Array laplace(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// Cumulative 1 / (1 + exp(-x)).
SKEIN_API Array logistic(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// Cumulative exp(-exp(-x)).
SKEIN_API Array gumbel(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// Density proportional to exp(-|x|^p).
SKEIN_API Array generalized_normal(const Array& key, const Array& p, const SampleShape& = {}, const Options& = {},
                                   SKEIN_WHERE_);
/// Student's t with df degrees of freedom.
SKEIN_API Array t(const Array& key, const Array& df, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// A Maxwell number with a random sign, times scale, plus loc.
SKEIN_API Array double_sided_maxwell(const Array& key, const Array& loc, const Array& scale, const SampleShape& = {},
                                     const Options& = {}, SKEIN_WHERE_);

// ---- positive numbers ----

/// The length of a normal vector of two dimensions, times scale.
SKEIN_API Array rayleigh(const Array& key, const Array& scale, const SampleShape& = {}, const Options& = {},
                         SKEIN_WHERE_);
/// The length of a normal vector of three dimensions.
SKEIN_API Array maxwell(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// Density b / x^(b + 1) for x >= 1.
SKEIN_API Array pareto(const Array& key, const Array& b, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// Cumulative 1 - exp(-(x / scale)^concentration).
SKEIN_API Array weibull_min(const Array& key, const Array& scale, const Array& concentration, const SampleShape& = {},
                            const Options& = {}, SKEIN_WHERE_);
/// The inverse Gaussian distribution of that mean and of scale 1 (Michael, Schucany, Haas, "Generating random variates
/// using transformations with multiple roots", American Statistician 30, 1976).
SKEIN_API Array wald(const Array& key, const Array& mean, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// Density proportional to x^(a - 1) exp(-x) (Marsaglia, Tsang, "A simple method for generating gamma variables", TOMS
/// 26, 2000).
SKEIN_API Array gamma(const Array& key, const Array& a, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// The logarithm of such a number, which is exact where the number would underflow.
SKEIN_API Array loggamma(const Array& key, const Array& a, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// The sum of the squares of df normal numbers.
SKEIN_API Array chisquare(const Array& key, const Array& df, const SampleShape& = {}, const Options& = {},
                          SKEIN_WHERE_);
/// The ratio of the mean squares of dfnum and of dfden normal numbers.
SKEIN_API Array f(const Array& key, const Array& dfnum, const Array& dfden, const SampleShape& = {},
                  const Options& = {}, SKEIN_WHERE_);

// ---- intervals, simplices, balls ----

/// In [left, right], most often near mode.
SKEIN_API Array triangular(const Array& key, const Array& left, const Array& mode, const Array& right,
                           const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// In (0, 1), with density proportional to x^(a - 1) (1 - x)^(b - 1).
SKEIN_API Array beta(const Array& key, const Array& a, const Array& b, const SampleShape& = {}, const Options& = {},
                     SKEIN_WHERE_);
/// Rows of positive numbers that add up to 1; alpha's last dimension is theirs, the others broadcast to the shape.
SKEIN_API Array dirichlet(const Array& key, const Array& alpha, const SampleShape& = {}, const Options& = {},
                          SKEIN_WHERE_);
/// Points of the unit ball of the p-norm (a scalar) in d dimensions: of shape [shape..., d].
SKEIN_API Array ball(const Array& key, std::int64_t d, const Array& p = 2.0, const Shape& shape = {},
                     const Options& = {}, SKEIN_WHERE_);

// ---- integers ----

/// 1 or -1, of an integer or a floating dtype.
SKEIN_API Array rademacher(const Array& key, const Shape& shape = {}, const Options& = {}, SKEIN_WHERE_);
/// How many events of rate lam there are: by Knuth's products below 10, above by transformed rejection (Hoermann,
/// Insurance: Mathematics and Economics 12, 1993).
SKEIN_API Array poisson(const Array& key, const Array& lam, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// Which trial of probability p is the first to succeed, from 1 on.
SKEIN_API Array geometric(const Array& key, const Array& p, const SampleShape& = {}, const Options& = {}, SKEIN_WHERE_);
/// How many of n trials of probability p succeed, of a floating dtype: by waiting times where few do, else by
/// transformed rejection (Hoermann, Journal of Statistical Computation and Simulation 46, 1993). NaN where n is
/// negative or p is no probability.
SKEIN_API Array binomial(const Array& key, const Array& n, const Array& p, const SampleShape& = {}, const Options& = {},
                         SKEIN_WHERE_);

struct CategoricalOptions {
  int axis = -1;        // the logits' dimension of categories
  bool replace = true;  // false: the shape's leading dimensions are of different categories
};
/// Categories, int32, with probabilities proportional to exp(logits). The shape ends in that of the logits without
/// their axis, or in one to which that broadcasts.
SKEIN_API Array categorical(const Array& key, const Array& logits, const SampleShape& = {},
                            const CategoricalOptions& = {}, SKEIN_WHERE_);

#undef SKEIN_WHERE_

}  // namespace skein::random
