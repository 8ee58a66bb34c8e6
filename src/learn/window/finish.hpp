#pragma once

#include "learn/window/blended.hpp"
#include "learn/window/predict.hpp"
#include "learn/window/taps.hpp"

#include <optional>
#include <vector>

namespace fovea {

/// The last layers of some networks whose features lie behind each other, their mean as one
/// layer.
struct JoinedHeads {
  std::int64_t outputs = 0, channels = 0;
  std::vector<float> weight;  ///< [outputs, channels]; empty: channels are the outputs
  std::vector<float> bias;    ///< [outputs]
};

/// What a part of the cut needs of the prepared case; both in network axes.
WindowBox needed_by(WindowBox const& part, std::array<AxisTaps, 3> const& taps);
std::array<AxisTaps, 3> taps_of(WayBack const& back);

/// From blended windows to what is asked for, on the input's grid: last layer, way back and
/// decision, for some voxels of a line at a time.
class WindowFinish {
 public:
  /// Asks for the memory of what it makes. The sums have a channel more than `heads` if
  /// `uncertainty`.
  WindowFinish(JoinedHeads heads, WayBack const& back, Windows const& windows);

  /// Finishes a part whose needs are blended. Throws Error{input} if a value is not finite.
  void part(Blended const& sums, WindowBox const& part);

  Volume take_labels() { return std::move(labels_); }
  std::optional<Volume> take_uncertainty() { return std::move(uncertainty_); }

  /// Bytes that it needs: for ever, and while a part is under way.
  static std::uint64_t bytes(std::int64_t outputs,
                             std::int64_t channels,
                             WayBack const& back,
                             Windows const& windows);

 private:
  struct Chunk;
  struct Scratch;
  std::vector<Chunk> chunks_of(WindowBox const& part) const;
  template <class Sum>
  void part_as(Blended const& sums, WindowBox const& part);
  template <class Sum>
  bool line(Blended const& sums,
            std::array<std::int64_t, 3> const& kji,
            Chunk const& chunk,
            Scratch& scratch);
  void hand_out(WindowBox const& part, std::span<float const> values) const;
  std::int64_t offset_of(std::array<std::int64_t, 3> const& kji) const;

  JoinedHeads heads_;
  WayBack back_;
  Windows const& windows_;
  std::array<AxisTaps, 3> taps_;
  std::array<std::int64_t, 3> strides_{};  // of network axes in the input's volume
  std::vector<std::uint16_t> values_;      // of outputs
  Volume labels_;
  std::optional<Volume> uncertainty_;
  float* block_ = nullptr;  // probabilities of the part under way, in the input's axes
  std::array<std::int64_t, 3> block_first_{}, block_strides_{};
  std::int64_t block_voxels_ = 0;
};

}  // namespace fovea
