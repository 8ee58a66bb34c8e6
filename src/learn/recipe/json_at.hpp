#pragma once

#include "base/core/json.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// A value in a JSON file that nobody trusts, with where it is: every question is answered or
/// throws Error{input} "plans.json: configurations.2d.batch_size: expected …, got …".
class JsonAt {
 public:
  JsonAt(Json const& json, std::string path) : json_(&json), path_(std::move(path)) {}

  bool has(std::string_view key) const;  ///< false for null, too
  bool is_null() const { return json_->is_null(); }
  JsonAt at(std::string_view key) const;
  std::vector<JsonAt> items(std::size_t least, std::size_t most) const;  ///< of an array
  std::vector<std::pair<std::string, JsonAt>> members(std::size_t most) const;

  double number(double low, double high) const;
  std::int64_t whole(std::int64_t low, std::int64_t high) const;
  bool flag() const;
  std::string words(std::size_t most = 256) const;
  std::vector<double> numbers(std::size_t least,
                              std::size_t most,
                              double low,
                              double high) const;
  std::vector<std::int64_t> wholes(std::size_t least,
                                   std::size_t most,
                                   std::int64_t low,
                                   std::int64_t high) const;

  Json const& json() const { return *json_; }
  std::string const& path() const { return path_; }
  /// "expected `expected`, got …".
  [[noreturn]] void refuse(std::string_view expected) const;
  [[noreturn]] void refuse(std::string_view expected, std::string_view remedy) const;

 private:
  Json const* json_;
  std::string path_;
};

}  // namespace fovea
