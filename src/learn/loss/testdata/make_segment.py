"""Writes segment.json: losses of segmentation and their gradients by nnU-Net, MONAI and PyTorch for segment_test.cpp.

Run with: python make_segment.py   (nnunetv2 2.8.1, monai 1.6.1, torch 2.15.0). The inputs are written too: the
test needs no Python. nnU-Net sums in float32, the others in float64 here; "near" says which.

Theirs and ours differ by constants, which are put in here: nnU-Net's Dice is 1 less; MONAI's softmax focal is
divided by the classes too unless there is an ignored label; nnU-Net's BCE with an ignored label is divided by voxels
but not by regions (point_weight makes up for it).
"""
import importlib.metadata
import json
import pathlib

import torch
from batchgeneratorsv2.transforms.utils.deep_supervision_downsampling import DownsampleSegForDSTransform
from monai.losses import DiceCELoss, DiceFocalLoss, DiceLoss, FocalLoss, GeneralizedDiceLoss, TverskyLoss
from nnunetv2.training.loss.compound_losses import DC_and_BCE_loss, DC_and_CE_loss
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
from nnunetv2.utilities.helpers import softmax_helper_dim1
from torch.nn import functional as F

torch.manual_seed(7)
REGIONS = [[1, 2, 3], [2, 3], [3]]
IGNORE = 4


def logits(*shape):
    return (torch.randn(*shape, dtype=torch.float64) * 2).round(decimals=3)


FLAT = logits(2, 3, 3, 4)
SOLID = logits(2, 3, 2, 3, 4)
FLAT_LABELS = torch.randint(0, 3, (2, 3, 4))
FLAT_LABELS[1][FLAT_LABELS[1] == 2] = 0  # the second sample lacks class 2
SOLID_LABELS = torch.randint(0, 3, (2, 2, 3, 4))
FLAT_IGNORED = FLAT_LABELS.clone()
FLAT_IGNORED[0, 0, :3] = FLAT_IGNORED[1, 2, 1:] = IGNORE
REGION_LABELS = torch.randint(0, 4, (2, 2, 3, 4))
REGION_IGNORED = REGION_LABELS.clone()
REGION_IGNORED[0, 0, 1] = REGION_IGNORED[1, 1, :, 2] = IGNORE
NO_FOREGROUND = torch.zeros_like(FLAT_LABELS)
ONE = logits(1, 2, 1, 1)
ONE_LABEL = torch.ones(1, 1, 1, dtype=torch.int64)
DEEP = [logits(2, 3, 8, 6), logits(2, 3, 4, 3), logits(2, 3, 2, 2), logits(2, 3, 1, 1)]
DEEP_SCALES = [(1, 1), (.5, .5), (.25, 1 / 3), (.125, 1 / 6)]
DEEP_LABELS = torch.randint(0, 3, (2, 8, 6))
WEIGHTS = torch.tensor([0.5, 2.0, 1.25], dtype=torch.float64)


def onehot(y):
    return torch.stack([sum((y == value) for value in region) > 0 for region in REGIONS], 1).double()


def nnunet_dice(batch=False, background=False, smooth=1e-5):
    dice = MemoryEfficientSoftDiceLoss(softmax_helper_dim1, batch, background, smooth, ddp=False)
    return lambda x, y: 1 + dice(x, y[:, None])


def nnunet_both(batch=False, ignore=None, ce=1, dice=1):
    loss = DC_and_CE_loss({"batch_dice": batch, "smooth": 1e-5, "do_bg": False, "ddp": False}, {}, weight_ce=ce,
                          weight_dice=dice, ignore_label=ignore, dice_class=MemoryEfficientSoftDiceLoss)
    return lambda x, y: dice + loss(x, y[:, None])


def nnunet_regions(batch=False, ignore=False):
    loss = DC_and_BCE_loss({}, {"batch_dice": batch, "do_bg": True, "smooth": 1e-5, "ddp": False},
                           use_ignore_label=ignore, dice_class=MemoryEfficientSoftDiceLoss)
    extra = (lambda y: [(y == IGNORE)[:, None].double()]) if ignore else (lambda y: [])
    return lambda x, y: 1 + loss(x, torch.cat([onehot(y)] + extra(y), 1))


def nnunet_deep(xs, y):
    targets = [DownsampleSegForDSTransform(DEEP_SCALES)(segmentation=one[None].short())["segmentation"] for one in y]
    levels = [torch.stack([one[level] for one in targets]) for level in range(len(DEEP))]
    weights = torch.tensor([1, .5, .25, 0])
    single = DC_and_CE_loss({"batch_dice": False, "smooth": 1e-5, "do_bg": False, "ddp": False}, {},
                            dice_class=MemoryEfficientSoftDiceLoss)
    return 1 + DeepSupervisionWrapper(single, (weights / weights.sum()).tolist())(list(xs), levels)


def monai(kind, **options):
    loss = kind(to_onehot_y=True, softmax=True, **options)
    return lambda x, y: loss(x, y[:, None])


def monai_regions(kind, **options):
    loss = kind(sigmoid=True, **options)
    return lambda x, y: loss(x, onehot(y))


def focal(gamma, scale=3, **options):
    loss = FocalLoss(to_onehot_y=True, use_softmax=True, gamma=gamma, **options)
    return lambda x, y: scale * loss(x, y[:, None])


def focal_regions(gamma):
    return lambda x, y: FocalLoss(gamma=gamma)(x, onehot(y))


NEAR, NEARER = 2e-6, 1e-11
CASES = [
    ("dice", {}, FLAT, FLAT_LABELS, NEAR, nnunet_dice()),
    ("dice", {"batch_dice": True}, SOLID, SOLID_LABELS, NEAR, nnunet_dice(batch=True)),
    ("dice", {"background": True, "smooth": 1.0}, SOLID, SOLID_LABELS, NEAR, nnunet_dice(background=True, smooth=1.0)),
    ("dice", {}, FLAT, NO_FOREGROUND, NEAR, nnunet_dice()),
    ("dice", {"smooth": 0.0}, FLAT, FLAT_LABELS, NEAR, nnunet_dice(smooth=0.0)),
    ("dice", {"background": True}, FLAT, FLAT_LABELS, NEARER, monai(DiceLoss)),
    ("dice", {"batch_dice": True}, FLAT, FLAT_LABELS, NEARER, monai(DiceLoss, batch=True, include_background=False)),
    ("dice", {"ignore": IGNORE}, FLAT, FLAT_IGNORED, NEARER,
     monai(DiceLoss, include_background=False, ignore_index=IGNORE)),
    ("dice", {"regions": REGIONS}, SOLID, REGION_LABELS, NEARER, monai_regions(DiceLoss)),
    ("dice-cross-entropy", {}, SOLID, SOLID_LABELS, NEAR, nnunet_both()),
    ("dice-cross-entropy", {"batch_dice": True, "point_weight": 0.5, "dice_weight": 2.0}, FLAT, FLAT_LABELS, NEAR,
     nnunet_both(batch=True, ce=0.5, dice=2.0)),
    ("dice-cross-entropy", {"ignore": IGNORE}, FLAT, FLAT_IGNORED, NEAR, nnunet_both(ignore=IGNORE)),
    ("dice-cross-entropy", {"ignore": IGNORE, "batch_dice": True}, FLAT, FLAT_IGNORED, NEAR,
     nnunet_both(batch=True, ignore=IGNORE)),
    ("dice-cross-entropy", {}, ONE, ONE_LABEL, NEAR, nnunet_both()),
    ("dice-cross-entropy", {}, DEEP, DEEP_LABELS, NEAR, nnunet_deep),
    ("dice-cross-entropy", {"background": True}, FLAT, FLAT_LABELS, NEARER, monai(DiceCELoss)),
    ("dice-cross-entropy", {"regions": REGIONS}, SOLID, REGION_LABELS, NEAR, nnunet_regions()),
    ("dice-cross-entropy", {"regions": REGIONS, "batch_dice": True}, SOLID, REGION_LABELS, NEAR,
     nnunet_regions(batch=True)),
    ("dice-cross-entropy", {"regions": REGIONS, "ignore": IGNORE, "point_weight": 3.0}, SOLID, REGION_IGNORED, NEAR,
     nnunet_regions(ignore=True)),
    ("cross-entropy", {}, SOLID, SOLID_LABELS, NEARER, lambda x, y: F.cross_entropy(x, y)),
    ("cross-entropy", {"class_weights": WEIGHTS.tolist()}, FLAT, FLAT_LABELS, NEARER,
     lambda x, y: F.cross_entropy(x, y, weight=WEIGHTS)),
    ("cross-entropy", {"class_weights": WEIGHTS.tolist(), "ignore": IGNORE}, FLAT, FLAT_IGNORED, NEARER,
     lambda x, y: F.cross_entropy(x, y, weight=WEIGHTS, ignore_index=IGNORE)),
    ("cross-entropy", {"regions": REGIONS, "class_weights": WEIGHTS.tolist()}, SOLID, REGION_LABELS, NEARER,
     lambda x, y: F.binary_cross_entropy_with_logits(x, onehot(y), pos_weight=WEIGHTS[:, None, None, None])),
    ("focal", {"gamma": 2.0}, SOLID, SOLID_LABELS, 1e-6, focal(2.0)),
    ("focal", {"gamma": 1.5}, FLAT, FLAT_LABELS, 1e-6, focal(1.5)),
    ("focal", {"gamma": 0.0}, FLAT, FLAT_LABELS, NEARER, lambda x, y: F.cross_entropy(x, y)),
    ("focal", {"gamma": 2.0, "ignore": IGNORE}, FLAT, FLAT_IGNORED, 1e-6, focal(2.0, 1, ignore_index=IGNORE)),
    ("focal", {"gamma": 2.0, "regions": REGIONS}, SOLID, REGION_LABELS, 1e-6, focal_regions(2.0)),
    ("dice-focal", {"gamma": 2.0, "background": True, "dice_weight": 0.5}, FLAT, FLAT_LABELS, 1e-6,
     lambda x, y: 0.5 * monai(DiceLoss)(x, y) + focal(2.0)(x, y)),
    ("dice-focal", {"gamma": 2.0, "regions": REGIONS}, SOLID, REGION_LABELS, 1e-6, monai_regions(DiceFocalLoss)),
    ("tversky", {"alpha": 0.3, "beta": 0.7}, FLAT, FLAT_LABELS, NEARER,
     monai(TverskyLoss, alpha=0.3, beta=0.7, include_background=False)),
    ("tversky", {"alpha": 0.6, "beta": 0.4, "background": True, "batch_dice": True}, SOLID, SOLID_LABELS, NEARER,
     monai(TverskyLoss, alpha=0.6, beta=0.4, batch=True)),
    ("tversky", {"alpha": 0.3, "beta": 0.7, "ignore": IGNORE}, FLAT, FLAT_IGNORED, NEARER,
     monai(TverskyLoss, alpha=0.3, beta=0.7, include_background=False, ignore_index=IGNORE)),
    ("tversky", {"alpha": 0.3, "beta": 0.7, "regions": REGIONS}, SOLID, REGION_LABELS, NEARER,
     monai_regions(TverskyLoss, alpha=0.3, beta=0.7)),
    ("generalised-dice", {"smooth": 0.0}, FLAT, FLAT_LABELS, NEAR,
     monai(GeneralizedDiceLoss, include_background=False, smooth_nr=0.0, smooth_dr=0.0)),
    ("generalised-dice", {"smooth": 0.0, "background": True, "batch_dice": True}, SOLID, SOLID_LABELS, NEAR,
     monai(GeneralizedDiceLoss, batch=True, smooth_nr=0.0, smooth_dr=0.0)),
    ("generalised-dice", {"smooth": 0.0, "regions": REGIONS}, SOLID, REGION_LABELS, NEAR,
     monai_regions(GeneralizedDiceLoss, smooth_nr=0.0, smooth_dr=0.0)),
]


def flat(x):
    return [float(f"{value:.12g}") for value in x.flatten().tolist()]


rows = []
for name, options, given, target, near, compute in CASES:
    levels = given if isinstance(given, list) else [given]
    xs = [x.clone().requires_grad_(True) for x in levels]
    value = compute(xs if isinstance(given, list) else xs[0], target)
    value.backward()
    rows.append({"loss": name, "options": options, "near": near, "value": value.item(),
                 "sizes": [list(x.shape) for x in levels], "target": target.flatten().tolist(),
                 "logits": [flat(x) for x in levels],
                 "gradients": [flat(x.grad if x.grad is not None else torch.zeros_like(x)) for x in xs]})

targets = []
for size, to in [((7, 10), (3, 5)), ((10, 9), (3, 4)), ((14, 12), (7, 3)), ((5, 5), (5, 2)), ((96, 40), (24, 5))]:
    label = torch.arange(size[0] * size[1]).reshape(1, 1, *size)
    nearest = F.interpolate(label.float(), to, mode="nearest-exact").long()
    targets.append({"size": size, "to": to, "target": nearest.flatten().tolist()})

made_by = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("nnunetv2", "monai", "torch"))
path = pathlib.Path(__file__).with_name("segment.json")
path.write_text("{\n" + ",\n".join(
    [f'"made_by": {json.dumps(made_by)}',
     '"rows": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]",
     '"targets": [\n' + ",\n".join(json.dumps(row) for row in targets) + "\n]"]) + "\n}\n")
