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
  if (model.before)
    throw Error{Fault::input, text("the first stage ", run, " is a cascade itself"),
                "a cascade has two stages: give the run of one network, or of its folds"};
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

FirstStage::FirstStage(Plan const& plan, Dataset const& set)
    : run_(plan.word("first_stage")),
      model_(stage_model(run_)),
      contract_(segment_contract(model_.about)),
      cases_(read_splits(run_)) {
  auto const& wanted = plan.word("first_stage_model");
  if (!wanted.empty() && wanted != model_.identity)
    throw Error{
        Fault::input,
        text("the first stage ", run_, " holds another model than when this was planned"),
        "restore that run, or begin a new one of this"};
  // Splits keep a patient together; should they not, what was learnt from counts.
  for (auto const& [id, one] : cases_) {
    if (one.patient.empty()) continue;
    auto& known = patients_.try_emplace(one.patient, one).first->second;
    if (one.split == Split::train) known = one;
  }
  demand_all_cases();
  demand_folds();
  demand_held_back(set);
}

// A case that a damaged splits.csv lacks would pass for one that nobody has learnt from.
void FirstStage::demand_all_cases() const {
  auto const about = read_about(run_);
  std::size_t wanted = 0;
  for (auto const* const split : {"train", "validation", "test"}) {
    auto const count = about.value(Json::json_pointer{text("/cases/", split)}, Json{});
    if (count.is_number_unsigned()) wanted += count.get<std::size_t>();
  }
  if (wanted == cases_.size()) return;
  throw Error{Fault::input,
              text("the first stage ", run_, " has ", wanted,
                   " cases, and its splits.csv names ", cases_.size()),
              "restore the file, or train the first stage again"};
}

void FirstStage::demand_folds() const {
  if (model_.networks.size() == 1) return;
  std::size_t most = 0;
  for (auto const& [id, one] : cases_)
    most = std::max(most, static_cast<std::size_t>(std::max(0, one.fold)));
  if (most == model_.networks.size()) return;
  throw Error{Fault::input,
              text("the first stage ", run_, " has ", model_.networks.size(),
                   " networks, and its splits.csv does not say which of them held a case back"),
              "train it again with this version"};
}

void FirstStage::demand_held_back(Dataset const& set) const {
  std::vector<std::string> known;
  for (auto const split : {Split::validation, Split::test}) {
    for (auto const index : set.in(split)) {
      auto const before = of(set.cases[index]);
      auto const learnt = before.split == Split::train && before.fold == 0;
      auto const chosen = split == Split::test &&
                          (before.split == Split::train || before.split == Split::validation);
      if (learnt || chosen) known.push_back(set.cases[index].id);
    }
  }
  if (known.empty()) return;
  throw Error{
      Fault::usage,
      text("the first stage ", run_, " has learnt from cases that are held back here (",
           stage_names(known), "): its masks of them are better than those of others"),
      "train both stages on the same data with the same --seed, or the first with folds"};
}

RunCase FirstStage::of(Case const& one) const {
  if (auto const found = cases_.find(one.id); found != cases_.end()) return found->second;
  auto const found = patients_.find(one.patient);
  return found == patients_.end() ? RunCase{} : found->second;
}

std::size_t FirstStage::network_of(Case const& one) const {
  if (model_.networks.size() == 1) return 0;
  return static_cast<std::size_t>(std::max(0, of(one).fold));
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
