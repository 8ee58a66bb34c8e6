"""Rows "components", "distance-map" and "surface-distance": masks of 256^3 voxels, measured by MONAI, SimpleITK, cc3d and scipy.

Usage: measure.py components|distance-map|surface-distance THREADS. The shortest of several calls; scipy's, which take seconds, once.
"""
import sys
import warnings

import numpy
import scipy.ndimage as ndimage
import SimpleITK

from peer import report, versions, wall

what, threads = sys.argv[1], int(sys.argv[2])
SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
warnings.simplefilter("ignore")


def ball(centre, radius=80, size=256):
    x, y, z = (numpy.arange(size) - c for c in centre)
    return ((x * x)[None, None, :] + (y * y)[None, :, None] + (z * z)[:, None, None] <= radius * radius)


def row(way, work, calls=5):
    best = float("inf")
    for _ in range(calls):
        start = wall()
        work()
        best = min(best, wall() - start)
    report(way, best, "s", memory=True)


def surface_distances(a, b):
    """As in SimpleITK's and scipy's own examples: distance maps of the borders, read at the other border."""
    border_a, border_b = (m & ~ndimage.binary_erosion(m) for m in (a, b))
    ab = ndimage.distance_transform_edt(~border_b)[border_a]
    ba = ndimage.distance_transform_edt(~border_a)[border_b]
    return max(numpy.percentile(ab, 95), numpy.percentile(ba, 95)), numpy.concatenate([ab, ba]).mean()


def by_itk(a, b):
    border_a, border_b = SimpleITK.LabelContour(a), SimpleITK.LabelContour(b)
    far_a, far_b = (SimpleITK.GetArrayFromImage(SimpleITK.Abs(SimpleITK.SignedMaurerDistanceMap(m, squaredDistance=False)))
                    for m in (border_a, border_b))
    ab = far_b[SimpleITK.GetArrayFromImage(border_a) > 0]
    ba = far_a[SimpleITK.GetArrayFromImage(border_b) > 0]
    return max(numpy.percentile(ab, 95), numpy.percentile(ba, 95)), numpy.concatenate([ab, ba]).mean()


first = ball((128, 128, 128))
image = SimpleITK.GetImageFromArray(first.astype("u1"))
if what == "components":
    import cc3d
    versions("connected-components-3d", "SimpleITK")
    marks = first.astype("u1")
    row("cc3d, 26 neighbours", lambda: cc3d.connected_components(marks, connectivity=26))
    row("SimpleITK, 26 neighbours", lambda: SimpleITK.ConnectedComponent(image, True))
elif what == "distance-map":
    versions("SimpleITK", "scipy")
    row("SimpleITK, signed, Maurer", lambda: SimpleITK.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True))
    row("scipy, one side", lambda: ndimage.distance_transform_edt(first), calls=1)
else:
    import torch
    from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance
    torch.set_num_threads(threads)
    versions("monai", "torch", "SimpleITK", "scipy")
    second = ball((130, 126, 131))
    a, b = (torch.from_numpy(m)[None, None] for m in (first, second))
    row("MONAI, HD95, then average", lambda: (
        compute_hausdorff_distance(a, b, include_background=True, percentile=95, spacing=[1, 1, 1]),
        compute_average_surface_distance(a, b, include_background=True, symmetric=True, spacing=[1, 1, 1])))
    row("MONAI, HD95 alone", lambda: compute_hausdorff_distance(a, b, include_background=True, percentile=95, spacing=[1, 1, 1]))
    other = SimpleITK.GetImageFromArray(second.astype("u1"))
    row("SimpleITK, HD95 and average", lambda: by_itk(image, other), calls=3)
    row("scipy, HD95 and average", lambda: surface_distances(first, second), calls=1)
