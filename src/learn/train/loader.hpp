#pragma once

#include "learn/train/learner.hpp"

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace fovea {

/// Makes batches ahead of the steps that use them. Threads take the places of the coming
/// batches in order and call Learner::sample for each; the thread that fills the last place
/// collates. A few batches wait at most, so memory is bounded. Which thread makes which sample
/// changes nothing: samples follow from their slot alone.
///
/// In the threads LibTorch's operations run without a gradient tape and on that thread alone.
/// With 0 threads, and for learners that act, samples are made in order where next() is called.
class Loader {
 public:
  Loader(Learner& learner,
         std::uint64_t seed,
         std::int64_t batch_size,
         std::int64_t first_step,
         int threads);
  ~Loader();
  Loader(Loader const&) = delete;
  Loader& operator=(Loader const&) = delete;

  /// The batch of the next step. Throws what sample() or collate() threw for it: of several
  /// faults the one of the lowest place.
  Batch next();
  /// Batches from this step on are not made.
  void end_at(std::int64_t step);

 private:
  struct Pending {
    std::int64_t step = 0;
    std::vector<Batch> samples;
    std::int64_t taken = 0, done = 0;
    std::exception_ptr fault;
    std::int64_t fault_place = 0;
    Batch batch;
    bool ready = false;
  };
  void work();
  std::shared_ptr<Pending> open_batch();
  void fill(Pending& batch, std::int64_t place);
  void finish(Pending& batch);
  Batch made_here();

  Learner& learner_;
  std::uint64_t seed_;
  std::int64_t batch_size_;
  std::int64_t next_step_;  ///< that next() gives
  std::int64_t end_;
  std::size_t depth_;
  std::mutex guard_;
  std::condition_variable room_, ready_;
  bool stop_ = false;
  std::deque<std::shared_ptr<Pending>> queue_;
  std::vector<std::jthread> threads_;
};

}  // namespace fovea
