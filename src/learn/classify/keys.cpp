#include "learn/classify/classify.hpp"

namespace fovea {

std::span<KeyRow const> classify_keys() {
  using enum KeyKind;
  static constexpr KeyRow rows[] = {
      {"image_size", whole, "224", "pixels along each side of what the network sees", 8, 2048},
      {"channels", whole, "1", "1: grey, 3: colour", 1, 3, "1|3"},
      {"intensity_low", fraction, "0", "stored value that becomes 0"},
      {"intensity_high", fraction, "255", "stored value that becomes 1"},
      {"mean", fraction, "0.5", "of the training images, taken off (values 0 to 1)"},
      {"deviation", fraction, "0.25", "of the training images, divided by", 1e-6, 1e6},
      {"loss", word, "cross-entropy",
       "what is made small; several labels a case always use binary cross-entropy", 0, 0,
       "cross-entropy|focal"},
      {"label_smoothing", fraction, "0", "share of the truth given to all classes", 0, 0.5},
      {"focal_gamma", fraction, "2", "of the focal loss: how much easy cases count less", 0,
       10},
      {"focal_alpha", fraction, "-1",
       "of the focal loss with several labels a case: share of present labels, 0 to 1; -1: "
       "present and absent ones count alike",
       -1, 1},
      {"balance", word, "none", "what is done about classes of different sizes", 0, 0,
       "none|sampling|weights"},
      {"choose_by", word, "auc", "validation score that names the best weights", 0, 0,
       "auc|log_loss|balanced_accuracy"},
      {"flip_left_right", fraction, "0", "probability; 0 where side matters", 0, 1},
      {"flip_up_down", fraction, "0", "probability", 0, 1},
      {"rotate", fraction, "10", "degrees to either side", 0, 180},
      {"scale", fraction, "0.1", "share, larger or smaller", 0, 1},
      {"shift", fraction, "0.05", "share of the side, each axis", 0, 1},
      {"shear", fraction, "0", "degrees to either side", 0, 45},
      {"elastic", fraction, "0", "pixels: deviation of a smooth displacement", 0, 50},
      {"brightness", fraction, "0.1", "share of the range 0 to 1", 0, 1},
      {"contrast", fraction, "0.2", "share, more or less", 0, 2},
      {"gamma", fraction, "0.2", "share, exponent above or below 1", 0, 2},
      {"noise", fraction, "0.02", "deviation at most, on values 0 to 1", 0, 1},
      {"blur", fraction, "0", "pixels: sigma at most", 0, 20},
      {"cut_out", fraction, "0", "probability of one blank rectangle", 0, 1},
      {"mix_up", fraction, "0",
       "alpha of the beta distribution that two images are mixed by; 0: none", 0, 10},
  };
  return rows;
}

}  // namespace fovea
