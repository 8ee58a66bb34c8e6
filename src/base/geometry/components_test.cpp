#include "base/geometry/components.hpp"

#include "base/core/rng.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace fovea {
namespace {

template <class T>
Volume components_test_random(std::array<std::int64_t, 3> size,
                              double share,
                              std::int64_t values,
                              Rng& rng) {
  Volume out{upright(size, {}), TypeOf<T>::value};
  for (auto& voxel : out.write<T>())
    voxel = rng.chance(share) ? static_cast<T>(1 + rng.below(values)) : T{};
  return out;
}

// Labels by first voxel, each flooded from there.
template <class T>
std::vector<std::uint32_t> components_test_flooded(Volume const& in, Neighbours neighbours) {
  auto const& size = in.grid().size;
  auto const voxels = in.as<T>();
  std::vector<std::uint32_t> out(voxels.size());
  std::uint32_t next = 0;
  auto const most = neighbours == Neighbours::faces   ? 1
                    : neighbours == Neighbours::edges ? 2
                                                      : 3;
  for (std::size_t start = 0; start < voxels.size(); ++start) {
    if (voxels[start] == T{} || out[start] != 0) continue;
    out[start] = ++next;
    std::vector<std::size_t> open{start};
    while (!open.empty()) {
      auto const at = static_cast<std::int64_t>(open.back());
      open.pop_back();
      std::array const place{at % size[0], at / size[0] % size[1], at / size[0] / size[1]};
      for (int n = 0; n < 27; ++n) {
        std::array const step{n % 3 - 1, n / 3 % 3 - 1, n / 9 - 1};
        auto const steps = std::abs(step[0]) + std::abs(step[1]) + std::abs(step[2]);
        auto inside = steps <= most;
        for (std::size_t axis = 0; axis < 3; ++axis)
          inside =
              inside && place[axis] + step[axis] >= 0 && place[axis] + step[axis] < size[axis];
        if (!inside) continue;
        auto const there =
            static_cast<std::size_t>(at + step[0] + size[0] * (step[1] + size[1] * step[2]));
        if (voxels[there] != voxels[start] || out[there] != 0) continue;
        out[there] = next;
        open.push_back(there);
      }
    }
  }
  return out;
}

TEST(Components, AreThoseOfAFloodInEveryKindOfNeighbourhood) {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE(seed);
    Rng rng{{seed, 1}};
    std::array const size{1 + rng.below(21), 1 + rng.below(9),
                          seed % 3 == 0 ? 1 : 1 + rng.below(9)};
    auto const in = components_test_random<std::uint16_t>(size, rng.uniform(0.1, 0.9),
                                                          1 + rng.below(4), rng);
    for (auto const neighbours : {Neighbours::faces, Neighbours::edges, Neighbours::corners}) {
      auto const expected = components_test_flooded<std::uint16_t>(in, neighbours);
      for (auto const threads : {1, 3}) {
        auto const out = components(in, {.neighbours = neighbours, .threads = threads});
        EXPECT_TRUE(std::ranges::equal(out.labels.as<std::uint32_t>(), expected));
        EXPECT_EQ(out.parts.size(), *std::ranges::max_element(expected));
      }
    }
  }
}

TEST(Components, SayHowManyVoxelsAndWhere) {
  Rng rng{5};
  auto const in = components_test_random<std::uint8_t>({17, 13, 11}, 0.3, 3, rng);
  auto const out = components(in, {.neighbours = Neighbours::faces});
  auto const labels = out.labels.as<std::uint32_t>();
  for (std::size_t n = 0; n < out.parts.size(); ++n) {
    auto const& part = out.parts[n];
    Volume one{in.grid(), Type::u8};
    for (std::size_t at = 0; at < labels.size(); ++at) {
      if (labels[at] != n + 1) continue;
      one.write<std::uint8_t>()[at] = 1;
      EXPECT_EQ(in.as<std::uint8_t>()[at], part.value);
    }
    EXPECT_EQ(std::ranges::count(one.as<std::uint8_t>(), 1), part.voxels);
    EXPECT_EQ(box_of_marked(one), part.box);
  }
}

TEST(Components, AreSortedBySizeIfAsked) {
  Rng rng{6};
  auto const in = components_test_random<std::int32_t>({19, 12, 7}, 0.25, 2, rng);
  auto const by_first = components(in);
  auto const by_size = components(in, {.order = ComponentOrder::size});
  ASSERT_EQ(by_first.parts.size(), by_size.parts.size());
  auto const larger = [](auto const& a, auto const& b) { return a.voxels > b.voxels; };
  EXPECT_TRUE(std::ranges::is_sorted(by_size.parts, larger));
  auto const first = by_first.labels.as<std::uint32_t>();
  auto const size = by_size.labels.as<std::uint32_t>();
  for (std::size_t n = 0; n < first.size(); ++n) {
    ASSERT_EQ(first[n] == 0, size[n] == 0);
    if (first[n] == 0) continue;
    EXPECT_EQ(by_first.parts[first[n] - 1].box, by_size.parts[size[n] - 1].box);
  }
  EXPECT_EQ(component_list(in).size(), by_first.parts.size());
}

TEST(Components, OfAllTypesOfWholeNumbersAreTheSame) {
  Rng rng{7};
  auto const in = components_test_random<std::uint8_t>({23, 9, 4}, 0.5, 2, rng);
  auto const expected = components(in);
  for (auto const type : all_types) {
    SCOPED_TRACE(name_of(type));
    Volume other{in.grid(), type};
    with_type(type, [&](auto zero) {
      std::ranges::transform(in.as<std::uint8_t>(), other.write<decltype(zero)>().begin(),
                             [](auto value) { return static_cast<decltype(zero)>(value); });
    });
    if (type == Type::f32 || type == Type::f64) {
      EXPECT_THROW(components(other), Error);
      continue;
    }
    EXPECT_TRUE(std::ranges::equal(components(other).labels.as<std::uint32_t>(),
                                   expected.labels.as<std::uint32_t>()));
  }
}

TEST(Components, OfNothingAreNone) {
  Volume const empty{upright({5, 4, 3}, {}), Type::u8};
  EXPECT_TRUE(components(empty).parts.empty());
  EXPECT_THROW(components(Volume{upright({5, 4, 3}, {}), Type::u8, Unit::one, 2}), Error);
}

}  // namespace
}  // namespace fovea
