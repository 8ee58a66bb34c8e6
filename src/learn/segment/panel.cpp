#include "learn/segment/panel.hpp"

#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {
namespace {

// Of blocks, and of the sum that is read beside each.
constexpr std::uint64_t panel_block_bytes = 16 << 20;

std::vector<std::string> panel_names(Model const& model) {
  std::vector<std::string> out;
  for (auto const& label : model.about.labels) out.push_back(label.name);
  return out;
}

[[noreturn]] void panel_refuse(std::string const& first,
                               std::string const& other,
                               std::string const& found) {
  throw Error{Fault::input, text(other, " cannot answer together with ", first, ": ", found),
              "give models of the same structures and channels"};
}

std::vector<std::size_t> panel_outputs(std::string const& first_name,
                                       PanelMember const& first,
                                       std::string const& name,
                                       PanelMember const& one) {
  auto const& contract = one.contract;
  if (contract.channels.size() != first.contract.channels.size())
    panel_refuse(first_name, name,
                 text("it sees ", joined(contract.channels, ", "), ", the other ",
                      joined(first.contract.channels, ", ")));
  if (contract.rule.regions != first.contract.rule.regions)
    panel_refuse(first_name, name, "one gives a label a voxel, the other regions that overlap");
  auto const wanted = panel_names(first.model);
  auto const names = panel_names(one.model);
  auto sorted = std::pair{wanted, names};
  std::ranges::sort(sorted.first);
  std::ranges::sort(sorted.second);
  if (sorted.first != sorted.second)
    panel_refuse(first_name, name,
                 text("it marks ", joined(names, ", "), ", the other ", joined(wanted, ", ")));
  // Output 0 of classes is the background.
  std::size_t const before = contract.rule.regions ? 0 : 1;
  std::vector<std::size_t> out(before, 0);
  for (auto const& label : wanted)
    out.push_back(before +
                  static_cast<std::size_t>(std::ranges::find(names, label) - names.begin()));
  return out;
}

std::vector<std::vector<std::int64_t>> panel_sorted(
    std::vector<std::vector<std::int64_t>> steps) {
  for (auto& one : steps) std::ranges::sort(one);
  return steps;
}

// Whether a member writes the same values for the same structures as the first.
bool panel_same_values(PanelMember const& first, PanelMember const& one) {
  auto const& values = one.contract.rule.values;
  for (std::size_t n = 0; n < one.outputs.size(); ++n) {
    if (values[one.outputs[n]] != first.contract.rule.values[n]) return false;
  }
  return true;
}

Cleanup panel_cleanup(std::span<PanelMember const> panel) {
  auto cleanup = panel.front().contract.cleanup;
  for (auto const& one : panel) {
    if (!panel_same_values(panel.front(), one)) return {};
    auto const steps = panel_sorted(one.contract.cleanup.largest);
    std::erase_if(cleanup.largest, [&](std::vector<std::int64_t> step) {
      std::ranges::sort(step);
      return std::ranges::find(steps, step) == steps.end();
    });
  }
  return cleanup;
}

// The sum of members' probabilities on its way to labels.
class PanelSum {
 public:
  PanelSum(std::span<PanelMember const> panel, Volume const& image, ProbabilityRoom const& room)
      : panel_(panel),
        room_(room),
        rule_(panel.front().contract.rule),
        labels_{image.grid(), std::ranges::max(rule_.values) > 255 ? Type::u16 : Type::u8} {}

  void add(std::size_t member, ProbabilityBlock const& block) {
    auto const voxels = static_cast<std::size_t>(block.box.voxels());
    auto const& outputs = panel_[member].outputs;
    auto const share = 1 / static_cast<float>(panel_.size());
    sum_.resize(outputs.size() * voxels);
    if (member == 0)
      std::ranges::fill(sum_, 0.0F);
    else
      room_.read(block.box, sum_);
    for (std::size_t n = 0; n < outputs.size(); ++n) {
      auto const* const from = block.values.data() + outputs[n] * voxels;
      auto* const into = sum_.data() + n * voxels;
      for (std::size_t v = 0; v < voxels; ++v) into[v] += share * from[v];
    }
    auto const last = member + 1 == panel_.size();
    if (last) decide(block.box);
    if (!last || room_.kept) room_.write(block.box, sum_);
  }

  Volume take_labels() { return std::move(labels_); }

 private:
  void decide(WindowBox const& box) {
    with_type(labels_.type(), [&](auto zero) {
      auto const labels = labels_.write<decltype(zero)>();
      std::size_t n = 0;
      for (std::int64_t k = 0; k < box.size[0]; ++k) {
        for (std::int64_t j = 0; j < box.size[1]; ++j) {
          auto at = static_cast<std::size_t>(
              ((box.first[0] + k) * labels_.height() + box.first[1] + j) * labels_.width() +
              box.first[2]);
          for (std::int64_t i = 0; i < box.size[2]; ++i)
            labels[at++] = static_cast<decltype(zero)>(value_of(n++, box));
        }
      }
    });
  }

  std::uint16_t value_of(std::size_t voxel, WindowBox const& box) const {
    auto const voxels = static_cast<std::size_t>(box.voxels());
    std::size_t best = 0;
    std::uint16_t painted = 0;
    for (std::size_t n = 0; n < rule_.values.size(); ++n) {
      auto const here = sum_[n * voxels + voxel];
      if (here > sum_[best * voxels + voxel]) best = n;
      if (here > 0.5F) painted = rule_.values[n];
    }
    return rule_.regions ? painted : rule_.values[best];
  }

  std::span<PanelMember const> panel_;
  ProbabilityRoom const& room_;
  LabelRule const& rule_;
  Volume labels_;
  std::vector<float> sum_;
};

}  // namespace

std::vector<PanelMember> panel_of(std::vector<std::pair<std::string, Model>> models) {
  if (models.empty()) throw Error{Fault::usage, "no model was given", "give one or more"};
  std::vector<PanelMember> out;
  for (auto& [name, model] : models) {
    auto contract = segment_contract(model.about);
    out.push_back({std::move(model), std::move(contract), {}});
    out.back().outputs = panel_outputs(models.front().first, out.front(), name, out.back());
  }
  return out;
}

Segmented segmented_together(std::span<PanelMember const> panel,
                             Volume const& image,
                             SegmentAsk const& ask,
                             ProbabilityRoom const& room) {
  auto own = ask;
  own.probabilities = {};
  if (panel.size() == 1) {
    if (room.write)
      own.probabilities = [&](ProbabilityBlock const& block) {
        room.write(block.box, block.values);
      };
    return segmented(panel.front().model, panel.front().contract, image, own);
  }
  if (ask.uncertainty)
    throw Error{Fault::usage, "uncertainty is that of one model", "ask the models one by one"};
  if (!room.write || !room.read)
    throw Error{Fault::usage, "several models have no room for their probabilities",
                "give one"};
  PanelSum sum{panel, image, room};
  own.cleanup = false;
  own.beside = ask.beside + panel_block_bytes +
               static_cast<std::uint64_t>(image.voxels()) * sizeof(std::uint16_t);
  for (std::size_t n = 0; n < panel.size(); ++n) {
    own.probabilities = [&](ProbabilityBlock const& block) { sum.add(n, block); };
    if (ask.progress)
      own.progress = [&](double done, double all) {
        ask.progress(static_cast<double>(n) + done / all, static_cast<double>(panel.size()));
      };
    segmented(panel[n].model, panel[n].contract, image, own);
  }
  auto labels = sum.take_labels();
  return {ask.cleanup ? cleaned(labels, panel_cleanup(panel)) : labels, std::nullopt};
}

}  // namespace fovea
