#pragma once

#include "app/found.hpp"

#include <set>
#include <string>
#include <string_view>

namespace fovea {

/// Names of files made by a pattern, as dcm2niix makes them: "%s_%p" becomes "4_T1_MPRAGE".
///
///   %a coil          %b name of the first file  %c comments          %d series description
///   %e echo          %f name of its folder      %g accession number  %i patient ID
///   %j series UID    %k study UID               %m manufacturer      %n patient name
///   %p protocol      %r instance number         %s series number     %t study date and time
///   %u acquisition   %v manufacturer, 2 letters %x study ID          %z sequence name
///   %% a per cent sign
///
/// Nothing from a file becomes a path: of what stands for a letter only letters, digits, - and
/// + stay, and points between digits; all else becomes one _. A name has at most 200 bytes, and
/// is `volume` if nothing is left. Two that are equal (whatever their case) get -2, -3 …
class NamePattern {
 public:
  /// Throws Error{usage} on another letter, and on separators of folders.
  explicit NamePattern(std::string pattern);

  /// Without an ending. Throws as DicomFile does.
  std::string name_of(FoundVolume const& volume);

 private:
  std::string pattern_;
  std::set<std::string> taken_;  // in lower case: some file systems know no other
};

/// What is left of a value in a name; at most 64 bytes of it.
std::string safe_in_a_name(std::string_view value);

}  // namespace fovea
