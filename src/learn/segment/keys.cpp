#include "learn/segment/segment.hpp"

namespace fovea {

std::span<KeyRow const> segment_keys() {
  using enum KeyKind;
  static constexpr KeyRow rows[] = {
      {"planner", word, "plain",
       "whose rules make the plan: nnU-Net's plain or residual encoder", 0, 0,
       "plain|resenc-m|resenc-l|resenc-xl"},
      {"plan_memory", fraction, "0",
       "GB of the graphics card that patch and batch are planned for; 0: the planner's own", 0,
       1024},
      {"configuration", word, "",
       "how the data is seen: 2d, 3d_fullres, 3d_lowres or 3d_cascade_fullres; empty: chosen "
       "from the data"},
      {"first_stage", place, "",
       "a finished run whose masks the network sees beside the image: this is then the second "
       "stage of a cascade"},
      {"first_stage_values", list, "[]",
       "what those masks show, by channel behind the image's"},
      {"first_stage_model", word, "", "which model that run held: its package's identity"},
      // Of the configuration; axes are k, j, i behind `axes`, lists of channels by channel.
      {"axes", list, "[]", "order of the image's axes k, j, i before anything else"},
      {"spacing", list, "[]", "mm along k, j, i that images are resampled to"},
      {"patch", list, "[]", "voxels along k, j, i (2d: j, i) that the network sees at once"},
      {"normalisation", list, "[]", "by channel: ct, z-score, none, zero-one or rgb"},
      {"masked", list, "[]", "by channel: true to normalise inside what is not zero only"},
      {"intensity_mean", list, "[]", "by channel: of the foreground of the training cases"},
      {"intensity_deviation", list, "[]", "by channel, the same"},
      {"intensity_low", list, "[]", "by channel: percentile 0.5 of the same"},
      {"intensity_high", list, "[]", "by channel: percentile 99.5 of the same"},
      {"features", list, "[]", "channels of the network's levels, finest first"},
      {"kernels", list, "[]", "of the levels, as 3x3x3; k, j, i"},
      {"strides", list, "[]", "of the steps into the levels, as 2x2x2"},
      {"blocks", list, "[]", "convolutions or residual blocks of the encoder's levels"},
      {"decoder_blocks", list, "[]", "of the decoder's levels, coarsest first, one fewer"},
      {"deep_supervision", flag, "true", "losses on coarser outputs too"},
      {"loss", word, "dice-cross-entropy", "what is made small"},
      {"batch_dice", flag, "false", "Dice over the whole batch, not by sample"},
      {"foreground", fraction, "0.33", "share of the patches that lie on a structure", 0, 1},
      {"mirror", list, "[0, 1, 2]", "axes k, j, i (0, 1, 2) that may be mirrored"},
      {"rotate", fraction, "0.2", "probability", 0, 1},
      {"rotate_degrees", fraction, "-1", "to either side; -1: as nnU-Net for this patch", -1,
       180},
      {"scale", fraction, "0.2", "probability", 0, 1},
      {"noise", fraction, "0.1", "probability", 0, 1},
      {"blur", fraction, "0.2", "probability", 0, 1},
      {"brightness", fraction, "0.15", "probability", 0, 1},
      {"contrast", fraction, "0.15", "probability", 0, 1},
      {"low_resolution", fraction, "0.25", "probability", 0, 1},
      {"inverted_gamma", fraction, "0.1", "probability", 0, 1},
      {"gamma", fraction, "0.3", "probability", 0, 1},
      {"window_step", fraction, "0.5", "from window to window, as a part of the window", 0.05,
       1},
      {"cleanup", flag, "true",
       "learn on validation whether only the largest piece of a structure is kept"},
      {"cache", place, "", "folder for prepared cases; empty: the user's cache"},
  };
  return rows;
}

}  // namespace fovea
