#include "learn/window/source.hpp"

#include "learn/tensor/tensor.hpp"

#include <algorithm>

namespace fovea {

WindowSource source_of(at::Tensor const& prepared) {
  if ((prepared.dim() != 3 && prepared.dim() != 4) || prepared.scalar_type() != at::kFloat ||
      !prepared.device().is_cpu())
    throw Error{Fault::input,
                text("expected a case [channel, (k,) j, i] of float32 in memory, got ",
                     prepared.sizes(), " ", prepared.scalar_type()),
                "prepare the case as the network's plan says"};
  auto const kept = prepared.dim() == 4 ? prepared.detach() : prepared.detach().unsqueeze(1);
  WindowSource source{
      .channels = kept.size(0), .size = {kept.size(1), kept.size(2), kept.size(3)}, .read = {}};
  source.read = [kept](WindowBox const& box, float* into) {
    auto const* const voxels = kept.const_data_ptr<float>();
    auto const strides = kept.strides();
    for (std::int64_t c = 0; c < kept.size(0); ++c) {
      for (std::int64_t k = 0; k < box.size[0]; ++k) {
        for (std::int64_t j = 0; j < box.size[1]; ++j) {
          auto const* const line = voxels + c * strides[0] + (box.first[0] + k) * strides[1] +
                                   (box.first[1] + j) * strides[2] + box.first[2] * strides[3];
          if (strides[3] == 1) {
            std::copy_n(line, box.size[2], into);
          } else {
            for (std::int64_t i = 0; i < box.size[2]; ++i) into[i] = line[i * strides[3]];
          }
          into += box.size[2];
        }
      }
    }
  };
  return source;
}

WindowSource source_of(Volume const& prepared) {
  if (prepared.type() != Type::f32)
    throw Error{Fault::input,
                text("expected a prepared case of f32, got ", name_of(prepared.type())),
                "prepare the case as the network's plan says"};
  return source_of(tensor_of(prepared));
}

}  // namespace fovea
