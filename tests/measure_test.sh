#!/usr/bin/env bash
# `measure`, `mesh` and `compare` of volumes as a user meets them.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

# NRRD of 24 x 20 x 16 voxels of 0.5 x 1 x 2 mm, LPS: mask FILE VALUE [TYPE] [STEP OF K] [ORIGIN], VALUE an expression of i, j, k.
mask() {
  python3 - "$@" <<'PY'
import math, struct, sys
name, value, kind, step, origin = (sys.argv[1:] + ["uint8", "(0,0,2)", "(-5,7,100)"][len(sys.argv) - 3:])[:5]
size = (24, 20, 16)
code = compile(value, "value", "eval")
voxels = [eval(code, dict(i=i, j=j, k=k, math=math)) for k in range(size[2]) for j in range(size[1]) for i in range(size[0])]
letter = {"uint8": "B", "int16": "h", "float": "f"}[kind]
with open(name, "wb") as out:
    out.write(f"NRRD0004\ntype: {kind}\ndimension: 3\nspace: left-posterior-superior\nsizes: 24 20 16\n"
              f"space directions: (0.5,0,0) (0,1,0) {step}\nspace origin: {origin}\nendian: little\nencoding: raw\n\n".encode())
    out.write(struct.pack(f"<{len(voxels)}{letter}", *voxels))
PY
}
ball='1 if (0.5*(i-11))**2 + (j-9)**2 + (2*(k-8))**2 <= 25 else 0'
two='1 if 2 <= i < 8 and 3 <= j < 9 and 4 <= k < 8 else 3 if i >= 20 and j < 5 and k < 2 else 3 if i < 2 and j > 17 and k > 14 else 0'
segment() { answer "[v['masks'][0]['segments'][$1]]" | python3 -c 'import ast, sys; s = ast.literal_eval(sys.stdin.read())[0]; print(eval(sys.argv[1]))' "$2"; }
pair() { answer "v['pairs'][0]" | python3 -c 'import ast, sys; p = ast.literal_eval(sys.stdin.read()); print(eval(sys.argv[1]))' "$1"; }

measure_says_size_place_and_parts_of_each_segment() {
  mask two.nrrd "$two"
  ends_with 0 "$fovea" measure two.nrrd --json
  equal "$(answer '[s["value"] for s in v["masks"][0]["segments"]]')" "[1, 3]"
  equal "$(segment 0 's["voxels"], s["volume_mm3"], s["components"], s["box"]')" "(144, 144.0, 1, {'first': [2, 3, 4], 'size': [6, 6, 4]})"
  equal "$(segment 0 's["centre_mm"], s["centre_voxel"]')" "([-2.75, 12.5, 111.0], [4.5, 5.5, 5.5])"
  equal "$(segment 0 's["extent_mm"]')" "{'lower': [-4.25, 9.5, 107.0], 'upper': [-1.25, 15.5, 115.0]}"
  equal "$(segment 1 's["voxels"], s["components"]')" "(44, 2)"
  # Between the middles of faces: 5 steps of 0.5 mm and 6 of 1 mm.
  equal "$(segment 0 's["axial"]["longest"]["mm"]')" "6.5"
  equal "$(segment 0 's["axial"]["axis"], s["axial"]["slice"]')" "('k', 4)"
  ends_with 0 "$fovea" measure two.nrrd
  holds "$out" "0.144"
}
measure_reads_what_an_image_shows_within() {
  mask ball.nrrd "$ball"
  mask ct.nrrd '100 + i if (0.5*(i-11))**2 + (j-9)**2 + (2*(k-8))**2 <= 25 else -1000' int16
  ends_with 0 "$fovea" measure ball.nrrd --image ct.nrrd --json --csv out.csv
  equal "$(segment 0 's["image"]["mean"], s["image"]["min"], s["image"]["median"], s["image"]["max"]')" "(111.0, 101.0, 111.0, 121.0)"
  equal "$(python3 -c 'import csv; r = list(csv.DictReader(open("out.csv"))); print(len(r), r[0]["mean"], r[0]["voxels"] == r[0]["voxels"].strip(), r[0]["name"])')" "1 111 True 1"
  ends_with 2 "$fovea" measure ball.nrrd --csv out.csv
  holds "$err" "exists already"
}
an_image_elsewhere_is_refused_by_the_millimetre() {
  mask ball.nrrd "$ball"
  mask moved.nrrd 'i' int16 '(0,0,2)' '(-5,7,103)'
  ends_with 3 "$fovea" measure ball.nrrd --image moved.nrrd
  holds "$err" "3 mm apart"
}
an_image_with_turned_axes_is_turned_back() {
  mask ball.nrrd "$ball"
  mask ct.nrrd '10 * i + j' int16
  "$fovea" convert ct.nrrd ras.nii.gz --orient RAS
  ends_with 0 "$fovea" measure ball.nrrd --image ct.nrrd --json
  local straight
  straight=$(segment 0 's["image"]')
  ends_with 0 "$fovea" measure ball.nrrd --image ras.nii.gz --json
  equal "$(segment 0 's["image"]')" "$straight"
}
what_is_no_mask_is_refused() {
  mask half.nrrd '0.5 * i' float
  mask below.nrrd 'i - 3' int16
  mask empty.nrrd '0'
  ends_with 3 "$fovea" measure half.nrrd
  holds "$err" "whole numbers"
  ends_with 3 "$fovea" measure below.nrrd
  ends_with 0 "$fovea" measure empty.nrrd --json
  equal "$(answer 'v["masks"][0]["segments"], v["masks"][0]["notes"]')" "([], ['no voxel is marked'])"
  ends_with 3 "$fovea" mesh empty.nrrd empty.stl
  [[ ! -e empty.stl ]]
  ends_with 3 "$fovea" measure nowhere.nrrd
  ends_with 2 "$fovea" measure
}
meshes_are_closed_and_the_same_each_time() {
  mask ball.nrrd "$ball"
  for name in a.stl a.obj a.ply b.stl b.obj b.ply; do ends_with 0 "$fovea" mesh ball.nrrd $name; done
  for ending in stl obj ply; do cmp a.$ending b.$ending; done
  python3 - <<'PY'
import collections, struct
data = open("a.stl", "rb").read()
count, = struct.unpack("<I", data[80:84])
assert len(data) == 84 + 50 * count and b"SPACE=LPS" in data[:80], (len(data), count)
triangles = [struct.unpack("<12f", data[84 + 50 * n:132 + 50 * n]) for n in range(count)]
stl = [tuple(t[n:n + 3] for n in (3, 6, 9)) for t in triangles]
lines = open("a.obj").read().split("\n")
points = [tuple(struct.unpack("f", struct.pack("f", float(w)))[0] for w in l.split()[1:]) for l in lines if l.startswith("v ")]
obj = [tuple(points[int(w) - 1] for w in l.split()[1:]) for l in lines if l.startswith("f ")]
head, body = open("a.ply", "rb").read().split(b"end_header\n", 1)
n_points, n_faces = (int(l.split()[2]) for l in head.split(b"\n") if l.startswith(b"element"))
places = [struct.unpack_from("<3f", body, 12 * n) for n in range(n_points)]
ply = []
for n in range(n_faces):
    three, *corners = struct.unpack_from("<B3I", body, 12 * n_points + 13 * n)
    assert three == 3
    ply.append(tuple(places[c] for c in corners))
assert stl == obj == ply and len(body) == 12 * n_points + 13 * n_faces
edges = collections.Counter((t[n], t[(n + 1) % 3]) for t in stl for n in range(3))
assert all(count == 1 and edges[(b, a)] == 1 for (a, b), count in edges.items())
volume = 0
for a, b, c in stl:
    volume += sum(a[n] * (b[(n + 1) % 3] * c[(n + 2) % 3] - b[(n + 2) % 3] * c[(n + 1) % 3]) for n in range(3)) / 6
assert abs(volume / 523.6 - 1) < 0.05, volume
low = [min(p[n] for p in points) for n in range(3)]
assert abs(low[0] - (0.5 - 5)) < 0.5 and abs(low[2] - (116 - 5)) < 1, low
PY
  ends_with 2 "$fovea" mesh ball.nrrd a.stl
  ends_with 2 "$fovea" mesh ball.nrrd a.vtk
  holds "$err" ".ply"
  ends_with 3 "$fovea" mesh ball.nrrd c.stl --label 7
  holds "$err" "value 7"
  ends_with 2 "$fovea" mesh ball.nrrd c.stl --smooth -1
}
compare_measures_overlap_and_distance() {
  mask a.nrrd '1 if 4 <= i < 12 and 4 <= j < 12 and 4 <= k < 12 else 0'
  mask b.nrrd '1 if 4 <= i < 12 and 6 <= j < 14 and 4 <= k < 12 else 0'
  ends_with 0 "$fovea" compare a.nrrd b.nrrd --json
  equal "$(pair '[p["labels"][0][k] for k in ("voxels_a", "voxels_b", "dice", "hausdorff_mm", "hd95_mm")]')" "[512, 512, 0.75, 2.0, 2.0]"
  equal "$(pair 'p["kind"], p["grid"]["apart_mm"], p["labels"][0]["volume_difference"]')" "('labels', 0.0, 0.0)"
  ends_with 0 "$fovea" compare a.nrrd b.nrrd --tolerance 2 --json
  equal "$(pair 'p["labels"][0]["surface_dice"]')" "1.0"
  ends_with 0 "$fovea" compare a.nrrd a.nrrd
  holds "$out" "1.0000"
}
compare_of_an_empty_label_has_no_distance() {
  mask a.nrrd '1 if i > 4 else 2 if j > 9 else 0'
  mask b.nrrd '1 if i > 4 else 0'
  ends_with 0 "$fovea" compare a.nrrd b.nrrd --json
  equal "$(pair '[(l["value"], l["dice"], l["hausdorff_mm"], l["surface_dice"]) for l in p["labels"]]')" "[(1, 1.0, 0.0, 1.0), (2, 0.0, None, 0.0)]"
  equal "$(pair 'len(p["notes"]), p["mean"]["hausdorff_mm"]')" "(1, {'mean': 0.0, 'of': 1})"
  mask none.nrrd 0
  ends_with 0 "$fovea" compare none.nrrd none.nrrd --json
  equal "$(pair 'p["labels"]')" "[]"
}
compare_of_images_says_how_values_differ() {
  mask a.nrrd '100 * math.sin(i) + j' float
  mask b.nrrd '100 * math.sin(i) + j + (3 if i == 0 else 0)' float
  ends_with 0 "$fovea" compare a.nrrd b.nrrd --json
  equal "$(pair 'p["kind"], round(p["intensity"]["max_abs"], 4), round(p["intensity"]["mean"], 4), round(p["intensity"]["rms"], 4)')" "('image', 3.0, -0.125, 0.6124)"
  ends_with 0 "$fovea" compare a.nrrd a.nrrd --json
  equal "$(pair 'p["intensity"]["psnr_db"], p["intensity"]["rms"]')" "(None, 0.0)"
  mask moved.nrrd '100 * math.sin(i) + j' float '(0,0,2)' '(-5,7,100.5)'
  ends_with 3 "$fovea" compare a.nrrd moved.nrrd --json
  holds "$err" "0.5 mm apart"
}
compare_does_not_guess_without_saying() {
  mask few.nrrd 'i % 3' int16
  mask many.nrrd 'i + 24 * (j % 9)' int16
  ends_with 3 "$fovea" compare few.nrrd many.nrrd
  holds "$err" "--labels or --image"
  ends_with 0 "$fovea" compare few.nrrd many.nrrd --image --json
  equal "$(pair 'p["kind"], p["why"]')" "('image', '--image was asked for')"
  ends_with 0 "$fovea" compare few.nrrd many.nrrd --labels --json
  ends_with 2 "$fovea" compare few.nrrd many.nrrd --labels --image
}
compare_pairs_folders_by_name() {
  mkdir -p a/x b/x
  mask a/x/one.nrrd "$ball"
  mask a/two.nrrd "$two"
  mask a/alone.nrrd "$two"
  "$fovea" convert a/x/one.nrrd b/x/one.nii.gz
  "$fovea" convert a/two.nrrd b/two.mha
  mask b/other.nrrd "$two"
  ends_with 0 "$fovea" compare a b --json
  equal "$(answer '[p["name"] for p in v["pairs"]], v["only_a"], v["only_b"]')" "(['two', 'x/one'], ['a/alone.nrrd'], ['b/other.nrrd'])"
  equal "$(answer '[(l["value"], l["dice"]["mean"], l["dice"]["of"]) for l in v["labels"]], v["mean"]["dice"]["of"]')" "([(1, 1.0, 2), (3, 1.0, 1)], 3)"
  ends_with 0 "$fovea" compare a b
  holds "$out" "only in A: a/alone.nrrd"
  mkdir c
  mask c/y.nrrd "$two"
  mask c/z.nrrd "$two"
  ends_with 3 "$fovea" compare a c
  holds "$err" "has a partner"
}
slanted_masks_are_measured_but_not_their_distances() {
  mask a.nrrd "$ball" uint8 '(0,0.5,2)'
  ends_with 0 "$fovea" measure a.nrrd --json
  equal "$(segment 0 'round(s["volume_mm3"] / s["voxels"], 9)')" "1.0"
  ends_with 0 "$fovea" mesh a.nrrd a.ply
  ends_with 0 "$fovea" compare a.nrrd a.nrrd --json
  equal "$(pair 'p["labels"][0]["dice"], p["labels"][0]["hausdorff_mm"]')" "(1.0, None)"
  holds "$(pair 'p["notes"][0]')" "--straighten"
}
a_segmentation_that_leaves_out_slices_is_measured_in_its_series() {
  "$FOVEA_BUILD/make_series" ct 6
  python3 - <<'PY'
voxels = bytes(1 if 2 <= k < 4 and 2 <= j < 6 and 3 <= i < 8 else 0 for k in range(6) for j in range(8) for i in range(12))
open("mask.nrrd", "wb").write(b"NRRD0004\ntype: uint8\ndimension: 3\nspace: left-posterior-superior\nsizes: 12 8 6\n"
    b"space directions: (0.75,0,0) (0,0.5,0) (0,0,2.5)\nspace origin: (-10,-20,30)\nencoding: raw\n\n" + voxels)
PY
  ends_with 0 "$fovea" dicom seg mask.nrrd --from ct --out seg.dcm
  ends_with 0 "$fovea" measure mask.nrrd --image ct --json
  local said
  said=$(segment 0 '{k: s[k] for k in s if k not in ("box", "centre_voxel", "name", "axial", "type")}')
  ends_with 0 "$fovea" measure seg.dcm --image ct --json
  equal "$(segment 0 '{k: s[k] for k in s if k not in ("box", "centre_voxel", "name", "axial", "type")}')" "$said"
  ends_with 0 "$fovea" compare seg.dcm mask.nrrd --json
  equal "$(pair 'p["labels"][0]["dice"], p["labels"][0]["hausdorff_mm"], p["why"]')" "(1.0, 0.0, 'it is a DICOM segmentation')"
  ends_with 0 "$fovea" compare mask.nrrd seg.dcm --json
  equal "$(pair 'p["labels"][0]["dice"]')" "1.0"
}
two_runs_go_on_to_the_other_compare() {
  mkdir run
  touch run/run.json
  # Without fovea-full beside it the front says so: it was asked.
  mkdir alone
  cp "$fovea" alone/fovea
  for words in "run run" "a b c" "a b --split all" "a.fovea b.fovea"; do
    ends_with 1 alone/fovea compare $words
    holds "$err" "fovea-full"
  done
  ends_with 3 alone/fovea compare nowhere b
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
