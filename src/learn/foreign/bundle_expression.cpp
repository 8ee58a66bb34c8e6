#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_syntax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

namespace fovea {
namespace {

constexpr std::size_t expression_text = 4000;
constexpr std::size_t expression_list = 10'000;
constexpr std::size_t expression_values = 100'000;  // of one expression, in all

std::string expression_shown(std::string_view words) {
  constexpr std::size_t longest = 100;
  return text("'", printable(words.substr(0, longest), ""), words.size() > longest ? "…" : "",
              "'");
}

// Names that stand for a value.
struct ExpressionConstant {
  std::string_view name;
  std::string_view word;
};
constexpr ExpressionConstant expression_constants[] = {
    {"monai.utils.CommonKeys.IMAGE", "image"},
    {"monai.utils.CommonKeys.LABEL", "label"},
    {"monai.utils.CommonKeys.PRED", "pred"},
    {"monai.utils.CommonKeys.LOSS", "loss"},
    {"CommonKeys.IMAGE", "image"},
    {"CommonKeys.LABEL", "label"},
    {"CommonKeys.PRED", "pred"}};

constexpr std::string_view expression_types[] = {
    "float16", "float32", "float64", "bfloat16", "float", "double", "half", "uint8",
    "int8",    "int16",   "int32",   "int64",    "int",   "long",   "bool", "uint16"};

// "torch.float32" and the like.
bool expression_is_type(std::string_view name) {
  for (std::string_view const module : {"torch.", "numpy.", "np."}) {
    if (name.starts_with(module) &&
        std::ranges::find(expression_types, name.substr(module.size())) !=
            std::end(expression_types))
      return true;
  }
  return false;
}

constexpr std::string_view expression_functions[] = {
    "len", "list", "tuple",        "range",          "int",          "float",
    "str", "bool", "os.path.join", "os.path.exists", "copy.deepcopy"};

bool expression_is_function(std::string_view name) {
  return std::ranges::find(expression_functions, name) != std::end(expression_functions);
}

std::optional<double> expression_number(BundleValue const& value) {
  if (auto const* it = value.as<bool>()) return *it ? 1.0 : 0.0;
  if (auto const* it = value.as<std::int64_t>()) return static_cast<double>(*it);
  if (auto const* it = value.as<double>()) return *it;
  return std::nullopt;
}

// Whole numbers stay whole while they are small enough for that to be exact.
BundleValue expression_whole_or_real(double value, bool whole_wanted) {
  constexpr double exact = 9007199254740992.0;  // 2^53
  if (whole_wanted && std::abs(value) <= exact) return {static_cast<std::int64_t>(value)};
  return {value};
}

class Expression {
 public:
  Expression(BundleSyntax const& syntax, BundleScope const& scope)
      : syntax_(syntax), scope_(scope) {}

  BundleValue run() { return value(syntax_.top()); }

 private:
  using Kind = BundleSyntax::Kind;
  using Node = BundleSyntax::Node;

  [[noreturn]] void refuse(std::string const& missing) const { syntax_.refuse(missing); }

  BundleValue part(Node const& node, std::size_t i) { return value(syntax_.at(node.parts[i])); }

  // Only what is chosen is evaluated, so that what is not need not be known.
  BundleValue value(Node const& node) {
    switch (node.kind) {
      case Kind::none:
        return {};
      case Kind::boolean:
        return {node.whole != 0};
      case Kind::whole:
        return {node.whole};
      case Kind::real:
        return {node.real};
      case Kind::words:
        return {node.words};
      case Kind::reference:
        return scope_.at(node.words);
      case Kind::name:
        return named(node.words);
      case Kind::member:
        return named(dotted(node));
      case Kind::list:
        return list(node);
      case Kind::dict:
        return dictionary(node);
      case Kind::choice:
        return part(node, 1).is_true() ? part(node, 0) : part(node, 2);
      case Kind::either: {
        auto first = part(node, 0);
        return first.is_true() ? first : part(node, 1);
      }
      case Kind::both: {
        auto first = part(node, 0);
        return first.is_true() ? part(node, 1) : first;
      }
      case Kind::negation:
        return {!part(node, 0).is_true()};
      case Kind::minus:
        return negative(part(node, 0));
      case Kind::compare:
        return compare(node.words, part(node, 0), part(node, 1));
      case Kind::sum:
        return add(part(node, 0), part(node, 1), node.words == "+");
      case Kind::product:
        return multiply(part(node, 0), part(node, 1), node.words);
      case Kind::index:
        return indexed(part(node, 0), part(node, 1));
      case Kind::slice:
        return sliced(part(node, 0), part(node, 1), part(node, 2));
      case Kind::call:
        return call(node);
      case Kind::argument:
        refuse("an argument outside of a call");
    }
    refuse("something");
  }

  // "torch.cuda.is_available" of a member of a member of a name.
  std::string dotted(Node const& node) const {
    auto const& of = syntax_.at(node.parts[0]);
    if (of.kind == Kind::name) return of.words + "." + node.words;
    if (of.kind == Kind::member) return dotted(of) + "." + node.words;
    return "." + node.words;
  }

  BundleValue named(std::string const& name) const {
    auto const constant =
        std::ranges::find(expression_constants, name, &ExpressionConstant::name);
    if (constant != std::end(expression_constants)) return {std::string{constant->word}};
    if (expression_is_type(name)) return {BundleName{name}};
    refuse(name);
  }

  BundleValue list(Node const& node) {
    BundleValue::List out;
    for (std::size_t i = 0; i < node.parts.size(); ++i) out.push_back(part(node, i));
    return {std::move(out)};
  }

  // Before a list is made of others, so that nothing large is ever made.
  void count(std::size_t values) {
    values_ += values;
    if (values > expression_list || values_ > expression_values)
      refuse(text("a list of ", values, " values"));
  }

  BundleValue dictionary(Node const& node) {
    BundleValue::Dict out;
    for (std::size_t i = 0; i + 1 < node.parts.size(); i += 2) {
      auto const key = part(node, i);
      auto const* word = key.as<std::string>();
      if (word == nullptr) refuse("the key " + key.in_words());
      out.push_back({*word, part(node, i + 1)});
    }
    return {std::move(out)};
  }

  BundleValue negative(BundleValue const& value) const {
    auto const number = expression_number(value);
    if (!number) refuse("the negative of " + value.in_words());
    return expression_whole_or_real(-*number, value.as<double>() == nullptr);
  }

  BundleValue compare(std::string_view sign, BundleValue const& a, BundleValue const& b) const {
    auto const x = expression_number(a);
    auto const y = expression_number(b);
    if (x && y) {
      if (sign == "==") return {*x == *y};
      if (sign == "!=") return {*x != *y};
      if (sign == "<=") return {*x <= *y};
      if (sign == ">=") return {*x >= *y};
      return {sign == "<" ? *x < *y : *x > *y};
    }
    auto const* left = a.as<std::string>();
    auto const* right = b.as<std::string>();
    if (left == nullptr || right == nullptr || (sign != "==" && sign != "!="))
      refuse(text("a comparison of ", a.in_words(), " and ", b.in_words()));
    return {(*left == *right) == (sign == "==")};
  }

  BundleValue add(BundleValue const& a, BundleValue const& b, bool plus) {
    auto const x = expression_number(a);
    auto const y = expression_number(b);
    if (x && y)
      return expression_whole_or_real(plus ? *x + *y : *x - *y,
                                      a.as<double>() == nullptr && b.as<double>() == nullptr);
    auto const* left = a.as<std::string>();
    auto const* right = b.as<std::string>();
    if (plus && left != nullptr && right != nullptr) {
      if (left->size() + right->size() > expression_text) refuse("a text that long");
      return {*left + *right};
    }
    auto const* first = a.as<BundleValue::List>();
    auto const* second = b.as<BundleValue::List>();
    if (!plus || first == nullptr || second == nullptr)
      refuse(text(plus ? "the sum of " : "the difference of ", a.in_words(), " and ",
                  b.in_words()));
    count(a.size() + b.size());
    auto out = *first;
    out.insert(out.end(), second->begin(), second->end());
    return {std::move(out)};
  }

  BundleValue multiply(BundleValue const& a, BundleValue const& b, std::string const& sign) {
    auto const x = expression_number(a);
    auto const y = expression_number(b);
    auto const* list = a.as<BundleValue::List>();
    auto const* times = b.as<std::int64_t>();
    if (sign == "*" && list != nullptr && times != nullptr) {
      auto const often = static_cast<std::size_t>(std::clamp<std::int64_t>(*times, 0, 1 << 20));
      count(a.size() * often);
      BundleValue::List out;
      for (std::size_t i = 0; i < often; ++i) out.insert(out.end(), list->begin(), list->end());
      return {std::move(out)};
    }
    if (!x || !y || (sign != "*" && *y == 0))
      refuse(text("a product or quotient of ", a.in_words(), " and ", b.in_words()));
    auto const is_whole = a.as<double>() == nullptr && b.as<double>() == nullptr;
    if (sign == "*") return expression_whole_or_real(*x * *y, is_whole);
    if (sign == "/") return {*x / *y};
    return expression_whole_or_real(std::floor(*x / *y), is_whole);
  }

  BundleValue indexed(BundleValue const& value, BundleValue const& key) const {
    if (auto const* dict = value.as<BundleValue::Dict>()) {
      auto const* word = key.as<std::string>();
      for (auto const& [name, item] : *dict) {
        if (word != nullptr && name == *word) return item;
      }
      refuse("the key " + key.in_words());
    }
    auto const* list = value.as<BundleValue::List>();
    auto const* number = key.as<std::int64_t>();
    if (list == nullptr || number == nullptr)
      refuse(text("the index ", key.in_words(), " into ", value.in_words()));
    auto const size = static_cast<std::int64_t>(list->size());
    auto const at = *number < 0 ? *number + size : *number;
    if (at < 0 || at >= size) refuse(text("value ", *number, " of ", size));
    return (*list)[static_cast<std::size_t>(at)];
  }

  BundleValue sliced(BundleValue const& value, BundleValue const& from, BundleValue const& to) {
    auto const* list = value.as<BundleValue::List>();
    auto const is_place = [](BundleValue const& at) {
      return at.is_none() || at.as<std::int64_t>() != nullptr;
    };
    if (list == nullptr || !is_place(from) || !is_place(to))
      refuse(text("a slice of ", value.in_words()));
    auto const size = static_cast<std::int64_t>(list->size());
    auto const place = [&](BundleValue const& at, std::int64_t otherwise) {
      auto const* number = at.as<std::int64_t>();
      if (number == nullptr) return otherwise;
      return std::clamp<std::int64_t>(*number < 0 ? *number + size : *number, 0, size);
    };
    auto const begin = place(from, 0);
    auto const end = std::max(begin, place(to, size));
    count(value.size());
    return {BundleValue::List{list->begin() + begin, list->begin() + end}};
  }

  BundleValue call(Node const& node) {
    auto const& function = syntax_.at(node.parts[0]);
    if (function.kind == Kind::member && (function.words == "to" || function.words == "eval")) {
      auto of = value(syntax_.at(function.parts[0]));
      if (of.as<BundlePart>() == nullptr)
        refuse(text(".", function.words, "() of ", of.in_words()));
      return of;
    }
    if (function.kind != Kind::name && function.kind != Kind::member) refuse("such a call");
    auto const name = function.kind == Kind::name ? function.words : dotted(function);
    if (name == "torch.device") return {BundleName{name}};
    if (name == "torch.cuda.is_available") return {false};
    if (name == "torch.jit.load" && node.parts.size() > 1) {
      auto const file = part(node, 1);
      if (auto const* word = file.as<std::string>()) return {BundlePart{name, *word}};
    }
    BundleValue::List given;
    for (std::size_t i = 1; i < node.parts.size(); ++i) {
      if (syntax_.at(node.parts[i]).kind == Kind::argument)
        refuse(text(name, "() with the argument ", syntax_.at(node.parts[i]).words, "="));
      if (!expression_is_function(name)) refuse(name + "()");
      given.push_back(part(node, i));
    }
    if (name == "os.path.join") return joined_path(given);
    if (name == "range") return range(given);
    if (given.size() == 1) {
      if (auto const result = of_one(name, given[0])) return *result;
    }
    refuse(name + "()");
  }

  std::optional<BundleValue> of_one(std::string const& name, BundleValue const& only) const {
    auto const* word = only.as<std::string>();
    auto const* items = only.as<BundleValue::List>();
    auto const* dict = only.as<BundleValue::Dict>();
    auto const number = expression_number(only);
    auto const sized = [](std::size_t size) {
      return BundleValue{static_cast<std::int64_t>(size)};
    };
    if (name == "copy.deepcopy") return only;
    if (name == "bool") return BundleValue{only.is_true()};
    if (name == "os.path.exists" && word != nullptr) return BundleValue{scope_.exists(*word)};
    if (name == "str" && word != nullptr) return only;
    if (name == "str" && only.as<std::int64_t>() != nullptr)
      return BundleValue{text(*only.as<std::int64_t>())};
    if (name == "float" && number) return BundleValue{*number};
    if (name == "int" && number && std::abs(*number) < 1e15)
      return BundleValue{static_cast<std::int64_t>(*number)};
    if ((name == "list" || name == "tuple") && items != nullptr) return only;
    if (name == "len" && items != nullptr) return sized(items->size());
    if (name == "len" && dict != nullptr) return sized(dict->size());
    if (name == "len" && word != nullptr) return sized(word->size());
    return std::nullopt;
  }

  BundleValue joined_path(BundleValue::List const& parts) const {
    std::string out;
    for (auto const& part : parts) {
      auto const* word = part.as<std::string>();
      if (word == nullptr) refuse("a path of " + part.in_words());
      if (word->starts_with('/')) out.clear();
      if (!out.empty() && !out.ends_with('/')) out += '/';
      out += *word;
      if (out.size() > expression_text) refuse("a path that long");
    }
    return {out};
  }

  BundleValue range(BundleValue::List const& list) {
    std::vector<std::int64_t> numbers;
    for (auto const& value : list) {
      auto const* number = value.as<std::int64_t>();
      if (number == nullptr) refuse("a range of " + value.in_words());
      numbers.push_back(*number);
    }
    if (numbers.empty() || numbers.size() > 2) refuse("such a range");
    auto const from = numbers.size() == 2 ? numbers[0] : 0;
    auto const to = numbers.back();
    constexpr std::int64_t most = 1'000'000'000;
    if (from < -most || to > most) refuse("such a range");
    count(static_cast<std::size_t>(std::max<std::int64_t>(to - from, 0)));
    BundleValue::List out;
    for (auto i = from; i < to; ++i) out.push_back({i});
    return {std::move(out)};
  }

  BundleSyntax const& syntax_;
  BundleScope const& scope_;
  std::size_t values_ = 0;
};

}  // namespace

bool BundleValue::is_true() const {
  if (auto const* it = as<bool>()) return *it;
  if (auto const* it = as<std::int64_t>()) return *it != 0;
  if (auto const* it = as<double>()) return *it != 0;
  if (auto const* it = as<std::string>()) return !it->empty();
  if (auto const* it = as<List>()) return !it->empty();
  if (auto const* it = as<Dict>()) return !it->empty();
  return !is_none();
}

std::size_t BundleValue::size() const {
  constexpr std::size_t of_one_value = 64;
  std::size_t out = 1;
  if (auto const* it = as<std::string>()) out += it->size() / of_one_value;
  if (auto const* it = as<List>()) {
    for (auto const& one : *it) out += one.size();
  }
  if (auto const* it = as<Dict>()) {
    for (auto const& one : *it) out += one.value.size();
  }
  return out;
}

std::string BundleValue::in_words() const {
  if (auto const* it = as<bool>()) return *it ? "True" : "False";
  if (auto const* it = as<std::int64_t>()) return text(*it);
  if (auto const* it = as<double>()) return spelled(*it);
  if (auto const* it = as<std::string>()) return expression_shown(*it);
  if (auto const* it = as<List>()) return text("a list of ", it->size());
  if (auto const* it = as<Dict>()) return text("a dictionary of ", it->size());
  if (auto const* it = as<BundlePart>()) return text("the part ", expression_shown(it->target));
  if (auto const* it = as<BundleName>()) return printable(it->words.substr(0, 100), "");
  return "None";
}

BundleValue bundle_expression(std::string_view words,
                              BundleScope const& scope,
                              std::string_view what) {
  BundleSyntax const syntax{words, what};
  return Expression{syntax, scope}.run();
}

}  // namespace fovea
