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
    {"Orientation", "axes point the way that is said", "axcodes", ""},
    {"Spacing", "voxels get this size", "pixdim mode padding_mode",
     "align_corners dtype recompute_affine meta_keys"},
    {"Resize", "images get this size",
     "spatial_size mode align_corners size_mode anti_aliasing", "dtype"},
    {"CropForeground", "what is around the foreground is cut off",
     "select_fn channel_indices margin allow_smaller k_divisible mode value constant_values",
     "source_key start_coord_key end_coord_key"},
    {"SpatialPad", "padded to this size", "spatial_size method mode value constant_values", ""},
    {"DivisiblePad", "padded to a multiple", "k method mode value constant_values", ""},
    {"CenterSpatialCrop", "the middle alone", "roi_size", ""},
    {"ResizeWithPadOrCrop", "padded or cut to this size",
     "spatial_size method mode value constant_values", ""},
    {"ScaleIntensityRange", "a_min … a_max become b_min … b_max",
     "a_min a_max b_min b_max clip", "dtype"},
    {"ScaleIntensityRangePercentiles", "two percentiles become b_min and b_max",
     "lower upper b_min b_max clip relative channel_wise", "dtype"},
    {"ClipIntensityPercentiles", "held between two percentiles",
     "lower upper sharpness_factor channel_wise", "dtype"},
    {"ScaleIntensity", "least and largest value become minv and maxv",
     "minv maxv factor channel_wise", "dtype"},
    {"NormalizeIntensity", "mean 0, deviation 1", "nonzero channel_wise subtrahend divisor",
     "dtype"},
    {"ThresholdIntensity", "what is below or above is replaced", "threshold above cval", ""},
    {"RepeatChannel", "each channel several times", "repeats", ""},
    {"Lambda", "a function of voxels, see bundle_lambda", "func", "overwrite track_meta"},
    {"EnsureType", "nothing here", "", "data_type dtype track_meta wrap_sequence"},
    {"CastToType", "nothing here", "", "dtype"},
    {"ToTensor", "nothing here", "", "dtype wrap_sequence track_meta"},
    {"ToNumpy", "nothing here", "", "dtype wrap_sequence"},
    {"ToDevice", "nothing here", "", "non_blocking"},
    {"Identity", "nothing here", "", ""},
    {"SelectItems", "nothing here: there is one image", "", ""},
    {"DeleteItems", "nothing here: there is one image", "", "sep use_re"},
    {"Activations", "outputs become probabilities", "sigmoid softmax", ""},
    {"AsDiscrete", "probabilities become labels", "argmax threshold to_onehot rounding", ""},
    {"KeepLargestConnectedComponent", "other pieces of a label are cleared",
     "applied_labels is_onehot independent connectivity num_components", ""},
    {"Invert", "spatial steps are undone", "transform nearest_interp",
     "orig_keys to_tensor meta_keys meta_key_postfix orig_meta_keys"},
    {"SaveImage", "writes the file", "",
     "output_dir output_ext output_dtype output_postfix separate_folder data_root_dir "
     "meta_keys resample scale dtype "
     "meta_key_postfix print_log squeeze_end_dims mode padding_mode writer"},
};

}  // namespace

std::span<BundleStepRow const> bundle_steps() {
  return bundle_step_rows;
}

}  // namespace fovea
