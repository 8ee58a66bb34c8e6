#include "learn/segment/bundle_windows.hpp"

#include "base/core/memory.hpp"
#include "base/core/words.hpp"
#include "learn/tensor/tensor.hpp"
#include "learn/window/places.hpp"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/pad.h>
#include <ATen/ops/zeros.h>
#include <c10/core/GradMode.h>

#include <algorithm>

namespace fovea {
namespace {

using BundleSides = std::array<std::int64_t, 3>;  // i, j, k: MONAI's order

at::Tensor bundle_box(at::Tensor const& of, BundleSides const& first, BundleSides const& size) {
  auto out = of;
  for (std::int64_t axis = 0; axis < 3; ++axis)
    out = out.narrow(of.dim() - 3 + axis, first[axis], size[axis]);
  return out;
}

// One image on its way through the network.
class BundleWindows {
 public:
  BundleWindows(BundleModel const& model,
                Volume const& image,
                Grid const& back,
                SegmentAsk const& ask)
      : model_(model), ask_(ask), back_(back), image_(image), size_(image.grid().size) {}

  Volume run() {
    c10::NoGradGuard const no_tape;
    lay();
    demand_memory(std::ssize(model_.facts.outputs));
    auto const whole = padded();
    auto const weights = weights_of_window();
    auto const total = at::zeros({padded_[0], padded_[1], padded_[2]});
    at::Tensor sums;
    auto const all =
        static_cast<double>(starts_[0].size() * starts_[1].size() * starts_[2].size());
    double done = 0;
    for (auto const i : starts_[0]) {
      for (auto const j : starts_[1]) {
        for (auto const k : starts_[2]) {
          if (ask_.stop != nullptr) heed(*ask_.stop);
          BundleSides const first{i, j, k};
          auto const out = output(bundle_box(whole, first, window_));
          if (!sums.defined()) {
            expect_outputs(out.size(0));
            sums = at::zeros({out.size(0), padded_[0], padded_[1], padded_[2]});
          }
          bundle_box(sums, first, window_).add_(out * weights);
          bundle_box(total, first, window_).add_(weights);
          if (ask_.progress) ask_.progress(++done, all);
        }
      }
    }
    sums.div_(total);
    auto const inside = bundle_box(sums, before_, size_);
    return volume_of(inside.permute({0, 3, 2, 1}), image_.grid(), Unit::arbitrary);
  }

 private:
  // Where windows begin, and how much is added around a smaller image.
  void lay() {
    auto const& inferer = model_.plan.inferer;
    window_ = size_;
    if (inferer.kind != BundleInferer::Kind::simple) {
      std::size_t at = 0;
      for (std::size_t axis = 0; axis < window_.size(); ++axis) {
        auto const flat = inferer.kind == BundleInferer::Kind::slices
                              ? axis == static_cast<std::size_t>(inferer.axis)
                              : axis >= static_cast<std::size_t>(model_.dimensions);
        if (flat)
          window_[axis] = 1;
        else if (inferer.window.size() == 1)
          window_[axis] = inferer.window[0];
        else if (at < inferer.window.size())
          window_[axis] = inferer.window[at++];
        else
          throw Error{Fault::input,
                      text("the bundle's roi_size has ", inferer.window.size(),
                           " numbers for windows of ", model_.dimensions, " dimensions"),
                      "correct the bundle's config"};
      }
    }
    for (std::size_t axis = 0; axis < window_.size(); ++axis) {
      padded_[axis] = std::max(size_[axis], window_[axis]);
      before_[axis] = (padded_[axis] - size_[axis]) / 2;
      starts_[axis] =
          window_starts(padded_[axis], window_[axis], 1 - inferer.overlap, WindowPlaces::fixed);
    }
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < window_.size() && at < model_.steps.size(); ++axis) {
      if (is_flat(axis)) continue;
      auto const step = model_.steps[at++];
      if (window_[axis] % step == 0) continue;
      throw Error{Fault::input,
                  text("the bundle's network takes sides that are multiples of ",
                       joined_numbers(model_.steps), ", and would see ",
                       joined_numbers({window_.begin(), window_.end()})),
                  "give images of such a size, or a bundle that pads or goes by windows"};
    }
  }

  static std::string joined_numbers(std::vector<std::int64_t> const& numbers) {
    std::vector<std::string> words;
    for (auto const one : numbers) words.push_back(text(one));
    return joined(words, " x ");
  }

  // Whether a window has no such axis for the network.
  bool is_flat(std::size_t axis) const {
    if (model_.dimensions == 3) return false;
    return model_.plan.inferer.kind == BundleInferer::Kind::slices
               ? axis == static_cast<std::size_t>(model_.plan.inferer.axis)
               : axis == 2;
  }

  // [channels, i, j, k] with what a smaller image lacks around it.
  at::Tensor padded() const {
    auto const whole = tensor_of(image_).permute({0, 3, 2, 1});
    if (padded_ == size_) return whole;
    // The last axis first, as PyTorch's pad has it.
    std::vector<std::int64_t> more;
    for (std::size_t axis = window_.size(); axis-- > 0;) {
      more.push_back(before_[axis]);
      more.push_back(padded_[axis] - size_[axis] - before_[axis]);
    }
    auto const& mode = model_.plan.inferer.padding;
    if (mode == "constant") return at::constant_pad_nd(whole, more, 0);
    if (mode != "replicate" && mode != "reflect" && mode != "circular")
      throw Error{Fault::input, text("the bundle's inferer pads by ", printable(mode)),
                  "run it with MONAI"};
    try {
      return at::pad(whole.unsqueeze(0), more, mode).squeeze(0);
    } catch (std::exception const& fault) {
      throw Error{Fault::input,
                  text("the image is too small to be padded by ", mode,
                       " to the window: ", split(fault.what(), '\n').front()),
                  "give a larger image"};
    }
  }

  at::Tensor weights_of_window() const {
    auto const blend = model_.plan.inferer.gaussian ? WindowBlend::floored : WindowBlend::flat;
    auto out = at::ones({window_[0], window_[1], window_[2]});
    if (blend == WindowBlend::flat) return out;
    for (std::size_t axis = 0; axis < window_.size(); ++axis) {
      auto along = window_weights(window_[axis], blend);
      std::vector<std::int64_t> shape(3, 1);
      shape[axis] = window_[axis];
      out.mul_(at::from_blob(along.data(), shape, at::kFloat));
    }
    constexpr double least = 1e-3;
    return out.clamp_min_(least);
  }

  at::Tensor output(at::Tensor const& window) {
    auto const flat = std::find_if(std::begin(axes_), std::end(axes_),
                                   [&](std::size_t axis) { return is_flat(axis); });
    auto input = window.unsqueeze(0);
    auto const has_flat = flat != std::end(axes_);
    auto const where = has_flat ? static_cast<std::int64_t>(*flat) + 2 : 0;
    if (has_flat) input = input.squeeze(where);
    at::Tensor out;
    try {
      out = model_.network(input.contiguous()).to(at::kFloat);
    } catch (Error const&) {
      throw;
    } catch (std::exception const& fault) {
      throw Error{
          Fault::input,
          text("the bundle's network failed on a window of ",
               joined_numbers(window.sizes().vec()), ": ", split(fault.what(), '\n').front()),
          "check the bundle with MONAI"};
    }
    if (has_flat && out.dim() == 4) out = out.unsqueeze(where);
    auto const fits = out.dim() == 5 && out.size(0) == 1 && out.size(2) == window_[0] &&
                      out.size(3) == window_[1] && out.size(4) == window_[2];
    if (!fits)
      throw Error{Fault::input,
                  text("expected an output for each voxel of a window, [outputs, ",
                       joined_numbers({window_.begin(), window_.end()}), "], got ",
                       joined_numbers(out.sizes().vec())),
                  "run the bundle with MONAI"};
    return out.squeeze(0);
  }

  // Names of labels are those that the metadata gives to outputs.
  void expect_outputs(std::int64_t outputs) const {
    auto const said = std::ssize(model_.facts.outputs);
    if (outputs == said) return;
    throw Error{Fault::input,
                text("expected ", said,
                     " outputs of the bundle's network, as configs/metadata.json says "
                     "(num_channels), got ",
                     outputs),
                "correct the bundle's metadata"};
  }

  // The image padded, a window with its weights, sums and their copy on the network's grid,
  // what the steps behind it hold on either.
  void demand_memory(std::int64_t outputs) const {
    auto const voxels = [](BundleSides const& size) {
      return static_cast<double>(size[0]) * static_cast<double>(size[1]) *
             static_cast<double>(size[2]);
    };
    constexpr double bytes = 4;
    auto const many = static_cast<double>(outputs) * bytes;
    auto const inputs = static_cast<double>(image_.channels()) * bytes;
    auto const network =
        2 * many * voxels(padded_) + (inputs + bytes) * (voxels(padded_) + voxels(window_));
    auto const behind = many * (2 * voxels(size_) + 2 * voxels(back_.size));
    auto const need = std::max(network, behind);
    auto const most = ask_.memory > 0 ? static_cast<double>(ask_.memory)
                                      : static_cast<double>(available_memory());
    if (need <= most) return;
    throw Error{Fault::resource,
                text("the bundle's ", outputs, " outputs for this image need ",
                     bytes_in_words(need), ", and ", bytes_in_words(most), " are there"),
                ask_.memory > 0 ? "give more --memory" : "use a larger machine"};
  }

  static constexpr std::size_t axes_[] = {0, 1, 2};
  BundleModel const& model_;
  SegmentAsk const& ask_;
  Grid back_;
  Volume image_;
  BundleSides size_, window_{}, padded_{}, before_{};
  std::array<std::vector<std::int64_t>, 3> starts_;
};

}  // namespace

Volume bundle_outputs(BundleModel const& model,
                      Volume const& image,
                      Grid const& back,
                      SegmentAsk const& ask) {
  return BundleWindows{model, image, back, ask}.run();
}

}  // namespace fovea
