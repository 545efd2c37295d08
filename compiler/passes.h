#pragma once
// The steps of the pipeline as passes of their own, for skein-opt and the tests of single steps.

namespace skein::compiler {

/// Registers --skein-inline, --skein-powers, --skein-contractions, --skein-collectives, --skein-sorts, --skein-fusion and
/// --skein-emit. Each runs the function that pipeline.cpp runs; an error of Skein fails the pass with its message.
void registerPasses();

}  // namespace skein::compiler
