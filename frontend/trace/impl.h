#pragma once
// What an Array's handle points to. Without MLIR: a traced value is an opaque pointer here.

#include <skein/array.h>

#include <atomic>
#include <memory>

#include "runtime/buffer.h"

namespace skein::detail {

struct Frame;  // trace.h

/// A C++ number as it was given, so that it converts exactly to the dtype that it meets.
struct Literal {
  enum class Kind : std::uint8_t { none, boolean, signed_integer, unsigned_integer, real, complex };
  Kind kind = Kind::none;
  std::int64_t integer = 0;  // also the bits of an unsigned one, and of a bool
  double real = 0, imag = 0;
};

/// Writes the number in a dtype: integers wrap, real numbers truncate to integers, complex ones lose their imaginary
/// part.
void store(const Literal&, DType, void* destination);
double to_double(const Literal&);

struct ArrayImpl {
  enum class State : std::uint8_t { concrete, traced, donated };

  std::atomic<std::int32_t> references{1};
  State state = State::concrete;
  DType dtype = DType::float32;
  bool weak = false;
  Literal literal;  // of a scalar made of a C++ number
  Shape shape;

  // concrete: dense row-major elements, in `buffer`, or in `small` if there is none.
  // Of a program on a GPU: in `device`, and `data` is null until the host asks (stored_data).
  void* data = nullptr;
  runtime::Buffer buffer;
  runtime::Buffer device;  // the same elements in the first GPU's memory, where they have been there
  alignas(16) std::byte small[16] = {};
  std::shared_ptr<const NamedSharding> sharding;
  Shape stored;  // of an array that is split over processes (split.h): {blocks, block...} are here; else empty

  // traced
  void* value = nullptr;         // mlir::Value
  std::shared_ptr<Frame> frame;  // where it may be used

  std::int64_t bytes() const {
    return (stored.empty() ? shape : stored).volume() * static_cast<std::int64_t>(itemsize(dtype));
  }
};

/// A concrete array with memory for its elements, not initialised.
ArrayImpl* make_concrete(DType, const Shape&);
/// The same of an array that is split over processes, or of one that only says how it lies.
ArrayImpl* make_concrete(DType, const Shape&, std::shared_ptr<const NamedSharding>);
/// A concrete scalar that remembers its number.
Array make_literal(const Literal&, DType, bool weak);
/// A concrete array whose elements a GPU makes.
ArrayImpl* make_on_device(DType, const Shape&, std::shared_ptr<const NamedSharding>);
/// Makes `to` another handle of the elements of `from`.
void share_elements(ArrayImpl& to, const ArrayImpl& from);
/// The elements in the GPU's memory; brought there where they are not yet.
void* device_data(const Array&);
/// The impl of a non-empty array; fails otherwise.
ArrayImpl* impl_of(const Array&);
/// Fails with a UserError for a traced, donated or empty array; what is concrete may still be on a GPU alone.
ArrayImpl* check_concrete(const Array&);
/// The elements of a concrete array; fails with a UserError for a traced, donated or empty one, and for one that is
/// split over processes.
void* concrete_data(const Array&);
/// The same, and of one that is split what this process has.
void* stored_data(const Array&);

}  // namespace skein::detail
