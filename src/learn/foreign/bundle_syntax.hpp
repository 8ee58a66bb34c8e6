#pragma once

#include "learn/foreign/bundle_value.hpp"

#include <memory>

namespace fovea {

/// The words of a Python expression as a tree, before anything is asked for its value. What is
/// no expression of bundle_expression's language is refused while it is read.
class BundleSyntax {
 public:
  enum class Kind {
    none,
    boolean,
    whole,
    real,
    words,
    reference,  ///< words without "@"
    name,
    member,    ///< words of part 0
    list,      ///< also a tuple
    dict,      ///< keys and values by turns
    choice,    ///< part 0 if part 1, else part 2
    either,    ///< or
    both,      ///< and
    negation,  ///< not
    minus,
    compare,   ///< by words
    sum,       ///< by words, + or -
    product,   ///< by words, *, / or //
    index,     ///< of part 0, part 1
    slice,     ///< of part 0, from part 1 to part 2
    call,      ///< of part 0, the others are arguments
    argument,  ///< with a name, words
  };
  struct Node {
    Kind kind = Kind::none;
    std::string words = {};
    std::int64_t whole = 0;
    double real = 0;
    std::vector<std::size_t> parts = {};
  };

  /// Throws Error{input}.
  BundleSyntax(std::string_view words, std::string_view what);

  Node const& at(std::size_t node) const { return nodes_[node]; }
  Node const& top() const { return nodes_[top_]; }
  [[noreturn]] void refuse(std::string const& missing) const;

 private:
  class Reader;
  std::string words_;
  std::string what_;
  std::vector<Node> nodes_;
  std::size_t top_ = 0;
};

}  // namespace fovea
