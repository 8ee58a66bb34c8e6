#include "app/dicom.hpp"
#include "app/out.hpp"
#include "base/dicom/write.hpp"
#include "base/io/dicom_sc_write.hpp"
#include "base/io/picture.hpp"

#include <CLI/CLI.hpp>
#include <iostream>

namespace fovea {
namespace {

struct ScOptions {
  std::string picture, out;
  DicomFrom from;
  DicomMade made;
  ScWrite write;
};

int sc_run(ScOptions options) {
  expect_fresh_file(options.out);
  auto const& stop = end_on_signals();
  options.write.made_by = provenance_of(options.made);
  auto const picture = read_picture(options.picture);
  auto const source = source_of(options.from, stop);
  write_dicom(options.out, dicom_sc(picture, source, options.write));
  std::cout << "wrote " << options.out << ": " << picture.width() << " x " << picture.height()
            << '\n';
  return 0;
}

}  // namespace

int dicom_sc_command(Arguments const& arguments) {
  ScOptions options;
  CLI::App app{
      "Writes a picture as a DICOM secondary capture beside the series that it shows. It says "
      "who "
      "made it and of which images; nobody can measure in it.",
      "dicom sc"};
  app.add_option("PICTURE", options.picture, "PNG, JPEG, TIFF, BMP or GIF")->required();
  offer(app, options.from);
  app.add_option("--out", options.out, "a new file")->required();
  offer(app, options.made);
  app.add_option("--description", options.write.description, "of the new series");
  app.add_flag("!--no-words", options.write.words,
               "without the line below the picture that says who made it and when");
  app.add_option("--series-number", options.write.series_number, "of the new series (102)");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea dicom sc overlay.png --from SERIES --out overlay.dcm --algorithm "
                  "organs --algorithm-version 2.1"))
    return 0;
  return sc_run(options);
}

}  // namespace fovea
