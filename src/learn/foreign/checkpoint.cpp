#include "learn/foreign/checkpoint.hpp"

#include "base/core/error.hpp"
#include "base/core/reader.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <set>

namespace fovea {
namespace {

constexpr std::size_t checkpoint_members = 20'000;
constexpr std::string_view checkpoint_pickle = "data.pkl";
constexpr std::uint64_t checkpoint_sharing = 16;

[[noreturn]] void checkpoint_refuse(std::string const& name, std::string const& happened) {
  throw Error{Fault::input, text(name, ": ", happened),
              "get the file again from where it came, or its weights as safetensors"};
}

// Before PyTorch 1.6 a checkpoint was bare pickles, one behind the other.
fs::path const& checkpoint_is_zip(fs::path const& file) {
  FileReader const reader{file};
  std::byte first{};
  if (reader.size() > 0) reader.read(0, {&first, 1});
  if (first == std::byte{0x80})
    throw Error{Fault::input,
                text(file, " is a bare pickle, as PyTorch wrote them before version 1.6"),
                "open it with PyTorch and save its state dict again: "
                "torch.save(torch.load(FILE, weights_only=True), NEW)"};
  return file;
}

// A tensor's bytes, gathered from those of its storage by its strides.
void checkpoint_gather(PickledTensor const& tensor,
                       std::span<std::byte const> storage,
                       std::span<std::byte> out) {
  auto const width = bytes_of(tensor.dtype);
  std::vector<std::int64_t> at(tensor.shape.size());
  auto from = tensor.offset;
  for (std::size_t to = 0; to < out.size(); to += width) {
    std::memcpy(out.data() + to, storage.data() + static_cast<std::size_t>(from) * width,
                width);
    for (auto axis = at.size(); axis-- > 0;) {
      from += tensor.strides[axis];
      if (++at[axis] < tensor.shape[axis]) break;
      from -= tensor.strides[axis] * tensor.shape[axis];
      at[axis] = 0;
    }
  }
}

bool checkpoint_is_dense(PickledTensor const& tensor) {
  std::int64_t stride = 1;
  for (auto axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != stride) return false;
    stride *= tensor.shape[axis];
  }
  return true;
}

void checkpoint_fill(PickledTensor const& tensor,
                     std::span<std::byte const> storage,
                     std::span<std::byte> out) {
  if (out.empty()) return;
  if (checkpoint_is_dense(tensor))
    std::memcpy(
        out.data(),
        storage.data() + static_cast<std::size_t>(tensor.offset) * bytes_of(tensor.dtype),
        out.size());
  else
    checkpoint_gather(tensor, storage, out);
}

std::uint64_t checkpoint_bytes(PickledTensor const& tensor) {
  return static_cast<std::uint64_t>(tensor.count()) * bytes_of(tensor.dtype);
}

using CheckpointTensors = std::vector<std::pair<std::string, PickledTensor const*>>;

// As PyTorch's state_dict names them: the members on the way, with dots between.
void checkpoint_collect(Pickled const& value,
                        std::string const& name,
                        CheckpointTensors& into) {
  if (auto const* tensor = value.as<PickledTensor>()) {
    into.emplace_back(name, tensor);
    return;
  }
  auto const* object = value.as<PickledObject>();
  if (object == nullptr) return;
  for (auto const& [key, member] : object->members) {
    if (auto const* words = key.as<std::string>())
      checkpoint_collect(member, name.empty() ? *words : name + "." + *words, into);
  }
}

CheckpointTensors checkpoint_tensors(Pickled const& state) {
  CheckpointTensors out;
  checkpoint_collect(state, "", out);
  if (auto const* items = state.as<Pickled::Dict>()) {
    for (auto const& [key, value] : *items) {
      auto const* words = key.as<std::string>();
      auto const* tensor = value.as<PickledTensor>();
      if (words != nullptr && tensor != nullptr) out.emplace_back(*words, tensor);
    }
  }
  return out;
}

// Is it a dictionary with tensors in it?
bool checkpoint_is_state(Pickled const& value) {
  auto const* items = value.as<Pickled::Dict>();
  if (items == nullptr) return false;
  return std::ranges::any_of(*items, [](auto const& item) {
    return item.value.template as<PickledTensor>() != nullptr;
  });
}

std::string checkpoint_keys(Pickled const& value) {
  auto const* items = value.as<Pickled::Dict>();
  if (items == nullptr) return value.in_words();
  constexpr std::size_t most = 8;
  std::vector<std::string> keys;
  for (auto const& item : *items) {
    if (keys.size() == most) break;
    keys.push_back(item.key.in_words());
  }
  if (keys.empty()) return "nothing";
  return joined(keys, ", ") + (items->size() > most ? ", …" : "");
}

}  // namespace

TorchCheckpoint::TorchCheckpoint(fs::path const& file)
    : name_(text(file)), zip_(checkpoint_is_zip(file), checkpoint_members) {
  size_ = FileReader{file}.size();
  open();
}

TorchCheckpoint::TorchCheckpoint(std::span<std::byte const> bytes, std::string name)
    : name_(name), size_(bytes.size()), zip_(bytes, std::move(name), checkpoint_members) {
  open();
}

void TorchCheckpoint::open() {
  std::vector<std::string> found;
  for (auto const& entry : zip_.entries()) {
    sizes_[entry.name] = entry.size;
    auto const slash = entry.name.find('/');
    if (slash != std::string::npos && entry.name.substr(slash + 1) == checkpoint_pickle)
      found.push_back(entry.name.substr(0, slash + 1));
  }
  if (found.size() != 1)
    throw Error{Fault::input,
                text(name_, " is a zip, but not one that torch.save or torch.jit.save wrote: ",
                     found.size(), " folders in it hold ", checkpoint_pickle),
                "pass a checkpoint (.pt, .pth) or a TorchScript archive"};
  folder_ = found[0];
  check_sizes();
  constexpr std::uint64_t longest_word = 16;
  if (zip_.has(folder_ + "byteorder")) {
    auto const order = zip_.read(folder_ + "byteorder", longest_word);
    if (std::string_view{reinterpret_cast<char const*>(order.data()), order.size()} != "little")
      checkpoint_refuse(name_, "its numbers are not little-endian");
  }
  script_ = zip_.has(folder_ + "constants.pkl");
  auto const member = folder_ + std::string{checkpoint_pickle};
  auto const bytes = zip_.read(member, PickleLimits{}.bytes);
  root_ = decode_pickle(bytes, text(member, " of ", name_), script_);
  check(root_);
}

// PyTorch packs no storage (of TorchScript it packs the source, which is not read), so storages
// larger than the file are a bomb or lie over each other.
void TorchCheckpoint::check_sizes() const {
  std::uint64_t total = 0;
  for (auto const& [name, size] : sizes_) {
    if (!name.starts_with(folder_ + "data")) continue;
    if (size > size_ || (total += size) > size_)
      checkpoint_refuse(name_, "its tensors claim more bytes than the file has");
  }
}

// What the pickle says of a storage must be what lies there.
void TorchCheckpoint::check(Pickled const& value) const {
  if (auto const* list = value.as<Pickled::List>()) {
    for (auto const& each : *list) check(each);
  }
  auto const* items = value.as<Pickled::Dict>();
  if (auto const* object = value.as<PickledObject>()) items = &object->members;
  if (items != nullptr) {
    for (auto const& item : *items) {
      check(item.key);
      check(item.value);
    }
  }
  auto const* tensor = value.as<PickledTensor>();
  if (tensor == nullptr) return;
  auto const member = folder_ + "data/" + tensor->storage;
  auto const size = sizes_.find(member);
  if (size == sizes_.end())
    checkpoint_refuse(name_, text("the storage ", member, " of a tensor is missing"));
  if (static_cast<std::uint64_t>(tensor->stored) != size->second / bytes_of(tensor->dtype))
    checkpoint_refuse(name_, text("the storage ", member, " is said to hold ", tensor->stored,
                                  " values of type ", name_of(tensor->dtype), " and has ",
                                  size->second, " bytes"));
}

Bytes TorchCheckpoint::storage(PickledTensor const& tensor) const {
  return zip_.read(folder_ + "data/" + tensor.storage, size_);
}

Bytes TorchCheckpoint::read(PickledTensor const& tensor) const {
  Bytes out(checkpoint_bytes(tensor));
  checkpoint_fill(tensor, storage(tensor), out);
  return out;
}

Safetensors TorchCheckpoint::weights(Pickled const& state, std::uint64_t limit) const {
  auto tensors = checkpoint_tensors(state);
  if (tensors.empty())
    checkpoint_refuse(name_, text("expected tensors by name, got ", state.in_words()));
  // Tensors of one storage follow each other, so that each is read once and none is kept.
  std::ranges::stable_sort(
      tensors, {}, [](auto const& tensor) -> auto const& { return tensor.second->storage; });
  constexpr std::uint64_t alignment = 64;
  auto const padded = [](std::uint64_t bytes) {
    return (bytes + alignment - 1) / alignment * alignment;
  };
  std::set<std::string_view> names;
  std::uint64_t total = 0;
  for (auto const& [name, tensor] : tensors) {
    if (!names.insert(name).second)
      checkpoint_refuse(name_, text("two tensors have the name ", printable(name)));
    total += padded(checkpoint_bytes(*tensor));
    if (total > limit || total / checkpoint_sharing > size_)
      checkpoint_refuse(name_, text("its tensors have more than ",
                                    std::min(limit, checkpoint_sharing * size_), " bytes"));
  }

  Bytes room(total);
  Safetensors out;
  std::vector<std::size_t> places;
  std::size_t at = 0;
  Bytes bytes;
  PickledTensor const* before = nullptr;
  for (auto const& [name, tensor] : tensors) {
    if (before == nullptr || before->storage != tensor->storage) bytes = storage(*tensor);
    before = tensor;
    auto const size = static_cast<std::size_t>(checkpoint_bytes(*tensor));
    checkpoint_fill(*tensor, bytes, std::span{room}.subspan(at, size));
    out.blobs.push_back(
        {.name = name, .dtype = tensor->dtype, .shape = tensor->shape, .bytes = {}});
    places.push_back(at);
    at += padded(size);
  }
  auto const kept = std::make_shared<Bytes const>(std::move(room));
  for (std::size_t i = 0; i < places.size(); ++i)
    out.blobs[i].bytes = std::span{*kept}.subspan(
        places[i], static_cast<std::size_t>(checkpoint_bytes(*tensors[i].second)));
  out.storage = kept;
  return out;
}

Pickled const& TorchCheckpoint::state_dict() const {
  for (auto const* key :
       {"state_dict", "model_state_dict", "network_weights", "model", "net"}) {
    auto const* found = root_.find(key);
    if (found != nullptr && checkpoint_is_state(*found)) return *found;
  }
  if (checkpoint_is_state(root_) || root_.as<PickledObject>() != nullptr) return root_;
  throw Error{Fault::input,
              text("expected tensors by name in ", name_, ", got ", checkpoint_keys(root_)),
              "save the network's state_dict() alone"};
}

}  // namespace fovea
