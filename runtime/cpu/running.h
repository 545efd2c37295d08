#pragma once
// Writing where indices say, and running totals: what compiled programs call for scatter and cumulative.

#include "runtime/abi.h"
#include "runtime/cpu/pool.h"

#include <span>

namespace skein::runtime::cpu {

/// target[o, index, i] joined with updates[o, k, i], in the order of k; indices out of range are dropped.
void scatter(const skein_scatter&, void* target, const void* indices, const void* updates, std::span<Worker* const> workers);
/// Whether it is worth more than one thread.
bool worth_threads(const skein_scatter&);

/// result[o, k, i]: operand[o, 0..k, i] joined; floats narrower than float64 in a wider type. `result` may be `operand`.
void cumulate(const skein_cumulative&, const void* operand, void* result, std::span<Worker* const> workers);
bool worth_threads(const skein_cumulative&);

}  // namespace skein::runtime::cpu
