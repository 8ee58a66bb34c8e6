"""Makes resample.json, what resample_test.cpp compares with: formula phantoms on odd grids, resampled by SimpleITK; sheared grids, which ITK
refuses, and smoothing by scipy. Where both can, scipy is held against SimpleITK here.

    python3 resample.py        made with SimpleITK 2.5.7 (ITK 5.4), scipy 1.17.1 and numpy 2.4.6
"""
import json
import math
import pathlib

import numpy
import scipy.ndimage
import SimpleITK

size = (13, 11, 9)
i, j, k = numpy.meshgrid(*map(numpy.arange, size), indexing="ij")
smooth = 100 * numpy.sin(0.7 * i + 0.3 * j) + 50 * numpy.cos(0.9 * k - 0.2 * j) + (7 * i + 13 * j + 29 * k) % 31
labels = (numpy.sin(0.8 * i) + numpy.cos(0.7 * j + 0.3 * k) > 0.4) * 1 + ((2 * i + 3 * j + 5 * k) % 11 > 6) * 4


def turned(x, y, z):
    cx, sx, cy, sy, cz, sz = (f(a) for a in (x, y, z) for f in (math.cos, math.sin))
    return (numpy.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ numpy.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
            @ numpy.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]))


def grid(size, spacing, about, direction=numpy.eye(3), lean=numpy.eye(3)):
    """Axes are the columns of direction * spacing; its middle lies at `about`."""
    axes = direction @ numpy.diag(spacing) @ lean
    return {"size": list(size), "axes": axes.T.tolist(), "origin": (about - axes @ ((numpy.array(size) - 1) / 2)).tolist()}


middle = numpy.array([-31.5, 12.25, 104])
tilt = turned(0.3, -0.2, 0.1)
base = grid(size, (0.7, 0.9, 2.5), middle, tilt)
flat = grid((13, 11, 1), (0.7, 0.9, 2.5), middle, tilt)
sheared = grid(size, (0.7, 0.9, 2.5), middle, tilt, numpy.array([[1, 0, 0], [0, 1, 0.8], [0, 0, 1]]))
swap = numpy.array([[0, 0, -1], [1, 0, 0], [0, -1, 0]], float).T
onto = {
    "finer": (base, grid((9, 8, 7), (0.61, 0.77, 1.9), middle + [0.1, 0.3, -0.2], tilt)),
    "wider": (base, grid((8, 7, 6), (1.3, 1.7, 4.3), middle + tilt @ [0.03, 0.05, 0.26], tilt)),
    "swapped": (base, grid((6, 7, 8), (2.1, 0.8, 1.2), middle, tilt @ swap)),
    "turned": (base, grid((8, 7, 6), (1, 1, 1.5), middle + [0.3, 1, -0.4], turned(-0.4, 0.5, 0.9))),
    "flat": (flat, grid((9, 8, 1), (0.9, 0.97, 1), middle + tilt @ [0.03, 0.05, 0], tilt)),
    "sheared": (sheared, grid((8, 7, 6), (0.8, 0.9, 2), middle, tilt)),
    "onto_sheared": (base, grid((8, 7, 6), (0.8, 0.9, 2), middle, tilt, numpy.array([[1, 0.3, 0], [0, 1, 0.5], [0, 0, 1]]))),
    "shrunk": (base, grid((4, 4, 3), (1.9, 2.1, 6.1), middle, tilt)),
}
itk = {"nearest": SimpleITK.sitkNearestNeighbor, "linear": SimpleITK.sitkLinear, "cubic": SimpleITK.sitkBSpline,
       "lanczos": SimpleITK.sitkLanczosWindowedSinc, "hamming": SimpleITK.sitkHammingWindowedSinc,
       "label_linear": SimpleITK.sitkLabelLinear}
outside = -77


def image_of(values, grid):
    image = SimpleITK.GetImageFromArray(numpy.ascontiguousarray(values.T))
    axes = numpy.array(grid["axes"]).T
    spacing = numpy.linalg.norm(axes, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(grid["origin"])
    return image


def by_itk(values, source, target, name):
    if name == "label_linear":
        values = values.astype("u1")
    like = image_of(numpy.zeros(target["size"]), target)
    out = SimpleITK.Resample(image_of(values, source), like, SimpleITK.Transform(), itk[name],
                             77 if name == "label_linear" else outside)
    return SimpleITK.GetArrayFromImage(out).T.astype("f8")


def by_scipy(values, source, target, name, sigma=None):
    if sigma is not None:
        for axis, one in enumerate(sigma):
            if one > 0:
                values = scipy.ndimage.gaussian_filter1d(values, one, axis, mode="mirror" if name == "cubic" else "nearest",
                                                         radius=math.ceil(4 * one))
    inverse = numpy.linalg.inv(numpy.array(source["axes"]).T)
    index = numpy.stack(numpy.meshgrid(*map(numpy.arange, target["size"]), indexing="ij")).reshape(3, -1)
    world = numpy.array(target["axes"]).T @ index + numpy.array(target["origin"])[:, None]
    at = inverse @ (world - numpy.array(source["origin"])[:, None])
    end = numpy.array(values.shape)[:, None]
    inside = ((at >= -0.5 - 1e-9) & (at < end - 0.5)).all(axis=0)
    order, mode = {"nearest": (0, "nearest"), "linear": (1, "nearest"), "cubic": (3, "mirror")}[name]
    out = scipy.ndimage.map_coordinates(values, at, order=order, mode=mode)
    return numpy.where(inside, out, outside).reshape(target["size"])


def sigma_of(source, target):
    step = numpy.linalg.inv(numpy.array(source["axes"]).T) @ numpy.array(target["axes"]).T
    square = (step ** 2).sum(axis=1)
    return numpy.sqrt(numpy.maximum(square - 1, 0) / (8 * math.log(2)))


cases = []


def add(name, interpolator, values, smoothed=False):
    cases.append({"grid": name, "interpolator": interpolator, "smooth": smoothed,
                  "values": [float(f"{v:.6g}") for v in values.ravel(order="F")]})


for name, (source, target) in onto.items():
    shown = smooth[:, :, :1] if name == "flat" else smooth
    marked = labels[:, :, :1] if name == "flat" else labels
    if "sheared" in name:
        for one in ("nearest", "linear", "cubic"):
            add(name, one, by_scipy(shown, source, target, one))
        continue
    if name == "shrunk":
        for one in ("linear", "cubic"):
            add(name, one, by_scipy(shown, source, target, one, sigma_of(source, target)), True)
        continue
    for one in itk:
        values = by_itk(marked if one == "label_linear" else shown, source, target, one)
        if one in ("nearest", "linear", "cubic") and name != "flat":
            worst = numpy.abs(values - by_scipy(shown, source, target, one)).max()
            assert worst < 1e-6, (name, one, worst)
        add(name, one, values)

grids = {name: {"from": source, "onto": target} for name, (source, target) in onto.items()}
made = pathlib.Path(__file__).with_name("resample.json")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
made.write_text(f'{{"grids":{json.dumps(grids)},\n"cases":[\n{lines}\n]}}\n')
print(len(cases), "cases", made.stat().st_size, "bytes")
