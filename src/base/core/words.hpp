#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

std::string_view trimmed(std::string_view words);  ///< without blanks at both ends
std::string lower(std::string_view words);         ///< ASCII letters only
std::vector<std::string> split(std::string_view words, char at);  ///< "a,,b" gives three
std::string joined(std::span<std::string const> words, std::string_view between);

/// The known name that is nearest to what was written (edits and swaps of letters), or none if
/// nothing is near: for "did you mean …?".
std::optional<std::string> nearest(std::string_view written,
                                   std::span<std::string const> known);

/// "; did you mean 'unet'?" or, when nothing is near, "known: a, b, c".
std::string did_you_mean(std::string_view written, std::span<std::string const> known);

/// The number that all of `words` spells, in the C locale whatever the user's is; none if it
/// does not, or is not finite.
std::optional<double> number(std::string_view words);
std::optional<std::int64_t> whole(std::string_view words);

/// The fewest digits that read back as the same number; in the C locale.
std::string spelled(double value);
/// With so many digits behind the point: fixed(0.5, 3) is "0.500".
std::string fixed(double value, int digits);

/// "90s", "10m", "1.5h", "2d" or a bare number of seconds; none if it is neither or not above
/// 0.
std::optional<double> seconds_of(std::string_view words);
/// 75 is "1m 15s": for people.
std::string duration(double seconds);
/// 1536 is "1.5 KiB": for people.
std::string bytes_in_words(double bytes);

/// Text safe on a terminal: control characters (ASCII's, and U+0080 to U+009F) other than those
/// in `kept` become "?".
std::string printable(std::string_view words, std::string_view kept = "\n\t");

/// Text safe inside HTML and inside a double-quoted attribute.
std::string html(std::string_view words);

}  // namespace fovea
