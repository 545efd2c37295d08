// Polynomials, convolutions, products of matrices and vectors, norms.
#include <skein/control.h>
#include <skein/linalg.h>

#include <cctype>
#include <map>

#include "frontend/lib/linalg_parts.h"
#include "frontend/lib/numpy_parts.h"

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;

namespace {

void check_vector(const Array& x) {
  if (rank_of(x) != 1) fail("wants a vector, not " + describe(x));
}

/// Of two operands that join: `build` gets them in one dtype, each of its own shape.
template <class Build>
Array product(const char* name, const Array& a, const Array& b, const Key& key, Build&& build, Want want = Want::any) {
  Joined joined = join_operands({a, b}, want);
  auto all_of = [&](In in) {
    Array result = build(cast(in[0], joined.dtype), cast(in[1], joined.dtype));
    return std::vector<Array>{with_weak(result, joined.weak)};
  };
  return staged_all(name, joined.operands, Key(joined.dtype, joined.weak, key.bytes()), all_of)[0];
}

}  // namespace

// ---- polynomials and signals ----

Array polyval(const Array& p, const Array& x, Where at) {
  Call call("polyval", at);
  check_vector(p);
  return product(
      "polyval", p, x, {},
      [](const Array& c, const Array& v) {
        constexpr std::int64_t unrolled = 32;
        std::int64_t size = c.size();
        Array start = broadcast_to(cast(Array(0), c.dtype()), v.shape());
        if (size > unrolled)
          return fori_loop(
              0, size, [&](const Array& i, const Array& sum_so_far) { return sum_so_far * v + take(c, i); }, start);
        for (std::int64_t i = 0; i < size; ++i) start = start * v + element(c, i);
        return start;
      },
      Want::number);
}

Array interp(const Array& x, const Array& xp, const Array& fp, const InterpOptions& o, Where at) {
  Call call("interp", at);
  check_vector(xp), check_vector(fp);
  if (xp.size() != fp.size() || !xp.size())
    fail("wants a value for each point, and one point at least; here are " + describe(xp) + " and " + describe(fp));
  if (o.period && !(*o.period > 0)) fail("the period is positive, not " + std::to_string(*o.period));
  bool left = !o.left.empty(), right = !o.right.empty();
  Joined joined = join_operands({x, xp, fp}, Want::inexact);
  if (is_complex(joined.dtype)) fail("takes no complex numbers");
  std::vector<Array> operands = joined.operands;
  if (left) operands.push_back(cast(o.left, joined.dtype));
  if (right) operands.push_back(cast(o.right, joined.dtype));
  auto build = [&](In in) {
    Array v = cast(in[0], joined.dtype), points = cast(in[1], joined.dtype), values = cast(in[2], joined.dtype);
    if (o.period) {
      std::int64_t size = points.size();
      v = remainder(v, *o.period), points = remainder(points, *o.period);
      Array order = argsort(points);
      points = take(points, order), values = take(values, order);
      points = concatenate({cut(points, 0, size - 1, size) - *o.period, points, cut(points, 0, 0, 1) + *o.period});
      values = concatenate({cut(values, 0, size - 1, size), values, cut(values, 0, 0, 1)});
    }
    std::int64_t size = points.size();
    Array first = element(values, 0), last = element(values, size - 1), result;
    if (size == 1) {
      result = where(isnan(v), v, first);
    } else {
      Array i = clip(search_sorted(points, v, true), 1, Array(size - 1)), before = i - 1;
      Array x0 = take(points, before), y0 = take(values, before), y1 = take(values, i), width = take(points, i) - x0;
      Array flat = equal(width, 0);
      result = where(flat, y1, y0 + (v - x0) / where(flat, 1, width) * (y1 - y0));
    }
    if (!o.period) {
      result = where(less(v, element(points, 0)), left ? in[3] : first, result);
      result = where(greater(v, element(points, size - 1)), right ? in.back() : last, result);
    }
    return std::vector<Array>{with_weak(result, joined.weak)};
  };
  Key key(left, right, o.period.value_or(0), joined.dtype, joined.weak);
  return staged_all("interp", operands, key, build)[0];
}

namespace {

/// Elements first ... first + count of the full convolution of two vectors.
Array convolved(Array a, Array v, std::int64_t first, std::int64_t count) {
  if (a.size() < v.size()) std::swap(a, v);
  DType dtype = a.dtype(), work = is_bool(dtype) ? int32 : is_half(dtype) ? float32 : dtype;
  std::int64_t m = v.size();
  a = pad(cast(a, work), {{m - 1, m - 1}});
  v = reversed(cast(v, work), 0);
  constexpr std::int64_t most = 1 << 22;  // elements of all windows side by side
  if (count * m <= most) {
    Array places = counter({count, m}, 0) + counter({count, m}, 1) + Array(first);
    return cast(matmul(take(a, places), v), dtype);
  }
  Array start = broadcast_to(cast(Array(0), work), {count});
  Array sum_of_all = fori_loop(
      0, m,
      [&](const Array& i, const Array& sum_so_far) {
        return sum_so_far + dynamic_slice(a, {cast(i + Array(first), int64)}, {count}) * take(v, i);
      },
      start);
  return cast(sum_of_all, dtype);
}

Array filtered(const char* name, const Array& a, const Array& v, std::string_view mode, bool correlation) {
  check_vector(a), check_vector(v);
  if (!a.size() || !v.size()) fail("wants vectors with elements, not " + describe(a) + " and " + describe(v));
  if (mode != "full" && mode != "same" && mode != "valid")
    fail("the mode is \"full\", \"same\" or \"valid\", not \"" + std::string(mode) + "\"");
  std::int64_t n = a.size(), m = v.size(), small = std::min(n, m), large = std::max(n, m), first = 0, count = n + m - 1;
  if (mode == "same") first = correlation && n < m ? small / 2 : (small - 1) / 2, count = large;
  if (mode == "valid") first = small - 1, count = large - small + 1;
  return product(name, a, v, Key(mode), [&](const Array& x, const Array& y) {
    return convolved(x, correlation ? conj(reversed(y, 0)) : y, first, count);
  });
}

}  // namespace

Array convolve(const Array& a, const Array& v, std::string_view mode, Where at) {
  Call call("convolve", at);
  return filtered("convolve", a, v, mode, false);
}
Array correlate(const Array& a, const Array& v, std::string_view mode, Where at) {
  Call call("correlate", at);
  return filtered("correlate", a, v, mode, true);
}

// ---- products ----

Array inner(const Array& a, const Array& b, Where at) {
  Call call("inner", at);
  if (!rank_of(a) || !rank_of(b)) return multiply(a, b);
  return tensordot(a, b, AxisList(-1), AxisList(-1));
}

Array kron(const Array& a, const Array& b, Where at) {
  Call call("kron", at);
  return product("kron", a, b, {}, [](const Array& x, const Array& y) {
    Shape left = x.shape(), right = y.shape(), wide_left, wide_right, whole;
    while (left.size() < right.size()) left.insert(0, 1);
    while (right.size() < left.size()) right.insert(0, 1);
    for (std::size_t i = 0; i < left.size(); ++i) {
      wide_left.push_back(left[i]), wide_left.push_back(1);
      wide_right.push_back(1), wide_right.push_back(right[i]);
      whole.push_back(left[i] * right[i]);
    }
    return reshape(multiply(reshape(x, wide_left), reshape(y, wide_right)), whole);
  });
}

Array cross(const Array& a, const Array& b, CrossOptions o, Where at) {
  Call call("cross", at);
  std::int64_t axis_a = normal_axis(o.axisa, rank_of(a), a), axis_b = normal_axis(o.axisb, rank_of(b), b);
  if (length_of(a, axis_a) != 3 || length_of(b, axis_b) != 3)
    fail("wants vectors of three elements; here are " + describe(a) + " and " + describe(b));
  std::int64_t rank = std::max(rank_of(a), rank_of(b)), axis_c = normal_axis(o.axisc, rank, rank_of(a) == rank ? a : b);
  return product("cross", a, b, Key(axis_a, axis_b, axis_c), [&](Array x, Array y) {
    x = moveaxis(x, static_cast<int>(axis_a), -1), y = moveaxis(y, static_cast<int>(axis_b), -1);
    auto part = [](const Array& v, std::int64_t i) { return cut(v, v.ndim() - 1, i, i + 1); };
    std::vector<Array> parts;
    for (std::int64_t i = 0; i < 3; ++i) {
      std::int64_t j = (i + 1) % 3, k = (i + 2) % 3;
      parts.push_back(part(x, j) * part(y, k) - part(x, k) * part(y, j));
    }
    return moveaxis(concatenate(parts, {.axis = -1}), -1, static_cast<int>(axis_c));
  });
}

Array matvec(const Array& a, const Array& x, Where at) {
  Call call("matvec", at);
  if (rank_of(a) < 2 || rank_of(x) < 1) fail("wants matrices and vectors, not " + describe(a) + " and " + describe(x));
  return squeeze(matmul(a, expand_dims(x, -1)), -1);
}
Array vecmat(const Array& x, const Array& a, Where at) {
  Call call("vecmat", at);
  if (rank_of(x) < 1 || rank_of(a) < 2) fail("wants vectors and matrices, not " + describe(x) + " and " + describe(a));
  return squeeze(matmul(expand_dims(conj(x), -2), a), -2);
}
Array vecdot(const Array& a, const Array& b, LastAxisOptions o, Where at) {
  Call call("vecdot", at);
  std::int64_t axis_a = normal_axis(o.axis, rank_of(a), a), axis_b = normal_axis(o.axis, rank_of(b), b);
  if (length_of(a, axis_a) != length_of(b, axis_b))
    fail("sizes along the axis do not match: " + describe(a) + " and " + describe(b));
  return product("vecdot", a, b, Key(axis_a, axis_b), [&](Array x, Array y) {
    x = moveaxis(x, static_cast<int>(axis_a), -1), y = moveaxis(y, static_cast<int>(axis_b), -1);
    return squeeze(matmul(expand_dims(conj(x), -2), expand_dims(y, -1)), {-2, -1});
  });
}

// ---- einsum of many operands ----

namespace {

struct Term {
  std::string letters;
  Array value;
};

/// Letters of two terms that the result or another term needs, each once.
std::string kept_letters(const std::vector<Term>& terms, std::size_t a, std::size_t b, const std::string& output) {
  std::string others = output, kept;
  for (std::size_t i = 0; i < terms.size(); ++i)
    if (i != a && i != b) others += terms[i].letters;
  for (char c : terms[a].letters + terms[b].letters)
    if (others.find(c) != std::string::npos && kept.find(c) == std::string::npos) kept += c;
  return kept;
}

Array contract_all(std::vector<Term> terms, const std::string& output) {
  std::map<char, double> sizes;
  for (const Term& term : terms)
    for (std::size_t i = 0; i < term.letters.size(); ++i)
      sizes[term.letters[i]] = static_cast<double>(term.value.shape()[i]);
  while (terms.size() > 2) {
    std::size_t best_a = 0, best_b = 1;
    double best = std::numeric_limits<double>::infinity();
    for (std::size_t a = 0; a < terms.size(); ++a)
      for (std::size_t b = a + 1; b < terms.size(); ++b) {
        double volume = 1;
        for (char c : kept_letters(terms, a, b, output)) volume *= sizes[c];
        if (volume < best) best = volume, best_a = a, best_b = b;
      }
    std::string kept = kept_letters(terms, best_a, best_b, output);
    std::string equation = terms[best_a].letters + "," + terms[best_b].letters + "->" + kept;
    Term merged{kept, einsum(equation, terms[best_a].value, terms[best_b].value)};
    terms.erase(terms.begin() + static_cast<std::ptrdiff_t>(best_b));
    terms[best_a] = std::move(merged);
  }
  return einsum(terms[0].letters + "," + terms[1].letters + "->" + output, terms[0].value, terms[1].value);
}

}  // namespace

Array einsum(std::string_view equation, const std::vector<Array>& operands, Where at) {
  Call call("einsum", at);
  if (operands.empty()) fail("wants at least one operand");
  if (operands.size() == 1) return einsum(equation, operands[0]);
  if (operands.size() == 2) return einsum(equation, operands[0], operands[1]);
  std::string clean, quoted = "\"" + std::string(equation) + "\"";
  for (char c : equation)
    if (c != ' ') clean += c;
  std::size_t arrow = clean.find("->");
  std::string left = clean.substr(0, arrow), output, every;
  std::vector<std::string> letters(1);
  for (char c : left) {
    if (c == ',') {
      letters.emplace_back();
    } else if (std::isalpha(static_cast<unsigned char>(c))) {
      letters.back() += c, every += c;
    } else {
      fail(quoted + ": dimensions are letters; '" + c + "' is none");
    }
  }
  if (letters.size() != operands.size())
    fail(quoted + " names " + std::to_string(letters.size()) + " operands, " + std::to_string(operands.size()) +
         " are given");
  if (arrow != std::string::npos) {
    output = clean.substr(arrow + 2);
    for (char c : output)
      if (every.find(c) == std::string::npos || std::count(output.begin(), output.end(), c) > 1)
        fail(quoted + ": each letter of the result comes once there, and in an operand; '" + c + "' does not");
  } else {
    std::sort(every.begin(), every.end());
    for (char c : every)
      if (std::count(every.begin(), every.end(), c) == 1) output += c;
  }
  for (std::size_t i = 0; i < operands.size(); ++i)
    if (rank_of(operands[i]) != static_cast<std::int64_t>(letters[i].size()))
      fail("\"" + letters[i] + "\" names " + std::to_string(letters[i].size()) + " dimensions, " +
           describe(operands[i]) + " has " + std::to_string(operands[i].ndim()));
  std::vector<Array> joined = operands;
  bool weak = promote_all(joined).second;
  return staged_all("einsum_of_many", joined, Key(clean, weak), [&](In in) {
    std::vector<Term> terms;
    for (std::size_t i = 0; i < in.size(); ++i) terms.push_back({letters[i], in[i]});
    return std::vector<Array>{with_weak(contract_all(std::move(terms), output), weak)};
  })[0];
}

// ---- norms ----

namespace linalg {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

Array length_over(const Array& v, const List& axes, double order) {
  ReduceOptions options{.axis = axes, .keepdims = true};
  if (order == infinity) return max(abs(v), options);
  if (order == -infinity) return min(abs(v), options);
  if (order == 0) return sum(cast(not_equal(v, 0), real_dtype(v.dtype())), options);
  if (order == 1) return sum(abs(v), options);
  if (order == 2) {
    Array squares = is_complex(v.dtype()) ? square(real(v)) + square(imag(v)) : square(v);
    return sqrt(sum(squares, options));
  }
  return power(sum(power(abs(v), order), options), 1 / order);
}

/// The norm of the given dimensions of x, which stay with size 1.
Array matrix_length(const Array& v, std::int64_t rows, std::int64_t columns, double order) {
  if (std::abs(order) == 2) return singular_norm(v, rows, columns, order > 0 ? 2 : -2);
  std::int64_t summed = std::abs(order) == 1 ? rows : columns, compared = std::abs(order) == 1 ? columns : rows;
  Array sums = sum(abs(v), {.axis = summed, .keepdims = true});
  ReduceOptions options{.axis = compared, .keepdims = true};
  return order > 0 ? max(sums, options) : min(sums, options);
}

/// `axes`: one or more for vectors (order is a number), two for matrices.
Array norm_of(const char* name, const Array& x, const List& axes, bool matrix, const NormOrder& ord, bool keepdims,
              bool flattened) {
  std::optional<double> number = ord.number();
  bool nuclear = ord.name() == "nuc" && matrix;
  if (!ord.name().empty() && !nuclear && (ord.name() != "fro" || !matrix))
    fail("the order \"" + ord.name() + "\" is unknown here; it is a number" + (matrix ? ", \"fro\" or \"nuc\"" : ""));
  if (matrix && number && std::abs(*number) != 1 && std::abs(*number) != 2 && std::abs(*number) != infinity)
    fail("there is no matrix norm of order " + std::to_string(*number) +
         "; there are 1, -1, 2, -2, infinity, -infinity, \"fro\" and \"nuc\"");
  Key key(axes, matrix, number.has_value(), number.value_or(0), keepdims, flattened, nuclear);
  return inexact(name, x, key, [&](const Array& v) {
    Array result = nuclear            ? singular_norm(v, axes[0], axes[1], 0)
                   : matrix && number ? matrix_length(v, axes[0], axes[1], *number)
                                      : length_over(v, axes, number.value_or(2));
    return keepdims ? result : squeeze(result, axes);
  });
}

}  // namespace

Array norm(const Array& x, const NormOptions& o, Where at) {
  Call call("norm", at);
  bool given = o.axis.given(), ordered = o.ord.number() || !o.ord.name().empty();
  List axes;
  if (given)
    for (std::int64_t axis : o.axis.axes()) axes.push_back(normal_axis(axis, rank_of(x), x));
  else
    axes = axes_in(x, {});
  if ((given || ordered) && (axes.empty() || axes.size() > 2))
    fail("norms of an order are of vectors or matrices: one axis or two; here are " + std::to_string(axes.size()) +
         " of " + describe(x));
  if (axes.size() == 2 && axes[0] == axes[1]) fail("axis " + std::to_string(axes[0]) + " is named twice");
  bool matrix = axes.size() == 2 && (given || ordered);
  return norm_of("norm", x, axes, matrix, o.ord, o.keepdims, false);
}
Array vector_norm(const Array& x, const VectorNormOptions& o, Where at) {
  Call call("vector_norm", at);
  return norm_of("vector_norm", x, axes_in(x, o.axis), false, o.ord, o.keepdims, true);
}
Array matrix_norm(const Array& x, const MatrixNormOptions& o, Where at) {
  Call call("matrix_norm", at);
  std::int64_t rank = rank_of(x);
  if (rank < 2) fail("wants two dimensions or more, not " + describe(x));
  return norm_of("matrix_norm", x, {rank - 2, rank - 1}, true, o.ord, o.keepdims, false);
}

Array matrix_power(const Array& x, std::int64_t exponent, Where at) {
  Call call("matrix_power", at);
  std::int64_t rank = rank_of(x);
  if (rank < 2 || length_of(x, rank - 1) != length_of(x, rank - 2)) fail("wants square matrices, not " + describe(x));
  if (exponent < 0) return matrix_power(inv(x), -exponent);
  return staged("matrix_power", {x}, Key(exponent), [&](In in) {
    Array base = in[0], result;
    if (!exponent) return broadcast_to(eye(length_of(base, rank - 1), base.dtype()), base.shape());
    for (std::int64_t n = exponent; n; n >>= 1) {
      if (n & 1) result = result.empty() ? base : matmul(result, base);
      if (n > 1) base = matmul(base, base);
    }
    return result;
  });
}

}  // namespace linalg
}  // namespace skein
