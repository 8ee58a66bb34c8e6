"""Rows of reading .nii.gz: nifti.py nifti FILE_OR_FOLDER"""
import pathlib
import sys

import nibabel
import numpy
import SimpleITK

from peer import report, versions, wall

given = pathlib.Path(sys.argv[2])
files = sorted(given.glob("*.nii.gz")) if given.is_dir() else [given]
versions("nibabel", "simpleitk")


def megabytes_per_second(work):
    best = float("inf")
    for _ in range(3):
        start = wall()
        size = sum(work(str(file)) for file in files)
        best = min(best, wall() - start)
    return size / 1e6 / best


def by_nibabel(file):
    return numpy.asanyarray(nibabel.load(file).dataobj).nbytes


def by_simpleitk(file):
    image = SimpleITK.ReadImage(file)
    return image.GetNumberOfPixels() * image.GetSizeOfPixelComponent()


report("nibabel", megabytes_per_second(by_nibabel), "MB/s", memory=True)
report("SimpleITK", megabytes_per_second(by_simpleitk), "MB/s", memory=True)
