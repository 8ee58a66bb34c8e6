#include "base/core/words.hpp"
#include "base/dicom/clock.hpp"
#include "base/io/dicom_gate.hpp"
#include "base/io/dicom_head.hpp"
#include "base/io/dicom_seg_read.hpp"

#include <algorithm>
#include <cmath>

// Frames as slices: functional groups (PS3.3 C.7.6.16) and the offsets of dose grids.
namespace fovea {
namespace {

constexpr Tag frames_shared{0x52009229};
constexpr Tag frames_each{0x52009230};
constexpr std::string_view frames_map = "1.2.840.10008.5.1.4.1.1.30";  // parametric

std::optional<DicomItem> frames_first(DicomItem const& item, Tag sequence) {
  auto const items = item.items(sequence);
  return items.empty() ? std::nullopt : std::optional{items.front()};
}

/// The functional groups of a file: a group stands with its frame, or is shared by all.
class FrameGroups {
 public:
  explicit FrameGroups(DicomItem const& root)
      : shared_(frames_first(root, frames_shared)), each_(root.items(frames_each)) {}

  std::size_t frames() const { return each_.size(); }
  std::optional<DicomItem> operator()(std::size_t frame, Tag group) const {
    if (frame < each_.size()) {
      if (auto const own = frames_first(each_[frame], group)) return own;
    }
    return shared_ ? frames_first(*shared_, group) : std::nullopt;
  }

 private:
  std::optional<DicomItem> shared_;
  std::vector<DicomItem> each_;
};

std::string frames_code(DicomItem const& item, Tag sequence) {
  constexpr Tag value{0x00080100};
  constexpr Tag scheme{0x00080102};
  auto const code = frames_first(item, sequence);
  return code ? code->text(value) + ' ' + code->text(scheme) : std::string{};
}

// --- which frames belong together ------------------------------------------------------------

// Dimensions of the index that are neither the place in the stack nor the stack itself.
std::vector<std::size_t> frames_dimensions(DicomItem const& root) {
  constexpr Tag index{0x00209222};
  constexpr Tag pointer{0x00209165};
  constexpr double in_stack[] = {0x00209057, 0x00200032, 0x00209056, 0x00209113, 0x0062000b};
  std::vector<std::size_t> out;
  auto const items = root.items(index);
  for (std::size_t at = 0; at < items.size(); ++at) {
    auto const parts = items[at].numbers(pointer);
    auto const spatial =
        parts && parts->size() == 2 &&
        std::ranges::find(in_stack, (*parts)[0] * 65536 + (*parts)[1]) != std::end(in_stack);
    if (!spatial) out.push_back(at);
  }
  return out;
}

// What always parts frames: stack, time, echo, b-value and its direction, kernel.
std::string frames_split(FrameGroups const& groups, std::size_t frame) {
  struct Row {
    Tag group, first, second;
  };
  static constexpr Row rows[] = {
      {Tag{0x00209111}, Tag{0x00209056}, Tag{0x00209128}},  // stack, temporal position
      {Tag{0x00209310}, Tag{0x0020930d}, Tag{}},            // temporal offset
      {Tag{0x00189114}, Tag{0x00189082}, Tag{}},            // effective echo time
      {Tag{0x00189117}, Tag::b_value, Tag{0x00189075}},     // diffusion, its directionality
      {Tag{0x00189314}, Tag::kernel, Tag{}}};
  std::string out;
  for (auto const& row : rows) {
    if (auto const group = groups(frame, row.group))
      out += slice_words(*group, {row.first, row.second});
    out += '\n';
  }
  constexpr Tag directions{0x00189076};
  constexpr Tag direction{0x00189089};
  auto const diffusion = groups(frame, Tag{0x00189117});
  auto const along = diffusion ? frames_first(*diffusion, directions) : std::nullopt;
  auto const vector = along ? along->numbers(direction) : std::nullopt;
  for (auto const part : vector.value_or(std::vector<double>{})) out += spelled(part) + ',';
  return out;
}

// Magnitude or phase, original or computed.
std::string frames_type(FrameGroups const& groups, std::size_t frame) {
  std::string out;
  for (auto const kind : {0x00189226U, 0x00189329U, 0x00189751U, 0x00409092U}) {
    if (auto const type = groups(frame, Tag{kind}))
      out += type->text(Tag{0x00089007}) + ',' + type->text(Tag{0x00089208});
  }
  return out;
}

// What parts frames of one place, if anything must: a line for each.
std::string frames_turn(FrameGroups const& groups,
                        std::vector<std::size_t> const& dimensions,
                        std::size_t frame) {
  std::string out;
  auto const content = groups(frame, Tag{0x00209111});
  auto const index = content ? content->numbers(Tag{0x00209157}) : std::nullopt;
  for (auto const at : dimensions) {
    if (index && at < index->size()) out += spelled((*index)[at]);
    out += ',';
  }
  out += '\n';
  out += frames_type(groups, frame) + '\n';
  if (content)
    out += slice_words(*content, {Tag{0x00209156}, Tag{0x00189074}, Tag{0x00189151}});
  if (auto const heart = groups(frame, Tag{0x00189118}))
    out += slice_words(*heart, {Tag{0x00209153}});
  return out;
}

// --- values ----------------------------------------------------------------------------------

// PS3.3 C.7.6.16.2.11: of a parametric map, the values are what the mapping makes of those
// stored.
void frames_mapping(FrameGroups const& groups,
                    std::size_t frame,
                    DicomHead& head,
                    DicomSlice& slice) {
  constexpr Tag group{0x00409096};
  constexpr Tag units{0x004008ea};
  constexpr Tag label{0x00409210};
  auto const mapping = groups(frame, group);
  if (!mapping) {
    head.refusal = "bad-scaling";
    return;
  }
  auto const slope = mapping->number(Tag{0x00409225});
  auto const intercept = mapping->number(Tag{0x00409224});
  if (!slope || !intercept || *slope == 0) {
    head.refusal = mapping->find(Tag{0x00409212}) != nullptr ? "bad-table" : "bad-scaling";
    return;
  }
  slice.slope = *slope;
  slice.intercept = *intercept;
  auto const unit = frames_code(*mapping, units);
  auto const name = mapping->text(label);
  head.split += '\n' + unit + '\n' + name;
  head.notes.push_back({"real-world", text("values are ", name.empty() ? "a quantity" : name,
                                           " in ", unit.empty() ? "no unit" : unit)});
}

void frames_scaling(FrameGroups const& groups,
                    std::size_t frame,
                    DicomHead& head,
                    DicomSlice& slice) {
  if (head.sop_class == frames_map) return frames_mapping(groups, frame, head, slice);
  if (auto const group = groups(frame, Tag{0x00289145})) slice_scaling(*group, head, slice);
}

// Of a segmentation: says which segments there are. False if it is none.
bool frames_segments(DicomItem const& root, DicomHead& head) {
  if (!is_segmentation(head.sop_class)) return false;
  auto const segments = segments_of(root);
  auto const type = root.text(Tag{0x00620001});
  if (type == "FRACTIONAL") head.fractions = static_cast<int>(segments.size());
  constexpr std::size_t most = 12;
  std::vector<std::string> names;
  for (auto const& segment : segments) {
    if (names.size() < most) names.push_back(text(segment.value, ' ', segment.name));
  }
  if (names.size() < segments.size()) names.emplace_back("...");
  head.notes.push_back(
      {"segments", text(segments.size(), segments.size() == 1 ? " segment (" : " segments (",
                        lower(type), "): ", joined(names, ", "))});
  return true;
}

// An object is taken whole or not: the frames beside a bad one would be a volume with a hole,
// or with an end too early.
void frames_refuse_all(std::vector<DicomSlice>& slices, DicomHead const& common) {
  auto const bad = std::ranges::find_if(
      slices, [](DicomSlice const& slice) { return !slice.head->refusal.empty(); });
  if (bad == slices.end()) return;
  auto head = common;
  head.refusal = bad->head->refusal;
  auto const shared = std::make_shared<DicomHead const>(std::move(head));
  for (auto& slice : slices) slice.head = shared;
}

}  // namespace

bool has_frame_groups(DicomItem const& root) {
  return root.find(frames_shared) != nullptr || root.find(frames_each) != nullptr;
}

std::vector<DicomSlice> slices_of_groups(DicomFile const& file,
                                         DicomHead const& common,
                                         DicomSlice const& slice) {
  auto const root = file.scan().root();
  FrameGroups const groups{root};
  auto const dimensions = frames_dimensions(root);
  auto const frames = static_cast<std::size_t>(common.shape.frames);
  auto base = common;
  auto const segments = frames_segments(root, base);
  auto const fits = groups.frames() == frames || (groups.frames() == 0 && frames == 1);
  DicomPool pool;
  std::vector<DicomSlice> out;
  for (std::size_t frame = 0; frame < (fits ? frames : 1); ++frame) {
    auto head = base;
    auto one = slice;
    one.frame = static_cast<std::int32_t>(frame);
    if (auto const group = groups(frame, Tag{0x00209113}))
      one.position = slice_numbers<3>(*group, Tag::position);
    if (auto const group = groups(frame, Tag{0x00209116}))
      head.orientation = slice_numbers<6>(*group, Tag::orientation);
    if (auto const group = groups(frame, Tag{0x00289110})) slice_measures(*group, head);
    if (segments) {
      auto const group = groups(frame, Tag{0x0062000a});
      auto const number = group ? group->whole(Tag{0x0062000b}) : std::nullopt;
      one.segment =
          static_cast<std::int32_t>(std::clamp<std::int64_t>(number.value_or(0), 0, 65535));
    } else {
      frames_scaling(groups, frame, head, one);
      head.split += frames_split(groups, frame);
    }
    one.turn = std::make_shared<std::string const>(frames_turn(groups, dimensions, frame));
    if (!fits) head.refusal = "bad-frames";
    if (!common.refusal.empty()) head.refusal = common.refusal;
    one.head = std::make_shared<DicomHead const>(std::move(head));
    pool.share(one);
    out.push_back(std::move(one));
  }
  frames_refuse_all(out, base);
  return out;
}

std::string kind_of_frame(DicomItem const& root, std::int32_t frame) {
  FrameGroups const groups{root};
  auto const at = static_cast<std::size_t>(frame);
  auto const kernel = groups(at, Tag{0x00189314});
  return frames_type(groups, at) + '\n' + (kernel ? kernel->text(Tag::kernel) : std::string{});
}

DicomMoment moment_of_frame(DicomItem const& root, std::int32_t frame) {
  FrameGroups const groups{root};
  auto const at = static_cast<std::size_t>(frame);
  auto const number = [&](Tag group, Tag tag) {
    auto const item = groups(at, group);
    return item ? item->number(tag) : std::nullopt;
  };
  constexpr Tag content{0x00209111};
  DicomMoment out{.echo_time = number(Tag{0x00189114}, Tag{0x00189082}),
                  .time_point = number(content, Tag{0x00209128}),
                  .acquisition = number(content, Tag{0x00209156}),
                  .trigger = number(Tag{0x00189118}, Tag{0x00209153})};
  if (auto const item = groups(at, content)) {
    auto const acquired = date_time_of(item->text(Tag{0x00189074}));
    if (acquired) out.acquired = acquired->seconds;
  }
  if (auto const item = groups(at, Tag{0x00189117})) add_diffusion(*item, out);
  return out;
}

// PS3.3 C.8.8.3.2: offsets that begin with 0 count from the first frame along the normal; those
// that begin with the position's z are the frames' z, where frames are axial.
std::vector<DicomSlice> slices_of_dose(DicomFile const& file,
                                       DicomHead head,
                                       DicomSlice const& slice) {
  auto const item = file.scan().root();
  auto const unit = item.text(Tag{0x30040002});
  auto const scaling = item.number(Tag{0x3004000e});
  auto one = slice;
  one.slope = scaling.value_or(0);
  one.intercept = 0;
  if (!(one.slope > 0)) head.refusal = "bad-scaling";
  if (unit == "GY") head.unit = Unit::gray;
  if (unit == "RELATIVE")
    head.notes.push_back({"relative-dose", "the dose is relative to another, not in Gy"});
  if (unit != "GY" && unit != "RELATIVE") head.refusal = "dose-unit";
  head.split += '\n' + unit + '\n' + item.text(Tag{0x30040004}) + '\n' + slice.object->sop;
  auto const frames = static_cast<std::size_t>(head.shape.frames);
  auto const offsets = item.numbers(Tag{0x3004000c}).value_or(std::vector<double>{});
  if (frames > 1 && offsets.size() != frames) head.refusal = "bad-frames";
  auto const placed =
      frames > 1 && offsets.size() == frames && slice.position && head.orientation;
  std::array<double, 3> along{};
  double first = 0;
  if (placed) {
    auto const& o = *head.orientation;
    along = {o[1] * o[5] - o[2] * o[4], o[2] * o[3] - o[0] * o[5], o[0] * o[4] - o[1] * o[3]};
    auto const axial =
        std::abs(std::abs(o[0]) - 1) < 1e-4 && std::abs(std::abs(o[4]) - 1) < 1e-4;
    constexpr double same = 1e-3;  // mm
    if (std::abs(offsets[0]) > same) {
      first = offsets[0];
      along = {0, 0, 1};
      if (!axial || std::abs(offsets[0] - (*slice.position)[2]) > same)
        head.refusal = "bad-frames";
    }
  }
  one.head = std::make_shared<DicomHead const>(std::move(head));
  std::vector<DicomSlice> out;
  for (std::size_t frame = 0; frame < frames; ++frame) {
    one.frame = static_cast<std::int32_t>(frame);
    if (placed) {
      for (std::size_t r = 0; r < 3; ++r)
        (*one.position)[r] = (*slice.position)[r] + (offsets[frame] - first) * along[r];
    }
    out.push_back(one);
  }
  return out;
}

}  // namespace fovea
