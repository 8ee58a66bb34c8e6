#pragma once

#include "base/dicom/made/phantom.hpp"

#include <string>
#include <utility>
#include <vector>

// RT structure sets made byte by byte, for tests: right ones and wrong ones.
namespace fovea {

struct MadeContour {
  std::string shape = "CLOSED_PLANAR";
  std::string points{};  ///< "x\y\z\..."
  std::string image{};   ///< SOP instance UID
};

struct MadeRoi {
  std::string number = "1";
  std::string name = "liver";
  std::vector<MadeContour> contours{};
  std::string frame_of_reference = "1.2.9";
  std::string colour = "255\\0\\10";
  std::string made_by = "MANUAL";
};

inline std::string made_sequence(std::uint32_t tag,
                                 std::vector<std::string> const& items,
                                 bool explicit_kinds = true) {
  MadeDicom inner;
  inner.explicit_kinds = explicit_kinds;
  for (auto const& item : items) {
    inner.start(Tag::item, "", static_cast<std::uint32_t>(item.size()));
    inner.words(item);
  }
  MadeDicom out;
  out.explicit_kinds = explicit_kinds;
  out.start(Tag{tag}, "SQ", static_cast<std::uint32_t>(inner.bytes().size()));
  out.words(inner.bytes());
  return out.bytes();
}

/// Change what you like before it is written.
struct MadeStructures {
  std::vector<MadeRoi> rois{};
  std::string_view syntax = made_explicit;
  std::string sop_class = "1.2.840.10008.5.1.4.1.1.481.3";
  std::string character_set{};
  std::string more_contours{};  ///< a region's contours, written already

  std::string bytes() const { return made_file(syntax, data_set()); }

  /// Behind the meta header.
  std::string data_set() const {
    MadeDicom out = empty();
    if (!character_set.empty()) out.put(Tag::character_set, "CS", character_set);
    out.put(Tag::sop_class, "UI", sop_class);
    out.put(Tag::sop_instance, "UI", "1.2.3.77");
    out.put(Tag::modality, "CS", "RTSTRUCT");
    out.put(Tag::study, "UI", "1.2");
    out.put(Tag::series, "UI", "1.2.7");
    std::vector<std::string> list, contours, observations;
    for (auto const& roi : rois) {
      MadeDicom one = empty();
      one.put(Tag{0x30060022}, "IS", roi.number);
      one.put(Tag{0x30060024}, "UI", roi.frame_of_reference);
      one.put(Tag{0x30060026}, "LO", roi.name);
      one.put(Tag{0x30060036}, "CS", roi.made_by);
      list.push_back(one.bytes());
      contours.push_back(contours_of(roi));
      MadeDicom seen = empty();
      seen.put(Tag{0x30060084}, "IS", roi.number);
      seen.put(Tag{0x300600a4}, "CS", "ORGAN");
      observations.push_back(seen.bytes());
    }
    if (!more_contours.empty()) contours.push_back(more_contours);
    out.words(sequence(0x30060020, list));
    out.words(sequence(0x30060039, contours));
    out.words(sequence(0x30060080, observations));
    return out.bytes();
  }

  std::string contours_of(MadeRoi const& roi) const {
    std::vector<std::string> items;
    for (auto const& contour : roi.contours) {
      MadeDicom one = empty();
      if (!contour.image.empty()) {
        MadeDicom image = empty();
        image.put(Tag{0x00081155}, "UI", contour.image);
        one.words(sequence(0x30060016, {image.bytes()}));
      }
      one.put(Tag{0x30060042}, "CS", contour.shape);
      one.put(Tag::contour_data, contour.points.size() > 0xfffe ? "UN" : "DS", contour.points);
      items.push_back(one.bytes());
    }
    MadeDicom out = empty();
    if (!roi.colour.empty()) out.put(Tag{0x3006002a}, "IS", roi.colour);
    out.words(sequence(0x30060040, items));
    out.put(Tag{0x30060084}, "IS", roi.number);
    return out.bytes();
  }

 private:
  MadeDicom empty() const {
    MadeDicom out;
    out.explicit_kinds = syntax != made_implicit;
    return out;
  }
  std::string sequence(std::uint32_t tag, std::vector<std::string> const& items) const {
    return made_sequence(tag, items, syntax != made_implicit);
  }
};

}  // namespace fovea
