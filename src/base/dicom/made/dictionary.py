"""Makes dictionary.inc: number, kind and keyword of each attribute of PS3.6, as pydicom lists them.

Where the standard leaves the kind to another attribute, the first one stands (of OB or OW: OW, which data sets
without kinds have). Repeating groups stand under their first: 5000 and 6000."""
import pathlib
from importlib.metadata import version
from pydicom._dicom_dict import DicomDictionary, RepeatersDictionary


def kind_of(said):
    kinds = said.split(" or ")
    return "OW" if "OW" in kinds and "OB" in kinds else kinds[0]


rows = {tag: (kind_of(row[0]), row[4]) for tag, row in DicomDictionary.items() if row[4] and row[0] != "NONE"}
for mask, row in RepeatersDictionary.items():
    if mask[:4] in ("50xx", "60xx"):
        rows[int(mask.replace("xx", "00"), 16)] = (kind_of(row[0]), row[4])
lines = [f"// Attributes of PS3.6, in order: by made/dictionary.py from pydicom {version('pydicom')}.", "// clang-format off"]
lines += [f"FOVEA_ROW(0x{tag:08x}, {kind}, {word})" for tag, (kind, word) in sorted(rows.items())]
(pathlib.Path(__file__).parent.parent / "dictionary.inc").write_text("\n".join(lines) + "\n")
