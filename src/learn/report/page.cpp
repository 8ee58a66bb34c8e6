#include "learn/report/page.hpp"

#include "base/core/file.hpp"
#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "learn/report/base64.hpp"
#include "learn/report/style.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>

namespace fovea {
namespace {

/// "Worst mistakes (test)" becomes "worst-mistakes-test"; other alphabets leave only "part".
std::string page_slug(std::string_view title) {
  std::string out;
  for (auto const c : lower(title)) {
    auto const plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (plain) out += c;
    if (!plain && !out.empty() && out.back() != '-') out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "part" : out;
}

std::vector<std::string> page_ids(std::vector<Panel> const& panels) {
  std::set<std::string> taken{"theme", "tip"};
  std::vector<std::string> out;
  for (auto const& panel : panels) {
    auto const wanted = page_slug(panel.id.empty() ? panel.title : panel.id);
    auto id = wanted;
    for (int again = 2; !taken.insert(id).second; ++again) id = text(wanted, "-", again);
    out.push_back(id);
  }
  return out;
}

/// How a content security policy names a script: the base64 of its hash.
std::string page_fingerprint(std::string_view script) {
  auto const digits = sha256(script);
  Bytes bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    std::uint8_t value = 0;
    std::from_chars(digits.data() + 2 * i, digits.data() + 2 * i + 2, value, 16);
    bytes[i] = std::byte{value};
  }
  return base64(bytes);
}

std::string page_head(Page const& page) {
  return text(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src "
      "data:; "
      "style-src 'unsafe-inline'; script-src 'sha256-",
      page_fingerprint(page_script()),
      "'\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
      html(page.title), "</title>\n<style>", page_style(), "</style>\n</head>\n");
}

std::string page_facts(Page const& page) {
  if (page.facts.empty()) return {};
  std::string out = "<dl class=\"facts\">";
  for (auto const& [name, value, beside] : page.facts) {
    out += text("<div><dt>", html(name), "</dt><dd>", html(value));
    if (!beside.empty()) out += text(" <small>", html(beside), "</small>");
    out += "</dd></div>";
  }
  return out + "</dl>\n";
}

std::string page_contents(Page const& page, std::vector<std::string> const& ids) {
  std::string out = "<nav aria-label=\"Contents\"><ol>";
  for (std::size_t i = 0; i < ids.size(); ++i)
    out += text("<li><a href=\"#", ids[i], "\">", html(page.panels[i].title), "</a></li>");
  return out + "</ol></nav>\n";
}

/// True if every cell that says something begins as a number does.
bool page_counts(std::vector<std::vector<std::string>> const& rows, std::size_t column) {
  bool any = false;
  for (auto const& row : rows) {
    auto const cell = trimmed(row[column]);
    if (cell.empty() || cell == "–") continue;
    auto const digit = cell.find_first_not_of("+-<>≥≤ ");
    if (digit == std::string_view::npos || cell[digit] < '0' || cell[digit] > '9') return false;
    any = true;
  }
  return any;
}

struct PageNote {
  std::string_view kind, says;
};
constexpr std::array page_notes = {PageNote{"info", "Note"}, PageNote{"good", "Good"},
                                   PageNote{"warning", "Warning"}, PageNote{"fault", "Fault"}};

}  // namespace

std::string render(Page const& page) {
  auto const ids = page_ids(page.panels);
  auto out = page_head(page);
  out += text("<body>\n<div class=\"page\">\n<header><div><h1>", html(page.title), "</h1>");
  if (!page.subtitle.empty())
    out += text("<p class=\"subtitle\">", html(page.subtitle), "</p>");
  out +=
      "</div><button id=\"theme\" type=\"button\" title=\"light or dark\" "
      "hidden></button></header>\n";
  out += page_facts(page) + page_contents(page, ids) + "<main>\n";
  for (std::size_t i = 0; i < ids.size(); ++i) {
    auto const& panel = page.panels[i];
    out += text("<section id=\"", ids[i], "\"><h2>", html(panel.title), "</h2>");
    if (!panel.lead.empty()) out += text("<p class=\"lead\">", html(panel.lead), "</p>");
    out += panel.body + "</section>\n";
  }
  out += text("</main>\n</div>\n<div id=\"tip\" role=\"status\"></div>\n<script>",
              page_script(), "</script>\n</body>\n</html>\n");
  return out;
}

std::string in_words(Fact const& fact) {
  return fact.value + (fact.beside.empty() ? "" : text(" (", fact.beside, ")"));
}

std::string table(std::vector<std::string> const& head,
                  std::vector<std::vector<std::string>> const& rows) {
  for (auto const& row : rows) {
    if (row.size() != head.size())
      throw Error{Fault::bug,
                  text("expected a table row of ", head.size(), " cells, got ", row.size()),
                  "fill every cell"};
  }
  std::vector<std::string> opened;
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (std::size_t column = 0; column < head.size(); ++column) {
    std::string_view const kind = page_counts(rows, column) ? " class=\"num\"" : "";
    opened.push_back(text("<td", kind, ">"));
    out += text("<th scope=\"col\"", kind, ">", html(head[column]), "</th>");
  }
  out += "</tr></thead><tbody>";
  for (auto const& row : rows) {
    out += "<tr>";
    for (std::size_t column = 0; column < row.size(); ++column)
      out += opened[column] + html(row[column]) + "</td>";
    out += "</tr>";
  }
  return out + "</tbody></table></div>";
}

std::string note(std::string_view kind, std::string_view words) {
  auto const row = std::ranges::find(page_notes, kind, &PageNote::kind);
  if (row == page_notes.end())
    throw Error{Fault::bug, text("expected a note of a known kind, got '", kind, "'"),
                "use info, good, warning or fault"};
  return text("<div class=\"note ", kind, "\" role=\"note\"><b>", row->says, "</b>",
              html(words), "</div>");
}

std::string details(std::string_view summary, std::string_view body) {
  return text("<details><summary>", html(summary), "</summary>", body, "</details>");
}

std::string beside(std::vector<std::string> const& parts) {
  std::string out = "<div class=\"beside\">";
  for (auto const& part : parts) out += "<div>" + part + "</div>";
  return out + "</div>";
}

std::string paragraph(std::string_view words) {
  return "<p>" + html(words) + "</p>";
}

std::string verbatim(std::string_view words) {
  return "<pre>" + html(words) + "</pre>";
}

}  // namespace fovea
