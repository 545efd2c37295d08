// Every verb, with every dtype, from nothing to more than the caches' lines, one and several arrays a message.

#include "tests/conformance/backend.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace skein::conformance {
namespace {

using runtime::Communicator;
using runtime::Operand;
using runtime::Reduction;

constexpr std::int64_t counts[] = {0, 1, 3, 17, 64, 1000, 40000};

DType dtype_number(int i) { return static_cast<DType>(i); }

// A small value that depends on device and position, the same in every dtype.
double value(int rank, std::int64_t i) { return static_cast<double>((rank * 7 + i * 3) % 5); }

double combine(Reduction reduction, DType dtype, double a, double b) {
  if (is_bool(dtype)) {
    bool all = reduction == Reduction::min || reduction == Reduction::prod || reduction == Reduction::logical_and;
    return all ? (a != 0 && b != 0) : (a != 0 || b != 0);
  }
  switch (reduction) {
    case Reduction::sum:
      return a + b;
    case Reduction::max:
      return std::max(a, b);
    case Reduction::min:
      return std::min(a, b);
    case Reduction::prod:
      return a * b;
    case Reduction::logical_and:
      return static_cast<double>(static_cast<int>(a) & static_cast<int>(b));
    case Reduction::logical_or:
      return static_cast<double>(static_cast<int>(a) | static_cast<int>(b));
  }
  return 0;
}

double expected(Reduction reduction, DType dtype, int devices, std::int64_t i) {
  auto of = [&](int rank) { return is_bool(dtype) ? static_cast<double>(value(rank, i) != 0) : value(rank, i); };
  double result = of(0);
  for (int rank = 1; rank < devices; ++rank) result = combine(reduction, dtype, result, of(rank));
  // Products of 8 factors wrap in 8 bits.
  if (dtype == DType::int8) result = static_cast<std::int8_t>(static_cast<std::int64_t>(result));
  if (dtype == DType::uint8) result = static_cast<std::uint8_t>(static_cast<std::int64_t>(result));
  if (dtype == DType::int16) result = static_cast<std::int16_t>(static_cast<std::int64_t>(result));
  return result;
}

class Verbs : public Conformance {};

TEST_P(Verbs, AllReduceOfEveryDtype) {
  run([](Communicator& c) {
    for (int d = 0; d < dtype_count; ++d)
      for (Reduction reduction : {Reduction::sum, Reduction::max, Reduction::min, Reduction::prod,
                                  Reduction::logical_and, Reduction::logical_or}) {
        DType dtype = dtype_number(d);
        bool bits = reduction == Reduction::logical_and || reduction == Reduction::logical_or;
        if (bits && d >= static_cast<int>(DType::float16)) continue;
        // Integers that fit: 4^8 = 65536 is exact in all dtypes but the narrow ones, which wrap.
        for (std::int64_t count : {std::int64_t{0}, std::int64_t{5}, std::int64_t{700}}) {
          Array in(dtype, count, [&](std::int64_t i) { return value(c.rank(), i); }), out(dtype, count);
          Operand operand{in.data(), out.data(), dtype, count};
          c.all_reduce({&operand, 1}, reduction, here("psum", 1));
          for (std::int64_t i = 0; i < count; ++i) {
            double want = expected(reduction, dtype, c.size(), i);
            if (std::abs(want) > 2000 && (dtype == DType::float16 || dtype == DType::bfloat16)) continue;
            ASSERT_NEAR(out[i], want, dtype == DType::bfloat16 ? std::abs(want) / 128 : 0)
                << name(dtype) << " reduction " << static_cast<int>(reduction) << " at " << i;
          }
        }
      }
  });
}

TEST_P(Verbs, AllReduceInPlaceOfEverySize) {
  run([](Communicator& c) {
    for (std::int64_t count : counts) {
      Array x(float32, count, [&](std::int64_t i) { return value(c.rank(), i); });
      Operand operand{x.data(), x.data(), float32, count};
      c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 2));
      for (std::int64_t i = 0; i < count; ++i)
        ASSERT_EQ(x[i], expected(Reduction::sum, float32, c.size(), i)) << count << " " << i;
    }
  });
}

// Rounding shows the order: the sum must be ((x0 + x1) + x2) + ..., whatever ran first, at every size.
TEST_P(Verbs, SumsInRankOrder) {
  if (!backend().sums_in_rank_order) return;
  run([](Communicator& c) {
    auto x = [](int rank, std::int64_t i) {
      return static_cast<float>(std::sin(rank * 1000.0 + static_cast<double>(i)) * std::pow(10.0, rank % 4));
    };
    for (std::int64_t count : {std::int64_t{3}, std::int64_t{20000}})
      for (int repeat = 0; repeat < 3; ++repeat) {
        Array in(float32, count, [&](std::int64_t i) { return x(c.rank(), i); }), out(float32, count);
        Operand operand{in.data(), out.data(), float32, count};
        c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 3));
        for (std::int64_t i = 0; i < count; ++i) {
          float want = x(0, i);
          for (int rank = 1; rank < c.size(); ++rank) want += x(rank, i);
          ASSERT_EQ(static_cast<float>(out[i]), want);
        }
      }
  });
}

TEST_P(Verbs, MaxAndMinPassNaN) {
  run([](Communicator& c) {
    for (DType dtype : {float16, bfloat16, float32, float64, complex64, complex128})
      for (Reduction reduction : {Reduction::max, Reduction::min})
        for (int bad = 0; bad < c.size(); ++bad) {
          Array x(dtype, 300, [&](std::int64_t i) {
            return c.rank() == bad && i == 7 ? std::numeric_limits<double>::quiet_NaN() : 1.0;
          });
          Operand operand{x.data(), x.data(), dtype, 300};
          c.all_reduce({&operand, 1}, reduction, here("pmax", 4));
          for (std::int64_t i = 0; i < 300; ++i) ASSERT_EQ(std::isnan(x[i]), i == 7) << name(dtype);
        }
  });
}

TEST_P(Verbs, HalvesAddInSinglePrecision) {
  if (devices() < 3) return;
  run([](Communicator& c) {
    // 2048 + 1 is 2048 in float16; 2048 + 1 + 1 is 2050.
    Array x(float16, 1, [&](std::int64_t) { return c.rank() == 0 ? 2048.0 : c.rank() < 3 ? 1.0 : 0.0; });
    Operand operand{x.data(), x.data(), float16, 1};
    c.all_reduce({&operand, 1}, Reduction::sum, here("psum", 5));
    EXPECT_EQ(x[0], 2050);
  });
}

TEST_P(Verbs, AllGather) {
  run([](Communicator& c) {
    for (int d = 0; d < dtype_count; ++d)
      for (std::int64_t count : counts) {
        if (count > 1000 && d != static_cast<int>(DType::float32)) continue;
        DType dtype = dtype_number(d);
        auto x = [&](int rank, std::int64_t i) {
          return is_bool(dtype) ? static_cast<double>((rank + i) % 2) : value(rank, i);
        };
        Array in(dtype, count, [&](std::int64_t i) { return x(c.rank(), i); }), out(dtype, count * c.size());
        Operand operand{in.data(), out.data(), dtype, count};
        c.all_gather({&operand, 1}, here("all_gather", 6));
        for (int rank = 0; rank < c.size(); ++rank)
          for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(out[rank * count + i], x(rank, i));
      }
  });
}

TEST_P(Verbs, ReduceScatter) {
  run([](Communicator& c) {
    for (DType dtype : {bool_, int32, float16, float32, complex128})
      for (std::int64_t count : counts) {
        Array in(dtype, count * c.size(), [&](std::int64_t i) { return value(c.rank(), i); }), out(dtype, count);
        Operand operand{in.data(), out.data(), dtype, count};
        c.reduce_scatter({&operand, 1}, Reduction::sum, here("psum_scatter", 7));
        for (std::int64_t i = 0; i < count; ++i)
          ASSERT_EQ(out[i], expected(Reduction::sum, dtype, c.size(), c.rank() * count + i));
      }
  });
}

TEST_P(Verbs, AllToAll) {
  run([](Communicator& c) {
    for (DType dtype : {int8, float64})
      for (std::int64_t count : counts) {
        Array in(dtype, count * c.size(), [&](std::int64_t i) { return value(c.rank(), i); }),
            out(dtype, count * c.size());
        Operand operand{in.data(), out.data(), dtype, count};
        c.all_to_all({&operand, 1}, here("all_to_all", 8));
        for (int rank = 0; rank < c.size(); ++rank)
          for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(out[rank * count + i], value(rank, c.rank() * count + i));
      }
  });
}

TEST_P(Verbs, AllToAllOfDifferentRows) {
  run([](Communicator& c) {
    const int n = c.size(), me = c.rank();
    auto rows = [](int from, int to) { return static_cast<std::int64_t>((from * 3 + to * 2) % 4); };
    std::vector<std::int64_t> send, send_at, receive, receive_at;
    std::int64_t sent = 0, received = 0;
    for (int p = 0; p < n; ++p) {
      send.push_back(rows(me, p)), send_at.push_back(sent), sent += rows(me, p);
      receive.push_back(rows(p, me)), receive_at.push_back(received), received += rows(p, me);
    }
    Array x(float32, sent * 3), ids(int64, sent), got(float32, received * 3), got_ids(int64, received);
    for (int p = 0; p < n; ++p)
      for (std::int64_t r = 0; r < rows(me, p); ++r) {
        ids.set(send_at[static_cast<std::size_t>(p)] + r, me * 10000 + p * 100 + static_cast<double>(r));
        for (int k = 0; k < 3; ++k) x.set((send_at[static_cast<std::size_t>(p)] + r) * 3 + k, me + k * 0.25);
      }
    Operand operands[] = {{x.data(), got.data(), float32, 3}, {ids.data(), got_ids.data(), int64, 1}};
    c.all_to_allv(operands, {send, send_at, receive, receive_at}, here("exchange", 9));
    for (int p = 0; p < n; ++p)
      for (std::int64_t r = 0; r < rows(p, me); ++r) {
        ASSERT_EQ(got_ids[receive_at[static_cast<std::size_t>(p)] + r], p * 10000 + me * 100 + static_cast<double>(r));
        ASSERT_EQ(got[(receive_at[static_cast<std::size_t>(p)] + r) * 3 + 2], p + 0.5);
      }
  });
}

TEST_P(Verbs, PermuteAroundARingAndWithHoles) {
  run([](Communicator& c) {
    const int n = c.size();
    std::vector<std::pair<int, int>> ring, half;
    for (int p = 0; p < n; ++p) ring.emplace_back(p, (p + 1) % n);
    for (int p = 0; p + 1 < n; p += 2) half.emplace_back(p, p + 1);
    for (std::int64_t count : counts) {
      Array in(int32, count, [&](std::int64_t i) { return c.rank() * 100000.0 + static_cast<double>(i); }),
          out(int32, count), some(int32, count);
      Operand operand{in.data(), out.data(), int32, count}, other{in.data(), some.data(), int32, count};
      c.permute({&operand, 1}, ring, here("ppermute", 10));
      c.permute({&other, 1}, half, here("ppermute", 11));
      for (std::int64_t i = 0; i < count; ++i) {
        ASSERT_EQ(out[i], ((c.rank() + n - 1) % n) * 100000.0 + static_cast<double>(i));
        ASSERT_EQ(some[i], c.rank() % 2 ? (c.rank() - 1) * 100000.0 + static_cast<double>(i) : 0);
      }
    }
  });
}

TEST_P(Verbs, BroadcastAndBarrier) {
  run([](Communicator& c) {
    for (int root = 0; root < c.size(); ++root)
      for (std::int64_t count : counts) {
        Array x(float64, count, [&](std::int64_t i) { return value(c.rank(), i); });
        Operand operand{x.data(), x.data(), float64, count};
        c.broadcast({&operand, 1}, root, here("pbroadcast", 12));
        for (std::int64_t i = 0; i < count; ++i) ASSERT_EQ(x[i], value(root, i));
        c.barrier(here("barrier", 13));
      }
  });
}

TEST_P(Verbs, SeveralArraysInOneMessage) {
  run([](Communicator& c) {
    for (std::int64_t scale : {std::int64_t{1}, std::int64_t{900}}) {
      Array a(bool_, 3 * scale, [&](std::int64_t i) { return value(c.rank(), i); }),
          b(float64, 5 * scale, [&](std::int64_t i) { return value(c.rank(), i); }), none(int32, 0),
          d(uint16, 7 * scale, [&](std::int64_t i) { return value(c.rank(), i); });
      Operand operands[] = {{a.data(), a.data(), bool_, a.count},
                            {b.data(), b.data(), float64, b.count},
                            {none.data(), none.data(), int32, 0},
                            {d.data(), d.data(), uint16, d.count}};
      c.all_reduce(operands, Reduction::sum, here("psum", 14));
      for (std::int64_t i = 0; i < a.count; ++i) ASSERT_EQ(a[i], expected(Reduction::sum, bool_, c.size(), i));
      for (std::int64_t i = 0; i < b.count; ++i) ASSERT_EQ(b[i], expected(Reduction::sum, float64, c.size(), i));
      for (std::int64_t i = 0; i < d.count; ++i) ASSERT_EQ(d[i], expected(Reduction::sum, uint16, c.size(), i));
    }
  });
}

// Inputs may be overwritten as soon as a call returns, small and large ones.
TEST_P(Verbs, ManyTurnsWithOneBuffer) {
  run([](Communicator& c) {
    for (std::int64_t count : {std::int64_t{1}, std::int64_t{2000}}) {
      Array x(int32, count), y(int32, count * c.size());
      for (int turn = 0; turn < 300; ++turn) {
        for (std::int64_t i = 0; i < count; ++i) x.set(i, turn * 10 + c.rank());
        Operand operand{x.data(), y.data(), int32, count};
        c.all_gather({&operand, 1}, here("all_gather", 15));
        for (std::int64_t i = 0; i < count; ++i) x.set(i, -1);
        for (int rank = 0; rank < c.size(); ++rank) ASSERT_EQ(y[rank * count], turn * 10 + rank);
      }
    }
  });
}

SKEIN_CONFORMANCE(Verbs);

}  // namespace
}  // namespace skein::conformance
