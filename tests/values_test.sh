#!/usr/bin/env bash
# What the numbers of a series mean, as a user meets it: SUV, volumes along a fourth axis, gradients, names, sidecars.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

make() { "$FOVEA_BUILD/make_values" "$@"; }
# Prints EXPRESSION of the NumPy array in a file, `a`, and of a JSON file, `v`.
array() {
  python3 -c 'import array, ast, sys
b = open(sys.argv[1], "rb").read()
n = b[8] + 256 * b[9]
head = ast.literal_eval(b[10:10 + n].decode())
a = array.array({"<f4": "f", "<u2": "H", "<i2": "h"}[head["descr"]], b[10 + n:])
shape = head["shape"]
print(eval(sys.argv[2]))' "$1" "$2"
}
json() { python3 -c 'import json, sys; v = json.load(open(sys.argv[1])); print(eval(sys.argv[2]))' "$1" "$2"; }
# Gradients in the patient (LPS) by FSL's convention, from a .nii and its .bvec, rounded.
directions() {
  python3 -c 'import struct, sys
b = open(sys.argv[1] + ".nii", "rb").read(348)
rows = [struct.unpack_from("<4f", b, 280 + 16 * r)[:3] for r in range(3)]
axes = [[rows[r][c] for r in range(3)] for c in range(3)]
axes = [[x / sum(y * y for y in a) ** 0.5 for x in a] for a in axes]
cross = lambda a, b: [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
right = sum(x * y for x, y in zip(cross(axes[0], axes[1]), axes[2])) > 0
v = [[float(x) for x in line.split()] for line in open(sys.argv[1] + ".bvec")]
if right: v[0] = [-x for x in v[0]]
for t in range(len(v[0])):
    ras = [sum(v[a][t] * axes[a][r] for a in range(3)) for r in range(3)]
    print(*(f"{x + 0.0:.4f}".replace("-0.0000", "0.0000") for x in (-ras[0], -ras[1], ras[2])))' "$1"
}

suv_is_computed_on_request_only() {
  make pet pet
  ends_with 0 "$fovea" inspect pet --json
  equal "$(answer 'v["volumes"][0]["unit"], v["volumes"][0]["reasons"]')" "('arbitrary', ['value-unit', 'suv'])"
  "$fovea" convert pet bq.npy
  ends_with 0 "$fovea" convert pet suv.npy --suv bw --json
  equal "$(answer 'v["written"][0]["unit"]')" SUV
  # 70 kg over 350 MBq, which the values are corrected to.
  equal "$(array suv.npy '[round(x, 6) for x in a[:3]]')" "$(array bq.npy '[round(x * 70000 / 350e6, 6) for x in a[:3]]')"
  equal "$(array bq.npy 'a[192:194].tolist()')" "[145.5, 192.0]"
  "$fovea" convert pet suv.nii.gz --suv bw --sidecar json
  equal "$(json suv.json 'v["Units"], v["RadionuclideTotalDose"]')" "('SUV', 350000000.0)"
}
suv_is_refused_where_it_is_unsure() {
  make pet pet-unsure
  ends_with 0 "$fovea" inspect pet
  holds "$out" "suv-unsure"
  holds "$out" "(0010,1030)"
  ends_with 3 "$fovea" convert pet suv.nii.gz --suv bw
  holds "$err" "(0010,1030)"
  [[ ! -e suv.nii.gz ]]
  make mr time
  ends_with 2 "$fovea" convert mr suv.nii.gz --suv bw
  ends_with 2 "$fovea" convert pet suv.nii.gz --suv ibw
}
time_points_become_one_image_in_their_order() {
  for kind in time cine; do
    make $kind $kind
    ends_with 0 "$fovea" convert $kind $kind.npy --json
    equal "$(answer 'v["written"][0]["channels"], v["written"][0]["files"], v["written"][0]["reasons"]')" "(4, 12, ['merged'])"
    equal "$(array $kind.npy 'shape')" "(4, 3, 16, 12)"
    # The first voxel of slice k at time t is 97 k + 501 t.
    equal "$(array $kind.npy '[[a[192 * (3 * t + k)] for k in range(3)] for t in range(4)]')" "[[0, 97, 194], [501, 598, 695], [1002, 1099, 1196], [1503, 1600, 1697]]"
  done
  ends_with 0 "$fovea" convert time apart --merge none
  equal "$(ls apart | wc -l)" 4
  "$fovea" convert time time.nii --sidecar json
  equal "$(json time.json '[w["AcquiredAfter"] for w in v["FoveaVolumes"]]')" "[0.0, 2.5, 5.0, 7.5]"
  equal "$(python3 -c 'import struct; b = open("time.nii", "rb").read(348); print(struct.unpack_from("<8h", b, 40)[:5], struct.unpack_from("<8f", b, 76)[4], b[123])')" "(4, 12, 16, 3, 4) 2.5 10"
}
echoes_and_phases_stay_apart_unless_asked_for() {
  make echoes echoes
  ends_with 0 "$fovea" convert echoes apart
  equal "$(ls apart | wc -l)" 4
  ends_with 0 "$fovea" convert echoes all.nii.gz --merge all --sidecar json
  equal "$(json all.json '[w["EchoTime"] for w in v["FoveaVolumes"]]')" "[0.01, 0.03, 0.05, 0.07]"
  make phases phases
  ends_with 0 "$fovea" convert phases two --format npy
  equal "$(for f in two/*.npy; do array $f 'shape, a[0], a[576]'; done)" "((2, 3, 16, 12), 0, 1002)
((2, 3, 16, 12), 501, 1503)"
  ends_with 2 "$fovea" convert phases three --merge some
}
gradients_are_those_of_the_header_whatever_the_axes() {
  local truth="0.0000 0.0000 0.0000
1.0000 0.0000 0.0000
0.0000 1.0000 0.0000
0.0000 0.0000 1.0000
0.6000 -0.6400 0.4800
-0.3600 0.4800 0.8000"
  for kind in dwi siemens philips; do
    for plane in axial sagittal coronal oblique; do
      make $kind-$plane $kind-$plane
      ends_with 0 "$fovea" convert $kind-$plane $kind-$plane.nii
      equal "$(cat $kind-$plane.bval)" "0 1000 1000 1000 1000 2000"
      equal "$(directions $kind-$plane)" "$truth"
    done
  done
  for axes in RAS PIR LAS; do
    "$fovea" convert dwi-oblique $axes.nii --orient $axes
    equal "$(directions $axes)" "$truth"
  done
  # The text itself, once: along -i (as the axes are right-handed), j, k.
  equal "$(head -1 dwi-axial.bvec)" "0 -1 0 0 -0.6 0.36"
}
gradients_are_what_dcm2niix_writes() {
  command -v dcm2niix >/dev/null || skip "no dcm2niix here"
  for kind in dwi siemens philips; do
    for plane in axial sagittal coronal oblique; do
      make $kind-$plane $kind-$plane
      mkdir other
      dcm2niix -z n -f x -o other $kind-$plane >/dev/null
      ends_with 0 "$fovea" convert $kind-$plane $kind-$plane.nii
      equal "$(directions $kind-$plane)" "$(directions other/x)"
      equal "$(cat $kind-$plane.bval)" "$(cat other/x.bval | tr -s '\t ' ' ')"
      rm -r other
    done
  done
}
gradients_turn_with_what_a_transform_moves() {
  make dwi dwi-oblique
  # The value at a place is what was at transform(place): x to y, y to -x; the image turns the other way.
  printf '0 -1 0 0\n1 0 0 0\n0 0 1 0\n0 0 0 1\n' >turn.txt
  ends_with 0 "$fovea" convert dwi a.nii --transform turn.txt
  equal "$(directions a)" "0.0000 0.0000 0.0000
0.0000 -1.0000 0.0000
1.0000 0.0000 0.0000
0.0000 0.0000 1.0000
-0.6400 -0.6000 0.4800
0.4800 0.3600 0.8000"
  ends_with 0 "$fovea" convert dwi b.nii --transform turn.txt --inverse --orient RAS
  equal "$(directions b | sed -n 2,3p)" "0.0000 1.0000 0.0000
-1.0000 0.0000 0.0000"
  # A field turns them another way at every place.
  python3 - <<'PY'
import struct
head = "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 9 9 9\nDimSize = 3 3 3\nElementNumberOfChannels = 3\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
open("field.mha", "wb").write(head.encode() + struct.pack("<81f", *[0.5] * 81))
PY
  ends_with 0 "$fovea" convert dwi c.nii --transform field.mha --json
  equal "$(answer 'v["written"][0]["reasons"]')" "['merged', 'gradient-unsure']"
  equal "$(cat c.bval)" "0 1000 1000 1000 1000 2000"
  [[ ! -e c.bvec ]]
  # Those beside a NIfTI are not read, and that is said.
  ends_with 0 "$fovea" convert a.nii d.nii --orient RAS
  holds "$err" "gradients-left"
  [[ ! -e d.bvec ]]
}
gradients_that_are_unsure_are_not_written() {
  make trace trace
  ends_with 0 "$fovea" convert trace trace.nii.gz --json
  holds "$err" "gradient-unsure"
  equal "$(answer 'v["written"][0]["reasons"]')" "['merged', 'gradient-unsure']"
  equal "$(cat trace.bval)" "0 1000 1000 1000 1000 2000"
  [[ ! -e trace.bvec ]]
  make dwi dwi-axial
  touch there.bvec
  ends_with 2 "$fovea" convert dwi there.nii.gz
  [[ ! -e there.nii.gz && ! -s there.bvec ]]
}
names_follow_a_pattern_and_never_leave_the_folder() {
  make study/a echoes
  ends_with 0 "$fovea" convert study/a out --names '%s_%p_%e' --format nrrd
  equal "$(ls out | tr '\n' ' ')" "7_etc_passwd_-2.nrrd 7_etc_passwd_-3.nrrd 7_etc_passwd_-4.nrrd 7_etc_passwd_.nrrd "
  ends_with 0 "$fovea" convert study/a more --names '%p-%d-%n-%f-%z' --merge all
  equal "$(ls more)" "etc_passwd-Made_a_phantom-Doe_Jane-a-.nii.gz"
  ends_with 0 "$fovea" convert study/a none --names '%z' --merge all
  equal "$(ls none)" "volume.nii.gz"
  ends_with 0 "$fovea" convert study/a uid --names '100%%%j' --merge all
  equal "$(ls uid)" "100%1.2.3.nii.gz"
  ends_with 2 "$fovea" convert study/a wrong --names '%q'
  holds "$err" "%p"
  ends_with 2 "$fovea" convert study/a wrong --names '%'
  ends_with 2 "$fovea" convert study/a wrong --names '../%s'
  ends_with 2 "$fovea" convert study/a one.nii.gz --names '%s'
  [[ ! -e wrong ]]
}
sidecars_name_nobody_and_only_what_is_certain() {
  make mr dwi-axial
  "$fovea" convert mr a.nii.gz --sidecar json
  equal "$(json a.json 'v["EchoTime"], v["RepetitionTime"], v["PhaseEncodingAxis"], v["ConversionSoftware"], v["AcquisitionTime"]')" "(0.03, 2.0, 'j', 'Fovea', '10:00:00.000000')"
  equal "$(json a.json 'v["FoveaVolumes"][4]["BValue"], v["FoveaVolumes"][4]["GradientLPS"]')" "(1000.0, [0.6, -0.64, 0.48])"
  lacks "$(cat a.json)" Doe
  lacks "$(cat a.json)" SliceTiming
  lacks "$(cat a.json)" 20240301
  "$fovea" convert mr b.nii.gz --sidecar json --orient PIR
  equal "$(json b.json 'v["PhaseEncodingAxis"]')" i
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
