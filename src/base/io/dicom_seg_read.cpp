#include "base/io/dicom_seg_read.hpp"

#include "base/core/memory.hpp"
#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"
#include "base/dicom/pixels.hpp"
#include "base/io/dicom_gate.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <utility>

namespace fovea {
namespace {

constexpr std::int64_t seg_most = 65535;  // the highest segment number

[[noreturn]] void seg_refuse(std::string_view code, std::string const& happened) {
  throw Refusal{code, happened, "ask the program that wrote it for a right one"};
}

// --- what the header says of segments --------------------------------------------------------

// In UTF-8, and the first value if there are several.
std::string seg_text(DicomItem const& item, Tag tag, Charset const& charset) {
  auto const words = text_of(item, tag, charset).values;
  return words.empty() ? std::string{} : words.front();
}

Code seg_code(DicomItem const& item, Tag sequence, Charset const& charset) {
  auto const items = item.items(sequence);
  if (items.empty()) return {};
  auto const& code = items.front();
  Code out{.value = code.text(Tag{0x00080100}),
           .scheme = code.text(Tag{0x00080102}),
           .meaning = seg_text(code, Tag{0x00080104}, charset)};
  for (auto const longer : {0x00080119U, 0x00080120U}) {
    if (out.value.empty()) out.value = code.text(Tag{longer});
  }
  return out;
}

Provenance seg_provenance(DicomItem const& item, Charset const& charset) {
  Provenance out;
  auto const type = item.text(Tag{0x00620008});
  out.made_by = type == "MANUAL"          ? MadeBy::person
                : type == "SEMIAUTOMATIC" ? MadeBy::both
                                          : MadeBy::program;
  out.name = seg_text(item, Tag{0x00620009}, charset);
  auto const algorithms = item.items(Tag{0x00620007});
  if (algorithms.empty()) return out;
  if (out.name.empty()) out.name = seg_text(algorithms.front(), Tag{0x00660036}, charset);
  out.version = seg_text(algorithms.front(), Tag{0x00660031}, charset);
  return out;
}

Segment seg_segment(DicomItem const& item, Charset const& around) {
  auto const charset = charset_of(item, around);
  auto const number = item.whole(Tag{0x00620004});
  if (!number || *number < 0 || *number > seg_most)
    seg_refuse("unknown-segment",
               text("expected a segment number from 1 to ", seg_most, ", got another"));
  Segment out{.value = *number,
              .name = seg_text(item, Tag{0x00620005}, charset),
              .category = seg_code(item, Tag{0x00620003}, charset),
              .type = seg_code(item, Tag{0x0062000f}, charset),
              .tracking = seg_text(item, Tag{0x00620020}, charset),
              .tracking_uid = item.text(Tag{0x00620021}),
              .provenance = seg_provenance(item, charset)};
  auto const lab = item.numbers(Tag{0x0062000d});
  if (lab && lab->size() == 3) out.colour = colour_of_cielab({(*lab)[0], (*lab)[1], (*lab)[2]});
  return out;
}

// --- voxels ----------------------------------------------------------------------------------

/// A segmentation whose frames have their places.
class SegReader {
 public:
  SegReader(DicomFile const& file, DicomSeries const& series, int threads)
      : file_(file),
        series_(series),
        threads_(threads),
        segments_(segments_of(file.scan().root())) {
    auto const& grid = series.grid;
    auto const step = grid.axes[2].mm;
    for (auto const& slice : series.slices) {
      auto const from = difference(*slice.position, grid.origin.mm);
      auto const k = std::llround(dot(from, step) / dot(step, step));
      frames_[slice.segment].push_back(
          {.frame = slice.frame, .k = std::clamp<std::int64_t>(k, 0, grid.size[2] - 1)});
    }
  }

  LabelMap read() {
    auto const root = file_.scan().root();
    auto const type = root.text(Tag{0x00620001});
    if (type == "LABELMAP") return labels();
    check_frames();
    if (type == "BINARY") return binary();
    if (type == "FRACTIONAL") return fractional(root.number(Tag{0x0062000e}).value_or(0));
    seg_refuse(
        "unsupported-type",
        text("expected a binary or fractional segmentation or a label map, got '", type, "'"));
  }

 private:
  struct Frame {
    std::int32_t frame = 0;
    std::int64_t k = 0;
  };

  std::size_t plane() const {
    return static_cast<std::size_t>(series_.grid.size[0] * series_.grid.size[1]);
  }

  template <class T>
  std::span<T> room(Volume& volume, std::int64_t k, std::int64_t layer = 0) const {
    return volume.write_channel<T>(layer).subspan(static_cast<std::size_t>(k) * plane(),
                                                  plane());
  }

  Volume fresh(Type type, std::int64_t layers = 1) const {
    auto const& size = series_.grid.size;
    auto const bytes = static_cast<double>(size[0]) * static_cast<double>(size[1]) *
                       static_cast<double>(size[2]) * static_cast<double>(layers) *
                       static_cast<double>(bytes_of(type));
    auto const there = available_memory();
    if (there != 0 && bytes > static_cast<double>(there))
      throw Error{Fault::resource,
                  text("the segments need ", bytes_in_words(bytes), " of memory, and ",
                       bytes_in_words(static_cast<double>(there)), " are left"),
                  "close other programs"};
    return {series_.grid, type, Unit::one, layers};
  }

  void check_frames() const {
    for (auto const& [number, frames] : frames_) {
      auto const listed = std::ranges::any_of(
          segments_, [wanted = number](Segment const& s) { return s.value == wanted; });
      if (number < 1 || !listed)
        seg_refuse("unknown-segment",
                   text("frame ", frames.front().frame + 1, " belongs to segment ", number,
                        ", which is not listed"));
    }
  }

  Type type_of_labels() const {
    auto const wide = std::ranges::any_of(segments_, [](Segment const& s) {
      constexpr std::int64_t narrow = 255;
      return s.value > narrow;
    });
    return wide ? Type::u16 : Type::u8;
  }

  // Calls use(stored values as numbers, k) for each frame of a segment.
  template <class Use>
  void each(std::vector<Frame> const& frames, Use&& use) const {
    auto const& shape = series_.slices.front().shape();
    in_parallel(static_cast<std::int64_t>(frames.size()), threads_, [&](std::int64_t at) {
      auto const& frame = frames[static_cast<std::size_t>(at)];
      auto const stored = decode_frame(file_, shape, frame.frame);
      with_type(stored.type(), [&](auto zero) { use(stored.as<decltype(zero)>(), frame.k); });
    });
  }

  // --- binary: a segment goes to the first layer where nothing of another is in its way

  template <class T>
  bool put(std::vector<Frame> const& frames, Volume& layer, T value) const {
    std::atomic<bool> free{true};
    each(frames, [&](auto stored, std::int64_t k) {
      auto const to = room<T>(layer, k);
      for (std::size_t i = 0; i < stored.size() && free; ++i) {
        if (stored[i] == 0) continue;
        if (to[i] != 0)
          free = false;
        else
          to[i] = value;
      }
    });
    return free;
  }

  template <class T>
  void take_back(std::vector<Frame> const& frames, Volume& layer, T value) const {
    for (auto const& frame : frames) std::ranges::replace(room<T>(layer, frame.k), value, T{0});
  }

  template <class T>
  LabelMap layered() {
    std::vector<Volume> layers{fresh(TypeOf<T>::value)};
    for (auto& segment : segments_) {
      auto const frames = frames_.find(static_cast<std::int32_t>(segment.value));
      if (frames == frames_.end()) continue;
      auto const value = static_cast<T>(segment.value);
      for (std::size_t at = 0;; ++at) {
        if (at == layers.size()) layers.push_back(fresh(TypeOf<T>::value));
        segment.layer = static_cast<std::int64_t>(at);
        if (put<T>(frames->second, layers[at], value)) break;
        take_back<T>(frames->second, layers[at], value);
      }
    }
    if (layers.size() == 1) return {.voxels = layers.front(), .segments = segments_};
    auto all = fresh(TypeOf<T>::value, static_cast<std::int64_t>(layers.size()));
    for (std::size_t at = 0; at < layers.size(); ++at)
      std::ranges::copy(layers[at].template as<T>(),
                        all.template write_channel<T>(static_cast<std::int64_t>(at)).begin());
    return {.voxels = std::move(all), .segments = segments_};
  }

  LabelMap binary() {
    return type_of_labels() == Type::u8 ? layered<std::uint8_t>() : layered<std::uint16_t>();
  }

  // --- fractional

  LabelMap fractional(double most) {
    if (!(most > 0)) seg_refuse("bad-scaling", "expected a maximum of the fractions above 0");
    auto out = fresh(Type::f32, static_cast<std::int64_t>(segments_.size()));
    for (std::size_t at = 0; at < segments_.size(); ++at) {
      auto& segment = segments_[at];
      segment.layer = static_cast<std::int64_t>(at);
      auto const frames = frames_.find(static_cast<std::int32_t>(segment.value));
      if (frames == frames_.end()) continue;
      each(frames->second, [&](auto stored, std::int64_t k) {
        auto const to = room<float>(out, k, segment.layer);
        for (std::size_t i = 0; i < stored.size(); ++i) {
          auto const value = static_cast<double>(stored[i]);
          if (value < 0 || value > most)
            seg_refuse("bad-scaling", text("expected fractions up to ", most, ", got ", value));
          to[i] = static_cast<float>(value / most);
        }
      });
    }
    return {.voxels = std::move(out), .segments = segments_, .fractional = true};
  }

  // --- label map

  template <class T>
  LabelMap copied() {
    auto const root = file_.scan().root();
    auto const padding = root.whole(Tag::padding_value).value_or(0);
    std::vector<std::atomic<bool>> seen(static_cast<std::size_t>(seg_most) + 1);
    auto out = fresh(TypeOf<T>::value);
    each(frames_.begin()->second, [&](auto stored, std::int64_t k) {
      auto const to = room<T>(out, k);
      for (std::size_t i = 0; i < stored.size(); ++i) {
        auto const value = static_cast<std::int64_t>(stored[i]);
        if (value == padding || value == 0) continue;
        if (value < 0 || value > seg_most)
          seg_refuse("unknown-segment", text("a voxel belongs to segment ", value));
        seen[static_cast<std::size_t>(value)] = true;
        to[i] = static_cast<T>(value);
      }
    });
    std::erase_if(segments_, [&](Segment const& s) { return s.value == padding; });
    for (auto const& segment : segments_) seen[static_cast<std::size_t>(segment.value)] = false;
    auto const other = std::ranges::find_if(seen, [](auto const& one) { return one.load(); });
    if (other != seen.end())
      seg_refuse("unknown-segment", text("a voxel belongs to segment ", other - seen.begin(),
                                         ", which is not listed"));
    return {.voxels = std::move(out), .segments = segments_};
  }

  LabelMap labels() {
    std::erase_if(segments_, [](Segment const& segment) { return segment.value == 0; });
    auto const& shape = series_.slices.front().shape();
    constexpr int byte = 8;
    if (frames_.size() != 1 || shape.samples != 1)
      seg_refuse("unsupported-type", "expected one label map, got several in one object");
    return shape.allocated <= byte ? copied<std::uint8_t>() : copied<std::uint16_t>();
  }

  DicomFile const& file_;
  DicomSeries const& series_;
  int threads_;
  std::vector<Segment> segments_;
  std::map<std::int32_t, std::vector<Frame>> frames_;
};

}  // namespace

std::vector<Segment> segments_of(DicomItem const& root) {
  std::vector<Segment> out;
  auto const charset = charset_of(root);
  for (auto const& item : root.items(Tag{0x00620002}))
    out.push_back(seg_segment(item, charset));
  std::ranges::sort(out, {}, &Segment::value);
  auto const twice = std::ranges::adjacent_find(out, {}, &Segment::value);
  if (twice != out.end())
    seg_refuse("unknown-segment", text("segment ", twice->value, " is listed twice"));
  return out;
}

LabelMap read_dicom_seg(DicomFile const& file, int threads) {
  auto slices = slices_of(file, file.name());
  if (!is_segmentation(slices.front().head->sop_class))
    throw Refusal{"not-segmentation",
                  text("expected a DICOM segmentation, got another object in ", file.name()),
                  "choose one; see fovea inspect"};
  auto const series = series_of_segments(std::move(slices),
                                         [](auto const& /*a*/, auto const&) { return true; });
  if (series.verdict == Verdict::refused)
    throw Refusal{series.reasons.front().code, series.reasons.front().words,
                  "ask the program that wrote it for a right one"};
  auto out = SegReader{file, series, threads}.read();
  check(out);
  return out;
}

std::array<std::uint8_t, 3> colour_of_cielab(std::array<double, 3> const& scaled) {
  constexpr double most = 65535;
  auto const light = scaled[0] / most * 100;
  auto const a = scaled[1] / most * 255 - 128;
  auto const b = scaled[2] / most * 255 - 128;
  // CIE 15:2004. ICC's connection space has the white point D50, but DCMTK and highdicom, which
  // nearly all of these colours come from, write D65's: so does the colour come back as it was.
  auto const back = [](double t) {
    constexpr double edge = 6.0 / 29;
    return t > edge ? t * t * t : 3 * edge * edge * (t - 4.0 / 29);
  };
  auto const y = (light + 16) / 116;
  auto const big_x = 0.95047 * back(y + a / 500);
  auto const big_y = back(y);
  auto const big_z = 1.08883 * back(y - b / 200);
  // To linear sRGB, IEC 61966-2-1.
  std::array<double, 3> const linear{3.2404542 * big_x - 1.5371385 * big_y - 0.4985314 * big_z,
                                     -0.9692660 * big_x + 1.8760108 * big_y + 0.0415560 * big_z,
                                     0.0556434 * big_x - 0.2040259 * big_y + 1.0572252 * big_z};
  std::array<std::uint8_t, 3> out{};
  for (std::size_t i = 0; i < 3; ++i) {
    auto const value = std::clamp(linear[i], 0.0, 1.0);
    auto const bent =
        value <= 0.0031308 ? 12.92 * value : 1.055 * std::pow(value, 1 / 2.4) - 0.055;
    out[i] = static_cast<std::uint8_t>(std::lround(bent * 255));
  }
  return out;
}

}  // namespace fovea
