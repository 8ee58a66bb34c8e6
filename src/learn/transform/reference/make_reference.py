"""Writes reference.json beside this file: what OpenCV, PyTorch and SciPy make of one small picture.

Made with Python 3.11, numpy 2.4.6, torch 2.15.0, scipy 1.17.1, opencv-python-headless 5.0.0.93.
The tests read the file only; nothing needs Python to build or to test.
"""
import json
import math
import pathlib

import cv2
import numpy as np
import scipy
import torch
from scipy import ndimage

WIDTH, HEIGHT = 11, 9


def picture():
    """Pixel (x, y) is (37 x + 91 y + 13 x y) mod 251: the tests make the same one."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((37 * x + 91 * y + 13 * x * y) % 251).astype(np.float32)


def numbers(array):
    return [round(float(v), 4) for v in np.asarray(array).ravel()]


def resized(image, width, height, method):
    if method == "area":
        return cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    mode = {"linear": "bilinear", "cubic": "bicubic"}[method]
    tensor = torch.from_numpy(image)[None, None]
    return torch.nn.functional.interpolate(tensor, (height, width), mode=mode, align_corners=False)


def moved(image, degrees, scale, right, down, shear):
    """The forward motion (y down) is inverted by numpy and read by grid_sample, border padding."""
    a, lean = math.radians(degrees), math.tan(math.radians(shear))
    turn = np.array([[math.cos(a), math.sin(a)], [-math.sin(a), math.cos(a)]])
    back = np.linalg.inv(scale * turn @ np.array([[1, -lean], [0, 1]]))
    size = np.array([WIDTH, HEIGHT])
    # From pixels about the centre to grid_sample's -1 ... 1 with align_corners=False.
    matrix = back * size[None, :] / size[:, None]
    offset = -(back @ np.array([right, down])) * 2 / size
    theta = torch.tensor(np.column_stack([matrix, offset]), dtype=torch.float64)[None]
    grid = torch.nn.functional.affine_grid(theta, (1, 1, HEIGHT, WIDTH), align_corners=False)
    tensor = torch.from_numpy(image).double()[None, None]
    return torch.nn.functional.grid_sample(
        tensor, grid, mode="bilinear", padding_mode="border", align_corners=False)


def main():
    image = picture()
    resizes = [("area", 4, 3), ("area", 7, 9), ("area", 1, 1), ("linear", 16, 13), ("linear", 7, 5),
               ("cubic", 16, 13), ("cubic", 7, 5)]
    motions = [dict(degrees=17, scale=1, right=0, down=0, shear=0),
               dict(degrees=0, scale=1.3, right=0, down=0, shear=0),
               dict(degrees=0, scale=1, right=2.25, down=-1.5, shear=0),
               dict(degrees=0, scale=1, right=0, down=0, shear=12),
               dict(degrees=-33, scale=0.8, right=-1, down=0.5, shear=-7)]
    reference = {
        "versions": {"numpy": np.__version__, "torch": torch.__version__, "scipy": scipy.__version__,
                     "opencv": cv2.__version__},
        "resize": [dict(method=m, width=w, height=h, values=numbers(resized(image, w, h, m)))
                   for m, w, h in resizes],
        "affine": [dict(**m, values=numbers(moved(image, **m))) for m in motions],
        "blur": [dict(sigma=s, values=numbers(ndimage.gaussian_filter(
            image.astype(np.float64), s, mode="nearest", truncate=4.0))) for s in (0.6, 1.0, 2.5)],
    }
    lines = json.dumps(reference).replace("}, {", "},\n {").replace("], \"", "],\n \"")
    pathlib.Path(__file__).with_name("reference.json").write_text(lines + "\n")


main()
