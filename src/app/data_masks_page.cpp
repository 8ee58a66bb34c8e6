#include "app/data_masks.hpp"
#include "app/data_page.hpp"
#include "app/data_words.hpp"
#include "base/core/rng.hpp"
#include "base/core/words.hpp"
#include "learn/report/page.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace fovea {
namespace {

constexpr std::size_t sheet_samples = 24;
constexpr std::size_t sheet_suspicious = 60;
constexpr std::size_t sheet_rows = 1000;   // of the table of cases
constexpr std::size_t sheet_columns = 12;  // labels in it
constexpr std::int64_t sheet_side = 240;   // pixels of a picture's longer side

using SheetColour = std::array<std::uint8_t, 3>;
// Apart from each other also for those who see red and green alike.
constexpr SheetColour sheet_colours[] = {{230, 159, 0},  {86, 180, 233}, {0, 200, 140},
                                         {240, 228, 66}, {255, 90, 90},  {204, 121, 167},
                                         {120, 140, 255}};

// The slice along k with most voxels of the mask; the middle one if it shows nothing.
std::int64_t sheet_slice(Volume const& labels) {
  auto best = labels.depth() / 2;
  std::int64_t most = 0;
  with_type(labels.type(), [&](auto kind) {
    using T = decltype(kind);
    auto const all = labels.channel<T>(0);
    auto const plane = labels.width() * labels.height();
    for (std::int64_t k = 0; k < labels.depth(); ++k) {
      auto const slice =
          all.subspan(static_cast<std::size_t>(k * plane), static_cast<std::size_t>(plane));
      auto const here = std::ranges::count_if(slice, [](T value) { return value != T{0}; });
      if (here > most) {
        most = here;
        best = k;
      }
    }
  });
  return best;
}

// One channel of a slice as numbers; what is none is 0.
std::vector<double> sheet_values(Volume const& image, std::int64_t channel, std::int64_t k) {
  std::vector<double> out;
  auto const plane = static_cast<std::size_t>(image.width() * image.height());
  with_type(image.type(), [&](auto kind) {
    auto const slice = image.channel<decltype(kind)>(channel).subspan(
        static_cast<std::size_t>(k) * plane, plane);
    for (auto const value : slice) {
      auto const number = static_cast<double>(value);
      out.push_back(std::isfinite(number) ? number : 0);
    }
  });
  return out;
}

struct SheetWindow {
  double low = 0, high = 255;
};

SheetWindow sheet_window(std::vector<double> values) {
  auto const at = [&](double share) {
    auto const place = values.begin() + static_cast<std::ptrdiff_t>(
                                            share * static_cast<double>(values.size() - 1));
    std::nth_element(values.begin(), place, values.end());
    return *place;
  };
  SheetWindow const window{at(0.01), at(0.99)};
  return window.high > window.low ? window : SheetWindow{window.low - 1, window.low + 1};
}

// From places in the picture to voxels of the slice.
struct SheetScale {
  std::int64_t width = 1, height = 1;  // of the picture
  double step_i = 1, step_j = 1;       // voxels a pixel

  explicit SheetScale(Grid const& grid) {
    auto const spacing = grid.spacing().mm;
    auto const wide = static_cast<double>(grid.size[0]) * spacing[0];
    auto const high = static_cast<double>(grid.size[1]) * spacing[1];
    auto const mm = std::max(wide, high) / static_cast<double>(sheet_side);
    if (!(mm > 0) || !std::isfinite(mm)) return;
    width = std::clamp<std::int64_t>(std::llround(wide / mm), 1, sheet_side);
    height = std::clamp<std::int64_t>(std::llround(high / mm), 1, sheet_side);
    step_i = static_cast<double>(grid.size[0]) / static_cast<double>(width);
    step_j = static_cast<double>(grid.size[1]) / static_cast<double>(height);
  }
  static std::int64_t from(double step, std::int64_t pixel, std::int64_t size) {
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor(static_cast<double>(pixel) * step)), 0, size - 1);
  }
  static std::int64_t to(double step, std::int64_t pixel, std::int64_t size) {
    return std::max(from(step, pixel, size) + 1,
                    std::min(size, static_cast<std::int64_t>(
                                       std::floor(static_cast<double>(pixel + 1) * step))));
  }
  static std::int64_t middle(double step, std::int64_t pixel, std::int64_t size) {
    return std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor((static_cast<double>(pixel) + 0.5) * step)), 0,
        size - 1);
  }
};

// The mean of the voxels that a pixel covers.
double sheet_mean(std::vector<double> const& values,
                  Grid const& grid,
                  SheetScale const& scale,
                  std::int64_t x,
                  std::int64_t y) {
  double sum = 0;
  std::int64_t count = 0;
  auto const [width, height, depth] = grid.size;
  for (auto j = scale.from(scale.step_j, y, height); j < scale.to(scale.step_j, y, height);
       ++j) {
    for (auto i = scale.from(scale.step_i, x, width); i < scale.to(scale.step_i, x, width);
         ++i) {
      sum += values[static_cast<std::size_t>(j * width + i)];
      ++count;
    }
  }
  return sum / static_cast<double>(std::max<std::int64_t>(count, 1));
}

void sheet_image(Volume& picture,
                 Volume const& image,
                 SheetScale const& scale,
                 std::int64_t k) {
  auto const colour = image.channels() == 3;
  std::vector<double> values;
  SheetWindow window;
  for (std::int64_t channel = 0; channel < 3; ++channel) {
    if (channel == 0 || colour) {
      values = sheet_values(image, channel, k);
      if (image.type() != Type::u8 && (channel == 0)) window = sheet_window(values);
    }
    auto const out = picture.write_channel<std::uint8_t>(channel);
    for (std::int64_t y = 0; y < scale.height; ++y) {
      for (std::int64_t x = 0; x < scale.width; ++x) {
        auto const mean = sheet_mean(values, image.grid(), scale, x, y);
        auto const share = (mean - window.low) / (window.high - window.low);
        out[static_cast<std::size_t>(y * scale.width + x)] =
            static_cast<std::uint8_t>(std::lround(255 * std::clamp(share, 0.0, 1.0)));
      }
    }
  }
}

void sheet_outlines(Volume& picture,
                    Volume const& labels,
                    SheetScale const& scale,
                    std::int64_t k) {
  auto const slice = sheet_values(labels, 0, k);
  auto const [width, height, depth] = labels.grid().size;
  auto const label_at = [&, w = width, h = height](std::int64_t x, std::int64_t y) {
    auto const i = scale.middle(scale.step_i, x, w);
    auto const j = scale.middle(scale.step_j, y, h);
    return static_cast<std::int64_t>(slice[static_cast<std::size_t>(j * w + i)]);
  };
  for (std::int64_t y = 0; y < scale.height; ++y) {
    for (std::int64_t x = 0; x < scale.width; ++x) {
      auto const label = label_at(x, y);
      if (label == 0) continue;
      auto const edge = (x > 0 && label_at(x - 1, y) != label) ||
                        (x + 1 < scale.width && label_at(x + 1, y) != label) ||
                        (y > 0 && label_at(x, y - 1) != label) ||
                        (y + 1 < scale.height && label_at(x, y + 1) != label);
      if (!edge) continue;
      auto const& colour =
          sheet_colours[static_cast<std::size_t>(label - 1) % std::size(sheet_colours)];
      for (std::int64_t channel = 0; channel < 3; ++channel)
        picture.write_channel<std::uint8_t>(
            channel)[static_cast<std::size_t>(y * scale.width + x)] =
            colour[static_cast<std::size_t>(channel)];
    }
  }
}

std::optional<Figure> sheet_figure(Dataset const& set,
                                   MaskReport const& report,
                                   std::size_t at,
                                   std::string badge) {
  auto const& one = set.cases[at];
  try {
    auto const image = set.image(one);
    // A mask that cannot be used is shown as none: the badge says why.
    auto const mask = report.masks[at].usable() && !one.mask.file.empty()
                          ? set.mask(one, image.grid())
                          : LabelMap{Volume{image.grid(), Type::u8}, {}};
    std::vector<std::string> words = {one.id};
    if (one.split != Split::unassigned) words.emplace_back(name_of(one.split));
    return Figure{outlined_slice(image, mask), joined(words, " · "), std::move(badge)};
  } catch (Error const&) {
    return std::nullopt;  // unreadable: named in the table
  }
}

std::map<std::size_t, std::string> sheet_badges(MaskReport const& report) {
  std::map<std::size_t, std::string> badges;
  for (auto const& problem : report.problems) {
    for (auto const at : problem.cases) badges.try_emplace(at, problem.kind);
  }
  return badges;
}

Panel sheet_counts(Dataset const& set, MaskReport const& report) {
  std::vector<std::string> head = {"label", "values"};
  std::vector<Split> splits;
  for (auto const split : data_splits) {
    if (set.in(split).empty()) continue;
    splits.push_back(split);
    head.emplace_back(name_of(split));
  }
  std::vector<std::vector<std::string>> rows;
  for (std::size_t label = 0; label < set.labels.size(); ++label) {
    std::vector<std::string> values;
    for (auto const value : set.labels[label].values) values.push_back(text(value));
    rows.push_back({set.labels[label].name, named(values, 8)});
    for (auto const split : splits)
      rows.back().push_back(text(showing(set, report, label, split)));
  }
  std::string notes;
  for (auto const& words : set.notes) notes += note("info", words);
  return {"What is there", "Cases whose mask shows each label, by split.",
          table(head, rows) + notes, "counts"};
}

Panel sheet_suspects(Dataset const& set, MaskReport const& report) {
  std::vector<Figure> figures;
  for (auto const& [at, badge] : sheet_badges(report)) {
    if (figures.size() == sheet_suspicious) break;
    if (auto figure = sheet_figure(set, report, at, badge))
      figures.push_back(std::move(*figure));
  }
  return {"The suspicious cases",
          text("Those named above that can be shown, at most ", sheet_suspicious,
               ": the slice that shows most of the mask, its outline over it."),
          figures.empty() ? note("good", "None.") : gallery(figures, 160), "suspicious"};
}

Panel sheet_sample(Dataset const& set, MaskReport const& report) {
  std::vector<std::size_t> all(set.cases.size());
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  Rng{{7, 1}}.shuffle(std::span{all});
  std::vector<Figure> figures;
  auto const badges = sheet_badges(report);
  for (auto const at : all) {
    if (figures.size() == sheet_samples) break;
    auto const badge = badges.find(at);
    if (auto figure = sheet_figure(set, report, at, badge == badges.end() ? "" : badge->second))
      figures.push_back(std::move(*figure));
  }
  return {"A sample", "Taken at random; the outlines should follow what they name.",
          gallery(figures, 160), "sample"};
}

// Sizes, spacings and volumes of each case, folded away.
Panel sheet_cases(Dataset const& set, MaskReport const& report) {
  std::vector<std::string> head = {"case", "split", "voxels", "spacing, mm"};
  auto const columns = std::min(set.labels.size(), sheet_columns);
  for (std::size_t label = 0; label < columns; ++label)
    head.push_back(set.labels[label].name + ", ml");
  head.emplace_back("edges");
  auto const badges = sheet_badges(report);
  head.emplace_back("look");
  std::vector<std::vector<std::string>> rows;
  for (std::size_t i = 0; i < std::min(set.cases.size(), sheet_rows); ++i) {
    auto const& mask = report.masks[i];
    rows.push_back({set.cases[i].id, std::string{name_of(set.cases[i].split)},
                    text(mask.size[0], " × ", mask.size[1], " × ", mask.size[2]),
                    text(fixed(mask.spacing[0], 2), " × ", fixed(mask.spacing[1], 2), " × ",
                         fixed(mask.spacing[2], 2))});
    for (std::size_t label = 0; label < columns; ++label)
      rows.back().push_back(label < mask.volumes.size() ? fixed(mask.volumes[label] / 1000, 3)
                                                        : "");
    rows.back().push_back(mask.edges ? fixed(*mask.edges, 2) : "");
    auto const badge = badges.find(i);
    rows.back().push_back(badge == badges.end() ? "" : badge->second);
  }
  auto body = table(head, rows);
  if (rows.size() < set.cases.size() || columns < set.labels.size())
    body += paragraph("The rest: fovea data inspect --json");
  return {"Each case", "", details(text(rows.size(), " cases"), body), "cases"};
}

Panel sheet_edges(MaskReport const& report) {
  constexpr int bins = 20;
  std::vector<double> values;
  for (auto const& mask : report.masks) {
    if (mask.edges) values.push_back(*mask.edges);
  }
  if (values.size() < 2) return {"Edges", "Too few masks to compare.", "", "edges"};
  auto const [low, high] = std::ranges::minmax(values);
  std::vector<double> counts(bins);
  auto const width = std::max(high - low, 1e-9) / bins;
  for (auto const value : values)
    counts[static_cast<std::size_t>(std::clamp((value - low) / width, 0.0, bins - 1.0))] += 1;
  std::vector<std::pair<std::string, double>> bars;
  for (int b = 0; b < bins; ++b)
    bars.emplace_back(fixed(low + width * (b + 0.5), 2), counts[static_cast<std::size_t>(b)]);
  return {"Edges",
          "How much stronger the image's edges are at the surface of a mask than beside it "
          "(logarithm; 0 is chance). One far to the left of the others is suspicious.",
          bar_chart(bars, {.x = "edge contrast of a case", .y = "cases"}), "edges"};
}

}  // namespace

Volume outlined_slice(Volume const& image, LabelMap const& mask) {
  SheetScale const scale{image.grid()};
  auto picture = image2d(scale.width, scale.height, Type::u8, 3);
  auto const k = sheet_slice(mask.voxels);
  sheet_image(picture, image, scale, k);
  sheet_outlines(picture, mask.voxels, scale, k);
  return picture;
}

std::string masks_page(Dataset const& set, MaskReport const& report) {
  auto const severe = std::ranges::count_if(report.problems, &Problem::severe);
  return render({.title = "Data set " + set.root.filename().string(),
                 .subtitle = text("Read as ", set.form, ". Nothing was changed."),
                 .facts = {{"cases", text(set.cases.size())},
                           {"labels", text(set.labels.size())},
                           {"remarks", text(report.problems.size())},
                           {"severe", text(severe)}},
                 .panels = {sheet_counts(set, report), problems_panel(report.problems),
                            sheet_suspects(set, report), sheet_sample(set, report),
                            sheet_edges(report), sheet_cases(set, report)}});
}

}  // namespace fovea
