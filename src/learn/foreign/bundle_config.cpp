#include "learn/foreign/bundle_config.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr int bundle_depth = 64;
constexpr std::size_t bundle_values = 500'000;
constexpr std::string_view bundle_own_keys[] = {"_target_", "_disabled_", "_requires_",
                                                "_desc_",   "_mode_",     "_wrapper_"};

std::string bundle_shown(std::string_view words) {
  constexpr std::size_t longest = 100;
  return text("'", printable(words.substr(0, longest), ""), words.size() > longest ? "…" : "",
              "'");
}

// "a::b#0" in its steps.
std::vector<std::string> bundle_path(std::string_view id) {
  std::string plain;
  for (std::size_t i = 0; i < id.size(); ++i) {
    auto const colons = id.substr(i).starts_with("::");
    plain += colons || id[i] == '#' ? '\0' : id[i];
    if (colons) ++i;
  }
  return split(plain, '\0');
}

bool bundle_is_part(Json const& json) {
  return json.is_object() && json.contains("_target_");
}

}  // namespace

BundleConfig::BundleConfig(Json root, std::string what, fs::path folder)
    : root_(std::move(root)), what_(std::move(what)), folder_(std::move(folder)) {
  if (!root_.is_object()) refuse("expected a mapping of entries");
}

void BundleConfig::refuse(std::string const& happened) const {
  throw Error{Fault::input, text(what_, ": ", happened),
              "compare it with the configs of MONAI's model zoo"};
}

void BundleConfig::merge(Json const& later) {
  if (!later.is_object()) refuse("expected a mapping of entries to merge");
  for (auto const& row : later.items()) {
    auto const adds = row.key().starts_with('+');
    auto const steps = bundle_path(adds ? row.key().substr(1) : row.key());
    auto* at = &root_;
    for (auto const& step : steps) {
      auto const place = at->is_array() ? whole(step) : std::nullopt;
      if (place && *place >= 0 && *place < static_cast<std::int64_t>(at->size()))
        at = &(*at)[static_cast<std::size_t>(*place)];
      else if (at->is_object() && (at->contains(step) || &step == &steps.back()))
        at = &(*at)[step];
      else
        refuse(text("there is no entry ", bundle_shown(row.key()), " to replace"));
    }
    if (adds && at->is_array() && row.value().is_array())
      at->insert(at->end(), row.value().begin(), row.value().end());
    else if (adds && at->is_object() && row.value().is_object())
      at->update(row.value());
    else if (adds && !at->is_null())
      refuse(text("only a list or a mapping can be added to, not ", bundle_shown(row.key())));
    else
      *at = row.value();
  }
}

// The place of an id; where a step leads through "@other", that entry's.
Json const* BundleConfig::find(std::string_view id, int depth) const {
  if (depth > bundle_depth) refuse(text("the entry ", bundle_shown(id), " stands for itself"));
  auto const* at = &root_;
  for (auto const& step : bundle_path(id)) {
    while (at != nullptr && at->is_string()) {
      auto const& words = at->get_ref<std::string const&>();
      if (!words.starts_with('@')) return nullptr;
      at = find(std::string_view{words}.substr(1), ++depth);
    }
    if (at == nullptr) return nullptr;
    count(at->size() / 64);  // its keys are looked up one by one
    auto const place = at->is_array() ? whole(step) : std::nullopt;
    if (at->is_object() && at->contains(step))
      at = &at->at(step);
    else if (place && *place >= 0 && *place < static_cast<std::int64_t>(at->size()))
      at = &at->at(static_cast<std::size_t>(*place));
    else
      return nullptr;
  }
  return at;
}

bool BundleConfig::has(std::string_view id) const {
  return find(id, 0) != nullptr;
}

BundleValue BundleConfig::at(std::string_view id) const {
  // What an earlier question left open when it was refused.
  open_.clear();
  return entry(id, 0);
}

BundleValue BundleConfig::entry(std::string_view id, int depth) const {
  auto const* json = find(id, 0);
  if (json == nullptr) refuse(text("there is no entry ", bundle_shown(id)));
  auto const opened = open_.emplace(id);
  if (!opened.second) refuse(text("the entry ", bundle_shown(id), " stands for itself"));
  auto out = value(*json, std::string{id}, depth);
  open_.erase(opened.first);
  return out;
}

void BundleConfig::count(std::size_t more) const {
  made_ += more;
  if (made_ > bundle_values)
    refuse(text("its entries hold more than ", bundle_values, " values"));
}

bool BundleConfig::disabled(Json const& json, std::string const& id, int depth) const {
  if (!json.contains("_disabled_")) return false;
  auto const said = value(json.at("_disabled_"), id + "::_disabled_", depth + 1);
  auto const* word = said.as<std::string>();
  return word != nullptr ? lower(*word) == "true" : said.is_true();
}

BundleValue BundleConfig::value(Json const& json, std::string const& id, int depth) const {
  if (depth > bundle_depth) refuse(text("the entry ", bundle_shown(id), " lies too deep"));
  count(1);
  if (json.is_boolean()) return {json.get<bool>()};
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > INT64_MAX)
    return {json.get<double>()};
  if (json.is_number_integer()) return {json.get<std::int64_t>()};
  if (json.is_number()) return {json.get<double>()};
  if (json.is_string()) {
    auto const& words = json.get_ref<std::string const&>();
    if (words.starts_with('%'))
      refuse(text("the inclusion ", bundle_shown(words), " is not read"));
    if (words.starts_with('@')) return entry(std::string_view{words}.substr(1), depth + 1);
    if (!words.starts_with('$')) {
      count(words.size() / 64);
      return {words};
    }
    BundleScope const scope{[&](std::string_view other) { return entry(other, depth + 1); },
                            [&](std::string const& path) {
                              auto const file = inside(path);
                              return file && fs::exists(*file);
                            }};
    auto out = bundle_expression(std::string_view{words}.substr(1), scope, what_ + ", " + id);
    count(out.size());
    return out;
  }
  if (bundle_is_part(json)) {
    auto const& target = json.at("_target_");
    if (!target.is_string()) refuse(text("the target of ", bundle_shown(id), " is no name"));
    if (json.contains("_mode_") && json.at("_mode_") != "default")
      refuse(text("the mode of ", bundle_shown(id), " is not the default one"));
    if (disabled(json, id, depth)) return {};
    return {BundlePart{target.get<std::string>(), id}};
  }
  if (json.is_object()) {
    BundleValue::Dict out;
    for (auto const& row : json.items())
      out.push_back({row.key(), value(row.value(), id + "::" + row.key(), depth + 1)});
    return {std::move(out)};
  }
  if (!json.is_array()) return {};
  BundleValue::List out;
  for (std::size_t i = 0; i < json.size(); ++i) {
    auto one = value(json[i], text(id, "::", i), depth + 1);
    if (one.is_none() && bundle_is_part(json[i])) continue;
    out.push_back(std::move(one));
  }
  return {std::move(out)};
}

Json const* BundleConfig::written(BundlePart const& part, std::string_view name) const {
  auto const* json = find(part.id, 0);
  return json != nullptr && json->is_object() && json->contains(std::string{name})
             ? &json->at(std::string{name})
             : nullptr;
}

std::optional<BundleValue> BundleConfig::argument(BundlePart const& part,
                                                  std::string_view name) const {
  if (written(part, name) == nullptr) return std::nullopt;
  return at(text(part.id, "::", name));
}

std::vector<std::string> BundleConfig::arguments(BundlePart const& part) const {
  std::vector<std::string> out;
  auto const* json = find(part.id, 0);
  if (json == nullptr || !json->is_object()) return out;
  for (auto const& row : json->items()) {
    if (std::ranges::find(bundle_own_keys, row.key()) == std::end(bundle_own_keys))
      out.push_back(row.key());
  }
  return out;
}

std::optional<fs::path> BundleConfig::inside(std::string_view path) const {
  if (path.empty() || path.starts_with('/') || path.find('\\') != std::string_view::npos ||
      path.find('\0') != std::string_view::npos)
    return std::nullopt;
  for (auto const& step : split(path, '/')) {
    if (step == "..") return std::nullopt;
  }
  return folder_ / fs::path{path};
}

}  // namespace fovea
