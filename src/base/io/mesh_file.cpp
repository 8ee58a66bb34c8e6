#include "base/io/mesh_file.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"
#include "base/image/vector3.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>
#include <ostream>
#include <vector>

namespace fovea {
namespace {

static_assert(std::endian::native == std::endian::little, "both binary formats are");

using MeshPlace = std::array<float, 3>;

MeshPlace mesh_place(Point const& point) {
  return {static_cast<float>(point.mm[0]), static_cast<float>(point.mm[1]),
          static_cast<float>(point.mm[2])};
}

/// Puts numbers into a stream through a buffer of its own.
class MeshStream {
 public:
  explicit MeshStream(std::ostream& out) : out_(out) { buffer_.reserve(most); }
  ~MeshStream() { flush(); }
  MeshStream(MeshStream const&) = delete;
  MeshStream& operator=(MeshStream const&) = delete;

  template <class T>
  void bytes(T const& value) {
    append({reinterpret_cast<char const*>(&value), sizeof value});
  }
  void words(std::string_view words) { append(words); }
  template <class T>
  void digits(T value) {
    std::array<char, 32> room{};
    auto const end = std::to_chars(room.data(), room.data() + room.size(), value).ptr;
    append({room.data(), static_cast<std::size_t>(end - room.data())});
  }

 private:
  static constexpr std::size_t most = 1U << 16U;

  void append(std::string_view part) {
    if (buffer_.size() + part.size() > most) flush();
    buffer_.append(part);
  }
  void flush() {
    out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
    buffer_.clear();
  }

  std::ostream& out_;
  std::string buffer_;
};

// Of the places as they are written; none of a triangle without an area.
MeshPlace mesh_normal(MeshPlace const& a, MeshPlace const& b, MeshPlace const& c) {
  Vector3 u{}, v{};
  for (std::size_t n = 0; n < 3; ++n) {
    u[n] = static_cast<double>(b[n]) - static_cast<double>(a[n]);
    v[n] = static_cast<double>(c[n]) - static_cast<double>(a[n]);
  }
  auto const normal = cross(u, v);
  auto const size = std::hypot(normal[0], normal[1], normal[2]);
  if (!(size > 0)) return {};
  return mesh_place({{normal[0] / size, normal[1] / size, normal[2] / size}});
}

void mesh_write_stl(std::ostream& stream, Mesh const& mesh) {
  if (mesh.triangles.size() > std::numeric_limits<std::uint32_t>::max())
    throw Error{Fault::resource, "a STL file holds at most 2^32 - 1 triangles", "write PLY"};
  MeshStream out{stream};
  std::string header = "SPACE=LPS, mm, Fovea";
  constexpr std::size_t header_size = 80;
  header.resize(header_size, ' ');
  out.words(header);
  out.bytes(static_cast<std::uint32_t>(mesh.triangles.size()));
  for (auto const& [a, b, c] : mesh.triangles) {
    std::array const corners{mesh_place(mesh.points[a]), mesh_place(mesh.points[b]),
                             mesh_place(mesh.points[c])};
    out.bytes(mesh_normal(corners[0], corners[1], corners[2]));
    out.bytes(corners);
    out.bytes(std::uint16_t{0});
  }
}

void mesh_write_obj(std::ostream& stream, Mesh const& mesh) {
  MeshStream out{stream};
  out.words("# SPACE=LPS\n# mm, Fovea\n");
  for (auto const& point : mesh.points) {
    out.words("v");
    for (auto const value : mesh_place(point)) {
      out.words(" ");
      out.digits(value);
    }
    out.words("\n");
  }
  for (auto const& corners : mesh.triangles) {
    out.words("f");
    for (auto const corner : corners) {
      out.words(" ");
      out.digits(std::uint64_t{corner} + 1);
    }
    out.words("\n");
  }
}

void mesh_write_ply(std::ostream& stream, Mesh const& mesh) {
  MeshStream out{stream};
  out.words(
      text("ply\nformat binary_little_endian 1.0\ncomment SPACE=LPS\ncomment mm, Fovea\n"
           "element vertex ",
           mesh.points.size(),
           "\nproperty float x\nproperty float y\nproperty float z\nelement face ",
           mesh.triangles.size(), "\nproperty list uchar uint vertex_indices\nend_header\n"));
  for (auto const& point : mesh.points) out.bytes(mesh_place(point));
  for (auto const& corners : mesh.triangles) {
    out.bytes(std::uint8_t{3});
    out.bytes(corners);
  }
}

struct MeshFormat {
  std::string_view ending;
  void (*write)(std::ostream& out, Mesh const& mesh);
};
constexpr MeshFormat mesh_formats[] = {
    {".stl", mesh_write_stl}, {".obj", mesh_write_obj}, {".ply", mesh_write_ply}};

}  // namespace

bool names_a_mesh(fs::path const& file) {
  return std::ranges::find(mesh_formats, lower(file.extension().string()),
                           &MeshFormat::ending) != std::end(mesh_formats);
}

void write_mesh(fs::path const& file, Mesh const& mesh) {
  auto const ending = lower(file.extension().string());
  for (auto const& row : mesh_formats) {
    if (row.ending != ending) continue;
    write_file(file, [&](std::ostream& out) { row.write(out, mesh); });
    return;
  }
  throw Error{Fault::usage, text("expected a file that ends as .stl, .obj or .ply, got ", file),
              "the ending says the format"};
}

}  // namespace fovea
