#include "learn/transform/mix_up.hpp"

#include "learn/transform/kernels.hpp"
#include "learn/transform/picture.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

// Marsaglia and Tsang 2000 for shape >= 1; below that their boost by a power of a uniform
// number.
double mix_up_gamma(double shape, Rng& rng) {
  if (shape < 1) return mix_up_gamma(shape + 1, rng) * std::pow(1 - rng.uniform(), 1 / shape);
  auto const d = shape - 1.0 / 3;
  auto const c = 1 / std::sqrt(9 * d);
  for (;;) {
    auto const x = rng.normal();
    auto const v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v))
      return d * v;
  }
}

}  // namespace

double mix_up_share(double strength, Rng& rng) {
  if (strength <= 0) return 1;
  auto const one = mix_up_gamma(strength, rng);
  auto const other = mix_up_gamma(strength, rng);
  // With a tiny strength both may underflow to 0.
  return one + other > 0 ? std::max(one, other) / (one + other) : 1;
}

Volume mix_up(Volume const& one, Volume const& other, double share) {
  if (one.grid().size != other.grid().size || one.channels() != other.channels())
    throw Error{Fault::bug, "mix-up expected two pictures of one size", "prepare both first"};
  auto out = float_copy(one);
  auto const second = as_float(other);
  auto const values = out.write<float>();
  scale_and_add(values, static_cast<float>(share), 0);
  add_row(second.as<float>().data(), static_cast<float>(1 - share), values.data(),
          static_cast<std::int64_t>(values.size()));
  return out;
}

}  // namespace fovea
