#pragma once

#include "learn/nn/network.hpp"
#include "learn/weights/safetensors.hpp"

#include <vector>

namespace fovea {

/// All tensors of a network by name, what is learnt and what is kept, as bytes in the usual
/// order of axes.
Bytes encode_weights(Network const& network);

/// What came of giving a network weights from elsewhere. Names are the network's, but
/// `unexpected`'s are the file's.
struct Matched {
  std::vector<std::string> loaded;
  std::vector<std::string>
      adapted;  ///< of `loaded`: kernels for colour images, summed for grey ones
  std::vector<std::string> missing;     ///< kept as they were: the file has none of the name
  std::vector<std::string> unexpected;  ///< in the file, not in the network
  std::vector<std::string>
      wrong_shape;  ///< kept as they were: a head for another number of classes, say
};

/// For the log: "60 of 62 tensors loaded; kept as they were: fc.bias, fc.weight (another
/// shape)".
std::string in_words(Matched const& matched);

/// Gives the network the weights in `file`: a package (the first network of an ensemble), or
/// safetensors, PyTorch's state dict stored as such among them. "module." before all names
/// (DataParallel's) is ignored, and so is PyTorch's num_batches_tracked. What does not match
/// keeps its value. The first convolution for three channels is summed over them if the network
/// reads one.
///
/// Throws Error{input} if the file is neither, is damaged, holds values that are not finite, or
/// nothing in it matches; then the network is as it was.
Matched load_weights(Network& network, fs::path const& file);
Matched load_weights(Network& network, Safetensors const& weights, std::string_view name);

/// The same where everything must match, in name and shape, and nothing may be left over.
/// Throws Error{input} saying what does not.
void load_all_weights(Network& network, Safetensors const& weights, std::string_view name);

}  // namespace fovea
