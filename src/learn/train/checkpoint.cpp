#include "learn/train/checkpoint.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/words.hpp"
#include "learn/weights/safetensors.hpp"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>

#include <array>
#include <cstring>
#include <iterator>
#include <span>

namespace fovea {
namespace {

constexpr auto checkpoint_start_anew = "start anew, or take an older copy of the run";

struct CheckpointType {
  at::ScalarType type;
  Dtype dtype;
};
constexpr std::array checkpoint_types = {
    CheckpointType{at::kDouble, Dtype::f64}, CheckpointType{at::kFloat, Dtype::f32},
    CheckpointType{at::kHalf, Dtype::f16},   CheckpointType{at::kBFloat16, Dtype::bf16},
    CheckpointType{at::kLong, Dtype::i64},   CheckpointType{at::kInt, Dtype::i32},
    CheckpointType{at::kShort, Dtype::i16},  CheckpointType{at::kChar, Dtype::i8},
    CheckpointType{at::kByte, Dtype::u8},    CheckpointType{at::kBool, Dtype::boolean},
};

Dtype checkpoint_dtype(at::Tensor const& value, std::string_view name) {
  for (auto const& row : checkpoint_types)
    if (row.type == value.scalar_type()) return row.dtype;
  throw Error{Fault::bug, text("'", name, "' has a type that checkpoints cannot hold"),
              "keep it as real numbers"};
}

at::ScalarType checkpoint_type(Dtype dtype) {
  for (auto const& row : checkpoint_types)
    if (row.dtype == dtype) return row.type;
  throw Error{Fault::bug, "a type of arrays has no type of tensors", "add it to the table"};
}

// Safetensors keeps values in the order of their axes; the memory format decides which of
// LibTorch's kernels runs and so the last bits of a result, so it is kept beside them.
std::string checkpoint_format(at::Tensor const& value) {
  if (value.is_contiguous()) return {};
  if (value.is_contiguous(at::MemoryFormat::ChannelsLast)) return "channels_last";
  if (value.is_contiguous(at::MemoryFormat::ChannelsLast3d)) return "channels_last_3d";
  return {};
}

at::Tensor checkpoint_in_format(at::Tensor const& value, std::string_view format) {
  if (format == "channels_last" && value.dim() == 4)
    return value.contiguous(at::MemoryFormat::ChannelsLast);
  if (format == "channels_last_3d" && value.dim() == 5)
    return value.contiguous(at::MemoryFormat::ChannelsLast3d);
  throw Error{Fault::input, text("a checkpoint has the unknown memory format '", format, "'"),
              checkpoint_start_anew};
}

std::string checkpoint_sum(std::span<Blob const> blobs) {
  Sha256 sum;
  // In the order of names: the file may keep them in another.
  std::map<std::string_view, Blob const*> sorted;
  for (auto const& blob : blobs) sorted[blob.name] = &blob;
  for (auto const& [name, blob] : sorted) {
    auto shape = text(name, ":", name_of(blob->dtype));
    for (auto const size : blob->shape) shape += text(":", size);
    sum.add(shape);
    sum.add(blob->bytes);
  }
  return sum.hex();
}

at::Tensor checkpoint_tensor(Blob const& blob) {
  auto const value = at::empty(blob.shape, checkpoint_type(blob.dtype));
  if (!blob.bytes.empty())
    std::memcpy(value.mutable_data_ptr(), blob.bytes.data(), blob.bytes.size());
  return value;
}

[[noreturn]] void checkpoint_refuse(fs::path const& file, std::string const& why) {
  throw Error{Fault::input, text("the checkpoint ", file, " ", why), checkpoint_start_anew};
}

std::string const& checkpoint_note(Safetensors const& read,
                                   std::string_view name,
                                   fs::path const& file) {
  auto const found = read.notes.find(name);
  if (found == read.notes.end())
    checkpoint_refuse(file, text("lacks '", name, "': it is no checkpoint"));
  return found->second;
}

}  // namespace

void write_checkpoint(fs::path const& file, Checkpoint const& checkpoint) {
  at::NoGradGuard const no_tape;
  auto formats = Json::object();
  auto undefined = Json::array();
  std::vector<at::Tensor> held;  // what the blobs look at
  std::vector<Blob> blobs;
  for (auto const& [name, tensor] : checkpoint.tensors) {
    if (!tensor.defined()) {
      undefined.push_back(name);
      continue;
    }
    if (auto const format = checkpoint_format(tensor); !format.empty()) formats[name] = format;
    held.push_back(tensor.detach().cpu().contiguous());
    auto const& value = held.back();
    blobs.push_back({name,
                     checkpoint_dtype(value, name),
                     value.sizes().vec(),
                     {static_cast<std::byte const*>(value.const_data_ptr()), value.nbytes()}});
  }
  auto const head =
      Json{{"state", checkpoint.head}, {"formats", formats}, {"undefined", undefined}}.dump();
  // The words go in as an array of bytes: a long history may be larger than a header may be.
  blobs.push_back({"head",
                   Dtype::u8,
                   {static_cast<std::int64_t>(head.size())},
                   std::as_bytes(std::span{head})});
  write_file(file, encode_safetensors(blobs, {{"fovea-checkpoint", text(checkpoint_version)},
                                              {"sha256", checkpoint_sum(blobs)}}));
}

Checkpoint read_checkpoint(fs::path const& file) {
  auto const read = read_safetensors(file);
  auto const version = whole(checkpoint_note(read, "fovea-checkpoint", file));
  if (version && *version > checkpoint_version)
    throw Error{Fault::input,
                text("the checkpoint ", file, " is of version ", *version,
                     ", this program knows ", checkpoint_version),
                "resume with the newer program that wrote it"};
  if (version != checkpoint_version) checkpoint_refuse(file, "has no known version");
  if (checkpoint_note(read, "sha256", file) != checkpoint_sum(read.blobs))
    checkpoint_refuse(file, "is damaged: its checksum is wrong");
  auto const* const words = read.find("head");
  if (words == nullptr) checkpoint_refuse(file, "lacks its head");
  auto const head = parse_json(
      {reinterpret_cast<char const*>(words->bytes.data()), words->bytes.size()}, text(file));
  Checkpoint checkpoint;
  try {
    checkpoint.head = head.at("state");
    for (auto const& blob : read.blobs)
      if (blob.name != "head") checkpoint.tensors.emplace(blob.name, checkpoint_tensor(blob));
    for (auto const& [name, format] : head.at("formats").items()) {
      auto& value = checkpoint.tensors.at(name);
      value = checkpoint_in_format(value, format.get<std::string>());
    }
    for (auto const& name : head.at("undefined"))
      checkpoint.tensors.emplace(name.get<std::string>(), at::Tensor{});
  } catch (Json::exception const& fault) {
    checkpoint_refuse(file, text("does not say what it should: ", fault.what()));
  } catch (std::out_of_range const&) {
    checkpoint_refuse(file, "names a tensor that it does not hold");
  }
  return checkpoint;
}

}  // namespace fovea
