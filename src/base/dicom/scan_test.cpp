#include "base/dicom/scan.hpp"

#include "base/core/memory.hpp"
#include "base/core/rng.hpp"
#include "base/core/zip.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <ostream>
#include <zlib.h>

namespace fovea {
namespace {

std::string scan_code(std::function<void()> const& work) {
  try {
    work();
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.fault(), Fault::input);
    return std::string{fault.code()};
  } catch (Error const& fault) {
    return fault.what();
  }
  return "was taken";
}

std::string scan_code(std::string const& bytes) {
  return scan_code([&] { scan_dicom(made_bytes(bytes)); });
}

std::vector<std::string> scan_notes(DicomScan const& scan) {
  std::vector<std::string> out;
  for (auto const& note : scan.notes()) out.emplace_back(note.code);
  return out;
}

std::string scan_raw_deflate(std::string const& words) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, words.size()), '\0');
  auto in = words;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

// Text, numbers, sequences of known and unknown length, pixels.
std::string scan_dataset(bool explicit_kinds, bool big) {
  MadeDicom out;
  out.explicit_kinds = explicit_kinds;
  out.big = big;
  out.put(Tag::image_type, "CS", "ORIGINAL\\PRIMARY");
  out.put(Tag::modality, "CS", "CT");
  MadeDicom inner;
  inner.explicit_kinds = explicit_kinds;
  inner.big = big;
  inner.put(Tag::series_number, "IS", "7");
  out.start(Tag{0x00081140}, "SQ", static_cast<std::uint32_t>(inner.bytes().size() + 8));
  out.start(Tag::item, "", static_cast<std::uint32_t>(inner.bytes().size()));
  out.words(inner.bytes());
  out.start(Tag{0x00082112}, "SQ", 0xffffffff);
  for (int i = 0; i < 2; ++i) {
    out.start(Tag::item, "", 0xffffffff);
    out.words(inner.bytes());
    out.start(Tag::item_end, "", 0);
  }
  out.start(Tag::sequence_end, "", 0);
  out.put(Tag::position, "DS", "1.5\\+2\\-3e1");
  out.put_short(Tag::rows, 512);
  out.put_short(Tag::columns, 3);
  out.start(Tag::pixels, "OW", 6);
  out.words("abcdef");
  return out.bytes();
}

void scan_expect_dataset(DicomScan const& scan) {
  auto const root = scan.root();
  EXPECT_EQ(root.text(Tag::modality), "CT");
  EXPECT_EQ(root.texts(Tag::image_type), (std::vector<std::string>{"ORIGINAL", "PRIMARY"}));
  EXPECT_EQ(root.numbers(Tag::position), (std::vector<double>{1.5, 2, -30}));
  EXPECT_EQ(root.whole(Tag::rows), 512);
  EXPECT_EQ(root.text(Tag::patient_id), "");
  EXPECT_FALSE(root.number(Tag::patient_id));
  EXPECT_FALSE(root.number(Tag::modality));
  EXPECT_EQ(root.find(Tag::series_number), nullptr) << "that is inside a sequence";
  auto const known = root.items(Tag{0x00081140});
  ASSERT_EQ(known.size(), 1U);
  EXPECT_EQ(known[0].whole(Tag::series_number), 7);
  auto const open = root.items(Tag{0x00082112});
  ASSERT_EQ(open.size(), 2U);
  EXPECT_EQ(open[1].whole(Tag::series_number), 7);
  EXPECT_EQ(scan.pixels().tag, Tag::pixels);
  EXPECT_EQ(scan.pixels().length, 6U);
  EXPECT_FALSE(scan.pixels().encapsulated);
}

TEST(DicomScan, ReadsEveryEncodingWithAndWithoutMetaHeader) {
  struct Row {
    std::string_view syntax;
    bool explicit_kinds, big;
  };
  for (auto const& row : {Row{made_implicit, false, false}, Row{made_explicit, true, false},
                          Row{made_big_endian_dicom, true, true}}) {
    SCOPED_TRACE(row.syntax);
    auto const dataset = scan_dataset(row.explicit_kinds, row.big);
    auto const bytes = made_file(row.syntax, dataset);
    auto const scan = scan_dicom(made_bytes(bytes));
    scan_expect_dataset(scan);
    EXPECT_EQ(scan.syntax().uid, row.syntax);
    EXPECT_EQ(scan_notes(scan), std::vector<std::string>{});
    EXPECT_EQ(bytes.substr(scan.pixels().at, 6), "abcdef");
    auto const bare = scan_dicom(made_bytes(dataset));
    scan_expect_dataset(bare);
    EXPECT_EQ(bare.syntax().uid, row.syntax);
    EXPECT_EQ(scan_notes(bare), std::vector<std::string>{"no-meta-header"});
    EXPECT_EQ(dataset.substr(bare.pixels().at, 6), "abcdef");
  }
}

TEST(DicomScan, ReadsDeflatedDataSets) {
  auto const dataset = scan_dataset(true, false);
  auto const bytes = made_file(made_deflated, scan_raw_deflate(dataset));
  auto const scan = scan_dicom(made_bytes(bytes));
  scan_expect_dataset(scan);
  DicomFile const file{made_bytes(bytes), "x"};
  std::string room(6, ' ');
  file.read(scan.pixels().at, std::as_writable_bytes(std::span{room}));
  EXPECT_EQ(room, "abcdef");
  EXPECT_EQ(scan_code(bytes.substr(0, bytes.size() - 3)), "truncated");
  EXPECT_EQ(scan_code(made_file(made_deflated, "\x07 no deflate at all")), "damaged");
  EXPECT_EQ(scan_code([&] { scan_dicom(made_bytes(bytes), {.inflated = 50}); }), "too-large");
}

TEST(DicomScan, ReadsFilesAsItReadsMemory) {
  ScratchFolder const folder;
  for (auto const syntax : {made_explicit, made_deflated}) {
    auto const dataset = scan_dataset(true, false);
    auto const bytes =
        made_file(syntax, syntax == made_deflated ? scan_raw_deflate(dataset) : dataset);
    write_file(folder.path() / "x.dcm", std::string_view{bytes});
    DicomFile const file{folder.path() / "x.dcm"};
    scan_expect_dataset(file.scan());
    std::string room(6, ' ');
    file.read(file.scan().pixels().at, std::as_writable_bytes(std::span{room}));
    EXPECT_EQ(room, "abcdef");
    EXPECT_NE(scan_code([&] {
                file.read(file.scan().pixels().at + 1, std::as_writable_bytes(std::span{room}));
              }),
              "was taken");
  }
}

TEST(DicomScan, BelievesTheDataSetWhereTheMetaHeaderIsWrong) {
  auto const scan =
      scan_dicom(made_bytes(made_file(made_explicit, scan_dataset(false, false))));
  scan_expect_dataset(scan);
  EXPECT_EQ(scan_notes(scan), std::vector<std::string>{"other-syntax"});
  scan_expect_dataset(
      scan_dicom(made_bytes(made_file(made_implicit, scan_dataset(true, false)))));
  auto const none = scan_dicom(made_bytes(made_file("", scan_dataset(true, false))));
  scan_expect_dataset(none);
  EXPECT_EQ(scan_notes(none), std::vector<std::string>{"no-transfer-syntax"});
}

// Fragments of these bytes behind a table of offsets.
std::string scan_fragments(std::vector<std::string> const& parts,
                           std::string const& table = "") {
  MadeDicom out;
  out.put_short(Tag::rows, 1);
  out.start(Tag::pixels, "OB", 0xffffffff);
  out.start(Tag::item, "", static_cast<std::uint32_t>(table.size()));
  out.words(table);
  for (auto const& part : parts) {
    out.start(Tag::item, "", static_cast<std::uint32_t>(part.size()));
    out.words(part);
  }
  out.start(Tag::sequence_end, "", 0);
  out.put(Tag{0xfffcfffc}, "OB", "padding");
  return made_file(made_rle, out.bytes());
}

TEST(DicomScan, FindsFragmentsOfPixels) {
  MadeDicom table;
  table.number(0, 4);
  table.number(70000, 4);
  // Bytes that look like a delimiter are no delimiter where lengths say otherwise.
  MadeDicom delimiter;
  delimiter.start(Tag::sequence_end, "", 0);
  auto const bytes = scan_fragments({delimiter.bytes(), "", "abcd"}, table.bytes());
  auto const scan = scan_dicom(made_bytes(bytes));
  auto const& pixels = scan.pixels();
  EXPECT_TRUE(pixels.encapsulated);
  EXPECT_EQ(pixels.offsets, (std::vector<std::uint64_t>{0, 70000}));
  ASSERT_EQ(pixels.fragments.size(), 3U);
  EXPECT_EQ(pixels.fragments[1].length, 0U);
  EXPECT_EQ(bytes.substr(pixels.fragments[2].at, 4), "abcd");
  EXPECT_NE(scan.root().find(Tag{0xfffcfffc}), nullptr);
  EXPECT_EQ(scan_code(bytes.substr(0, pixels.fragments[2].at + 2)), "truncated");
  EXPECT_EQ(scan_code([&] { scan_dicom(made_bytes(bytes), {.fragments = 2}); }),
            "too-many-elements");
}

TEST(DicomScan, TakesTheExtendedTableOfOffsetsWhereTheOtherIsEmpty) {
  MadeDicom out;
  out.start(Tag::extended_offsets, "OV", 16);
  out.number(0, 8);
  out.number(5'000'000'000, 8);
  out.start(Tag::pixels, "OB", 0xffffffff);
  out.start(Tag::item, "", 0);
  out.start(Tag::item, "", 0);
  out.start(Tag::sequence_end, "", 0);
  auto const bytes = made_file(made_rle, out.bytes());
  EXPECT_EQ(scan_dicom(made_bytes(bytes)).pixels().offsets,
            (std::vector<std::uint64_t>{0, 5'000'000'000}));
}

std::string scan_nested(int depth, bool open) {
  std::string inside;
  for (int i = 0; i < depth; ++i) {
    MadeDicom out;
    auto const size = static_cast<std::uint32_t>(inside.size());
    out.start(Tag{0x00081140}, "SQ", open ? 0xffffffff : size + 8);
    out.start(Tag::item, "", open ? 0xffffffff : size);
    out.words(inside);
    if (open) {
      out.start(Tag::item_end, "", 0);
      out.start(Tag::sequence_end, "", 0);
    }
    inside = out.bytes();
  }
  return made_file(made_explicit, inside);
}

TEST(DicomScan, RefusesDeepNestingWithoutUsingTheStack) {
  for (bool const open : {false, true}) {
    EXPECT_EQ(scan_code(scan_nested(64, open)), "was taken");
    EXPECT_EQ(scan_code(scan_nested(65, open)), "too-deep");
  }
  // A hundred thousand levels, as they come over the network.
  MadeDicom out;
  for (int i = 0; i < 100'000; ++i) {
    out.start(Tag{0x00081140}, "SQ", 0xffffffff);
    out.start(Tag::item, "", 0xffffffff);
  }
  EXPECT_EQ(scan_code(made_file(made_explicit, out.bytes())), "too-deep");
}

TEST(DicomScan, RefusesWhatItCannotTrust) {
  auto const good = scan_dataset(true, false);
  auto const with = [&](std::function<void(MadeDicom&)> const& make, bool kinds = true) {
    MadeDicom out;
    out.explicit_kinds = kinds;
    out.put(Tag::modality, "CS", "CT");
    make(out);
    return made_file(kinds ? made_explicit : made_implicit, out.bytes());
  };
  struct Row {
    char const* name;
    std::string bytes;
    char const* code;
  };
  for (auto const& row : {
           Row{"nothing", "", "not-dicom"},
           Row{"words", std::string(400, 'x'), "not-dicom"},
           Row{"zeros", std::string(400, '\0'), "not-dicom"},
           Row{"only a preamble", std::string(128, '\0') + "DICM", "not-dicom"},
           Row{"4 GB in 40 bytes",
               with([](auto& o) { o.start(Tag::pixels, "OW", 0xfffffffe); }), "truncated"},
           Row{"4 GB in 40 bytes, without kinds",
               with([](auto& o) { o.start(Tag::patient_id, "LO", 0xfffffffe); }, false),
               "truncated"},
           Row{"impossible kind", with([](auto& o) {
                 o.tag(Tag::patient_id);
                 o.words("zz");
                 o.number(2, 2);
                 o.words("P1");
               }),
               "bad-vr"},
           Row{"no length", with([](auto& o) { o.start(Tag::pixels, "OF", 0xffffffff); }),
               "bad-length"},
           Row{"longer than its item", with([](auto& o) {
                 o.start(Tag{0x00081140}, "SQ", 18);
                 o.start(Tag::item, "", 10);
                 o.start(Tag::series_number, "IS", 4);
                 o.words("12345678");
               }),
               "bad-length"},
           Row{"item longer than its sequence", with([](auto& o) {
                 o.start(Tag{0x00081140}, "SQ", 18);
                 o.start(Tag::item, "", 12);
                 o.start(Tag::series_number, "IS", 4);
                 o.words("12345678");
               }),
               "bad-length"},
           Row{"item that ends inside a start", with([](auto& o) {
                 o.start(Tag{0x00081140}, "SQ", 12);
                 o.start(Tag::item, "", 4);
                 o.start(Tag::series_number, "IS", 0);
               }),
               "bad-length"},
           Row{"attribute in a sequence", with([](auto& o) {
                 o.start(Tag{0x00081140}, "SQ", 0xffffffff);
                 o.start(Tag::series_number, "IS", 0);
               }),
               "bad-structure"},
           Row{"item in a data set", with([](auto& o) { o.start(Tag::item, "", 0); }),
               "bad-structure"},
           Row{"end of a sequence in a data set",
               with([](auto& o) { o.start(Tag::sequence_end, "", 0); }), "bad-structure"},
           Row{"end of an item that has a length", with([](auto& o) {
                 o.start(Tag{0x00081140}, "SQ", 16);
                 o.start(Tag::item, "", 8);
                 o.start(Tag::item_end, "", 0);
               }),
               "bad-structure"},
           Row{"words between fragments", with([](auto& o) {
                 o.start(Tag::pixels, "OB", 0xffffffff);
                 o.start(Tag::item, "", 0);
                 o.words("something else");
               }),
               "bad-structure"},
           Row{"sequence without an end",
               with([](auto& o) { o.start(Tag{0x00081140}, "SQ", 0xffffffff); }), "truncated"},
           Row{"something behind",
               made_file(made_explicit, good + std::string(8, '\0') + "word"), "bad-structure"},
       }) {
    SCOPED_TRACE(row.name);
    EXPECT_EQ(scan_code(row.bytes), row.code);
  }
}

TEST(DicomScan, SaysWhereAFileBreaksOff) {
  auto const bytes = made_file(made_explicit, scan_dataset(true, false));
  int taken = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    auto const code = scan_code(bytes.substr(0, size));
    if (code == "was taken") ++taken;  // between two attributes of the outer level
    EXPECT_TRUE(code == "was taken" || code == "truncated" || code == "not-dicom") << code;
  }
  EXPECT_EQ(taken, 7);
  try {
    scan_dicom(made_bytes(bytes.substr(0, bytes.size() - 1)));
    ADD_FAILURE() << "was taken";
  } catch (Refusal const& fault) {
    EXPECT_EQ(fault.at(), bytes.size() - 1);
  }
}

TEST(DicomScan, RepairsAndSaysSo) {
  auto const good = scan_dataset(true, false);
  EXPECT_EQ(scan_notes(scan_dicom(
                made_bytes(made_file(made_explicit, good + std::string(500, '\0'))))),
            std::vector<std::string>{"padding"});
  MadeDicom odd;
  odd.start(Tag::modality, "CS", 3);
  odd.words("CT1");
  odd.put(Tag::patient_id, "LO", "P1");
  auto const scan = scan_dicom(made_bytes(made_file(made_explicit, odd.bytes())));
  EXPECT_EQ(scan_notes(scan), std::vector<std::string>{"odd-length"});
  EXPECT_EQ(scan.root().text(Tag::patient_id), "P1");
  MadeDicom twice;
  twice.put(Tag::modality, "CS", "CT");
  twice.put(Tag::modality, "CS", "MR");
  twice.put(Tag::sop_class, "UI", "1.2");
  auto const other = scan_dicom(made_bytes(made_file(made_explicit, twice.bytes())));
  EXPECT_EQ(scan_notes(other), (std::vector<std::string>{"unordered", "tag-twice"}));
  EXPECT_EQ(other.root().text(Tag::modality), "CT");
}

TEST(DicomScan, KeepsNoLongValues) {
  MadeDicom out;
  out.put(Tag::modality, "CS", "CT");
  out.put(Tag{0x00091010}, "UN", std::string(2000, 'x'));
  out.put(Tag{0x00091020}, "UN", std::string(200, 'y'));
  auto const bytes = made_file(made_explicit, out.bytes());
  auto const scan = scan_dicom(made_bytes(bytes));
  EXPECT_EQ(scan.root().text(Tag{0x00091020}), std::string(200, 'y'));
  EXPECT_EQ(scan_code([&] { scan.root().text(Tag{0x00091010}); }), "too-large");
  EXPECT_EQ(scan_code([&] { scan_dicom(made_bytes(bytes), {.elements = 3}); }),
            "too-many-elements");
}

// 10,000 frames of 60 attributes, as enhanced objects have them.
TEST(DicomScan, TakesTheAttributesOfManyFrames) {
  MadeDicom attribute;
  attribute.put(Tag::slice_thickness, "DS", "1.25");
  std::string frame;
  for (int i = 0; i < 60; ++i) frame += attribute.bytes();
  MadeDicom item;
  item.start(Tag::item, "", static_cast<std::uint32_t>(frame.size()));
  item.words(frame);
  constexpr std::uint32_t frames = 10'000;
  MadeDicom out;
  out.start(Tag{0x52009230}, "SQ", static_cast<std::uint32_t>(frames * item.bytes().size()));
  for (std::uint32_t i = 0; i < frames; ++i) out.words(item.bytes());
  auto const bytes = made_file(made_explicit, out.bytes());
  auto const before = peak_memory();
  auto const scan = scan_dicom(made_bytes(bytes));
  EXPECT_LE(peak_memory() - before, bytes.size() + (64U << 20));
  auto const items = scan.root().items(Tag{0x52009230});
  ASSERT_EQ(items.size(), frames);
  EXPECT_EQ(items.back().number(Tag::slice_thickness), 1.25);
  EXPECT_EQ(scan_code([&] { scan_dicom(made_bytes(bytes), {.memory = 1U << 20}); }),
            "too-many-elements");
}

TEST(DicomScan, TakesLittleMemoryWhateverAFileSays) {
  // As many items as fit into 80 MB, and as many fragments.
  MadeDicom item;
  item.start(Tag::item, "", 0);
  std::string some;
  for (int i = 0; i < 10'000; ++i) some += item.bytes();
  ScratchFolder const folder;
  for (bool const fragments : {false, true}) {
    MadeDicom out;
    out.put(Tag::modality, "CS", "CT");
    out.start(fragments ? Tag::pixels : Tag{0x00081140}, fragments ? "OB" : "SQ", 0xffffffff);
    write_file(folder.path() / "x", [&](std::ostream& stream) {
      stream << made_file(made_rle, out.bytes());
      for (int i = 0; i < 1'000; ++i) stream << some;
    });
    FileReader const file{folder.path() / "x"};
    auto const before = peak_memory();
    EXPECT_EQ(scan_code([&] { scan_dicom(file); }), "too-many-elements");
    EXPECT_LE(peak_memory() - before, file.size() + (64U << 20));
  }
}

TEST(DicomScan, SurvivesAnyChangeOfAByte) {
  auto const good = made_file(made_explicit, scan_dataset(true, false));
  Rng rng{{20, 26}};
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = good;
    for (int n = 0; n < 1 + i % 4; ++n)
      bytes[static_cast<std::size_t>(rng.below(static_cast<std::int64_t>(bytes.size())))] =
          static_cast<char>(rng.below(256));
    scan_code(bytes);
  }
}

// --- files that others made
// ----------------------------------------------------------------------

fs::path scan_conformance() {
  auto const* const data = std::getenv("FOVEA_DATA");
  return (data != nullptr ? fs::path{data}
                          : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
         "dicom-conformance";
}

TEST(DicomScan, ReadsTheConformanceFilesOrSaysWhyNot) {
  auto const folder = scan_conformance();
  if (!fs::exists(folder)) GTEST_SKIP() << "no dicom-conformance here";
  std::map<std::string, std::string> const damaged{
      {"emri_small_jpeg_2k_lossless_too_short.dcm", "truncated"},
      {"test_files/MR_truncated.dcm", "truncated"},
      {"test_files/rtplan_truncated.dcm", "truncated"},
      {"test_files/dicomdirtests/DICOMDIR-nooffset", "bad-length"},
      {"test_files/meta_missing_tsyntax.dcm", "not-dicom"},  // nor a data set that makes sense
      {"test_files/no_meta.dcm", "not-dicom"}};              // a byte too many in front
  int scanned = 0;
  std::size_t refused = 0;
  for (auto const* name : {"pydicom_data.zip", "pydicom_test_files.zip", "ct_tilt_ge.zip"}) {
    ZipReader const zip{folder / name};
    for (auto const& entry : zip.entries()) {
      auto const ending = fs::path{entry.name}.extension();
      auto const dicom = ending == ".dcm" || ending.empty() || ending == ".DCM" ||
                         entry.name.find("DICOMDIR") != std::string::npos;
      if (entry.name.ends_with('/') || !dicom || entry.name.ends_with("README")) continue;
      SCOPED_TRACE(entry.name);
      auto const bytes = zip.read(entry.name, 64U << 20);
      auto const code = scan_code([&] { scan_dicom(bytes); });
      auto const known = damaged.find(entry.name);
      EXPECT_EQ(code, known == damaged.end() ? "was taken" : known->second);
      if (known != damaged.end())
        ++refused;
      else
        ++scanned;
    }
  }
  EXPECT_EQ(refused, damaged.size());
  EXPECT_EQ(scanned, 293);
}

}  // namespace
}  // namespace fovea
