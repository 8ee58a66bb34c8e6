"""Rows "resample-*" with SimpleITK, and with MONAI where it is installed.

Usage: resample.py linear|cubic parallel|turned THREADS
"""
import math
import sys

import numpy
import SimpleITK

from peer import report, versions, wall

way, grid, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
try:
    import monai
    import torch
except ImportError:
    monai = None
versions("SimpleITK", "numpy", *(("monai", "torch") if monai else ()))

count = numpy.arange(512 * 512 * 300, dtype=numpy.uint32)
chest = ((count * numpy.uint32(2654435761)) >> 20).astype(numpy.float32).reshape(300, 512, 512) - 1000
del count
angle = 0.17 if grid == "turned" else 0.0
first = (511 * 0.7 - 357) / 2  # the box's middle stays


def best(work):
    """Shortest of some calls; the first finds its memory."""
    seconds = []
    for _ in range(2 if way == "cubic" else 4):
        start = wall()
        work()
        seconds.append(wall() - start)
    return min(seconds)


SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
image = SimpleITK.GetImageFromArray(chest)
image.SetSpacing((0.7, 0.7, 1))
resample = SimpleITK.ResampleImageFilter()
resample.SetSize((358, 358, 300))
resample.SetOutputSpacing((1, 1, 1))
resample.SetOutputOrigin((first, first, 0))
resample.SetOutputDirection((math.cos(angle), -math.sin(angle), 0, math.sin(angle), math.cos(angle), 0, 0, 0, 1))
resample.SetInterpolator(SimpleITK.sitkBSpline if way == "cubic" else SimpleITK.sitkLinear)
resample.SetNumberOfThreads(threads)
report("SimpleITK", best(lambda: resample.Execute(image)), "s", memory=True)

if monai:
    from monai.transforms import SpatialResample
    del image, resample
    torch.set_num_threads(threads)
    source = monai.data.MetaTensor(torch.from_numpy(chest).permute(2, 1, 0).contiguous()[None],
                                   affine=torch.diag(torch.tensor([0.7, 0.7, 1, 1], dtype=torch.float64)))
    target = torch.eye(4, dtype=torch.float64)
    target[:2, :2] = torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    target[:2, 3] = first
    to = SpatialResample(mode=3 if way == "cubic" else "bilinear", padding_mode="border", dtype=torch.float32)
    report("MONAI", best(lambda: to(source, dst_affine=target, spatial_size=(358, 358, 300))), "s", memory=True)
