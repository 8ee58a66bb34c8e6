#pragma once

#include "base/image/volume.hpp"
#include "learn/report/colours.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace fovea {

/// One part of a report: a heading, a sentence that says how to read it, and HTML made by the
/// functions of this folder.
struct Panel {
  std::string title;
  std::string lead = {};  ///< plain text; empty: none
  std::string body = {};  ///< HTML
  std::string id = {};    ///< for the table of contents; [a-z0-9-]; empty: made from the title
};

/// A number on top of a page.
struct Fact {
  std::string name, value;
  std::string beside = {};  ///< in smaller letters: its interval
};
/// "0.984 (0.975 to 0.993)", for a terminal.
std::string in_words(Fact const& fact);

struct Page {
  std::string title;
  std::string subtitle = {};
  std::vector<Fact> facts = {};
  std::vector<Panel> panels = {};
};

/// One HTML file that works offline: style, script and pictures inside; light and dark (as the
/// system asks, with a button to change); readable on a phone; printable. A content security
/// policy inside it forbids every other script and all network access, so text that slipped in
/// unescaped could still do nothing.
std::string render(Page const& page);

/// A point that is not finite makes a gap in its line.
struct Point2 {
  double x = 0, y = 0;
  std::string hover = {};  ///< plain text; empty: name and both values
  double radius = 4;       ///< of its mark, in pixels
};
struct Series {
  std::string name;
  std::vector<Point2> points = {};
  bool dashed = false;
  bool dots = false;  ///< marks on the points, without a line where there is only one
  bool line = true;
};
struct Axes {
  std::string x, y;                               ///< names, with units
  std::optional<double> x_low = {}, x_high = {};  ///< taken from the data where absent
  std::optional<double> y_low = {}, y_high = {};
  bool square = false;    ///< ROC, reliability
  bool diagonal = false;  ///< a faint line from corner to corner
};

/// SVG charts with values on hover (and on arrow keys, for screen readers); colours come from
/// the page's style, so they follow light and dark. Long series are thinned to what can be
/// seen.
std::string line_chart(std::vector<Series> const& series, Axes const& axes);

/// Names that are all numbers make a histogram (bars stand); others lie, with room for the
/// name. `axes.x` names what the bars are, `axes.y` their length. Values that are not finite
/// have no bar.
std::string bar_chart(std::vector<std::pair<std::string, double>> const& bars,
                      Axes const& axes);

/// Rows are truth, columns are findings; shade by share of the row, count as text.
/// Throws Error{bug} if `counts` is not square of the classes' size.
std::string confusion_chart(std::vector<std::string> const& classes,
                            std::vector<std::vector<std::int64_t>> const& counts);

/// Plain text in, escaped; columns of numbers stand right, and keep their line breaks.
/// Throws Error{bug} if a row is not as long as the head.
std::string table(std::vector<std::string> const& head,
                  std::vector<std::vector<std::string>> const& rows);

struct Figure {
  Volume picture;            ///< u8, 1 or 3 channels
  std::string caption = {};  ///< plain text
  /// A short word on the picture: "wrong", "duplicate"; empty: none. Red, but "best" is green
  /// and "middle" grey.
  std::string badge = {};
};
/// PNGs inside the page, each at most twice `shown_width` wide (for fine screens), so that a
/// contact sheet of large images stays small.
std::string gallery(std::vector<Figure> const& figures, int shown_width = 120);
/// The same of groups that stay together: an image and its map, an image and those like it.
std::string galleries(std::vector<std::vector<Figure>> const& groups, int shown_width = 120);

/// What colours in pictures mean.
std::string legend(std::vector<std::pair<std::string, Rgb>> const& names);

/// A remark that stands out. `kind`: "info", "good", "warning" or "fault"; the text is escaped.
/// Throws Error{bug} on another kind.
std::string note(std::string_view kind, std::string_view words);
/// A part that is folded away until it is clicked (printing unfolds it); `body` is HTML.
std::string details(std::string_view summary, std::string_view body);
/// Parts next to each other where there is room, below each other on a phone; each is HTML.
std::string beside(std::vector<std::string> const& parts);
std::string paragraph(std::string_view words);  ///< plain text, escaped
/// Text that keeps its lines and blanks (a plan, a log), escaped.
std::string verbatim(std::string_view words);

}  // namespace fovea
