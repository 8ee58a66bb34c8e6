"""Writes reference.json beside this file: what nnU-Net and batchgeneratorsv2 make of one small case.

Made with Python 3.11, torch 2.15.0, nnunetv2 2.8.1, batchgeneratorsv2 0.3.6, batchgenerators 0.25.5.
The tests read the file only; nothing needs Python to build or to test.
"""
import json
import pathlib
from importlib import metadata

import numpy as np
import torch
from batchgeneratorsv2.transforms.intensity.contrast import ContrastTransform
from batchgeneratorsv2.transforms.intensity.gamma import GammaTransform
from batchgeneratorsv2.transforms.noise.gaussian_blur import blur_dimension
from batchgeneratorsv2.transforms.spatial.low_resolution import SimulateLowResolutionTransform
from batchgeneratorsv2.transforms.spatial.spatial import SpatialTransform
from batchgeneratorsv2.transforms.utils.deep_supervision_downsampling import DownsampleSegForDSTransform
from batchgeneratorsv2.transforms.utils.pseudo2d import Convert2DTo3DTransform, Convert3DTo2DTransform
from nnunetv2.training.data_augmentation.compute_initial_patch_size import get_patch_size
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader

SIZE = (7, 9, 10)


def case():
    """Voxel (k, j, i) is (37 i + 91 j + 13 i j + 57 k) mod 251 / 50 - 2; its label (i / 3 + j / 4 + k / 5) mod 4 (whole
    numbers), -1 in the first column i."""
    k, j, i = np.mgrid[0:SIZE[0], 0:SIZE[1], 0:SIZE[2]]
    image = ((37 * i + 91 * j + 13 * i * j + 57 * k) % 251).astype(np.float32) / 50 - 2
    labels = ((i // 3 + j // 4 + k // 5) % 4).astype(np.int16)
    labels[:, :, :1] = -1
    return torch.from_numpy(image)[None], torch.from_numpy(labels)[None]


def numbers(array):
    return [round(float(v), 4) for v in np.asarray(array).ravel()]


def whole(array):
    return [int(v) for v in np.asarray(array).ravel()]


def turned(patch, degrees, scale, in_plane):
    image, labels = case()
    data = dict(image=image, segmentation=labels)
    flat = patch[0] == 1
    if flat:
        data = {name: array[:, 3] for name, array in data.items()}
    if in_plane:
        data = Convert3DTo2DTransform()(**data)
    angles = iter(np.radians(degrees))
    transform = SpatialTransform(
        patch[1:] if flat or in_plane else patch, 0, False, p_rotation=1, rotation=lambda **_: next(angles), p_scaling=1,
        scaling=(scale, scale), p_synchronize_scaling_across_axes=1, border_mode_seg="constant", padding_value_seg=-1)
    data = transform(**data)
    if in_plane:
        data = Convert2DTo3DTransform()(**data)
    return dict(patch=patch, degrees=degrees, scale=scale, in_plane=in_plane,
                values=numbers(data["image"]), labels=whole(data["segmentation"]))


def bounds(size, patch, box):
    """Least and greatest corner of the box, over many draws of nnU-Net's loader."""
    loader = nnUNetDataLoader.__new__(nnUNetDataLoader)
    loader.patch_size, loader.need_to_pad = box, np.array(box) - np.array(patch)
    loader.has_ignore = False
    drawn = np.array([loader.get_bbox(np.array(size), False, None)[0] for _ in range(3000)])
    return dict(size=size, patch=patch, box=box, least=whole(drawn.min(0)), most=whole(drawn.max(0)))


def main():
    np.random.seed(1)
    image, labels = case()
    turns = [turned((5, 7, 6), (20, -25, 30), 1.0, False), turned((5, 7, 6), (0, 0, 0), 0.8, False),
             turned((7, 9, 10), (-10, 15, 5), 1.3, False), turned((1, 7, 8), (0, 40), 0.9, False),
             turned((7, 5, 6), (0, -130), 1.2, True)]

    blurs = []
    for deviations in ((0.5, 0.75, 1.0), (0.9, 0.58, 0.51)):
        out = image
        for axis, deviation in enumerate(deviations):
            out = blur_dimension(out, deviation, axis)
        blurs.append(dict(deviations=deviations, values=numbers(out)))

    coarse = []
    for zoom in ((0.6, 0.6, 0.6), (1, 0.53, 0.53), (0.93, 0.93, 0.93)):
        transform = SimulateLowResolutionTransform((0.5, 1), False, True, None)
        out = transform._apply_to_image(image.clone(), apply_to_channel=torch.tensor([0]), scales=torch.tensor([zoom]))
        coarse.append(dict(zoom=zoom, values=numbers(out)))

    contrast = [dict(factor=f, values=numbers(ContrastTransform((f, f), True, False)(image=image.clone())["image"]))
                for f in (0.75, 1.2)]
    gamma = [dict(exponent=g, inverted=inverted,
                  values=numbers(GammaTransform((g, g), float(inverted), False, 1, 1)(image=image.clone())["image"]))
             for g in (0.7, 1.5) for inverted in (False, True)]

    small = []
    for scale in (0.5, 0.25):
        out = DownsampleSegForDSTransform([scale])(segmentation=labels.clone())["segmentation"][0]
        small.append(dict(size=list(out.shape[1:]), labels=whole(out)))

    boxes = []
    for patch in ((40, 56, 40), (128, 128, 128), (96, 160, 160), (1, 512, 512), (1, 320, 192), (20, 256, 224)):
        flat = patch[0] == 1
        plain = patch[1:] if flat else patch
        in_plane = not flat and max(patch) / patch[0] > 3
        degrees = (15 if max(plain) / min(plain) > 1.5 else 180) if flat else 180 if in_plane else 30
        box = whole(get_patch_size(plain, *3 * [(-np.radians(degrees), np.radians(degrees))], (0.85, 1.25)))
        if in_plane or flat:
            box = [patch[0], *(box if flat else box[1:])]
        boxes.append(dict(patch=patch, in_plane=in_plane, degrees=degrees, box=box))

    corners = [bounds(*row) for row in (((30, 40, 50), (20, 20, 20), (20, 20, 20)), ((30, 24, 22), (20, 20, 20), (25, 26, 31)),
                                        ((18, 21, 9), (16, 20, 20), (17, 25, 30)), ((12, 40, 40), (1, 32, 32), (1, 45, 38)))]

    versions = {name: metadata.version(name) for name in ("torch", "nnunetv2", "batchgeneratorsv2", "batchgenerators")}
    out = dict(versions=versions, turned=turns, blur=blurs, low_resolution=coarse, contrast=contrast, gamma=gamma,
               nearest=small, box=boxes, corner=corners)
    text = json.dumps(out).replace(" {", "\n {")
    pathlib.Path(__file__).with_name("reference.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
