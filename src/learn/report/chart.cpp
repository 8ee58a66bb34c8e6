#include "base/core/words.hpp"
#include "learn/report/axis.hpp"
#include "learn/report/page.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fovea {
namespace {

constexpr int chart_colours = 8;  // --c0 … --c7 in style.cpp

/// Where the plot lies inside the picture, in the picture's units.
struct ChartFrame {
  double width, height;  // of the picture
  double left, top;      // of the plot
  double wide, high;     // the plot
  Ticks x, y;

  double across(double value) const { return (value - x.low) / (x.high - x.low) * wide; }
  double down(double value) const { return (y.high - value) / (y.high - y.low) * high; }
};

std::string chart_at(double place) {
  return fixed(place, 1);
}

bool chart_drawable(double value) {
  return std::isfinite(value) && std::abs(value) < 1e150;
}

std::string chart_label(double x,
                        double y,
                        std::string_view anchor,
                        std::string_view words,
                        std::string_view more = {}) {
  return text("<text x=\"", chart_at(x), "\" y=\"", chart_at(y), "\" text-anchor=\"", anchor,
              "\"", more, ">", html(words), "</text>");
}

std::string chart_line(double x1, double y1, double x2, double y2, std::string_view kind) {
  return text("<line class=\"", kind, "\" x1=\"", chart_at(x1), "\" y1=\"", chart_at(y1),
              "\" x2=\"", chart_at(x2), "\" y2=\"", chart_at(y2), "\"/>");
}

std::string chart_open(double width, double height, std::string_view says) {
  return text("<figure class=\"chart\" style=\"max-width:", chart_at(width * 1.25),
              "px\"><svg viewBox=\"0 0 ", chart_at(width), " ", chart_at(height),
              "\" role=\"img\" tabindex=\"0\" aria-label=\"", html(says), "\">");
}

std::string chart_nothing(std::string_view what) {
  return text("<p class=\"empty\">", html(what), ": no values to draw.</p>");
}

/// Lines across the plot with their numbers, and the names of both axes.
std::string chart_axes(ChartFrame const& f, Axes const& axes) {
  std::string out;
  for (auto const value : f.y.values) {
    auto const y = f.top + f.down(value);
    out += chart_line(f.left, y, f.left + f.wide, y, "grid");
    out += chart_label(f.left - 7, y + 4, "end", tick_label(value, f.y));
  }
  for (auto const value : f.x.values) {
    auto const x = f.left + f.across(value);
    out += chart_line(x, f.top, x, f.top + f.high, "grid");
    out += chart_label(x, f.top + f.high + 17, "middle", tick_label(value, f.x));
  }
  out += chart_line(f.left, f.top + f.high, f.left + f.wide, f.top + f.high, "axis");
  out += chart_line(f.left, f.top, f.left, f.top + f.high, "axis");
  out += chart_label(f.left + f.wide / 2, f.height - 5, "middle", axes.x, " class=\"name\"");
  auto const middle = chart_at(f.top + f.high / 2);
  out += chart_label(14, f.top + f.high / 2, "middle", axes.y,
                     " class=\"name\" transform=\"rotate(-90 14 " + middle + ")\"");
  return out;
}

struct ChartRange {
  double low = std::numeric_limits<double>::infinity();
  double high = -low;
  bool counts = true;  // all whole numbers

  void see(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
    counts = counts && value == std::floor(value);
  }
};

Ticks chart_ticks(ChartRange const& seen,
                  std::optional<double> low,
                  std::optional<double> high,
                  bool widen) {
  return ticks(low.value_or(seen.low), high.value_or(seen.high), 5, widen && !low && !high,
               seen.counts && seen.high > seen.low ? 1 : 0);
}

/// A point in the plot's units, with the one that it stands for; `gap`: the line begins anew
/// here.
struct ChartSpot {
  double x, y;
  Point2 const* from;
  bool gap;
};

/// What can be told apart on a screen: a ROC curve of 100 000 cases has as many points.
std::vector<ChartSpot> chart_spots(Series const& series, ChartFrame const& f) {
  constexpr double apart = 0.7;
  constexpr std::size_t most = 2000;
  std::vector<ChartSpot> out;
  bool gap = true;
  for (auto const& point : series.points) {
    if (!chart_drawable(point.x) || !chart_drawable(point.y)) {
      gap = true;
      continue;
    }
    ChartSpot const spot{f.across(point.x), f.down(point.y), &point, gap};
    auto const last = &point == &series.points.back();
    if (gap || last || std::hypot(spot.x - out.back().x, spot.y - out.back().y) >= apart)
      out.push_back(spot);
    gap = false;
  }
  if (out.size() <= most) return out;
  std::vector<ChartSpot> fewer;
  auto const stride = out.size() / most + 1;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % stride == 0 || out[i].gap || i + 1 == out.size()) fewer.push_back(out[i]);
  }
  return fewer;
}

std::string chart_path(std::vector<ChartSpot> const& spots, int colour, bool dashed) {
  std::string path;
  for (auto const& spot : spots)
    path += text(spot.gap ? "M" : "L", chart_at(spot.x), " ", chart_at(spot.y));
  return text("<path class=\"line", dashed ? " dashed" : "", "\" style=\"stroke:var(--c",
              colour, ")\" d=\"", path, "\"/>");
}

/// Places that show a value when the pointer is near.
std::string chart_hits(std::vector<ChartSpot> const& spots,
                       Series const& series,
                       Axes const& axes,
                       int colour) {
  constexpr double apart = 5;
  std::string out;
  ChartSpot const* last = nullptr;
  for (auto const& spot : spots) {
    auto const near = last != nullptr && std::hypot(spot.x - last->x, spot.y - last->y) < apart;
    if (near && !series.dots && &spot != &spots.back()) continue;
    last = &spot;
    auto const words = !spot.from->hover.empty()
                           ? spot.from->hover
                           : text(series.name, "\n", axes.x, ": ", short_number(spot.from->x),
                                  "\n", axes.y, ": ", short_number(spot.from->y));
    out += text("<circle class=\"hit", series.dots ? " dot" : "", "\" style=\"color:var(--c",
                colour, ")\" cx=\"", chart_at(spot.x), "\" cy=\"", chart_at(spot.y), "\" r=\"",
                chart_at(spot.from->radius), "\"><title>", html(words), "</title></circle>");
  }
  return out;
}

std::string chart_legend(std::vector<Series> const& series) {
  auto const named = [](Series const& one) { return !one.name.empty(); };
  if (std::ranges::none_of(series, named)) return {};
  std::string out = "<figcaption class=\"legend\">";
  for (std::size_t i = 0; i < series.size(); ++i) {
    if (!named(series[i])) continue;
    auto const mark = !series[i].line    ? " class=\"dots\""
                      : series[i].dashed ? " class=\"dashed\""
                                         : "";
    out += text("<span><i", mark, " style=\"color:var(--c", i % chart_colours, ")\"></i>",
                html(series[i].name), "</span>");
  }
  return out + "</figcaption>";
}

std::string chart_names(std::vector<Series> const& series) {
  std::string out;
  for (auto const& one : series) {
    if (!one.name.empty()) out += (out.empty() ? ": " : ", ") + one.name;
  }
  return out;
}

using ChartBars = std::vector<std::pair<std::string, double>>;

std::string chart_bar(double x, double y, double wide, double high, std::string_view words) {
  return text("<rect class=\"bar hit\" x=\"", chart_at(x), "\" y=\"", chart_at(y),
              "\" width=\"", chart_at(std::max(0.5, wide)), "\" height=\"",
              chart_at(std::max(0.5, high)), "\" rx=\"2\"><title>", html(words),
              "</title></rect>");
}

std::string chart_bar_words(std::pair<std::string, double> const& bar, Axes const& axes) {
  auto const what = axes.x.empty() ? bar.first : axes.x + ": " + bar.first;
  return text(what, "\n", axes.y.empty() ? "" : axes.y + ": ", short_number(bar.second));
}

/// Names at the left, bars to the right: names of classes need room.
std::string chart_lying(ChartBars const& bars, Axes const& axes, Ticks const& scale) {
  constexpr double step = 26;
  std::size_t longest = 0;
  for (auto const& [name, value] : bars) longest = std::max(longest, name.size());
  auto const letters = std::min<std::size_t>(longest, 24);
  auto const left = 18 + 8.6 * static_cast<double>(letters);  // wide letters, a phone's size
  ChartFrame const f{.width = 480,
                     .height = 50 + step * static_cast<double>(bars.size()),
                     .left = left,
                     .top = 8,
                     .wide = 480 - left - 52,
                     .high = step * static_cast<double>(bars.size()),
                     .x = scale,
                     .y = {}};
  auto out = chart_open(f.width, f.height, text("Bar chart of ", axes.y, " by ", axes.x));
  for (auto const value : f.x.values) {
    auto const x = f.left + f.across(value);
    out += chart_line(x, f.top, x, f.top + f.high, "grid");
    out += chart_label(x, f.top + f.high + 17, "middle", tick_label(value, f.x));
  }
  auto const zero = f.left + f.across(std::clamp(0.0, f.x.low, f.x.high));
  auto y = f.top + 4;
  for (auto const& bar : bars) {
    out += chart_label(f.left - 8, y + 13, "end", shortened(bar.first, 24));
    if (chart_drawable(bar.second)) {
      auto const end = f.left + f.across(std::clamp(bar.second, f.x.low, f.x.high));
      out += chart_bar(std::min(zero, end), y, std::abs(end - zero), step - 8,
                       chart_bar_words(bar, axes));
      out += chart_label(std::max(zero, end) + 5, y + 13, "start", short_number(bar.second));
    } else {
      out += chart_label(zero + 5, y + 13, "start", "–");
    }
    y += step;
  }
  out += chart_line(zero, f.top, zero, f.top + f.high, "axis");
  out += chart_label(f.left + f.wide / 2, f.height - 5, "middle", axes.y, " class=\"name\"");
  return out + "</svg></figure>";
}

/// A histogram: bars side by side, some of the names below.
std::string chart_standing(ChartBars const& bars, Axes const& axes, Ticks const& scale) {
  ChartFrame f{.width = 480,
               .height = 292,
               .left = 62,
               .top = 14,
               .wide = 404,
               .high = 236,
               .x = {},
               .y = scale};
  f.x.values.clear();
  auto out = chart_open(f.width, f.height, text("Histogram of ", axes.y, " by ", axes.x));
  out += chart_axes(f, axes);
  auto const step = f.wide / static_cast<double>(bars.size());
  auto const zero = f.down(std::clamp(0.0, f.y.low, f.y.high));
  auto const every = (bars.size() + 9) / 10;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    auto const x = f.left + step * static_cast<double>(i);
    if (i % every == 0)
      out += chart_label(x + step / 2, f.top + f.high + 17, "middle", bars[i].first);
    if (!chart_drawable(bars[i].second)) continue;
    auto const end = f.down(std::clamp(bars[i].second, f.y.low, f.y.high));
    out += chart_bar(x + step * 0.06, f.top + std::min(zero, end), step * 0.88,
                     std::abs(end - zero), chart_bar_words(bars[i], axes));
  }
  return out + "</svg></figure>";
}

}  // namespace

std::string line_chart(std::vector<Series> const& series, Axes const& axes) {
  ChartRange across, up;
  for (auto const& one : series) {
    for (auto const& point : one.points) {
      if (!chart_drawable(point.x) || !chart_drawable(point.y)) continue;
      across.see(point.x);
      up.see(point.y);
    }
  }
  auto const says = text("Line chart of ", axes.y, " against ", axes.x, chart_names(series));
  if (across.high < across.low) return chart_nothing(says);

  ChartFrame const f{.width = axes.square ? 400.0 : 480.0,
                     .height = axes.square ? 390.0 : 292.0,
                     .left = 62,
                     .top = 14,
                     .wide = axes.square ? 324.0 : 404.0,
                     .high = axes.square ? 324.0 : 236.0,
                     .x = chart_ticks(across, axes.x_low, axes.x_high, false),
                     .y = chart_ticks(up, axes.y_low, axes.y_high, true)};
  auto out = chart_open(f.width, f.height, says) + chart_axes(f, axes);
  // A picture inside the picture cuts off what lies outside the axes.
  out += text("<svg class=\"plot\" x=\"", chart_at(f.left), "\" y=\"", chart_at(f.top),
              "\" width=\"", chart_at(f.wide), "\" height=\"", chart_at(f.high), "\">");
  if (axes.diagonal) out += chart_line(0, f.high, f.wide, 0, "diagonal");
  std::string hits;
  for (std::size_t i = 0; i < series.size(); ++i) {
    auto const colour = static_cast<int>(i % chart_colours);
    auto const spots = chart_spots(series[i], f);
    if (spots.size() > 1 && series[i].line) out += chart_path(spots, colour, series[i].dashed);
    hits += chart_hits(spots, series[i], axes, colour);
  }
  // Marks at the edge of the plot are drawn whole: outside the inner picture.
  out += text("</svg><g class=\"hits\" transform=\"translate(", chart_at(f.left), " ",
              chart_at(f.top), ")\">", hits, "</g></svg>");
  return out + chart_legend(series) + "</figure>";
}

std::string bar_chart(std::vector<std::pair<std::string, double>> const& bars,
                      Axes const& axes) {
  ChartRange up;
  up.see(0);
  for (auto const& [name, value] : bars) {
    if (chart_drawable(value)) up.see(value);
  }
  if (bars.empty()) return chart_nothing(text("Bar chart of ", axes.y));
  auto scale = chart_ticks(up, axes.y_low, axes.y_high, true);
  auto const counted =
      std::ranges::all_of(bars, [](auto const& bar) { return number(bar.first).has_value(); });
  return counted && bars.size() > 2 ? chart_standing(bars, axes, scale)
                                    : chart_lying(bars, axes, scale);
}

std::string confusion_chart(std::vector<std::string> const& classes,
                            std::vector<std::vector<std::int64_t>> const& counts) {
  auto const size = classes.size();
  auto const whole_row = [&](auto const& row) { return row.size() == size; };
  if (counts.size() != size || !std::ranges::all_of(counts, whole_row))
    throw Error{Fault::bug,
                text("expected a confusion matrix of ", size, " x ", size, ", got ",
                     counts.size(), " rows"),
                "count all classes"};
  if (size == 0) return chart_nothing("Confusion matrix");

  constexpr std::size_t most_with_numbers = 16;
  auto const room = static_cast<double>(size);
  auto const cell = std::clamp(320.0 / room, 4.0, 88.0);
  std::size_t longest = 0;
  for (auto const& name : classes) longest = std::max(longest, name.size());
  auto const letters = std::min<std::size_t>(longest, 18);
  auto const named = cell >= 12;
  auto const left = named ? 44 + 7.8 * static_cast<double>(letters) : 44;
  auto const upright = named && 8.2 * static_cast<double>(letters) > cell - 4;
  auto const top = !named ? 30 : upright ? 32 + 7.8 * static_cast<double>(letters) : 50;
  auto const width = std::max(left + cell * room + 12, 300.0);
  auto out = chart_open(width, top + cell * room + 10,
                        "Confusion matrix: rows are truth, columns are findings");
  out += chart_label(left + cell * room / 2, 16, "middle", "found", " class=\"name\"");
  auto const middle = chart_at(top + cell * room / 2);
  out += chart_label(16, top + cell * room / 2, "middle", "truth",
                     " class=\"name\" transform=\"rotate(-90 16 " + middle + ")\"");
  for (std::size_t row = 0; row < size; ++row) {
    auto const y = top + cell * static_cast<double>(row);
    std::int64_t all = 0;
    for (auto const count : counts[row]) all += count;
    auto const name = shortened(classes[row], 18);
    if (named) {
      out += chart_label(left - 8, y + cell / 2 + 4, "end", name);
      auto const x = left + cell * (static_cast<double>(row) + 0.5);
      auto const turn =
          text(" transform=\"rotate(-90 ", chart_at(x + 4), " ", chart_at(top - 8), ")\"");
      out += upright ? chart_label(x + 4, top - 8, "start", name, turn)
                     : chart_label(x, top - 8, "middle", name);
    }
    for (std::size_t column = 0; column < size; ++column) {
      auto const count = counts[row][column];
      auto const share = all > 0 ? static_cast<double>(count) / static_cast<double>(all) : 0.0;
      auto const x = left + cell * static_cast<double>(column);
      out += text("<rect class=\"cell hit\" x=\"", chart_at(x), "\" y=\"", chart_at(y),
                  "\" width=\"", chart_at(cell), "\" height=\"", chart_at(cell),
                  "\" style=\"--share:", fixed(share, 3), "\"><title>",
                  html(text("truth: ", classes[row], "\nfound: ", classes[column], "\n", count,
                            " of ", all, all > 0 ? " (" + fixed(share * 100, 1) + " %)" : "")),
                  "</title></rect>");
      if (size > most_with_numbers) continue;
      std::string const over = share > 0.5 ? " over" : "";
      auto const two = cell >= 44;
      out += chart_label(x + cell / 2, y + cell / 2 + (two ? 0 : 4), "middle", text(count),
                         " class=\"count" + over + "\"");
      if (two)
        out += chart_label(x + cell / 2, y + cell / 2 + 16, "middle",
                           all > 0 ? fixed(share * 100, 1) + " %" : "–",
                           " class=\"count small" + over + "\"");
    }
  }
  return out + "</svg></figure>";
}

}  // namespace fovea
