// Programs with derivatives and batches, and the contractions that they are made of.
#include "bench/harness.h"

#include <skein/skein.h>
namespace sk = skein;

namespace {

sk::Array numbers(const sk::Shape& shape) {
  std::int64_t count = 1;
  for (std::int64_t size : shape) count *= size;
  return sk::from_data(bench::numbers(count), shape);
}

struct Layer {
  sk::Array w, b;
};
using Layers = std::vector<Layer>;

Layers layers(const std::vector<std::int64_t>& sizes) {
  Layers all;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i)
    all.push_back({(numbers({sizes[i], sizes[i + 1]}) - 0.5) * 0.1, sk::zeros({sizes[i + 1]})});
  return all;
}

sk::Array loss(const Layers& net, sk::Array x, sk::Array labels) {
  for (std::size_t i = 0; i < net.size(); ++i) {
    x = sk::matmul(x, net[i].w) + net[i].b;
    if (i + 1 < net.size()) x = sk::nn::relu(x);
  }
  return -sk::mean(sk::sum(sk::nn::log_softmax(x) * labels, {.axis = -1}));
}

Layers step(Layers net, sk::Array x, sk::Array labels) {
  Layers slope = sk::grad(loss)(net, x, labels);
  for (std::size_t i = 0; i < net.size(); ++i) {
    net[i].w = net[i].w - 0.01 * slope[i].w;
    net[i].b = net[i].b - 0.01 * slope[i].b;
  }
  return net;
}

sk::Array lstm(sk::Array w, sk::Array inputs) {
  std::int64_t hidden = inputs.shape()[1];
  auto turn = [&](std::tuple<sk::Array, sk::Array> state, sk::Array x) {
    auto [h, c] = state;
    std::vector<sk::Array> gates = sk::split(sk::matmul(sk::concatenate({x, h}), w), 4);
    c = sk::nn::sigmoid(gates[0]) * c + sk::nn::sigmoid(gates[1]) * sk::tanh(gates[2]);
    h = sk::nn::sigmoid(gates[3]) * sk::tanh(c);
    return std::pair{std::tuple{h, c}, h};
  };
  return sk::scan(turn, std::tuple{sk::zeros({hidden}), sk::zeros({hidden})}, inputs).second;
}

sk::Array energy(sk::Array x) {
  sk::Array d = x(sk::all, sk::none) - x(sk::none);
  return sk::sum(1 / sk::sqrt(sk::sum(d * d, {.axis = 2}) + 1e-3));
}

sk::Array escape(sk::Array x, sk::Array y) {
  auto going = [](auto state) {
    auto [x, y, turns] = state;
    return (x * x + y * y < 4.0) & (turns < 100);
  };
  auto turn = [](auto state) {
    auto [x, y, turns] = state;
    return std::tuple{x * x - y * y - 0.8, 2.0 * x * y + 0.156, turns + 1};
  };
  return std::get<2>(sk::while_loop(going, turn, std::tuple{x, y, sk::Array(0)}));
}

sk::Array model(sk::Array w, sk::Array x) {
  return sk::sum(sk::square(sk::tanh(sk::matmul(x, w)) - 0.5)) + 0.1 * sk::sum(sk::square(w) * sk::sin(w));
}

sk::Array distances_by_matmul(sk::Array x) {
  sk::Array n = sk::sum(x * x, {.axis = 1});
  return sk::sqrt(sk::maximum(n(sk::all, sk::none) + n - 2 * sk::matmul(x, sk::transpose(x)), 0.0));
}
sk::Array distances_by_broadcasting(sk::Array x) {
  sk::Array d = x(sk::all, sk::none) - x(sk::none);
  return sk::sqrt(sk::sum(d * d, {.axis = 2}));
}

sk::Array k_means(sk::Array x) {
  constexpr int k = 8;
  return sk::fori_loop(0, 30, [&](sk::Array, sk::Array centres) {
    sk::Array d = sk::sum(centres * centres, {.axis = 1}) - 2 * sk::matmul(x, sk::transpose(centres));
    sk::Array nearest = sk::argmin(d, {.axis = 1});
    sk::Array counts = sk::segment_sum(sk::ones_like(nearest), nearest, k);
    return sk::segment_sum(x, nearest, k) / sk::maximum(counts, 1)(sk::all, sk::none);
  }, x(sk::slice(0, k)));
}

template <class F, class... Input>
void on(const char* name, F f, Input... input) {
  bench::row(name, [=] {
    return [data = std::tuple{input()...}, g = sk::jit(f)] { sk::block_until_ready(std::apply(g, data)); };
  });
}

void register_rows() {
  using bench::sized;
  on("mlp_step", step, [] { return layers({784, sized(1024, 64), sized(1024, 64), 10}); },
     [] { return numbers({sized(1024, 64), 784}); },
     [] { return sk::nn::one_hot(sk::arange(sized(1024, 64)) % 10, 10); });
  on("lstm", lstm, [] { return (numbers({sized(512, 32), sized(1024, 64)}) - 0.5) * 0.1; },
     [] { return numbers({sized(1000, 50), sized(256, 16)}); });
  on("pairwise_gradient", [](sk::Array x) { return sk::grad(energy)(x); }, [] { return numbers({sized(8192, 256), 3}); });
  on("vmap_julia", [](sk::Array x, sk::Array y) { return sk::vmap(escape)(x, y); },
     [] { return numbers({sized(1'000'000, 10'000)}) * 3 - 1.5; },
     [] { return sk::flip(numbers({sized(1'000'000, 10'000)})) * 3 - 1.5; });
  on("hessian", [](sk::Array w, sk::Array x) { return sk::hessian([&](sk::Array v) { return model(v, x); })(w); },
     [] { return numbers({100}); }, [] { return numbers({sized(1000, 100), 100}); });
  auto points = [] { return numbers({sized(12910, 500), 18}); };
  on("distances_matmul", distances_by_matmul, points);
  on("distances_broadcast", distances_by_broadcasting, points);
  on("k_means", k_means, [] { return numbers({sized(100'000, 1000), 18}); });
}

}  // namespace

BENCH_MAIN()
