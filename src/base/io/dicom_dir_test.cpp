#include "base/io/dicom_dir.hpp"

#include "base/core/zip.hpp"
#include "base/dicom/made/phantom.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace fovea {
namespace {

// A DICOMDIR with a record for each place, and the folder around it.
class DicomdirMedium {
 public:
  void record(std::string const& place, std::uint32_t in_use = 0xffff) {
    MadeDicom one;
    one.put_short(Tag{0x00041410}, in_use);
    one.put(Tag{0x00041430}, "CS", "IMAGE");
    if (!place.empty()) one.put(Tag{0x00041500}, "CS", place);
    one.put(Tag{0x00041511}, "UI", text("1.2.3.", ++count_));
    records_.start(Tag::item, "", static_cast<std::uint32_t>(one.bytes().size()));
    records_.words(one.bytes());
  }
  void file(fs::path const& name) const {
    make_folder((folder_.path() / "disc" / name).parent_path());
    write_file(folder_.path() / "disc" / name, std::string_view{"x"});
  }
  void link(fs::path const& to, fs::path const& name) const {
    fs::create_symlink(to, folder_.path() / "disc" / name);
  }
  fs::path written() const {
    MadeDicom out;
    out.put(Tag{0x00041130}, "CS", "DISC");
    out.start(Tag{0x00041220}, "SQ", static_cast<std::uint32_t>(records_.bytes().size()));
    out.words(records_.bytes());
    make_folder(folder_.path() / "disc");
    auto const path = folder_.path() / "disc" / "DICOMDIR";
    write_file(path, std::string_view{made_file(made_explicit, out.bytes())});
    return path;
  }
  std::vector<std::string> names(DicomDir const& dir) const {
    std::vector<std::string> out;
    for (auto const& file : dir.files)
      out.push_back(file.lexically_relative(folder_.path() / "disc").generic_string());
    return out;
  }

 private:
  ScratchFolder folder_;
  MadeDicom records_;
  int count_ = 0;
};

std::vector<std::string> dicomdir_codes(DicomDir const& dir) {
  std::vector<std::string> out;
  for (auto const& one : dir.damaged) out.push_back(one.code);
  return out;
}

TEST(DicomDir, LeadsToItsFilesHoweverTheMediumSpellsThem) {
  DicomdirMedium medium;
  for (auto const* const name : {"PT0/IM1", "pt0/im2", "PT0/IM3.;1", "PT0/im4;1", "PT0/IM5."})
    medium.file(name);
  for (auto const* const place :
       {"PT0\\IM1", "PT0\\IM3", "PT0\\IM4", "PT0\\IM5", "PT0\\IM1", "", "PT0\\IM6"})
    medium.record(place);
  medium.record("PT0\\IM1", 0);
  auto const dir = read_dicomdir(medium.written());
  EXPECT_EQ(medium.names(dir),
            (std::vector<std::string>{"PT0/IM1", "PT0/IM3.;1", "PT0/im4;1", "PT0/IM5."}));
  EXPECT_EQ(dicomdir_codes(dir), std::vector<std::string>{"missing-file"});
  EXPECT_NE(dir.damaged[0].words.find("IM6"), std::string::npos);
  EXPECT_EQ(dir.sops[1], "1.2.3.2");
}

TEST(DicomDir, FindsAFolderInAnotherCase) {
  DicomdirMedium medium;
  medium.file("pt0/st1/im1");
  medium.record("PT0\\ST1\\IM1");
  EXPECT_EQ(medium.names(read_dicomdir(medium.written())),
            std::vector<std::string>{"pt0/st1/im1"});
}

TEST(DicomDir, DoesNotChooseBetweenNamesThatDifferInCaseOnly) {
  DicomdirMedium medium;
  medium.file("im1");
  medium.file("Im1");
  medium.record("IM1");
  medium.record("Im1");
  auto const dir = read_dicomdir(medium.written());
  EXPECT_EQ(medium.names(dir), std::vector<std::string>{"Im1"});
  EXPECT_EQ(dicomdir_codes(dir), std::vector<std::string>{"missing-file"});
}

TEST(DicomDir, NeverLeavesItsFolder) {
  DicomdirMedium medium;
  medium.file("../secret");
  medium.file("PT0/IM1");
  medium.link("../secret", "LINK");
  medium.link("..", "UP");
  medium.link("PT0/IM1", "INSIDE");
  for (auto const* const place :
       {"..\\secret", "PT0\\..\\..\\secret", "../secret", "/etc/passwd", "\\etc\\passwd", ".",
        "PT0\\.\\IM1", "LINK", "UP\\secret", "PT0", "INSIDE"})
    medium.record(place);
  medium.record("PT0\\IM\n1");
  auto const dir = read_dicomdir(medium.written());
  EXPECT_EQ(medium.names(dir), std::vector<std::string>{"INSIDE"});
  auto codes = dicomdir_codes(dir);
  EXPECT_EQ(std::ranges::count(codes, "file-elsewhere"), 10);
  EXPECT_EQ(std::ranges::count(codes, "missing-file"), 1) << "a folder is no file";
}

TEST(DicomDir, IsKnownByItsFirstBytesOrRefused) {
  ScratchFolder const folder;
  auto const path = folder.path() / "file";
  MadeDicom meta;
  meta.put(Tag{0x00020002}, "UI", "1.2.840.10008.1.3.10");
  meta.put(Tag::transfer_syntax, "UI", std::string{made_explicit});
  auto const bytes = std::string(128, '\0') + "DICM" + meta.bytes();
  write_file(path, std::string_view{bytes});
  EXPECT_TRUE(is_dicomdir(path));
  EXPECT_THROW(read_dicomdir(path), Refusal);
  write_file(path, std::string_view{"short"});
  EXPECT_FALSE(is_dicomdir(path));
  EXPECT_FALSE(is_dicomdir(folder.path()));
  EXPECT_FALSE(is_dicomdir(folder.path() / "nowhere"));
}

// pydicom's trees of patients, and the same list in other encodings and orders.
TEST(DicomDir, OfOthersLeadsToAllTheirFiles) {
  auto const* const data = std::getenv("FOVEA_DATA");
  auto const archive =
      (data != nullptr ? fs::path{data}
                       : fs::path{FOVEA_SOURCE_DIR}.parent_path() / "shared" / "data") /
      "dicom-conformance" / "pydicom_test_files.zip";
  if (!fs::exists(archive)) GTEST_SKIP() << "no dicom-conformance here";
  ScratchFolder const folder;
  ZipReader const zip{archive};
  for (auto const& entry : zip.entries()) {
    auto const inside = entry.name.find("dicomdirtests/");
    if (inside == std::string::npos || entry.name.ends_with('/')) continue;
    auto const path = folder.path() / entry.name.substr(inside);
    make_folder(path.parent_path());
    write_file(path, zip.read(entry.name, 1U << 24));
  }
  struct Row {
    char const* name;
    std::size_t files;
  };
  for (auto const& row :
       {Row{"DICOMDIR", 31}, Row{"DICOMDIR-bigEnd", 31}, Row{"DICOMDIR-implicit", 31},
        Row{"DICOMDIR-nopatient", 31}, Row{"DICOMDIR-reordered", 31},
        Row{"DICOMDIR-empty.dcm", 0}, Row{"TINY_ALPHA/DICOMDIR", 50}}) {
    SCOPED_TRACE(row.name);
    auto const path = folder.path() / "dicomdirtests" / row.name;
    EXPECT_TRUE(is_dicomdir(path));
    auto const dir = read_dicomdir(path);
    EXPECT_EQ(dir.files.size(), row.files);
    EXPECT_TRUE(dir.damaged.empty());
  }
}

}  // namespace
}  // namespace fovea
