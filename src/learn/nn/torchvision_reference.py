"""Expected outputs of torchvision's networks, for torchvision_test.cpp. Weights and images follow a formula that the test repeats, so
that nothing but a few logits has to be stored. Made with torch 2.15.0 and torchvision 0.29.2:
    python torchvision_reference.py > torchvision_reference.json"""
import json
import zlib

import torch
import torchvision


def numbers(key, count):
    """In [-1, 1): a hash of the place, the same in whole numbers everywhere."""
    x = torch.arange(count, dtype=torch.int64) + (key << 20)
    x = (x * 2654435761 + 12345) & 0xFFFFFFFF
    x = ((x ^ (x >> 15)) * 2246822519) & 0xFFFFFFFF
    x = x ^ (x >> 13)
    return (x & 0xFFFF).double() / 32768 - 1


def fill(network):
    for name, value in network.state_dict().items():
        if name.endswith("num_batches_tracked"):
            continue
        u = numbers(zlib.crc32(name.encode()) & 0x7FFF, value.numel()).reshape(value.shape)
        if name.endswith("running_var"):
            u = 1 + 0.3 * u
        elif name.endswith("running_mean"):
            u = 0.1 * u
        elif value.dim() == 1:
            u = 0.1 * u + (1 if name.endswith("weight") else 0)
        elif name.endswith("layer_scale"):
            u = 0.3 * u
        elif name.endswith(("class_token", "pos_embedding")):
            u = 0.5 * u
        else:
            u = u * (3.0 / (value.numel() / value.shape[0])) ** 0.5 * 1.2
        value.copy_(u.to(value.dtype))


def network(name):
    models = torchvision.models
    if name == "vit-small":
        return models.VisionTransformer(224, 16, 12, 6, 384, 1536)
    if name == "inception-v3":
        return models.inception_v3(weights=None, aux_logits=False, init_weights=False)
    return getattr(models, name.replace("-", "_"))(weights=None)


@torch.no_grad()
def main():
    torch.set_num_threads(2)
    out = {"torch": torch.__version__, "torchvision": torchvision.__version__, "networks": {}}
    for name in ("vgg11", "resnet18", "resnet34", "resnet50", "densenet121", "inception-v3", "efficientnet-b0", "convnext-tiny", "vit-small"):
        size = 299 if name == "inception-v3" else 224
        net = network(name).eval()
        fill(net)
        images = numbers(4242, 2 * 3 * size * size).reshape(2, 3, size, size).float()
        logits = net(images)
        out["networks"][name] = {
            "size": size,
            "parameters": sum(p.numel() for p in net.parameters()),
            "norm": logits.double().norm().item(),
            "logits": [[round(v, 7) for v in row[::100].tolist()] for row in logits],
        }
    print(json.dumps(out, indent=1))


main()
