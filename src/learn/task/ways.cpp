#include "learn/task/ways.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/kernel/winograd.hpp"

#include <utility>

namespace fovea {
namespace {

constexpr std::pair<std::string_view, Execution> ways_known[] = {
    {"float32 channels-last", {Precision::float32, Layout::channels_last}},
    {"float32", {Precision::float32, Layout::contiguous}},
    {"bfloat16 channels-last", {Precision::bfloat16, Layout::channels_last}},
    {"bfloat16", {Precision::bfloat16, Layout::contiguous}},
};

}  // namespace

std::vector<std::string> execution_ways(Plan const& plan) {
  auto const& wanted = plan.word("precision");
  std::vector<std::string> ways;
  for (auto const& [name, how] : ways_known) {
    if (wanted == "auto" || (wanted == "bfloat16") == (how.precision == Precision::bfloat16))
      ways.emplace_back(name);
  }
  return ways;
}

Execution execution_named(std::string_view way) {
  std::vector<std::string> known;
  for (auto const& [name, how] : ways_known) {
    if (name == way) return how;
    known.emplace_back(name);
  }
  throw Error{Fault::usage, text("a network cannot run as '", way, "'"),
              did_you_mean(way, known)};
}

std::string_view way_of(Execution how) {
  for (auto const& [name, known] : ways_known) {
    if (known == how) return name;
  }
  throw Error{Fault::bug, "a way to run that has no name", ""};
}

Execution to_answer_in(Precision precision) {
  // Our own convolutions read channels-last; without them float32 is as LibTorch has it
  // fastest.
  auto const last = precision == Precision::bfloat16 || Winograd::pays();
  return {precision, last ? Layout::channels_last : Layout::contiguous};
}

}  // namespace fovea
