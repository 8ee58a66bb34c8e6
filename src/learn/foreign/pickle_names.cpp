#include "base/core/error.hpp"
#include "learn/foreign/pickle_machine.hpp"

#include <algorithm>
#include <array>
#include <cstring>

namespace fovea {
namespace {

// What a known name is good for.
enum class PickleRole {
  tensor,         // (storage, offset, sizes, strides, …) -> a tensor
  parameter,      // (tensor, …) -> the tensor
  storage,        // the type of a storage
  inert,          // a word that is never called
  sizes,          // (numbers,) -> them
  device,         // (kind[, number]) -> a word
  ordered,        // () -> a dictionary
  set,            // (list,) -> it
  empty,          // () -> no bytes
  encoded,        // (text, 'latin1') -> bytes
  scalar,         // (dtype, bytes) -> a number
  dtype,          // (code, …) -> NumPy's type
  array,          // NumPy's class of arrays, an argument of the next
  reconstructed,  // (class, …) -> an array without values
  script_list,    // (list,) -> it
  script_tagged,  // (value, type) -> the value
  script_class,   // TorchScript's own
};

struct PickleNameRow {
  std::string_view name;
  PickleRole role;
  Dtype dtype = Dtype::f32;  // of a storage
};

constexpr PickleNameRow pickle_names[] = {
    {"torch._utils._rebuild_tensor_v2", PickleRole::tensor},
    {"torch._utils._rebuild_tensor", PickleRole::tensor},
    {"torch._utils._rebuild_parameter", PickleRole::parameter},
    {"torch.DoubleStorage", PickleRole::storage, Dtype::f64},
    {"torch.FloatStorage", PickleRole::storage, Dtype::f32},
    {"torch.HalfStorage", PickleRole::storage, Dtype::f16},
    {"torch.BFloat16Storage", PickleRole::storage, Dtype::bf16},
    {"torch.LongStorage", PickleRole::storage, Dtype::i64},
    {"torch.IntStorage", PickleRole::storage, Dtype::i32},
    {"torch.ShortStorage", PickleRole::storage, Dtype::i16},
    {"torch.CharStorage", PickleRole::storage, Dtype::i8},
    {"torch.ByteStorage", PickleRole::storage, Dtype::u8},
    {"torch.BoolStorage", PickleRole::storage, Dtype::boolean},
    {"torch.float64", PickleRole::inert},
    {"torch.float32", PickleRole::inert},
    {"torch.float16", PickleRole::inert},
    {"torch.bfloat16", PickleRole::inert},
    {"torch.int64", PickleRole::inert},
    {"torch.int32", PickleRole::inert},
    {"torch.int16", PickleRole::inert},
    {"torch.int8", PickleRole::inert},
    {"torch.uint8", PickleRole::inert},
    {"torch.bool", PickleRole::inert},
    {"torch.Size", PickleRole::sizes},
    {"torch.device", PickleRole::device},
    {"collections.OrderedDict", PickleRole::ordered},
    {"__builtin__.set", PickleRole::set},
    {"builtins.set", PickleRole::set},
    {"__builtin__.frozenset", PickleRole::set},
    {"builtins.frozenset", PickleRole::set},
    {"__builtin__.bytes", PickleRole::empty},
    {"_codecs.encode", PickleRole::encoded},
    {"numpy.core.multiarray.scalar", PickleRole::scalar},
    {"numpy._core.multiarray.scalar", PickleRole::scalar},
    {"numpy.dtype", PickleRole::dtype},
    {"numpy.ndarray", PickleRole::array},
    {"numpy.core.multiarray._reconstruct", PickleRole::reconstructed},
    {"numpy._core.multiarray._reconstruct", PickleRole::reconstructed},
    {"torch.jit._pickle.build_intlist", PickleRole::script_list},
    {"torch.jit._pickle.build_doublelist", PickleRole::script_list},
    {"torch.jit._pickle.build_boollist", PickleRole::script_list},
    {"torch.jit._pickle.build_tensorlist", PickleRole::script_list},
    {"torch.jit._pickle.restore_type_tag", PickleRole::script_tagged},
};
constexpr PickleNameRow pickle_script_class{"", PickleRole::script_class};

bool pickle_is_script(PickleRole role) {
  return role == PickleRole::script_list || role == PickleRole::script_tagged ||
         role == PickleRole::script_class;
}

PickleNameRow const& pickle_row(PickleNodes const& nodes, std::uint32_t name) {
  auto const& it = nodes.at(name);
  if (it.kind != PickleKind::name)
    nodes.refuse(text("it calls ", nodes.in_words(name), ", which is no name"));
  return it.whole < 0 ? pickle_script_class : pickle_names[it.whole];
}

// What can stand in a storage or an array, by NumPy's code.
struct PickleCode {
  std::string_view code;
  Dtype dtype;
};
constexpr PickleCode pickle_codes[] = {
    {"f8", Dtype::f64}, {"f4", Dtype::f32}, {"f2", Dtype::f16},
    {"i8", Dtype::i64}, {"i4", Dtype::i32}, {"i2", Dtype::i16},
    {"i1", Dtype::i8},  {"u1", Dtype::u8},  {"b1", Dtype::boolean}};

// Arguments of one call, checked as they are taken.
class PickleArguments {
 public:
  PickleArguments(PickleNodes const& nodes, std::uint32_t name, std::uint32_t arguments)
      : nodes_(nodes), name_(name), tuple_(nodes.at(arguments)) {
    if (tuple_.kind != PickleKind::tuple) wrong(arguments, "a tuple of arguments");
  }

  std::size_t count() const { return tuple_.parts.size(); }

  void need(std::size_t least, std::size_t most) const {
    if (count() < least || count() > most)
      nodes_.refuse(text(nodes_.in_words(name_), " has ", count(), " arguments, and ", least,
                         least == most ? text("") : text(" to ", most), " are expected"));
  }

  PickleNode const& at(std::size_t i, PickleKind kind, char const* expected) const {
    auto const& it = nodes_.at(tuple_.parts[i]);
    if (it.kind != kind) wrong(tuple_.parts[i], expected);
    return it;
  }

  std::uint32_t node(std::size_t i) const { return tuple_.parts[i]; }

  std::int64_t size(std::size_t i, char const* expected) const {
    auto const value = at(i, PickleKind::whole, expected).whole;
    if (value < 0) wrong(tuple_.parts[i], expected);
    return value;
  }

  // Of a tuple or list, each a whole number from 0 on.
  std::vector<std::int64_t> sizes(std::size_t i) const {
    auto const& list = nodes_.at(tuple_.parts[i]);
    constexpr std::size_t most = 16;
    if ((list.kind != PickleKind::tuple && list.kind != PickleKind::list) ||
        list.parts.size() > most)
      wrong(tuple_.parts[i], "a tuple of at most 16 sizes");
    std::vector<std::int64_t> out;
    for (auto const part : list.parts) {
      auto const& size = nodes_.at(part);
      if (size.kind != PickleKind::whole || size.whole < 0)
        wrong(part, "a size, a whole number from 0 on");
      out.push_back(size.whole);
    }
    return out;
  }

  [[noreturn]] void wrong(std::uint32_t node, std::string_view expected) const {
    nodes_.refuse(
        text(nodes_.in_words(name_), ": expected ", expected, ", got ", nodes_.in_words(node)));
  }

 private:
  PickleNodes const& nodes_;
  std::uint32_t name_;
  PickleNode const& tuple_;
};

// a * b + c while that stays below 2^62.
std::optional<std::int64_t> pickle_times_plus(std::int64_t a, std::int64_t b, std::int64_t c) {
  constexpr std::int64_t most = std::int64_t{1} << 62;
  if (b != 0 && a > (most - c) / b) return std::nullopt;
  return a * b + c;
}

// Its last value must be one of the storage's, and it may not have more of them: a stride of 0
// would make much of little.
void pickle_check_reach(PickleNodes const& nodes, PickledTensor const& tensor) {
  std::optional<std::int64_t> count = 1;
  for (auto const size : tensor.shape) {
    if (count) count = pickle_times_plus(*count, size, 0);
  }
  std::optional<std::int64_t> last = tensor.offset;
  for (std::size_t axis = 0; axis < tensor.shape.size(); ++axis) {
    auto const steps = std::max<std::int64_t>(tensor.shape[axis] - 1, 0);
    if (last) last = pickle_times_plus(steps, tensor.strides[axis], *last);
  }
  if (count && *count == 0 && tensor.offset <= tensor.stored) return;
  if (!count || !last || *last >= tensor.stored || *count > tensor.stored)
    nodes.refuse(text("a tensor reaches beyond its storage '", tensor.storage, "' of ",
                      tensor.stored, " values"));
}

PickleNode pickle_tensor(PickleNodes& nodes, PickleArguments const& arguments) {
  arguments.need(4, 7);
  auto const& storage = arguments.at(0, PickleKind::storage, "a storage");
  PickledTensor tensor;
  tensor.dtype = pickle_names[nodes.at(storage.parts[0]).whole].dtype;
  tensor.storage = nodes.at(storage.parts[1]).words;
  tensor.stored = nodes.at(storage.parts[2]).whole;
  tensor.offset = arguments.size(1, "an offset");
  tensor.shape = arguments.sizes(2);
  tensor.strides = arguments.sizes(3);
  if (tensor.strides.size() != tensor.shape.size())
    arguments.wrong(arguments.node(3), "a stride for each size");
  pickle_check_reach(nodes, tensor);
  nodes.tensors.push_back(std::move(tensor));
  return {.kind = PickleKind::tensor,
          .whole = static_cast<std::int64_t>(nodes.tensors.size() - 1)};
}

PickleNode pickle_device(PickleArguments const& arguments) {
  arguments.need(1, 2);
  auto words = arguments.at(0, PickleKind::words, "the kind of a device").words;
  if (arguments.count() == 2) words += text(":", arguments.size(1, "the number of a device"));
  return {.kind = PickleKind::called, .words = "torch.device('" + words + "')"};
}

PickleNode pickle_encoded(PickleNodes& nodes, PickleArguments const& arguments) {
  arguments.need(2, 2);
  auto const& words = arguments.at(0, PickleKind::words, "a text").words;
  if (arguments.at(1, PickleKind::words, "the name of an encoding").words != "latin1")
    arguments.wrong(arguments.node(1), "'latin1'");
  nodes.count_bytes(words.size());
  PickleNode out{.kind = PickleKind::bytes};
  auto const characters = pickle_characters(words);
  for (auto const character : *characters) {
    if (character > 0xff) nodes.refuse("a text for bytes has a character beyond 255");
    out.words += static_cast<char>(character);
  }
  return out;
}

PickleNode pickle_dtype(PickleNodes const& nodes, PickleArguments const& arguments) {
  arguments.need(1, 3);
  auto code = arguments.at(0, PickleKind::words, "a code of a type").words;
  if (code.starts_with('<') || code.starts_with('|')) code.erase(0, 1);
  constexpr std::string_view unsigned_codes[] = {"u2", "u4", "u8"};
  if (std::ranges::find(pickle_codes, code, &PickleCode::code) == std::end(pickle_codes) &&
      std::ranges::find(unsigned_codes, code) == std::end(unsigned_codes))
    nodes.refuse_name("numpy.dtype of " + nodes.in_words(arguments.node(0)));
  return {.kind = PickleKind::dtype, .words = std::move(code)};
}

template <class Stored>
Stored pickle_stored(std::string const& bytes) {
  Stored out{};
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

PickleNode pickle_whole(std::int64_t value) {
  return {.kind = PickleKind::whole, .whole = value};
}

PickleNode pickle_scalar(PickleNodes const& nodes, PickleArguments const& arguments) {
  arguments.need(2, 2);
  auto const& code = arguments.at(0, PickleKind::dtype, "a NumPy type").words;
  auto const& bytes = arguments.at(1, PickleKind::bytes, "the bytes of a number").words;
  if (bytes.size() != static_cast<std::size_t>(code[1] - '0'))
    nodes.refuse(text("a number of type ", code, " has ", bytes.size(), " bytes"));
  if (code == "f8") return {.kind = PickleKind::real, .real = pickle_stored<double>(bytes)};
  if (code == "f4") return {.kind = PickleKind::real, .real = pickle_stored<float>(bytes)};
  if (code == "f2") {
    float value = 0;
    Blob const half{
        .name = "", .dtype = Dtype::f16, .shape = {}, .bytes = std::as_bytes(std::span{bytes})};
    to_floats(half, {&value, 1});
    return {.kind = PickleKind::real, .real = value};
  }
  if (code == "b1") return {.kind = PickleKind::boolean, .whole = bytes[0] != 0 ? 1 : 0};
  if (code == "i8") return pickle_whole(pickle_stored<std::int64_t>(bytes));
  if (code == "i4") return pickle_whole(pickle_stored<std::int32_t>(bytes));
  if (code == "i2") return pickle_whole(pickle_stored<std::int16_t>(bytes));
  if (code == "i1") return pickle_whole(pickle_stored<std::int8_t>(bytes));
  if (code == "u4") return pickle_whole(pickle_stored<std::uint32_t>(bytes));
  if (code == "u2") return pickle_whole(pickle_stored<std::uint16_t>(bytes));
  if (code == "u1") return pickle_whole(pickle_stored<std::uint8_t>(bytes));
  auto const large = pickle_stored<std::uint64_t>(bytes);
  if (large > static_cast<std::uint64_t>(INT64_MAX))
    nodes.refuse("a whole number is beyond 63 bits");
  return pickle_whole(static_cast<std::int64_t>(large));
}

// State of a NumPy type: (version, byte order, and what only structured types use).
void pickle_dtype_state(PickleNodes const& nodes, std::uint32_t thing, std::uint32_t state) {
  auto const& parts = nodes.at(state).parts;
  auto const order = nodes.at(state).kind == PickleKind::tuple && parts.size() >= 2 &&
                             nodes.at(parts[1]).kind == PickleKind::words
                         ? nodes.at(parts[1]).words
                         : "";
  if (order != "<" && order != "|" && order != "=")
    nodes.refuse(text("expected a little-endian state of ", nodes.in_words(thing), ", got ",
                      nodes.in_words(state)));
}

// State of an array: (version, sizes, type, by columns, bytes).
void pickle_array_state(PickleNodes& nodes, std::uint32_t thing, std::uint32_t state) {
  PickleArguments const fields{nodes, thing, state};
  fields.need(5, 5);
  auto const& code = fields.at(2, PickleKind::dtype, "a NumPy type").words;
  auto const row = std::ranges::find(pickle_codes, code, &PickleCode::code);
  if (row == std::end(pickle_codes)) nodes.refuse_name("numpy.ndarray of '" + code + "'");
  PickledArray array{.dtype = row->dtype, .shape = fields.sizes(1), .bytes = {}};
  if (fields.at(3, PickleKind::boolean, "whether columns come first").whole != 0 &&
      array.shape.size() > 1)
    nodes.refuse("an array is stored by columns");
  auto const& bytes = fields.at(4, PickleKind::bytes, "the bytes of an array").words;
  std::optional<std::int64_t> count = static_cast<std::int64_t>(bytes_of(array.dtype));
  for (auto const size : array.shape) {
    if (count) count = pickle_times_plus(*count, size, 0);
  }
  if (!count || static_cast<std::uint64_t>(*count) != bytes.size())
    nodes.refuse(
        text("an array has ", bytes.size(), " bytes, which are not those of its sizes"));
  nodes.count_bytes(bytes.size());
  auto const raw = std::as_bytes(std::span{bytes});
  array.bytes.assign(raw.begin(), raw.end());
  nodes.arrays.push_back(std::move(array));
  nodes.at(thing).whole = static_cast<std::int64_t>(nodes.arrays.size() - 1);
}

}  // namespace

PickleNode pickle_name(PickleNodes const& nodes, std::string const& name, bool script) {
  auto const row = std::ranges::find(pickle_names, name, &PickleNameRow::name);
  auto const known = row != std::end(pickle_names);
  if (known && (script || !pickle_is_script(row->role)))
    return {.kind = PickleKind::name, .whole = row - pickle_names, .words = name};
  if (!known && script && name.starts_with("__torch__."))
    return {.kind = PickleKind::name, .whole = -1, .words = name};
  nodes.refuse_name(name);
}

std::uint32_t pickle_called(PickleNodes& nodes, std::uint32_t name, std::uint32_t arguments) {
  auto const& row = pickle_row(nodes, name);
  PickleArguments const given{nodes, name, arguments};
  // Things that only pass through stay the node that they are: copies of lists could outgrow
  // any pickle.
  auto const first = [&](std::size_t least, std::size_t most, PickleKind kind,
                         char const* expected) {
    given.need(least, most);
    given.at(0, kind, expected);
    return given.node(0);
  };
  switch (row.role) {
    case PickleRole::tensor:
      return nodes.add(pickle_tensor(nodes, given));
    case PickleRole::parameter:
      return first(2, 3, PickleKind::tensor, "a tensor");
    case PickleRole::sizes:
      given.need(1, 1);
      given.sizes(0);
      return given.node(0);
    case PickleRole::device:
      return nodes.add(pickle_device(given));
    case PickleRole::ordered:
      given.need(0, 0);
      return nodes.add({.kind = PickleKind::dict});
    case PickleRole::set:
    case PickleRole::script_list:
      return first(1, 1, PickleKind::list, "a list");
    case PickleRole::empty:
      given.need(0, 0);
      return nodes.add({.kind = PickleKind::bytes});
    case PickleRole::encoded:
      return nodes.add(pickle_encoded(nodes, given));
    case PickleRole::scalar:
      return nodes.add(pickle_scalar(nodes, given));
    case PickleRole::dtype:
      return nodes.add(pickle_dtype(nodes, given));
    case PickleRole::reconstructed:
      given.need(3, 3);
      if (given.at(0, PickleKind::name, "numpy.ndarray").words != "numpy.ndarray")
        given.wrong(given.node(0), "numpy.ndarray");
      return nodes.add({.kind = PickleKind::array, .whole = -1});
    case PickleRole::script_tagged:
      given.need(2, 2);
      return given.node(0);
    case PickleRole::storage:
    case PickleRole::inert:
    case PickleRole::array:
    case PickleRole::script_class:
      break;
  }
  nodes.refuse_name(nodes.at(name).words + "(…)");
}

PickleNode pickle_object(PickleNodes const& nodes,
                         std::uint32_t name,
                         std::uint32_t arguments) {
  if (pickle_row(nodes, name).role != PickleRole::script_class)
    nodes.refuse_name(nodes.at(name).words + ".__new__");
  PickleArguments{nodes, name, arguments}.need(0, 0);
  return {.kind = PickleKind::object, .words = nodes.at(name).words};
}

void pickle_set_state(PickleNodes& nodes, std::uint32_t thing, std::uint32_t state) {
  switch (nodes.at(thing).kind) {
    case PickleKind::dtype:
      return pickle_dtype_state(nodes, thing, state);
    case PickleKind::array:
      return pickle_array_state(nodes, thing, state);
    case PickleKind::dict:
      if (nodes.at(state).kind == PickleKind::dict) return;
      break;
    case PickleKind::object:
      // A class may keep anything as its state; the usual one is a dictionary of its members.
      if (nodes.at(state).kind == PickleKind::dict) nodes.at(thing).parts = {state};
      return;
    default:
      break;
  }
  nodes.refuse(text("it gives ", nodes.in_words(thing), " the state ", nodes.in_words(state)));
}

PickleNode pickle_storage(PickleNodes const& nodes, std::uint32_t identifier) {
  auto const& it = nodes.at(identifier);
  auto const part = [&](std::size_t i) -> PickleNode const& { return nodes.at(it.parts[i]); };
  auto const sound = it.kind == PickleKind::tuple && it.parts.size() == 5 &&
                     part(0).kind == PickleKind::words && part(0).words == "storage" &&
                     part(1).kind == PickleKind::name && part(2).kind == PickleKind::words &&
                     part(4).kind == PickleKind::whole && part(4).whole >= 0;
  if (!sound)
    nodes.refuse(text("expected ('storage', type, name, place, count), got ",
                      nodes.in_words(identifier)));
  if (pickle_row(nodes, it.parts[1]).role != PickleRole::storage)
    nodes.refuse_name(part(1).words + " as a storage");
  constexpr std::size_t longest = 64;
  if (part(2).words.empty() || part(2).words.size() > longest ||
      part(2).words.find_first_not_of(
          "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-") !=
          std::string::npos)
    nodes.refuse(text("a storage has the name ", nodes.in_words(it.parts[2])));
  return {.kind = PickleKind::storage, .parts = {it.parts[1], it.parts[2], it.parts[4]}};
}

}  // namespace fovea
