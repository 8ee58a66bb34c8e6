#pragma once

#include "base/core/file.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fovea {

/// How one value of a blob is stored; little-endian. The subset of the format's types that
/// weights come in.
enum class Dtype { f64, f32, f16, bf16, i64, i32, i16, i8, u8, boolean };

std::size_t bytes_of(Dtype dtype);
std::string_view name_of(Dtype dtype);  ///< as the format writes it: "F32", "BF16", "BOOL"

/// An array by name, its last axis fastest. Looks at bytes that someone else holds.
struct Blob {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<std::int64_t> shape;  ///< empty: one value
  std::span<std::byte const> bytes;

  std::int64_t count() const;  ///< of values
};

/// A .safetensors file in memory (https://github.com/huggingface/safetensors, "Format"): named
/// arrays and words about them. Reading one runs no code, unlike a pickle. Copies share the
/// bytes.
struct Safetensors {
  std::vector<Blob> blobs;                                ///< in the order of their bytes
  std::map<std::string, std::string, std::less<>> notes;  ///< the header's "__metadata__"
  std::shared_ptr<Bytes const> storage;                   ///< what the blobs look at

  Blob const* find(std::string_view name) const;  ///< null if there is none
};

/// Headers beyond this are refused: room for some 15,000 arrays.
constexpr std::uint64_t safetensors_header_limit = 2U << 20;

/// Strict: the header must be an object of arrays with dtype, shape and data_offsets alone; the
/// arrays must tile the bytes behind it without gap, overlap or rest, and each be as long as
/// its shape says. Throws Error{input} naming `name` and the array, if not; on types outside
/// Dtype; on a header beyond the limit.
Safetensors decode_safetensors(Bytes bytes, std::string_view name);
Safetensors read_safetensors(fs::path const& file, std::uint64_t limit = 16ULL << 30);

/// The same blobs and notes give the same bytes. Wider types lie first, so that all are
/// aligned; else the order given is kept. Throws Error{bug} if a name is empty, taken or
/// "__metadata__", or a blob's bytes are not what its shape says.
Bytes encode_safetensors(std::span<Blob const> blobs,
                         std::map<std::string, std::string, std::less<>> const& notes = {});

/// The blob's values as float, rounded where float cannot hold them. Throws Error{bug} unless
/// `out` has count() places.
void to_floats(Blob const& blob, std::span<float> out);

}  // namespace fovea
