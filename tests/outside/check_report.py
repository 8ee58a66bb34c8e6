"""Reads a measurement report (TID 1500) that fovea wrote with highdicom, and holds it against what it was made of.

    check_report.py mask REPORT MASK.nii SERIES [SEG]    measures of a mask: values counted anew, segments, evidence
    check_report.py findings REPORT FINDINGS.json SERIES    findings of a file: each value and place as it stands there

Ends with 0 and one line if all is right. Nothing of fovea's is used.
"""
import json
import sys

import highdicom as hd
import numpy as np
import pydicom

from check_structures import slices_of, stacked
from check_written import check_common, source_images


def code(value):
    return value.value, value.scheme_designator, value.meaning


def groups_of(report):
    content = report.content
    return (content.get_volumetric_roi_measurement_groups() + content.get_planar_roi_measurement_groups()
            + content.get_image_measurement_groups())


def check_all(path, series, seg=None):
    data, images = pydicom.dcmread(path), source_images(series)
    check_common(data, images)
    first = next(iter(images.values()))
    assert data.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.34" and data.Modality == "SR"
    evidence = {}
    for study in data.CurrentRequestedProcedureEvidenceSequence:
        assert study.StudyInstanceUID == first.StudyInstanceUID
        for item in study.ReferencedSeriesSequence:
            evidence[item.SeriesInstanceUID] = {i.ReferencedSOPInstanceUID for i in item.ReferencedSOPSequence}
    want = {first.SeriesInstanceUID: set(images)}
    if seg is not None:
        want[seg.SeriesInstanceUID] = {seg.SOPInstanceUID}
    assert evidence == want, "the evidence is not all that is referred to"
    report = hd.sr.srread(path)
    context = report.content.get_observer_contexts()
    assert len(context) == 1 and context[0].observer_type.meaning == "Device"
    named = set()

    def walk(items):
        for item in items:
            if item.ValueType == "IMAGE":
                named.add(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)
            walk(item.get("ContentSequence", []))

    walk(data.ContentSequence)
    assert set(images) <= named <= set.union(*evidence.values()), "the library, or what is not in the evidence"
    return images, report


def check_mask(path, mask, series, seg_path=None):
    seg = pydicom.dcmread(seg_path) if seg_path else None
    images, report = check_all(path, series, seg)
    there = stacked(mask, images)
    keys = [(layer, v) for layer in range(len(there)) for v in np.unique(there[layer]) if v > 0]
    stack, _, _, normal = slices_of(images)
    values = np.stack([image.pixel_array * float(image.RescaleSlope) + float(image.RescaleIntercept) for image in stack])
    step = np.dot(normal, np.array(stack[1].ImagePositionPatient, float) - np.array(stack[0].ImagePositionPatient, float))
    voxel = np.prod([float(v) for v in stack[0].PixelSpacing]) * step
    groups = groups_of(report)
    assert len(groups) == len(keys), f"{len(groups)} groups of {len(keys)}"
    for n, (group, (layer, value)) in enumerate(zip(groups, keys)):
        marked = there[layer] == value
        got = {(m.name.meaning, m.derivation.meaning if m.derivation else None): (float(m.value), m.unit.value)
               for m in group.get_measurements()}
        inside = values[marked]
        want = {("Volume", None): (marked.sum() * voxel, "mm3")}
        for name, number in (("Mean", inside.mean()), ("Standard Deviation", inside.std()), ("Minimum", inside.min()),
                             ("Maximum", inside.max())):
            want["Attenuation Coefficient", name] = (number, "[hnsf'U]")
        for key, (number, unit) in want.items():
            assert got[key][1] == unit and np.isclose(got[key][0], number, rtol=1e-12), f"{key}: {got[key]} for {number}"
        assert {"Long Axis", "Short Axis", "Maximum 3D Diameter of a Mesh", "Surface Area of Mesh"} <= {k[0] for k in got}
        if seg is None:
            continue
        assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert list(group.referenced_segment.referenced_segment_numbers) == [n + 1]
        item = seg.SegmentSequence[n]
        kind = item.SegmentedPropertyTypeCodeSequence[0]
        assert code(group.finding_type) == (kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning)
    print(f"report: {len(groups)} groups of a mask as they should be")


def check_findings(path, findings, series):
    _, report = check_all(path, series)
    with open(findings) as file:
        wanted = json.load(file)["findings"]
    groups = {g.tracking_identifier: g for g in groups_of(report)}
    assert len(groups) == len(wanted)
    for want in wanted:
        group = groups[want["tracking"]]
        assert len(group.get_measurements()) == len(want.get("measurements", []))
        for got, asked in zip(group.get_measurements(), want.get("measurements", [])):
            assert code(got.name) == tuple(asked["quantity"]) and got.unit.value == asked["unit"]
            exact = got[0].MeasuredValueSequence[0].get("FloatingPointValue", got.value)
            assert float(exact) == asked["value"] and np.isclose(float(got.value), asked["value"], rtol=1e-13)
        answers = [(code(e.name), code(e.value)) for e in group.get_qualitative_evaluations()]
        for asked in want.get("evaluations", []):
            assert (tuple(asked["what"]), tuple(asked["answer"])) in answers
        if "region" in want:
            item = group.roi
            points = np.array(item.value)
            assert item.graphic_type.value == ("POINT" if len(want["region"]) == 1 else "POLYGON")
            assert np.allclose(points[:len(want["region"])], want["region"], atol=1e-5)
    print(f"report: {len(groups)} findings of a file as they should be")


def main():
    {"mask": check_mask, "findings": check_findings}[sys.argv[1]](*sys.argv[2:])


if __name__ == "__main__":
    main()
