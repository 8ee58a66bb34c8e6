#include "app/mask_maker.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "learn/segment/roi.hpp"

#include <algorithm>
#include <memory>

namespace fovea {
namespace {

// DICOM holds names of 64 letters: one that lists many structures is cut, between letters.
std::string maker_name(std::string name) {
  constexpr std::size_t most = 64;
  constexpr std::string_view more = "...";
  if (name.size() <= most) return name;
  auto end = most - more.size();
  while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xC0U) == 0x80U) --end;
  return name.substr(0, end) + std::string{more};
}

std::string maker_names(std::vector<PanelMember> const& panel) {
  std::vector<std::string> out;
  for (auto const& one : panel) out.push_back(one.model.about.name);
  return maker_name(joined(out, " + "));
}

std::string maker_identity(std::vector<PanelMember> const& panel) {
  if (panel.size() == 1) return panel.front().model.identity;
  std::vector<std::string> all;
  for (auto const& one : panel) all.push_back(one.model.identity);
  auto const known = std::ranges::find(all, "") == all.end();
  return known ? sha256(joined(all, "\n")) : "";
}

std::vector<MaskMaker::Structure> maker_structures(PanelMember const& member) {
  auto const& [model, contract, outputs] = member;
  auto const first = contract.rule.regions ? 0U : 1U;  // behind the background
  std::vector<MaskMaker::Structure> out;
  for (std::size_t n = 0; n < contract.inside.size(); ++n) {
    auto& one =
        out.emplace_back(MaskMaker::Structure{.name = model.about.labels[n].name,
                                              .inside = contract.inside[n],
                                              .written = contract.rule.values[n + first],
                                              .described = std::nullopt});
    if (n < contract.described.size() && !contract.described[n].type.empty())
      one.described = contract.described[n];
  }
  return out;
}

void maker_heed(std::vector<PanelMember>& panel, MaskFlags const& flags) {
  for (auto& one : panel) {
    // What to expect was learnt of answers of one model with its mirror images.
    auto const other_precision =
        !flags.precision.empty() && !one.contract.run_as.starts_with(flags.precision);
    auto const fewer_flips = flags.no_flips && !one.contract.flips.empty();
    if (flags.no_quality || fewer_flips || other_precision || panel.size() > 1)
      one.contract.expected.clear();
    if (flags.no_flips) one.contract.flips.clear();
    if (flags.step > 0) one.contract.step = flags.step;
  }
}

}  // namespace

MaskMaker mask_maker(MaskModels models, MaskFlags const& flags) {
  if (flags.uncertainty && models.panel.size() > 1)
    throw Error{Fault::usage, "--uncertainty is that of one model, --with asks several",
                "ask them one by one"};
  maker_heed(models.panel, flags);
  auto const shared = std::make_shared<MaskModels const>(std::move(models));
  auto const& first = shared->panel.front();
  MaskMaker out{.name = maker_names(shared->panel),
                .identity = maker_identity(shared->panel),
                .run_as = std::string{way_of(to_answer(first.contract.run_as, flags.way()))},
                .channels = first.contract.channels,
                .structures = maker_structures(first),
                .outputs = {},
                .sum_to_one = !first.contract.rule.regions,
                .needs_room = shared->panel.size() > 1,
                .expected = first.contract.expected,
                .demand_modality = {},
                .look = {},
                .make = {}};
  if (out.sum_to_one) out.outputs.emplace_back("background");
  for (auto const& one : out.structures) out.outputs.push_back(one.name);
  out.demand_modality = [shared](std::string_view modality) {
    demand_modality(shared->panel.front().contract, modality);
  };
  if (shared->coarse)
    out.look = [shared](Volume const& image, SegmentAsk const& ask) {
      return regions_of_interest(shared->coarse->first, shared->coarse->second, image, ask);
    };
  out.make = [shared](Volume const& image, SegmentAsk const& ask, ProbabilityRoom const& room) {
    return segmented_together(shared->panel, image, ask, room);
  };
  return out;
}

MaskMaker mask_maker(BundleModel model, MaskFlags const& flags) {
  if (flags.no_flips || flags.step > 0 || flags.uncertainty || flags.save_probabilities ||
      flags.roi || !flags.roi_model.empty() || !flags.with.empty() ||
      !flags.precision.empty() || !flags.executor.empty())
    throw Error{Fault::usage,
                "a bundle's own config says how its network goes over an image: --no-flips, "
                "--step, --precision, --executor, --uncertainty, --save-probabilities, --roi, "
                "--roi-model and "
                "--with are of other models",
                "leave them out"};
  MaskMaker out{.name = maker_name(model.facts.name),
                .identity = model.facts.version,
                .run_as = {},
                .channels = model.facts.channels,
                .structures = {},
                .outputs = {},
                .sum_to_one = false,
                .needs_room = false,
                .expected = {},
                .demand_modality = {},
                .look = {},
                .make = {}};
  for (auto const& label : model.labels)
    out.structures.push_back({.name = label.name,
                              .inside = {label.value},
                              .written = label.value,
                              .described = std::nullopt});
  auto const shared = std::make_shared<BundleModel const>(std::move(model));
  out.make = [shared](Volume const& image, SegmentAsk const& ask, ProbabilityRoom const&) {
    return Segmented{bundle_masks(*shared, image, ask), std::nullopt};
  };
  return out;
}

}  // namespace fovea
