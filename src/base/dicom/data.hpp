#pragma once

#include "base/core/file.hpp"
#include "base/dicom/tags.hpp"

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// An attribute that is written: its number and the kind of its value. Common ones stand in
/// attributes.hpp.
struct Attribute {
  Tag tag{};
  Vr kind{};
};

/// A data set that is to be written: attributes in ascending order, with values that are right
/// for their kind. Built as a list:
///
///     DicomData code;
///     code.set(attribute::code_value, "10200004")
///         .set(attribute::code_scheme, "SCT")
///         .set(attribute::code_meaning, "Liver");
///
/// Setting an attribute again replaces its value. Text is UTF-8.
/// Throws  Error{input} on text that the kind cannot hold: too long, control characters, a
///         backslash inside one value, no UTF-8, letters in a UID; on a number out of range
///         Error{bug} if the value is not of the attribute's kind
class DicomData {
 public:
  struct Element {
    Vr kind{};
    Bytes bytes{};                   ///< little endian, padded to an even length
    std::vector<DicomData> items{};  ///< of a sequence
  };

  /// Empty: what the standard calls type 2.
  DicomData& set(Attribute which);
  DicomData& set(Attribute which, std::string_view words);
  DicomData& set(Attribute which, char const* words) {
    return set(which, std::string_view{words});
  }
  DicomData& set(Attribute which, std::string const& words) {
    return set(which, std::string_view{words});
  }
  DicomData& set(Attribute which, std::span<std::string const> words);
  DicomData& set(Attribute which, std::initializer_list<std::string> words) {
    return set(which, std::span<std::string const>{words.begin(), words.size()});
  }
  /// DS, FL, FD; and whole numbers as IS, US, SS, UL, SL, UV, SV.
  DicomData& set(Attribute which, std::span<double const> values);
  DicomData& set(Attribute which, std::initializer_list<double> values) {
    return set(which, std::span<double const>{values.begin(), values.size()});
  }
  DicomData& set(Attribute which, std::floating_point auto value) {
    auto const one = static_cast<double>(value);
    return set(which, std::span<double const>{&one, 1});
  }
  DicomData& set(Attribute which, std::span<std::int64_t const> values);
  DicomData& set(Attribute which, std::integral auto value) {
    auto const one = static_cast<std::int64_t>(value);
    return set(which, std::span<std::int64_t const>{&one, 1});
  }
  /// AT: attributes that are pointed at.
  DicomData& set(Attribute which, Tag pointed_at);
  /// OB, OW, OF, OD, OL, UN: bytes as they are to lie in the file; an odd one gets a 0 behind
  /// it.
  DicomData& set(Attribute which, Bytes bytes);
  /// SQ: the items.
  DicomData& set(Attribute which, std::vector<DicomData> items);
  DicomData& set(Attribute which, DicomData item);
  /// The text of another file as it stands there, right or wrong: only padded. Must be UTF-8.
  DicomData& copy(Attribute which, std::string_view words);
  /// All attributes of another data set; those that are here already are replaced.
  DicomData& merge(DicomData const& other);
  void erase(Attribute which) { elements_.erase(which.tag); }

  /// Null if it is not there.
  Element const* find(Attribute which) const;
  /// Of a text: without padding; empty if it is not there.
  std::string text(Attribute which) const;
  std::map<Tag, Element> const& elements() const { return elements_; }

 private:
  DicomData& put(Attribute which, Bytes bytes);

  std::map<Tag, Element> elements_;
};

/// A number as a decimal string (DS): at most 16 characters that read back as near as possible,
/// the same number where that can be. Throws Error{input} if it is not finite.
std::string decimal_string(double value);

}  // namespace fovea
