#include "learn/segment/pictures.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/report/slices.hpp"
#include "learn/segment/evaluation.hpp"
#include "learn/segment/explain.hpp"
#include "learn/segment/model.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr std::size_t pictures_each = 3;
constexpr int pictures_width = 220;

struct PicturesKind {
  std::string_view badge;
  std::vector<std::size_t> cases;
};

// The best, those in the middle and the worst, each case once.
std::vector<PicturesKind> pictures_chosen(std::vector<std::size_t> const& by_dice) {
  auto const count = by_dice.size();
  auto const each = std::min(pictures_each, count / 3);
  auto const some = [&](std::size_t first) {
    auto const begin = by_dice.begin() + static_cast<std::ptrdiff_t>(std::min(first, count));
    auto const end =
        by_dice.begin() + static_cast<std::ptrdiff_t>(std::min(first + each, count));
    return std::vector<std::size_t>(begin, end);
  };
  if (each == 0) return {{"case", by_dice}};
  return {
      {"worst", some(0)}, {"middle", some((count - each) / 2)}, {"best", some(count - each)}};
}

// Which outline is which.
std::string pictures_legend(Model const& model, SegmentContract const& contract) {
  auto values = contract.rule.values;
  if (!contract.rule.regions && !values.empty()) values.erase(values.begin());  // background
  std::vector<std::pair<std::string, Rgb>> names{{"truth", {255, 255, 255}}};
  for (std::size_t i = 0; i < model.about.labels.size(); ++i) {
    auto const value = i < values.size() ? std::int64_t{values[i]} : std::ssize(names);
    names.emplace_back(model.about.labels[i].name, slice_colour(value));
  }
  return legend(names);
}

// Of masks as people drew them; regions that share values have no colour of their own.
std::string pictures_legend(Dataset const& set) {
  if (set.regions()) return {};
  std::vector<std::pair<std::string, Rgb>> names;
  for (auto const& label : set.labels)
    names.emplace_back(label.name, slice_colour(label.values.front()));
  return legend(names);
}

Panel pictures_cases(ReportParts const& parts, SegmentEvaluation const& proof) {
  auto const& set = parts.work.set;
  auto const contract = segment_contract(parts.model.about);
  std::vector<std::vector<Figure>> groups;
  for (auto const& kind : pictures_chosen(proof.by_dice())) {
    for (auto const index : kind.cases) {
      heed(parts.stop);
      auto const& one = set.cases[index];
      auto const image = set.image(one);
      auto const truth = set.mask(one, image.grid());
      auto const answer =
          segmented(parts.model, contract, image, {.outside = true, .stop = &parts.stop});
      auto& group = groups.emplace_back();
      for (auto& picture : slice_pictures(image, answer.labels, &truth.voxels))
        group.push_back({std::move(picture), {}, {}});
      group.front().caption = text(one.id, ": Dice ", fixed(proof.dice(index), 3));
      group.front().badge = kind.badge;
    }
  }
  return {"Cases",
          "The truth in white, what was found in colour on top of it: worst, middling and best "
          "cases by their mean Dice.",
          pictures_legend(parts.model, contract) + galleries(groups, pictures_width), "cases"};
}

Panel pictures_reasons(ReportParts const& parts, SegmentEvaluation const& proof) {
  auto const& set = parts.work.set;
  std::vector<std::vector<Figure>> groups;
  for (auto const index : proof.worst(pictures_each)) {
    heed(parts.stop);
    auto const image = set.image(set.cases[index]);
    for (auto const& label : parts.model.about.labels) {
      try {
        auto const why = segment_explain(parts.model, image, {.label = label.name});
        groups.push_back({{why.shown, set.cases[index].id, {}},
                          {picture_of(why), text(why.method, " for ", why.label), {}}});
      } catch (Error const& error) {
        if (error.fault() != Fault::input) throw;  // nothing of it was found
      }
    }
  }
  auto const body = groups.empty() ? note("info", "Nothing was found that could be explained.")
                                   : galleries(groups, pictures_width);
  return {"Why",
          "Where the voxels of a structure come from (Seg-Grad-CAM), in the worst cases.", body,
          "why"};
}

Panel pictures_data(ReportParts const& parts) {
  auto const& set = parts.work.set;
  std::vector<std::string> row{"cases"};
  for (auto const split : all_splits) row.push_back(text(set.in(split).size()));
  auto body = table({"", "train", "validation", "test"}, {row});
  body += paragraph(text("Structures: ", joined(learnt_names(set), ", "), ". Channels: ",
                         joined(segment_contract(parts.model.about).channels, ", "), "."));
  if (!parts.images) return {"Data", "What was learnt from.", body, "data"};
  for (auto const& words : set.notes) body += note("info", words);
  Rng rng{{static_cast<std::uint64_t>(parts.work.plan.whole("seed")), 0xc0}};
  auto train = set.labelled(Split::train);
  rng.shuffle(std::span{train});
  constexpr std::size_t most = 4;
  train.resize(std::min(train.size(), most));
  std::vector<std::vector<Figure>> groups;
  for (auto const index : train) {
    auto const image = set.image(set.cases[index]);
    auto const truth = set.mask(set.cases[index], image.grid());
    auto& group = groups.emplace_back();
    for (auto& picture : slice_pictures(image, truth.voxels, nullptr))
      group.push_back({std::move(picture), set.cases[index].id, {}});
  }
  return {"Data", "What was learnt from, and some training cases, drawn at random.",
          body + pictures_legend(set) + galleries(groups, pictures_width), "data"};
}

}  // namespace

std::vector<Panel> segment_pictures(ReportParts const& parts) {
  std::vector<Panel> out;
  auto const& proof = dynamic_cast<SegmentEvaluation const&>(parts.proof);
  if (parts.images) {
    out.push_back(pictures_cases(parts, proof));
    out.push_back(pictures_reasons(parts, proof));
  }
  out.push_back(pictures_data(parts));
  return out;
}

}  // namespace fovea
