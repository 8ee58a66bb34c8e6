"""Row of reading a .nii.gz: nifti.py nifti FILE"""
import sys

import nibabel
import numpy
import SimpleITK

from peer import report, versions, wall

file = sys.argv[2]
versions("nibabel", "simpleitk")


def megabytes_per_second(work):
    best = float("inf")
    for _ in range(3):
        start = wall()
        size = work()
        best = min(best, wall() - start)
    return size / 1e6 / best


def by_simpleitk():
    image = SimpleITK.ReadImage(file)
    return image.GetNumberOfPixels() * image.GetSizeOfPixelComponent()


report("nibabel", megabytes_per_second(lambda: numpy.asanyarray(nibabel.load(file).dataobj).nbytes), "MB/s", memory=True)
report("SimpleITK", megabytes_per_second(by_simpleitk), "MB/s", memory=True)
