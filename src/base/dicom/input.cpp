#include "base/dicom/input.hpp"

#include "base/core/refusal.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <zlib.h>

namespace fovea {
namespace {

class InputFile : public DicomSource {
 public:
  InputFile(FileReader const& file, std::uint64_t from) : file_(&file), at_(from) {}
  std::size_t fetch(std::span<std::byte> room) override {
    auto const there = std::min<std::uint64_t>(room.size(), file_->size() - at_);
    file_->read(at_, room.first(static_cast<std::size_t>(there)));
    at_ += there;
    return static_cast<std::size_t>(there);
  }
  std::uint64_t skip(std::uint64_t count) override {
    auto const there = std::min(count, file_->size() - at_);
    at_ += there;
    return there;
  }

 private:
  FileReader const* file_;
  std::uint64_t at_;
};

class InputInflated : public DicomSource {
 public:
  InputInflated(std::unique_ptr<DicomSource> packed, std::uint64_t most)
      : packed_(std::move(packed)), left_(most) {
    if (inflateInit2(&stream_, -MAX_WBITS) != Z_OK)
      throw Error{Fault::resource, "no memory to unpack with", "close other programs"};
  }
  ~InputInflated() override { inflateEnd(&stream_); }

  std::size_t fetch(std::span<std::byte> room) override {
    std::size_t made = 0;
    while (made < room.size() && !ended_) {
      if (stream_.avail_in == 0) {
        auto const got = packed_->fetch(chunk_);
        if (got == 0)
          throw Refusal{"truncated", "the deflated data set breaks off",
                        "the file is cut short; fetch it again"};
        stream_.next_in = reinterpret_cast<Bytef*>(chunk_.data());
        stream_.avail_in = static_cast<uInt>(got);
      }
      made += unpack(room.subspan(made));
    }
    if (made > left_)
      throw Refusal{"too-large", "the deflated data set unpacks to more than is read",
                    "check that it is the right file"};
    left_ -= made;
    return made;
  }
  std::uint64_t skip(std::uint64_t count) override {
    std::array<std::byte, 16384> thrown{};
    std::uint64_t done = 0;
    while (done < count) {
      auto const step = std::min<std::uint64_t>(thrown.size(), count - done);
      auto const got = fetch(std::span{thrown}.first(static_cast<std::size_t>(step)));
      done += got;
      if (got < step) break;
    }
    return done;
  }

 private:
  std::size_t unpack(std::span<std::byte> room) {
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = static_cast<uInt>(room.size());
    auto const state = ::inflate(&stream_, Z_NO_FLUSH);
    ended_ = state == Z_STREAM_END;
    if (state != Z_OK && state != Z_STREAM_END && state != Z_BUF_ERROR)
      throw Refusal{"damaged", "the deflated data set cannot be unpacked",
                    "the file is damaged; fetch it again"};
    return room.size() - stream_.avail_out;
  }

  std::unique_ptr<DicomSource> packed_;
  std::uint64_t left_;
  z_stream stream_{};
  bool ended_ = false;
  std::array<std::byte, 16384> chunk_{};
};

// What was read already, and then the rest, if there is one.
class InputBehind : public DicomSource {
 public:
  InputBehind(std::vector<std::byte> first, std::unique_ptr<DicomSource> rest)
      : first_(std::move(first)), rest_(std::move(rest)) {}
  std::size_t fetch(std::span<std::byte> room) override {
    auto const early = std::min(room.size(), first_.size() - done_);
    std::copy_n(first_.begin() + static_cast<std::ptrdiff_t>(done_), early, room.begin());
    done_ += early;
    if (early == room.size() || rest_ == nullptr) return early;
    return early + rest_->fetch(room.subspan(early));
  }
  std::uint64_t skip(std::uint64_t count) override {
    auto const early = std::min<std::uint64_t>(count, first_.size() - done_);
    done_ += static_cast<std::size_t>(early);
    return early == count || rest_ == nullptr ? early : early + rest_->skip(count - early);
  }

 private:
  std::vector<std::byte> first_;
  std::size_t done_ = 0;
  std::unique_ptr<DicomSource> rest_;
};

}  // namespace

std::unique_ptr<DicomSource> source_of(FileReader const& file, std::uint64_t from) {
  return std::make_unique<InputFile>(file, std::min(from, file.size()));
}

std::unique_ptr<DicomSource> inflated(std::unique_ptr<DicomSource> packed, std::uint64_t most) {
  return std::make_unique<InputInflated>(std::move(packed), most);
}

void DicomInput::refill(std::size_t count) {
  constexpr std::size_t usual = 16384;  // most headers need one or two of these
  auto const left = window_.size();
  if (buffer_.size() < std::max(count, usual)) {
    std::vector<std::byte> larger(std::max(count, usual));
    std::ranges::copy(window_, larger.begin());
    buffer_ = std::move(larger);
  } else {
    std::ranges::copy(window_, buffer_.begin());
  }
  auto const got = source_->fetch(std::span{buffer_}.subspan(left));
  window_ = std::span{buffer_}.first(left + got);
}

bool DicomInput::leap(std::uint64_t count) {
  auto const more = count - window_.size();
  auto const done = source_ != nullptr ? source_->skip(more) : 0;
  at_ += window_.size() + done;
  window_ = {};
  return done == more;
}

void DicomInput::inflate(std::uint64_t most) {
  std::vector<std::byte> first{window_.begin(), window_.end()};
  window_ = {};
  source_ = inflated(std::make_unique<InputBehind>(std::move(first), std::move(source_)), most);
}

}  // namespace fovea
