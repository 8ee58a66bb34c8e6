#include "learn/adopt/nnunet_predict.hpp"

#include "base/core/error.hpp"

namespace fovea {

WayBack way_back_of(Placement const& placement, RecipeConfig const& config) {
  WayBack out{.prepared = placement.shape,
              .cut = placement.cropped,
              .first = placement.first,
              .grid = placement.grid};
  for (std::size_t n = 0; n < out.axes.size(); ++n)
    out.axes[n] = static_cast<int>(placement.forward[n]);
  auto const axes = back_axes(placement, config);
  if (axes.z && axes.order[*axes.z] == 0) out.nearest = static_cast<int>(*axes.z);
  return out;
}

Volume nnunet_predict(NnunetModel const& model,
                      std::span<Network const> networks,
                      Volume const& image,
                      NnunetPredict const& options) {
  auto const& config = model.recipe.config(model.config);
  if (!config.previous.empty())
    throw Error{Fault::input,
                text(model.config, " goes on from what ", config.previous,
                     " found, and that is not at hand"),
                "pass the model of another configuration"};
  auto const prepared = prepare(image, nullptr, model.recipe, config, options.threads);
  Windows windows{.step = options.step, .memory = options.memory, .stop = options.stop};
  // Networks of two dimensions go along k slice by slice.
  auto const first = windows.size.size() - config.patch.size();
  windows.size.fill(1);
  for (std::size_t axis = 0; axis < config.patch.size(); ++axis)
    windows.size[first + axis] = config.patch[axis];
  for (auto const axis : model.mirror_axes) {
    if (options.flips) windows.flips.push_back(static_cast<int>(first + axis));
  }
  windows.labels.regions = model.dataset.regions;
  if (model.dataset.regions) {
    for (auto const& label : model.dataset.labels)
      windows.labels.values.push_back(static_cast<std::uint16_t>(label.written));
  }
  return predict_by_windows(networks, source_of(prepared.image),
                            way_back_of(prepared.placement, config), windows)
      .labels;
}

}  // namespace fovea
