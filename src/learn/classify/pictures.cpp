#include "learn/classify/pictures.hpp"

#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/classify/classify.hpp"
#include "learn/explain/cases.hpp"
#include "learn/explain/sanity.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

namespace fovea {
namespace {

constexpr std::size_t pictures_per_class = 6;
constexpr std::size_t pictures_mistakes = 8;

Panel pictures_data(ReportParts const& parts) {
  auto const& set = parts.work.set;
  std::map<std::pair<std::string, Split>, std::size_t> counts;
  for (auto const& one : set.cases) {
    for (std::size_t c = 0; c < set.classes.size(); ++c) {
      auto const has =
          set.multi_label ? one.labels[c] == 1 : one.labels[0] == static_cast<std::int32_t>(c);
      if (has) ++counts[{set.classes[c], one.split}];
    }
  }
  std::vector<std::vector<std::string>> rows;
  for (auto const& name : set.classes) {
    std::vector<std::string> row{name};
    for (auto const split : all_splits) row.push_back(text(counts[{name, split}]));
    rows.push_back(row);
  }
  std::vector<std::string> all{"all cases"};
  for (auto const split : all_splits) all.push_back(text(set.in(split).size()));
  rows.push_back(all);
  auto body = table({"class", "train", "validation", "test"}, rows);
  if (parts.images) {
    for (auto const& words : set.notes) body += note("info", words);  // they name files
  }
  if (!parts.images) return {"Data", "What was learnt from.", body, "data"};

  Rng rng{{static_cast<std::uint64_t>(parts.work.plan.whole("seed")), 0xc0}};
  std::vector<Figure> figures;
  for (std::size_t c = 0; c < set.classes.size(); ++c) {
    std::vector<std::size_t> of_class;
    for (auto const index : set.in(Split::train)) {
      auto const& labels = set.cases[index].labels;
      if (set.multi_label ? labels[c] == 1 : labels[0] == static_cast<std::int32_t>(c))
        of_class.push_back(index);
    }
    rng.shuffle(std::span{of_class});
    of_class.resize(std::min(of_class.size(), pictures_per_class));
    for (auto const index : of_class)
      figures.push_back({shown(set.image(set.cases[index])), set.classes[c], {}});
  }
  return {"Data",
          "What was learnt from, and some training images of each class, drawn at random.",
          body + gallery(figures), "data"};
}

std::string pictures_caption(Dataset const& set, Answer const& answer) {
  std::vector<std::string> parts;
  for (auto const& [label, score] : answer.scores) {
    if (set.multi_label ? score >= 0.5 : label == answer.label)
      parts.push_back(text(label, " (", fixed(100 * score, 0), " %)"));
  }
  return "says " + (parts.empty() ? "none" : joined(parts, ", "));
}

// What to explain of a wrong answer: of several labels the one that is farthest from the truth.
std::string pictures_wrong_label(Dataset const& set, Case const& one, Answer const& answer) {
  if (!set.multi_label) return answer.label;
  std::string worst;
  double fault = 0;
  for (std::size_t c = 0; c < set.classes.size(); ++c) {
    for (auto const& [label, score] : answer.scores) {
      auto const far = std::abs(score - one.labels[c]);
      if (label != set.classes[c] || one.labels[c] == unknown || far <= fault) continue;
      fault = far;
      worst = label;
    }
  }
  return worst;
}

std::string pictures_truth(Dataset const& set, Case const& one) {
  if (!set.multi_label)
    return one.labels[0] < 0 ? "unknown" : set.classes[static_cast<std::size_t>(one.labels[0])];
  std::vector<std::string> labels;
  for (std::size_t c = 0; c < set.classes.size(); ++c) {
    if (one.labels[c] == 1) labels.push_back(set.classes[c]);
  }
  return labels.empty() ? "none" : joined(labels, ", ");
}

Panel pictures_mistakes_panel(ReportParts const& parts) {
  auto const& set = parts.work.set;
  std::vector<std::vector<Figure>> figures;
  for (auto const index : parts.proof.worst(pictures_mistakes)) {
    heed(parts.stop);
    auto const& one = set.cases[index];
    auto const image = set.image(one);
    auto const answer = parts.proof.answer(index);
    auto& group = figures.emplace_back();
    group.push_back({shown(image),
                     text("truth ", pictures_truth(set, one), ", ",
                          pictures_caption(set, answer), ": ", one.id),
                     "wrong"});
    try {
      auto const why = classify_explain(parts.model, image,
                                        {.label = pictures_wrong_label(set, one, answer)});
      group.push_back({picture_of(why), text(why.method, " for ", why.label), {}});
    } catch (Error const& error) {
      // An image outside of the model's contract has an answer here, but no explanation.
      group.push_back({shown(image), error.what(), "not explained"});
    }
  }
  auto const body =
      figures.empty() ? note("good", "No case was answered wrongly.") : galleries(figures, 132);
  return {
      "Worst mistakes",
      "The wrong answers that were given most surely, and where in the image each came from.",
      body, "mistakes"};
}

// Mean of the curves of several images: they all have the same fractions.
Series pictures_curve(std::string name,
                      std::vector<Removal> const& removals,
                      Curve Removal::*which,
                      bool dashed) {
  Series line{.name = std::move(name), .points = {}, .dashed = dashed};
  auto const count = removals.front().*which;
  for (std::size_t i = 0; i < count.answers.size(); ++i) {
    double sum = 0;
    for (auto const& removal : removals) sum += (removal.*which).answers[i];
    line.points.push_back(
        {static_cast<double>(i) / static_cast<double>(count.answers.size() - 1),
         sum / static_cast<double>(removals.size()),
         {}});
  }
  return line;
}

std::string pictures_removal(std::vector<Removal> const& removals) {
  Axes const out{
      .x = "share of the pixels taken out", .y = "mean answer", .y_low = 0, .y_high = 1};
  Axes const in{.x = "share of the pixels put in", .y = "mean answer", .y_low = 0, .y_high = 1};
  return beside(
      {line_chart({pictures_curve("by the map", removals, &Removal::deletion, false),
                   pictures_curve("at random", removals, &Removal::random_deletion, true)},
                  out),
       line_chart({pictures_curve("by the map", removals, &Removal::insertion, false),
                   pictures_curve("at random", removals, &Removal::random_insertion, true)},
                  in)});
}

// Whether the order of the map beats orders at random, by the areas under the curves.
std::string pictures_removal_verdict(std::vector<Removal> const& removals) {
  auto const mean = [&](Curve Removal::*which) {
    double sum = 0;
    for (auto const& removal : removals) sum += (removal.*which).area;
    return sum / static_cast<double>(removals.size());
  };
  auto const out = mean(&Removal::deletion), out_random = mean(&Removal::random_deletion);
  auto const in = mean(&Removal::insertion), in_random = mean(&Removal::random_insertion);
  auto const better = (out < out_random) + (in > in_random);
  return note(better == 2 ? "good" : "warning",
              text("Mean answer while pixels are taken out: ", fixed(out, 3), " by the map, ",
                   fixed(out_random, 3),
                   " at random (lower is better); while they are put in: ", fixed(in, 3),
                   " by the map, ", fixed(in_random, 3), " at random (higher is better). ",
                   better == 2   ? "The maps find what the answers rest on."
                   : better == 1 ? "Only one of the two says that the maps find what the "
                                   "answers rest on."
                                 : "Neither says that the maps find what the answers rest "
                                   "on."));
}

// How alike the maps stay, as more and more layers get random weights: the mean size of the
// rank correlation over the images.
class PicturesCascade {
 public:
  static constexpr std::array shares = {0.25, 0.5, 0.75, 1.0};

  /// `seed`: another one for each image, as one draw may look like a reason by chance.
  void add(ReportParts const& parts,
           Volume const& image,
           Explanation const& learnt,
           std::uint64_t seed) {
    auto const map = learnt.map.as<float>();
    auto const [least, most] = std::ranges::minmax(map);
    if (least == most) return;  // says nothing, so nothing can be lost
    ++compared_;
    for (std::size_t i = 0; i < shares.size(); ++i) {
      heed(parts.stop);
      ExplainOptions::RandomWeights const weights{seed, shares[i]};
      auto const random = classify_explain(parts.model, image,
                                           {.label = learnt.label, .random_weights = weights});
      // A random network's map without any structure has changed altogether.
      sums_[i] += std::abs(rank_correlation(map, random.map.as<float>()).value_or(0));
    }
  }

  std::string verdict() const {
    if (compared_ == 0) return note("info", "No image gave a map to compare.");
    constexpr double alike = 0.5;
    auto const sound = mean(shares.size() - 1) < alike;
    Series line{.name = "with the trained network's maps",
                .points = {{0, 1, "as trained"}},
                .dots = true};
    for (std::size_t i = 0; i < shares.size(); ++i)
      line.points.push_back({shares[i], mean(i), {}});
    return note(sound ? "good" : "fault",
                text("Over ", compared_,
                     " images the maps of the trained network and of one with random weights "
                     "have a rank correlation (its size, whatever its sign) of ",
                     fixed(mean(shares.size() - 1), 2), ". ",
                     sound ? "The maps depend on what was learnt."
                           : "The maps hardly depend on what was learnt: do not trust them.")) +
           line_chart({line}, {.x = "share of the layers with random weights, from the output",
                               .y = "rank correlation",
                               .x_low = 0,
                               .x_high = 1,
                               .y_low = 0,
                               .y_high = 1});
  }

 private:
  double mean(std::size_t i) const { return sums_[i] / static_cast<double>(compared_); }

  std::array<double, shares.size()> sums_{};
  int compared_ = 0;
};

Panel pictures_sanity(ReportParts const& parts, std::vector<std::size_t> const& cases) {
  constexpr std::size_t looked_at = 6;
  PicturesCascade cascade;
  std::vector<Removal> removals;
  auto const& work = parts.work;
  auto const count = std::min(looked_at, cases.size());
  for (std::size_t i = 0; i < count; ++i) {
    heed(parts.stop);
    auto const image = work.set.image(work.set.cases[cases[i * cases.size() / count]]);
    try {
      auto const learnt = classify_explain(parts.model, image, {});
      removals.push_back(classify_removal(parts.model, image, {}));
      cascade.add(parts, image, learnt, 0x5a17 + i);
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;  // outside of the model's contract
    }
  }
  auto body = cascade.verdict();
  if (!removals.empty())
    body += paragraph(
                "Taking out what the map calls important should make the answer fall faster "
                "than taking out pixels at random, and putting it in "
                "should make it rise faster (Petsiuk et al., BMVC 2018).") +
            pictures_removal_verdict(removals) + pictures_removal(removals);
  return {"Sanity of the maps",
          "An explanation that stays the same when the weights are random explains nothing "
          "(Adebayo et al., NeurIPS 2018).",
          body, "sanity"};
}

Panel pictures_neighbours(ReportParts const& parts) {
  constexpr std::size_t queries = 4;
  constexpr std::size_t shown_each = 4;
  constexpr std::size_t most = 600;  // enough to find likenesses, seldom more than some seconds
  auto const& work = parts.work;
  auto train = work.set.in(Split::train);
  Rng rng{{static_cast<std::uint64_t>(work.plan.whole("seed")), 0x4e}};
  rng.shuffle(std::span{train});
  train.resize(std::min(train.size(), most));
  CaseIndex index;
  constexpr std::size_t at_once = 32;
  for (std::size_t first = 0; first < train.size(); first += at_once) {
    heed(parts.stop);
    std::vector<Volume> images;
    for (std::size_t i = first; i < std::min(first + at_once, train.size()); ++i)
      images.push_back(work.set.image(work.set.cases[train[i]]));
    index.add(classify_embeddings(parts.model, images));
  }
  std::vector<std::vector<Figure>> figures;
  for (auto const query : parts.proof.worst(queries)) {
    auto const image = work.set.image(work.set.cases[query]);
    auto& group = figures.emplace_back();
    group.push_back({shown(image), work.set.cases[query].id, "asked"});
    for (auto const& near :
         index.nearest(classify_embeddings(parts.model, {&image, 1})[0], shown_each)) {
      auto const& one = work.set.cases[train[near.index]];
      group.push_back(
          {shown(work.set.image(one)),
           text(pictures_truth(work.set, one), ", likeness ", fixed(near.similarity, 3)),
           {}});
    }
  }
  auto const body =
      figures.empty() ? note("good", "No case was answered wrongly.") : galleries(figures);
  return {"Looks like these",
          text("The training images that look most alike to the network, for the worst "
               "mistakes (among ",
               train.size(), " training images)."),
          body, "neighbours"};
}

}  // namespace

std::vector<Panel> classify_pictures(ReportParts const& parts) {
  std::vector<Panel> out;
  if (parts.images) {
    out.push_back(pictures_mistakes_panel(parts));
    out.push_back(pictures_neighbours(parts));
  }
  out.push_back(pictures_sanity(parts, parts.work.set.in(parts.proven_on)));
  out.push_back(pictures_data(parts));
  return out;
}

}  // namespace fovea
