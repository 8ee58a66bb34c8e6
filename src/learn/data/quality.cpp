#include "learn/data/quality.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

namespace fovea {
namespace {

constexpr double quality_odd = 6;            // robust deviations from the middle
constexpr double quality_imbalance = 5;      // largest class over smallest
constexpr std::size_t quality_few = 10;      // cases of a class in a split
constexpr std::size_t quality_few_all = 30;  // the same before there are splits

using Indices = std::vector<std::size_t>;

// The checks below share these; each adds its problems.
struct QualityCheck {
  Dataset const& set;
  std::vector<ImageFacts> const& facts;
  std::vector<Problem>& problems;

  std::vector<std::string> ids(Indices const& cases) const {
    std::vector<std::string> names;
    for (auto const at : cases) names.push_back(set.cases[at].id);
    return names;
  }

  void add(std::string kind,
           std::string message,
           Indices cases = {},
           bool severe = false) const {
    problems.push_back({std::move(kind), std::move(message), std::move(cases), severe});
  }

  // One problem for all cases of a kind, named in its message.
  void add_all(std::string kind,
               Indices const& cases,
               std::string const& one,
               std::string const& many) const {
    if (cases.empty()) return;
    add(std::move(kind),
        text(cases.size(), " ", cases.size() == 1 ? one : many, ": ", named(ids(cases))),
        cases);
  }

  Indices where(std::function<bool(ImageFacts const&)> const& holds) const {
    Indices found;
    for (std::size_t i = 0; i < facts.size(); ++i) {
      if (holds(facts[i])) found.push_back(i);
    }
    return found;
  }
};

void quality_single(QualityCheck const& check) {
  for (auto const at : check.where([](auto const& f) { return !f.readable; }))
    check.add("unreadable", check.facts[at].fault, {at});
  check.add_all("not-finite",
                check.where([](auto const& f) { return f.readable && !f.finite; }),
                "image holds values that are no finite numbers",
                "images hold values that are no finite numbers");
  check.add_all("constant",
                check.where([](auto const& f) { return f.readable && f.high <= f.low; }),
                "image is one even shade", "images are one even shade each");
}

std::set<Split> quality_splits(Dataset const& set, Indices const& cases) {
  std::set<Split> splits;
  for (auto const at : cases) splits.insert(set.cases[at].split);
  return splits;
}

bool quality_parted(std::set<Split> splits) {
  splits.erase(Split::unassigned);
  return splits.size() > 1;
}

// A test image that was learnt from, or chosen by, proves nothing.
bool quality_leaks(std::set<Split> const& splits) {
  return splits.contains(Split::test) &&
         (splits.contains(Split::train) || splits.contains(Split::validation));
}

std::string quality_in_splits(std::set<Split> const& splits) {
  std::vector<std::string> names;
  for (auto const split : splits) names.emplace_back(name_of(split));
  return joined(names, " and ");
}

// Constant images are equal without being copies: they are told of as constant only.
bool quality_speaks(ImageFacts const& facts) {
  return facts.readable && facts.high > facts.low;
}

std::vector<Indices> quality_equal(std::vector<ImageFacts> const& facts) {
  std::unordered_map<std::string_view, std::size_t> known;
  std::vector<Indices> groups;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (!quality_speaks(facts[i])) continue;
    auto const [place, fresh] = known.try_emplace(facts[i].hash, groups.size());
    if (fresh) groups.emplace_back();
    groups[place->second].push_back(i);
  }
  return groups;
}

void quality_duplicates(QualityCheck const& check, std::vector<Indices> const& equal) {
  for (auto const& group : equal) {
    if (group.size() < 2) continue;
    auto const splits = quality_splits(check.set, group);
    auto const parted = quality_parted(splits);
    auto const names = named(check.ids(group));
    if (labelled_differently(check.set, group))
      check.add("conflicting-labels",
                text(group.size(),
                     " images are equal pixel for pixel but labelled differently: ", names),
                group);
    check.add(parted ? "duplicate-across-splits" : "duplicate",
              text(group.size(), " images are equal pixel for pixel",
                   parted ? ", in " + quality_in_splits(splits) : "", ": ", names),
              group, quality_leaks(splits));
  }
}

// Blank images are no copies of each other, but a test image that was learnt from proves
// nothing, blank or not.
std::vector<Indices> quality_blank(std::vector<ImageFacts> const& facts) {
  std::map<std::string_view, Indices> known;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    auto const& f = facts[i];
    if (f.readable && f.finite && f.high <= f.low) known[f.hash].push_back(i);
  }
  std::vector<Indices> groups;
  for (auto& [hash, group] : known) groups.push_back(std::move(group));
  return groups;
}

void quality_blank_leaks(QualityCheck const& check) {
  for (auto const& group : quality_blank(check.facts)) {
    auto const splits = quality_splits(check.set, group);
    if (quality_leaks(splits))
      check.add("duplicate-across-splits",
                text(group.size(), " images are equal pixel for pixel, one even shade, in ",
                     quality_in_splits(splits), ": ", named(check.ids(group))),
                group, true);
  }
}

// Pairs joined into groups; each group sorted, groups by their first member.
std::vector<Indices> quality_joined(
    std::vector<std::pair<std::size_t, std::size_t>> const& pairs) {
  std::map<std::size_t, std::size_t> leader;
  auto const find = [&](std::size_t at) {
    leader.try_emplace(at, at);
    while (leader[at] != at) at = leader[at] = leader[leader[at]];
    return at;
  };
  for (auto const& [a, b] : pairs) {
    auto const one = find(a);
    auto const other = find(b);
    leader[std::max(one, other)] = std::min(one, other);
  }
  std::map<std::size_t, Indices> groups;
  for (auto const& [at, above] : leader) groups[find(at)].push_back(at);
  std::vector<Indices> out;
  for (auto& [first, members] : groups) out.push_back(std::move(members));
  return out;
}

// Groups of different images that look alike; of equal images only the first takes part.
struct QualityAlike {
  std::vector<Indices> groups;
  bool all;  // false: too many to compare each
};

QualityAlike quality_alike(std::vector<ImageFacts> const& facts,
                           std::vector<Indices> const& equal) {
  std::vector<Looks> looks;
  for (auto const& group : equal) looks.push_back(facts[group.front()].looks);
  auto const near = near_pairs(looks);
  auto groups = quality_joined(near.pairs);
  for (auto& group : groups) {
    for (auto& at : group) at = equal[at].front();
  }
  return {std::move(groups), near.all};
}

void quality_near(QualityCheck const& check, std::vector<Indices> const& equal) {
  auto const alike = quality_alike(check.facts, equal);
  if (!alike.all)
    check.add("near-in-part",
              "too many images are alike in outline to compare each with each: only the "
              "likeliest near duplicates were looked for");
  for (auto const& group : alike.groups) {
    auto const splits = quality_splits(check.set, group);
    auto const parted = quality_parted(splits);
    check.add(parted ? "near-duplicate-across-splits" : "near-duplicate",
              text(group.size(), " images look almost the same",
                   parted ? ", in " + quality_in_splits(splits) : "",
                   labelled_differently(check.set, group) ? ", labelled differently" : "", ": ",
                   named(check.ids(group))),
              group);
  }
}

double quality_median(std::vector<double> values) {
  auto const middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

// Cases whose value lies far from the middle, in deviations estimated by the median (which the
// outliers themselves cannot move); `least` is the smallest deviation that counts as one.
Indices quality_outliers(QualityCheck const& check,
                         std::function<double(ImageFacts const&)> const& value,
                         double least) {
  auto const cases = check.where(quality_speaks);
  if (cases.size() < 8) return {};
  std::vector<double> values;
  for (auto const at : cases) values.push_back(value(check.facts[at]));
  auto const middle = quality_median(values);
  auto away = values;
  for (auto& one : away) one = std::abs(one - middle);
  auto const deviation = std::max(1.4826 * quality_median(away), least);
  Indices found;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (std::abs(values[i] - middle) > quality_odd * deviation) found.push_back(cases[i]);
  }
  return found;
}

Indices quality_union(Indices a, Indices const& b) {
  a.insert(a.end(), b.begin(), b.end());
  std::ranges::sort(a);
  a.erase(std::unique(a.begin(), a.end()), a.end());
  return a;
}

// What most images have in common, and those that differ in it.
template <class Property>
struct QualityUnlike {
  Property usual{};
  Indices others;
};

template <class Of>
auto quality_unlike(QualityCheck const& check, Of const& of) {
  auto const all = check.where(quality_speaks);
  std::map<decltype(of(check.facts[0])), std::size_t> counts;
  for (auto const at : all) ++counts[of(check.facts[at])];
  QualityUnlike<decltype(of(check.facts[0]))> out;
  if (counts.empty()) return out;
  out.usual =
      std::ranges::max_element(counts, {}, [](auto const& row) { return row.second; })->first;
  for (auto const at : all) {
    if (of(check.facts[at]) != out.usual) out.others.push_back(at);
  }
  return out;
}

void quality_odd_ones(QualityCheck const& check) {
  auto const log_of = [](std::int64_t size) { return std::log(static_cast<double>(size)); };
  auto const sizes =
      quality_union(quality_outliers(
                        check, [&](auto const& f) { return log_of(f.width); }, 0.05),
                    quality_outliers(
                        check, [&](auto const& f) { return log_of(f.height); }, 0.05));
  check.add_all("odd-size", sizes, "image is of an unusual size",
                "images are of an unusual size");

  auto const channels = quality_unlike(
      check, [](auto const& f) { return f.grey ? std::int64_t{1} : f.channels; });
  auto const usual =
      text(channels.usual, channels.usual == 1 ? " channel" : " channels", " as the others");
  check.add_all("odd-channels", channels.others, text("image has not ", usual),
                text("images have not ", usual));

  auto const types = quality_unlike(check, [](auto const& f) { return f.type; });
  auto const kind = text("stored as ", name_of(types.usual),
                         " as the others: its values may mean another ", "brightness");
  check.add_all("odd-type", types.others, text("image is not ", kind),
                text("images are not ", kind));

  auto const all = check.where(quality_speaks);
  double range = 0;
  for (auto const at : all) range = std::max(range, check.facts[at].high - check.facts[at].low);
  auto const shades =
      quality_union(quality_outliers(
                        check, [](auto const& f) { return f.mean; }, range / 100),
                    quality_outliers(
                        check, [](auto const& f) { return std::log(f.deviation); }, 0.05));
  check.add_all("odd-intensity", shades, "image is unusually dark, bright, flat or harsh",
                "images are unusually dark, bright, flat or harsh");
}

void quality_patients(QualityCheck const& check) {
  std::map<std::string, Indices> patients;
  for (std::size_t i = 0; i < check.set.cases.size(); ++i) {
    if (!check.set.cases[i].patient.empty()) patients[check.set.cases[i].patient].push_back(i);
  }
  Indices parted;
  std::size_t count = 0;
  for (auto const& [name, cases] : patients) {
    if (!quality_parted(quality_splits(check.set, cases))) continue;
    ++count;
    parted.insert(parted.end(), cases.begin(), cases.end());
  }
  std::ranges::sort(parted);
  // Names of patients stay out of messages: the cases are named instead.
  if (count > 0)
    check.add("patient-across-splits",
              text(count,
                   count == 1 ? " patient has images in more than one split: "
                              : " patients have images in more than one split: ",
                   named(check.ids(parted))),
              parted);
}

std::vector<std::size_t> quality_counts(Dataset const& set,
                                        std::function<bool(Case const&)> const& of) {
  std::vector<std::size_t> counts(set.classes.size());
  for (auto const& one : set.cases) {
    if (!of(one)) continue;
    for (std::size_t c = 0; c < counts.size(); ++c) counts[c] += set.is(one, c) ? 1 : 0;
  }
  return counts;
}

void quality_few_cases(QualityCheck const& check,
                       std::vector<std::size_t> const& counts,
                       std::size_t enough,
                       std::string const& where) {
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] < enough)
      check.add("few-cases", text("class '", check.set.classes[c], "' has ", counts[c],
                                  counts[c] == 1 ? " image" : " images", where, ": too few to ",
                                  where == " in val"    ? "choose by"
                                  : where == " in test" ? "prove anything"
                                                        : "learn it well"));
  }
}

void quality_classes(QualityCheck const& check) {
  auto const& set = check.set;
  auto const all = quality_counts(set, [](Case const&) { return true; });
  auto const filled = std::ranges::count_if(all, [](auto count) { return count > 0; });
  if (!set.multi_label && filled < 2)
    check.add("one-class",
              text("the set has ",
                   filled == 1 ? "one class only: nothing can be told apart" : "no classes"),
              {}, true);
  auto const train = quality_counts(set, [](Case const& one) {
    return one.split == Split::train || one.split == Split::unassigned;
  });
  auto const [least, most] = std::ranges::minmax_element(train);
  if (train.size() > 1 && *least > 0 &&
      static_cast<double>(*most) >= quality_imbalance * static_cast<double>(*least))
    check.add(
        "imbalance",
        text("class '", set.classes[static_cast<std::size_t>(most - train.begin())], "' has ",
             *most, " images to learn from, '",
             set.classes[static_cast<std::size_t>(least - train.begin())], "' has ", *least));
  if (!set.in(Split::unassigned).empty()) quality_few_cases(check, all, quality_few_all, "");
  for (auto const split : all_splits) {
    if (set.in(split).empty()) continue;
    auto const counts =
        quality_counts(set, [&](Case const& one) { return one.split == split; });
    quality_few_cases(check, counts, quality_few, text(" in ", name_of(split)));
    if (split == Split::train || set.in(Split::train).empty()) continue;
    for (std::size_t c = 0; c < counts.size(); ++c) {
      if (counts[c] > 0 && train[c] == 0)
        check.add("unseen-label",
                  text("class '", set.classes[c], "' occurs ", counts[c], " times in ",
                       name_of(split), " but never in train"),
                  {}, true);
    }
  }
}

// True for the cases of a given test split and those that will follow their patient into it.
std::vector<bool> quality_tested(Dataset const& set) {
  std::unordered_map<std::string_view, Split> given;
  for (auto const& one : set.cases) {
    if (one.split != Split::unassigned && !one.patient.empty())
      given.try_emplace(one.patient, one.split);
  }
  std::vector<bool> tested;
  for (auto const& one : set.cases) {
    auto const place = given.find(one.patient);
    auto const follows = one.split == Split::unassigned && place != given.end();
    tested.push_back((follows ? place->second : one.split) == Split::test);
  }
  return tested;
}

// Groups of equal or almost equal images, found as if there were no other images than these.
std::vector<Indices> quality_copies(std::vector<ImageFacts> const& facts,
                                    Indices const& among) {
  std::vector<ImageFacts> these;
  for (auto const at : among) these.push_back(facts[at]);
  auto const equal = quality_equal(these);
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  auto const chain = [&](Indices const& group) {
    for (std::size_t i = 1; i < group.size(); ++i) pairs.emplace_back(group[0], group[i]);
  };
  for (auto const& group : equal) chain(group);
  for (auto const& group : quality_blank(these)) chain(group);
  for (auto const& group : quality_alike(these, equal).groups) chain(group);
  auto groups = quality_joined(pairs);
  for (auto& group : groups) {
    for (auto& at : group) at = among[at];
  }
  return groups;
}

}  // namespace

std::vector<Problem> problems_of(Dataset const& set, std::vector<ImageFacts> const& facts) {
  if (facts.size() != set.cases.size())
    throw Error{Fault::bug,
                text("expected facts of ", set.cases.size(), " images, got ", facts.size()),
                "look at the set first"};
  auto problems = set.problems;
  QualityCheck const check{set, facts, problems};
  auto const equal = quality_equal(facts);
  quality_single(check);
  quality_duplicates(check, equal);
  quality_blank_leaks(check);
  quality_patients(check);
  if (!set.masks) {
    quality_classes(check);
    quality_odd_ones(check);
  }
  quality_near(check, equal);
  std::ranges::stable_sort(problems, std::greater{}, &Problem::severe);
  return problems;
}

QualityReport quality(Dataset const& set,
                      int threads,
                      std::function<void(std::size_t done)> const& seen) {
  QualityReport report{.facts = look_at(set, threads, seen), .problems = {}};
  report.problems = problems_of(set, report.facts);
  return report;
}

std::vector<std::vector<std::size_t>> equal_images(std::vector<ImageFacts> const& facts) {
  auto groups = quality_equal(facts);
  std::erase_if(groups, [](Indices const& group) { return group.size() < 2; });
  return groups;
}

bool labelled_differently(Dataset const& set, std::vector<std::size_t> const& cases) {
  if (set.masks) return false;  // the masks themselves tell (mask_quality)
  // Contradiction is found label by label: some case knows one answer, another a different one.
  std::vector<std::optional<std::int32_t>> known;
  for (auto const at : cases) {
    auto const& labels = set.cases[at].labels;
    known.resize(std::max(known.size(), labels.size()));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      if (set.multi_label && labels[i] == unknown) continue;
      if (known[i] && *known[i] != labels[i]) return true;
      known[i] = labels[i];
    }
  }
  return false;
}

void keep_together(Dataset& set, std::vector<ImageFacts> const& facts) {
  for (auto& one : set.cases) one.together.clear();
  auto const tested = quality_tested(set);
  std::size_t groups = 0;
  std::size_t images = 0;
  for (auto const test : {false, true}) {
    Indices among;
    for (std::size_t i = 0; i < tested.size(); ++i) {
      if (tested[i] == test) among.push_back(i);
    }
    for (auto const& group : quality_copies(facts, among)) {
      for (auto const at : group) set.cases[at].together = set.cases[group.front()].id;
      images += group.size();
      ++groups;
    }
  }
  if (groups > 0)
    set.notes.push_back(text(images,
                             " images are equal or look almost the same as another: they are "
                             "kept together, in ",
                             groups, groups == 1 ? " group" : " groups"));
}

}  // namespace fovea
