#include "base/dicom/uid.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {

bool valid_uid(std::string_view words) {
  if (words.empty() || words.size() > 64) return false;
  return std::ranges::all_of(split(words, '.'), [](std::string const& part) {
    auto const digit = [](char letter) { return letter >= '0' && letter <= '9'; };
    return !part.empty() && std::ranges::all_of(part, digit) &&
           (part.size() == 1 || part.front() != '0');
  });
}

std::string uid_of_hash(std::string_view sha256_hex) {
  constexpr std::string_view digits = "0123456789abcdef";
  constexpr std::size_t count = 32;  // of 4 bits each
  if (sha256_hex.size() < count)
    throw Error{Fault::bug, "a hash that is too short", "report this"};
  std::string decimal = "0";
  for (std::size_t i = 0; i < count; ++i) {
    auto digit = static_cast<unsigned>(digits.find(sha256_hex[i]));
    if (digit > 15) throw Error{Fault::bug, "a hash that is not hexadecimal", "report this"};
    if (i == 12) digit = 8;                  // the UUID's version
    if (i == 16) digit = 8U | (digit & 3U);  // and its variant
    // decimal * 16 + digit, as one does it on paper
    for (auto& place : decimal) {
      digit += 16U * static_cast<unsigned>(place - '0');
      place = static_cast<char>('0' + digit % 10);
      digit /= 10;
    }
    for (; digit > 0; digit /= 10) decimal += static_cast<char>('0' + digit % 10);
  }
  while (decimal.size() > 1 && decimal.back() == '0') decimal.pop_back();
  std::ranges::reverse(decimal);
  return "2.25." + decimal;
}

}  // namespace fovea
