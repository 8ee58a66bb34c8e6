"""Writes a mask or an image on the grid of the one volume that `fovea inspect --json` described, as NIfTI-1.

    make_mask.py PLACE.json OUT.nii KIND     labels | layers | fractions | values | flipped | moved

Needs nothing but Python. Beside it OUT.raw holds the same voxels in the grid's own order.
"""
import json
import random
import struct
import sys


def main():
    place, out, kind = sys.argv[1:4]
    with open(place) as file:
        volume = json.load(file)["volumes"][0]
    i, j, k = volume["size"]
    affine = [list(map(float, row)) for row in volume["affine"]]
    count = i * j * k
    dice = random.Random(f"{kind} {i} {j} {k}")
    layers = 2 if kind == "layers" else 1
    if kind in ("fractions", "values"):
        scale = 1 if kind == "fractions" else 250.0
        voxels = [0.0 if dice.random() < 0.3 else dice.random() * scale for _ in range(count)]
        voxels = [struct.unpack("<f", struct.pack("<f", v))[0] for v in voxels]
    else:
        voxels = [dice.choice((0, 0, 1, 2, 7)) for _ in range(count * layers)]
        for at in range(i * j):  # slice 1 is empty, slice 0 has no 7
            voxels[i * j + at] = 0
            voxels[at] = voxels[at] % 7
    letter, code, bits = ("f", 16, 32) if isinstance(voxels[0], float) else ("B", 2, 8)
    with open(out.removesuffix(".nii") + ".raw", "wb") as file:
        file.write(struct.pack(f"<{len(voxels)}{letter}", *voxels))
    if kind == "flipped":  # the same voxels with i and k the other way round
        voxels = [voxels[x + i * (y + j * z)] for z in reversed(range(k)) for y in range(j) for x in reversed(range(i))]
        for axis, size in ((0, i), (2, k)):
            for row in affine:
                row[3] += row[axis] * (size - 1)
                row[axis] = -row[axis]
    if kind == "moved":
        affine[0][3] += 0.3
    ras = [[-v for v in affine[0]], [-v for v in affine[1]], affine[2]]
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, 4 if layers > 1 else 3, i, j, k, layers, 1, 1, 1)
    struct.pack_into("<hh", head, 70, code, bits)
    spacing = [sum(row[a] ** 2 for row in ras) ** 0.5 for a in range(3)]
    struct.pack_into("<8f", head, 76, 1, *spacing, 1, 0, 0, 0)
    struct.pack_into("<f", head, 108, 352)
    struct.pack_into("<f", head, 112, 1)
    head[123] = 2  # mm
    struct.pack_into("<h", head, 254, 1)  # sform
    for row in range(3):
        struct.pack_into("<4f", head, 280 + 16 * row, *ras[row])
    head[344:348] = b"n+1\0"
    with open(out, "wb") as file:
        file.write(bytes(head) + struct.pack(f"<{len(voxels)}{letter}", *voxels))


if __name__ == "__main__":
    main()
