"""Row "predict-cold": one image through the same network in Python, from import to answer.

Usage: predict.py MODEL.ts IMAGE SIZE CHANNELS LOW HIGH MEAN DEVIATION. Loads the TorchScript that the package holds.
"""
import sys

import torch
from PIL import Image
from torchvision.transforms.v2 import functional

file, image = sys.argv[1:3]
size, channels = int(sys.argv[3]), int(sys.argv[4])
low, high, mean, deviation = map(float, sys.argv[5:9])
picture = functional.pil_to_tensor(Image.open(image).convert("L" if channels == 1 else "RGB")).float()
picture = functional.resize((picture - low) / (high - low), [size, size], antialias=True)
with torch.inference_mode():
    print(torch.jit.load(file)(((picture - mean) / deviation)[None]).softmax(1).tolist())
