"""Outputs of nnU-Net's own networks with trained weights, for nnunet_network_test.cpp.

    python nnunet.py FOLDER > nnunet.json

FOLDER holds DATASET/model as nnUNetv2_train left them (the project's shared nnunet-reference). Made with nnunetv2 2.8.1,
dynamic-network-architectures 0.4.4, torch 2.15.0, float32. The input is a patch of whole-number hashes; of the output every 997th value is kept.
"""

import importlib.metadata
import json
import pathlib
import sys

import torch
from nnunetv2.utilities.get_network_from_plans import get_network_from_plans

out = {"versions": {name: importlib.metadata.version(name) for name in ("nnunetv2", "dynamic-network-architectures", "torch")}, "cases": []}
for folder in sorted(pathlib.Path(sys.argv[1]).glob("Dataset*/model")):
    checkpoint = torch.load(folder / "fold_all/checkpoint_final.pth", weights_only=False, map_location="cpu")
    plans = json.loads((folder / "plans.json").read_text())
    dataset = json.loads((folder / "dataset.json").read_text())
    config = plans["configurations"][checkpoint["init_args"]["configuration"]]
    architecture = config["architecture"]
    network = get_network_from_plans(
        architecture["network_class_name"], architecture["arch_kwargs"], architecture["_kw_requires_import"],
        len(dataset["channel_names"]), len(dataset["labels"]), allow_init=True, deep_supervision=False,
    )  # fmt: skip
    network.load_state_dict(checkpoint["network_weights"])
    shape = [1, len(dataset["channel_names"]), *config["patch_size"]]
    count = torch.tensor(shape).prod().item()
    image = ((torch.arange(count) * 7919) % 2003).float().reshape(shape) / 500 - 2
    with torch.no_grad():
        logits = network.eval()(image).flatten()
    out["cases"].append({"folder": folder.parent.name, "shape": shape, "count": logits.numel(), "values": [round(v, 6) for v in logits[::997].tolist()]})
json.dump(out, sys.stdout)
print()
