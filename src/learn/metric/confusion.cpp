#include "learn/metric/confusion.hpp"

#include "base/core/error.hpp"

namespace fovea {

std::vector<std::vector<std::int64_t>> confusion_matrix(ClassRows const& rows) {
  if (rows.multi_label)
    throw Error{Fault::bug, "a confusion matrix of cases with several labels was asked for",
                "count each class against the rest"};
  ReadyRows const made{rows};
  std::vector out(made.classes, std::vector<std::int64_t>(made.classes));
  for (std::size_t i = 0; i < made.cases; ++i) {
    if (rows.truth[i] >= 0)
      ++out[static_cast<std::size_t>(rows.truth[i])][static_cast<std::size_t>(made.top[i])];
  }
  return out;
}

Value precision(Counts const& counts, std::string const& name) {
  return ratio(counts.tp, counts.tp + counts.fp, "nothing was found to be '" + name + "'");
}

Value sensitivity(Counts const& counts, std::string const& name) {
  return ratio(counts.tp, counts.tp + counts.fn, "no case of '" + name + "'");
}

Value specificity(Counts const& counts, std::string const& name) {
  return ratio(counts.tn, counts.tn + counts.fp, "only cases of '" + name + "'");
}

Value negative_value(Counts const& counts, std::string const& name) {
  return ratio(counts.tn, counts.tn + counts.fn, "everything was found to be '" + name + "'");
}

Value f1(Counts const& counts, std::string const& name) {
  return ratio(2 * counts.tp, 2 * counts.tp + counts.fp + counts.fn,
               "no case of '" + name + "', and none was found");
}

Value accuracy(Counts const& counts, std::string const&) {
  return ratio(counts.tp + counts.tn, counts.tp + counts.fp + counts.fn + counts.tn,
               "no case whose truth is known");
}

Value balanced_accuracy(Counts const& counts, std::string const& name) {
  auto const hits = sensitivity(counts, name);
  auto const spared = specificity(counts, name);
  if (!hits.defined()) return hits;
  if (!spared.defined()) return spared;
  return {(hits.value + spared.value) / 2, {}};
}

Counts summed(std::vector<Counts> const& counts) {
  Counts out;
  for (auto const& one : counts) {
    out.tp += one.tp;
    out.fp += one.fp;
    out.fn += one.fn;
    out.tn += one.tn;
  }
  return out;
}

}  // namespace fovea
