#pragma once
// What the shared library shows: everything else is hidden.

#if defined(__GNUC__)
#define SKEIN_API __attribute__((visibility("default")))
#else
#define SKEIN_API
#endif
