#pragma once

#include "learn/kernel/bfloat16.hpp"
#include "learn/nn/together.hpp"

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

namespace fovea {

// What the files of together.hpp share.
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;
using TogetherSizes = std::vector<std::int64_t>;

/// Values that one thread takes at once, so that small work is not cut up.
constexpr std::int64_t together_values = 16384;

/// Calls work(a value of the kernels' type) for the tensor's own type, float32 or bfloat16.
template <class Work>
void together_typed(at::Tensor const& x, Work const& work) {
  if (x.scalar_type() == at::kFloat)
    work(float{});
  else
    work(BFloat16{});
}
template <class T>
T const* together_read(at::Tensor const& x) {
  return x.defined() ? static_cast<T const*>(x.const_data_ptr()) : nullptr;
}
template <class T>
T* together_write(at::Tensor const& x) {
  return x.defined() ? static_cast<T*>(x.mutable_data_ptr()) : nullptr;
}

/// Channels-last, as far as a tensor of this many dimensions can lie so.
inline at::MemoryFormat together_format(at::Tensor const& x) {
  return x.dim() == 4   ? at::MemoryFormat::ChannelsLast
         : x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d
                        : at::MemoryFormat::Contiguous;
}

}  // namespace fovea
