#include "app/compare_pair.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/io/formats.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <set>

namespace fovea {
namespace {

// A run's folder, or a model's file.
bool compare_names_a_model(std::string const& name) {
  std::error_code fault;
  fs::path const path{name};
  for (auto const* part : {"run.json", "plan.yaml", "model.fovea"}) {
    if (fs::exists(path / part, fault) || fault == std::errc::permission_denied) return true;
  }
  auto const ending = lower(path.extension().string());
  return ending == ".fovea" || ending == ".ts" || ending == ".pt" || ending == ".pth";
}

// Its place below what was named, without the ending of a format.
std::string compare_name(fs::path const& root, fs::path const& source) {
  auto name = source.lexically_relative(root).string();
  if (name.empty() || name == ".") name = source.filename().string();
  auto const small = lower(name);
  std::string_view longest;
  for (auto const& row : formats()) {
    for (auto const& ending : split(row.endings, ' ')) {
      if (small.ends_with(ending) && ending.size() > longest.size())
        longest = std::string_view{small}.substr(small.size() - ending.size());
    }
  }
  if (longest.empty() && small.ends_with(".dcm")) longest = ".dcm";
  name.resize(name.size() - longest.size());
  return name;
}

/// The volumes of one side by name.
struct CompareSide {
  Found found;
  std::vector<FoundVolume> volumes;
  std::map<std::string, FoundVolume const*> by_name;
};

CompareSide compare_side(std::string const& input, Stop const& stop) {
  CompareSide side{.found = find_images({input}, stop), .volumes = {}, .by_name = {}};
  side.volumes = usable_volumes(side.found, input, stop);
  if (side.volumes.size() == 1) {
    side.by_name[compare_name(input, side.volumes.front().source)] = &side.volumes.front();
    return side;
  }
  std::set<std::string> twice;
  for (auto const& volume : side.volumes) {
    auto const name = compare_name(input, volume.source);
    if (!side.by_name.insert({name, &volume}).second) twice.insert(name);
  }
  for (auto const& name : twice) {
    warn(text(fs::path{input}, ": several volumes are called ", fs::path{name},
              ": none of them is compared"));
    side.by_name.erase(name);
  }
  return side;
}

struct CompareMatch {
  std::string name;
  FoundVolume const* a;
  FoundVolume const* b;
};

// Two single volumes are a pair whatever their names.
std::vector<CompareMatch> compare_matches(CompareSide const& a,
                                          CompareSide const& b,
                                          Json& whole) {
  if (a.volumes.size() == 1 && b.volumes.size() == 1)
    return {{a.by_name.begin()->first, &a.volumes.front(), &b.volumes.front()}};
  std::vector<CompareMatch> out;
  for (auto const& [name, volume] : a.by_name) {
    auto const other = b.by_name.find(name);
    if (other != b.by_name.end())
      out.push_back({name, volume, other->second});
    else
      whole["only_a"].push_back(volume->source.string());
  }
  for (auto const& [name, volume] : b.by_name) {
    if (!a.by_name.contains(name)) whole["only_b"].push_back(volume->source.string());
  }
  return out;
}

constexpr std::string_view compare_means[] = {
    "dice",         "jaccard", "sensitivity",     "precision",
    "hausdorff_mm", "hd95_mm", "mean_surface_mm", "surface_dice"};

// Of those that have an answer; how many stands beside it.
Json compare_mean(std::vector<Json const*> const& labels) {
  Json out = Json::object();
  for (auto const name : compare_means) {
    double sum = 0;
    std::int64_t count = 0;
    for (auto const* label : labels) {
      auto const& value = (*label)[std::string{name}];
      if (!value.is_number()) continue;
      sum += value.get<double>();
      ++count;
    }
    out[std::string{name}] = {
        {"mean", count > 0 ? Json(sum / static_cast<double>(count)) : Json{}}, {"of", count}};
  }
  return out;
}

void compare_add_means(Json& whole) {
  std::map<std::int64_t, std::vector<Json const*>> by_value;
  std::vector<Json const*> all;
  for (auto& pair : whole["pairs"]) {
    if (!pair.contains("labels") || pair["labels"].empty()) continue;
    std::vector<Json const*> own;
    for (auto const& label : pair["labels"]) {
      own.push_back(&label);
      by_value[label["value"].get<std::int64_t>()].push_back(&label);
    }
    all.insert(all.end(), own.begin(), own.end());
    pair["mean"] = compare_mean(own);
  }
  if (all.empty()) return;
  whole["labels"] = Json::array();
  for (auto const& [value, labels] : by_value) {
    Json row{{"value", value}, {"name", (*labels.front())["name"]}};
    row.update(compare_mean(labels));
    whole["labels"].push_back(std::move(row));
  }
  whole["mean"] = compare_mean(all);
}

// --- for people

std::string compare_number(Json const& value, int digits) {
  return value.is_number() ? fixed(value.get<double>(), digits) : "-";
}

void compare_show_labels(Json const& labels) {
  std::vector<std::vector<std::string>> rows{{"value", "name", "Dice", "HD95 mm", "HD mm",
                                              "mean surface mm", "surface Dice",
                                              "volume A - B ml"}};
  for (auto const& one : labels) {
    auto const difference =
        one["volume_a_mm3"].get<double>() - one["volume_b_mm3"].get<double>();
    rows.push_back(
        {text(one["value"].get<std::int64_t>()), printable(one["name"].get<std::string>(), {}),
         compare_number(one["dice"], 4), compare_number(one["hd95_mm"], 2),
         compare_number(one["hausdorff_mm"], 2), compare_number(one["mean_surface_mm"], 3),
         compare_number(one["surface_dice"], 4), fixed(difference / 1000, 3)});
  }
  std::cout << aligned(rows);
}

void compare_show_intensity(Json const& one) {
  std::cout << "  differences: largest " << compare_number(one["max_abs"], 4) << ", mean "
            << compare_number(one["mean_abs"], 4) << ", RMS " << compare_number(one["rms"], 4)
            << ", A - B on average " << compare_number(one["mean"], 4) << "; PSNR "
            << (one["psnr_db"].is_number() ? fixed(one["psnr_db"].get<double>(), 2) + " dB"
                                           : "has no end: nothing differs")
            << '\n';
}

void compare_show(Json const& whole) {
  for (auto const& pair : whole["pairs"]) {
    std::cout << printable(pair["name"].get<std::string>(), {});
    if (pair.contains("kind"))
      std::cout << ": " << pair["kind"].get<std::string>() << " ("
                << pair["why"].get<std::string>() << ')';
    std::cout << '\n';
    if (pair.contains("labels")) compare_show_labels(pair["labels"]);
    if (pair.contains("intensity") && pair["intensity"]["voxels"] != 0)
      compare_show_intensity(pair["intensity"]);
    for (auto const& note : pair["notes"])
      std::cout << "  note: " << printable(note.get<std::string>()) << '\n';
    if (pair.contains("error"))
      std::cout << "  not compared: " << printable(pair["error"].get<std::string>()) << '\n';
  }
  if (whole.contains("mean") && whole["pairs"].size() > 1) {
    std::cout << "mean of all labels:";
    for (auto const name : {"dice", "hd95_mm", "mean_surface_mm"}) {
      auto const& one = whole["mean"][name];
      std::cout << ' ' << name << ' ' << compare_number(one["mean"], 4) << " (of " << one["of"]
                << ')';
    }
    std::cout << '\n';
  }
  for (auto const& side :
       {std::pair{"only_a", "only in A: "}, std::pair{"only_b", "only in B: "}}) {
    for (auto const& file : whole[side.first])
      std::cout << side.second << printable(file.get<std::string>(), {}) << '\n';
  }
}

int compare_run(std::string const& first,
                std::string const& second,
                CompareOptions const& options,
                bool json) {
  auto const& stop = end_on_signals();
  auto const a = compare_side(first, stop);
  auto const b = compare_side(second, stop);
  Json whole{{"pairs", Json::array()}, {"only_a", Json::array()}, {"only_b", Json::array()}};
  auto const matches = compare_matches(a, b, whole);
  std::size_t compared = 0;
  Progress progress{"comparing"};
  for (std::size_t n = 0; n < matches.size(); ++n) {
    heed(stop);
    progress.show(static_cast<double>(n), static_cast<double>(matches.size()));
    auto const& [name, one, other] = matches[n];
    Json pair{{"name", name}, {"a", one->source.string()}, {"b", other->source.string()}};
    pair["notes"] = Json::array();
    try {
      compare_pair(*one, *other, options, pair);
      ++compared;
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      pair["error"] = error.what();
    }
    whole["pairs"].push_back(std::move(pair));
  }
  progress.clear();
  compare_add_means(whole);
  if (json)
    print_json(whole);
  else
    compare_show(whole);
  if (matches.empty())
    throw Error{Fault::input,
                text("no volume of ", fs::path{first}, " has a partner in ", fs::path{second}),
                "partners have the same path below A and B, whatever their endings"};
  if (compared == 0)
    throw Error{Fault::input, "no pair could be compared",
                matches.size() == 1 ? whole["pairs"][0]["error"].get<std::string>()
                                    : std::string{"the reasons stand above"}};
  return 0;
}

}  // namespace

bool compares_models(Arguments const& arguments) {
  std::vector<std::string> names;
  for (std::size_t n = 0; n < arguments.size(); ++n) {
    auto const& word = arguments[n];
    if (word == "--split" || word.starts_with("--split=")) return true;
    if (word == "--tolerance" || word == "--percentile")
      ++n;
    else if (!word.starts_with("-"))
      names.push_back(word);
  }
  return names.size() > 2 || std::ranges::any_of(names, compare_names_a_model);
}

int compare_volumes_command(Arguments const& arguments) {
  std::string first, second;
  CompareOptions options;
  bool labels = false, image = false, json = false;
  CLI::App app{
      "Holds volumes against each other: label maps by overlap and surface distances, images "
      "by their values; files, series, or folders in pairs of one name. Of three words, or of "
      "runs: two models on the same cases.",
      "compare"};
  app.add_option("A", first, "what is judged: a file, a series or a folder; or a run")
      ->required();
  app.add_option("B", second, "what is held for true; or another run")->required();
  app.add_option("DIR", "with two runs: the data set to measure both on")->expected(0);
  app.add_flag("--labels", labels, "all are label maps");
  app.add_flag("--image", image, "all are images (a DICOM SEG stays a label map)");
  app.add_option("--tolerance", options.surface.tolerance_mm, "mm, of the surface Dice (1)");
  app.add_option("--percentile", options.surface.percentile, "of the Hausdorff distance (95)");
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(
          app, arguments,
          "Without --labels or --image a volume is a label map if it is a DICOM SEG, or holds "
          "only whole\nnumbers from 0, at most 64 different ones; the output says so. "
          "docs/measure.md defines each number.\n"
          "Two runs also take --split test, val, train or all (test).\n"
          "Examples:\n"
          "  fovea compare predicted.nii.gz truth.nii.gz\n"
          "  fovea compare PREDICTED TRUTH --json\n"
          "  fovea compare RUN1 RUN2 IMAGES"))
    return 0;
  if (labels && image)
    throw Error{Fault::usage, "--labels and --image both say what the volumes are",
                "leave one out"};
  if (labels) options.taken = TakenAs::labels;
  if (image) options.taken = TakenAs::image;
  return compare_run(first, second, options, json);
}

}  // namespace fovea
