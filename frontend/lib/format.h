#pragma once
// Text of arrays as NumPy prints them: aligned columns, shortest digits (at most 8 after the point), edges of large ones.

#include <skein/base/dtype.h>
#include <skein/base/shape.h>

#include <string>

namespace skein::detail {

/// Dense row-major elements at `data`, without a newline at the end.
std::string format_array(DType dtype, const Shape& shape, const void* data);

}  // namespace skein::detail
