#include "learn/task/report.hpp"

#include "base/core/csv.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/explain/cases.hpp"
#include "learn/explain/sanity.hpp"
#include "learn/report/colours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>

namespace fovea {
namespace {

constexpr std::size_t report_per_class = 6;
constexpr std::size_t report_mistakes = 8;

Volume report_grey(Volume const& picture) {
  if (picture.channels() == 1) return picture;
  auto grey = image2d(picture.width(), picture.height(), Type::u8);
  auto const red = picture.channel<std::uint8_t>(0);
  auto const green = picture.channel<std::uint8_t>(1);
  auto const blue = picture.channel<std::uint8_t>(2);
  auto const out = grey.write<std::uint8_t>();
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] =
        static_cast<std::uint8_t>((299 * red[i] + 587 * green[i] + 114 * blue[i] + 500) / 1000);
  return grey;
}

Panel report_data(ReportParts const& parts) {
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
    of_class.resize(std::min(of_class.size(), report_per_class));
    for (auto const index : of_class)
      figures.push_back({shown(set.image(set.cases[index])), set.classes[c], {}});
  }
  return {"Data",
          "What was learnt from, and some training images of each class, drawn at random.",
          body + gallery(figures), "data"};
}

Panel report_warnings(ReportParts const& parts) {
  // Severe ones all stay in sight; of the others some of each kind, the rest is folded away.
  constexpr std::size_t shown_of_a_kind = 3;
  auto const& problems = parts.work.quality.problems;
  std::map<std::string, std::size_t> seen;
  std::string body;
  std::string more;
  std::size_t folded = 0;
  for (auto const& problem : problems) {
    // Names of files stay out of a report without images.
    auto const words = parts.images || problem.cases.empty()
                           ? problem.message
                           : text(problem.kind, ": ", problem.cases.size(), " cases");
    auto const open = problem.severe || ++seen[problem.kind] <= shown_of_a_kind;
    (open ? body : more) += note(problem.severe ? "fault" : "warning", words);
    folded += !open;
  }
  if (folded > 0) body += details(text(folded, " more of these kinds"), more);
  if (problems.empty())
    body = note("good",
                "Nothing odd was found: no unreadable, blank, duplicate or outlying images.");
  return {"Data warnings", "What a person should look at before trusting the result.", body,
          "warnings"};
}

/// A column of history.csv and its name in a legend.
struct ReportColumn {
  std::string_view column, shown;
};

std::vector<Series> report_history(fs::path const& file, std::span<ReportColumn const> wanted) {
  auto const history = read_csv(file);
  auto const step = history.find({"step"});
  std::vector<Series> series;
  for (auto const& [name, shown] : wanted) {
    auto const column = history.find({name});
    if (column < 0 || step < 0) continue;
    Series line{.name = std::string{shown}, .points = {}, .dots = history.rows.size() < 3};
    for (auto const& row : history.rows) {
      auto const x = number(row[static_cast<std::size_t>(step)]);
      auto const y = number(row[static_cast<std::size_t>(column)]);
      if (x && y) line.points.push_back({*x, *y, {}});
    }
    if (!line.points.empty()) series.push_back(std::move(line));
  }
  return series;
}

Panel report_training(ReportParts const& parts) {
  std::string body;
  for (std::size_t fold = 0; fold < parts.folds.size(); ++fold) {
    auto const file =
        (parts.folds.size() == 1 ? parts.run : parts.run / text("fold-", fold + 1)) /
        "history.csv";
    constexpr ReportColumn losses[] = {{"loss", "loss"}};
    constexpr ReportColumn scores[] = {
        {"auc", "AUC"}, {"accuracy", "accuracy"}, {"balanced_accuracy", "balanced accuracy"}};
    body += beside(
        {line_chart(report_history(file, losses), {.x = "update", .y = "training loss"}),
         line_chart(report_history(file, scores), {.x = "update", .y = "validation score"})});
  }
  return {"Training",
          "The loss of the training samples (augmented, so harder than the images themselves) "
          "and the scores on the validation cases.",
          body, "training"};
}

std::string report_caption(Dataset const& set, Answer const& answer) {
  std::vector<std::string> parts;
  for (auto const& [label, score] : answer.scores) {
    if (set.multi_label ? score >= 0.5 : label == answer.label)
      parts.push_back(text(label, " (", fixed(100 * score, 0), " %)"));
  }
  return "says " + (parts.empty() ? "none" : joined(parts, ", "));
}

// What to explain of a wrong answer: of several labels the one that is farthest from the truth.
std::string report_wrong_label(Dataset const& set, Case const& one, Answer const& answer) {
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

std::string report_truth(Dataset const& set, Case const& one) {
  if (!set.multi_label)
    return one.labels[0] < 0 ? "unknown" : set.classes[static_cast<std::size_t>(one.labels[0])];
  std::vector<std::string> labels;
  for (std::size_t c = 0; c < set.classes.size(); ++c) {
    if (one.labels[c] == 1) labels.push_back(set.classes[c]);
  }
  return labels.empty() ? "none" : joined(labels, ", ");
}

Panel report_mistakes_panel(ReportParts const& parts) {
  auto const& set = parts.work.set;
  std::vector<std::vector<Figure>> figures;
  for (auto const index : parts.proof.worst(report_mistakes)) {
    heed(parts.stop);
    auto const& one = set.cases[index];
    auto const image = set.image(one);
    auto const answer = parts.proof.answer(index);
    auto& group = figures.emplace_back();
    group.push_back({shown(image),
                     text("truth ", report_truth(set, one), ", ", report_caption(set, answer),
                          ": ", one.id),
                     "wrong"});
    try {
      auto const why = parts.work.task->explain(
          parts.model, image, {.label = report_wrong_label(set, one, answer)});
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
Series report_curve(std::string name,
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

std::string report_removal(std::vector<Removal> const& removals) {
  Axes const out{
      .x = "share of the pixels taken out", .y = "mean answer", .y_low = 0, .y_high = 1};
  Axes const in{.x = "share of the pixels put in", .y = "mean answer", .y_low = 0, .y_high = 1};
  return beside(
      {line_chart({report_curve("by the map", removals, &Removal::deletion, false),
                   report_curve("at random", removals, &Removal::random_deletion, true)},
                  out),
       line_chart({report_curve("by the map", removals, &Removal::insertion, false),
                   report_curve("at random", removals, &Removal::random_insertion, true)},
                  in)});
}

// Whether the order of the map beats orders at random, by the areas under the curves.
std::string report_removal_verdict(std::vector<Removal> const& removals) {
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
class ReportCascade {
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
      auto const random = parts.work.task->explain(
          parts.model, image, {.label = learnt.label, .random_weights = weights});
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

Panel report_sanity(ReportParts const& parts, std::vector<std::size_t> const& cases) {
  constexpr std::size_t looked_at = 6;
  ReportCascade cascade;
  std::vector<Removal> removals;
  auto const& work = parts.work;
  auto const count = std::min(looked_at, cases.size());
  for (std::size_t i = 0; i < count; ++i) {
    heed(parts.stop);
    auto const image = work.set.image(work.set.cases[cases[i * cases.size() / count]]);
    try {
      auto const learnt = work.task->explain(parts.model, image, {});
      removals.push_back(work.task->removal(parts.model, image, {}));
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
            report_removal_verdict(removals) + report_removal(removals);
  return {"Sanity of the maps",
          "An explanation that stays the same when the weights are random explains nothing "
          "(Adebayo et al., NeurIPS 2018).",
          body, "sanity"};
}

Panel report_neighbours(ReportParts const& parts) {
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
    index.add(work.task->embeddings(parts.model, images));
  }
  std::vector<std::vector<Figure>> figures;
  for (auto const query : parts.proof.worst(queries)) {
    auto const image = work.set.image(work.set.cases[query]);
    auto& group = figures.emplace_back();
    group.push_back({shown(image), work.set.cases[query].id, "asked"});
    for (auto const& near :
         index.nearest(work.task->embeddings(parts.model, {&image, 1})[0], shown_each)) {
      auto const& one = work.set.cases[train[near.index]];
      group.push_back(
          {shown(work.set.image(one)),
           text(report_truth(work.set, one), ", likeness ", fixed(near.similarity, 3)),
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

// What a run says of itself, in words and with units.
struct ReportFact {
  std::string_view key, shown;
  std::string (*words)(Json const& value);
};

std::string report_plain(Json const& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::string report_duration(Json const& value) {
  return duration(value.get<double>());
}

constexpr ReportFact report_facts[] = {
    {"task", "task", report_plain},
    {"data", "data", report_plain},
    {"data_form", "read as", report_plain},
    {"data_hash", "hash of the data (SHA-256)", report_plain},
    {"seed", "seed", report_plain},
    {"started", "begun", report_plain},
    {"training_seconds", "training with its validations took", report_duration},
    {"total_seconds", "everything before this report took", report_duration},
    {"samples_per_second", "training speed",
     [](Json const& value) { return text(fixed(value.get<double>(), 1), " images/s"); }},
    {"peak_memory_mib", "most memory", [](Json const& value) { return value.dump() + " MiB"; }},
};

Panel report_how(ReportParts const& parts) {
  std::vector<std::vector<std::string>> rows;
  for (auto const& [key, shown, words] : report_facts) {
    std::string const name{key};
    if (parts.about.contains(name) && (parts.images || name != "data"))
      rows.push_back({std::string{shown}, words(parts.about[name])});
  }
  auto const around = parts.about.value("surroundings", Json::object());
  for (auto const& [key, value] : around.items()) {
    auto name = key;
    std::ranges::replace(name, '_', ' ');
    rows.push_back({name, report_plain(value)});
  }
  auto plan = parts.work.plan;
  if (!parts.images) {
    for (auto const* const key : {"data", "init"}) plan.set(key, std::string_view{});
  }
  return {"How it was made", "All that is needed to repeat the run and to trace it.",
          table({"what", "value"}, rows) + details("The plan", verbatim(plan.yaml())), "how"};
}

}  // namespace

Volume shown(Volume const& image) {
  if (image.type() == Type::u8 && (image.channels() == 1 || image.channels() == 3))
    return image;
  auto const values = as_float(image);
  auto const all = values.as<float>();
  auto low = std::numeric_limits<float>::infinity();
  auto high = -low;
  for (auto const value : all) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  auto const channels = image.channels() >= 3 ? 3 : 1;
  auto out = image2d(image.width(), image.height(), Type::u8, channels);
  auto const range = high > low ? high - low : 1.F;
  auto const written = out.write<std::uint8_t>();
  for (std::size_t i = 0; i < written.size(); ++i)
    written[i] = std::isfinite(all[i])
                     ? static_cast<std::uint8_t>(std::lround(255 * (all[i] - low) / range))
                     : std::uint8_t{0};
  return out;
}

Volume picture_of(Explanation const& why) {
  Volume map{why.map.grid(), Type::f32};
  auto const values = why.map.as<float>();
  auto const most = std::ranges::max(values);
  std::ranges::transform(values, map.write<float>().begin(), [&](float value) {
    return most > 0 ? std::max(0.F, value / most) : 0.F;
  });
  return overlay(report_grey(why.shown), map);
}

Volume framed_picture_of(Explanation const& why) {
  constexpr std::int64_t least_width = 224;
  auto const small = picture_of(why);
  auto const times =
      std::max<std::int64_t>(1, (least_width + small.width() - 1) / small.width());
  return with_scale(magnified(small, times),
                    std::max(0.F, std::ranges::max(why.map.as<float>())));
}

Page report_of(ReportParts const& parts) {
  auto const& work = parts.work;
  Page page{.title = text("Fovea: ", joined(work.set.classes, " · ")),
            .subtitle = text(work.task->does, "; ", work.plan.word("network"),
                             ", measured on the ", name_of(parts.proven_on), " split"),
            .facts = parts.proof.facts(),
            .panels = {}};
  if (parts.proven_on != Split::test)
    page.panels.push_back({"Not a proof", "",
                           note("fault",
                                "There is no test split: these numbers are of the cases that "
                                "choices were made by."),
                           "no-proof"});
  for (auto& panel : parts.proof.panels()) page.panels.push_back(std::move(panel));
  if (parts.images) {
    page.panels.push_back(report_mistakes_panel(parts));
    page.panels.push_back(report_neighbours(parts));
  }
  page.panels.push_back(report_sanity(parts, work.set.in(parts.proven_on)));
  page.panels.push_back(report_data(parts));
  page.panels.push_back(report_warnings(parts));
  page.panels.push_back(report_training(parts));
  page.panels.push_back(report_how(parts));
  return page;
}

}  // namespace fovea
