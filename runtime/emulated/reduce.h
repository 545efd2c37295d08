#pragma once
// Element-wise reductions over the ranks of a communicator.

#include <cstddef>
#include <vector>

namespace skein::runtime::emulated {

/// Bytes of an element of an NCCL type; 0 if there is no such type.
std::size_t item_bytes(int dtype);
const char* dtype_name(int dtype);

/// to[i] = inputs[0][i] op inputs[1][i] op ..., in this order; 16-bit floating-point types are accumulated in float.
/// `to` may be one of the inputs.
void reduce(int dtype, int op, void* to, const std::vector<const void*>& inputs, std::size_t count);

}  // namespace skein::runtime::emulated
