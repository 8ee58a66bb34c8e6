#include "learn/foreign/bundle.hpp"

namespace fovea {
namespace {

// Where an image comes from and goes to is Fovea's to choose, and so is the type of its
// numbers.
constexpr BundleStepRow bundle_step_rows[] = {
    {"LoadImage", "reads the file", "",
     "reader image_only dtype ensure_channel_first simple_keys meta_keys meta_key_postfix "
     "overwriting"},
    {"EnsureChannelFirst", "channels are an axis of their own, as they always are here", "",
     "channel_dim strict_check meta_keys meta_key_postfix"},
    {"Orientation", "axes point the way that is said", "axcodes", "labels"},
    {"Spacing", "voxels get this size", "pixdim mode padding_mode",
     "align_corners dtype recompute_affine meta_keys"},
    {"ScaleIntensityRange", "a_min … a_max become b_min … b_max",
     "a_min a_max b_min b_max clip", "dtype"},
    {"ScaleIntensity", "least and largest value become minv and maxv", "minv maxv channel_wise",
     "dtype"},
    {"NormalizeIntensity", "mean 0, deviation 1", "nonzero channel_wise", "dtype"},
    {"EnsureType", "nothing here", "", "data_type dtype track_meta wrap_sequence"},
    {"CastToType", "nothing here", "", "dtype"},
    {"ToTensor", "nothing here", "", "dtype wrap_sequence track_meta"},
    {"ToDevice", "nothing here", "", "non_blocking"},
    {"Activations", "outputs become probabilities", "sigmoid softmax", ""},
    {"AsDiscrete", "probabilities become labels", "argmax threshold to_onehot", ""},
    {"Invert", "spatial steps are undone", "transform nearest_interp",
     "orig_keys to_tensor meta_keys meta_key_postfix orig_meta_keys post_func"},
    {"SaveImage", "writes the file", "",
     "output_dir output_ext output_dtype output_postfix separate_folder data_root_dir "
     "meta_keys "
     "meta_key_postfix print_log squeeze_end_dims mode padding_mode writer"},
};

}  // namespace

std::span<BundleStepRow const> bundle_steps() {
  return bundle_step_rows;
}

}  // namespace fovea
