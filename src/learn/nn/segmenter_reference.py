"""Expected outputs of other programs' networks for segmentation, for segmenter_parity_test.cpp. Weights and images follow the formula of
torchvision_reference.py, by the names that the other program gives them, so that names are compared too. Made with torch 2.15.0,
dynamic-network-architectures 0.4.4, MONAI 1.6.1 and torchvision 0.29.2:
    python segmenter_reference.py > segmenter_reference.json"""
import importlib.metadata
import json
import zlib

import torch
import torchvision
from dynamic_network_architectures.architectures.unet import PlainConvUNet, ResidualEncoderUNet
from monai.networks.nets import SegResNet, SwinUNETR, UNet


def numbers(key, count):
    """In [-1, 1): a hash of the place, the same in whole numbers everywhere."""
    x = torch.arange(count, dtype=torch.int64) + (key << 20)
    x = (x * 2654435761 + 12345) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 2246822519) & 0xFFFFFFFF
    x = x ^ (x >> 13)
    return (x & 0xFFFF).double() / 32768 - 1


def learnt(network):
    """Tensors by name; what the program holds twice under another name only once."""
    for name, value in network.state_dict().items():
        if "all_modules" in name or name.startswith("decoder.encoder") or name.endswith(("num_batches_tracked", "relative_position_index")):
            continue
        yield name, value


def fill(network):
    for name, value in learnt(network):
        u = numbers(zlib.crc32(name.encode()) & 0x7FFF, value.numel()).reshape(value.shape)
        if name.endswith("running_var"):
            u = 1 + 0.3 * u
        elif name.endswith("running_mean"):
            u = 0.1 * u
        elif value.numel() == 1 and name.endswith(".A.weight"):
            u = 0.25 + 0.1 * u
        elif value.dim() == 1:
            u = 0.1 * u + (1 if name.endswith("weight") else 0)
        elif name.endswith("relative_position_bias_table"):
            u = 0.5 * u
        else:
            u = u * (3.0 / (value.numel() / value.shape[0])) ** 0.5 * 1.2
        value.copy_(u.to(value.dtype))


def nnunet(kind, dimensions, levels, deep, **more):
    conv = {2: torch.nn.Conv2d, 3: torch.nn.Conv3d}[dimensions]
    norm = {2: torch.nn.InstanceNorm2d, 3: torch.nn.InstanceNorm3d}[dimensions]
    blocks = {"n_conv_per_stage" if kind is PlainConvUNet else "n_blocks_per_stage": [level["blocks"] for level in levels]}
    return kind(
        input_channels=2,
        n_stages=len(levels),
        features_per_stage=[level["features"] for level in levels],
        conv_op=conv,
        kernel_sizes=[level["kernel"] for level in levels],
        strides=[level["stride"] for level in levels],
        num_classes=3,
        n_conv_per_stage_decoder=[level["decoder_blocks"] for level in levels[-2::-1]],  # coarsest first
        conv_bias=True,
        norm_op=norm,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        deep_supervision=deep,
        **blocks,
    )


def level(features, kernel, stride, blocks=2, decoder_blocks=2):
    return {"features": features, "kernel": kernel, "stride": stride, "blocks": blocks, "decoder_blocks": decoder_blocks}


def monai_unet(dimensions, levels, norm="instance"):
    return UNet(
        spatial_dims=dimensions,
        in_channels=2,
        out_channels=3,
        channels=[level["features"] for level in levels],
        strides=[level["stride"][0] if len(set(level["stride"])) == 1 else level["stride"] for level in levels[:-1]],
        kernel_size=levels[0]["kernel"],
        up_kernel_size=levels[0]["kernel"],
        num_res_units=levels[0]["blocks"],
        norm=norm,
    )


def segresnet(dimensions, levels):
    return SegResNet(
        spatial_dims=dimensions,
        init_filters=levels[0]["features"],
        in_channels=2,
        out_channels=3,
        blocks_down=[level["blocks"] for level in levels],
        blocks_up=[level["decoder_blocks"] for level in levels[-2::-1]],
    )


def deeplab():
    return torchvision.models.segmentation.deeplabv3_resnet50(weights=None, weights_backbone=None, num_classes=3, aux_loss=True)


def cases():
    def row(network, dimensions, size, levels=(), deep=False, norm="standard", channels=2):
        return {
            "network": network,
            "in": channels,
            "dimensions": dimensions,
            "size": size,
            "levels": list(levels),
            "deep_supervision": deep,
            "norm": norm,
        }

    cube, one, two = [3, 3, 3], [1, 1, 1], [2, 2, 2]
    plain = [level(8, [1, 3, 3], one), level(16, cube, [1, 2, 2], 1, 2), level(24, cube, two, 2, 1), level(32, cube, [1, 2, 2], 3)]
    flat = [level(8, [3, 3], [1, 1]), level(12, [3, 3], [2, 2]), level(16, [3, 3], [2, 2])]
    yield row("nnunet", 3, [6, 16, 24], plain, True), nnunet(PlainConvUNet, 3, plain, True)
    yield row("nnunet", 2, [20, 28], flat), nnunet(PlainConvUNet, 2, flat, True)
    residual = [level(8, [1, 3, 3], one, 1, 1), level(16, cube, [1, 2, 2], 3, 1), level(32, cube, two, 2, 2), level(32, cube, two, 2)]
    yield row("nnunet-resenc", 3, [8, 16, 24], residual, True), nnunet(ResidualEncoderUNet, 3, residual, True)
    yield row("nnunet-resenc", 2, [20, 28], flat, True), nnunet(ResidualEncoderUNet, 2, flat, True)
    units = [level(8, cube, two, 2, 1), level(12, cube, [1, 2, 2], 2, 1), level(16, cube, one, 2, 1)]
    yield row("monai-unet", 3, [10, 12, 16], units), monai_unet(3, units)
    yield row("monai-unet", 3, [10, 12, 16], units, norm="batch"), monai_unet(3, units, "batch")
    none = [level(features, [3, 3], stride, 0, 1) for features, stride in ((8, [2, 2]), (12, [2, 2]), (16, [1, 1]))]
    yield row("monai-unet", 2, [20, 28], none), monai_unet(2, none)
    blocks = [level(8, cube, one, 1, 2), level(16, cube, two, 2, 1), level(32, cube, two, 3, 1)]
    yield row("segresnet", 3, [8, 12, 16], blocks), segresnet(3, blocks)
    blocks = [level(8, [3, 3], [1, 1], 1, 1), level(16, [3, 3], [2, 2], 2, 1)]
    yield row("segresnet", 2, [20, 28], blocks), segresnet(2, blocks)
    yield row("swin-unetr", 3, [32, 32, 64]), SwinUNETR(2, 3, feature_size=24)
    yield row("swin-unetr", 2, [64, 96]), SwinUNETR(2, 3, feature_size=24, spatial_dims=2)
    yield row("deeplabv3", 2, [41, 56], deep=True, channels=3), deeplab()


@torch.no_grad()
def main():
    torch.set_num_threads(2)
    out = {"torch": torch.__version__}
    for package in ("dynamic-network-architectures", "monai", "torchvision"):
        out[package] = importlib.metadata.version(package)
    out["networks"] = []
    for row, net in cases():
        net = net.eval()
        fill(net)
        shape = [2, row["in"], *row["size"]]
        images = numbers(4242, torch.Size(shape).numel()).reshape(shape).float()
        outputs = net(images)
        if isinstance(outputs, torch.Tensor):
            outputs = [outputs]
        elif isinstance(outputs, dict):
            outputs = [outputs["out"], outputs["aux"]]
        if not row["deep_supervision"]:
            outputs = outputs[:1]
        row["tensors"] = {name: list(value.shape) for name, value in learnt(net)}
        row["outputs"] = []
        for output in outputs:
            flat = output.double().flatten()
            step = flat.numel() // 20
            row["outputs"].append({"norm": flat.norm().item(), "values": [round(v, 7) for v in flat[::step][:20].tolist()]})
        out["networks"].append(row)
    print(json.dumps(out))


main()
