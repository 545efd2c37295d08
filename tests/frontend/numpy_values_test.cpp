// The functions of skein/numpy.h against values from NumPy and SciPy: data/numpy.json, which data/make_numpy.py wrote.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>

namespace sk = skein;
using nlohmann::json;

namespace {

using Arrays = std::vector<sk::Array>;
using Run = std::function<Arrays(const Arrays&, const json&)>;

double number(const json& v) {
  if (v.is_string()) {
    auto word = v.get<std::string>();
    return word == "nan" ? NAN : word == "inf" ? INFINITY : -INFINITY;
  }
  return v.is_boolean() ? static_cast<double>(v.get<bool>()) : v.get<double>();
}
sk::Shape shape_of(const json& list) { return sk::Shape(list.get<std::vector<std::int64_t>>()); }
std::vector<double> numbers_of(const json& data) {
  std::vector<double> numbers;
  for (const json& v : data) numbers.push_back(number(v));
  return numbers;
}
sk::Array array_of(const json& value) {
  return sk::astype(sk::from_data(numbers_of(value["data"]), shape_of(value["shape"])),
                    *sk::dtype_from_name(value["dtype"].get<std::string>()));
}
sk::AxisList axis_of(const json& o) {
  if (!o.contains("axis") || o["axis"].is_null()) return {};
  if (o["axis"].is_array()) return sk::AxisList(o["axis"].get<std::vector<std::int64_t>>());
  return sk::AxisList(o["axis"].get<std::int64_t>());
}
int one_axis(const json& o, int otherwise) { return o.value("axis", otherwise); }
std::vector<std::int64_t> places_of(const json& o) { return o["places"].get<std::vector<std::int64_t>>(); }
sk::linalg::NormOrder order_of(const json& o) {
  if (o["ord"].is_null()) return sk::none;
  if (o["ord"].is_string() && o["ord"].get<std::string>() == "fro") return "fro";
  return number(o["ord"]);
}
std::optional<std::pair<double, double>> range_of(const json& o) {
  if (!o.contains("range")) return {};
  return std::pair(o["range"][0].get<double>(), o["range"][1].get<double>());
}
std::vector<sk::Array> bins_of(const json& o) {
  std::vector<sk::Array> bins;
  for (const json& v : o["bins"]) bins.push_back(sk::Array(v.get<int>()));
  return bins;
}

// clang-format off
#define CALL(name, ...) {#name, [](const Arrays& a, const json& o) { (void)o; return Arrays{__VA_ARGS__}; }}
#define ONE(name) CALL(name, sk::name(a[0]))
#define TWO(name) CALL(name, sk::name(a[0], a[1]))
#define LIST(name) CALL(name, sk::name(a))
#define NN(name) CALL(name, sk::nn::name(a[0]))
#define REDUCE(name) CALL(name, sk::name(a[0], {.axis = axis_of(o)}))
#define KEPT(name) CALL(name, sk::name(a[0], {.axis = axis_of(o), .keepdims = o.value("keepdims", false)}))
#define QUANTILE(name) CALL(name, sk::name(a[0], a[1], quantile_of(o)))
#define MODE(name) CALL(name, sk::name(a[0], a[1], o["mode"].get<std::string>()))
#define DIAGONAL(name) CALL(name, sk::name(a[0], diagonal_of(o)))
#define SEGMENT(name) CALL(name, sk::name(a[0], a[1], o["segments"].get<int>()))
#define BAND(name) CALL(name, sk::name(a[0], o["k"].get<int>()))
// clang-format on

sk::QuantileOptions quantile_of(const json& o) {
  // The options keep a view of the method's name.
  return {.axis = axis_of(o),
          .method = o["method"].get_ref<const std::string&>(),
          .keepdims = o["keepdims"].get<bool>()};
}
sk::DiagonalOptions diagonal_of(const json& o) {
  return {.offset = o["offset"].get<std::int64_t>(), .axis1 = o["axis1"].get<int>(), .axis2 = o["axis2"].get<int>()};
}

/// How each call of the file is spelled.
const std::map<std::string, Run>& calls() {
  // clang-format off
  static const std::map<std::string, Run> table{
      ONE(rint), ONE(fix), ONE(signbit), ONE(sinc), ONE(fabs), ONE(isposinf), ONE(isneginf), ONE(expit), ONE(logit),
      ONE(entr), ONE(i0), ONE(i1), ONE(i0e), ONE(i1e), ONE(gammaln), ONE(atleast_1d), ONE(atleast_2d),
      ONE(atleast_3d), ONE(fliplr), ONE(flipud), ONE(corrcoef), TWO(heaviside), TWO(fmax), TWO(fmin),
      TWO(logaddexp2), TWO(float_power), TWO(gcd), TWO(lcm), TWO(xlogy), TWO(xlog1py), TWO(betaln), TWO(ldexp),
      TWO(allclose), TWO(array_equal), TWO(inner), TWO(kron), TWO(matvec), TWO(vecmat), TWO(vecdot), TWO(polyval),
      TWO(extract), LIST(vstack), LIST(hstack), LIST(dstack), LIST(column_stack), LIST(lexsort), KEPT(ptp),
      KEPT(median), KEPT(nanmedian), REDUCE(nansum), REDUCE(nanprod), REDUCE(nanmean), REDUCE(nanvar),
      REDUCE(nanstd), REDUCE(nanmax), REDUCE(nanmin), REDUCE(nanargmax), REDUCE(nanargmin), REDUCE(cumsum),
      REDUCE(cumprod), REDUCE(cummax), REDUCE(cummin), REDUCE(nancumsum), REDUCE(logcumsumexp), QUANTILE(quantile),
      QUANTILE(nanquantile), QUANTILE(percentile), MODE(convolve), MODE(correlate), NN(silu), NN(elu), NN(softplus),
      DIAGONAL(diagonal), DIAGONAL(trace), SEGMENT(segment_sum), SEGMENT(segment_prod), SEGMENT(segment_max),
      SEGMENT(segment_min), BAND(tril), BAND(triu), BAND(diag),
      {"divmod",
       [](const Arrays& a, const json&) {
         auto [q, r] = sk::divmod(a[0], a[1]);
         return Arrays{q, r};
       }},
      {"modf",
       [](const Arrays& a, const json&) {
         auto [part, whole] = sk::modf(a[0]);
         return Arrays{part, whole};
       }},
      {"round", [](const Arrays& a, const json& o) { return Arrays{sk::round(a[0], o["decimals"].get<int>())}; }},
      {"angle", [](const Arrays& a, const json& o) { return Arrays{sk::angle(a[0], o.value("deg", false))}; }},
      {"nan_to_num",
       [](const Arrays& a, const json& o) {
         if (o.empty()) return Arrays{sk::nan_to_num(a[0])};
         return Arrays{sk::nan_to_num(
             a[0], {.nan = number(o["nan"]), .posinf = number(o["posinf"]), .neginf = number(o["neginf"])})};
       }},
      {"unwrap",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::unwrap(a[0], {.axis = one_axis(o, -1), .period = o.value("period", 2 * M_PI)})};
       }},
      {"isclose",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::isclose(a[0], a[1], {.equal_nan = o.value("equal_nan", false)})};
       }},
      {"logsumexp",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::logsumexp(
             a[0],
             {.axis = axis_of(o), .keepdims = o.value("keepdims", false), .b = a.size() > 1 ? a[1] : sk::Array()})};
       }},
      {"softmax", [](const Arrays& a, const json& o) { return Arrays{sk::nn::softmax(a[0], {.axis = axis_of(o)})}; }},
      {"log_softmax",
       [](const Arrays& a, const json& o) { return Arrays{sk::nn::log_softmax(a[0], {.axis = axis_of(o)})}; }},
      {"gelu", [](const Arrays& a,
                  const json& o) { return Arrays{sk::nn::gelu(a[0], {.approximate = o["approximate"].get<bool>()})}; }},
      {"one_hot",
       [](const Arrays& a, const json& o) { return Arrays{sk::nn::one_hot(a[0], o["classes"].get<int>())}; }},
      {"eye",
       [](const Arrays&, const json& o) {
         return Arrays{sk::eye(o["rows"].get<int>(), o["columns"].get<int>(), o["k"].get<int>())};
       }},
      {"tri",
       [](const Arrays&, const json& o) {
         return Arrays{sk::tri(o["rows"].get<int>(), o["columns"].get<std::int64_t>(), o["k"].get<int>())};
       }},
      {"logspace",
       [](const Arrays&, const json& o) {
         return Arrays{sk::logspace(number(o["start"]), number(o["stop"]), o["count"].get<int>())};
       }},
      {"geomspace",
       [](const Arrays&, const json& o) {
         return Arrays{sk::geomspace(number(o["start"]), number(o["stop"]), o["count"].get<int>())};
       }},
      {"meshgrid",
       [](const Arrays& a, const json& o) {
         auto indexing = o["indexing"].get<std::string>();
         return sk::meshgrid(a, {.indexing = indexing, .sparse = o["sparse"].get<bool>()});
       }},
      {"indices", [](const Arrays&, const json& o) { return Arrays{sk::indices(shape_of(o["shape"]))}; }},
      {"vander",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::vander(a[0], o["columns"].get<std::int64_t>(), o["increasing"].get<bool>())};
       }},
      {"rot90",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::rot90(a[0], o["k"].get<int>(), {o["a"].get<int>(), o["b"].get<int>()})};
       }},
      {"resize", [](const Arrays& a, const json& o) { return Arrays{sk::resize(a[0], shape_of(o["shape"]))}; }},
      {"rollaxis",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::rollaxis(a[0], o["axis"].get<int>(), o["start"].get<int>())};
       }},
      {"pad",
       [](const Arrays& a, const json& o) {
         std::vector<std::pair<std::int64_t, std::int64_t>> widths;
         for (const json& w : o["widths"]) widths.emplace_back(w[0].get<std::int64_t>(), w[1].get<std::int64_t>());
         auto mode = o["mode"].get<std::string>();
         return Arrays{sk::pad(a[0], widths, mode)};
       }},
      {"append", [](const Arrays& a, const json& o) { return Arrays{sk::append(a[0], a[1], {.axis = axis_of(o)})}; }},
      {"insert",
       [](const Arrays& a, const json& o) {
         if (o["places"].is_array()) return Arrays{sk::insert(a[0], places_of(o), a[1], {.axis = axis_of(o)})};
         return Arrays{sk::insert(a[0], o["places"].get<std::int64_t>(), a[1], {.axis = axis_of(o)})};
       }},
      {"delete_",
       [](const Arrays& a, const json& o) {
         if (o["places"].is_array()) return Arrays{sk::delete_(a[0], places_of(o), {.axis = axis_of(o)})};
         return Arrays{sk::delete_(a[0], o["places"].get<std::int64_t>(), {.axis = axis_of(o)})};
       }},
      {"array_split",
       [](const Arrays& a, const json& o) { return sk::array_split(a[0], o["parts"].get<std::int64_t>()); }},
      {"split", [](const Arrays& a, const json& o) { return sk::split(a[0], places_of(o)); }},
      {"average",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::average(a[0], {.axis = axis_of(o), .weights = a.size() > 1 ? a[1] : sk::Array()})};
       }},
      {"cumulative_sum",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::cumulative_sum(a[0], {.axis = axis_of(o), .include_initial = true})};
       }},
      {"cumulative_prod",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::cumulative_prod(a[0], {.axis = axis_of(o), .include_initial = true})};
       }},
      {"diff",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::diff(a[0], {.n = o["n"].get<std::int64_t>(),
                                       .axis = one_axis(o, -1),
                                       .prepend = a.size() > 1 ? a[1] : sk::Array(),
                                       .append = a.size() > 2 ? a[2] : sk::Array()})};
       }},
      {"ediff1d",
       [](const Arrays& a, const json&) { return Arrays{sk::ediff1d(a[0], {.to_end = a[1], .to_begin = a[2]})}; }},
      {"gradient",
       [](const Arrays& a, const json& o) {
         return sk::gradient(
             a[0],
             {.axis = axis_of(o), .spacing = Arrays(a.begin() + 1, a.end()), .edge_order = o["edge_order"].get<int>()});
       }},
      {"trapezoid",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::trapezoid(
             a[0], {.x = a.size() > 1 ? a[1] : sk::Array(), .dx = number(o["dx"]), .axis = one_axis(o, -1)})};
       }},
      {"cov",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::cov(a[0], {.y = a.size() > 1 ? a[1] : sk::Array(),
                                      .rowvar = o.value("rowvar", true),
                                      .bias = o.value("bias", false)})};
       }},
      {"cov_weighted",
       [](const Arrays& a, const json&) { return Arrays{sk::cov(a[0], {.fweights = a[1], .aweights = a[2]})}; }},
      {"bincount",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::bincount(
             a[0], {.weights = a.size() > 1 ? a[1] : sk::Array(), .length = o["length"].get<std::int64_t>()})};
       }},
      {"histogram",
       [](const Arrays& a, const json& o) {
         auto [counts, edges] = sk::histogram(
             a[0], {.bins = o["bins"].get<int>(), .range = range_of(o), .density = o["density"].get<bool>()});
         return Arrays{counts, edges};
       }},
      {"histogram_edges",
       [](const Arrays& a, const json&) { return Arrays{sk::histogram(a[0], {.bins = a[1]}).first}; }},
      {"histogramdd",
       [](const Arrays& a, const json& o) {
         auto [counts, edges] = sk::histogramdd(a[0], {.bins = bins_of(o), .density = o["density"].get<bool>()});
         Arrays results{counts};
         results.insert(results.end(), edges.begin(), edges.end());
         return results;
       }},
      {"searchsorted",
       [](const Arrays& a, const json& o) {
         auto side = o["side"].get<std::string>();
         return Arrays{sk::searchsorted(a[0], a[1], {.side = side})};
       }},
      {"digitize",
       [](const Arrays& a, const json& o) { return Arrays{sk::digitize(a[0], a[1], o["right"].get<bool>())}; }},
      {"isin", [](const Arrays& a,
                  const json& o) { return Arrays{sk::isin(a[0], a[1], {.invert = o["invert"].get<bool>()})}; }},
      {"top_k",
       [](const Arrays& a, const json& o) {
         auto [values, indices] = sk::top_k(a[0], o["k"].get<std::int64_t>(), {.axis = one_axis(o, -1)});
         return Arrays{values, indices};
       }},
      {"take_along_axis",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::take_along_axis(a[0], a[1], {.axis = one_axis(o, -1)})};
       }},
      {"put_along_axis",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::put_along_axis(a[0], a[1], sk::broadcast_to(a[2], a[1].shape()), {.axis = one_axis(o, -1)})};
       }},
      {"unique_all",
       [](const Arrays& a, const json&) {
         auto u = sk::unique_all(a[0]);
         return Arrays{u.values, u.indices, u.inverse_indices, u.counts};
       }},
      ONE(unique),
      {"nonzero", [](const Arrays& a, const json&) { return sk::nonzero(a[0]); }},
      ONE(argwhere),
      {"flatnonzero",
       [](const Arrays& a, const json& o) {
         return Arrays{
             sk::flatnonzero(a[0], {.size = o["size"].get<std::int64_t>(), .fill_value = o["fill"].get<int>()})};
       }},
      {"compress",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::compress(a[0], a[1], {.axis = axis_of(o), .size = o["size"].get<std::int64_t>()})};
       }},
      {"select",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::select({a[0], a[1]}, {a[2], a[3]}, o["default"].get<int>())};
       }},
      {"choose",
       [](const Arrays& a, const json& o) {
         auto mode = o["mode"].get<std::string>();
         return Arrays{sk::choose(a[0], Arrays(a.begin() + 1, a.end()), {.mode = mode})};
       }},
      {"interp",
       [](const Arrays& a, const json& o) {
         sk::InterpOptions options;
         if (o.contains("left")) options.left = number(o["left"]), options.right = number(o["right"]);
         if (o.contains("period")) options.period = number(o["period"]);
         return Arrays{sk::interp(a[0], a[1], a[2], options)};
       }},
      {"cross",
       [](const Arrays& a, const json& o) {
         return Arrays{
             sk::cross(a[0], a[1],
                       {.axisa = o.value("axisa", -1), .axisb = o.value("axisb", -1), .axisc = o.value("axisc", -1)})};
       }},
      {"einsum",
       [](const Arrays& a, const json& o) { return Arrays{sk::einsum(o["equation"].get<std::string>(), a)}; }},
      {"norm",
       [](const Arrays& a, const json& o) {
         return Arrays{
             sk::linalg::norm(a[0], {.ord = order_of(o), .axis = axis_of(o), .keepdims = o["keepdims"].get<bool>()})};
       }},
      {"vector_norm",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::linalg::vector_norm(a[0], {.axis = axis_of(o), .ord = number(o["ord"])})};
       }},
      {"matrix_norm", [](const Arrays& a, const json&) { return Arrays{sk::linalg::matrix_norm(a[0])}; }},
      {"matrix_power",
       [](const Arrays& a, const json& o) {
         return Arrays{sk::linalg::matrix_power(a[0], o["power"].get<std::int64_t>())};
       }},
  };
  // clang-format on
  return table;
}

void expect_values(const sk::Array& have, const json& want, double near) {
  ASSERT_EQ(have.shape(), shape_of(want["shape"]));
  EXPECT_EQ(sk::name(have.dtype()), want["dtype"].get<std::string>());
  auto values = sk::astype(have, sk::float64).to_vector<double>(), wanted = numbers_of(want["data"]);
  double largest = 0;
  for (double w : wanted)
    if (std::isfinite(w)) largest = std::max(largest, std::abs(w));
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (have.dtype() == sk::float32) wanted[i] = static_cast<float>(wanted[i]);  // written as short as a float32 can be
    bool same = values[i] == wanted[i] || (std::isnan(values[i]) && std::isnan(wanted[i])) ||
                std::abs(values[i] - wanted[i]) <= near * largest;
    EXPECT_TRUE(same) << "element " << i << " is " << values[i] << ", not " << wanted[i];
  }
}

TEST(NumpyValues, OfTheFile) {
  std::ifstream file(SKEIN_TEST_DATA "/numpy.json");
  const json cases = json::parse(file);
  ASSERT_GT(cases.size(), 500u);
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const json& test = cases[i];
    auto call = test["call"].get<std::string>();
    SCOPED_TRACE("case " + std::to_string(i) + ", " + call + " " + test["options"].dump());
    auto found = calls().find(call);
    ASSERT_NE(found, calls().end());
    Arrays arguments;
    for (const json& argument : test["args"]) arguments.push_back(array_of(argument));
    const json& wanted = test["results"];
    try {
      Arrays results = found->second(arguments, test["options"]);
      ASSERT_EQ(results.size(), wanted.size());
      for (std::size_t r = 0; r < results.size(); ++r) expect_values(results[r], wanted[r], test["near"].get<double>());
    } catch (const sk::Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(NumpyValues, TheSameInsideAProgram) {
  std::ifstream file(SKEIN_TEST_DATA "/numpy.json");
  const json cases = json::parse(file);
  std::map<std::string, int> seen;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const json& test = cases[i];
    auto call = test["call"].get<std::string>();
    // One of each, without those whose sizes depend on values there.
    if (seen[call]++ || test["options"].value("size", 0) == -1 || test["options"].value("length", 0) == -1) continue;
    if (call == "extract" || call == "argwhere" || call == "nonzero" || call == "compress") continue;
    SCOPED_TRACE("case " + std::to_string(i) + ", " + call + " " + test["options"].dump());
    Arrays arguments;
    for (const json& argument : test["args"]) arguments.push_back(array_of(argument));
    try {
      auto program = sk::jit([&](Arrays in) { return calls().at(call)(in, test["options"]); });
      Arrays results = program(arguments);
      const json& wanted = test["results"];
      ASSERT_EQ(results.size(), wanted.size());
      for (std::size_t r = 0; r < results.size(); ++r) expect_values(results[r], wanted[r], test["near"].get<double>());
    } catch (const sk::Error& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

}  // namespace
