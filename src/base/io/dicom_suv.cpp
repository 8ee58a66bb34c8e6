#include "base/io/dicom_suv.hpp"

#include "base/core/words.hpp"
#include "base/dicom/clock.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace fovea {
namespace {

constexpr Tag suv_units{0x00541001};
constexpr Tag suv_type{0x00541006};
constexpr Tag suv_corrected{0x00280051};
constexpr Tag suv_decay{0x00541102};
constexpr Tag suv_tracers{0x00540016};
constexpr Tag suv_dose{0x00181074};
constexpr Tag suv_half_life{0x00181075};
constexpr Tag suv_start_time{0x00181072};
constexpr Tag suv_start_date_time{0x00181078};
constexpr Tag suv_nuclide{0x00540300};
constexpr Tag suv_code{0x00080100};
constexpr Tag suv_weight{0x00101030};
constexpr Tag suv_height{0x00101020};
constexpr Tag suv_sex{0x00100040};
constexpr Tag suv_series_date{0x00080021};
constexpr Tag suv_series_time{0x00080031};
constexpr Tag suv_acquisition_date{0x00080022};
constexpr Tag suv_acquisition_time{0x00080032};
constexpr Tag suv_acquisition{0x0008002a};
constexpr Tag suv_zone{0x00080201};
constexpr Tag suv_reference{0x00541300};
constexpr Tag suv_duration{0x00181242};

constexpr double suv_minute = 60;

[[noreturn]] void suv_refuse(std::string const& words) {
  throw Refusal{"suv-unsure", words, "convert it without --suv"};
}

std::optional<double> suv_date_time(DicomItem const& item, Tag date, Tag time) {
  auto const day = seconds_of_date(item.text(date));
  auto const clock = seconds_of_time(item.text(time));
  if (!day || !clock) return std::nullopt;
  return *day + *clock;
}

std::optional<double> suv_acquired(DicomItem const& item) {
  if (auto const said = suv_date_time(item, suv_acquisition_date, suv_acquisition_time))
    return said;
  auto const whole = date_time_of(item.text(suv_acquisition));
  if (!whole || whole->offset) return std::nullopt;
  return whole->seconds;
}

std::optional<double> suv_seconds(DicomItem const& item, Tag milliseconds) {
  auto const value = item.number(milliseconds);
  return value ? std::optional{*value / 1000} : std::nullopt;
}

void suv_injection(DicomItem const& image, DicomItem const& tracer, SuvFacts& out) {
  out.injected_time = seconds_of_time(tracer.text(suv_start_time));
  auto const said = date_time_of(tracer.text(suv_start_date_time));
  if (!said) return;
  out.injected = said->seconds;
  if (!said->offset) return;
  auto const here = seconds_of_offset(image.text(suv_zone));
  if (here)
    *out.injected += *here - *said->offset;
  else
    out.zone_unsure = true;
}

void suv_makers(DicomItem const& image, SuvFacts& out) {
  constexpr std::string_view philips = "Philips PET Private Group";
  auto const factor = [&](std::uint8_t element) -> std::optional<double> {
    auto const tag = image.owned(0x7053, philips, element);
    auto const all = tag ? image.numbers(*tag, vr("DS")) : std::nullopt;
    constexpr double most = 1e12;
    if (!all || all->size() != 1 || !(all->front() > 0) || all->front() > most)
      return std::nullopt;
    return all->front();
  };
  out.philips_suv = factor(0x00);
  out.philips_activity = factor(0x09);
  if (auto const tag = image.owned(0x0009, "GEMS_PETD_01", 0x0d)) {
    auto const said = date_time_of(image.text(*tag));
    if (said && !said->offset) out.started_ge = said->seconds;
  }
}

// --- from what an image says to the factor
// -------------------------------------------------------

// PET nuclides by their codes of today and of before (CID 4020), half-lives in seconds (ENSDF).
struct SuvNuclide {
  std::string_view code, old_code, name;
  double half_life;
};
constexpr SuvNuclide suv_nuclides[] = {
    {"77004003", "C-111A1", "F-18", 6586},    {"40565003", "C-105A1", "C-11", 1221.8},
    {"21576001", "C-107A1", "N-13", 597.9},   {"129504001", "C-B1038", "O-15", 122.2},
    {"35337001", "C-131A3", "Ga-68", 4062.6}, {"79197006", "C-159A2", "Rb-82", 75.45},
    {"3932008", "C-127A2", "Cu-64", 45722},   {"63360001", "C-168A4", "Zr-89", 282280},
    {"40937006", "C-114A5", "I-124", 360800}};

double suv_checked_half_life(SuvFacts const& facts) {
  if (!facts.half_life || *facts.half_life < 1)
    suv_refuse("expected a half-life of at least 1 s in (0018,1075), got none");
  constexpr double relative = 0.02;
  for (auto const& row : suv_nuclides) {
    if (facts.nuclide != row.code && facts.nuclide != row.old_code) continue;
    if (std::abs(*facts.half_life - row.half_life) > relative * row.half_life)
      suv_refuse(text("expected the half-life of ", row.name, ", ", row.half_life,
                      " s, in (0018,1075), got ", spelled(*facts.half_life)));
  }
  return *facts.half_life;
}

double suv_checked_dose(SuvFacts const& facts) {
  constexpr double least = 1e5;  // Bq; what is below is MBq that was written as it is
  constexpr double most = 1e11;
  if (!facts.dose) suv_refuse("expected the dose in Bq in (0018,1074), got none");
  if (*facts.dose < least || *facts.dose > most)
    suv_refuse(text("expected a dose of 100 kBq to 100 GBq, in Bq, in (0018,1074), got ",
                    spelled(*facts.dose)));
  return *facts.dose;
}

double suv_checked_weight(SuvFacts const& facts) {
  constexpr double most = 700;
  if (!facts.weight || !(*facts.weight > 0) || *facts.weight > most)
    suv_refuse(text("expected a weight in kg in (0010,1030), got ",
                    facts.weight ? spelled(*facts.weight) : std::string{"none"}));
  return *facts.weight;
}

double suv_checked_height(SuvFacts const& facts) {
  constexpr double least = 0.2;
  constexpr double most = 2.8;
  if (!facts.height || *facts.height < least || *facts.height > most)
    suv_refuse(text("expected a height in m in (0010,1020), got ",
                    facts.height ? spelled(*facts.height) : std::string{"none"}));
  return *facts.height;
}

// What the activity is divided by for each Bq of the dose: g, or cm2.
double suv_body(SuvFacts const& facts, SuvKind kind) {
  auto const weight = suv_checked_weight(facts);
  constexpr double grams = 1000;
  if (kind == SuvKind::body_weight) return grams * weight;
  auto const height = suv_checked_height(facts);
  if (kind == SuvKind::body_surface) {
    constexpr double square_centimetres = 1e4;
    return square_centimetres * 0.007184 * std::pow(weight, 0.425) *
           std::pow(100 * height, 0.725);
  }
  if (facts.sex != "M" && facts.sex != "F")
    suv_refuse("expected M or F in (0010,0040), on which the lean mass hangs");
  // Janmahasatian et al., Clin Pharmacokinet 2005
  auto const index = weight / (height * height);
  auto const lean = facts.sex == "M" ? 9270 * weight / (6680 + 216 * index)
                                     : 9270 * weight / (8780 + 244 * index);
  return grams * lean;
}

// When a frame's activity was that of its average count rate, seconds behind its beginning.
double suv_average(double duration, double half_life) {
  auto const decay = std::numbers::ln2 / half_life;
  auto const through = decay * duration;
  return std::log(through / -std::expm1(-through)) / decay;
}

// The time that values were corrected to, if it is the start of the scan.
double suv_scan_start(std::span<SuvFacts const> images, double half_life) {
  auto const& first = images.front();
  if (!first.series) suv_refuse("expected a date and a time in (0008,0021) and (0008,0031)");
  auto earliest = std::numeric_limits<double>::infinity();
  for (auto const& one : images) {
    if (!one.acquired) suv_refuse("expected a date and a time in (0008,0022) and (0008,0032)");
    earliest = std::min(earliest, *one.acquired);
  }
  if (*first.series <= earliest) return *first.series;
  if (first.started_ge) return *first.started_ge;
  std::optional<double> start;
  for (auto const& one : images) {
    if (!one.reference || !one.duration || !(*one.reference > 0) || !(*one.duration > 0))
      suv_refuse(
          "the series is younger than its acquisition, (0008,0031) and (0008,0032), and "
          "nothing else says when the scan started: (0054,1300), (0018,1242)");
    auto const here = *one.acquired - *one.reference + suv_average(*one.duration, half_life);
    constexpr double tolerance = 5;
    if (start && std::abs(here - *start) > tolerance)
      suv_refuse("its images disagree about when the scan started: (0054,1300)");
    start = std::min(start.value_or(here), here);
  }
  return *start;
}

// The day of an injection of which only the time is known: that of the scan or the one before.
double suv_day_of(double time, double start, double half_life) {
  constexpr double day = 86400;
  constexpr double long_lived = 4 * 3600;
  if (half_life > long_lived)
    suv_refuse(
        "(0018,1072) says the time of the injection but not its day, (0018,1078), and so "
        "long a half-life leaves several");
  auto out = std::floor(start / day) * day + time;
  if (out > start) out -= day;
  return out;
}

double suv_injected(SuvFacts const& facts, double start, double half_life) {
  constexpr double day = 86400;
  if (facts.zone_unsure)
    suv_refuse(
        "(0018,1078) has an offset from UTC, and (0008,0201) does not say that of the scan");
  if (!facts.injected && !facts.injected_time)
    suv_refuse("expected when it was injected in (0018,1078) or (0018,1072), got nothing");
  if (!facts.injected) return suv_day_of(*facts.injected_time, start, half_life);
  auto const clock = *facts.injected - std::floor(*facts.injected / day) * day;
  if (facts.injected_time && std::abs(clock - *facts.injected_time) >= suv_minute)
    suv_refuse("(0018,1078) and (0018,1072) name different times of the injection");
  return *facts.injected;
}

double suv_decayed_dose(std::span<SuvFacts const> images) {
  auto const& facts = images.front();
  auto const dose = suv_checked_dose(facts);
  if (facts.decay == "ADMIN") return dose;
  auto const half_life = suv_checked_half_life(facts);
  auto const start = suv_scan_start(images, half_life);
  auto const waited = start - suv_injected(facts, start, half_life);
  // A dynamic scan may start just before the injection; whatever else is outside is a mistake.
  constexpr double most = 10;
  if (waited < -suv_minute || waited > most * half_life)
    suv_refuse(text("expected a scan that starts at most ", most,
                    " half-lives behind the injection, got ", fixed(waited, 0),
                    " s: (0018,1078), (0018,1072), (0008,0021), (0008,0031)"));
  return dose * std::exp2(-waited / half_life);
}

void suv_check_corrections(SuvFacts const& facts) {
  if (!facts.attenuation || !facts.decayed)
    suv_refuse("expected values corrected for attenuation and decay, (0028,0051)");
  if (facts.decay != "START" && facts.decay != "ADMIN")
    suv_refuse(text("expected a decay correction START or ADMIN in (0054,1102), got '",
                    printable(facts.decay, {}), "'"));
}

bool suv_is_of(std::string const& type, SuvKind kind) {
  if (kind == SuvKind::body_weight) return type.empty() || type == "BW";
  return type == (kind == SuvKind::lean_mass ? "LBMJANMA" : "BSA");
}

// The same tracer in the same patient at the same time.
bool suv_alike(SuvFacts const& a, SuvFacts const& b) {
  return a.units == b.units && a.type == b.type && a.decay == b.decay && a.sex == b.sex &&
         a.attenuation == b.attenuation && a.decayed == b.decayed && a.tracers == b.tracers &&
         a.dose == b.dose && a.half_life == b.half_life && a.nuclide == b.nuclide &&
         a.weight == b.weight && a.height == b.height && a.series == b.series &&
         a.started_ge == b.started_ge && a.injected == b.injected &&
         a.injected_time == b.injected_time;
}

// Of counts, where Philips keeps what they are worth.
std::optional<std::vector<double>> suv_of_philips(std::span<SuvFacts const> images,
                                                  SuvKind kind) {
  std::vector<double> out;
  for (auto const& one : images) {
    if (!one.philips_suv) return std::nullopt;
    auto const scale = kind == SuvKind::body_weight
                           ? 1
                           : suv_body(one, kind) / suv_body(one, SuvKind::body_weight);
    out.push_back(*one.philips_suv * scale);
  }
  return out;
}

std::vector<double> suv_of_counts(std::span<SuvFacts const> images, SuvKind kind) {
  if (auto const known = suv_of_philips(images, kind)) return *known;
  auto const factor = suv_body(images.front(), kind) / suv_decayed_dose(images);
  std::vector<double> out;
  for (auto const& one : images) {
    if (!one.philips_activity)
      suv_refuse("counts, and neither (7053,1000) nor (7053,1009) says what they are worth");
    out.push_back(*one.philips_activity * factor);
  }
  return out;
}

std::vector<SuvFacts> suv_series_facts(DicomSeries const& series) {
  std::vector<SuvFacts> out;
  for (auto const& slice : series.slices) {
    if (slice.shape().frames > 1)
      suv_refuse("objects of several frames are not read for SUV yet");
    DicomFile const file{slice.file()};
    out.push_back(suv_facts(file.scan().root()));
  }
  return out;
}

std::string suv_words_of(std::string const& units) {
  if (units == "BQML") return "its values are Bq/ml";
  if (units == "CNTS") return "its values are counts";
  if (units == "GML") return "its values are g/ml";
  if (units == "CM2ML") return "its values are cm2/ml";
  return text("its values are ", printable(units, {}), ", as (0054,1001) names them");
}

}  // namespace

std::string_view name_of(SuvKind kind) {
  constexpr std::string_view names[] = {"bw", "lbm", "bsa"};
  return names[static_cast<std::size_t>(kind)];
}

std::optional<SuvKind> suv_kind_of(std::string_view name) {
  for (auto const kind : {SuvKind::body_weight, SuvKind::lean_mass, SuvKind::body_surface}) {
    if (name_of(kind) == name) return kind;
  }
  return std::nullopt;
}

SuvFacts suv_facts(DicomItem const& image) {
  auto const corrected = image.texts(suv_corrected);
  auto const is_corrected = [&](std::string_view what) {
    return std::ranges::find(corrected, what) != corrected.end();
  };
  SuvFacts out{.units = image.text(suv_units),
               .type = image.text(suv_type),
               .decay = image.text(suv_decay),
               .sex = image.text(suv_sex),
               .attenuation = is_corrected("ATTN"),
               .decayed = is_corrected("DECY"),
               .weight = image.number(suv_weight),
               .height = image.number(suv_height),
               .series = suv_date_time(image, suv_series_date, suv_series_time),
               .acquired = suv_acquired(image),
               .reference = suv_seconds(image, suv_reference),
               .duration = suv_seconds(image, suv_duration)};
  suv_makers(image, out);
  auto const tracers = image.items(suv_tracers);
  out.tracers = tracers.size();
  if (tracers.empty()) return out;
  auto const& tracer = tracers.front();
  out.dose = tracer.number(suv_dose);
  out.half_life = tracer.number(suv_half_life);
  auto const nuclides = tracer.items(suv_nuclide);
  if (!nuclides.empty()) out.nuclide = nuclides.front().text(suv_code);
  suv_injection(image, tracer, out);
  return out;
}

std::vector<double> suv_factors(std::span<SuvFacts const> images, SuvKind kind) {
  if (images.empty()) suv_refuse("expected an image, got none");
  auto const& first = images.front();
  if (!std::ranges::all_of(images, [&](auto const& one) { return suv_alike(first, one); }))
    suv_refuse("its images disagree about the tracer, the patient or their units");
  suv_check_corrections(first);
  if (first.units == "GML" || first.units == "CM2ML") {
    auto const surface = first.units == "CM2ML";
    if ((surface && first.type.empty() && kind == SuvKind::body_surface) ||
        (surface == (kind == SuvKind::body_surface) && suv_is_of(first.type, kind)))
      return std::vector<double>(images.size(), 1);
    suv_refuse(text("expected SUV by ", name_of(kind), ", got another one: (0054,1001) ",
                    first.units, ", (0054,1006) ", printable(first.type, {})));
  }
  if (first.units != "BQML" && first.units != "CNTS")
    suv_refuse(text("expected Bq/ml, counts or SUV in (0054,1001), got '",
                    printable(first.units, {}), "'"));
  auto const by_philips = first.units == "CNTS" && first.philips_suv;
  if (first.tracers != 1 && !by_philips)
    suv_refuse(text("expected one tracer in (0054,0016), got ", first.tracers));
  if (first.units == "CNTS") return suv_of_counts(images, kind);
  auto const factor = suv_body(first, kind) / suv_decayed_dose(images);
  return std::vector<double>(images.size(), factor);
}

std::vector<double> suv_factors(DicomSeries const& series, SuvKind kind) {
  if (series.modality != "PT")
    suv_refuse(text("expected a PET series, got ", printable(series.modality, {})));
  return suv_factors(suv_series_facts(series), kind);
}

std::vector<Note> suv_notes(DicomSeries const& series) {
  if (series.modality != "PT") return {};
  std::vector<Note> out;
  try {
    auto const facts = suv_series_facts(series);
    auto const& units = facts.front().units;
    if (!units.empty()) out.push_back({"value-unit", suv_words_of(units)});
    auto const factors = suv_factors(facts, SuvKind::body_weight);
    out.push_back({"suv", units == "GML" ? "its values are SUV by body weight as they are"
                                         : "SUV by body weight can be computed from them"});
  } catch (Refusal const& fault) {
    out.push_back({"suv-unsure", text("SUV cannot be computed: ", fault.what())});
  }
  return out;
}

Volume as_suv(Volume const& volume, std::span<double const> factors) {
  if (static_cast<std::int64_t>(factors.size()) != volume.depth() * volume.channels())
    throw Error{Fault::bug,
                text("expected a factor for each of ", volume.depth() * volume.channels(),
                     " slices, got ", factors.size()),
                "take them from suv_factors"};
  Volume out{volume.grid(), Type::f32, Unit::suv, volume.channels()};
  auto const plane = static_cast<std::size_t>(volume.width() * volume.height());
  with_type(volume.type(), [&](auto zero) {
    auto const in = volume.as<decltype(zero)>();
    auto const to = out.write<float>();
    for (std::size_t i = 0; i < in.size(); ++i)
      to[i] = static_cast<float>(static_cast<double>(in[i]) * factors[i / plane]);
  });
  return out;
}

}  // namespace fovea
