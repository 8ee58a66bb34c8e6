#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/refusal.hpp"
#include "base/geometry/components.hpp"
#include "base/geometry/marked.hpp"
#include "learn/data/mask_quality.hpp"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace fovea {
namespace {

constexpr std::int64_t look_tiny = 10;    // voxels
constexpr std::int64_t look_share = 100;  // of the label's voxels, one in so many

bool look_covers(MaskLabel const& label, std::int64_t value) {
  return value <= 65535 &&
         std::ranges::binary_search(label.values, static_cast<std::int32_t>(value));
}

void look_at_labels(Dataset const& set, LabelMap const& map, MaskFacts& facts) {
  auto const marked = marked_of(map.voxels, 1);
  auto const room = voxel_mm3(map.voxels.grid());
  auto const parts = component_list(map.voxels, {.threads = 1});
  for (auto const& label : set.labels) {
    std::int64_t voxels = 0;
    for (auto const& one : marked) voxels += look_covers(label, one.value) ? one.voxels : 0;
    std::int64_t tiny = 0;
    for (auto const& part : parts) {
      if (look_covers(label, part.value) && part.voxels < look_tiny &&
          part.voxels * look_share < voxels)
        ++tiny;
    }
    facts.voxels.push_back(voxels);
    facts.volumes.push_back(static_cast<double>(voxels) * room);
    facts.tiny.push_back(tiny);
  }
}

// How bright the inside is, in the image's own scale.
std::optional<double> look_inside(Dataset const& set,
                                  Volume const& image,
                                  Volume const& labels) {
  double sum = 0;
  double squares = 0;
  double inside = 0;
  std::int64_t count = 0;
  std::int64_t voxels = 0;
  with_type(image.type(), [&](auto kind) {
    using T = decltype(kind);
    auto const values = image.channel<T>(0);
    with_type(labels.type(), [&](auto label_kind) {
      using L = decltype(label_kind);
      auto const marks = labels.channel<L>(0);
      for (std::size_t at = 0; at < values.size(); ++at) {
        auto const value = static_cast<double>(values[at]);
        if (!std::isfinite(value)) continue;
        sum += value;
        squares += value * value;
        ++count;
        if (marks[at] == L{0} || (set.ignore && static_cast<double>(marks[at]) == *set.ignore))
          continue;
        inside += value;
        ++voxels;
      }
    });
  });
  if (count == 0 || voxels == 0) return std::nullopt;
  auto const n = static_cast<double>(count);
  auto const mean = sum / n;
  auto const deviation = std::sqrt(std::max(0.0, squares / n - mean * mean));
  if (!(deviation > 0)) return std::nullopt;
  return (inside / static_cast<double>(voxels) - mean) / deviation;
}

std::string look_hash(Volume const& labels) {
  return sha256(std::span<std::byte const>{labels.bytes().get(), labels.byte_count()});
}

void look_at_mask(Dataset const& set, Case const& one, Volume const& image, MaskFacts& facts) {
  facts.size = image.grid().size;
  facts.spacing = image.grid().spacing().mm;
  facts.unit = image.unit();
  if (one.mask.file.empty()) {
    facts.kind = "mask-unreadable";
    facts.fault = text("case ", one.id, " has no mask");
    return;
  }
  try {
    std::vector<std::string> heard;
    auto const map = set.mask(one, image.grid(), &heard);
    facts.white = !heard.empty();
    facts.hash = look_hash(map.voxels);
    look_at_labels(set, map, facts);
    facts.edges = edge_contrast(image, map.voxels, set.ignore);
    facts.inside = look_inside(set, image, map.voxels);
    set.field_of_view(one, image.grid());
    set.second_mask(one, image.grid());
  } catch (Refusal const& refusal) {
    facts.kind = refusal.code() == "unreadable"   ? "mask-unreadable"
                 : refusal.code() == "not-finite" ? "mask-not-finite"
                                                  : std::string{refusal.code()};
    facts.fault = refusal.what();
  }
}

}  // namespace

MaskReport mask_quality(Dataset const& set,
                        int threads,
                        std::function<void(std::size_t done)> const& seen) {
  MaskReport report;
  report.images.resize(set.cases.size());
  report.masks.resize(set.cases.size());
  std::size_t done = 0;
  std::mutex guard;
  in_parallel(static_cast<std::int64_t>(set.cases.size()), threads, [&](std::int64_t i) {
    auto const at = static_cast<std::size_t>(i);
    auto const& one = set.cases[at];
    try {
      auto const image = set.image(one);
      report.images[at] = facts_of(image, image.depth() == 1);
      look_at_mask(set, one, image, report.masks[at]);
    } catch (Error const& error) {
      if (error.fault() == Fault::bug) throw;
      // An image that was read leaves its mask at fault: too large to be looked at, say.
      (report.images[at].readable ? report.masks[at].fault : report.images[at].fault) =
          error.what();
      if (report.images[at].readable) report.masks[at].kind = "mask-unreadable";
    }
    std::scoped_lock const lock{guard};
    ++done;
    if (seen) seen(done);
  });
  report.problems = mask_problems_of(set, report.images, report.masks);
  return report;
}

void note_presence(Dataset& set, std::vector<MaskFacts> const& masks) {
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    auto& labels = set.cases[i].labels;
    labels.clear();
    for (auto const voxels : masks.at(i).voxels) labels.push_back(voxels > 0 ? 1 : 0);
  }
}

}  // namespace fovea
