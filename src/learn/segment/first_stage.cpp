#include "learn/segment/first_stage.hpp"

#include "base/core/words.hpp"
#include "learn/task/job.hpp"

#include <algorithm>

namespace fovea {
namespace {

Model stage_model(fs::path const& run) {
  if (!is_run(run))
    throw Error{Fault::input, text("the first stage ", run, " is not a run"),
                "give the folder that `fovea train --out` made for it"};
  auto model = open_model(run);
  if (!model.about.output.on_grid)
    throw Error{Fault::input, text("the first stage ", run, " labels no voxels"),
                "give the run of a model that makes masks"};
  return model;
}

std::string stage_names(std::vector<std::string> const& ids) {
  constexpr std::size_t most = 4;
  std::vector<std::string> const some(
      ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(std::min(most, ids.size())));
  auto out = joined(some, ", ");
  if (ids.size() > most) out += text(" and ", ids.size() - most, " more");
  return out;
}

}  // namespace

FirstStage::FirstStage(fs::path const& run, Dataset const& set)
    : model_(stage_model(run)), cases_(read_splits(run)) {
  std::vector<std::string> known;
  for (auto const split : {Split::validation, Split::test}) {
    for (auto const index : set.in(split)) {
      auto const before = of(set.cases[index]);
      auto const held_back = split == Split::validation && before.fold > 0;
      if (before.split != Split::unassigned && !held_back &&
          (before.split == Split::train || before.fold > 0))
        known.push_back(set.cases[index].id);
    }
  }
  if (known.empty()) return;
  throw Error{
      Fault::usage,
      text("the first stage ", run, " has learnt from cases that are held back here (",
           stage_names(known), "): its masks of them are better than those of others"),
      "train both stages on the same data with the same --seed, or the first with folds"};
}

RunCase FirstStage::of(Case const& one) const {
  auto const found = cases_.find(one.id);
  return found == cases_.end() ? RunCase{} : found->second;
}

std::vector<std::uint16_t> FirstStage::values() const {
  return found_values(segment_contract(model_.about));
}

std::size_t FirstStage::network_of(Case const& one) const {
  auto const fold = static_cast<std::size_t>(std::max(0, of(one).fold));
  return fold <= model_.networks.size() ? fold : 0;
}

Model FirstStage::unseen_by(Case const& one) const {
  auto out = model_;
  if (auto const network = network_of(one); network > 0)
    out.networks = {model_.networks[network - 1]};
  return out;
}

bool FirstStage::seen_by_all(Dataset const& set) const {
  return std::ranges::any_of(set.in(Split::train), [&](std::size_t index) {
    auto const before = of(set.cases[index]);
    return before.split == Split::train && before.fold == 0;
  });
}

}  // namespace fovea
