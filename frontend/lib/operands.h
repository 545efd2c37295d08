#pragma once
// What elementwise functions share: operands joined in dtype and shape.

#include <skein/ops.h>

#include "frontend/trace/emit.h"

namespace skein::detail {

struct Joined {
  std::vector<Array> operands;  // C++ numbers among them are in `dtype` already, others not yet
  DType dtype;
  bool weak;
};
enum class Want { any, inexact, number };  // inexact: of integers and bool float32; number: of bool int32

/// The dtype in which the operands join.
Joined join_operands(std::initializer_list<Array> operands, Want want = Want::any);
/// The value with that shape, repeated.
Array expand(const Array&, const Shape&);
/// The operands in that dtype and of one shape.
std::vector<Array> align(std::span<const Array> operands, DType);

/// An op of operands that join: in the trace, or as a cached program. `build` gets them aligned and gives a strong
/// array.
template <class Build>
Array elementwise(const char* name, std::initializer_list<Array> operands, Want want, Build&& build,
                  bool weak_result = true) {
  Joined joined = join_operands(operands, want);
  auto all = [&](std::span<const Array> in) {
    Array result = build(std::span<const Array>(align(in, joined.dtype)));
    return weak_result ? with_weak(std::move(result), joined.weak) : result;
  };
  if (tracing()) return all(joined.operands);
  return staged_all(name, joined.operands, Key(joined.dtype, joined.weak),
                    [&](std::span<const Array> in) { return std::vector<Array>{all(in)}; })[0];
}

}  // namespace skein::detail
