"""Small MONAI bundles and the masks that MONAI makes with them, for bundle_test.cpp.

    python bundles.py FOLDER        made with MONAI 1.6.1, torch 2.15.0, nibabel 5.4.2, scikit-image 0.26.0

Weights come by formula from the names of the tensors. The image is anisotropic, on an oblique, permuted grid. Each bundle is run as
its evaluator would: preprocessing, inferer, postprocessing, all as MONAI makes them of the config.
"""

import copy
import json
import pathlib
import sys
import zlib

import nibabel
import numpy as np
import torch
from monai.bundle import ConfigParser
from monai.data import MetaTensor
from monai.networks.nets import SegResNet, UNet


def numbers(key, count):
    """In [-1, 1): a hash of the place, the same in whole numbers everywhere."""
    x = torch.arange(count, dtype=torch.int64) + (key << 20)
    x = (x * 2654435761 + 12345) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 2246822519) & 0xFFFFFFFF
    x = x ^ (x >> 13)
    return (x & 0xFFFF).double() / 32768 - 1


@torch.no_grad()
def fill(network):
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        u = numbers(zlib.crc32(name.encode()) & 0x7FFF, value.numel()).reshape(value.shape)
        if name.endswith("running_var"):
            u = 1 + 0.3 * u
        elif name.endswith("running_mean"):
            u = 0.1 * u
        elif value.numel() == 1 and name.endswith(".A.weight"):
            u = 0.25 + 0.1 * u
        elif value.dim() == 1:
            u = 0.1 * u + (1 if name.endswith("weight") else 0)
        else:
            u = u * (3.0 / (value.numel() / value.shape[0])) ** 0.5 * 1.2
        value.copy_(u.to(value.dtype))
    return network.eval()


class Own(torch.nn.Module):
    """A network that no library has."""

    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv3d(1, 4, 3, padding=1)
        self.last = torch.nn.Conv3d(4, 3, 1)

    def forward(self, x):
        return self.last(torch.relu(self.first(x)) - 0.5)


def image(channels):
    size = (23, 17, 11)
    i, j, k = np.meshgrid(*map(np.arange, size), indexing="ij")
    out = []
    for c in range(channels):
        ball = ((i - 12 + c) / 8) ** 2 + ((j - 8) / 6) ** 2 + ((k - 5 - c) / 4) ** 2 < 1
        out.append(((7 * i + 13 * j + 29 * k + 5 * c) % 31 * 6 + 300 * ball + 20 * c) * (ball | (i > 3) & (k > 1)) - (0 if c else 3 * (j > 14)))
    values = np.stack(out, -1).astype(np.int16)
    turn = np.array([[0.0, -0.96, 0.28], [0.0, 0.28, 0.96], [1.0, 0.0, 0.0]])  # oblique, axes permuted
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag([1.1, 0.8, 2.6])
    affine[:3, 3] = [20, -30, 5]
    return nibabel.Nifti1Image(values if channels > 1 else values[..., 0], affine)


def t(name, keys="image", **options):
    return {"_target_": name, "keys": keys, **options}


load = [t("LoadImaged"), t("EnsureChannelFirstd")]
soft = t("Activationsd", "pred", softmax=True)
most = t("AsDiscreted", "pred", argmax=True)


def back(nearest):
    return t("Invertd", "pred", transform="@preprocessing", orig_keys="image", nearest_interp=nearest, to_tensor=True)


def windows(size, **options):
    return {"_target_": "SlidingWindowInferer", "roi_size": size, "sw_batch_size": 2, **options}


unet = {"_target_": "UNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 3, "channels": [4, 6, 8], "strides": [2, 2],
        "num_res_units": 1, "norm": "batch"}  # fmt: skip
flat = {"_target_": "UNet", "spatial_dims": 2, "in_channels": 2, "out_channels": 3, "channels": [4, 8], "strides": [2]}
seg = {"_target_": "SegResNet", "spatial_dims": 3, "in_channels": 1, "out_channels": 4, "init_filters": 8, "blocks_down": [1, 1],
       "blocks_up": [1], "dropout_prob": 0.2}  # fmt: skip
jit = "$torch.jit.load(@bundle_root + '/models/model.ts', map_location=@device)"
bundles = {
    "unet": (unet, "pt", 1, load + [t("Orientationd", axcodes="RAS"), t("Spacingd", pixdim=[1.5, 1.5, 2.0], mode="bilinear"),
             t("ScaleIntensityRanged", a_min=-20, a_max=400, b_min=0, b_max=1, clip=True), t("EnsureTyped")],
             windows([16, 16, 12], overlap=0.5), [soft, back(False), most]),
    "segresnet": (seg, "ts", 1, load + [t("Orientationd", axcodes="LPS"), t("CropForegroundd", source_key="image", margin=1, k_divisible=2),
                  t("NormalizeIntensityd", nonzero=True, channel_wise=True), t("DivisiblePadd", k=4), t("SpatialPadd", spatial_size=[30, -1, -1])],
                  windows([12, 12, 32], overlap=0.25, mode="gaussian", padding_mode="replicate"),
                  [most, t("KeepLargestConnectedComponentd", "pred", applied_labels=[1, 2, 3]), back(True)]),
    "slices": (flat, "pt", 2, load + [t("ScaleIntensityRangePercentilesd", lower=1, upper=99, b_min=0, b_max=1, clip=True, channel_wise=True)],
               {"_target_": "SliceInferer", "roi_size": [16, 16], "spatial_dim": 2, "overlap": 0.5},
               [t("Activationsd", "pred", sigmoid=True), back(False), t("AsDiscreted", "pred", threshold=0.5),
                t("Lambdad", "pred", func="$lambda x: torch.where(x[[2]] > 0, 4, torch.where(x[[0]] > 0, 1, torch.where(x[[1]] > 0, 2, 0)))")]),
    "own": (jit, "ts", 1, load + [t("Resized", spatial_size=[16, 20, 12], mode="trilinear"), t("ScaleIntensityd")],
            {"_target_": "SimpleInferer"}, [back(False), t("AsDiscreted", "pred", argmax=True, to_onehot=3), t("Lambdad", "pred", func="$lambda x: x[1:]")]),
}  # fmt: skip


def main(folder):
    for name, (network, kind, channels, before, inferer, after) in bundles.items():
        root = folder / name
        for part in ("configs", "models"):
            (root / part).mkdir(parents=True, exist_ok=True)
        nibabel.save(image(channels), root / "image.nii.gz")
        outputs = network["out_channels"] if isinstance(network, dict) else 3
        shape = ["*"] * (network["spatial_dims"] if isinstance(network, dict) else 3)
        tensor = {"type": "image", "format": "magnitude", "spatial_shape": shape, "dtype": "float32", "value_range": [], "is_patch_data": False}
        metadata = {
            "version": "0.1.0", "monai_version": "1.6.1", "pytorch_version": "2.15.0", "numpy_version": "2.0.0",
            "required_packages_version": {}, "task": "a test", "description": "a test", "authors": "", "copyright": "",
            "network_data_format": {
                "inputs": {"image": {**tensor, "num_channels": channels, "channel_def": {str(c): f"c{c}" for c in range(channels)}}},
                "outputs": {"pred": {**tensor, "format": "segmentation", "num_channels": outputs, "channel_def": {str(c): f"label {c}" for c in range(outputs)}}},
            },
        }  # fmt: skip
        config = {
            "imports": ["$import glob", "$import torch"],
            "bundle_root": ".",
            "dataset_dir": "/workspace/data",
            "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
            "datalist": "$list(sorted(glob.glob(@dataset_dir + '/*.nii.gz')))",
            "network_def": network,
            "network": "$@network_def.to(@device)",
            "preprocessing": {"_target_": "Compose", "transforms": before},
            "dataset": {"_target_": "Dataset", "data": "$[{'image': i} for i in @datalist]", "transform": "@preprocessing"},
            "dataloader": {"_target_": "DataLoader", "dataset": "@dataset", "batch_size": 1, "shuffle": False, "num_workers": 0},
            "inferer": inferer,
            "postprocessing": {"_target_": "Compose", "transforms": after},
            "evaluator": {"_target_": "SupervisedEvaluator", "device": "@device", "val_data_loader": "@dataloader", "network": "@network",
                          "inferer": "@inferer", "postprocessing": "@postprocessing"},
            "run": ["$@evaluator.run()"],
        }  # fmt: skip
        if kind == "pt":
            config["checkpointloader"] = {"_target_": "CheckpointLoader", "load_path": "$@bundle_root + '/models/model.pt'", "load_dict": {"model": "@network"}}
        (root / "configs/metadata.json").write_text(json.dumps(metadata, indent=1))
        (root / "configs/inference.json").write_text(json.dumps(config, indent=1))
        if isinstance(network, dict):
            options = {key: value for key, value in network.items() if key != "_target_"}
            net = fill({"UNet": UNet, "SegResNet": SegResNet}[network["_target_"]](**options))
        else:
            net = fill(Own())
        if kind == "pt":
            torch.save(net.state_dict(), root / "models/model.pt")
        else:
            torch.jit.save(torch.jit.script(net), root / "models/model.ts")
        # MONAI's own way through it; where the weights lie in TorchScript that is run.
        run = copy.deepcopy(config)
        run["bundle_root"] = str(root)
        run["dataset_dir"] = str(root)
        run["datalist"] = [str(root / "image.nii.gz")]
        if kind == "ts":
            run["network_def"] = jit
        parser = ConfigParser(run)
        parser.parse()
        net = parser.get_parsed_content("network").eval()
        if kind == "pt":
            net.load_state_dict(torch.load(root / "models/model.pt"))
        data = parser.get_parsed_content("preprocessing")({"image": str(root / "image.nii.gz")})
        with torch.no_grad():
            outputs = parser.get_parsed_content("inferer")(data["image"][None], net)
        data["pred"] = MetaTensor(outputs[0], affine=data["image"].affine)
        pred = parser.get_parsed_content("postprocessing")(data)["pred"]
        mask = pred.numpy()[0].round().astype(np.uint8) if pred.shape[0] == 1 else sum((n + 1) * (pred.numpy()[n] > 0) for n in range(pred.shape[0]))
        if name == "own":  # channels are painted, later ones over earlier ones
            mask = np.where(pred.numpy()[1] > 0, 2, (pred.numpy()[0] > 0) * 1).astype(np.uint8)
        print(name, tuple(data["image"].shape), pred.shape, np.bincount(mask.ravel()), file=sys.stderr)
        nibabel.save(nibabel.Nifti1Image(mask, nibabel.load(root / "image.nii.gz").affine), root / "mask.nii.gz")


main(pathlib.Path(sys.argv[1]))
