"""Reads DICOM objects that fovea wrote with pydicom and highdicom, and holds them against what they were made of.

    check_written.py seg OBJECT MASK.nii[.gz] SERIES    voxel by voxel, each frame at its own place
    check_written.py pmap OBJECT IMAGE.nii[.gz] SERIES
    check_written.py sc OBJECT PICTURE.png SERIES
    check_written.py series FOLDER IMAGE.nii[.gz] [SERIES [STEP]]

Ends with 0 and one line if all is right. The masks are read by nibabel; nothing of fovea's is used.
"""
import sys
from pathlib import Path

import highdicom as hd
import nibabel as nib
import numpy as np
import pydicom
from pydicom.uid import UID


def source_images(folder):
    """The images of a series by their identifier."""
    out = {}
    for path in sorted(Path(folder).rglob("*")):
        if path.is_file():
            image = pydicom.dcmread(path, force=True)
            if "SOPInstanceUID" in image and "Rows" in image:
                out[image.SOPInstanceUID] = image
    assert out, f"no images in {folder}"
    return out


def nifti(path):
    """Voxels, and the affine to LPS."""
    image = nib.load(path)
    return np.asarray(image.dataobj), np.diag([-1.0, -1, 1, 1]) @ image.affine


def slice_at(affine, shape, image_position, orientation, spacing):
    """The k of a plane, its row and column steps in voxels: from the frame's place alone."""
    row, column = np.array(orientation[:3], float), np.array(orientation[3:], float)
    corners = []
    rows, columns = shape
    for r, c in ((0, 0), (0, columns - 1), (rows - 1, 0)):
        point = np.array(image_position, float) + row * spacing[1] * c + column * spacing[0] * r
        corners.append((np.linalg.inv(affine) @ np.append(point, 1))[:3])
    off = np.abs(np.array(corners) - np.round(corners)).max()
    assert off < 0.02, f"frame lies {off} voxels beside the lattice"
    first, along_row, along_column = (np.round(c).astype(int) for c in corners)
    return first, along_row, along_column


def plane(voxels, affine, shape, position, orientation, spacing):
    """What the volume has where a frame's pixels lie."""
    first, along_row, along_column = slice_at(affine, shape, position, orientation, spacing)
    rows, columns = shape
    r, c = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    step_c = (along_row - first) / max(columns - 1, 1)
    step_r = (along_column - first) / max(rows - 1, 1)
    index = [np.round(first[a] + c * step_c[a] + r * step_r[a]).astype(int) for a in range(3)]
    for a in range(3):
        assert index[a].min() >= 0 and index[a].max() < voxels.shape[a], "frame lies outside"
    return voxels[index[0], index[1], index[2]]


def check_common(data, images):
    first = next(iter(images.values()))
    assert data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert data.SpecificCharacterSet == "ISO_IR 192"
    for name in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
                 "StudyTime", "AccessionNumber", "StudyID"):
        ours, theirs = data.get(name), first.get(name)
        assert str(ours or "") == str(theirs or ""), f"{name}: {ours!r} is not the source's {theirs!r}"
    uids = set(images) | {first.SeriesInstanceUID}
    for name in ("SOPInstanceUID", "SeriesInstanceUID"):
        uid = UID(data[name].value)
        assert uid.is_valid and uid.startswith("2.25."), uid
        assert uid not in uids, f"{name} is the source's"
    assert data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID


def check_references(data, images):
    first = next(iter(images.values()))
    series = data.ReferencedSeriesSequence
    assert len(series) == 1 and series[0].SeriesInstanceUID == first.SeriesInstanceUID
    named = {item.ReferencedSOPInstanceUID for item in series[0].ReferencedInstanceSequence}
    assert named == set(images), "not every source image is named"
    assert data.FrameOfReferenceUID == first.FrameOfReferenceUID


def frame_place(data, frame):
    groups = data.PerFrameFunctionalGroupsSequence[frame]
    shared = data.SharedFunctionalGroupsSequence[0]
    turned = groups if "PlaneOrientationSequence" in groups else shared
    return (groups.PlanePositionSequence[0].ImagePositionPatient,
            turned.PlaneOrientationSequence[0].ImageOrientationPatient,
            [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing])


def check_frames(data, images, voxels_of_frame, got):
    """Each frame against the volume where it lies, and its source image against its place."""
    for i in range(int(data.NumberOfFrames)):
        groups = data.PerFrameFunctionalGroupsSequence[i]
        source = groups.DerivationImageSequence[0].SourceImageSequence[0]
        image = images[source.ReferencedSOPInstanceUID]
        position, orientation, spacing = frame_place(data, i)
        assert np.allclose(np.array(position, float), np.array(image.ImagePositionPatient, float), atol=1e-6)
        assert np.allclose(np.array(orientation, float), np.array(image.ImageOrientationPatient, float), atol=1e-6)
        want = voxels_of_frame(groups, position, orientation, spacing)
        assert np.array_equal(got[i], want), f"frame {i} differs in {np.sum(got[i] != want)} pixels"


def check_seg(path, mask, series):
    data, images = pydicom.dcmread(path), source_images(series)
    check_common(data, images)
    check_references(data, images)
    voxels, affine = nifti(mask)
    voxels = np.round(voxels, 6)
    shape = (data.Rows, data.Columns)
    kind = data.SegmentationType
    pixels = data.pixel_array.reshape((int(data.NumberOfFrames), *shape))
    numbers = [int(item.SegmentNumber) for item in data.SegmentSequence if item.SegmentNumber > 0]
    # A channel of a fourth axis is a layer, in the order of layer and value.
    if voxels.ndim == 3:
        voxels = voxels[..., None]
    if kind == "FRACTIONAL":
        keys = [(layer, None) for layer in range(voxels.shape[3])]
    else:
        keys = [(layer, int(v)) for layer in range(voxels.shape[3]) for v in np.unique(voxels[..., layer]) if v > 0]
    assert len(numbers) == len(keys), f"{len(numbers)} segments of {len(keys)}"

    def want(groups, *place):
        if kind == "LABELMAP":
            there = plane(voxels[..., 0], affine, shape, *place)
            return sum((there == v) * n for n, (_, v) in zip(numbers, keys))
        number = int(groups.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        layer, value = keys[number - 1]
        there = plane(voxels[..., layer], affine, shape, *place)
        if kind == "FRACTIONAL":
            return np.floor(there.astype(np.float32).astype(float) * data.MaximumFractionalValue + 0.5).astype(np.uint8)
        return (there == value).astype(np.uint8)

    check_frames(data, images, want, pixels)
    # What is in no frame is nowhere.
    total = int(np.sum(pixels > 0))
    if kind == "FRACTIONAL":
        assert total == int(np.sum(np.floor(voxels.astype(np.float32).astype(float) * 255 + 0.5) > 0))
    else:
        assert total == int(np.sum(voxels > 0)), "voxels are missing"
    # highdicom's own reading, by source image.
    seg = hd.seg.segread(path)
    order = list(images)
    if kind != "FRACTIONAL":
        stack = seg.get_pixels_by_source_instance(order, ignore_spatial_locations=True,
                                                  assert_missing_frames_are_empty=True)
        assert int(stack.sum()) == total, "highdicom reads other voxels"
        for s, uid in enumerate(order):
            image = images[uid]
            place = (image.ImagePositionPatient, image.ImageOrientationPatient, [float(v) for v in image.PixelSpacing])
            for n, (layer, value) in enumerate(keys):
                there = plane(voxels[..., layer], affine, shape, *place) == value
                assert np.array_equal(stack[s, ..., n] > 0, there), f"highdicom: segment {n + 1} of {uid}"
    assert len(seg.segment_numbers) == len(keys)
    print(f"seg {kind}: {len(pixels)} frames, {len(keys)} segments, {total} voxels as they should be")


def check_pmap(path, image, series):
    data, images = pydicom.dcmread(path), source_images(series)
    check_common(data, images)
    check_references(data, images)
    voxels, affine = nifti(image)
    pixels = data.pixel_array.reshape((int(data.NumberOfFrames), data.Rows, data.Columns))
    assert len(pixels) == len(images)
    check_frames(data, images, lambda groups, *place: plane(voxels, affine, pixels.shape[1:], *place), pixels)
    mapping = data.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1, 0)
    assert mapping.DoubleFloatRealWorldValueFirstValueMapped == voxels.min()
    assert mapping.DoubleFloatRealWorldValueLastValueMapped == voxels.max()
    unit = mapping.MeasurementUnitsCodeSequence[0]
    assert unit.CodingSchemeDesignator == "UCUM"
    quantity = hd.sr.CodeContentItem.from_dataset(mapping.QuantityDefinitionSequence[0]).value
    # highdicom's own reading, in the map's unit.
    read = hd.imread(path)
    frames = read.get_frames(apply_real_world_transform=True)
    assert np.array_equal(frames, pixels), "highdicom reads other values"
    print(f"pmap: {len(pixels)} frames of {pixels.dtype}, {quantity.meaning} in {unit.CodeValue}, as they should be")


def check_sc(path, picture, series):
    from PIL import Image

    data, images = pydicom.dcmread(path), source_images(series)
    check_common(data, images)
    want = np.asarray(Image.open(picture))
    high, wide = want.shape[:2]
    whole = data.pixel_array
    assert np.array_equal(whole[:high, :wide], want), "other pixels"
    assert whole[high:].any() and not whole[:high, wide:].any(), "no words below, or beside"
    assert data.PhotometricInterpretation == ("RGB" if want.ndim == 3 else "MONOCHROME2")
    assert {item.ReferencedSOPInstanceUID for item in data.SourceImageSequence} == set(images)
    assert "ImagePositionPatient" not in data and "FrameOfReferenceUID" not in data
    assert "not for measuring" in data.DerivationDescription
    print(f"sc: {want.shape} {want.dtype}, as they should be")


def check_series(folder, image, series=None, step=None):
    """All slices at their places; with a step, values half of it off at most."""
    written = [pydicom.dcmread(path) for path in sorted(Path(folder).iterdir())]
    voxels, affine = nifti(image)
    assert len(written) == voxels.shape[2], f"{len(written)} images"
    assert len({data.SOPInstanceUID for data in written}) == len(written)
    assert len({data.SeriesInstanceUID for data in written}) == 1
    seen = set()
    for data in written:
        if series:
            images = source_images(series)
            check_common(data, images)
            assert data.FrameOfReferenceUID == next(iter(images.values())).FrameOfReferenceUID
            assert {item.ReferencedSOPInstanceUID for item in data.SourceImageSequence} <= set(images)
        else:
            assert not data.PatientName and not data.PatientID and data.Modality == "OT"
        assert list(data.ImageType[:2]) == ["DERIVED", "SECONDARY"]
        values = data.pixel_array * float(data.get("RescaleSlope", 1)) + float(data.get("RescaleIntercept", 0))
        place = (data.ImagePositionPatient, data.ImageOrientationPatient, [float(v) for v in data.PixelSpacing])
        want = plane(voxels, affine, values.shape, *place)
        off = np.abs(values - want).max()
        assert off <= (float(step) * 0.500001 if step else 0), f"{off} off"
        seen.add(tuple(np.round([float(v) for v in data.ImagePositionPatient], 4)))
    assert len(seen) == len(written), "two images at one place"
    print(f"series: {len(written)} images of class {written[0].SOPClassUID.name}, as they should be")


def main():
    checks = {"seg": check_seg, "pmap": check_pmap, "sc": check_sc, "series": check_series}
    checks[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
