#include "base/core/file.hpp"

#include "base/core/draft.hpp"
#include "base/core/error.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

std::string file_reason() {
  return std::error_code{errno, std::generic_category()}.message();
}

[[noreturn]] void file_refuse(std::string const& doing, fs::path const& file) {
  throw Error{Fault::resource, text(doing, " ", file, " failed: ", file_reason()),
              "free some room or choose a folder where you may write"};
}

// What may not be read is no fault of the input: whoever grants permissions is asked, as for
// what may not be written.
[[noreturn]] void file_refuse_read(fs::path const& file, std::error_code fault) {
  auto const words = text("cannot read ", file, ": ", fault.message());
  if (fault == std::errc::permission_denied || fault == std::errc::operation_not_permitted)
    throw Error{Fault::resource, words, "check its permissions"};
  throw Error{Fault::input, words, "check the path, and that nothing is writing to it"};
}

void file_flush(fs::path const& path, int flags) {
  auto const descriptor = ::open(path.c_str(), flags | O_CLOEXEC);
  if (descriptor < 0) return;
  auto const failed = ::fsync(descriptor) != 0 && errno != EINVAL;
  auto const reason = errno;
  ::close(descriptor);
  errno = reason;
  if (failed) file_refuse("flushing", path);
}

}  // namespace

void survive_file_limits() {
  struct sigaction now {};
  if (::sigaction(SIGXFSZ, nullptr, &now) != 0 || now.sa_handler != SIG_DFL) return;
  now.sa_handler = SIG_IGN;
  ::sigaction(SIGXFSZ, &now, nullptr);
}

Bytes read_file(fs::path const& file, std::uint64_t limit) {
  std::error_code fault;
  auto const size = fs::file_size(file, fault);
  if (fault) file_refuse_read(file, fault);
  if (size > limit)
    throw Error{Fault::input,
                text(file, " has ", size, " bytes, more than the ", limit, " that are read"),
                "check that it is the right file"};
  Bytes bytes(size);
  errno = 0;  // what an earlier call left there is no reason
  std::ifstream in{file, std::ios::binary};
  in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size));
  if (!in || static_cast<std::uint64_t>(in.gcount()) != size)
    file_refuse_read(file, {errno != 0 ? errno : EIO, std::generic_category()});
  return bytes;
}

std::string read_text(fs::path const& file, std::uint64_t limit) {
  auto const bytes = read_file(file, limit);
  return {reinterpret_cast<char const*>(bytes.data()), bytes.size()};
}

void write_file(fs::path const& file, std::function<void(std::ostream&)> const& fill) {
  survive_file_limits();
  Draft draft{file};
  std::ofstream out{draft.path(), std::ios::binary | std::ios::trunc};
  if (!out) file_refuse("writing", file);
  fill(out);
  out.flush();
  if (!out) file_refuse("writing", file);
  out.close();
  if (!out) file_refuse("writing", file);
  file_flush(draft.path(), O_RDONLY);
  if (auto const fault = draft.keep()) {
    errno = fault.value();
    file_refuse("writing", file);
  }
  auto const folder = file.has_parent_path() ? file.parent_path() : fs::path{"."};
  file_flush(folder, O_RDONLY | O_DIRECTORY);
}

void write_file(fs::path const& file, std::span<std::byte const> bytes) {
  write_file(file, [&](std::ostream& out) {
    out.write(reinterpret_cast<char const*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  });
}

void write_file(fs::path const& file, std::string_view words) {
  write_file(file, std::as_bytes(std::span{words}));
}

void make_folder(fs::path const& folder) {
  std::error_code fault;
  fs::create_directories(folder, fault);
  if (fault)
    throw Error{Fault::resource, text("cannot make the folder ", folder, ": ", fault.message()),
                "choose a folder where you may write"};
}

ScratchFolder::ScratchFolder() {
  auto pattern = (fs::temp_directory_path() / "fovea-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) file_refuse("making", pattern);
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

FileLock::FileLock(fs::path const& file)
    : descriptor_(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)) {
  if (descriptor_ < 0) file_refuse("locking", file);
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) return;
  auto const reason = errno;
  ::close(descriptor_);
  if (reason == EWOULDBLOCK)
    throw Error{Fault::resource,
                text("another process is working on ",
                     file.has_parent_path() ? file.parent_path() : file),
                "wait for it, or use another folder"};
  errno = reason;
  file_refuse("locking", file);
}

FileLock::~FileLock() {
  ::close(descriptor_);
}

}  // namespace fovea
