#!/usr/bin/env bash
# The program as a user meets it: real data sets (made up), real training (seconds), wrong flags, broken files, interruptions.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea
quick=(--network small-cnn --epochs 2 --set image_size=32 --set batch_size=16)

images() { "$FOVEA_BUILD/make_images" "$1" "${2:-48}" 32; }
# One finished run that the cases below only read: made once.
shared_run() {
  if [[ ! -e $rooms/shared/run/report.html ]]; then
    mkdir -p "$rooms/shared"
    images "$rooms/shared/images"
    "$fovea" train "$rooms/shared/images" --out "$rooms/shared/run" "${quick[@]}" --patient-from '^(p[0-9]+)_' >/dev/null 2>"$rooms/shared/log" ||
      { cat "$rooms/shared/log"; return 1; }
  fi
  run=$rooms/shared/run data=$rooms/shared/images
}
field() { python3 -c 'import json,sys; v=json.load(open(sys.argv[1])); print(eval("v"+sys.argv[2]))' "$1" "$2"; }
json_out() { printf '%s' "$out" >"$room/out.json"; field "$room/out.json" "$1"; }

help_fits_a_screen_and_names_the_commands() {
  ends_with 0 "$fovea" --help
  (($(wc -l <<<"$out") <= 40))
  for word in demo data plan train evaluate predict explain export compare; do holds "$out" "$word"; done
  for command in plan train evaluate predict explain export compare demo; do
    ends_with 0 "$fovea" "$command" --help
    holds "$out" xample
    (($(wc -l <<<"$out") <= 50))
  done
  ends_with 0 "$fovea" --version
  for word in threads PNG LibTorch; do holds "$out" "$word"; done
}
unknown_words_are_refused_with_the_nearest() {
  ends_with 2 "$fovea" trian x
  holds "$err" "did you mean 'train'"
  ends_with 2 "$fovea" train x --out y --epoch 3
  holds "$err" "did you mean '--epochs'"
  ends_with 2 "$fovea" data inpect x
  holds "$err" "did you mean 'inspect'"
  ends_with 2 "$fovea" data inspect x --htm y
  holds "$err" "fovea data inspect has no flag '--htm'"
  holds "$err" "see fovea data inspect --help"
  ends_with 0 "$fovea" data inspect --help
  holds "$out" "Usage: fovea data inspect "
  images images
  ends_with 2 "$fovea" train images --out run --set learning_rat=1
  holds "$err" "did you mean 'learning_rate'"
  ends_with 2 "$fovea" train images --out run2 --network resnet81
  holds "$err" "did you mean 'resnet18'"
  ends_with 2 "$fovea" train images --out run3 --task clasify
  holds "$err" "did you mean 'classify'"
  ends_with 2 "$fovea" train images --out run4 --time soon
  holds "$err" "a time such as"
  ends_with 2 "$fovea" train images --out run5 --set learning_rate
  holds "$err" "KEY=VALUE"
}
a_command_without_a_network_loads_no_libtorch() {
  images images
  ends_with 0 env LD_DEBUG=libs "$fovea" data inspect images
  lacks "$err" libtorch
}
bad_data_gets_a_reason_and_exit_3() {
  mkdir empty one && images good
  cp good/normal/*.png one/
  ends_with 3 "$fovea" train empty --out a
  ends_with 3 "$fovea" train nowhere --out b
  ends_with 3 "$fovea" train one --out c
  mkdir -p single/only && cp good/normal/*.png single/only/
  ends_with 3 "$fovea" train single --out d
  holds "$err" "2 classes"
  mkdir -p broken/a broken/b && for c in a b; do for i in 1 2 3; do echo text >broken/$c/$i.png; done; done
  ends_with 3 "$fovea" train broken --out e
  printf 'path,label\nmissing.png,x\n' >list.csv
  ends_with 3 "$fovea" train list.csv --out f
  for left in a b c d e f; do [[ ! -e $left/plan.yaml ]]; done
}
a_bad_image_among_good_ones_is_named_and_left_out() {
  images images
  : >images/normal/zero.png
  head -c 100 "$(ls images/opacity/*.png | head -n 1)" >images/opacity/cut.png
  ends_with 0 "$fovea" train images --out run "${quick[@]}" --epochs 1
  holds "$err" "normal/zero.png"
  holds "$err" "opacity/cut.png"
}
a_folder_that_is_not_empty_is_refused() {
  images images
  mkdir run && touch run/mine.txt
  ends_with 2 "$fovea" train images --out run "${quick[@]}"
  holds "$err" "not empty"
  [[ -e run/mine.txt ]]
}
a_run_holds_what_it_should() {
  shared_run
  for file in plan.yaml run.json splits.csv history.csv metrics.json model.fovea report.html predictions/test.csv; do [[ -s $run/$file ]] || { echo "no $file"; return 1; }; done
  ends_with 2 "$fovea" train "$data" --out "$run"
  holds "$err" "--resume"
}
the_same_seed_gives_the_same_weights_from_plan_alone() {
  images images
  ends_with 0 "$fovea" train images --out one "${quick[@]}" --set loader_threads=1
  ends_with 0 "$fovea" train --plan one/plan.yaml --out two
  ends_with 0 "$fovea" train --plan one/plan.yaml --out three --set loader_threads=3
  for other in two three; do cmp <(unzip -p one/model.fovea weights.safetensors) <(unzip -p $other/model.fovea weights.safetensors); done
}
killed_in_the_middle_it_goes_on_bit_for_bit() {
  images images
  local plan=(--set checkpoint_seconds=0.1 --set run_as=float32 --epochs 12)
  ends_with 0 "$fovea" train images --out whole "${quick[@]:0:2}" "${quick[@]:4}" "${plan[@]}"
  "$fovea" train images --out killed "${quick[@]:0:2}" "${quick[@]:4}" "${plan[@]}" >/dev/null 2>&1 &
  for ((i = 0; i < 600; i++)); do [[ ! -e killed/checkpoints/last.fovea-checkpoint ]] || break; sleep 0.05; done
  kill -9 $! && ! wait $!
  ends_with 0 "$fovea" train --out killed --resume
  cmp <(unzip -p whole/model.fovea weights.safetensors) <(unzip -p killed/model.fovea weights.safetensors)
}
an_interrupt_saves_and_says_how_to_go_on() {
  images images
  "$fovea" train images --out run --network small-cnn --set image_size=32 --epochs 100000 >out 2>err &
  for ((i = 0; i < 600; i++)); do [[ ! -e run/history.csv ]] || break; sleep 0.05; done
  kill -INT $!
  local code=0
  wait $! || code=$?
  equal $code 130
  holds "$(<err)" "--resume"
  ends_with 3 "$fovea" predict run "$(ls images/normal/*.png | head -n 1)"
  holds "$err" "has not finished"
}
an_interrupt_while_proving_ends_it_soon_and_resuming_proves() {
  images images
  "$fovea" train images --out run --network resnet18 --set image_size=128 --set batch_size=16 --epochs 1 >out 2>err &
  for ((i = 0; i < 1200; i++)); do ! grep -qs '"reporting"' run/run.json || break; sleep 0.05; done
  kill -INT $!
  local code=0
  wait $! || code=$?
  equal $code 130
  holds "$(<err)" "--resume"
  [[ ! -e run/report.html ]]
  ends_with 0 "$fovea" train --out run --resume
  [[ -s run/report.html ]]
}
an_interrupt_ends_reading_measuring_and_explaining_with_130() {
  shared_run
  # Large ones, each under several names: a look at all of them takes a while.
  "$FOVEA_BUILD/make_images" many 60 400
  local image n
  for image in many/*/*.png; do for n in {1..7}; do cp -l "$image" "${image%/*}/$n-${image##*/}"; done; done
  for command in "data inspect many" "data clean many --out fit.csv" "plan many" "evaluate RUN many --split all" "compare RUN RUN many --split all" \
    "explain RUN many --out why --method occlusion" "demo many --out all"; do
    read -ra words <<<"$command"
    "$fovea" "${words[@]/#RUN/$run}" >out 2>err &
    until hears_sigint $!; do sleep 0.01; done
    kill -INT $!
    local code=0
    wait $! || code=$?
    equal "$command: $code" "$command: 130"
    holds "$(<err)" "fovea: stopped"
  done
  [[ ! -e fit.csv && -e why/explanations.json && ! -e all/run/model.fovea ]]
}
two_processes_on_one_run_are_refused() {
  images images
  "$fovea" train images --out run --network small-cnn --set image_size=32 --epochs 100000 >/dev/null 2>&1 &
  for ((i = 0; i < 600; i++)); do [[ ! -e run/history.csv ]] || break; sleep 0.05; done
  ends_with 4 "$fovea" train --out run --resume
  holds "$err" "another process"
  kill -9 $!
}
evaluate_prints_one_json_object() {
  shared_run
  ends_with 0 "$fovea" evaluate "$run" "$data" --json
  equal "$(json_out '["task"]') $(json_out '["split"]') $(json_out '["classes"]')" "classify test ['normal', 'opacity']"
  for metric in accuracy balanced_accuracy auc average_precision f1 precision sensitivity specificity ece; do
    json_out "['metrics']['$metric'].keys() >= {'value','low','high'}" | grep -qx True
  done
  equal "$(json_out '["metrics"]["auc"]["value"]')" "$(field "$run/metrics.json" '["metrics"]["auc"]["value"]')"
  equal "$(json_out '["cases"]')" "$(json_out '["per_case"].__len__()')"
}
the_package_answers_as_the_run_does() {
  shared_run
  ends_with 0 "$fovea" export "$run" --out model.fovea
  ends_with 0 "$fovea" predict "$run" "$data" --out a.csv
  ends_with 0 "$fovea" predict model.fovea "$data" --out b.csv
  cmp a.csv b.csv
  equal "$(wc -l <a.csv)" "$(($(find "$data" -name '*.png' | wc -l) + 1))"
  ends_with 2 "$fovea" export "$run" --out model.fovea
}
a_model_answers_by_the_executor_it_was_proven_with_unless_another_is_asked_for() {
  shared_run
  ends_with 0 "$fovea" train "$data" --out by-fused "${quick[@]}" --executor fused --precision bfloat16
  ends_with 0 "$fovea" predict by-fused "$data" --json
  printf '%s' "$out" >proven.json
  equal "$(json_out '["run_as"]')" "float32 fused"
  ends_with 0 "$fovea" predict by-fused "$data" --executor torch --json
  equal "$(json_out '["run_as"]')" "float32 channels-last"
  python3 - proven.json "$room/out.json" 1e-4 <<'PY'
import json, sys
proven, other = ({one["file"]: one["scores"] for one in json.load(open(path))["answers"]} for path in sys.argv[1:3])
assert proven and proven.keys() == other.keys()
for file, scores in proven.items():
    for label, score in scores.items():
        assert abs(score - other[file][label]) < float(sys.argv[3]), (file, label, score, other[file][label])
PY
  ends_with 0 "$fovea" predict by-fused "$data" --precision bfloat16 --json
  equal "$(json_out '["run_as"]')" "bfloat16 fused"
  ends_with 2 "$fovea" predict by-fused "$data" --precision half
}
a_model_that_is_not_there_is_called_so() {
  shared_run
  misses() { ends_with 3 "$fovea" "$@"; holds "$err" "there is no run or package at"; }
  misses predict nomodel "$data"
  misses explain nomodel "$data" --out why
  misses evaluate nomodel.fovea "$data"
  misses compare "$run" nomodel "$data"
  misses export nomodel --out model.fovea
}
a_changed_or_cut_package_is_refused() {
  shared_run
  head -c 20000 "$run/model.fovea" >cut.fovea
  ends_with 3 "$fovea" predict cut.fovea "$data"
  cp "$run/model.fovea" changed.fovea
  printf X | dd of=changed.fovea bs=1 seek=$(($(stat -c %s changed.fovea) / 2)) conv=notrunc 2>/dev/null
  ends_with 3 "$fovea" predict changed.fovea "$data"
  ends_with 3 "$fovea" predict "$(ls "$data"/normal/*.png | head -n 1)" "$data"
}
an_image_outside_the_contract_gets_no_answer() {
  shared_run
  "$FOVEA_BUILD/make_images" large 8 400
  ends_with 3 "$fovea" predict "$run" large --json
  holds "$err" "outside of what the model was made for"
  json_out '["answers"][0]["error"]' | grep -q .
}
explain_writes_overlays_and_raw_maps() {
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  for method in gradcam occlusion integrated-gradients; do
    ends_with 0 "$fovea" explain "$run" "$image" --out "why-$method" --method $method
    [[ -s why-$method/$(basename "$image") && -s why-$method/$(basename "$image" .png).npy && -s why-$method/explanations.json ]]
  done
  ends_with 2 "$fovea" explain "$run" "$image" --out x --method gradcan
  holds "$err" "did you mean 'gradcam'"
}
a_package_that_names_more_labels_than_its_network_answers_is_refused() {
  shared_run
  mkdir package && (cd package && unzip -q "$run/model.fovea")
  for channels in 2 3; do
    python3 - package $channels <<'PY'
import hashlib, json, os, pathlib, sys, zipfile
folder = pathlib.Path(sys.argv[1])
about = json.loads((folder / "package.json").read_text())
about["labels"] = about["labels"][:2] + [{"name": "third", "codes": []}]
about["output"]["channels"] = int(sys.argv[2])
(folder / "package.json").write_text(json.dumps(about))
manifest = json.loads((folder / "manifest.json").read_text())
changed = (folder / "package.json").read_bytes()
for member in manifest["members"]:
    if member["name"] == "package.json":
        member.update(bytes=len(changed), sha256=hashlib.sha256(changed).hexdigest())
(folder / "manifest.json").write_text(json.dumps(manifest))
with zipfile.ZipFile(f"labels{sys.argv[2]}.fovea", "w") as out:
    for path in folder.rglob("*"):
        if path.is_file(): out.write(path, path.relative_to(folder))
PY
    ends_with 3 "$fovea" predict labels$channels.fovea "$data"
    holds "$err" "3 labels"
    ends_with 3 "$fovea" evaluate labels$channels.fovea "$data"
    holds "$err" "3 labels"
  done
}
names_that_are_no_utf8_are_printed_as_json() {
  shared_run
  local odd=$'B\xffld'
  mkdir -p "$odd/normal" "$odd/opacity"
  for c in normal opacity; do for image in "$data/$c"/*; do cp "$image" "$odd/$c/$odd-$(basename "$image")"; done; done
  for command in "predict $run $odd --json" "evaluate $run $odd --json" "compare $run $run $odd --json" "data inspect $odd --json" "plan $odd --json"; do
    run_words=${command//$run/RUN}
    read -ra words <<<"$run_words"
    ends_with 0 "$fovea" "${words[@]/#RUN/$run}"
    json_out '.__class__.__name__' | grep -qx dict
  done
  ends_with 0 "$fovea" explain "$run" "$(ls -d "$odd"/normal/* | head -n 1)" --out why --json
  json_out '["explanations"].__len__()' | grep -qx 1
}
where_answers_go_is_checked_before_the_work() {
  shared_run
  mkdir full && touch full/mine.txt file
  for place in full file/below nowhere/a.csv; do
    ends_with 2 "$fovea" predict nomodel noimages --out $place
    lacks "$err" nomodel
  done
  for place in full file file/below; do
    ends_with 2 "$fovea" evaluate nomodel nodata --out $place
    ends_with 2 "$fovea" explain nomodel noimages --out $place
  done
  ends_with 2 "$fovea" data inspect nodata --html nowhere/a.html
  ends_with 2 "$fovea" data clean nodata --out nowhere/a.csv
  ends_with 2 "$fovea" plan nodata --out nowhere/a.yaml
  ends_with 2 "$fovea" export norun --out nowhere/a.fovea
  ends_with 3 "$fovea" predict nomodel "$data" --out fresh
  [[ ! -e fresh && ! -e nowhere ]]
}
explain_gives_every_input_a_name_of_its_own() {
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  mkdir a b c && cp "$image" a/x.png && cp "$image" b/x.png && cp "$image" c/x-2.png
  ends_with 0 "$fovea" explain "$run" a/x.png b/x.png c/x-2.png --out why
  equal "$(ls why/*.png | wc -l) $(ls why/*.npy | wc -l)" "3 3"
  equal "$(field why/explanations.json '["explanations"].__len__(),len({e["map"] for e in v["explanations"]})')" "(3, 3)"
}
no_answer_overwrites_a_file_or_surprises_with_a_folder() {
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  ends_with 0 "$fovea" predict "$run" "$image" --out answers.CSV
  [[ -f answers.CSV ]]
  ends_with 0 "$fovea" predict "$run" "$image" --out folder.2/
  [[ -f folder.2/answers.csv ]]
  ends_with 2 "$fovea" predict "$run" "$image" --out answers.txt
  holds "$err" "FILE.csv"
  [[ ! -e answers.txt ]]
  echo mine >mine.csv
  refuses() { ends_with 2 "$fovea" "$@" mine.csv; holds "$err" "nothing is overwritten"; equal "$(<mine.csv)" mine; }
  refuses predict "$run" "$image" --out
  refuses plan "$data" --out
  refuses data inspect "$data" --html
  refuses export "$run" --out
  ends_with 2 "$fovea" export "$run" --out model.ts
  holds "$err" "--format torchscript"
}
explain_refuses_wrong_words_and_leaves_no_folder() {
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  for wrong in "--method gradcan" "--label opacty" "--layer conv99" "--method occlusion --layer features"; do
    read -ra words <<<"$wrong"
    ends_with 2 "$fovea" explain "$run" "$image" --out why "${words[@]}"
    [[ ! -e why ]]
  done
  holds "$err" "looks at no layer"
  ends_with 0 "$fovea" explain "$run" "$image" --out why --layer features
}
a_repeated_plan_with_another_budget_or_network_finds_its_steps_anew() {
  shared_run
  sed 's/^steps:.*/steps: 7/; s/^shortenings:.*/shortenings: [3:5]/; s/^run_as:.*/run_as: float32/; s/^validate_every:.*/validate_every: 3/' "$run/plan.yaml" >plan.yaml
  local found='["steps"],v["shortenings"],v["validate_every"],v["run_as"],v["epochs"]'
  while IFS='|' read -r flags want; do
    read -ra words <<<"$flags"
    ends_with 0 "$fovea" plan --plan plan.yaml --json "${words[@]}"
    equal "$(json_out "$found")" "$want"
  done <<'ROWS'
|(7, ['3:5'], 3, 'float32', 2)
--seed 3|(7, ['3:5'], 3, 'float32', 2)
--epochs 1|(0, [], 0, 'float32', 1)
--time 30s|(0, [], 0, 'float32', 0)
--network resnet-small|(7, ['3:5'], 0, '', 2)
--precision float32|(7, ['3:5'], 3, '', 2)
--device cpu|(7, ['3:5'], 3, '', 2)
--epochs 1 --set steps=9|(9, [], 0, 'float32', 1)
ROWS
}
weights_to_begin_with_are_found_from_anywhere() {
  shared_run
  : >weights.fovea
  ends_with 0 "$fovea" plan "$data" --init weights.fovea --json
  equal "$(json_out '["init"]')" "$PWD/weights.fovea"
}
training_begins_with_the_weights_of_a_package_or_of_safetensors() {
  shared_run
  ends_with 0 "$fovea" export "$run" --out model.fovea
  unzip -p model.fovea weights.safetensors >weights.safetensors
  # A rate of nearly nothing leaves the weights where they began.
  local stay=("${quick[@]}" --set learning_rate=1e-9 --set weight_decay=0 --set average=0)
  for init in model.fovea weights.safetensors; do
    ends_with 0 "$fovea" train "$data" --out "from-$init" "${stay[@]}" --init "$init"
    holds "$err" "tensors loaded"
    python3 - <(unzip -p "from-$init/model.fovea" weights.safetensors) weights.safetensors <<'PY'
import array, json, sys
def weights(path):
    raw = open(path, "rb").read()
    size = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8:8 + size])
    return {name: array.array("f", raw[8 + size + one["data_offsets"][0]:8 + size + one["data_offsets"][1]])
            for name, one in head.items() if name.endswith("weight") and one["dtype"] == "F32"}
mine, theirs = (weights(path) for path in sys.argv[1:])
assert mine.keys() == theirs.keys() and len(mine) >= 3, mine.keys()
for name in mine:
    assert max(abs(a - b) for a, b in zip(mine[name], theirs[name])) < 1e-6, name
PY
  done
}
grey_and_colour_in_one_set_are_learnt_and_answered() {
  images images
  python3 - images <<'PY'
import pathlib, struct, sys, zlib
# A third of the grey PNGs becomes colour.
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
def pixels(raw):
    size, at, data = None, 8, b""
    while at < len(raw):
        length, kind = struct.unpack(">I4s", raw[at:at + 8])
        if kind == b"IHDR": size = struct.unpack(">IIBBBBB", raw[at + 8:at + 21])
        if kind == b"IDAT": data += raw[at + 8:at + 8 + length]
        at += length + 12
    wide, high, depth, colour = size[:4]
    assert depth == 8 and colour == 0, size
    lines, before, data = [], bytes(wide), zlib.decompress(data)
    for y in range(high):
        how, line = data[y * (wide + 1)], bytearray(data[y * (wide + 1) + 1:(y + 1) * (wide + 1)])
        for x in range(wide):
            a, b, c = line[x - 1] if x else 0, before[x], before[x - 1] if x else 0
            p = a + b - c
            near = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line[x] = (line[x] + (0, a, b, (a + b) // 2, near)[how]) % 256
        lines.append(bytes(line)); before = bytes(line)
    return wide, lines
for i, path in enumerate(sorted(pathlib.Path(sys.argv[1]).rglob("*.png"))):
    if i % 3: continue
    wide, lines = pixels(path.read_bytes())
    rows = b"".join(b"\0" + bytes(v for one in line for v in (one, one // 2, 255 - one)) for line in lines)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, len(lines), 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
PY
  ends_with 0 "$fovea" train images --out run "${quick[@]}"
  ends_with 0 "$fovea" predict run images --json
  equal "$(json_out '["answers"].__len__()')" "$(find images -name '*.png' | wc -l)"
  lacks "$out" error
}
measuring_images_outside_the_contract_is_said() {
  shared_run
  "$FOVEA_BUILD/make_images" large 8 400
  ends_with 0 "$fovea" evaluate "$run" large
  holds "$err" "10 of 10 cases are outside of what the model was made for"
}
a_plan_with_a_misspelt_network_is_refused() {
  images images
  ends_with 2 "$fovea" plan images --network resnet81
  holds "$err" "did you mean 'resnet18'"
}
images_that_were_left_out_are_told_in_the_report() {
  images images
  echo broken >images/normal/broken.png
  ends_with 0 "$fovea" train images --out run "${quick[@]}" --no-images
  grep -q '1 image was left out' run/report.html
  ! grep -q 'Nothing odd was found' run/report.html
  ! unzip -p run/model.fovea card.md package.json | grep -q "$PWD"
  ends_with 0 "$fovea" train --plan run/plan.yaml --out again
  ! grep -q 'data:image/png' again/report.html
}
what_is_chosen_on_validation_is_measured_in_the_package() {
  shared_run
  python3 -c 'import json, sys
about = json.load(sys.stdin)
assert about["operating_points"]
for point in about["operating_points"]:
    assert point["measured"]["sensitivity"]["value"] is not None, point' < <(unzip -p "$run/model.fovea" package.json)
}
packing_needs_no_room_for_drafts_elsewhere() {
  images images
  ends_with 0 env TMPDIR=/nonexistent "$fovea" train images --out run "${quick[@]}"
}
a_device_that_is_not_there_leaves_the_folder_free() {
  images images
  [[ ! -e /dev/nvidia0 ]] || skip "there is a GPU"
  ends_with 4 "$fovea" train images --out run "${quick[@]}" --device cuda
  ends_with 0 "$fovea" train images --out run "${quick[@]}" --device cpu
}
a_damaged_run_json_is_refused() {
  images images
  ends_with 0 "$fovea" train images --out run "${quick[@]}"
  sed -i 's/"total_seconds": [0-9.]*/"total_seconds": "x"/' run/run.json
  ends_with 3 "$fovea" train --out run --resume
  holds "$err" "expected a number in 'total_seconds'"
}
options_that_do_not_go_together_are_refused_or_completed() {
  images images
  printf 'path,one,two\n' >list.csv
  for image in images/*/*.png; do echo "$image,$((RANDOM % 2)),1" >>list.csv; done
  ends_with 2 "$fovea" train list.csv --out run "${quick[@]}" --set balance=sampling
  holds "$err" "balance=weights"
  ends_with 0 "$fovea" plan images --set patience=3 --json
  equal "$(json_out '["keep"]')" best
  ends_with 0 "$fovea" plan images --set patience=3 --set keep=last --json
  equal "$(json_out '["keep"]')" last
}
mix_up_balance_flips_and_smoothing_each_change_what_is_learnt() {
  images images
  ls images/opacity/*.png | head -n 7 | tr '\n' '\0' | xargs -0 rm
  ends_with 0 "$fovea" train images --out plain "${quick[@]}" --set run_as=float32
  for option in mix_up=0.4 balance=weights label_smoothing=0.1 dropout=0.3 optimiser=sgd schedule=poly; do
    ends_with 0 "$fovea" train images --out "${option%=*}" "${quick[@]}" --set run_as=float32 --set $option
    ! cmp -s <(unzip -p plain/model.fovea weights.safetensors) <(unzip -p "${option%=*}"/model.fovea weights.safetensors) ||
      { echo "$option changed nothing"; return 1; }
  done
  ends_with 0 "$fovea" train images --out flips "${quick[@]}" --set run_as=float32 --set test_flips=true
  ! cmp -s plain/predictions/test.csv flips/predictions/test.csv
}
values_that_make_no_image_are_refused_before_a_run_begins() {
  images images
  ends_with 2 "$fovea" train images --out run "${quick[@]}" --set channels=2
  holds "$err" "'channels' cannot be '2'"
  ends_with 2 "$fovea" train images --out run "${quick[@]}" --set intensity_low=300 --set intensity_high=300
  holds "$err" "intensity_low below intensity_high"
  [[ ! -e run/plan.yaml ]]
}
all_splits_are_called_all() {
  shared_run
  local count
  count=$(find "$data" -name '*.png' | wc -l)
  ends_with 0 "$fovea" evaluate "$run" "$data" --split all --json
  equal "$(json_out '["split"]') $(json_out '["cases"]')" "all $count"
  ends_with 0 "$fovea" evaluate "$run" "$data" --split all
  holds "$out" "$count cases of all splits"
  ends_with 0 "$fovea" compare "$run" "$run" "$data" --split all --json
  equal "$(json_out '["split"]')" all
}
no_more_threads_work_than_the_container_grants() {
  shared_run
  local most=0 now=0
  MKL_DYNAMIC=FALSE MKL_NUM_THREADS=64 OMP_NUM_THREADS=64 "$fovea" explain "$run" "$data" --out why --method integrated-gradients >/dev/null 2>&1 &
  while now=$(awk '/^Threads:/ {print $2}' /proc/$!/status 2>/dev/null) && [[ -n $now ]]; do
    ((now <= most)) || most=$now
    sleep 0.02
  done
  wait $!
  ((most > 0 && most < $(nproc) + 16)) || { echo "$most threads"; return 1; }
}
torchscript_is_written_and_runs_only_when_trusted() {
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  ends_with 0 "$fovea" export "$run" --format torchscript --out model.ts
  unzip -l model.ts | grep -q code/
  ends_with 2 "$fovea" predict model.ts "$image"
  holds "$err" "--trust"
  ends_with 0 "$fovea" predict model.ts "$image" --trust --labels normal,opacity --image-size 32 --json
  json_out '["answers"][0]["scores"].keys() == {"normal", "opacity"}' | grep -qx True
  ends_with 3 "$fovea" predict model.ts "$image" --trust --labels a,b,c --image-size 32
  ends_with 2 "$fovea" predict model.ts "$image" --trust --labels normal,opacity --executor torch
  holds "$err" "runs as it was written"
  refuses() { ends_with 2 "$fovea" "$@"; holds "$err" "only fovea predict --trust runs those"; }
  refuses evaluate model.ts "$data"
  refuses compare "$run" model.ts "$data"
  refuses explain model.ts "$image" --out why
  refuses export model.ts --out model.fovea
}
pytorch_loads_the_torchscript_and_answers_the_same() {
  # Only where the benchmarks have set PyTorch up: setting it up here would take longer than all tests together.
  local python=${FOVEA_PEERS:-$project/.deps/peers/bin/python}
  [[ -x $python ]] || skip "no PyTorch here; ./fovea bench sets one up, FOVEA_PEERS names another"
  shared_run
  local image
  image=$(ls "$data"/opacity/*.png | head -n 1)
  ends_with 0 "$fovea" export "$run" --format torchscript --out model.ts
  ends_with 0 "$fovea" predict model.ts "$image" --trust --labels normal,opacity --image-size 32 --json
  "$python" - "$image" "$(json_out '["answers"][0]["scores"]["opacity"]')" <<'PY'
import sys
import numpy, torch
from PIL import Image
pixels = torch.from_numpy(numpy.array(Image.open(sys.argv[1]), dtype="float32")) / 255
answer = torch.jit.load("model.ts")(((pixels - 0.5) / 0.25)[None, None]).double().softmax(1)[0, 1].item()
assert abs(answer - float(sys.argv[2])) <= 1e-5, (answer, sys.argv[2])
PY
}
a_package_edited_by_hand_still_runs_its_own_graph() {
  # The stored graph, not the function that drew it: a package whose graph was changed answers as changed, once its hashes say so.
  shared_run
  mkdir package && (cd package && unzip -q "$run/model.fovea")
  python3 - package <<'PY'
import hashlib, json, pathlib, sys
folder = pathlib.Path(sys.argv[1])
graph = json.loads((folder / "network.json").read_text())
graph["nodes"].append({"op": "relu", "from": [len(graph["nodes"]) - 1], "options": {}, "name": ""})
(folder / "network.json").write_text(json.dumps(graph))
manifest = json.loads((folder / "manifest.json").read_text())
changed = (folder / "network.json").read_bytes()
for member in manifest["members"]:
    if member["name"] == "network.json":
        member.update(bytes=len(changed), sha256=hashlib.sha256(changed).hexdigest())
(folder / "manifest.json").write_text(json.dumps(manifest))
PY
  (cd package && python3 -c 'import os, zipfile; z = zipfile.ZipFile("../edited.fovea", "w"); [z.write(os.path.join(d, f)) for d, _, fs in os.walk(".") for f in fs]')
  ends_with 0 "$fovea" predict "$run" "$data" --out a.csv
  ends_with 0 "$fovea" predict edited.fovea "$data" --out b.csv
  ! cmp -s a.csv b.csv
}
compare_of_a_model_with_itself_finds_no_difference() {
  shared_run
  ends_with 0 "$fovea" compare "$run" "$run" "$data" --json
  equal "$(json_out '["auc"][0]["p"]') $(json_out '["mcnemar"][0]["exact_p"]')" "1.0 1.0"
  ends_with 0 "$fovea" compare "$run" "$run" "$data"
  holds "$out" "A - B"
  holds "$out" McNemar
  lacks "$out" "{"
}
the_test_split_takes_part_in_no_choice() {
  # Other test images and labels, same training and validation cases: the same weights, temperature and thresholds.
  images images 64
  local n=0 split list=$room/list.csv other=$room/other.csv
  echo path,label,split >"$list"
  for image in images/*/*.png; do
    n=$((n + 1)) split=train
    ((n % 4 != 0)) || split=val
    ((n % 4 != 1)) || split=test
    echo "$image,$(basename "$(dirname "$image")"),$split"
  done >>"$list"
  sed '/,test$/{s/,normal,/,TMP,/;s/,opacity,/,normal,/;s/,TMP,/,opacity,/}' "$list" >"$other"
  ends_with 0 "$fovea" train "$list" --out a "${quick[@]}" --set run_as=float32
  ends_with 0 "$fovea" train "$other" --out b "${quick[@]}" --set run_as=float32
  cmp <(unzip -p a/model.fovea weights.safetensors) <(unzip -p b/model.fovea weights.safetensors)
  unzip -p a/model.fovea package.json >a.json && unzip -p b/model.fovea package.json >b.json
  for part in '["temperature"]' '["input"]' '["preprocessing"]'; do equal "$(field a.json "$part")" "$(field b.json "$part")"; done
  equal "$(python3 -c 'import json,sys; print([p["threshold"] for p in json.load(open("a.json"))["operating_points"]])')" \
    "$(python3 -c 'import json,sys; print([p["threshold"] for p in json.load(open("b.json"))["operating_points"]])')"
}
test_images_equal_to_training_images_are_refused() {
  mkdir leak && images leak/images
  local first second
  { read -r first; read -r second; } < <(ls leak/images/normal/*.png)
  cp "$first" "$second"
  { echo path,label,split
    for image in leak/images/*/*.png; do
      local split=train
      case $image in "$second") split=test ;; *5_1.png) split=val ;; *7_1.png) split=test ;; esac
      echo "${image#leak/},$(basename "$(dirname "$image")"),$split"
    done; } >leak/list.csv
  ends_with 3 "$fovea" train leak/list.csv --out run "${quick[@]}"
  holds "$err" "pixel-equal"
  ends_with 0 "$fovea" data clean leak/list.csv --out leak/clean.csv
  ends_with 0 "$fovea" train leak/clean.csv --out run2 "${quick[@]}"
}
a_comma_locale_changes_nothing() {
  localedef -i de_DE -f UTF-8 "$PWD/de_DE.UTF-8" >/dev/null 2>&1 || skip "the package locales is not installed"
  images images
  ends_with 0 env LOCPATH="$PWD" LC_ALL=de_DE.UTF-8 "$fovea" train images --out run "${quick[@]}" --set learning_rate=0.0005
  grep -q 'learning_rate: 0.0005' run/plan.yaml
  ends_with 0 env LOCPATH="$PWD" LC_ALL=de_DE.UTF-8 "$fovea" evaluate run images --json
  json_out '["metrics"]["auc"]["value"]' | grep -q .
}
folds_killed_in_the_middle_go_on_bit_for_bit() {
  images images
  local plan=(--network small-cnn --epochs 12 --folds 3 --set image_size=32 --set batch_size=16 --set checkpoint_seconds=0.1 --set run_as=float32)
  ends_with 0 "$fovea" train images --out whole "${plan[@]}"
  "$fovea" train images --out killed "${plan[@]}" >/dev/null 2>&1 &
  for ((i = 0; i < 600; i++)); do [[ ! -e killed/fold-2/checkpoints/last.fovea-checkpoint ]] || break; sleep 0.05; done
  kill -9 $! && ! wait $!
  ends_with 0 "$fovea" train --out killed --resume
  for n in 0 1 2; do cmp <(unzip -p whole/model.fovea weights/$n.safetensors) <(unzip -p killed/model.fovea weights/$n.safetensors); done
}
a_small_set_trains_for_many_epochs_inside_a_time() {
  images images 16
  ends_with 0 "$fovea" train images --out run --network small-cnn --set image_size=32 --time 10s
}
what_cannot_be_trained_leaves_the_folder_free() {
  images images
  ends_with 2 "$fovea" train images --out run --network resnet81
  ends_with 2 "$fovea" train images --out run --device gpu
  ends_with 3 "$fovea" train images --out run --init nowhere.safetensors
  ends_with 0 "$fovea" train images --out run "${quick[@]}"
  ends_with 2 "$fovea" train images --out folds "${quick[@]}" --folds 2 --set test_share=0
}
one_odd_test_image_does_not_cost_the_report() {
  images images 64
  "$FOVEA_BUILD/make_images" large 8 400
  local n=0 split
  { echo path,label,split
    for image in images/*/*.png; do
      n=$((n + 1)) split=train
      ((n % 4 != 0)) || split=val
      ((n % 4 != 1)) || split=test
      echo "$image,$(basename "$(dirname "$image")"),$split"
    done
    for image in large/*/*.png; do echo "$image,$(basename "$(dirname "$image")"),test"; done; } >list.csv
  ends_with 0 "$fovea" train list.csv --out run "${quick[@]}"
  grep -q 'Worst mistakes' run/report.html
  equal "$(field run/run.json '["state"]')" finished
}
a_folder_that_is_no_utf8_is_trained_all_the_same() {
  local odd=$'bilder-\xff'
  images "$odd"
  ends_with 0 "$fovea" train "$odd" --out run "${quick[@]}" --json
  json_out '["evaluation"]["split"]' | grep -qx test
}
folds_answer_together() {
  images images
  ends_with 0 "$fovea" train images --out run "${quick[@]}" --folds 3
  [[ -s run/fold-1/history.csv && -s run/fold-3/history.csv ]]
  unzip -l run/model.fovea | grep -q networks/2.json
}
folds_share_a_time_and_their_plan_repeats_them() {
  images images
  ends_with 0 "$fovea" train images --out run --network small-cnn --set image_size=32 --folds 2 --time 8s
  ends_with 0 "$fovea" train --plan run/plan.yaml --out again
  for n in 0 1; do cmp <(unzip -p run/model.fovea weights/$n.safetensors) <(unzip -p again/model.fovea weights/$n.safetensors); done
}
a_search_writes_what_it_chose_and_is_not_repeated() {
  images images
  ends_with 0 "$fovea" train images --out run --network small-cnn --epochs 1 --set image_size=32 --set search=true
  grep -q 'search: false  # done: the plan as it was: auc' run/plan.yaml
  ends_with 0 "$fovea" train --plan run/plan.yaml --out again
  lacks "$err" searching
  cmp <(unzip -p run/model.fovea weights.safetensors) <(unzip -p again/model.fovea weights.safetensors)
}
a_second_begun_time_budget_is_kept() {
  images images
  ends_with 0 "$fovea" train images --out run --network small-cnn --set image_size=32 --time 1s
  [[ -s run/report.html ]]
}
a_report_without_images_names_no_file() {
  images images
  echo x >images/normal/Meier_Hans.txt
  ends_with 0 "$fovea" train images --out run "${quick[@]}" --no-images
  lacks "$(<run/report.html)" Meier
  ends_with 0 "$fovea" train --out run --resume
  lacks "$(<run/report.html)" '.png'
  lacks "$(<run/report.html)" "$room"
}
a_full_disk_ends_with_4_and_keeps_the_last_checkpoint() {
  images images
  # 200 KiB a file: reports and checkpoints do not fit, small files do.
  ends_with 4 bash -c 'trap "" XFSZ; ulimit -f 200; exec "$@"' - "$fovea" train images --out run --network resnet18 --set image_size=32 --epochs 2
  [[ -s run/plan.yaml && ! -e run/model.fovea ]]
}
an_unprivileged_user_gets_exit_4_where_he_may_not_write() {
  ((EUID == 0)) || skip "needs root to become somebody else"
  images images && mkdir locked && chmod 755 . && chmod 700 locked
  chmod -R a+rX "$rooms" && chmod 700 locked
  ends_with 4 setpriv --reuid=65534 --regid=65534 --clear-groups "$fovea" train images --out locked/run "${quick[@]}"
}
what_permissions_forbid_ends_with_4_and_says_so() {
  ((EUID == 0)) || skip "needs root to become somebody else"
  shared_run
  mkdir locked && cp -r "$run" "$data" "$run/model.fovea" locked/
  cp -r "$run" shut && cp -r "$run" half
  chmod -R a+rX "$rooms" && chmod 700 locked shut && chmod 600 half/model.fovea
  local nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups "$fovea")
  for model in locked/model.fovea locked/run shut half; do
    ends_with 4 "${nobody[@]}" predict $model "$data"
    holds "$err" "you may not read"
    ends_with 4 "${nobody[@]}" evaluate $model "$data"
  done
  ends_with 4 "${nobody[@]}" predict "$run" locked/images
  mkdir -p partly/inner && cp "$data"/normal/*.png partly/ && chmod 700 partly/inner
  ends_with 4 "${nobody[@]}" predict "$run" partly
  holds "$err" inner
  cp -r "$data/normal" one && chmod 600 "$(ls one/*.png | head -n 1)"
  ends_with 4 "${nobody[@]}" predict "$run" one
  holds "$err" "check its permissions"
  for place in locked/new locked/run; do
    ends_with 4 "${nobody[@]}" predict "$run" "$data" --out $place
    ends_with 4 "${nobody[@]}" evaluate "$run" "$data" --out $place
    ends_with 4 "${nobody[@]}" explain "$run" "$data" --out $place
    ends_with 4 "${nobody[@]}" export "$run" --out $place
    ends_with 4 "${nobody[@]}" data clean "$data" --out $place
    ends_with 4 "${nobody[@]}" demo "$data" --out $place
  done
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
