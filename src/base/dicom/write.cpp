#include "base/dicom/write.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/version.hpp"
#include "base/dicom/attributes.hpp"
#include "base/dicom/syntax.hpp"
#include "base/dicom/uid.hpp"

#include <array>
#include <ostream>
#include <utility>

namespace fovea {
namespace {

using WriteTake = std::function<void(std::span<std::byte const>)>;

constexpr std::uint64_t write_most = 0xfffffffe;  // 32 bits, even, and not "undefined"
constexpr std::uint64_t write_most_short = 0xfffe;
constexpr std::string_view write_syntax = "1.2.840.10008.1.2.1";
constexpr int write_depth = 64;  // as deep as the scan reads
constexpr std::size_t write_item_head = 8;

/// Collects small pieces.
class WriteOut {
 public:
  explicit WriteOut(WriteTake take) : take_(std::move(take)) { room_.reserve(write_chunk); }

  void number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) room_.push_back(static_cast<std::byte>(value >> 8 * i));
  }
  void tag(Tag which) {
    number(group_of(which), 2);
    number(number_of(which) & 0xffff, 2);
  }
  void bytes(std::span<std::byte const> some) {
    if (some.size() + room_.size() > write_chunk) flush();
    if (some.size() > write_chunk)
      take_(some);
    else
      room_.insert(room_.end(), some.begin(), some.end());
  }
  void flush() {
    if (!room_.empty()) take_(room_);
    room_.clear();
  }

 private:
  static constexpr std::size_t write_chunk = 1U << 16;
  WriteTake take_;
  Bytes room_;
};

std::uint64_t write_length(DicomData const& data, int depth);

Vr write_kind(DicomData::Element const& element) {
  return !is_long(element.kind) && element.bytes.size() > write_most_short ? vr("UN")
                                                                           : element.kind;
}

std::uint64_t write_length(DicomData::Element const& element, int depth) {
  if (element.kind != vr("SQ")) return element.bytes.size();
  std::uint64_t out = 0;
  for (auto const& item : element.items) out += write_item_head + write_length(item, depth + 1);
  return out;
}

std::uint64_t write_length(DicomData const& data, int depth) {
  if (depth > write_depth)
    throw Error{Fault::bug, "too many sequences inside each other", "report this"};
  std::uint64_t out = 0;
  for (auto const& [tag, element] : data.elements()) {
    auto const length = write_length(element, depth);
    if (length > write_most)
      throw Error{
          Fault::input,
          text("expected less than 4 GB in ", words_of(tag), ", got ", length, " bytes"),
          "write fewer frames or structures into one file"};
    out += (is_long(write_kind(element)) ? 12U : 8U) + length;
  }
  return out;
}

void write_data(DicomData const& data, WriteOut& out) {
  for (auto const& [tag, element] : data.elements()) {
    auto const kind = write_kind(element);
    auto const letters = static_cast<std::uint16_t>(kind);
    out.tag(tag);
    out.number(letters >> 8, 1);
    out.number(letters & 255U, 1);
    if (is_long(kind)) out.number(0, 2);
    out.number(write_length(element, 0), is_long(kind) ? 4 : 2);
    out.bytes(element.bytes);
    for (auto const& item : element.items) {
      out.tag(Tag::item);
      out.number(write_length(item, 0), 4);
      write_data(item, out);
    }
  }
}

std::string write_needed(DicomData const& data, Attribute which) {
  auto words = data.text(which);
  if (words.empty())
    throw Error{Fault::bug, text("an object was to be written without ", words_of(which.tag)),
                "report this"};
  return words;
}

// Preamble and meta header; its attributes are of group 2, which no data set has.
Bytes write_head(DicomData const& data) {
  struct Row {
    std::uint32_t tag;
    Vr kind;
    std::string value;
  };
  write_needed(data, attribute::study);
  write_needed(data, attribute::series);
  write_needed(data, attribute::character_set);
  Row const rows[] = {{0x00020002, vr("UI"), write_needed(data, attribute::sop_class)},
                      {0x00020003, vr("UI"), write_needed(data, attribute::sop_instance)},
                      {0x00020010, vr("UI"), std::string{write_syntax}},
                      {0x00020012, vr("UI"), implementation_class_uid()},
                      {0x00020013, vr("SH"), implementation_version_name()}};
  Bytes meta;
  auto const take = [&](std::span<std::byte const> some) {
    meta.insert(meta.end(), some.begin(), some.end());
  };
  {
    WriteOut out{take};
    out.tag(Tag{0x00020001});
    out.bytes(std::as_bytes(std::span{"OB\0\0\2\0\0\0\0\1", 10}));
    for (auto const& row : rows) {
      auto value = row.value;
      if (value.size() % 2 != 0) value += row.kind == vr("UI") ? '\0' : ' ';
      out.tag(Tag{row.tag});
      out.number(static_cast<std::uint16_t>(row.kind) >> 8, 1);
      out.number(static_cast<std::uint16_t>(row.kind) & 255U, 1);
      out.number(value.size(), 2);
      out.bytes(std::as_bytes(std::span{value}));
    }
    out.flush();
  }
  Bytes head(128);
  auto const behind = [&](std::span<std::byte const> some) {
    head.insert(head.end(), some.begin(), some.end());
  };
  WriteOut out{behind};
  out.bytes(std::as_bytes(std::span{"DICM", 4}));
  out.tag(Tag{0x00020000});
  out.bytes(std::as_bytes(std::span{"UL\4\0", 4}));
  out.number(meta.size(), 4);
  out.bytes(meta);
  out.flush();
  return head;
}

}  // namespace

std::string implementation_class_uid() {
  static std::string const uid = uid_of_hash(sha256("fovea: implementation class"));
  return uid;
}

std::string implementation_version_name() {
  return text("FOVEA_", version);
}

void encode(DicomData const& data, WriteTake const& take) {
  write_length(data, 0);  // before the first byte goes out
  WriteOut out{take};
  write_data(data, out);
  out.flush();
}

std::string hash_of(DicomData const& data) {
  Sha256 hash;
  encode(data, [&](std::span<std::byte const> bytes) { hash.add(bytes); });
  return hash.hex();
}

void identify(DicomData& data) {
  if (data.find(attribute::sop_instance) != nullptr)
    throw Error{Fault::bug, "an object was to be identified twice", "report this"};
  data.set(attribute::character_set, "ISO_IR 192");
  auto const uid = [&](std::string_view of) {
    return uid_of_hash(
        sha256(text(of, '\n', implementation_version_name(), '\n', hash_of(data))));
  };
  if (data.find(attribute::series) == nullptr) data.set(attribute::series, uid("series"));
  data.set(attribute::sop_instance, uid("instance"));
}

Bytes dicom_file(DicomData const& data) {
  auto out = write_head(data);
  encode(data, [&](std::span<std::byte const> bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
  });
  return out;
}

void write_dicom(fs::path const& file, DicomData const& data) {
  auto const head = write_head(data);
  write_file(file, [&](std::ostream& out) {
    auto const put = [&](std::span<std::byte const> bytes) {
      out.write(reinterpret_cast<char const*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    };
    put(head);
    encode(data, put);
  });
}

}  // namespace fovea
