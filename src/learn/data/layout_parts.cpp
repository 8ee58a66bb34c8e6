#include "learn/data/layout_parts.hpp"

#include "base/core/words.hpp"
#include "base/io/picture.hpp"

#include <algorithm>

namespace fovea {
namespace {

bool parts_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view parts_run(std::string_view words) {
  std::size_t end = 0;
  while (end < words.size() && parts_digit(words[end])) ++end;
  return words.substr(0, end);
}

std::string_view parts_without_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

template <class T>
void parts_planes(std::span<T const> pixels, std::span<T> planes, std::size_t channels) {
  auto const count = planes.size() / channels;
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t c = 0; c < channels; ++c) planes[c * count + i] = pixels[i * channels + c];
  }
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  auto const whole_a = a;
  auto const whole_b = b;
  while (!a.empty() && !b.empty()) {
    if (parts_digit(a.front()) && parts_digit(b.front())) {
      auto const run_a = parts_run(a);
      auto const run_b = parts_run(b);
      auto const x = parts_without_zeros(run_a);
      auto const y = parts_without_zeros(run_b);
      if (x.size() != y.size()) return x.size() < y.size();
      if (x != y) return x < y;
      a.remove_prefix(run_a.size());
      b.remove_prefix(run_b.size());
    } else {
      if (a.front() != b.front())
        return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
      a.remove_prefix(1);
      b.remove_prefix(1);
    }
  }
  if (a.empty() != b.empty()) return a.empty();
  return whole_a < whole_b;
}

FolderView view_of(fs::path const& folder) {
  FolderView view;
  std::error_code fault;
  fs::directory_iterator entries{folder, fault};
  if (fault == std::errc::permission_denied)
    throw Error{Fault::resource, text("no permission to look into ", folder),
                "change its permissions or choose another folder"};
  if (fault)
    throw Error{Fault::input, text("cannot look into ", folder, ": ", fault.message()),
                "check the path"};
  for (auto const& entry : entries) {
    auto const name = entry.path().filename().string();
    if (name.starts_with('.') || name == "__MACOSX") continue;
    // A link that leads nowhere or in a circle is neither a folder nor a file: skipped.
    std::error_code ignored;
    if (entry.is_directory(ignored)) {
      view.folders.push_back(entry.path());
    } else if (entry.is_regular_file(ignored)) {
      (named_as_picture(entry.path()) ? view.pictures : view.others).push_back(entry.path());
    }
  }
  for (auto* list : {&view.folders, &view.pictures, &view.others}) {
    std::ranges::sort(*list, [](fs::path const& a, fs::path const& b) {
      return natural_less(a.filename().native(), b.filename().native());
    });
  }
  return view;
}

std::vector<fs::path> files_ending(fs::path const& root,
                                   std::vector<std::string> const& endings) {
  auto const fits = [&](fs::path const& file) {
    return std::ranges::find(endings, lower(file.extension().string())) != endings.end();
  };
  if (!fs::is_directory(root)) return fits(root) ? std::vector{root} : std::vector<fs::path>{};
  auto files = view_of(root).others;
  std::erase_if(files, [&](fs::path const& file) { return !fits(file); });
  return files;
}

PatientRule::PatientRule(std::string const& expression) : expression_(expression) {
  if (expression.empty()) return;
  // std::regex descends a level for each bracket and would run out of stack.
  constexpr std::size_t longest = 1000;
  if (expression.size() > longest)
    throw Error{Fault::usage,
                text("expected a regular expression of at most ", longest,
                     " characters, got one of ", expression.size()),
                "for names as p0123_1.png: --patient-from '^(p[0-9]+)_'"};
  try {
    regex_.emplace(expression);
  } catch (std::regex_error const& error) {
    throw Error{Fault::usage,
                text("expected a regular expression, got '", expression, "': ", error.what()),
                "for names as p0123_1.png: --patient-from '^(p[0-9]+)_'"};
  }
  if (regex_->mark_count() == 0)
    throw Error{
        Fault::usage,
        text("expected a group in brackets that is the patient, got '", expression, "'"),
        "for names as p0123_1.png: --patient-from '^(p[0-9]+)_'"};
}

void PatientRule::apply(Dataset& set) const {
  if (!regex_) return;
  std::vector<std::string> strangers;
  std::smatch match;
  for (auto& one : set.cases) {
    if (!one.patient.empty()) continue;
    auto const name = one.image.file.filename().string();
    if (one.image.row < 0 && std::regex_search(name, match, *regex_))
      one.patient = match[1].str();
    if (one.patient.empty()) strangers.push_back(one.id);
  }
  if (!strangers.empty())
    set.notes.push_back(text("'", expression_, "' finds no patient in ", strangers.size(),
                             " of ", set.cases.size(), " names (", named(strangers),
                             "): each counts as a patient of its own"));
}

bool FolderCache::has(std::string const& file) {
  auto const cut = file.rfind('/');
  auto const folder = cut == std::string::npos ? std::string{"."} : file.substr(0, cut + 1);
  auto known = names_.find(folder);
  if (known == names_.end()) {
    known = names_.emplace(folder, std::unordered_set<std::string>{}).first;
    std::error_code fault;
    for (fs::directory_iterator entry{folder, fault}, end; !fault && entry != end;
         entry.increment(fault))
      known->second.insert(entry->path().filename().string());
  }
  return known->second.contains(cut == std::string::npos ? file : file.substr(cut + 1));
}

std::map<std::string, Array> const& NpzRows::shapes(fs::path const& file) {
  std::scoped_lock const lock{guard_};
  auto const known = shapes_.find(file);
  if (known != shapes_.end()) return known->second;
  return shapes_.emplace(file, list_npz(file)).first->second;
}

Array const& NpzRows::array(fs::path const& file, std::string const& member) {
  std::scoped_lock const lock{guard_};
  auto const key = std::pair{file, member};
  auto const known = arrays_.find(key);
  if (known != arrays_.end()) return known->second;
  if (auto const broken = broken_.find(key); broken != broken_.end()) throw broken->second;
  try {
    auto read = read_npz(file, {member});
    auto const found = read.find(member);
    if (found == read.end())
      throw Error{Fault::input, text(file, " holds no array '", member, "'"), "check the list"};
    return arrays_.emplace(key, std::move(found->second)).first->second;
  } catch (Error const& error) {
    broken_.emplace(key, error);
    throw;
  }
}

Volume NpzRows::row(Location const& at) {
  auto const& all = array(at.file, at.member);
  auto const rank = all.shape.size();
  if ((rank != 3 && rank != 4) || at.row < 0 || at.row >= all.shape[0])
    throw Error{
        Fault::input,
        text("expected image ", at.row, " of (n, h, w) or (n, h, w, c) in ", at.member, " of ",
             at.file, ", got ", rank, " axes, ", rank > 0 ? all.shape[0] : 0, " rows"),
        "check the list"};
  auto const channels = rank == 4 ? all.shape[3] : 1;
  auto image = image2d(all.shape[2], all.shape[1], all.type, channels);
  with_type(all.type, [&](auto kind) {
    using T = decltype(kind);
    auto const size = image.byte_count() / sizeof(T);
    auto const pixels = all.as<T>().subspan(static_cast<std::size_t>(at.row) * size, size);
    parts_planes<T>(pixels, image.write<T>(), static_cast<std::size_t>(channels));
  });
  return image;
}

void read_rows_from(Dataset& set, std::shared_ptr<NpzRows> npz) {
  set.rows = [npz = std::move(npz)](Location const& at) { return npz->row(at); };
}

}  // namespace fovea
