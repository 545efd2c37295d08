// Wrong use: reported at once, with every device's operation and line, and forgotten at the next run.

#include "tests/conformance/backend.h"

#include <gmock/gmock.h>

namespace skein::conformance {
namespace {

using runtime::Communicator;
using runtime::Operand;
using runtime::Reduction;
using testing::HasSubstr;

class Errors : public Conformance {
 protected:
  bool skipped() const { return devices() < 2 || !backend().reports_mismatch; }
};

TEST_P(Errors, DifferentVerbs) {
  if (skipped()) return;
  std::string text = error_of([](Communicator& c) {
    float x = 1, all[8] = {};
    if (c.rank() == c.size() - 1) {
      Operand operand{&x, all, float32, 1};
      c.all_gather({&operand, 1}, here("all_gather", 21));
    } else {
      Operand operand{&x, all, float32, 1};
      c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 20));
    }
  });
  EXPECT_THAT(text, HasSubstr("psum"));
  EXPECT_THAT(text, HasSubstr("all_gather"));
  EXPECT_THAT(text, HasSubstr("suite.cpp:20"));
  EXPECT_THAT(text, HasSubstr("suite.cpp:21"));
}

TEST_P(Errors, DifferentSizesOfLargeArrays) {
  if (skipped()) return;
  std::string text = error_of([](Communicator& c) {
    std::vector<float> x(5000);
    Operand operand{x.data(), x.data(), float32, c.rank() ? 5000 : 4000};
    c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 22));
  });
  EXPECT_THAT(text, HasSubstr("float32[4000]"));
  EXPECT_THAT(text, HasSubstr("float32[5000]"));
}

TEST_P(Errors, OneHasEnded) {
  if (skipped()) return;
  std::string text = error_of([](Communicator& c) {
    if (c.rank() == 0) return;
    c.barrier(here("barrier", 23));
  });
  EXPECT_THAT(text, HasSubstr("device 0: has ended"));
  EXPECT_THAT(text, HasSubstr("device 1: waits in barrier"));
  EXPECT_THAT(text, HasSubstr("suite.cpp:23"));
}

TEST_P(Errors, WaitingForEachOther) {
  if (devices() < 4 || !backend().finds_circles) return;
  std::string text = error_of([](Communicator& c) {
    auto part = c.split(c.rank() % 2, 0, here("split", 24));
    if (c.rank() == 0)
      part->barrier(here("inner", 25)), c.barrier(here("outer", 26));
    else
      c.barrier(here("outer", 26)), part->barrier(here("inner", 25));
  });
  EXPECT_THAT(text, HasSubstr("device 0: waits in inner"));
  EXPECT_THAT(text, HasSubstr("device 1: waits in outer"));
}

TEST_P(Errors, AnErrorOfOneDeviceEndsAll) {
  for (int bad = 0; bad < devices(); ++bad) {
    std::string text = error_of([bad](Communicator& c) {
      std::vector<double> x(3000, 1);
      Operand operand{x.data(), x.data(), float64, 3000};
      for (int turn = 0; turn < 20; ++turn) {
        if (c.rank() == bad && turn == 7) throw UserError("no rows left", "check", "user.cpp", 99);
        c.all_reduce({&operand, 1}, Reduction::max, here("pmax", 27));
      }
    });
    EXPECT_EQ(text, "user.cpp:99: check: no rows left");
  }
  // and the next run knows nothing of it
  run([](Communicator& c) {
    for (int turn = 0; turn < 20; ++turn) {
      std::int32_t x = 1;
      Operand operand{&x, &x, int32, 1};
      c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 28));
      EXPECT_EQ(x, c.size());
    }
  });
}

TEST_P(Errors, WrongPairs) {
  auto permute = [](std::vector<std::pair<int, int>> pairs) {
    return [pairs](Communicator& c) {
      float x = 1, y = 0;
      Operand operand{&x, &y, float32, 1};
      c.permute({&operand, 1}, pairs, here("ppermute", 29));
    };
  };
  EXPECT_THAT(error_of(permute({{0, 99}})), HasSubstr("out of range"));
  if (devices() >= 2) {
    EXPECT_THAT(error_of(permute({{0, 1}, {1, 1}})), HasSubstr("share a destination"));
    EXPECT_THAT(error_of(permute({{0, 1}, {0, 0}})), HasSubstr("share a source"));
  }
}

TEST_P(Errors, RowsThatDoNotFit) {
  if (skipped()) return;
  std::string text = error_of([](Communicator& c) {
    std::vector<std::int64_t> send(static_cast<std::size_t>(c.size()), 1), at(static_cast<std::size_t>(c.size()), 0),
        receive = send;
    if (c.rank() == 1) receive[0] = 2;
    float x = 0, y[4] = {};
    Operand operand{&x, y, float32, 1};
    c.all_to_allv({&operand, 1}, {send, at, receive, at}, here("exchange", 30));
  });
  EXPECT_THAT(text, HasSubstr("rank 0 sends 1 rows to rank 1, which expects 2"));
}

TEST_P(Errors, BitsOfFloats) {
  std::string text = error_of([](Communicator& c) {
    float x = 1;
    Operand operand{&x, &x, float32, 1};
    c.all_reduce({&operand, 1}, Reduction::logical_and, here("pand", 31));
  });
  EXPECT_THAT(text, HasSubstr("float32"));
}

SKEIN_CONFORMANCE(Errors);

}  // namespace
}  // namespace skein::conformance
