"""Rows "block" and "unet-patch" with PyTorch: convolution, instance norm and leaky ReLU, forward and backward; MONAI's UNet on one patch.

Usage: block.py block|patch THREADS. The first way is the stock one; then bfloat16 by autocast, and both channels-last.
"""
import sys

import torch

from peer import report, versions, wall

what, threads = sys.argv[1], int(sys.argv[2])
torch.set_num_threads(threads)
torch.manual_seed(0)
if what == "block":
    versions("torch")
    network = torch.nn.Sequential(torch.nn.Conv3d(32, 32, 3, padding=1, bias=False), torch.nn.InstanceNorm3d(32, affine=True),
                                  torch.nn.LeakyReLU(inplace=True))
    image = torch.randn(6, 32, 40, 56, 40)
    flops = 3 * 2 * image.numel() * 32 * 27
else:
    from monai.networks.nets import UNet
    versions("monai", "torch")
    network = UNet(3, 1, 3, (32, 64, 128, 256), (2, 2, 2), num_res_units=2, norm="instance").eval()
    image = torch.randn(1, 1, 128, 128, 128)


def step(low, x, pull):
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
        if what == "patch":
            with torch.inference_mode():
                return network(x)
        y = network(x)
    y.backward(pull.to(y.dtype))
    x.grad = None


for last in (False, True):
    layout = torch.channels_last_3d if last else torch.contiguous_format
    network = network.to(memory_format=layout)
    x = image.detach().contiguous(memory_format=layout).requires_grad_(what == "block")
    pull = torch.randn_like(x)
    for low in (False, True):
        step(low, x, pull)
        best = float("inf")
        for _ in range(5):
            start = wall()
            step(low, x, pull)
            best = min(best, wall() - start)
        way = ("PyTorch bfloat16 by autocast" if low else "PyTorch float32") + (", channels-last" if last else "")
        report(way, flops * 1e-9 / best if what == "block" else 1e3 * best, "GFLOP/s" if what == "block" else "ms", memory=True)
