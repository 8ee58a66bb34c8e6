#include "base/dicom/write.hpp"

#include "base/core/error.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/scan.hpp"
#include "base/dicom/uid.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr auto write_sequence = attribute::make(0x00081115, "SQ");
constexpr auto write_long_numbers = attribute::make(0x30060050, "DS");

DicomData write_sample() {
  DicomData inner;
  inner.set(attribute::code_value, "10200004").set(attribute::code_meaning, "Leber, groß");
  DicomData outer;
  outer.set(attribute::referenced_sop_instance, "1.2.3")
      .set(attribute::purpose_of_reference, std::vector<DicomData>{inner, DicomData{}, inner});
  DicomData out;
  // In no order: the writer sorts.
  out.set(attribute::rows, 3)
      .set(attribute::study, "1.2.3.4")
      .set(attribute::sop_class, "1.2.840.10008.5.1.4.1.1.7")
      .set(attribute::referring_physician)
      .set(attribute::patient_name, "Müller^Jürgen=山田^太郎")
      .set(attribute::image_type, {"DERIVED", "SECONDARY"})
      .set(attribute::position, {-1.5, 1.0 / 3, 1e-9})
      .set(attribute::instance_number, -7)
      .set(write_sequence, outer)
      .set(attribute::make(0x00209165, "AT"), Tag{0x0062000b})
      .set(attribute::make(0x00189087, "FD"), 1000.25)
      .set(attribute::make(0x7fe00010, "OB"), Bytes(3, std::byte{9}));
  return out;
}

TEST(DicomFileOfOurOwn, IsReadByTheScanAsItWasMeant) {
  auto data = write_sample();
  identify(data);
  auto const bytes = dicom_file(data);
  auto const scan = scan_dicom(bytes);
  EXPECT_TRUE(scan.notes().empty());
  EXPECT_EQ(scan.syntax().uid, "1.2.840.10008.1.2.1");
  auto const root = scan.root();
  EXPECT_EQ(root.text(Tag::character_set), "ISO_IR 192");
  EXPECT_EQ(root.text(Tag{0x00100010}), "Müller^Jürgen=山田^太郎");
  EXPECT_EQ(root.texts(Tag::image_type), (std::vector<std::string>{"DERIVED", "SECONDARY"}));
  EXPECT_EQ(root.whole(Tag::rows), 3);
  EXPECT_EQ(root.whole(Tag::instance_number), -7);
  EXPECT_EQ(root.number(Tag{0x00189087}), 1000.25);
  auto const place = root.numbers(Tag::position).value();
  EXPECT_EQ(place[0], -1.5);
  EXPECT_NEAR(place[1], 1.0 / 3, 1e-14);
  EXPECT_EQ(place[2], 1e-9);
  auto const items = root.items(write_sequence.tag);
  ASSERT_EQ(items.size(), 1U);
  auto const codes = items[0].items(attribute::purpose_of_reference.tag);
  ASSERT_EQ(codes.size(), 3U);
  EXPECT_EQ(codes[2].text(attribute::code_meaning.tag), "Leber, groß");
  EXPECT_EQ(scan.pixels().length, 4U);
  EXPECT_EQ(bytes.size() % 2, 0U);
}

TEST(DicomFileOfOurOwn, IsTheSameForTheSameContent) {
  auto a = write_sample();
  auto b = write_sample();
  identify(a);
  identify(b);
  EXPECT_EQ(dicom_file(a), dicom_file(b));
  ScratchFolder const folder;
  write_dicom(folder.path() / "a.dcm", a);
  EXPECT_EQ(read_file(folder.path() / "a.dcm", 1 << 20), dicom_file(a));
}

TEST(DicomFileOfOurOwn, HasOtherUidsForOtherContent) {
  auto a = write_sample();
  identify(a);
  struct Case {
    Attribute which;
    std::string words;
  };
  Case const cases[] = {{attribute::study, "1.2.3.5"},
                        {attribute::patient_name, "Müller^Jürgen=山田^太郞"},
                        {attribute::series_description, ""}};
  for (auto const& one : cases) {
    SCOPED_TRACE(words_of(one.which.tag));
    auto b = write_sample();
    b.set(one.which, one.words);
    identify(b);
    EXPECT_NE(a.text(attribute::sop_instance), b.text(attribute::sop_instance));
    EXPECT_NE(a.text(attribute::series), b.text(attribute::series));
    EXPECT_TRUE(valid_uid(b.text(attribute::sop_instance)));
  }
  EXPECT_NE(a.text(attribute::sop_instance), a.text(attribute::series));
  auto in_a_series = write_sample();
  in_a_series.set(attribute::series, "1.2.3.9");
  identify(in_a_series);
  EXPECT_EQ(in_a_series.text(attribute::series), "1.2.3.9");
}

TEST(DicomFileOfOurOwn, IsNotWrittenUnfinished) {
  auto data = write_sample();
  EXPECT_THROW(dicom_file(data), Error);
  identify(data);
  EXPECT_THROW(identify(data), Error);
  data.erase(attribute::study);
  EXPECT_THROW(dicom_file(data), Error);
}

TEST(DicomFileOfOurOwn, KeepsTextThatIsTooLongForItsKindAsUnknown) {
  std::vector<double> const many(20'000, 123.25);
  DicomData data;
  data.set(write_long_numbers, std::span<double const>{many}).set(attribute::study, "1.2");
  Bytes out(132);
  encode(data, [&](auto bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  std::string_view const words{reinterpret_cast<char const*>(out.data()), out.size()};
  auto const at = words.find(std::string_view{"\x06\x30\x50\x00UN\0\0", 8});
  ASSERT_NE(at, std::string_view::npos);
  EXPECT_EQ(words.substr(at + 12, 14), "123.25\\123.25\\");
  EXPECT_EQ(words.size(), at + 12 + 7 * many.size());  // the last has a blank, not a backslash
}

TEST(DicomFileOfOurOwn, IsNotDeeperThanTheScanReads) {
  std::vector<DicomData> deep(1);
  for (int i = 0; i < 70; ++i) {
    DicomData around;
    around.set(write_sequence, std::move(deep));
    deep.clear();
    deep.push_back(std::move(around));
  }
  EXPECT_THROW(hash_of(deep[0]), Error);
}

TEST(DicomValue, HoldsOnlyWhatItsKindAllows) {
  struct Case {
    char const* why;
    Attribute which;
    std::string words;
    bool good;
  };
  Case const cases[] = {
      {"16 characters", attribute::accession_number, "1234567890123456", true},
      {"17", attribute::accession_number, "12345678901234567", false},
      {"16 letters of two bytes", attribute::accession_number, "äöüäöüäöüäöüäöüä", true},
      {"no UTF-8", attribute::accession_number, "\xe4", false},
      {"cut UTF-8", attribute::accession_number, "\xe5\xb1", false},
      {"overlong UTF-8", attribute::accession_number, "\xc0\x80", false},
      {"surrogate", attribute::accession_number, "\xed\xa0\x80", false},
      {"backslash", attribute::series_description, "a\\b", false},
      {"line", attribute::series_description, "a\nb", false},
      {"line in a text", attribute::image_comments, "a\nb\\c", true},
      {"escape in a text", attribute::image_comments, "a\x1b", false},
      {"small letters", attribute::modality, "ct", false},
      {"capitals", attribute::modality, "CT", true},
      {"name", attribute::patient_name, std::string(64, 'a') + "=" + std::string(64, 'b'),
       true},
      {"long name", attribute::patient_name, std::string(65, 'a'), false},
      {"four groups", attribute::patient_name, "a=b=c=d", false},
      {"UID", attribute::study, "1.2.840", true},
      {"UID with 0", attribute::study, "1.02", false},
      {"UID with dots", attribute::study, "1..2", false},
      {"UID ends with a dot", attribute::study, "1.", false},
      {"65 digits", attribute::study, "1." + std::string(63, '3'), false},
      {"date", attribute::study_date, "20240131", true},
      {"date with dots", attribute::study_date, "2024.01.31", false}};
  for (auto const& one : cases) {
    SCOPED_TRACE(one.why);
    DicomData data;
    if (!one.good) {
      EXPECT_THROW(data.set(one.which, one.words), Error);
      continue;
    }
    data.set(one.which, one.words);
    EXPECT_EQ(data.text(one.which), one.words);
    EXPECT_EQ(data.find(one.which)->bytes.size() % 2, 0U);
  }
}

TEST(DicomValue, HoldsOnlyNumbersInItsRange) {
  DicomData data;
  EXPECT_THROW(data.set(attribute::rows, 65536), Error);
  EXPECT_THROW(data.set(attribute::rows, -1), Error);
  EXPECT_THROW(data.set(attribute::instance_number, 1LL << 31), Error);
  EXPECT_THROW(data.set(attribute::slope, std::numeric_limits<double>::quiet_NaN()), Error);
  EXPECT_THROW(data.set(attribute::make(0x00081161, "FL"), 1e39), Error);
  EXPECT_THROW(data.set(attribute::rows, "3"), Error);
  EXPECT_THROW(data.set(attribute::study, 3), Error);
  EXPECT_THROW(data.set(attribute::study, Bytes{}), Error);
  EXPECT_THROW(data.set(attribute::make(0x00020010, "UI"), "1.2"), Error);
  EXPECT_THROW(data.set(attribute::make(0x00080060, "ZZ"), "CT"), Error);
  EXPECT_TRUE(data.elements().empty());
}

TEST(DicomValue, IsTheNearestDecimalOfSixteenCharacters) {
  struct Case {
    double value;
    std::string words;
  };
  Case const cases[] = {{0, "0"},
                        {-0.0, "0"},
                        {1.5, "1.5"},
                        {-1024, "-1024"},
                        {1.0 / 3, "0.33333333333333"},
                        {-1.0 / 3, "-0.3333333333333"},
                        {-2000.0 / 3, "-666.66666666667"},
                        {1e300, "1e+300"},
                        {-1.0 / 3 * 1e-20, "-3.333333333e-21"},
                        {1.0 / 3 * 1e17, "3.33333333333e16"}};
  for (auto const& one : cases) {
    SCOPED_TRACE(one.words);
    EXPECT_EQ(number(decimal_string(one.value)), number(one.words));
  }
  Rng rng{{1, 2}};
  for (int i = 0; i < 20'000; ++i) {
    auto const value = (rng.uniform() - 0.5) * std::pow(10, 40 * rng.uniform() - 20);
    auto const words = decimal_string(value);
    ASSERT_LE(words.size(), 16U) << value;
    ASSERT_NEAR(number(words).value(), value, std::abs(value) * 1e-8) << words;
    ASSERT_EQ(number(decimal_string(number(words).value())), number(words));
  }
}

TEST(OwnUid, IsAUuidInDecimal) {
  EXPECT_EQ(uid_of_hash(std::string(32, '0')), "2.25.604472133179351442128896");
  EXPECT_TRUE(valid_uid(uid_of_hash(std::string(64, 'f'))));
  EXPECT_THROW(uid_of_hash("12"), Error);
  EXPECT_TRUE(valid_uid(implementation_class_uid()));
  EXPECT_LE(implementation_version_name().size(), 16U);
}

}  // namespace
}  // namespace fovea
