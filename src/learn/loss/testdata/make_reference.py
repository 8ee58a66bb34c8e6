"""Writes reference.json: losses and gradients by PyTorch and torchvision for loss_test.cpp.

Run with: python make_reference.py   (PyTorch 2.15.0, torchvision 0.29.2; float64, so any version
agrees to 1e-12). The inputs are written too: the test needs no Python.
"""
import json
import pathlib

import torch
import torchvision
from torch.nn import functional as F

torch.manual_seed(5)
N, C = 6, 3
LOGITS = (torch.randn(N, C, dtype=torch.float64) * 2).round(decimals=4)
CLASSES = torch.tensor([0, 2, 1, 1, 0, 2])
UNKNOWN = torch.tensor([0, -1, 1, 1, -1, 2])
SHARES = torch.softmax(torch.randn(N, C, dtype=torch.float64), 1).round(decimals=4)
SHARES[:, 2] = 1 - SHARES[:, 0] - SHARES[:, 1]
LABELS = torch.tensor([[1, 0, 1], [0, 0, 1], [1, 1, 0], [0, 1, 0], [0, 0, 0], [1, 1, 1]], dtype=torch.float64)
MASKED = LABELS.clone()
MASKED[0, 1] = MASKED[3, 0] = MASKED[5, 2] = -1
SOFT = (LABELS * 0.7 + 0.1)
WEIGHT = torch.tensor([1.0, 0.5, 2.0, 0.0, 1.5, 1.0], dtype=torch.float64)
OF_CLASSES = torch.tensor([0.5, 2.0, 1.25], dtype=torch.float64)


def softmax_focal(x, y, gamma, weight=None):
    log_p = F.log_softmax(x, 1).gather(1, y[:, None])[:, 0]
    w = torch.ones(N, dtype=torch.float64) if weight is None else weight[y]
    return (w * (1 - log_p.exp()) ** gamma * -log_p).sum() / w.sum()


def masked_bce(x, y):
    known = y >= 0
    return F.binary_cross_entropy_with_logits(x[known], y[known])


def weighted_ce(x, y):
    return (F.cross_entropy(x, y, reduction="none") * WEIGHT).sum() / WEIGHT.sum()


def weighted_bce(x, y):
    each = F.binary_cross_entropy_with_logits(x, y, reduction="none") * WEIGHT[:, None]
    return each.sum() / (WEIGHT.sum() * C)


CASES = [
    ("cross-entropy", {}, CLASSES, None, None, lambda x, y: F.cross_entropy(x, y)),
    ("cross-entropy", {}, UNKNOWN, None, None, lambda x, y: F.cross_entropy(x, y, ignore_index=-1)),
    ("cross-entropy", {}, SHARES, None, None, lambda x, y: F.cross_entropy(x, y)),
    ("cross-entropy", {}, CLASSES, None, OF_CLASSES, lambda x, y: F.cross_entropy(x, y, weight=OF_CLASSES)),
    ("cross-entropy", {"smoothing": 0.1}, CLASSES, None, None, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)),
    ("cross-entropy", {"smoothing": 0.2}, CLASSES, None, OF_CLASSES,
     lambda x, y: F.cross_entropy(x, y, weight=OF_CLASSES, label_smoothing=0.2)),
    ("cross-entropy", {"smoothing": 0.1}, SHARES, None, None, lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)),
    ("cross-entropy", {}, CLASSES, WEIGHT, None, weighted_ce),
    ("focal", {"gamma": 2.0}, CLASSES, None, None, lambda x, y: softmax_focal(x, y, 2.0)),
    ("focal", {"gamma": 0.5}, CLASSES, None, OF_CLASSES, lambda x, y: softmax_focal(x, y, 0.5, OF_CLASSES)),
    ("focal", {"gamma": 0.0}, CLASSES, None, None, lambda x, y: F.cross_entropy(x, y)),
    ("binary-cross-entropy", {}, LABELS, None, None, lambda x, y: F.binary_cross_entropy_with_logits(x, y)),
    ("binary-cross-entropy", {}, SOFT, None, None, lambda x, y: F.binary_cross_entropy_with_logits(x, y)),
    ("binary-cross-entropy", {}, MASKED, None, None, masked_bce),
    ("binary-cross-entropy", {}, LABELS, None, OF_CLASSES,
     lambda x, y: F.binary_cross_entropy_with_logits(x, y, pos_weight=OF_CLASSES)),
    ("binary-cross-entropy", {}, LABELS, WEIGHT, None, weighted_bce),
    ("binary-focal", {"gamma": 2.0, "alpha": 0.25}, LABELS, None, None,
     lambda x, y: torchvision.ops.sigmoid_focal_loss(x, y, alpha=0.25, gamma=2.0, reduction="mean")),
    ("binary-focal", {"gamma": 1.5}, LABELS, None, None,
     lambda x, y: torchvision.ops.sigmoid_focal_loss(x, y, alpha=-1, gamma=1.5, reduction="mean")),
]

rows = []
for name, options, target, weight, of_classes, compute in CASES:
    x = LOGITS.clone().requires_grad_(True)
    value = compute(x, target)
    value.backward()
    rows.append({"loss": name, "options": options, "target": target.tolist(),
                 "weight": weight.tolist() if weight is not None else None,
                 "class_weights": of_classes.tolist() if of_classes is not None else None,
                 "value": value.item(), "gradient": x.grad.tolist()})
out = {"made_by": f"torch {torch.__version__}, torchvision {torchvision.__version__}",
       "logits": LOGITS.tolist(), "rows": rows}
path = pathlib.Path(__file__).with_name("reference.json")
path.write_text("{\n" + ",\n".join(
    [f'"made_by": {json.dumps(out["made_by"])}', f'"logits": {json.dumps(out["logits"])}',
     '"rows": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]"]) + "\n}\n")
