#include "learn/task/run.hpp"

#include "base/core/cpu.hpp"
#include "base/core/csv.hpp"
#include "base/core/pool.hpp"
#include "base/core/version.hpp"
#include "base/core/words.hpp"

#include <torch/version.h>

#include <algorithm>

namespace fovea {
namespace {

constexpr std::int64_t run_format = 1;

std::unique_ptr<FileLock> run_lock(fs::path const& folder) {
  return std::make_unique<FileLock>(folder / ".lock");
}

// What a run leaves that was ended before it had written all that makes it one.
bool run_empty(fs::path const& folder) {
  for (auto const& entry : fs::directory_iterator{folder}) {
    auto const name = entry.path().filename();
    if (name != ".lock" && name != "plan.yaml" && name != "splits.csv") return false;
  }
  return true;
}

// What is read back from it, by whoever asks.
void run_expect_kinds(Json const& about, fs::path const& file) {
  struct Row {
    std::string_view key;
    bool (Json::*is)() const noexcept;
    std::string_view kind;
  };
  constexpr Row rows[] = {{"state", &Json::is_string, "text"},
                          {"data_hash", &Json::is_string, "text"},
                          {"total_seconds", &Json::is_number, "a number"},
                          {"keeps_time", &Json::is_boolean, "true or false"}};
  for (auto const& [key, is, kind] : rows) {
    if (about.contains(key) && !(about[std::string{key}].*is)())
      throw Error{Fault::input, text(file, ": expected ", kind, " in '", key, "'"),
                  "the file is damaged"};
  }
}

}  // namespace

bool is_run(fs::path const& folder) {
  std::error_code ignored;
  return fs::exists(folder / "run.json", ignored);
}

Json read_about(fs::path const& folder) {
  if (!is_run(folder))
    throw Error{Fault::input, text(folder, " is not a run: it holds no run.json"),
                "give the folder that `fovea train --out` made"};
  auto const about = read_json(folder / "run.json");
  auto const format =
      about.is_object() && about.contains("format") && about["format"].is_number_integer()
          ? about["format"].get<std::int64_t>()
          : 0;
  if (format > run_format)
    throw Error{Fault::input,
                text("the run in ", folder, " has format ", format,
                     ", this program knows up to ", run_format),
                "use the version of fovea that made it, or a newer one"};
  if (format < 1)
    throw Error{Fault::input, text(folder / "run.json", " does not say its format"),
                "the file is damaged"};
  run_expect_kinds(about, folder / "run.json");
  return about;
}

RunFolder RunFolder::begin(fs::path const& folder) {
  std::error_code fault;
  if (fs::exists(folder, fault) && !fs::is_directory(folder, fault))
    throw Error{Fault::usage, text(folder, " is a file, expected a folder for the run"),
                "give another name with --out"};
  make_folder(folder);
  auto lock = run_lock(folder);
  if (is_run(folder))
    throw Error{Fault::usage, text(folder, " holds a run already"),
                "add --resume to go on with it, or give another folder with --out"};
  if (!run_empty(folder))
    throw Error{Fault::usage, text(folder, " is not empty"),
                "give a new or empty folder with --out"};
  return {folder, std::move(lock)};
}

RunFolder RunFolder::resume(fs::path const& folder) {
  read_about(folder);
  return {folder, run_lock(folder)};
}

void RunFolder::write_about(Json about) const {
  Json out = {{"format", run_format}, {"fovea", version}};
  out.update(about);
  write_file(this->about(), pretty(out));
}

void RunFolder::write_splits(Dataset const& set, std::vector<int> const& folds) const {
  std::vector<std::string> head = {"id", "split", "patient"};
  if (!folds.empty()) head.emplace_back("fold");
  auto out = csv_row(head) + "\n";
  for (std::size_t n = 0; n < set.cases.size(); ++n) {
    auto const& one = set.cases[n];
    std::vector<std::string> row = {one.id, std::string{name_of(one.split)}, one.patient};
    if (!folds.empty()) row.push_back(folds[n] > 0 ? text(folds[n]) : "");
    out += csv_row(row) + "\n";
  }
  write_file(splits(), out);
}

std::unordered_map<std::string, RunCase> read_splits(fs::path const& folder) {
  auto const file = folder / "splits.csv";
  auto const table = read_csv(file);
  auto const id = table.find({"id"});
  auto const split = table.find({"split"});
  auto const patient = table.find({"patient"});
  auto const fold = table.find({"fold"});
  if (id < 0 || split < 0)
    throw Error{Fault::input, text(file, " has no columns id and split"),
                "the file is damaged"};
  std::unordered_map<std::string, RunCase> out;
  for (auto const& row : table.rows) {
    auto const named = split_named(row[static_cast<std::size_t>(split)]);
    if (!named) continue;
    auto& one = out[row[static_cast<std::size_t>(id)]];
    one.split = *named;
    if (patient >= 0) one.patient = row[static_cast<std::size_t>(patient)];
    constexpr std::int64_t most = 1000;
    if (fold >= 0)
      one.fold = static_cast<int>(std::clamp<std::int64_t>(
          whole(row[static_cast<std::size_t>(fold)]).value_or(0), 0, most));
  }
  return out;
}

void RunFolder::apply_splits(Dataset& set) const {
  auto const given = read_splits(path_);
  for (auto& one : set.cases) {
    auto const found = given.find(one.id);
    if (found == given.end())
      throw Error{Fault::input,
                  text("the case ", one.id, " was not there when the run was begun"),
                  "restore the data as it was, or begin a new run"};
    one.split = found->second.split;
  }
  if (given.size() != set.cases.size())
    throw Error{Fault::input,
                text("the run was begun with ", given.size(), " cases, now there are ",
                     set.cases.size()),
                "restore the data as it was, or begin a new run"};
}

Json surroundings() {
  return {{"fovea", version},
          {"libtorch", TORCH_VERSION},
          {"compiler", __VERSION__},
          {"cpu", cpu_brand()},
          {"cpu_features", joined(cpu_features(), " ")},
          {"cores", usable_cores()}};
}

}  // namespace fovea
