"""What MONAI's transforms make of a phantom, for bundle_run_test.cpp.

    python bundle.py > bundle.json        made with MONAI 1.6.1, torch 2.15.0, nibabel 5.4.2

The phantom is whole numbers by formula on a permuted, flipped grid (13, 11, 9); affines are NIfTI's (RAS).
"""

import json
import sys
import tempfile

import nibabel
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor, decollate_batch  # noqa: F401

size = (13, 11, 9)
i, j, k = np.meshgrid(*map(np.arange, size), indexing="ij")
values = ((7 * i + 13 * j + 29 * k) % 31 * 8 + 40 * (i > 5) - 60 * (k < 3)).astype(np.int16)
affine = np.array([[0, -0.8, 0, 20], [0, 0, 2.5, -30], [1.1, 0, 0, 5], [0, 0, 0, 1.0]])
file = tempfile.mkdtemp() + "/phantom.nii.gz"
nibabel.save(nibabel.Nifti1Image(values, affine), file)

load = [{"_target_": "LoadImaged", "keys": "image"}, {"_target_": "EnsureChannelFirstd", "keys": "image"}]
orient = {"_target_": "Orientationd", "keys": "image", "axcodes": "RAS"}
clip = {"_target_": "ScaleIntensityRanged", "keys": "image", "a_min": -57, "a_max": 164, "b_min": 0, "b_max": 1, "clip": True}


def spacing(pixdim, mode="bilinear"):
    return {"_target_": "Spacingd", "keys": "image", "pixdim": pixdim, "mode": mode}


def t(name, keys="image", **options):
    return {"_target_": name, "keys": keys, **options}


soft = {"_target_": "Activationsd", "keys": "pred", "softmax": True}
most = {"_target_": "AsDiscreted", "keys": "pred", "argmax": True}


def back(nearest):
    return {"_target_": "Invertd", "keys": "pred", "transform": "@preprocessing", "orig_keys": "image", "nearest_interp": nearest, "to_tensor": True}


cases = {
    "spleen": (load + [orient, spacing([1.5, 1.5, 2.0]), clip, {"_target_": "EnsureTyped", "keys": "image"}], [soft, back(False), most]),
    "finer": (load + [orient, spacing([0.9, 2.1, 0.7]), clip], [soft, most, back(True)]),
    "coarse": (load + [orient, spacing([3.0, 3.0, 3.0]), {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True, "channel_wise": True}],
               [{"_target_": "Activationsd", "keys": "pred", "sigmoid": True}, back(False), {"_target_": "AsDiscreted", "keys": "pred", "threshold": 0.5}]),
    "whole_body": (load + [orient, spacing([1.5, 1.5, 1.5]), {"_target_": "NormalizeIntensityd", "keys": "image", "nonzero": True},
                           {"_target_": "ScaleIntensityd", "keys": "image", "minv": -1.0, "maxv": 1.0}], [soft, most, back(True)]),
    "plain": (load + [{"_target_": "ScaleIntensityd", "keys": "image"}], [soft, most, back(False)]),
    "cropped": (load + [orient, spacing([1.5, 1.5, 2.0]), t("CropForegroundd", source_key="image", margin=[1, 0, 2], k_divisible=4, select_fn="$lambda x: x > 60"),
                        t("ScaleIntensityRangePercentilesd", lower=2, upper=97.5, b_min=-1, b_max=1, clip=True)], [soft, back(False), most]),
    "padded": (load + [t("DivisiblePadd", k=4), t("SpatialPadd", spatial_size=[20, -1, 15], method="end", mode="edge"),
                       t("ScaleIntensityd", factor=-0.5, minv=None, maxv=None)], [most, back(True)]),
    "fitted": (load + [orient, t("ResizeWithPadOrCropd", spatial_size=[8, 14, 10]), t("ClipIntensityPercentilesd", lower=5, upper=90),
                       t("NormalizeIntensityd", subtrahend=100, divisor=50)], [most, back(True)]),
    "middle": (load + [t("CenterSpatialCropd", roi_size=[7, -1, 6]), t("ThresholdIntensityd", threshold=90, above=False, cval=90)], [soft, back(False)]),
    "resized": (load + [t("Resized", spatial_size=[9, 16, 7], mode="trilinear")], [soft, back(False), t("AsDiscreted", "pred", argmax=True, to_onehot=3)]),
    "area": (load + [t("Resized", spatial_size=[9, 16, 7])], [most, back(True)]),
    "exact": (load + [t("Resized", spatial_size=[9, 16, 7], mode="nearest-exact")], [soft, back(False), most]),
    "largest": (load + [t("RepeatChanneld", repeats=2)], [most, t("KeepLargestConnectedComponentd", "pred", applied_labels=[1, 2], connectivity=1)]),
    "joined": (load, [most, t("KeepLargestConnectedComponentd", "pred", applied_labels=[1, 2], independent=False, num_components=2, connectivity=1)]),
    "channels": (load, [t("AsDiscreted", "pred", threshold=0.5), t("KeepLargestConnectedComponentd", "pred", connectivity=1)]),
    "functions": (load + [t("Lambdad", func="$lambda x: (x - 10) / 2.5")], [soft, t("AsDiscreted", "pred", threshold=0.4),
                  t("Lambdad", "pred", func="$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))")]),
    "slices": (load, [most, t("AsDiscreted", "pred", to_onehot=3), t("Lambdad", "pred", func="$lambda x : x[1:]")]),
    "nearest": (load + [orient, spacing([1.77, 1.03, 1.23], "nearest")], [most, back(True)]),
}  # fmt: skip
out = []
for name, (before, after) in cases.items():
    config = {"preprocessing": {"_target_": "Compose", "transforms": before}, "postprocessing": {"_target_": "Compose", "transforms": after}}
    parser = ConfigParser(config)
    data = parser.get_parsed_content("preprocessing")({"image": file})
    image = data["image"]
    # Outputs of three channels by formula, not smooth, so that edges of labels matter.
    count = 3 * image[0].numel()
    logits = ((torch.arange(count) * 7919) % 2003).float().reshape(3, *image.shape[1:]) / 500 - 2
    data["pred"] = MetaTensor(logits, affine=image.affine)
    result = parser.get_parsed_content("postprocessing")(data)["pred"]
    # In our order: i fastest.
    flat = lambda x: x.numpy().astype(np.float64).transpose(0, 3, 2, 1).ravel()  # noqa: E731
    out.append({
        "name": name, "config": config, "size": list(image.shape[1:]), "affine": np.asarray(image.affine).ravel().tolist(),
        "image_channels": image.shape[0],
        "image": [round(v, 6) for v in flat(image)[::17].tolist()], "channels": result.shape[0], "result": [round(v, 6) for v in flat(result)[::17].tolist()],
    })  # fmt: skip
json.dump(out, sys.stdout)
print()
