#pragma once

#include "base/core/file.hpp"
#include "learn/foreign/bundle_value.hpp"

#include <map>
#include <optional>
#include <set>

namespace fovea {

/// A config file of a MONAI bundle: JSON, or YAML as PyYAML's safe_load understands it (no
/// anchors, aliases or tags; one document). Throws Error{input} naming `what` and the line.
Json parse_bundle_yaml(std::string_view words, std::string_view what);

/// The entries of a bundle's config, evaluated when they are asked for and not before: what
/// nobody asks for need not be understood.
///
/// "@id" is another entry ("::" or "#" descends: "preprocessing::transforms::0::keys"), "$…" an
/// expression (see bundle_expression), a mapping with "_target_" a part. Parts that are
/// "_disabled_" are left out of lists, as MONAI does.
class BundleConfig {
 public:
  /// `what` names the file in messages; `folder` is where its paths begin.
  BundleConfig(Json root, std::string what, fs::path folder = {});

  /// A later file, or what a person says: its keys replace those before; "+key" adds to a list
  /// or a mapping. A key may be an id: "inferer::overlap".
  void merge(Json const& later);

  bool has(std::string_view id) const;
  /// Throws Error{input}: no such entry, an entry that stands for itself, an expression of what
  /// Fovea does not have, more than 500,000 values in all that was asked of this config.
  BundleValue at(std::string_view id) const;

  /// An argument of a part; none if it is not given.
  std::optional<BundleValue> argument(BundlePart const& part, std::string_view name) const;
  /// The same as it is written, not evaluated; null if it is not given.
  Json const* written(BundlePart const& part, std::string_view name) const;
  /// The names of a part's arguments, without those of the config itself ("_target_", …).
  std::vector<std::string> arguments(BundlePart const& part) const;

  std::string const& name() const { return what_; }
  fs::path const& folder() const { return folder_; }
  /// A file that the config names, if it is a relative path that stays in the bundle's folder;
  /// else none.
  std::optional<fs::path> inside(std::string_view path) const;

 private:
  [[noreturn]] void refuse(std::string const& happened) const;
  Json const* find(std::string_view id, int depth) const;
  BundleValue value(Json const& json, std::string const& id, int depth) const;
  BundleValue entry(std::string_view id, int depth) const;
  void count(std::size_t more) const;
  bool disabled(Json const& json, std::string const& id, int depth) const;

  Json root_;
  std::string what_;
  fs::path folder_;
  mutable std::size_t made_ = 0;
  mutable std::set<std::string, std::less<>> open_;  // ids that are being evaluated
};

}  // namespace fovea
