#!/usr/bin/env bash
# DICOM objects of several frames as a user meets them: volumes, segmentations, doses, films.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

object() { "$FOVEA_BUILD/make_frames" "$1" "${2:-$1.dcm}"; }
# Values of a NumPy file, one channel after the other.
values() { "$fovea" convert "$1" "$1.npy" "${@:2}" >/dev/null 2>&1; python3 - "$1.npy" <<'P'
import ast, struct, sys
raw = open(sys.argv[1], "rb").read()
size = struct.unpack("<H", raw[8:10])[0]
head = ast.literal_eval(raw[10:10 + size].decode())
kind = {"|u1": "B", "<u2": "H", "<i2": "h", "<f4": "f", "<f8": "d"}[head["descr"]]
print(head["shape"], [v for v in struct.unpack(f"<{len(raw[10 + size:]) // struct.calcsize(kind)}{kind}", raw[10 + size:]) if v][:5])
P
}

an_enhanced_object_is_a_volume() {
  object enhanced
  ends_with 0 "$fovea" inspect enhanced.dcm --json
  equal "$(answer '[v["volumes"][0][k] for k in ("size", "spacing", "files", "unit", "verdict")]')" "[[6, 4, 3], [0.75, 0.5, 2.5], 1, 'HU', 'ok']"
  equal "$(answer 'v["volumes"][0]["affine"][2]')" "[0.0, 0.0, 2.5, 30.0]"
  equal "$(values enhanced.dcm)" "(3, 4, 6) [-824, -823, -822, -821, -820]"
}
moments_of_an_enhanced_object_become_one_image() {
  object times
  ends_with 0 "$fovea" convert times.dcm times.nii.gz --json
  equal "$(answer '[v["written"][0][k] for k in ("size", "channels", "files", "reasons")]')" "[[6, 4, 3], 2, 1, ['merged']]"
  # The first moment's lowest slice is the last frame of the file.
  equal "$(values times.nii.gz)" "(2, 3, 4, 6) [-524, -523, -522, -521, -520]"
  ends_with 0 "$fovea" convert times.dcm apart --merge none --json
  equal "$(answer '[w["channels"] for w in v["written"]]')" "[1, 1]"
  object diffusion
  ends_with 0 "$fovea" convert diffusion.dcm dwi.nii --json
  equal "$(answer '[v["written"][0][k] for k in ("size", "channels", "reasons")]')" "[[6, 4, 3], 2, ['merged']]"
  equal "$(cat dwi.bval dwi.bvec | tr '\n' ';')" "0 1000;0 -1;0 0;0 0;"
}
a_segmentation_becomes_its_segments_numbers() {
  object segments
  ends_with 0 "$fovea" inspect segments.dcm --json
  equal "$(answer 'v["volumes"][0]["modality"], v["volumes"][0]["size"], v["volumes"][0]["reasons"]')" "('SEG', [6, 4, 3], ['empty-slices', 'segments'])"
  holds "$out" "1 liver, 2 vessel"
  equal "$(values segments.dcm)" "(3, 4, 6) [1, 1, 1, 1, 2]"
  object labels
  equal "$(values labels.dcm)" "(3, 4, 6) [1, 1, 1, 1, 2]"
}
segments_that_overlap_lie_along_axis_four() {
  object overlap
  ends_with 0 "$fovea" convert overlap.dcm overlap.nii.gz
  holds "$err" "2 layers"
  equal "$(values overlap.dcm)" "(2, 1, 4, 6) [1, 1, 1, 1, 2]"
  object fractions
  equal "$(values fractions.dcm)" "(2, 3, 4, 6) [0.5, 0.5, 0.5, 0.5, 0.5]"
}
segments_are_not_mixed_by_resampling() {
  object segments
  ends_with 0 "$fovea" convert segments.dcm fine.nii.gz --spacing 0.3
  equal "$(values segments.dcm --spacing 0.3 | tr -d '[],')" "(25 7 15) 1 1 1 1 1"
  ends_with 3 "$fovea" convert segments.dcm cubic.nii.gz --spacing 0.3 --interpolation cubic
  holds "$err" "nearest"
}
a_dose_is_in_gray_and_a_map_says_its_unit() {
  object dose
  ends_with 0 "$fovea" inspect dose.dcm --json
  equal "$(answer '[v["volumes"][0][k] for k in ("size", "spacing", "unit")]')" "[[6, 4, 3], [3.0, 2.0, 2.5], 'Gy']"
  object map
  ends_with 0 "$fovea" inspect map.dcm
  holds "$out" "um2/s"
}
a_film_has_no_place() {
  object film
  ends_with 0 "$fovea" inspect film.dcm --json
  equal "$(answer '[v["volumes"][0][k] for k in ("size", "channels", "affine", "reasons")]')" "[[6, 4, 1], 3, None, ['no-position', 'frames']]"
  ends_with 0 "$fovea" convert film.dcm film.nii.gz
  ends_with 3 "$fovea" convert film.dcm other.nii.gz --orient LPS
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
