// make_values FOLDER KIND: phantom series whose numbers and volumes mean something, for the
// tests of the programs: pet, pet-unsure, time, cine, echoes, phases, dwi-PLANE and
// siemens-PLANE, philips-PLANE (PLANE: axial, sagittal, coronal, oblique), trace.
#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/dicom/made/phantom.hpp"

#include <cmath>
#include <iostream>

namespace fovea {
namespace {

using ValuesVector = std::array<double, 3>;

constexpr std::int64_t values_slices = 3;

ValuesVector values_cross(ValuesVector const& a, ValuesVector const& b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}

struct ValuesPlane {
  ValuesVector row{1, 0, 0}, column{0, 1, 0};
};

ValuesPlane values_plane(std::string_view name) {
  if (name == "sagittal") return {{0, 1, 0}, {0, 0, -1}};
  if (name == "coronal") return {{1, 0, 0}, {0, 0, -1}};
  // Turned about two axes.
  if (name == "oblique") return {{0.8, 0.6, 0}, {-0.48, 0.64, 0.6}};
  return {};
}

std::string values_doubles(ValuesVector const& values) {
  std::string out(3 * sizeof(double), '\0');
  std::memcpy(out.data(), values.data(), out.size());
  return out;
}

std::string values_float(double value) {
  auto const single = static_cast<float>(value);
  std::string out(sizeof single, '\0');
  std::memcpy(out.data(), &single, sizeof single);
  return out;
}

class ValuesSeries {
 public:
  explicit ValuesSeries(fs::path folder) : folder_(std::move(folder)) { make_folder(folder_); }

  MadeSlice slice(std::int64_t k, ValuesPlane const& plane = {}) const {
    MadeSlice out;
    out.sop_class = "1.2.840.10008.5.1.4.1.1.4";
    out.modality = "MR";
    out.rows = 16;
    out.columns = 12;
    out.slope = out.intercept = "";
    out.orientation = made_decimals({plane.row[0], plane.row[1], plane.row[2], plane.column[0],
                                     plane.column[1], plane.column[2]});
    auto const normal = values_cross(plane.row, plane.column);
    auto const away = 2.5 * static_cast<double>(k);
    out.at(-10 + away * normal[0], -20 + away * normal[1], 30 + away * normal[2]);
    put(out, 0x00080008, "ORIGINAL\\PRIMARY\\M\\ND");
    put(out, 0x00080022, "20240301");
    put(out, 0x00080031, "100000");
    put(out, 0x00080021, "20240301");
    put(out, 0x00081030, "Study / of ../all");
    put(out, 0x0008103e, "Made: a\\phantom");
    put(out, 0x00100010, "Doe^Jane");
    put(out, 0x00181030, "../../etc/passwd");
    put(out, 0x00200011, "7");
    put(out, 0x00180023, "2D");
    put(out, 0x00180050, "2.5");
    put(out, 0x00180081, "30");
    put(out, 0x00180080, "2000");
    put(out, 0x00181312, "COL");
    return out;
  }
  static void put(MadeSlice& slice, std::uint32_t tag, std::string const& value) {
    slice.parts.emplace_back(Tag{tag}, made_value(Tag{tag}, "LO", value));
  }
  static void put_time(MadeSlice& slice, double seconds) {
    auto const whole = static_cast<int>(seconds);
    put(slice, 0x00080032,
        text("10", whole / 600, whole / 60 % 10, whole % 60 / 10,
             fixed(seconds - 10 * (whole / 10), 3)));
  }
  void write(MadeSlice slice) {
    ++count_;
    slice.sop = text(slice.series, ".", count_);
    put(slice, 0x00200013, text(count_));
    // Names that are in no order.
    write_file(folder_ / text("im", count_ * 7919 % 1000, ".dcm"), slice.bytes());
  }

 private:
  fs::path folder_;
  int count_ = 0;
};

std::vector<std::uint16_t> values_pixels(std::int64_t k, std::int64_t t) {
  std::vector<std::uint16_t> out;
  for (int i = 0; i < 16 * 12; ++i)
    out.push_back(static_cast<std::uint16_t>((31 * i + 97 * k + 501 * t) % 4096));
  return out;
}

void values_pet(ValuesSeries& series, bool sure) {
  for (std::int64_t k = 0; k < values_slices; ++k) {
    auto slice = series.slice(k);
    slice.sop_class = "1.2.840.10008.5.1.4.1.1.128";
    slice.modality = "PT";
    slice.slope = spelled(0.5 + static_cast<double>(k));
    slice.intercept = "0";
    slice.pixels = values_pixels(k, 0);
    series.put_time(slice, 0);
    if (sure) series.put(slice, 0x00101030, "70");
    series.put(slice, 0x00280051, "DECY\\ATTN");
    series.put(slice, 0x00541001, "BQML");
    series.put(slice, 0x00541102, "ADMIN");
    slice.parts.emplace_back(
        Tag{0x00540016},
        made_sequence(Tag{0x00540016}, {made_value(Tag{0x00181074}, "DS", "350000000") +
                                        made_value(Tag{0x00181075}, "DS", "6586.2")}));
    series.write(slice);
  }
}

// Each time point is slower than the one before by a slice's time; slice by slice.
void values_time(ValuesSeries& series, std::string const& kind) {
  for (std::int64_t k = 0; k < values_slices; ++k) {
    for (std::int64_t t = 0; t < 4; ++t) {
      auto slice = series.slice(k);
      slice.pixels = values_pixels(k, t);
      auto const seconds = 2.5 * static_cast<double>(t) + 0.5 * static_cast<double>(k);
      if (kind == "time") series.put_time(slice, seconds);
      if (kind == "cine")
        series.put(slice, 0x00181060,
                   spelled(1000 * seconds / (1.0 + 0.1 * static_cast<double>(k))));
      if (kind == "echoes") series.put(slice, 0x00180081, text(10 + 20 * t));
      if (kind == "phases")
        series.put(slice, 0x00080008,
                   t % 2 == 0 ? "ORIGINAL\\PRIMARY\\M\\ND" : "ORIGINAL\\PRIMARY\\P\\ND");
      if (kind == "phases") series.put_time(slice, 5 * static_cast<double>(t / 2));
      series.write(slice);
    }
  }
}

void values_diffusion(MadeSlice& slice,
                      std::string const& maker,
                      double b,
                      ValuesVector const& g) {
  auto const add = [&](std::uint32_t tag, std::string_view kind, std::string const& value) {
    slice.parts.emplace_back(Tag{tag}, made_value(Tag{tag}, kind, value));
  };
  if (maker == "siemens") {
    add(0x00080070, "LO", "SIEMENS");
    add(0x00190010, "LO", "SIEMENS MR HEADER");
    add(0x0019100c, "IS", spelled(b));
    if (b > 0) add(0x0019100e, "FD", values_doubles(g));
    return;
  }
  if (maker == "philips") {
    add(0x00080070, "LO", "Philips Medical Systems");
    add(0x20010010, "LO", "Philips Imaging DD 001");
    add(0x20050010, "LO", "Philips MR Imaging DD 001");
    add(0x20011003, "FL", values_float(b));
    add(0x20011004, "CS", "O");
    for (std::uint32_t part = 0; part < 3; ++part)
      add(0x200510b0 + part, "FL", values_float(b > 0 ? g[part] : 0));
    return;
  }
  std::string number(sizeof b, '\0');
  std::memcpy(number.data(), &b, sizeof b);
  add(0x00189087, "FD", number);
  if (b > 0 && maker != "trace") add(0x00189089, "FD", values_doubles(g));
  if (b > 0 && maker == "trace") add(0x00189075, "CS", "ISOTROPIC");
}

void values_directions(ValuesSeries& series, std::string const& maker, std::string_view plane) {
  struct Volume {
    double b;
    ValuesVector g;
  };
  Volume const all[] = {
      {0, {}},           {1000, {1, 0, 0}},          {1000, {0, 1, 0}},
      {1000, {0, 0, 1}}, {1000, {0.6, -0.64, 0.48}}, {2000, {-0.36, 0.48, 0.8}}};
  std::int64_t t = 0;
  for (auto const& [b, g] : all) {
    for (std::int64_t k = 0; k < values_slices; ++k) {
      auto slice = series.slice(k, values_plane(plane));
      slice.pixels = values_pixels(k, t);
      values_diffusion(slice, maker, b, g);
      series.put_time(slice, 4.0 * static_cast<double>(t) + 0.5 * static_cast<double>(k));
      series.write(slice);
    }
    ++t;
  }
}

void values_write(fs::path const& folder, std::string const& kind) {
  ValuesSeries series{folder};
  if (kind.starts_with("pet")) return values_pet(series, kind == "pet");
  if (kind == "trace") return values_directions(series, kind, "axial");
  auto const parts = split(kind, '-');
  if (parts.size() == 2) return values_directions(series, parts[0], parts[1]);
  values_time(series, kind);
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) try {
  if (argc != 3) throw fovea::Error{fovea::Fault::usage, "expected FOLDER KIND", "give both"};
  fovea::values_write(argv[1], argv[2]);
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
