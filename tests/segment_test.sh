#!/usr/bin/env bash
# Segmentation as a user meets it: masks recognised, a network trained for some steps, proven, asked, explained.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea
export XDG_CACHE_HOME=$rooms/cache
quick=(--set steps=30 --set 'features=[8, 16, 16]' --set 'patch=[16, 32, 32]' --set 'kernels=[3x3x3, 3x3x3, 3x3x3]' --set 'strides=[1x1x1, 2x2x2, 2x2x2]'
  --set 'blocks=[1, 1, 1]' --set 'decoder_blocks=[1, 1]' --set batch_size=2 --set learning_rate=0.01 --set test_flips=false --precision float32 --set run_as=float32 --set validate_every=10 --set time=0)

# One finished run that the cases below only read: made once.
shared_run() {
  if [[ ! -e $rooms/shared/run/report.html ]]; then
    mkdir -p "$rooms/shared"
    "$FOVEA_BUILD/make_organs" "$rooms/shared/organs" 12
    "$fovea" train "$rooms/shared/organs" --out "$rooms/shared/run" "${quick[@]}" >/dev/null 2>"$rooms/shared/log" || { cat "$rooms/shared/log"; return 1; }
  fi
  run=$rooms/shared/run data=$rooms/shared/organs
}
field() { python3 -c 'import json,sys; v=json.load(open(sys.argv[1])); print(eval("v"+sys.argv[2]))' "$1" "$2"; }

the_plan_says_what_it_decided_and_why() {
  "$FOVEA_BUILD/make_organs" set 12
  ends_with 0 "$fovea" plan set
  for word in "task: segment" "configuration: 3d_fullres" "nnU-Net's rules on" "strides: [1x1x1" "structures organ (1), lesion (2)" "unlike nnU-Net's sgd" \
    "Not used with these: intensity_mean"; do holds "$out" "$word"; done
  lacks "$out" "  intensity_mean:"
  ends_with 0 "$fovea" plan set --network pspnet
  for word in "configuration: 2d" "pspnet sees pictures only"; do holds "$out" "$word"; done
  ends_with 0 "$fovea" plan set --network swin-unetr --out swin.yaml
  holds "$out" "swin-unetr takes multiples of 32"
  ends_with 2 "$fovea" plan set --network swin-unetr --set 'patch=[16, 32, 32]'
  holds "$err" "multiples of 32"
}
a_run_leaves_a_model_its_proof_and_a_report() {
  shared_run
  for file in plan.yaml run.json history.csv metrics.json report.html model.fovea predictions/test.csv; do test -s "$run/$file"; done
  [[ $(field "$run/metrics.json" '["task"]') == segment ]]
  [[ $(field "$run/metrics.json" '["cases"]') == 3 ]]
  [[ $(field "$run/metrics.json" '["per_class"][1]["class"]') == lesion ]]
  for name in dice jaccard hd95 assd nsd sensitivity precision volume_difference; do field "$run/metrics.json" "[\"metrics\"][\"$name\"]" >/dev/null; done
  for word in "Bland and Altman" "Seg-Grad-CAM" worst; do grep -q "$word" "$run/report.html"; done
  # Untrained guesses reach next to nothing.
  [[ $(field "$run/metrics.json" '["per_class"][0]["dice"]["value"] > 0.6') == True ]]
}
masks_can_be_exact_or_fast() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out exact --precision float32
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out fast --precision bfloat16
  ends_with 0 "$fovea" compare exact/case3.nii.gz fast/case3.nii.gz --json
  [[ $(answer 'v["pairs"][0]["labels"][0]["dice"] > 0.95') == True ]]
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out other --precision half
  holds "$err" "bfloat16"
}
a_second_stage_sees_the_masks_of_the_first() {
  "$FOVEA_BUILD/make_organs" set 12
  ends_with 0 "$fovea" train set --out first "${quick[@]}" --set steps=20 --set folds=2
  holds "$(head -1 first/splits.csv)" "id,split,patient,fold"
  ends_with 0 "$fovea" train set --out second "${quick[@]}" --set steps=15 --set first_stage=first
  for word in "first_stage_values: [1, 2]" "networks that did not learn from it"; do holds "$(cat second/plan.yaml)" "$word"; done
  ends_with 0 "$fovea" evaluate second set --json
  ends_with 0 "$fovea" explain second set/images/case3.nii.gz --out why --label organ
  ends_with 0 "$fovea" predict second set/images --out masks
  # The package holds the first stage, too.
  ends_with 0 "$fovea" export second --out two.fovea
  mv first elsewhere
  ends_with 0 "$fovea" predict two.fovea set/images --out again
  for mask in masks/*.nii.gz; do cmp "$mask" "again/${mask#masks/}"; done
  ends_with 3 "$fovea" plan set --set first_stage=first
  holds "$err" "is not a run"
  ends_with 3 "$fovea" plan set --set first_stage=second
  holds "$err" "is a cascade itself"
  shared_run
  ends_with 2 "$fovea" plan set --set "first_stage=$run" --seed 5
  holds "$err" "held back here"
  ends_with 2 "$fovea" plan set --set "first_stage=$run" --set folds=2
  holds "$err" "with folds, too"
  ends_with 2 "$fovea" plan set --set configuration=3d_cascade_fullres
  holds "$err" "first_stage=RUN"
  for format in monai torchscript; do
    ends_with 2 "$fovea" export second --out other --format "$format"
    holds "$err" "cascade"
  done
  # Where things lie stays here, and may change.
  python3 - <<'PY'
import os, zipfile
here = os.path.basename(os.getcwd())
with zipfile.ZipFile("two.fovea") as package:
    assert not [name for name in package.namelist() if here.encode() in package.read(name)]
PY
  ends_with 0 "$fovea" train --out second --resume --set first_stage=elsewhere
}
masks_lie_on_the_grid_of_their_images() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" "$data/images/case7.nii.gz" --out masks --statistics volumes.csv --json
  test -s masks/case3.nii.gz && test -s masks/case7.nii.gz
  ends_with 0 "$fovea" compare masks/case3.nii.gz "$data/labels/case3.nii.gz" --json
  holds "$(head -1 volumes.csv)" "id,label,voxels,ml"
  (($(wc -l <volumes.csv) == 5))
  voxels "$data/images/case3.nii.gz" >image && voxels masks/case3.nii.gz >mask
  python3 - <<'PY'
import csv
image, mask = ([int(value) for value in open(name).read().split()] for name in ("image", "mask"))
for row, label in zip(csv.DictReader(open("volumes.csv")), (1, 2)):
    inside = [value for value, here in zip(image, mask) if here == label]
    assert int(row["voxels"]) == len(inside), (row, len(inside))
    if inside: assert abs(float(row["mean"]) - sum(inside) / len(inside)) < 1e-6 and float(row["low"]) == min(inside) and float(row["high"]) == max(inside), row
PY
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz"
  holds "$err" "--out"
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks
}
# The values of a NIfTI file of u8, i16 or float32, a line a channel.
voxels() {
  python3 - "$1" <<'PY'
import array, gzip, struct, sys
data = (gzip.open if sys.argv[1].endswith("gz") else open)(sys.argv[1], "rb").read()
size = struct.unpack_from("<8h", data, 40)
voxels = size[1] * size[2] * size[3]
values = array.array({2: "B", 4: "h", 16: "f"}[struct.unpack_from("<h", data, 70)[0]], data[352:])
assert len(values) == voxels * (size[4] if size[0] > 3 else 1), (len(values), size)
for at in range(0, len(values), voxels): print(*values[at : at + voxels])
PY
}
probabilities_belong_to_their_masks() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks --save-probabilities --json
  [[ $(answer 'v["answers"][0]["probabilities"]') == masks/case3-probabilities.nii ]]
  [[ $(field masks/probabilities.json '["channels"]') == "['background', 'organ', 'lesion']" ]]
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out plain
  cmp plain/case3.nii.gz masks/case3.nii.gz
  ends_with 0 "$fovea" inspect masks/case3-probabilities.nii
  voxels masks/case3-probabilities.nii >likely && voxels masks/case3.nii.gz >mask
  python3 - <<'PY'
rows = [[float(value) for value in line.split()] for line in open("likely")]
mask = [int(value) for value in open("mask").read().split()]
assert len(rows) == 3 and len(mask) == len(rows[0])
for voxel in zip(*rows): assert abs(sum(voxel) - 1) < 1e-5
off = sum(1 for voxel, label in zip(zip(*rows), mask) if label not in (0, voxel.index(max(voxel))))
assert off == 0, off  # cleaning up takes voxels away, nothing else
PY
  rm masks/case3-probabilities.nii
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks --save-probabilities --resume
  test -s masks/case3-probabilities.nii
}
several_models_answer_by_their_mean() {
  shared_run
  ends_with 0 "$fovea" train "$data" --out flat --set configuration=2d --set steps=4 --set time=0 --set 'features=[8, 16]' --set 'patch=[32, 32]' --precision float32 \
    --set 'kernels=[3x3, 3x3]' --set 'strides=[1x1, 2x2]' --set 'blocks=[1, 1]' --set 'decoder_blocks=[1]' --set batch_size=2 --set test_flips=false
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --with flat --out both --save-probabilities
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out one --save-probabilities
  ends_with 0 "$fovea" predict flat "$data/images/case3.nii.gz" --out other --save-probabilities
  for name in both one other; do voxels $name/case3-probabilities.nii >$name.txt; done
  python3 - <<'PY'
both, one, other = ([float(value) for value in open(name + ".txt").read().split()] for name in ("both", "one", "other"))
assert max(abs(x - (a + b) / 2) for x, a, b in zip(both, one, other)) < 1e-5
assert max(abs(a - b) for a, b in zip(one, other)) > 0.1
PY
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --with flat --out masks
  cmp masks/case3.nii.gz both/case3.nii.gz
  [[ $(ls masks) == case3.nii.gz ]]
  ends_with 0 "$fovea" predict --with flat --with "$run" "$run" "$data/images/case3.nii.gz" --out three --json
  equal "$(answer 'len(v["with"])')" 2
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz" --with flat --out none --uncertainty
  holds "$err" "--uncertainty is that of one model"
}
a_coarse_look_comes_first_if_asked_for() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out whole
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out roi --roi --json
  [[ $(answer '0 < v["answers"][0]["looked_at"] <= 1') == True ]]
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out other --roi-model "$run" --json
  cmp roi/case3.nii.gz other/case3.nii.gz
  ends_with 0 "$fovea" compare roi/case3.nii.gz whole/case3.nii.gz --json
  printf '%s' "$out" >same.json
  [[ $(python3 -c 'import json; print(all(one["dice"] >= 0.999 for one in json.load(open("same.json"))["pairs"][0]["labels"]))') == True ]]
}
a_bad_case_does_not_stop_the_others() {
  shared_run
  mkdir mixed
  cp "$data/images/case3.nii.gz" mixed/good.nii.gz
  head -c 400 "$data/images/case7.nii.gz" >mixed/cut.nii.gz
  ends_with 0 "$fovea" predict "$run" mixed --out masks
  test -s masks/good.nii.gz && test ! -e masks/cut.nii.gz
  holds "$err" cut.nii.gz
}
# VALUE = VALUE * factor + offset in a NIfTI of 16 bits: FROM TO FACTOR [OFFSET]
masks_of_images_of_one_name_do_not_overwrite_each_other() {
  shared_run
  mkdir a b c
  cp "$data/images/case3.nii.gz" a/scan.nii.gz
  cp "$data/images/case3.nii.gz" b/scan.nii.gz
  cp "$data/images/case3.nii.gz" c/scan-2.nii.gz
  ends_with 0 "$fovea" predict "$run" a b c --out masks --json
  equal "$(ls masks/*.nii.gz | wc -l)" 3
  equal "$(answer 'len({one["file"] for one in v["answers"]})')" 3
}
scaled() {
  python3 - "$@" <<'P'
import gzip, struct, sys
source, to, factor, offset = sys.argv[1], sys.argv[2], float(sys.argv[3]), float((sys.argv[4:] or ["0"])[0])
data = gzip.open(source).read()
at = int(struct.unpack_from("<f", data, 108)[0])
values = struct.unpack(f"<{(len(data) - at) // 2}h", data[at:])
gzip.open(to, "wb").write(data[:at] + struct.pack(f"<{len(values)}h", *(round(v * factor + offset) for v in values)))
P
}
# A run of two steps that takes values as those of a CT: made once.
ct_run() {
  shared_run
  if [[ ! -e $rooms/shared/ct/report.html ]]; then
    "$fovea" train "$data" --out "$rooms/shared/ct" "${quick[@]}" --set steps=2 --set 'normalisation=[ct]' >/dev/null 2>"$rooms/shared/log" || { cat "$rooms/shared/log"; return 1; }
  fi
  ct=$rooms/shared/ct
}
images_of_another_kind_get_no_mask_but_a_reason() {
  ct_run
  mkdir mixed
  cp "$data/images/case3.nii.gz" mixed/good.nii.gz
  scaled "$data/images/case3.nii.gz" mixed/mr.nii.gz 30 600
  scaled "$data/images/case3.nii.gz" mixed/same.nii.gz 0 7
  ends_with 0 "$fovea" predict "$ct" mixed --out masks --json
  test -s masks/good.nii.gz && test ! -e masks/mr.nii.gz && test ! -e masks/same.nii.gz
  holds "$err" "mr: the image is outside of what the model was made for"
  holds "$err" "no CT like them"
  holds "$err" "all its voxels are the same"
  # Normalised case by case, any scale will do; nothing will not.
  ends_with 0 "$fovea" predict "$run" mixed --out others
  test -s others/mr.nii.gz && test ! -e others/same.nii.gz
  # Measured all the same, and that is said.
  mkdir -p other/images other/labels
  for name in case3 case7; do cp "$data/labels/$name.nii.gz" other/labels; done
  cp "$data/images/case3.nii.gz" other/images
  scaled "$data/images/case7.nii.gz" other/images/case7.nii.gz 30 600
  cp "$data/labels.txt" other
  ends_with 0 "$fovea" evaluate "$ct" other --json
  holds "$err" "1 of 2 cases are outside of what the model was made for (case7"
  [[ $(answer 'v["cases"]') == 2 ]]
}
every_mask_comes_with_the_dice_to_expect() {
  "$FOVEA_BUILD/make_organs" set 16
  ends_with 0 "$fovea" train set --out run "${quick[@]}" --set validation_share=0.35
  ends_with 0 "$fovea" predict run set/images/case3.nii.gz --out masks --statistics volumes.csv --json
  [[ $(answer '0 <= v["answers"][0]["structures"][0]["expected_dice"] <= 1 and v["answers"][0]["structures"][0]["expected_dice_error"] >= 0') == True ]]
  holds "$(head -1 volumes.csv)" ",expected_dice,expected_dice_error"
  ends_with 0 "$fovea" predict run set/images/case3.nii.gz --out plain
  holds "$out" "lowest Dice to expect"
  ends_with 0 "$fovea" predict run set/images/case3.nii.gz --out without --no-quality --json
  lacks "$out" expected_dice
  cmp masks/case3.nii.gz without/case3.nii.gz
  [[ $(field run/metrics.json '["per_class"][0]["expected_dice"]["cases"]') == 4 ]]
  field run/metrics.json '["per_case"][0]["per_class"][0]["expected_dice"]' >/dev/null
  grep -q "Expected Dice" run/report.html
}
masks_that_were_measured_can_be_looked_at() {
  shared_run
  ends_with 0 "$fovea" evaluate "$run" "$data" --out measured --masks
  (($(ls measured/masks | wc -l) == 3))
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks
  ends_with 0 "$fovea" compare measured/masks/case3.nii.gz masks/case3.nii.gz --json
  [[ $(answer 'all(one["dice"] in (1, None) for one in v["pairs"][0]["labels"])') == True ]]
  ends_with 2 "$fovea" evaluate "$run" "$data" --masks
}
two_runs_are_compared_case_by_case() {
  ct_run
  ends_with 0 "$fovea" compare "$run" "$ct" "$data"
  for word in "p (Wilcoxon, by case)" dice lesion; do holds "$out" "$word"; done
  ends_with 0 "$fovea" compare "$run" "$ct" "$data" --json
  [[ $(answer '[one["wilcoxon"]["pairs"] <= 3 and one["first"] > one["second"] for one in v["scores"] if one["metric"] == "dice" and one["class"] == "all"]') == "[True]" ]]
}
masks_of_series_come_with_a_report() {
  shared_run
  ends_with 0 "$fovea" convert "$data/images/case3.nii.gz" series --format dicom
  ends_with 0 "$fovea" predict "$run" series --out seg --sr --codes 1=Liver --json
  [[ $(answer 'v["answers"][0]["report"]') == seg/volume-1-sr.dcm ]]
  ends_with 0 "$fovea" inspect seg --json
  [[ $(answer 'v["without_pixels"]') == 1 ]]
  for word in Volume Liver; do grep -aq "$word" seg/volume-1-sr.dcm; done
  ends_with 0 "$fovea" predict "$run" series --out contours --sr --format rtstruct
  test -s contours/volume-1-sr.dcm
  ends_with 3 "$fovea" predict "$run" series --out plain --sr --format nifti
  holds "$err" "a report is of masks in DICOM"
  ends_with 2 "$fovea" predict "$run" series --out wrong --codes 9=Liver
  holds "$err" "the model gives 1, 2"
}
codes_of_what_was_learnt_from_are_those_of_what_is_found() {
  "$FOVEA_BUILD/make_organs" set 6
  echo '{"1": {"name": "organ", "type": ["78961009", "SCT", "Spleen"], "category": ["123037004", "SCT", "Anatomical structure"]}, "2": "lesion"}' >labels.json
  for n in 0 1 2 3 4 5; do
    "$fovea" convert "set/images/case$n.nii.gz" "series/case$n" --format dicom >/dev/null
    "$fovea" dicom seg "set/labels/case$n.nii.gz" --from "series/case$n" --out "series/case$n/seg.dcm" --labels labels.json >/dev/null
  done
  ends_with 0 "$fovea" train series --out run "${quick[@]}" --set steps=10
  ends_with 0 "$fovea" convert set/images/case3.nii.gz asked --format dicom
  ends_with 0 "$fovea" predict run asked --out seg
  grep -aq Spleen seg/volume-1.dcm
}
series_get_segmentations_on_their_own_frames() {
  shared_run
  ends_with 0 "$fovea" convert "$data/images/case3.nii.gz" series --format dicom
  ends_with 0 "$fovea" predict "$run" series --out seg
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out plain
  ends_with 0 "$fovea" compare seg/volume-1.dcm plain/case3.nii.gz --json
  printf '%s' "$out" >same.json
  [[ $(python3 -c 'import json; print([one["dice"] for one in json.load(open("same.json"))["pairs"][0]["labels"]])') == "[1.0"* ]]
  ends_with 0 "$fovea" predict "$run" series --out structures --format rtstruct
  ends_with 0 "$fovea" inspect structures
}
masks_that_cannot_be_written_cost_no_other() {
  shared_run
  ends_with 0 "$fovea" convert "$data/images/case3.nii.gz" series --format dicom
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" series --out masks --format seg --json
  holds "$err" "is no DICOM series"
  holds "$out" volume-1.dcm
  ends_with 3 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out pictures --format png
  holds "$err" "a PNG holds one"
}
a_stopped_batch_goes_on_where_it_was() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images" --out masks
  cp masks/case5.nii.gz before.nii.gz
  rm masks/case5.nii.gz
  ends_with 0 "$fovea" predict "$run" "$data/images" --out masks --resume --json
  cmp masks/case5.nii.gz before.nii.gz
  (($(grep -o '"resumed": *true' <<<"$out" | wc -l) == 11))
}
# Kills PID as soon as PATTERN is there.
kill_at() {  # PID PATTERN
  for ((i = 0; i < 1200; i++)); do [[ -z $(compgen -G "$2") ]] || break; sleep 0.05; done
  kill -9 "$1" && ! wait "$1"
}
killed_while_preparing_and_training_a_run_goes_on_to_the_same_end() {
  shared_run
  local more=(--set cache="$PWD/cases" --set checkpoint_seconds=0.1)
  "$fovea" train "$data" --out killed "${quick[@]}" "${more[@]}" >/dev/null 2>&1 &
  kill_at $! "cases/*/*.case"
  [[ ! -e killed/model.fovea ]]
  "$fovea" train --out killed --resume >/dev/null 2>&1 &
  kill_at $! "killed/checkpoints/last.fovea-checkpoint"
  [[ ! -e killed/model.fovea ]]
  ends_with 3 "$fovea" predict killed "$data/images/case3.nii.gz" --out masks
  ends_with 0 "$fovea" train --out killed --resume
  cmp <(cut -d, -f1,5- "$run/history.csv") <(cut -d, -f1,5- killed/history.csv)
}
killed_while_answering_a_batch_leaves_whole_masks_only() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images" --out whole
  "$fovea" predict "$run" "$data/images" --out masks >/dev/null 2>&1 &
  kill_at $! "masks/*.nii.gz"
  for mask in masks/*.nii.gz; do cmp "$mask" "whole/${mask#masks/}"; done
  ends_with 0 "$fovea" predict "$run" "$data/images" --out masks --resume
  for mask in whole/*.nii.gz; do cmp "$mask" "masks/${mask#whole/}"; done
}
the_folder_of_prepared_cases_may_be_full_or_locked() {
  "$FOVEA_BUILD/make_organs" set 12
  # 16 KiB a file: plans fit, prepared cases do not.
  ends_with 4 bash -c 'trap "" XFSZ; ulimit -f 16; exec "$@"' - "$fovea" train set --out run "${quick[@]}" --set steps=2 --set cache="$PWD/cases"
  holds "$err" "cache"
  [[ -z $(compgen -G "cases/*/*.case") && -z $(compgen -G "cases/*/*.part") ]]
  ends_with 0 "$fovea" train --out run --resume
  ((EUID == 0)) || skip "needs root to become somebody else"
  mkdir locked open && chmod -R a+rX "$rooms" && chmod 500 locked && chmod 777 open
  ends_with 4 setpriv --reuid=65534 --regid=65534 --clear-groups "$fovea" train set --out open/run "${quick[@]}" --set cache="$PWD/locked"
  holds "$err" "cache"
}
a_plan_that_cannot_be_is_refused_before_the_run() {
  "$FOVEA_BUILD/make_organs" set 12
  for set in 'patch=[17, 33, 33]' 'mirror=[7]' 'normalisation=[foo]' 'axes=[0, 0, 1]' 'configuration=4d' 'loss=foo'; do
    ends_with 2 "$fovea" train set --out run --set "$set" --set steps=1 --set time=0
    [[ ! -e run/run.json ]]
  done
}
too_little_memory_is_said_with_the_least() {
  shared_run
  ends_with 4 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks --memory 1M
  holds "$err" MiB
}
a_run_is_measured_and_explained_again() {
  shared_run
  ends_with 0 "$fovea" evaluate "$run" "$data" --json
  printf '%s' "$out" >again.json
  [[ $(field again.json '["metrics"]["dice"]["value"]') == $(field "$run/metrics.json" '["metrics"]["dice"]["value"]') ]]
  ends_with 0 "$fovea" explain "$run" "$data/images/case3.nii.gz" --out why --label organ
  test -s why/explanations.json
  ends_with 2 "$fovea" explain "$run" "$data/images/case3.nii.gz" --out why2 --label liver
  holds "$err" "no structure 'liver'"
}
the_same_seed_gives_the_same_masks() {
  shared_run
  ends_with 0 "$fovea" train "$data" --out again "${quick[@]}"
  cmp <(cut -d, -f1,5- "$run/history.csv") <(cut -d, -f1,5- again/history.csv)
}
thick_slices_are_planned_and_put_back() {
  "$FOVEA_BUILD/make_organs" thick 12 4
  ends_with 0 "$fovea" train thick --out run --set steps=2 --set time=0 --set test_flips=false --set batch_size=2 --precision float32
  ends_with 0 "$fovea" predict run thick/images/case3.nii.gz --out masks
  ends_with 0 "$fovea" compare masks/case3.nii.gz thick/labels/case3.nii.gz
}
the_demo_does_a_whole_job_with_ones_own_masks() {
  "$FOVEA_BUILD/make_organs" set 12
  ends_with 0 "$fovea" demo set --out all --time 6s
  for file in inspect.html plan.yaml run/report.html why/explanations.json model.fovea; do test -s "all/$file"; done
  # The two that are asked about took no part in training.
  equal "$(ls all/found)" $'case3.nii.gz\ncase7.nii.gz'
  for word in "fovea data inspect set" "fovea plan set --time 6s" "fovea train --plan all/plan.yaml" "Try next"; do holds "$out" "$word"; done
}
an_interrupt_ends_the_demo_and_keeps_what_is_done() {
  "$fovea" demo --out all >out 2>err &
  until [[ -d all/chest/images/normal ]] && hears_sigint $!; do sleep 0.05; done
  kill -INT $!
  local code=0
  wait $! || code=$?
  equal $code 130
  holds "$(<err)" "fovea: stopped"
  [[ -e all/chest/images && ! -e all/ct ]]
}
a_folder_that_nnunet_trained_is_a_model() {
  local peer=$project/../shared/peers/nnunet-reference/Dataset004_Hippocampus images=$project/../shared/data/hippocampus-3d/images
  [[ -d $peer && -d $images ]] || skip "no folder of nnU-Net beside the project"
  ends_with 0 "$fovea" predict "$peer/model" "$images/hippocampus_015.nii.gz" --out masks --no-flips
  ends_with 0 "$fovea" compare masks/hippocampus_015.nii.gz "$peer/predicted-no-flips/hippocampus_015.nii.gz" --json
  printf '%s' "$out" >same.json
  [[ $(python3 -c 'import json; print(all(one["dice"] >= 0.999 for one in json.load(open("same.json"))["pairs"][0]["labels"]))') == True ]]
}
# Exit codes are those of a fault in the input (3) or in what was asked (2).
a_monai_bundle_is_a_model() {
  local made=$project/src/learn/segment/made/bundles
  ends_with 0 "$fovea" predict "$made/unet" "$made/unet/image.nii.gz" --out masks --statistics volumes.csv
  ends_with 0 "$fovea" compare masks/image.nii.gz "$made/unet/mask.nii.gz" --json
  printf '%s' "$out" >same.json
  [[ $(python3 -c 'import json; print(all(one["dice"] >= 0.999 for one in json.load(open("same.json"))["pairs"][0]["labels"]))') == True ]]
  holds "$(sed -n 2p volumes.csv)" "image,label 1,"
  ends_with 2 "$fovea" predict "$made/own" "$made/own/image.nii.gz" --out own
  holds "$err" "--trust"
  ends_with 0 "$fovea" predict "$made/own" "$made/own/image.nii.gz" --out own --trust
  cp -r "$made/unet" other
  sed -i 's/Spacingd/Zoomd/' other/configs/inference.json
  ends_with 3 "$fovea" predict other "$made/unet/image.nii.gz" --out none
  holds "$err" "the transform Zoomd"
}
a_run_becomes_a_monai_bundle() {
  shared_run
  ends_with 0 "$fovea" export "$run" --format monai --out bundle
  for file in configs/metadata.json configs/inference.json models/model.ts docs/README.md LICENSE; do test -s "bundle/$file"; done
  ends_with 0 "$fovea" predict bundle "$data/images/case3.nii.gz" --out masks --trust
  ends_with 2 "$fovea" export "$run" --format monai --out bundle
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
