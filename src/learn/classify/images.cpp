#include "learn/classify/images.hpp"

#include <mutex>
#include <optional>
#include <unordered_map>

namespace fovea {

struct PreparedImages::Cache {
  std::mutex guard;
  std::unordered_map<std::size_t, Volume> kept;
  std::uint64_t budget = 0;
};

PreparedImages::PreparedImages(Dataset set, Prepare prepare, std::uint64_t budget_bytes)
    : set_(std::move(set)), prepare_(prepare), cache_(std::make_unique<Cache>()) {
  cache_->budget = budget_bytes;
}

PreparedImages::~PreparedImages() = default;

Volume PreparedImages::operator()(std::size_t index) const {
  {
    std::scoped_lock const lock{cache_->guard};
    if (auto const found = cache_->kept.find(index); found != cache_->kept.end())
      return found->second;
  }
  auto image = prepare_(set_.image(set_.cases[index]));
  std::scoped_lock const lock{cache_->guard};
  if (image.byte_count() <= cache_->budget && cache_->kept.try_emplace(index, image).second)
    cache_->budget -= image.byte_count();
  return image;
}

}  // namespace fovea
