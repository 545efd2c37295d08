#include <skein/base/dtype.h>
#include <skein/base/error.h>
#include <skein/base/mesh.h>
#include <skein/base/shape.h>
#include <skein/base/spec.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace skein {
namespace {

using testing::HasSubstr;

template <class T>
std::string text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

template <class F>
std::string user_error(F&& f) {
  try {
    f();
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

TEST(DTypes, NamesAndSizes) {
  for (int i = 0; i < dtype_count; ++i) {
    auto d = static_cast<DType>(i);
    EXPECT_EQ(dtype_from_name(name(d)), d);
    EXPECT_EQ(is_bool(d) + is_integer(d) + is_floating(d) + is_complex(d), 1) << name(d);
  }
  EXPECT_FALSE(dtype_from_name("float31"));
  EXPECT_EQ(itemsize(bfloat16), 2u);
  EXPECT_EQ(itemsize(complex128), 16u);
  EXPECT_EQ(dtype_of<long>(), int64);
  EXPECT_EQ(dtype_of<unsigned char>(), uint8);
  EXPECT_EQ(dtype_of<std::complex<double>>(), complex128);
  EXPECT_EQ(text(bool_), "bool");
}

TEST(Shapes, ASmallVector) {
  EXPECT_EQ(Shape({}).size(), 0u);
  EXPECT_EQ(Shape({}).volume(), 1);
  EXPECT_EQ(text(Shape({2, 3})), "[2,3]");
  Shape s;
  for (int i = 1; i <= 9; ++i) s.push_back(i);  // beyond the inline place
  EXPECT_EQ(s.volume(), 362880);
  Shape copy = s, moved = std::move(copy);
  EXPECT_EQ(moved, s);
  moved = Shape({4});
  EXPECT_EQ(moved, Shape({4}));
  s.erase(0), s.insert(2, 7);
  EXPECT_EQ(text(s), "[2,3,7,4,5,6,7,8,9]");
  EXPECT_EQ(Shape(std::vector<std::int64_t>{1, 2}), Shape({1, 2}));
  EXPECT_NE(Shape({1, 2}), Shape({1, 2, 1}));
  EXPECT_EQ(Shape({3, 0}).volume(), 0);
}

TEST(Errors, SayWhereAndWhat) {
  UserError error("shapes [2] and [3] differ", "add");
  EXPECT_THAT(error.what(), HasSubstr("base_test.cpp:"));
  EXPECT_THAT(error.what(), HasSubstr(": add: shapes [2] and [3] differ"));
  EXPECT_EQ(error.op(), "add");
  EXPECT_EQ(error.location().line(), error.line());
  RuntimeError other("no memory", "allocate", "x.mlir", 7);
  EXPECT_STREQ(other.what(), "x.mlir:7: allocate: no memory");
  EXPECT_STREQ(InternalError("odd", "", "", 0).what(), "odd; this is a bug in Skein");
  EXPECT_THROW(throw UserError("a"), Error);
}

TEST(Meshes, CoordinatesAndGroups) {
  Mesh mesh({2, 3}, {"x", "y"});
  EXPECT_EQ(mesh.size(), 6);
  EXPECT_EQ(mesh.coordinates(4), Shape({1, 1}));
  EXPECT_EQ(mesh.rank_of({1, 1}), 4);
  EXPECT_EQ(mesh.axis_position("y"), 1);
  EXPECT_EQ(mesh.axis_position("z"), -1);
  using Groups = std::vector<std::vector<int>>;
  EXPECT_EQ(mesh.groups({"x"}), (Groups{{0, 3}, {1, 4}, {2, 5}}));
  EXPECT_EQ(mesh.groups({"y"}), (Groups{{0, 1, 2}, {3, 4, 5}}));
  EXPECT_EQ(mesh.groups({"y", "x"}), (Groups{{0, 3, 1, 4, 2, 5}}));
  EXPECT_EQ(mesh.rank_within(4, {"y", "x"}), 3);
  EXPECT_EQ(text(mesh), "Mesh('x': 2, 'y': 3)");
  EXPECT_EQ(mesh, Mesh({2, 3}, {"x", "y"}));
  EXPECT_FALSE(mesh == Mesh({2, 3}, {"x", "z"}));
  EXPECT_EQ(Mesh().size(), 1);
  EXPECT_THAT(user_error([] { Mesh({2, 2}, {"x", "x"}); }), HasSubstr("'x'"));
  EXPECT_THAT(user_error([] { Mesh({2}, {"x", "y"}); }), HasSubstr("[2]"));
  EXPECT_THAT(user_error([] { Mesh({0}, {"x"}); }), HasSubstr("'x' has size 0"));
  EXPECT_THAT(user_error([&] { mesh.axis_size("gpu"); }), HasSubstr("no axis 'gpu'"));
}

TEST(Specs, EveryWayToWriteThem) {
  EXPECT_EQ(text(P()), "P()");
  EXPECT_EQ(text(P("x", "y")), "P(\"x\", \"y\")");
  EXPECT_EQ(text(P({"x", "y"})), "P({\"x\",\"y\"})");
  EXPECT_EQ(text(P(none, "x")), "P(none, \"x\")");
  EXPECT_EQ(text(P(-1)), "P(-1)");
  EXPECT_EQ(text(P(0)), "P(0)");
  EXPECT_EQ(P({"x"}), P("x"));
  EXPECT_EQ(P(std::vector<std::string>{"x", "y"}), P({"x", "y"}));
  EXPECT_EQ(P({"x", "y"}).size(), 1u);
}

TEST(Specs, Resolve) {
  Mesh mesh({2, 3}, {"x", "y"});
  EXPECT_EQ(P(-1).resolve(mesh), P({"x", "y"}));
  EXPECT_EQ(P(none, 0).resolve(mesh), P(none, "x"));
  EXPECT_EQ(P("y", "x").resolve(mesh).axes(1), std::vector<std::string>{"x"});
  EXPECT_TRUE(P("y").resolve(mesh).axes(5).empty());
  std::string twice = user_error([&] { P("x", {"y", "x"}).resolve(mesh, "shard_map"); });
  EXPECT_THAT(twice, HasSubstr("'x' is used twice"));
  EXPECT_THAT(twice, HasSubstr("shard_map"));
  EXPECT_THAT(user_error([&] { P("gpus").resolve(mesh); }), HasSubstr("no axis 'gpus'"));
  EXPECT_THAT(user_error([&] { P(2).resolve(mesh); }), HasSubstr("axis number 2"));
}

}  // namespace
}  // namespace skein
