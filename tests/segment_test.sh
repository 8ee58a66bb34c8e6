#!/usr/bin/env bash
# Segmentation as a user meets it: masks recognised, a network trained for some steps, proven, asked, explained.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea
export XDG_CACHE_HOME=$rooms/cache
quick=(--set steps=30 --set 'features=[8, 16, 16]' --set 'patch=[16, 32, 32]' --set 'kernels=[3x3x3, 3x3x3, 3x3x3]' --set 'strides=[1x1x1, 2x2x2, 2x2x2]'
  --set 'blocks=[1, 1, 1]' --set 'decoder_blocks=[1, 1]' --set batch_size=2 --set learning_rate=0.01 --set test_flips=false --precision float32 --set time=0)

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
  for word in "task: segment" "configuration: 3d_fullres" "nnU-Net's rules on" "strides: [1x1x1"; do holds "$out" "$word"; done
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
masks_lie_on_the_grid_of_their_images() {
  shared_run
  ends_with 0 "$fovea" predict "$run" "$data/images/case3.nii.gz" "$data/images/case7.nii.gz" --out masks --statistics volumes.csv --json
  test -s masks/case3.nii.gz && test -s masks/case7.nii.gz
  ends_with 0 "$fovea" compare masks/case3.nii.gz "$data/labels/case3.nii.gz" --json
  holds "$(head -1 volumes.csv)" "id,label,voxels,ml"
  (($(wc -l <volumes.csv) == 5))
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz"
  holds "$err" "--out"
  ends_with 2 "$fovea" predict "$run" "$data/images/case3.nii.gz" --out masks
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
