#include "learn/train/store.hpp"

#include "base/core/error.hpp"

#include <ATen/core/grad_mode.h>

namespace fovea {
namespace {

[[noreturn]] void store_lacks(std::string_view name) {
  throw Error{Fault::input, text("what was stored lacks the learner's '", name, "'"),
              "resume with the version and the options that it was made with"};
}

void store_refuse_twice(bool added, std::string_view name) {
  if (!added)
    throw Error{Fault::bug, text("the learner stores '", name, "' twice"),
                "give each thing in state() a name of its own"};
}

}  // namespace

void Store::tensor(std::string_view name, at::Tensor& value) {
  at::NoGradGuard const no_tape;
  if (!reading())
    return store_refuse_twice(
        tensors.emplace(name, value.defined() ? value.detach().clone() : at::Tensor{}).second,
        name);
  auto const found = tensors.find(name);
  if (found == tensors.end()) store_lacks(name);
  auto const& stored = found->second;
  auto const in_place = value.defined() && stored.defined() &&
                        value.sizes() == stored.sizes() &&
                        value.scalar_type() == stored.scalar_type();
  if (in_place)
    value.copy_(stored);
  else if (!stored.defined())
    value = at::Tensor{};
  else
    value = value.defined() ? stored.to(value.device(), false, true) : stored.clone();
}

void Store::json(std::string_view name, Json& value) {
  if (!reading()) return store_refuse_twice(words.emplace(name, value).second, name);
  auto const found = words.find(name);
  if (found == words.end()) store_lacks(name);
  value = found->second;
}

std::vector<Kept> weights_of(std::vector<Group> const& groups) {
  std::vector<Kept> all;
  for (auto const& group : groups) {
    for (auto const& weight : group.weights)
      all.push_back({text("weight/", group.name, "/", weight.name), weight.value});
    for (auto const& buffer : group.buffers)
      all.push_back({text("buffer/", group.name, "/", buffer.name), buffer.value});
  }
  return all;
}

std::vector<Kept> copies_of(std::vector<Kept> const& values) {
  std::vector<Kept> all;
  for (auto const& [name, value] : values) all.push_back({name, value.detach().clone()});
  return all;
}

void overwrite(std::vector<Kept> const& values, std::vector<Kept> const& with) {
  at::NoGradGuard const no_tape;
  if (values.size() != with.size())
    throw Error{Fault::bug, text("cannot put ", with.size(), " tensors into ", values.size()),
                "groups() must name the same tensors each time"};
  for (std::size_t i = 0; i < values.size(); ++i) values[i].value.copy_(with[i].value);
}

Snapshot::Snapshot(Learner& learner)
    : kept_(copies_of(weights_of(learner.groups()))), store_(Store::Does::write) {
  learner.state(store_);
  store_.does(Store::Does::read);
}

void Snapshot::restore(Learner& learner) {
  overwrite(weights_of(learner.groups()), kept_);
  learner.state(store_);
}

}  // namespace fovea
