#pragma once

#include "base/io/npy.hpp"
#include "learn/data/layout.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <regex>
#include <unordered_map>
#include <unordered_set>

// What the layouts share; not for those who only read data sets.
namespace fovea {

/// "class 2" before "class 10": runs of digits compare as numbers, the rest byte by byte.
bool natural_less(std::string_view a, std::string_view b);

/// The visible entries of a folder, sorted by name. Throws Error{resource} without permission,
/// Error{input} if it is no folder.
struct FolderView {
  std::vector<fs::path> folders;
  std::vector<fs::path> pictures;  ///< named as pictures
  std::vector<fs::path> others;
};
FolderView view_of(fs::path const& folder);

/// The files of `root` with one of these endings (lower case, with the point), or `root` itself
/// if it is such a file.
std::vector<fs::path> files_ending(fs::path const& root,
                                   std::vector<std::string> const& endings);

/// Patients from file names, by the user's regular expression.
class PatientRule {
 public:
  /// Throws Error{usage} if the expression is broken, too long or has no group.
  explicit PatientRule(std::string const& expression);
  /// Fills in the patient of each case that has none; notes how many names did not match.
  void apply(Dataset& set) const;

 private:
  std::string expression_;
  std::optional<std::regex> regex_;
};

/// Answers "does this file exist?" a million times by listing each folder once.
class FolderCache {
 public:
  bool has(std::string const& file);

 private:
  std::unordered_map<std::string, std::unordered_set<std::string>> names_;
};

/// Rows of arrays in npz files, each array read once, when first asked for, by any thread.
class NpzRows {
 public:
  /// Arrays without values: names, shapes, types.
  std::map<std::string, Array> const& shapes(fs::path const& file);

  /// Row `at.row` of the member as a 2D image: (n, h, w) gives one channel, (n, h, w, c) c
  /// planes. Throws Error{input} if there is no such row or the array has another shape.
  Volume row(Location const& at);

 private:
  Array const& array(fs::path const& file, std::string const& member);

  std::mutex guard_;
  std::map<fs::path, std::map<std::string, Array>> shapes_;
  std::map<std::pair<fs::path, std::string>, Array> arrays_;
  // A member that cannot be read is unpacked once, too, and not again for each of its rows.
  std::map<std::pair<fs::path, std::string>, Error> broken_;
};

/// Gives `set` the reader of rows; all copies of the set share the arrays.
void read_rows_from(Dataset& set, std::shared_ptr<NpzRows> npz);

}  // namespace fovea
