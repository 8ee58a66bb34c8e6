#include "base/io/dicom_moment.hpp"

#include "base/dicom/clock.hpp"

#include <algorithm>
#include <cmath>

namespace fovea {
namespace {

constexpr Tag moment_acquisition_date{0x00080022};
constexpr Tag moment_content_date{0x00080023};
constexpr Tag moment_acquired{0x0008002a};
constexpr Tag moment_content_time{0x00080033};
constexpr Tag moment_diffusion{0x00189117};
constexpr Tag moment_directionality{0x00189075};
constexpr Tag moment_directions{0x00189076};
constexpr Tag moment_direction{0x00189089};
constexpr Tag moment_duration{0x00181242};

std::optional<double> moment_clock(DicomItem const& image, Tag date, Tag time) {
  auto const clock = seconds_of_time(image.text(time));
  if (!clock) return std::nullopt;
  return *clock + seconds_of_date(image.text(date)).value_or(0);
}

std::optional<double> moment_acquired_at(DicomItem const& image) {
  if (auto const at = moment_clock(image, moment_acquisition_date, Tag::acquisition_time))
    return at;
  auto const whole = date_time_of(image.text(moment_acquired));
  return whole ? std::optional{whole->seconds} : std::nullopt;
}

using MomentDirection = std::optional<std::array<double, 3>>;

MomentDirection moment_vector(std::optional<std::vector<double>> const& parts) {
  if (!parts || parts->size() != 3) return std::nullopt;
  std::array<double, 3> out{};
  std::ranges::copy(*parts, out.begin());
  auto const nothing = std::ranges::all_of(out, [](double part) { return part == 0; });
  return nothing ? std::nullopt : std::optional{out};
}

std::optional<std::vector<double>> moment_owned(DicomItem const& image,
                                                std::uint16_t group,
                                                std::string_view creator,
                                                std::uint8_t element,
                                                Vr usual) {
  auto const tag = image.owned(group, creator, element);
  return tag ? image.numbers(*tag, usual) : std::nullopt;
}

void moment_siemens(DicomItem const& image, DicomMoment& out) {
  constexpr std::string_view creator = "SIEMENS MR HEADER";
  auto const b = moment_owned(image, 0x0019, creator, 0x0c, vr("IS"));
  if (!b || b->front() < 0) return;
  out.b_value = b->front();
  out.gradient = moment_vector(moment_owned(image, 0x0019, creator, 0x0e, vr("FD")));
}

void moment_philips(DicomItem const& image, DicomMoment& out) {
  constexpr std::string_view creator = "Philips Imaging DD 001";
  auto const b = moment_owned(image, 0x2001, creator, 0x03, vr("FL"));
  if (!b || b->front() < 0) return;
  out.b_value = b->front();
  auto const direction = image.owned(0x2001, creator, 0x04);
  out.isotropic = direction && image.text(*direction) == "I";
  std::vector<double> parts;  // right to left, front to back, foot to head
  for (std::uint8_t element = 0xb0; element <= 0xb2; ++element) {
    auto const part =
        moment_owned(image, 0x2005, "Philips MR Imaging DD 001", element, vr("FL"));
    if (part) parts.push_back(part->front());
  }
  if (!out.isotropic) out.gradient = moment_vector(parts);
}

void moment_ge(DicomItem const& image, DicomMoment& out) {
  auto const all = moment_owned(image, 0x0043, "GEMS_PARM_01", 0x39, vr("IS"));
  // Newer scanners add a large round number.
  constexpr double offset = 1e5;
  if (all && all->front() >= 0) out.b_value = std::fmod(all->front(), offset);
}

}  // namespace

void add_diffusion(DicomItem const& item, DicomMoment& out) {
  auto const b = item.numbers(Tag::b_value);
  if (!b || b->front() < 0) return;
  out.b_value = b->front();
  out.isotropic = item.text(moment_directionality) == "ISOTROPIC";
  out.gradient = moment_vector(item.numbers(moment_direction, vr("FD")));
  auto const inside = item.items(moment_directions);
  if (!out.gradient && inside.size() == 1)
    out.gradient = moment_vector(inside.front().numbers(moment_direction, vr("FD")));
  if (out.b_value == 0) {
    out.gradient.reset();
    out.isotropic = false;
  }
}

DicomMoment moment_of(DicomItem const& image) {
  DicomMoment out{.echo_time = image.number(Tag::echo_time),
                  .echo = image.number(Tag::echo_number),
                  .time_point = image.number(Tag::time_point),
                  .acquisition = image.number(Tag::acquisition_number),
                  .trigger = image.number(Tag::trigger_time),
                  .acquired = moment_acquired_at(image),
                  .made = moment_clock(image, moment_content_date, moment_content_time),
                  .duration = image.number(moment_duration)};
  if (out.duration) *out.duration /= 1000;
  auto const nested = image.items(moment_diffusion);
  add_diffusion(nested.size() == 1 ? nested.front() : image, out);
  if (!out.b_value) moment_siemens(image, out);
  if (!out.b_value) moment_philips(image, out);
  if (!out.b_value) moment_ge(image, out);
  if (out.b_value == 0) {
    out.gradient.reset();
    out.isotropic = false;
  }
  return out;
}

}  // namespace fovea
