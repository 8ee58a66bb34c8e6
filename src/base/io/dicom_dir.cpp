#include "base/io/dicom_dir.hpp"

#include "base/core/error.hpp"
#include "base/core/words.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <system_error>

namespace fovea {
namespace {

constexpr Tag dicomdir_sequence{0x00041220}, dicomdir_in_use{0x00041410},
    dicomdir_kind{0x00041430}, dicomdir_place{0x00041500}, dicomdir_sop{0x00041511};
constexpr std::string_view dicomdir_class = "1.2.840.10008.1.3.10";

bool dicomdir_is_plain(std::string const& name) {
  constexpr std::size_t most = 255;  // a name's bytes, in any file system
  auto const control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && name != "." && name != ".." && name.size() <= most &&
         name.find('/') == std::string::npos && std::ranges::none_of(name, control);
}

// What media's drivers make of "IM1": "im1", "IM1.", "IM1;1", "im1.;1".
std::string dicomdir_folded(std::string_view name) {
  auto const version = name.rfind(';');
  auto const digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version != std::string_view::npos && version + 1 < name.size() &&
      std::ranges::all_of(name.substr(version + 1), digit))
    name = name.substr(0, version);
  if (name.ends_with('.')) name.remove_suffix(1);
  return lower(name);
}

/// Finds names in folders, each of which it reads once.
class DicomdirFolders {
 public:
  /// The entry of that name; empty if there is none, or several where only case parts them.
  fs::path find(fs::path const& folder, std::string const& name) {
    auto const& names = of(folder);
    if (std::ranges::binary_search(names.exact, name)) return folder / name;
    auto const [first, last] = names.folded.equal_range(dicomdir_folded(name));
    return first != last && std::next(first) == last ? folder / first->second : fs::path{};
  }

 private:
  struct Names {
    std::vector<std::string> exact;
    std::multimap<std::string, std::string> folded;
  };
  Names const& of(fs::path const& folder) {
    auto const [at, fresh] = seen_.try_emplace(folder.string());
    if (!fresh) return at->second;
    std::error_code fault;
    for (auto const& entry : fs::directory_iterator{folder, fault}) {
      auto name = entry.path().filename().string();
      at->second.folded.emplace(dicomdir_folded(name), name);
      at->second.exact.push_back(std::move(name));
    }
    std::ranges::sort(at->second.exact);
    return at->second;
  }

  std::map<std::string, Names> seen_;
};

bool dicomdir_is_below(fs::path const& file, fs::path const& folder) {
  std::error_code fault;
  auto const real = fs::canonical(file, fault);
  auto const ends = std::ranges::mismatch(folder, real);
  return !fault && ends.in1 == folder.end();
}

}  // namespace

std::vector<DicomRecord> dicomdir_records(DicomFile const& file) {
  auto const root = file.scan().root();
  if (root.find(dicomdir_sequence) == nullptr)
    throw Refusal{"not-dicomdir", text(file.name(), ": expected a DICOMDIR, got no records"),
                  "name the file DICOMDIR at the top of the medium"};
  std::vector<DicomRecord> out;
  for (auto const& item : root.items(dicomdir_sequence)) {
    auto const* const place = item.find(dicomdir_place);
    if (place == nullptr || place->length == 0 || item.whole(dicomdir_in_use) == 0) continue;
    DicomRecord record{.kind = item.text(dicomdir_kind),
                       .sop = item.text(dicomdir_sop),
                       .place = item.texts(dicomdir_place),
                       .said = item.text(dicomdir_place),
                       .at = place->at};
    if (!std::ranges::all_of(record.place, dicomdir_is_plain)) record.place.clear();
    out.push_back(std::move(record));
  }
  return out;
}

DicomDir read_dicomdir(fs::path const& path) {
  DicomFile const file{path};
  auto folder = path.parent_path();
  if (folder.empty()) folder = ".";
  auto const real = fs::canonical(folder);
  DicomdirFolders folders;
  std::set<fs::path> seen;
  DicomDir out;
  for (auto const& record : dicomdir_records(file)) {
    auto const refuse = [&](std::string_view code, std::string_view words) {
      out.damaged.push_back(
          {path, std::string{code}, record.at,
           text(path, ": the record of '", printable(record.said, {}), "' ", words)});
    };
    auto found = record.place.empty() ? fs::path{} : folder;
    for (auto const& name : record.place) {
      if (!found.empty()) found = folders.find(found, name);
    }
    std::error_code fault;
    if (record.place.empty())
      refuse("file-elsewhere",
             "leads out of the folder of the DICOMDIR; only plain names are followed");
    else if (found.empty() || !fs::is_regular_file(found, fault))
      refuse("missing-file", "leads to no file");
    else if (!dicomdir_is_below(found, real))
      refuse("file-elsewhere", "leads to a link out of the folder of the DICOMDIR");
    else if (seen.insert(found).second) {
      out.files.push_back(found);
      out.sops.push_back(record.sop);
    }
  }
  return out;
}

bool is_dicomdir(fs::path const& path) try {
  constexpr std::size_t preamble = 128, most = 1024;
  std::error_code fault;
  if (!fs::is_regular_file(path, fault)) return false;
  FileReader const file{path};
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(file.size(), most)), '\0');
  file.read(0, std::as_writable_bytes(std::span{bytes}));
  auto const head = std::string_view{bytes}.substr(std::min(preamble, bytes.size()));
  auto const at = head.find(dicomdir_class);
  // Its length is even, so the next attribute follows at once, and is of group 2.
  return head.starts_with("DICM") && at != std::string_view::npos &&
         head.substr(at + dicomdir_class.size()).starts_with(std::string_view{"\2\0", 2});
} catch (Error const&) {
  return false;  // whoever reads it will say why it cannot be read
}

}  // namespace fovea
