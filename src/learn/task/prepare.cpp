#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "base/core/yaml.hpp"
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
  throw Error{
      Fault::input,
      text("images of the test split are pixel-equal to images that were learnt from or "
           "chosen by: ",
           prepare_names(set, leaked), "; a result on them would prove nothing"),
      "`fovea data clean` lists the set without them; or train with --set "
      "allow_test_duplicates=true"};
}

// Leaves out what cannot be used, and names it.
void prepare_drop_unusable(Dataset& set, CaseFacts& facts) {
  auto const usable = [&](std::size_t i) {
    return facts.images[i].readable && facts.images[i].finite &&
           (facts.masks.empty() || facts.masks[i].usable());
  };
  std::vector<std::size_t> bad;
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    if (!usable(i)) bad.push_back(i);
  }
  if (bad.empty()) return;
  auto const reason = [&](std::size_t i) {
    auto const& image = facts.images[i];
    if (!image.readable) return image.fault;
    return image.finite ? facts.masks[i].fault
                        : std::string{"it holds values that are no numbers"};
  };
  if (bad.size() == set.cases.size())
    throw Error{
        Fault::input,
        text("none of the ", bad.size(), " images in ", set.root, " can be used: ", reason(0)),
        "see `fovea data inspect` for the reason of each"};
  warn(text(bad.size(), bad.size() == 1 ? " image" : " images", " cannot be used and ",
            bad.size() == 1 ? "is" : "are", " left out:"));
  constexpr std::size_t most = 8;
  for (std::size_t i = 0; i < std::min(most, bad.size()); ++i)
    warn(text("  ", set.cases[bad[i]].id, ": ", reason(bad[i])));
  if (bad.size() > most)
    warn(text("  and ", bad.size() - most, " more: `fovea data inspect` names them all"));
  // Without names: a report may have to do without them.
  set.problems.push_back(
      {.kind = "unreadable",
       .message = text(bad.size(), bad.size() == 1 ? " image was" : " images were",
                       " left out: unreadable, or holding values that are no numbers")});
  set = without(set, bad);
  CaseFacts left;
  for (std::size_t i = 0; i < facts.images.size(); ++i) {
    if (!usable(i)) continue;
    left.images.push_back(std::move(facts.images[i]));
    if (!facts.masks.empty()) left.masks.push_back(std::move(facts.masks[i]));
  }
  facts = std::move(left);
}

void prepare_demand_splits(Dataset const& set) {
  for (auto const& name : learnt_names(set)) {
    if (utf8(name) != name)
      throw Error{Fault::input, text("the class name '", utf8(name), "' is not UTF-8"),
                  "rename it: it is written into packages and reports"};
  }
  expect_trainable(set);
  for (auto const split : {Split::train, Split::validation}) {
    if (set.in(split).empty())
      throw Error{Fault::input,
                  text("no usable image is left for the ", name_of(split), " split"),
                  "add images, or change validation_share"};
  }
}

// Which of several forms was read, and what was decided on the way.
void prepare_say(Dataset const& set) {
  say(text(set.root.string(), ": ", set.cases.size(), " cases, read as ", set.form));
  for (auto const& words : set.notes) say("  note: " + words);
}

void prepare_warn(QualityReport const& quality) {
  std::size_t shown = 0;
  constexpr std::size_t most = 8;
  for (auto const& problem : quality.problems) {
    if (problem.kind != "unreadable" && ++shown <= most) warn(problem.message);
  }
  if (shown > most) warn(text(shown - most, " more; `fovea data inspect` shows all"));
}

}  // namespace

std::string data_hash(Dataset const& set, CaseFacts const& facts) {
  Sha256 hash;
  for (auto const& name : learnt_names(set)) hash.add(name + "\n");
  for (auto const& label : set.labels) {
    for (auto const value : label.values) hash.add(text(value, " "));
    hash.add("\n");
  }
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    auto const& one = set.cases[i];
    hash.add(text(one.id, "\n", one.patient, "\n", name_of(one.split), " ", spelled(one.weight),
                  " ", facts.images[i].hash));
    if (!facts.masks.empty()) hash.add(" " + facts.masks[i].hash);
    for (auto const label : one.labels) hash.add(text(" ", label));
    hash.add("\n");
  }
  return hash.hex();
}

CaseFacts usable_facts(Dataset& set, int threads, Stop const* stop) {
  CaseFacts facts;
  {
    Progress progress{set.masks ? "looking at the images and masks" : "looking at the images"};
    auto const seen = [&](std::size_t done) {
      if (stop != nullptr && stop->asked())
        throw Interrupted{"stopped while reading the images; nothing was begun"};
      progress.show(static_cast<double>(done), static_cast<double>(set.cases.size()));
    };
    if (set.masks) {
      auto report = mask_quality(set, threads, seen);
      facts = {std::move(report.images), std::move(report.masks)};
    } else {
      facts.images = look_at(set, threads, seen);
    }
  }
  prepare_drop_unusable(set, facts);
  if (set.masks) note_presence(set, facts.masks);
  keep_together(set, facts.images);
  return facts;
}

std::vector<Setting> settings_in(fs::path const& plan_file, bool reasons) {
  std::vector<Setting> out;
  auto const name = plan_file.filename().string();
  auto const words = read_text(plan_file, 1U << 20);
  auto const lines = split(words, '\n');
  for (auto const& line : parse_yaml(words, name)) {
    // What a written plan leaves empty is for this run to decide.
    if (line.value.empty()) continue;
    auto const& written = lines[static_cast<std::size_t>(line.line - 1)];
    auto const comment = reasons ? written.rfind("  # ") : std::string::npos;
    out.push_back(
        {line.key, line.value,
         comment == std::string::npos ? text("from ", name) : written.substr(comment + 4)});
  }
  return out;
}

Work prepare_work(std::span<Task const> tasks,
                  std::vector<Setting> const& settings,
                  ImageReader const& reader,
                  RunFolder const* run,
                  Stop const* stop) {
  auto const root = prepare_last(settings, "data");
  if (root.empty())
    throw Error{Fault::usage, "no data set was given",
                "name its folder: fovea train FOLDER --out RUN"};
  auto set = read_dataset(
      root, {.patient_from = prepare_last(settings, "patient_from"), .reader = reader});
  if (run == nullptr) prepare_say(set);
  auto const named = prepare_last(settings, "task");
  auto const& task = named.empty() ? task_for(tasks, set) : task_named(tasks, named);
  Plan plan{task.keys()};
  for (auto const& [key, value, from] : settings) plan.ask(key, value, from);
  plan.set("task", task.name);
  plan.set("data", fs::absolute(root).lexically_normal().string());

  auto const threads =
      plan.whole("threads") > 0 ? static_cast<int>(plan.whole("threads")) : usable_cores();
  auto facts = usable_facts(set, threads, stop);
  if (run != nullptr)
    run->apply_splits(set);
  else
    assign_splits(set, static_cast<std::uint64_t>(plan.whole("seed")),
                  {plan.fraction("validation_share"), plan.fraction("test_share")});
  auto problems = set.masks ? mask_problems_of(set, facts.images, facts.masks)
                            : problems_of(set, facts.images);
  auto hash = data_hash(set, facts);
  QualityReport quality{std::move(facts.images), std::move(problems)};
  prepare_demand_splits(set);
  if (plan.whole("folds") > 1 && set.in(Split::test).empty())
    throw Error{Fault::usage,
                "folds leave nothing to prove the model on: there is no test split",
                "give a test split, or a test_share above 0"};
  if (!plan.flag("allow_test_duplicates")) prepare_refuse_leaks(set, quality);
  if (run == nullptr) prepare_warn(quality);
  if (auto const& init = plan.word("init"); !init.empty() && !fs::exists(init))
    throw Error{Fault::input, text("there are no weights in ", fs::path{init}),
                "give a package or a safetensors file as init"};
  Stop const never;
  task.plan(set, quality, plan, stop != nullptr ? *stop : never);
  if (plan.whole("patience") > 0 && plan.normal("keep"))
    plan.set("keep", std::string_view{"best"}, "training may stop early, behind the best");
  return {&task, std::move(set), std::move(quality), std::move(plan), std::move(hash)};
}

}  // namespace fovea
