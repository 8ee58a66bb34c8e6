#include "base/core/words.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace fovea {
namespace {

// Damerau's distance, restricted to swaps of neighbours: what slips of the finger look like.
std::size_t words_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto const same = a[i - 1] == b[j - 1] ? 0U : 1U;
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + same});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  }
  return d[a.size()][b.size()];
}

template <class Number>
std::optional<Number> words_parse(std::string_view words) {
  if (words.starts_with('+') && !words.starts_with("+-")) words.remove_prefix(1);
  Number value{};
  auto const end = words.data() + words.size();
  auto const [stop, fault] = std::from_chars(words.data(), end, value);
  if (fault != std::errc{} || stop != end || words.empty()) return std::nullopt;
  return value;
}

}  // namespace

std::string_view trimmed(std::string_view words) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  auto const first = words.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return words.substr(first, words.find_last_not_of(blanks) - first + 1);
}

std::string lower(std::string_view words) {
  std::string out{words};
  for (auto& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::vector<std::string> split(std::string_view words, char at) {
  std::vector<std::string> parts;
  while (true) {
    auto const cut = words.find(at);
    parts.emplace_back(words.substr(0, cut));
    if (cut == std::string_view::npos) return parts;
    words.remove_prefix(cut + 1);
  }
}

std::string joined(std::span<std::string const> words, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += between;
    out += words[i];
  }
  return out;
}

std::optional<std::string> nearest(std::string_view written,
                                   std::span<std::string const> known) {
  auto const folded = lower(written).substr(0, 64);
  std::optional<std::string> best;
  auto least = std::max<std::size_t>(1, (folded.size() + 1) / 3) + 1;
  for (auto const& name : known) {
    // The beginning of a name is as near as one slip: "resnet" for "resnet18".
    auto const begins = folded.size() >= 3 && lower(name).starts_with(folded);
    auto const distance = begins ? 1 : words_distance(folded, lower(name));
    if (distance < least) {
      least = distance;
      best = name;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view written, std::span<std::string const> known) {
  if (auto const near = nearest(written, known)) return "did you mean '" + *near + "'?";
  return "known: " + joined(known, ", ");
}

std::optional<double> number(std::string_view words) {
  auto const value = words_parse<double>(words);
  return value && std::isfinite(*value) ? value : std::nullopt;
}

std::optional<std::int64_t> whole(std::string_view words) {
  return words_parse<std::int64_t>(words);
}

std::string spelled(double value) {
  std::array<char, 64> out{};
  // People read 0.0005 more easily than 5e-04, though it is longer.
  auto const size = std::abs(value);
  auto const end =
      size >= 1e-5 && size < 1e15
          ? std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed)
                .ptr
          : std::to_chars(out.data(), out.data() + out.size(), value).ptr;
  return {out.data(), end};
}

std::string fixed(double value, int digits) {
  std::array<char, 400> out{};
  auto const end = std::to_chars(out.data(), out.data() + out.size(), value,
                                 std::chars_format::fixed, digits)
                       .ptr;
  std::string_view words{out.data(), static_cast<std::size_t>(end - out.data())};
  // "-0.00" is a rounded nothing that looks like a finding.
  if (words.starts_with('-') && words.find_first_of("123456789infa") == std::string_view::npos)
    words.remove_prefix(1);
  return std::string{words};
}

std::optional<double> seconds_of(std::string_view words) {
  words = trimmed(words);
  if (words.empty()) return std::nullopt;
  double unit = 1;
  switch (words.back()) {
    case 's':
      break;
    case 'm':
      unit = 60;
      break;
    case 'h':
      unit = 3600;
      break;
    case 'd':
      unit = 86400;
      break;
    default:
      unit = 0;
  }
  if (unit != 0) words.remove_suffix(1);
  auto const count = number(trimmed(words));
  if (!count || *count <= 0) return std::nullopt;
  return *count * (unit == 0 ? 1 : unit);
}

std::string duration(double seconds) {
  if (!(std::abs(seconds) < 1e15)) return "unknown";
  if (seconds < 9.95) return fixed(seconds, 1) + "s";
  auto const all = static_cast<std::int64_t>(std::llround(seconds));
  if (all < 60) return text(all, "s");
  if (all < 3600) return text(all / 60, "m ", all % 60, "s");
  return text(all / 3600, "h ", all % 3600 / 60, "m");
}

std::string bytes_in_words(double bytes) {
  constexpr std::array units = {"B", "KiB", "MiB", "GiB", "TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit + 1 < units.size()) {
    bytes /= 1024;
    ++unit;
  }
  return text(fixed(bytes, unit == 0 ? 0 : 1), " ", units[unit]);
}

std::string printable(std::string_view words, std::string_view kept) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto const byte = static_cast<unsigned char>(words[i]);
    auto const next = i + 1 < words.size() ? static_cast<unsigned char>(words[i + 1]) : 0U;
    auto const control = byte < 0x20 || byte == 0x7F;
    auto const control_of_two = byte == 0xC2 && next >= 0x80 && next <= 0x9F;
    out += (control && kept.find(words[i]) == std::string_view::npos) || control_of_two
               ? '?'
               : words[i];
    if (control_of_two) ++i;
  }
  return out;
}

std::string html(std::string_view words) {
  std::string out;
  for (auto const c : words) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

}  // namespace fovea
