#include "base/core/zip.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <ostream>
#include <set>
#include <zip.h>
#include <zlib.h>

namespace fovea {
namespace {

[[noreturn]] void zip_refuse(std::string const& what, std::string const& found) {
  throw Error{Fault::input, text(what, ": ", found),
              "the file may be cut short or damaged; fetch it again"};
}

[[noreturn]] void zip_refuse_access(std::string const& what) {
  throw Error{Fault::resource, text("you may not read ", what), "check its permissions"};
}

// Would unpacking a member of this name write outside the folder chosen for it?
bool zip_escapes(std::string_view name) {
  if (name.empty() || name.starts_with('/') || name.find('\\') != std::string_view::npos)
    return true;
  if (name.size() > 1 && name[1] == ':') return true;
  auto const parts = split(name, '/');
  return std::ranges::any_of(parts, [](auto const& part) { return part == ".."; });
}

bool zip_is_link(zip_t* archive, zip_uint64_t at) {
  zip_uint8_t system = 0;
  zip_uint32_t attributes = 0;
  if (zip_file_get_external_attributes(archive, at, 0, &system, &attributes) != 0) return false;
  constexpr zip_uint32_t kind = 0170000;
  constexpr zip_uint32_t link = 0120000;
  return system == ZIP_OPSYS_UNIX && (attributes >> 16 & kind) == link;
}

}  // namespace

struct ZipReader::State {
  std::string name;
  zip_t* archive = nullptr;
  mutable std::mutex one_at_a_time;  // libzip's handles are for one thread

  explicit State(std::string of) : name(std::move(of)) {}
  State(State const&) = delete;
  State& operator=(State const&) = delete;
  ~State() {
    if (archive != nullptr) zip_discard(archive);
  }

  void open(zip_source_t* source) {
    zip_error_t fault;
    zip_error_init(&fault);
    if (source != nullptr) archive = zip_open_from_source(source, ZIP_RDONLY, &fault);
    if (archive != nullptr) return;
    auto const forbidden =
        zip_error_system_type(&fault) == ZIP_ET_SYS && zip_error_code_system(&fault) == EACCES;
    auto const reason = text("expected a zip file, got: ", zip_error_strerror(&fault));
    zip_error_fini(&fault);
    zip_source_free(source);
    if (forbidden) zip_refuse_access(name);
    zip_refuse(name, reason);
  }

  // What the directory says of a member, after it was found to be one that can be read.
  ZipEntry entry(zip_uint64_t at) const {
    zip_stat_t stat;
    zip_stat_init(&stat);
    constexpr zip_uint64_t needed =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    auto const* const raw = zip_get_name(archive, at, ZIP_FL_ENC_RAW);
    if (raw == nullptr || zip_stat_index(archive, at, 0, &stat) != 0 ||
        (stat.valid & needed) != needed)
      zip_refuse(name, text("the entry of member ", at, " cannot be read"));
    if (zip_escapes(raw))
      zip_refuse(name, text("expected plain relative names, got the member '", raw, "'"));
    if (stat.encryption_method != ZIP_EM_NONE)
      zip_refuse(name, text("the member '", raw, "' is encrypted"));
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE)
      zip_refuse(name,
                 text("expected members stored or deflated, got method ", stat.comp_method));
    if (zip_is_link(archive, at)) zip_refuse(name, text("the member '", raw, "' is a link"));
    return {.name = raw, .size = stat.size};
  }

  std::vector<ZipEntry> list(std::size_t most) const {
    auto const count = static_cast<std::size_t>(zip_get_num_entries(archive, 0));
    if (count > most)
      zip_refuse(name, text("expected at most ", most, " members, got ", count));
    std::vector<ZipEntry> entries;
    std::set<std::string> seen;
    for (std::size_t i = 0; i < count; ++i) {
      entries.push_back(entry(i));
      if (!seen.insert(entries.back().name).second)
        zip_refuse(name, text("the member '", entries.back().name, "' occurs twice"));
    }
    return entries;
  }
};

namespace {

struct ZipFileClose {
  void operator()(zip_file_t* file) const { zip_fclose(file); }
};
using ZipFile = std::unique_ptr<zip_file_t, ZipFileClose>;

// As many of `count` bytes as the member holds.
std::size_t zip_fill(zip_file_t* file, std::span<std::byte> room, std::string const& what) {
  std::size_t got = 0;
  while (got < room.size()) {
    auto const more =
        zip_fread(file, room.data() + got, std::min<std::size_t>(room.size() - got, 1U << 30));
    if (more < 0)
      zip_refuse(what,
                 text("unpacking failed: ", zip_error_strerror(zip_file_get_error(file))));
    if (more == 0) break;
    got += static_cast<std::size_t>(more);
  }
  return got;
}

}  // namespace

ZipReader::ZipReader(fs::path const& file, std::size_t entries)
    : state_(std::make_unique<State>(text(file))) {
  std::error_code fault;
  auto const there = fs::is_regular_file(file, fault);
  if (fault == std::errc::permission_denied) zip_refuse_access(state_->name);
  if (!there || fs::file_size(file, fault) == 0)
    throw Error{Fault::input, text("expected a zip file, got nothing at ", file),
                "check the path"};
  zip_error_t ignored;
  zip_error_init(&ignored);
  state_->open(zip_source_file_create(file.c_str(), 0, 0, &ignored));
  entries_ = state_->list(entries);
}

ZipReader::ZipReader(std::span<std::byte const> bytes, std::string name, std::size_t entries)
    : state_(std::make_unique<State>(std::move(name))) {
  // libzip would take no bytes for a zip without members.
  if (bytes.empty()) zip_refuse(state_->name, "expected a zip file, got no bytes");
  zip_error_t ignored;
  zip_error_init(&ignored);
  state_->open(zip_source_buffer_create(bytes.data(), bytes.size(), 0, &ignored));
  entries_ = state_->list(entries);
}

ZipReader::~ZipReader() = default;

ZipEntry const* ZipReader::find(std::string_view name) const {
  auto const at = std::ranges::find(entries_, name, &ZipEntry::name);
  return at == entries_.end() ? nullptr : &*at;
}

bool ZipReader::has(std::string_view name) const {
  return find(name) != nullptr;
}

Bytes ZipReader::read(std::string_view name, std::uint64_t limit) const {
  auto const* const entry = find(name);
  if (entry == nullptr) zip_refuse(state_->name, text("there is no member '", name, "'"));
  if (entry->size > limit)
    throw Error{Fault::input,
                text(state_->name, ": the member '", name, "' has ", entry->size,
                     " bytes, more than the ", limit, " that are read"),
                "check that it is the right file"};
  return start(name, entry->size, true);
}

Bytes ZipReader::read_start(std::string_view name, std::uint64_t most) const {
  auto const* const entry = find(name);
  if (entry == nullptr) zip_refuse(state_->name, text("there is no member '", name, "'"));
  return start(name, std::min(most, entry->size), false);
}

Bytes ZipReader::start(std::string_view name, std::uint64_t count, bool whole) const {
  std::scoped_lock const lock{state_->one_at_a_time};
  auto const at = static_cast<zip_uint64_t>(find(name) - entries_.data());
  ZipFile const file{zip_fopen_index(state_->archive, at, 0)};
  auto const what = text(state_->name, ", member '", name, "'");
  if (!file) zip_refuse(what, text("cannot be opened: ", zip_strerror(state_->archive)));
  // A lying size is believed only as far as bytes come: memory grows with them.
  constexpr std::size_t step = 64U << 20;
  Bytes bytes;
  while (bytes.size() < count) {
    auto const before = bytes.size();
    bytes.resize(before + std::min<std::size_t>(std::max(step, before), count - before));
    auto const got = zip_fill(file.get(), std::span{bytes}.subspan(before), what);
    if (before + got < bytes.size())
      zip_refuse(what, text("expected ", count, " bytes, got ", before + got));
  }
  // libzip compares the checksum when it meets the end.
  std::byte beyond{};
  if (whole && zip_fill(file.get(), {&beyond, 1}, what) != 0)
    zip_refuse(what, text("expected ", count, " bytes, got more"));
  return bytes;
}

namespace {

constexpr std::uint64_t zip_small = 0xffffffff;  // the largest that the old 32-bit fields hold,
                                                 // and their mark for "see the extra"
constexpr std::uint64_t zip_alignment = 64;

struct ZipPlaced {
  std::string_view name;
  std::uint64_t size = 0;
  std::uint64_t at = 0;  // of its header
  std::uint32_t sum = 0;
};

void zip_put(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xff);
}

// The part that a header in front of a member and its entry in the directory share.
std::string zip_common(ZipPlaced const& member, bool large, std::size_t extra) {
  std::string out;
  zip_put(out, large ? 45 : 20, 2);  // version needed
  zip_put(out, 1U << 11, 2);         // the name is UTF-8
  zip_put(out, 0, 2);                // stored
  zip_put(out, 0, 2);                // midnight
  zip_put(out, 0x21, 2);  // of 1 January 1980: no times, so that equal members give equal bytes
  zip_put(out, member.sum, 4);
  zip_put(out, large ? zip_small : member.size, 4);
  zip_put(out, large ? zip_small : member.size, 4);
  zip_put(out, member.name.size(), 2);
  zip_put(out, extra, 2);
  return out;
}

// Header, name and extra fields, the last of which pads so that the bytes behind it are aligned
// in the file.
std::string zip_header(ZipPlaced const& member) {
  auto const large = member.size >= zip_small;
  std::string extra;
  if (large) {
    zip_put(extra, 0x0001, 2);
    zip_put(extra, 16, 2);
    zip_put(extra, member.size, 8);
    zip_put(extra, member.size, 8);
  }
  constexpr std::uint64_t fixed_part = 30;
  constexpr std::uint64_t field = 6;  // identifier, length, alignment
  auto const bare = member.at + fixed_part + member.name.size() + extra.size() + field;
  auto const pad = (zip_alignment - bare % zip_alignment) % zip_alignment;
  zip_put(extra, 0xd935, 2);  // the field that Android's zipalign writes for this purpose
  zip_put(extra, 2 + pad, 2);
  zip_put(extra, zip_alignment, 2);
  extra.append(pad, '\0');
  std::string out = "PK\x03\x04";
  return out + zip_common(member, large, extra.size()) + std::string{member.name} + extra;
}

std::string zip_entry(ZipPlaced const& member) {
  auto const large = member.size >= zip_small || member.at >= zip_small;
  std::string extra;
  if (large) {
    zip_put(extra, 0x0001, 2);
    zip_put(extra, 24, 2);
    zip_put(extra, member.size, 8);
    zip_put(extra, member.size, 8);
    zip_put(extra, member.at, 8);
  }
  std::string out = "PK\x01\x02";
  zip_put(out, (3U << 8) | 45, 2);  // made on Unix
  out += zip_common(member, large, extra.size());
  zip_put(out, 0, 2 + 2 + 2);  // comment, disk, internal attributes
  zip_put(out, std::uint64_t{0100644} << 16, 4);
  zip_put(out, large ? zip_small : member.at, 4);
  return out + std::string{member.name} + extra;
}

std::string zip_end(std::size_t count, std::uint64_t at, std::uint64_t size) {
  std::string out;
  auto const large = count >= 0xffff || at >= zip_small || size >= zip_small;
  if (large) {
    out += "PK\x06\x06";
    zip_put(out, 44, 8);
    zip_put(out, 45, 2);
    zip_put(out, 45, 2);
    zip_put(out, 0, 8);
    zip_put(out, count, 8);
    zip_put(out, count, 8);
    zip_put(out, size, 8);
    zip_put(out, at, 8);
    out += "PK\x06\x07";
    zip_put(out, 0, 4);
    zip_put(out, at + size, 8);
    zip_put(out, 1, 4);
  }
  out += "PK\x05\x06";
  zip_put(out, 0, 4);
  zip_put(out, large ? 0xffff : count, 2);
  zip_put(out, large ? 0xffff : count, 2);
  zip_put(out, large ? zip_small : size, 4);
  zip_put(out, large ? zip_small : at, 4);
  zip_put(out, 0, 2);
  return out;
}

void zip_check_members(std::vector<ZipMember> const& members) {
  std::set<std::string_view> seen;
  for (auto const& member : members) {
    if (zip_escapes(member.name) || member.name.size() > 0xffff ||
        !seen.insert(member.name).second)
      throw Error{Fault::bug, text("expected plain names, each once, got '", member.name, "'"),
                  "rename it"};
  }
}

std::uint32_t zip_sum(std::span<std::byte const> bytes) {
  return static_cast<std::uint32_t>(
      ::crc32_z(0, reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size()));
}

}  // namespace

void write_zip(fs::path const& file, std::vector<ZipMember> const& members) {
  zip_check_members(members);
  write_file(file, [&](std::ostream& out) {
    std::string directory;
    std::uint64_t at = 0;
    for (auto const& member : members) {
      ZipPlaced const placed{.name = member.name,
                             .size = member.bytes.size(),
                             .at = at,
                             .sum = zip_sum(member.bytes)};
      auto const header = zip_header(placed);
      out << header;
      out.write(reinterpret_cast<char const*>(member.bytes.data()),
                static_cast<std::streamsize>(member.bytes.size()));
      directory += zip_entry(placed);
      at += header.size() + member.bytes.size();
    }
    out << directory << zip_end(members.size(), at, directory.size());
  });
}

}  // namespace fovea
