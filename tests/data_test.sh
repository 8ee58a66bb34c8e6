#!/usr/bin/env bash
# `data inspect` and `data clean` as a user meets them: what they name, what they write, how they end.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

images() { "$FOVEA_BUILD/make_images" "$1" 16 32; }
# A set with an empty file, a cut one and a copy.
spoilt_images() {
  images "$1"
  : >"$1/normal/zero ü.png"
  head -c 100 "$(ls "$1"/opacity/*.png | head -n 1)" >"$1/opacity/cut.png"
  cp "$(ls "$1"/opacity/p*.png | tail -n 1)" "$1/opacity/zz copy.png"
}
count() { find "$1" -name '*.png' | wc -l; }

inspect_names_what_cannot_be_read() {
  spoilt_images set
  ends_with 0 "$fovea" data inspect set
  holds "$out" "normal/zero ü.png"
  holds "$out" "opacity/cut.png"
  ends_with 0 "$fovea" data inspect set --json
  equal "$(answer 'v["cases"]')" "$(count set)"
  equal "$(answer 'v["images"]["readable"]')" "$(($(count set) - 2))"
  equal "$(answer 'sorted(c for p in v["problems"] if p["kind"] == "unreadable" for c in p["cases"])')" "['normal/zero ü.png', 'opacity/cut.png']"
  equal "$(answer 'sum(p["kind"] == "duplicate" for p in v["problems"])')" 1
}
inspect_counts_only_patients_it_was_told_of() {
  images set
  ends_with 0 "$fovea" data inspect set --json
  equal "$(answer 'v["patients"]')" 0
  ends_with 0 "$fovea" data inspect set --json --patient-from '^(p[0-9]+)_'
  equal "$(answer 'v["patients"]')" 16
}
clean_writes_a_list_that_is_read_back_without_faults() {
  spoilt_images set
  local before
  before=$(count set)
  ends_with 0 "$fovea" data clean set --out fit.csv --json
  equal "$(answer 'sorted((r["id"], r["kind"]) for r in v["left_out"])')" "[('normal/zero ü.png', 'unreadable'), ('opacity/cut.png', 'unreadable'), ('opacity/zz copy.png', 'duplicate')]"
  equal "$(answer 'v["cases"]')" $((before - 3))
  equal "$(count set)" "$before"
  ends_with 0 "$fovea" data inspect fit.csv --json
  equal "$(answer 'v["cases"], v["images"]["readable"], [c["name"] for c in v["classes"]]')" "($((before - 3)), $((before - 3)), ['normal', 'opacity'])"
  equal "$(answer '[p["kind"] for p in v["problems"] if p["kind"] in ("unreadable", "duplicate")]')" "[]"
  ends_with 2 "$fovea" data clean set --out fit.csv
  holds "$err" "exists already"
}
# An 8 x 8 x 4 volume of the bytes on stdin, its first slice at Z mm.
volume() {  # FILE Z
  { printf 'NRRD0004\ntype: uint8\ndimension: 3\nspace: left-posterior-superior\nsizes: 8 8 4\nspace directions: (1,0,0) (0,1,0) (0,0,2)\nspace origin: (0,0,%s)\nencoding: raw\n\n' "$2"; cat; } >"$1"
}
# Images a, b, c with masks of one label; that of c lies 5 mm away.
masks() {
  mkdir -p "$1/images" "$1/labels"
  for name in a b c; do
    yes "pattern $name" | tr -d '\n' | head -c 256 | volume "$1/images/$name.nrrd" 0
    { head -c 64 /dev/zero; head -c 64 /dev/zero | tr '\0' '\1'; head -c 128 /dev/zero; } | volume "$1/labels/$name.nrrd" $([[ $name == c ]] && echo 5 || echo 0)
  done
  echo '1 organ' >"$1/labels.txt"
}
inspect_holds_masks_against_their_images_and_draws_them() {
  masks set
  ends_with 0 "$fovea" data inspect set --html look.html
  holds "$out" "3 cases with masks of 1 label, read as images-and-masks"
  holds "$out" "first voxel 5.000 mm from the image's"
  holds "$(<look.html)" "data:image/png"
  ends_with 0 "$fovea" data inspect set --json
  equal "$(answer '[(l["name"], l["unassigned"], l["volume_mm3"]["median"]) for l in v["labels"]]')" "[('organ', 2, 128.0)]"
  equal "$(answer '[(p["kind"], p["cases"]) for p in v["problems"] if p["kind"] == "grid-differs"]')" "[('grid-differs', ['c'])]"
  equal "$(answer '[(c["id"], c["readable"]) for c in v["per_case"]]')" "[('a', True), ('b', True), ('c', False)]"
}
clean_lists_the_masks_that_fit_with_what_their_labels_are() {
  masks set
  cp set/images/a.nrrd set/images/copy.nrrd && cp set/labels/a.nrrd set/labels/copy.nrrd
  cp set/images/b.nrrd set/images/other.nrrd && head -c 256 /dev/zero | volume set/labels/other.nrrd 0
  yes "pattern d" | tr -d '\n' | head -c 256 | volume set/images/d.nrrd 0 && head -c 256 /dev/zero | volume set/labels/d.nrrd 0
  ends_with 0 "$fovea" data clean set --out list.csv --json
  equal "$(answer 'sorted((r["id"], r["kind"]) for r in v["left_out"])')" "[('b', 'conflicting-labels'), ('c', 'grid-differs'), ('copy', 'duplicate'), ('other', 'conflicting-labels')]"
  equal "$(answer 'v["cases"], v["doubtful"]')" "(2, {'empty-mask': ['d']})"
  equal "$(ls set/images | wc -l)" 6
  ends_with 0 "$fovea" data inspect list.csv --json
  equal "$(answer '[(l["name"], l["values"]) for l in v["labels"]], v["cases"]')" "([('organ', [1])], 2)"
  equal "$(answer '[p["kind"] for p in v["problems"] if p["kind"] in ("grid-differs", "duplicate", "conflicting-labels")]')" "[]"
  ends_with 0 "$fovea" data clean set --out less.csv --also empty-mask
  holds "$out" "left out: d: was asked to be left out"
  equal "$(tail -n 1 less.csv)" "set/images/a.nrrd,set/labels/a.nrrd"
  ends_with 2 "$fovea" data clean set --out third.csv --also empty-masks
  holds "$err" "did you mean 'empty-mask'"
  touch fourth.json
  ends_with 2 "$fovea" data clean set --out fourth.csv
  holds "$err" "exists already"
}
no_folder_an_empty_one_and_one_without_a_readable_image_end_with_3() {
  mkdir -p empty broken/a broken/b
  for class in a b; do echo text >broken/$class/1.png; done
  for set in nowhere empty broken; do
    ends_with 3 "$fovea" data inspect $set
    ends_with 3 "$fovea" data clean $set --out list.csv
    [[ -n $err && ! -e list.csv ]]
  done
}
an_output_in_a_folder_that_is_locked_ends_with_4() {
  images set
  mkdir locked
  chmod -R a+rX "$rooms" && chmod 500 locked
  local nobody=()
  # A lock does not hold root back.
  ((EUID != 0)) || nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  ends_with 4 "${nobody[@]}" "$fovea" data clean set --out locked/list.csv
  ends_with 4 "${nobody[@]}" "$fovea" data inspect set --html locked/page.html
  equal "$(ls locked)" ""
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
