#include "learn/data/layout_masks.hpp"

#include "base/core/pool.hpp"
#include "base/core/refusal.hpp"
#include "base/core/words.hpp"
#include "base/io/formats.hpp"
#include "learn/data/layout_parts.hpp"
#include "learn/data/mask_values.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t masks_most_labels = 1000;

// "1 anterior": a value and a name in each line.
std::optional<std::vector<MaskLabel>> masks_named_labels(fs::path const& root) {
  auto const file = root / "labels.txt";
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return std::nullopt;
  std::vector<MaskLabel> labels;
  std::set<std::int64_t> seen;
  for (auto const& line : lines_of(file)) {
    auto const cut = line.find_first_of(" \t,:;");
    auto const value = whole(line.substr(0, cut));
    auto const name =
        cut == std::string::npos ? std::string{} : std::string{trimmed(line.substr(cut + 1))};
    if (!value || *value < 0 || *value > 65535 || name.empty())
      throw Error{Fault::input,
                  text("expected a value and a name in each line of labels.txt, got '",
                       printable(line.substr(0, 80), {}), "'"),
                  "write lines as: 1 anterior"};
    if (!seen.insert(*value).second)
      throw Error{Fault::input, text("labels.txt names the value ", *value, " twice"),
                  "correct it"};
    if (*value > 0) labels.push_back(mask_label(name, static_cast<std::int32_t>(*value)));
  }
  if (labels.empty())
    throw Error{Fault::input, "expected at least one label above 0 in labels.txt, got none",
                "write lines as: 1 anterior"};
  return labels;
}

// The values of all masks, by case; empty where one cannot be read.
std::vector<std::vector<std::int32_t>> masks_all_values(Dataset const& set) {
  std::vector<std::vector<std::int32_t>> values(set.cases.size());
  std::vector<std::optional<Refusal>> faults(set.cases.size());
  in_parallel(static_cast<std::int64_t>(set.cases.size()), usable_cores(), [&](std::int64_t i) {
    auto const at = static_cast<std::size_t>(i);
    try {
      if (!set.cases[at].mask.file.empty()) values[at] = values_in_mask(set, set.cases[at]);
    } catch (Refusal const& refusal) {
      faults[at] = refusal;
    }
  });
  if (std::ranges::all_of(values, [](auto const& one) { return one.empty(); })) {
    for (auto const& fault : faults) {
      if (fault) throw *fault;
    }
  }
  return values;
}

std::vector<std::int32_t> masks_labels_in(std::vector<std::vector<std::int32_t>> const& values,
                                          std::optional<std::int32_t> ignore) {
  std::set<std::int32_t> all;
  for (auto one : values) {
    std::erase_if(one, [&](std::int32_t value) { return value == 0 || value == ignore; });
    if (one == std::vector<std::int32_t>{255}) one = {1};
    all.insert(one.begin(), one.end());
  }
  return {all.begin(), all.end()};
}

std::string masks_values_in_words(std::vector<std::int32_t> const& values) {
  std::vector<std::string> words;
  for (auto const value : values) words.push_back(text(value));
  return named(words, 12);
}

}  // namespace

std::string image_stem(fs::path const& file) {
  auto const name = file.filename().string();
  auto const folded = lower(name);
  if (folded.ends_with(".img") || folded.ends_with(".img.gz")) return {};
  for (auto const& row : formats()) {
    for (auto const& ending : split(row.endings, ' ')) {
      if (folded.ends_with(ending)) return name.substr(0, name.size() - ending.size());
    }
  }
  return {};
}

bool NaturalLess::operator()(std::string const& a, std::string const& b) const {
  return natural_less(a, b);
}

ImagesByStem images_in(fs::path const& folder, std::vector<std::string>& twice) {
  ImagesByStem out;
  if (!fs::is_directory(folder)) return out;
  auto const view = view_of(folder);
  for (auto const* files : {&view.others, &view.pictures}) {
    for (auto const& file : *files) {
      auto const stem = image_stem(file);
      if (stem.empty()) continue;
      if (!out.emplace(stem, file).second)
        twice.push_back((folder.filename() / file.filename()).generic_string());
    }
  }
  return out;
}

MaskLabel mask_label(std::string name, std::int32_t value) {
  return {std::move(name), {value}, value};
}

void find_labels(Dataset& set) {
  if (auto named_ones = masks_named_labels(set.root)) {
    set.labels = std::move(*named_ones);
    return;
  }
  auto const all = masks_all_values(set);
  auto values = masks_labels_in(all, set.ignore);
  if (values.empty() && set.ignore == 255 && !masks_labels_in(all, std::nullopt).empty()) {
    // Nothing but 0 and 255: that is no and yes, and not a border to be ignored.
    set.ignore.reset();
    values = {1};
  }
  if (values.empty())
    throw Error{Fault::input,
                text("expected masks that hold labels in ", set.root, ", got ",
                     set.cases.size(), " that are 0 everywhere"),
                "check that these are the masks"};
  if (values.size() > masks_most_labels)
    throw Error{Fault::input,
                text("expected masks with at most ", masks_most_labels, " labels in ", set.root,
                     ", got ", values.size(), " different values"),
                "these look like images: check which folder holds which"};
  for (auto const value : values)
    set.labels.push_back(
        mask_label(values.size() == 1 ? "foreground" : text("label ", value), value));
  set.notes.push_back(
      text("labels are the values in the masks: ", masks_values_in_words(values),
           "; a file labels.txt beside the folders names them (1 anterior)"));
}

void take_labels(Dataset& set, DatasetFile const& file) {
  set.channels = file.channels;
  for (auto const& label : file.labels)
    set.labels.push_back({label.name, label.values, label.written});
  set.ignore = file.ignore;
}

void report_on_validation(Dataset& set) {
  if (set.in(Split::train).empty() || set.in(Split::validation).empty() ||
      !set.in(Split::test).empty())
    return;
  auto const held = set.in(Split::validation);
  for (auto const at : held) set.cases[at].split = Split::test;
  set.notes.push_back(text("the set has train and val and no test: the ", held.size(),
                           " cases of val are what is reported on, so they count as test and "
                           "take part in no choice; validation is cut from train"));
}

void tell_left_out(Dataset& set, MasksLeftOut const& left) {
  if (!left.no_mask.empty())
    set.problems.push_back({"missing",
                            text(left.no_mask.size(), " images have no mask and are left out: ",
                                 named(left.no_mask)),
                            {},
                            false});
  if (!left.no_image.empty())
    set.problems.push_back(
        {"missing",
         text(left.no_image.size(),
              " masks have no image and are left out: ", named(left.no_image)),
         {},
         false});
  if (!left.twice.empty())
    set.notes.push_back(text(left.twice.size(), " files share a name with another (",
                             named(left.twice), "): not read"));
}

std::optional<fs::path> path_below(fs::path const& root, std::string const& named_path) {
  auto const path = fs::path{named_path}.lexically_normal();
  if (path.empty() || path.is_absolute() || *path.begin() == "..") return std::nullopt;
  return root / path;
}

std::vector<std::string> lines_of(fs::path const& file) {
  constexpr std::size_t most = 1'000'000;
  std::vector<std::string> lines;
  for (auto const& line : split(read_text(file, 64U << 20), '\n')) {
    auto const words = trimmed(line);
    if (words.empty() || words.front() == '#') continue;
    if (lines.size() == most)
      throw Error{Fault::input,
                  text("expected at most ", most, " lines in ", file, ", got more"),
                  "check the file"};
    lines.emplace_back(words);
  }
  return lines;
}

}  // namespace fovea
