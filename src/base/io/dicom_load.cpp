#include "base/core/words.hpp"
#include "base/dicom/lookup.hpp"
#include "base/io/dicom_seg_read.hpp"
#include "base/io/dicom_series.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <utility>

// A series that the gate let through, as voxels.
namespace fovea {

class DicomFiles {
 public:
  /// Throws Refusal{changed} if it is no longer what it was.
  std::shared_ptr<DicomFile const> open(DicomSlice const& slice) {
    if (slice.shape().frames == 1) return opened(slice);
    std::scoped_lock const lock{guard_};
    auto const at = std::ranges::find(open_, slice.object, &Open::object);
    if (at != open_.end()) return at->file;
    constexpr std::size_t most = 4;
    if (open_.size() == most) open_.erase(open_.begin());
    open_.push_back({slice.object, opened(slice)});
    return open_.back().file;
  }

 private:
  struct Open {
    std::shared_ptr<DicomInstance const> object;
    std::shared_ptr<DicomFile const> file;
  };

  static std::shared_ptr<DicomFile const> opened(DicomSlice const& slice) {
    auto file = std::make_shared<DicomFile const>(slice.file());
    auto const same = file->scan().root().text(Tag::sop_instance) == slice.sop() &&
                      dicom_shape(file->scan()) == slice.shape();
    if (!same)
      throw Refusal{"changed", text(slice.file(), " is no longer the image that it was"),
                    "read the folder again when nothing writes to it"};
    return file;
  }

  std::mutex guard_;
  std::vector<Open> open_;
};

std::shared_ptr<DicomFiles> opened_files() {
  return std::make_shared<DicomFiles>();
}

namespace {

struct LoadRange {
  double low = 0, high = 0;
  bool whole = true;
  bool wide = false;  // more than 16 bits are stored, or fractions
};

LoadRange load_range(std::vector<DicomSlice> const& slices) {
  LoadRange out{.low = std::numeric_limits<double>::max(),
                .high = std::numeric_limits<double>::lowest()};
  for (auto const& slice : slices) {
    auto const& shape = slice.shape();
    if (auto const& table = slice.head->table) {
      out.low = std::min(out.low, (*table)[0]);
      out.high = std::max(out.high, (*table)[1]);
      continue;
    }
    auto const bits = shape.negative ? shape.stored - 1 : shape.stored;
    auto const most = std::ldexp(1.0, bits) - 1;
    auto const least = shape.negative ? -most - 1 : 0;
    for (auto const raw : {least, most}) {
      auto const value = raw * slice.slope + slice.intercept;
      out.low = std::min(out.low, value);
      out.high = std::max(out.high, value);
    }
    auto const fractions = shape.type == Type::f32 || shape.type == Type::f64;
    out.whole = out.whole && !fractions && slice.slope == std::floor(slice.slope) &&
                slice.intercept == std::floor(slice.intercept);
    out.wide = out.wide || shape.type == Type::f64 || (!fractions && shape.stored > 16);
  }
  return out;
}

Type load_type(std::vector<DicomSlice> const& slices) {
  auto const range = load_range(slices);
  if (range.whole) {
    for (auto const type : {Type::u8, Type::i16, Type::u16, Type::i32}) {
      auto const fits = with_type(type, [&](auto zero) {
        using T = decltype(zero);
        return range.low >= static_cast<double>(std::numeric_limits<T>::lowest()) &&
               range.high <= static_cast<double>(std::numeric_limits<T>::max());
      });
      if (fits) return type;
    }
  }
  return range.wide ? Type::f64 : Type::f32;
}

bool load_grey(DicomSlice const& slice) {
  auto const& photometric = slice.shape().photometric;
  return photometric == "MONOCHROME1" || photometric == "MONOCHROME2" ||
         (photometric.empty() && slice.shape().samples == 1);
}

// As load_scale, of whole numbers none of which needs more than 32 bits: in vectors.
template <class To, class From>
bool load_scale_whole(std::span<From const> in,
                      std::span<To> out,
                      std::int32_t slope,
                      std::int32_t intercept) {
  constexpr std::int32_t least = std::numeric_limits<To>::lowest();
  constexpr std::int32_t most = std::numeric_limits<To>::max();
  auto low = most;
  auto high = least;
  for (std::size_t i = 0; i < in.size(); ++i) {
    auto const value = in[i] * slope + intercept;
    low = std::min(low, value);
    high = std::max(high, value);
    out[i] = static_cast<To>(value);
  }
  return low >= least && high <= most;
}

// False if a value is none of To's: what is in `out` then means nothing.
template <class To, class From>
bool load_scale(std::span<From const> in, std::span<To> out, double slope, double intercept) {
  if constexpr (std::is_integral_v<From> && std::is_integral_v<To> && sizeof(From) <= 2 &&
                (sizeof(To) <= 2 || std::is_same_v<To, std::int32_t>)) {
    constexpr double far = 1 << 14;  // 2^16 x 2^14 and as much again stay below 2^31
    if (slope == std::floor(slope) && std::abs(slope) <= far &&
        intercept == std::floor(intercept) && std::abs(intercept) <= far)
      return load_scale_whole<To, From>(in, out, static_cast<std::int32_t>(slope),
                                        static_cast<std::int32_t>(intercept));
  }
  constexpr auto least = static_cast<double>(std::numeric_limits<To>::lowest());
  constexpr auto most = static_cast<double>(std::numeric_limits<To>::max());
  double low = most;
  double high = least;
  for (std::size_t i = 0; i < in.size(); ++i) {
    auto const value = static_cast<double>(in[i]) * slope + intercept;
    low = std::min(low, value);
    high = std::max(high, value);
    out[i] = static_cast<To>(std::clamp(value, least, most));
  }
  return !std::is_integral_v<To> || (low >= least && high <= most);
}

// Slice `at` of a stack, or frame `at` of a film, whose colours are the faster channels.
bool load_put(Volume const& stored, DicomSlice const& slice, Volume& out, std::int64_t at) {
  auto const plane = static_cast<std::size_t>(out.width() * out.height());
  auto const depth = static_cast<std::size_t>(out.depth());
  auto const colours = static_cast<std::size_t>(stored.channels());
  auto const film = static_cast<std::size_t>(out.channels()) > colours;
  auto const which = static_cast<std::size_t>(at);
  auto const grey = load_grey(slice);
  return with_type(out.type(), [&](auto to) {
    using To = decltype(to);
    return with_type(stored.type(), [&](auto from) {
      using From = decltype(from);
      auto fits = true;
      for (std::size_t c = 0; c < colours; ++c) {
        auto const in = stored.as<From>().subspan(c * plane, plane);
        auto const room = out.write<To>().subspan(
            (film ? which * colours + c : c * depth + which) * plane, plane);
        auto const plain = !grey || (slice.slope == 1 && slice.intercept == 0);
        if constexpr (std::is_same_v<From, To>) {
          if (plain) {
            std::ranges::copy(in, room.begin());
            continue;
          }
        }
        fits = load_scale<To, From>(in, room, plain ? 1 : slice.slope,
                                    plain ? 0 : slice.intercept) &&
               fits;
      }
      return fits;
    });
  });
}

Volume load_looked_up(Volume const& stored, LookupTable const& table) {
  auto out = image2d(stored.width(), stored.height(), Type::u16);
  with_type(stored.type(), [&](auto zero) {
    std::ranges::transform(
        stored.as<decltype(zero)>(), out.write<std::uint16_t>().begin(), [&](auto value) {
          return static_cast<std::uint16_t>(table.at(static_cast<double>(value)));
        });
  });
  return out;
}

Volume load_slice(DicomFile const& file, DicomSlice const& slice) {
  auto image = decode_frame(file, slice.shape(), slice.frame);
  if (!load_grey(slice)) return in_colour(image, file.scan());
  if (!slice.head->table) return image;
  auto const table = modality_table(file.scan().root());
  return table ? load_looked_up(image, *table) : image;
}

// None if a value does not fit the type.
std::optional<Volume> load_loaded(DicomSeries const& series, Type type, int threads) {
  auto const grey = load_grey(series.slices.front());
  auto const unit = series.slices.front().head->unit;
  auto const alike = std::ranges::all_of(
      series.slices, [&](DicomSlice const& slice) { return slice.head->unit == unit; });
  Volume out{series.grid, type, alike ? unit : Unit::arbitrary, (grey ? 1 : 3) * series.fourth};
  std::atomic<bool> fits{true};
  auto const files = series.open ? series.open : opened_files();
  in_parallel(static_cast<std::int64_t>(series.slices.size()), threads, [&](std::int64_t at) {
    auto const& slice = series.slices[static_cast<std::size_t>(at)];
    if (load_grey(slice) != grey)
      throw Refusal{"mixed-colours", "grey and coloured images share one series",
                    "choose another series"};
    if (fits && !load_put(load_slice(*files->open(slice), slice), slice, out, at)) fits = false;
  });
  return fits ? std::optional{std::move(out)} : std::nullopt;
}

}  // namespace

Volume load_series(DicomSeries const& series, int threads) {
  if (series.verdict == Verdict::refused)
    throw Refusal{series.reasons.front().code, series.reasons.front().words,
                  "choose another series"};
  auto const& first = series.slices.front();
  if (series.labels) return read_dicom_seg(DicomFile{first.file()}, threads).voxels;
  auto const grey = load_grey(first);
  auto const palette = first.shape().photometric == "PALETTE COLOR";
  auto const type = grey ? load_type(series.slices) : palette ? Type::u16 : first.shape().type;
  // Headers often promise 16 bits and fill 12: half the memory, if that is true.
  if (grey && type == Type::i32) {
    if (auto const narrow = load_loaded(series, Type::i16, threads)) return *narrow;
  }
  auto const loaded = load_loaded(series, type, threads);
  if (!loaded)
    throw Refusal{"changed", "a value is beyond what the headers promise",
                  "read the folder again when nothing writes to it"};
  return *loaded;
}

std::int64_t padded_voxels(DicomSeries const& series, Volume const& loaded) {
  auto const plane = static_cast<std::size_t>(loaded.width() * loaded.height());
  std::int64_t out = 0;
  with_type(loaded.type(), [&](auto zero) {
    using T = decltype(zero);
    auto const voxels = loaded.as<T>();
    for (std::size_t at = 0; at < series.slices.size(); ++at) {
      auto const& slice = series.slices[at];
      auto const& padding = slice.head->padding;
      if (!padding || slice.head->table || (at + 1) * plane > voxels.size()) continue;
      // As the voxels were computed, so that they compare equal.
      auto const value = [&](double stored) {
        auto const scaled = stored * slice.slope + slice.intercept;
        return std::is_integral_v<T> ? scaled : static_cast<double>(static_cast<T>(scaled));
      };
      auto const ends = std::minmax({value((*padding)[0]), value((*padding)[1])});
      out += std::ranges::count_if(voxels.subspan(at * plane, plane), [&](T voxel) {
        return static_cast<double>(voxel) >= ends.first &&
               static_cast<double>(voxel) <= ends.second;
      });
    }
  });
  return out;
}

}  // namespace fovea
