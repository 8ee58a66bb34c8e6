#include "learn/train/loader.hpp"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>
#include <omp.h>

namespace fovea {

Loader::Loader(Learner& learner,
               std::uint64_t seed,
               std::int64_t batch_size,
               std::int64_t first_step,
               int threads)
    : learner_(learner),
      seed_(seed),
      batch_size_(batch_size),
      next_step_(first_step),
      end_(std::numeric_limits<std::int64_t>::max()),
      // One batch that waits, one being made, and enough places for all threads.
      depth_(2 + static_cast<std::size_t>(std::max(0, threads - 1) /
                                          std::max<std::int64_t>(1, batch_size))) {
  if (learner.acts()) return;
  for (int t = 0; t < threads; ++t) threads_.emplace_back([this] { work(); });
}

Loader::~Loader() {
  {
    std::scoped_lock const lock{guard_};
    stop_ = true;
  }
  room_.notify_all();
  threads_.clear();  // joins
}

void Loader::end_at(std::int64_t step) {
  {
    std::scoped_lock const lock{guard_};
    if (end_ == step) return;
    end_ = step;
  }
  room_.notify_all();
}

Batch Loader::made_here() {
  at::NoGradGuard const no_tape;
  std::vector<Batch> samples;
  for (std::int64_t i = 0; i < batch_size_; ++i)
    samples.push_back(learner_.sample({seed_, next_step_, i}));
  ++next_step_;
  return learner_.collate(std::move(samples));
}

Batch Loader::next() {
  if (threads_.empty()) return made_here();
  std::shared_ptr<Pending> first;
  {
    std::unique_lock lock{guard_};
    ready_.wait(lock, [&] { return !queue_.empty() && queue_.front()->ready; });
    first = queue_.front();
    queue_.pop_front();
    ++next_step_;
  }
  room_.notify_all();
  if (first->fault) std::rethrow_exception(first->fault);
  return std::move(first->batch);
}

// With the lock held: the first batch that has a free place, a new one if there is room, or
// none.
std::shared_ptr<Loader::Pending> Loader::open_batch() {
  for (auto const& batch : queue_)
    if (batch->taken < batch_size_) return batch;
  auto const step = next_step_ + static_cast<std::int64_t>(queue_.size());
  if (queue_.size() >= depth_ || step >= end_) return nullptr;
  auto batch = std::make_shared<Pending>();
  batch->step = step;
  batch->samples.resize(static_cast<std::size_t>(batch_size_));
  queue_.push_back(batch);
  return batch;
}

void Loader::fill(Pending& batch, std::int64_t place) {
  std::exception_ptr fault;
  try {
    batch.samples[static_cast<std::size_t>(place)] =
        learner_.sample({seed_, batch.step, place});
  } catch (...) {
    fault = std::current_exception();
  }
  bool last = false;
  {
    std::scoped_lock const lock{guard_};
    if (fault && (!batch.fault || place < batch.fault_place)) {
      batch.fault = fault;
      batch.fault_place = place;
    }
    last = ++batch.done == batch_size_;
  }
  if (last) finish(batch);
}

void Loader::finish(Pending& batch) {
  if (!batch.fault) {
    try {
      batch.batch = learner_.collate(std::move(batch.samples));
    } catch (...) {
      batch.fault = std::current_exception();
    }
  }
  {
    std::scoped_lock const lock{guard_};
    batch.ready = true;
  }
  ready_.notify_all();
}

void Loader::work() {
  // LibTorch sets a thread's number of OpenMP threads when it first asks, from a number that is
  // the whole process's: at::set_num_threads(1) here would slow the steps down. So let it ask,
  // then change this thread's own number.
  // (Both asks are needed: this program and LibTorch's library each have their own "asked"
  // flag.)
  at::internal::lazy_init_num_threads();
  at::get_num_threads();
  omp_set_num_threads(1);
  at::NoGradGuard const no_tape;
  while (true) {
    std::shared_ptr<Pending> batch;
    std::int64_t place = 0;
    {
      std::unique_lock lock{guard_};
      room_.wait(lock, [&] { return stop_ || (batch = open_batch()) != nullptr; });
      if (stop_) return;
      place = batch->taken++;
    }
    fill(*batch, place);
  }
}

}  // namespace fovea
