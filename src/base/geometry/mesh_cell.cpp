#include "base/geometry/mesh_cell.hpp"

#include <algorithm>
#include <array>

namespace fovea {
namespace {

constexpr std::size_t mesh_cell_edges = 12;

unsigned mesh_cell_edge_between(unsigned a, unsigned b) {
  auto const low = std::min(a, b);
  auto const axis = (a ^ b) == 1 ? 0U : (a ^ b) == 2 ? 1U : 2U;
  // Of the other two axes, in turn.
  auto const first = low >> ((axis + 1) % 3) & 1U;
  auto const second = low >> ((axis + 2) % 3) & 1U;
  return axis * 4 + first + 2 * second;
}

// Corners of a face, against the clock seen from outside the cell.
std::array<unsigned, 4> mesh_cell_face(unsigned axis, unsigned side) {
  auto const u = 1U << ((axis + 1) % 3);
  auto const v = 1U << ((axis + 2) % 3);
  auto const base = side << axis;
  if (side == 1) return {base, base | u, base | u | v, base | v};
  return {base, base | v, base | u | v, base | u};
}

bool mesh_cell_share_a_face(unsigned a, unsigned b) {
  auto const sides = [](unsigned edge) {
    auto const [axis, corner] = mesh_edge(edge);
    unsigned faces = 0;
    for (unsigned other = 0; other < 3; ++other) {
      if (other != axis) faces |= 1U << (2 * other + (corner >> other & 1U));
    }
    return faces;
  };
  return (sides(a) & sides(b)) != 0;
}

// A diagonal that lies in a face may be the neighbour cell's diagonal too: an edge of four
// triangles. Turned until there is none, else filled from the middle.
void mesh_cell_fill(MeshLoop& loop) {
  auto& edges = loop.edges;
  for (std::size_t turn = 0; turn < edges.size(); ++turn) {
    auto good = true;
    for (std::size_t n = 2; n + 1 < edges.size(); ++n)
      good = good && !mesh_cell_share_a_face(edges[0], edges[n]);
    if (good) return;
    std::rotate(edges.begin(), edges.begin() + 1, edges.end());
  }
  loop.centred = true;
}

// On each face a line from where its rim enters what is marked to where it leaves it: two
// opposite corners are cut off one by one. Each edge is entered on one of its faces and left on
// the other, so the lines join to loops.
std::vector<MeshLoop> mesh_cell_cut(unsigned corners) {
  constexpr auto none = mesh_cell_edges;
  std::array<std::size_t, mesh_cell_edges> next{};
  next.fill(none);
  auto const marked = [&](unsigned corner) { return (corners >> corner & 1U) != 0; };
  for (unsigned face = 0; face < 6; ++face) {
    auto const rim = mesh_cell_face(face / 2, face % 2);
    for (unsigned n = 0; n < 4; ++n) {
      if (marked(rim[n]) || !marked(rim[(n + 1) % 4])) continue;
      auto last = n + 1;
      while (marked(rim[(last + 1) % 4])) ++last;
      next[mesh_cell_edge_between(rim[n], rim[(n + 1) % 4])] =
          mesh_cell_edge_between(rim[last % 4], rim[(last + 1) % 4]);
    }
  }
  std::vector<MeshLoop> loops;
  for (std::size_t start = 0; start < mesh_cell_edges; ++start) {
    if (next[start] == none) continue;
    MeshLoop loop;
    for (auto edge = start; next[edge] != none;) {
      loop.edges.push_back(static_cast<std::uint8_t>(edge));
      auto const to = next[edge];
      next[edge] = none;
      edge = to;
    }
    mesh_cell_fill(loop);
    loops.push_back(std::move(loop));
  }
  return loops;
}

}  // namespace

MeshEdge mesh_edge(std::size_t edge) {
  auto const axis = static_cast<unsigned>(edge / 4);
  auto const first = static_cast<unsigned>(edge & 1U);
  auto const second = static_cast<unsigned>(edge >> 1U & 1U);
  return {axis, first << ((axis + 1) % 3) | second << ((axis + 2) % 3)};
}

std::span<MeshLoop const> mesh_loops(unsigned corners) {
  static auto const table = [] {
    std::array<std::vector<MeshLoop>, 256> out;
    for (unsigned n = 0; n < out.size(); ++n) out[n] = mesh_cell_cut(n);
    return out;
  }();
  return table[corners];
}

}  // namespace fovea
