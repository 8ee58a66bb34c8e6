#include "learn/task/report.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"
#include "learn/report/colours.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace fovea {
namespace {

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

std::vector<Series> report_history(fs::path const& file, std::span<ScoreLine const> wanted) {
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
    constexpr ScoreLine losses[] = {{"loss", "loss"}};
    body +=
        beside({line_chart(report_history(file, losses), {.x = "update", .y = "training loss"}),
                line_chart(report_history(file, parts.work.task->drawn),
                           {.x = "update", .y = "validation score"})});
  }
  return {"Training",
          "The loss of the training samples (augmented, so harder than the images themselves) "
          "and the scores on the validation cases.",
          body, "training"};
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
  auto const plan = parts.images ? parts.work.plan : parts.work.plan.without_places();
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
  Page page{.title = text("Fovea: ", joined(learnt_names(work.set), " · ")),
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
  for (auto& panel : work.task->pictures(parts)) page.panels.push_back(std::move(panel));
  page.panels.push_back(report_warnings(parts));
  page.panels.push_back(report_training(parts));
  page.panels.push_back(report_how(parts));
  return page;
}

}  // namespace fovea
