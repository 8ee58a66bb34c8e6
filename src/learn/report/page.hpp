#pragma once

#include "base/image/volume.hpp"

#include <optional>
#include <string>
#include <vector>

namespace fovea {

/// One part of a report: a heading, a sentence that says how to read it, and HTML made by the functions of this folder.
struct Panel {
  std::string title;
  std::string lead;      ///< plain text
  std::string body;      ///< HTML
  std::string id;        ///< for the table of contents; [a-z0-9-]
};

struct Page {
  std::string title;
  std::string subtitle;
  std::vector<std::pair<std::string, std::string>> facts;   ///< the numbers at the top: name, value
  std::vector<Panel> panels;
};

/// One HTML file that works offline: style, script and pictures inside; light and dark; readable on a phone; printable.
std::string render(Page const& page);

struct Point2 { double x = 0, y = 0; std::string hover; };
struct Series { std::string name; std::vector<Point2> points; bool dashed = false; bool dots = false; };
struct Axes {
  std::string x, y;                          ///< names, with units
  std::optional<double> x_low, x_high, y_low, y_high;   ///< taken from the data where absent
  bool square = false;                       ///< ROC, reliability
  bool diagonal = false;                     ///< a faint line from corner to corner
};
/// SVG charts with values on hover (and for screen readers, as titles); colours come from the page's style, so they follow light and dark.
std::string line_chart(std::vector<Series> const& series, Axes const& axes);
std::string bar_chart(std::vector<std::pair<std::string, double>> const& bars, Axes const& axes);
/// Rows are truth, columns are findings; shade by share of the row, count as text.
std::string confusion_chart(std::vector<std::string> const& classes, std::vector<std::vector<std::int64_t>> const& counts);
std::string table(std::vector<std::string> const& head, std::vector<std::vector<std::string>> const& rows);   ///< escapes its cells

struct Figure {
  Volume picture;          ///< u8, 1 or 3 channels
  std::string caption;     ///< plain text
  std::string badge;       ///< a short word on the picture: "wrong", "duplicate"; empty: none
};
std::string gallery(std::vector<Figure> const& figures, int shown_width = 120);   ///< PNGs inside the page

}  // namespace fovea
