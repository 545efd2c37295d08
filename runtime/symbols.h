#pragma once
// The functions of the C ABI with their addresses, for whoever links compiled code.

#include <span>

namespace skein::runtime {

struct Symbol {
  const char* name;
  void* address;
};

std::span<const Symbol> abi_symbols();

}  // namespace skein::runtime
