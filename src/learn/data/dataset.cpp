#include "learn/data/dataset.hpp"

#include "base/core/hash.hpp"
#include "base/core/pool.hpp"
#include "base/core/words.hpp"
#include "base/geometry/same_grid.hpp"
#include "base/io/formats.hpp"
#include "base/io/picture.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace fovea {
namespace {

// The file as it lies there, not its pixels: a hash must not depend on a decoder's version.
std::string dataset_bytes_hash(Location const& at) {
  return sha256_of_file(at.file) + at.member;
}

std::string dataset_voxels_hash(Volume const& image) {
  return sha256(std::span<std::byte const>{image.bytes().get(), image.byte_count()});
}

// Files of masks that hold those of many cases, hashed once.
using DatasetHashes = std::map<fs::path, std::string>;

DatasetHashes dataset_shared_hashes(Dataset const& set) {
  DatasetHashes out;
  for (auto const& one : set.cases) {
    if (!set.masks || one.mask.row < 0 || out.contains(one.mask.file)) continue;
    try {
      out[one.mask.file] = sha256_of_file(one.mask.file);
    } catch (Error const&) {
      out[one.mask.file] = "unreadable";
    }
  }
  return out;
}

std::string dataset_image_hash(Dataset const& set,
                               Case const& one,
                               DatasetHashes const& shared) {
  try {
    auto out = one.image.row >= 0 ? dataset_voxels_hash(set.image(one))
                                  : dataset_bytes_hash(one.image);
    for (auto const& more : one.channels) out += text('\0', dataset_bytes_hash(more));
    for (auto const& mask : {one.mask, one.field_of_view}) {
      if (!set.masks || mask.file.empty()) continue;
      auto const known = shared.find(mask.file);
      out += text('\0', known == shared.end() ? dataset_bytes_hash(mask)
                                              : text(known->second, mask.row));
    }
    return out;
  } catch (Error const&) {
    return "unreadable";
  }
}

// What masks mean belongs to the set as much as their voxels do.
std::string dataset_masks_line(Dataset const& set) {
  auto line = text("masks\n", joined(set.channels, "\n"), '\n');
  for (auto const& label : set.labels) {
    line += label.name;
    for (auto const value : label.values) line += text('\0', value);
    line += text('\0', label.written, '\n');
  }
  return line + (set.ignore ? text("ignore ", *set.ignore, '\n') : "");
}

std::string dataset_line(Case const& one, bool with_labels, std::string const& image) {
  auto line =
      text(one.id, '\0', one.patient, '\0', name_of(one.split), '\0', spelled(one.weight));
  // Of masks they only say what was seen so far.
  if (with_labels) {
    for (auto const label : one.labels) line += text('\0', label);
  }
  return line + '\0' + image + '\n';
}

Volume dataset_read(Dataset const& set, Location const& at) {
  if (at.row >= 0 || !at.member.empty()) return set.rows(at);
  if (set.reader) return set.reader(at.file);
  return named_as_picture(at.file) || !set.masks ? read_picture(at.file)
                                                 : read_volume(at.file).volume;
}

// Channels that lie in files of their own, as one volume.
Volume dataset_stacked(Dataset const& set, Case const& one, Volume first) {
  std::vector<Volume> parts = {std::move(first)};
  for (auto const& at : one.channels) {
    parts.push_back(dataset_read(set, at));
    expect_same_places(parts.front().grid(), parts.back().grid(),
                       text("the channels ", one.image.file.filename().string(), " and ",
                            at.file.filename().string()));
  }
  auto const same = std::ranges::all_of(
      parts, [&](Volume const& part) { return part.type() == parts.front().type(); });
  std::int64_t channels = 0;
  for (auto& part : parts) {
    if (!same) part = as_float(part);
    channels += part.channels();
  }
  Volume out{parts.front().grid(), parts.front().type(), parts.front().unit(), channels};
  auto* to = out.bytes().get();
  for (auto const& part : parts) to = std::copy_n(part.bytes().get(), part.byte_count(), to);
  return out;
}

// With one label a case.
bool dataset_knows(Case const& one) {
  return !one.labels.empty() && one.labels[0] != unknown;
}

std::vector<bool> dataset_filled(Dataset const& set) {
  std::vector<bool> filled(set.classes.size(), false);
  for (auto const& one : set.cases) {
    if (dataset_knows(one)) filled.at(static_cast<std::size_t>(one.labels[0])) = true;
  }
  return filled;
}

// A class that lost its last case would be learnt as an answer that is never right.
void dataset_drop_emptied(Dataset& set, std::vector<bool> const& before) {
  auto const after = dataset_filled(set);
  std::vector<std::int32_t> now;
  std::vector<std::string> kept;
  std::vector<std::string> emptied;
  for (std::size_t c = 0; c < after.size(); ++c) {
    auto const stays = after[c] || !before[c];
    now.push_back(static_cast<std::int32_t>(kept.size()));
    (stays ? kept : emptied).push_back(set.classes[c]);
  }
  if (emptied.empty()) return;
  for (auto& one : set.cases) {
    if (dataset_knows(one)) one.labels[0] = now[static_cast<std::size_t>(one.labels[0])];
  }
  set.classes = std::move(kept);
  set.notes.push_back(text("no usable image is left of ", named(emptied), ": not a class"));
}

}  // namespace

std::string_view name_of(Split split) {
  constexpr std::string_view names[] = {"unassigned", "train", "val", "test"};
  return names[static_cast<std::size_t>(split)];
}

std::optional<Split> split_named(std::string_view name) {
  struct Word {
    std::string_view word;
    Split split;
  };
  static constexpr Word words[] = {
      {"train", Split::train},      {"training", Split::train},
      {"val", Split::validation},   {"validation", Split::validation},
      {"valid", Split::validation}, {"dev", Split::validation},
      {"test", Split::test},        {"testing", Split::test},
  };
  auto const wanted = lower(trimmed(name));
  for (auto const& row : words) {
    if (row.word == wanted) return row.split;
  }
  return std::nullopt;
}

Volume Dataset::image(Case const& one) const {
  try {
    auto first = dataset_read(*this, one.image);
    return one.channels.empty() ? first : dataset_stacked(*this, one, std::move(first));
  } catch (Error const& error) {
    throw Error{error.fault(), text("image ", one.id, " cannot be read: ", error.what()), ""};
  }
}

std::vector<std::size_t> Dataset::in(Split split) const {
  std::vector<std::size_t> found;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    if (cases[i].split == split) found.push_back(i);
  }
  return found;
}

std::vector<std::size_t> Dataset::labelled(Split split) const {
  auto found = in(split);
  std::erase_if(found, [&](std::size_t index) {
    if (masks) return cases[index].mask.file.empty();
    return std::ranges::all_of(cases[index].labels,
                               [](std::int32_t label) { return label == unknown; });
  });
  return found;
}

bool Dataset::is(Case const& one, std::size_t of_class) const {
  if (multi_label || masks) return of_class < one.labels.size() && one.labels[of_class] == 1;
  return !one.labels.empty() && one.labels[0] == static_cast<std::int32_t>(of_class);
}

bool Dataset::regions() const {
  std::set<std::int32_t> seen;
  for (auto const& label : labels) {
    if (label.values.size() != 1 || !seen.insert(label.values[0]).second) return true;
  }
  return false;
}

std::string Dataset::hash() const {
  std::vector<std::string> images(cases.size());
  auto const shared = dataset_shared_hashes(*this);
  in_parallel(static_cast<std::int64_t>(cases.size()), usable_cores(), [&](std::int64_t i) {
    auto const at = static_cast<std::size_t>(i);
    images[at] = dataset_image_hash(*this, cases[at], shared);
  });
  Sha256 all;
  if (masks) all.add(dataset_masks_line(*this));
  all.add(
      text(multi_label ? "several labels" : "one label", '\n', joined(classes, "\n"), '\n'));
  for (std::size_t i = 0; i < cases.size(); ++i)
    all.add(dataset_line(cases[i], !masks, images[i]));
  return all.hex();
}

Dataset without(Dataset const& set, std::vector<std::size_t> const& cases) {
  constexpr auto gone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> now(set.cases.size(), 0);
  for (auto const at : cases) now.at(at) = gone;
  auto out = set;
  out.cases.clear();
  for (std::size_t i = 0; i < set.cases.size(); ++i) {
    if (now[i] == gone) continue;
    now[i] = out.cases.size();
    out.cases.push_back(set.cases[i]);
  }
  for (auto& problem : out.problems) {
    for (auto& at : problem.cases) at = now.at(at);
    std::erase(problem.cases, gone);
  }
  if (!set.multi_label && !set.masks) dataset_drop_emptied(out, dataset_filled(set));
  return out;
}

std::string named(std::vector<std::string> const& names, std::size_t most) {
  auto const shown = std::min(names.size(), most);
  auto out = joined(std::span{names}.first(shown), ", ");
  if (names.size() > shown) out += text(" and ", names.size() - shown, " more");
  return out;
}

}  // namespace fovea
