#include "base/io/npy.hpp"

#include "base/core/words.hpp"
#include "base/core/zip.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>
#include <optional>
#include <utility>

namespace fovea {
namespace {

constexpr std::size_t npy_magic = 8;         // "\x93NUMPY", major, minor
constexpr std::size_t npy_header = 1 << 16;  // bytes of text; a plain array needs about 70
constexpr std::uint64_t npy_limit = std::uint64_t{1}
                                    << 40;  // where nothing is read but the header
constexpr std::size_t npy_axes = 32;        // NumPy's own limit

[[noreturn]] void npy_refuse(std::string const& found, std::string const& remedy) {
  throw Error{Fault::input, found, remedy};
}

[[noreturn]] void npy_damaged(std::string const& found) {
  npy_refuse(found, "the file may be cut short or damaged; fetch it again");
}

// What the header says.
struct NpyHead {
  char kind = 'u';       // b, i, u, f
  std::size_t each = 1;  // bytes of one value
  bool big = false;      // most significant byte first
  bool fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t begin = 0;  // of the values

  std::uint64_t count() const {
    std::uint64_t all = 1;
    for (auto const size : shape) all *= static_cast<std::uint64_t>(size);
    return all;
  }
};

// The header is a Python dictionary of three keys: a little scanner for just that.
class NpyScan {
 public:
  explicit NpyScan(std::string_view words) : words_(words) {}

  bool take(char c) {
    blanks();
    if (at_ >= words_.size() || words_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c))
      npy_damaged(
          text("expected '", c, "' in the array's header, got '", words_.substr(at_, 12), "'"));
  }
  bool peek(char c) {
    blanks();
    return at_ < words_.size() && words_[at_] == c;
  }
  std::string quoted() {
    auto const mark = peek('"') ? '"' : '\'';
    expect(mark);
    auto const end = words_.find(mark, at_);
    if (end == std::string_view::npos) npy_damaged("an open quote in the array's header");
    std::string out{words_.substr(at_, end - at_)};
    at_ = end + 1;
    return out;
  }
  bool truth() {
    blanks();
    for (auto const& [word, value] : {std::pair{"True", true}, std::pair{"False", false}}) {
      if (!words_.substr(at_).starts_with(word)) continue;
      at_ += std::string_view{word}.size();
      return value;
    }
    npy_damaged("expected True or False in the array's header");
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> out;
    expect('(');
    while (!take(')')) {
      if (out.size() == npy_axes) npy_damaged(text("expected at most ", npy_axes, " axes"));
      out.push_back(size());
      if (!take(',') && !peek(')')) expect(',');
    }
    return out;
  }
  void end() {
    blanks();
    if (at_ != words_.size())
      npy_damaged("expected the end of the array's header, got more text");
  }

 private:
  void blanks() {
    while (at_ < words_.size() &&
           (words_[at_] == ' ' || words_[at_] == '\n' || words_[at_] == '\t'))
      ++at_;
  }
  std::int64_t size() {
    blanks();
    auto const end = words_.find_first_not_of("0123456789", at_);
    auto const value =
        whole(words_.substr(at_, end == std::string_view::npos ? end : end - at_));
    if (!value) npy_damaged("expected a size in the array's header");
    at_ = end == std::string_view::npos ? words_.size() : end;
    take('L');  // Python 2 wrote long numbers so
    return *value;
  }

  std::string_view words_;
  std::size_t at_ = 0;
};

// "<f4": byte order, kind, bytes.
void npy_type(std::string const& spelled_type, NpyHead& head) {
  std::string_view rest = spelled_type;
  auto const order = rest.empty() ? ' ' : rest.front();
  if (std::string_view{"<>|="}.find(order) != std::string_view::npos) rest.remove_prefix(1);
  auto const kind = rest.empty() ? ' ' : rest.front();
  if (kind == 'O')
    npy_refuse(
        "expected an array of numbers, got pickled Python objects, which are never read: they "
        "run code",
        "save numbers, not objects");
  auto const each = whole(rest.empty() ? rest : rest.substr(1)).value_or(0);
  auto const known = kind == 'b'   ? each == 1
                     : kind == 'f' ? each == 2 || each == 4 || each == 8
                                   : (kind == 'i' || kind == 'u') &&
                                         (each == 1 || each == 2 || each == 4 || each == 8);
  if (!known)
    npy_refuse(text("expected numbers of the types b1, i1 to i8, u1 to u8, f2 to f8, got '",
                    spelled_type, "'"),
               "save the array as one of these");
  head.kind = kind;
  head.each = static_cast<std::size_t>(each);
  head.big = order == '>';
}

void npy_dictionary(std::string_view words, NpyHead& head) {
  NpyScan scan{words};
  unsigned seen = 0;
  scan.expect('{');
  while (!scan.take('}')) {
    auto const key = scan.quoted();
    scan.expect(':');
    auto const bit = key == "descr"           ? 1U
                     : key == "fortran_order" ? 2U
                     : key == "shape"         ? 4U
                                              : 0U;
    if (bit == 0 || (seen & bit) != 0)
      npy_damaged(text("the key '", key, "' in the array's header"));
    seen |= bit;
    if (bit == 1) {
      if (scan.peek('['))
        npy_refuse("expected an array of numbers, got structured records",
                   "save each field by itself");
      npy_type(scan.quoted(), head);
    } else if (bit == 2) {
      head.fortran = scan.truth();
    } else {
      head.shape = scan.tuple();
    }
    if (!scan.take(',') && !scan.peek('}')) scan.expect(',');
  }
  scan.end();
  if (seen != 7) npy_damaged("expected descr, fortran_order and shape in the array's header");
}

void npy_check_size(NpyHead const& head, std::uint64_t limit) {
  auto left = limit / head.each;
  for (auto const size : head.shape) {
    if (size != 0)
      left /= static_cast<std::uint64_t>(size);  // of an empty array the other sizes count too
    if (left == 0)
      npy_refuse(text("expected at most ", bytes_in_words(static_cast<double>(limit)),
                      " of values, got a header that asks for more"),
                 "check that it is the right file");
  }
}

// The header at the beginning of `bytes`, which may end behind it.
NpyHead npy_head(std::span<std::byte const> bytes, std::uint64_t limit) {
  auto const at = [&](std::size_t i) { return std::to_integer<std::size_t>(bytes[i]); };
  if (bytes.size() < npy_magic + 4 || std::memcmp(bytes.data(), "\x93NUMPY", 6) != 0)
    npy_damaged("expected a NumPy array (.npy), got other bytes");
  auto const major = at(6);
  if (major < 1 || major > 3)
    npy_refuse(text("expected version 1 to 3 of .npy, got ", major),
               "save it with a common NumPy");
  auto const wide = major == 1 ? 2U : 4U;
  auto length = at(8) | at(9) << 8;
  if (wide == 4) length |= at(10) << 16 | at(11) << 24;
  NpyHead head;
  head.begin = npy_magic + wide + length;
  if (length > npy_header || head.begin > bytes.size())
    npy_damaged(text("expected a header of at most ", std::min(npy_header, bytes.size()),
                     " bytes, got one of ", length));
  npy_dictionary({reinterpret_cast<char const*>(bytes.data()) + npy_magic + wide, length},
                 head);
  npy_check_size(head, limit);
  return head;
}

// The value at `from`, bytes in the file's order.
template <class T>
T npy_value(std::byte const* from, bool big) {
  std::array<std::byte, sizeof(T)> bytes;
  std::memcpy(bytes.data(), from, sizeof(T));
  if (big) std::ranges::reverse(bytes);
  return std::bit_cast<T>(bytes);
}

// IEEE binary16; every value is one of float's.
float npy_half(std::uint16_t half) {
  auto const sign = (half & 0x8000) != 0 ? -1.0F : 1.0F;
  auto const exponent = half >> 10 & 31;
  auto const fraction = static_cast<float>(half & 1023);
  if (exponent == 31)
    return fraction == 0 ? sign * std::numeric_limits<float>::infinity()
                         : std::numeric_limits<float>::quiet_NaN();
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(fraction + 1024, exponent - 25);
}

// Calls visit(place in the file) for every value in C order.
template <class Visit>
void npy_in_c_order(NpyHead const& head, Visit&& visit) {
  auto const count = head.count();
  if (!head.fortran || head.shape.size() < 2) {
    for (std::uint64_t i = 0; i < count; ++i) visit(i);
    return;
  }
  auto const axes = head.shape.size();
  std::vector<std::uint64_t> stride(axes, 1);
  for (std::size_t a = 1; a < axes; ++a)
    stride[a] = stride[a - 1] * static_cast<std::uint64_t>(head.shape[a - 1]);
  std::vector<std::int64_t> at(axes, 0);
  std::uint64_t place = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    visit(place);
    for (auto a = axes; a-- > 0;) {  // the last axis runs fastest, as in C
      place += stride[a];
      if (++at[a] < head.shape[a]) break;
      place -= stride[a] * static_cast<std::uint64_t>(at[a]);
      at[a] = 0;
    }
  }
}

// Values stored as From, wanted as To.
template <class From, class To>
std::shared_ptr<std::byte[]> npy_convert(NpyHead const& head, std::byte const* values) {
  auto out = std::make_shared_for_overwrite<To[]>(std::max<std::uint64_t>(1, head.count()));
  auto* to = out.get();
  npy_in_c_order(head, [&](std::uint64_t place) {
    auto const value = npy_value<From>(values + place * sizeof(From), head.big);
    if constexpr (std::is_same_v<From, std::uint16_t> && std::is_same_v<To, float>)
      *to++ = npy_half(value);
    else
      *to++ = static_cast<To>(value);
  });
  auto* const bytes = reinterpret_cast<std::byte*>(out.get());
  return {std::move(out), bytes};
}

// The smallest of the common types that holds all the whole numbers stored as From.
template <class From>
Type npy_smallest(NpyHead const& head, std::byte const* values) {
  From least = 0;
  From most = 0;
  for (std::uint64_t i = 0; i < head.count(); ++i) {
    auto const value = npy_value<From>(values + i * sizeof(From), head.big);
    least = std::min(least, value);
    most = std::max(most, value);
  }
  for (auto const type : {Type::u8, Type::u16, Type::i16, Type::i32}) {
    auto const fits = with_type(type, [&](auto zero) {
      using To = decltype(zero);
      if constexpr (std::is_integral_v<To>)
        return std::in_range<To>(least) && std::in_range<To>(most);
      else
        return false;
    });
    if (fits) return type;
  }
  constexpr std::int64_t exact = std::int64_t{1}
                                 << 53;  // double holds every whole number up to here
  if (std::cmp_less(least, -exact) || std::cmp_greater(most, exact))
    npy_refuse(
        "expected whole numbers of at most 2^53, got a larger one, which would be rounded",
        "store it as text, or smaller");
  return Type::f64;
}

template <class From>
Array npy_shrunk(NpyHead const& head, std::byte const* values) {
  Array out{.shape = head.shape, .type = npy_smallest<From>(head, values), .bytes = {}};
  with_type(out.type,
            [&](auto zero) { out.bytes = npy_convert<From, decltype(zero)>(head, values); });
  return out;
}

// The type that needs no conversion, if it is a common one.
std::optional<Type> npy_same(NpyHead const& head) {
  struct Row {
    char kind;
    std::size_t each;
    Type type;
  };
  constexpr Row rows[] = {{'u', 1, Type::u8},  {'u', 2, Type::u16}, {'i', 2, Type::i16},
                          {'i', 4, Type::i32}, {'f', 4, Type::f32}, {'f', 8, Type::f64}};
  for (auto const& row : rows) {
    if (row.kind == head.kind && row.each == head.each) return row.type;
  }
  return std::nullopt;
}

Array npy_converted(NpyHead const& head, std::byte const* values) {
  if (auto const type = npy_same(head)) {
    Array out{.shape = head.shape, .type = *type, .bytes = {}};
    with_type(*type, [&](auto zero) {
      out.bytes = npy_convert<decltype(zero), decltype(zero)>(head, values);
    });
    return out;
  }
  if (head.kind == 'f')
    return {.shape = head.shape,
            .type = Type::f32,
            .bytes = npy_convert<std::uint16_t, float>(head, values)};
  if (head.kind == 'b' || (head.kind == 'u' && head.each == 1))
    return npy_shrunk<std::uint8_t>(head, values);
  if (head.kind == 'i' && head.each == 1) return npy_shrunk<std::int8_t>(head, values);
  if (head.kind == 'u' && head.each == 4) return npy_shrunk<std::uint32_t>(head, values);
  if (head.kind == 'u') return npy_shrunk<std::uint64_t>(head, values);
  return npy_shrunk<std::int64_t>(head, values);
}

void npy_check_length(NpyHead const& head, std::size_t size) {
  auto const needed = head.count() * head.each;
  if (size - head.begin != needed)
    npy_damaged(text("expected ", needed, " bytes of values, as the header says, got ",
                     size - head.begin));
}

// Takes the values where they lie, without a copy, when nothing has to be turned.
Array npy_take(std::shared_ptr<Bytes> const& bytes, std::uint64_t limit) {
  auto const head = npy_head(*bytes, limit);
  npy_check_length(head, bytes->size());
  auto* const values = bytes->data() + head.begin;
  auto const type = npy_same(head);
  auto const aligned = reinterpret_cast<std::uintptr_t>(values) % head.each == 0;
  auto const turned = head.big && head.each > 1;
  auto const flat = !head.fortran || head.shape.size() < 2;
  if (!type || !aligned || turned || !flat) return npy_converted(head, values);
  return {.shape = head.shape, .type = *type, .bytes = {bytes, values}};
}

// What the values will be read as, as far as the header alone tells.
Type npy_nominal(NpyHead const& head) {
  if (auto const type = npy_same(head)) return *type;
  if (head.kind == 'f') return Type::f32;
  if (head.kind == 'b') return Type::u8;
  return head.each == 1 ? Type::i16 : Type::i32;
}

template <class Work>
auto npy_named(std::string_view name, Work&& work) {
  try {
    return work();
  } catch (Error const& fault) {
    throw Error{fault.fault(), text(name, ": ", fault.what()), ""};
  }
}

// "train_images.npy" is "train_images"; empty for what is no array.
std::string npy_array_name(std::string const& member) {
  constexpr std::string_view ending = ".npy";
  if (!member.ends_with(ending)) return {};
  return member.substr(0, member.size() - ending.size());
}

std::string npy_spelled_type(Type type) {
  constexpr std::string_view names[] = {"|u1", "|i1", "<u2", "<i2", "<u4",
                                        "<i4", "<u8", "<i8", "<f4", "<f8"};
  return std::string{names[static_cast<std::size_t>(type)]};
}

}  // namespace

static_assert(std::endian::native == std::endian::little,
              "values are taken as they lie in the file");

std::int64_t Array::count() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>{});
}

double Array::at(std::int64_t index) const {
  if (index < 0 || index >= count())
    throw Error{Fault::bug, text("expected a place below ", count(), ", got ", index),
                "check the shape"};
  return with_type(type, [&](auto zero) {
    return static_cast<double>(as<decltype(zero)>()[static_cast<std::size_t>(index)]);
  });
}

Array decode_npy(std::span<std::byte const> bytes, std::string_view name, std::uint64_t limit) {
  return npy_named(name, [&] {
    auto const head = npy_head(bytes, limit);
    npy_check_length(head, bytes.size());
    return npy_converted(head, bytes.data() + head.begin);
  });
}

std::map<std::string, Array> read_npz(fs::path const& file,
                                      std::vector<std::string> const& only,
                                      std::uint64_t limit) {
  ZipReader const zip{file};
  std::map<std::string, Array> arrays;
  for (auto const& entry : zip.entries()) {
    auto const name = npy_array_name(entry.name);
    if (name.empty() || (!only.empty() && std::ranges::find(only, name) == only.end()))
      continue;
    arrays.emplace(
        name, npy_named(text(file, ", array '", name, "'"), [&] {
          auto const head = npy_head(zip.read_start(entry.name, npy_header + 12), limit);
          npy_check_length(head, entry.size);
          return npy_take(std::make_shared<Bytes>(zip.read(entry.name, entry.size)), limit);
        }));
  }
  return arrays;
}

std::map<std::string, Array> list_npz(fs::path const& file) {
  ZipReader const zip{file};
  std::map<std::string, Array> arrays;
  for (auto const& entry : zip.entries()) {
    auto const name = npy_array_name(entry.name);
    if (name.empty()) continue;
    arrays.emplace(name, npy_named(text(file, ", array '", name, "'"), [&] {
                     auto const head =
                         npy_head(zip.read_start(entry.name, npy_header + 12), npy_limit);
                     npy_check_length(head, entry.size);
                     return Array{.shape = head.shape, .type = npy_nominal(head), .bytes = {}};
                   }));
  }
  return arrays;
}

Bytes encode_npy(Array const& array) {
  std::string shape;
  for (auto const size : array.shape) shape += text(size, ", ");
  if (array.shape.size() > 1) shape.resize(shape.size() - 2);
  auto head = text("{'descr': '", npy_spelled_type(array.type),
                   "', 'fortran_order': False, 'shape': (", trimmed(shape), "), }");
  constexpr std::size_t fixed_part = 10;
  head.append((64 - (fixed_part + head.size() + 1) % 64) % 64, ' ');
  head += '\n';
  std::string out = "\x93NUMPY";
  out += '\x01';
  out += '\0';
  out += static_cast<char>(head.size() & 0xff);
  out += static_cast<char>(head.size() >> 8);
  out += head;
  auto const values = std::span{array.bytes.get(),
                                static_cast<std::size_t>(array.count()) * bytes_of(array.type)};
  Bytes bytes(out.size() + values.size());
  std::memcpy(bytes.data(), out.data(), out.size());
  std::ranges::copy(values, bytes.begin() + static_cast<std::ptrdiff_t>(out.size()));
  return bytes;
}

void write_npy(fs::path const& file, Array const& array) {
  write_file(file, encode_npy(array));
}

}  // namespace fovea
