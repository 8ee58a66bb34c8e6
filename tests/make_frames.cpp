// make_frames KIND FILE: a phantom DICOM object of several frames for the tests of the
// programs: enhanced, times, diffusion, segments, overlap, fractions, labels, dose, map, film.
#include "base/core/error.hpp"
#include "base/dicom/made/frames.hpp"

#include <iostream>

namespace fovea {
namespace {

constexpr MadeGroups frames_made{};

// Three frames of 6 x 4 voxels, 2.5 mm apart, stored from the top down.
MadeFrames frames_stack() {
  MadeFrames out;
  out.shared =
      frames_made.orientation() + frames_made.measures() + frames_made.rescale("1", "-1024");
  for (auto const z : {35.0, 32.5, 30.0})
    out.frames.push_back(frames_made.position(-10, -20, z));
  return out;
}

// The same places at two moments, the later one first.
MadeFrames frames_times() {
  auto out = frames_stack();
  out.frames.clear();
  for (auto const z : {35.0, 32.5, 30.0}) {
    for (std::uint32_t const time : {2, 1})
      out.frames.push_back(frames_made.position(-10, -20, z) + frames_made.content("1", time));
  }
  return out;
}

// Without diffusion, and along x.
MadeFrames frames_diffusion() {
  auto out = frames_stack();
  out.sop_class = "1.2.840.10008.5.1.4.1.1.4.1";
  out.modality = "MR";
  out.shared = frames_made.orientation() + frames_made.measures();
  out.frames.clear();
  for (auto const z : {35.0, 32.5, 30.0}) {
    out.frames.push_back(frames_made.position(-10, -20, z) +
                         frames_made.diffusion(1000, {1, 0, 0}));
    out.frames.push_back(frames_made.position(-10, -20, z) + frames_made.diffusion(0));
  }
  return out;
}

void frames_describe(MadeFrames& out, std::string const& type) {
  out.sop_class =
      type == "LABELMAP" ? "1.2.840.10008.5.1.4.1.1.66.7" : "1.2.840.10008.5.1.4.1.1.66.4";
  out.modality = "SEG";
  out.allocated = out.stored = 8;
  out.shared = frames_made.orientation() + frames_made.measures("0.5\\0.75", "1", "2.5");
  out.more[0x00620001] = frames_made.text_of(Tag{0x00620001}, "CS", type);
  out.more[0x00620002] = frames_made.sequence(
      Tag{0x00620002}, {frames_made.described(1, "liver"), frames_made.described(2, "vessel")});
  out.more[0x0062000e] = frames_made.shorts(Tag{0x0062000e}, {100});
}

// Segment 1 in the lowest slice, segment 2 in the third above it; the one between is empty.
MadeFrames frames_segments(std::string const& type, bool overlap) {
  MadeFrames out;
  frames_describe(out, type);
  auto const labels = type == "LABELMAP";
  out.frames = {frames_made.position(-10, -20, 30), frames_made.position(-10, -20, 35)};
  if (overlap) out.frames[1] = frames_made.position(-10, -20, 30);
  if (!labels) {
    out.frames[0] += frames_made.segment(1);
    out.frames[1] += frames_made.segment(2);
  }
  auto const value = [&](bool first) {
    return static_cast<char>(type == "FRACTIONAL" ? 50 : labels && !first ? 2 : 1);
  };
  out.pixels = std::string(48, '\0');
  for (std::size_t i = 0; i < 4; ++i) {
    out.pixels[i] = value(true);
    out.pixels[24 + 3 + i] = value(false);
  }
  if (type != "BINARY") return out;
  out.allocated = out.stored = 1;
  auto const bytes = out.pixels;
  out.pixels.assign(6, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i)
    out.pixels[i / 8] = static_cast<char>(out.pixels[i / 8] | bytes[i] << i % 8);
  return out;
}

MadeFrames frames_dose() {
  MadeFrames out;
  out.sop_class = "1.2.840.10008.5.1.4.1.1.481.2";
  out.modality = "RTDOSE";
  out.without_groups = 3;
  for (auto const& [tag, value] : {std::pair<std::uint32_t, char const*>{0x00200032, "0\\0\\5"},
                                   {0x00200037, "1\\0\\0\\0\\1\\0"},
                                   {0x00280030, "2\\3"},
                                   {0x30040002, "GY"},
                                   {0x3004000c, "0\\2.5\\5"},
                                   {0x3004000e, "0.001"}})
    out.more[tag] = frames_made.text_of(Tag{tag}, "DS", value);
  return out;
}

MadeFrames frames_map() {
  auto out = frames_stack();
  out.sop_class = "1.2.840.10008.5.1.4.1.1.30";
  out.modality = "MR";
  out.shared += frames_made.real_world(0.5, 1, "um2/s");
  return out;
}

MadeFrames frames_film() {
  MadeFrames out;
  out.modality = "US";
  out.without_groups = 3;
  return out;
}

MadeFrames frames_of(std::string const& kind) {
  if (kind == "enhanced") return frames_stack();
  if (kind == "times") return frames_times();
  if (kind == "diffusion") return frames_diffusion();
  if (kind == "segments") return frames_segments("BINARY", false);
  if (kind == "overlap") return frames_segments("BINARY", true);
  if (kind == "fractions") return frames_segments("FRACTIONAL", false);
  if (kind == "labels") return frames_segments("LABELMAP", false);
  if (kind == "dose") return frames_dose();
  if (kind == "map") return frames_map();
  if (kind == "film") return frames_film();
  throw Error{Fault::usage, text("no kind '", kind, "'"), "see the first line of this program"};
}

}  // namespace
}  // namespace fovea

int main(int argc, char** argv) try {
  if (argc != 3) throw fovea::Error{fovea::Fault::usage, "expected KIND FILE", "give both"};
  fovea::write_file(argv[2], std::string_view{fovea::frames_of(argv[1]).bytes()});
} catch (fovea::Error const& error) {
  std::cerr << error.what() << '\n';
  return static_cast<int>(error.fault());
}
