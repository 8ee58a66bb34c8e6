#include "base/io/transform.hpp"

#include "base/core/refusal.hpp"
#include "base/core/words.hpp"
#include "base/io/formats.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace fovea {
namespace {

constexpr std::uint64_t transform_limit = 64U << 10;

using TransformRows = std::array<std::array<double, 3>, 3>;

[[noreturn]] void transform_refuse(std::string_view code,
                                   std::string_view name,
                                   std::string const& found) {
  throw Refusal{code, text(name, ": ", found),
                "give ITK's text (AffineTransform), or 4 x 4 numbers, LPS, mm"};
}

std::vector<double> transform_numbers(std::string_view words, std::string_view name) {
  std::vector<double> out;
  for (std::size_t at = 0; at < words.size();) {
    auto const blank = [&] {
      return std::string_view{" \t\r\n,;[]"}.find(words[at]) != std::string_view::npos;
    };
    if (blank()) {
      ++at;
      continue;
    }
    auto const begin = at;
    while (at < words.size() && !blank()) ++at;
    auto const value = number(words.substr(begin, at - begin));
    if (!value)
      transform_refuse(
          "bad-transform", name,
          text("expected a finite number, got '",
               printable(words.substr(begin, std::min<std::size_t>(at - begin, 40)), {}), "'"));
    out.push_back(*value);
  }
  return out;
}

Affine transform_plain(std::string_view words, std::string_view name) {
  auto const numbers = transform_numbers(words, name);
  if (numbers.size() != 16 && numbers.size() != 12)
    transform_refuse("bad-transform", name,
                     text("expected 4 x 4 or 3 x 4 numbers, got ", numbers.size()));
  constexpr std::array last{0.0, 0.0, 0.0, 1.0};
  if (numbers.size() == 16 && !std::equal(last.begin(), last.end(), numbers.begin() + 12))
    transform_refuse("bad-transform", name, "expected 0 0 0 1 as the last row");
  Affine out;
  for (std::size_t row = 0; row < 3; ++row) {
    std::copy_n(numbers.begin() + static_cast<std::ptrdiff_t>(4 * row), 3,
                out.matrix[row].begin());
    out.offset[row] = numbers[4 * row + 3];
  }
  return out;
}

// --- ITK

TransformRows transform_product(TransformRows const& a, TransformRows const& b) {
  return composed({b, {}}, {a, {}}).matrix;
}

// About an axis, radians.
TransformRows transform_about(std::size_t axis, double angle) {
  TransformRows out = Affine{}.matrix;
  auto const a = (axis + 1) % 3;
  auto const b = (axis + 2) % 3;
  out[a][a] = out[b][b] = std::cos(angle);
  out[b][a] = std::sin(angle);
  out[a][b] = -out[b][a];
  return out;
}

// A versor is the vector part of a unit quaternion.
TransformRows transform_versor(double x, double y, double z, std::string_view name) {
  auto const square = x * x + y * y + z * z;
  if (square > 1)
    transform_refuse("bad-transform", name, "expected a versor of length 1 or less");
  auto const w = std::sqrt(1 - square);
  return {{{{1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)}},
           {{2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)}},
           {{2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)}}}};
}

// matrix * (place - centre) + centre + shift
Affine transform_centred(TransformRows const& matrix,
                         std::span<double const> centre,
                         std::span<double const> shift) {
  Affine out{matrix, {}};
  for (std::size_t row = 0; row < 3; ++row) {
    out.offset[row] = shift[row] + centre[row];
    for (std::size_t column = 0; column < 3; ++column)
      out.offset[row] -= matrix[row][column] * centre[column];
  }
  return out;
}

struct TransformPart {
  std::string kind;
  std::vector<double> parameters, fixed;
};

struct TransformKind {
  std::string_view name;
  std::size_t parameters, fixed;
  Affine (*affine)(TransformPart const& part, std::string_view name);
};

Affine transform_matrix(TransformPart const& part, std::string_view) {
  TransformRows matrix{};
  for (std::size_t n = 0; n < 9; ++n) matrix[n / 3][n % 3] = part.parameters[n];
  return transform_centred(matrix, part.fixed, std::span{part.parameters}.subspan(9));
}

Affine transform_euler(TransformPart const& part, std::string_view) {
  auto const x = transform_about(0, part.parameters[0]);
  auto const y = transform_about(1, part.parameters[1]);
  auto const z = transform_about(2, part.parameters[2]);
  // A fourth fixed number is ITK's ComputeZYX.
  auto const zyx = part.fixed.size() == 4 && part.fixed[3] != 0;
  auto const matrix = zyx ? transform_product(z, transform_product(y, x))
                          : transform_product(z, transform_product(x, y));
  return transform_centred(matrix, part.fixed, std::span{part.parameters}.subspan(3));
}

constexpr TransformKind transform_kinds[] = {
    {"AffineTransform", 12, 3, transform_matrix},
    {"MatrixOffsetTransformBase", 12, 3, transform_matrix},
    {"Euler3DTransform", 6, 3, transform_euler},
    {"VersorRigid3DTransform", 6, 3,
     [](TransformPart const& part, std::string_view name) {
       auto const& p = part.parameters;
       return transform_centred(transform_versor(p[0], p[1], p[2], name), part.fixed,
                                std::span{p}.subspan(3));
     }},
    {"TranslationTransform", 3, 0,
     [](TransformPart const& part, std::string_view) {
       Affine out;
       std::ranges::copy(part.parameters, out.offset.begin());
       return out;
     }},
    {"IdentityTransform", 0, 0,
     [](TransformPart const&, std::string_view) { return Affine{}; }}};

Affine transform_of(TransformPart const& part, std::string_view name) {
  auto const parts = split(part.kind, '_');
  auto const size = parts.size();
  auto const kind =
      std::ranges::find(transform_kinds, std::string_view{parts[0]}, &TransformKind::name);
  auto const solid = size == 4 && parts[2] == "3" && parts[3] == "3" &&
                     (parts[1] == "double" || parts[1] == "float");
  if (kind == std::end(transform_kinds) || !solid)
    transform_refuse(
        "unsupported-transform", name,
        text("a transform of the kind '",
             printable(std::string_view{part.kind}.substr(0, 60), {}), "' is not read"));
  auto const euler = kind->affine == transform_euler && part.fixed.size() == 4;
  if (part.parameters.size() != kind->parameters ||
      (part.fixed.size() != kind->fixed && !euler && kind->fixed != 0))
    transform_refuse(
        "bad-transform", name,
        text("expected ", kind->parameters, " parameters and ", kind->fixed,
             " fixed ones, got ", part.parameters.size(), " and ", part.fixed.size()));
  return kind->affine(part, name);
}

std::vector<TransformPart> transform_parts(std::string_view words, std::string_view name) {
  std::vector<TransformPart> out;
  for (auto const& line : split(words, '\n')) {
    auto const plain = trimmed(line);
    if (plain.empty() || plain.front() == '#') continue;
    auto const colon = plain.find(':');
    auto const key = plain.substr(0, colon);
    auto const value =
        colon == std::string_view::npos ? std::string_view{} : trimmed(plain.substr(colon + 1));
    if (key == "Transform")
      out.push_back({std::string{value}, {}, {}});
    else if (!out.empty() && key == "Parameters")
      out.back().parameters = transform_numbers(value, name);
    else if (!out.empty() && key == "FixedParameters")
      out.back().fixed = transform_numbers(value, name);
    else
      transform_refuse(
          "bad-transform", name,
          text("unknown line '",
               printable(plain.substr(0, std::min<std::size_t>(40, plain.size())), {}), "'"));
  }
  return out;
}

Affine transform_itk(std::string_view words, std::string_view name) {
  auto const parts = transform_parts(words, name);
  auto const composite =
      !parts.empty() && parts.front().kind.starts_with("CompositeTransform_");
  if (parts.empty() || (parts.size() > 1 && !composite))
    transform_refuse("unsupported-transform", name,
                     text("expected one transform or a composite, got ", parts.size()));
  if (!composite) return transform_of(parts.front(), name);
  Affine out;
  // ITK's composite is a stack: what was put on last is done first.
  for (auto part = parts.rbegin(); part + 1 != parts.rend(); ++part)
    out = composed(out, transform_of(*part, name));
  return out;
}

void transform_expect_finite(Affine const& affine, std::string_view name) {
  auto good = std::ranges::all_of(affine.offset, [](double v) { return std::isfinite(v); });
  for (auto const& row : affine.matrix)
    good = good && std::ranges::all_of(row, [](double v) { return std::isfinite(v); });
  if (!good) transform_refuse("bad-transform", name, "its numbers are too large together");
}

bool transform_is_image(fs::path const& file) {
  auto const name = lower(file.filename().string());
  constexpr std::string_view endings[] = {".nii", ".nii.gz", ".hdr",  ".img",
                                          ".mha", ".mhd",    ".nrrd", ".nhdr"};
  return std::ranges::any_of(endings, [&](auto ending) { return name.ends_with(ending); });
}

Displacement transform_field(fs::path const& file, ImageLimits const& limits) {
  auto const image = in_lps(read_volume(file, limits));
  if (!image.placed())
    throw Refusal{"no-position", text(file, ": expected a field with a place in the patient"),
                  "write it with its affine"};
  auto const& volume = image.volume;
  if (volume.channels() != 3 || volume.type() == Type::f64 || volume.type() == Type::f32)
    return Displacement{volume};
  Volume mm{volume.grid(), Type::f64, Unit::arbitrary, 3};
  with_type(volume.type(), [&](auto zero) {
    std::ranges::transform(volume.as<decltype(zero)>(), mm.write<double>().begin(),
                           [](auto value) { return static_cast<double>(value); });
  });
  return Displacement{mm};
}

}  // namespace

Affine decode_affine(std::string_view words, std::string_view name) {
  if (words.size() > transform_limit)
    transform_refuse("too-large", name,
                     text("expected at most ", transform_limit, " bytes, got ", words.size()));
  auto const start = trimmed(words);
  if (start.empty()) transform_refuse("not-a-transform", name, "it is empty");
  auto const itk = start.starts_with("#Insight Transform File");
  if (!itk && std::string_view{"+-.0123456789["}.find(start.front()) == std::string_view::npos)
    transform_refuse("not-a-transform", name, "neither ITK's text nor numbers");
  auto const out = itk ? transform_itk(start, name) : transform_plain(start, name);
  transform_expect_finite(out, name);
  return out;
}

Warp read_warp(fs::path const& file, ImageLimits const& limits) {
  if (transform_is_image(file)) return Warp{transform_field(file, limits)};
  return Warp{decode_affine(read_text(file, transform_limit), file.filename().string())};
}

std::string encode_affine(Affine const& affine) {
  std::vector<std::string> numbers;
  for (auto const& row : affine.matrix) {
    for (auto const value : row) numbers.push_back(spelled(value));
  }
  for (auto const value : affine.offset) numbers.push_back(spelled(value));
  return text("#Insight Transform File V1.0\n#Transform 0\n",
              "Transform: AffineTransform_double_3_3\nParameters: ", joined(numbers, " "),
              "\nFixedParameters: 0 0 0\n");
}

}  // namespace fovea
