"""Rows of training and inference with PyTorch: torchvision's network, one fixed batch of random images.

Usage: network.py train|infer NETWORK SIZE CHANNELS OUTPUTS BATCH sgd|adam THREADS [WAY]
"""
import sys

import torch
import torchvision

from peer import best_rate, report, versions, wall

what, name = sys.argv[1:3]
size, channels, outputs, batch = map(int, sys.argv[3:7])
optimiser, threads = sys.argv[7], int(sys.argv[8])
only = sys.argv[9] if len(sys.argv) > 9 else None
torch.set_num_threads(threads)
versions("torch", "torchvision")


def network():
    net = torchvision.models.get_model(name, num_classes=outputs)
    if channels != 3:
        first = net.conv1
        net.conv1 = torch.nn.Conv2d(channels, first.out_channels, first.kernel_size, first.stride,
                                    first.padding, bias=False)
    return net


def rate(precision, layout):
    torch.manual_seed(0)
    net = network().to(memory_format=layout)
    images = torch.randn(batch, channels, size, size).to(memory_format=layout)
    targets = torch.randint(0, outputs, (batch,))
    low = torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bfloat16")
    if what == "infer":
        net.eval()

        def work():
            with torch.inference_mode(), low:
                net(images)
    else:
        kinds = {"sgd": lambda p: torch.optim.SGD(p, 1e-3, momentum=0.9, nesterov=True),
                 "adam": lambda p: torch.optim.Adam(p, 1e-3)}
        mover = kinds[optimiser](net.parameters())

        def work():
            mover.zero_grad()
            with low:
                out = net(images)
            torch.nn.functional.cross_entropy(out.float(), targets).backward()
            mover.step()
    return best_rate(4, batch, wall, work)


for precision in ("float32", "bfloat16"):
    for layout, word in ((torch.contiguous_format, ""), (torch.channels_last, " channels-last")):
        if only is None or only == precision + word:
            report(f"PyTorch {precision}{word}", rate(precision, layout), "images/s", memory=True)
