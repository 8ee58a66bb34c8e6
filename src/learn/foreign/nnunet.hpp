#pragma once

#include "learn/foreign/checkpoint.hpp"
#include "learn/recipe/dataset_file.hpp"
#include "learn/recipe/recipe.hpp"

namespace fovea {

/// dataset.json as a trained model keeps it. With regions each output is a yes or no of its own
/// (sigmoid > 0.5), else all exclude each other (argmax over background and labels).
struct NnunetDataset : DatasetFile {
  std::int64_t outputs() const {
    return static_cast<std::int64_t>(labels.size()) + (regions ? 0 : 1);
  }
};

/// As read_dataset_file. Throws Error{input} also without channels, and on labels that do not
/// count 1, 2, 3 … without regions.
NnunetDataset nnunet_dataset(Json const& json, std::string_view what);

/// A folder that nnU-Net v2 trained: plans.json, dataset.json and a folder for each fold with a
/// checkpoint.
struct NnunetModel {
  struct Fold {
    std::string name;  ///< "fold_0", "fold_all"
    fs::path checkpoint;
  };

  fs::path folder;
  NnunetDataset dataset;
  Recipe recipe;
  std::string trainer;                   ///< the class that trained it: "nnUNetTrainer"
  std::string config;                    ///< "3d_fullres": one of the recipe's
  std::vector<std::size_t> mirror_axes;  ///< of the patch, along which it may be flipped
  std::vector<Fold> folds;               ///< at least one, by name

  /// The values of masks that a cascade's first step shows the second, by channel. Throws
  /// Error{input} if one is above 32767.
  std::vector<std::uint16_t> found() const;
  /// Channels that the network reads: those of an image, and for the second step of a cascade
  /// one for each label that the first step found.
  std::int64_t inputs() const;
};

struct NnunetOptions {
  std::vector<std::string> folds;  ///< "0", "all"; empty: all that are there
  std::string checkpoint = "checkpoint_final.pth";
};

/// Reads what is needed to know the model, and the pickles (not the tensors) of all
/// checkpoints; they must agree in trainer, configuration and axes. No code in them is run.
/// Throws Error{input} if a file is missing, broken or asks for what Fovea does not have (see
/// read_recipe), Error{usage} if a fold is not there.
NnunetModel read_nnunet(fs::path const& folder, NnunetOptions const& options = {});

/// The weights of one fold under the names that PyTorch's state dict has, each once: what
/// PlainConvUNet and ResidualEncoderUNet hold a second time ("all_modules", the decoder's
/// encoder) is left out after it was found to be the same, and so are the heads of deep
/// supervision but the finest.
Safetensors nnunet_weights(NnunetModel const& model, NnunetModel::Fold const& fold);

}  // namespace fovea
