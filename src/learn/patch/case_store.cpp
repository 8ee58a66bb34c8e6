#include "learn/patch/case_store.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/json.hpp"

#include <chrono>
#include <system_error>

namespace fovea {
namespace {

constexpr std::size_t keep_name_digits = 16;  // of a hash: enough that no two ever meet

// A writer that was killed leaves its draft behind. One that nobody touched for a day is no
// longer being written.
void keep_remove_drafts(fs::path const& folder) {
  auto const now = fs::file_time_type::clock::now();
  std::error_code ignored;
  for (auto const& entry : fs::directory_iterator{folder, ignored}) {
    if (entry.path().extension() != ".part") continue;
    auto const written = entry.last_write_time(ignored);
    if (!ignored && now - written > std::chrono::hours{24}) fs::remove(entry.path(), ignored);
  }
}

}  // namespace

CaseStore::CaseStore(fs::path const& root, std::string_view recipe, std::uint64_t cache_bytes)
    : folder_(root / sha256(recipe).substr(0, keep_name_digits)),
      cache_(std::make_shared<ChunkCache>(cache_bytes)) {
  make_folder(folder_);
  keep_remove_drafts(folder_);
  if (auto const words = folder_ / "recipe.txt"; !fs::exists(words)) write_file(words, recipe);
}

fs::path CaseStore::file_of(std::string_view id) const {
  // An id may hold anything: the file is named by its hash.
  return folder_ / (sha256(id).substr(0, keep_name_digits) + ".case");
}

std::shared_ptr<StoredCase const> CaseStore::find(std::string_view id,
                                                  std::string_view sources) const {
  auto const file = file_of(id);
  std::error_code ignored;
  if (!fs::is_regular_file(file, ignored)) return nullptr;
  try {
    auto found = std::make_shared<StoredCase const>(file, cache_);
    if (found->id() == utf8(id) && found->key() == sha256(sources)) return found;
  } catch (Error const& error) {
    if (error.fault() != Fault::input) throw;  // damaged: to be made again
  }
  return nullptr;
}

std::shared_ptr<StoredCase const> CaseStore::put(CaseToStore given,
                                                 std::string_view sources) const {
  given.key = sha256(sources);
  auto const file = file_of(given.id);
  store_case(file, given);
  return std::make_shared<StoredCase const>(file, cache_);
}

}  // namespace fovea
