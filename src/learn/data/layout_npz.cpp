#include "learn/data/layout_npz.hpp"

#include "base/core/words.hpp"
#include "learn/data/layout_parts.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace fovea {
namespace {

using NpzArrays = std::map<std::string, Array>;

// One of train, val, test as it lies in the file.
struct NpzPart {
  Split split;
  std::string images;
  std::string labels;
};

std::vector<NpzPart> npz_parts(NpzArrays const& arrays) {
  std::vector<NpzPart> parts;
  for (auto const split : all_splits) {
    auto const name = std::string{name_of(split)};
    if (arrays.contains(name + "_images") || arrays.contains(name + "_labels"))
      parts.push_back({split, name + "_images", name + "_labels"});
  }
  return parts;
}

std::string npz_shape(Array const& array) {
  std::vector<std::string> sizes;
  for (auto const size : array.shape) sizes.push_back(text(size));
  return text("(", joined(sizes, ", "), ") ", name_of(array.type));
}

std::string npz_contents(NpzArrays const& arrays) {
  std::vector<std::string> names;
  for (auto const& [name, array] : arrays) names.push_back(name + " " + npz_shape(array));
  return names.empty() ? "no arrays" : named(names, 8);
}

[[noreturn]] void npz_refuse(fs::path const& file,
                             std::string const& expected,
                             std::string const& got) {
  throw Error{
      Fault::input, text("expected ", expected, " in ", file.filename(), ", got ", got),
      "the form is MedMNIST's: train_images (n, h, w) or (n, h, w, 3) with train_labels "
      "(n, 1), val_ and test_ likewise"};
}

void npz_check(fs::path const& file, NpzArrays const& arrays, NpzPart const& part) {
  for (auto const& name : {part.images, part.labels}) {
    if (!arrays.contains(name)) npz_refuse(file, "an array " + name, npz_contents(arrays));
  }
  auto const& images = arrays.at(part.images);
  auto const& labels = arrays.at(part.labels);
  auto const rank = images.shape.size();
  auto const planes = rank == 4 ? images.shape[3] : 1;
  if (rank != 3 && (rank != 4 || (planes != 1 && planes != 3)))
    npz_refuse(file, part.images + " of shape (n, h, w) or (n, h, w, 3)", npz_shape(images));
  if (images.shape[1] < 1 || images.shape[2] < 1)
    npz_refuse(file, part.images + " with pixels", npz_shape(images));
  if (labels.shape.empty() || labels.shape.size() > 2)
    npz_refuse(file, part.labels + " of shape (n, 1) or (n, L)", npz_shape(labels));
  if (labels.shape[0] != images.shape[0])
    npz_refuse(
        file, "as many labels as images",
        text(images.shape[0], " in ", part.images, ", ", labels.shape[0], " in ", part.labels));
}

std::int64_t npz_columns(Array const& labels) {
  return labels.shape.size() == 2 ? labels.shape[1] : 1;
}

std::int64_t npz_label(fs::path const& file,
                       std::string const& name,
                       Array const& labels,
                       std::int64_t at) {
  auto const value = labels.at(at);
  // Beyond 2^31 it is no class but a damaged file.
  if (value != std::floor(value) || std::abs(value) > 2147483647.0)
    npz_refuse(file, "whole numbers in " + name, spelled(value));
  return static_cast<std::int64_t>(value);
}

std::vector<std::int64_t> npz_all_labels(fs::path const& file,
                                         NpzArrays const& labels,
                                         std::vector<NpzPart> const& parts) {
  std::vector<std::int64_t> all;
  for (auto const& part : parts) {
    auto const& array = labels.at(part.labels);
    for (std::int64_t i = 0; i < array.count(); ++i)
      all.push_back(npz_label(file, part.labels, array, i));
  }
  return all;
}

// Sorted values are classes 0, 1, …; a value is named by its number.
std::vector<std::int64_t> npz_values(std::vector<std::int64_t> const& labels) {
  std::set<std::int64_t> const values(labels.begin(), labels.end());
  return {values.begin(), values.end()};
}

std::vector<std::int32_t> npz_row(std::span<std::int64_t const> row,
                                  std::vector<std::int64_t> const& values,
                                  bool several) {
  if (several) return {row.begin(), row.end()};
  auto const at = std::ranges::lower_bound(values, row[0]) - values.begin();
  return {static_cast<std::int32_t>(at)};
}

void npz_name_classes(Dataset& set,
                      fs::path const& file,
                      std::vector<std::int64_t> const& values,
                      std::int64_t columns) {
  set.multi_label = columns > 1;
  if (!set.multi_label) {
    for (auto const value : values) set.classes.push_back(text(value));
    return;
  }
  for (auto const value : values) {
    if (value != 0 && value != 1 && value != unknown)
      npz_refuse(file, "0, 1 or -1 (unknown) where a case has several labels", text(value));
  }
  for (std::int64_t i = 0; i < columns; ++i) set.classes.push_back(text(i));
}

std::int64_t npz_same_columns(fs::path const& file,
                              NpzArrays const& labels,
                              std::vector<NpzPart> const& parts) {
  auto const columns = npz_columns(labels.at(parts.front().labels));
  for (auto const& part : parts) {
    if (npz_columns(labels.at(part.labels)) != columns || columns < 1)
      npz_refuse(file, text(std::max<std::int64_t>(columns, 1), " labels a case everywhere"),
                 part.labels + " " + npz_shape(labels.at(part.labels)));
  }
  return columns;
}

NpzArrays npz_read_labels(fs::path const& file, std::vector<NpzPart> const& parts) {
  std::vector<std::string> names;
  for (auto const& part : parts) names.push_back(part.labels);
  return read_npz(file, names);
}

Dataset npz_read(fs::path const& root, fs::path const& file, ReadOptions const& options) {
  auto npz = std::make_shared<NpzRows>();
  auto const& arrays = npz->shapes(file);
  auto const parts = npz_parts(arrays);
  if (parts.empty()) npz_refuse(file, "an array train_images", npz_contents(arrays));
  for (auto const& part : parts) npz_check(file, arrays, part);
  auto const labels = npz_read_labels(file, parts);
  auto const columns = npz_same_columns(file, labels, parts);
  auto const all = npz_all_labels(file, labels, parts);
  auto const values = npz_values(all);

  Dataset set{.root = root, .form = "medmnist-npz"};
  npz_name_classes(set, file, values, columns);
  auto next = std::span{all};
  for (auto const& part : parts) {
    for (std::int64_t row = 0; row < labels.at(part.labels).shape[0]; ++row) {
      set.cases.push_back({.id = text(part.images, "/", row),
                           .split = part.split,
                           .image = {file, part.images, row},
                           .labels = npz_row(next.first(columns), values, set.multi_label)});
      next = next.subspan(columns);
    }
  }
  if (!options.patient_from.empty())
    set.notes.push_back("images in an npz have no file names: --patient-from is not used");
  read_rows_from(set, std::move(npz));
  return set;
}

struct NpzCandidates {
  std::vector<fs::path> fitting;
  std::vector<std::string> passed_over;  // with the reasons
};

NpzCandidates npz_candidates(std::vector<fs::path> const& files) {
  NpzCandidates found;
  auto const pass_over = [&](fs::path const& file, std::string const& reason) {
    found.passed_over.push_back(text(file.filename().string(), ": ", reason));
  };
  for (auto const& file : files) {
    // A file that somebody left in the folder must not hide the set beside it.
    try {
      auto const arrays = list_npz(file);
      if (npz_parts(arrays).empty()) {
        pass_over(file, npz_contents(arrays) + ", no train_images");
      } else {
        found.fitting.push_back(file);
      }
    } catch (Error const& error) {
      if (error.fault() != Fault::input) throw;
      pass_over(file, error.what());
    }
  }
  return found;
}

}  // namespace

std::optional<Dataset> read_npz_layout(fs::path const& root,
                                       ReadOptions const& options,
                                       std::vector<std::string>& nearly) {
  auto const files = files_ending(root, {".npz"});
  if (!files.empty() && files.front() == root) return npz_read(root, root, options);
  auto const [fitting, passed_over] = npz_candidates(files);
  nearly.insert(nearly.end(), passed_over.begin(), passed_over.end());
  if (fitting.empty()) return std::nullopt;
  if (fitting.size() == 1) return npz_read(root, fitting.front(), options);
  std::vector<std::string> names;
  for (auto const& file : fitting) names.push_back(file.filename().string());
  throw Error{
      Fault::input,
      text("expected one data set in ", root, ", got ", fitting.size(), ": ", named(names, 8)),
      "pass one of these files"};
}

std::string also_npz_layout(fs::path const& root) {
  auto const fitting = npz_candidates(files_ending(root, {".npz"})).fitting;
  return fitting.empty() ? "" : fitting.front().filename().string();
}

}  // namespace fovea
