#pragma once

#include "base/core/stop.hpp"
#include "learn/recipe/preprocess.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace fovea {

/// A case before anything was done to it.
struct LoadedCase {
  Volume image;
  std::optional<Volume> labels;
};
using LoadCase = std::function<LoadedCase(std::int64_t at)>;

/// Options of work on all cases. Cases are loaded and worked on in the threads, one at a time
/// in each, so that memory does not grow with their number.
struct AllCases {
  int threads = 0;             ///< 0: all usable cores
  Stop const* stop = nullptr;  ///< looked at before each case; throws Interrupted
  std::function<void(std::int64_t done, std::int64_t all)> progress =
      {};  ///< one call at a time
};

/// The fingerprint of cases 0 ... count - 1, all with labels. What `load` throws is thrown
/// here.
Fingerprint fingerprint_of(std::int64_t count,
                           std::int64_t channels,
                           LoadCase const& load,
                           AllCases const& options = {});

/// Prepares cases 0 ... count - 1 and hands each to `keep`, from any thread, in any order.
void prepare_all(std::int64_t count,
                 LoadCase const& load,
                 Recipe const& recipe,
                 RecipeConfig const& config,
                 std::function<void(std::int64_t at, PreparedCase&& prepared)> const& keep,
                 AllCases const& options = {});

}  // namespace fovea
