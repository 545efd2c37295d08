#define SKEIN_LEVEL v3
#include "runtime/cpu/kernels_impl.h"
