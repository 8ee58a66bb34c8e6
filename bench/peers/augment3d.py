"""Rows "augment-3d-*" with batchgeneratorsv2's transforms as nnU-Net puts them together, in one process on one thread.

Usage: augment3d.py K J I. The first way starts from boxes in memory, the second reads them as nnU-Net's loader does, from its
blosc2 files. Each call is one patch.
"""
import os

os.environ.update(OMP_NUM_THREADS="1", nnUNet_def_n_proc="1")
import pathlib
import sys
import tempfile

import numpy as np
import torch
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
from nnunetv2.training.dataloading.nnunet_dataset import comp_blosc2_params, nnUNetDatasetBlosc2
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from peer import best_rate, processor, report, versions

torch.set_num_threads(1)
versions("nnunetv2", "batchgeneratorsv2", "torch")
patch = tuple(map(int, sys.argv[1:4]))
turn = 30 / 180 * np.pi
box = [int(n) for n in get_patch_size(patch, (-turn, turn), (-turn, turn), (-turn, turn), (0.85, 1.25))]
transforms = nnUNetTrainer.get_training_transforms(patch, (-turn, turn), None, (0, 1, 2), False, use_mask_for_norm=[False])


def case(size, key):
    rng = np.random.default_rng(key)
    axes = [2 * np.arange(n) / n - 1 for n in size]
    radius = np.sqrt(sum(a ** 2 for a in np.meshgrid(*axes, indexing="ij")))
    labels = np.select([radius < 0.3, radius < 0.45, radius < 0.7], [3, 2, 1], 0).astype(np.int8)
    return (labels - 1 + rng.normal(0, 0.3, size)).astype(np.float32)[None], labels[None]


class Labels:
    has_ignore_label, all_labels = False, [0, 1, 2, 3]


with tempfile.TemporaryDirectory() as folder, torch.inference_mode():
    size = [n * 5 // 4 for n in box] if np.prod(patch) > 1 << 20 else patch
    blocks, chunks = comp_blosc2_params((1, *size), patch)
    for n in range(4):
        image, labels = case(size, n)
        places = {label: np.argwhere(labels == label)[:10000] for label in (1, 2, 3)}
        nnUNetDatasetBlosc2.save_case(image, labels, {"class_locations": places}, str(pathlib.Path(folder) / str(n)),
                                      chunks=chunks, blocks=blocks, chunks_seg=chunks, blocks_seg=blocks)
    data = nnUNetDatasetBlosc2(folder)
    plain = nnUNetDataLoader(data, 2, box, patch, Labels, 0.33)
    boxes = [(b["data"][n], b["target"][n]) for b in (next(plain) for _ in range(4)) for n in range(2)]
    turns = iter(range(1 << 60))

    def transform():
        image, labels = boxes[next(turns) % len(boxes)]
        transforms(image=image.clone(), segmentation=labels.clone())


    report("batchgeneratorsv2", best_rate(5, 1, processor, transform), "patches/s")
    loader = nnUNetDataLoader(data, 2, box, patch, Labels, 0.33, transforms=transforms)
    report("the same, from blosc2 files", best_rate(5, 2, processor, lambda: next(loader)), "patches/s")
