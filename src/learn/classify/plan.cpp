#include "base/core/cpu.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "learn/classify/classify.hpp"
#include "learn/nn/families.hpp"
#include "learn/task/ways.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace fovea {
namespace {

/// What the training images have in common.
struct Sizes {
  std::int64_t typical = 224;  ///< median of the shorter sides
  bool equal = true;
  bool colour = false;
  bool bytes = true;                    ///< all stored in 8 bits
  double low = 0, high = 255;           ///< over all
  double mean = 0.5, deviation = 0.25;  ///< of values mapped to 0 … 1
  std::size_t count = 0;
};

Sizes plan_sizes(Dataset const& set, QualityReport const& quality) {
  Sizes out;
  std::vector<std::int64_t> sides;
  double sum = 0;
  double squares = 0;
  auto low = std::numeric_limits<double>::infinity();
  auto high = -low;
  auto const train = set.in(Split::train);
  for (auto const index : train) {
    auto const& facts = quality.facts[index];
    out.equal = out.equal && facts.width == quality.facts[train[0]].width &&
                facts.height == facts.width;
    sides.push_back(std::min(facts.width, facts.height));
    out.colour = out.colour || !facts.grey;
    out.bytes = out.bytes && facts.type == Type::u8;
    low = std::min(low, facts.low);
    high = std::max(high, facts.high);
    sum += facts.mean;
    squares += facts.deviation * facts.deviation + facts.mean * facts.mean;
  }
  if (sides.empty())
    throw Error{Fault::input, "none of the training images can be read",
                "see `fovea data inspect` for the reason of each"};
  out.count = sides.size();
  std::ranges::nth_element(sides,
                           sides.begin() + static_cast<std::ptrdiff_t>(sides.size() / 2));
  out.typical = sides[sides.size() / 2];
  // 8 bits keep their full range, so that "bright" means the same in every set; others are
  // stretched over what occurs.
  out.low = out.bytes ? 0 : low;
  out.high = out.bytes ? 255 : std::max(high, low + 1e-6);
  auto const count = static_cast<double>(sides.size());
  auto const mean = sum / count;
  auto const spread = std::sqrt(std::max(0.0, squares / count - mean * mean));
  out.mean = (mean - out.low) / (out.high - out.low);
  out.deviation = std::max(1e-3, spread / (out.high - out.low));
  return out;
}

/// Largest class by smallest, over the training cases.
double plan_imbalance(Dataset const& set) {
  std::vector<double> counts(set.classes.size());
  for (auto const index : set.in(Split::train)) {
    auto const label = set.cases[index].labels[0];
    if (!set.multi_label && label != unknown) ++counts[static_cast<std::size_t>(label)];
  }
  auto const [least, most] = std::ranges::minmax_element(counts);
  return set.multi_label || *least == 0 ? 1 : *most / *least;
}

/// Sets what nobody has set yet.
class Suggest {
 public:
  explicit Suggest(Plan& plan) : plan_(plan) {}
  template <class Value>
  void operator()(std::string_view key, Value value, std::string const& reason) const {
    if (plan_.normal(key)) plan_.set(key, value, reason);
  }

 private:
  Plan& plan_;
};

void plan_intensity(Sizes const& sizes, Plan& plan) {
  Suggest const suggest{plan};
  suggest("channels", sizes.colour ? 3 : 1,
          sizes.colour ? "there are colour images" : "all images are grey");
  auto const range =
      sizes.bytes ? "8-bit images keep their range" : "the range of the training images";
  suggest("intensity_low", sizes.low, range);
  suggest("intensity_high", sizes.high, range);
  suggest("mean", std::round(sizes.mean * 1e6) / 1e6, "measured on the training images");
  suggest("deviation", std::round(sizes.deviation * 1e6) / 1e6,
          "measured on the training images");
}

/// A network and the size of its images.
struct Choice {
  std::string_view network;
  std::int64_t size = 0;
};

// Best first; the later ones are for those who have little time.
std::vector<Choice> plan_choices(Sizes const& sizes) {
  constexpr std::int64_t small = 64;
  constexpr std::int64_t most = 224;
  if (sizes.typical <= small)
    return {{"resnet-small", std::max<std::int64_t>(8, sizes.typical)}};
  auto const full = std::min(most, (sizes.typical + 16) / 32 * 32);
  std::vector<Choice> choices{{"resnet18", full}};
  for (auto const less : {std::int64_t{160}, std::int64_t{112}}) {
    if (less < full) choices.push_back({"resnet18", less});
  }
  choices.push_back({"resnet-small", small});
  return choices;
}

// Passes over the training images that a machine like this one makes in the time, about:
// multiply-adds a second and core were measured (AMX 110-200 thousand million, others by their
// float32 rates). Small pictures gain less by the fused executor than volumes do (plan_budget).
double plan_epochs(Choice const& choice, Dataset const& set, Plan const& plan, double seconds) {
  auto const features = cpu_features();
  auto const has = [&](std::string_view name) {
    return std::ranges::find(features, name) != features.end();
  };
  auto const per_core = has("AMX-BF16") ? 110e9 : has("AVX512-BF16") ? 60e9 : 40e9;
  auto const cores = plan.whole("threads") > 0 ? plan.whole("threads") : usable_cores();
  auto const graph = network_named(choice.network)
                         .draw({.in = plan.whole("channels"),
                                .out = static_cast<std::int64_t>(set.classes.size()),
                                .size = choice.size});
  constexpr double backward_too = 3;
  auto const epoch = backward_too * cost_of(graph, {choice.size, choice.size}).multiply_adds *
                     static_cast<double>(set.in(Split::train).size());
  constexpr double share_for_steps = 0.75;
  return share_for_steps * seconds * per_core * static_cast<double>(cores) / epoch;
}

void plan_network(Dataset const& set, Sizes const& sizes, Plan& plan) {
  Suggest const suggest{plan};
  constexpr double enough_epochs = 20;
  auto const seconds = plan.fraction("time");
  network_named(plan.word("network"));  // refuses a misspelt one
  auto choices = plan_choices(sizes);
  std::erase_if(choices, [&](Choice const& choice) {
    return (!plan.normal("network") && plan.word("network") != choice.network) ||
           (!plan.normal("image_size") && plan.whole("image_size") != choice.size);
  });
  if (choices.empty()) choices = {plan_choices(sizes).front()};
  auto const fits = [&](Choice const& choice) {
    return seconds <= 0 || plan_epochs(choice, set, plan, seconds) >= enough_epochs;
  };
  auto const found = std::ranges::find_if(choices, fits);
  auto const first = found == choices.begin();
  auto const& choice = found == choices.end() ? choices.back() : *found;
  auto const why =
      text("the images have ", sizes.equal ? "" : "about ", sizes.typical, " pixels",
           first ? "" : "; more would leave too few passes over the images for the time");
  suggest("network", choice.network, why);
  suggest("image_size", choice.size, why);

  auto const most = std::max<std::int64_t>(1, static_cast<std::int64_t>(sizes.count) / 8);
  auto const batch = std::min<std::int64_t>(plan.whole("image_size") <= 64 ? 64 : 32, most);
  suggest("batch_size", batch,
          batch == most ? "at least eight updates an epoch"
                        : "a good pace for images of this size");
  suggest("average", 0.998, "averaged weights answer more steadily");
}

void plan_augmentation(Dataset const& set, Sizes const& sizes, Plan& plan) {
  Suggest const suggest{plan};
  auto const few = sizes.count < 2000;
  auto const why = few ? text("only ", sizes.count, " training images: strong changes")
                       : text(sizes.count, " training images");
  suggest("flip_left_right", sizes.colour ? 0.5 : 0.0,
          sizes.colour ? "colour images (skin, tissue, fundus) look alike when mirrored"
                       : "grey images: in radiographs the side matters");
  suggest("rotate", few ? 12 : 10, why);
  suggest("scale", few ? 0.15 : 0.1, why);
  suggest("shift", few ? 0.08 : 0.06, why);
  suggest("brightness", 0.1, "exposure differs between machines");
  suggest("contrast", 0.25, "exposure differs between machines");
  suggest("gamma", 0.25, "exposure differs between machines");
  suggest("noise", 0.03, "detectors differ");
  auto const ratio = plan_imbalance(set);
  if (ratio > 1.5)
    suggest("balance", std::string_view{"sampling"},
            text("the largest class is ", fixed(ratio, 1), " times the smallest"));
}

}  // namespace

double classify_fits(Dataset const& set) {
  return set.classes.empty() || set.cases.empty() ? 0 : 1;
}

void classify_plan(Dataset const& set, QualityReport const& quality, Plan& plan, Stop const&) {
  if (set.multi_label && plan.word("balance") == "sampling")
    throw Error{
        Fault::usage,
        "cases with several labels cannot be drawn so that all labels come equally often",
        "take --set balance=weights"};
  auto const sizes = plan_sizes(set, quality);
  plan_intensity(sizes, plan);
  plan_network(set, sizes, plan);
  plan_augmentation(set, sizes, plan);
  prepare_of(plan);  // refuses what cannot be, before anything is written
  auto const side = plan.whole("image_size");
  auto const graph = network_of(plan, set);
  demand_step_memory(graph, {side, side}, "image_size", plan);
  tell_executor(graph, plan.whole("batch_size"), {side, side}, plan);
}

std::vector<Candidate> classify_candidates(Dataset const&, Plan const& plan) {
  auto const size = plan.whole("image_size");
  auto const other = plan.word("network") == "resnet18" ? "resnet-small" : "resnet18";
  std::vector<Candidate> out{{{"network", other}}};
  constexpr std::int64_t least = 96;
  if (size >= least) out.push_back({{"image_size", text(size / 2 / 16 * 16)}});
  for (auto const factor : {0.33, 3.0})
    out.push_back({{"learning_rate", spelled(plan.fraction("learning_rate") * factor)}});
  return out;
}

Graph network_of(Plan const& plan, Dataset const& set) {
  return network_named(plan.word("network"))
      .draw({.in = plan.whole("channels"),
             .out = static_cast<std::int64_t>(set.classes.size()),
             .size = plan.whole("image_size"),
             .dropout = plan.fraction("dropout")});
}

Prepare prepare_of(Plan const& plan) {
  auto const side = plan.whole("image_size");
  if (plan.fraction("intensity_low") >= plan.fraction("intensity_high"))
    throw Error{Fault::usage,
                text("expected intensity_low below intensity_high, got ",
                     plan.word("intensity_low"), " and ", plan.word("intensity_high")),
                "set both, as --set intensity_low=0 --set intensity_high=255"};
  return {.width = side,
          .height = side,
          .channels = plan.whole("channels"),
          .low = plan.fraction("intensity_low"),
          .high = plan.fraction("intensity_high"),
          .mean = plan.fraction("mean"),
          .deviation = plan.fraction("deviation")};
}

Augment augment_of(Plan const& plan) {
  return {.flip_left_right = plan.fraction("flip_left_right"),
          .flip_up_down = plan.fraction("flip_up_down"),
          .rotate = plan.fraction("rotate"),
          .scale = plan.fraction("scale"),
          .shift = plan.fraction("shift"),
          .shear = plan.fraction("shear"),
          .elastic = plan.fraction("elastic"),
          .brightness = plan.fraction("brightness"),
          .contrast = plan.fraction("contrast"),
          .gamma = plan.fraction("gamma"),
          .noise = plan.fraction("noise"),
          .blur = plan.fraction("blur"),
          .cut_out = plan.fraction("cut_out")};
}

}  // namespace fovea
