#pragma once
// The sizes of an array's dimensions: a small vector of int64_t, without allocation up to six dimensions.

#include <skein/base/export.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>
#include <vector>

namespace skein {

class Shape {
 public:
  using value_type = std::int64_t;
  using iterator = std::int64_t*;
  using const_iterator = const std::int64_t*;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) { assign(dims.begin(), dims.size()); }
  Shape(const std::vector<std::int64_t>& dims) { assign(dims.data(), dims.size()); }
  explicit Shape(std::span<const std::int64_t> dims) { assign(dims.data(), dims.size()); }
  Shape(const_iterator first, const_iterator last) { assign(first, static_cast<std::size_t>(last - first)); }
  Shape(const Shape& other) { assign(other.data(), other.size_); }
  Shape(Shape&& other) noexcept { steal(other); }
  Shape& operator=(const Shape& other) {
    if (this != &other) size_ = 0, assign(other.data(), other.size_);
    return *this;
  }
  Shape& operator=(Shape&& other) noexcept {
    if (this != &other) delete[] heap_, heap_ = nullptr, steal(other);
    return *this;
  }
  ~Shape() { delete[] heap_; }

  /// `rank` dimensions of the same size.
  static Shape filled(std::size_t rank, std::int64_t size) {
    Shape result;
    result.resize(rank, size);
    return result;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::int64_t* data() { return heap_ ? heap_ : inline_; }
  const std::int64_t* data() const { return heap_ ? heap_ : inline_; }
  iterator begin() { return data(); }
  iterator end() { return data() + size_; }
  const_iterator begin() const { return data(); }
  const_iterator end() const { return data() + size_; }
  std::int64_t& operator[](std::size_t i) { return data()[i]; }
  std::int64_t operator[](std::size_t i) const { return data()[i]; }
  std::int64_t front() const { return data()[0]; }
  std::int64_t back() const { return data()[size_ - 1]; }

  void push_back(std::int64_t dim) {
    reserve(size_ + 1);
    data()[size_++] = dim;
  }
  void pop_back() { --size_; }
  void clear() { size_ = 0; }
  void resize(std::size_t rank, std::int64_t fill = 0) {
    reserve(rank);
    for (std::size_t i = size_; i < rank; ++i) data()[i] = fill;
    size_ = rank;
  }
  void insert(std::size_t position, std::int64_t dim) {
    push_back(dim);
    std::rotate(begin() + position, end() - 1, end());
  }
  void erase(std::size_t position) {
    std::copy(begin() + position + 1, end(), begin() + position);
    --size_;
  }

  /// The product of the dimensions: the number of elements.
  std::int64_t volume() const {
    std::int64_t product = 1;
    for (std::int64_t dim : *this) product *= dim;
    return product;
  }

  operator std::span<const std::int64_t>() const { return {data(), size_}; }
  std::vector<std::int64_t> to_vector() const { return {begin(), end()}; }

  friend bool operator==(const Shape& a, const Shape& b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

 private:
  static constexpr std::size_t inline_capacity = 6;

  void assign(const std::int64_t* dims, std::size_t rank) {
    reserve(rank);
    std::copy_n(dims, rank, data());
    size_ = rank;
  }
  void reserve(std::size_t rank) {
    if (rank <= capacity_) return;
    std::size_t capacity = std::max(rank, 2 * capacity_);
    auto* larger = new std::int64_t[capacity];
    std::copy_n(data(), size_, larger);
    delete[] heap_;
    heap_ = larger, capacity_ = capacity;
  }
  void steal(Shape& other) {
    std::copy_n(other.inline_, inline_capacity, inline_);
    heap_ = other.heap_, size_ = other.size_, capacity_ = other.capacity_;
    other.heap_ = nullptr, other.size_ = 0, other.capacity_ = inline_capacity;
  }

  std::int64_t inline_[inline_capacity] = {};
  std::int64_t* heap_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = inline_capacity;
};

/// "[2,3]".
SKEIN_API std::string to_string(const Shape&);
SKEIN_API std::ostream& operator<<(std::ostream&, const Shape&);

}  // namespace skein
