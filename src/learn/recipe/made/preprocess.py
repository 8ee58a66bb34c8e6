"""Makes preprocess.json, what preprocess_test.cpp compares with: small cases and what nnU-Net's own DefaultPreprocessor makes of them, and its
resampling of logits on the way back.

    python3 preprocess.py        made with nnunetv2 2.8.1, scikit-image 0.26.0, scipy 1.17.1, batchgenerators 0.25.5 and numpy 2.4.6
"""
import json
import pathlib

import numpy
from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
from nnunetv2.utilities.plans_handling.plans_handler import PlansManager


def voxels(channels, shape, margin=0, holes=False):
    c, k, j, i = numpy.meshgrid(*map(numpy.arange, (channels, *shape)), indexing="ij")
    image = (37 * i + 53 * j * j + 29 * k + 11 * i * k + 17 * c * (j + 1)) % 211 - 70 + 40 * c
    inside = numpy.ones(shape, bool)
    for axis, size in enumerate(shape):
        at = numpy.arange(size).reshape([-1 if a == axis else 1 for a in range(3)])
        inside &= (at >= min(margin, size // 3)) & (at < size - min(margin, (size - 1) // 2))
    if holes:
        inside &= (i[0] * 3 + j[0] * 5 + k[0] * 7) % 4 > 0
        inside[shape[0] // 2, shape[1] // 2 - 1 : shape[1] // 2 + 1, shape[2] // 2] = False
        corner = [s // 2 for s in shape]
        inside[: corner[0] - 1, : corner[1] - 2, : corner[2]] = False
    image = image * inside
    labels = (i[0] // 3 + j[0] // 2 * k[0] // 3 + (i[0] * j[0] + k[0]) % 7 // 6) % 4
    return image, labels


def rule(order, labels=False, z=0, force=None):
    return {"is_seg": labels, "order": order, "order_z": z, "force_separate_z": force}


def plans_of(spacing, schemes, masked, forward, z, force):
    axes = len(spacing)
    fn = "resample_data_or_seg_to_shape"
    network = {"n_stages": 1, "features_per_stage": [32], "conv_op": f"torch.nn.modules.conv.Conv{axes}d", "kernel_sizes": [[3] * axes],
               "strides": [[1] * axes], "n_conv_per_stage": [2], "n_conv_per_stage_decoder": [], "conv_bias": True,
               "norm_op": f"torch.nn.modules.instancenorm.InstanceNorm{axes}d", "norm_op_kwargs": {"eps": 1e-5, "affine": True},
               "dropout_op": None, "dropout_op_kwargs": None, "nonlin": "torch.nn.LeakyReLU", "nonlin_kwargs": {"inplace": True}}
    config = {"data_identifier": "x", "preprocessor_name": "DefaultPreprocessor", "batch_size": 2, "patch_size": [8] * axes,
              "median_image_size_in_voxels": [8] * axes, "spacing": list(spacing), "normalization_schemes": schemes,
              "use_mask_for_norm": masked, "resampling_fn_data": fn, "resampling_fn_seg": fn,
              "resampling_fn_data_kwargs": rule(3, z=z, force=force), "resampling_fn_seg_kwargs": rule(1, True, force=force),
              "resampling_fn_probabilities": fn, "resampling_fn_probabilities_kwargs": rule(1, z=z, force=force),
              "architecture": {"network_class_name": "dynamic_network_architectures.architectures.unet.PlainConvUNet",
                               "arch_kwargs": network, "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"]},
              "batch_dice": False}
    statistics = {str(n): {"max": 120.0, "mean": 11.5 + n, "median": 9.0, "min": -60.0, "percentile_00_5": -33.25, "percentile_99_5": 71.5,
                           "std": 23.75} for n in range(len(schemes))}
    return {"dataset_name": "d", "plans_name": "nnUNetPlans", "original_median_spacing_after_transp": [1, 1, 1],
            "original_median_shape_after_transp": [8, 8, 8], "image_reader_writer": "SimpleITKIO", "transpose_forward": forward,
            "transpose_backward": [forward.index(n) for n in range(3)], "configurations": {"it": config},
            "experiment_planner_used": "ExperimentPlanner", "label_manager": "LabelManager",
            "foreground_intensity_properties_per_channel": statistics}


ct, z_score, none, zero_one, rgb = (f"{n}Normalization" for n in ("CT", "ZScore", "No", "RescaleTo01", "RGBTo01"))
# name: shape, spacing, target, schemes, masked, forward, margin, holes, order along z, force
cases = {
    "isotropic": ((9, 10, 8), (1, 1, 1), (0.9, 1.2, 0.7), [z_score], [False], [0, 1, 2], 1, False, 0, None),
    "thick slices": ((5, 9, 11), (5, 1, 1), (4, 0.8, 1.3), [z_score], [False], [0, 1, 2], 1, True, 0, None),
    "thick slices, not resampled along": ((5, 9, 7), (5, 1, 1), (5, 0.8, 0.7), [none], [False], [0, 1, 2], 0, False, 0, None),
    "target of thick slices": ((9, 8, 7), (2, 1, 1), (4, 1, 1), [zero_one], [False], [0, 1, 2], 1, False, 0, None),
    "transposed, two channels, one of them CT": ((11, 9, 4), (1, 0.9, 3.5), (3.0, 1.1, 0.8), [ct, z_score], [False, False], [2, 0, 1], 1, True, 0, None),
    "transposed in the middle": ((7, 5, 9), (0.5, 2, 0.7), (1.9, 0.6, 0.6), [z_score], [False], [1, 0, 2], 1, False, 1, None),
    "masked": ((9, 8, 10), (1, 1, 1), (1.1, 0.9, 1), [z_score, none, z_score], [True, False, True], [0, 1, 2], 2, True, 0, None),
    "two axes as coarse": ((9, 5, 6), (0.5, 2, 2), (0.6, 1.5, 1.7), [ct], [False], [1, 0, 2], 0, True, 0, None),
    "apart by order, cubic": ((5, 7, 8), (2, 1, 1), (1.3, 0.9, 1.1), [none], [False], [0, 1, 2], 0, False, 3, True),
    "never apart": ((4, 7, 8), (6, 1, 1), (4, 1.2, 1.1), [none], [False], [0, 1, 2], 0, False, 0, False),
    "slices of 2d": ((4, 7, 8), (2.5, 1, 1), (0.8, 0.9), [z_score], [False], [0, 1, 2], 1, True, 0, None),
    "picture": ((1, 9, 11), (999, 1, 1), (1, 1.3), [rgb, rgb, z_score], [False, False, False], [0, 1, 2], 0, False, 0, None),
    "halves": ((5, 7, 6), (1, 1, 1), (2, 2, 2), [none], [False], [0, 1, 2], 0, False, 0, None),
    "all zero": ((3, 4, 5), (1, 1, 1), (0.8, 1, 1), [z_score], [True], [0, 1, 2], 9, False, 0, None),
}
out = []
for name, (shape, spacing, target, schemes, masked, forward, margin, holes, z, force) in cases.items():
    image, labels = voxels(len(schemes), shape, margin, holes)
    if name == "picture":
        image = abs(image)
    if name == "all zero":
        image *= 0
    if name == "halves":
        labels[1, 1, 1] = 200
        labels[2:4] = 200
    plans = plans_of(target, schemes, masked, forward, z, force)
    manager = PlansManager(json.loads(json.dumps(plans)))
    config = manager.get_configuration("it")
    steps = DefaultPreprocessor(verbose=False)
    properties = {"spacing": list(spacing)}

    class Labels:
        has_regions = has_ignore_label = False
        foreground_labels = []

    manager.get_label_manager = lambda _: Labels
    data, seg, properties = steps.run_case_npy(image, labels[None].astype("i2"), properties, manager, config, {})
    current = list(config.spacing)
    original = [spacing[a] for a in forward]
    if len(current) == 2:
        current = [original[0], *current]
    logits = config.resampling_fn_probabilities(data, properties["shape_after_cropping_and_before_resampling"], current, original)
    numbers = lambda array: [float(f"{v:.7g}") for v in array.ravel()]
    out.append(json.dumps({
        "name": name, "spacing": spacing, "shape": shape, "image": image.ravel().tolist(), "labels": labels.ravel().tolist(), "plans": plans,
        "first": [int(b[0]) for b in properties["bbox_used_for_cropping"]], "cropped": list(logits.shape[1:]),
        "prepared_shape": list(data.shape[1:]), "prepared": numbers(data), "prepared_labels": seg.ravel().tolist(),
        "label_type": str(seg.dtype), "back": numbers(logits)}, separators=(",", ":")))
    print(name, image.shape, "->", data.shape, seg.dtype, numpy.unique(seg).tolist())
made = pathlib.Path(__file__).with_name("preprocess.json")
made.write_text("[\n" + ",\n".join(out) + "\n]\n")
print(len(out), "cases", made.stat().st_size, "bytes")
