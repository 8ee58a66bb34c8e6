#include "app/dicom.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

constexpr Command dicom_rows[] = {
    {"rtstruct", "a mask as an RT structure set", dicom_rtstruct_command},
    {"seg", "a mask as a segmentation", dicom_seg_command},
    {"pmap", "an image of measured values as a parametric map", dicom_pmap_command},
    {"sc", "a picture as a secondary capture", dicom_sc_command},
    {"sr", "measurements and judgements as a report", dicom_sr_command},
};

void dicom_help() {
  std::cout << "Writes results as DICOM objects that belong to the series they were made "
               "from.\n\nUsage: fovea dicom KIND ... --from SERIES --out FILE\n\n";
  for (auto const& row : dicom_rows)
    std::cout << "  " << row.name << std::string(11 - row.name.size(), ' ') << row.does << '\n';
  std::cout << "\n`fovea dicom KIND --help` tells more.\n";
}

}  // namespace

int dicom_command(Arguments const& arguments) {
  std::string const name = arguments.empty() ? "--help" : arguments.front();
  if (name == "--help" || name == "-h") return dicom_help(), arguments.empty() ? 2 : 0;
  std::vector<std::string> known;
  for (auto const& row : dicom_rows) {
    if (row.name == name) return row.run({arguments.begin() + 1, arguments.end()});
    known.emplace_back(row.name);
  }
  throw Error{Fault::usage, text("no kind of DICOM object '", name, "' can be written"),
              did_you_mean(name, known)};
}

}  // namespace fovea
