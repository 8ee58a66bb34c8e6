"""Makes plans.json, what planner_test.cpp compares with: synthetic fingerprints and what nnU-Net's own planners make of them.

    python3 plans.py        made with nnunetv2 2.8.1, dynamic-network-architectures 0.4.4, numpy 2.4.6 and torch 2.15
"""
import contextlib
import io
import json
import os
import pathlib
import tempfile

import numpy
import torch

folder = pathlib.Path(tempfile.mkdtemp())
for name in ("raw", "preprocessed", "results"):
    os.environ[f"nnUNet_{name}"] = str(folder / name)

from nnunetv2.experiment_planning.experiment_planners.default_experiment_planner import ExperimentPlanner
from nnunetv2.experiment_planning.experiment_planners.residual_unets.residual_encoder_unet_planners import (
    nnUNetPlannerResEncL, nnUNetPlannerResEncM)

planners = {"plain": ExperimentPlanner, "resenc-m": nnUNetPlannerResEncM, "resenc-l": nnUNetPlannerResEncL}


def varied(shape, spacing, count, by_shape=0.1, by_spacing=0.0):
    """Cases around a shape and a spacing, by formula."""
    shapes, spacings = [], []
    for n in range(count):
        wave = numpy.sin(numpy.arange(1, 4) * (n + 1) * 1.7)
        shapes.append([max(1, round(s * (1 + by_shape * w))) for s, w in zip(shape, wave)])
        spacings.append([round(s * (1 + by_spacing * w), 6) for s, w in zip(spacing, wave[::-1])])
    return shapes, spacings


# name: (shapes and spacings, channels, labels, cases for training, size ratio)
sets = {
    "isotropic": (varied((160, 180, 150), (1, 1, 1), 9), ["T1"], 4, 9, 0.93),
    "even_count_of_cubes": (varied((97, 97, 97), (0.8, 0.8, 0.8), 8, 0), ["MRI"], 2, 40, 1),
    "thick_slices": (varied((14, 256, 220), (10, 1.5, 1.5), 11, 0.15, 0.4), ["cine"], 4, 200, 1),
    "thick_slices_some_thin": (varied((20, 320, 300), (6, 1.9, 1.8), 10, 0.1, 0.85), ["MRI"], 3, 30, 1),
    "pictures": (([[1, 584, 565]] * 5 + [[1, 600, 580]] * 2, [[999, 1, 1]] * 7), ["R", "G", "rgb_to_0_1"], 2, 20, 1),
    "small_pictures": (([[1, 97, 61]] * 4, [[999, 1, 1]] * 4), ["rescale_to_0_1"], 3, 4, 1),
    "whole_body": (varied((840, 512, 512), (1.5, 0.9765625, 0.9765625), 7, 0.2, 0.1), ["CT"], 118, 1200, 0.99),
    "tiny": (varied((9, 12, 10), (1, 1.2, 1.1), 5, 0.2, 0.1), ["noNorm"], 2, 5, 0.6),
    "two_cases": (([[33, 40, 47], [40, 47, 52]], [[2, 1, 1.5], [2.5, 1, 1]]), ["MRI"], 2, 2, 1),
    "many_channels_masked": (varied((138, 170, 140), (1, 1, 1), 13, 0.05), ["t1", "t1ce", "t2", "flair", "CT", "zscore"], 5, 484, 0.31),
    "coarse_axis_last": (varied((300, 320, 40), (0.7, 0.72, 3.3), 9, 0.2, 0.05), ["ct", "MRI"], 3, 77, 0.74),
    "coarse_axis_in_the_middle": (varied((240, 30, 260), (0.5, 4, 0.5), 6, 0.1, 0.2), ["MRI"], 2, 100, 0.75),
    "lowres_of_thin_slices": (varied((60, 1024, 1024), (5, 0.4, 0.4), 5, 0.1), ["CT"], 2, 50, 1),
    "microscopy": (varied((64, 1500, 1400), (0.03, 0.00406, 0.00406), 3, 0.05), ["EM"], 2, 3, 1),
}
out = []
for number, (name, ((shapes, spacings), channels, labels, training, ratio)) in enumerate(sets.items(), 1):
    dataset = f"Dataset{number:03}_{name}"
    raw = folder / "raw" / dataset
    (raw / "imagesTr").mkdir(parents=True)
    (raw / "labelsTr").mkdir()
    for n in range(len(shapes)):
        (raw / "labelsTr" / f"case{n}.nii.gz").touch()
        for c in range(len(channels)):
            (raw / "imagesTr" / f"case{n}_{c:04}.nii.gz").touch()
    names = {"background": 0, **{f"label{n}": n for n in range(1, labels)}}
    (raw / "dataset.json").write_text(json.dumps(
        {"channel_names": dict(enumerate(channels)), "labels": names, "numTraining": training, "file_ending": ".nii.gz",
         "overwrite_image_reader_writer": "SimpleITKIO"}))
    statistics = {str(n): {"max": 9, "mean": 5 + n, "median": 4, "min": 0, "percentile_00_5": 1, "percentile_99_5": 8, "std": 2}
                  for n in range(len(channels))}
    fingerprint = {"foreground_intensity_properties_per_channel": statistics, "median_relative_size_after_cropping": ratio,
                   "shapes_after_crop": shapes, "spacings": spacings}
    (folder / "preprocessed" / dataset).mkdir(parents=True)
    (folder / "preprocessed" / dataset / "dataset_fingerprint.json").write_text(json.dumps(fingerprint))
    case = {"dataset": dataset, "channels": channels, "labels": labels, "training": training, "fingerprint": fingerprint, "plans": {}}
    for kind, planner in planners.items():
        # "meta": networks without memory. The planner only asks for the sizes of their feature maps.
        with contextlib.redirect_stdout(io.StringIO()), torch.device("meta"):
            planner(dataset).plan_experiment()
        plans = json.loads((folder / "preprocessed" / dataset / (planner(dataset).plans_identifier + ".json")).read_text())
        case["plans"][kind] = plans
        configs = plans["configurations"]
        print(name, kind, {c: (v["patch_size"], v["batch_size"]) for c, v in configs.items() if "patch_size" in v}, flush=True)
    out.append(json.dumps(case, separators=(",", ":")))
made = pathlib.Path(__file__).with_name("plans.json")
made.write_text("[\n" + ",\n".join(out) + "\n]\n")
print(len(out), "data sets", made.stat().st_size, "bytes")
