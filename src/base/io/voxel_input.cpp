#include "base/io/voxel_input.hpp"

#include "base/core/memory.hpp"
#include "base/core/words.hpp"
#include "base/image/vector3.hpp"
#include "base/io/gzip.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <libdeflate.h>
#include <limits>
#include <numeric>
#include <utility>
#include <zlib.h>

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little,
              "voxels are taken as they lie in the file");

bool voxel_begins_gzip(std::span<std::byte const> bytes) {
  return bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
}

// Unpacks a piece at a time. zlib, for it can stop in between.
class VoxelInflate {
 public:
  explicit VoxelInflate(std::span<std::byte const> packed) : packed_(packed) {
    constexpr int gzip_or_zlib = 32;
    if (inflateInit2(&stream_, MAX_WBITS + gzip_or_zlib) != Z_OK)
      throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  }
  VoxelInflate(VoxelInflate const&) = delete;
  VoxelInflate& operator=(VoxelInflate const&) = delete;
  ~VoxelInflate() { inflateEnd(&stream_); }

  // As many of the next bytes as there are and `room` holds.
  std::size_t take(std::span<std::byte> room) {
    std::size_t out = 0;
    while (out < room.size() && in_ < packed_.size() && !ended_) {
      auto const before = out;
      auto const from = in_;
      if (!step(room, out) && out == before && in_ == from) break;
    }
    return out;
  }
  bool ended() const { return ended_; }  // with a checksum that is right

 private:
  bool step(std::span<std::byte> room, std::size_t& out) {
    constexpr std::size_t most = 1U << 30;
    // zlib's interface is older than const.
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()) + in_);
    stream_.avail_in = static_cast<uInt>(std::min(most, packed_.size() - in_));
    stream_.next_out = reinterpret_cast<Bytef*>(room.data() + out);
    stream_.avail_out = static_cast<uInt>(std::min(most, room.size() - out));
    auto const before = std::pair{stream_.avail_in, stream_.avail_out};
    auto const state = inflate(&stream_, Z_NO_FLUSH);
    in_ += before.first - stream_.avail_in;
    out += before.second - stream_.avail_out;
    if (state != Z_STREAM_END && state != Z_OK && state != Z_BUF_ERROR)
      refuse_damaged("expected gzip, got damaged data");
    if (state != Z_STREAM_END) return state == Z_OK;
    // Another member may follow; anything else behind is left alone, as gzip does.
    ended_ = !voxel_begins_gzip(packed_.subspan(in_));
    if (!ended_) inflateReset(&stream_);
    return true;
  }

  std::span<std::byte const> packed_;
  z_stream stream_{};
  std::size_t in_ = 0;
  bool ended_ = false;
};

template <class T>
void voxel_turn(std::span<T> values) {
  using Bits =
      std::conditional_t<sizeof(T) == 2, std::uint16_t,
                         std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>>;
  if constexpr (sizeof(T) > 1) {
    for (auto& value : values) {
      auto bits = std::bit_cast<Bits>(value);
      if constexpr (sizeof(T) == 2) bits = __builtin_bswap16(bits);
      if constexpr (sizeof(T) == 4) bits = __builtin_bswap32(bits);
      if constexpr (sizeof(T) == 8) bits = __builtin_bswap64(bits);
      value = std::bit_cast<T>(bits);
    }
  }
}

// Walks the volume's axes, slowest last, and copies the fastest one in one go.
template <class T>
void voxel_reorder(std::span<T const> in, std::span<T> out, AxisOrder const& axes) {
  auto const count = axes.order.size();
  std::vector<std::int64_t> sizes(count);
  std::vector<std::int64_t> strides(count);
  for (std::size_t a = 0; a < count; ++a) {
    auto const from = axes.order[a];
    sizes[a] = axes.sizes[from];
    strides[a] = std::accumulate(axes.sizes.begin(),
                                 axes.sizes.begin() + static_cast<std::ptrdiff_t>(from),
                                 std::int64_t{1}, std::multiplies<>{});
  }
  std::vector<std::int64_t> at(count, 0);
  std::int64_t begin = 0;
  for (auto* to = out.data(); to != out.data() + out.size();) {
    for (std::int64_t i = 0; i < sizes[0]; ++i) *to++ = in[begin + i * strides[0]];
    for (std::size_t a = 1; a < count; ++a) {
      begin += strides[a];
      if (++at[a] < sizes[a]) break;
      begin -= sizes[a] * strides[a];
      at[a] = 0;
    }
  }
}

// Between blanks or commas; a number that the type cannot hold is damage.
void voxel_read_numbers(std::string_view words, Volume& into) {
  constexpr std::string_view between = " \t\r\n,\f\v";
  with_type(into.type(), [&](auto zero) {
    using T = decltype(zero);
    std::size_t at = 0;
    for (auto& value : into.write<T>()) {
      at = std::min(words.find_first_not_of(between, at), words.size());
      if (at == words.size())
        refuse_truncated(text("expected ", into.byte_count() / sizeof(T), " numbers, got ",
                              &value - into.write<T>().data()));
      auto const end = std::min(words.find_first_of(between, at), words.size());
      auto const word = words.substr(at, end - at);
      auto const plus = word.starts_with('+') ? 1U : 0U;
      auto const [stop, fault] =
          std::from_chars(word.data() + plus, word.data() + word.size(), value);
      if (fault != std::errc{} || stop != word.data() + word.size())
        throw Refusal{"damaged",
                      text("expected a number of type ", name_of(into.type()), ", got '",
                           printable(word.substr(0, 24), ""), "'"),
                      "the file is damaged; fetch it again", at};
      at = end;
    }
  });
}

void voxel_say_behind(VoxelInput const& in, std::uint64_t bytes, std::vector<Note>& notes) {
  if (in.larger_than(bytes))
    notes.push_back({"bytes-behind", "there are more bytes behind the voxels; they are left"});
}

}  // namespace

void refuse_truncated(std::string const& expected) {
  throw Refusal{"truncated", expected, "the file is cut short; fetch it again"};
}

void refuse_damaged(std::string const& found) {
  throw Refusal{"damaged", found, "the file is damaged; fetch it again"};
}

void ByteSource::read(std::uint64_t at, std::span<std::byte> room) const {
  if (file_ != nullptr) return file_->read(at, room);
  std::ranges::copy(bytes_.subspan(static_cast<std::size_t>(at), room.size()), room.begin());
}

std::span<std::byte const> ByteSource::from(std::uint64_t at,
                                            std::unique_ptr<std::byte[]>& owner) const {
  if (file_ == nullptr) return bytes_.subspan(static_cast<std::size_t>(at));
  auto const count = static_cast<std::size_t>(size_ - at);
  owner = std::make_unique_for_overwrite<std::byte[]>(count);
  file_->read(at, {owner.get(), count});
  return {owner.get(), count};
}

Packing gzip_or_none(ByteSource const& source) {
  std::array<std::byte, 2> first{};
  if (source.size() >= first.size()) source.read(0, first);
  return voxel_begins_gzip(first) ? Packing::gzip : Packing::none;
}

VoxelInput::VoxelInput(ByteSource source, Packing packing, std::uint64_t begin)
    : source_(source),
      packing_(packing),
      begin_(std::min(begin, source.size())),
      size_(source.size() - begin_) {}

void VoxelInput::load() {
  if (packed_.empty()) packed_ = source_.from(begin_, owned_);
}

std::size_t VoxelInput::start(std::span<std::byte> room) {
  constexpr std::uint64_t some = 1U << 16;
  if (packing_ != Packing::none) {
    Bytes first(static_cast<std::size_t>(std::min(size_, some)));
    source_.read(begin_, first);
    auto const made = VoxelInflate{first}.take(room);
    if (made == room.size() || size_ <= some) return made;
    load();
    return VoxelInflate{packed_}.take(room);
  }
  auto const there = static_cast<std::size_t>(std::min<std::uint64_t>(size_, room.size()));
  source_.read(begin_, room.first(there));
  return there;
}

void VoxelInput::fill(std::span<std::byte> room) {
  if (packing_ == Packing::none) return source_.read(begin_, room);
  load();
  auto const gzip = packing_ == Packing::gzip;
  if (gzip && unpack_gzip_parts(packed_, room)) return;
  auto const unpack = gzip ? libdeflate_gzip_decompress_ex : libdeflate_zlib_decompress_ex;
  std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> const unzip{
      libdeflate_alloc_decompressor(), libdeflate_free_decompressor};
  if (!unzip) throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  std::size_t in = 0;
  std::size_t out = 0;
  while (in == 0 ? out < room.size()
                 : out < room.size() && gzip && voxel_begins_gzip(packed_.subspan(in))) {
    std::size_t taken = 0;
    std::size_t made = 0;
    auto const state = unpack(unzip.get(), packed_.data() + in, packed_.size() - in,
                              room.data() + out, room.size() - out, &taken, &made);
    if (state == LIBDEFLATE_INSUFFICIENT_SPACE) return fill_from_more(room);
    if (state != LIBDEFLATE_SUCCESS)
      refuse_damaged("expected gzip, got damaged data or data that breaks off");
    in += taken;
    out += made;
  }
  if (out < room.size())
    refuse_truncated(text("expected ", room.size(), " bytes when unpacked, got ", out));
}

// There is more than is asked for, or what breaks off looks like more.
void VoxelInput::fill_from_more(std::span<std::byte> room) {
  VoxelInflate unzip{packed_};
  auto const made = unzip.take(room);
  std::array<std::byte, 1> behind{};
  more_behind_ = made == room.size() && unzip.take(behind) > 0;
  if (made < room.size() || (!more_behind_ && !unzip.ended()))
    refuse_damaged("expected gzip, got data that breaks off");
}

void check_voxel_bytes(std::uint64_t offset,
                       std::uint64_t bytes,
                       VoxelInput const& in,
                       ImageLimits const& limits) {
  auto const needed = offset + bytes;
  if (bytes > limits.bytes)
    throw Refusal{"too-large",
                  text("expected at most ", bytes_in_words(static_cast<double>(limits.bytes)),
                       " of voxels, got a header that asks for ",
                       bytes_in_words(static_cast<double>(bytes))),
                  "check that it is the right file"};
  if (offset > in.most() || offset > limits.bytes)
    throw Refusal{"bad-offset",
                  text("expected voxels to begin inside the file, got byte ", offset),
                  "the file is cut short or its header damaged; fetch it again"};
  if (needed > in.most())
    refuse_truncated(
        text("expected ", needed, " bytes, as the header says, got ", in.most(), " at most"));
}

void check_voxel_room(std::uint64_t offset,
                      std::uint64_t bytes,
                      VoxelInput const& in,
                      ImageLimits const& limits) {
  check_voxel_bytes(offset, bytes, in, limits);
  auto const needed = offset + bytes;
  auto const there = available_memory();
  if (there != 0 && needed > there)
    throw Error{
        Fault::resource,
        text("the voxels need ", bytes_in_words(static_cast<double>(needed)),
             " of memory, and ", bytes_in_words(static_cast<double>(there)), " are left"),
        "close other programs"};
}

std::shared_ptr<std::byte[]> voxel_room(std::uint64_t offset, std::uint64_t bytes) {
  constexpr std::uint64_t line = 64;
  auto const pad = (line - offset % line) % line;
  auto const whole_lines = (pad + offset + bytes + line - 1) / line * line;
  auto* const block = static_cast<std::byte*>(std::aligned_alloc(line, whole_lines));
  if (block == nullptr)
    throw Error{Fault::resource,
                text("no memory for ", bytes_in_words(static_cast<double>(whole_lines))),
                "close other programs"};
  std::shared_ptr<std::byte[]> const owner{block, [](std::byte* held) { std::free(held); }};
  return {owner, block + pad};
}

void turn_bytes(Volume& volume) {
  with_type(volume.type(), [&](auto zero) { voxel_turn(volume.write<decltype(zero)>()); });
}

bool AxisOrder::as_stored() const {
  return std::ranges::is_sorted(order);
}

Volume reordered(Volume const& stored, AxisOrder const& axes) {
  if (axes.as_stored()) return stored;
  Volume out{stored.grid(), stored.type(), stored.unit(), stored.channels()};
  with_type(stored.type(), [&](auto zero) {
    using T = decltype(zero);
    voxel_reorder(stored.as<T>(), out.write<T>(), axes);
  });
  return out;
}

void look_at_text(ByteSource const& from, std::uint64_t begin, VoxelShape const& shape) {
  VoxelInput const digits{from, Packing::none, begin};
  if (shape.bytes() > shape.limits.bytes)
    check_voxel_bytes(0, shape.bytes(), digits, shape.limits);
  // Every number takes a digit and a blank, but the last.
  auto const least = 2 * shape.count() - 1;
  check_voxel_bytes(0, least, digits, {.bytes = std::numeric_limits<std::uint64_t>::max()});
}

void look_at_bytes(VoxelInput const& in,
                   std::uint64_t offset,
                   VoxelShape const& shape,
                   std::vector<Note>& notes) {
  check_voxel_bytes(offset, shape.bytes(), in, shape.limits);
  voxel_say_behind(in, offset + shape.bytes(), notes);
}

Volume voxels_in_text(ByteSource const& from, std::uint64_t begin, VoxelShape const& shape) {
  look_at_text(from, begin, shape);
  VoxelInput const digits{from, Packing::none, begin};
  check_voxel_room(0, digits.most(), digits,
                   {.bytes = std::numeric_limits<std::uint64_t>::max()});
  std::unique_ptr<std::byte[]> owner;
  auto const words = from.from(begin, owner);
  Volume out{shape.grid, shape.type, Unit::arbitrary, shape.channels};
  voxel_read_numbers({reinterpret_cast<char const*>(words.data()), words.size()}, out);
  return out;
}

Volume voxels_in_bytes(VoxelInput& in,
                       std::uint64_t offset,
                       VoxelShape const& shape,
                       std::vector<Note>& notes) {
  auto const bytes = shape.bytes();
  check_voxel_room(offset, bytes, in, shape.limits);
  auto const room = voxel_room(offset, bytes);
  in.fill({room.get(), static_cast<std::size_t>(offset + bytes)});
  voxel_say_behind(in, offset + bytes, notes);
  Volume out{shape.grid, shape.type, Unit::arbitrary, shape.channels,
             std::shared_ptr<std::byte[]>{room, room.get() + offset}};
  if (shape.big) turn_bytes(out);
  return out;
}

void check_grid(Grid const& grid, std::string_view which) {
  auto finite = std::ranges::all_of(grid.origin.mm, [](double v) { return std::isfinite(v); });
  double box = 1;
  for (auto const& axis : grid.axes) {
    for (auto const value : axis.mm) finite = finite && std::isfinite(value);
    box *= length_of(axis.mm);
  }
  auto const volume = dot(grid.axes[0].mm, cross(grid.axes[1].mm, grid.axes[2].mm));
  // Axes that lie almost in one plane fill next to nothing.
  constexpr double least = 1e-4;
  if (finite && std::isfinite(box) && std::abs(volume) > least * box) return;
  throw Refusal{"bad-affine",
                text("expected a ", which,
                     " of finite numbers whose three axes go three ways, got another one"),
                "the header is damaged; write the file anew from its source"};
}

fs::path voxel_file(fs::path const& header, std::string_view named) {
  if (named.starts_with("./")) named.remove_prefix(2);
  auto const plain =
      !named.empty() && named != "." && named != ".." &&
      named.find_first_of(std::string_view{"/\\\0", 3}) == std::string_view::npos;
  if (!plain)
    throw Refusal{"file-elsewhere",
                  text("expected the name of a file beside the header, got '",
                       printable(named.substr(0, 80), ""), "'"),
                  "put both files into one folder and name the file alone in the header"};
  return header.parent_path() / fs::path{named};
}

Bytes zlib_packed(std::span<std::byte const> bytes, int level) {
  std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> const zip{
      libdeflate_alloc_compressor(std::clamp(level, 1, 12)), libdeflate_free_compressor};
  if (!zip) throw Error{Fault::resource, "no memory to compress with", "close other programs"};
  Bytes out(libdeflate_zlib_compress_bound(zip.get(), bytes.size()));
  out.resize(
      libdeflate_zlib_compress(zip.get(), bytes.data(), bytes.size(), out.data(), out.size()));
  return out;
}

Bytes with_voxels(std::string_view header, std::span<std::byte const> voxels) {
  auto const start = std::as_bytes(std::span{header});
  Bytes out;
  out.reserve(start.size() + voxels.size());
  out.assign(start.begin(), start.end());
  out.insert(out.end(), voxels.begin(), voxels.end());
  return out;
}

ImageAxes axes_of(ImageFile const& image) {
  ImageAxes axes{.others = image.more};
  auto const all = [&] {
    return std::accumulate(axes.others.begin(), axes.others.end(), std::int64_t{1},
                           std::multiplies<>{});
  };
  auto const channels = image.volume.channels();
  auto const said = all();
  if (said < 1 || channels % said != 0 || (channels != said) != image.colour)
    throw Error{Fault::bug,
                text("expected the sizes of axes 4 to 7 to make ", channels, " channels",
                     image.colour ? " with their colours" : "", ", got ", said),
                "change both together"};
  if (image.colour) {
    axes.components = channels / said;
  } else if (image.intent == vector_intent && !axes.others.empty()) {
    axes.components = axes.others.back();
    axes.others.pop_back();
    if (all() == 1) axes.others.clear();
  }
  return axes;
}

Volume components_first(ImageFile const& image) {
  auto const components = axes_of(image).components;
  if (components == 1) return image.volume;
  auto const rest = image.volume.channels() / components;
  // Colours are the fastest of the channels, a vector's components the slowest.
  auto const voxels = image.volume.voxels();
  return image.colour ? reordered(image.volume, {{voxels, components, rest}, {1, 0, 2}})
                      : reordered(image.volume, {{voxels, rest, components}, {2, 0, 1}});
}

}  // namespace fovea
