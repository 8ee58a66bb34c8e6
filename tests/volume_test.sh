#!/usr/bin/env bash
# `inspect` and `convert` as a user meets them: what they say of a place, what they write, how they end.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

series() { "$FOVEA_BUILD/make_series" "$@"; }
# Values alone, whatever the format was.
values() { "$fovea" convert "$1" "$2" >/dev/null; }

inspect_says_where_a_series_lies() {
  series ct 5
  ends_with 0 "$fovea" inspect ct --json
  equal "$(answer 'sorted(v["volumes"][0])')" "['affine', 'channels', 'description', 'files', 'modality', 'notes', 'patient', 'reasons', 'series', 'size', 'source', 'spacing', 'study', 'unit', 'verdict']"
  equal "$(answer 'v["volumes"][0]["affine"]')" "[[0.75, 0.0, 0.0, -10.0], [0.0, 0.5, 0.0, -20.0], [0.0, 0.0, 2.5, 30.0], [0, 0, 0, 1]]"
  equal "$(answer '[v["volumes"][0][k] for k in ("size", "spacing", "files", "unit", "verdict", "reasons")]')" "[[12, 8, 5], [0.75, 0.5, 2.5], 5, 'HU', 'ok', []]"
  equal "$(answer 'v["damaged"], v["patients"]')" "([], 1)"
  ends_with 0 "$fovea" inspect ct
  holds "$out" "12 x 8 x 5"
}
inspect_refuses_a_series_with_a_gap_and_says_where() {
  series gap 7 missing
  ends_with 3 "$fovea" inspect gap
  holds "$out" "missing-slice"
  ends_with 3 "$fovea" inspect gap --json
  equal "$(answer 'v["volumes"][0]["verdict"], v["volumes"][0]["reasons"], v["volumes"][0]["affine"]')" "('refused', ['missing-slice'], None)"
  ends_with 3 "$fovea" convert gap out.nii.gz
  holds "$err" "missing-slice"
  [[ ! -e out.nii.gz ]]
}
a_broken_file_among_good_ones_is_named() {
  series ct 4
  head -c 300 ct/im0-0.dcm >"ct/cut ü.dcm"
  echo hello >ct/notes.txt
  ends_with 0 "$fovea" inspect ct --json
  equal "$(answer '[(d["reason"], d["file"], d["offset"] is not None) for d in v["damaged"]], v["ignored"], len(v["volumes"])')" "([('truncated', 'ct/cut ü.dcm', True)], 1, 1)"
  ends_with 0 "$fovea" convert ct ct.nii.gz
  holds "$err" "cut ü.dcm"
}
a_file_that_was_named_itself_is_never_passed_over() {
  echo hello >notes.txt
  ends_with 3 "$fovea" inspect notes.txt --json
  equal "$(answer '[d["reason"] for d in v["damaged"]]')" "['not-dicom']"
  ends_with 3 "$fovea" inspect nowhere
  mkdir empty
  ends_with 3 "$fovea" inspect empty
}
links_that_lead_back_end() {
  series ct 3
  ln -s .. ct/up
  ends_with 0 "$fovea" inspect ct --json
  equal "$(answer 'v["files"], len(v["volumes"])')" "(3, 1)"
}
every_format_keeps_values_and_place() {
  series ct 4
  values ct a.npy
  ends_with 0 "$fovea" inspect ct --json
  local place
  place=$(answer 'v["volumes"][0]["affine"]')
  for name in b.nii b.nii.gz b.nrrd b.mha; do
    ends_with 0 "$fovea" convert ct $name
    ends_with 0 "$fovea" inspect $name --json
    equal "$(answer 'v["volumes"][0]["affine"]')" "$place"
    values $name $name.npy
    cmp a.npy $name.npy
  done
}
a_tilted_series_stays_sheared_until_it_is_straightened() {
  series tilted 6 tilted
  ends_with 0 "$fovea" inspect tilted --json
  equal "$(answer 'v["volumes"][0]["verdict"], v["volumes"][0]["reasons"]')" "('adjusted', ['gantry-tilt'])"
  ends_with 0 "$fovea" convert tilted a.nii.gz
  ends_with 0 "$fovea" inspect a.nii.gz --json
  equal "$(answer '[round(row[2], 6) for row in v["volumes"][0]["affine"]][:3]')" "[0.0, 0.8, 2.5]"
  ends_with 0 "$fovea" convert tilted b.nii.gz --straighten
  ends_with 0 "$fovea" inspect b.nii.gz --json
  equal "$(answer '[round(row[2], 6) for row in v["volumes"][0]["affine"]][:3]')" "[0.0, 0.0, 2.5]"
}
slices_at_changing_distances_are_straightened_when_asked() {
  series some 7 variable
  ends_with 3 "$fovea" convert some a.nii.gz
  holds "$err" "variable-spacing"
  ends_with 0 "$fovea" convert some a.nii.gz --straighten --json
  equal "$(answer 'v["written"][0]["verdict"], v["refused"]')" "('adjusted', [])"
  ends_with 0 "$fovea" inspect a.nii.gz --json
  # 3 gaps of 2.5 mm and 3 of 4 mm: 19.5 mm in steps of 2.5.
  equal "$(answer 'v["volumes"][0]["size"][2], round(v["volumes"][0]["spacing"][2], 6)')" "(9, 2.5)"
  ends_with 0 "$fovea" convert some b.nii.gz --straighten --spacing 1
  ends_with 0 "$fovea" inspect b.nii.gz --json
  equal "$(answer 'v["volumes"][0]["size"][2]')" 22
  ends_with 2 "$fovea" convert some c.nii.gz --straighten --interpolation cubic
  series gap 7 missing
  ends_with 3 "$fovea" convert gap d.nii.gz --straighten
  holds "$err" "missing-slice"
}
transforms_move_volumes_there_and_back() {
  series ct 6
  values ct a.npy
  printf '1 0 0 1.5\n0 1 0 0\n0 0 1 0\n0 0 0 1\n' >shift.txt
  ends_with 0 "$fovea" convert ct moved.nrrd --transform shift.txt
  values moved.nrrd b.npy
  # 1.5 mm are 2 voxels: what was at i + 2 is at i now; air comes in.
  python3 - <<'PY'
def load(name):
    data = open(name, "rb").read()
    at = 10 + int.from_bytes(data[8:10], "little")
    return [int.from_bytes(data[n:n + 2], "little", signed=True) for n in range(at, len(data), 2)]
a, b = load("a.npy"), load("b.npy")
assert len(a) == len(b) == 12 * 8 * 6
for row in range(8 * 6):
    assert b[12 * row:12 * row + 10] == a[12 * row + 2:12 * row + 12]
    assert b[12 * row + 10:12 * row + 12] == [-1000, -1000], b[12 * row:12 * row + 12]
PY
  ends_with 0 "$fovea" convert moved.nrrd back.nrrd --transform shift.txt --inverse
  ends_with 2 "$fovea" convert ct c.nrrd --inverse
  ends_with 3 "$fovea" convert ct c.nrrd --transform nowhere.tfm
  echo hello >no.tfm
  ends_with 3 "$fovea" convert ct c.nrrd --transform no.tfm
  holds "$err" "no.tfm"
}
grid_rules_go_by_name() {
  series ct 6
  for rule in "box 9 1.0" "centre 9 1.0" "corner 9 1.0"; do
    set -- $rule
    ends_with 0 "$fovea" convert ct $1.nrrd --spacing 1 --grid-rule $1
    ends_with 0 "$fovea" inspect $1.nrrd --json
    equal "$(answer 'v["volumes"][0]["size"][0], v["volumes"][0]["spacing"][0]')" "($2, $3)"
  done
  ends_with 0 "$fovea" convert ct d.nrrd --spacing 0.8 --grid-rule corner
  ends_with 0 "$fovea" inspect d.nrrd --json
  equal "$(answer 'v["volumes"][0]["size"][2], v["volumes"][0]["affine"][2][3]')" "(17, 30.0)"
  ends_with 2 "$fovea" convert ct e.nrrd --spacing 1 --grid-rule conrer
  holds "$err" "corner"
}
orientation_is_undone_exactly() {
  series ct 4
  values ct a.npy
  "$fovea" convert ct ras.nii.gz --orient RAS
  "$fovea" convert ras.nii.gz lps.nii.gz --orient LPS
  values lps.nii.gz b.npy
  cmp a.npy b.npy
  ends_with 0 "$fovea" inspect ras.nii.gz --json
  equal "$(answer '[v["volumes"][0]["affine"][n][n] for n in range(3)]')" "[-0.75, -0.5, 2.5]"
}
spacing_and_like_give_the_grid_that_was_asked_for() {
  series ct 6
  ends_with 0 "$fovea" convert ct iso.nrrd --spacing 1.5 --interpolation cubic
  ends_with 0 "$fovea" inspect iso.nrrd --json
  equal "$(answer 'v["volumes"][0]["size"]')" "[6, 3, 10]"
  ends_with 0 "$fovea" convert iso.nrrd back.nrrd --like ct
  ends_with 0 "$fovea" inspect back.nrrd --json
  equal "$(answer 'v["volumes"][0]["size"]')" "[12, 8, 6]"
}
several_series_need_a_folder_or_a_choice() {
  series study/a 3
  series study/b 4 other
  ends_with 2 "$fovea" convert study one.nii.gz
  holds "$err" "1.2.3.9"
  ends_with 0 "$fovea" convert study one.nii.gz --series 1.2.3.9
  ends_with 2 "$fovea" convert study two.nii.gz --series 1.2.4
  ends_with 0 "$fovea" convert study all --format nrrd --sidecar json --json
  equal "$(answer '[w["file"] for w in v["written"]], v["refused"]')" "(['all/volume-1.nrrd', 'all/volume-2.nrrd'], [])"
  equal "$(python3 -c 'import json; print(json.load(open("all/volume-1.json"))["Modality"])')" CT
}
a_folder_of_other_formats_is_converted_file_by_file() {
  series ct 3
  mkdir some
  "$fovea" convert ct some/a.nii.gz
  "$fovea" convert ct some/b.mha
  echo 'no NRRD' >some/c.nrrd
  ends_with 0 "$fovea" convert some out --format nrrd --json
  equal "$(answer '[w["source"] for w in v["written"]], [d["file"] for d in v["damaged"]]')" "(['some/a.nii.gz', 'some/b.mha'], ['some/c.nrrd'])"
  values ct a.npy
  values out/volume-2.nrrd b.npy
  cmp a.npy b.npy
}
nothing_is_overwritten_and_wrong_words_are_refused() {
  series ct 3
  touch there.nii.gz
  ends_with 2 "$fovea" convert ct there.nii.gz
  holds "$err" "exists already"
  touch b.json c.raw.gz d.zraw e.img
  ends_with 2 "$fovea" convert ct b.nii.gz --sidecar json
  ends_with 2 "$fovea" convert ct c.nhdr
  ends_with 2 "$fovea" convert ct d.mhd
  ends_with 2 "$fovea" convert ct e.hdr
  equal "$(cat b.json c.raw.gz d.zraw e.img)" ""
  for name in f.nhdr g.mhd h.hdr; do
    ends_with 0 "$fovea" convert ct $name
    ends_with 0 "$fovea" inspect . --json
    holds "$out" "$name"
  done
  ends_with 2 "$fovea" convert ct a.nii.gz --spacing 0,1,1
  ends_with 2 "$fovea" convert ct a.nii.gz --spacing 1,1,1 --like ct
  ends_with 2 "$fovea" convert ct a.nii.gz --orient LLS
  ends_with 2 "$fovea" convert ct a.nii.gz --interpolation linaer
  holds "$err" "linear"
  ends_with 2 "$fovea" convert ct folder --format nrdr
  holds "$err" "nrrd"
  ends_with 2 "$fovea" convert ct a.nii.gz --format nrrd
  holds "$err" "leave --format out"
  ends_with 2 "$fovea" convert ct a.nii.gz --format dicom
  ends_with 0 "$fovea" convert ct same.nii --format nifti
  ends_with 2 "$fovea" convert ct ct.nii.zip
  holds "$err" ".nii.gz"
  ends_with 2 "$fovea" inspect ct --tags --json
  [[ ! -e a.nii.gz && ! -e folder ]]
}
an_interrupt_ends_every_command_and_leaves_nothing() {
  # Noise: the most work that so many voxels can make.
  python3 - <<'PY'
import random
size, random = (200, 200, 120), random.Random(1)
head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nTransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 1\nDimSize = {' '.join(map(str, size))}\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
noise = bytes(b & 1 for b in random.randbytes(size[0] * size[1] * size[2]))
open("mask.mha", "wb").write(head.encode() + noise)
PY
  "$fovea" convert mask.mha series --format dicom >/dev/null
  mkdir made
  for command in "mesh mask.mha made/a.stl" "measure mask.mha --csv made/a.csv" "compare mask.mha mask.mha" "view mask.mha --out made/a.png --overlay mask.mha" "convert mask.mha made/a.nii.gz" "convert mask.mha made/a.nii --spacing 0.3 --interpolation cubic" \
    "convert series made/images --format dicom" "dicom seg mask.mha --from series --out made/a.dcm" "dicom rtstruct mask.mha --from series --out made/a.dcm" \
    "dicom sr mask.mha --from series --out made/a.dcm" "dicom pmap mask.mha --from series --out made/a.dcm --quantity ADC --unit mm2/s"; do
    read -ra words <<<"$command"
    "$fovea" "${words[@]}" >out 2>err &
    until hears_sigint $!; do :; done
    kill -INT $!
    local code=0
    wait $! || code=$?
    # One step of these may be done before the second is over.
    if [[ $code == 0 && $command == co* ]]; then
      [[ $command == compare* || -n $(find made -type f) ]]
    else
      equal "$command: $code" "$command: 130"
      holds "$(<err)" "fovea: stopped"
      equal "$command: $(find made -type f)" "$command: "
    fi
    [[ -z $(find made -name '*.part') ]]
    rm -rf made/*
  done
}
tags_of_a_file_are_shown() {
  series ct 1
  ends_with 0 "$fovea" inspect ct/im0-0.dcm --tags
  holds "$out" "(0028,0010) US Rows: 8"
  holds "$out" '(0028,0030) DS PixelSpacing: 0.5\0.75'
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
