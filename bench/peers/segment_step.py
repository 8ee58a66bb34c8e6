"""Rows "nnunet-step" and "monai-step" with PyTorch: nnU-Net's network and loss, or MONAI's, one fixed batch of random patches.

Usage: segment_step.py nnunet|monai-unet THREADS. The first way is the stock one (nnU-Net switches autocast off on a CPU), the
second has bfloat16 by autocast put in by hand.
"""
import statistics
import sys

import torch

from peer import report, versions, wall

what, threads = sys.argv[1], int(sys.argv[2])
patch = (40, 56, 40)
torch.set_num_threads(threads)
torch.manual_seed(0)
if what == "nnunet":
    from dynamic_network_architectures.architectures.unet import PlainConvUNet
    from nnunetv2.training.loss.compound_losses import DC_and_CE_loss
    from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
    from nnunetv2.training.loss.dice import MemoryEfficientSoftDiceLoss
    versions("nnunetv2", "dynamic-network-architectures", "torch")
    batch = 6
    network = PlainConvUNet(1, 4, (32, 64, 128, 256), torch.nn.Conv3d, (3, 3, 3, 3), (1, 2, 2, 2), 2, 3, 2, conv_bias=True,
                            norm_op=torch.nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
                            nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True}, deep_supervision=True)
    plain = DC_and_CE_loss({"batch_dice": False, "smooth": 1e-5, "do_bg": False, "ddp": False}, {}, weight_ce=1, weight_dice=1,
                           ignore_label=None, dice_class=MemoryEfficientSoftDiceLoss)
    loss_of = DeepSupervisionWrapper(plain, [4 / 7, 2 / 7, 1 / 7][:2] + [0])
    optimiser = torch.optim.SGD(network.parameters(), 0.01, momentum=0.99, nesterov=True, weight_decay=3e-5)
else:
    from monai.losses import DiceCELoss
    from monai.networks.nets import UNet
    versions("monai", "torch")
    batch = 8
    network = UNet(3, 1, 3, (32, 64, 128, 256), (2, 2, 2), num_res_units=2, norm="instance")
    loss_of = DiceCELoss(to_onehot_y=True, softmax=True)
    optimiser = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=1e-5)
image = torch.randn(batch, 1, *patch)
target = torch.randint(0, 3, (batch, 1, *patch)).float()
targets = [target[:, :, ::s, ::s, ::s] for s in (1, 2, 4)] if what == "nnunet" else target


def step(low):
    optimiser.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
        out = network(image)
        loss = loss_of(out, targets) if what == "nnunet" else None
    (loss if loss is not None else loss_of(out.float(), targets)).backward()
    if what == "nnunet":
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12)
    optimiser.step()


for way, low in (("PyTorch float32", False), ("PyTorch bfloat16 by autocast", True)):
    seconds = []
    for n in range(8):
        start = wall()
        step(low)
        if n > 1:
            seconds.append(wall() - start)
    report(way, statistics.median(seconds), "s", memory=True)
