#include "base/core/yaml.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <set>
#include <sstream>
#include <utility>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

namespace fovea {
namespace {

constexpr std::size_t yaml_bytes = 1U << 20;

// Takes yaml-cpp's events one by one and refuses at the first that goes beyond the subset: so
// neither deep nesting nor an alias that doubles itself ever builds anything.
class YamlFlat : public YAML::EventHandler {
 public:
  explicit YamlFlat(std::string_view what) : what_(what) {}

  std::vector<YamlLine> lines;

  void OnDocumentStart(YAML::Mark const& mark) override {
    // Also of empty ones: yaml-cpp may offer nothing for ever without going on in the text.
    if (std::exchange(begun_, true)) refuse(mark, "a second document", "keep one mapping");
  }
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
    if (where_ != Where::outside) scalar(mark, "?", anchor, "");
  }
  void OnAlias(YAML::Mark const& mark, YAML::anchor_t) override {
    refuse(mark, "an alias (*name)", "write the value out");
  }
  void OnScalar(YAML::Mark const& mark,
                std::string const& tag,
                YAML::anchor_t anchor,
                std::string const& value) override {
    scalar(mark, tag, anchor, value);
  }
  void OnSequenceStart(YAML::Mark const& mark,
                       std::string const& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    plain(mark, tag, anchor);
    if (where_ != Where::value)
      refuse(mark, "a list", "a list is the value of a key, and holds scalars");
    where_ = Where::list;
    items_.clear();
  }
  void OnSequenceEnd() override {
    lines.back().value = "[" + joined(items_, ", ") + "]";
    where_ = Where::key;
  }
  void OnMapStart(YAML::Mark const& mark,
                  std::string const& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    plain(mark, tag, anchor);
    if (where_ != Where::outside)
      refuse(mark, "a mapping inside the mapping", "write one line per key");
    where_ = Where::key;
  }
  void OnMapEnd() override { where_ = Where::outside; }

 private:
  enum class Where { outside, key, value, list };

  [[noreturn]] void refuse(YAML::Mark const& mark,
                           std::string const& found,
                           std::string const& remedy) const {
    throw Error{Fault::input,
                text(what_, ", line ", mark.line + 1, ": expected key: value, got ", found),
                remedy};
  }

  // yaml-cpp says "?" for a plain node and "!" for a quoted one.
  void plain(YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) refuse(mark, "an anchor (&name)", "write the value out");
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "a tag", "leave the tag out");
  }

  void scalar(YAML::Mark const& mark,
              std::string const& tag,
              YAML::anchor_t anchor,
              std::string const& value) {
    plain(mark, tag, anchor);
    if (where_ == Where::outside) refuse(mark, "a lone value", "write one line per key");
    if (where_ == Where::key) {
      if (!keys_.insert(value).second)
        refuse(mark, text("the key '", value, "' twice"), "keep one of them");
      lines.push_back({.key = value, .value = {}, .line = mark.line + 1});
      where_ = Where::value;
    } else if (where_ == Where::value) {
      lines.back().value = value;
      where_ = Where::key;
    } else {
      items_.push_back(yaml_scalar(value));
    }
  }

  std::string_view what_;
  bool begun_ = false;
  Where where_ = Where::outside;
  std::vector<std::string> items_;
  std::set<std::string> keys_;
};

// The scalars of a list that stands alone; the same refusals.
class YamlItems : public YAML::EventHandler {
 public:
  std::vector<std::string> items;

  void OnDocumentStart(YAML::Mark const&) override {
    if (std::exchange(begun_, true)) refuse();
  }
  void OnDocumentEnd() override {}
  void OnNull(YAML::Mark const&, YAML::anchor_t anchor) override { add(anchor, ""); }
  void OnAlias(YAML::Mark const&, YAML::anchor_t) override { refuse(); }
  void OnScalar(YAML::Mark const&,
                std::string const&,
                YAML::anchor_t anchor,
                std::string const& value) override {
    add(anchor, value);
  }
  void OnSequenceStart(YAML::Mark const&,
                       std::string const&,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    if (anchor != 0 || std::exchange(inside_, true)) refuse();
  }
  void OnSequenceEnd() override { inside_ = false; }
  void OnMapStart(YAML::Mark const&,
                  std::string const&,
                  YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    refuse();
  }
  void OnMapEnd() override {}

 private:
  [[noreturn]] static void refuse() {
    throw Error{Fault::input, "expected a list of plain values, got something else",
                "write [a, b]"};
  }
  void add(YAML::anchor_t anchor, std::string const& value) {
    if (anchor != 0 || !inside_) refuse();
    items.push_back(value);
  }

  bool begun_ = false;
  bool inside_ = false;
};

std::string yaml_checked(std::string_view words, std::string_view what) {
  if (words.size() > yaml_bytes)
    throw Error{Fault::input,
                text("expected at most ", bytes_in_words(yaml_bytes), " of YAML, got ",
                     bytes_in_words(static_cast<double>(words.size())), " in ", what),
                "check that it is the right file"};
  auto line = 1;
  for (auto const c : words) {
    if (c == '\n') ++line;
    auto const code = static_cast<unsigned char>(c);
    // yaml-cpp takes byte 4 for the end of the file; YAML allows no control characters anyway.
    if ((code < 32 && c != '\n' && c != '\r' && c != '\t') || code == 127)
      throw Error{Fault::input,
                  text(what, ", line ", line, ": expected text, got the byte ", int{code}),
                  "save it as text in UTF-8"};
  }
  // yaml-cpp notices an open quote at the end only where no line end stands behind it.
  return std::string{words.substr(0, words.find_last_not_of(" \t\r\n") + 1)};
}

// Feeds one document after the other to the handler; yaml-cpp's own complaints become ours.
void yaml_feed(std::string_view words, std::string_view what, YAML::EventHandler& handler) {
  std::istringstream in{yaml_checked(words, what)};
  in.imbue(std::locale::classic());
  try {
    YAML::Parser parser{in};
    while (parser.HandleNextDocument(handler)) {
    }
  } catch (YAML::Exception const& fault) {
    throw Error{Fault::input,
                text(what, ", line ", fault.mark.line + 1, ": expected YAML, got: ", fault.msg),
                "write one line per key: key: value"};
  }
}

bool yaml_plain_character(char c) {
  constexpr std::string_view others = "_./+-=()^$ ";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

bool yaml_plain(std::string_view value) {
  if (value.empty() || value.front() == ' ' || value.back() == ' ') return false;
  for (auto const c : value) {
    if (!yaml_plain_character(c)) return false;
  }
  // "- " begins an item, "---" and "..." a document, "=" is YAML 1.1's default key.
  if (value.front() == '-' && !(value.size() > 1 && value[1] >= '0' && value[1] <= '9'))
    return false;
  if (value.front() == '=' || value.starts_with("...")) return false;
  return lower(value) != "null";
}

}  // namespace

std::vector<YamlLine> parse_yaml(std::string_view words, std::string_view what) {
  YamlFlat flat{what};
  yaml_feed(words, what, flat);
  return std::move(flat.lines);
}

std::vector<std::string> yaml_list(std::string_view value) {
  auto const words = trimmed(value);
  if (words.empty()) return {};
  if (!words.starts_with('[')) return {std::string{words}};
  YamlItems list;
  yaml_feed(words, text("the list ", words.substr(0, 60)), list);
  return std::move(list.items);
}

std::string yaml_scalar(std::string_view value) {
  if (yaml_plain(value)) return std::string{value};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out = "\"";
  for (auto const c : value) {
    auto const code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (code < 32 || code == 127) {
      out += "\\x";
      out += digits[code >> 4];
      out += digits[code & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace fovea
