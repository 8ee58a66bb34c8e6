#include "learn/plan/plan.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/core/yaml.hpp"

#include <algorithm>

namespace fovea {
namespace {

[[noreturn]] void plan_refuse(KeyRow const& row,
                              std::string_view value,
                              std::string const& expected) {
  throw Error{Fault::usage,
              text("expected ", expected, " for '", row.name, "', got '", value, "'"),
              text("it is: ", row.does)};
}

double plan_bounded(KeyRow const& row,
                    std::string_view written,
                    std::optional<double> value,
                    std::string const& kind) {
  if (!value) plan_refuse(row, written, kind);
  if (row.low != row.high && (*value < row.low || *value > row.high))
    plan_refuse(row, written,
                text(kind, " from ", spelled(row.low), " to ", spelled(row.high)));
  return *value;
}

std::string plan_word(KeyRow const& row, std::string_view value) {
  if (row.choices.empty()) return std::string{value};
  auto const known = split(row.choices, '|');
  if (std::ranges::find(known, value) != known.end()) return std::string{value};
  throw Error{Fault::usage, text("'", row.name, "' cannot be '", value, "'"),
              did_you_mean(value, known)};
}

// The value in the spelling that is stored; throws if it does not fit the row.
std::string plan_checked(KeyRow const& row, std::string_view value) {
  value = trimmed(value);
  switch (row.kind) {
    case KeyKind::whole: {
      auto const number = whole(value);
      plan_bounded(row, value,
                   number ? std::optional{static_cast<double>(*number)} : std::nullopt,
                   "a whole number");
      return plan_word(row, text(*number));
    }
    case KeyKind::fraction:
      return spelled(plan_bounded(row, value, number(value), "a number"));
    case KeyKind::time: {
      if (value == "0") return "0";
      auto const seconds = seconds_of(value);
      if (!seconds) plan_refuse(row, value, "a time such as 90s, 10m or 2h");
      return text(spelled(*seconds), "s");
    }
    case KeyKind::flag: {
      auto const folded = lower(value);
      if (folded == "true" || folded == "yes" || folded == "on" || folded == "1") return "true";
      if (folded == "false" || folded == "no" || folded == "off" || folded == "0")
        return "false";
      plan_refuse(row, value, "true or false");
    }
    case KeyKind::list: {
      std::vector<std::string> items;
      for (auto const& item : yaml_list(value)) items.push_back(yaml_scalar(item));
      return "[" + joined(items, ", ") + "]";
    }
    case KeyKind::word:
    case KeyKind::place:
      break;
  }
  return plan_word(row, value);
}

std::string plan_reason(std::string_view reason) {
  std::string out{reason};
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
  return out;
}

}  // namespace

Plan::Plan(std::span<KeyRow const> task_keys) {
  for (auto const rows : {common_keys(), task_keys}) {
    for (auto const& row : rows) values_.push_back({row, plan_checked(row, row.normal), {}});
  }
}

Plan::Value const& Plan::at(std::string_view key) const {
  auto const found =
      std::ranges::find(values_, key, [](Value const& value) { return value.row.name; });
  if (found != values_.end()) return *found;
  std::vector<std::string> known;
  for (auto const& value : values_) known.emplace_back(value.row.name);
  throw Error{Fault::usage, text("a plan has no key '", key, "'"), did_you_mean(key, known)};
}

Plan::Value& Plan::at(std::string_view key) {
  return const_cast<Value&>(
      std::as_const(*this).at(key));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
}

void Plan::set(std::string_view key, std::string_view value, std::string_view reason) {
  auto& place = at(key);
  place.value = plan_checked(place.row, value);
  place.reason = plan_reason(reason);
  place.set = true;
}

void Plan::set(std::string_view key, double value, std::string_view reason) {
  set(key, std::string_view{spelled(value)}, reason);
}

void Plan::set(std::string_view key, std::int64_t value, std::string_view reason) {
  set(key, std::string_view{text(value)}, reason);
}

void Plan::set(std::string_view key, bool value, std::string_view reason) {
  set(key, std::string_view{value ? "true" : "false"}, reason);
}

void Plan::ask(std::string_view key, std::string_view value, std::string_view from) {
  set(key, value, from);
  at(key).asked = true;
}

bool Plan::asked(std::string_view key) const {
  return at(key).asked;
}

std::string const& Plan::word(std::string_view key) const {
  return at(key).value;
}

double Plan::fraction(std::string_view key) const {
  auto const& place = at(key);
  if (place.row.kind == KeyKind::time)
    return place.value == "0" ? 0 : seconds_of(place.value).value();
  return number(place.value).value();
}

std::int64_t Plan::whole(std::string_view key) const {
  return fovea::whole(word(key)).value();
}

bool Plan::flag(std::string_view key) const {
  return word(key) == "true";
}

std::vector<std::string> Plan::list(std::string_view key) const {
  return yaml_list(word(key));
}

std::string const& Plan::reason(std::string_view key) const {
  return at(key).reason;
}

bool Plan::normal(std::string_view key) const {
  return !at(key).set;
}

std::string Plan::yaml() const {
  std::string out;
  for (auto const& [row, value, reason, set, asked] : values_) {
    auto const words = row.kind == KeyKind::word || row.kind == KeyKind::place;
    auto const written = words ? yaml_scalar(value) : value;
    out += text(row.name, ": ", written, reason.empty() ? "" : "  # ", reason, "\n");
  }
  return out;
}

void Plan::read(std::string_view yaml, std::string_view what) {
  for (auto const& line : parse_yaml(yaml, what)) {
    try {
      set(line.key, std::string_view{line.value}, text("from ", what));
    } catch (Error const& error) {
      throw Error{error.fault(), text(what, ", line ", line.line, ": ", error.what()), {}};
    }
  }
}

Json Plan::json() const {
  Json out = Json::object();
  for (auto const& [row, value, reason, set, asked] : values_) {
    auto& place = out[std::string{row.name}];
    switch (row.kind) {
      case KeyKind::whole:
        place = whole(row.name);
        break;
      case KeyKind::fraction:
      case KeyKind::time:
        place = fraction(row.name);
        break;
      case KeyKind::flag:
        place = flag(row.name);
        break;
      case KeyKind::list:
        place = list(row.name);
        break;
      case KeyKind::word:
      case KeyKind::place:
        place = value;
    }
  }
  return out;
}

Plan Plan::without_places() const {
  auto out = *this;
  for (auto& value : out.values_) {
    if (value.row.kind != KeyKind::place) continue;
    value.value = value.row.normal;
    value.reason.clear();
  }
  return out;
}

}  // namespace fovea
