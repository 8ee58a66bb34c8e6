#!/usr/bin/env bash
# RT structure sets as a user meets them: what `inspect` says of them, and what `convert` draws.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

series() { "$FOVEA_BUILD/make_series" "$@"; }
# A structure set on the slices of `series ct`, byte by byte: FILE [FRAME OF REFERENCE] [Z...], a square of 3 x 2 voxels at each z.
structures() {
  python3 - "$@" <<'P'
import struct, sys
file, frame, *heights = sys.argv[1:]
def one(tag, kind, value):
    value = value if isinstance(value, bytes) else value.encode()
    value += (b"\0" if kind == "UI" else b" ") * (len(value) % 2)
    long = kind == "SQ"
    return struct.pack("<HH", tag >> 16, tag & 65535) + kind.encode() + struct.pack("<HI" if long else "<H", *((0, len(value)) if long else (len(value),))) + value
def sequence(tag, *items):
    return one(tag, "SQ", b"".join(struct.pack("<HHI", 0xfffe, 0xe000, len(i)) + i for i in items))
def square(z):
    x, y = (-10 + 0.75 * 1.5, -10 + 0.75 * 4.5), (-20 + 0.5 * 2.5, -20 + 0.5 * 4.5)
    points = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]
    return one(0x30060042, "CS", "CLOSED_PLANAR") + one(0x30060050, "DS", "\\".join(f"{a}\\{b}\\{z}" for a, b in points))
data = (one(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.481.3") + one(0x00080018, "UI", "1.2.3.77") + one(0x00080060, "CS", "RTSTRUCT")
        + one(0x0020000d, "UI", "1.2") + one(0x0020000e, "UI", "1.2.7")
        + sequence(0x30060020, one(0x30060022, "IS", "4") + one(0x30060024, "UI", frame) + one(0x30060026, "LO", "the liver"))
        + sequence(0x30060039, sequence(0x30060040, *map(square, heights)) + one(0x30060084, "IS", "4")))
meta = one(0x00020010, "UI", "1.2.840.10008.1.2.1")
open(file, "wb").write(bytes(128) + b"DICM" + one(0x00020000, "UL", struct.pack("<I", len(meta))) + meta + data)
P
}
voxels_of() { python3 -c 'import ast, sys; b = open(sys.argv[1], "rb").read(); n = int.from_bytes(b[8:10], "little"); print([(i, v) for i, v in enumerate(b[10 + n:]) if v])' "$1"; }

a_mask_that_lies_elsewhere_is_not_an_empty_one() {
  series ct 4
  python3 - <<'P'
import struct
size, places = (12, 8, 4), {"far": 500.0, "beside": -10 + 0.75 * 6, "on": -10.1}
for name, x in places.items():
    head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = {x} -20 30\nElementSpacing = 0.75 0.5 2.5\nDimSize = 12 8 4\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    marked = [2 < i % 12 < 9 for i in range(12 * 8 * 4)]
    open(name + ".mha", "wb").write(head.encode() + bytes(marked))
P
  ends_with 3 "$fovea" dicom seg far.mha --from ct --out far.dcm
  holds "$err" "--resample"
  for kind in seg rtstruct sr; do
    ends_with 3 "$fovea" dicom $kind far.mha --from ct --out far.dcm --resample nearest
    holds "$err" "lies elsewhere"
    [[ ! -e far.dcm ]]
    ends_with 0 "$fovea" dicom $kind beside.mha --from ct --out $kind-beside.dcm --resample nearest --labels 1=Liver
    holds "$err" "reaches beyond"
    ends_with 0 "$fovea" dicom $kind on.mha --from ct --out $kind-on.dcm --resample nearest --labels 1=Liver
    equal "$err" ""
  done
  ends_with 0 "$fovea" view ct --out far.png --overlay far.mha
  holds "$err" "marks nothing where the image lies"
  ends_with 0 "$fovea" view ct --out on.png --overlay on.mha
  equal "$err" ""
  ends_with 0 "$fovea" convert far.mha like.mha --like ct
  holds "$err" "nothing of it lies"
}
inspect_lists_structures_with_their_regions() {
  series ct 4
  structures ct/rs.dcm 1.2.9 30 32.5
  ends_with 0 "$fovea" inspect ct --json
  equal "$(answer '[(o["kind"], o["source"], o["verdict"]) for o in v["objects"]], v["without_pixels"], len(v["volumes"])')" "([('RTSTRUCT', 'ct/rs.dcm', 'ok')], 1, 1)"
  equal "$(answer 'v["objects"][0]["notes"]')" "['4: the liver, 2 contours']"
  ends_with 0 "$fovea" inspect ct
  holds "$out" "4: the liver, 2 contours"
}
contours_become_a_label_map_with_names() {
  series ct 4
  structures rs.dcm 1.2.9 30 32.5 37.5
  ends_with 0 "$fovea" convert rs.dcm mask.npy --like ct --sidecar json
  holds "$err" "contour-gap"
  equal "$(voxels_of mask.npy)" "$(python3 -c 'print([(96 * k + 12 * j + i, 4) for k in (0, 1, 3) for j in (3, 4) for i in (2, 3, 4)])')"
  equal "$(python3 -c 'import json; v = json.load(open("mask.json")); print(v["structures"], v["reasons"])')" \
    "[{'value': 4, 'layer': 0, 'name': 'the liver', 'made_by': 'person'}] ['contour-gap']"
  ends_with 0 "$fovea" convert rs.dcm mask.nii.gz --like ct --json
  equal "$(answer '[(w["file"], w["structures"][0]["name"]) for w in v["written"]]')" "[('mask.nii.gz', 'the liver')]"
  # Onto a grid that names no frame of reference.
  "$fovea" convert ct ct.nrrd
  ends_with 0 "$fovea" convert rs.dcm other.npy --like ct.nrrd
  holds "$err" "frame-of-reference-unknown"
  cmp mask.npy other.npy
}
what_does_not_belong_to_the_series_is_refused() {
  series ct 4
  structures else.dcm 1.2.8 30
  ends_with 3 "$fovea" convert else.dcm mask.nii.gz --like ct
  holds "$err" "another frame of reference"
  structures between.dcm 1.2.9 30 31.2
  ends_with 3 "$fovea" convert between.dcm mask.nii.gz --like ct
  holds "$err" "1.200 mm off"
  [[ ! -e mask.nii.gz ]]
  ends_with 0 "$fovea" convert between.dcm mask.nii.gz --like ct --leave-off-plane
  holds "$err" "contour-off-plane"
  ends_with 2 "$fovea" convert else.dcm new.nii.gz
  holds "$err" "--like"
  ends_with 2 "$fovea" convert else.dcm new.nii.gz --like ct --orient RAS
  ends_with 2 "$fovea" convert else.dcm folder --like ct
  ends_with 2 "$fovea" convert else.dcm mask.nii.gz --like ct
  holds "$err" "exists already"
}

a_segmentation_keeps_its_names() {
  series ct 5
  "$fovea" inspect ct --json >place.json
  python3 "$project/tests/outside/make_mask.py" place.json m.nii labels
  ends_with 0 "$fovea" dicom seg m.nii --from ct --out seg.dcm --labels 1=Liver
  ends_with 0 "$fovea" dicom seg seg.dcm --from ct --out again.dcm --json
  equal "$(answer '[one["name"] for one in v["segments"]]')" "['Liver', '2', '7']"
  ends_with 2 "$fovea" dicom rtstruct seg.dcm --from ct --out mixed.dcm --resample linear
  ends_with 2 "$fovea" dicom seg seg.dcm --from ct --out mixed.dcm --resample cubic
  ends_with 0 "$fovea" dicom rtstruct seg.dcm --from ct --out rt.dcm
  ends_with 0 "$fovea" inspect rt.dcm
  holds "$out" "1: Liver"
  ends_with 0 "$fovea" convert rt.dcm back.nii --like ct
  ends_with 0 "$fovea" convert seg.dcm whole.nii --like ct
  ends_with 0 "$fovea" compare back.nii whole.nii --labels --json
  equal "$(answer '[one["dice"] for one in v["pairs"][0]["labels"]]')" "[1.0, 1.0, 1.0]"
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
