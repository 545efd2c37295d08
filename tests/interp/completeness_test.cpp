// Every op of the dialect has a meaning, a law in docs/spec.md and a round trip in tests/dialects; every constraint
// that the dialect's code names has a law and a test of its diagnostic.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "tests/interp/support.h"

namespace skein::compiler::test {

static std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}
/// The text of all files of a folder whose names end so.
static std::string readAll(const std::string& folder, const std::string& ending) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(SKEIN_SOURCE_DIR) / folder))
    if (entry.path().filename().string().ends_with(ending)) text += read(entry.path());
  return text;
}
static std::vector<std::string> allOps() {
  std::vector<std::string> names;
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == "skein") names.push_back(name.stripDialect().str());
  return names;
}

TEST(Completeness, TheInterpreterKnowsEveryOp) {
  for (const std::string& op : allOps()) EXPECT_TRUE(interpreterKnows("skein." + op)) << op;
  EXPECT_GT(allOps().size(), 100u);
  EXPECT_FALSE(interpreterKnows("skein.nonsense"));
}

TEST(Completeness, TheSpecHasEveryOp) {
  std::string spec = read(std::filesystem::path(SKEIN_SOURCE_DIR) / "docs/spec.md");
  for (const std::string& op : allOps()) EXPECT_NE(spec.find("`" + op + "`"), spec.npos) << op;
}

TEST(Completeness, EveryOpMakesARoundTrip) {
  std::string tests = readAll("tests/dialects", ".mlir");
  for (const std::string& op : allOps()) EXPECT_NE(tests.find("skein." + op + " "), tests.npos) << op;
}

TEST(Completeness, EveryConstraintHasALawAndATest) {
  std::string code = readAll("dialects/skein", ".cpp"), tests = readAll("tests/dialects", ".mlir");
  std::string spec = read(std::filesystem::path(SKEIN_SOURCE_DIR) / "docs/spec.md");
  std::regex pattern("\"([a-z_]+\\.C[0-9]+)\"");
  std::set<std::string> constraints;
  for (auto match = std::sregex_iterator(code.begin(), code.end(), pattern); match != std::sregex_iterator(); ++match)
    constraints.insert((*match)[1]);
  EXPECT_GT(constraints.size(), 40u);
  for (const std::string& constraint : constraints) {
    EXPECT_NE(spec.find(constraint), spec.npos) << constraint << " has no law in docs/spec.md";
    EXPECT_NE(tests.find("[" + constraint + "]"), tests.npos) << constraint << " has no test in tests/dialects";
  }
}

}  // namespace skein::compiler::test
