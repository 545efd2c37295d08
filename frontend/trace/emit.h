#pragma once
// How the front end's functions build programs, without a word of MLIR. A public function reads:
//
//   Array sin(const Array& x, std::source_location where) {
//     Call call("sin", where);                                  // whose call it is: the outermost one wins
//     return staged("sin", {x}, {}, [](std::span<const Array> in) { return emit("sin", {in[0]}); });
//   }
//
// Inside a trace `staged` runs its builder at once; outside, it runs a compiled program that it keeps by the call's
// name, `key` and the operands' types. Within the builder all public functions may be used.

#include <skein/program.h>

#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace skein::detail {

/// The public function that the user called, for errors and for the locations of ops. Calls within calls keep the
/// outer.
using Call = PublicCall;
/// While it lives the user's own code runs: what that calls is the user's call again.
using UserCode = PublicUserCode;

const char* current_op();
std::source_location current_location();
/// Throws UserError with the current call's op and line.
[[noreturn]] void fail(const std::string& message);
/// Throws the error again, with the user's call where it names no place.
[[noreturn]] void rethrow_at_call(const RuntimeError&);

/// Whether the array stands for a value of a program being traced.
bool is_traced(const Array&);
/// Fails for an empty array and for a traced one whose trace has ended.
void check_usable(const Array&);

/// Axes of a mesh in force with their sizes, for a collective's `axes`.
struct AxesValue {
  std::vector<std::string> names;
  std::vector<std::int64_t> sizes;
};
using Groups = std::vector<std::vector<std::int64_t>>;
using Specs = std::vector<PartitionSpec>;  // resolved
using AttributeValue =
    std::variant<bool, std::int64_t, std::vector<std::int64_t>, DType, std::string, AxesValue, Groups, Specs>;
struct Attribute {
  const char* name;
  AttributeValue value;
};

/// Appends one op ("add", not "skein.add") to the program being traced. Operands may be concrete. The results are
/// strong.
std::vector<Array> emit_all(const char* op, std::span<const Array> operands, std::vector<Attribute> attributes = {});
/// The same of an op with one result.
Array emit(const char* op, std::initializer_list<Array> operands, std::vector<Attribute> attributes = {});
/// A constant of that shape with one value everywhere.
Array emit_splat(const Shape&, const Array& scalar_value, DType);
Array emit_iota(const Shape&, DType, std::int64_t dim);

/// What a call's eager program depends on beside its operands' types.
class Key {
 public:
  Key() = default;
  template <class... T>
  explicit Key(const T&... parts) {
    (add(parts), ...);
  }
  Key& add(std::int64_t);
  Key& add(int v) { return add(static_cast<std::int64_t>(v)); }
  Key& add(bool v) { return add(static_cast<std::int64_t>(v)); }
  Key& add(double);
  Key& add(DType v) { return add(static_cast<std::int64_t>(v)); }
  Key& add(std::string_view);
  Key& add(const char* v) { return add(std::string_view(v)); }
  Key& add(std::span<const std::int64_t>);
  Key& add(const Shape& s) { return add(std::span<const std::int64_t>(s)); }
  Key& add(const std::vector<std::int64_t>& v) { return add(std::span<const std::int64_t>(v)); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

using Builder = std::function<std::vector<Array>(std::span<const Array>)>;
/// Runs the builder in the trace, or the program that it makes, cached. `name` is a string literal: with `key` and the
/// operands' types it determines the program.
std::vector<Array> staged_all(const char* name, std::span<const Array> operands, const Key& key, const Builder& build);
/// The same of one result, named after the current call.
template <class Build>
Array staged(const char* name, std::initializer_list<Array> operands, const Key& key, Build&& build) {
  if (tracing()) return build(std::span<const Array>(operands.begin(), operands.size()));
  return staged_all(name, {operands.begin(), operands.size()}, key,
                    [&](std::span<const Array> in) { return std::vector<Array>{build(in)}; })[0];
}

/// The array with another weakness; shares the value.
Array with_weak(Array, bool weak);
/// The operands in the dtype that they join in; a weak C++ scalar is converted exactly. Gives that dtype and weakness.
std::pair<DType, bool> promote_all(std::vector<Array>& operands);
/// The value in that dtype (a C++ scalar exactly); inside a trace one op, or none.
Array cast(const Array&, DType);
/// The shape to which all broadcast; fails naming the types.
Shape broadcast_shapes(std::span<const Array> operands);
/// Normalised axis (negative from the end); fails naming the array's type.
std::int64_t normal_axis(std::int64_t axis, std::int64_t rank, const Array& of);
/// float32[2,3]{V:x}, as type_of prints it.
std::string describe(const Array&);
/// The C++ number that the array was made of, if it is a concrete scalar.
std::optional<double> known_number(const Array&);

}  // namespace skein::detail
