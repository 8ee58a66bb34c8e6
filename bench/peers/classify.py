"""Rows "pneumonia-*": torchvision's ResNet-18 on the same split, 28 px, Adam, batch 128, 10 epochs, the epoch of the best
validation AUC; what a PyTorch user has after a tutorial.

Usage: classify.py FILE.npz SEED...
"""
import sys

import numpy as np
import torch
import torchvision

from peer import report, versions


def auc(truth, score):
    """Share of pairs in the right order; ties count half."""
    order = np.argsort(score, kind="stable")
    ranks = np.empty(len(score))
    ranks[order] = np.arange(1, len(score) + 1)
    for value in np.unique(score):
        ranks[score == value] = ranks[score == value].mean()
    yes = truth == 1
    return (ranks[yes].sum() - yes.sum() * (yes.sum() + 1) / 2) / (yes.sum() * (~yes).sum())


data = np.load(sys.argv[1])
images = {s: torch.from_numpy(data[f"{s}_images"]).float().div(255).unsqueeze(1) for s in ("train", "val", "test")}
labels = {s: data[f"{s}_labels"].ravel() for s in images}
versions("torch", "torchvision")


def predicted(net, split):
    net.eval()
    with torch.inference_mode():
        return torch.cat([net(part).sigmoid().ravel() for part in images[split].split(256)]).numpy()


def trained(seed):
    torch.manual_seed(seed)
    net = torchvision.models.resnet18(num_classes=1)
    net.conv1 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    mover, loss_of = torch.optim.Adam(net.parameters(), 1e-3), torch.nn.BCEWithLogitsLoss()
    target = torch.from_numpy(labels["train"]).float()
    best = (-1, 0, 0)
    for _ in range(10):
        net.train()
        for batch in torch.randperm(len(target)).split(128):
            mover.zero_grad()
            loss_of(net(images["train"][batch]).ravel(), target[batch]).backward()
            mover.step()
        score = predicted(net, "test")
        best = max(best, (auc(labels["val"], predicted(net, "val")), auc(labels["test"], score),
                          float(((score > 0.5) == labels["test"]).mean())))
    return best[1:]


results = np.array([trained(int(seed)) for seed in sys.argv[2:]])
report("PyTorch ResNet-18, 10 epochs, test AUC", float(results[:, 0].mean()), "")
report("PyTorch ResNet-18, 10 epochs, test accuracy", float(results[:, 1].mean()), "")
