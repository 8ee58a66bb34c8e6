#include "learn/train/identity.hpp"

#include "base/core/error.hpp"

namespace fovea {
namespace {

Json identity_names(std::vector<Weight> const& weights) {
  auto all = Json::array();
  for (auto const& [name, value, decays] : weights)
    all.push_back({{"name", name},
                   {"size", value.sizes().vec()},
                   {"type", std::string{value.dtype().name()}},
                   {"decays", decays}});
  return all;
}

}  // namespace

Json identity_of(std::vector<Group> const& groups, Fit const& o) {
  auto all = Json::array();
  for (auto const& [name, weights, buffers, how] : groups)
    all.push_back({{"name", name},
                   {"optimiser", how.kind},
                   {"learning_rate", how.learning_rate},
                   {"weight_decay", how.weight_decay},
                   {"momentum", how.momentum},
                   {"betas", {how.beta1, how.beta2}},
                   {"epsilon", how.epsilon},
                   {"l1", how.l1},
                   {"clip", how.clip},
                   {"schedule", how.schedule},
                   {"warm_up", how.warm_up},
                   {"plateau", {how.plateau_after, how.plateau_factor}},
                   {"weights", identity_names(weights)},
                   {"buffers", identity_names(buffers)}});
  return {{"seed", o.seed},
          {"batch_size", o.batch_size},
          {"steps_per_epoch", o.steps_per_epoch},
          {"average", o.average},
          {"patience", o.patience},
          {"keep_best", o.keep_best},
          {"groups", all}};
}

void expect_identity(Json const& stored, Json const& now, fs::path const& file) {
  auto const differences = Json::diff(stored, now);
  if (differences.empty()) return;
  auto const path = differences[0].at("path").get<std::string>();
  Json::json_pointer const where{path};
  auto const shown = [&](Json const& from) {
    return from.contains(where) ? from.at(where).dump().substr(0, 80) : std::string{"nothing"};
  };
  throw Error{Fault::input,
              text("the checkpoint ", file, " belongs to another run: at '", path, "' it has ",
                   shown(stored), ", this run ", shown(now)),
              "resume with the plan it was made with, or start anew in another folder"};
}

}  // namespace fovea
