#pragma once
// All of Skein: #include <skein/skein.h>; namespace sk = skein;

#include <skein/array.h>
#include <skein/checkpoint.h>
#include <skein/collectives.h>
#include <skein/control.h>
#include <skein/debug.h>
#include <skein/distributions.h>
#include <skein/fft.h>
#include <skein/global.h>
#include <skein/import.h>
#include <skein/index.h>
#include <skein/io.h>
#include <skein/jit.h>
#include <skein/linalg.h>
#include <skein/numpy.h>
#include <skein/ops.h>
#include <skein/print.h>
#include <skein/random.h>
#include <skein/runtime.h>
#include <skein/shard_map.h>
#include <skein/transforms.h>
#include <skein/tree.h>
