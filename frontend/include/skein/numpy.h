#pragma once
// The rest of NumPy's language: names, defaults and meaning are NumPy 2's, and JAX's where NumPy's shapes depend on
// values. All of it is composed of the functions of ops.h. Inside a program sizes are static: such functions take
// `.size`.

#include <skein/ops.h>

#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace skein {

/// One axis, or (default) none: the flattened array.
struct AlongOptions {
  AxisList axis = {};
};
/// Several places along an axis: {1, 3}. One alone is written Places{2}, since {2} is also a number.
using Places = std::vector<std::int64_t>;

// ---- making arrays ----

/// Ones on the k-th diagonal (above the main one for k > 0) of a rows x columns matrix.
SKEIN_API Array eye(std::int64_t rows, std::int64_t columns, std::int64_t k = 0, DType = float32, SKEIN_WHERE);
SKEIN_API Array identity(std::int64_t rows, DType = float32, SKEIN_WHERE);
/// Ones at and below the k-th diagonal; square unless `columns` is given.
SKEIN_API Array tri(std::int64_t rows, std::optional<std::int64_t> columns = {}, std::int64_t k = 0, DType = float32,
                    SKEIN_WHERE);
/// The last two dimensions with zeros above (below) the k-th diagonal. UserError for less than two dimensions.
SKEIN_API Array tril(const Array&, std::int64_t k = 0, SKEIN_WHERE);
SKEIN_API Array triu(const Array&, std::int64_t k = 0, SKEIN_WHERE);
/// Of a vector the matrix with it on the k-th diagonal, of a matrix that diagonal. UserError for other ranks.
SKEIN_API Array diag(const Array&, std::int64_t k = 0, SKEIN_WHERE);
/// diag of the flattened array.
SKEIN_API Array diagflat(const Array&, std::int64_t k = 0, SKEIN_WHERE);
struct DiagonalOptions {
  std::int64_t offset = 0;
  int axis1 = 0, axis2 = 1;
};
/// The diagonals of two dimensions, as the last dimension of the result.
SKEIN_API Array diagonal(const Array&, DiagonalOptions = {}, SKEIN_WHERE);
/// The sum of a matrix's diagonal, in the dtype in which sums are formed; of more dimensions one for each matrix.
SKEIN_API Array trace(const Array&, DiagonalOptions = {}, SKEIN_WHERE);
/// `count` numbers whose logarithms are evenly spaced: from base^start to base^stop.
SKEIN_API Array logspace(double start, double stop, std::int64_t count = 50, double base = 10, DType = float32,
                         SKEIN_WHERE);
/// `count` numbers from start to stop, each the same multiple of the one before. UserError for bounds of two signs, and
/// for 0.
SKEIN_API Array geomspace(double start, double stop, std::int64_t count = 50, DType = float32, SKEIN_WHERE);
struct MeshgridOptions {
  std::string_view indexing = "xy";  // or "ij"; "xy": the first two dimensions of the results are exchanged
  bool sparse = false;               // sizes of 1 instead of repeated values
};
/// Coordinates of a grid from the coordinates along each of its dimensions (vectors, or scalars).
SKEIN_API std::vector<Array> meshgrid(const std::vector<Array>&, MeshgridOptions = {}, SKEIN_WHERE);
/// {rank, shape...}: each element's index along each dimension.
SKEIN_API Array indices(const Shape& shape, DType = int32, SKEIN_WHERE);
/// A row for each element of a vector: its powers from n - 1 to 0 (increasing: from 0 to n - 1).
SKEIN_API Array vander(const Array&, std::optional<std::int64_t> columns = {}, bool increasing = false, SKEIN_WHERE);
/// Zeros: there are no uninitialised arrays.
SKEIN_API Array empty(const Shape& shape, DType = float32, SKEIN_WHERE);
SKEIN_API Array empty_like(const Array&, std::optional<DType> = {}, SKEIN_WHERE);
SKEIN_API Array zeros_like(const Array&, DType, SKEIN_WHERE);
SKEIN_API Array ones_like(const Array&, DType, SKEIN_WHERE);
SKEIN_API Array full_like(const Array&, const Array& value, DType, SKEIN_WHERE);

namespace detail {
/// The index along each dimension, each of the whole shape. UserError unless the shape has so many dimensions.
SKEIN_API std::vector<Array> function_indices(const Shape& shape, std::size_t parameters, DType, std::source_location);
}  // namespace detail
/// fn(i, j, ...) of the indices along each dimension, as whole arrays; fn takes one to four Arrays.
template <class Fn>
auto fromfunction(Fn&& fn, const Shape& shape, DType dtype = float32,
                  std::source_location at = std::source_location::current());

// ---- shapes ----

SKEIN_API Array flatten(const Array&, SKEIN_WHERE);
SKEIN_API Array concat(const std::vector<Array>&, AxisOptions = {}, SKEIN_WHERE);
SKEIN_API Array permute_dims(const Array&, const AxisList& axes, SKEIN_WHERE);
/// The last two dimensions exchanged. UserError for less than two.
SKEIN_API Array matrix_transpose(const Array&, SKEIN_WHERE);
SKEIN_API Array atleast_1d(const Array&, SKEIN_WHERE);
/// Of a scalar [1,1], of a vector [1,n].
SKEIN_API Array atleast_2d(const Array&, SKEIN_WHERE);
/// Of a vector [1,n,1], of a matrix [m,n,1].
SKEIN_API Array atleast_3d(const Array&, SKEIN_WHERE);
/// Concatenated along the first dimension, vectors being rows.
SKEIN_API Array vstack(const std::vector<Array>&, SKEIN_WHERE);
/// Concatenated along the second dimension, vectors along their only one.
SKEIN_API Array hstack(const std::vector<Array>&, SKEIN_WHERE);
SKEIN_API Array dstack(const std::vector<Array>&, SKEIN_WHERE);
/// Concatenated along the second dimension, vectors being columns.
SKEIN_API Array column_stack(const std::vector<Array>&, SKEIN_WHERE);
SKEIN_API std::vector<Array> broadcast_arrays(const std::vector<Array>&, SKEIN_WHERE);
/// The slices along an axis, without it.
SKEIN_API std::vector<Array> unstack(const Array&, AxisOptions = {}, SKEIN_WHERE);
/// Turned k times by 90 degrees in the plane of two axes, from the first towards the second.
SKEIN_API Array rot90(const Array&, int k = 1, std::pair<int, int> axes = {0, 1}, SKEIN_WHERE);
SKEIN_API Array fliplr(const Array&, SKEIN_WHERE);
SKEIN_API Array flipud(const Array&, SKEIN_WHERE);
/// The elements in order, as often as the shape needs them; zeros if there are none.
SKEIN_API Array resize(const Array&, const Shape& shape, SKEIN_WHERE);
/// Axis `axis` moved before where axis `start` is.
SKEIN_API Array rollaxis(const Array&, int axis, int start = 0, SKEIN_WHERE);
/// `mode`: "constant", "edge", "reflect", "symmetric" or "wrap". UserError for other modes, and where an empty
/// dimension would grow by other than a constant.
SKEIN_API Array pad(const Array&, const std::vector<std::pair<std::int64_t, std::int64_t>>& widths,
                    std::string_view mode, const PadOptions& = {}, SKEIN_WHERE);
/// Values behind those of the array along an axis; without one both are flattened.
SKEIN_API Array append(const Array&, const Array& values, const AlongOptions& = {}, SKEIN_WHERE);
/// Values put in before one place, or before several (places of the array as it was), along an axis; without one the
/// array is flattened. UserError for places out of range.
SKEIN_API Array insert(const Array&, std::int64_t place, const Array& values, const AlongOptions& = {}, SKEIN_WHERE);
SKEIN_API Array insert(const Array&, const Places& places, const Array& values, const AlongOptions& = {}, SKEIN_WHERE);
/// Without the places along an axis; without one the array is flattened.
SKEIN_API Array delete_(const Array&, std::int64_t place, const AlongOptions& = {}, SKEIN_WHERE);
SKEIN_API Array delete_(const Array&, const Places& places, const AlongOptions& = {}, SKEIN_WHERE);
/// Parts between the places, which count from the end where negative.
SKEIN_API std::vector<Array> split(const Array&, const Places& places, AxisOptions = {}, SKEIN_WHERE);
inline std::vector<Array> split(const Array& x, std::initializer_list<std::int64_t> places, AxisOptions options = {},
                                std::source_location at = std::source_location::current()) {
  return split(x, Places(places), options, at);
}
/// Parts of sizes that differ by one at most, the larger ones first.
SKEIN_API std::vector<Array> array_split(const Array&, std::int64_t parts, AxisOptions = {}, SKEIN_WHERE);
SKEIN_API std::vector<Array> array_split(const Array&, const Places& places, AxisOptions = {}, SKEIN_WHERE);
/// split along the first, the second (of a vector the first) and the third dimension.
SKEIN_API std::vector<Array> vsplit(const Array&, std::int64_t parts, SKEIN_WHERE);
SKEIN_API std::vector<Array> hsplit(const Array&, std::int64_t parts, SKEIN_WHERE);
SKEIN_API std::vector<Array> dsplit(const Array&, std::int64_t parts, SKEIN_WHERE);
SKEIN_API std::vector<Array> vsplit(const Array&, const Places& places, SKEIN_WHERE);
SKEIN_API std::vector<Array> hsplit(const Array&, const Places& places, SKEIN_WHERE);
SKEIN_API std::vector<Array> dsplit(const Array&, const Places& places, SKEIN_WHERE);

// ---- elementwise ----
// Functions of real analysis make integers float32, the others keep them.
// clang-format off
#define SKEIN_UNARY(name) SKEIN_API Array name(const Array&, SKEIN_WHERE);
#define SKEIN_BINARY(name) SKEIN_API Array name(const Array&, const Array&, SKEIN_WHERE);
// Other names of functions that are there.
SKEIN_UNARY(acos) SKEIN_UNARY(asin) SKEIN_UNARY(atan) SKEIN_UNARY(acosh) SKEIN_UNARY(asinh) SKEIN_UNARY(atanh)
SKEIN_UNARY(absolute) SKEIN_UNARY(conjugate) SKEIN_UNARY(degrees) SKEIN_UNARY(radians) SKEIN_UNARY(bitwise_invert)
SKEIN_UNARY(invert) SKEIN_UNARY(gammaln)
SKEIN_BINARY(atan2) SKEIN_BINARY(pow) SKEIN_BINARY(mod) SKEIN_BINARY(true_divide)
SKEIN_BINARY(bitwise_left_shift) SKEIN_BINARY(bitwise_right_shift)

SKEIN_UNARY(fabs)     // of integers float32
SKEIN_UNARY(rint)     // halves to even; of integers float32
SKEIN_UNARY(fix)      // towards zero
SKEIN_UNARY(signbit)  // bool; of -0.0 and of a NaN with the sign set true
SKEIN_UNARY(sinc)     // sin(pi x) / (pi x)
SKEIN_UNARY(isneginf) SKEIN_UNARY(isposinf) SKEIN_UNARY(isreal) SKEIN_UNARY(iscomplex)
SKEIN_UNARY(expit)    // 1 / (1 + exp(-x))
SKEIN_UNARY(logit)    // log(x / (1 - x))
SKEIN_UNARY(entr)     // -x log(x); 0 at 0, -inf below
SKEIN_UNARY(i0) SKEIN_UNARY(i1)    // modified Bessel functions of the first kind (Chebyshev expansions as Cephes')
SKEIN_UNARY(i0e) SKEIN_UNARY(i1e)  // the same times exp(-|x|)
SKEIN_BINARY(heaviside)    // 0, the second operand, 1
SKEIN_BINARY(float_power)  // power of floating operands
SKEIN_BINARY(fmax) SKEIN_BINARY(fmin)  // NaN only if both are
SKEIN_BINARY(logaddexp2)
SKEIN_BINARY(xlogy) SKEIN_BINARY(xlog1py)  // x log(y) and x log1p(y); 0 where x is 0, unless y is NaN
SKEIN_BINARY(betaln)  // log |beta(a, b)|
SKEIN_BINARY(gcd) SKEIN_BINARY(lcm)  // of integers, not negative; UserError for other dtypes
#undef SKEIN_UNARY
#undef SKEIN_BINARY
// clang-format on
/// x times 2 to an integer power, without overflow on the way. UserError unless the exponent is an integer.
SKEIN_API Array ldexp(const Array& x, const Array& exponent, SKEIN_WHERE);
/// Rounded to so many decimals (before the point where negative), halves to even.
SKEIN_API Array round(const Array&, int decimals, SKEIN_WHERE);
SKEIN_API Array around(const Array&, int decimals = 0, SKEIN_WHERE);
/// {floor_divide, remainder}.
SKEIN_API std::pair<Array, Array> divmod(const Array&, const Array&, SKEIN_WHERE);
/// {fractional part, integral part}, both with the sign of x.
SKEIN_API std::pair<Array, Array> modf(const Array&, SKEIN_WHERE);
/// The argument of a complex number, in radians or degrees.
SKEIN_API Array angle(const Array&, bool deg = false, SKEIN_WHERE);
struct CloseOptions {
  double rtol = 1e-5, atol = 1e-8;
  bool equal_nan = false;
};
/// |a - b| <= atol + rtol |b|; infinities are close to themselves.
SKEIN_API Array isclose(const Array&, const Array&, CloseOptions = {}, SKEIN_WHERE);
/// A bool scalar: all are close.
SKEIN_API Array allclose(const Array&, const Array&, CloseOptions = {}, SKEIN_WHERE);
/// A bool scalar: the shapes are the same and all elements equal.
SKEIN_API Array array_equal(const Array&, const Array&, bool equal_nan = false, SKEIN_WHERE);
/// The same of what broadcasts.
SKEIN_API Array array_equiv(const Array&, const Array&, SKEIN_WHERE);
struct NanToNumOptions {
  double nan = 0;
  std::optional<double> posinf = {}, neginf = {};  // the dtype's greatest and least number
};
SKEIN_API Array nan_to_num(const Array&, NanToNumOptions = {}, SKEIN_WHERE);
struct UnwrapOptions {
  std::optional<double> discont = {};  // period / 2
  int axis = -1;
  double period = 2 * 3.14159265358979323846;
};
/// Phases without jumps of more than `discont` along an axis, multiples of the period added.
SKEIN_API Array unwrap(const Array&, UnwrapOptions = {}, SKEIN_WHERE);
struct LogSumExpOptions {
  AxisList axis = {};
  bool keepdims = false;
  Array b = {};  // weights of the exponentials
};
/// log(sum(b exp(x))) without overflow; of nothing -inf.
SKEIN_API Array logsumexp(const Array&, const LogSumExpOptions& = {}, SKEIN_WHERE);

/// Functions of neural networks, named as in JAX.
namespace nn {
/// sigmoid(x) = 1 / (1 + exp(-x)).
SKEIN_API Array sigmoid(const Array&, SKEIN_WHERE);
SKEIN_API Array log_sigmoid(const Array&, SKEIN_WHERE);
/// max(x, 0).
SKEIN_API Array relu(const Array&, SKEIN_WHERE);
SKEIN_API Array relu6(const Array&, SKEIN_WHERE);
/// log(1 + exp(x)).
SKEIN_API Array softplus(const Array&, SKEIN_WHERE);
SKEIN_API Array soft_sign(const Array&, SKEIN_WHERE);
/// x sigmoid(x).
SKEIN_API Array silu(const Array&, SKEIN_WHERE);
SKEIN_API Array swish(const Array&, SKEIN_WHERE);
SKEIN_API Array elu(const Array&, double alpha = 1, SKEIN_WHERE);
SKEIN_API Array selu(const Array&, SKEIN_WHERE);
SKEIN_API Array celu(const Array&, double alpha = 1, SKEIN_WHERE);
SKEIN_API Array leaky_relu(const Array&, double negative_slope = 0.01, SKEIN_WHERE);
SKEIN_API Array hard_tanh(const Array&, SKEIN_WHERE);
struct GeluOptions {
  bool approximate = true;  // by tanh, as in JAX; else by erf
};
SKEIN_API Array gelu(const Array&, GeluOptions = {}, SKEIN_WHERE);
struct SoftmaxOptions {
  AxisList axis = -1;
};
SKEIN_API Array softmax(const Array&, const SoftmaxOptions& = {}, SKEIN_WHERE);
SKEIN_API Array log_softmax(const Array&, const SoftmaxOptions& = {}, SKEIN_WHERE);
struct OneHotOptions {
  DType dtype = float32;
  int axis = -1;  // of the result
};
/// 1 at the index along a new axis of so many classes, 0 elsewhere and for an index out of range. UserError unless
/// indices are integers.
SKEIN_API Array one_hot(const Array& indices, std::int64_t classes, OneHotOptions = {}, SKEIN_WHERE);
}  // namespace nn

// ---- reductions ----

/// max - min.
SKEIN_API Array ptp(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
struct AverageOptions {
  AxisList axis = {};
  bool keepdims = false;
  Array weights = {};  // of the array's shape, or a vector along the one axis
};
/// Of integers float32.
SKEIN_API Array average(const Array&, const AverageOptions& = {}, SKEIN_WHERE);
struct MedianOptions {
  AxisList axis = {};
  bool keepdims = false;
};
/// NaN where any element is; of integers float32.
SKEIN_API Array median(const Array&, const MedianOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanmedian(const Array&, const MedianOptions& = {}, SKEIN_WHERE);
struct QuantileOptions {
  AxisList axis = {};
  std::string_view method = "linear";  // or "lower", "higher", "midpoint", "nearest"
  bool keepdims = false;
};
/// q in [0, 1] (percentile: [0, 100]) is a number or an array, whose dimensions come first in the result.
SKEIN_API Array quantile(const Array&, const Array& q, const QuantileOptions& = {}, SKEIN_WHERE);
SKEIN_API Array percentile(const Array&, const Array& q, const QuantileOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanquantile(const Array&, const Array& q, const QuantileOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanpercentile(const Array&, const Array& q, const QuantileOptions& = {}, SKEIN_WHERE);
/// As the functions without nan, of the elements that are not NaN.
SKEIN_API Array nansum(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanprod(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
/// NaN where there is nothing else.
SKEIN_API Array nanmax(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanmin(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanmean(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanvar(const Array&, const VarOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanstd(const Array&, const VarOptions& = {}, SKEIN_WHERE);
/// -1 where all are NaN.
SKEIN_API Array nanargmax(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nanargmin(const Array&, const ReduceOptions& = {}, SKEIN_WHERE);

struct CumulativeOptions {
  AxisList axis = {};  // one, or none: the flattened array
  std::optional<DType> dtype = {};
  bool reverse = false;  // from the last element to the first
};
/// Sums of the elements up to each; dtypes as sum.
SKEIN_API Array cumsum(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
SKEIN_API Array cumprod(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
/// The greatest (least) element up to each; NaN from the first NaN on.
SKEIN_API Array cummax(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
SKEIN_API Array cummin(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nancumsum(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
SKEIN_API Array nancumprod(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
/// log(cumsum(exp(x))) without overflow.
SKEIN_API Array logcumsumexp(const Array&, const CumulativeOptions& = {}, SKEIN_WHERE);
struct CumulativeSumOptions {
  AxisList axis = {};  // needed unless the array is a vector
  std::optional<DType> dtype = {};
  bool include_initial = false;  // starts with the sum (product) of nothing
};
SKEIN_API Array cumulative_sum(const Array&, const CumulativeSumOptions& = {}, SKEIN_WHERE);
SKEIN_API Array cumulative_prod(const Array&, const CumulativeSumOptions& = {}, SKEIN_WHERE);

struct DiffOptions {
  std::int64_t n = 1;
  int axis = -1;
  Array prepend = {}, append = {};  // a scalar stands for one slice
};
/// x[i + 1] - x[i], n times; of bool: whether they differ. UserError for a scalar.
SKEIN_API Array diff(const Array&, const DiffOptions& = {}, SKEIN_WHERE);
struct Ediff1dOptions {
  Array to_end = {}, to_begin = {};
};
SKEIN_API Array ediff1d(const Array&, const Ediff1dOptions& = {}, SKEIN_WHERE);
struct GradientOptions {
  AxisList axis = {};               // along all dimensions
  std::vector<Array> spacing = {};  // 1; one for all, or one for each axis: a distance, or a vector of coordinates
  int edge_order = 1;               // or 2: the order of the differences at the ends
};
/// Central differences, one array for each axis. UserError where an axis has fewer than edge_order + 1 elements.
SKEIN_API std::vector<Array> gradient(const Array&, const GradientOptions& = {}, SKEIN_WHERE);
struct TrapezoidOptions {
  Array x = {};  // coordinates: a vector, or of y's shape
  double dx = 1;
  int axis = -1;
};
SKEIN_API Array trapezoid(const Array& y, const TrapezoidOptions& = {}, SKEIN_WHERE);

struct CovOptions {
  Array y = {};  // more variables
  bool rowvar = true;
  bool bias = false;
  std::optional<double> ddof = {};
  Array fweights = {}, aweights = {};  // of each observation
};
/// Each row a variable, each column an observation. UserError for more than two dimensions.
SKEIN_API Array cov(const Array&, const CovOptions& = {}, SKEIN_WHERE);
struct CorrcoefOptions {
  Array y = {};
  bool rowvar = true;
};
SKEIN_API Array corrcoef(const Array&, const CorrcoefOptions& = {}, SKEIN_WHERE);

// ---- counting ----

struct BincountOptions {
  Array weights = {};
  std::int64_t minlength = 0;
  std::int64_t length = -1;  // needed in a trace; greater values are dropped
};
/// How often 0, 1, ... come (the sums of their weights). int32; negative values count as 0. UserError unless integers.
SKEIN_API Array bincount(const Array&, const BincountOptions& = {}, SKEIN_WHERE);
struct HistogramOptions {
  Array bins = 10;  // a number, or a vector of increasing edges
  std::optional<std::pair<double, double>> range = {};
  Array weights = {};
  bool density = false;
};
/// {counts, edges}: counts are int32, of the weights' dtype, or floating if a density.
SKEIN_API std::pair<Array, Array> histogram(const Array&, const HistogramOptions& = {}, SKEIN_WHERE);
SKEIN_API Array histogram_bin_edges(const Array&, const HistogramOptions& = {}, SKEIN_WHERE);
struct HistogramDdOptions {
  std::vector<Array> bins = {10};  // one for all dimensions, or one for each: a number or edges
  std::vector<std::pair<double, double>> range = {};
  Array weights = {};
  bool density = false;
};
struct Histogram2dResult {
  Array counts, x_edges, y_edges;
};
SKEIN_API Histogram2dResult histogram2d(const Array& x, const Array& y, const HistogramDdOptions& = {}, SKEIN_WHERE);
/// Of points [n,d]: {counts with d dimensions, the edges along each}; counts are floating.
SKEIN_API std::pair<Array, std::vector<Array>> histogramdd(const Array& points, const HistogramDdOptions& = {},
                                                           SKEIN_WHERE);
/// Slices of data (along its first dimension) that have the same id combined: {segments, data's other dimensions}. Ids
/// out of range are dropped. A segment of nothing is 0, 1, the least and the greatest value.
SKEIN_API Array segment_sum(const Array& data, const Array& ids, std::int64_t segments, SKEIN_WHERE);
SKEIN_API Array segment_prod(const Array& data, const Array& ids, std::int64_t segments, SKEIN_WHERE);
SKEIN_API Array segment_max(const Array& data, const Array& ids, std::int64_t segments, SKEIN_WHERE);
SKEIN_API Array segment_min(const Array& data, const Array& ids, std::int64_t segments, SKEIN_WHERE);

// ---- sorting and searching ----

struct PartitionOptions {
  AxisList axis = -1;  // none: the flattened array
};
/// Smaller elements than the k-th before it, the others behind it (here all are sorted).
SKEIN_API Array partition(const Array&, std::int64_t kth, const PartitionOptions& = {}, SKEIN_WHERE);
SKEIN_API Array argpartition(const Array&, std::int64_t kth, const PartitionOptions& = {}, SKEIN_WHERE);
struct LastAxisOptions {
  int axis = -1;
};
/// {values, int32 indices} of the k greatest, greatest first, NaN before all. UserError if there are fewer than k.
SKEIN_API std::pair<Array, Array> top_k(const Array&, std::int64_t k, LastAxisOptions = {}, SKEIN_WHERE);
/// The order that sorts by the last key, then by the one before it, and so on.
SKEIN_API Array lexsort(const std::vector<Array>& keys, LastAxisOptions = {}, SKEIN_WHERE);
struct SearchOptions {
  std::string_view side = "left";  // before equal elements, or "right": behind them
  Array sorter = {};               // the order that sorts a
};
/// Where each of the values goes in a sorted vector: int32. NaN counts as the greatest.
SKEIN_API Array searchsorted(const Array& sorted, const Array& values, const SearchOptions& = {}, SKEIN_WHERE);
/// The number of the bin of each element; bins increase or decrease.
SKEIN_API Array digitize(const Array&, const Array& bins, bool right = false, SKEIN_WHERE);
struct IsinOptions {
  bool invert = false;
};
/// Whether each element is among the test elements.
SKEIN_API Array isin(const Array&, const Array& test_elements, IsinOptions = {}, SKEIN_WHERE);

struct UniqueOptions {
  std::int64_t size = -1;  // needed in a trace
  Array fill_value = {};   // behind the values; the least of them
};
/// The sorted distinct elements of the flattened array; NaN comes once.
SKEIN_API Array unique(const Array&, const UniqueOptions& = {}, SKEIN_WHERE);
/// Of these, as in the array API's standard, each NaN is a value of its own.
SKEIN_API Array unique_values(const Array&, const UniqueOptions& = {}, SKEIN_WHERE);
struct UniqueAllResult {
  Array values;
  Array indices;          // where each value comes first, in the flattened array
  Array inverse_indices;  // of the array's shape: which value each element is
  Array counts;           // how often each value comes; 0 for what was filled in
};
SKEIN_API UniqueAllResult unique_all(const Array&, const UniqueOptions& = {}, SKEIN_WHERE);
struct UniqueCountsResult {
  Array values, counts;
};
SKEIN_API UniqueCountsResult unique_counts(const Array&, const UniqueOptions& = {}, SKEIN_WHERE);
struct UniqueInverseResult {
  Array values, inverse_indices;
};
SKEIN_API UniqueInverseResult unique_inverse(const Array&, const UniqueOptions& = {}, SKEIN_WHERE);

struct NonzeroOptions {
  std::int64_t size = -1;  // needed in a trace
  Array fill_value = 0;    // behind the indices
};
/// The int32 indices of what is not 0, row-major: one array for each dimension.
SKEIN_API std::vector<Array> nonzero(const Array&, const NonzeroOptions& = {}, SKEIN_WHERE);
/// The same in the flattened array.
SKEIN_API Array flatnonzero(const Array&, const NonzeroOptions& = {}, SKEIN_WHERE);
/// [size,rank]: a row for each.
SKEIN_API Array argwhere(const Array&, const NonzeroOptions& = {}, SKEIN_WHERE);
struct CompressOptions {
  AxisList axis = {};      // none: the flattened array
  std::int64_t size = -1;  // needed in a trace
  Array fill_value = 0;    // behind the slices
};
/// The slices of x where a vector's condition holds; NumPy's argument order. Missing conditions are false.
SKEIN_API Array compress(const Array& condition, const Array& x, const CompressOptions& = {}, SKEIN_WHERE);
/// compress of the flattened arrays.
SKEIN_API Array extract(const Array& condition, const Array& x, const NonzeroOptions& = {}, SKEIN_WHERE);

/// The element of x at an index along an axis, for each of the indices; all other dimensions broadcast. Negative ones
/// count from the end; out of range ones clamp.
SKEIN_API Array take_along_axis(const Array&, const Array& indices, LastAxisOptions = {}, SKEIN_WHERE);
/// The array with those elements replaced; out of range ones are dropped.
SKEIN_API Array put_along_axis(const Array&, const Array& indices, const Array& values, AxisOptions, SKEIN_WHERE);
/// Of the first condition that holds its choice, else the default.
SKEIN_API Array select(const std::vector<Array>& conditions, const std::vector<Array>& choices,
                       const Array& default_value = 0, SKEIN_WHERE);
struct ChooseOptions {
  std::string_view mode = "clip";  // or "wrap": what an index out of range does
};
SKEIN_API Array choose(const Array& indices, const std::vector<Array>& choices, ChooseOptions = {}, SKEIN_WHERE);

// ---- polynomials and signals ----

/// p[0] x^(n-1) + ... + p[n-1].
SKEIN_API Array polyval(const Array& p, const Array& x, SKEIN_WHERE);
struct InterpOptions {
  Array left = {}, right = {};  // the values outside; else the first and the last
  std::optional<double> period = {};
};
/// Piecewise linear through the points (xp, fp), xp increasing.
SKEIN_API Array interp(const Array& x, const Array& xp, const Array& fp, const InterpOptions& = {}, SKEIN_WHERE);
/// `mode`: "full", "same" or "valid". UserError unless both are vectors with elements.
SKEIN_API Array convolve(const Array&, const Array&, std::string_view mode = "full", SKEIN_WHERE);
/// Sums of a[k + i] conj(v[i]).
SKEIN_API Array correlate(const Array& a, const Array& v, std::string_view mode = "valid", SKEIN_WHERE);

// ---- linear algebra without factorisations ----

/// Sums of products over the last dimensions.
SKEIN_API Array inner(const Array&, const Array&, SKEIN_WHERE);
SKEIN_API Array kron(const Array&, const Array&, SKEIN_WHERE);
struct CrossOptions {
  int axisa = -1, axisb = -1, axisc = -1;
};
/// Of vectors of three elements. UserError for other lengths.
SKEIN_API Array cross(const Array&, const Array&, CrossOptions = {}, SKEIN_WHERE);
/// Products of matrices (the last two dimensions) and vectors (the last one); the others broadcast.
SKEIN_API Array matvec(const Array&, const Array&, SKEIN_WHERE);
SKEIN_API Array vecmat(const Array&, const Array&, SKEIN_WHERE);
/// Sums of conj(a) b along one axis.
SKEIN_API Array vecdot(const Array&, const Array&, LastAxisOptions = {}, SKEIN_WHERE);
/// Any number of operands, contracted in pairs: always the pair whose result has the fewest elements.
SKEIN_API Array einsum(std::string_view equation, const std::vector<Array>& operands, SKEIN_WHERE);

namespace linalg {
/// none: of a vector its length, of a matrix Frobenius'; a number (also infinite); "fro".
class NormOrder {
 public:
  NormOrder() = default;
  NormOrder(NoneType) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  NormOrder(T order) : number_(static_cast<double>(order)) {}
  NormOrder(const char* name) : name_(name) {}
  std::optional<double> number() const { return number_; }
  const std::string& name() const { return name_; }

 private:
  std::optional<double> number_;
  std::string name_;
};
struct NormOptions {
  NormOrder ord = {};
  AxisList axis = {};  // one: norms of vectors; two: of matrices; none: of all elements
  bool keepdims = false;
};
/// Vector norms of any order; matrix norms "fro", "nuc", 1, -1, 2, -2, inf, -inf.
SKEIN_API Array norm(const Array&, const NormOptions& = {}, SKEIN_WHERE);
struct VectorNormOptions {
  AxisList axis = {};
  bool keepdims = false;
  double ord = 2;
};
SKEIN_API Array vector_norm(const Array&, const VectorNormOptions& = {}, SKEIN_WHERE);
struct MatrixNormOptions {
  bool keepdims = false;
  NormOrder ord = "fro";
};
SKEIN_API Array matrix_norm(const Array&, const MatrixNormOptions& = {}, SKEIN_WHERE);
/// Square matrices to a whole power; a negative one is of the inverse.
SKEIN_API Array matrix_power(const Array&, std::int64_t power, SKEIN_WHERE);
}  // namespace linalg

// ---- templates ----

template <class Fn>
auto fromfunction(Fn&& fn, const Shape& shape, DType dtype, std::source_location at) {
  constexpr bool one = std::is_invocable_v<Fn&, Array>, two = std::is_invocable_v<Fn&, Array, Array>,
                 three = std::is_invocable_v<Fn&, Array, Array, Array>;
  constexpr std::size_t parameters = one ? 1 : two ? 2 : three ? 3 : 4;
  std::vector<Array> i = detail::function_indices(shape, parameters, dtype, at);
  if constexpr (one)
    return fn(i[0]);
  else if constexpr (two)
    return fn(i[0], i[1]);
  else if constexpr (three)
    return fn(i[0], i[1], i[2]);
  else
    return fn(i[0], i[1], i[2], i[3]);
}

}  // namespace skein
