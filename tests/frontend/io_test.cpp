// .npy and .npz files: what NumPy writes, what comes back, and what broken files get.
#include <skein/skein.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

namespace sk = skein;

namespace {

std::string temporary(const std::string& name) { return testing::TempDir() + "skein_io_" + name; }

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

/// A file that is there as long as the object.
struct File {
  File(std::string name, const std::string& bytes) : path(temporary(name)) { write(bytes); }
  ~File() { std::remove(path.c_str()); }
  void write(const std::string& bytes) const { std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size())); }
  std::string path;
};

/// An .npy file with that text as its header.
std::string npy(const std::string& header, const std::string& payload, int version = 1) {
  std::string text = "\x93NUMPY";
  text += static_cast<char>(version);
  text += '\0';
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) text += static_cast<char>(header.size() >> (8 * i) & 0xff);
  return text + header + payload;
}
std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") + ", 'shape': " + shape + ", }\n";
}

std::string error_of(auto&& body) {
  try {
    body();
  } catch (const sk::UserError& e) {
    return e.what();
  }
  return "no error";
}

void expect_refused(const std::string& bytes, std::initializer_list<const char*> parts) {
  File file("refused.npy", bytes);
  std::string text = error_of([&] { sk::load(file.path); });
  EXPECT_NE(text.find("io_test.cpp"), text.npos) << text;
  EXPECT_NE(text.find("refused.npy"), text.npos) << text;
  for (const char* part : parts) EXPECT_NE(text.find(part), text.npos) << text;
}

constexpr sk::DType all_dtypes[] = {sk::bool_,   sk::int8,    sk::int16,    sk::int32,   sk::int64,   sk::uint8,     sk::uint16,    sk::uint32,
                                    sk::uint64,  sk::float16, sk::bfloat16, sk::float32, sk::float64, sk::complex64, sk::complex128};

sk::Array sample(sk::DType dtype) {
  sk::Array numbers = sk::reshape(sk::arange(6), {2, 3});
  return sk::astype(sk::is_bool(dtype) ? numbers % 2 : numbers, dtype);
}

bool same(const sk::Array& a, const sk::Array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && sk::all(a == b).item<bool>();
}

}  // namespace

TEST(Npy, EveryDtypeComesBack) {
  for (sk::DType dtype : all_dtypes) {
    std::string path = temporary("roundtrip.npy");
    sk::save(path, sample(dtype));
    EXPECT_TRUE(same(sk::load(path), sample(dtype))) << sk::name(dtype);
    std::remove(path.c_str());
  }
}

TEST(Npy, IsWhatNumPyWrites) {
  std::string path = temporary("exact.npy");
  sk::save(path, sk::array({{1.f, 2.f, 3.f}}));
  std::string text = bytes_of(path);
  std::string want = std::string("\x93NUMPY\x01\x00v\x00", 10) + "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 3), }";
  EXPECT_EQ(text.substr(0, want.size()), want);
  EXPECT_EQ(text.size(), 128u + 12u);
  EXPECT_EQ(text[127], '\n');
  sk::save(path, sk::array(true));
  EXPECT_NE(bytes_of(path).find("'|b1', 'fortran_order': False, 'shape': (), }"), std::string::npos);
  sk::save(path, sk::arange(3));
  EXPECT_NE(bytes_of(path).find("'shape': (3,), }"), std::string::npos);
  std::remove(path.c_str());
}

TEST(Npy, AddsTheEnding) {
  std::string path = temporary("without_ending");
  sk::save(path, sk::arange(3));
  EXPECT_EQ(sk::load(path + ".npy").to_vector<int>(), std::vector<int>({0, 1, 2}));
  std::remove((path + ".npy").c_str());
}

TEST(Npy, EmptyAndScalar) {
  std::string path = temporary("empty.npy");
  sk::save(path, sk::zeros({3, 0, 2}));
  EXPECT_EQ(sk::load(path).shape(), sk::Shape({3, 0, 2}));
  sk::save(path, sk::array(2.5));
  EXPECT_EQ(sk::load(path).item<double>(), 2.5);
  std::remove(path.c_str());
}

TEST(Npy, VersionsOrdersAndSpellings) {
  std::string payload("\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0\4\0\0\0\5\0\0\0\6", 24);
  for (int version : {1, 2, 3}) {
    File file("versions.npy", npy(header(">i4", "(2, 3)"), payload, version));
    EXPECT_EQ(sk::load(file.path).to_vector<int>(), std::vector<int>({1, 2, 3, 4, 5, 6}));
  }
  File fortran("fortran.npy", npy(header(">i4", "(2, 3)", true), payload));
  EXPECT_EQ(sk::load(fortran.path).to_vector<int>(), std::vector<int>({1, 3, 5, 2, 4, 6}));
  // Any order of the keys, either quote, Python 2's long integers, bytes after the data.
  File odd("odd.npy", npy("{ \"shape\":(3L,2L) ,'fortran_order':False,\"descr\":\">u4\"}", payload + "more"));
  EXPECT_EQ(sk::load(odd.path).shape(), sk::Shape({3, 2}));
  File truth("bool.npy", npy(header("|b1", "(4,)"), std::string("\0\1\2\xff", 4)));
  EXPECT_EQ(sk::load(truth.path).to_vector<bool>(), std::vector<bool>({false, true, true, true}));
  EXPECT_EQ(sk::sum(sk::load(truth.path)).item<int>(), 3);
}

TEST(Npy, RefusesWhatIsBroken) {
  EXPECT_NE(error_of([] { sk::load(temporary("missing.npy")); }).find("missing.npy' cannot be opened"), std::string::npos);
  EXPECT_NE(error_of([] { sk::load(testing::TempDir()); }).find("not a regular file"), std::string::npos);
  expect_refused("", {"empty"});
  expect_refused("hello, world", {"is not an .npy file"});
  expect_refused(std::string("\x93NUMPY\1\0", 8), {"truncated"});
  expect_refused(std::string("\x93NUMPY\7\0v\0", 10), {"version 7"});
  expect_refused(std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14), {"truncated", "4294967307"});
  std::string four(16, 'x');
  expect_refused(npy(header("<f4", "(5,)"), four), {"truncated", "float32[5]", "20 bytes", "16"});
  expect_refused(npy(header("|O", "(5,)"), four), {"Python objects"});
  expect_refused(npy(header("<U4", "(1,)"), four), {"'<U4'"});
  expect_refused(npy(header("<f16", "(1,)"), four), {"'<f16'"});
  expect_refused(npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (4,), }", four), {"records"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False}", four), {"'shape' is missing"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': 1, 'shape': (4,)}", four), {"neither True nor False"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,)}", four), {"negative"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4.5,)}", four), {"malformed"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", four), {"64 bits"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)", four), {"malformed"});
  expect_refused(npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4,)} + 1", four), {"after the closing brace"});
  expect_refused(npy("{'descr': '<f4', 'colour': 'red'}", four), {"colour"});
  expect_refused(npy(std::string(100, '{'), four), {"malformed"});
  // Sizes whose product overflows, with and without an empty dimension.
  expect_refused(npy(header("<f4", "(4611686018427387904, 4)"), four), {"too large"});
  expect_refused(npy(header("<f4", "(4611686018427387904, 4, 0)"), four), {"too large"});
  expect_refused(npy(header("<f4", "(1152921504606846976,)"), four), {"truncated"});
  std::string many = "(";
  for (int i = 0; i < 100; ++i) many += "1, ";
  expect_refused(npy(header("<f4", many + ")"), four), {"64 dimensions"});
}

TEST(Npy, SurvivesAnyDamage) {
  std::string good = npy(header("<f4", "(2, 3)"), std::string(24, 'a'));
  std::mt19937 engine(7);
  File file("damaged.npy", good);
  int read = 0;
  for (int round = 0; round < 500; ++round) {
    std::string bad = good;
    if (round % 3 == 0) bad.resize(engine() % bad.size());
    for (unsigned i = 0, n = engine() % 4; i < n && !bad.empty(); ++i) bad[engine() % bad.size()] = static_cast<char>(engine());
    file.write(bad);
    try {
      sk::load(file.path);
      ++read;
    } catch (const sk::UserError&) {
    }
  }
  EXPECT_GT(read, 0);
}

TEST(Npy, Saving) {
  EXPECT_NE(error_of([] { sk::save(temporary("no/such/folder/x.npy"), sk::arange(3)); }).find("cannot be written"), std::string::npos);
  EXPECT_NE(error_of([] { sk::save(temporary("x.npy"), sk::Array()); }).find("empty"), std::string::npos);
  auto f = sk::jit([](sk::Array x) {
    sk::save(temporary("traced.npy"), x);
    return x;
  });
  EXPECT_NE(error_of([&] { f(sk::arange(3)); }).find("traced"), std::string::npos);
}

TEST(Npy, FullDisk) {
  // What is written to this device never fits.
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "this machine has no /dev/full";
  std::string link = temporary("full.npy");
  std::remove(link.c_str());
  std::filesystem::create_symlink("/dev/full", link);
  EXPECT_THROW(sk::save(link, sk::zeros({100000})), sk::RuntimeError);
  std::remove(link.c_str());
}

TEST(Npz, ReadsNumPys) {
  for (const char* name : {"/numpy.npz", "/numpy_compressed.npz"}) {
    auto arrays = sk::load_npz(std::string(SKEIN_TEST_DATA) + name);
    EXPECT_EQ(arrays.size(), 21u);
    for (sk::DType dtype : all_dtypes) EXPECT_TRUE(same(arrays.at(std::string(sk::name(dtype))), sample(dtype))) << sk::name(dtype);
    EXPECT_TRUE(same(arrays.at("big_endian"), sample(sk::int32)));
    EXPECT_TRUE(same(arrays.at("big_complex"), sample(sk::complex128)));
    EXPECT_TRUE(same(arrays.at("fortran"), sample(sk::int32)));
    EXPECT_TRUE(same(arrays.at("fortran3"), sk::astype(sk::reshape(sk::arange(24), {2, 3, 4}), sk::uint16)));
    EXPECT_EQ(arrays.at("scalar").item<float>(), 2.5f);
    EXPECT_EQ(arrays.at("empty").shape(), sk::Shape({3, 0, 2}));
  }
}

TEST(Npz, ComesBack) {
  std::string path = temporary("roundtrip.npz");
  for (bool compressed : {false, true}) {
    sk::save_npz(path, {{"x", sk::arange(1000)}, {"folder/y", sk::zeros({0, 3})}, {"z", sk::array(1.5f)}}, {.compressed = compressed});
    auto arrays = sk::load_npz(path);
    ASSERT_EQ(arrays.size(), 3u);
    EXPECT_TRUE(same(arrays.at("x"), sk::arange(1000)));
    EXPECT_EQ(arrays.at("folder/y").shape(), sk::Shape({0, 3}));
    EXPECT_EQ(arrays.at("z").item<float>(), 1.5f);
  }
  sk::save_npz(path, {});
  EXPECT_TRUE(sk::load_npz(path).empty());
  std::remove(path.c_str());
}

TEST(Npz, RefusesWhatIsBroken) {
  std::string path = temporary("broken.npz");
  auto refused = [&](const std::string& bytes, const char* part) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    std::string text = error_of([&] { sk::load_npz(path); });
    EXPECT_NE(text.find("broken.npz"), text.npos) << text;
    EXPECT_NE(text.find(part), text.npos) << text;
  };
  refused("", "too short");
  refused(std::string(100, 'x'), "directory is missing");
  sk::save_npz(path, {{"x", sk::arange(1000)}});
  std::string good = bytes_of(path);
  EXPECT_NE(error_of([&] { sk::load(path); }).find("load_npz"), std::string::npos);
  refused(good.substr(0, good.size() / 2), "directory is missing");
  std::string flipped = good;
  flipped[good.size() / 2] ^= 1;
  refused(flipped, "checksum");
  std::remove(path.c_str());
}

TEST(Npz, SurvivesAnyDamage) {
  std::string path = temporary("damaged.npz");
  std::mt19937 engine(11);
  for (bool compressed : {false, true}) {
    sk::save_npz(path, {{"x", sk::arange(100)}, {"y", sk::zeros({20})}}, {.compressed = compressed});
    std::string good = bytes_of(path);
    for (int round = 0; round < 300; ++round) {
      std::string bad = good;
      if (round % 5 == 0) bad.resize(engine() % bad.size());
      // Half of the damage goes to the directory at the end, where the sizes are.
      for (unsigned i = 0, n = 1 + engine() % 4; i < n && !bad.empty(); ++i) {
        std::size_t from = engine() % 2 ? bad.size() - std::min<std::size_t>(bad.size(), 150) : 0;
        bad[from + engine() % (bad.size() - from)] = engine() % 3 ? static_cast<char>(engine()) : '\xff';
      }
      std::ofstream(path, std::ios::binary).write(bad.data(), static_cast<std::streamsize>(bad.size()));
      try {
        sk::load_npz(path);
      } catch (const sk::UserError&) {
      }
    }
  }
  std::remove(path.c_str());
}
