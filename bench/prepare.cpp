// Row "segment-prepare": reads a data set with masks, looks at it, plans, and prepares all
// cases that training reads. prepare DIR CACHE
#include "base/core/pool.hpp"
#include "bench/row.hpp"
#include "learn/segment/segment.hpp"
#include "learn/task/job.hpp"
#include "learn/tensor/tensor.hpp"

#include <array>

namespace fovea {
namespace {

int prepare_row(std::vector<std::string> const& words) {
  if (words.size() != 2) throw Error{Fault::usage, "expected DIR CACHE", "name both"};
  use_threads(usable_cores());
  std::array const tasks{segment_task()};
  auto const work = prepare_work(tasks,
                                 {{"data", words[0], "asked for"},
                                  {"cache", words[1], "asked for"},
                                  {"epochs", "1", "asked for"}},
                                 {});
  work.task->learner(work.plan, work.set, Stop{});
  return 0;
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) {
  return fovea::run_row(argc, argv, fovea::prepare_row);
}
