#pragma once

#include "base/core/zip.hpp"
#include "learn/foreign/pickle.hpp"

namespace fovea {

/// What torch.save or torch.jit.save wrote: a zip of one pickle and the bytes of the tensors.
/// Opening reads the pickle alone and holds each of its tensors against the storage that it
/// looks at; bytes of tensors are read when asked for, so what is not needed (an optimiser's
/// state) costs nothing. No code in it is ever run: of a TorchScript archive the modules'
/// values are read and the source is not.
class TorchCheckpoint {
 public:
  /// Throws Error{input} as ZipReader and decode_pickle do; if the file is the older format
  /// without a zip, big-endian, no such archive, or has a tensor that reaches beyond its
  /// storage; Error{resource} if it may not be read.
  explicit TorchCheckpoint(fs::path const& file);
  /// The same from bytes in memory, which must outlive it; `name` is for messages.
  TorchCheckpoint(std::span<std::byte const> bytes, std::string name);

  Pickled const& root() const { return root_; }
  bool is_script() const { return script_; }
  std::string const& name() const { return name_; }  ///< the file, for messages

  /// The tensor's values one after the other, last axis fastest.
  Bytes read(PickledTensor const& tensor) const;

  /// All tensors of a dictionary from name to tensor (a "state dict"), or of a TorchScript
  /// module and those inside it ("layer1.0.conv1.weight"). Values that are no tensors are left
  /// out. Throws Error{input} if there is none, or if they have more than `limit` bytes, or
  /// sixteen times as many as the file: so often no network shares its tensors.
  Safetensors weights(Pickled const& state, std::uint64_t limit = 16ULL << 30) const;

  /// The state dict as people save it: what stands in the root under "state_dict",
  /// "model_state_dict", "network_weights", "model" or "net", or else the root itself. Throws
  /// Error{input} naming the keys that are there if none of these holds tensors.
  Pickled const& state_dict() const;

 private:
  void open();
  void check_sizes() const;
  void check(Pickled const& value) const;
  Bytes storage(PickledTensor const& tensor) const;

  std::string name_;
  std::uint64_t size_ = 0;
  ZipReader zip_;
  std::map<std::string, std::uint64_t, std::less<>> sizes_;  // of the members
  std::string folder_;                                       // of all members: "archive/"
  bool script_ = false;
  Pickled root_;
};

}  // namespace fovea
