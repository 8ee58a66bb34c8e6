"""Makes warp.json, what warp_test.cpp compares with: formula phantoms moved by affine maps and fields of displacements, by SimpleITK.

    python3 warp.py        made with SimpleITK 2.5.7 (ITK 5.4) and numpy 2.4.6
"""
import json
import math
import pathlib

import numpy
import SimpleITK


def turned(x, y, z):
    cx, sx, cy, sy, cz, sz = (f(a) for a in (x, y, z) for f in (math.cos, math.sin))
    return (numpy.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]]) @ numpy.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
            @ numpy.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]]))


def grid(size, spacing, about, direction):
    """Axes are the columns of direction * spacing; its middle lies at `about`."""
    axes = direction @ numpy.diag(spacing)
    return {"size": list(size), "axes": axes.T.tolist(), "origin": (about - axes @ ((numpy.array(size) - 1) / 2)).tolist()}


def indices(size):
    return numpy.meshgrid(*map(numpy.arange, size), indexing="ij")


def image_of(values, place):
    """Values as [i, j, k] or [i, j, k, component]."""
    vector = values.ndim == 4
    image = SimpleITK.GetImageFromArray(numpy.ascontiguousarray(values.transpose(2, 1, 0, 3) if vector else values.T), isVector=vector)
    axes = numpy.array(place["axes"]).T
    spacing = numpy.linalg.norm(axes, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(place["origin"])
    return image


middle = numpy.array([-31.5, 12.25, 104])
base = grid((17, 15, 13), (0.9, 1.1, 1.6), middle, turned(0.3, -0.2, 0.1))
onto = grid((8, 7, 6), (1.3, 1.2, 1.5), middle + [0.3, 1, -0.4], turned(-0.1, 0.2, 0.3))
coarse = grid((6, 5, 4), (3.1, 3.7, 5.3), middle + [1, -0.5, 0.7], turned(0.2, 0.1, -0.4))

i, j, k = indices(base["size"])
shown = 100 * numpy.sin(0.7 * i + 0.3 * j) + 50 * numpy.cos(0.9 * k - 0.2 * j) + (7 * i + 13 * j + 29 * k) % 31
i, j, k = indices(coarse["size"])
by = numpy.stack([1.5 * numpy.sin(0.9 * i + 0.4 * j) + 0.3, 1.2 * numpy.cos(0.7 * j - 0.5 * k), 0.8 * numpy.sin(i + j + k)], axis=-1)

affine = SimpleITK.AffineTransform(3)
affine.SetMatrix((turned(0.05, -0.04, 0.1) @ numpy.array([[1.05, 0.02, 0], [0, 0.97, 0.03], [0.01, 0, 1.02]])).ravel().tolist())
affine.SetCenter(middle.tolist())
affine.SetTranslation((0.7, -0.4, 0.9))


def field():
    return SimpleITK.DisplacementFieldTransform(image_of(by, coarse))


maps = {"affine": [affine], "field": [field()], "affine_field": [affine, field()], "field_affine": [field(), affine]}
cases = []
for name, steps in maps.items():
    # What is added last is done first.
    both = SimpleITK.CompositeTransform(list(reversed(steps)))
    points = [list(middle + p) for p in ([0, 0, 0], [3, -2, 4], [-5, 4.5, -6], [60, 0, 0])]
    places = [list(both.TransformPoint(p)) for p in points]
    for word, one in (("nearest", SimpleITK.sitkNearestNeighbor), ("linear", SimpleITK.sitkLinear), ("cubic", SimpleITK.sitkBSpline)):
        out = SimpleITK.Resample(image_of(shown, base), image_of(numpy.zeros(onto["size"]), onto), both, one, -77)
        values = SimpleITK.GetArrayFromImage(out).T
        cases.append({"steps": name.split("_"), "interpolator": word, "points": points, "places": places,
                      "values": [float(f"{v:.7g}") for v in values.ravel(order="F")]})

matrix = numpy.array(affine.GetMatrix()).reshape(3, 3)
offset = numpy.array(affine.TransformPoint((0.0, 0.0, 0.0)))
text = {"base": base, "onto": onto, "coarse": coarse, "matrix": matrix.tolist(), "offset": offset.tolist()}
made = pathlib.Path(__file__).with_name("warp.json")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
made.write_text(json.dumps(text)[:-1] + f',\n"cases":[\n{lines}\n]}}\n')
print(len(cases), "cases", made.stat().st_size, "bytes")
