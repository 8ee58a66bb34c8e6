#include "base/io/nifti_blocks.hpp"

#include "base/core/words.hpp"
#include "base/io/nifti_head.hpp"

#include <cerrno>
#include <fcntl.h>
#include <limits>
#include <unistd.h>

namespace fovea {
namespace {

[[noreturn]] void blocks_refuse(fs::path const& file, std::string const& what, int fault) {
  throw Error{Fault::resource,
              text(file, " cannot be ", what, ": ", std::generic_category().message(fault)),
              "make room there, or choose another place"};
}

// All of it, however many calls the system wants.
template <class Call>
void blocks_all(fs::path const& file, std::string const& what, std::size_t bytes, Call&& call) {
  for (std::size_t done = 0; done < bytes;) {
    auto const some = call(done);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) blocks_refuse(file, what, some < 0 ? errno : EIO);
    done += static_cast<std::size_t>(some);
  }
}

std::uint64_t blocks_bytes(Grid const& grid, std::int64_t channels) {
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max() / 8;
  auto values = channels;
  for (auto const side : grid.size) {
    if (side < 1 || values < 1 || values > most / side)
      throw Error{Fault::input,
                  text("expected sizes from 1 on, got ", grid.size[0], " x ", grid.size[1],
                       " x ", grid.size[2], " and ", channels, " channels"),
                  "give a grid with voxels"};
    values *= side;
  }
  return static_cast<std::uint64_t>(values) * sizeof(float);
}

}  // namespace

NiftiBlocks::NiftiBlocks(fs::path const& file,
                         Grid const& grid,
                         std::int64_t channels,
                         ImageSpace space)
    : file_{file}, grid_{grid}, channels_{channels}, draft_{file} {
  if (lower(file.extension().string()) != ".nii")
    throw Error{Fault::usage, text("expected a name that ends in .nii, got ", file),
                "choose another one"};
  auto const bytes = blocks_bytes(grid, channels);
  auto head = nifti_head_on(grid, {channels}, space, channels > 32767 ? 2 : 1);
  head.datatype = nifti_code(Type::f32, 1);
  head.bitpix = 8 * static_cast<int>(sizeof(float));
  auto const start = nifti_start(head, true);
  start_ = static_cast<std::int64_t>(start.size());
  std::error_code unknown;
  auto const folder = file.parent_path().empty() ? fs::path{"."} : file.parent_path();
  auto const room = fs::space(folder, unknown);
  if (!unknown && room.available < bytes)
    throw Error{Fault::resource,
                text(file, " takes ", (bytes >> 20) + 1, " MiB, and ", room.available >> 20,
                     " MiB are free there"),
                "make room there, or choose another place"};
  descriptor_ = ::open(draft_.path().c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) blocks_refuse(file, "made", errno);
  try {
    blocks_all(file_, "written", start.size(), [&](std::size_t done) {
      return ::pwrite(descriptor_, start.data() + done, start.size() - done,
                      static_cast<off_t>(done));
    });
    if (::ftruncate(descriptor_, static_cast<off_t>(start.size() + bytes)) != 0)
      blocks_refuse(file, "made", errno);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

NiftiBlocks::~NiftiBlocks() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

// Calls use(values, place in the file) for what lies in one piece there and here.
template <class Values, class Use>
void NiftiBlocks::each_run(IndexBox const& box, Values values, Use&& use) const {
  auto const& whole = grid_.size;
  for (std::size_t a = 0; a < 3; ++a) {
    if (box.first[a] < 0 || box.size[a] < 1 || box.first[a] > whole[a] - box.size[a])
      throw Error{Fault::bug, "a box does not lie in the file's grid", ""};
  }
  auto const& [wide, high, deep] = box.size;
  if (std::ssize(values) != channels_ * wide * high * deep)
    throw Error{Fault::bug, text(values.size(), " values do not fill a box of the file"), ""};
  auto const rows = wide == whole[0] ? high : 1;
  auto const slices = wide == whole[0] && high == whole[1] ? deep : 1;
  auto const run = static_cast<std::size_t>(wide * rows * slices);
  for (std::int64_t c = 0; c < channels_; ++c) {
    for (std::int64_t k = 0; k < deep; k += slices) {
      for (std::int64_t j = 0; j < high; j += rows) {
        auto const voxel =
            ((c * whole[2] + box.first[2] + k) * whole[1] + box.first[1] + j) * whole[0] +
            box.first[0];
        use(values.first(run), start_ + voxel * static_cast<std::int64_t>(sizeof(float)));
        values = values.subspan(run);
      }
    }
  }
}

void NiftiBlocks::write(IndexBox const& box, std::span<float const> values) {
  each_run(box, values, [&](std::span<float const> run, std::int64_t place) {
    auto const bytes = std::as_bytes(run);
    blocks_all(file_, "written", bytes.size(), [&](std::size_t done) {
      return ::pwrite(descriptor_, bytes.data() + done, bytes.size() - done,
                      place + static_cast<off_t>(done));
    });
  });
}

void NiftiBlocks::read(IndexBox const& box, std::span<float> values) const {
  each_run(box, values, [&](std::span<float> run, std::int64_t place) {
    auto const bytes = std::as_writable_bytes(run);
    blocks_all(file_, "read", bytes.size(), [&](std::size_t done) {
      return ::pread(descriptor_, bytes.data() + done, bytes.size() - done,
                     place + static_cast<off_t>(done));
    });
  });
}

void NiftiBlocks::keep() {
  if (::fsync(descriptor_) != 0) blocks_refuse(file_, "written", errno);
  if (auto const fault = draft_.keep()) blocks_refuse(file_, "named", fault.value());
}

}  // namespace fovea
