#include "learn/recipe/json_at.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <cmath>

namespace fovea {
namespace {

std::string json_at_shown(Json const& json) {
  if (json.is_object()) return "an object";
  if (json.is_array()) return text("an array of ", json.size());
  auto words = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t most = 60;
  if (words.size() > most) words = words.substr(0, most) + "...";
  return printable(words, "");
}

std::string json_at_range(std::size_t least, std::size_t most) {
  return least == most ? text("an array of ", least)
                       : text("an array of ", least, " to ", most);
}

}  // namespace

void JsonAt::refuse(std::string_view expected) const {
  refuse(expected, "correct the file, or make it anew");
}

void JsonAt::refuse(std::string_view expected, std::string_view remedy) const {
  throw Error{Fault::input,
              text(path_, ": expected ", expected, ", got ", json_at_shown(*json_)),
              std::string{remedy}};
}

bool JsonAt::has(std::string_view key) const {
  if (!json_->is_object()) refuse("an object");
  auto const found = json_->find(key);
  return found != json_->end() && !found->is_null();
}

JsonAt JsonAt::at(std::string_view key) const {
  if (!json_->is_object()) refuse("an object");
  auto const found = json_->find(key);
  if (found == json_->end()) refuse(text("an object with '", key, "'"));
  return {*found, text(path_, path_.empty() ? "" : ".", printable(key, ""))};
}

std::vector<JsonAt> JsonAt::items(std::size_t least, std::size_t most) const {
  if (!json_->is_array() || json_->size() < least || json_->size() > most)
    refuse(json_at_range(least, most));
  std::vector<JsonAt> out;
  out.reserve(json_->size());
  for (std::size_t n = 0; n < json_->size(); ++n)
    out.push_back({(*json_)[n], text(path_, "[", n, "]")});
  return out;
}

std::vector<std::pair<std::string, JsonAt>> JsonAt::members(std::size_t most) const {
  if (!json_->is_object()) refuse("an object");
  if (json_->size() > most) refuse(text("an object of at most ", most, " keys"));
  std::vector<std::pair<std::string, JsonAt>> out;
  for (auto const& [key, value] : json_->items())
    out.emplace_back(key, JsonAt{value, text(path_, ".", printable(key, ""))});
  return out;
}

double JsonAt::number(double low, double high) const {
  if (!json_->is_number()) refuse("a number");
  auto const value = json_->get<double>();
  if (!(value >= low && value <= high))
    refuse(text("a number from ", spelled(low), " to ", spelled(high)));
  return value;
}

std::int64_t JsonAt::whole(std::int64_t low, std::int64_t high) const {
  // Through double: 36.0 is as whole as 36, and all bounds here are far below 2^53.
  auto const value = number(static_cast<double>(low), static_cast<double>(high));
  if (std::floor(value) != value) refuse(text("a whole number from ", low, " to ", high));
  return static_cast<std::int64_t>(value);
}

bool JsonAt::flag() const {
  if (!json_->is_boolean()) refuse("true or false");
  return json_->get<bool>();
}

std::string JsonAt::words(std::size_t most) const {
  if (!json_->is_string()) refuse("a string");
  auto value = json_->get<std::string>();
  if (value.size() > most) refuse(text("a string of at most ", most, " bytes"));
  return value;
}

std::vector<double> JsonAt::numbers(std::size_t least,
                                    std::size_t most,
                                    double low,
                                    double high) const {
  std::vector<double> out;
  for (auto const& item : items(least, most)) out.push_back(item.number(low, high));
  return out;
}

std::vector<std::int64_t> JsonAt::wholes(std::size_t least,
                                         std::size_t most,
                                         std::int64_t low,
                                         std::int64_t high) const {
  std::vector<std::int64_t> out;
  for (auto const& item : items(least, most)) out.push_back(item.whole(low, high));
  return out;
}

}  // namespace fovea
