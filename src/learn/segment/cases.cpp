#include "learn/segment/cases.hpp"

#include "base/core/memory.hpp"
#include "base/core/pool.hpp"
#include "base/core/progress.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>

namespace fovea {
namespace {

// Any text that changes when the files do.
std::string cases_source(fs::path const& file) {
  std::error_code fault;
  auto const absolute = fs::absolute(file).lexically_normal().string();
  if (fs::is_directory(file, fault)) {
    std::vector<std::string> inside;
    for (auto const& entry : fs::recursive_directory_iterator{file, fault})
      if (entry.is_regular_file(fault)) inside.push_back(cases_source(entry.path()));
    std::ranges::sort(inside);
    return absolute + "\n" + joined(inside, "");
  }
  auto const size = fs::file_size(file, fault);
  auto const time = fs::last_write_time(file, fault).time_since_epoch().count();
  return text(absolute, " ", size, " ", time, "\n");
}

std::string cases_sources(Case const& one) {
  std::string out;
  auto const add = [&](Location const& where) {
    if (!where.file.empty())
      out += text(cases_source(where.file), where.member, " ", where.row, "\n");
  };
  add(one.image);
  for (auto const& channel : one.channels) add(channel);
  add(one.mask);
  return out;
}

std::string cases_recipe(Recipe const& recipe, SegmentTargets const& targets) {
  auto words = recipe_json(recipe).dump();
  for (std::size_t i = 0; i < targets.names.size(); ++i) {
    words += text("\n", targets.regions ? "region" : "label");
    for (auto const value : targets.values[i]) words += text(" ", value);
  }
  if (targets.ignored_value) words += text("\nignore ", *targets.ignored_value);
  return words;
}

std::vector<std::int16_t> cases_labels(Volume const& labels) {
  std::vector<std::int16_t> out(static_cast<std::size_t>(labels.voxels()));
  with_type(labels.type(), [&](auto zero) {
    std::ranges::transform(labels.as<decltype(zero)>(), out.begin(),
                           [](auto value) { return static_cast<std::int16_t>(value); });
  });
  return out;
}

// Says what a folder that is full or locked is for.
template <class Work>
auto cases_kept(Work const& work) {
  try {
    return work();
  } catch (Error const& error) {
    if (error.fault() != Fault::resource) throw;
    throw Error{Fault::resource, error.what(),
                "prepared cases lie there; --set cache=FOLDER names another"};
  }
}

std::shared_ptr<StoredCase const> cases_made(Dataset const& set,
                                             Case const& one,
                                             Recipe const& recipe,
                                             SegmentTargets const& targets,
                                             std::array<std::int64_t, 3> const& patch,
                                             CaseStore const& store,
                                             std::string const& sources) {
  auto const image = segment_image(set.image(one));
  auto const labels = segment_labels(set, one, image, targets);
  auto const prepared = prepare(image, &labels, recipe, recipe.configs.front());
  auto const stored = cases_labels(prepared.labels);
  LabelSet annotated;
  if (targets.ignore) {
    annotated = {-1, 0};
    for (auto const& inside : targets.inside)
      annotated.insert(annotated.end(), inside.begin(), inside.end());
    std::ranges::sort(annotated);
    annotated.erase(std::unique(annotated.begin(), annotated.end()), annotated.end());
  }
  return cases_kept([&] {
    return store.put({.channels = prepared.image.channels(),
                      .size = shape_of(prepared.image.grid()),
                      .image = prepared.image.as<float>(),
                      .labels = stored,
                      .classes = targets.inside,
                      .annotated = annotated,
                      .patch = patch,
                      .id = one.id,
                      .key = {},
                      .notes = {}},
                     sources);
  });
}

}  // namespace

std::vector<std::string> channels_of(Dataset const& set, std::vector<ImageFacts> const& facts) {
  if (!set.channels.empty()) return set.channels;
  auto const train = set.labelled(Split::train);
  std::vector<std::string> out;
  for (std::int64_t c = 0; !train.empty() && c < facts[train.front()].channels; ++c)
    out.push_back(text("channel ", c + 1));
  return out;
}

Volume segment_image(Volume const& image) {
  return image.depth() == 1 ? as_picture(image) : image;
}

Volume segment_labels(Dataset const& set,
                      Case const& one,
                      Volume const& image,
                      SegmentTargets const& targets) {
  auto const original = image.depth() == 1 ? set.image(one).grid() : image.grid();
  auto const map = set.mask(one, original);
  Volume out{image.grid(), Type::i16};
  with_type(map.voxels.type(), [&](auto zero) {
    std::ranges::transform(
        map.voxels.as<decltype(zero)>(), out.write<std::int16_t>().begin(),
        [&](auto value) { return targets.stored(static_cast<std::int32_t>(value)); });
  });
  return out;
}

fs::path segment_cache(Plan const& plan) {
  if (auto const& said = plan.word("cache"); !said.empty()) return said;
  if (auto const* const cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != 0)
    return fs::path{cache} / "fovea" / "cases";
  auto const* const home = std::getenv("HOME");
  return (home != nullptr && *home != 0 ? fs::path{home} : fs::temp_directory_path()) /
         ".cache" / "fovea" / "cases";
}

std::vector<std::shared_ptr<StoredCase const>> found_cases(
    Dataset const& set,
    std::vector<std::size_t> const& which,
    FirstStage const& first,
    SegmentSetup const& setup,
    Plan const& plan,
    Stop const& stop) {
  auto const store = cases_kept([&] {
    return CaseStore{
        segment_cache(plan),
        text(recipe_json(setup.recipe).dump(), "\nfound by ", first.model().identity),
        available_memory() / 32};
  });
  std::vector<std::shared_ptr<StoredCase const>> out;
  Progress progress{"asking the first stage"};
  for (auto const index : which) {
    heed(stop);
    auto const& one = set.cases[index];
    auto const model = first.unseen_by(one);
    auto const sources = text(cases_sources(one), first.network_of(one));
    auto found = store.find(one.id, sources);
    if (!found) {
      auto const image = segment_image(set.image(one));
      auto const mask =
          segmented(model, first.contract(), image, {.outside = true, .stop = &stop}).labels;
      auto const prepared = prepare(image, &mask, setup.recipe, setup.config());
      auto const labels = cases_labels(prepared.labels);
      found = cases_kept([&] {
        return store.put({.channels = 0,
                          .size = shape_of(prepared.labels.grid()),
                          .image = {},
                          .labels = labels,
                          .classes = {},
                          .annotated = {},
                          .patch = setup.patch(),
                          .id = one.id,
                          .key = {},
                          .notes = {}},
                         sources);
      });
    }
    out.push_back(std::move(found));
    progress.show(static_cast<double>(out.size()), static_cast<double>(which.size()));
  }
  return out;
}

std::vector<std::shared_ptr<StoredCase const>> segment_cases(
    Dataset const& set,
    std::vector<std::size_t> const& which,
    Recipe const& recipe,
    SegmentTargets const& targets,
    Plan const& plan,
    std::array<std::int64_t, 3> const& patch,
    Stop const& stop) {
  auto const store = cases_kept([&] {
    return CaseStore{segment_cache(plan), cases_recipe(recipe, targets),
                     available_memory() / 8};
  });
  std::vector<std::shared_ptr<StoredCase const>> out(which.size());
  Progress progress{"preparing the cases"};
  std::mutex lock;
  std::size_t done = 0;
  auto const threads =
      plan.whole("threads") > 0 ? static_cast<int>(plan.whole("threads")) : usable_cores();
  in_parallel(std::ssize(which), threads, [&](std::int64_t at) {
    heed(stop);
    auto const& one = set.cases[which[static_cast<std::size_t>(at)]];
    auto const sources = cases_sources(one);
    auto found = store.find(one.id, sources);
    if (!found) found = cases_made(set, one, recipe, targets, patch, store, sources);
    out[static_cast<std::size_t>(at)] = std::move(found);
    std::scoped_lock const held{lock};
    progress.show(static_cast<double>(++done), static_cast<double>(which.size()));
  });
  return out;
}

}  // namespace fovea
