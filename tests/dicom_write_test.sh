#!/usr/bin/env bash
# What `dicom` and `convert --format dicom` write, read back by programs of others: dciodvfy (dicom3tools), pydicom and
# highdicom, dcmjs. Each is left out, with a word, where it is not there and cannot be fetched.
#   FOVEA_OUTSIDE   a Python that has what tests/outside/requirements.txt names; else one is made in .deps/
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea
outside=$project/tests/outside
data=$project/../shared/data

series() { "$FOVEA_BUILD/make_series" "$@"; }
mask() {  # SERIES OUT.nii KIND
  "$fovea" inspect "$1" --json >place.json
  python3 "$outside/make_mask.py" place.json "$2" "$3"
}

# Python with pydicom and highdicom: $python, or nothing. Made once, beside the other downloads.
find_python() {
  python=${FOVEA_OUTSIDE-}
  [[ -z $python ]] || return 0
  local folder=$project/.deps/outside-python wanted
  wanted=$(cksum <"$outside/requirements.txt")
  if [[ $(cat "$folder/.ready" 2>/dev/null) != "$wanted" ]]; then
    rm -rf "$folder"
    python3 -m venv "$folder" >/dev/null 2>&1 &&
      PIP_DISABLE_PIP_VERSION_CHECK=1 timeout 600 "$folder/bin/pip" install -q --retries 1 -r "$outside/requirements.txt" >/dev/null 2>&1 &&
      echo "$wanted" >"$folder/.ready" || { rm -rf "$folder"; return 0; }
  fi
  python=$folder/bin/python
}
find_dcmjs() {
  node_modules=$project/.deps/outside-node
  local wanted
  wanted=$(cksum <"$outside/package.json")
  [[ $(cat "$node_modules/.ready" 2>/dev/null) != "$wanted" ]] || return 0
  rm -rf "$node_modules"
  command -v npm >/dev/null && mkdir -p "$node_modules" && cp "$outside/package.json" "$node_modules" &&
    (cd "$node_modules" && timeout 300 npm install --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) &&
    echo "$wanted" >"$node_modules/.ready" || { rm -rf "$node_modules"; node_modules=; }
}
find_python
find_dcmjs

needs_python() { [[ -n $python ]] || skip "no Python with pydicom and highdicom, and none could be fetched"; }
needs_dcmjs() { [[ -n $node_modules ]] || skip "no dcmjs, and it could not be fetched"; }
needs_dciodvfy() { command -v dciodvfy >/dev/null || skip "no dciodvfy here: install dicom3tools"; }
valid() {  # OBJECT... : no word of an error
  local said
  for one; do
    said=$(dciodvfy "$one" 2>&1) || true
    lacks "$said" Error
  done
}
reads_back() { "$python" "$outside/check_written.py" "$@"; }

seg() { ends_with 0 "$fovea" dicom seg "$@"; }

a_segmentation_is_valid() {
  needs_dciodvfy
  series ct 5
  series tilted 6 tilted
  for kind in labels layers flipped; do
    mask ct $kind.nii $kind
    seg $kind.nii --from ct --out $kind.dcm
  done
  mask ct fractions.nii fractions
  seg fractions.nii --from ct --out fractions.dcm --kind probability --labels 1="liver tumour" --weights fractions.nii --algorithm net
  mask tilted tilted.nii labels
  seg tilted.nii --from tilted --out tilted.dcm --labels 1=Liver 2=left_kidney '7=a very long name of nothing that anybody knows' --made-by person
  valid ./*.dcm
}
a_segmentation_reads_back_as_the_mask_in_its_place() {
  needs_python
  series ct 5
  series tilted 6 tilted
  for from in ct tilted; do
    for kind in labels layers flipped; do
      mask $from $from.$kind.nii $kind
      seg $from.$kind.nii --from $from --out $from.$kind.dcm
      reads_back seg $from.$kind.dcm $from.$kind.nii $from
    done
    for kind in probability occupancy; do
      mask $from $from.$kind.nii fractions
      seg $from.$kind.nii --from $from --out $from.$kind.dcm --kind $kind
      reads_back seg $from.$kind.dcm $from.$kind.nii $from
    done
    seg $from.labels.nii --from $from --out $from.map.dcm --kind labels
    reads_back seg $from.map.dcm $from.labels.nii $from
  done
  # The check itself sees a mask that is another one.
  mask ct other.nii values
  ! reads_back seg ct.labels.dcm ct.layers.nii ct
  ! reads_back seg ct.labels.dcm tilted.labels.nii ct
}
segmentations_are_compared_by_the_names_of_their_segments() {
  series ct 5
  mask ct labels.nii labels
  seg labels.nii --from ct --out a.dcm --labels 1=Liver 2=Spleen
  seg labels.nii --from ct --out b.dcm --labels 1=Spleen 2=Liver
  ends_with 0 "$fovea" compare a.dcm a.dcm --json
  equal "$(answer '[one["dice"] for one in v["pairs"][0]["labels"]]')" "[1.0, 1.0, 1.0]"
  ends_with 0 "$fovea" compare a.dcm b.dcm --json
  equal "$(answer '{one["name"]: one["dice"] for one in v["pairs"][0]["labels"] if one["value"] < 3}')" "{'Liver': 0.0, 'Spleen': 0.0}"
  holds "$out" "by its name"
}
a_segmentation_reads_back_in_javascript() {
  needs_dcmjs
  for from in ct tilted; do
    series $from 5 ${from/ct/plain}
    mask $from $from.nii labels
    seg $from.nii --from $from --out $from.dcm
    NODE_PATH=$node_modules/node_modules node "$outside/check_written.cjs" $from.dcm $from.raw $from 1 2 7
  done
}
a_real_tilted_series_gets_its_segmentation_in_place() {
  needs_python
  [[ -e $data/dicom-conformance/ct_tilt_ge.zip ]] || skip "no real series here"
  unzip -q "$data/dicom-conformance/ct_tilt_ge.zip" -d real
  # Its spacing changes in the middle, so the gate refuses it whole: here the longest even part.
  "$python" - <<'END'
import pathlib, shutil, pydicom
found = [(pydicom.dcmread(p, force=True, stop_before_pixels=True), p) for p in pathlib.Path("real").rglob("*") if p.is_file()]
found = sorted(((float(d.ImagePositionPatient[2]), p) for d, p in found if "ImagePositionPatient" in d), key=lambda one: one[0])
best, begin = (0, 0), 0
for end in range(2, len(found) + 1):
    if end - begin > 2 and abs(found[end - 1][0] - 2 * found[end - 2][0] + found[end - 3][0]) > 0.05:
        begin = end - 2
    best = max(best, (end - begin, -begin))
pathlib.Path("one").mkdir()
for _, path in found[-best[1]:-best[1] + best[0]]:
    shutil.copy(path, "one")
END
  ends_with 0 "$fovea" inspect one --json
  holds "$(answer 'v["volumes"][0]["reasons"]')" gantry-tilt
  mask one mask.nii labels
  seg mask.nii --from one --out mask.dcm --labels 1=brain
  reads_back seg mask.dcm mask.nii one
  ! command -v dciodvfy >/dev/null || valid mask.dcm
}
the_same_call_writes_the_same_bytes() {
  series ct 5
  mask ct a.nii labels
  seg a.nii --from ct --out a.dcm --labels 1=Liver
  sleep 1.1
  seg a.nii --from ct --out b.dcm --labels 1=Liver
  cmp a.dcm b.dcm
  seg a.nii --from ct --out c.dcm --labels 1=Spleen --json
  local spleen
  spleen=$(answer 'v["sop_instance"]')
  seg a.nii --from ct --out d.dcm --labels 1=Liver --json
  [[ $(answer 'v["sop_instance"]') != "$spleen" ]]
}
a_mask_on_another_grid_is_refused_unless_asked() {
  series ct 5
  mask ct moved.nii moved
  ends_with 3 "$fovea" dicom seg moved.nii --from ct --out a.dcm
  holds "$err" "expected the source's grid"
  holds "$err" "0.300 mm apart"
  [[ ! -e a.dcm ]]
  seg moved.nii --from ct --out a.dcm --resample nearest
  mask ct good.nii labels
  "$fovea" convert good.nii other.nii --spacing 1 --interpolation nearest >/dev/null
  ends_with 3 "$fovea" dicom seg other.nii --from ct --out b.dcm
  seg other.nii --from ct --out b.dcm --resample label-linear
  ends_with 2 "$fovea" dicom seg other.nii --from ct --out c.dcm --resample linear
}
what_the_gate_refuses_gets_no_segmentation() {
  series gap 7 missing
  series whole 7
  mask whole a.nii labels
  ends_with 3 "$fovea" dicom seg a.nii --from gap --out a.dcm
  holds "$err" "no true place"
  "$fovea" convert a.nii a.npy >/dev/null
  ends_with 3 "$fovea" dicom seg a.npy --from whole --out a.dcm
  holds "$err" "where it lies"
  [[ ! -e a.dcm ]]
}
wrong_words_are_refused_and_nothing_is_overwritten() {
  series ct 4
  series study/a 3
  series study/b 4 other
  mask ct a.nii labels
  touch there.dcm
  ends_with 2 "$fovea" dicom seg a.nii --from ct --out there.dcm
  holds "$err" "exists already"
  ends_with 2 "$fovea" dicom seg a.nii --from study --out a.dcm
  holds "$err" "1.2.3.9"
  ends_with 2 "$fovea" dicom seg a.nii --from ct --out a.dcm --labels Liver
  holds "$err" "VALUE=NAME"
  ends_with 2 "$fovea" dicom seg a.nii --from ct --out a.dcm --labels 1=Liver 1=Spleen
  holds "$err" "twice"
  ends_with 2 "$fovea" dicom seg a.nii --from ct --out a.dcm --made-by progam
  holds "$err" "program"
  ends_with 3 "$fovea" dicom seg a.nii --from ct --out a.dcm --labels "1=$(printf 'x%.0s' {1..65})"
  ends_with 3 "$fovea" dicom seg a.nii --from ct --out a.dcm --labels '1=a\b'
  ends_with 2 "$fovea" dicom sge a.nii --from ct --out a.dcm
  holds "$err" "seg"
  echo '{"1": {"name": "Liver", "colour": [1, 2]}}' >bad.json
  ends_with 3 "$fovea" dicom seg a.nii --from ct --out a.dcm --labels bad.json
  mask ct f.nii fractions
  ends_with 3 "$fovea" dicom seg f.nii --from ct --out a.dcm
  mask ct v.nii values
  ends_with 3 "$fovea" dicom seg v.nii --from ct --out a.dcm --kind probability
  holds "$err" "0 to 1"
  [[ ! -e a.dcm ]]
}
labels_come_from_a_file() {
  series ct 4
  mask ct a.nii labels
  echo '{"1": "Liver", "2": {"name": "blob", "type": ["367643001", "SCT", "Cyst"], "category": ["49755003", "SCT", "Morphologically abnormal structure"], "colour": [255, 0, 0]}, "7": "Spleen"}' >own.json
  seg a.nii --from ct --out a.dcm --labels own.json --json
  equal "$(answer '[(s["name"], s["code"]) for s in v["segments"]]')" "[('Liver', '10200004'), ('blob', '367643001'), ('Spleen', '78961009')]"
  equal "$err" ""
  echo '{"labels": {"background": 0, "liver": 1, "left kidney": 2, "heart": 3}}' >dataset.json
  seg a.nii --from ct --out b.dcm --labels dataset.json --json
  equal "$(answer '[(s["name"], s["scheme"]) for s in v["segments"]]')" "[('liver', 'SCT'), ('left kidney', 'SCT'), ('heart', 'SCT'), ('7', '99FOVEA')]"
  holds "$err" "'7'"
}

structures_are_valid_and_read_back() {
  local kind
  series ct 5
  series tilted 6 tilted
  for kind in ct tilted; do
    mask $kind $kind.nii labels
    ends_with 0 "$fovea" dicom rtstruct $kind.nii --from $kind --out $kind.dcm --labels 1=Liver 2="left kidney" 7="liver tumour" --algorithm net --algorithm-version 2
    ends_with 0 "$fovea" dicom rtstruct $kind.nii --from $kind --out again.dcm --labels 1=Liver 2="left kidney" 7="liver tumour" --algorithm net --algorithm-version 2
    cmp $kind.dcm again.dcm
    rm again.dcm
    ends_with 0 "$fovea" convert $kind.dcm back.nii --like $kind
    cmp <(tail -c +353 $kind.nii) <(tail -c +353 back.nii)
    rm back.nii
  done
  mask ct flipped.nii flipped
  ends_with 0 "$fovea" dicom rtstruct flipped.nii --from ct --out flipped.dcm
  mask ct moved.nii moved
  ends_with 3 "$fovea" dicom rtstruct moved.nii --from ct --out moved.dcm
  [[ ! -e moved.dcm ]]
  needs_dciodvfy
  valid ct.dcm tilted.dcm flipped.dcm
}
other_programs_read_the_same_structures() {
  needs_python
  local kind
  series ct 5
  series tilted 6 tilted
  for kind in ct tilted; do
    mask $kind $kind.nii labels
    ends_with 0 "$fovea" dicom rtstruct $kind.nii --from $kind --out $kind.dcm --labels 1=Liver
    "$python" "$outside/check_structures.py" written $kind.dcm $kind.nii $kind
  done
}
structures_of_other_programs_are_drawn_as_others_draw_them() {
  needs_python
  local kind
  series ct 5
  series tilted 6 tilted
  for kind in ct tilted; do
    "$python" "$outside/check_structures.py" make $kind $kind.dcm
    ends_with 0 "$fovea" convert $kind.dcm $kind.nii.gz --like $kind
    "$python" "$outside/check_structures.py" drawn $kind.dcm $kind.nii.gz $kind
  done
}
a_parametric_map_is_valid_and_reads_back() {
  series ct 5
  series tilted 5 tilted
  for from in ct tilted; do
    mask $from $from.nii values
    ends_with 0 "$fovea" dicom pmap $from.nii --from $from --out $from.dcm --quantity ADC --unit mm2/s --algorithm dwi
  done
  ends_with 2 "$fovea" dicom pmap ct.nii --from ct --out a.dcm --quantity ADG
  holds "$err" "adc"
  ends_with 3 "$fovea" dicom pmap ct.nii --from tilted --out a.dcm --quantity adc
  ends_with 3 "$fovea" dicom pmap ct.nii --from ct --out a.dcm --quantity '1,,x'
  [[ ! -e a.dcm ]]
  ! command -v dciodvfy >/dev/null || valid ct.dcm tilted.dcm
  needs_python
  reads_back pmap ct.dcm ct.nii ct
  reads_back pmap tilted.dcm tilted.nii tilted
}
a_picture_is_valid_and_reads_back() {
  series ct 3
  python3 - <<'END'
import struct, zlib
def png(name, colour, bits):
    wide, high, samples = 23, 17, 3 if colour else 1
    rows = b"".join(b"\0" + bytes((7 * x + 31 * y) % 256 for x in range(wide * samples * bits // 8)) for y in range(high))
    def part(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    head = struct.pack(">IIBBBBB", wide, high, bits, 2 if colour else 0, 0, 0, 0)
    open(name, "wb").write(b"\x89PNG\r\n\x1a\n" + part(b"IHDR", head) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b""))
png("colour.png", True, 8), png("grey.png", False, 8), png("deep.png", False, 16), png("both.png", True, 16)
END
  for name in colour grey deep; do
    ends_with 0 "$fovea" dicom sc $name.png --from ct --out $name.dcm --algorithm organs --algorithm-version 2
  done
  ends_with 0 "$fovea" dicom sc colour.png --from ct --out bare.dcm --no-words
  "$fovea" convert bare.dcm bare.npy && "$fovea" convert colour.png colour.npy
  cmp bare.npy colour.npy
  ends_with 3 "$fovea" dicom sc both.png --from ct --out both.dcm
  holds "$err" "8 bits"
  ! command -v dciodvfy >/dev/null || valid ./*.dcm
  needs_python
  for name in colour grey deep; do reads_back sc $name.dcm $name.png ct; done
}

an_image_series_is_valid_and_reads_back() {
  series ct 5
  series tilted 5 tilted
  for from in ct tilted; do
    "$fovea" convert $from $from.nii >/dev/null
    ends_with 0 "$fovea" convert $from.nii ${from}_own --format dicom --from $from
    ends_with 0 "$fovea" convert $from ${from}_self --format dicom
    ends_with 0 "$fovea" convert $from.nii ${from}_nobody --format dicom
    mask $from $from.values.nii values
    ends_with 0 "$fovea" convert $from.values.nii ${from}_rounded --format dicom --from $from --round 0.01
    for kind in own self nobody rounded; do
      # Our own gate lets it through, at the same place.
      ends_with 0 "$fovea" inspect ${from}_$kind --json
      equal "$(answer '[round(x, 6) for row in v["volumes"][0]["affine"] for x in row]')" "$(
        "$fovea" inspect $from --json | python3 -c 'import json, sys; print([round(x, 6) for row in json.load(sys.stdin)["volumes"][0]["affine"] for x in row])')"
      ! command -v dciodvfy >/dev/null || valid ${from}_$kind/volume-1/*
    done
    "$fovea" convert ${from}_own $from.back.npy >/dev/null
    "$fovea" convert $from $from.npy >/dev/null
    cmp $from.npy $from.back.npy
  done
  needs_python
  for from in ct tilted; do
    reads_back series ${from}_own/volume-1 $from.nii $from
    reads_back series ${from}_self/volume-1 $from.nii $from
    reads_back series ${from}_nobody/volume-1 $from.nii
    reads_back series ${from}_rounded/volume-1 $from.values.nii $from 0.01
  done
}
an_image_series_is_exact_or_refused() {
  series ct 5
  mask ct v.nii values
  ends_with 3 "$fovea" convert v.nii out --format dicom --from ct
  holds "$err" "--round"
  ends_with 3 "$fovea" convert v.nii out --format dicom --from ct --round 0.0001
  holds "$err" "16 bits"
  ends_with 2 "$fovea" convert v.nii out --format dicom --round x
  ends_with 2 "$fovea" convert v.nii v.nrrd --round 1
  "$fovea" convert v.nii v.npy >/dev/null
  ends_with 3 "$fovea" convert v.npy out --format dicom --round 1
  ls -A out 2>/dev/null | { ! grep -q .; }
  ends_with 0 "$fovea" convert v.nii one --format dicom --round 1
  ends_with 0 "$fovea" convert v.nii two --format dicom --round 1
  diff -r one two
  ends_with 2 "$fovea" convert v.nii one --format dicom --round 1
  ends_with 0 "$fovea" convert ct small --format dicom --spacing 1 --round 1
  ends_with 0 "$fovea" inspect small --json
  equal "$(answer 'v["volumes"][0]["modality"], v["volumes"][0]["verdict"], v["volumes"][0]["unit"]')" "('CT', 'ok', 'HU')"
}

reports() {  # of both series: with a segmentation (KIND.dcm) and without (KIND-alone.dcm)
  local kind
  series ct 5
  series tilted 6 tilted
  for kind in ct tilted; do
    mask $kind $kind.nii labels
    seg $kind.nii --from $kind --out $kind-seg.dcm --labels 1=Liver 2="left kidney" 7="liver tumour"
    ends_with 0 "$fovea" dicom sr $kind.nii --from $kind --seg $kind-seg.dcm --out $kind.dcm --labels 1=Liver 2="left kidney" 7="liver tumour" --algorithm net
    ends_with 0 "$fovea" dicom sr $kind.nii --from $kind --out $kind-alone.dcm --labels 1=Liver 2="left kidney" 7="liver tumour" --algorithm net
  done
  cat >findings.json <<'F'
{"findings": [{"type": "liver tumour", "tracking": "one", "region": [[-9, -18, 30], [-7, -18, 30], [-7.5, -17, 30]],
  "measurements": [{"quantity": ["103339001", "SCT", "Long Axis"], "value": 12.12345678901234567, "unit": "mm"}],
  "evaluations": [{"what": ["111037", "DCM", "Margins"], "answer": ["129737002", "SCT", "Circumscribed lesion"]}]},
 {"type": "spleen", "tracking": "two", "region": [[-9, -18, 32.5]]},
 {"type": ["10200004", "SCT", "Liver"], "tracking": "three", "evaluations": [{"what": ["111037", "DCM", "Margins"], "answer": ["129737002", "SCT", "Circumscribed lesion"]}]}]}
F
  ends_with 0 "$fovea" dicom sr findings.json --from ct --out findings.dcm
}
reports_are_valid() {
  needs_dciodvfy
  reports
  valid ct.dcm ct-alone.dcm tilted.dcm tilted-alone.dcm findings.dcm
}
other_programs_read_the_same_reports() {
  needs_python
  reports
  local kind
  for kind in ct tilted; do
    "$python" "$outside/check_report.py" mask $kind.dcm $kind.nii $kind $kind-seg.dcm
    "$python" "$outside/check_report.py" mask $kind-alone.dcm $kind.nii $kind
  done
  "$python" "$outside/check_report.py" findings findings.dcm findings.json ct
}
a_report_of_what_is_not_there_is_not_written() {
  reports
  ends_with 2 "$fovea" dicom sr ct.nii --from ct --seg ct-seg.dcm --out a.dcm --labels 1=Spleen
  holds "$err" "Spleen"
  echo '{"findings": [{"type": "liver", "segment": 9}]}' >wrong.json
  ends_with 3 "$fovea" dicom sr wrong.json --from ct --seg ct-seg.dcm --out a.dcm
  echo '{"findings": [{"type": "liver", "mesurements": []}]}' >wrong.json
  ends_with 3 "$fovea" dicom sr wrong.json --from ct --out a.dcm
  holds "$err" "measurements"
  echo '{"findings": []}' >wrong.json
  ends_with 3 "$fovea" dicom sr wrong.json --from ct --out a.dcm
  ends_with 3 "$fovea" dicom sr ct.nii --from ct --seg ct/im0-0.dcm --out a.dcm --labels 1=Liver
  ends_with 0 "$fovea" dicom sr findings.json --from ct --out again.dcm
  cmp findings.dcm again.dcm
  [[ ! -e a.dcm ]]
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
