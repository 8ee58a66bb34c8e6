#pragma once

#include "learn/classify/images.hpp"
#include "learn/metric/rows.hpp"
#include "learn/model/package.hpp"
#include "learn/task/task.hpp"
#include "learn/task/ways.hpp"

#include <functional>

namespace fovea {

/// How a classifier's images are prepared and its logits become probabilities, as a package
/// states it in `preprocessing` and `decoding`.
struct Contract {
  Prepare prepare;
  bool multi_label = false;        ///< sigmoid for each class, not softmax over all
  bool flips = false;              ///< mean over the image and its mirror image
  std::string run_as = "float32";  ///< a row of execution_ways: what it was proven with
};
void write_contract(Contract const& contract, ModelAbout& about);
/// Throws Error{input} on a step, a field or a value that this version does not know: an answer
/// is never made from half of the recipe.
Contract contract_of(ModelAbout const& about);

/// Lets the model's networks run as it was proven, so that an answer is the same wherever it
/// goes.
void run_as_proven(Model const& model, Contract const& contract);

/// Lets a model answer another way than it was proven with, as far as asked for; gives the way.
std::string ask_way(Model& model, AskedWay const& asked);

/// Prepared images [n, channels, j, i] of the cases, normalised.
at::Tensor image_batch(PreparedImages const& images,
                       Prepare const& prepare,
                       std::span<std::size_t const> cases);

/// Logits [n, classes] of one network for all cases, in batches, float32 on the CPU. Fewer rows
/// if `stop` was asked.
at::Tensor logits_of(Network const& network,
                     PreparedImages const& images,
                     Contract const& contract,
                     std::span<std::size_t const> cases,
                     Stop const& stop);

/// Probabilities [n, classes] from logits.
at::Tensor probabilities_of(at::Tensor const& logits,
                            Contract const& contract,
                            double temperature);

/// Truth and finding as metrics want them. `label_of`: the model's class for each of the set's
/// classes.
ClassRows rows_of(Dataset const& set,
                  std::span<std::size_t const> cases,
                  at::Tensor const& probabilities,
                  std::vector<std::string> const& classes);

/// Throws Error{input} unless one of the model's networks gave a number for each of its labels:
/// logits [n, labels].
void demand_labels(Model const& model, at::Tensor const& logits);

/// Throws Error{input} on NaN and infinite values.
void demand_numbers(at::Tensor const& probabilities);

/// What the model says of one stored image, run as it was proven: probabilities [classes], mean
/// over its networks.
at::Tensor asked(Model const& model, Contract const& contract, Volume const& image);

/// Throws Error{input} with all reasons if the image is outside of what the model was made for.
void demand_contract(Model const& model, Volume const& image);

}  // namespace fovea
