#!/usr/bin/env bash
# What `inspect` and `convert` make of text in other alphabets, of a medium's DICOMDIR, and of headers alone.
source "$(dirname "$0")/cases.sh"
fovea=$FOVEA_BUILD/fovea

series() { "$FOVEA_BUILD/make_series" "$@"; }
# DICOM byte by byte: `el(group, element, kind, value)`, `item(bytes)`, `file(bytes, CLASS)`.
made() {
  python3 - "$@" <<'PY'
import pathlib, struct, sys
def el(group, element, kind, value):
    value += b"" if len(value) % 2 == 0 else b"\0" if kind == "UI" else b" "
    long = kind in ("SQ", "OW", "OB")
    return struct.pack("<HH2s", group, element, kind.encode()) + struct.pack("<xxI" if long else "<H", len(value)) + value
def item(value):
    return struct.pack("<HHI", 0xfffe, 0xe000, len(value)) + value
def file(data, name="1.2.840.10008.5.1.4.1.1.2"):
    meta = el(2, 2, "UI", name.encode()) + el(2, 0x10, "UI", b"1.2.840.10008.1.2.1")
    return bytes(128) + b"DICM" + el(2, 0, "UL", struct.pack("<I", len(meta))) + meta + data
def short(value):
    return struct.pack("<H", value)
what, name, *words = sys.argv[1:]
if what == "dicomdir":
    def record(place):
        return item(el(4, 0x1410, "US", short(0xffff)) + el(4, 0x1430, "CS", b"IMAGE") + el(4, 0x1500, "CS", place.encode()))
    data = file(el(4, 0x1220, "SQ", b"".join(map(record, words))), "1.2.840.10008.1.3.10")
else:  # a slice: character set, description in hexadecimal
    data = file(el(8, 5, "CS", words[0].encode()) + el(8, 0x16, "UI", b"1.2.840.10008.5.1.4.1.1.2") + el(8, 0x18, "UI", b"1.2.3.4")
                + el(8, 0x60, "CS", b"CT") + el(8, 0x103e, "LO", bytes.fromhex(words[1])) + el(0x10, 0x20, "LO", b"P1")
                + el(0x18, 0x50, "DS", b"2") + el(0x20, 0xd, "UI", b"1.2") + el(0x20, 0xe, "UI", b"1.2.3")
                + el(0x20, 0x32, "DS", b"0\\0\\0") + el(0x20, 0x37, "DS", b"1\\0\\0\\0\\1\\0")
                + el(0x28, 2, "US", short(1)) + el(0x28, 4, "CS", b"MONOCHROME2") + el(0x28, 0x10, "US", short(2))
                + el(0x28, 0x11, "US", short(2)) + el(0x28, 0x30, "DS", b"1\\1") + el(0x28, 0x100, "US", short(16))
                + el(0x28, 0x101, "US", short(12)) + el(0x28, 0x102, "US", short(11)) + el(0x28, 0x103, "US", short(0))
                + el(0x7fe0, 0x10, "OW", bytes(8)))
pathlib.Path(name).write_bytes(data)
PY
}

text_of_every_alphabet_is_shown_in_utf8() {
  made slice kanji.dcm '\ISO 2022 IR 87' 1b24423b334544424f3a1b2842
  made slice cyrillic.dcm ISO_IR_144 bbeeda
  made slice wrong.dcm '' e9
  ends_with 0 "$fovea" inspect --tags kanji.dcm
  holds "$out" "(0008,103e) LO SeriesDescription: 山田"
  ends_with 0 "$fovea" inspect kanji.dcm
  holds "$out" "山田"
  ends_with 0 "$fovea" inspect --json cyrillic.dcm
  equal "$(answer 'v["volumes"][0]["description"]')" "Люк"
  ends_with 0 "$fovea" convert cyrillic.dcm c.nii.gz --sidecar json
  equal "$(python3 -c 'import json; print(json.load(open("c.json"))["SeriesDescription"])')" "Люк"
  ends_with 0 "$fovea" inspect --tags wrong.dcm
  holds "$out" "$(printf '\uFFFD')  [bad-text]"
}
a_dicomdir_leads_to_its_files() {
  series disc/PT0 4
  series disc/other 3 other
  made dicomdir disc/DICOMDIR 'PT0\IM0-0.DCM' 'PT0\im3-1.dcm' 'PT0\IM2-2.DCM;1' 'pt0\im1-3.dcm' 'PT0\GONE' '..\secret'
  ends_with 0 "$fovea" inspect disc/DICOMDIR --json
  equal "$(answer '[(one["size"], one["files"]) for one in v["volumes"]]')" "[([12, 8, 4], 4)]"
  equal "$(answer '[one["reason"] for one in v["damaged"]]')" "['missing-file', 'file-elsewhere']"
  equal "$(answer '[one["code"] for one in v["notes"]]')" "['not-listed']"
  ends_with 0 "$fovea" inspect disc/DICOMDIR
  holds "$out" "GONE"
  ends_with 0 "$fovea" convert disc/DICOMDIR out --format nrrd
  [[ -e out/volume-1.nrrd && ! -e out/volume-2.nrrd ]]
  holds "$err" "GONE"
}
a_dicomdir_without_files_is_no_image() {
  mkdir disc
  made dicomdir disc/DICOMDIR 'PT0\GONE'
  ends_with 3 "$fovea" inspect disc/DICOMDIR
  holds "$out" "missing-file"
}
headers_are_enough_until_voxels_are_asked_for() {
  series ct 6
  "$fovea" convert ct ct.nii.gz
  head -c 600 ct.nii.gz >cut.nii.gz
  ends_with 0 "$fovea" inspect cut.nii.gz --json
  equal "$(answer 'v["volumes"][0]["size"]')" "[12, 8, 6]"
  ends_with 3 "$fovea" inspect cut.nii.gz --check --json
  equal "$(answer 'v["volumes"][0]["verdict"], v["volumes"][0]["reasons"]')" "('refused', ['damaged'])"
  ends_with 0 "$fovea" inspect ct --check
  "$fovea" convert ct ct.nii
  head -c 600 ct.nii >cut.nii
  ends_with 3 "$fovea" inspect cut.nii --json
  equal "$(answer '[one["reason"] for one in v["damaged"]]')" "['truncated']"
}
studies_are_shown_apart() {
  series ct/a 3
  series ct/b 4 other
  "$fovea" convert ct/a a.nii.gz
  ends_with 0 "$fovea" inspect ct a.nii.gz
  holds "$out" "Patient P1, study"
  holds "$out" "Files"
  equal "$(grep -c verdict <<<"$out")" 2
}

for name in $(declare -F | awk '{print $3}' | grep -E '_.*_' ); do case_ "${name//_/ }" "$name"; done
finish
