#include "learn/data/phantom_chest.hpp"

#include "base/core/pool.hpp"
#include "base/core/rng.hpp"
#include "base/io/picture.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

// A place on the film: x from -1 (the patient's right) to 1, y from -1 (neck) to 1 (belly).
struct ChestPoint {
  double x = 0, y = 0;
};

double chest_square(double x) {
  return x * x;
}

// 0 below `low`, 1 above `high`, smooth between.
double chest_step(double low, double high, double x) {
  auto const t = std::clamp((x - low) / (high - low), 0.0, 1.0);
  return t * t * (3 - 2 * t);
}

double chest_bump(double x, double width) {
  return std::exp(-0.5 * chest_square(x / width));
}

// Half the chord through a ball at this squared distance (in radii) from its centre.
double chest_chord(double squared) {
  return std::sqrt(std::max(0.0, 1 - squared));
}

// Smooth noise: random heights on a lattice, blended.
class ChestNoise {
 public:
  ChestNoise(int cells, Rng& rng)
      : cells_(cells), heights_(static_cast<std::size_t>((cells + 2) * (cells + 2))) {
    for (auto& height : heights_) height = rng.normal();
  }

  double operator()(ChestPoint at) const {
    auto const u = std::clamp((at.x * 0.4 + 0.5), 0.0, 0.999) * cells_;
    auto const v = std::clamp((at.y * 0.4 + 0.5), 0.0, 0.999) * cells_;
    auto const i = static_cast<int>(u);
    auto const j = static_cast<int>(v);
    auto const fx = chest_step(0, 1, u - i);
    auto const fy = chest_step(0, 1, v - j);
    auto const top = std::lerp(height(i, j), height(i + 1, j), fx);
    auto const bottom = std::lerp(height(i, j + 1), height(i + 1, j + 1), fx);
    return std::lerp(top, bottom, fy);
  }

 private:
  double height(int i, int j) const {
    return heights_[static_cast<std::size_t>(j * (cells_ + 2) + i)];
  }

  int cells_;
  std::vector<double> heights_;
};

// One piece of a vessel: a straight line that gets thinner.
struct ChestVessel {
  ChestPoint from, to;
  double width = 0;
};

// A patch of lung without air: a few overlapping blobs.
struct ChestBlob {
  ChestPoint centre;
  double wide = 0, high = 0;
};

// What one patient looks like, whatever the exposure.
struct ChestAnatomy {
  double lung_top = 0, lung_side = 0,
         lung_base = 0;  // y of the apices, x of the walls, y of the bases
  double heart = 1, heart_x = 0, rib_gap = 0, rib_width = 0, rib_tilt = 0, rib_shade = 1;
  double breast = 0, hilum = 0, vessel_shade = 1, bubble = 0, fat = 0;
  std::vector<ChestVessel> vessels;
  std::vector<ChestBlob> blobs;
  double blob_shade = 0;
  ChestNoise texture;
};

// x of the inner wall, of the side it is on: the mediastinum is wider below.
double chest_inner(double y) {
  return 0.13 + 0.05 * chest_step(-0.2, 0.5, y);
}

double chest_outer(ChestAnatomy const& a, double y) {
  auto const up = (y - 0.25) / (a.lung_top - 0.25);
  return up <= 0 ? a.lung_side + 0.02 * (y - 0.25)
                 : a.lung_side * std::pow(std::max(0.0, 1 - std::pow(up, 2.6)), 0.62);
}

// y of the dome of the diaphragm; the right one stands a little higher, the angle at the wall
// lower.
double chest_dome(ChestAnatomy const& a, double x) {
  auto const side = std::abs(x);
  auto const middle = x < 0 ? 0.40 : 0.44;
  return a.lung_base + (x < 0 ? -0.05 : 0.0) - 0.20 +
         0.20 * chest_square((side - middle) / 0.40) + 0.16 * chest_step(0.5, 0.85, side);
}

// How much air a ray meets, 0 to 1, and how surely it is inside of a lung.
double chest_air(ChestAnatomy const& a, ChestPoint p) {
  auto const side = std::abs(p.x);
  auto const inner = chest_inner(p.y);
  auto const outer = chest_outer(a, p.y);
  if (outer <= inner) return 0;
  auto const edge = chest_step(inner - 0.02, inner + 0.07, side) *
                    (1 - chest_step(outer - 0.07, outer + 0.005, side));
  auto const below = 1 - chest_step(-0.02, 0.035, p.y - chest_dome(a, p.x));
  auto const middle = 0.5 * (inner + outer);
  auto const round =
      0.62 + 0.38 * chest_chord(chest_square((side - middle) / (outer - middle + 0.05)));
  auto const apex = 0.55 + 0.45 * chest_step(a.lung_top, a.lung_top + 0.45, p.y);
  return edge * below * round * apex;
}

double chest_body(ChestAnatomy const& a, ChestPoint p) {
  auto const shoulder = chest_step(-1.12, -0.66, p.y);
  auto const half = 0.30 + (0.68 + a.fat) * shoulder + 0.05 * chest_step(0.2, 1, p.y);
  auto const thick = std::pow(chest_chord(chest_square(p.x / half)), 0.55);
  return thick * (0.62 + 0.10 * shoulder + 0.16 * chest_step(0.2, 0.9, p.y));
}

double chest_heart(ChestAnatomy const& a, ChestPoint p) {
  auto const x = p.x - a.heart_x;
  auto const y = p.y - (a.lung_base - 0.30);
  constexpr double tilt = 0.55;
  auto const along = x * std::cos(tilt) + y * std::sin(tilt);
  auto const across = -x * std::sin(tilt) + y * std::cos(tilt);
  auto const ball =
      chest_square(along / (0.36 * a.heart)) + chest_square(across / (0.27 * a.heart));
  auto const knob = chest_square((p.x - 0.12) / 0.11) + chest_square((p.y + 0.30) / 0.13);
  auto const right =
      chest_square((p.x + 0.10) / 0.12) + chest_square((p.y - a.lung_base + 0.34) / 0.26);
  return 0.62 * std::sqrt(chest_chord(ball)) + 0.26 * chest_chord(knob) +
         0.28 * chest_chord(right);
}

double chest_spine(ChestPoint p) {
  auto const column = chest_bump(p.x, 0.065) * 0.20;
  auto const disc = std::pow(std::abs(std::sin((p.y + 1.1) * std::numbers::pi / 0.17)), 0.5);
  auto const processes = chest_bump(p.x, 0.016) * 0.07 * chest_step(0.3, 0.9, disc);
  return column * (0.72 + 0.28 * disc) + processes;
}

// A tube seen from the side: its walls are denser than its marrow.
double chest_tube(double across, double width) {
  auto const at = std::abs(across) / width;
  return (1 - chest_step(0.75, 1.25, at)) * (0.62 + 0.38 * chest_step(0.3, 0.85, at));
}

double chest_ribs(ChestAnatomy const& a, ChestPoint p) {
  auto const side = std::abs(p.x) / (a.lung_side + 0.05);
  if (side > 1.04) return 0;
  double sum = 0;
  for (int rib = 0; rib < 11; ++rib) {
    auto const start = -0.93 + a.rib_gap * rib;
    // Behind: out of the spine, a little up, then down along the wall.
    auto const behind =
        start + a.rib_tilt * side * side * (0.6 + 0.05 * rib) -
        0.10 * std::sin(std::numbers::pi * std::min(side, 1.0)) * (1 - 0.05 * rib);
    sum += 0.150 * chest_tube(p.y - behind, a.rib_width) * chest_step(0.06, 0.16, side);
    // In front: from the wall steeply down towards the breastbone, where it is cartilage.
    auto const before = start + a.rib_tilt * (0.6 + 0.05 * rib) + 0.42 * (1 - side) -
                        0.06 * std::sin(std::numbers::pi * std::min(side, 1.0));
    if (rib < 7)
      sum +=
          0.085 * chest_tube(p.y - before, a.rib_width * 1.15) * chest_step(0.38, 0.62, side);
  }
  return a.rib_shade * sum * (1 - chest_step(0.96, 1.04, side));
}

double chest_clavicles(ChestPoint p) {
  auto const side = std::abs(p.x);
  auto const line = -0.60 - 0.20 * side + 0.05 * std::sin(6.0 * side);
  auto const width = 0.036 + 0.02 * chest_bump(side - 0.10, 0.06);
  return 0.17 * chest_tube(p.y - line, width) * chest_step(0.05, 0.10, side) *
         (1 - chest_step(0.74, 0.82, side));
}

double chest_shoulder_blades(ChestPoint p) {
  auto const side = std::abs(p.x);
  auto const edge = 0.74 - 0.10 * (p.y + 0.3);
  return 0.09 * chest_step(edge - 0.01, edge + 0.05, side) * chest_step(-0.85, -0.6, p.y) *
             (1 - chest_step(-0.1, 0.1, p.y)) +
         0.22 * chest_bump(side - 0.93, 0.07) * (1 - chest_step(-0.62, -0.4, p.y));
}

double chest_windpipe(ChestPoint p) {
  auto const pipe = chest_bump(p.x + 0.01, 0.035) * (1 - chest_step(-0.30, -0.20, p.y));
  auto const fork = chest_bump(std::abs(p.x + 0.01) - 0.75 * (p.y + 0.25), 0.024) *
                    chest_step(-0.28, -0.22, p.y) * (1 - chest_step(-0.13, -0.05, p.y));
  return 0.17 * pipe + 0.10 * fork;
}

double chest_vessel(ChestVessel const& v, ChestPoint p) {
  auto const dx = v.to.x - v.from.x;
  auto const dy = v.to.y - v.from.y;
  auto const along = std::clamp(
      ((p.x - v.from.x) * dx + (p.y - v.from.y) * dy) / (dx * dx + dy * dy), 0.0, 1.0);
  auto const away =
      chest_square(p.x - v.from.x - along * dx) + chest_square(p.y - v.from.y - along * dy);
  auto const width = v.width * (1 - 0.25 * along);
  return away > 9 * width * width
             ? 0
             : std::exp(-0.5 * away / (width * width)) * std::min(1.0, 0.35 + v.width / 0.016);
}

double chest_vessels(ChestAnatomy const& a, ChestPoint p) {
  double sum = 0;
  for (auto const& vessel : a.vessels) sum = std::max(sum, chest_vessel(vessel, p));
  auto const hila =
      chest_bump(std::abs(p.x) - 0.20, 0.055) * chest_bump(p.y + (p.x > 0 ? 0.06 : 0.02), 0.12);
  return 0.11 * a.vessel_shade * sum + a.hilum * hila;
}

double chest_opacity(ChestAnatomy const& a, ChestPoint p) {
  double clear = 1;
  for (auto const& blob : a.blobs) {
    auto const away = chest_square((p.x - blob.centre.x) / blob.wide) +
                      chest_square((p.y - blob.centre.y) / blob.high);
    clear *= 1 - 0.75 * std::exp(-0.5 * std::pow(away, 1.4));
  }
  return a.blobs.empty() ? 0 : a.blob_shade * (1 - clear) * (1 + 0.28 * a.texture(p));
}

// What the ray through p meets: soft tissue, bone, less air.
double chest_density(ChestAnatomy const& a, ChestPoint p) {
  auto const air = chest_air(a, p);
  auto const body = chest_body(a, p);
  if (body <= 0) return 0;
  auto const inside = chest_step(0.05, 0.3, air);
  auto const heart = chest_heart(a, p);
  auto lung = air * (0.60 - 0.56 * std::min(1.35 * heart, 1.0));
  if (inside > 0)
    lung -= inside * std::min(0.9 * lung, chest_vessels(a, p) + chest_opacity(a, p));
  auto const breast =
      a.breast * chest_step(0.0, 0.22, p.y - 0.10 - 0.5 * chest_square(std::abs(p.x) - 0.45)) *
      (1 - chest_step(0.6, 0.8, p.y)) * chest_step(0.1, 0.3, std::abs(p.x));
  auto const bubble = a.bubble * chest_chord(chest_square((p.x - 0.42) / 0.17) +
                                             chest_square((p.y - a.lung_base - 0.03) / 0.11));
  auto const bones =
      chest_ribs(a, p) * (0.55 + 0.45 * inside) + chest_clavicles(p) + chest_shoulder_blades(p);
  auto const density = body + 0.16 * heart * (1 - air) + chest_spine(p) + bones + breast -
                       lung - chest_windpipe(p) - bubble +
                       0.012 * a.texture({p.x * 1.2, p.y * 1.2});
  // However thin, a body is no empty room beside it.
  return std::max(density, 0.03);
}

void chest_branch(ChestAnatomy& a,
                  ChestPoint from,
                  double angle,
                  double length,
                  double width,
                  int depth,
                  Rng& rng) {
  ChestPoint const to = {from.x + length * std::cos(angle), from.y + length * std::sin(angle)};
  a.vessels.push_back({from, to, width});
  if (depth == 0) return;
  auto const fork = rng.uniform(0.25, 0.6);
  for (auto const turn : {-fork, rng.uniform(0.15, 0.5)})
    chest_branch(a, to, angle + turn, length * rng.uniform(0.65, 0.85), width * 0.68, depth - 1,
                 rng);
}

void chest_grow_vessels(ChestAnatomy& a, Rng& rng) {
  for (auto const side : {-1.0, 1.0}) {
    for (auto const angle : {-1.25, -0.7, -0.15, 0.45, 0.95}) {
      auto const turned = angle + rng.normal(0, 0.12);
      ChestPoint const hilum = {side * 0.17, side > 0 ? -0.06 : -0.02};
      chest_branch(a, hilum, side > 0 ? turned : std::numbers::pi - turned,
                   rng.uniform(0.13, 0.2), 0.019, 3, rng);
    }
  }
}

// Somewhere in a lung; patches behind the heart or at the edge are those that readers miss.
ChestPoint chest_place(ChestAnatomy const& a, Rng& rng) {
  while (true) {
    ChestPoint const p = {rng.uniform(-0.75, 0.75), rng.uniform(-0.65, 0.6)};
    if (chest_air(a, p) > 0.45) return p;
  }
}

void chest_grow_opacity(ChestAnatomy& a, Rng& rng) {
  auto const hard = rng.chance(0.12);
  a.blob_shade = hard ? rng.uniform(0.18, 0.3) : rng.uniform(0.36, 0.65);
  auto const reach = rng.uniform(0.11, 0.23);
  auto const places = rng.chance(0.2) ? 2 : 1;
  for (int i = 0; i < places; ++i) {
    auto const centre = chest_place(a, rng);
    auto const blobs = 2 + rng.below(4);
    for (std::int64_t b = 0; b < blobs; ++b)
      a.blobs.push_back(
          {{centre.x + rng.normal(0, reach * 0.6), centre.y + rng.normal(0, reach * 0.7)},
           reach * rng.uniform(0.6, 1.2),
           reach * rng.uniform(0.6, 1.3)});
  }
}

ChestAnatomy chest_anatomy(Rng rng, bool opacity) {
  auto texture = ChestNoise{22, rng};
  ChestAnatomy a{.lung_top = rng.normal(-0.80, 0.03),
                 .lung_side = rng.normal(0.79, 0.035),
                 .lung_base = rng.normal(0.66, 0.06),
                 .heart = rng.normal(1.0, 0.08),
                 .heart_x = rng.normal(0.15, 0.025),
                 .rib_gap = rng.normal(0.150, 0.006),
                 .rib_width = rng.normal(0.033, 0.003),
                 .rib_tilt = rng.normal(0.36, 0.06),
                 .rib_shade = rng.uniform(0.7, 1.15),
                 .breast = rng.chance(0.4) ? rng.uniform(0.02, 0.09) : 0,
                 .hilum = rng.uniform(0.05, 0.15),
                 .vessel_shade = rng.uniform(0.7, 1.3),
                 .bubble = rng.chance(0.6) ? rng.uniform(0.1, 0.3) : 0,
                 .fat = rng.normal(0, 0.03),
                 .vessels = {},
                 .blobs = {},
                 .blob_shade = 0,
                 .texture = std::move(texture)};
  chest_grow_vessels(a, rng);
  if (opacity) chest_grow_opacity(a, rng);
  return a;
}

// How the film was taken.
struct ChestTake {
  double angle, scale, x, y;
  double gamma, dark, bright, noise;
  double blind;  // black borders of the collimator
  bool leads, sign;
  double lead_x;
};

ChestTake chest_take(Rng& rng) {
  return {.angle = rng.normal(0, 0.035),
          .scale = rng.normal(1.0, 0.035),
          .x = rng.normal(0, 0.03),
          .y = rng.normal(0.02, 0.03),
          .gamma = rng.uniform(0.8, 1.3),
          .dark = rng.uniform(0.0, 0.07),
          .bright = rng.uniform(0.82, 1.0),
          .noise = rng.uniform(0.008, 0.028),
          .blind = rng.chance(0.3) ? rng.uniform(0.0, 0.06) : -1,
          .leads = rng.chance(0.2),
          .sign = rng.chance(0.6),
          .lead_x = rng.uniform(-0.3, 0.55)};
}

ChestPoint chest_in_patient(ChestTake const& take, ChestPoint p) {
  auto const x = (p.x - take.x) / take.scale;
  auto const y = (p.y - take.y) / take.scale;
  return {x * std::cos(take.angle) - y * std::sin(take.angle),
          x * std::sin(take.angle) + y * std::cos(take.angle)};
}

// Cables and the letter on the patient's left: bright, and without any meaning for the class.
double chest_things(ChestTake const& take, ChestPoint p) {
  double sum = 0;
  if (take.leads) {
    sum += 0.5 * chest_bump(p.x - take.lead_x + 0.35 * p.y + 0.1 * std::sin(4 * p.y), 0.007) *
           chest_step(-1.0, -0.9, -p.y);
    sum += 0.5 * chest_bump(std::hypot(p.x + 0.9 - take.lead_x, p.y + 0.42) - 0.028, 0.008);
  }
  if (take.sign) {
    auto const stem = std::abs(p.x - 0.80) < 0.012 && std::abs(p.y + 0.86) < 0.055;
    auto const foot = std::abs(p.x - 0.82) < 0.032 && std::abs(p.y + 0.815) < 0.012;
    sum += stem || foot ? 0.9 : 0;
  }
  return sum;
}

bool chest_covered(ChestTake const& take, ChestPoint p) {
  return take.blind >= 0 && std::max(std::abs(p.x), std::abs(p.y)) > 1 - take.blind;
}

std::uint8_t chest_shade(double density, ChestTake const& take, Rng& rng) {
  // Film saturates where little or much light comes through.
  auto const seen = chest_step(-0.22, 1.26, density + (density > 0.02 ? 0.02 : 0));
  auto const toned = take.dark + (take.bright - take.dark) * std::pow(seen, take.gamma);
  auto const noisy = density > 0.02 ? toned + rng.normal(0, take.noise * (0.6 + seen))
                                    : toned * 0.4 + rng.normal(0, take.noise * 0.3);
  return static_cast<std::uint8_t>(std::lround(std::clamp(noisy, 0.0, 1.0) * 255));
}

std::uint64_t chest_key(std::uint64_t seed) {
  return mixed({seed, 0x6368657374});
}

void chest_check(PhantomChest const& options) {
  if (options.patients < 8 || options.patients > 9000 || options.size < 32 ||
      options.size > 1024 || !(options.with_two >= 0 && options.with_two <= 1))
    throw Error{Fault::usage,
                text("expected 8 to 9000 patients, 32 to 1024 pixels and a share with two "
                     "images of 0 to 1, got ",
                     options.patients, ", ", options.size, " and ", options.with_two),
                "correct the options"};
}

std::string chest_name(bool opacity, int patient, int take) {
  auto number = text(patient);
  number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
  return text(opacity ? "opacity/p" : "normal/p", number, "_", take, ".png");
}

struct ChestFile {
  int patient;
  int take;
  bool opacity;
};

std::vector<ChestFile> chest_files(PhantomChest const& options) {
  std::vector<ChestFile> files;
  for (int patient = 1; patient <= options.patients; ++patient) {
    Rng rng{{chest_key(options.seed), static_cast<std::uint64_t>(patient), 2}};
    auto const takes = rng.chance(options.with_two) ? 2 : 1;
    for (int take = 1; take <= takes; ++take)
      files.push_back({patient, take, patient % 2 == 0});
  }
  return files;
}

void chest_expect_empty(fs::path const& folder) {
  make_folder(folder);
  if (!fs::is_empty(folder))
    throw Error{Fault::usage,
                text("expected an empty folder for the phantom data set, got ", folder,
                     " with something in it"),
                "choose another folder"};
}

void chest_copy(fs::path const& folder, std::string const& from, std::string const& to) {
  write_file(folder / to, read_file(folder / from, 64U << 20));
}

void chest_halve(fs::path const& file) {
  auto const bytes = read_file(file, 64U << 20);
  write_file(file, std::span{bytes}.first(bytes.size() / 2));
}

// The patients after the last real one carry the faults; the wrong label is a plain case of the
// other class.
std::vector<PlantedFault> chest_plant(fs::path const& folder, PhantomChest const& options) {
  auto next = options.patients;
  auto const fresh = [&](bool opacity) { return chest_name(opacity, ++next, 1); };
  std::vector<PlantedFault> faults;
  auto const copy = [&](std::string kind, int of, bool into_opacity) {
    auto const original = chest_name(of % 2 == 0, of, 1);
    auto const to = fresh(into_opacity);
    chest_copy(folder, original, to);
    faults.push_back({std::move(kind), {to, original}});
  };
  copy("duplicate", 3, false);
  copy("duplicate", 4, true);
  copy("conflicting-labels", 5, true);
  auto const wrong = fresh(false);
  write_png(folder / wrong, phantom_chest(options, next, 1, true));
  faults.push_back({"wrong-label", {wrong}});
  auto const blank = fresh(false);
  write_png(folder / blank, image2d(options.size, options.size, Type::u8));
  faults.push_back({"constant", {blank}});
  auto const cut = fresh(true);
  write_png(folder / cut, phantom_chest(options, next, 1, true));
  chest_halve(folder / cut);
  faults.push_back({"unreadable", {cut}});
  return faults;
}

}  // namespace

Volume phantom_chest(PhantomChest const& options, int patient, int take, bool opacity) {
  auto const key = chest_key(options.seed);
  auto const who = static_cast<std::uint64_t>(patient);
  auto const anatomy = chest_anatomy(Rng{{key, who, 0}}, opacity);
  Rng rng{{key, who, 1, static_cast<std::uint64_t>(take)}};
  auto const film = chest_take(rng);
  auto image = image2d(options.size, options.size, Type::u8);
  auto pixel = image.write<std::uint8_t>().begin();
  auto const at = [&](std::int64_t i) {
    return (2.0 * static_cast<double>(i) + 1) / static_cast<double>(options.size) - 1;
  };
  for (std::int64_t j = 0; j < options.size; ++j) {
    for (std::int64_t i = 0; i < options.size; ++i) {
      ChestPoint const p = {at(i), at(j)};
      auto const density =
          chest_density(anatomy, chest_in_patient(film, p)) + chest_things(film, p);
      auto const shade = chest_shade(density, film, rng);
      *pixel++ = chest_covered(film, p) ? 0 : shade;
    }
  }
  return image;
}

std::vector<PlantedFault> write_phantom_chest(fs::path const& folder,
                                              PhantomChest const& options) {
  chest_check(options);
  chest_expect_empty(folder);
  make_folder(folder / "normal");
  make_folder(folder / "opacity");
  auto const files = chest_files(options);
  in_parallel(static_cast<std::int64_t>(files.size()), usable_cores(), [&](std::int64_t i) {
    auto const& file = files[static_cast<std::size_t>(i)];
    write_png(folder / chest_name(file.opacity, file.patient, file.take),
              phantom_chest(options, file.patient, file.take, file.opacity));
  });
  if (!options.faults) return {};
  return chest_plant(folder, options);
}

}  // namespace fovea
