"""Makes measures.json, what surface_distance_test.cpp and shape_test.cpp compare with: masks of formulas on odd spacings, measured by MONAI,
scipy, SimpleITK and numpy. Masks are made again in the tests by the same formulas (whole numbers: no rounding between languages).

    python3 measures.py        made with MONAI 1.6.1, PyTorch 2.15.0, scipy 1.17.1, SimpleITK 2.5.7 and numpy 2.4.6
"""
import json
import pathlib

import numpy
import scipy.ndimage as ndimage
import SimpleITK
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice

grids = [((24, 20, 16), (1.0, 1.0, 1.0)), ((31, 17, 9), (0.7, 0.8, 2.5)), ((15, 30, 22), (3.0, 0.4, 0.9)), ((40, 33, 1), (0.6, 0.6, 1.0))]
cases = []


def ellipsoid(size, centre, axes):
    """(i - a)^2 q r + (j - b)^2 p r + (k - c)^2 p q <= p q r, in whole numbers: p = axis^2."""
    i, j, k = numpy.meshgrid(*map(numpy.arange, size), indexing="ij")
    p, q, r = (a * a for a in axes)
    return (i - centre[0]) ** 2 * q * r + (j - centre[1]) ** 2 * p * r + (k - centre[2]) ** 2 * p * q <= p * q * r


def noise(size, seed, one_in):
    i, j, k = numpy.meshgrid(*map(lambda n: numpy.arange(n, dtype=numpy.uint64), size), indexing="ij")
    with numpy.errstate(over="ignore"):
        n = (i + numpy.uint64(size[0]) * (j + numpy.uint64(size[1]) * k) + numpy.uint64(seed)) * numpy.uint64(0x9E3779B97F4A7C15)
        n = (n ^ (n >> numpy.uint64(29))) * numpy.uint64(0xBF58476D1CE4E5B9)
        n = n ^ (n >> numpy.uint64(32))
    return n % numpy.uint64(one_in) == 0


def made(size, recipe):
    kind, *numbers = recipe
    return ellipsoid(size, numbers[:3], numbers[3:]) if kind == "ellipsoid" else noise(size, *numbers)


def by_monai(a, b, spacing, tolerance):
    flat = a.shape[2] == 1
    if flat:  # MONAI takes a slice as 2D
        a, b, spacing = a[:, :, 0], b[:, :, 0], spacing[:2]
    ta, tb = (torch.tensor(m)[None, None] for m in (a, b))
    return {
        "hausdorff": compute_hausdorff_distance(ta, tb, include_background=True, spacing=spacing).item(),
        "hd95": compute_hausdorff_distance(ta, tb, include_background=True, percentile=95, spacing=spacing).item(),
        "mean": compute_average_surface_distance(ta, tb, include_background=True, symmetric=True, spacing=spacing).item(),
        "dice": compute_surface_dice(ta, tb, [tolerance], include_background=True, spacing=spacing).item(),
    }


def by_scipy(a, b, spacing, tolerance):
    """The definition in so many words; in double."""
    flat = a.shape[2] == 1
    if flat:
        a, b, spacing = a[:, :, 0], b[:, :, 0], spacing[:2]
    border_a, border_b = (m & ~ndimage.binary_erosion(m) for m in (a, b))
    ab = ndimage.distance_transform_edt(~border_b, sampling=spacing)[border_a]
    ba = ndimage.distance_transform_edt(~border_a, sampling=spacing)[border_b]
    both = numpy.concatenate([ab, ba])
    return {"hausdorff": both.max(), "hd95": max(numpy.percentile(ab, 95), numpy.percentile(ba, 95)), "mean": both.mean(),
            "dice": (both <= tolerance).mean(), "surface_a": int(border_a.sum()), "surface_b": int(border_b.sum()),
            "mean_a_to_b": ab.mean(), "mean_b_to_a": ba.mean()}


def furthest(mask, spacing):
    """Over all pairs of middles between a voxel inside and its neighbour outside."""
    padded = numpy.pad(mask, 1)
    points = []
    for axis in range(3):
        step = numpy.zeros(3, int)
        step[axis] = 1
        after = numpy.roll(padded, -1, axis)
        points.append(numpy.argwhere(padded != after) - 1 + step / 2)
    points = numpy.concatenate(points) * spacing
    most = 0.0
    for at in range(0, len(points), 256):
        most = max(most, ((points[at:at + 256, None] - points[None]) ** 2).sum(-1).max())
    return most ** 0.5


def in_slice(mask, spacing):
    best = 0.0
    for k in range(mask.shape[2]):
        points = [numpy.argwhere(numpy.diff(numpy.pad(mask[:, :, k], 1).astype(int), axis=axis)) - 1 + numpy.eye(2)[axis] / 2 for axis in (0, 1)]
        points = numpy.concatenate(points) * spacing[:2]
        if len(points):
            best = max(best, ((points[:, None] - points[None]) ** 2).sum(-1).max() ** 0.5)
    return best


def shape(mask, spacing):
    places = numpy.argwhere(mask) * spacing
    image = SimpleITK.GetImageFromArray(numpy.ascontiguousarray(mask.T.astype("u1")))
    image.SetSpacing(spacing)
    stats = SimpleITK.LabelShapeStatisticsImageFilter()
    stats.Execute(image)
    values = numpy.sort(numpy.linalg.eigvalsh(numpy.cov(places.T, bias=True)))[::-1]
    assert numpy.allclose(stats.GetCentroid(1), places.mean(0))
    return {"voxels": int(mask.sum()), "volume": stats.GetPhysicalSize(1), "centre": places.mean(0).tolist(),
            "spread": numpy.sqrt(numpy.maximum(values, 0)).tolist(), "longest": furthest(mask, numpy.array(spacing)),
            "in_slice": in_slice(mask, numpy.array(spacing)), "components": int(ndimage.label(mask, numpy.ones((3, 3, 3)))[1])}


for size, spacing in grids:
    n = numpy.array(size)
    middle, small = (n // 2).tolist(), numpy.maximum(n // 4, 1).tolist()
    pairs = [
        (["ellipsoid", *middle, *numpy.maximum(n // 3, 1).tolist()], ["ellipsoid", *(n // 2 - (n > 4)).tolist(), *small]),
        (["ellipsoid", *middle, *small], ["ellipsoid", *(n // 3).tolist(), *small]),
        (["ellipsoid", 0, 0, 0, *numpy.maximum(n // 2, 1).tolist()], ["noise", 5, 40]),
        (["noise", 1, 2], ["noise", 2, 3]),
        (["noise", 3, 500], ["noise", 4, 500]),
    ]
    for a, b in pairs:
        first, second = made(size, a), made(size, b)
        tolerance = 1.25 * max(spacing)
        monai = by_monai(first, second, spacing, tolerance)
        ours = by_scipy(first, second, spacing, tolerance)
        for name, value in monai.items():
            assert abs(value - ours[name]) < 1e-4, (size, a, b, name, value, ours[name])
        both = int((first & second).sum())
        cases.append({"size": size, "spacing": spacing, "a": a, "b": b, "tolerance": tolerance, **{k: float(v) for k, v in ours.items()},
                      "both": both, "shape": shape(first, spacing)})

pathlib.Path(__file__).with_name("measures.json").write_text(
    '{"cases":[\n' + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]}\n")
print(len(cases), "cases")
