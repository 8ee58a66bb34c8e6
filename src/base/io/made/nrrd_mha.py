"""Makes what nrrd_test.cpp and mha_test.cpp compare with: small files of every kind into tests/seeds/nrrd_fuzz and
tests/seeds/mha_fuzz, and nrrd_mha.csv, what SimpleITK (pynrrd, where SimpleITK cannot) reads in them: sizes, the place in
LPS and mm (origin, then the axes i, j, k), SHA-256 of the values (float64, i fastest, then j, k, time, component).

    python3 nrrd_mha.py                  made with SimpleITK 2.5.7, pynrrd 1.1.3 and numpy 2.4.6
    python3 nrrd_mha.py --read FOLDER    the same lines of the files in a folder, for those that we wrote
"""
import csv
import hashlib
import pathlib
import sys

import nrrd
import numpy
import SimpleITK

here = pathlib.Path(__file__).parent
seeds = here.parents[3] / "tests/seeds"
types = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


def values(dtype, shape):
    count = int(numpy.prod(shape))
    dtype = numpy.dtype(dtype)
    if dtype.kind == "f":
        return (numpy.arange(count, dtype=dtype) / 7 - 1).astype(dtype).reshape(shape)
    edges = numpy.iinfo(dtype)
    out = numpy.arange(count).astype(dtype)
    out[0], out[-1] = edges.min, edges.max
    return out.reshape(shape)


def turned(image):
    c, s = numpy.cos(0.3), numpy.sin(0.3)
    image.SetDirection((c, -s, 0, s, c, 0, 0, 0, -1))
    image.SetSpacing((0.7, 0.8, 2.5))
    image.SetOrigin((-100.5, 20.25, 7))
    return image


def by_itk():
    for ending in ["nrrd", "mha"]:
        folder = seeds / f"{ending}_fuzz"
        for dtype in types:
            image = turned(SimpleITK.GetImageFromArray(values(dtype, (2, 3, 2))))
            SimpleITK.WriteImage(image, folder / f"{dtype}.{ending}")
        image = turned(SimpleITK.GetImageFromArray(values("i2", (4, 3, 2))))
        SimpleITK.WriteImage(image, folder / f"packed.{ending}", useCompression=True)
        SimpleITK.WriteImage(image, folder / f"pair.{'nhdr' if ending == 'nrrd' else 'mhd'}")
        SimpleITK.WriteImage(image, folder / f"packed_pair.{'nhdr' if ending == 'nrrd' else 'mhd'}", useCompression=True)
        SimpleITK.WriteImage(image[:, :, 0], folder / f"flat.{ending}")
        vector = turned(SimpleITK.GetImageFromArray(values("f4", (2, 3, 2, 3)), isVector=True))
        SimpleITK.WriteImage(vector, folder / f"vector.{ending}")
        SimpleITK.WriteImage(SimpleITK.JoinSeries([image, image + 1], 0, 2.5), folder / f"time.{ending}")


def by_pynrrd():
    folder = seeds / "nrrd_fuzz"
    axes = numpy.array([[-0.5, 0.05, 0.1], [0.1, 2, 0.2], [0.2, -0.3, 3]])
    none = [numpy.nan] * 3
    data = values("i2", (2, 3, 2))

    def save(name, data, **header):
        header = {key.replace("_", " "): value for key, value in header.items()}
        header.setdefault("encoding", "raw")
        nrrd.write(str(folder / name), data, header, index_order="C",
                   detached_header=name.endswith("nhdr"))

    place = {"space_directions": axes, "space_origin": [10.25, -20.5, 30.125], "kinds": ["domain"] * 3}
    for space in ["right-anterior-superior", "left-anterior-superior", "left-posterior-superior"]:
        save(f"sheared_{space}.nrrd", data, space=space, **place)
    for dtype in ["i2", "u4", "i8", "f4", "f8"]:
        save(f"{dtype}_big.nrrd", values(dtype, (2, 3, 2)).astype(">" + dtype), space="RAS", endian="big", **place)
    save("text.nrrd", values("i4", (2, 3, 2)), space="RAS", encoding="ascii", **place)
    save("text_real.nrrd", values("f8", (2, 3, 2)), space="RAS", encoding="text", **place)
    save("gzip.nhdr", data, space="LAS", encoding="gzip", **place)
    save("scanner.nrrd", data, space="scanner-xyz", **place)
    save("spacings.nrrd", data, spacings=[0.5, 0.75, 2])
    last = dict(place, space_directions=[*axes, none], kinds=["domain"] * 3 + ["vector"])
    save("vector_last.nrrd", values("f4", (3, 2, 3, 2)), space="RAS", **last)
    first = dict(place, space_directions=[none, *axes], kinds=["list"] + ["domain"] * 3)
    save("list_first.nrrd", values("i2", (2, 3, 2, 4)), space="RAS", **first)
    colour = dict(place, space_directions=[none, *axes], kinds=["RGB-color"] + ["domain"] * 3)
    save("colour.nrrd", values("u1", (2, 3, 2, 3)), space="LPS", **colour)
    # Skipped lines and bytes, comments and keys, as no library writes them.
    head = ("NRRD0005\n# a comment\ntype: short\ndimension: 3\nspace: LPS\nsizes: 2 3 2\nkey:=value\nspace directions: (1,0,0) "
            "(0,2,0) (0,0,3)\nspace origin: (4,5,6)\nendian: little\nencoding: {}\n{}data file: {}\n")
    (folder / "lines.raw").write_bytes(b"one line\nanother\n12345" + data.tobytes())
    (folder / "lines.nhdr").write_text(head.format("raw", "line skip: 2\nbyte skip: 5\n", "./lines.raw"))
    (folder / "end.nhdr").write_text(head.format("raw", "byte skip: -1\n", "lines.raw"))


def place_of_itk(image):
    size = numpy.array(image.GetSize()[:3] + (1,) * (3 - image.GetDimension()))
    axes = numpy.eye(3)
    n = image.GetDimension()
    direction = numpy.array(image.GetDirection()).reshape(n, n)
    for a in range(min(n, 3)):
        axes[a, :min(n, 3)] = direction[:min(n, 3), a] * image.GetSpacing()[a]
    origin = numpy.zeros(3)
    origin[:min(n, 3)] = image.GetOrigin()[:3]
    return size, numpy.concatenate([origin, axes.ravel()])


def line_of(file):
    image = SimpleITK.ReadImage(file)
    data = SimpleITK.GetArrayFromImage(image)
    size, place = place_of_itk(image)
    if image.GetNumberOfComponentsPerPixel() > 1:
        data = numpy.moveaxis(data, -1, 0)
    shape = list(size) + ([image.GetSize()[3]] if image.GetDimension() == 4 else [])
    if image.GetNumberOfComponentsPerPixel() > 1:
        shape.append(image.GetNumberOfComponentsPerPixel())
    digest = hashlib.sha256(numpy.ascontiguousarray(data).astype("<f8").tobytes()).hexdigest()
    return [file.name, "x".join(map(str, shape)), " ".join(repr(float(v)) for v in place), digest]


def lines_of(folder):
    for file in sorted(folder.iterdir()):
        if file.suffix in [".nrrd", ".nhdr", ".mha", ".mhd"]:
            yield line_of(file)


if len(sys.argv) == 3 and sys.argv[1] == "--read":
    csv.writer(sys.stdout, lineterminator="\n").writerows(lines_of(pathlib.Path(sys.argv[2])))
    sys.exit()
for kind in ["nrrd_fuzz", "mha_fuzz"]:
    (seeds / kind).mkdir(parents=True, exist_ok=True)
    for old in (seeds / kind).iterdir():
        old.unlink()
by_itk()
by_pynrrd()
with open(here / "nrrd_mha.csv", "w", newline="") as out:
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(["file", "shape", "place", "values"])
    for kind in ["nrrd_fuzz", "mha_fuzz"]:
        rows.writerows(lines_of(seeds / kind))
