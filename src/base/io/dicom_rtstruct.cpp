#include "base/io/dicom_rtstruct.hpp"

#include "base/core/words.hpp"
#include "base/dicom/charset.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

// PS3.3 C.8.8.5 (structure set), C.8.8.6 (contours), C.8.8.8 (observations).
namespace fovea {
namespace {

constexpr Tag rt_label{0x30060002};
constexpr Tag rt_frames{0x30060010};
constexpr Tag rt_rois{0x30060020};
constexpr Tag rt_number{0x30060022};
constexpr Tag rt_roi_frame{0x30060024};
constexpr Tag rt_name{0x30060026};
constexpr Tag rt_colour{0x3006002a};
constexpr Tag rt_made_by{0x30060036};
constexpr Tag rt_roi_contours{0x30060039};
constexpr Tag rt_contours{0x30060040};
constexpr Tag rt_shape{0x30060042};
constexpr Tag rt_contour_images{0x30060016};
constexpr Tag rt_observations{0x30060080};
constexpr Tag rt_of_roi{0x30060084};
constexpr Tag rt_identification{0x30060086};
constexpr Tag rt_kind{0x300600a4};
constexpr Tag rt_sop{0x00081155};

[[noreturn]] void rt_refuse(std::string_view code, std::string const& found) {
  throw Refusal{code, found, "ask the program that wrote it"};
}

std::string rt_text(DicomItem const& item, Tag tag, Charset const& charset) {
  auto const all = text_of(item, tag, charset).values;
  return all.empty() ? std::string{} : all.front();
}

std::optional<std::array<std::uint8_t, 3>> rt_colour_of(DicomItem const& item) {
  auto const all = item.numbers(rt_colour);
  auto const fits = [](double value) { return value >= 0 && value <= 255; };
  if (!all || all->size() != 3 || !std::ranges::all_of(*all, fits)) return std::nullopt;
  std::array<std::uint8_t, 3> out{};
  std::ranges::transform(*all, out.begin(),
                         [](double v) { return static_cast<std::uint8_t>(v); });
  return out;
}

MadeBy rt_maker(std::string const& words) {
  if (words == "AUTOMATIC") return MadeBy::program;
  return words == "SEMIAUTOMATIC" ? MadeBy::both : MadeBy::person;
}

RtShape rt_shape_of(std::string const& words) {
  if (words == "CLOSED_PLANAR" || words == "CLOSEDPLANAR_XOR") return RtShape::closed;
  if (words == "POINT") return RtShape::point;
  if (words == "OPEN_PLANAR" || words == "OPEN_NONPLANAR") return RtShape::open;
  rt_refuse("bad-contour",
            text("expected a geometric type of the standard for a contour, got '", words, "'"));
}

/// Reads the sequences of one file.
class RtReader {
 public:
  explicit RtReader(DicomFile const& file)
      : scan_(file.scan()), root_(scan_.root()), charset_(charset_of(root_)) {}

  RtStructureSet run() {
    if (!is_rtstruct(scan_))
      throw Refusal{"not-rtstruct", "expected an RT structure set, got another object",
                    "see fovea inspect"};
    out_.sop = root_.text(Tag::sop_instance);
    out_.series = root_.text(Tag::series);
    out_.study = root_.text(Tag::study);
    out_.label = rt_text(root_, rt_label, charset_);
    auto const frames = root_.items(rt_frames);
    auto const frame = frames.size() == 1 ? frames[0].text(Tag::frame_of_reference) : "";
    for (auto const& item : root_.items(rt_rois)) add_roi(item, frame);
    for (auto const& item : root_.items(rt_roi_contours)) add_contours(item);
    for (auto const& item : root_.items(rt_observations)) observe(item);
    if (unknown_ > 0)
      out_.notes.push_back({"roi-unknown", text(unknown_,
                                                " contours belong to regions that "
                                                "the file does not list; left out")});
    say_flat("contour-open", RtShape::open, "open contours");
    say_flat("contour-point", RtShape::point, "points");
    return std::move(out_);
  }

 private:
  std::int64_t number_of(DicomItem const& item, Tag tag) const {
    auto const number = item.whole(tag);
    if (!number) rt_refuse("bad-roi", "expected the number of a region, got none");
    return *number;
  }

  void add_roi(DicomItem const& item, std::string const& frame) {
    RtRoi roi{.number = number_of(item, rt_number)};
    if (!place_of_.try_emplace(roi.number, out_.rois.size()).second)
      rt_refuse("roi-twice", text("two regions have the number ", roi.number));
    roi.name = rt_text(item, rt_name, charset_);
    roi.frame_of_reference = item.text(rt_roi_frame);
    if (roi.frame_of_reference.empty()) roi.frame_of_reference = frame;
    roi.made_by = rt_maker(item.text(rt_made_by));
    out_.rois.push_back(std::move(roi));
  }

  RtRoi* roi_of(DicomItem const& item) {
    auto const found = place_of_.find(number_of(item, rt_of_roi));
    return found == place_of_.end() ? nullptr : &out_.rois[found->second];
  }

  void add_contours(DicomItem const& item) {
    auto const contours = item.items(rt_contours);
    auto* const roi = roi_of(item);
    if (roi == nullptr) {
      unknown_ += contours.size();
      return;
    }
    roi->colour = rt_colour_of(item);
    for (auto const& one : contours) {
      auto const* const data = one.find(Tag::contour_data);
      if (data == nullptr) rt_refuse("bad-contour", "a contour has no points");
      RtContour contour{.shape = rt_shape_of(one.text(rt_shape)),
                        .element = static_cast<std::uint32_t>(data - scan_.elements().data())};
      auto const images = one.items(rt_contour_images);
      if (images.size() == 1) contour.image = images[0].text(rt_sop);
      roi->contours.push_back(std::move(contour));
    }
  }

  void observe(DicomItem const& item) {
    auto* const roi = roi_of(item);
    if (roi == nullptr) return;
    roi->kind = item.text(rt_kind);
    auto const codes = item.items(rt_identification);
    if (codes.size() != 1) return;
    roi->type = {.value = codes[0].text(Tag{0x00080100}),
                 .scheme = codes[0].text(Tag{0x00080102}),
                 .meaning = rt_text(codes[0], Tag{0x00080104}, charset_)};
  }

  void say_flat(std::string_view code, RtShape shape, std::string_view what) {
    std::size_t count = 0;
    for (auto const& roi : out_.rois)
      count +=
          static_cast<std::size_t>(std::ranges::count(roi.contours, shape, &RtContour::shape));
    if (count > 0)
      out_.notes.push_back({code, text(count, " ", what, ", which enclose nothing")});
  }

  DicomScan const& scan_;
  DicomItem root_;
  Charset charset_;
  RtStructureSet out_;
  std::map<std::int64_t, std::size_t> place_of_;  // of a region, by its number
  std::size_t unknown_ = 0;
};

// "1.5\-2\+3e1" as numbers; none if one of them is none.
std::optional<std::vector<double>> rt_numbers(std::string_view words) {
  std::vector<double> out;
  out.reserve(words.size() / 4);
  constexpr std::string_view blank{" \0", 2};
  auto const end = words.find_last_not_of(blank);
  words = words.substr(0, end == std::string_view::npos ? 0 : end + 1);
  for (std::size_t from = 0; from <= words.size();) {
    auto const to = std::min(words.find('\\', from), words.size());
    auto part = trimmed(words.substr(from, to - from));
    if (part.starts_with('+') && part.size() > 1 && part[1] != '-') part.remove_prefix(1);
    double value = 0;
    auto const [stop, fault] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (fault != std::errc{} || stop != part.data() + part.size() || !std::isfinite(value))
      return std::nullopt;
    out.push_back(value);
    from = to + 1;
  }
  return out;
}

}  // namespace

bool is_rtstruct(DicomScan const& scan) {
  auto const root = scan.root();
  return root.text(Tag::sop_class) == rtstruct_class || root.text(Tag::modality) == "RTSTRUCT";
}

RtStructureSet read_rtstruct(DicomFile const& file) {
  return RtReader{file}.run();
}

std::optional<DicomObject> object_of(DicomFile const& file, fs::path const& path) {
  if (!is_rtstruct(file.scan())) return std::nullopt;
  DicomObject out{
      .file = path, .kind = "RTSTRUCT", .series = file.scan().root().text(Tag::series)};
  try {
    auto const set = read_rtstruct(file);
    for (auto const& roi : set.rois)
      out.notes.push_back(
          {"region", text(roi.number, ": ", roi.name, ", ", roi.contours.size(), " contours")});
    out.notes.insert(out.notes.end(), set.notes.begin(), set.notes.end());
  } catch (Refusal const& fault) {
    out.refusal = fault.code();
    out.notes.push_back({fault.code(), fault.what()});
  }
  return out;
}

std::string_view RtPoints::words_of(std::uint32_t element) {
  constexpr std::uint64_t most = 64U << 20;
  constexpr std::uint64_t window = 8U << 20;
  auto const& all = file_->scan().elements();
  auto const& wanted = all.at(element);
  if (wanted.length > most)
    throw Refusal{"too-large",
                  text("expected a contour of at most ", most, " bytes, got ", wanted.length),
                  "check that it is the right file", wanted.at};
  auto const there = wanted.at >= from_ && wanted.at + wanted.length <= from_ + window_.size();
  if (!there) {
    // With what the scan saw behind it, up to the window's end.
    auto end = wanted.at + wanted.length;
    for (auto next = std::size_t{element} + 1; next < all.size(); ++next) {
      auto const& one = all[next];
      if (one.tag != Tag::contour_data) continue;
      if (one.at + one.length > wanted.at + window) break;
      end = std::max(end, one.at + one.length);
    }
    from_ = wanted.at;
    window_.resize(static_cast<std::size_t>(end - wanted.at));
    file_->read(from_, std::as_writable_bytes(std::span{window_}));
  }
  return std::string_view{window_}.substr(static_cast<std::size_t>(wanted.at - from_),
                                          static_cast<std::size_t>(wanted.length));
}

std::vector<Point> RtPoints::operator()(RtContour const& contour) {
  constexpr double far = 1e6;  // mm; nobody is a kilometre long
  auto const refuse = [&](std::string const& found) {
    throw Refusal{"bad-contour", found, "ask the program that wrote it",
                  file_->scan().elements()[contour.element].at};
  };
  auto const numbers = rt_numbers(words_of(contour.element));
  if (!numbers || numbers->size() % 3 != 0)
    refuse("expected the points of a contour as triples of numbers, got something else");
  std::vector<Point> out(numbers->size() / 3);
  for (std::size_t i = 0; i < numbers->size(); ++i) {
    auto const value = (*numbers)[i];
    if (!(std::abs(value) <= far))
      refuse(text("a contour has a point at ", value, " mm, which is nowhere in a patient"));
    out[i / 3].mm[i % 3] = value;
  }
  return out;
}

}  // namespace fovea
