#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "base/core/yaml.hpp"
#include "base/io/picture.hpp"
#include "learn/task/job.hpp"

#include <algorithm>

namespace fovea {
namespace {

std::string prepare_last(std::vector<Setting> const& settings, std::string_view key) {
  std::string value;
  for (auto const& setting : settings) {
    if (setting.key == key) value = setting.value;
  }
  return value;
}

// The first few cases of a problem by name, so that the message can be acted on.
std::string prepare_names(Dataset const& set, std::vector<std::size_t> const& cases) {
  constexpr std::size_t most = 4;
  std::string out;
  for (std::size_t i = 0; i < std::min(most, cases.size()); ++i)
    out += text(i == 0 ? "" : ", ", set.cases[cases[i]].id);
  return cases.size() > most ? text(out, " and ", cases.size() - most, " more") : out;
}

void prepare_refuse_leaks(Dataset const& set, QualityReport const& quality) {
  std::vector<std::size_t> leaked;
  for (auto const& problem : quality.problems) {
    if (problem.severe) leaked.insert(leaked.end(), problem.cases.begin(), problem.cases.end());
  }
  if (leaked.empty()) return;
  throw Error{Fault::input,
              text("images of the test split are pixel-equal to training images: ",
                   prepare_names(set, leaked), "; a result on them would prove nothing"),
              "`fovea data clean` lists the set without them; or train with --set "
              "allow_test_duplicates=true"};
}

void prepare_drop_unreadable(Dataset& set, QualityReport const& quality) {
  std::vector<std::size_t> bad;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    if (quality.facts[i].readable) continue;
    bad.push_back(i);
    set.cases[i].split = Split::unassigned;
  }
  if (bad.size() == set.cases.size())
    throw Error{Fault::input,
                text("none of the ", bad.size(), " images in ", set.root,
                     " can be read: ", quality.facts[0].fault),
                "see `fovea data inspect` for the reason of each"};
  if (!bad.empty())
    warn(
        text(bad.size(), " images cannot be read and are left out: ", prepare_names(set, bad)));
}

void prepare_demand_cases(Dataset const& set) {
  if (set.classes.size() < 2)
    throw Error{Fault::input,
                text("expected at least two classes, got ",
                     set.classes.empty() ? "none" : "only '" + set.classes[0] + "'"),
                "a classifier needs something to tell apart: one folder per class, or a label "
                "column with two values"};
  for (auto const split : {Split::train, Split::validation}) {
    if (set.in(split).empty())
      throw Error{Fault::input,
                  text("no usable image is left for the ", name_of(split), " split"),
                  "add images, or change validation_share"};
  }
}

void prepare_warn(QualityReport const& quality) {
  std::size_t shown = 0;
  constexpr std::size_t most = 8;
  for (auto const& problem : quality.problems) {
    if (++shown <= most) warn(problem.message);
  }
  if (shown > most) warn(text(shown - most, " more; `fovea data inspect` shows all"));
}

}  // namespace

std::string data_hash(Dataset const& set, QualityReport const& quality) {
  Sha256 hash;
  for (auto const& name : set.classes) hash.add(name + "\n");
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    auto const& one = set.cases[i];
    hash.add(text(one.id, "\n", one.patient, "\n", name_of(one.split), " ", spelled(one.weight),
                  " ", quality.facts[i].hash));
    for (auto const label : one.labels) hash.add(text(" ", label));
    hash.add("\n");
  }
  return hash.hex();
}

QualityReport quality_with_progress(Dataset const& set, int threads) {
  Progress progress{"looking at the images"};
  return quality(set, threads, [&](std::size_t done) {
    progress.show(static_cast<double>(done), static_cast<double>(set.cases.size()));
  });
}

std::vector<Setting> settings_in(fs::path const& plan_file) {
  std::vector<Setting> out;
  auto const name = plan_file.filename().string();
  for (auto const& line : parse_yaml(read_text(plan_file, 1U << 20), name)) {
    // What a written plan leaves empty is for this run to decide.
    if (!line.value.empty()) out.push_back({line.key, line.value, text("from ", name)});
  }
  return out;
}

std::vector<std::size_t> usable_cases(Dataset const& set,
                                      QualityReport const& quality,
                                      Split split) {
  auto cases = set.in(split);
  std::erase_if(cases, [&](std::size_t index) { return !quality.facts[index].readable; });
  return cases;
}

Work prepare_work(std::span<Task const> tasks,
                  std::vector<Setting> const& settings,
                  ImageReader const& reader,
                  RunFolder const* run) {
  auto const root = prepare_last(settings, "data");
  if (root.empty())
    throw Error{Fault::usage, "no data set was given",
                "name its folder: fovea train FOLDER --out RUN"};
  auto set = read_dataset(
      root, {.patient_from = prepare_last(settings, "patient_from"), .reader = reader});
  auto const named = prepare_last(settings, "task");
  auto const& task = named.empty() ? task_for(tasks, set) : task_named(tasks, named);
  Plan plan{task.keys()};
  for (auto const& [key, value, from] : settings) plan.set(key, std::string_view{value}, from);
  plan.set("task", task.name);
  plan.set("data", fs::absolute(root).lexically_normal().string());

  if (set.classes.size() < 2) prepare_demand_cases(set);
  if (run != nullptr)
    run->apply_splits(set);
  else
    assign_splits(set, static_cast<std::uint64_t>(plan.whole("seed")),
                  {plan.fraction("validation_share"), plan.fraction("test_share")});
  auto const threads =
      plan.whole("threads") > 0 ? static_cast<int>(plan.whole("threads")) : usable_cores();
  auto quality = quality_with_progress(set, threads);
  prepare_drop_unreadable(set, quality);
  prepare_demand_cases(set);
  if (!plan.flag("allow_test_duplicates")) prepare_refuse_leaks(set, quality);
  if (run == nullptr) prepare_warn(quality);
  task.plan(set, quality, plan);
  auto hash = data_hash(set, quality);
  return {&task, std::move(set), std::move(quality), std::move(plan), std::move(hash)};
}

}  // namespace fovea
