#!/usr/bin/env bash
# `view` as a user meets it: which side is which, how large, how bright, what it refuses.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

series() { "$FOVEA_BUILD/make_series" "$@"; }

# volume NAME SIZE SPACING FORMULA [DIRECTION]: a MetaImage of i16, LPS, its middle at 0; FORMULA of x, y, z in mm.
volume() {
  python3 - "$@" <<'PY'
import array, sys
name, size, spacing, formula = sys.argv[1:5]
n, s = [int(v) for v in size.split()], [float(v) for v in spacing.split()]
d = [float(v) for v in (sys.argv[5] if len(sys.argv) > 5 else "1 0 0 0 1 0 0 0 1").split()]  # an axis after the other
axes = [[d[3 * a + r] * s[a] for r in range(3)] for a in range(3)]
origin = [-sum(axes[a][r] * (n[a] - 1) / 2 for a in range(3)) for r in range(3)]
f, values = eval("lambda x, y, z: " + formula), array.array("h")
for k in range(n[2]):
    for j in range(n[1]):
        for i in range(n[0]):
            values.append(int(f(*(origin[r] + i * axes[0][r] + j * axes[1][r] + k * axes[2][r] for r in range(3)))))
head = f"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = False\nTransformMatrix = {' '.join(map(str, d))}\nOffset = {' '.join(map(str, origin))}\nElementSpacing = {spacing}\nDimSize = {size}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n"
open(name, "wb").write(head.encode() + values.tobytes())
PY
}
# picture FILE EXPRESSION: of p(x, y) -> (r, g, b), w, h; m is the margin.
picture() {
  python3 - "$@" <<'PY'
import struct, sys, zlib
data = open(sys.argv[1], "rb").read()
assert data[:8] == b"\x89PNG\r\n\x1a\n"
at, packed = 8, b""
while at < len(data):
    n, kind = struct.unpack(">I4s", data[at:at + 8])
    if kind == b"IHDR": w, h, bits, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
    if kind == b"IDAT": packed += data[at + 8:at + 8 + n]
    at += 12 + n
assert (bits, colour) == (8, 2), (bits, colour)
raw, rows, before = zlib.decompress(packed), [], [0] * (3 * w)
for y in range(h):
    kind, line = raw[y * (3 * w + 1)], list(raw[y * (3 * w + 1) + 1:(y + 1) * (3 * w + 1)])
    for x in range(3 * w):
        a, b, c = (line[x - 3] if x > 2 else 0), before[x], (before[x - 3] if x > 2 else 0)
        guess = a + b - c
        paeth = min((abs(guess - v), n, v) for n, v in enumerate((a, b, c)))[2]
        line[x] = (line[x] + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
    rows.append(line)
    before = line
p, m = (lambda x, y: tuple(rows[int(y)][3 * int(x):3 * int(x) + 3])), 24
def centre(test):
    found = [(x, y) for y in range(m, h - m - 30) for x in range(m, w - m) if test(p(x, y))]
    return tuple(round(sum(v[c] for v in found) / len(found)) for c in (0, 1)) if found else None
print(eval(sys.argv[2]))
PY
}
bright='lambda c: c[0] > 200'

the_patients_right_is_on_the_left_of_the_picture() {
  # A marker on the patient's right (x < 0), in front (y < 0), near the head (z > 0).
  volume ct.mha "40 40 40" "2 2 2" "1000 if -30 < x < -22 and -24 < y < -14 and 20 < z < 30 else 0"
  ends_with 0 "$fovea" view ct.mha --out axial.png --plane axial --slice 25mm --window 500,1000 --width 448
  equal "$(picture axial.png "[(abs(c[0] - m - 70) < 8, abs(c[1] - m - 105) < 8) for c in [centre($bright)]]")" "[(True, True)]"
  ends_with 0 "$fovea" view ct.mha --out coronal.png --plane coronal --slice -19mm --window 500,1000 --width 448
  equal "$(picture coronal.png "[(abs(c[0] - m - 70) < 8, abs(c[1] - m - 75) < 8) for c in [centre($bright)]]")" "[(True, True)]"
  ends_with 0 "$fovea" view ct.mha --out sagittal.png --plane sagittal --slice -26mm --window 500,1000 --width 448
  equal "$(picture sagittal.png "[(abs(c[0] - m - 105) < 8, abs(c[1] - m - 75) < 8) for c in [centre($bright)]]")" "[(True, True)]"
  ends_with 0 "$fovea" view ct.mha --out mip.png --plane mip --window 500,1000 --width 448
  equal "$(picture mip.png "[(abs(c[0] - m - 70) < 8, abs(c[1] - m - 75) < 8) for c in [centre($bright)]]")" "[(True, True)]"
}
turned_and_flipped_volumes_show_the_same_sides() {
  local formula="1000 if -30 < x < -18 and -24 < y < -10 and 16 < z < 30 else 0"
  for axes in "-1 0 0 0 -1 0 0 0 1" "0 1 0 0 0 -1 -1 0 0" "0.8 0.6 0 -0.6 0.8 0 0 0 1" "1 0 0 0 0.8 0.6 0 -0.6 0.8"; do
    volume t.mha "48 48 48" "2 2 2" "$formula" "$axes"
    ends_with 0 "$fovea" view t.mha --out t.png --plane axial --slice 23mm --window 500,1000 --width 448 --json
    # Where the marker's middle (-24, -17) lies in the box that is shown.
    equal "$(picture t.png "[(c[0] < w / 2 - 40, c[1] < (h - 30) / 2 - 30) for c in [centre($bright)]]")" "[(True, True)]"
    ends_with 0 "$fovea" view t.mha --out u.png --plane coronal --slice -17mm --window 500,1000 --width 448
    equal "$(picture u.png "[(c[0] < w / 2 - 40, c[1] < (h - 30) / 2 - 40) for c in [centre($bright)]]")" "[(True, True)]"
    rm t.png u.png
  done
}
letters_stand_in_the_margins() {
  volume ct.mha "20 20 20" "1 1 1" "0"
  ends_with 0 "$fovea" view ct.mha --out a.png --plane axial --width 248
  # R on the left: its upper left dot is set, its bow is, the dot inside it is not; A at the top.
  equal "$(picture a.png "[p(12 - 5 + x, 124 - 7 + y)[0] for x, y in ((0, 0), (2, 0), (2, 2), (0, 12))]")" "[255, 255, 0, 255]"
  equal "$(picture a.png "p(236 - 5, 124 - 7 + 12)[0], p(236 - 5 + 8, 124 - 7)[0]")" "(255, 0)"
}
pixels_are_as_tall_as_the_patient() {
  # 40 x 20 mm a slice, 30 slices of 3 mm: coronal pictures are 40 x 90 mm.
  volume ct.mha "40 20 30" "1 1 3" "z"
  ends_with 0 "$fovea" view ct.mha --out c.png --plane coronal --width 248 --json
  equal "$(answer 'v["size"], v["slices"]')" "([248, $((450 + 78))], 20)"
  ends_with 0 "$fovea" view ct.mha --out a.png --width 248 --json
  equal "$(answer 'v["plane"], v["size"], v["slice"], v["scale_mm"]')" "('axial', [248, $((100 + 78))], 15, 10.0)"
  # The bar is as long as it says: 10 mm are 50 pixels.
  equal "$(picture a.png "sum(p(x, m + 100 + 12 + 1) == (255, 255, 255) for x in range(m, 100))")" 50
}
values_become_bright_as_the_window_says() {
  volume ct.mha "20 20 4" "1 1 1" "100 if x < 0 else 300"
  ends_with 0 "$fovea" view ct.mha --out a.png --window 200,400 --width 248 --json
  equal "$(answer 'v["window"], v["window_from"]')" "([200.0, 400.0], 'asked')"
  equal "$(picture a.png 'p(40, 100)[0], p(200, 100)[0]')" "(64, 191)"
  ends_with 0 "$fovea" view ct.mha --out b.png --width 248 --json
  equal "$(answer 'v["window"], v["window_from"]')" "([200.0, 200.0], 'percentiles')"
  equal "$(picture b.png 'p(40, 100)[0], p(200, 100)[0]')" "(0, 255)"
}
low_values_are_bright_where_the_header_says_so() {
  series ct 3
  series xa 3 inverted
  for window in "" "--window 200,4096"; do
    ends_with 0 "$fovea" view ct --out a.png $window --json
    equal "$(answer 'v["inverted"]')" False
    ends_with 0 "$fovea" view xa --out b.png $window --json
    equal "$(answer 'v["inverted"]')" True
    # What is grey in the one is as far from white in the other.
    equal "$(picture b.png '[p(x, y)[0] for x in range(40, 600, 20) for y in (100, 200)]')" "$(picture a.png '[255 - p(x, y)[0] for x in range(40, 600, 20) for y in (100, 200)]')"
    rm a.png b.png
  done
  ends_with 0 "$fovea" view xa --out c.png
  holds "$out" "low values bright"
  # For display only: values stay as they are.
  "$fovea" convert ct ct.npy
  "$fovea" convert xa xa.npy
  cmp ct.npy xa.npy
}
an_overlay_is_filled_lightly_and_outlined() {
  volume ct.mha "40 40 10" "1 1 1" "500"
  volume mask.mha "20 20 5" "2 2 2" "1 if x < -4 and z > 0 else 2 if x > 8 else 0"
  ends_with 0 "$fovea" view ct.mha --out a.png --overlay mask.mha --window 500,1000 --width 248 --json
  equal "$(picture a.png 'p(124, 100)')" "(128, 128, 128)"
  equal "$(picture a.png 'p(24 + 40, 100)[0] > p(24 + 40, 100)[2] + 20, p(24 + 180, 100)[2] > p(24 + 180, 100)[0] + 20')" "(True, True)"
  equal "$(picture a.png 'p(24, 100)')" "(230, 159, 0)"
}
a_series_is_shown_as_its_header_wants() {
  series ct 5
  ends_with 0 "$fovea" view ct --out ct.png --json
  equal "$(answer 'v["plane"], v["slice"], v["slices"], v["place_mm"]')" "('axial', 2, 5, 35.0)"
  series tilted 6 tilted
  ends_with 0 "$fovea" view tilted --out tilted.png --plane sagittal
  holds "$out" "sagittal"
  series study/a 3
  series study/b 4 other
  ends_with 2 "$fovea" view study --out one.png
  holds "$err" "1.2.3.9"
  ends_with 0 "$fovea" view study --out one.png --series 1.2.3.9
  series gap 7 missing
  ends_with 3 "$fovea" view gap --out gap.png
  holds "$err" "missing"
}
a_picture_without_a_place_gets_no_letters() {
  volume ct.mha "20 20 4" "1 1 1" "x"
  ends_with 0 "$fovea" view ct.mha --out plain.png --width 248
  ends_with 0 "$fovea" view plain.png --out again.png --width 248 --json
  equal "$(answer 'v["placed"], "scale_mm" in v')" "(False, False)"
  equal "$(picture again.png 'max(p(x, y)[0] for y in range(h) for x in range(20))')" 0
  ends_with 3 "$fovea" view plain.png --out no.png --plane coronal
  holds "$err" "no place"
}
a_montage_shows_slices_from_the_feet_up() {
  volume ct.mha "20 20 32" "1 1 2" "z"
  ends_with 0 "$fovea" view ct.mha --out all.png --plane montage --window 0,70 --width 448 --json
  equal "$(answer 'len(v["places_mm"]), v["places_mm"] == sorted(v["places_mm"])')" "(16, True)"
  equal "$(picture all.png 'p(60, 60)[0] < p(380, 60)[0] < p(380, 380)[0]')" True
}
nothing_is_overwritten_and_wrong_words_are_told() {
  volume ct.mha "8 8 8" "1 1 1" "x"
  touch there.png
  ends_with 2 "$fovea" view ct.mha --out there.png
  holds "$err" "exists already"
  for words in "--slice 8" "--slice x" "--slice 90mm" "--plane axail" "--window 40" "--window 40,0" "--width 20" "--width 99999"; do
    ends_with 2 "$fovea" view ct.mha --out new.png $words
  done
  ends_with 2 "$fovea" view ct.mha --out new.jpg
  ends_with 3 "$fovea" view nowhere --out new.png
  volume small.mha "4 4 4" "1 1 1" "1"
  ends_with 0 "$fovea" view ct.mha --out new.png --overlay small.mha
  volume thin.mha "2 2 900" "0.1 0.1 9" "1"
  ends_with 2 "$fovea" view thin.mha --out thin.png --plane coronal
  holds "$err" "pixels high"
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
