#include "learn/segment/bundle.hpp"

#include "base/core/words.hpp"
#include "learn/adopt/monai_network.hpp"
#include "learn/foreign/bundle_run.hpp"
#include "learn/foreign/checkpoint.hpp"
#include "learn/nn/torchscript.hpp"
#include "learn/segment/bundle_windows.hpp"

#include <set>

namespace fovea {
namespace {

[[noreturn]] void bundle_refuse(fs::path const& folder, std::string const& happened) {
  throw Error{Fault::input, text("the bundle ", folder, " ", happened), "run it with MONAI"};
}

// The archive must be what a careful writer makes before LibTorch sees it: a zip without
// tricks, a data pickle with known names alone, tensors within their storages.
std::function<at::Tensor(at::Tensor const&)> bundle_script(fs::path const& file) {
  TorchCheckpoint const archive{file};
  if (!archive.is_script())
    throw Error{Fault::input, text("expected TorchScript in ", file, ", got a checkpoint"),
                "save it with torch.jit.save"};
  return ForeignModule{file};
}

void bundle_network(Bundle const& bundle, bool trust, BundleModel& model) {
  auto const& plan = model.plan;
  std::string undrawn;
  if (plan.script.empty() && is_monai_network(plan.network)) {
    try {
      monai_graph(plan);
    } catch (Error const& fault) {
      undrawn = fault.what();
    }
    if (undrawn.empty()) {
      auto network = monai_network(bundle, plan);
      model.steps = size_steps(network.graph());
      model.network = [network = std::move(network)](at::Tensor const& in) {
        return network(in);
      };
      return;
    }
  } else if (plan.script.empty()) {
    undrawn = text("the network ", printable(plan.network.substr(0, 100)), " is not drawn");
  }
  auto const file = plan.script.empty() ? bundle.folder / "models" / "model.ts"
                                        : *bundle.config.inside(plan.script);
  std::error_code fault;
  if (!fs::is_regular_file(file, fault)) {
    if (undrawn.empty()) bundle_refuse(bundle.folder, text("lacks ", file));
    bundle_refuse(bundle.folder,
                  text("cannot run: ", undrawn, ", and there is no models/model.ts"));
  }
  if (!trust)
    throw Error{Fault::usage,
                text(undrawn.empty() ? "the bundle's network" : undrawn + ", but", " lies in ",
                     file.lexically_normal(),
                     " as TorchScript, and running that runs the code of whoever made it"),
                "add --trust if you trust them"};
  model.network = bundle_script(file);
}

// Dimensions that windows have: the inferer's, or those of the metadata.
int bundle_dimensions(BundleModel const& model) {
  if (model.plan.inferer.kind == BundleInferer::Kind::slices) return 2;
  auto const at = model.plan.network_options.find("spatial_dims");
  if (at != model.plan.network_options.end()) {
    auto const* number = at->second.as<std::int64_t>();
    if (number != nullptr && (*number == 2 || *number == 3)) return static_cast<int>(*number);
  }
  return model.facts.dimensions;
}

void bundle_expect(BundleModel const& model, Volume const& image) {
  auto const wanted = std::ssize(model.facts.channels);
  if (image.channels() != wanted)
    throw Error{
        Fault::input,
        text("expected an image of ", wanted, wanted == 1 ? " channel (" : " channels (",
             joined(model.facts.channels, ", "), "), got ", image.channels()),
        "give the channels that the bundle wants, in its order"};
  auto const slices = model.plan.inferer.kind == BundleInferer::Kind::slices;
  if (model.dimensions == 2 && !slices && image.depth() > 1)
    throw Error{Fault::input,
                text("expected a picture of one slice, got ", image.depth(), " slices"),
                "use a bundle for volumes"};
}

// A value without a name would be in no table and in no object.
void bundle_expect_named(BundleModel const& model, Volume const& labels) {
  std::set<std::int64_t> named{0};
  for (auto const& label : model.labels) named.insert(label.value);
  with_type(labels.type(), [&](auto kind) {
    auto last = decltype(kind){};
    for (auto const value : labels.as<decltype(kind)>()) {
      if (value == last) continue;
      last = value;
      if (!named.contains(static_cast<std::int64_t>(value)))
        throw Error{Fault::input,
                    text("the bundle's result holds the value ", +value,
                         ", and nothing in its config or metadata names it"),
                    "correct the bundle's config, or run it with MONAI"};
    }
  });
}

}  // namespace

bool is_bundle(fs::path const& folder) {
  std::error_code fault;
  for (auto const* name : {"inference.json", "inference.yaml", "inference.yml"}) {
    if (fs::exists(folder / "configs" / name, fault)) return true;
  }
  return false;
}

BundleModel bundle_model(fs::path const& folder, bool trust) {
  auto const bundle = read_bundle(folder);
  BundleModel model;
  model.facts = bundle_facts(bundle);
  model.plan = plan_of(bundle.config);
  if (!model.plan.missing.empty())
    bundle_refuse(
        folder, text("asks for what Fovea does not have: ", joined(model.plan.missing, "; ")));
  if (!model.facts.labels_voxels)
    bundle_refuse(folder, "answers for whole images; here bundles that label voxels run");
  model.labels = bundle_label_names(model.plan, model.facts);
  model.dimensions = bundle_dimensions(model);
  bundle_network(bundle, trust, model);
  return model;
}

Volume bundle_masks(BundleModel const& model, Volume const& image, SegmentAsk const& ask) {
  bundle_expect(model, image);
  auto const seen = bundle_before(model.plan, image);
  auto const outputs = bundle_outputs(model, seen.image, image.grid(), ask);
  auto const result = bundle_after(model.plan, outputs, seen.moves, image.grid());
  auto const labels = bundle_label_map(model.plan, result);
  bundle_expect_named(model, labels);
  return {image.grid(), labels.type(), labels.unit(), labels.channels(), labels.bytes()};
}

}  // namespace fovea
