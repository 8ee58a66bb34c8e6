#pragma once

#include "base/core/reader.hpp"
#include "base/io/image_file.hpp"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

// How voxels come out of files, and into them, whatever the format: packed or not, in another
// order of bytes or axes. Inside base/io only.
namespace fovea {

[[noreturn]] void refuse_truncated(std::string const& expected);
[[noreturn]] void refuse_damaged(std::string const& found);

/// Bytes that lie in memory or in a file.
class ByteSource {
 public:
  explicit ByteSource(std::span<std::byte const> bytes) : bytes_(bytes), size_(bytes.size()) {}
  explicit ByteSource(FileReader const& file) : file_(&file), size_(file.size()) {}

  std::uint64_t size() const { return size_; }
  void read(std::uint64_t at, std::span<std::byte> room) const;
  /// All bytes from `at` on: those in memory, or a copy that `owner` keeps.
  std::span<std::byte const> from(std::uint64_t at, std::unique_ptr<std::byte[]>& owner) const;

 private:
  FileReader const* file_ = nullptr;
  std::span<std::byte const> bytes_;
  std::uint64_t size_ = 0;
};

enum class Packing { none, gzip, zlib };

/// By the first bytes: gzip or none.
Packing gzip_or_none(ByteSource const& source);

/// The unpacked bytes of a source from one of its bytes on.
class VoxelInput {
 public:
  VoxelInput(ByteSource source, Packing packing, std::uint64_t begin = 0);

  /// Deflate makes at most 1032 bytes out of one.
  std::uint64_t most() const { return packing_ == Packing::none ? size_ : size_ * 1032; }
  /// True if it is known, after fill, to hold more than so many bytes.
  bool larger_than(std::uint64_t bytes) const {
    return packing_ == Packing::none ? size_ > bytes : more_behind_;
  }
  /// As many of the first bytes as there are and `room` holds; of what is packed, no more is
  /// read than they need.
  std::size_t start(std::span<std::byte> room);
  /// The first bytes, so many that all of `room` is filled. Throws Refusal{damaged, truncated}.
  void fill(std::span<std::byte> room);

 private:
  void load();
  void fill_from_more(std::span<std::byte> room);

  ByteSource source_;
  Packing packing_;
  std::uint64_t begin_;
  std::uint64_t size_;  // of what is packed
  std::unique_ptr<std::byte[]> owned_;
  std::span<std::byte const> packed_;
  bool more_behind_ = false;
};

/// Holds a header's demand against limits and file. Throws Refusal{too-large, bad-offset,
/// truncated}.
void check_voxel_bytes(std::uint64_t offset,
                       std::uint64_t bytes,
                       VoxelInput const& in,
                       ImageLimits const& limits);
/// The same, and against the memory that is left, before it is asked for. Throws
/// Error{resource}, too.
void check_voxel_room(std::uint64_t offset,
                      std::uint64_t bytes,
                      VoxelInput const& in,
                      ImageLimits const& limits);

/// Room for `bytes` behind `offset`, where what lies behind is aligned for every type.
std::shared_ptr<std::byte[]> voxel_room(std::uint64_t offset, std::uint64_t bytes);

/// Turns the order of the bytes of every voxel.
void turn_bytes(Volume& volume);

/// How axes of a file become those of a volume.
struct AxisOrder {
  std::vector<std::int64_t> sizes;  ///< of the axes in the file, the fastest one first
  std::vector<std::size_t> order;   ///< the file's axis for each of the volume's, fastest first

  bool as_stored() const;
};

/// The same voxels on the same grid, with axes in another order.
Volume reordered(Volume const& stored, AxisOrder const& axes);

/// What is to be read.
struct VoxelShape {
  Grid grid;
  Type type = Type::u8;
  std::int64_t channels = 1;
  bool big = false;  ///< most significant byte first
  ImageLimits limits;

  std::uint64_t count() const {
    return static_cast<std::uint64_t>(grid.size[0] * grid.size[1] * grid.size[2] * channels);
  }
  std::uint64_t bytes() const { return count() * bytes_of(type); }
};

/// Numbers in words between blanks or commas. Throws as check_voxel_room, and Refusal{damaged,
/// truncated}; a number that the type cannot hold is damage.
Volume voxels_in_text(ByteSource const& from, std::uint64_t begin, VoxelShape const& shape);

/// The voxels behind `offset` unpacked bytes; notes bytes-behind. Throws as check_voxel_room
/// and fill.
Volume voxels_in_bytes(VoxelInput& in,
                       std::uint64_t offset,
                       VoxelShape const& shape,
                       std::vector<Note>& notes);

/// The demands of the two above, without reading a voxel: what is packed can hold so much; what
/// is not is there. Notes and throws as they do.
void look_at_text(ByteSource const& from, std::uint64_t begin, VoxelShape const& shape);
void look_at_bytes(VoxelInput const& in,
                   std::uint64_t offset,
                   VoxelShape const& shape,
                   std::vector<Note>& notes);

/// Throws Refusal{bad-affine} unless all is finite and the axes go three ways.
void check_grid(Grid const& grid, std::string_view which);

/// `work()`, with the file's name before whatever is refused.
template <class Work>
auto with_file_name(std::string const& name, Work&& work) {
  try {
    return work();
  } catch (Refusal const& fault) {
    throw Refusal{fault.code(), text(name, ": ", fault.what()), "", fault.at()};
  }
}

/// The file that a header names for its voxels: beside it, by a plain name; a header from
/// elsewhere must not make us read another folder. Throws Refusal{file-elsewhere}.
fs::path voxel_file(fs::path const& header, std::string_view named);

/// Packed by libdeflate; the same bytes give the same bytes.
Bytes zlib_packed(std::span<std::byte const> bytes, int level);

/// A header in words and the voxels behind it.
Bytes with_voxels(std::string_view header, std::span<std::byte const> voxels);

/// The sizes of axes 4 to 7 of an image, apart: those that are a voxel's components (colours or
/// a vector), and the others.
struct ImageAxes {
  std::int64_t components = 1;
  std::vector<std::int64_t> others;
};
/// Throws Error{bug} if the sizes do not make the volume's channels.
ImageAxes axes_of(ImageFile const& image);

/// Voxels with the components fastest, as most formats store them.
Volume components_first(ImageFile const& image);

}  // namespace fovea
