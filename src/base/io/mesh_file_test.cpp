#include "base/io/mesh_file.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/image/vector3.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <sstream>

namespace fovea {
namespace {

using MeshTestTriangles = std::vector<std::array<Vector3, 3>>;

template <class T>
T mesh_test_take(std::string_view& bytes) {
  T out{};
  if (bytes.size() < sizeof out) throw std::runtime_error{"the file ends too early"};
  std::memcpy(&out, bytes.data(), sizeof out);
  bytes.remove_prefix(sizeof out);
  return out;
}

Vector3 mesh_test_place(std::string_view& bytes) {
  auto const [x, y, z] = mesh_test_take<std::array<float, 3>>(bytes);
  return {x, y, z};
}

Vector3 mesh_test_normal(std::array<Vector3, 3> const& corners) {
  auto out = cross(difference(corners[1], corners[0]), difference(corners[2], corners[0]));
  auto const length = length_of(out);
  for (auto& part : out) part /= length;
  return out;
}

MeshTestTriangles mesh_test_stl(std::string_view bytes) {
  EXPECT_TRUE(bytes.starts_with("SPACE=LPS, mm"));
  EXPECT_FALSE(bytes.starts_with("solid")) << "that is how the text format begins";
  bytes.remove_prefix(80);
  MeshTestTriangles out(mesh_test_take<std::uint32_t>(bytes));
  for (auto& corners : out) {
    auto const normal = mesh_test_place(bytes);
    for (auto& corner : corners) corner = mesh_test_place(bytes);
    EXPECT_EQ(mesh_test_take<std::uint16_t>(bytes), 0);
    auto const own = mesh_test_normal(corners);
    for (std::size_t axis = 0; axis < 3; ++axis) EXPECT_NEAR(normal[axis], own[axis], 1e-5);
  }
  EXPECT_TRUE(bytes.empty());
  return out;
}

MeshTestTriangles mesh_test_obj(std::string_view bytes) {
  std::istringstream lines{std::string{bytes}};
  std::string line;
  std::vector<Vector3> points;
  MeshTestTriangles out;
  auto says_space = false;
  while (std::getline(lines, line)) {
    std::istringstream words{line};
    std::string kind;
    words >> kind;
    if (kind == "#") says_space = says_space || line == "# SPACE=LPS";
    if (kind == "v") {
      auto& at = points.emplace_back();
      words >> at[0] >> at[1] >> at[2];
      EXPECT_TRUE(words);
    }
    if (kind == "f") {
      auto& corners = out.emplace_back();
      for (auto& corner : corners) {
        std::size_t number = 0;
        words >> number;
        corner = points.at(number - 1);
      }
    }
  }
  EXPECT_TRUE(says_space);
  return out;
}

MeshTestTriangles mesh_test_ply(std::string_view bytes) {
  constexpr std::string_view end = "end_header\n";
  auto const at = bytes.find(end);
  auto const head = bytes.substr(0, at);
  EXPECT_NE(head.find("format binary_little_endian 1.0"), std::string_view::npos);
  EXPECT_NE(head.find("comment SPACE=LPS"), std::string_view::npos);
  auto const count = [&](std::string_view name) {
    auto const from = head.find(text("element ", name, " "));
    return std::stoul(std::string{head.substr(from + 9 + name.size())});
  };
  bytes.remove_prefix(at + end.size());
  std::vector<Vector3> points(count("vertex"));
  for (auto& point : points) point = mesh_test_place(bytes);
  MeshTestTriangles out(count("face"));
  for (auto& corners : out) {
    EXPECT_EQ(mesh_test_take<std::uint8_t>(bytes), 3);
    for (auto& corner : corners) corner = points.at(mesh_test_take<std::uint32_t>(bytes));
  }
  EXPECT_TRUE(bytes.empty());
  return out;
}

TEST(MeshFile, SaysTheSameInEveryFormat) {
  struct Row {
    char const* ending;
    MeshTestTriangles (*parse)(std::string_view bytes);
  };
  constexpr Row rows[] = {
      {".stl", mesh_test_stl}, {".OBJ", mesh_test_obj}, {".ply", mesh_test_ply}};
  // One voxel of 2 x 3 x 4 mm: what is written are mm, and where it lies in the patient.
  Volume mask{upright({3, 3, 3}, {{2, 3, 4}}, {{100, -50, 1000}}), Type::u8};
  mask.write<std::uint8_t>()[13] = 1;
  Vector3 const centre{102, -47, 1004};
  auto const mesh = mesh_of(mask);
  ScratchFolder const folder;
  for (auto const& [ending, parse] : rows) {
    SCOPED_TRACE(ending);
    auto const file = folder.path() / text("voxel", ending);
    ASSERT_TRUE(names_a_mesh(file));
    write_mesh(file, mesh);
    auto const triangles = parse(read_text(file));
    ASSERT_EQ(triangles.size(), mesh.triangles.size());
    for (std::size_t n = 0; n < triangles.size(); ++n) {
      for (std::size_t c = 0; c < 3; ++c) {
        for (std::size_t axis = 0; axis < 3; ++axis)
          EXPECT_EQ(static_cast<float>(triangles[n][c][axis]),
                    static_cast<float>(mesh.points[mesh.triangles[n][c]].mm[axis]));
        auto const apart = difference(triangles[n][c], centre);
        EXPECT_LE(std::abs(apart[0]), 1);
        EXPECT_LE(std::abs(apart[1]), 1.5);
        EXPECT_LE(std::abs(apart[2]), 2);
      }
      EXPECT_GT(dot(mesh_test_normal(triangles[n]), difference(triangles[n][0], centre)), 0)
          << "it faces inwards";
    }
  }
}

TEST(MeshFile, IsOneOfThreeFormats) {
  ScratchFolder const folder;
  EXPECT_FALSE(names_a_mesh("surface.vtk"));
  EXPECT_THROW(write_mesh(folder.path() / "surface.vtk", {}), Error);
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace fovea
