#pragma once

#include "learn/foreign/pickle.hpp"

namespace fovea {

/// What a node of the machine is. A list is also a set, a dictionary also an ordered one.
enum class PickleKind {
  none,
  boolean,
  whole,
  real,
  words,
  bytes,
  list,
  tuple,
  dict,
  name,     ///< words is "module.attribute", whole the row of the known names or -1
  storage,  ///< parts are its type, its key and its count
  tensor,   ///< whole is the place in `tensors`
  dtype,    ///< NumPy's: words is its code, "f4"
  array,    ///< whole is the place in `arrays`, or -1 before its state is set
  called,   ///< inert: words says what
  object,   ///< words is its class, parts the dictionary of its members, if it has one
};

/// A value under construction. Nodes name others by number, so that what is shared is stored
/// once and nothing is owned in a circle.
struct PickleNode {
  PickleKind kind = PickleKind::none;
  std::int64_t whole = 0;
  double real = 0;
  std::string words = {};
  std::vector<std::uint32_t> parts = {};
};

/// The nodes that a pickle has made so far, and how it is refused.
class PickleNodes {
 public:
  PickleNodes(std::string_view what, PickleLimits const& limits)
      : what_(what), limits_(limits) {}

  std::uint32_t add(PickleNode node);
  /// Short instructions can make many copies of a long text: they are counted before they are
  /// made.
  void count_bytes(std::size_t more);
  PickleNode& at(std::uint32_t node) { return nodes_[node]; }
  PickleNode const& at(std::uint32_t node) const { return nodes_[node]; }

  std::vector<PickledTensor> tensors;
  std::vector<PickledArray> arrays;
  std::size_t byte = 0;  ///< of the instruction that is followed: for messages

  [[noreturn]] void refuse(std::string const& happened) const;
  [[noreturn]] void refuse_name(std::string_view name) const;

  /// For messages: "a list of 3", "'cpu'".
  std::string in_words(std::uint32_t node) const;
  PickleLimits const& limits() const { return limits_; }

  /// The tree below a node. Throws as decode_pickle does.
  Pickled tree(std::uint32_t node) const;

 private:
  Pickled tree(std::uint32_t node, std::size_t depth, PickleLimits& left) const;
  Pickled::Dict items(PickleNode const& node, std::size_t depth, PickleLimits& left) const;
  void take(std::size_t& left, std::size_t count, char const* of) const;

  std::string what_;
  PickleLimits limits_;
  std::vector<PickleNode> nodes_;
  std::size_t made_ = 0;
};

/// A node that stands for the name, if it is on the list; throws otherwise.
PickleNode pickle_name(PickleNodes const& nodes, std::string const& name, bool script);
/// What the name makes of the arguments, a tuple: a new node or one that is there.
std::uint32_t pickle_called(PickleNodes& nodes, std::uint32_t name, std::uint32_t arguments);
/// An empty object of a class: TorchScript's alone.
PickleNode pickle_object(PickleNodes const& nodes, std::uint32_t name, std::uint32_t arguments);
/// Gives a thing its state: a NumPy type its byte order, an array its values, an object its
/// members. The attributes of a dictionary are left.
void pickle_set_state(PickleNodes& nodes, std::uint32_t thing, std::uint32_t state);
/// What a persistent identifier stands for: a storage.
PickleNode pickle_storage(PickleNodes const& nodes, std::uint32_t identifier);

/// The characters of a text, or none if it is no UTF-8.
std::optional<std::vector<std::uint32_t>> pickle_characters(std::string_view words);

}  // namespace fovea
