#include "app/command.hpp"
#include "app/masks.hpp"
#include "app/out.hpp"
#include "base/core/error.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"
#include "base/geometry/marked.hpp"
#include "base/io/mesh_file.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>

namespace fovea {
namespace {

std::string mesh_values(LabelMap const& map) {
  std::vector<std::string> words;
  for (auto const& segment : map.segments) words.push_back(text(segment.value));
  constexpr std::size_t most = 20;
  if (words.size() > most) {
    words.resize(most);
    words.emplace_back("...");
  }
  return words.empty() ? "none" : joined(words, ", ");
}

// All that is marked in any layer, or all voxels of one value.
Volume mesh_mask(LabelMap const& map, std::optional<std::int64_t> label) {
  Volume out{map.voxels.grid(), Type::u8, Unit::one};
  auto const room = out.write<std::uint8_t>();
  with_type(map.voxels.type(), [&](auto zero) {
    using T = decltype(zero);
    for (std::int64_t layer = 0; layer < map.voxels.channels(); ++layer) {
      auto const voxels = map.voxels.channel<T>(layer);
      for (std::size_t n = 0; n < voxels.size(); ++n) {
        auto const inside = label
                                ? static_cast<double>(voxels[n]) == static_cast<double>(*label)
                                : voxels[n] != T{};
        if (inside) room[n] = 1;
      }
    }
  });
  return out;
}

}  // namespace

int mesh_command(Arguments const& arguments) {
  std::string input, out;
  std::optional<std::int64_t> label;
  int rounds = 20;
  bool json = false;
  CLI::App app{
      "Writes the surface of a mask as triangles: closed, in mm, in the patient (LPS).",
      "mesh"};
  app.add_option("MASK", input, "a label map or a DICOM SEG")->required();
  app.add_option("OUT", out, "a new file that ends as .stl, .obj or .ply")->required();
  app.add_option("--label", label, "only voxels with this value (all that are not 0)");
  app.add_option("--smooth", rounds, "rounds of smoothing, 0 to 1000 (20)")
      ->check(CLI::Range(0, 1000));
  app.add_flag("--json", json, "print one JSON object");
  if (!read_flags(app, arguments,
                  "Examples:\n"
                  "  fovea mesh liver.nii.gz liver.stl\n"
                  "  fovea mesh organs.nii.gz spleen.ply --label 3 --smooth 40"))
    return 0;
  if (!names_a_mesh(out))
    throw Error{Fault::usage,
                text("expected a file that ends as .stl, .obj or .ply, got ", fs::path{out}),
                "the ending says the format"};
  expect_fresh_file(out);
  auto const& stop = end_on_signals();
  auto found = find_images({input}, stop);
  auto const volumes = usable_volumes(found, input, stop);
  if (volumes.size() != 1)
    throw Error{Fault::usage,
                text("expected one mask, got ", volumes.size(), " in ", fs::path{input}),
                "name its file"};
  auto const content = content_of(volumes.front(), TakenAs::labels);
  auto mesh = mesh_of(mesh_mask(*content.map, label));
  if (mesh.triangles.empty())
    throw Error{Fault::input,
                label ? text("no voxel has the value ", *label) : text("no voxel is marked"),
                text("values that are there: ", mesh_values(*content.map))};
  heed(stop);
  smooth(mesh, rounds);
  for (auto const& note : content.notes) warn(note);
  if (!content.image.placed())
    warn("the mask has no place in the patient: places follow its array and spacing");
  write_mesh(out, mesh);
  if (json)
    print_json({{"file", out},
                {"points", mesh.points.size()},
                {"triangles", mesh.triangles.size()},
                {"volume_mm3", volume_mm3(mesh)},
                {"area_mm2", area_mm2(mesh)}});
  else
    std::cout << "wrote " << printable(out, {}) << ": " << mesh.triangles.size()
              << " triangles around " << fixed(volume_mm3(mesh) / 1000, 3) << " ml\n";
  return 0;
}

}  // namespace fovea
