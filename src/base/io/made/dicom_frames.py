"""Makes dicom_frames.csv: what pydicom reads in the conformance files that hold several frames.

    python dicom_frames.py FOLDER_WITH_THE_UNPACKED_FILES > dicom_frames.csv

Values are those of the standard's attributes (rescale, dose grid scaling, real world value mapping, palettes), frames sorted by
their position along the normal; the hash is SHA-256 of all of them as float64, i fastest, then j, k, channel."""
import hashlib
import sys
import warnings

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut

warnings.filterwarnings("ignore")

FILES = ["eCT_Supplemental.dcm", "liver.dcm", "liver_expb.dcm", "liver_nonbyte_aligned.dcm",
         "parametric_map_double_float.dcm", "parametric_map_float.dcm", "OBXXXX1A_2frame.dcm", "SC_rgb_2frame.dcm",
         "SC_rgb_16bit_2frame.dcm", "test_files/rtdose.dcm", "test_files/rtdose_expb.dcm"]


def group(data, frame, name):
    own = data.PerFrameFunctionalGroupsSequence[frame] if "PerFrameFunctionalGroupsSequence" in data else {}
    shared = data.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in data else {}
    return (own.get(name) or shared.get(name))[0]


def placed(data, frames):
    """Positions of all frames, cosines, pixel spacing and a thickness."""
    if data.Modality == "RTDOSE":
        cosines = np.array(data.ImageOrientationPatient, float)
        normal = np.cross(cosines[:3], cosines[3:])
        at = [np.array(data.ImagePositionPatient, float) + float(offset) * normal for offset in data.GridFrameOffsetVector]
        return at, cosines, data.PixelSpacing, 1
    at = [np.array(group(data, f, "PlanePositionSequence").ImagePositionPatient, float) for f in range(frames)]
    measures = group(data, 0, "PixelMeasuresSequence")
    return at, np.array(group(data, 0, "PlaneOrientationSequence").ImageOrientationPatient, float), measures.PixelSpacing, \
        float(measures.SliceThickness)


def values(data, frames):
    """[frame, j, i] or [frame, j, i, colour]"""
    name = "PixelData" if "PixelData" in data else "FloatPixelData" if "FloatPixelData" in data else "DoubleFloatPixelData"
    if name == "PixelData":
        raw = data.pixel_array
    else:
        raw = np.frombuffer(data[name].value, "<f4" if name == "FloatPixelData" else "<f8").reshape(frames, data.Rows, data.Columns)
    if raw.ndim == 2:
        raw = raw[None]
    if data.PhotometricInterpretation == "PALETTE COLOR":
        return apply_color_lut(raw, data).astype(float)
    if data.SOPClassUID.name == "Parametric Map Storage":
        mapping = [group(data, f, "RealWorldValueMappingSequence") for f in range(frames)]
        return np.stack([raw[f].astype(float) * m.RealWorldValueSlope + m.RealWorldValueIntercept for f, m in enumerate(mapping)])
    if data.Modality == "RTDOSE":
        return raw.astype(float) * float(data.DoseGridScaling)
    if data.Modality == "CT":
        return np.stack([apply_modality_lut(raw[f], group(data, f, "PixelValueTransformationSequence")) for f in range(frames)]).astype(float)
    return raw.astype(float)


def main(folder):
    print("file,place,values")
    for name in FILES:
        data = pydicom.dcmread(f"{folder}/{name}")
        frames = int(data.get("NumberOfFrames", 1))
        voxels = values(data, frames)
        place = ""
        if data.Modality not in ("US", "OT") or "Parametric" in data.SOPClassUID.name:
            at, cosines, spacing, thickness = placed(data, frames)
            normal = np.cross(cosines[:3], cosines[3:])
            order = np.argsort([p @ normal for p in at], kind="stable")
            voxels = voxels[order]
            first, last = at[order[0]], at[order[-1]]
            step = (last - first) / (frames - 1) if frames > 1 else normal * thickness
            place = " ".join(repr(float(v)) for v in [*first, *(cosines[:3] * float(spacing[1])), *(cosines[3:] * float(spacing[0])), *step])
        if voxels.ndim == 4:  # colours are channels, the faster ones
            voxels = np.moveaxis(voxels, 3, 1)
        print(f"{name},{place},{hashlib.sha256(np.ascontiguousarray(voxels, '<f8').tobytes()).hexdigest()}")


main(sys.argv[1])
