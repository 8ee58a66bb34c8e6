"""A small cascade as nnU-Net keeps one, and what nnU-Net itself predicts with it, for nnunet_test.cpp.

    python cascade.py cascade        made with nnunetv2 2.8.1, torch 2.15.0, SimpleITK 2.5.5

Two folders as nnUNetv2_train leaves them (drawn weights, as training would only make them larger), an image of 3 mm slices along
its last axis on a turned grid, and the mask of the second stage, which nnU-Net makes from the first one's mask.
"""

import itertools
import json
import pathlib
import shutil
import sys

import numpy as np
import SimpleITK as sitk
import torch
from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

out = pathlib.Path(sys.argv[1])
LABELS = {"background": 0, "one": 1, "two": 2}
RESAMPLING = dict(is_seg=False, order=3, order_z=0, force_separate_z=None)


def configuration(spacing, patch, **more):
    architecture = dict(
        n_stages=2, features_per_stage=[4, 8], conv_op="torch.nn.modules.conv.Conv3d", kernel_sizes=[[1, 3, 3], [3, 3, 3]],
        strides=[[1, 1, 1], [1, 2, 2]], n_conv_per_stage=[1, 1], n_conv_per_stage_decoder=[1], conv_bias=True,
        norm_op="torch.nn.modules.instancenorm.InstanceNorm3d", norm_op_kwargs=dict(eps=1e-5, affine=True), dropout_op=None,
        dropout_op_kwargs=None, nonlin="torch.nn.LeakyReLU", nonlin_kwargs=dict(inplace=True))  # fmt: skip
    return dict(
        data_identifier="made", preprocessor_name="DefaultPreprocessor", batch_size=2, patch_size=patch,
        median_image_size_in_voxels=[float(side) for side in patch], spacing=spacing, normalization_schemes=["ZScoreNormalization"],
        use_mask_for_norm=[False], resampling_fn_data="resample_data_or_seg_to_shape", resampling_fn_data_kwargs=RESAMPLING,
        resampling_fn_seg="resample_data_or_seg_to_shape", resampling_fn_seg_kwargs=dict(RESAMPLING, is_seg=True, order=1),
        resampling_fn_probabilities="resample_data_or_seg_to_shape", resampling_fn_probabilities_kwargs=dict(RESAMPLING, order=1),
        architecture=dict(network_class_name="dynamic_network_architectures.architectures.unet.PlainConvUNet", arch_kwargs=architecture,
                          _kw_requires_import=["conv_op", "norm_op", "dropout_op", "nonlin"]), batch_dice=False, **more)  # fmt: skip


plans = dict(
    dataset_name="Dataset001_Made", plans_name="nnUNetPlans", original_median_spacing_after_transp=[3.0, 1.0, 1.0],
    original_median_shape_after_transp=[12, 26, 30], image_reader_writer="SimpleITKIO", transpose_forward=[1, 2, 0],
    transpose_backward=[2, 0, 1], experiment_planner_used="ExperimentPlanner", label_manager="LabelManager",
    foreground_intensity_properties_per_channel={"0": {name: 1.0 for name in ("max", "mean", "median", "min", "percentile_00_5",
                                                                              "percentile_99_5", "std")}},
    configurations={
        "3d_lowres": configuration([3.5, 1.6, 1.6], [8, 16, 16], next_stage="3d_cascade_fullres"),
        "3d_cascade_fullres": configuration([3.0, 1.0, 1.0], [8, 16, 16], previous_stage="3d_lowres")})  # fmt: skip
dataset = dict(channel_names={"0": "MRI"}, labels=LABELS, numTraining=1, file_ending=".nii.gz")


def drawn():
    rng = np.random.default_rng(7)
    coarse = torch.tensor(rng.normal(size=(1, 1, 7, 4, 8)), dtype=torch.float32)
    voxels = torch.nn.functional.interpolate(coarse, size=(26, 12, 30), mode="trilinear")[0, 0].numpy() * 100 + 200
    image = sitk.GetImageFromArray(np.rint(voxels).astype(np.int16))  # k, j, i; the slices lie along j
    image.SetSpacing((1.0, 3.0, 1.0))
    image.SetOrigin((-20.0, 15.0, 40.0))
    image.SetDirection((0.8, 0.6, 0, -0.6, 0.8, 0, 0, 0, 1))
    (out / "images").mkdir(parents=True)
    sitk.WriteImage(image, str(out / "images" / "case_0000.nii.gz"))


def trained(name, channels):
    folder = out / f"nnUNetTrainer__nnUNetPlans__{name}"
    (folder / "fold_all").mkdir(parents=True)
    (folder / "plans.json").write_text(json.dumps(plans))
    (folder / "dataset.json").write_text(json.dumps(dataset))
    architecture = plans["configurations"][name]["architecture"]
    # Drawn anew until each label is found somewhere.
    for seed in itertools.count():
        torch.manual_seed(seed)
        network = get_network_from_plans(architecture["network_class_name"], architecture["arch_kwargs"],
                                         architecture["_kw_requires_import"], channels, len(LABELS), allow_init=True,
                                         deep_supervision=False)  # fmt: skip
        with torch.no_grad():
            answer = network(torch.randn(1, channels, 8, 32, 32)).argmax(1)
        if torch.bincount(answer.flatten(), minlength=len(LABELS)).min() > answer.numel() / 10:
            break
    torch.save(dict(trainer_name="nnUNetTrainer", init_args=dict(configuration=name), network_weights=network.state_dict(),
                    inference_allowed_mirroring_axes=(0, 1, 2)), folder / "fold_all" / "checkpoint_final.pth")  # fmt: skip
    return folder


def predicted(folder, target, before=None):
    target.mkdir()
    predictor = nnUNetPredictor(use_mirroring=True, perform_everything_on_device=False, device=torch.device("cpu"))
    predictor.initialize_from_trained_model_folder(str(folder), use_folds=("all",), checkpoint_name="checkpoint_final.pth")
    predictor.predict_from_files(str(out / "images"), str(target), save_probabilities=False, num_processes_preprocessing=1,
                                 num_processes_segmentation_export=1, folder_with_segs_from_prev_stage=before and str(before))  # fmt: skip
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(target / "case.nii.gz")))
    return np.bincount(mask.ravel(), minlength=len(LABELS)) / mask.size


if __name__ == "__main__":  # nnU-Net's workers read this file, too
    shutil.rmtree(out, ignore_errors=True)
    drawn()
    low = trained("3d_lowres", 1)
    print("first stage:", predicted(low, out / "found"))
    full = trained("3d_cascade_fullres", len(LABELS))
    print("second stage:", predicted(full, out / "predicted", out / "found"))
    for file in [*out.glob("*/*.json"), *out.glob("*/*.pkl")]:
        if file.parent in (out / "found", out / "predicted"):
            file.unlink()
