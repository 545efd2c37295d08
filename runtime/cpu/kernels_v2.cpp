#define SKEIN_LEVEL v2
#include "runtime/cpu/kernels_impl.h"
