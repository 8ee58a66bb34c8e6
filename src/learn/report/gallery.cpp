#include "base/core/words.hpp"
#include "base/io/picture.hpp"
#include "learn/report/base64.hpp"
#include "learn/report/page.hpp"

namespace fovea {
namespace {

std::string_view gallery_mood(std::string_view badge) {
  return badge == "best" ? " best" : badge == "middle" ? " middle" : "";
}

std::string gallery_figures(std::vector<Figure> const& figures, int shown_width) {
  std::string out;
  for (auto const& figure : figures) {
    auto const picture = thumbnail(figure.picture, 2 * std::max(1, shown_width));
    auto const says =
        figure.badge.empty() ? figure.caption : figure.badge + ": " + figure.caption;
    out += text("<figure style=\"width:", shown_width, "px\"><img",
                picture.width() < shown_width ? " class=\"tiny\"" : "", " width=\"",
                picture.width(), "\" height=\"", picture.height(), "\" alt=\"", html(says),
                "\" src=\"data:image/png;base64,", base64(encode_png(picture)), "\">");
    if (!figure.badge.empty())
      out += text("<span class=\"badge", gallery_mood(figure.badge), "\">", html(figure.badge),
                  "</span>");
    if (!figure.caption.empty())
      out += text("<figcaption>", html(figure.caption), "</figcaption>");
    out += "</figure>";
  }
  return out;
}

}  // namespace

std::string gallery(std::vector<Figure> const& figures, int shown_width) {
  return "<div class=\"gallery\">" + gallery_figures(figures, shown_width) + "</div>";
}

std::string galleries(std::vector<std::vector<Figure>> const& groups, int shown_width) {
  std::string out = "<div class=\"gallery\">";
  for (auto const& group : groups)
    out += "<div class=\"gallery group\">" + gallery_figures(group, shown_width) + "</div>";
  return out + "</div>";
}

std::string legend(std::vector<std::pair<std::string, Rgb>> const& names) {
  std::string out = "<div class=\"legend pictured\">";
  for (auto const& [name, colour] : names)
    out += text("<span><i style=\"color:rgb(", static_cast<int>(colour[0]), ",",
                static_cast<int>(colour[1]), ",", static_cast<int>(colour[2]), ")\"></i>",
                html(name), "</span>");
  return out + "</div>";
}

}  // namespace fovea
