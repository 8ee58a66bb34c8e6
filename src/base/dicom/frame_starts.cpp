#include "base/core/error.hpp"
#include "base/dicom/scan.hpp"

#include <algorithm>
#include <array>

// Where frames begin among the pieces of encapsulated pixels, PS3.5 A.4.
namespace fovea {
namespace {

using Starts = std::vector<std::uint32_t>;

// Offsets count from the first fragment's item, eight bytes before its value.
Starts starts_by_table(DicomPixels const& pixels) {
  auto const& all = pixels.fragments;
  Starts out;
  for (auto const offset : pixels.offsets) {
    auto const begin = all.front().at + offset;
    auto const at = std::ranges::lower_bound(all, begin, {}, &DicomFragment::at);
    auto const fits =
        offset <= all.back().at - all.front().at && at != all.end() && at->at == begin;
    auto const place = static_cast<std::uint32_t>(at - all.begin());
    if (!fits || (out.empty() ? place != 0 : place <= out.back()))
      throw Refusal{"damaged",
                    text("the table of offsets points to no piece for frame ", out.size() + 1),
                    "the file is damaged; fetch it again"};
    out.push_back(place);
  }
  return out;
}

// PS3.5 A.4: the streams of these begin with a mark that cannot stand inside them (JPEG,
// JPEG-LS) or hardly ever does at the edge of a piece (JPEG 2000's four bytes).
bool starts_a_stream(Codec codec, std::span<std::byte const> first) {
  auto const begins = [&](std::initializer_list<unsigned> mark) {
    return first.size() >= mark.size() &&
           std::equal(mark.begin(), mark.end(), first.begin(), [](unsigned a, std::byte b) {
             return a == std::to_integer<unsigned>(b);
           });
  };
  if (codec == Codec::jpeg || codec == Codec::jpeg_ls) return begins({0xff, 0xd8, 0xff});
  return codec == Codec::jpeg_2000 && begins({0xff, 0x4f, 0xff, 0x51});
}

Starts starts_by_marks(DicomFile const& file) {
  auto const& all = file.scan().pixels().fragments;
  Starts out;
  std::array<std::byte, 4> first{};
  for (std::size_t at = 0; at < all.size(); ++at) {
    auto const there =
        std::span{first}.first(std::min<std::size_t>(first.size(), all[at].length));
    file.read(all[at].at, there);
    if (starts_a_stream(file.scan().syntax().codec, there))
      out.push_back(static_cast<std::uint32_t>(at));
  }
  return out;
}

Starts starts_found(DicomFile const& file, std::size_t frames) {
  auto const& pixels = file.scan().pixels();
  if (pixels.fragments.size() == frames) {
    Starts out(frames);
    for (std::uint32_t at = 0; at < frames; ++at) out[at] = at;
    return out;
  }
  if (pixels.offsets.size() == frames && !pixels.fragments.empty())
    return starts_by_table(pixels);
  // Reading behind each piece of a deflated data set would unpack all before it each time.
  if (pixels.fragments.size() > frames && !file.scan().syntax().deflated) {
    auto out = starts_by_marks(file);
    if (out.size() == frames && out.front() == 0) return out;
  }
  throw Refusal{"short-pixels",
                text("expected ", frames, " frames, got ", pixels.fragments.size(),
                     " pieces and nothing that says where each begins"),
                "the file is damaged; fetch it again"};
}

}  // namespace

std::pair<std::size_t, std::size_t> DicomFile::frame_pieces(std::int64_t frames,
                                                            std::int64_t frame) const {
  std::scoped_lock const lock{guard_};
  auto const count = static_cast<std::size_t>(std::max<std::int64_t>(frames, 1));
  if (starts_.size() != count) starts_ = starts_found(*this, count);
  auto const at = static_cast<std::size_t>(frame);
  auto const end =
      at + 1 < count ? std::size_t{starts_[at + 1]} : scan_.pixels().fragments.size();
  return {starts_.at(at), end};
}

}  // namespace fovea
