"""Rows of reading DICOM: a series to a volume in Hounsfield units, the headers of a folder, one header.

Usage: dicom.py series|scan FOLDER THREADS
       dicom.py inspect FILE
"""
import pathlib
import sys

import pydicom

from peer import report, versions, wall

what, where = sys.argv[1], pathlib.Path(sys.argv[2])


def best_of_three(work):
    best = float("inf")
    for _ in range(3):
        start = wall()
        work()
        best = min(best, wall() - start)
    return best


def by_simpleitk():
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(where)))
    return reader.Execute()


def by_pydicom():
    slices = sorted((pydicom.dcmread(path) for path in where.iterdir()), key=lambda one: one.ImagePositionPatient[2])
    out = numpy.empty((len(slices), slices[0].Rows, slices[0].Columns), numpy.int16)
    for k, one in enumerate(slices):
        out[k] = one.pixel_array * float(one.RescaleSlope) + float(one.RescaleIntercept)
    return out


if what == "inspect":
    print(pydicom.dcmread(where, stop_before_pixels=True))
elif what == "scan":
    versions("pydicom")
    files = [path for path in where.rglob("*") if path.is_file()]
    seconds = best_of_three(lambda: [pydicom.dcmread(path, stop_before_pixels=True) for path in files])
    report("pydicom, stop_before_pixels", len(files) / seconds, "files/s", memory=True)
else:
    import numpy
    import SimpleITK

    SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(int(sys.argv[3]))
    versions("simpleitk", "pydicom")
    report("SimpleITK ImageSeriesReader", best_of_three(by_simpleitk), "s", memory=True)
    report("pydicom", best_of_three(by_pydicom), "s", memory=True)
