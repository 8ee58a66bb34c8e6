"""Writes optimisers.json: 20 steps of torch.optim on a small function, for optimiser_test.cpp.

Run with: python make_optimisers.py   (PyTorch 2.15.0, float32).
Two weights a [3] and b [2]; loss_t = sum((a - t_k)^2 * c) + (a[0] * b[1])^2 + sum(b^4) with targets that move
with the step, so that no step's gradient is like the last; weight decay acts on a alone.
"""
import json
import pathlib

import torch

torch.set_num_threads(1)


def loss_of(a, b, step):
    t = torch.tensor([1.0, -2.0, 0.5]) * (1 + 0.1 * step)
    c = torch.tensor([1.0, 0.3, 2.0])
    return ((a - t) ** 2 * c).sum() + (a[0] * b[1]) ** 2 + (b**4).sum()


CASES = [
    ("sgd", {"learning_rate": 0.01, "momentum": 0.9}),
    ("sgd", {"learning_rate": 0.02, "momentum": 0.8, "weight_decay": 0.1}),
    ("sgd", {"learning_rate": 0.01, "momentum": 0.9, "clip": 0.5}),
    ("adam", {"learning_rate": 0.05}),
    ("adam", {"learning_rate": 0.05, "weight_decay": 0.1, "beta1": 0.8, "beta2": 0.95}),
    ("adamw", {"learning_rate": 0.05, "weight_decay": 0.1}),
    ("adamw", {"learning_rate": 0.1, "weight_decay": 0.5, "epsilon": 1e-3, "clip": 1.0}),
    ("adamw", {"learning_rate": 0.05, "weight_decay": 0.01, "l1": 0.2}),
]

rows = []
for kind, o in CASES:
    a = torch.tensor([0.3, -0.7, 1.1], requires_grad=True)
    b = torch.tensor([0.9, -1.2], requires_grad=True)
    groups = [{"params": [a], "weight_decay": o.get("weight_decay", 0.0)}, {"params": [b], "weight_decay": 0.0}]
    lr = o["learning_rate"]
    betas = (o.get("beta1", 0.9), o.get("beta2", 0.999))
    if kind == "sgd":
        optimiser = torch.optim.SGD(groups, lr=lr, momentum=o["momentum"], nesterov=True)
    else:
        make = torch.optim.Adam if kind == "adam" else torch.optim.AdamW
        optimiser = make(groups, lr=lr, betas=betas, eps=o.get("epsilon", 1e-8))
    steps = []
    for step in range(20):
        optimiser.zero_grad()
        loss_of(a, b, step).backward()
        if "clip" in o:
            torch.nn.utils.clip_grad_norm_([a, b], o["clip"])
        if "l1" in o:
            a.grad += o["l1"] * a.detach().sign()
        optimiser.step()
        steps.append(a.tolist() + b.tolist())
    rows.append({"kind": kind, "options": o, "steps": steps})
path = pathlib.Path(__file__).with_name("optimisers.json")
path.write_text('{\n"made_by": ' + json.dumps(f"torch {torch.__version__}") + ',\n"rows": [\n'
                + ",\n".join(json.dumps(row) for row in rows) + "\n]\n}\n")
