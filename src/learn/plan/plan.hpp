#pragma once

#include "base/core/file.hpp"
#include "base/core/json.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

enum class KeyKind {
  whole,     ///< 12
  fraction,  ///< 0.5
  flag,      ///< true or false
  time,      ///< 90s, 10m, 2h; stored in seconds
  word,      ///< one of the row's choices, or any text if there are none
  list,      ///< [a, b]
  place,     ///< a file or folder of this machine
};

/// One key that a plan can hold. The help, the docs page, the flags and the checks read this
/// table.
struct KeyRow {
  std::string_view name;
  KeyKind kind = KeyKind::word;
  std::string_view normal;        ///< the value where nobody says otherwise
  std::string_view does;          ///< one line, with units
  double low = 0, high = 0;       ///< bounds of a number, inclusive; none if low == high
  std::string_view choices = {};  ///< "a|b|c", of words or whole numbers
};

/// What every task can be told. A task adds its own rows.
std::span<KeyRow const> common_keys();

/// Everything a training run needs, as one readable file made from the data and editable by a
/// person. Each value carries the reason for it.
class Plan {
 public:
  /// All keys at their normal values.
  explicit Plan(std::span<KeyRow const> task_keys = {});

  /// Throws Error{usage}: an unknown key (with the nearest name), a value of another kind, out
  /// of range or not among the choices.
  void set(std::string_view key, std::string_view value, std::string_view reason = {});
  void set(std::string_view key, double value, std::string_view reason = {});
  void set(std::string_view key, std::int64_t value, std::string_view reason = {});
  void set(std::string_view key, int value, std::string_view reason = {}) {
    set(key, std::int64_t{value}, reason);
  }
  void set(std::string_view key, bool value, std::string_view reason = {});
  /// Else a literal would become a bool.
  void set(std::string_view key, char const* value, std::string_view reason = {}) {
    set(key, std::string_view{value}, reason);
  }

  std::string const& word(std::string_view key) const;  ///< any kind, as it is written
  double fraction(std::string_view key) const;          ///< also of a time, in seconds
  std::int64_t whole(std::string_view key) const;
  bool flag(std::string_view key) const;
  std::vector<std::string> list(std::string_view key) const;
  /// set() for what a person wants: decisions from the data and a search leave it alone.
  void ask(std::string_view key, std::string_view value, std::string_view from);
  bool asked(std::string_view key) const;

  std::string const& reason(std::string_view key) const;
  bool normal(std::string_view key) const;  ///< nobody has set it

  /// One line a key, in the table's order, reasons as comments; reads back as the same plan.
  std::string yaml() const;
  /// The keys of the file over what is set. Throws Error{usage} naming file and line.
  void read(std::string_view yaml, std::string_view what);

  Json json() const;  ///< values by key, typed

  /// The same without what lies where on this machine: for what travels.
  Plan without_places() const;

 private:
  struct Value {
    KeyRow row;
    std::string value, reason;
    bool set = false;
    bool asked = false;
  };
  Value& at(std::string_view key);
  Value const& at(std::string_view key) const;

  std::vector<Value> values_;
};

}  // namespace fovea
