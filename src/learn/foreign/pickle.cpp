#include "learn/foreign/pickle.hpp"

#include "base/core/error.hpp"
#include "learn/foreign/pickle_machine.hpp"

#include <bit>
#include <cstring>

namespace fovea {
namespace {

// Instructions, by their bytes (CPython, Lib/pickletools.py).
enum PickleOp : std::uint8_t {
  op_proto = 0x80,
  op_frame = 0x95,
  op_stop = '.',
  op_mark = '(',
  op_none = 'N',
  op_true = 0x88,
  op_false = 0x89,
  op_int = 'J',
  op_int1 = 'K',
  op_int2 = 'M',
  op_long1 = 0x8a,
  op_float = 'G',
  op_words = 'X',
  op_words1 = 0x8c,
  op_words8 = 0x8d,
  op_bytes = 'B',
  op_bytes1 = 'C',
  op_bytes8 = 0x8e,
  op_list = ']',
  op_tuple = ')',
  op_dict = '}',
  op_set = 0x8f,
  op_append = 'a',
  op_appends = 'e',
  op_add = 0x90,
  op_item = 's',
  op_items = 'u',
  op_tuple_mark = 't',
  op_tuple1 = 0x85,
  op_tuple2 = 0x86,
  op_tuple3 = 0x87,
  op_frozen = 0x91,
  op_put1 = 'q',
  op_put4 = 'r',
  op_memoize = 0x94,
  op_get1 = 'h',
  op_get4 = 'j',
  op_global = 'c',
  op_global_stack = 0x93,
  op_reduce = 'R',
  op_object = 0x81,
  op_build = 'b',
  op_storage = 'Q',
};

class PickleMachine {
 public:
  PickleMachine(std::span<std::byte const> bytes,
                std::string_view what,
                bool script,
                PickleLimits const& limits)
      : bytes_(bytes), script_(script), nodes_(what, limits) {}

  Pickled run() {
    if (bytes_.size() > nodes_.limits().bytes)
      nodes_.refuse(text("it has ", bytes_.size(), " bytes, more than the ",
                         nodes_.limits().bytes, " that are read"));
    for (bool first = true;; first = false) {
      nodes_.byte = at_;
      auto const op = static_cast<std::uint8_t>(take(1)[0]);
      if (first && op != op_proto) nodes_.refuse("it is no pickle of protocol 2 or later");
      if (op == op_stop) break;
      if (!literal(op) && !container(op) && !memory(op) && !named(op))
        nodes_.refuse(text("the instruction ", static_cast<int>(op), " is none that is read"));
    }
    if (stack_.size() != 1 || !marks_.empty())
      nodes_.refuse(text("expected one value at the end, got ", stack_.size()));
    return nodes_.tree(stack_[0]);
  }

 private:
  std::span<std::byte const> take(std::uint64_t count) {
    if (count > bytes_.size() - at_)
      nodes_.refuse(text("expected ", count, " more bytes, got ", bytes_.size() - at_));
    auto const out = bytes_.subspan(at_, static_cast<std::size_t>(count));
    at_ += static_cast<std::size_t>(count);
    return out;
  }

  std::uint64_t number(std::size_t bytes) {
    std::uint64_t out = 0;
    auto const raw = take(bytes);
    for (std::size_t i = 0; i < bytes; ++i)
      out |= static_cast<std::uint64_t>(raw[i]) << (8 * i);
    return out;
  }

  std::string raw(std::size_t length_bytes) {
    auto const count = number(length_bytes);
    auto const found = take(count);
    return {reinterpret_cast<char const*>(found.data()), found.size()};
  }

  std::string line() {
    std::string out;
    for (auto next = take(1)[0]; next != std::byte{'\n'}; next = take(1)[0])
      out += static_cast<char>(next);
    return out;
  }

  void push(PickleNode node) { stack_.push_back(nodes_.add(std::move(node))); }

  std::uint32_t pop() {
    auto const floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) nodes_.refuse("it takes a value where there is none");
    auto const out = stack_.back();
    stack_.pop_back();
    return out;
  }

  // The value on top, which stays.
  std::uint32_t top() {
    auto const out = pop();
    stack_.push_back(out);
    return out;
  }

  std::vector<std::uint32_t> pop_to_mark() {
    if (marks_.empty()) nodes_.refuse("it looks for a mark and none was set");
    auto const from = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<std::uint32_t> out(from, stack_.end());
    stack_.erase(from, stack_.end());
    marks_.pop_back();
    return out;
  }

  std::vector<std::uint32_t> pop_many(std::size_t count) {
    std::vector<std::uint32_t> out(count);
    for (auto i = count; i > 0; --i) out[i - 1] = pop();
    return out;
  }

  void push_words(std::string words) {
    if (!pickle_characters(words)) nodes_.refuse("a text is no UTF-8");
    push({.kind = PickleKind::words, .words = std::move(words)});
  }

  void push_long() {
    auto const count = static_cast<std::size_t>(number(1));
    if (count > 8) nodes_.refuse(text("a whole number has ", count, " bytes, more than 8"));
    auto value = number(count);
    auto const negative = count > 0 && (value >> (8 * count - 1) & 1U) != 0;
    if (negative && count < 8) value |= ~std::uint64_t{0} << (8 * count);
    push({.kind = PickleKind::whole, .whole = static_cast<std::int64_t>(value)});
  }

  void push_real() {
    std::uint64_t bits = 0;
    for (auto const byte : take(8)) bits = bits << 8U | static_cast<std::uint64_t>(byte);
    push({.kind = PickleKind::real, .real = std::bit_cast<double>(bits)});
  }

  void protocol() {
    auto const version = number(1);
    if (version < 2 || version > 5)
      nodes_.refuse(text("expected a pickle of protocol 2 to 5, got ", version));
  }

  bool literal(std::uint8_t op) {
    switch (op) {
      case op_proto:
        protocol();
        return true;
      case op_frame:
        number(8);
        return true;
      case op_none:
        push({});
        return true;
      case op_true:
        push({.kind = PickleKind::boolean, .whole = 1});
        return true;
      case op_false:
        push({.kind = PickleKind::boolean, .whole = 0});
        return true;
      case op_int:
        push({.kind = PickleKind::whole, .whole = static_cast<std::int32_t>(number(4))});
        return true;
      case op_int1:
      case op_int2:
        push({.kind = PickleKind::whole,
              .whole = static_cast<std::int64_t>(number(op == op_int1 ? 1 : 2))});
        return true;
      case op_long1:
        push_long();
        return true;
      case op_float:
        push_real();
        return true;
      case op_words:
        push_words(raw(4));
        return true;
      case op_words1:
        push_words(raw(1));
        return true;
      case op_words8:
        push_words(raw(8));
        return true;
      case op_bytes:
        push({.kind = PickleKind::bytes, .words = raw(4)});
        return true;
      case op_bytes1:
        push({.kind = PickleKind::bytes, .words = raw(1)});
        return true;
      case op_bytes8:
        push({.kind = PickleKind::bytes, .words = raw(8)});
        return true;
      default:
        return false;
    }
  }

  void extend(PickleKind kind, std::vector<std::uint32_t> const& more) {
    auto& onto = nodes_.at(top());
    if (onto.kind != kind)
      nodes_.refuse(text("it adds a value to ", nodes_.in_words(stack_.back())));
    if (kind == PickleKind::dict && more.size() % 2 != 0)
      nodes_.refuse("a key of a dictionary has no value");
    onto.parts.insert(onto.parts.end(), more.begin(), more.end());
  }

  void mark() {
    constexpr std::size_t most = 1000;  // one for each value that is open, so a pickle has few
    if (marks_.size() == most) nodes_.refuse(text("it sets more than ", most, " marks"));
    marks_.push_back(stack_.size());
  }

  void push_tuple(std::vector<std::uint32_t> parts) {
    push({.kind = PickleKind::tuple, .parts = std::move(parts)});
  }

  bool container(std::uint8_t op) {
    switch (op) {
      case op_mark:
        mark();
        return true;
      case op_list:
      case op_set:
        push({.kind = PickleKind::list});
        return true;
      case op_dict:
        push({.kind = PickleKind::dict});
        return true;
      case op_append:
        extend(PickleKind::list, pop_many(1));
        return true;
      case op_appends:
      case op_add:
        extend(PickleKind::list, pop_to_mark());
        return true;
      case op_item:
        extend(PickleKind::dict, pop_many(2));
        return true;
      case op_items:
        extend(PickleKind::dict, pop_to_mark());
        return true;
      case op_tuple:
        push_tuple({});
        return true;
      case op_tuple1:
        push_tuple(pop_many(1));
        return true;
      case op_tuple2:
        push_tuple(pop_many(2));
        return true;
      case op_tuple3:
        push_tuple(pop_many(3));
        return true;
      case op_tuple_mark:
      case op_frozen:
        push_tuple(pop_to_mark());
        return true;
      default:
        return false;
    }
  }

  // Picklers count from 0, so what lies beyond the number of values is no memo of theirs.
  void remember(std::uint64_t place) {
    if (place >= nodes_.limits().values)
      nodes_.refuse(text("it remembers a value as number ", place));
    if (place >= memo_.size()) memo_.resize(static_cast<std::size_t>(place) + 1);
    memo_[static_cast<std::size_t>(place)] = top();
  }

  void recall(std::uint64_t place) {
    if (place >= memo_.size() || !memo_[static_cast<std::size_t>(place)])
      nodes_.refuse(text("it recalls the value ", place, ", which it never remembered"));
    stack_.push_back(*memo_[static_cast<std::size_t>(place)]);
  }

  bool memory(std::uint8_t op) {
    switch (op) {
      case op_put1:
        remember(number(1));
        return true;
      case op_put4:
        remember(number(4));
        return true;
      case op_memoize:
        remember(memo_.size());
        return true;
      case op_get1:
        recall(number(1));
        return true;
      case op_get4:
        recall(number(4));
        return true;
      default:
        return false;
    }
  }

  void push_name(std::string const& module, std::string const& attribute) {
    push(pickle_name(nodes_, module + "." + attribute, script_));
  }

  void name_from_stack() {
    auto const words = pop_many(2);
    for (auto const word : words) {
      if (nodes_.at(word).kind != PickleKind::words)
        nodes_.refuse(text("expected a name, got ", nodes_.in_words(word)));
    }
    push_name(nodes_.at(words[0]).words, nodes_.at(words[1]).words);
  }

  void name_from_lines() {
    auto const module = line();
    push_name(module, line());
  }

  bool named(std::uint8_t op) {
    switch (op) {
      case op_global:
        name_from_lines();
        return true;
      case op_global_stack:
        name_from_stack();
        return true;
      case op_storage:
        push(pickle_storage(nodes_, pop()));
        return true;
      case op_reduce: {
        auto const both = pop_many(2);
        stack_.push_back(pickle_called(nodes_, both[0], both[1]));
        return true;
      }
      case op_object: {
        auto const both = pop_many(2);
        push(pickle_object(nodes_, both[0], both[1]));
        return true;
      }
      case op_build: {
        auto const state = pop();
        pickle_set_state(nodes_, top(), state);
        return true;
      }
      default:
        return false;
    }
  }

  std::span<std::byte const> bytes_;
  bool script_;
  std::size_t at_ = 0;
  PickleNodes nodes_;
  std::vector<std::uint32_t> stack_;
  std::vector<std::size_t> marks_;
  std::vector<std::optional<std::uint32_t>> memo_;
};

}  // namespace

Pickled decode_pickle(std::span<std::byte const> bytes,
                      std::string_view what,
                      bool script,
                      PickleLimits const& limits) {
  return PickleMachine{bytes, what, script, limits}.run();
}

}  // namespace fovea
