#include "learn/task/task.hpp"

#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {

std::vector<std::string> learnt_names(Dataset const& set) {
  if (!set.masks) return set.classes;
  std::vector<std::string> out;
  for (auto const& label : set.labels) out.push_back(label.name);
  return out;
}

Task const& task_named(std::span<Task const> tasks, std::string_view name) {
  std::vector<std::string> known;
  for (auto const& task : tasks) {
    if (task.name == name) return task;
    known.emplace_back(task.name);
  }
  throw Error{Fault::usage, text("no task '", name, "'"), did_you_mean(name, known)};
}

Task const& task_for(std::span<Task const> tasks, Dataset const& set) {
  auto const best =
      std::ranges::max_element(tasks, {}, [&](Task const& task) { return task.fits(set); });
  if (best != tasks.end() && best->fits(set) > 0) return *best;
  std::string known;
  for (auto const& task : tasks)
    known += text(known.empty() ? "" : "; ", task.name, ": ", task.does);
  throw Error{Fault::input, text("no task fits the data set in ", set.root),
              text("there are: ", known)};
}

}  // namespace fovea
