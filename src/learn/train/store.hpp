#pragma once

#include "learn/train/learner.hpp"
#include "learn/train/optimiser.hpp"

#include <map>
#include <string>
#include <vector>

namespace fovea {

/// What a learner keeps beside its weights, by name. Written by Learner::state, and read back
/// by it as often as needed. A tensor of the size and type of the one stored is overwritten in
/// place (whoever else holds it sees it); others are replaced.
class Store : public Archive {
 public:
  enum class Does { read, write };
  explicit Store(Does does) : does_(does) {}

  bool reading() const override { return does_ == Does::read; }
  void does(Does what) { does_ = what; }
  /// Throw Error{bug} on a name written twice, Error{input} on one read that was not written.
  void tensor(std::string_view name, at::Tensor& value) override;
  void json(std::string_view name, Json& value) override;

  std::map<std::string, at::Tensor, std::less<>> tensors;
  std::map<std::string, Json, std::less<>> words;

 private:
  Does does_;
};

/// The state of a learner before something is tried: put back bit for bit.
class Snapshot {
 public:
  explicit Snapshot(Learner& learner);
  void restore(Learner& learner);

 private:
  std::vector<Kept> kept_;
  Store store_;
};

/// Weights and buffers of all groups: "weight/GROUP/NAME", "buffer/GROUP/NAME". What is written
/// into them is written into the learner.
std::vector<Kept> weights_of(std::vector<Group> const& groups);
/// Overwrites the values in place; names, sizes and order must agree.
void overwrite(std::vector<Kept> const& values, std::vector<Kept> const& with);
/// Copies of their own.
std::vector<Kept> copies_of(std::vector<Kept> const& values);

}  // namespace fovea
