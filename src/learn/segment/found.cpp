#include "learn/segment/found.hpp"

#include "learn/patch/patch_cascade.hpp"

#include <algorithm>
#include <utility>

namespace fovea {

std::vector<std::uint16_t> found_values(SegmentContract const& contract) {
  auto const& values = contract.rule.values;
  return {values.begin() + (contract.rule.regions ? 0 : 1), values.end()};
}

WindowSource with_found(WindowSource image,
                        Volume const& labels,
                        std::vector<std::uint16_t> const& values) {
  if (shape_of(labels.grid()) != image.size)
    throw Error{Fault::bug, "a first stage's mask is of another size than the image",
                "please report it"};
  std::vector<std::int16_t> const wanted(values.begin(), values.end());
  auto out = image;
  out.channels += std::ssize(values);
  out.read = [image = std::move(image), labels, wanted](WindowBox const& box, float* into) {
    image.read(box, into);
    std::vector<std::int16_t> found;
    found.reserve(static_cast<std::size_t>(box.voxels()));
    with_type(labels.type(), [&](auto zero) {
      auto const all = labels.as<decltype(zero)>();
      for (std::int64_t k = 0; k < box.size[0]; ++k) {
        for (std::int64_t j = 0; j < box.size[1]; ++j) {
          auto const row =
              ((box.first[0] + k) * labels.height() + box.first[1] + j) * labels.width() +
              box.first[2];
          for (std::int64_t i = 0; i < box.size[2]; ++i)
            found.push_back(static_cast<std::int16_t>(all[static_cast<std::size_t>(row + i)]));
        }
      }
    });
    one_hot(found, wanted,
            {into + image.channels * box.voxels(),
             static_cast<std::size_t>(std::ssize(wanted) * box.voxels())});
  };
  return out;
}

SegmentInput segment_input(Model const& model,
                           SegmentContract const& contract,
                           Volume const& image,
                           SegmentAsk const& ask) {
  if (contract.found.empty() != (model.before == nullptr))
    throw Error{Fault::input,
                "the model goes on from a first stage's masks, and lacks that stage",
                "export it again from its run"};
  std::optional<Volume> found;
  if (model.before) {
    auto const first = segment_contract(model.before->about);
    found = segmented(*model.before, first, image,
                      {.memory = ask.memory,
                       .beside = ask.beside,
                       .way = ask.way,
                       .outside = ask.outside,
                       .progress = ask.progress,
                       .stop = ask.stop})
                .labels;
  }
  auto prepared = prepare(image, found ? &*found : nullptr, contract.recipe, contract.config());
  auto source = source_of(prepared.image);
  if (found) source = with_found(std::move(source), prepared.labels, contract.found);
  return {std::move(prepared), std::move(source)};
}

}  // namespace fovea
