#include "learn/foreign/bundle_lambda.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/bundle_parts.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <variant>

namespace fovea {
namespace {

// "lambda x: BODY" in its two parts.
std::pair<std::string_view, std::string_view> lambda_parts(std::string_view words,
                                                           std::string_view what) {
  auto const refuse = [&]() {
    throw Error{Fault::input,
                text(what, ": expected a function of one argument, got '",
                     printable(words.substr(0, 100), ""), "'"),
                "run the bundle with MONAI"};
  };
  auto rest = words;
  if (rest.starts_with('$')) rest.remove_prefix(1);
  constexpr std::string_view lambda = "lambda ";
  if (!rest.starts_with(lambda)) refuse();
  rest.remove_prefix(lambda.size());
  auto const colon = rest.find(':');
  if (colon == std::string_view::npos) refuse();
  auto name = rest.substr(0, colon);
  while (name.starts_with(' ')) name.remove_prefix(1);
  while (name.ends_with(' ')) name.remove_suffix(1);
  auto const letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  if (name.empty() || !std::ranges::all_of(name, letter)) refuse();
  return {name, rest.substr(colon + 1)};
}

// Values by voxel of one channel or more, or one number.
using LambdaValue = std::variant<double, Volume>;

class LambdaRun {
 public:
  using Kind = BundleSyntax::Kind;
  using Node = BundleSyntax::Node;

  // `image` is null where the language alone is checked.
  LambdaRun(BundleSyntax const& body, std::string const& parameter, Volume const* image)
      : body_(body), parameter_(parameter), image_(image) {}

  LambdaValue value(Node const& node) const {
    switch (node.kind) {
      case Kind::name:
        if (node.words != parameter_) refuse(node.words);
        return image_ != nullptr ? LambdaValue{*image_} : LambdaValue{0.0};
      case Kind::boolean:
      case Kind::whole:
        return static_cast<double>(node.whole);
      case Kind::real:
        return node.real;
      case Kind::minus:
        return both(part(node, 0), 0.0, [](double a, double) { return -a; });
      case Kind::compare:
        return both(part(node, 0), part(node, 1), comparison(node.words));
      case Kind::sum:
        return both(part(node, 0), part(node, 1), node.words == "+" ? plus : less);
      case Kind::product:
        if (node.words == "//") refuse("//");
        return both(part(node, 0), part(node, 1), node.words == "*" ? times : over);
      case Kind::index:
        return channels(part(node, 0), body_.at(node.parts[1]));
      case Kind::slice:
        return slice(part(node, 0), bound(node.parts[1]), bound(node.parts[2]));
      case Kind::call:
        return call(node);
      default:
        refuse("this in a function of voxels");
    }
  }

 private:
  using Work = double (*)(double, double);

  static double plus(double a, double b) { return a + b; }
  static double less(double a, double b) { return a - b; }
  static double times(double a, double b) { return a * b; }
  static double over(double a, double b) { return a / b; }

  [[noreturn]] void refuse(std::string const& missing) const { body_.refuse(missing); }

  LambdaValue part(Node const& node, std::size_t i) const {
    return value(body_.at(node.parts[i]));
  }

  static Work comparison(std::string_view sign) {
    if (sign == "==") return [](double a, double b) { return a == b ? 1.0 : 0.0; };
    if (sign == "!=") return [](double a, double b) { return a != b ? 1.0 : 0.0; };
    if (sign == "<=") return [](double a, double b) { return a <= b ? 1.0 : 0.0; };
    if (sign == ">=") return [](double a, double b) { return a >= b ? 1.0 : 0.0; };
    if (sign == "<") return [](double a, double b) { return a < b ? 1.0 : 0.0; };
    return [](double a, double b) { return a > b ? 1.0 : 0.0; };
  }

  // Of equal channels, or one beside all of them.
  std::int64_t count(std::initializer_list<LambdaValue const*> values) const {
    std::int64_t out = 1;
    for (auto const* one : values) {
      auto const* volume = std::get_if<Volume>(one);
      if (volume == nullptr || volume->channels() == 1) continue;
      if (out != 1 && out != volume->channels())
        refuse(text(out, " channels beside ", volume->channels()));
      out = volume->channels();
    }
    return out;
  }

  static double at(LambdaValue const& value, std::int64_t channel, std::size_t voxel) {
    if (auto const* number = std::get_if<double>(&value)) return *number;
    auto const& volume = std::get<Volume>(value);
    auto const from = volume.channels() == 1 ? 0 : channel;
    return volume.as<float>()[static_cast<std::size_t>(from * volume.voxels()) + voxel];
  }

  static bool numbers(std::initializer_list<LambdaValue const*> values) {
    return std::ranges::all_of(
        values, [](auto const* one) { return std::holds_alternative<double>(*one); });
  }

  template <class Make>
  LambdaValue made(std::initializer_list<LambdaValue const*> values, Make const& make) const {
    if (image_ == nullptr || numbers(values)) return make(0, 0);
    Volume out{image_->grid(), Type::f32, image_->unit(), count(values)};
    for (std::int64_t c = 0; c < out.channels(); ++c) {
      auto const to = out.write_channel<float>(c);
      for (std::size_t v = 0; v < to.size(); ++v) to[v] = static_cast<float>(make(c, v));
    }
    return out;
  }

  LambdaValue both(LambdaValue const& a, LambdaValue const& b, Work work) const {
    return made({&a, &b},
                [&](std::int64_t c, std::size_t v) { return work(at(a, c, v), at(b, c, v)); });
  }

  std::optional<std::int64_t> bound(std::size_t node) const {
    auto const& at_node = body_.at(node);
    if (at_node.kind == Kind::none) return std::nullopt;
    return whole_of(at_node);
  }

  std::int64_t whole_of(Node const& node) const {
    if (node.kind == Kind::whole) return node.whole;
    if (node.kind == Kind::minus) {
      auto const& inner = body_.at(node.parts[0]);
      if (inner.kind == Kind::whole) return -inner.whole;
    }
    refuse("a channel that is no whole number");
  }

  LambdaValue picked(LambdaValue const& of, std::vector<std::int64_t> const& which) const {
    if (image_ == nullptr) return of;
    auto const* volume = std::get_if<Volume>(&of);
    if (volume == nullptr) refuse("channels of a number");
    if (which.empty()) refuse("no channel at all");
    bundle_demand({"Lambda", {}}, volume->grid(), std::ssize(which));
    Volume out{volume->grid(), Type::f32, volume->unit(), std::ssize(which)};
    for (std::size_t n = 0; n < which.size(); ++n) {
      auto const channel = which[n] < 0 ? which[n] + volume->channels() : which[n];
      if (channel < 0 || channel >= volume->channels())
        refuse(text("channel ", which[n], " of ", volume->channels()));
      std::ranges::copy(volume->channel<float>(channel),
                        out.write_channel<float>(static_cast<std::int64_t>(n)).begin());
    }
    return out;
  }

  // x[[2]]: a list keeps the axis of channels, a number would not.
  LambdaValue channels(LambdaValue const& of, Node const& which) const {
    if (which.kind != Kind::list) refuse("an index that is no list of channels");
    std::vector<std::int64_t> list;
    for (auto const one : which.parts) list.push_back(whole_of(body_.at(one)));
    return picked(of, list);
  }

  LambdaValue slice(LambdaValue const& of,
                    std::optional<std::int64_t> from,
                    std::optional<std::int64_t> to) const {
    if (image_ == nullptr) return of;
    auto const* volume = std::get_if<Volume>(&of);
    if (volume == nullptr) refuse("channels of a number");
    auto const all = volume->channels();
    auto const place = [&](std::int64_t value) {
      return std::clamp<std::int64_t>(value < 0 ? value + all : value, 0, all);
    };
    std::vector<std::int64_t> list;
    for (auto c = place(from.value_or(0)); c < place(to.value_or(all)); ++c) list.push_back(c);
    return picked(of, list);
  }

  LambdaValue call(Node const& node) const {
    auto const& function = body_.at(node.parts[0]);
    if (function.kind != Kind::member) refuse("such a call");
    auto const& of = body_.at(function.parts[0]);
    auto const module = of.kind == Kind::name &&
                        (of.words == "torch" || of.words == "np" || of.words == "numpy");
    constexpr std::size_t of_where = 4;  // the function and its arguments
    if (module) {
      if (function.words != "where" || node.parts.size() != of_where)
        refuse(text(of.words, ".", function.words, "()"));
      auto const test = part(node, 1), yes = part(node, 2), no = part(node, 3);
      return made({&test, &yes, &no}, [&](std::int64_t c, std::size_t v) {
        return at(test, c, v) != 0 ? at(yes, c, v) : at(no, c, v);
      });
    }
    // Types are Fovea's to choose; those of whole numbers would round.
    for (std::string_view const same : {"float", "double", "contiguous", "clone"}) {
      if (function.words == same && node.parts.size() == 1) return value(of);
    }
    refuse(text(".", function.words, "()"));
  }

  BundleSyntax const& body_;
  std::string const& parameter_;
  Volume const* image_;
};

}  // namespace

BundleLambda::BundleLambda(std::string_view words, std::string_view what)
    : parameter_(lambda_parts(words, what).first),
      body_(lambda_parts(words, what).second, what) {
  LambdaRun{body_, parameter_, nullptr}.value(body_.top());
}

Volume BundleLambda::operator()(Volume const& image) const {
  auto out = LambdaRun{body_, parameter_, &image}.value(body_.top());
  if (auto* volume = std::get_if<Volume>(&out)) return std::move(*volume);
  body_.refuse("a number in place of an image");
}

std::vector<std::int64_t> BundleLambda::values() const {
  std::vector<std::int64_t> out;
  std::vector<BundleSyntax::Node const*> open{&body_.top()};
  while (!open.empty()) {
    auto const& node = *open.back();
    open.pop_back();
    for (std::size_t n = 0; n < node.parts.size(); ++n) {
      auto const& part = body_.at(node.parts[n]);
      open.push_back(&part);
      // Behind the function and the condition.
      if (node.kind != BundleSyntax::Kind::call || n < 2) continue;
      if (part.kind == BundleSyntax::Kind::whole) out.push_back(part.whole);
      constexpr double most = 1e15;
      if (part.kind == BundleSyntax::Kind::real && std::abs(part.real) <= most &&
          part.real == std::floor(part.real))
        out.push_back(static_cast<std::int64_t>(part.real));
    }
  }
  return out;
}

bool BundleLambda::keeps_argument() const {
  std::vector<BundleSyntax::Node const*> open{&body_.top()};
  while (!open.empty()) {
    auto const& node = *open.back();
    open.pop_back();
    if (node.kind == BundleSyntax::Kind::name && node.words == parameter_) return true;
    // Of torch.where neither the function nor the condition; other calls have no arguments.
    auto const is_where = node.kind == BundleSyntax::Kind::call && node.parts.size() > 1;
    for (std::size_t n = is_where ? 2 : 0; n < node.parts.size(); ++n)
      open.push_back(&body_.at(node.parts[n]));
  }
  return false;
}

}  // namespace fovea
