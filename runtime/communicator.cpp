#include "runtime/communicator.h"

namespace skein::runtime {

Communicator::~Communicator() = default;

}  // namespace skein::runtime
