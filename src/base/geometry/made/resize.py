"""Makes resize.json, what resize_test.cpp compares with: formula phantoms of one size brought to others by skimage (scipy's zoom) and, for labels,
by batchgenerators as nnU-Net calls it.

    python3 resize.py        made with scikit-image 0.26.0, scipy 1.17.1, batchgenerators 0.25.5 and numpy 2.4.6
"""
import json
import pathlib

import numpy
from batchgenerators.augmentations.utils import resize_segmentation
from skimage.transform import resize


def phantoms(size):
    """Of axes k, j, i, as nnU-Net has them: where a tie is, the order of products counts."""
    k, j, i = numpy.meshgrid(*map(numpy.arange, size[::-1]), indexing="ij")
    values = (37 * i + 53 * j * j + 29 * k + 11 * i * k) % 101 - 20
    labels = (i // 2 + j // 3 * k // 2 + (i * j + k) % 5 // 4) % 4 - 1
    return values.astype(float), labels


cases = []


def add(size, onto, order, values):
    cases.append({"size": size, "onto": onto, "order": order, "values": [float(f"{v:.7g}") for v in values.ravel()]})


for size, onto in (((9, 7, 6), (5, 8, 6)), ((6, 6, 4), (12, 3, 2)), ((4, 5, 3), (11, 9, 8)), ((1, 2, 3), (4, 3, 1)), ((8, 8, 1), (5, 11, 1))):
    values, labels = phantoms(size)
    for order in (0, 1, 3):
        add(size, onto, order, resize(values, onto[::-1], order, mode="edge", anti_aliasing=False, clip=False))
    for order in (0, 1):
        cases.append({"size": size, "onto": onto, "order": order,
                      "labels": resize_segmentation(labels, onto[::-1], order).ravel().tolist()})

made = pathlib.Path(__file__).with_name("resize.json")
made.write_text("[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n")
print(len(cases), "cases", made.stat().st_size, "bytes")
