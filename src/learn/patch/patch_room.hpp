#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace fovea {

/// Memory that a thread keeps from sample to sample; it grows to what was asked for most.
template <class T>
class PatchRoom {
 public:
  /// Unspecified values.
  std::span<T> of(std::int64_t count) {
    auto const wanted = static_cast<std::size_t>(count);
    if (wanted > size_) {
      size_ = 0;  // if there is no memory, what is here is gone
      values_.reset();
      values_ = std::make_unique_for_overwrite<T[]>(wanted);
      size_ = wanted;
    }
    return {values_.get(), wanted};
  }

 private:
  std::unique_ptr<T[]> values_;
  std::size_t size_ = 0;
};

}  // namespace fovea
