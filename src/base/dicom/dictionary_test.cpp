#include "base/dicom/tags.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Dictionary, KnowsKindsAndKeywordsOfTheStandard) {
  struct Row {
    std::uint32_t tag;
    Vr kind;
    char const* keyword;
  };
  for (auto const& row : {
           Row{0x00000000, vr("UL"), "CommandGroupLength"},
           Row{0x00080005, vr("CS"), "SpecificCharacterSet"},
           Row{0x00100010, vr("PN"), "PatientName"},
           Row{0x00280106, vr("US"), "SmallestImagePixelValue"},
           Row{0x00281201, vr("OW"), "RedPaletteColorLookupTableData"},
           Row{0x30060039, vr("SQ"), "ROIContourSequence"},
           Row{0x60003000, vr("OW"), "OverlayData"},
           Row{0x601e0010, vr("US"), "OverlayRows"},
           Row{0x601f0010, vr("LO"), "PrivateCreator"},
           Row{0x60200010, Vr::none, ""},
           Row{0x7fe00010, vr("OW"), "PixelData"},
           Row{0xfffcfffc, vr("OB"), "DataSetTrailingPadding"},
           Row{0x00080000, vr("UL"), "GroupLength"},
           Row{0x00080004, Vr::none, ""},
           Row{0x00090010, vr("LO"), "PrivateCreator"},
           Row{0x00091010, Vr::none, ""},
       }) {
    EXPECT_EQ(usual_vr(Tag{row.tag}), row.kind) << words_of(Tag{row.tag});
    EXPECT_EQ(keyword_of(Tag{row.tag}), row.keyword);
  }
}

}  // namespace
}  // namespace fovea
