#pragma once

#include "learn/patch/stored_case.hpp"

#include <memory>
#include <vector>

namespace fovea {

/// For tests: the case of reference/make_reference.py.
struct MadeCase {
  Kji size{7, 9, 10};
  std::vector<float> image;
  std::vector<std::int16_t> labels;

  explicit MadeCase(Kji of_size = {7, 9, 10}, std::int64_t channels = 1) : size(of_size) {
    for (std::int64_t c = 0; c < channels; ++c)
      for (std::int64_t k = 0; k < size[0]; ++k)
        for (std::int64_t j = 0; j < size[1]; ++j)
          for (std::int64_t i = 0; i < size[2]; ++i)
            image.push_back(
                static_cast<float>((37 * i + 91 * j + 13 * i * j + 57 * k + 101 * c) % 251) /
                    50 -
                2);
    for (std::int64_t k = 0; k < size[0]; ++k)
      for (std::int64_t j = 0; j < size[1]; ++j)
        for (std::int64_t i = 0; i < size[2]; ++i)
          labels.push_back(
              static_cast<std::int16_t>(i == 0 ? -1 : (i / 3 + j / 4 + k / 5) % 4));
  }

  CaseToStore to_store(Kji const& patch = {4, 4, 4}) const {
    CaseToStore given;
    given.size = size;
    given.channels = std::ssize(image) / voxels_of(size);
    given.image = image;
    given.labels = labels;
    given.classes = {{1}, {2}, {3}};
    given.patch = patch;
    given.id = "made";
    return given;
  }
};

/// The same, stored and opened; the folder is gone, the mapping stays.
inline std::shared_ptr<StoredCase const> stored(CaseToStore const& given,
                                                std::shared_ptr<ChunkCache> cache = nullptr) {
  ScratchFolder const folder;
  auto const file = folder.path() / "x.case";
  store_case(file, given);
  return std::make_shared<StoredCase const>(file, std::move(cache));
}

}  // namespace fovea
