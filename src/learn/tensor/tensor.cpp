#include "learn/tensor/tensor.hpp"

#include "base/core/words.hpp"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <sstream>

namespace fovea {
namespace {

at::ScalarType tensor_scalar(Type type) {
  switch (type) {
    case Type::u8:
      return at::kByte;
    case Type::i8:
      return at::kChar;
    case Type::i16:
      return at::kShort;
    case Type::i32:
      return at::kInt;
    case Type::i64:
      return at::kLong;
    case Type::f64:
      return at::kDouble;
    case Type::u16:  // hardly an operation of LibTorch knows these: tensor_of() hands out
                     // floats
    case Type::u32:
    case Type::u64:
    case Type::f32:
      break;
  }
  return at::kFloat;
}

}  // namespace

at::Tensor tensor_of(Volume const& volume) {
  auto const kept = tensor_scalar(volume.type()) == at::kFloat ? as_float(volume) : volume;
  auto bytes = kept.bytes();
  auto* const data = bytes.get();
  return at::from_blob(
      data, {kept.channels(), kept.depth(), kept.height(), kept.width()}, [bytes](void*) {},
      at::dtype(tensor_scalar(kept.type())));
}

Volume volume_of(at::Tensor const& voxels, Grid const& grid, Unit unit) {
  auto const [i, j, k] = grid.size;
  auto const dimensions = voxels.dim();
  if ((dimensions != 3 && dimensions != 4) ||
      voxels.sizes().slice(dimensions - 3) != at::IntArrayRef{k, j, i})
    throw Error{
        Fault::bug,
        text("a tensor ", voxels.sizes(), " does not fill a grid of ", i, " x ", j, " x ", k),
        "change voxels and grid together"};
  Volume volume{grid, Type::f32, unit, dimensions == 4 ? voxels.size(0) : 1};
  auto const dense = voxels.detach().to(at::kCPU, at::kFloat).contiguous();
  std::copy_n(dense.const_data_ptr<float>(), dense.numel(), volume.write<float>().begin());
  return volume;
}

at::Device device_named(std::string_view name) {
  if (name == "cpu") return at::kCPU;
  if (name == "auto") return at::hasCUDA() ? at::kCUDA : at::kCPU;
  if (name != "cuda") {
    std::vector<std::string> const known{"auto", "cpu", "cuda"};
    throw Error{Fault::usage, text("no device '", name, "'"), did_you_mean(name, known)};
  }
  if (!at::hasCUDA())
    throw Error{Fault::resource, "there is no CUDA device that this program can use",
                "choose --device cpu"};
  return at::kCUDA;
}

void use_threads(int threads) {
  if (threads < 1)
    throw Error{Fault::usage, text("expected 1 or more threads, got ", threads),
                "leave --threads away to use all"};
  at::set_num_threads(threads);
}

}  // namespace fovea
