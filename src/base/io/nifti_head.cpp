#include "base/io/nifti_head.hpp"

#include "base/core/words.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace fovea {
namespace {

constexpr NiftiType nifti_types[] = {
    {2, Type::u8, 1},    {4, Type::i16, 1},    {8, Type::i32, 1},    {16, Type::f32, 1},
    {64, Type::f64, 1},  {128, Type::u8, 3},   {256, Type::i8, 1},   {512, Type::u16, 1},
    {768, Type::u32, 1}, {1024, Type::i64, 1}, {1280, Type::u64, 1}, {2304, Type::u8, 4}};

struct NiftiOther {
  int code;
  std::string_view name;
};
constexpr NiftiOther nifti_others[] = {{0, "unknown"},
                                       {1, "1 bit"},
                                       {32, "complex numbers"},
                                       {1536, "long double"},
                                       {1792, "complex numbers"},
                                       {2048, "complex numbers"}};

// Where each field lies, and as what: version 1 first, then 2.
struct NiftiPlaces {
  std::size_t dim, pixdim, datatype, bitpix, offset, slope, intercept, units, intent, qform,
      sform, quaternion, shift, affine, magic, description;
};
constexpr NiftiPlaces nifti_places[] = {
    {40, 76, 70, 72, 108, 112, 116, 123, 68, 252, 254, 256, 268, 280, 344, 148},
    {16, 104, 12, 14, 168, 176, 184, 500, 504, 344, 348, 352, 376, 400, 4, 240}};

class NiftiFields {
 public:
  NiftiFields(std::span<std::byte const> bytes, bool big) : bytes_(bytes), big_(big) {}

  template <class T>
  T get(std::size_t at) const {
    std::array<std::byte, sizeof(T)> raw{};
    std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at), sizeof(T), raw.begin());
    if (big_) std::ranges::reverse(raw);
    return std::bit_cast<T>(raw);
  }
  std::string_view words(std::size_t at, std::size_t count) const {
    return {reinterpret_cast<char const*>(bytes_.data()) + at, count};
  }

 private:
  std::span<std::byte const> bytes_;
  bool big_;
};

// The types of version 1 and 2: sizes, real numbers, codes.
template <class Size, class Real, class Code>
NiftiHead nifti_fields(NiftiFields const& fields, NiftiPlaces const& places) {
  NiftiHead head;
  for (std::size_t a = 0; a < 8; ++a) {
    head.dim[a] = fields.get<Size>(places.dim + a * sizeof(Size));
    head.pixdim[a] = fields.get<Real>(places.pixdim + a * sizeof(Real));
  }
  head.datatype = fields.get<std::int16_t>(places.datatype);
  head.bitpix = fields.get<std::int16_t>(places.bitpix);
  head.slope = fields.get<Real>(places.slope);
  head.intercept = fields.get<Real>(places.intercept);
  head.intent = fields.get<Code>(places.intent);
  head.qform = fields.get<Code>(places.qform);
  head.sform = fields.get<Code>(places.sform);
  for (std::size_t r = 0; r < 3; ++r) {
    head.quaternion[r] = fields.get<Real>(places.quaternion + r * sizeof(Real));
    head.shift[r] = fields.get<Real>(places.shift + r * sizeof(Real));
    for (std::size_t c = 0; c < 4; ++c)
      head.affine[r][c] = fields.get<Real>(places.affine + (4 * r + c) * sizeof(Real));
  }
  return head;
}

class NiftiWriter {
 public:
  explicit NiftiWriter(std::size_t size) : bytes_(size) {}
  template <class T, class From>
  void put(std::size_t at, From value) {
    auto const typed = static_cast<T>(value);
    std::memcpy(bytes_.data() + at, &typed, sizeof(T));
  }
  void words(std::size_t at, std::string_view text) {
    std::memcpy(bytes_.data() + at, text.data(), text.size());
  }
  Bytes take() { return std::move(bytes_); }

 private:
  Bytes bytes_;
};

template <class Size, class Real, class Code>
void nifti_put(NiftiWriter& out, NiftiHead const& head, NiftiPlaces const& places) {
  for (std::size_t a = 0; a < 8; ++a) {
    out.put<Size>(places.dim + a * sizeof(Size), head.dim[a]);
    out.put<Real>(places.pixdim + a * sizeof(Real), head.pixdim[a]);
  }
  out.put<std::int16_t>(places.datatype, head.datatype);
  out.put<std::int16_t>(places.bitpix, head.bitpix);
  out.put<Real>(places.slope, head.slope);
  out.put<Real>(places.intercept, head.intercept);
  out.put<Code>(places.intent, head.intent);
  out.put<Code>(places.qform, head.qform);
  out.put<Code>(places.sform, head.sform);
  for (std::size_t r = 0; r < 3; ++r) {
    out.put<Real>(places.quaternion + r * sizeof(Real), head.quaternion[r]);
    out.put<Real>(places.shift + r * sizeof(Real), head.shift[r]);
    for (std::size_t c = 0; c < 4; ++c)
      out.put<Real>(places.affine + (4 * r + c) * sizeof(Real), head.affine[r][c]);
  }
}

[[noreturn]] void nifti_no_header(std::string const& found) {
  throw Refusal{"not-nifti", text("expected a NIfTI file, got ", found),
                "check that it is the right file"};
}

}  // namespace

NiftiHead parse_nifti_head(std::span<std::byte const> bytes) {
  if (bytes.size() < 348) nifti_no_header(text(bytes.size(), " bytes"));
  auto const length = NiftiFields{bytes, false}.get<std::int32_t>(0);
  auto const turned = NiftiFields{bytes, true}.get<std::int32_t>(0);
  auto const big = turned == 348 || turned == 540;
  auto const first = length == 348 || turned == 348;
  if (!first && length != 540 && !big) nifti_no_header("other bytes");
  NiftiFields const fields{bytes, big};
  auto const& places = nifti_places[first ? 0 : 1];
  using namespace std::string_view_literals;
  auto const magic = fields.words(places.magic, first ? 4 : 8);
  auto const single = magic == (first ? "n+1\0"sv : "n+2\0\r\n\x1a\n"sv);
  auto const pair = magic == (first ? "ni1\0"sv : "ni2\0\r\n\x1a\n"sv);
  if (first && !single && !pair)
    throw Refusal{"analyze",
                  "expected a NIfTI file, got one of the Analyze kind, which does not say what "
                  "is left and what is right",
                  "convert it with the program that wrote it"};
  if (bytes.size() < (first ? 348U : 540U) || (!single && !pair))
    nifti_no_header("a header that breaks off or does not say so");
  auto head = first ? nifti_fields<std::int16_t, float, std::int16_t>(fields, places)
                    : nifti_fields<std::int64_t, double, std::int32_t>(fields, places);
  head.version = first ? 1 : 2;
  head.big = big;
  head.single = single;
  head.units =
      first ? fields.get<std::uint8_t>(places.units) : fields.get<std::int32_t>(places.units);
  head.offset = first ? static_cast<double>(fields.get<float>(places.offset))
                      : static_cast<double>(fields.get<std::int64_t>(places.offset));
  return head;
}

Bytes encode_nifti_head(NiftiHead const& head) {
  using namespace std::string_view_literals;
  auto const first = head.version == 1;
  auto const& places = nifti_places[first ? 0 : 1];
  NiftiWriter out{head.length()};
  out.put<std::int32_t>(0, head.length());
  if (first) {
    nifti_put<std::int16_t, float, std::int16_t>(out, head, places);
    out.put<float>(places.offset, head.offset);
    out.put<std::uint8_t>(places.units, head.units);
    out.put<std::uint8_t>(38, 'r');  // "regular": some old readers look for it
    out.words(places.magic, head.single ? "n+1\0"sv : "ni1\0"sv);
  } else {
    nifti_put<std::int64_t, double, std::int32_t>(out, head, places);
    out.put<std::int64_t>(places.offset, head.offset);
    out.put<std::int32_t>(places.units, head.units);
    out.words(places.magic, head.single ? "n+2\0\r\n\x1a\n"sv : "ni2\0\r\n\x1a\n"sv);
  }
  out.words(places.description, "Fovea");
  return out.take();
}

NiftiType nifti_type(int code) {
  auto const row = std::ranges::find(nifti_types, code, &NiftiType::code);
  if (row != std::end(nifti_types)) return *row;
  auto const other = std::ranges::find(nifti_others, code, &NiftiOther::code);
  throw Refusal{"unsupported-type",
                text("expected voxels of whole or real numbers, RGB or RGBA, got ",
                     other != std::end(nifti_others) ? other->name : "a code nobody knows",
                     " (datatype ", code, ")"),
                "convert them, complex numbers to magnitude and phase, say"};
}

int nifti_code(Type type, std::int64_t samples) {
  auto const row = std::ranges::find_if(nifti_types, [&](auto const& known) {
    return known.type == type && known.samples == samples;
  });
  if (row == std::end(nifti_types))
    throw Error{Fault::bug,
                text("NIfTI has no type for ", samples, " colours of ", name_of(type)),
                "convert them to u8 first"};
  return row->code;
}

// In long double and in nibabel's order of operations, so that both give the same bits.
std::optional<NiftiAffine> nifti_qform(NiftiHead const& head) {
  using Wide = long double;
  for (auto const value : {head.quaternion[0], head.quaternion[1], head.quaternion[2],
                           head.shift[0], head.shift[1], head.shift[2]}) {
    if (!std::isfinite(value)) return std::nullopt;
  }
  for (std::size_t a = 1; a <= 3; ++a) {
    if (!(head.pixdim[a] > 0) || !std::isfinite(head.pixdim[a])) return std::nullopt;
  }
  Wide const x = head.quaternion[0];
  Wide const y = head.quaternion[1];
  Wide const z = head.quaternion[2];
  auto const left = Wide{1} - (x * x + y * y + z * z);
  // Stored in so few digits, a half turn may look like a little more or less than one, which
  // would turn the axes by up to 0.03 degrees.
  auto const rounding = 3 * (head.version == 1 ? Wide{std::numeric_limits<float>::epsilon()}
                                               : Wide{std::numeric_limits<double>::epsilon()});
  if (left <= -rounding) return std::nullopt;
  auto const w = left < rounding ? Wide{0} : std::sqrt(left);
  auto const s = Wide{2} / (w * w + x * x + y * y + z * z);
  auto const by_x = x * s;
  auto const by_y = y * s;
  auto const by_z = z * s;
  Wide const turn[3][3] = {
      {1 - (y * by_y + z * by_z), x * by_y - w * by_z, x * by_z + w * by_y},
      {x * by_y + w * by_z, 1 - (x * by_x + z * by_z), y * by_z - w * by_x},
      {x * by_z - w * by_y, y * by_z + w * by_x, 1 - (x * by_x + y * by_y)}};
  NiftiAffine affine{};
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t c = 0; c < 3; ++c) {
      auto const mirrored = c == 2 && head.pixdim[0] == -1;
      affine[r][c] = static_cast<double>(turn[r][c] *
                                         Wide{mirrored ? -head.pixdim[3] : head.pixdim[c + 1]});
    }
    affine[r][3] = head.shift[r];
  }
  return affine;
}

void set_nifti_qform(NiftiHead& head, NiftiAffine const& affine) {
  double turn[3][3];
  for (std::size_t c = 0; c < 3; ++c) {
    auto const along = std::sqrt(affine[0][c] * affine[0][c] + affine[1][c] * affine[1][c] +
                                 affine[2][c] * affine[2][c]);
    head.pixdim[c + 1] = along;
    for (std::size_t r = 0; r < 3; ++r) turn[r][c] = affine[r][c] / along;
  }
  auto const volume = turn[0][0] * (turn[1][1] * turn[2][2] - turn[1][2] * turn[2][1]) -
                      turn[0][1] * (turn[1][0] * turn[2][2] - turn[1][2] * turn[2][0]) +
                      turn[0][2] * (turn[1][0] * turn[2][1] - turn[1][1] * turn[2][0]);
  head.pixdim[0] = volume < 0 ? -1 : 1;
  if (volume < 0) {
    for (auto& row : turn) row[2] = -row[2];
  }
  for (std::size_t r = 0; r < 3; ++r) head.shift[r] = affine[r][3];
  // The largest of w, x, y, z is computed first: the others are divided by it.
  double const squares[4] = {
      turn[0][0] + turn[1][1] + turn[2][2], turn[0][0] - turn[1][1] - turn[2][2],
      turn[1][1] - turn[0][0] - turn[2][2], turn[2][2] - turn[0][0] - turn[1][1]};
  auto const most = std::ranges::max_element(squares) - squares;
  auto const four = 2 * std::sqrt(std::max(0.0, 1 + squares[most]));
  double quaternion[4] = {};
  quaternion[most] = four / 4;
  auto const sum = [&](std::size_t a, std::size_t b) {
    return (turn[a][b] + turn[b][a]) / four;
  };
  auto const difference = [&](std::size_t a, std::size_t b) {
    return (turn[a][b] - turn[b][a]) / four;
  };
  double const odd[3] = {difference(2, 1), difference(0, 2), difference(1, 0)};
  if (most == 0) {
    std::ranges::copy(odd, quaternion + 1);
  } else {
    auto const own = static_cast<std::size_t>(most - 1);
    quaternion[0] = odd[own];
    for (std::size_t a = 0; a < 3; ++a) {
      if (a != own) quaternion[a + 1] = sum(own, a);
    }
  }
  for (std::size_t a = 0; a < 3; ++a)
    head.quaternion[a] = quaternion[0] < 0 ? -quaternion[a + 1] : quaternion[a + 1];
}

fs::path nifti_beside(fs::path const& file, std::string_view ending, std::string_view other) {
  auto name = file.filename().string();
  auto const at = lower(name).rfind(ending);
  auto const capitals = name[at + 1] != lower(name)[at + 1];
  std::string put{other};
  if (capitals) {
    for (auto& letter : put) letter = letter >= 'a' ? static_cast<char>(letter - 32) : letter;
  }
  name.replace(at, ending.size(), put);
  return file.parent_path() / name;
}

}  // namespace fovea
