"""Makes charset_tables.inc (the right halves of single-byte character sets) and charset.tsv (texts in every
character set as bytes, and what Python's codecs and pydicom make of them).

    charset.py [ZIP]     ZIP: pydicom's test files, whose names are added to charset.tsv
"""
import pathlib, sys, io, zipfile

here = pathlib.Path(__file__).parent
SETS = [("100", "iso8859_1"), ("101", "iso8859_2"), ("109", "iso8859_3"), ("110", "iso8859_4"), ("144", "iso8859_5"),
        ("127", "iso8859_6"), ("126", "iso8859_7"), ("138", "iso8859_8"), ("148", "iso8859_9"), ("203", "iso8859_15"),
        ("166", "iso8859_11")]


def right_half(codec):
    """Code points of the bytes a0 to ff; 0: none."""
    return [ord(c) if (c := bytes([b]).decode(codec, "ignore")) else 0 for b in range(0xA0, 0x100)]


def tables():
    out = ["// Made by made/charset.py: of the bytes a0 to ff; 0 where there is no character.\n"]
    for number, codec in SETS:
        out.append(f"// ISO_IR {number}\n{{")
        cells = [f"0x{c:04x}," for c in right_half(codec)]
        out += ["".join(cells[i:i + 12]) + "\n" for i in range(0, 96, 12)]
        out.append("},\n")
    (here.parent / "charset_tables.inc").write_text("".join(out))


ESC = b"\x1b"


def jis(words, escape):
    """Characters of JIS X 0208 or 0212 as pairs of seven bits behind their escape."""
    raw = words.encode("iso2022_jp_2")
    return ESC + escape + raw[raw.index(escape) + len(escape):raw.rindex(ESC)] + ESC + b"(B"


def texts():
    """terms, kind, bytes, values in UTF-8."""
    rows = []
    for number, codec in SETS:
        words = "".join(chr(c) for c in right_half(codec) if c > 0xA0 and chr(c).isalpha())[:40]
        rows.append((f"ISO_IR {number}", "LO", words.encode(codec), words))
        escape = {"100": b"-A", "101": b"-B", "109": b"-C", "110": b"-D", "144": b"-L", "127": b"-G", "126": b"-F",
                  "138": b"-H", "148": b"-M", "203": b"-b", "166": b"-T"}[number]
        rows.append((f"\\ISO 2022 IR {number}", "PN", b"A^" + ESC + escape + words.encode(codec), "A^" + words))
    kanji, extra, hangul, hanzi = "山田太郎", "丂乄亹", "洪吉洞홍길동", "王小东第一"
    rows += [
        ("", "LO", b"plain", "plain"),
        ("ISO_IR 192", "LO", "Grüße\\山\\😀".encode(), "Grüße\\山\\😀"),
        ("GB18030", "LO", "王小东\\㐀\\😀".encode("gb18030"), "王小东\\㐀\\😀"),
        ("GBK", "LO", "王小东\\第".encode("gbk"), "王小东\\第"),
        ("GB18030", "LO", "乗僜".encode("gb18030"), "乗僜"),  # their second bytes are a backslash's
        ("ISO_IR 13", "PN", "ﾔﾏﾀﾞ^ﾀﾛｳ".encode("shift_jis"), "ﾔﾏﾀﾞ^ﾀﾛｳ"),
        ("\\ISO 2022 IR 87", "PN", b"Yamada=" + jis(kanji, b"$B"), "Yamada=" + kanji),
        ("\\ISO 2022 IR 87\\ISO 2022 IR 159", "LO", jis(kanji, b"$B") + jis(extra, b"$(D"), kanji + extra),
        ("\\ISO 2022 IR 149", "PN", b"Hong=" + ESC + b"$)C" + hangul.encode("euc_kr"), "Hong=" + hangul),
        ("\\ISO 2022 IR 58", "PN", b"Wang=" + ESC + b"$)A" + hanzi.encode("gb2312"), "Wang=" + hanzi),
        ("ISO 2022 IR 100\\ISO 2022 IR 144\\ISO 2022 IR 126", "LO",
         "Grüße ".encode("latin_1") + ESC + b"-L" + "Люк ".encode("iso8859_5") + ESC + b"-F" + "Διο".encode("iso8859_7"),
         "Grüße Люк Διο"),
    ]
    return rows


def names_of(archive):
    """What pydicom reads in its own files: file, tag, terms, kind, bytes, values."""
    import pydicom
    rows = []
    with zipfile.ZipFile(archive) as zipped:
        for name in sorted(n for n in zipped.namelist() if n.startswith("charset_files/")):
            raw = pydicom.dcmread(io.BytesIO(zipped.read(name)))
            collect(raw, "", rows)
    return rows


def collect(data, around, rows):
    terms = around
    if "SpecificCharacterSet" in data:
        said = data.SpecificCharacterSet
        terms = "\\".join(said) if not isinstance(said, str) else said
    for tag in list(data.keys()):
        plain = data.get_item(tag)
        kept = bytes(plain.value) if isinstance(plain.value, bytes) else b""
        element = data[tag]
        if element.VR == "SQ":
            for item in element.value:
                collect(item, terms, rows)
        elif element.VR in ("PN", "LO", "LT", "SH", "ST", "UT") and any(b > 127 or b == 27 for b in kept):
            value = element.value
            words = "\\".join(str(v) for v in value) if element.VM > 1 else str(value)
            words += "=" if kept.rstrip(b" ").endswith(b"=") else ""  # which pydicom drops
            rows.append((terms, element.VR, kept, words))


def main():
    tables()
    rows = texts() + (names_of(sys.argv[1]) if len(sys.argv) > 1 else [])
    seen = list(dict.fromkeys((t, k, b.hex(), w.rstrip(" \0").replace("\n", "\\n")) for t, k, b, w in rows))
    lines = ["\t".join(row) for row in seen]
    (here / "charset.tsv").write_text("\n".join(["terms\tkind\tbytes\tvalues"] + lines) + "\n")


main()
