// One look at each image: what problems are found from.
#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "learn/data/quality.hpp"
#include "learn/data/shrink.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

namespace fovea {
namespace {

void quality_numbers(Volume const& image, ImageFacts& facts) {
  with_type(image.type(), [&](auto kind) {
    double sum = 0;
    double squares = 0;
    std::size_t count = 0;
    facts.low = std::numeric_limits<double>::infinity();
    facts.high = -facts.low;
    for (auto const voxel : image.as<decltype(kind)>()) {
      auto const value = static_cast<double>(voxel);
      if (!std::isfinite(value)) continue;
      facts.low = std::min(facts.low, value);
      facts.high = std::max(facts.high, value);
      sum += value;
      squares += value * value;
      ++count;
    }
    facts.finite = count == image.as<decltype(kind)>().size();
    if (count == 0) facts.low = facts.high = 0;
    auto const n = static_cast<double>(std::max<std::size_t>(count, 1));
    facts.mean = sum / n;
    facts.deviation = std::sqrt(std::max(0.0, squares / n - facts.mean * facts.mean));
  });
}

// A grey picture that was saved in colour is the same picture: its one plane is hashed.
std::string quality_hash(Volume const& image, bool grey) {
  auto const channels = grey ? 1 : image.channels();
  Sha256 hash;
  hash.add(text(image.width(), "x", image.height(), "x", channels, " ", name_of(image.type()),
                image.depth() > 1 ? text(" ", image.depth()) : "", "\n"));
  std::span<std::byte const> const bytes{image.bytes().get(), image.byte_count()};
  hash.add(bytes.first(bytes.size() / static_cast<std::size_t>(image.channels() / channels)));
  return hash.hex();
}

ImageFacts quality_look(Dataset const& set, Case const& one) {
  ImageFacts facts;
  try {
    facts = facts_of(set.image(one));
  } catch (Error const& error) {
    if (error.fault() == Fault::bug) throw;
    facts.fault = error.what();
  }
  return facts;
}

// Where no row of an array can be read the array is damaged: one fault of the file, not one of
// each of its images.
void quality_expect_members(Dataset const& set, std::vector<ImageFacts> const& facts) {
  struct Member {
    bool readable = false;
    std::size_t first;
  };
  std::map<std::pair<fs::path, std::string>, Member> members;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    auto const& at = set.cases[i].image;
    if (at.row < 0) continue;
    auto& member = members.try_emplace({at.file, at.member}, Member{.first = i}).first->second;
    member.readable = member.readable || facts[i].readable;
  }
  for (auto const& [where, member] : members) {
    if (!member.readable)
      throw Error{Fault::input,
                  text("no image of an array can be read: ", facts[member.first].fault),
                  "the file may be damaged: fetch or write it again"};
  }
}

}  // namespace

ImageFacts facts_of(Volume const& image, bool looked_at) {
  ImageFacts facts;
  facts.readable = true;
  facts.width = image.width();
  facts.height = image.height();
  facts.channels = image.channels();
  facts.type = image.type();
  quality_numbers(image, facts);
  facts.grey = is_grey(image);
  facts.hash = quality_hash(image, facts.grey);
  if (looked_at) facts.looks = looks_of(shrunken_grey(image, 32, 32));
  return facts;
}

std::vector<ImageFacts> look_at(Dataset const& set,
                                int threads,
                                std::function<void(std::size_t done)> const& seen) {
  std::vector<ImageFacts> facts(set.cases.size());
  std::size_t done = 0;
  std::mutex guard;
  in_parallel(static_cast<std::int64_t>(facts.size()), threads, [&](std::int64_t i) {
    auto const at = static_cast<std::size_t>(i);
    facts[at] = quality_look(set, set.cases[at]);
    std::scoped_lock const lock{guard};
    ++done;
    if (seen) seen(done);
  });
  quality_expect_members(set, facts);
  return facts;
}

}  // namespace fovea
