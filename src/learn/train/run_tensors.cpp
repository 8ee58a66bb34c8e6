#include "learn/train/run_tensors.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <ATen/core/grad_mode.h>

namespace fovea {
namespace {

constexpr std::string_view run_tensors_learner = "learner/", run_tensors_best = "best/";

void run_tensors_fill(std::vector<Kept> const& into,
                      std::string_view prefix,
                      Checkpoint const& checkpoint,
                      fs::path const& file) {
  for (auto const& [kept, value] : into) {
    auto const name = text(prefix, kept);
    auto const found = checkpoint.tensors.find(name);
    if (found == checkpoint.tensors.end())
      throw Error{Fault::input, text("the checkpoint ", file, " lacks '", name, "'"),
                  "start anew in another folder"};
    auto const& from = found->second;
    if (!from.defined() || from.sizes() != value.sizes() ||
        from.scalar_type() != value.scalar_type())
      throw Error{
          Fault::input,
          text("the checkpoint's '", name, "' has another size or type than the learner's"),
          "resume with the plan it was made with"};
    value.copy_(from);
  }
}

}  // namespace

void put_tensors(Checkpoint& checkpoint,
                 Learner& learner,
                 Movers const& movers,
                 std::vector<Kept> const& best) {
  auto const add = [&](std::vector<Kept> const& kept, std::string_view prefix) {
    for (auto const& [name, value] : kept)
      checkpoint.tensors.emplace(text(prefix, name), value);
  };
  add(weights_of(learner.groups()), "");
  add(movers.state(), "");
  add(best, run_tensors_best);
  Store store{Store::Does::write};
  learner.state(store);
  for (auto const& [name, value] : store.tensors)
    checkpoint.tensors.emplace(text(run_tensors_learner, name), value);
  checkpoint.head["learner"] = store.words;
  checkpoint.head["has_best"] = !best.empty();
}

std::vector<Kept> take_tensors(Checkpoint const& checkpoint,
                               Learner& learner,
                               Movers& movers,
                               fs::path const& file) {
  at::NoGradGuard const no_tape;
  auto const weights = weights_of(learner.groups());
  std::vector<Kept> best;
  if (checkpoint.head.at("has_best").get<bool>()) {
    best = copies_of(weights);
    run_tensors_fill(best, run_tensors_best, checkpoint, file);
  }
  run_tensors_fill(weights, "", checkpoint, file);
  run_tensors_fill(movers.state(), "", checkpoint, file);
  Store store{Store::Does::read};
  for (auto const& [name, value] : checkpoint.tensors) {
    if (name.starts_with(run_tensors_learner))
      store.tensors.emplace(name.substr(run_tensors_learner.size()), value);
  }
  for (auto const& [name, value] : checkpoint.head.at("learner").items())
    store.words.emplace(name, value);
  learner.state(store);
  return best;
}

}  // namespace fovea
