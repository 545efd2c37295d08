// A process that does nothing but start and finish, and, given any argument, initialises Skein.
#include <skein/skein.h>

int main(int argc, char**) {
  if (argc > 1) skein::initialize();
}
