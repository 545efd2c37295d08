#define SKEIN_LEVEL v4
#include "runtime/cpu/kernels_impl.h"
