#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/data/layout.hpp"

#include <algorithm>
#include <numeric>
#include <span>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace fovea {
namespace {

// The cases of one patient, or kept together for another reason: what goes into one split as a
// whole.
struct SplitsGroup {
  std::vector<std::size_t> cases;
  std::vector<std::size_t> classes;  // that occur in it, each once
  std::vector<double> counts;        // of cases, by the same order
};

// What cases are stratified by: their classes, or the labels that their masks show.
std::size_t splits_classes(Dataset const& set) {
  return set.masks ? set.labels.size() : set.classes.size();
}

std::vector<std::size_t> splits_classes_of(Dataset const& set, Case const& one) {
  auto const several = set.multi_label || set.masks;
  std::vector<std::size_t> found;
  for (std::size_t c = 0; c < one.labels.size(); ++c) {
    if (several && one.labels[c] == 1) found.push_back(c);
  }
  if (!several && !one.labels.empty()) found.push_back(static_cast<std::size_t>(one.labels[0]));
  // Cases with no known label are spread evenly too: a class of their own.
  if (found.empty()) found.push_back(splits_classes(set));
  return found;
}

void splits_count(SplitsGroup& group, std::size_t of_class) {
  auto const at = std::ranges::find(group.classes, of_class) - group.classes.begin();
  if (static_cast<std::size_t>(at) == group.classes.size()) {
    group.classes.push_back(of_class);
    group.counts.push_back(0);
  }
  group.counts[static_cast<std::size_t>(at)] += 1;
}

// For each of the cases the place (in `among`) of the first one that it must stay with, by its
// patient, by Case::together or by a chain of both.
std::vector<std::size_t> splits_leaders(Dataset const& set,
                                        std::vector<std::size_t> const& among) {
  std::vector<std::size_t> above(among.size());
  std::iota(above.begin(), above.end(), 0U);
  auto const leader = [&](std::size_t i) {
    while (above[i] != i) i = above[i] = above[above[i]];
    return i;
  };
  for (auto const word : {&Case::patient, &Case::together}) {
    std::unordered_map<std::string_view, std::size_t> known;
    for (std::size_t i = 0; i < among.size(); ++i) {
      auto const& name = set.cases[among[i]].*word;
      if (name.empty()) continue;
      auto const [low, high] =
          std::minmax({leader(known.try_emplace(name, i).first->second), leader(i)});
      above[high] = low;
    }
  }
  for (std::size_t i = 0; i < above.size(); ++i) above[i] = leader(i);
  return above;
}

std::vector<SplitsGroup> splits_groups(Dataset const& set,
                                       std::vector<std::size_t> const& among) {
  auto const leaders = splits_leaders(set, among);
  std::vector<SplitsGroup> groups;
  std::vector<std::size_t> index(among.size());
  for (std::size_t i = 0; i < among.size(); ++i) {
    // A leader comes before those it leads.
    index[i] = leaders[i] == i ? groups.size() : index[leaders[i]];
    if (leaders[i] == i) groups.emplace_back();
    auto& group = groups[index[i]];
    group.cases.push_back(among[i]);
    for (auto const c : splits_classes_of(set, set.cases[among[i]])) splits_count(group, c);
  }
  return groups;
}

// Sends groups into bins so that each bin gets its share of every class, rarest class first.
class Stratifier {
 public:
  Stratifier(std::vector<SplitsGroup> const& groups,
             std::size_t classes,
             std::vector<double> shares,
             std::uint64_t seed)
      : groups_(groups),
        shares_(std::move(shares)),
        members_(classes + 1),
        bin_(groups.size(), -1) {
    std::vector<std::size_t> order(groups.size());
    std::iota(order.begin(), order.end(), 0U);
    Rng{{seed, 0x73706c6974}}.shuffle(std::span{order});
    // Large patients first, while there is room for them; among equals the seed decides.
    std::ranges::stable_sort(order, std::greater{},
                             [&](auto g) { return groups_[g].cases.size(); });
    for (auto const g : order) {
      for (auto const c : groups_[g].classes) members_[c].push_back(g);
    }
    for (std::size_t c = 0; c < members_.size(); ++c) wanted_.push_back(wishes(c));
    room_ = shares_;
    for (auto& room : room_) room *= cases();
  }

  std::vector<int> run() {
    auto rarest = std::vector<std::size_t>(members_.size());
    std::iota(rarest.begin(), rarest.end(), 0U);
    std::ranges::stable_sort(rarest, {}, [&](auto c) { return members_[c].size(); });
    for (auto const c : rarest) {
      for (auto const g : members_[c]) {
        if (bin_[g] < 0) put(g, best_for(c));
      }
    }
    for (auto const c : rarest) repair(c);
    return bin_;
  }

 private:
  double cases() const {
    return std::accumulate(groups_.begin(), groups_.end(), 0.0,
                           [](double sum, auto const& group) {
                             return sum + static_cast<double>(group.cases.size());
                           });
  }

  double count(std::size_t g, std::size_t c) const {
    auto const& group = groups_[g];
    auto const at = std::ranges::find(group.classes, c) - group.classes.begin();
    return static_cast<std::size_t>(at) < group.counts.size()
               ? group.counts[static_cast<std::size_t>(at)]
               : 0;
  }

  // How many cases of a class each bin should get: its share, but at least one in each
  // (at the first bin's cost) once there are as many patients as bins.
  std::vector<double> wishes(std::size_t c) const {
    auto total = 0.0;
    for (auto const g : members_[c]) total += count(g, c);
    std::vector<double> wish;
    for (auto const share : shares_) wish.push_back(share * total);
    if (members_[c].size() < bins()) return wish;
    for (std::size_t b = 1; b < bins(); ++b) {
      auto const more = std::max(0.0, 1 - wish[b]);
      if (shares_[b] <= 0) continue;
      wish[b] += more;
      wish[0] -= more;
    }
    // Every class has to be learnt, whatever else it is needed for.
    wish[0] = std::max(wish[0], 1.0);
    return wish;
  }

  std::size_t bins() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(shares_, [](double share) { return share > 0; }));
  }

  std::size_t best_for(std::size_t c) const {
    std::size_t best = shares_.size();
    for (std::size_t b = 0; b < shares_.size(); ++b) {
      if (shares_[b] <= 0) continue;
      auto const better = [&] {
        return std::pair{wanted_[c][b], room_[b]} > std::pair{wanted_[c][best], room_[best]};
      };
      if (best == shares_.size() || better()) best = b;
    }
    return best;
  }

  void put(std::size_t g, std::size_t b) {
    bin_[g] = static_cast<int>(b);
    room_[b] -= static_cast<double>(groups_[g].cases.size());
    for (std::size_t i = 0; i < groups_[g].classes.size(); ++i)
      wanted_[groups_[g].classes[i]][b] -= groups_[g].counts[i];
  }

  std::ptrdiff_t patients(std::size_t c, std::size_t b) const {
    return std::ranges::count_if(members_[c],
                                 [&](auto g) { return bin_[g] == static_cast<int>(b); });
  }

  // A patient with several classes may have taken the last of one of them elsewhere.
  void repair(std::size_t c) {
    for (std::size_t b = 0; b < shares_.size(); ++b) {
      auto const due = b == 0 ? !members_[c].empty() : members_[c].size() >= bins();
      if (shares_[b] <= 0 || !due || patients(c, b) > 0) continue;
      for (auto const g : members_[c]) {
        if (!spared(g, b, c)) continue;
        bin_[g] = static_cast<int>(b);
        break;
      }
    }
  }

  // True if no other class is taken from its bin altogether by moving this patient.
  bool spared(std::size_t g, std::size_t into, std::size_t moved_for) const {
    auto const from = static_cast<std::size_t>(bin_[g]);
    return std::ranges::all_of(groups_[g].classes, [&](auto c) {
      return patients(c, from) > 1 || (into == 0 && c == moved_for);
    });
  }

  std::vector<SplitsGroup> const& groups_;
  std::vector<double> shares_;
  std::vector<std::vector<std::size_t>> members_;  // groups with a case of the class
  std::vector<std::vector<double>> wanted_;        // cases still missing, [class][bin]
  std::vector<double> room_;                       // cases of any class still missing, by bin
  std::vector<int> bin_;
};

std::string splits_counts(Dataset const& set) {
  std::vector<std::string> parts;
  for (auto const split : all_splits)
    parts.push_back(text(set.in(split).size(), " ", name_of(split)));
  return joined(parts, ", ");
}

std::string splits_whom(Dataset const& set,
                        std::vector<std::size_t> const& among,
                        std::size_t groups) {
  std::unordered_set<std::string_view> names;
  std::size_t patients = 0;
  for (auto const at : among) {
    auto const& name = set.cases[at].patient;
    patients += name.empty() || names.insert(name).second ? 1 : 0;
  }
  auto const whom = patients == among.size()
                        ? std::string{"each image counts as a patient of its own"}
                        : text("by patient (", patients, " patients, never parted)");
  return groups < patients ? whom + ", images kept together are not parted either" : whom;
}

std::string_view splits_by(Dataset const& set) {
  if (!set.masks) return ", stratified by class";
  auto const seen = [](Case const& one) { return !one.labels.empty(); };
  return std::ranges::any_of(set.cases, seen) ? ", stratified by what masks show" : "";
}

void splits_cut(Dataset& set,
                std::vector<std::size_t> const& among,
                double validation,
                double test,
                std::uint64_t seed,
                std::string const& why) {
  auto const groups = splits_groups(set, among);
  auto const bins =
      Stratifier{groups, splits_classes(set), {1 - validation - test, validation, test}, seed}
          .run();
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (auto const at : groups[g].cases)
      set.cases[at].split = all_splits[static_cast<std::size_t>(bins[g])];
  }
  set.notes.push_back(text(why, ": now ", splits_counts(set), "; ",
                           splits_whom(set, among, groups.size()), splits_by(set), ", seed ",
                           seed));
}

// The splits that patients, or cases to keep together, are in already.
class SplitsKnown {
 public:
  explicit SplitsKnown(Dataset const& set) {
    for (auto const& one : set.cases) learn(one);
  }

  void learn(Case const& one) {
    if (one.split == Split::unassigned) return;
    if (!one.patient.empty()) patients_.emplace(one.patient, one.split);
    if (!one.together.empty()) together_.emplace(one.together, one.split);
  }

  // A patient weighs more than a likeness.
  Split of(Case const& one) const {
    if (auto const at = patients_.find(one.patient); at != patients_.end()) return at->second;
    auto const at = together_.find(one.together);
    return at == together_.end() ? Split::unassigned : at->second;
  }

 private:
  std::unordered_map<std::string, Split> patients_, together_;
};

// Cases without a split in a set that has splits: with their patient or those they are kept
// together with, else they are learnt from.
void splits_fill(Dataset& set) {
  auto const open = set.in(Split::unassigned);
  if (open.empty()) return;
  SplitsKnown known{set};
  // Each case that found its place may show another one its own.
  for (auto found = true; found;) {
    found = false;
    for (auto const at : open) {
      auto& one = set.cases[at];
      if (one.split != Split::unassigned) continue;
      one.split = known.of(one);
      known.learn(one);
      found = found || one.split != Split::unassigned;
    }
  }
  for (auto const at : open) {
    if (set.cases[at].split == Split::unassigned) set.cases[at].split = Split::train;
  }
  set.notes.push_back(text(open.size(),
                           " cases have no split in a set that has splits: they are with "
                           "their patient or their like, else in train"));
}

void splits_expect(SplitShares const& shares) {
  if (!(shares.validation >= 0 && shares.test >= 0 && shares.validation + shares.test < 1))
    throw Error{Fault::usage,
                text("expected shares of validation and test of at least 0 that leave "
                     "something to learn from, got ",
                     spelled(shares.validation), " and ", spelled(shares.test)),
                "for example 0.15 and 0.15"};
}

}  // namespace

void assign_splits(Dataset& set, std::uint64_t seed, SplitShares shares) {
  splits_expect(shares);
  std::vector<std::size_t> all(set.cases.size());
  std::iota(all.begin(), all.end(), 0U);
  if (set.in(Split::unassigned).size() == all.size()) {
    if (!all.empty())
      splits_cut(set, all, shares.validation, shares.test, seed, "no splits are given");
    return;
  }
  splits_fill(set);
  auto const train = set.in(Split::train);
  auto const no_validation = set.in(Split::validation).empty() && shares.validation > 0;
  auto const no_test = set.in(Split::test).empty() && shares.test > 0;
  if (train.empty() || (!no_validation && !no_test)) return;
  auto const missing = no_validation && no_test
                           ? "no val or test split is given, both are cut from train"
                       : no_validation ? "no val split is given, it is cut from train"
                                       : "no test split is given, it is cut from train";
  splits_cut(set, train, no_validation ? shares.validation : 0, no_test ? shares.test : 0, seed,
             missing);
}

std::vector<int> folds_of(Dataset const& set,
                          std::vector<std::size_t> const& among,
                          int k,
                          std::uint64_t seed) {
  if (k < 2)
    throw Error{Fault::usage, text("expected at least 2 folds, got ", k),
                "for example --folds 5"};
  auto const groups = splits_groups(set, among);
  if (groups.size() < static_cast<std::size_t>(k))
    throw Error{
        Fault::input,
        text("expected at least as many patients as folds (", k, "), got ", groups.size()),
        "ask for fewer folds"};
  auto const bins = Stratifier{groups, splits_classes(set),
                               std::vector<double>(static_cast<std::size_t>(k), 1.0 / k), seed}
                        .run();
  std::unordered_map<std::size_t, int> fold;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (auto const at : groups[g].cases) fold[at] = bins[g];
  }
  std::vector<int> out;
  for (auto const at : among) out.push_back(fold.at(at));
  return out;
}

}  // namespace fovea
