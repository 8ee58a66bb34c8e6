#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/geometry/components.hpp"
#include "learn/foreign/bundle_lambda.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

void labels_softmax(Volume& outputs) {
  auto const voxels = static_cast<std::size_t>(outputs.voxels());
  auto const channels = static_cast<std::size_t>(outputs.channels());
  auto const values = outputs.write<float>();
  for (std::size_t v = 0; v < voxels; ++v) {
    auto most = values[v];
    for (std::size_t c = 1; c < channels; ++c) most = std::max(most, values[c * voxels + v]);
    double sum = 0;
    for (std::size_t c = 0; c < channels; ++c)
      sum += std::exp(static_cast<double>(values[c * voxels + v] - most));
    for (std::size_t c = 0; c < channels; ++c)
      values[c * voxels + v] = static_cast<float>(
          std::exp(static_cast<double>(values[c * voxels + v] - most)) / sum);
  }
}

void labels_activations(BundleStep const& step, Volume& outputs) {
  if (step_flag(step, "sigmoid")) {
    for (auto& value : outputs.write<float>())
      value = static_cast<float>(1 / (1 + std::exp(-static_cast<double>(value))));
  }
  if (step_flag(step, "softmax")) labels_softmax(outputs);
}

Volume labels_argmax(Volume const& outputs) {
  Volume out{outputs.grid(), Type::f32};
  auto const voxels = static_cast<std::size_t>(outputs.voxels());
  auto const from = outputs.as<float>();
  auto const to = out.write<float>();
  for (std::size_t v = 0; v < voxels; ++v) {
    std::size_t best = 0;
    for (std::size_t c = 1; c < static_cast<std::size_t>(outputs.channels()); ++c) {
      if (from[c * voxels + v] > from[best * voxels + v]) best = c;
    }
    to[v] = static_cast<float>(best);
  }
  return out;
}

Volume labels_one_hot(BundleStep const& step, Volume const& labels, double wanted) {
  constexpr double most = 1000;
  if (!(wanted >= 1 && wanted <= most) || labels.channels() != 1)
    step_refuse(step, text("one channel for each of ", spelled(wanted), " labels"));
  Volume out{labels.grid(), Type::f32, labels.unit(), static_cast<std::int64_t>(wanted)};
  auto const from = labels.as<float>();
  for (std::int64_t c = 0; c < out.channels(); ++c) {
    auto const to = out.write_channel<float>(c);
    for (std::size_t v = 0; v < to.size(); ++v)
      to[v] = from[v] == static_cast<float>(c) ? 1.0F : 0.0F;
  }
  return out;
}

void labels_discrete(BundleStep const& step, Volume& outputs) {
  if (step_flag(step, "argmax")) outputs = labels_argmax(outputs);
  if (auto const labels = step_number(step, "to_onehot"))
    outputs = labels_one_hot(step, outputs, *labels);
  if (auto const threshold = step_number(step, "threshold")) {
    for (auto& value : outputs.write<float>())
      value = static_cast<double>(value) >= *threshold ? 1.0F : 0.0F;
  }
  auto const rounding = step_word(step, "rounding", "");
  if (rounding == "torchrounding") {
    for (auto& value : outputs.write<float>()) value = std::nearbyint(value);
  } else if (!rounding.empty()) {
    step_refuse(step, "the rounding " + rounding);
  }
}

Neighbours labels_neighbours(BundleStep const& step, Volume const& of) {
  auto const axes = of.depth() > 1 ? 3 : 2;
  auto const hops = step_number(step, "connectivity").value_or(axes);
  if (hops == 1) return Neighbours::faces;
  if (hops == axes) return Neighbours::corners;
  if (hops == 2) return Neighbours::edges;
  step_refuse(step, text("a connectivity of ", spelled(hops), " in ", axes, " dimensions"));
}

// Clears what is in `mask` (0 or 1) but not in its largest pieces.
template <class Clear>
void labels_keep_pieces(BundleStep const& step, Volume const& mask, Clear const& clear) {
  auto const keep = step_number(step, "num_components").value_or(1);
  if (keep != std::floor(keep) || keep < 1)
    step_refuse(step, text("expected num_components of 1 or more, got ", spelled(keep)));
  auto const found = components(
      mask, {.neighbours = labels_neighbours(step, mask), .order = ComponentOrder::size});
  auto const numbers = found.labels.as<std::uint32_t>();
  for (std::size_t v = 0; v < numbers.size(); ++v) {
    if (static_cast<double>(numbers[v]) > keep) clear(v);
  }
}

Volume labels_mask(Grid const& grid, auto const& is_in) {
  Volume mask{grid, Type::u8};
  auto const to = mask.write<std::uint8_t>();
  for (std::size_t v = 0; v < to.size(); ++v) to[v] = is_in(v) ? 1 : 0;
  return mask;
}

void labels_largest_of_channels(BundleStep const& step,
                                Volume& outputs,
                                std::vector<double> wanted) {
  if (wanted.empty()) {
    // MONAI takes the first channel for the background.
    for (std::int64_t c = 1; c < outputs.channels(); ++c)
      wanted.push_back(static_cast<double>(c));
  }
  std::vector<std::int64_t> channels;
  for (auto const one : wanted) {
    if (one != std::floor(one) || one < 0 || one >= static_cast<double>(outputs.channels()))
      step_refuse(step, text("channel ", spelled(one), " of ", outputs.channels()));
    channels.push_back(static_cast<std::int64_t>(one));
  }
  if (step_flag(step, "independent", true)) {
    for (auto const c : channels) {
      auto const values = outputs.write_channel<float>(c);
      labels_keep_pieces(
          step, labels_mask(outputs.grid(), [&](std::size_t v) { return values[v] > 0; }),
          [&](std::size_t v) { values[v] = 0; });
    }
    return;
  }
  auto const mask = labels_mask(outputs.grid(), [&](std::size_t v) {
    return std::ranges::any_of(
        channels, [&](std::int64_t c) { return outputs.channel<float>(c)[v] == 1; });
  });
  labels_keep_pieces(step, mask, [&](std::size_t v) {
    for (auto const c : channels) outputs.write_channel<float>(c)[v] = 0;
  });
}

void labels_largest(BundleStep const& step, Volume& outputs) {
  auto wanted = step_list(step, "applied_labels");
  auto const at = step.options.find("is_onehot");
  auto const guessed = at == step.options.end() || at->second.is_none();
  if (guessed ? outputs.channels() > 1 : step_flag(step, "is_onehot"))
    return labels_largest_of_channels(step, outputs, std::move(wanted));
  auto const values = outputs.write_channel<float>(0);
  if (wanted.empty()) {
    std::set<float> there(values.begin(), values.end());
    there.erase(0.0F);
    constexpr std::size_t most = 65535;
    if (there.size() > most) step_refuse(step, "expected labels, got other numbers");
    wanted.assign(there.begin(), there.end());
  }
  auto const keep = [&](std::vector<double> const& labels) {
    labels_keep_pieces(step,
                       labels_mask(outputs.grid(),
                                   [&](std::size_t v) {
                                     return std::ranges::find(labels,
                                                              static_cast<double>(values[v])) !=
                                            labels.end();
                                   }),
                       [&](std::size_t v) { values[v] = 0; });
  };
  if (!step_flag(step, "independent", true)) return keep(wanted);
  for (auto const label : wanted) keep({label});
}

}  // namespace

bool bundle_labels(BundleStep const& step, Volume& outputs) {
  struct Row {
    std::string_view name;
    void (*run)(BundleStep const&, Volume&);
  };
  static constexpr Row rows[] = {
      {"Activations", labels_activations},
      {"AsDiscrete", labels_discrete},
      {"KeepLargestConnectedComponent", labels_largest},
      {"Lambda",
       [](BundleStep const& one, Volume& of) {
         of = BundleLambda{step_word(one, "func", ""), one.name}(of);
       }},
  };
  for (auto const& row : rows) {
    if (row.name != step.name) continue;
    row.run(step, outputs);
    return true;
  }
  return false;
}

}  // namespace fovea
