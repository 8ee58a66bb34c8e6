"""Reads RT structure sets with pydicom alone, draws their contours, and holds them against masks; makes some, too.

    check_structures.py written OBJECT MASK.nii SERIES    what fovea wrote of a mask: identity, references, the same mask
    check_structures.py drawn OBJECT MASK.nii SERIES      what fovea drew of another program's contours
    check_structures.py make SERIES OBJECT                contours of another program: smooth, with holes, overlapping

Ends with 0 and one line if all is right. Points are tried one by one against every edge; nothing of fovea's is used.
"""
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import ImplicitVRLittleEndian, generate_uid

from check_written import check_common, nifti, source_images


def crossings(x, y, points):
    """For each centre: edges right of it, counted, and with their direction (winding number)."""
    count = np.zeros(x.shape, int)
    winding = np.zeros(x.shape, int)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0)):
        if y0 == y1:
            continue
        over = (np.minimum(y0, y1) <= y) & (y < np.maximum(y0, y1)) & (x0 + (y - y0) / (y1 - y0) * (x1 - x0) > x)
        count += over
        winding += over * (1 if y1 > y0 else -1)
    return count, winding


def slices_of(images):
    """Images along their normal, and each one's plane."""
    first = next(iter(images.values()))
    row, column = np.array(first.ImageOrientationPatient[:3], float), np.array(first.ImageOrientationPatient[3:], float)
    normal = np.cross(row, column)
    return sorted(images.values(), key=lambda s: np.dot(normal, np.array(s.ImagePositionPatient, float))), row, column, normal


def draw(data, images):
    """{region number: (even-odd mask, mask by each contour's own winding)}, slices along the normal first."""
    stack, row, column, normal = slices_of(images)
    heights = np.array([np.dot(normal, np.array(s.ImagePositionPatient, float)) for s in stack])
    rows, columns = stack[0].Rows, stack[0].Columns
    x, y = np.meshgrid(np.arange(columns), np.arange(rows))
    out = {}
    for roi in data.ROIContourSequence:
        odd = np.zeros((len(stack), rows, columns), int)
        some = np.zeros_like(odd)
        for contour in roi.get("ContourSequence", []):
            if not contour.ContourGeometricType.startswith("CLOSED"):
                continue
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            k = int(np.argmin(np.abs(heights - np.dot(points[0], normal))))
            assert np.abs(points @ normal - heights[k]).max() < 0.05, "a contour beside its slice"
            image = stack[k]
            if "ContourImageSequence" in contour:
                assert contour.ContourImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
            place = points - np.array(image.ImagePositionPatient, float)
            flat = np.stack([place @ row / float(image.PixelSpacing[1]), place @ column / float(image.PixelSpacing[0])], axis=1)
            count, winding = crossings(x, y, flat)
            odd[k] += count
            some[k] |= winding != 0
        out[int(roi.ReferencedROINumber)] = (odd % 2 == 1, some > 0)
    return out


def stacked(path, images):
    """A NIfTI mask as [layer, k, j, i] in the order and place of the images."""
    voxels, affine = nifti(path)
    if voxels.ndim == 3:
        voxels = voxels[..., None]
    stack, row, column, _ = slices_of(images)
    inverse = np.linalg.inv(affine)
    out = np.zeros((voxels.shape[3], len(stack), stack[0].Rows, stack[0].Columns), voxels.dtype)
    c, r = np.meshgrid(np.arange(stack[0].Columns), np.arange(stack[0].Rows))
    for k, image in enumerate(stack):
        spacing = [float(v) for v in image.PixelSpacing]
        place = (np.array(image.ImagePositionPatient, float) + row * spacing[1] * c[..., None]
                 + column * spacing[0] * r[..., None])
        index = place @ inverse[:3, :3].T + inverse[:3, 3]
        assert np.abs(index - np.round(index)).max() < 0.02, "the mask lies beside the slices"
        index = np.round(index).astype(int)
        out[:, k] = np.moveaxis(voxels[index[..., 0], index[..., 1], index[..., 2]], -1, 0)
    return out


def check_drawn(path, mask, series):
    data, images = pydicom.dcmread(path), source_images(series)
    there = stacked(mask, images)
    drawn = draw(data, images)
    for number, (odd, _) in drawn.items():
        layers = [np.array_equal(layer == number, odd) for layer in there]
        assert any(layers), f"region {number} is drawn otherwise"
    assert sum(int(odd.sum()) for odd, _ in drawn.values()) == int((there > 0).sum()), "voxels of no region"
    print(f"drawn: {len(drawn)} regions as they should be")


def check_written(path, mask, series):
    data, images = pydicom.dcmread(path), source_images(series)
    check_common(data, images)
    first = next(iter(images.values()))
    assert data.Modality == "RTSTRUCT" and data.FrameOfReferenceUID == first.FrameOfReferenceUID
    frame = data.ReferencedFrameOfReferenceSequence[0]
    study = frame.RTReferencedStudySequence[0]
    named = {item.ReferencedSOPInstanceUID for item in study.RTReferencedSeriesSequence[0].ContourImageSequence}
    assert study.ReferencedSOPInstanceUID == first.StudyInstanceUID and named == set(images)
    there = stacked(mask, images)
    voxel = np.prod([float(v) for v in first.PixelSpacing])
    stack, _, _, normal = slices_of(images)
    step = np.dot(normal, np.array(stack[1].ImagePositionPatient, float) - np.array(stack[0].ImagePositionPatient, float))
    by_number = {int(roi.ROINumber): roi for roi in data.StructureSetROISequence}
    drawn = draw(data, images)
    assert set(drawn) == set(by_number) == {int(o.ReferencedROINumber) for o in data.RTROIObservationsSequence}
    for number, (odd, winding) in drawn.items():
        want = (there == number).any(axis=0)
        assert np.array_equal(odd, want), f"region {number} differs"
        assert np.array_equal(winding, want), f"region {number} differs where contours are filled one by one"
        volume = float(by_number[number].ROIVolume)
        assert abs(volume - want.sum() * voxel * step / 1000) < 1e-9 * max(volume, 1)
        assert by_number[number].ReferencedFrameOfReferenceUID == first.FrameOfReferenceUID
    for roi in data.ROIContourSequence:
        for contour in roi.get("ContourSequence", []):
            assert int(contour.NumberOfContourPoints) * 3 == len(contour.ContourData)
    print(f"rtstruct: {len(drawn)} regions, {int((there > 0).sum())} voxels as they should be")


def make(series, path):
    images = source_images(series)
    stack, row, column, _ = slices_of(images)
    first = stack[0]
    dice = np.random.default_rng(4)
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    data.SOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    data.SOPInstanceUID = generate_uid()
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    data.Modality = "RTSTRUCT"
    data.StudyInstanceUID, data.SeriesInstanceUID = first.StudyInstanceUID, generate_uid()
    data.StructureSetROISequence, data.ROIContourSequence = Sequence(), Sequence()

    def contour(image, centre, radius, kind):
        angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        wobble = radius * (1 + 0.25 * np.sin(3 * angles + dice.uniform(0, 6)) + 0.1 * np.cos(7 * angles))
        spacing = [float(v) for v in image.PixelSpacing]
        place = np.array(image.ImagePositionPatient, float)
        points = [place + row * spacing[1] * (centre[0] + w * np.cos(a)) + column * spacing[0] * (centre[1] + w * np.sin(a))
                  for a, w in zip(angles, wobble)]
        item = Dataset()
        item.ContourGeometricType = kind
        item.NumberOfContourPoints = len(points)
        item.ContourData = [f"{v:.5f}" for p in points for v in p]
        item.ContourImageSequence = [Dataset()]
        item.ContourImageSequence[0].ReferencedSOPClassUID = image.SOPClassUID
        item.ContourImageSequence[0].ReferencedSOPInstanceUID = image.SOPInstanceUID
        return item

    small = min(first.Rows, first.Columns)
    for number, holes in ((3, True), (12, False), (5, False)):
        item = Dataset()
        item.ROINumber, item.ROIName, item.ROIGenerationAlgorithm = number, f"region {number}", "MANUAL"
        item.ReferencedFrameOfReferenceUID = first.FrameOfReferenceUID
        data.StructureSetROISequence.append(item)
        roi = Dataset()
        roi.ReferencedROINumber, roi.ROIDisplayColor = number, [number, 100, 200]
        roi.ContourSequence = Sequence()
        centre = dice.uniform(0.3, 0.7, 2) * (first.Columns, first.Rows)
        for image in stack[1:]:
            kind = "CLOSEDPLANAR_XOR" if holes else "CLOSED_PLANAR"
            roi.ContourSequence.append(contour(image, centre, 0.35 * small, kind))
            if holes:
                roi.ContourSequence.append(contour(image, centre, 0.15 * small, kind))
        data.ROIContourSequence.append(roi)
    data.save_as(path, enforce_file_format=True)


def main():
    {"written": check_written, "drawn": check_drawn, "make": make}[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
