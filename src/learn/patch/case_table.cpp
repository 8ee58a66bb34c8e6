#include "learn/patch/case_table.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/json.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

namespace fovea {
namespace {

constexpr std::string_view table_magic{"fovea case\0\0\0\0\0\0", 16};
constexpr std::string_view table_end{"fovea case end\0\0", 16};
constexpr std::uint32_t table_version = 1;
constexpr std::size_t table_hash_bytes = 64;
constexpr std::size_t table_foot_bytes = 16 + table_hash_bytes + 16;
constexpr std::uint64_t table_facts_limit = 8U << 20;
constexpr std::int64_t table_chunk_goal = 1 << 16;

[[noreturn]] void table_refuse(std::string_view name, std::string const& why) {
  throw Error{Fault::input, text("'", name, "' is no whole stored case: ", why),
              "delete it; it is made again from the data set"};
}

std::uint64_t table_u64(std::span<std::byte const> bytes, std::uint64_t at) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

template <class T>
void table_append(std::string& to, T value) {
  to.append(reinterpret_cast<char const*>(&value), sizeof value);
}

std::string_view table_words(std::span<std::byte const> bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

// Reads facts whose types and ranges nobody has checked yet.
struct TableFacts {
  Json const& json;
  std::string_view name;

  Json const& field(char const* key) const {
    auto const found = json.find(key);
    if (found == json.end()) table_refuse(name, text("'", key, "' is missing"));
    return *found;
  }
  std::int64_t whole(Json const& value,
                     char const* key,
                     std::int64_t low,
                     std::int64_t high) const {
    auto const is_whole = value.is_number_integer();
    auto const fits = !value.is_number_unsigned() ||
                      value.get<std::uint64_t>() <= std::numeric_limits<std::int64_t>::max();
    if (!is_whole || !fits || value.get<std::int64_t>() < low ||
        value.get<std::int64_t>() > high)
      table_refuse(name, text("'", key, "' must hold whole numbers from ", low, " to ", high));
    return value.get<std::int64_t>();
  }
  Json const& list(Json const& value, char const* key, std::size_t most) const {
    if (!value.is_array() || value.size() > most)
      table_refuse(name, text("'", key, "' must be a list of at most ", most));
    return value;
  }
  std::string words(char const* key) const {
    auto const& value = field(key);
    if (!value.is_string()) table_refuse(name, text("'", key, "' must be text"));
    return value.get<std::string>();
  }
  Kji sizes(char const* key) const {
    auto const& value = list(field(key), key, 3);
    if (value.size() != 3) table_refuse(name, text("'", key, "' must be three numbers"));
    Kji sizes{};
    for (std::size_t d = 0; d < 3; ++d) sizes[d] = whole(value[d], key, 1, case_voxel_limit);
    return sizes;
  }
  LabelSet labels(Json const& value, char const* key) const {
    LabelSet labels;
    for (auto const& label : list(value, key, 65536))
      labels.push_back(static_cast<std::int16_t>(whole(label, key, -1, 32767)));
    return labels;
  }
};

bool table_too_many(Kji const& size, std::int64_t most) {
  return size[0] > most / size[1] || size[0] * size[1] > most / size[2];
}

CaseTable table_from(TableFacts const& facts) {
  CaseTable table;
  table.channels = facts.whole(facts.field("channels"), "channels", 0, case_channel_limit);
  table.size = facts.sizes("size");
  table.chunk = facts.sizes("chunk");
  if (table_too_many(table.size, case_voxel_limit))
    table_refuse(facts.name, "it says that it has more voxels than can be");
  if (table_too_many(table.chunk, case_chunk_voxels))
    table_refuse(facts.name, "its chunks are too large");
  auto const labels = facts.words("labels");
  if (labels != "none" && labels != "i8" && labels != "i16")
    table_refuse(facts.name, "'labels' must be none, i8 or i16");
  table.labels = labels == "i8"    ? StoredLabels::i8
                 : labels == "i16" ? StoredLabels::i16
                                   : StoredLabels::none;
  for (auto const& labels_of_one :
       facts.list(facts.field("classes"), "classes", case_class_limit))
    table.classes.push_back(facts.labels(labels_of_one, "classes"));
  table.annotated = facts.labels(facts.field("annotated"), "annotated");
  for (auto const& count : facts.list(facts.field("places"), "places", case_class_limit + 1))
    table.places.push_back(facts.whole(count, "places", 0, case_voxel_limit));
  if (table.places.size() != table.classes.size() + (table.annotated.empty() ? 0 : 1))
    table_refuse(facts.name, "it has not as many lists of places as classes");
  table.id = facts.words("id");
  table.key = facts.words("key");
  table.notes = facts.words("notes");
  return table;
}

void table_check_offsets(std::span<std::byte const> file,
                         CaseTable const& table,
                         std::uint64_t facts_at,
                         std::string_view name) {
  auto const count = static_cast<std::uint64_t>(table.chunks_of_all());
  auto last = case_head_bytes;
  for (std::uint64_t n = 0; n <= count; ++n) {
    auto const offset = table_u64(file, table.offsets_at + 8 * n);
    if (n == 0 ? offset != case_head_bytes : offset < last)
      table_refuse(name, text("chunk ", n, " is not behind the one before it"));
    last = offset;
  }
  if (last != facts_at) table_refuse(name, "its chunks do not end where its facts begin");
}

// Where the facts begin.
std::uint64_t table_facts_at(std::span<std::byte const> file, std::string_view name) {
  if (file.size() < case_head_bytes + table_foot_bytes)
    table_refuse(name, text("it has only ", file.size(), " bytes"));
  if (table_words(file.first(table_magic.size())) != table_magic)
    table_refuse(name, "it does not begin as one");
  if (table_words(file.last(table_end.size())) != table_end)
    table_refuse(name, "it does not end as one");
  auto const at = table_u64(file, file.size() - table_foot_bytes);
  if (at < case_head_bytes || at > file.size() - table_foot_bytes)
    table_refuse(name, "its foot points outside");
  return at;
}

}  // namespace

Kji CaseTable::chunks() const {
  Kji counts{};
  for (std::size_t d = 0; d < 3; ++d) counts[d] = (size[d] + chunk[d] - 1) / chunk[d];
  return counts;
}

std::int64_t CaseTable::chunks_of_all() const {
  return voxels_of(chunks()) * (channels + (labels == StoredLabels::none ? 0 : 1));
}

PatchBox CaseTable::box_of(Kji const& chunk_at) const {
  PatchBox box;
  for (std::size_t d = 0; d < 3; ++d) {
    box.from[d] = chunk_at[d] * chunk[d];
    box.size[d] = std::min(chunk[d], size[d] - box.from[d]);
  }
  return box;
}

std::size_t CaseTable::voxel_bytes(std::int64_t channel) const {
  if (channel < channels) return 4;
  return labels == StoredLabels::i8 ? 1 : 2;
}

Kji chunk_for(Kji const& size, Kji const& patch) {
  Kji chunk{};
  for (std::size_t d = 0; d < 3; ++d)
    chunk[d] = std::min(size[d], std::max<std::int64_t>(patch[d], 1));
  // Halving the longest axis, of equal ones the first: rows along i stay long.
  while (voxels_of(chunk) > table_chunk_goal) {
    auto const longest = std::max_element(chunk.begin(), chunk.end());
    *longest = (*longest + 1) / 2;
  }
  return chunk;
}

std::string case_signature(std::span<std::byte const> file, std::string_view name) {
  auto const from = table_facts_at(file, name);
  auto const to = file.size() - table_foot_bytes + 16;
  return sha256(file.subspan(from, to - from));
}

CaseTable read_case_table(std::span<std::byte const> file, std::string_view name) {
  auto const facts_at = table_facts_at(file, name);
  std::uint32_t version = 0;
  std::memcpy(&version, file.data() + table_magic.size(), sizeof version);
  if (version != table_version)
    table_refuse(name, text("expected version ", table_version, ", got ", version));
  auto const foot = file.last(table_foot_bytes);
  if (table_words(foot.subspan(16, table_hash_bytes)) != case_signature(file, name))
    table_refuse(name, "its table was changed or damaged");

  auto const room = file.size() - table_foot_bytes - facts_at;
  auto const facts_bytes = table_u64(foot, 8);
  if (facts_bytes > std::min<std::uint64_t>(room, table_facts_limit))
    table_refuse(name, "its facts are too long");
  auto const json = parse_json(table_words(file.subspan(facts_at, facts_bytes)), name);
  if (!json.is_object()) table_refuse(name, "its facts are no JSON object");
  auto table = table_from({json, name});

  // Counts first as numbers: nothing is read before it is sure to be there.
  auto const offset_count = static_cast<std::uint64_t>(table.chunks_of_all()) + 1;
  std::uint64_t place_count = 0;
  for (auto const count : table.places) place_count += static_cast<std::uint64_t>(count);
  if (8 * offset_count + 4 * place_count != room - facts_bytes)
    table_refuse(name, "its table has not the length that its facts say");
  table.offsets_at = facts_at + facts_bytes;
  table.places_at = table.offsets_at + 8 * offset_count;
  table_check_offsets(file, table, facts_at, name);
  return table;
}

std::string case_head() {
  std::string head{table_magic};
  table_append(head, table_version);
  head.resize(case_head_bytes, '\0');
  return head;
}

std::string case_tail(CaseTable const& table,
                      std::span<std::uint64_t const> offsets,
                      std::span<std::vector<std::uint32_t> const> places) {
  Json counts = Json::array();
  for (auto const& of_one : places) counts.push_back(of_one.size());
  auto const* const labels = table.labels == StoredLabels::i8    ? "i8"
                             : table.labels == StoredLabels::i16 ? "i16"
                                                                 : "none";
  Json const facts{{"channels", table.channels}, {"size", table.size},
                   {"chunk", table.chunk},       {"labels", labels},
                   {"classes", table.classes},   {"annotated", table.annotated},
                   {"places", counts},           {"id", utf8(table.id)},
                   {"key", utf8(table.key)},     {"notes", utf8(table.notes)}};
  auto tail = facts.dump();
  auto const facts_bytes = tail.size();
  for (auto const offset : offsets) table_append(tail, offset);
  for (auto const& of_one : places)
    for (auto const place : of_one) table_append(tail, place);
  table_append(tail, offsets.back());
  table_append(tail, static_cast<std::uint64_t>(facts_bytes));
  tail += sha256(tail);
  tail += table_end;
  return tail;
}

}  // namespace fovea
