// Row "sliding-window": a CT of 512 x 512 x 300 through MONAI's UNet (32-64-128-256, three
// classes, random weights), windows of 128^3 that overlap by half. sliding THREADS [K J I]
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "bench/row.hpp"
#include "bench/ways.hpp"
#include "learn/nn/segmenter.hpp"
#include "learn/tensor/memory.hpp"
#include "learn/window/predict.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/randn.h>

namespace fovea {
namespace {

Network sliding_network() {
  SegmentDraw draw{.in = 1, .out = 3, .dimensions = 3};
  for (std::int64_t const features : {32, 64, 128, 256}) {
    auto const step = features < 256 ? 2 : 1;
    draw.levels.push_back({.features = features, .stride = {step, step, step}, .blocks = 2});
  }
  return Network{segmenter_named("monai-unet").draw(draw), 0};
}

int sliding_row(std::vector<std::string> const& words) {
  std::vector<std::int64_t> numbers;
  for (auto const& word : words) numbers.push_back(whole(word).value_or(0));
  if ((words.size() != 1 && words.size() != 4) || std::ranges::min(numbers) < 1)
    throw Error{Fault::usage, "expected THREADS [K J I]", "give whole numbers above 0"};
  at::set_num_threads(static_cast<int>(numbers[0]));
  reuse_large_memory();
  std::array<std::int64_t, 3> const size = words.size() == 4
                                               ? std::array{numbers[1], numbers[2], numbers[3]}
                                               : std::array<std::int64_t, 3>{300, 512, 512};
  auto const source = source_of(at::randn({1, size[0], size[1], size[2]}));
  auto const back = stay(upright({size[2], size[1], size[0]}, {}));
  auto const networks = std::vector{sliding_network()};
  for (auto const& [name, execution] : bench_ways) {
    auto network = networks.front();
    network.execution(execution);
    Clock const clock;
    predict_by_windows(networks, source, back, {.size = {128, 128, 128}});
    report_with_memory(text("fovea ", name), clock.seconds(), "s");
  }
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::sliding_row);
}
