#pragma once
// What the callables that jit, shard_map and their like return have in common: a call notes the user's line, and its
// arguments become the parameters' types.

#include <skein/tree.h>

#include <cstddef>
#include <cstring>
#include <functional>
#include <source_location>
#include <tuple>

namespace skein::detail {

/// An argument and where the user wrote it.
template <class T>
struct Located {
  template <class U>
    requires(std::is_convertible_v<U &&, T>)
  Located(U&& v, std::source_location w = std::source_location::current()) : value(std::forward<U>(v)), where(w) {}
  T value;
  std::source_location where;
};

/// The header from which the standard library calls what std::apply, std::function and their like are given.
struct CalledFrom {
  constexpr CalledFrom(int, std::source_location w = std::source_location::current()) : where(w) {}
  std::source_location where;
};
inline constexpr std::source_location called_by_std =
    std::apply([](CalledFrom call) { return call.where; }, std::tuple<int>(0));

/// Where the user called: `where`, or `made_at` if a header passed the call on and `where` is a line of that header.
inline std::source_location users_line(std::source_location where, std::source_location made_at) {
  bool passed_on = std::strcmp(where.file_name(), called_by_std.file_name()) == 0;
  return passed_on ? made_at : where;
}

struct Unknown {};  // the signature of a generic callable

/// What a generic callable's argument is passed as: text by value, so that it is compared by value.
template <class T>
using Passed = std::conditional_t<std::is_convertible_v<std::decay_t<T>, const char*>, std::string, std::decay_t<T>>;

template <class T>
struct MemberSignature {
  using type = Unknown;
};
#define SKEIN_MEMBER(qualifiers)                      \
  template <class C, class R, class... P>             \
  struct MemberSignature<R (C::*)(P...) qualifiers> { \
    using type = std::decay_t<R>(std::decay_t<P>...); \
  };
SKEIN_MEMBER()
SKEIN_MEMBER(const) SKEIN_MEMBER(noexcept) SKEIN_MEMBER(const noexcept)
#undef SKEIN_MEMBER

    template <class F>
    struct SignatureOf {
  static auto deduce() {
    if constexpr (requires { typename F::Signature; })
      return std::type_identity<typename F::Signature>();
    else if constexpr (requires { &F::operator(); })
      return typename std::type_identity<typename MemberSignature<decltype(&F::operator())>::type>();
    else
      return std::type_identity<Unknown>();
  }
  using type = typename decltype(deduce())::type;
};
template <class R, class... P>
struct SignatureOf<R (*)(P...)> {
  using type = std::decay_t<R>(std::decay_t<P>...);
};
template <class R, class... P>
struct SignatureOf<R (*)(P...) noexcept> {
  using type = std::decay_t<R>(std::decay_t<P>...);
};
/// R(P...) without references, or Unknown if it depends on the arguments.
template <class F>
using signature_of = typename SignatureOf<F>::type;

/// Gives Derived its operator(): it calls derived.run(where, tuple of arguments) const.
template <class Derived, class Signature>
struct Callable;

template <class Derived, class R, class... P>
struct Callable<Derived, R(P...)> {
  using Signature = R(P...);
  R operator()(Located<P>... arguments) const {
    std::source_location where;
    (void)((where = arguments.where, true) || ...);  // the first one's
    auto& derived = static_cast<const Derived&>(*this);
    return derived.run(users_line(where, derived.made_at()), std::tuple<P...>(std::move(arguments.value)...));
  }
};
template <class Derived, class R>
struct Callable<Derived, R()> {
  using Signature = R();
  R operator()(std::source_location where = std::source_location::current()) const {
    auto& derived = static_cast<const Derived&>(*this);
    return derived.run(users_line(where, derived.made_at()), std::tuple<>());
  }
};
template <class Derived>
struct Callable<Derived, Unknown> {
  using Signature = Unknown;
  template <class... A>
  auto operator()(A&&... arguments) const {
    auto& derived = static_cast<const Derived&>(*this);
    return derived.run(derived.made_at(), std::tuple<Passed<A>...>(std::forward<A>(arguments)...));
  }
};

/// Pointers to leaves, without allocation up to 16 of them.
template <class T>
class PointerList {
 public:
  PointerList() = default;
  PointerList(const PointerList&) = delete;
  PointerList& operator=(const PointerList&) = delete;
  void push_back(T* pointer) {
    if (size_ < inline_capacity)
      inline_[size_] = pointer;
    else {
      if (more_.empty()) more_.assign(inline_, inline_ + size_);
      more_.push_back(pointer);
    }
    ++size_;
  }
  std::span<T* const> span() const { return {more_.empty() ? inline_ : more_.data(), size_}; }

 private:
  static constexpr std::size_t inline_capacity = 16;
  T* inline_[inline_capacity];
  std::size_t size_ = 0;
  std::vector<T*> more_;
};

}  // namespace skein::detail
