"""Row "sliding-window" with MONAI: its UNet and SlidingWindowInferer, then the largest class of each voxel; as it is, and with bfloat16 by autocast.

Usage: sliding.py THREADS [K J I]
"""
import sys

import torch
from monai.inferers import SlidingWindowInferer
from monai.networks.nets import UNet

from peer import report, versions, wall

threads, *size = map(int, sys.argv[1:])
versions("monai", "torch")
torch.set_num_threads(threads)
torch.manual_seed(0)
network = UNet(spatial_dims=3, in_channels=1, out_channels=3, channels=(32, 64, 128, 256), strides=(2, 2, 2), num_res_units=2,
               norm="instance").eval()
inferer = SlidingWindowInferer(roi_size=(128, 128, 128), sw_batch_size=1, overlap=0.5, mode="gaussian")
volume = torch.randn(1, 1, *(size or (300, 512, 512)))
for way, low in (("MONAI float32", False), ("MONAI bfloat16 by autocast", True)):
    start = wall()
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
        labels = inferer(volume, network).argmax(1).to(torch.uint8)
    report(way, wall() - start, "s", memory=True)
    del labels
