#pragma once

#include "learn/weights/safetensors.hpp"

#include <optional>
#include <utility>
#include <variant>

namespace fovea {

struct Pickled;
struct PickledItem;

/// The place of a tensor's values: an array of one type that lies elsewhere (PyTorch's
/// storage).
struct PickledTensor {
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;    ///< empty: one value
  std::vector<std::int64_t> strides;  ///< in values, one for each axis; none is negative
  std::int64_t offset = 0;            ///< of its first value, in values
  std::string storage;                ///< name of the array: "0", "17"
  std::int64_t stored = 0;            ///< values that the array claims to have

  std::int64_t count() const;  ///< of values
};

/// A small array whose values stand in the pickle itself: NumPy's. Last axis fastest,
/// little-endian.
struct PickledArray {
  Dtype dtype = Dtype::f64;
  std::vector<std::int64_t> shape;
  Bytes bytes;
};

/// A thing that is only called by its name: "torch.float32", "torch.device('cpu')".
struct PickledName {
  std::string words;
};

/// An object of a class that the archive itself defines (TorchScript's modules, "__torch__.…"):
/// its class and its members, never its code.
struct PickledObject {
  std::string type;
  std::vector<PickledItem> members;
};

/// A plain value out of a pickle. Lists, tuples and sets are lists; dictionaries of all kinds
/// keep their order; NumPy's scalars are numbers.
struct Pickled {
  using List = std::vector<Pickled>;
  using Dict = std::vector<PickledItem>;
  std::variant<std::monostate,
               bool,
               std::int64_t,
               double,
               std::string,
               Bytes,
               List,
               Dict,
               PickledTensor,
               PickledArray,
               PickledName,
               PickledObject>
      value;

  /// The value if it is of this type, else null: `as<std::string>()`.
  template <class Type>
  Type const* as() const {
    return std::get_if<Type>(&value);
  }
  bool is_none() const { return value.index() == 0; }
  /// Of a dictionary or an object: what stands under a key of this text; null if nothing does
  /// or this is neither.
  Pickled const* find(std::string_view key) const;
  /// For messages: "a list of 3", "the text 'cpu'".
  std::string in_words() const;
};

struct PickledItem {
  Pickled key;
  Pickled value;
};

/// What a pickle may ask for. The defaults have room for checkpoints of some 50,000 tensors.
struct PickleLimits {
  std::size_t bytes = 64U << 20;    ///< of the pickle
  std::size_t depth = 64;           ///< of values inside values
  std::size_t values = 2'000'000;   ///< made while it is read, and again in the tree
  std::size_t memory = 256U << 20;  ///< bytes of texts and arrays in the tree, where values
                                    ///< that are shared count each time
};

/// The value that a pickle describes (Python's pickle, protocols 2 to 5), as its instructions
/// are followed by a machine that can only build plain values: no name leads to a call of code.
/// Known names are torch._utils._rebuild_tensor_v2, _rebuild_tensor and _rebuild_parameter,
/// PyTorch's storages, sizes, types and devices, collections.OrderedDict, NumPy's scalars,
/// types and arrays of numbers, Python's own sets and bytes; with `script`, TorchScript's
/// classes and lists.
///
/// Throws Error{input} naming `what` and the byte: on another name (which is said, as
/// "posix.system") or instruction, on values that contain themselves, on more than `limits`, on
/// what is cut short.
Pickled decode_pickle(std::span<std::byte const> bytes,
                      std::string_view what,
                      bool script = false,
                      PickleLimits const& limits = {});

}  // namespace fovea
