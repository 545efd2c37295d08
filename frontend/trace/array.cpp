// The handle: counting, what an array is, reading it on the host.
#include "frontend/trace/emit.h"
#include "frontend/trace/impl.h"
#include "frontend/trace/split.h"

#include <skein/ops.h>

#include "runtime/cuda/gpu.h"
#include "runtime/device.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <mutex>
#include <ostream>

namespace skein {
namespace detail {

void retain(ArrayImpl* impl) noexcept { impl->references.fetch_add(1, std::memory_order_relaxed); }
void release(ArrayImpl* impl) noexcept {
  if (impl->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete impl;
}

// ---- numbers ----

static std::uint16_t to_bfloat16(double value) {
  auto f = static_cast<float>(value);
  std::uint32_t bits;
  std::memcpy(&bits, &f, 4);
  if (std::isnan(f)) return static_cast<std::uint16_t>((bits >> 16) | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static std::uint16_t to_float16(double value) {
  auto half = static_cast<_Float16>(value);
  std::uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

double to_double(const Literal& number) {
  switch (number.kind) {
    case Literal::Kind::real:
    case Literal::Kind::complex:
      return number.real;
    case Literal::Kind::unsigned_integer:
      return static_cast<double>(static_cast<std::uint64_t>(number.integer));
    default:
      return static_cast<double>(number.integer);
  }
}

void store(const Literal& number, DType dtype, void* destination) {
  auto put = [&](auto value) { std::memcpy(destination, &value, sizeof value); };
  bool fraction = number.kind == Literal::Kind::real || number.kind == Literal::Kind::complex;
  if (is_bool(dtype))
    return put(static_cast<std::uint8_t>(fraction ? number.real != 0 || number.imag != 0 : number.integer != 0));
  if (is_integer(dtype)) {
    std::int64_t integer = number.integer;
    if (fraction)
      integer = std::isnan(number.real) ? 0
                : number.real >= 0x1p63 ? static_cast<std::int64_t>(static_cast<std::uint64_t>(number.real))
                                        : static_cast<std::int64_t>(number.real);
    switch (itemsize(dtype)) {
      case 1:
        return put(static_cast<std::int8_t>(integer));
      case 2:
        return put(static_cast<std::int16_t>(integer));
      case 4:
        return put(static_cast<std::int32_t>(integer));
      default:
        return put(integer);
    }
  }
  double real = to_double(number);
  switch (dtype) {
    case DType::float16:
      return put(to_float16(real));
    case DType::bfloat16:
      return put(to_bfloat16(real));
    case DType::float32:
      return put(static_cast<float>(real));
    case DType::float64:
      return put(real);
    case DType::complex64:
      return put(std::complex<float>(static_cast<float>(real), static_cast<float>(number.imag)));
    default:
      return put(std::complex<double>(real, number.imag));
  }
}

static ArrayImpl* make_number(const Literal& number, DType dtype, bool weak) {
  auto* impl = new ArrayImpl;
  impl->dtype = dtype;
  impl->weak = weak && !is_bool(dtype);
  impl->literal = number;
  impl->data = impl->small;
  store(number, dtype, impl->small);
  return impl;
}
Array make_literal(const Literal& number, DType dtype, bool weak) { return Array(make_number(number, dtype, weak)); }

// A C++ integer is weakly int32 unless it does not fit.
ArrayImpl* make_scalar(std::int64_t value) {
  return make_number({Literal::Kind::signed_integer, value}, value == static_cast<std::int32_t>(value) ? int32 : int64,
                     true);
}
ArrayImpl* make_scalar(std::uint64_t value) {
  DType dtype = value <= INT32_MAX ? int32 : value <= INT64_MAX ? int64 : uint64;
  return make_number({Literal::Kind::unsigned_integer, static_cast<std::int64_t>(value)}, dtype, true);
}
ArrayImpl* make_scalar(double value) { return make_number({Literal::Kind::real, 0, value}, float32, true); }
ArrayImpl* make_scalar(std::complex<double> value) {
  return make_number({Literal::Kind::complex, 0, value.real(), value.imag()}, complex64, true);
}
ArrayImpl* make_scalar(bool value) { return make_number({Literal::Kind::boolean, value}, bool_, false); }

// ---- memory ----

static void check_size(DType dtype, const Shape& shape) {
  std::int64_t bytes = static_cast<std::int64_t>(itemsize(dtype));
  for (std::int64_t dim : shape)
    if (__builtin_mul_overflow(bytes, std::max<std::int64_t>(dim, 1), &bytes))
      throw RuntimeError("an array of shape " + to_string(shape) + " has more bytes than there are addresses",
                         current_op(), current_location());
}

ArrayImpl* make_concrete(DType dtype, const Shape& shape) { return make_concrete(dtype, shape, nullptr); }

ArrayImpl* make_concrete(DType dtype, const Shape& shape, std::shared_ptr<const NamedSharding> sharding) {
  Shape stored;
  if (sharding && is_split(*sharding)) stored = stored_shape(shape, *sharding);
  check_size(dtype, stored.empty() ? shape : stored);
  auto* impl = new ArrayImpl;
  impl->dtype = dtype;
  impl->shape = shape;
  impl->stored = std::move(stored);
  impl->sharding = std::move(sharding);
  std::int64_t bytes = impl->bytes();
  if (bytes <= static_cast<std::int64_t>(sizeof impl->small)) {
    impl->data = impl->small;
  } else {
    Array guard(impl);  // frees it should there be no memory
    try {
      impl->buffer = runtime::Buffer::allocate(static_cast<std::size_t>(bytes));
    } catch (const RuntimeError& error) {
      rethrow_at_call(error);
    }
    impl->data = impl->buffer.data();
    retain(impl);
  }
  return impl;
}

ArrayImpl* make_on_device(DType dtype, const Shape& shape, std::shared_ptr<const NamedSharding> sharding) {
  Shape stored;
  if (sharding && is_split(*sharding)) stored = stored_shape(shape, *sharding);
  check_size(dtype, stored.empty() ? shape : stored);
  auto* impl = new ArrayImpl;
  Array guard(impl);  // frees it should there be no memory
  impl->dtype = dtype, impl->shape = shape, impl->stored = std::move(stored), impl->sharding = std::move(sharding);
  try {
    impl->device = runtime::cuda::allocate(static_cast<std::size_t>(impl->bytes()));
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }
  retain(impl);
  return impl;
}

// Arrays never change, so that both copies of one hold; making the second is guarded.
static std::mutex& other_side() {
  static auto* mutex = new std::mutex;
  return *mutex;
}

void share_elements(ArrayImpl& to, const ArrayImpl& from) {
  static const bool guarded = runtime::platform() != runtime::Platform::cpu;
  std::unique_lock<std::mutex> lock;
  if (guarded) lock = std::unique_lock(other_side());
  to.buffer = from.buffer, to.device = from.device;
  std::memcpy(to.small, from.small, sizeof to.small);
  to.data = from.data == from.small ? to.small : from.data;
}

void* device_data(const Array& array) {
  ArrayImpl* impl = check_concrete(array);
  {
    std::lock_guard lock(other_side());
    if (impl->device) return impl->device.data();
  }
  void* data = stored_data(array);
  try {
    const auto bytes = static_cast<std::size_t>(impl->bytes());
    runtime::Buffer made = runtime::cuda::allocate(bytes);
    runtime::cuda::Gpu::of(0).upload(made.data(), data, bytes);
    std::lock_guard lock(other_side());
    if (!impl->device) impl->device = std::move(made);
    return impl->device.data();
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }
}

/// The elements of an array that a GPU made, brought to the host.
static void* host_copy(ArrayImpl* impl) {
  std::lock_guard lock(other_side());
  if (impl->data) return impl->data;
  try {
    const auto bytes = static_cast<std::size_t>(impl->bytes());
    void* data = impl->small;
    if (bytes > sizeof impl->small) {
      impl->buffer = runtime::Buffer::allocate(bytes);
      data = impl->buffer.data();
    }
    runtime::cuda::Gpu::of(0).download(data, impl->device.data(), bytes);
    std::atomic_ref<void*>(impl->data).store(data, std::memory_order_release);
    return data;
  } catch (const RuntimeError& error) {
    rethrow_at_call(error);
  }
}

/// The number that an element is, for scalars: so that constants keep their value in a trace.
Array from_host(const void* data, const Shape& shape, DType dtype) {
  for (std::int64_t dim : shape)
    if (dim < 0) throw UserError("a shape has no negative sizes; this is " + to_string(shape), "from_data");
  ArrayImpl* impl = make_concrete(dtype, shape);
  std::memcpy(impl->data, data, static_cast<std::size_t>(impl->bytes()));
  return Array(impl);
}

Array borrow(const void* data, const Shape& shape, DType dtype) {
  auto* impl = new ArrayImpl;
  impl->dtype = dtype;
  impl->shape = shape;
  impl->data = const_cast<void*>(data);
  impl->buffer = runtime::Buffer::borrow(impl->data, static_cast<std::size_t>(impl->bytes()));
  return Array(impl);
}

void check_count(std::size_t have, const Shape& shape, const char* op, std::source_location where) {
  if (static_cast<std::int64_t>(have) != shape.volume())
    throw UserError("shape " + to_string(shape) + " wants " + std::to_string(shape.volume()) +
                        " elements, the data has " + std::to_string(have),
                    op, where);
}

// ---- checks ----

ArrayImpl* impl_of(const Array& array) {
  if (array.empty()) fail("an empty Array (default-constructed, or moved from) has no value");
  return array.impl();
}

void* concrete_data(const Array& array) {
  void* data = stored_data(array);
  check_whole(array);
  return data;
}

ArrayImpl* check_concrete(const Array& array) {
  ArrayImpl* impl = impl_of(array);
  if (impl->state == ArrayImpl::State::traced) {
    check_usable(array);
    fail("the value of a traced array, " + describe(array) +
         ", is not known while the program is traced; return it from the function, or print it with sk::debug::print");
  }
  if (impl->state == ArrayImpl::State::donated)
    fail("this array, " + describe(array) +
         ", was donated to a jitted function, whose result has taken over its memory; keep a copy or do not donate it");
  return impl;
}

void* stored_data(const Array& array) {
  ArrayImpl* impl = check_concrete(array);
  void* data = std::atomic_ref<void*>(impl->data).load(std::memory_order_acquire);
  return data ? data : host_copy(impl);
}

const void* host_data(const Array& array, DType wanted, const char* op, std::source_location where) {
  Call call(op, where);
  void* data = concrete_data(array);
  DType dtype = array.impl()->dtype;
  if (dtype != wanted)
    fail("the array is " + describe(array) + ", its elements are no C++ values of dtype " + std::string(name(wanted)) +
         "; convert it with sk::astype(x, sk::" + std::string(name(wanted)) + ")");
  return data;
}

std::optional<double> known_number(const Array& array) {
  if (array.empty()) return std::nullopt;
  const Literal& number = array.impl()->literal;
  if (number.kind == Literal::Kind::none || number.kind == Literal::Kind::complex) return std::nullopt;
  return to_double(number);
}

Array with_weak(Array array, bool weak) {
  ArrayImpl* impl = impl_of(array);
  weak = weak && !is_bool(impl->dtype);
  if (impl->weak == weak) return array;
  if (impl->references.load(std::memory_order_acquire) == 1) {
    impl->weak = weak;
    return array;
  }
  auto* copy = new ArrayImpl;
  copy->state = impl->state, copy->dtype = impl->dtype, copy->weak = weak, copy->literal = impl->literal,
  copy->shape = impl->shape, copy->stored = impl->stored;
  copy->sharding = impl->sharding, copy->value = impl->value, copy->frame = impl->frame;
  share_elements(*copy, *impl);
  return Array(copy);
}

}  // namespace detail

using detail::Call;
using detail::impl_of;

const Shape& Array::shape(std::source_location where) const {
  if (!impl_) [[unlikely]] {
    Call call("shape", where);
    impl_of(*this);
  }
  return impl_->shape;
}
DType Array::dtype(std::source_location where) const {
  if (!impl_) [[unlikely]] {
    Call call("dtype", where);
    impl_of(*this);
  }
  return impl_->dtype;
}
int Array::ndim(std::source_location where) const { return static_cast<int>(shape(where).size()); }
std::int64_t Array::size(std::source_location where) const { return shape(where).volume(); }
std::int64_t Array::nbytes(std::source_location where) const {
  return size(where) * static_cast<std::int64_t>(itemsize(dtype(where)));
}
bool Array::weak(std::source_location where) const {
  Call call("weak", where);
  return impl_of(*this)->weak;
}

void Array::check_one(std::source_location where) const {
  Call call("item", where);
  if (impl_of(*this)->shape.volume() != 1)
    detail::fail("item wants an array of one element, not " + detail::describe(*this) +
                 "; use to_vector, or index it first");
}

const Array& Array::block_until_ready(std::source_location where) const {
  Call call("block_until_ready", where);
  if (impl_of(*this)->state == detail::ArrayImpl::State::traced) return *this;
  if (!detail::check_concrete(*this)->data) runtime::cuda::Gpu::of(0).synchronise();
  return *this;
}

NamedSharding Array::sharding(std::source_location where) const {
  Call call("sharding", where);
  auto* impl = impl_of(*this);
  return impl->sharding ? *impl->sharding : NamedSharding();
}

std::vector<Shard> Array::addressable_shards(std::source_location where) const {
  Call call("addressable_shards", where);
  auto* data = static_cast<std::byte*>(detail::stored_data(*this));
  const NamedSharding placed = sharding();
  const auto item = static_cast<std::int64_t>(itemsize(impl_->dtype));
  const Shape block = detail::block_shape(impl_->shape, placed);
  const std::int64_t bytes = block.volume() * item;
  const auto here = detail::local_blocks(impl_->shape, placed);
  std::vector<Shard> shards;
  for (std::int64_t rank = 0; rank < placed.mesh().size(); ++rank) {
    const int device = placed.mesh().ids()[static_cast<std::size_t>(rank)];
    if (!detail::is_local(device)) continue;
    std::vector<Slice> index = detail::block_index(impl_->shape, placed, rank);
    Array part = *this;
    if (!(block == impl_->shape)) {
      auto* copy = detail::make_concrete(impl_->dtype, block);
      part = Array(copy);
      const auto slot =
          std::find_if(here.begin(), here.end(), [&](const detail::Block& b) { return b.index == index; }) -
          here.begin();
      if (impl_->stored.empty())
        detail::copy_box(data, impl_->shape, index, copy->data, item, true);
      else
        std::memcpy(copy->data, data + slot * bytes, static_cast<std::size_t>(bytes));
    }
    shards.push_back({device, std::move(index), std::move(part)});
  }
  return shards;
}

Array Array::num(std::source_location where) const {
  Call call("num", where);
  const Shape& all = impl_of(*this)->shape;
  if (all.empty()) detail::fail("a scalar has no first dimension to count");
  auto rows = static_cast<std::int32_t>(all[0]);
  return detail::from_host(&rows, {}, int32);
}

Array Array::operator[](const Index& first) const { return (*this)(first); }

static std::vector<Index> given(std::initializer_list<const Index*> indices) {
  std::vector<Index> list;
  for (const Index* index : indices)
    if (!index->absent()) list.push_back(*index);
  return list;
}

Array Array::operator()(const Index& a, const Index& b, const Index& c, const Index& d, const Index& e, const Index& f,
                        const Index& g, const Index& h) const {
  Call call("index", a.where);
  return detail::index(*this, given({&a, &b, &c, &d, &e, &f, &g, &h}), a.where);
}
AtProxy Array::at(const Index& a, const Index& b, const Index& c, const Index& d, const Index& e, const Index& f,
                  const Index& g, const Index& h) const {
  return AtProxy(*this, given({&a, &b, &c, &d, &e, &f, &g, &h}), a.where);
}

namespace detail {
const Index no_index{Absent{}};
}

std::string to_string(const TypeInfo& type) {
  std::string text(name(type.dtype));
  text += to_string(type.shape);
  if (type.varying.empty()) return text;
  text += "{V:";
  for (std::size_t i = 0; i < type.varying.size(); ++i) text += (i ? "," : "") + type.varying[i];
  return text + "}";
}
std::ostream& operator<<(std::ostream& out, const TypeInfo& type) { return out << to_string(type); }
std::ostream& operator<<(std::ostream& out, const NamedSharding& sharding) {
  return out << "NamedSharding(" << sharding.mesh() << ", " << sharding.spec() << ")";
}

std::string detail::describe(const Array& array) {
  if (array.empty()) return "an empty Array";
  return to_string(type_of(array));
}

}  // namespace skein
