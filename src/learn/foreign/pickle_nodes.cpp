#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "learn/foreign/pickle_machine.hpp"

#include <set>

namespace fovea {
namespace {

std::string pickle_shown(std::string_view words) {
  constexpr std::size_t most = 80;
  return text("'", printable(words.substr(0, most), ""), words.size() > most ? "…" : "", "'");
}

}  // namespace

std::uint32_t PickleNodes::add(PickleNode node) {
  if (nodes_.size() >= limits_.values)
    refuse(text("it makes more than ", limits_.values, " values"));
  count_bytes(node.words.size());
  nodes_.push_back(std::move(node));
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

void PickleNodes::count_bytes(std::size_t more) {
  made_ += more;
  if (made_ > limits_.memory)
    refuse(text("its texts and arrays have more than ", limits_.memory, " bytes"));
}

void PickleNodes::refuse(std::string const& happened) const {
  throw Error{Fault::input, text(what_, ", byte ", byte, ": ", happened),
              "get the file again from where it came, or its weights as safetensors"};
}

void PickleNodes::refuse_name(std::string_view name) const {
  throw Error{Fault::input,
              text(what_, ", byte ", byte, ": it asks for ", pickle_shown(name),
                   ", and only tensors, plain values and NumPy's numbers are read; nothing of "
                   "it was run"),
              "ask whoever made it for the weights alone (a state dict or safetensors)"};
}

std::string PickleNodes::in_words(std::uint32_t node) const {
  auto const& it = nodes_[node];
  switch (it.kind) {
    case PickleKind::none:
      return "None";
    case PickleKind::boolean:
      return it.whole != 0 ? "True" : "False";
    case PickleKind::whole:
      return text(it.whole);
    case PickleKind::real:
      return spelled(it.real);
    case PickleKind::words:
      return pickle_shown(it.words);
    case PickleKind::bytes:
      return text(it.words.size(), " bytes");
    case PickleKind::list:
      return text("a list of ", it.parts.size());
    case PickleKind::tuple:
      return text("a tuple of ", it.parts.size());
    case PickleKind::dict:
      return text("a dictionary of ", it.parts.size() / 2);
    case PickleKind::name:
      return text("the name ", pickle_shown(it.words));
    case PickleKind::storage:
      return "a storage";
    case PickleKind::tensor:
      return "a tensor";
    case PickleKind::dtype:
      return text("the type ", pickle_shown(it.words));
    case PickleKind::array:
      return "an array";
    case PickleKind::called:
      return pickle_shown(it.words);
    case PickleKind::object:
      return text("an object of ", pickle_shown(it.words));
  }
  return "something";
}

void PickleNodes::take(std::size_t& left, std::size_t count, char const* of) const {
  if (count > left) refuse(text("written out it holds more than ", of));
  left -= count;
}

Pickled PickleNodes::tree(std::uint32_t node) const {
  auto left = limits_;
  return tree(node, 0, left);
}

// Keys that are equal would leave open which value counts.
Pickled::Dict PickleNodes::items(PickleNode const& node,
                                 std::size_t depth,
                                 PickleLimits& left) const {
  Pickled::Dict out;
  std::set<std::string_view> words;
  std::set<std::int64_t> numbers;
  for (std::size_t i = 0; i + 1 < node.parts.size(); i += 2) {
    auto const& key = nodes_[node.parts[i]];
    auto const fresh = key.kind == PickleKind::words   ? words.insert(key.words).second
                       : key.kind == PickleKind::whole ? numbers.insert(key.whole).second
                                                       : true;
    if (!fresh) refuse(text("a dictionary has the key ", in_words(node.parts[i]), " twice"));
    auto name = tree(node.parts[i], depth + 1, left);
    out.push_back({std::move(name), tree(node.parts[i + 1], depth + 1, left)});
  }
  return out;
}

Pickled PickleNodes::tree(std::uint32_t node, std::size_t depth, PickleLimits& left) const {
  auto const& it = nodes_[node];
  if (depth > limits_.depth)
    refuse(text("values lie deeper than ", limits_.depth,
                " levels inside each other, or contain themselves"));
  take(left.values, 1, "the values that are read");
  take(left.memory, it.words.size(), "the bytes of text that are read");
  switch (it.kind) {
    case PickleKind::none:
      return {};
    case PickleKind::boolean:
      return {it.whole != 0};
    case PickleKind::whole:
      return {it.whole};
    case PickleKind::real:
      return {it.real};
    case PickleKind::words:
      return {it.words};
    case PickleKind::bytes: {
      auto const bytes = std::as_bytes(std::span{it.words});
      return {Bytes{bytes.begin(), bytes.end()}};
    }
    case PickleKind::list:
    case PickleKind::tuple: {
      Pickled::List out;
      for (auto const part : it.parts) out.push_back(tree(part, depth + 1, left));
      return {std::move(out)};
    }
    case PickleKind::dict:
      return {items(it, depth, left)};
    case PickleKind::tensor:
      return {tensors[static_cast<std::size_t>(it.whole)]};
    case PickleKind::array: {
      if (it.whole < 0) refuse("an array has no values");
      auto const& array = arrays[static_cast<std::size_t>(it.whole)];
      take(left.memory, array.bytes.size(), "the bytes of arrays that are read");
      return {array};
    }
    case PickleKind::dtype:
      return {PickledName{"numpy." + it.words}};
    case PickleKind::name:
    case PickleKind::called:
      return {PickledName{it.words}};
    case PickleKind::object: {
      PickledObject out{it.words, {}};
      if (!it.parts.empty()) out.members = items(nodes_[it.parts[0]], depth, left);
      return {std::move(out)};
    }
    case PickleKind::storage:
      break;
  }
  refuse("a storage stands where a value is expected");
}

std::optional<std::vector<std::uint32_t>> pickle_characters(std::string_view words) {
  std::vector<std::uint32_t> out;
  for (std::size_t i = 0; i < words.size();) {
    auto const first = static_cast<std::uint8_t>(words[i]);
    std::size_t const length = first < 0x80          ? 1
                               : first >> 5U == 0x6  ? 2
                               : first >> 4U == 0xe  ? 3
                               : first >> 3U == 0x1e ? 4
                                                     : 0;
    if (length == 0 || length > words.size() - i) return std::nullopt;
    auto value = length == 1 ? first : static_cast<std::uint32_t>(first & (0x7fU >> length));
    for (std::size_t k = 1; k < length; ++k) {
      auto const next = static_cast<std::uint8_t>(words[i + k]);
      if (next >> 6U != 2) return std::nullopt;
      value = value << 6U | (next & 0x3fU);
    }
    constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
      return std::nullopt;
    out.push_back(value);
    i += length;
  }
  return out;
}

std::int64_t PickledTensor::count() const {
  std::int64_t out = 1;
  for (auto const size : shape) out *= size;
  return out;
}

Pickled const* Pickled::find(std::string_view key) const {
  auto const* items = as<Dict>();
  if (auto const* object = as<PickledObject>()) items = &object->members;
  if (items == nullptr) return nullptr;
  for (auto const& item : *items) {
    auto const* words = item.key.as<std::string>();
    if (words != nullptr && *words == key) return &item.value;
  }
  return nullptr;
}

std::string Pickled::in_words() const {
  if (auto const* it = as<bool>()) return *it ? "True" : "False";
  if (auto const* it = as<std::int64_t>()) return text(*it);
  if (auto const* it = as<double>()) return spelled(*it);
  if (auto const* it = as<std::string>()) return pickle_shown(*it);
  if (auto const* it = as<Bytes>()) return text(it->size(), " bytes");
  if (auto const* it = as<List>()) return text("a list of ", it->size());
  if (auto const* it = as<Dict>()) return text("a dictionary of ", it->size());
  if (auto const* it = as<PickledTensor>()) return text("a tensor of ", it->count(), " values");
  if (auto const* it = as<PickledArray>())
    return text("an array of ", it->bytes.size(), " bytes");
  if (auto const* it = as<PickledName>()) return pickle_shown(it->words);
  if (auto const* it = as<PickledObject>())
    return text("an object of ", pickle_shown(it->type));
  return "None";
}

}  // namespace fovea
