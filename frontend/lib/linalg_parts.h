#pragma once
// What the norms use of the factorisations.

#include "frontend/lib/numpy_parts.h"

namespace skein::detail {

/// Within a trace: the greatest (2), least (-2) or the sum (0) of the singular values of two dimensions, which stay with size 1.
Array singular_norm(const Array& x, std::int64_t rows, std::int64_t columns, int kind);

}  // namespace skein::detail
