#pragma once

#include "learn/segment/model.hpp"

#include <string>
#include <utility>

namespace fovea {

/// One of several models that answer together. Each sees the image in its own way: other
/// spacing, windows, dimensions.
struct PanelMember {
  Model model;
  SegmentContract contract;
  std::vector<std::size_t> outputs;  ///< by output of the first member: its own
};
/// Models by name (for people), the first one's labels and values are the answer's. Throws
/// Error{input} if one marks other structures than the first (by name), takes them for regions
/// where the first does not, or sees another number of channels; Error{usage} if there is none.
std::vector<PanelMember> panel_of(std::vector<std::pair<std::string, Model>> models);

/// Room for the probabilities of an image, [output, k, j, i], which are too many for memory.
/// Boxes are k, j, i. Nothing is read that was not written.
struct ProbabilityRoom {
  std::function<void(WindowBox const&, std::span<float const>)> write;
  std::function<void(WindowBox const&, std::span<float>)> read;
  bool kept = false;  ///< what is in it at the end is wanted, too
};

/// One member: as `segmented`. Several: the mean of their probabilities (nnU-Net's way for
/// configurations) on the image's grid, the largest taken or regions above a half painted. Only
/// the parts of cleanup that all members have learnt are done. Memory stays within
/// `ask.memory`: members answer one after the other, their sum lies in the room.
///
/// In      no room for one member: its probabilities are not wanted. `ask.probabilities` is not
///         asked, uncertainty is of one member only
/// Throws  as segmented; Error{usage} if several are asked how uncertain they are, or have no
///         room
Segmented segmented_together(std::span<PanelMember const> panel,
                             Volume const& image,
                             SegmentAsk const& ask,
                             ProbabilityRoom const& room);

}  // namespace fovea
