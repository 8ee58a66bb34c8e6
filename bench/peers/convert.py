"""Row of converting a series to .nii.gz, whole processes of both sides: convert.py FOVEA FOLDER WORK

Expects equal voxels and a file at most 5 % larger than dcm2niix's."""
import json
import pathlib
import re
import subprocess
import sys

import nibabel
import numpy

from peer import report, wall

fovea, folder = sys.argv[1:3]
work = pathlib.Path(sys.argv[3])


def best_of_three(command, file):
    best = float("inf")
    for _ in range(3):
        file.unlink(missing_ok=True)
        start = wall()
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        best = min(best, wall() - start)
        if done.returncode:
            sys.exit(f"{command[0]} ended with {done.returncode}\n{done.stdout}")
    return best


def voxels(file):
    """In one order of axes, whatever the file's."""
    return numpy.asanyarray(nibabel.as_closest_canonical(nibabel.load(file)).dataobj)


ours, theirs = work / "ours.nii.gz", work / "theirs.nii.gz"
seconds = best_of_three([fovea, "convert", folder, str(ours)], ours)
other = best_of_three(["dcm2niix", "-b", "n", "-z", "y", "-f", "theirs", "-o", str(work), folder], theirs)
said = subprocess.run(["dcm2niix", "-v"], stdout=subprocess.PIPE, text=True).stdout
print(json.dumps({"versions": {"dcm2niix": re.search(r"v1[\d.]+", said)[0], "nibabel": nibabel.__version__}}))
if not numpy.array_equal(voxels(ours), voxels(theirs)):
    sys.exit("the voxels differ")
sizes = ours.stat().st_size, theirs.stat().st_size
report("fovea convert", seconds, "s")
report("dcm2niix -z y", other, "s")
print(f"bench: file sizes {sizes[0]} and {sizes[1]}, {sizes[0] / sizes[1]:.3f}", file=sys.stderr)
if sizes[0] > 1.05 * sizes[1]:
    sys.exit("our file is more than 5 % larger")
ours.unlink(), theirs.unlink()
