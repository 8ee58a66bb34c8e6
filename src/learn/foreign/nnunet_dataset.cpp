#include "base/core/error.hpp"
#include "learn/foreign/nnunet.hpp"

#include <algorithm>

namespace fovea {

NnunetDataset nnunet_dataset(Json const& json, std::string_view what) {
  NnunetDataset out{read_dataset_file(json, what)};
  auto const refuse = [&](std::string_view expected) {
    throw Error{Fault::input, text(what, ": expected ", expected),
                "it should be the file that nnU-Net v2 left in the folder of the model"};
  };
  if (out.channels.empty()) refuse("channels, as \"channel_names\" or \"modality\", got none");
  if (out.regions) return out;
  // The network's output n + 1 is the label of value n + 1.
  std::ranges::stable_sort(out.labels, {}, &DatasetFileLabel::written);
  for (std::size_t i = 0; i < out.labels.size(); ++i) {
    if (static_cast<std::size_t>(out.labels[i].written) != i + 1)
      refuse("labels that count 1, 2, 3 … without a gap, got others");
  }
  return out;
}

}  // namespace fovea
