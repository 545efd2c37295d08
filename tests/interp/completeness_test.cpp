// Every op of the dialect has a meaning.
#include "tests/interp/support.h"

namespace skein::compiler::test {

TEST(Completeness, TheInterpreterKnowsEveryOp) {
  int count = 0;
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations()) {
    if (name.getDialectNamespace() != "skein") continue;
    EXPECT_TRUE(interpreterKnows(name.getStringRef())) << name.getStringRef().str();
    ++count;
  }
  EXPECT_GT(count, 100);
  EXPECT_FALSE(interpreterKnows("skein.nonsense"));
}

}  // namespace skein::compiler::test
