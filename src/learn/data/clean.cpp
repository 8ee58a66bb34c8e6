#include "learn/data/clean.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"
#include "learn/recipe/dataset_file.hpp"

#include <algorithm>
#include <map>

namespace fovea {
namespace {

using CleanFound = std::map<std::size_t, LeftOut>;

void clean_single(std::vector<ImageFacts> const& facts, CleanFound& found) {
  for (std::size_t i = 0; i < facts.size(); ++i) {
    auto const& f = facts[i];
    if (!f.readable) {
      found.try_emplace(i, LeftOut{i, "unreadable", f.fault});
    } else if (!f.finite) {
      found.try_emplace(i, LeftOut{i, "not-finite", "holds values that are no finite numbers"});
    } else if (f.high <= f.low) {
      found.try_emplace(i, LeftOut{i, "constant", "is one even shade"});
    }
  }
}

// The member to keep: that of the test split first, since published figures are made on it.
std::size_t clean_kept(Dataset const& set, std::vector<std::size_t> const& group) {
  return *std::ranges::max_element(group, {}, [&](auto at) { return set.cases[at].split; });
}

void clean_copies(Dataset const& set,
                  std::vector<std::size_t> const& group,
                  CleanFound& found) {
  auto const kept = clean_kept(set, group);
  auto const split = set.cases[kept].split;
  for (auto const at : group) {
    auto const beside = set.cases[at].split == split && split != Split::unassigned;
    if (at == kept || beside) continue;
    auto const parted = set.cases[at].split != split;
    found.try_emplace(at, LeftOut{at, parted ? "duplicate-across-splits" : "duplicate",
                                  text("is equal to ", set.cases[kept].id,
                                       parted ? text(" in ", name_of(split)) : "")});
  }
}

void clean_contradictions(Dataset const& set,
                          std::vector<std::size_t> const& group,
                          CleanFound& found) {
  for (auto const at : group) {
    auto const other = group.front() == at ? group[1] : group.front();
    found.try_emplace(at, LeftOut{at, "conflicting-labels",
                                  text("is equal to ", set.cases[other].id,
                                       group.size() > 2 ? " and others" : "",
                                       ", but they are labelled differently")});
  }
}

std::vector<LeftOut> clean_listed(CleanFound found) {
  std::vector<LeftOut> out;
  for (auto& [at, one] : found) out.push_back(std::move(one));
  return out;
}

bool clean_any(Dataset const& set, bool (*holds)(Case const&)) {
  return std::ranges::any_of(set.cases, holds);
}

// What the list says of each case beside its path and labels.
struct CleanColumns {
  bool split, patient, weight;

  explicit CleanColumns(Dataset const& set)
      : split(clean_any(set, [](Case const& one) { return one.split != Split::unassigned; })),
        patient(clean_any(set, [](Case const& one) { return !one.patient.empty(); })),
        weight(clean_any(set, [](Case const& one) { return one.weight != 1; })) {}

  void name(std::vector<std::string>& names) const {
    if (split) names.emplace_back("split");
    if (patient) names.emplace_back("patient");
    if (weight) names.emplace_back("weight");
  }
  void fill(Case const& one, std::vector<std::string>& cells) const {
    if (split) cells.emplace_back(one.split == Split::unassigned ? "" : name_of(one.split));
    if (patient) cells.push_back(one.patient);
    if (weight) cells.push_back(spelled(one.weight));
  }
};

std::vector<std::string> clean_header(Dataset const& set, CleanColumns columns) {
  std::vector<std::string> names = {"path"};
  if (set.multi_label) {
    names.insert(names.end(), set.classes.begin(), set.classes.end());
  } else {
    names.emplace_back("label");
  }
  columns.name(names);
  return names;
}

void clean_check_names(Dataset const& set) {
  static constexpr std::string_view taken[] = {"path",  "file",    "image",  "filename",
                                               "label", "class",   "target", "diagnosis",
                                               "split", "patient", "weight"};
  for (auto const& name : set.classes) {
    if (set.multi_label && std::ranges::find(taken, lower(name)) != std::end(taken))
      throw Error{Fault::input,
                  text("expected labels whose names can be columns beside path, split, patient "
                       "and weight, got '",
                       name, "'"),
                  "rename the label"};
  }
}

// Empty where there is none.
std::string clean_path(Location const& at, fs::path const& folder) {
  if (at.file.empty()) return {};
  auto const file = fs::weakly_canonical(fs::absolute(at.file)).lexically_proximate(folder);
  if (at.row < 0) return file.generic_string();
  return text(file.generic_string(), "#", at.member, "/", at.row);
}

std::vector<std::string> clean_row(Dataset const& set,
                                   Case const& one,
                                   CleanColumns columns,
                                   fs::path const& folder) {
  std::vector<std::string> cells = {clean_path(one.image, folder)};
  for (auto const label : one.labels) {
    if (set.multi_label) {
      cells.push_back(label == unknown ? "" : text(label));
    } else {
      cells.push_back(set.classes[static_cast<std::size_t>(label)]);
    }
  }
  columns.fill(one, cells);
  return cells;
}

// The same of masks.
struct CleanMaskColumns {
  CleanColumns common;
  std::size_t channels = 0;  // files beside the first
  bool field, second;

  explicit CleanMaskColumns(Dataset const& set)
      : common(set),
        field(clean_any(set, [](Case const& one) { return !one.field_of_view.file.empty(); })),
        second(
            clean_any(set, [](Case const& one) { return !one.second_reader.file.empty(); })) {
    for (auto const& one : set.cases) channels = std::max(channels, one.channels.size());
  }

  std::vector<std::string> header() const {
    std::vector<std::string> names = {"image"};
    for (std::size_t c = 0; c < channels; ++c) names.push_back(text("image_", c + 2));
    names.emplace_back("mask");
    if (field) names.emplace_back("field_of_view");
    if (second) names.emplace_back("second_reader");
    common.name(names);
    return names;
  }
  std::vector<std::string> row(Case const& one, fs::path const& folder) const {
    std::vector<std::string> cells = {clean_path(one.image, folder)};
    for (std::size_t c = 0; c < channels; ++c)
      cells.push_back(c < one.channels.size() ? clean_path(one.channels[c], folder) : "");
    cells.push_back(clean_path(one.mask, folder));
    if (field) cells.push_back(clean_path(one.field_of_view, folder));
    if (second) cells.push_back(clean_path(one.second_reader, folder));
    common.fill(one, cells);
    return cells;
  }
};

std::string clean_mask_list(Dataset const& set, fs::path const& folder) {
  if (set.drawn)
    throw Error{Fault::usage,
                text("expected masks that are images, which a list can name, got ", set.form),
                "leave out of the folder itself what `fovea data inspect` names"};
  CleanMaskColumns const columns{set};
  auto out = csv_row(columns.header()) + "\n";
  for (auto const& one : set.cases) out += csv_row(columns.row(one, folder)) + "\n";
  return out;
}

void clean_unusable(MaskReport const& report, CleanFound& found) {
  for (std::size_t i = 0; i < report.masks.size(); ++i) {
    auto const& mask = report.masks[i];
    if (!mask.usable()) found.try_emplace(i, LeftOut{i, mask.kind, mask.fault});
  }
}

void clean_named(MaskReport const& report,
                 std::string const& kind,
                 std::string const& why,
                 CleanFound& found) {
  for (auto const& problem : report.problems) {
    if (problem.kind != kind) continue;
    for (auto const at : problem.cases) found.try_emplace(at, LeftOut{at, kind, why});
  }
}

// What a person may or may not want to learn from.
constexpr std::string_view clean_doubtful[] = {"empty-mask",     "tiny-component",
                                               "mask-off-edges", "odd-spacing",
                                               "odd-intensity",  "one-voxel-thick"};

bool clean_same_masks(MaskReport const& report, std::vector<std::size_t> const& group) {
  return std::ranges::all_of(group, [&](std::size_t at) {
    return report.masks[at].hash == report.masks[group.front()].hash;
  });
}

}  // namespace

void expect_doubts(std::vector<std::string> const& kinds) {
  std::vector<std::string> const known{std::begin(clean_doubtful), std::end(clean_doubtful)};
  for (auto const& kind : kinds) {
    if (std::ranges::find(known, kind) == known.end())
      throw Error{Fault::usage, text("no doubt is called '", kind, "'"),
                  did_you_mean(kind, known)};
  }
}

std::vector<LeftOut> unfit_masks(Dataset const& set,
                                 MaskReport const& report,
                                 std::vector<std::string> const& also) {
  CleanFound found;
  clean_single(report.images, found);
  clean_unusable(report, found);
  for (auto group : equal_images(report.images)) {
    std::erase_if(group, [&](std::size_t at) { return !report.masks[at].usable(); });
    if (group.size() < 2) continue;
    if (clean_same_masks(report, group))
      clean_copies(set, group, found);
    else
      clean_contradictions(set, group, found);
  }
  clean_named(report, "odd-channels", "has other channels than the set", found);
  expect_doubts(also);
  for (auto const& kind : also) clean_named(report, kind, "was asked to be left out", found);
  return clean_listed(std::move(found));
}

std::vector<LeftOut> unfit(Dataset const& set, std::vector<ImageFacts> const& facts) {
  CleanFound found;
  clean_single(facts, found);
  for (auto const& group : equal_images(facts)) {
    if (labelled_differently(set, group)) {
      clean_contradictions(set, group, found);
    } else {
      clean_copies(set, group, found);
    }
  }
  return clean_listed(std::move(found));
}

std::vector<Doubt> doubts(MaskReport const& report, std::vector<LeftOut> const& left) {
  std::vector<Doubt> out;
  for (auto const kind : clean_doubtful) {
    Doubt doubt{std::string{kind}, {}};
    for (auto const& problem : report.problems) {
      if (problem.kind != kind) continue;
      for (auto const at : problem.cases) {
        if (std::ranges::find(left, at, &LeftOut::at) == left.end()) doubt.cases.insert(at);
      }
    }
    if (!doubt.cases.empty()) out.push_back(std::move(doubt));
  }
  return out;
}

std::string list_of(Dataset const& set, fs::path const& folder) {
  auto const here = fs::weakly_canonical(fs::absolute(folder));
  if (set.masks) return clean_mask_list(set, here);
  clean_check_names(set);
  CleanColumns const columns{set};
  auto out = csv_row(clean_header(set, columns)) + "\n";
  for (auto const& one : set.cases) out += csv_row(clean_row(set, one, columns, here)) + "\n";
  return out;
}

std::string labels_of(Dataset const& set) {
  DatasetFile file{.channels = set.channels, .labels = {}, .ignore = set.ignore};
  file.regions = set.regions();
  for (auto const& label : set.labels)
    file.labels.push_back({label.name, label.values, label.written});
  return pretty(dataset_file_json(file)) + "\n";
}

}  // namespace fovea
