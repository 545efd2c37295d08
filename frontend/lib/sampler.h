#pragma once
// What samplers share: checks of what they are given, programs of samples with parameters, numbers of many keys.

#include <skein/distributions.h>

#include <functional>
#include <initializer_list>
#include <span>

#include "frontend/lib/threefry.h"
#include "frontend/trace/emit.h"

namespace skein::random {

using In = std::span<const Array>;

// ---- arguments ----

/// Fails for what is no key.
void check_key(const Array& key);
/// Fails for negative sizes and for too many elements.
void check_shape(const Shape& shape);
/// Fails where `from`, of the value called `what`, does not broadcast to the shape.
void check_broadcast(const Array& value, const Shape& from, const Shape& shape, const char* what);
/// The dtype asked for, float32 or int32 by default; fails for one of another kind.
DType float_dtype(const Options& options, bool complex_too = false);
DType integer_dtype(const Options& options);

// ---- samples ----

struct Parameter {
  const char* name;
  Array value;
};
/// Makes n numbers of the key and of the parameters, which have n elements each.
using Draw = std::function<Array(const Words& key, In parameters, std::int64_t n)>;
/// A sample whose parameters are converted to `dtype`, in one dimension, so that a kernel has one loop whatever the
/// shape is. `name` and `more` say what `draw` depends on beside its operands.
Array sample(const char* name, const Array& key, std::initializer_list<Parameter> parameters, const SampleShape& shape,
             DType dtype, const Draw& draw, const detail::Key& more = {});

// ---- numbers ----

/// The distance from 1 to the next number of the dtype; the least positive one that is normal.
double epsilon_of(DType dtype);
double least_of(DType dtype);

// The rest within a program.

/// a b + c, of single and double precision in one rounding, as XLA contracts it.
Array fused(const Array& a, const Array& b, const Array& c);
/// n numbers in [low, high).
Array between(const Words& key, std::int64_t n, DType dtype, double low, double high);
/// Of numbers of the uniform distribution on (-1, 1) those of the normal one, as XLA computes them.
Array normal_from(const Array& u);
/// n numbers 1 and -1: drawn with 64 bits where the dtype has as many, as in JAX, else with 32.
Array signs(const Words& key, std::int64_t n, DType dtype);
Array gumbels(const Words& key, std::int64_t n, DType dtype);
/// As many numbers of the gamma distribution as `a` has elements, or their logarithms.
Array gammas(const Words& key, const Array& a, bool log_space);

/// Of many keys: the i-th keys of their splits; the first number in [0, 1), and of the normal distribution, of each.
Words split_each(const Words& keys, std::int64_t i);
Array unit_each(const Words& keys, DType dtype);
Array normal_each(const Words& keys, DType dtype);

/// Indices of a vector of weights p, which need not add up to 1: for choice.
Array weighted_indices(const Words& key, const Array& p, const Shape& shape, bool replace);

}  // namespace skein::random
