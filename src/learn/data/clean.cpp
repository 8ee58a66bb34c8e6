#include "learn/data/clean.hpp"

#include "base/core/csv.hpp"
#include "base/core/words.hpp"

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

bool clean_any(Dataset const& set, bool (*holds)(Case const&)) {
  return std::ranges::any_of(set.cases, holds);
}

// What the list says of each case beside its path and labels.
struct CleanColumns {
  bool split, patient, weight;
};

std::vector<std::string> clean_header(Dataset const& set, CleanColumns columns) {
  std::vector<std::string> names = {"path"};
  if (set.multi_label) {
    names.insert(names.end(), set.classes.begin(), set.classes.end());
  } else {
    names.emplace_back("label");
  }
  if (columns.split) names.emplace_back("split");
  if (columns.patient) names.emplace_back("patient");
  if (columns.weight) names.emplace_back("weight");
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

std::string clean_path(Case const& one, fs::path const& folder) {
  auto const file =
      fs::weakly_canonical(fs::absolute(one.image.file)).lexically_proximate(folder);
  if (one.image.row < 0) return file.generic_string();
  return text(file.generic_string(), "#", one.image.member, "/", one.image.row);
}

std::vector<std::string> clean_row(Dataset const& set,
                                   Case const& one,
                                   CleanColumns columns,
                                   fs::path const& folder) {
  std::vector<std::string> cells = {clean_path(one, folder)};
  for (auto const label : one.labels) {
    if (set.multi_label) {
      cells.push_back(label == unknown ? "" : text(label));
    } else {
      cells.push_back(set.classes[static_cast<std::size_t>(label)]);
    }
  }
  if (columns.split)
    cells.emplace_back(one.split == Split::unassigned ? "" : name_of(one.split));
  if (columns.patient) cells.push_back(one.patient);
  if (columns.weight) cells.push_back(spelled(one.weight));
  return cells;
}

}  // namespace

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
  std::vector<LeftOut> out;
  for (auto& [at, one] : found) out.push_back(std::move(one));
  return out;
}

std::string list_of(Dataset const& set, fs::path const& folder) {
  clean_check_names(set);
  CleanColumns const columns = {
      clean_any(set, [](Case const& one) { return one.split != Split::unassigned; }),
      clean_any(set, [](Case const& one) { return !one.patient.empty(); }),
      clean_any(set, [](Case const& one) { return one.weight != 1; })};
  auto const here = fs::weakly_canonical(fs::absolute(folder));
  auto out = csv_row(clean_header(set, columns)) + "\n";
  for (auto const& one : set.cases) out += csv_row(clean_row(set, one, columns, here)) + "\n";
  return out;
}

}  // namespace fovea
