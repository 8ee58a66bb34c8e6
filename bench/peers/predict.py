"""Row "predict-cold": one image through a TorchScript network in PyTorch, from a cold process to the answer.

Usage: predict.py MODEL.ts IMAGE SIZE
"""
import sys

import torch
from PIL import Image
from torchvision.transforms.v2 import functional as F

network = torch.jit.load(sys.argv[1])
side = int(sys.argv[3])
image = F.resize(F.pil_to_tensor(Image.open(sys.argv[2]).convert("L")).float() / 255, [side, side], antialias=True)
with torch.inference_mode():
    print(network(((image - 0.5) / 0.25).unsqueeze(0)).softmax(1).tolist())
