#include "learn/weights/safetensors.hpp"

#include "base/core/error.hpp"
#include "base/core/json.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the values are used as they lie in the file");

struct SafetensorsType {
  Dtype dtype;
  std::string_view name;
  std::size_t bytes;
};
constexpr SafetensorsType safetensors_types[] = {
    {Dtype::f64, "F64", 8},      {Dtype::f32, "F32", 4}, {Dtype::f16, "F16", 2},
    {Dtype::bf16, "BF16", 2},    {Dtype::i64, "I64", 8}, {Dtype::i32, "I32", 4},
    {Dtype::i16, "I16", 2},      {Dtype::i8, "I8", 1},   {Dtype::u8, "U8", 1},
    {Dtype::boolean, "BOOL", 1},
};
constexpr std::string_view safetensors_notes = "__metadata__";
constexpr std::size_t safetensors_length_bytes = 8;
constexpr std::size_t safetensors_ranks = 16;

SafetensorsType const& safetensors_row(Dtype dtype) {
  return *std::ranges::find(safetensors_types, dtype, &SafetensorsType::dtype);
}

// Names come from outside: a message shows them quoted, escaped and never at full length.
std::string safetensors_shown(std::string_view name) {
  return Json(name.substr(0, 80)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

[[noreturn]] void safetensors_refuse(std::string_view file, std::string const& happened) {
  throw Error{Fault::input, text(file, " is no sound safetensors file: ", happened),
              "it may be cut short or damaged; write or copy it again"};
}

Dtype safetensors_dtype(Json const& json, std::string_view file, std::string_view array) {
  if (!json.is_string())
    safetensors_refuse(file, text("the dtype of ", safetensors_shown(array), " is no word"));
  auto const& name = json.get_ref<std::string const&>();
  auto const row = std::ranges::find(safetensors_types, name, &SafetensorsType::name);
  if (row == std::end(safetensors_types))
    throw Error{
        Fault::input,
        text(file, " stores ", safetensors_shown(array), " as ", safetensors_shown(name),
             "; expected F64, F32, F16, BF16, I64, I32, I16, I8, U8 or BOOL"),
        "convert the weights to one of these types"};
  return row->dtype;
}

std::uint64_t safetensors_number(Json const& json,
                                 std::string_view file,
                                 std::string_view array) {
  constexpr std::uint64_t largest = 1ULL << 62;
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > largest)
    safetensors_refuse(file, text("a size or offset of ", safetensors_shown(array),
                                  " is no whole number from 0 to 2^62"));
  return json.get<std::uint64_t>();
}

std::vector<std::int64_t> safetensors_shape(Json const& json,
                                            std::string_view file,
                                            std::string_view array) {
  if (!json.is_array() || json.size() > safetensors_ranks)
    safetensors_refuse(file, text("the shape of ", safetensors_shown(array),
                                  " is no list of at most ", safetensors_ranks, " sizes"));
  std::vector<std::int64_t> shape;
  for (auto const& size : json)
    shape.push_back(static_cast<std::int64_t>(safetensors_number(size, file, array)));
  return shape;
}

// The bytes that the shape asks for, or none if they cannot be counted in 62 bits. A size of 0
// makes it empty only if the other sizes are possible ones: their product must not overflow
// either.
std::optional<std::uint64_t> safetensors_bytes(std::vector<std::int64_t> const& shape,
                                               Dtype dtype) {
  std::uint64_t bytes = bytes_of(dtype);
  bool empty = false;
  for (auto const size : shape) {
    if (size == 0) empty = true;
    auto const times = static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1));
    if (bytes > (1ULL << 62) / times) return std::nullopt;
    bytes *= times;
  }
  return empty ? 0 : bytes;
}

struct SafetensorsPlace {
  Blob blob;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

SafetensorsPlace safetensors_place(std::string const& name,
                                   Json const& json,
                                   std::string_view file) {
  if (name.empty()) safetensors_refuse(file, "an array has no name");
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
      !json.contains("shape") || !json.contains("data_offsets"))
    safetensors_refuse(file, text("expected dtype, shape and data_offsets alone for ",
                                  safetensors_shown(name)));
  SafetensorsPlace place;
  place.blob.name = name;
  place.blob.dtype = safetensors_dtype(json["dtype"], file, name);
  place.blob.shape = safetensors_shape(json["shape"], file, name);
  auto const& offsets = json["data_offsets"];
  if (!offsets.is_array() || offsets.size() != 2)
    safetensors_refuse(file, text("data_offsets of ", safetensors_shown(name), " is no pair"));
  place.begin = safetensors_number(offsets[0], file, name);
  place.end = safetensors_number(offsets[1], file, name);
  auto const wanted = safetensors_bytes(place.blob.shape, place.blob.dtype);
  if (place.end < place.begin || !wanted || place.end - place.begin != *wanted)
    safetensors_refuse(file,
                       text(safetensors_shown(name), " is not as long as its shape says"));
  return place;
}

std::map<std::string, std::string, std::less<>> safetensors_read_notes(Json const& json,
                                                                       std::string_view file) {
  if (!json.is_object()) safetensors_refuse(file, "__metadata__ is no object");
  std::map<std::string, std::string, std::less<>> notes;
  for (auto const& [key, value] : json.items()) {
    if (!value.is_string())
      safetensors_refuse(file, text("the note ", safetensors_shown(key), " is no text"));
    notes[key] = value.get<std::string>();
  }
  return notes;
}

std::string_view safetensors_header(Bytes const& bytes, std::string_view file) {
  std::uint64_t length = 0;
  if (bytes.size() < safetensors_length_bytes)
    safetensors_refuse(file, text("it has only ", bytes.size(), " bytes"));
  std::memcpy(&length, bytes.data(), safetensors_length_bytes);
  if (length > bytes.size() - safetensors_length_bytes)
    safetensors_refuse(file, text("its header claims ", length, " bytes and ",
                                  bytes.size() - safetensors_length_bytes, " are there"));
  if (length > safetensors_header_limit)
    safetensors_refuse(file, text("its header of ", length, " bytes is beyond the limit of ",
                                  safetensors_header_limit));
  std::string_view const header{
      reinterpret_cast<char const*>(bytes.data()) + safetensors_length_bytes, length};
  if (!header.starts_with('{')) safetensors_refuse(file, "its header does not begin with {");
  return header;
}

// Sorted by place they must lie end to end, from the first byte behind the header to the last
// of the file.
void safetensors_check_tiling(std::vector<SafetensorsPlace>& places,
                              std::uint64_t size,
                              std::string_view file) {
  std::ranges::stable_sort(places, {}, [](auto const& place) {
    return std::pair{place.begin, place.end};
  });
  std::uint64_t reached = 0;
  for (auto const& place : places) {
    if (place.begin != reached)
      safetensors_refuse(
          file, text(safetensors_shown(place.blob.name),
                     place.begin < reached ? " overlaps another array" : " lies behind a gap"));
    reached = place.end;
  }
  if (reached != size)
    safetensors_refuse(file,
                       text("its arrays need ", reached, " bytes and ", size, " are there"));
}

template <class Stored, class Convert>
void safetensors_each(Blob const& blob, std::span<float> out, Convert const& convert) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    Stored value{};
    std::memcpy(&value, blob.bytes.data() + i * sizeof value,
                sizeof value);  // blobs need not be aligned
    out[i] = convert(value);
  }
}

float safetensors_from_bf16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

float safetensors_from_f16(std::uint16_t bits) {
  auto const sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16;
  auto const exponent = static_cast<std::uint32_t>(bits >> 10) & 31U;
  auto const fraction = static_cast<std::uint32_t>(bits & 0x3ffU);
  if (exponent == 31)
    return std::bit_cast<float>(sign | 0x7f800000U |
                                fraction << 13);  // infinite or not a number
  if (exponent != 0)
    return std::bit_cast<float>(sign | (exponent + 112U) << 23 | fraction << 13);
  auto const small = std::ldexp(static_cast<float>(fraction),
                                -24);  // subnormal: float holds it as a normal one
  return sign != 0 ? -small : small;
}

}  // namespace

std::size_t bytes_of(Dtype dtype) {
  return safetensors_row(dtype).bytes;
}

std::string_view name_of(Dtype dtype) {
  return safetensors_row(dtype).name;
}

std::int64_t Blob::count() const {
  return static_cast<std::int64_t>(bytes.size() / bytes_of(dtype));
}

Blob const* Safetensors::find(std::string_view name) const {
  auto const found = std::ranges::find(blobs, name, &Blob::name);
  return found == blobs.end() ? nullptr : &*found;
}

Safetensors decode_safetensors(Bytes bytes, std::string_view name) {
  Safetensors out;
  auto const storage = std::make_shared<Bytes const>(std::move(bytes));
  auto const words = safetensors_header(*storage, name);
  auto const header = parse_json(words, text("the header of ", name));
  if (!header.is_object()) safetensors_refuse(name, "its header is no object");
  std::vector<SafetensorsPlace> places;
  for (auto const& [key, value] : header.items()) {
    if (key == safetensors_notes)
      out.notes = safetensors_read_notes(value, name);
    else
      places.push_back(safetensors_place(key, value, name));
  }
  auto const data = std::span{*storage}.subspan(safetensors_length_bytes + words.size());
  safetensors_check_tiling(places, data.size(), name);
  for (auto& place : places) {
    place.blob.bytes = data.subspan(place.begin, place.end - place.begin);
    out.blobs.push_back(std::move(place.blob));
  }
  out.storage = storage;
  return out;
}

Safetensors read_safetensors(fs::path const& file, std::uint64_t limit) {
  return decode_safetensors(read_file(file, limit), text(file));
}

Bytes encode_safetensors(std::span<Blob const> blobs,
                         std::map<std::string, std::string, std::less<>> const& notes) {
  std::vector<Blob const*> order;
  std::set<std::string_view> names{safetensors_notes, ""};
  for (auto const& blob : blobs) {
    if (!names.insert(blob.name).second ||
        safetensors_bytes(blob.shape, blob.dtype) != blob.bytes.size())
      throw Error{Fault::bug,
                  text("the array ", safetensors_shown(blob.name),
                       " cannot be stored: its name is taken or its size is wrong"),
                  "give each array a name of its own and the bytes its shape asks for"};
    order.push_back(&blob);
  }
  std::ranges::stable_sort(order, std::greater{},
                           [](Blob const* blob) { return bytes_of(blob->dtype); });

  auto header = Json::object();
  if (!notes.empty()) header[std::string{safetensors_notes}] = notes;
  std::uint64_t reached = 0;
  for (auto const* blob : order) {
    header[blob->name] = {{"dtype", name_of(blob->dtype)},
                          {"shape", blob->shape},
                          {"data_offsets", {reached, reached + blob->bytes.size()}}};
    reached += blob->bytes.size();
  }
  auto words = header.dump();
  words.resize((words.size() + 7) / 8 * 8,
               ' ');  // the format lets blanks follow; so the first array is aligned
  auto const length = static_cast<std::uint64_t>(words.size());

  Bytes out(safetensors_length_bytes + words.size() + reached);
  std::memcpy(out.data(), &length, safetensors_length_bytes);
  std::memcpy(out.data() + safetensors_length_bytes, words.data(), words.size());
  auto at = out.begin() + static_cast<std::ptrdiff_t>(safetensors_length_bytes + words.size());
  for (auto const* blob : order) at = std::ranges::copy(blob->bytes, at).out;
  return out;
}

void to_floats(Blob const& blob, std::span<float> out) {
  if (static_cast<std::size_t>(blob.count()) != out.size())
    throw Error{Fault::bug,
                text(blob.count(), " values do not fit into ", out.size(), " places"),
                "make room for all"};
  auto const plain = [](auto value) { return static_cast<float>(value); };
  switch (blob.dtype) {
    case Dtype::f64:
      return safetensors_each<double>(blob, out, plain);
    case Dtype::f32:
      return safetensors_each<float>(blob, out, plain);
    case Dtype::f16:
      return safetensors_each<std::uint16_t>(blob, out, safetensors_from_f16);
    case Dtype::bf16:
      return safetensors_each<std::uint16_t>(blob, out, safetensors_from_bf16);
    case Dtype::i64:
      return safetensors_each<std::int64_t>(blob, out, plain);
    case Dtype::i32:
      return safetensors_each<std::int32_t>(blob, out, plain);
    case Dtype::i16:
      return safetensors_each<std::int16_t>(blob, out, plain);
    case Dtype::i8:
      return safetensors_each<std::int8_t>(blob, out, plain);
    case Dtype::u8:
      return safetensors_each<std::uint8_t>(blob, out, plain);
    case Dtype::boolean:
      return safetensors_each<std::uint8_t>(
          blob, out, [](std::uint8_t value) { return value != 0 ? 1.0F : 0.0F; });
  }
}

}  // namespace fovea
