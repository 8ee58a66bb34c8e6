"""Makes what nifti_test.cpp compares with: small files of every kind into tests/seeds/nifti_fuzz, and nifti.csv, what nibabel reads in
them and in the sample files: SHA-256 of the affine (rows of RAS, float64) and of the values (float64, first axis fastest).

    python3 nifti.py SAMPLES        made with nibabel 5.3.2 and numpy 1.26.4
"""
import csv
import hashlib
import pathlib
import struct
import sys

import nibabel
import numpy

here = pathlib.Path(__file__).parent
seeds = here.parents[3] / "tests/seeds/nifti_fuzz"
samples = pathlib.Path(sys.argv[1])
affine = numpy.array([[-0.5, 0.1, 0.2, 10.25], [0.05, 2, -0.3, -20.5], [0.1, 0.2, 3, 30.125], [0, 0, 0, 1]])
turned = nibabel.affines.from_matvec(
    nibabel.eulerangles.euler2mat(0.3, -0.2, 0.1) @ numpy.diag([0.7, 0.8, -5]), [-100.5, 20.25, 7])


def values(dtype, shape):
    count = int(numpy.prod(shape))
    dtype = numpy.dtype(dtype)
    if dtype.kind == "f":
        return (numpy.arange(count, dtype=dtype) / 7 - 1).reshape(shape, order="F")
    edges = numpy.iinfo(dtype)
    out = numpy.arange(count, dtype=dtype)
    out[0], out[-1] = edges.min, edges.max
    return out.reshape(shape, order="F")


def save(name, data, kind=nibabel.Nifti1Image, form=affine, endian="<", slope=None, **codes):
    header = kind.header_class(endianness=endian)
    header.set_data_dtype(data.dtype)
    header.set_xyzt_units("mm", "sec")
    image = kind(data, None, header)
    if "sform" in codes:
        image.set_sform(form, codes["sform"])
    if "qform" in codes:
        image.set_qform(form, codes["qform"], strip_shears=True)
    if slope:
        image.header.set_slope_inter(*slope)
    nibabel.save(image, seeds / name)
    if slope:  # nibabel divides by the slope while saving: the header is set again behind its back
        bytes_ = bytearray((seeds / name).read_bytes())
        bytes_[112:120] = struct.pack("<ff", *slope)
        bytes_[352:] = data.tobytes(order="F")
        (seeds / name).write_bytes(bytes_)


seeds.mkdir(parents=True, exist_ok=True)
for old in seeds.iterdir():
    old.unlink()
for dtype in ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]:
    save(f"{dtype}.nii", values(dtype, (2, 3, 2)), sform=1, qform=1)
    save(f"{dtype}_big.nii", values(dtype, (2, 3, 2)), sform=2, endian=">")
save("two.nii", values("i2", (3, 2, 2)), nibabel.Nifti2Image, turned, sform=1, qform=1)
save("two_big.nii", values("f4", (3, 2, 2)), nibabel.Nifti2Image, turned, endian=">", qform=4)
save("qform.nii", values("i2", (3, 2, 4)), form=turned, qform=1)
save("qform.nii.gz", values("i2", (3, 2, 4)), form=turned, qform=1, sform=4)
save("flat.nii", values("u1", (5, 3)), sform=1)
save("time.nii.gz", values("i2", (2, 2, 2, 3)), sform=1)
save("vector.nii", values("f4", (2, 2, 2, 1, 3)), sform=1)
save("scaled.nii", values("i2", (2, 3, 2)), slope=(0.1, -3.5), sform=1)
save("shifted.nii", values("u2", (2, 3, 2)), slope=(1, -1024), sform=1)
save("pair.img", values("i2", (2, 3, 2)), nibabel.Nifti1Pair, sform=1)
colours = numpy.zeros((2, 2, 2), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
for at, name in enumerate("RGB"):
    colours[name] = (numpy.arange(8).reshape((2, 2, 2), order="F") + 50 * at)
save("colour.nii", colours, sform=1)

with open(here / "nifti.csv", "w", newline="") as out:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["file", "shape", "affine", "values"])
    for file in sorted(seeds.iterdir()) + sorted(samples.glob("*.nii.gz")):
        if file.suffix == ".hdr":
            continue
        image = nibabel.load(file)
        data = numpy.asanyarray(image.dataobj)
        if data.dtype.fields:
            data = numpy.stack([data[c] for c in "RGB"], axis=-1)
        data = data.astype("<f8") if data.dtype.kind != "f" else image.get_fdata(dtype="f8")
        form = hashlib.sha256(numpy.ascontiguousarray(image.affine[:3]).astype("<f8").tobytes()).hexdigest()
        rows.writerow([file.name, "x".join(map(str, data.shape)), form,
                       hashlib.sha256(data.tobytes(order="F")).hexdigest()])
