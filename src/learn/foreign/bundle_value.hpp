#pragma once

#include "base/core/json.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace fovea {

/// Something that a bundle's config names and Python would make: the class (or function), and
/// where its arguments stand in the config.
struct BundlePart {
  std::string target;  ///< "Spacingd", "monai.networks.nets.DiNTS"
  std::string id;      ///< "preprocessing::transforms::3"
};

/// A thing that is only known by its name: "torch.float32", "torch.device".
struct BundleName {
  std::string words;
};

struct BundleItem;

/// What an entry of a bundle's config stands for.
struct BundleValue {
  using List = std::vector<BundleValue>;
  using Dict = std::vector<BundleItem>;
  std::variant<std::monostate,
               bool,
               std::int64_t,
               double,
               std::string,
               List,
               Dict,
               BundlePart,
               BundleName>
      value;

  template <class Type>
  Type const* as() const {
    return std::get_if<Type>(&value);
  }
  bool is_none() const { return value.index() == 0; }
  /// As Python sees it: nothing, 0, False, "" and what is empty are not.
  bool is_true() const;
  /// Of how many values it is made; long texts count as several.
  std::size_t size() const;
  /// For messages: "'RAS'", "a list of 3", "the part Spacingd".
  std::string in_words() const;
};

struct BundleItem {
  std::string name;
  BundleValue value;
};

/// Where an expression finds what it names.
struct BundleScope {
  /// The value of "@id". Throws Error{input}.
  std::function<BundleValue(std::string_view id)> at;
  /// Whether a file is in the bundle: os.path.exists.
  std::function<bool(std::string const& path)> exists;
};

/// The value of a Python expression of a bundle, behind its "$". A closed language, never
/// Python itself: numbers, texts, lists, tuples, dictionaries, "@id", + - * / //, comparisons,
/// "not", "and", "or", "a if b else c", indices and slices; the functions len, list, tuple,
/// range, int, float, str, bool, os.path.join, os.path.exists, copy.deepcopy,
/// torch.device, torch.cuda.is_available (False: what it chooses is Fovea's to choose),
/// torch.jit.load (a part with the file's path as its id); .to() and .eval() of a part; names
/// of types, modules and of MONAI's keys. Throws Error{input} naming `what` and what is not
/// among these.
BundleValue bundle_expression(std::string_view words,
                              BundleScope const& scope,
                              std::string_view what);

}  // namespace fovea
