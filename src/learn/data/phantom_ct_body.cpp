#include "learn/data/phantom_ct_body.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace fovea {
namespace {

// Places in phantom_ct_structures, from 1.
constexpr std::uint8_t ct_aorta = 1, ct_kidneys = 2, ct_liver = 3, ct_tumour = 4, ct_nodule = 5,
                       ct_lungs = 6, ct_spleen = 7;

constexpr CtTissue ct_air = {-1000, 0}, ct_fat = {-105, 0}, ct_muscle = {58, 0},
                   ct_bone_shell = {520, 0}, ct_marrow = {210, 0}, ct_disc = {85, 0},
                   ct_canal = {25, 0};

constexpr double ct_wall = 12;  // mm of muscle around the cavity

double ct_square(double x) {
  return x * x;
}

// Of an ellipse with fuller corners: 1 at its rim.
double ct_oval(double x, double y, double half_wide, double half_thick) {
  auto const u = std::abs(x / half_wide);
  auto const v = std::abs(y / half_thick);
  return u * u * std::sqrt(u) + v * v * std::sqrt(v);
}

bool ct_disc_holds(double x, double y, double at_x, double at_y, double wide, double thick) {
  return ct_square((x - at_x) / wide) + ct_square((y - at_y) / thick) < 1;
}

// From the last multiple of `period` behind `first`: 0 to `period`.
double ct_after(double z, double first, double period) {
  auto const turns = (z - first) / period;
  return (turns - std::floor(turns)) * period;
}

}  // namespace

bool CtBody::Vessel::holds(Vector3 const& p) const {
  auto const along = difference(to, from);
  auto const away = difference(p, from);
  auto const share = std::clamp(dot(away, along) / dot(along, along), 0.0, 1.0);
  double sum = 0;
  for (std::size_t a = 0; a < 3; ++a) sum += ct_square(away[a] - share * along[a]);
  return sum < ct_square(radius * (1 - 0.4 * share));
}

CtBody::CtBody(Rng rng)
    : wide_(rng.normal(158, 7)),
      thick_(rng.normal(110, 5)),
      fat_(rng.uniform(9, 24)),
      spine_y_(thick_ - rng.uniform(54, 60)),
      contrast_(rng.uniform(0.85, 1.2)),
      dome_right_(rng.normal(26, 6)),
      dome_left_(dome_right_ - rng.uniform(4, 12)),
      vertebra_(rng.uniform(0, 30)),
      rib_(rng.uniform(0, 27)) {
  wide_ = std::clamp(wide_, 142.0, 170.0);
  thick_ = std::clamp(thick_, 99.0, 119.0);
  spine_y_ = std::clamp(spine_y_, 42.0, 64.0);
  for (auto& phase : phases_) phase = rng.uniform(0, 2 * std::numbers::pi);
  auto const around = [&](double middle, double spread) { return rng.normal(middle, spread); };
  auto const inner = (wide_ - fat_ - ct_wall) / 130;  // organs follow the room there is
  liver_right_ = {{-68 * inner, around(-6, 4), around(-16, 4)},
                  {around(73, 4) * inner, around(80, 4), around(57, 5)}};
  liver_left_ = {{around(4, 8), around(-50, 4), around(2, 5)},
                 {around(56, 7), around(31, 3), around(24, 3)}};
  spleen_ = {{90 * inner, around(32, 4), around(-22, 4)},
             {around(28, 2), around(40, 4), around(36, 4)}};
  hollow_ = {{around(36, 5), around(18, 5), around(-62, 4)},
             {around(76, 4), around(80, 4), around(64, 4)}};
  stomach_ = {{around(56, 5) * inner, around(-28, 4), around(-14, 4)},
              {around(40, 4), around(38, 4), around(33, 4)}};
  heart_ = {{around(18, 4), around(-30, 4), around(58, 5)},
            {around(58, 4), around(46, 3), around(42, 4)}};
  auto const kidney = Vector3{around(25, 2), around(23, 1.5), around(42, 3)};
  kidney_left_ = {{around(62, 2) * inner, spine_y_ + around(1, 2), around(-42, 4)}, kidney};
  kidney_right_ = {{-kidney_left_.middle[0], kidney_left_.middle[1],
                    kidney_left_.middle[2] - rng.uniform(3, 12)},
                   kidney};
  grow_vessels(rng);
  grow_bowels(rng);
  grow_lesions(rng);
}

// No organ is a true ellipsoid.
Vector3 CtBody::bent(Vector3 const& p) const {
  return {p[0] + 3.5 * std::sin(0.036 * p[1] + phases_[0]) +
              2.5 * std::sin(0.06 * p[2] + phases_[1]),
          p[1] + 3.5 * std::sin(0.033 * p[0] + phases_[2]) +
              2.5 * std::sin(0.055 * p[2] + phases_[3]),
          p[2] + 3.0 * std::sin(0.031 * p[0] + phases_[4]) +
              3.0 * std::sin(0.04 * p[1] + phases_[5])};
}

// Its height above a place: two domes that fall steeply to the sides and the back.
double CtBody::diaphragm(Vector3 const& p) const {
  auto const right = p[0] < 0;
  auto const side = std::abs(p[0]) - 70;
  auto const back = p[1] + 8;
  auto const falls = ct_square(side / 76) * (side < 0 ? 0.18 : 1) +
                     ct_square(back / 94) * (back < 0 ? 0.55 : 1);
  return std::max(-46.0, (right ? dome_right_ : dome_left_) - 62 * falls);
}

bool CtBody::in_lung(Vector3 const& p) const {
  if (!in_chest(p)) return false;
  auto const middle = p[0] - 4;
  auto const half = 20 + 0.12 * std::max(0.0, -p[1]) + 6 * std::sin(0.05 * p[1] + phases_[0]);
  return std::abs(middle) > half && !heart_.holds(p);
}

bool CtBody::in_liver(Vector3 const& p) const {
  constexpr double diaphragm_thick = 3;
  if (p[2] > diaphragm(p) - diaphragm_thick) return false;
  auto const q = bent(p);
  return liver_left_.holds(q) || (liver_right_.holds(q) && !hollow_.holds(q));
}

// The table that the patient lies on.
CtTissue CtBody::outside(Vector3 const& p) const {
  auto const below = p[1] - (thick_ + 6 - 0.0006 * ct_square(p[0]));
  if (std::abs(p[0]) > 150 || below < 0 || below > 18) return ct_air;
  return {below < 3 || below > 15 ? -250.0 : -930.0, 0};
}

// Fat, muscle, and ribs that run down from the spine to the front.
CtTissue CtBody::wall(Vector3 const& p, double depth) const {
  if (depth < 2) return {15, 0};  // skin
  if (depth < fat_) return ct_fat;
  auto const turn =
      std::atan2(std::abs(p[0]), p[1]) / std::numbers::pi;  // 0 behind, 1 in front
  auto const inside = depth - fat_ - 0.5 * ct_wall;
  auto const front_end = p[2] > 0 ? 0.86 : 0.70;
  if (turn > 0.10 && turn < front_end && std::abs(inside) < 4.5) {
    auto const off = ct_after(p[2] + 125 * turn, rib_, 27) - 13.5;
    auto const round = ct_square(off / 6.5) + ct_square(inside / 4.5);
    if (round < 1) return round < 0.4 ? ct_marrow : ct_bone_shell;
  }
  auto const breastbone = p[2] > 5 && turn > 0.94 && std::abs(inside) < 5;
  return breastbone ? CtTissue{260, 0} : ct_muscle;
}

bool CtBody::spine(Vector3 const& p, CtTissue& out) const {
  auto const x = p[0];
  auto const y = p[1] - spine_y_;
  if (std::abs(x) > 48 || y < -20 || y > 60) return false;
  auto const along = ct_after(p[2], vertebra_, 30);
  auto const disc = along < 6;
  auto const body = ct_square(x / 22) + ct_square(y / 17);
  if (body < 1) {
    auto const edge = body > 0.78 || along < 8 || along > 28;
    out = disc ? ct_disc : edge ? CtTissue{360, 0} : ct_marrow;
    return true;
  }
  if (ct_disc_holds(x, y, 0, 25, 10, 8)) return out = ct_canal, true;
  if (!disc && ct_disc_holds(x, y, 0, 25, 15, 12)) return out = ct_bone_shell, true;
  if (std::abs(x) < 3.5 && y > 34 && y < 52 && along > 10) return out = {420, 0}, true;
  auto const processes = std::abs(x) > 12 && std::abs(x) < 38 && along > 12 && along < 21 &&
                         std::abs(y - 24 - 0.1 * std::abs(x)) < 4.5;
  if (processes) return out = {380, 0}, true;
  if (ct_disc_holds(std::abs(x), y, 26, 36, 24, 19))
    return out = ct_muscle, true;  // of the back
  if (p[2] < -20 && ct_disc_holds(std::abs(x), y, 29, -1, 11, 14))
    return out = ct_muscle, true;  // psoas
  return false;
}

bool CtBody::great_vessels(Vector3 const& p, CtTissue& out) const {
  auto const up = std::max(0.0, p[2]);
  auto const sway = 2.5 * std::sin(0.02 * p[2] + phases_[1]);
  if (ct_disc_holds(p[0], p[1], 13 + sway + 0.12 * up, spine_y_ - 31 + 0.12 * up, 11, 11)) {
    out = {45 + 115 * contrast_, ct_aorta};
    return true;
  }
  if (p[2] < 30 && ct_disc_holds(p[0], p[1], -21 + sway, spine_y_ - 32 - 0.25 * up, 13, 10.5)) {
    out = {45 + 85 * contrast_, 0};
    return true;
  }
  return false;
}

CtTissue CtBody::chest(Vector3 const& p) const {
  auto const holds = [&](auto const& one) { return one.holds(p); };
  if (!in_lung(p)) {
    auto const heart = heart_.away(p);
    if (heart > 1) return {-85, 0};
    if (heart > 0.9) return {10, 0};
    return {heart > 0.62 ? 45 + 55 * contrast_ : 45 + 100 * contrast_, 0};
  }
  auto const q = bent(p);
  if (std::ranges::any_of(nodules_, [&](Blob const& one) { return one.holds(q); }))
    return {nodule_hu_, ct_nodule};
  if (std::ranges::any_of(lung_vessels_, holds)) return {40, ct_lungs};
  return {-865 + 0.35 * p[1], ct_lungs};  // lower lung is denser: the patient lies on the back
}

bool CtBody::kidney(Vector3 const& p, CtTissue& out) const {
  auto const& one = p[0] < 0 ? kidney_right_ : kidney_left_;
  auto q = bent(p);
  // The upper poles lean to the spine.
  auto const inward = p[0] < 0 ? 1.0 : -1.0;
  q[0] -= inward * 0.16 * (q[2] - one.middle[2]);
  auto const away = one.away(q);
  if (away > 1) return false;
  Blob const sinus = {{one.middle[0] + inward * 17, one.middle[1] - 5, one.middle[2]},
                      {17, 9, 19}};
  if (sinus.holds(q)) return out = {-60, 0}, true;
  out = {away < 0.42 ? 45 + 85 * contrast_ : 45 + 140 * contrast_, ct_kidneys};
  return true;
}

CtTissue CtBody::belly(Vector3 const& p) const {
  CtTissue found;
  if (kidney(p, found)) return found;
  auto const q = bent(p);
  auto const holds = [&](auto const& one) { return one.holds(q); };
  if (in_liver(p)) {
    if (std::ranges::any_of(tumours_, holds)) return {tumour_hu_, ct_tumour};
    if (std::ranges::any_of(liver_vessels_, holds)) return {60 + 90 * contrast_, ct_liver};
    return {62 + 48 * contrast_, ct_liver};
  }
  constexpr double diaphragm_thick = 3;
  if (p[2] > diaphragm(p) - diaphragm_thick) return ct_muscle;
  if (spleen_.holds(q)) return {50 + 72 * contrast_, ct_spleen};
  if (auto const away = stomach_.away(q); away < 1) {
    if (away > 0.82) return {70, 0};
    return {q[1] < stomach_.middle[1] - 18 ? -970.0 : 18.0, 0};
  }
  for (auto const& bowel : bowels_) {
    auto const away = bowel.blob.away(q);
    if (away < 1) return {away > 0.72 ? 65 : bowel.inside, 0};
  }
  return ct_fat;
}

CtTissue CtBody::at(Vector3 const& p) const {
  auto const rim = ct_oval(p[0], p[1], wide_, thick_);
  if (rim > 1) return outside(p);
  // Millimetres below the skin, about: exact along the axes.
  auto const away = std::hypot(p[0], p[1]);
  auto const depth = rim > 0 ? away * (std::pow(rim, -0.4) - 1) : thick_;
  CtTissue found;
  if (spine(p, found)) return found;
  if (depth < fat_ + ct_wall) return wall(p, depth);
  if (great_vessels(p, found)) return found;
  return in_chest(p) ? chest(p) : belly(p);
}

void CtBody::grow_vessels(Rng& rng) {
  Vector3 const gate = {-24, -12, -8};
  for (int i = 0; i < 7; ++i) {
    Vector3 const to = {gate[0] + rng.uniform(-90, 5), gate[1] + rng.uniform(-45, 50),
                        gate[2] + rng.uniform(-20, 35)};
    liver_vessels_.push_back({gate, to, rng.uniform(3, 5)});
  }
  for (auto const side : {-1.0, 1.0}) {
    Vector3 const hilum = {side * 32, 10, 52};
    for (int i = 0; i < 12; ++i) {
      Vector3 const to = {side * rng.uniform(45, 115), rng.uniform(-75, 80),
                          rng.uniform(-20, 85)};
      lung_vessels_.push_back({hilum, to, rng.uniform(3.5, 5.5)});
      auto const half = rng.uniform(0.4, 0.7);
      Vector3 fork;
      for (std::size_t a = 0; a < 3; ++a) fork[a] = hilum[a] + half * (to[a] - hilum[a]);
      lung_vessels_.push_back({fork,
                               {fork[0] + side * rng.uniform(5, 40),
                                fork[1] + rng.uniform(-30, 30), fork[2] + rng.uniform(-30, 30)},
                               rng.uniform(2.5, 3.5)});
    }
  }
}

void CtBody::grow_bowels(Rng& rng) {
  for (int i = 0; i < 26; ++i) {
    auto const radius = rng.uniform(12, 21);
    Blob const blob = {{rng.uniform(-105, 105), rng.uniform(-80, 12), rng.uniform(-95, -28)},
                       {radius, radius * rng.uniform(0.8, 1.1), radius * rng.uniform(1, 1.8)}};
    bowels_.push_back({blob, rng.chance(0.2) ? -850.0 : rng.chance(0.25) ? 180.0 : 22.0});
  }
}

// Where all of a lesion is inside of its organ. The middles lie in bent places, as lesions do.
void CtBody::grow_lesions(Rng& rng) {
  tumour_hu_ = rng.uniform(38, 62);
  nodule_hu_ = rng.uniform(15, 55);
  auto const grow = [&](std::vector<Blob>& into, double least, double most, Vector3 const& low,
                        Vector3 const& high, auto&& inside) {
    auto const wanted = 1 + rng.below(3);
    for (int tries = 0; tries < 4000 && std::ssize(into) < wanted; ++tries) {
      Vector3 p;
      for (std::size_t a = 0; a < 3; ++a) p[a] = rng.uniform(low[a], high[a]);
      auto const radius = rng.uniform(least, most);
      auto fits = inside(p);
      for (std::size_t a = 0; a < 3; ++a) {
        for (auto const away : {-radius - 2, radius + 2}) {
          auto q = p;
          q[a] += away;
          fits = fits && inside(q);
        }
      }
      if (!fits) continue;
      into.push_back({bent(p),
                      {radius * rng.uniform(0.85, 1.15), radius * rng.uniform(0.85, 1.15),
                       radius * rng.uniform(0.85, 1.15)}});
    }
  };
  grow(tumours_, 11, 21, {-140, -85, -72}, {20, 75, 30}, [&](Vector3 const& p) {
    CtTissue ignored;
    return p[2] > -66 && in_liver(p) && !kidney(p, ignored) && !great_vessels(p, ignored);
  });
  grow(nodules_, 8, 15, {-135, -90, -20}, {135, 90, 70}, [&](Vector3 const& p) {
    CtTissue ignored;
    auto const cavity =
        ct_oval(p[0], p[1], wide_ - fat_ - ct_wall - 3, thick_ - fat_ - ct_wall - 3);
    return cavity < 1 && in_lung(p) && !spine(p, ignored) && !great_vessels(p, ignored);
  });
}

}  // namespace fovea
