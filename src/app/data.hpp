#pragma once

#include "base/core/file.hpp"

#include <string>
#include <vector>

namespace fovea {

/// Shows what a data set holds and what is wrong with it.
struct DataInspect {
  fs::path dir;       ///< a folder, an npz or a csv
  bool json = false;  ///< one JSON object on stdout instead of tables
  fs::path html;      ///< also write a contact sheet with the suspicious images
  std::string
      patient_from;  ///< a regular expression on file names; its first group is the patient
  int threads = 0;   ///< 0: all cores that this process may use
};
/// Returns the exit code. Throws Error{input} if nothing can be read.
int run(DataInspect const& options);

/// Writes a list of the cases that are fit for use; deletes nothing.
struct DataClean {
  fs::path dir;  ///< a folder, an npz or a csv
  fs::path out;  ///< the list (CSV), to be given to train instead of the folder; a new file
  bool json = false;  ///< say what was left out as one JSON object
  std::string
      patient_from;  ///< a regular expression on file names; its first group is the patient
  int threads = 0;   ///< 0: all cores that this process may use
  std::vector<std::string> also;  ///< of masks: kinds of doubtful cases to leave out, too
};
/// Returns the exit code. Throws Error{usage} if `out` exists, Error{input} if nothing is left.
int run(DataClean const& options);

}  // namespace fovea
