// Contractions, all of them dot_general, and sorting.
#include "frontend/lib/operands.h"
#include "frontend/trace/impl.h"

#include <algorithm>
#include <numeric>

namespace skein {

using namespace detail;
using Where = std::source_location;
using In = std::span<const Array>;
using List = std::vector<std::int64_t>;

namespace {

/// Half precision accumulates in float32, bool counts as int32.
Array dot_general(const Array& a, const Array& b, const List& batch_a, const List& batch_b, const List& contract_a,
                  const List& contract_b) {
  DType dtype = a.dtype();
  DType work = dtype == float16 || dtype == bfloat16 ? float32 : is_bool(dtype) ? int32 : dtype;
  Array result = emit(
      "dot_general", {cast(a, work), cast(b, work)},
      {{"lhs_batch", batch_a}, {"rhs_batch", batch_b}, {"lhs_contract", contract_a}, {"rhs_contract", contract_b}});
  return cast(result, dtype);
}

List range(std::int64_t first, std::int64_t count) {
  List list(static_cast<std::size_t>(count));
  std::iota(list.begin(), list.end(), first);
  return list;
}

template <class Build>
Array contraction(const char* name, const Array& a, const Array& b, const Key& key, Build&& build) {
  Joined joined = join_operands({a, b});
  Key all = key;
  all.add(joined.dtype).add(joined.weak);
  return staged_all(name, joined.operands, all, [&](In in) {
    return std::vector<Array>{with_weak(build(cast(in[0], joined.dtype), cast(in[1], joined.dtype)), joined.weak)};
  })[0];
}

void check_sizes(const Array& a, std::int64_t dim_a, const Array& b, std::int64_t dim_b) {
  std::int64_t size_a = a.shape()[static_cast<std::size_t>(dim_a)], size_b = b.shape()[static_cast<std::size_t>(dim_b)];
  if (size_a != size_b)
    fail("sizes do not match: dimension " + std::to_string(dim_a) + " of " + describe(a) + " is " +
         std::to_string(size_a) + ", dimension " + std::to_string(dim_b) + " of " + describe(b) + " is " +
         std::to_string(size_b));
}

}  // namespace

Array matmul(const Array& a, const Array& b, Where at) {
  Call call("matmul", at);
  std::int64_t rank_a = static_cast<std::int64_t>(impl_of(a)->shape.size()),
               rank_b = static_cast<std::int64_t>(impl_of(b)->shape.size());
  if (!rank_a || !rank_b)
    fail("wants arrays of one dimension or more, not " + describe(a) + " and " + describe(b) +
         "; multiply by a scalar with *");
  std::int64_t dim_b = rank_b == 1 ? 0 : rank_b - 2;
  check_sizes(a, rank_a - 1, b, dim_b);
  return contraction("matmul", a, b, {}, [&](Array x, Array y) {
    std::int64_t batch_a = std::max<std::int64_t>(rank_a - 2, 0), batch_b = std::max<std::int64_t>(rank_b - 2, 0);
    if (batch_b == 0)
      return dot_general(x, y, {}, {}, {rank_a - 1}, {dim_b});  // also a batch of matrices by one matrix
    Shape shape_a = x.shape(), shape_b = y.shape();
    Shape lead_a(shape_a.begin(), shape_a.begin() + batch_a), lead_b(shape_b.begin(), shape_b.begin() + batch_b),
        lead = lead_a;
    while (lead.size() < lead_b.size()) lead.insert(0, 1);
    for (std::size_t i = 0; i < lead_b.size(); ++i) {
      std::int64_t& size = lead[lead.size() - lead_b.size() + i];
      if (size == 1)
        size = lead_b[i];
      else if (lead_b[i] != 1 && lead_b[i] != size)
        fail("the leading dimensions of " + describe(a) + " and " + describe(b) + " do not broadcast");
    }
    auto widen = [&](const Array& v, std::int64_t batch) {
      Shape shape = lead;
      for (std::size_t i = static_cast<std::size_t>(batch); i < v.shape().size(); ++i) shape.push_back(v.shape()[i]);
      return expand(v, shape);
    };
    std::int64_t batch = static_cast<std::int64_t>(lead.size());
    if (rank_a == 1) {
      // A row by a batch of matrices: every matrix meets the same row.
      Array result = dot_general(widen(y, batch_b), x, {}, {}, {batch}, {0});
      return result;
    }
    x = widen(x, batch_a), y = widen(y, batch_b);
    return dot_general(x, y, range(0, batch), range(0, batch), {batch + 1}, {batch});
  });
}

Array tensordot(const Array& a, const Array& b, const AxisList& axes_a, const AxisList& axes_b, Where at) {
  Call call("tensordot", at);
  List dims_a, dims_b;
  for (std::int64_t axis : axes_a.axes())
    dims_a.push_back(normal_axis(axis, static_cast<std::int64_t>(impl_of(a)->shape.size()), a));
  for (std::int64_t axis : axes_b.axes())
    dims_b.push_back(normal_axis(axis, static_cast<std::int64_t>(impl_of(b)->shape.size()), b));
  if (dims_a.size() != dims_b.size())
    fail("as many axes of one array as of the other are contracted; here are " + std::to_string(dims_a.size()) +
         " and " + std::to_string(dims_b.size()));
  for (std::size_t i = 0; i < dims_a.size(); ++i) check_sizes(a, dims_a[i], b, dims_b[i]);
  return contraction("tensordot", a, b, Key(dims_a, dims_b),
                     [&](const Array& x, const Array& y) { return dot_general(x, y, {}, {}, dims_a, dims_b); });
}

Array tensordot(const Array& a, const Array& b, int axes, Where at) {
  Call call("tensordot", at);
  std::int64_t rank_a = static_cast<std::int64_t>(impl_of(a)->shape.size()),
               rank_b = static_cast<std::int64_t>(impl_of(b)->shape.size());
  if (axes < 0 || axes > rank_a || axes > rank_b)
    fail(std::to_string(axes) + " dimensions cannot be contracted of " + describe(a) + " and " + describe(b));
  return tensordot(a, b, AxisList(range(rank_a - axes, axes)), AxisList(range(0, axes)));
}

Array dot(const Array& a, const Array& b, Where at) {
  Call call("dot", at);
  std::int64_t rank_a = static_cast<std::int64_t>(impl_of(a)->shape.size()),
               rank_b = static_cast<std::int64_t>(impl_of(b)->shape.size());
  if (!rank_a || !rank_b) return a * b;
  return tensordot(a, b, AxisList(rank_a - 1), AxisList(rank_b == 1 ? 0 : rank_b - 2));
}
Array vdot(const Array& a, const Array& b, Where at) {
  Call call("vdot", at);
  return dot(ravel(conj(a)), ravel(b));
}
Array outer(const Array& a, const Array& b, Where at) {
  Call call("outer", at);
  return ravel(a).size() ? expand_dims(ravel(a), 1) * expand_dims(ravel(b), 0) : zeros({0, b.size()}, a.dtype());
}

// ---- einsum ----

namespace {

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
};

Equation parse(std::string_view text, std::size_t operands) {
  Equation equation;
  std::string clean;
  for (char c : text)
    if (c != ' ') clean += c;
  std::size_t arrow = clean.find("->");
  std::string left = clean.substr(0, arrow);
  for (std::size_t start = 0;;) {
    std::size_t comma = left.find(',', start);
    equation.inputs.push_back(left.substr(start, comma - start));
    if (comma == std::string::npos) break;
    start = comma + 1;
  }
  if (equation.inputs.size() != operands)
    fail("\"" + std::string(text) + "\" names " + std::to_string(equation.inputs.size()) + " operands, " +
         std::to_string(operands) + " are given");
  std::string all;
  for (const std::string& input : equation.inputs) all += input;
  for (char c : all)
    if (!std::isalpha(static_cast<unsigned char>(c)))
      fail("\"" + std::string(text) + "\": dimensions are letters; '" + c + "' is none");
  if (arrow != std::string::npos) {
    equation.output = clean.substr(arrow + 2);
    for (char c : equation.output)
      if (all.find(c) == std::string::npos || std::count(equation.output.begin(), equation.output.end(), c) > 1)
        fail("\"" + std::string(text) + "\": each letter of the result comes once there, and in an operand; '" + c +
             "' does not");
  } else {
    std::sort(all.begin(), all.end());
    for (char c : all)
      if (std::count(all.begin(), all.end(), c) == 1) equation.output += c;
  }
  return equation;
}

void check_letters(const std::string& letters, const Array& x) {
  if (letters.size() != impl_of(x)->shape.size())
    fail("\"" + letters + "\" names " + std::to_string(letters.size()) + " dimensions, " + describe(x) + " has " +
         std::to_string(x.ndim()));
}

/// Letters that come twice become one (the diagonal), and those in neither `others` are summed away.
Array simplify(Array x, std::string& letters, const std::string& others) {
  for (std::size_t i = 0; i < letters.size(); ++i) {
    std::size_t j = letters.find(letters[i], i + 1);
    if (j == std::string::npos) continue;
    Shape shape = x.shape();
    if (shape[i] != shape[j]) fail(std::string("'") + letters[i] + "' stands for two sizes of " + describe(x));
    Array same = emit("eq", {emit_iota(shape, int32, static_cast<std::int64_t>(i)),
                             emit_iota(shape, int32, static_cast<std::int64_t>(j))});
    x = sum(where(same, x, cast(Array(0), x.dtype())), {.axis = static_cast<std::int64_t>(j), .dtype = x.dtype()});
    letters.erase(j, 1);
    --i;
  }
  List gone;
  std::string kept;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    if (others.find(letters[i]) == std::string::npos)
      gone.push_back(static_cast<std::int64_t>(i));
    else
      kept += letters[i];
  }
  if (!gone.empty()) x = sum(x, {.axis = gone, .dtype = x.dtype()});
  letters = kept;
  return x;
}

Array ordered(const Array& x, const std::string& have, const std::string& want) {
  List order;
  for (char c : want) order.push_back(static_cast<std::int64_t>(have.find(c)));
  return transpose(x, order);
}

}  // namespace

Array einsum(std::string_view text, const Array& a, Where at) {
  Call call("einsum", at);
  Equation equation = parse(text, 1);
  check_letters(equation.inputs[0], a);
  return staged("einsum", {a}, Key(text), [&](In in) {
    std::string letters = equation.inputs[0];
    Array x = simplify(in[0], letters, equation.output);
    return with_weak(ordered(x, letters, equation.output), in[0].weak());
  });
}

Array einsum(std::string_view text, const Array& a, const Array& b, Where at) {
  Call call("einsum", at);
  Equation equation = parse(text, 2);
  check_letters(equation.inputs[0], a);
  check_letters(equation.inputs[1], b);
  return contraction("einsum", a, b, Key(text), [&](Array x, Array y) {
    std::string left = equation.inputs[0], right = equation.inputs[1];
    x = simplify(x, left, equation.output + equation.inputs[1]);
    y = simplify(y, right, equation.output + equation.inputs[0]);
    std::string batch, both, have;
    List batch_x, batch_y, dims_x, dims_y;
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::size_t j = right.find(left[i]);
      if (j == std::string::npos) continue;
      check_sizes(x, static_cast<std::int64_t>(i), y, static_cast<std::int64_t>(j));
      bool kept = equation.output.find(left[i]) != std::string::npos;
      (kept ? batch_x : dims_x).push_back(static_cast<std::int64_t>(i));
      (kept ? batch_y : dims_y).push_back(static_cast<std::int64_t>(j));
      (kept ? batch : both) += left[i];
    }
    have = batch;
    for (const std::string* letters : {&left, &right})
      for (char c : *letters)
        if ((batch + both).find(c) == std::string::npos) have += c;
    return ordered(dot_general(x, y, batch_x, batch_y, dims_x, dims_y), have, equation.output);
  });
}

// ---- sorting ----

Array sort(const Array& x, SortOptions o, Where at) {
  Call call("sort", at);
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(x)->shape.size()), x);
  return staged("sort", {x}, Key(axis, o.descending), [&](In in) {
    Array result = emit("sort", {in[0]}, {{"dim", axis}});
    return with_weak(o.descending ? emit("reverse", {result}, {{"dims", List{axis}}}) : result, in[0].weak());
  });
}

Array argsort(const Array& x, SortOptions o, Where at) {
  Call call("argsort", at);
  std::int64_t axis = normal_axis(o.axis, static_cast<std::int64_t>(impl_of(x)->shape.size()), x);
  return staged("argsort", {x}, Key(axis, o.descending), [&](In in) {
    const Shape& shape = in[0].shape();
    Array places = emit_iota(shape, shape[static_cast<std::size_t>(axis)] > INT32_MAX ? int64 : int32, axis);
    // Descending and stable: the array is read backwards, sorted, and read backwards again.
    List dims{axis};
    Array keys = in[0];
    if (o.descending)
      keys = emit("reverse", {keys}, {{"dims", dims}}), places = emit("reverse", {places}, {{"dims", dims}});
    Array operands[] = {keys, places};
    Array result = emit_all("sort", operands, {{"dim", axis}})[1];
    return o.descending ? emit("reverse", {result}, {{"dims", dims}}) : result;
  });
}

}  // namespace skein
