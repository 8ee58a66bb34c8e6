#include "learn/foreign/bundle_syntax.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

namespace fovea {
namespace {

constexpr std::size_t syntax_bytes = 4000;
constexpr std::size_t syntax_depth = 100;

std::string syntax_shown(std::string_view words) {
  constexpr std::size_t longest = 100;
  return text("'", printable(words.substr(0, longest), ""), words.size() > longest ? "…" : "",
              "'");
}

bool syntax_is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool syntax_is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

class BundleSyntax::Reader {
 public:
  explicit Reader(BundleSyntax& into) : into_(into), words_(into.words_) {}

  std::size_t whole_expression() {
    if (words_.size() > syntax_bytes)
      into_.refuse(text("an expression of ", words_.size(), " bytes"));
    auto const out = choice();
    blanks();
    if (at_ != words_.size()) refuse_rest();
    return out;
  }

 private:
  [[noreturn]] void refuse_rest() const { into_.refuse(syntax_shown(words_.substr(at_))); }

  // Each level of brackets or signs is one of C++'s.
  class Level {
   public:
    explicit Level(Reader& of) : of_(of) {
      if (++of_.depth_ > syntax_depth) of_.into_.refuse("brackets that deep");
    }
    ~Level() { --of_.depth_; }
    Level(Level const&) = delete;
    Level& operator=(Level const&) = delete;

   private:
    Reader& of_;
  };

  std::size_t add(Kind kind, std::vector<std::size_t> parts, std::string words = {}) {
    into_.nodes_.push_back(
        {.kind = kind, .words = std::move(words), .parts = std::move(parts)});
    return into_.nodes_.size() - 1;
  }

  void blanks() {
    while (at_ < words_.size() && (words_[at_] == ' ' || words_[at_] == '\n')) ++at_;
  }

  bool next_is(std::string_view sign) {
    blanks();
    return words_.substr(at_).starts_with(sign);
  }

  bool take(std::string_view sign) {
    if (!next_is(sign)) return false;
    at_ += sign.size();
    return true;
  }

  void expect(std::string_view sign) {
    if (!take(sign)) refuse_rest();
  }

  // A word that is not the beginning of a longer one.
  bool take_word(std::string_view word) {
    if (!next_is(word)) return false;
    auto const end = at_ + word.size();
    if (end < words_.size() && (syntax_is_letter(words_[end]) || syntax_is_digit(words_[end])))
      return false;
    at_ = end;
    return true;
  }

  std::size_t choice() {
    Level const level{*this};
    auto const chosen = either();
    if (!take_word("if")) return chosen;
    auto const condition = either();
    expect("else");
    return add(Kind::choice, {chosen, condition, choice()});
  }

  std::size_t either() {
    auto left = both();
    while (take_word("or")) left = add(Kind::either, {left, both()});
    return left;
  }

  std::size_t both() {
    auto left = negated();
    while (take_word("and")) left = add(Kind::both, {left, negated()});
    return left;
  }

  std::size_t negated() {
    Level const level{*this};
    if (take_word("not")) return add(Kind::negation, {negated()});
    auto const left = sum();
    for (auto const* sign : {"==", "!=", "<=", ">=", "<", ">"}) {
      if (take(sign)) return add(Kind::compare, {left, sum()}, sign);
    }
    return left;
  }

  // Long chains become deep trees, so each step counts as a level.
  std::size_t sum() {
    auto left = product();
    for (std::size_t steps = 0;; ++steps) {
      auto const plus = take("+");
      if (!plus && !take("-")) return left;
      if (steps == syntax_depth) into_.refuse("a sum that long");
      left = add(Kind::sum, {left, product()}, plus ? "+" : "-");
    }
  }

  std::size_t product() {
    auto left = signed_value();
    for (std::size_t steps = 0;; ++steps) {
      auto const* sign = take("//") ? "//" : take("/") ? "/" : take("*") ? "*" : nullptr;
      if (sign == nullptr) return left;
      if (steps == syntax_depth) into_.refuse("a product that long");
      left = add(Kind::product, {left, signed_value()}, sign);
    }
  }

  std::size_t signed_value() {
    Level const level{*this};
    if (take("-")) return add(Kind::minus, {signed_value()});
    return behind(atom());
  }

  // Members, calls and indices behind a value.
  std::size_t behind(std::size_t value) {
    for (std::size_t steps = 0;; ++steps) {
      if (steps == syntax_depth) into_.refuse("members that deep");
      if (take(".")) {
        value = add(Kind::member, {value}, name());
      } else if (take("(")) {
        value = call(value);
      } else if (take("[")) {
        value = index(value);
      } else {
        return value;
      }
    }
  }

  std::string name() {
    blanks();
    auto const begin = at_;
    while (at_ < words_.size() &&
           (syntax_is_letter(words_[at_]) || (at_ > begin && syntax_is_digit(words_[at_]))))
      ++at_;
    if (at_ == begin) refuse_rest();
    return std::string{words_.substr(begin, at_ - begin)};
  }

  std::size_t call(std::size_t function) {
    std::vector<std::size_t> parts{function};
    while (!take(")")) {
      auto argument = choice();
      if (into_.nodes_[argument].kind == Kind::name && !next_is("==") && take("="))
        argument = add(Kind::argument, {choice()}, into_.nodes_[argument].words);
      if (take_word("for")) into_.refuse("a comprehension");
      parts.push_back(argument);
      if (take(",")) continue;
      expect(")");
      break;
    }
    return add(Kind::call, std::move(parts));
  }

  std::size_t index(std::size_t of) {
    auto const none = add(Kind::none, {});
    auto const first = next_is(":") ? none : choice();
    if (!take(":")) {
      expect("]");
      return add(Kind::index, {of, first});
    }
    auto const last = next_is("]") ? none : choice();
    expect("]");
    return add(Kind::slice, {of, first, last});
  }

  std::size_t atom() {
    Level const level{*this};
    blanks();
    if (at_ >= words_.size()) into_.refuse("more than it says");
    auto const c = words_[at_];
    if (c == '@') return reference();
    if (c == '\'' || c == '"') return quoted();
    if (syntax_is_digit(c)) return number_at();
    if (take("(")) return listed(")");
    if (take("[")) return listed("]");
    if (take("{")) return dictionary();
    if (!syntax_is_letter(c)) refuse_rest();
    if (take_word("None")) return add(Kind::none, {});
    for (auto const value : {false, true}) {
      if (!take_word(value ? "True" : "False")) continue;
      into_.nodes_.push_back({.kind = Kind::boolean, .whole = value ? 1 : 0});
      return into_.nodes_.size() - 1;
    }
    if (take_word("lambda")) into_.refuse("a lambda");
    return add(Kind::name, {}, name());
  }

  // Letters, digits, "#" and "::".
  std::size_t reference() {
    auto const begin = ++at_;
    for (;;) {
      if (at_ < words_.size() &&
          (syntax_is_letter(words_[at_]) || syntax_is_digit(words_[at_]) || words_[at_] == '#'))
        ++at_;
      else if (words_.substr(at_).starts_with("::"))
        at_ += 2;
      else
        break;
    }
    if (at_ == begin) into_.refuse("an empty reference");
    return add(Kind::reference, {}, std::string{words_.substr(begin, at_ - begin)});
  }

  std::size_t quoted() {
    auto const quote = words_[at_++];
    auto const begin = at_;
    while (at_ < words_.size() && words_[at_] != quote) {
      if (words_[at_] == '\\') into_.refuse("a text with a backslash");
      ++at_;
    }
    if (at_ == words_.size()) into_.refuse("a text without end");
    return add(Kind::words, {}, std::string{words_.substr(begin, at_++ - begin)});
  }

  std::size_t number_at() {
    auto const begin = at_;
    while (at_ < words_.size() &&
           (syntax_is_digit(words_[at_]) || words_[at_] == '.' || words_[at_] == 'e' ||
            (words_[at_] == '-' && words_[at_ - 1] == 'e')))
      ++at_;
    auto const digits = words_.substr(begin, at_ - begin);
    auto const is_whole = whole(digits);
    auto const real = number(digits);
    if (!is_whole && !real) into_.refuse(syntax_shown(digits));
    into_.nodes_.push_back({.kind = is_whole ? Kind::whole : Kind::real,
                            .whole = is_whole.value_or(0),
                            .real = real.value_or(0)});
    return into_.nodes_.size() - 1;
  }

  // A tuple, a list, or one value in brackets.
  std::size_t listed(std::string_view end) {
    std::vector<std::size_t> parts;
    auto commas = end == "]";
    while (!take(end)) {
      parts.push_back(choice());
      if (take_word("for")) into_.refuse("a comprehension");
      if (take(",")) {
        commas = true;
        continue;
      }
      expect(end);
      break;
    }
    if (!commas && parts.size() == 1) return parts[0];
    return add(Kind::list, std::move(parts));
  }

  std::size_t dictionary() {
    std::vector<std::size_t> parts;
    while (!take("}")) {
      parts.push_back(choice());
      expect(":");
      parts.push_back(choice());
      if (take(",")) continue;
      expect("}");
      break;
    }
    return add(Kind::dict, std::move(parts));
  }

  BundleSyntax& into_;
  std::string_view words_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

BundleSyntax::BundleSyntax(std::string_view words, std::string_view what)
    : words_(words), what_(what) {
  top_ = Reader{*this}.whole_expression();
}

void BundleSyntax::refuse(std::string const& missing) const {
  throw Error{Fault::input,
              text(what_, ": the expression ", syntax_shown(words_), " asks for ", missing,
                   ", which Fovea does not have; no Python is run"),
              "write its value in place of the expression, or run the bundle with MONAI"};
}

}  // namespace fovea
