"""Made-up DICOM files for the rows dicom-*: a CT of noise and a ball, and many small files.

Usage: make_dicom.py ct FOLDER raw|jpeg-lossless|j2k SLICES      512 x 512
       make_dicom.py many FOLDER FILES                           16 x 16, 100 attributes each, 200 a series
"""
import pathlib
import sys

import numpy
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1


def header(side):
    ct = Dataset()
    ct.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    ct.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ct.Modality, ct.PatientID, ct.PatientName = "CT", "P1", "Made^Up"
    ct.Manufacturer, ct.SeriesDescription, ct.KVP = "Made", "CHEST", "120"
    ct.StudyInstanceUID, ct.SeriesInstanceUID, ct.FrameOfReferenceUID = "1.2.3", "1.2.3.4", "1.2.3.5"
    ct.ImageOrientationPatient, ct.PixelSpacing, ct.SliceThickness = [1, 0, 0, 0, 1, 0], [0.7, 0.7], 1
    ct.SamplesPerPixel, ct.PhotometricInterpretation = 1, "MONOCHROME2"
    ct.Rows = ct.Columns = side
    ct.BitsAllocated = ct.BitsStored = 16
    ct.HighBit, ct.PixelRepresentation = 15, 1
    ct.RescaleSlope, ct.RescaleIntercept, ct.RescaleType = 1, 0, "HU"
    for element in range(0x10, 0x4A):
        ct.add_new((0x0029, element + 0x1000), "LO", f"value {element}")
    ct.add_new((0x0029, 0x0010), "LO", "MADE")
    return ct


def save(ct, path, syntax=ExplicitVRLittleEndian):
    ct.file_meta = FileMetaDataset()
    ct.file_meta.MediaStorageSOPClassUID = ct.SOPClassUID
    ct.file_meta.MediaStorageSOPInstanceUID = ct.SOPInstanceUID
    ct.file_meta.TransferSyntaxUID = syntax
    ct.save_as(path, enforce_file_format=True)


def slice_of(k, slices, side=512):
    """Hounsfield units: soft tissue in air, with the noise of a scanner."""
    noise = numpy.random.default_rng(k).normal(0, 12, (side, side))
    y, x = numpy.mgrid[-1:1:side * 1j, -1:1:side * 1j]
    inside = x**2 + y**2 + (2 * k / slices - 1)**2 < 0.8
    return numpy.rint(numpy.where(inside, 40 + 30 * numpy.sin(9 * x) * numpy.cos(7 * y) + noise, -1000 + noise / 6)).astype("<i2")


def jpeg_lossless(pixels):
    """ITU T.81, process 14, first-order prediction: differences to the left neighbour, by one Huffman table."""
    rows, columns = pixels.shape
    values = pixels.astype(numpy.uint16).astype(numpy.int32)
    before = numpy.empty_like(values)
    before[:, 1:], before[1:, 0], before[0, 0] = values[:, :-1], values[:-1, 0], 1 << 15
    difference = ((values - before + (1 << 15)) & 0xFFFF) - (1 << 15)
    flat = difference.ravel()
    kind = numpy.ceil(numpy.log2(numpy.abs(flat) + 1.0)).astype(numpy.int64)  # how many bits follow
    lengths = numpy.array([4] * 14 + [5] * 3)
    codes = numpy.array([*range(14), 28, 29, 30])
    extra = numpy.where(kind == 16, 0, kind)
    low = numpy.where(flat < 0, flat - 1, flat) & ((1 << extra) - 1)
    bits = lengths[kind] + extra
    words = codes[kind] << extra | low
    place = numpy.repeat(numpy.cumsum(bits) - bits, bits)
    shift = numpy.repeat(bits, bits) - 1 - (numpy.arange(bits.sum()) - place)
    packed = numpy.packbits((numpy.repeat(words, bits) >> shift & 1).astype(numpy.uint8))
    if (tail := int(bits.sum()) % 8) != 0:
        packed[-1] |= (1 << (8 - tail)) - 1
    head = bytes([0xFF, 0xD8, 0xFF, 0xC3, 0, 11, 16, rows >> 8, rows & 255, columns >> 8, columns & 255, 1, 1, 0x11, 0,
                  0xFF, 0xC4, 0, 2 + 17 + 17, 0, 0, 0, 0, 14, 3, *[0] * 11, *range(17),
                  0xFF, 0xDA, 0, 8, 1, 1, 0, 1, 0, 0])
    return head + packed.tobytes().replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def make_ct(folder, packing, slices):
    ct = header(512)
    for k in range(slices):
        ct.SOPInstanceUID, ct.InstanceNumber = f"1.2.3.4.{k + 1}", k + 1
        ct.ImagePositionPatient = [-179, -179, float(k)]
        pixels = slice_of(k, slices)
        path = folder / f"{(k * 7) % slices:04}-{k}.dcm"
        ct.PixelData = pixels.tobytes()
        if packing == "raw":
            save(ct, path)
        elif packing == "j2k":
            save(ct, path)
            packed = pydicom.dcmread(path)
            packed.compress(JPEG2000Lossless, generate_instance_uid=False)
            packed.save_as(path)
        else:
            ct.PixelData = encapsulate([jpeg_lossless(pixels)])
            ct["PixelData"].VR, ct["PixelData"].is_undefined_length = "OB", True
            save(ct, path, JPEGLosslessSV1)


def make_many(folder, files):
    """Identifiers and places of one file are replaced by others of the same length."""
    ct = header(16)
    ct.SeriesInstanceUID, ct.SOPInstanceUID = "1.2.3.7000000", "1.2.3.7000000.8000000"
    ct.ImagePositionPatient = [0, 0, "9000000"]
    ct.PixelData = bytes(512)
    save(ct, folder / "one.dcm")
    one = (folder / "one.dcm").read_bytes()
    (folder / "one.dcm").unlink()
    for n in range(files):
        series, k = divmod(n, 200)
        if k == 0:
            (folder / f"series{series}").mkdir()
        own = one.replace(b"7000000", b"7%06d" % series).replace(b"8000000", b"8%06d" % k)
        (folder / f"series{series}" / f"im{k}").write_bytes(own.replace(b"9000000", b"%07d" % k))


folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True)
make_ct(folder, sys.argv[3], int(sys.argv[4])) if sys.argv[1] == "ct" else make_many(folder, int(sys.argv[3]))
