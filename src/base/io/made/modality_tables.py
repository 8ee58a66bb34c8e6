"""Makes modality_tables.csv: what pydicom's apply_modality_lut makes of files with modality tables.

python modality_tables.py FOLDER   (where the zip files of dicom-conformance lie unpacked)
"""

import hashlib
import pathlib
import sys

import numpy
import pydicom
from pydicom.pixels import apply_modality_lut

out = pathlib.Path(__file__).with_suffix(".csv")
rows = ["file,first,last,least,most,sum,sha256"]
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
    if not path.is_file():
        continue
    try:
        dataset = pydicom.dcmread(path)
    except Exception:
        continue
    if "ModalityLUTSequence" not in dataset:
        continue
    values = apply_modality_lut(dataset.pixel_array, dataset)
    digest = hashlib.sha256(values.astype("<u2").tobytes()).hexdigest()
    flat = values.ravel().astype(numpy.int64)
    rows.append(f"{path.name},{flat[0]},{flat[-1]},{flat.min()},{flat.max()},{flat.sum()},{digest}")
out.write_text("\n".join(rows) + "\n")
