#include "learn/model/state.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/weights/container.hpp"

#include <ATen/ops/empty.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>

namespace fovea {
namespace {

constexpr std::size_t state_named_in_messages = 6;

std::vector<Named> state_of(Network const& network) {
  auto all = network.parameters();
  auto const buffers = network.buffers();
  all.insert(all.end(), buffers.begin(), buffers.end());
  return all;
}

std::string state_list(std::vector<std::string> const& names) {
  auto shown = names;
  if (shown.size() > state_named_in_messages) shown.resize(state_named_in_messages);
  auto words = joined(shown, ", ");
  if (names.size() > shown.size()) words += text(" and ", names.size() - shown.size(), " more");
  return words;
}

// A name of the file as the network would call it.
std::string state_name(std::string_view name) {
  constexpr std::string_view wrapper = "module.";
  while (name.starts_with(wrapper)) name.remove_prefix(wrapper.size());
  return std::string{name};
}

at::Tensor state_tensor(Blob const& blob, std::string_view file) {
  auto const tensor = at::empty(blob.shape, at::kFloat);
  std::span const values{tensor.mutable_data_ptr<float>(),
                         static_cast<std::size_t>(tensor.numel())};
  to_floats(blob, values);
  if (!std::ranges::all_of(values, [](float value) { return std::isfinite(value); }))
    throw Error{Fault::input,
                text("the weights ", blob.name.substr(0, 80), " in ", file, " are not finite"),
                "they come from a training that failed; use others"};
  return tensor;
}

// Who reads the image itself: only there do channels mean colours.
std::vector<std::string> state_first_layers(Graph const& graph) {
  std::vector<std::string> names;
  for (auto const& node : graph.nodes) {
    if (node.from == std::vector<std::size_t>{0}) names.push_back(node.name + ".weight");
  }
  return names;
}

bool state_colour_for_grey(Named const& mine,
                           Blob const& theirs,
                           std::vector<std::string> const& first_layers) {
  auto shape = theirs.shape;
  if (shape.size() < 4 || shape[1] != 3 ||
      mine.value.dim() != static_cast<std::int64_t>(shape.size()) || mine.value.size(1) != 1)
    return false;
  shape[1] = 1;
  return mine.value.sizes() == at::IntArrayRef{shape} &&
         std::ranges::find(first_layers, mine.name) != first_layers.end();
}

struct StateWrite {
  at::Tensor to, from;
};

}  // namespace

Bytes encode_weights(Network const& network) {
  std::vector<at::Tensor> held;
  std::vector<Blob> blobs;
  for (auto const& one : state_of(network)) {
    auto const& value =
        held.emplace_back(one.value.detach().to(at::kCPU, at::kFloat).contiguous());
    blobs.push_back({one.name,
                     Dtype::f32,
                     value.sizes().vec(),
                     {static_cast<std::byte const*>(value.const_data_ptr()), value.nbytes()}});
  }
  return encode_safetensors(blobs, {{"format", "pt"}});
}

std::string in_words(Matched const& matched) {
  auto const all = matched.loaded.size() + matched.missing.size() + matched.wrong_shape.size();
  auto words = text(matched.loaded.size(), " of ", all, " tensors loaded");
  if (!matched.adapted.empty())
    words += text("; summed over three colours: ", state_list(matched.adapted));
  if (!matched.wrong_shape.empty())
    words +=
        text("; kept, as the file's have another shape: ", state_list(matched.wrong_shape));
  if (!matched.missing.empty())
    words += text("; kept, as the file has none: ", state_list(matched.missing));
  if (!matched.unexpected.empty())
    words += text("; not used: ", state_list(matched.unexpected));
  return words;
}

Matched load_weights(Network& network, Safetensors const& weights, std::string_view name) {
  std::map<std::string, Blob const*> theirs;
  for (auto const& blob : weights.blobs) {
    auto const called = state_name(blob.name);
    if (called.ends_with("num_batches_tracked")) continue;
    if (!theirs.emplace(called, &blob).second)
      throw Error{
          Fault::input,
          text(name, " holds ", called.substr(0, 80), " twice, with and without 'module.'"),
          "keep one of them"};
  }
  auto const first_layers = state_first_layers(network.graph());
  Matched matched;
  std::vector<StateWrite> writes;
  for (auto const& mine : state_of(network)) {
    auto const found = theirs.find(mine.name);
    if (found == theirs.end()) {
      matched.missing.push_back(mine.name);
      continue;
    }
    auto const& blob = *found->second;
    if (mine.value.sizes() == at::IntArrayRef{blob.shape}) {
      writes.push_back({mine.value, state_tensor(blob, name)});
      matched.loaded.push_back(mine.name);
    } else if (state_colour_for_grey(mine, blob, first_layers)) {
      writes.push_back({mine.value, state_tensor(blob, name).sum(1, true)});
      matched.loaded.push_back(mine.name);
      matched.adapted.push_back(mine.name);
    } else {
      matched.wrong_shape.push_back(mine.name);
    }
    theirs.erase(found);
  }
  for (auto const& [left, blob] : theirs) matched.unexpected.push_back(left);
  if (matched.loaded.empty())
    throw Error{Fault::input,
                text("none of the ", weights.blobs.size(), " tensors in ", name,
                     " belongs to this network; ", in_words(matched)),
                "use weights of the same network, with torchvision's names"};
  // Only now, so that a file that is refused half way leaves no half-changed network.
  c10::NoGradGuard const quiet;
  for (auto const& write : writes) write.to.copy_(write.from);
  return matched;
}

Matched load_weights(Network& network, fs::path const& file) {
  std::ifstream in{file, std::ios::binary};
  char start[2] = {};
  in.read(start, 2);
  if (start[0] != 'P' || start[1] != 'K')
    return load_weights(network, read_safetensors(file), text(file));
  Container const package{file};
  auto const member =
      package.has("weights.safetensors") ? "weights.safetensors" : "weights/0.safetensors";
  return load_weights(network, decode_safetensors(package.read(member), member), text(file));
}

void load_all_weights(Network& network, Safetensors const& weights, std::string_view name) {
  auto const matched = load_weights(network, weights, name);
  if (matched.loaded.size() != weights.blobs.size() || !matched.adapted.empty() ||
      !matched.missing.empty() || !matched.wrong_shape.empty())
    throw Error{Fault::input,
                text(name, " does not belong to its network: ", in_words(matched)),
                "the package was made by another program or damaged"};
}

}  // namespace fovea
