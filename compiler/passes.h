#pragma once
// The steps of the pipeline as passes of their own, for skein-opt and the tests of single steps.

namespace skein::compiler {

/// Registers --skein-inline, --skein-powers, --skein-contractions, --skein-collectives, --skein-sorts, --skein-fusion,
/// --skein-emit and --skein-llvm. Each runs the function that pipeline.cpp runs; an error of Skein fails the pass with its
/// message. Between the last two, programs that hand functions to the runtime do not verify: use --verify-each=0.
void registerPasses();

}  // namespace skein::compiler
