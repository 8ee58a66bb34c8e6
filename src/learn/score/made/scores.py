"""Makes scores.json, what reference_test.cpp compares with: label maps of formulas, measured by MedPy, MONAI, nnU-Net's definitions,
DeepMind's surface-distance, SciPy and scikit-learn. The test makes the same maps by the same formulas (whole numbers).

    python scores.py        made with the versions that scores.json names

Where they differ:
- hd95: MONAI takes the larger of both directions' percentiles (our hd95), MedPy the percentile of both together
  (hd95_pooled); surface-distance weighs by surface area, on a surface between voxels: not compared
- assd: MedPy's and MONAI's (symmetric=True) agree
- nsd: surface-distance, the authors' own program, weighs by area (our nsd); MONAI counts voxels of the border
  (nsd_voxels), which is lower
"""
import importlib.metadata
import json
import math
import pathlib

import medpy.metric.binary as medpy
import numpy
import scipy.ndimage
import scipy.stats
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance, compute_surface_dice
from sklearn import metrics

numpy.Inf = numpy.inf  # surface-distance 0.1 is older than NumPy 2
scipy.ndimage.filters = scipy.ndimage.morphology = scipy.ndimage
import surface_distance


def ellipsoid(size, centre, axes):
    i, j, k = numpy.meshgrid(*map(numpy.arange, size), indexing="ij")
    p, q, r = (a * a for a in axes)
    return (i - centre[0]) ** 2 * q * r + (j - centre[1]) ** 2 * p * r + (k - centre[2]) ** 2 * p * q <= p * q * r


def label_map(size, shapes):
    """Later ones over earlier ones: [value, centre, axes]."""
    if shapes and shapes[0][0] == "noise":
        return noise(size, *shapes[0][1:])
    out = numpy.zeros(size, dtype=int)
    for value, *numbers in shapes:
        out[ellipsoid(size, numbers[:3], numbers[3:])] = value
    return out


def noise(size, seed, one_in):
    """Labels 0 to 2: surfaces with every kind of corner."""
    i, j, k = numpy.meshgrid(*map(lambda n: numpy.arange(n, dtype=numpy.uint64), size), indexing="ij")
    with numpy.errstate(over="ignore"):
        n = (i + numpy.uint64(size[0]) * (j + numpy.uint64(size[1]) * k) + numpy.uint64(seed)) * numpy.uint64(0x9E3779B97F4A7C15)
        n = (n ^ (n >> numpy.uint64(29))) * numpy.uint64(0xBF58476D1CE4E5B9)
        n = n ^ (n >> numpy.uint64(32))
    n = (n % numpy.uint64(one_in)).astype(int)
    return numpy.where(n < 3, n, 0)


CASES = [
    dict(size=(30, 26, 20), spacing=(1.0, 1.0, 1.0), tolerance=1.0,
         found=[[1, 12, 12, 9, 8, 7, 6], [2, 14, 13, 10, 3, 4, 3]], truth=[[1, 13, 12, 10, 8, 8, 6], [2, 13, 13, 9, 4, 4, 3]]),
    dict(size=(24, 31, 11), spacing=(0.7, 0.8, 3.5), tolerance=2.0,
         found=[[1, 12, 15, 5, 9, 10, 3], [2, 7, 15, 5, 3, 6, 2]], truth=[[1, 11, 16, 5, 8, 11, 4], [2, 6, 14, 6, 3, 5, 3]]),
    dict(size=(40, 36, 1), spacing=(0.6, 0.5, 1.0), tolerance=1.0,
         found=[[1, 20, 18, 0, 13, 12, 1], [2, 16, 20, 0, 5, 6, 1]], truth=[[1, 21, 17, 0, 12, 12, 1], [2, 17, 20, 0, 6, 5, 1]]),
    # one slice of several, a second part far off, a label beyond the border
    dict(size=(28, 24, 6), spacing=(1.0, 1.2, 4.0), tolerance=2.0,
         found=[[1, 10, 10, 3, 6, 5, 1], [2, 25, 20, 1, 5, 5, 1]], truth=[[1, 11, 10, 3, 6, 6, 1], [2, 24, 19, 1, 6, 4, 2], [2, 3, 20, 4, 2, 2, 1]]),
    dict(size=(13, 11, 9), spacing=(0.7, 1.9, 1.2), tolerance=1.0, found=[["noise", 5, 4]], truth=[["noise", 6, 5]]),
    dict(size=(19, 23, 1), spacing=(0.7, 1.9, 1.0), tolerance=0.8, found=[["noise", 7, 4]], truth=[["noise", 8, 5]]),
]
LABELS = [("one", [1]), ("two", [2]), ("both", [1, 2])]


def flat(mask):
    return mask[:, :, 0] if mask.shape[2] == 1 else mask


def scored(a, b, spacing, tolerance):
    spacing = spacing[:a.ndim]
    ta, tb = (torch.tensor(m)[None, None] for m in (a, b))
    of_area = surface_distance.compute_surface_distances(b, a, spacing)
    voxel = float(numpy.prod(spacing))
    return {
        "dice": medpy.dc(a, b), "jaccard": medpy.jc(a, b), "sensitivity": medpy.sensitivity(a, b),
        "precision": medpy.precision(a, b), "specificity": medpy.specificity(a, b),
        "volume_difference": medpy.ravd(a, b), "volume_error": abs(medpy.ravd(a, b)),
        "volume_difference_ml": (int(a.sum()) - int(b.sum())) * voxel / 1000,
        "hd95": compute_hausdorff_distance(ta, tb, include_background=True, percentile=95, spacing=spacing).item(),
        "hd95_pooled": medpy.hd95(a, b, voxelspacing=spacing),
        "assd": medpy.assd(a, b, voxelspacing=spacing),
        "assd_monai": compute_average_surface_distance(ta, tb, include_background=True, symmetric=True, spacing=spacing).item(),
        "nsd_voxels": compute_surface_dice(ta, tb, [tolerance], include_background=True, spacing=spacing).item(),
        "nsd": surface_distance.compute_surface_dice_at_tolerance(of_area, tolerance),
    }


for case in CASES:
    found, truth = (label_map(case["size"], case[which]) for which in ("found", "truth"))
    case["scores"] = {name: {key: float(value) for key, value in scored(
        flat(numpy.isin(found, values)), flat(numpy.isin(truth, values)), case["spacing"], case["tolerance"]).items()}
        for name, values in LABELS}


class Stream:
    """Numbers in [0, 1): Knuth's linear congruential generator, its upper 53 bits."""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) & ((1 << 64) - 1)
        return (self.state >> 11) * 2.0**-53


def permuted_p(differences):
    """All signs, with ties and without zeros: the definition."""
    d = [x for x in differences if x != 0]
    ranks = scipy.stats.rankdata(numpy.abs(d))
    less = min(ranks[numpy.array(d) > 0].sum(), ranks[numpy.array(d) < 0].sum())
    count = sum(sum(r for bit, r in enumerate(ranks) if sign >> bit & 1) <= less for sign in range(1 << len(d)))
    return min(1.0, 2 * count / 2 ** len(d))


tests = []
for seed, count, steps, shift in [(1, 5, 0, .2), (2, 12, 0, .1), (3, 50, 0, .05), (4, 12, 5, .1), (5, 14, 3, .2), (6, 300, 0, .03), (7, 400, 20, .02), (8, 1, 0, 0)]:
    u = Stream(seed)
    values = [u() - .5 + shift for _ in range(count)]
    if steps:
        values = [math.floor(v * steps) / steps for v in values]
    exact = not steps and count <= 200
    if exact:
        p = scipy.stats.wilcoxon(values, method="exact").pvalue
    elif count <= 14:
        p = permuted_p(values)
    else:
        p = scipy.stats.wilcoxon(values, method="asymptotic", correction=True).pvalue
    tests.append({"differences": values, "p": float(p), "statistic": float(scipy.stats.wilcoxon(values).statistic) if count > 1 else 0.0})

rocs = []
for seed, count, sharp in [(11, 5000, 1.0), (12, 5000, 12.0), (13, 400, 3.0)]:
    u = Stream(seed)
    p, y = [], []
    for _ in range(count):
        positive = u() < .15
        logit = sharp * (u() + u() + u() - 1.5 + (.5 if positive else -.5))
        y.append(int(positive))
        p.append(float(numpy.float32(1 / (1 + math.exp(-logit)))))
    rocs.append({"seed": seed, "count": count, "sharp": sharp, "auc": metrics.roc_auc_score(y, p),
                 "half": [int(v) for v in metrics.confusion_matrix(y, numpy.array(p) >= .5).flatten()]})

made_by = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in
                    ("medpy", "monai", "surface-distance", "scipy", "scikit-learn", "numpy", "torch"))
path = pathlib.Path(__file__).with_name("scores.json")
path.write_text("{\n" + f'"made_by": {json.dumps(made_by)},\n' + ",\n".join(
    f'"{name}": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    for name, rows in (("cases", CASES), ("tests", tests), ("rocs", rocs))) + "\n}\n")
