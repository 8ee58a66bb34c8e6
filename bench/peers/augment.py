"""Row "augment" with torchvision's v2 transforms, in one process on one thread.

Usage: augment.py DIR. Two usual ways to write it: on tensors (decode_image) and on Pillow images.
"""
import pathlib
import sys

import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image
from torchvision.transforms import v2

from peer import best_rate, processor, report, versions

torch.set_num_threads(1)
versions("torch", "torchvision", "pillow")
files = sorted(map(str, pathlib.Path(sys.argv[1]).glob("*.png")))
affine = dict(degrees=10, translate=(0.05, 0.05), scale=(0.9, 1.1), shear=5,
              interpolation=v2.InterpolationMode.BILINEAR)
to_float = [v2.ToDtype(torch.float32, scale=True)]
finish = [v2.GaussianNoise(0.0, 0.02), v2.Normalize([0.5], [0.25])]

# Resized first, while it is small and whole numbers: the fastest order.
tensors = v2.Compose([v2.Resize((224, 224), antialias=True), *to_float, v2.RandomAffine(**affine), *finish])
whole_numbers = v2.Compose([v2.Resize((224, 224), antialias=True), v2.RandomAffine(**affine), *to_float, *finish])
pillow = v2.Compose([v2.Resize((224, 224)), v2.RandomAffine(**affine), v2.ToImage(), *to_float, *finish])


def over(transform, read):
    def work():
        for file in files:
            transform(read(file))
    return best_rate(5, len(files), processor, work)


def tensor(file):
    return decode_image(file, mode=ImageReadMode.GRAY)


with torch.inference_mode():
    report("torchvision v2, float tensors", over(tensors, tensor), "images/s")
    report("torchvision v2, uint8 tensors", over(whole_numbers, tensor), "images/s")
    report("torchvision v2, Pillow", over(pillow, lambda file: Image.open(file).convert("L")), "images/s")
