#include "learn/data/phantom_ct.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/version.hpp"
#include "base/core/walk.hpp"
#include "base/core/words.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/uid.hpp"
#include "base/dicom/write.hpp"
#include "base/finding/structures.hpp"
#include "base/io/dicom_seg_write.hpp"
#include "learn/data/phantom_ct_body.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace fovea {
namespace {

namespace dcm = attribute;

constexpr double ct_covered = 160;  // mm along z

Rng ct_rng(PhantomCt const& options, int patient, std::uint64_t what, std::uint64_t part = 0) {
  constexpr std::uint64_t ours = 0x7068616e746f6d63;  // "phantomc"
  return Rng{{ours, options.seed, static_cast<std::uint64_t>(patient), what, part}};
}

void ct_check(PhantomCt const& options) {
  if (options.train < 2 || options.test < 1 || options.train + options.test > 99 ||
      options.size < 48 || options.size > 512 || options.slices < 16 || options.slices > 160)
    throw Error{
        Fault::usage,
        text("expected 2 patients or more to learn from and 1 or more to test on (99 in "
             "all), 48 to 512 pixels and 16 to 160 slices, got ",
             options.train, ", ", options.test, ", ", options.size, " and ", options.slices),
        "correct the options"};
}

void ct_expect_empty(fs::path const& folder) {
  make_folder(folder);
  if (!fs::is_empty(folder))
    throw Error{
        Fault::usage,
        text("expected an empty folder for the phantom, got ", folder, " with something in it"),
        "choose another folder"};
}

// How a patient was scanned.
struct CtScan {
  Grid grid;
  Vector3 middle{};  // of the body
  double noise = 15;
};

CtScan ct_scan(PhantomCt const& options, int patient) {
  auto rng = ct_rng(options, patient, 1);
  CtScan out;
  auto const field = std::round(rng.uniform(350, 372));
  auto const spacing = field / static_cast<double>(options.size);
  auto const gap =
      std::round(ct_covered * rng.uniform(94, 106) / static_cast<double>(options.slices)) / 100;
  auto const corner = -0.5 * (field - spacing);
  auto const bottom = std::round(rng.uniform(-420, -180));
  out.grid = upright({options.size, options.size, options.slices}, {{spacing, spacing, gap}},
                     {{corner, corner, bottom}});
  out.middle = {
      rng.normal(0, 3), -8 + rng.normal(0, 3),
      bottom + 0.5 * gap * static_cast<double>(options.slices - 1) + rng.uniform(-5, 5)};
  out.noise = rng.uniform(13, 22);
  return out;
}

// What a scanner's kernel does within a slice: the mean of neighbours, weighted 1-4-1.
void ct_blur(std::vector<float>& plane, std::int64_t size) {
  std::vector<float> other(plane.size());
  for (std::int64_t along : {std::int64_t{1}, size}) {
    for (std::int64_t j = 0; j < size; ++j) {
      for (std::int64_t i = 0; i < size; ++i) {
        auto const at = j * size + i;
        auto const place = along == 1 ? i : j;
        auto const before = place > 0 ? at - along : at;
        auto const after = place + 1 < size ? at + along : at;
        auto const value = [&](std::int64_t from) {
          return plane[static_cast<std::size_t>(from)];
        };
        other[static_cast<std::size_t>(at)] =
            (value(before) + 4 * value(at) + value(after)) / 6;
      }
    }
    plane.swap(other);
  }
}

// A slice is as thick as the way to the next one: what lies in it is averaged.
void ct_slice(CtBody const& body,
              CtScan const& scan,
              std::int64_t k,
              Rng rng,
              std::span<std::int16_t> image,
              std::span<std::uint8_t> labels) {
  auto const size = scan.grid.size[0];
  std::vector<float> shades(static_cast<std::size_t>(size * size));
  auto noise = shades;
  std::size_t n = 0;
  for (std::int64_t j = 0; j < size; ++j) {
    for (std::int64_t i = 0; i < size; ++i, ++n) {
      auto const at = [&](double off) {
        auto const point = scan.grid.point_of(
            {{static_cast<double>(i), static_cast<double>(j), static_cast<double>(k) + off}});
        return body.at(difference(point.mm, scan.middle));
      };
      auto const here = at(0);
      labels[n] = here.label;
      shades[n] = static_cast<float>((here.hu + at(-0.3).hu + at(0.3).hu) / 3);
      noise[n] = static_cast<float>(rng.normal(0, 2 * scan.noise));
    }
  }
  ct_blur(shades, size);
  ct_blur(noise, size);  // halves it, about, and ties neighbours as reconstruction does
  for (n = 0; n < shades.size(); ++n)
    image[n] =
        static_cast<std::int16_t>(std::clamp(std::lround(shades[n] + noise[n]), -1024L, 3071L));
}

std::string ct_uid(PhantomCt const& options, int patient, std::string_view of) {
  return uid_of_hash(sha256(text("made-up ct ", of, ' ', options.seed, ' ', patient, ' ',
                                 options.size, ' ', options.slices, ' ', version)));
}

std::string ct_two_digits(int number) {
  return text(number < 10 ? "0" : "", number);
}

// What all images of the series say (PS3.3 A.3, CT image).
DicomData ct_head(PhantomCt const& options, int patient, Grid const& grid) {
  auto rng = ct_rng(options, patient, 2);
  auto const number = ct_two_digits(patient);
  DicomData out;
  out.set(dcm::image_type, {"ORIGINAL", "PRIMARY", "AXIAL"})
      .set(dcm::sop_class, "1.2.840.10008.5.1.4.1.1.2")
      .set(dcm::modality, "CT")
      .set(dcm::manufacturer, "Fovea")
      .set(dcm::model_name, "Phantom")
      .set(dcm::software_versions, std::string{version})
      .set(dcm::referring_physician)
      .set(dcm::accession_number)
      .set(dcm::study_description, "Made-up CT of nobody")
      .set(dcm::series_description, "Portal venous")
      .set(dcm::image_comments, "Calculated by a program; shows no person.")
      .set(dcm::patient_name, text("Phantom^", number))
      .set(dcm::patient_id, text("PHANTOM-", number))
      .set(dcm::birth_date)
      .set(dcm::sex, rng.chance(0.5) ? "F" : "M")
      .set(dcm::study, ct_uid(options, patient, "study"))
      .set(dcm::series, ct_uid(options, patient, "series"))
      .set(dcm::frame_of_reference, ct_uid(options, patient, "frame of reference"))
      .set(dcm::position_reference)
      .set(dcm::study_id, number)
      .set(dcm::series_number, 2)
      .set(dcm::make(0x00180015, "CS"), "CHESTABDOMEN")
      .set(dcm::make(0x00185100, "CS"), "HFS")
      .set(dcm::make(0x00180060, "DS"), 120)                // kV
      .set(dcm::make(0x00181210, "SH"), "PHANTOM")          // kernel
      .set(dcm::make(0x00180010, "LO"), "imagined iodine")  // contrast medium
      .set(dcm::make(0x00200012, "IS"), 1)                  // acquisition
      .set(dcm::make(0x00280300, "CS"), "YES")              // an image of a phantom
      .set(dcm::burned_in, "NO")
      .set(dcm::samples, 1)
      .set(dcm::photometric, "MONOCHROME2")
      .set(dcm::rows, grid.size[1])
      .set(dcm::columns, grid.size[0])
      .set(dcm::bits_allocated, 16)
      .set(dcm::bits_stored, 12)
      .set(dcm::high_bit, 11)
      .set(dcm::signedness, 0)
      .set(dcm::intercept, -1024)
      .set(dcm::slope, 1)
      .set(dcm::rescale_type, "HU")
      .set(dcm::make(0x00281050, "DS"), 50)  // window
      .set(dcm::make(0x00281051, "DS"), 400);
  for (auto const which :
       {dcm::study_date, dcm::series_date, dcm::acquisition_date, dcm::content_date})
    out.set(which, "20200101");
  for (auto const which :
       {dcm::study_time, dcm::series_time, dcm::acquisition_time, dcm::content_time})
    out.set(which, "120000");
  auto const spacing = grid.spacing().mm;
  out.set(dcm::pixel_spacing, {spacing[1], spacing[0]})
      .set(dcm::slice_thickness, spacing[2])
      .set(dcm::orientation, {1, 0, 0, 0, 1, 0});
  return out;
}

Bytes ct_pixels(std::span<std::int16_t const> plane) {
  Bytes out;
  out.reserve(2 * plane.size());
  for (auto const value : plane) {
    auto const stored = value + 1024;
    out.push_back(static_cast<std::byte>(stored & 255));
    out.push_back(static_cast<std::byte>(stored >> 8));
  }
  return out;
}

void ct_write_series(fs::path const& folder,
                     PhantomCt const& options,
                     int patient,
                     Volume const& image) {
  auto const& grid = image.grid();
  auto const head = ct_head(options, patient, grid);
  auto const plane = static_cast<std::size_t>(grid.size[0] * grid.size[1]);
  for (std::int64_t k = 0; k < grid.size[2]; ++k) {
    auto slice = head;
    auto const place = grid.point_of({{0, 0, static_cast<double>(k)}}).mm;
    slice.set(dcm::instance_number, k + 1)
        .set(dcm::position, std::span<double const>{place})
        .set(dcm::make(0x00201041, "DS"), place[2])
        .set(dcm::make(0x7fe00010, "OW"), ct_pixels(image.as<std::int16_t>().subspan(
                                              static_cast<std::size_t>(k) * plane, plane)));
    identify(slice);
    auto number = text(k + 1);
    number.insert(0, 4 - number.size(), '0');
    write_dicom(folder / (number + ".dcm"), slice);
  }
}

}  // namespace

PhantomCtCase phantom_ct(PhantomCt const& options, int patient) {
  ct_check(options);
  CtBody const body{ct_rng(options, patient, 0)};
  auto const scan = ct_scan(options, patient);
  Volume image{scan.grid, Type::i16, Unit::hounsfield};
  Volume labels{scan.grid, Type::u8};
  auto const plane = static_cast<std::size_t>(options.size * options.size);
  for (std::int64_t k = 0; k < options.slices; ++k) {
    auto const from = static_cast<std::size_t>(k) * plane;
    ct_slice(body, scan, k, ct_rng(options, patient, 3, static_cast<std::uint64_t>(k)),
             image.write<std::int16_t>().subspan(from, plane),
             labels.write<std::uint8_t>().subspan(from, plane));
  }
  PhantomCtCase out{image, {labels}};
  for (auto const name : phantom_ct_structures) {
    auto segment = segment_named(name);
    segment.value = static_cast<std::int64_t>(out.truth.segments.size()) + 1;
    segment.provenance = {MadeBy::program, "Phantom", std::string{version}, {}};
    out.truth.segments.push_back(std::move(segment));
  }
  return out;
}

void write_phantom_ct_patient(fs::path const& folder,
                              fs::path const& truth,
                              PhantomCt const& options,
                              int patient,
                              Stop const& stop) {
  auto const made = phantom_ct(options, patient);
  ct_expect_empty(folder);
  ct_write_series(folder, options, patient, made.image);
  if (truth.empty()) return;
  auto const found = find_series(files_below(folder, stop), 1);
  write_dicom(truth, dicom_seg(made.truth, result_source(found.series.at(0)),
                               {.description = "Truth", .series_number = 100}));
}

void write_phantom_ct(fs::path const& folder, PhantomCt const& options, Stop const& stop) {
  ct_check(options);
  ct_expect_empty(folder);
  in_parallel(options.train + options.test, usable_cores(), [&](std::int64_t i) {
    heed(stop);
    auto const patient = static_cast<int>(i) + 1;
    auto const place =
        folder / (patient <= options.train ? "train" : "test") / ("p" + ct_two_digits(patient));
    write_phantom_ct_patient(place, place / "segmentation.dcm", options, patient, stop);
  });
}

}  // namespace fovea
