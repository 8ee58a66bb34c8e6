#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_config.hpp"

#include <algorithm>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace fovea {
namespace {

constexpr std::size_t bundle_yaml_bytes = 4U << 20;
constexpr std::size_t bundle_yaml_depth = 64;
constexpr std::size_t bundle_yaml_keys = 20'000;

// A plain scalar as YAML 1.1 reads it, which is what PyYAML does: 1e-3 is a text there, 1.0e-3
// a number, and "on" is true.
Json bundle_yaml_plain(std::string const& value) {
  auto const low = lower(value);
  if (value.empty() || value == "~" || low == "null") return nullptr;
  for (auto const* word : {"true", "yes", "on"}) {
    if (low == word) return true;
  }
  for (auto const* word : {"false", "no", "off"}) {
    if (low == word) return false;
  }
  auto const bare = value.starts_with('+') ? value.substr(1) : value;
  auto const octal = bare.size() > 1 && bare[0] == '0';
  if (auto const number = whole(bare); number && !octal) return *number;
  if (bare.find('.') != std::string::npos) {
    if (auto const real = number(bare)) return *real;
  }
  return value;
}

// Builds JSON from yaml-cpp's events. What could double itself (aliases) is refused at once.
class BundleYaml : public YAML::EventHandler {
 public:
  explicit BundleYaml(std::string_view what) : what_(what) {}

  Json root;

  void OnDocumentStart(YAML::Mark const& mark) override {
    if (std::exchange(begun_, true)) refuse(mark, "a second document");
  }
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    if (anchor != 0) refuse(mark, "an anchor (&name)");
    put(mark, nullptr, "");
  }
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override {
    refuse(mark, "an alias (*name)");
  }
  void OnScalar(YAML::Mark const& mark,
                std::string const& tag,
                YAML::anchor_t anchor,
                std::string const& value) override {
    plain(mark, tag, anchor);
    put(mark, tag == "!" ? Json(value) : bundle_yaml_plain(value), value);
  }
  void OnSequenceStart(YAML::Mark const& mark,
                       std::string const& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::array());
  }
  void OnSequenceEnd() override { open_.pop_back(); }
  void OnMapStart(YAML::Mark const& mark,
                  std::string const& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Json::object());
  }
  void OnMapEnd() override { open_.pop_back(); }

 private:
  struct Level {
    Json* json = nullptr;
    std::string key;
    bool has_key = false;
  };

  [[noreturn]] void refuse(YAML::Mark const& mark, std::string const& found) const {
    throw Error{Fault::input,
                text(what_, ", line ", mark.line + 1, ": expected plain YAML, got ", found),
                "write the value out"};
  }

  // yaml-cpp says "?" for a plain node and "!" for a quoted one.
  void plain(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) refuse(mark, "an anchor (&name)");
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "a tag");
  }

  void open(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor, Json kind) {
    plain(mark, tag, anchor);
    if (open_.size() == bundle_yaml_depth) refuse(mark, "more than 64 levels");
    auto* const placed = put(mark, std::move(kind), "");
    if (placed == nullptr) refuse(mark, "a key that is no text");
    open_.push_back({placed, {}, false});
  }

  // Where the value came to lie; null if it became a key. The ordered object looks keys up one
  // by one, so their number is held.
  Json* put(YAML::Mark const& mark, Json value, std::string const& words) {
    if (open_.empty()) {
      root = std::move(value);
      return &root;
    }
    auto& level = open_.back();
    if (level.json->is_array()) {
      level.json->push_back(std::move(value));
      return &level.json->back();
    }
    if (!level.has_key) {
      if (value.is_structured()) return nullptr;
      if (level.json->contains(words))
        refuse(mark, text("the key '", printable(words), "' twice"));
      if (level.json->size() == bundle_yaml_keys) refuse(mark, "that many keys");
      level.key = words;
      level.has_key = true;
      return nullptr;
    }
    level.has_key = false;
    return &((*level.json)[level.key] = std::move(value));
  }

  std::string_view what_;
  bool begun_ = false;
  std::vector<Level> open_;
};

}  // namespace

Json parse_bundle_yaml(std::string_view words, std::string_view what) {
  if (words.size() > bundle_yaml_bytes)
    throw Error{Fault::input, text(what, " has more than 4 MiB"),
                "it is no config of a bundle"};
  BundleYaml handler{what};
  try {
    std::istringstream in{std::string{words}};
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (YAML::Exception const& fault) {
    throw Error{Fault::input,
                text(what, ", line ", fault.mark.line + 1, ": expected YAML: ", fault.msg),
                "correct that line"};
  }
  return std::move(handler.root);
}

}  // namespace fovea
