#include "learn/classify/order.hpp"

#include "base/core/rng.hpp"

#include <algorithm>
#include <span>

namespace fovea {

SampleOrder::SampleOrder(std::vector<std::size_t> cases,
                         std::vector<std::int32_t> const& kinds,
                         std::uint64_t seed)
    : cases_(std::move(cases)), seed_(seed) {
  std::map<std::int32_t, std::vector<std::size_t>> by_kind;
  for (std::size_t i = 0; i < kinds.size(); ++i) by_kind[kinds[i]].push_back(cases_[i]);
  for (auto& [kind, of_kind] : by_kind) by_kind_.push_back(std::move(of_kind));
}

std::size_t SampleOrder::operator()(std::int64_t place) const {
  auto const epoch = place / epoch_length();
  std::scoped_lock const lock{guard_};
  auto const [found, fresh] = epochs_.try_emplace(epoch);
  if (fresh) {
    found->second = make(epoch);
    // Loaders work close to each other: the epoch farthest from this one is done with.
    constexpr std::size_t at_once = 4;
    if (epochs_.size() > at_once)
      epochs_.erase(epochs_.begin()->first == epoch ? std::prev(epochs_.end())
                                                    : epochs_.begin());
  }
  return epochs_.at(epoch)[static_cast<std::size_t>(place % epoch_length())];
}

std::vector<std::size_t> SampleOrder::make(std::int64_t epoch) const {
  Rng rng{{seed_, 0x0de5, static_cast<std::uint64_t>(epoch)}};
  if (by_kind_.empty()) {
    auto order = cases_;
    rng.shuffle(std::span{order});
    return order;
  }
  // Each class is an endless row of its own shuffled decks, so that all its cases come equally
  // often in the long run.
  std::vector<std::size_t> order;
  auto const kinds = by_kind_.size();
  auto const share = (cases_.size() + kinds - 1) / kinds;
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    auto const& deck = by_kind_[kind];
    auto const first = static_cast<std::uint64_t>(epoch) * share;
    std::vector<std::size_t> shuffled;
    auto current = ~std::uint64_t{0};
    for (auto place = first; place < first + share; ++place) {
      if (place / deck.size() != current) {
        current = place / deck.size();
        shuffled = deck;
        Rng deal{{seed_, 0xdec4, kind, current}};
        deal.shuffle(std::span{shuffled});
      }
      order.push_back(shuffled[place % deck.size()]);
    }
  }
  rng.shuffle(std::span{order});
  order.resize(cases_.size());
  return order;
}

}  // namespace fovea
