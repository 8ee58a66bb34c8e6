#include "learn/weights/container.hpp"

#include "base/core/error.hpp"
#include "base/core/hash.hpp"
#include "base/core/json.hpp"

#include <algorithm>
#include <set>

namespace fovea {
namespace {

constexpr std::string_view container_manifest = "manifest.json";
constexpr std::string_view container_format = "fovea package";
constexpr std::size_t container_members = 10'000;
constexpr std::uint64_t container_manifest_limit = 4U << 20;

[[noreturn]] void container_refuse(std::string const& name, std::string const& happened) {
  throw Error{Fault::input, text(name, " is no sound package: ", happened),
              "get it again from where it came"};
}

std::string container_shown(std::string_view name) {
  return Json(name.substr(0, 80)).dump(-1, ' ', true, Json::error_handler_t::replace);
}

struct ContainerMember {
  std::string name;
  std::uint64_t bytes = 0;
  std::string sha256;
};

ContainerMember container_member(Json const& json, std::string const& package) {
  auto const is_word = [&](char const* key) {
    return json.contains(key) && json[key].is_string();
  };
  if (!json.is_object() || json.size() != 3 || !is_word("name") || !is_word("sha256") ||
      !json.contains("bytes") || !json["bytes"].is_number_unsigned())
    container_refuse(package,
                     "expected name, bytes and sha256 alone for each member in manifest.json");
  return {json["name"].get<std::string>(), json["bytes"].get<std::uint64_t>(),
          json["sha256"].get<std::string>()};
}

std::vector<ContainerMember> container_members_of(Json const& manifest,
                                                  std::string const& package) {
  if (!manifest.is_object() || !manifest.contains("format") ||
      manifest["format"] != container_format || !manifest.contains("version") ||
      !manifest["version"].is_number_unsigned())
    container_refuse(package, "its manifest.json is not that of a package");
  auto const version = manifest["version"].get<std::uint64_t>();
  if (version > package_version)
    throw Error{Fault::input,
                text(package, " is a package of version ", version,
                     "; this program reads versions up to ", package_version),
                "use a newer fovea"};
  if (version < 1) container_refuse(package, "its version is 0");
  if (manifest.size() != 3 || !manifest.contains("members") || !manifest["members"].is_array())
    container_refuse(package, "expected format, version and members alone in manifest.json");
  std::vector<ContainerMember> members;
  for (auto const& json : manifest["members"])
    members.push_back(container_member(json, package));
  return members;
}

std::string_view container_words(Bytes const& bytes) {
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

}  // namespace

Container::Container(fs::path const& file) : name_(text(file)), zip_(file, container_members) {
  check();
}

Container::Container(std::span<std::byte const> bytes, std::string name)
    : name_(name), zip_(bytes, std::move(name), container_members) {
  check();
}

void Container::check() {
  if (!zip_.has(container_manifest))
    throw Error{Fault::input,
                text("expected a package with a manifest.json, got another zip in ", name_),
                "pass a .fovea file that 'fovea export' wrote"};
  auto const manifest = zip_.read(container_manifest, container_manifest_limit);
  auto const members = container_members_of(
      parse_json(container_words(manifest), text("manifest.json of ", name_)), name_);
  std::set<std::string_view> named{container_manifest};
  for (auto const& member : members) {
    if (!named.insert(member.name).second)
      container_refuse(name_,
                       text("its manifest names ", container_shown(member.name), " twice"));
    if (!zip_.has(member.name))
      container_refuse(name_, text(container_shown(member.name), " is missing"));
    auto const bytes = zip_.read(member.name, member.bytes);
    if (bytes.size() != member.bytes || sha256(bytes) != member.sha256)
      container_refuse(
          name_, text(container_shown(member.name),
                      " was changed after the package was written (its SHA-256 is another)"));
    names_.push_back(member.name);
  }
  for (auto const& entry : zip_.entries()) {
    if (!named.contains(entry.name))
      container_refuse(name_, text("it holds ", container_shown(entry.name),
                                   ", which its manifest does not name"));
  }
  identity_ = sha256(manifest);
}

Bytes Container::read(std::string_view name, std::uint64_t limit) const {
  if (!has(name)) container_refuse(name_, text(container_shown(name), " is missing"));
  return zip_.read(name, limit);
}

std::string Container::read_words(std::string_view name, std::uint64_t limit) const {
  return std::string{container_words(read(name, limit))};
}

void write_container(fs::path const& file, std::vector<ZipMember> members) {
  Json manifest = {
      {"format", container_format}, {"version", package_version}, {"members", Json::array()}};
  std::set<std::string_view> named{container_manifest};
  for (auto const& member : members) {
    if (!named.insert(member.name).second)
      throw Error{Fault::bug,
                  text("a package cannot hold ", container_shown(member.name), " twice"),
                  "give it a name of its own"};
    manifest["members"].push_back({{"name", member.name},
                                   {"bytes", member.bytes.size()},
                                   {"sha256", sha256(member.bytes)}});
  }
  members.insert(members.begin(), member_of(std::string{container_manifest}, pretty(manifest)));
  write_zip(file, members);
}

ZipMember member_of(std::string name, std::string_view words) {
  auto const bytes = std::as_bytes(std::span{words});
  return {std::move(name), {bytes.begin(), bytes.end()}};
}

}  // namespace fovea
