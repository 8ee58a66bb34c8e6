#include "learn/recipe/all_cases.hpp"

#include "base/core/error.hpp"
#include "base/core/pool.hpp"

#include <mutex>

namespace fovea {
namespace {

void all_cases_run(std::int64_t count,
                   AllCases const& options,
                   std::function<void(std::int64_t)> const& work) {
  std::mutex lock;
  std::int64_t done = 0;
  in_parallel(count, options.threads > 0 ? options.threads : usable_cores(),
              [&](std::int64_t at) {
                if (options.stop != nullptr) heed(*options.stop);
                work(at);
                std::lock_guard const guard{lock};
                ++done;
                if (options.progress) options.progress(done, count);
              });
}

}  // namespace

Fingerprint fingerprint_of(std::int64_t count,
                           std::int64_t channels,
                           LoadCase const& load,
                           AllCases const& options) {
  FingerprintBuilder builder{count, channels};
  all_cases_run(count, options, [&](std::int64_t at) {
    auto const one = load(at);
    if (!one.labels)
      throw Error{Fault::input, text("case ", at, " has no labels"),
                  "give every case for training its labels"};
    builder.add(at, one.image, *one.labels);
  });
  return builder.finish();
}

void prepare_all(std::int64_t count,
                 LoadCase const& load,
                 Recipe const& recipe,
                 RecipeConfig const& config,
                 std::function<void(std::int64_t at, PreparedCase&& prepared)> const& keep,
                 AllCases const& options) {
  all_cases_run(count, options, [&](std::int64_t at) {
    auto const one = load(at);
    keep(at, prepare(one.image, one.labels ? &*one.labels : nullptr, recipe, config));
  });
}

}  // namespace fovea
