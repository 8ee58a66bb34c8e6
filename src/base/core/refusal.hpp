#pragma once

#include "base/core/error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fovea {

/// What a reader noticed and people should know: something repaired, chosen or odd. The code is
/// for programs and never changes; the words are for people.
struct Note {
  std::string_view code;  ///< a literal: "sform-qform-differ"
  std::string words;

  bool operator==(Note const&) const = default;
};

/// An Error{input} that programs can tell from others: by its code, which never changes, and by
/// the place in the file where that helps.
class Refusal : public Error {
 public:
  Refusal(std::string_view code,
          std::string const& happened,
          std::string const& remedy,
          std::optional<std::uint64_t> at = std::nullopt)
      : Error(Fault::input, happened, remedy), code_(code), at_(at) {}

  std::string_view code() const noexcept { return code_; }  ///< a literal: "truncated"
  std::optional<std::uint64_t> at() const noexcept { return at_; }

 private:
  std::string_view code_;
  std::optional<std::uint64_t> at_;
};

}  // namespace fovea
