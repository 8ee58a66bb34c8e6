#include "base/core/reader.hpp"

#include "base/core/error.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

[[noreturn]] void reader_refuse(fs::path const& file, std::string const& reason) {
  throw Error{Fault::input, text("cannot read ", file, ": ", reason),
              "check the path and its permissions, and that nothing is writing to it"};
}

std::string reader_reason() {
  return std::error_code{errno, std::generic_category()}.message();
}

}  // namespace

// O_NONBLOCK: a pipe that nobody writes into is refused below, not waited for.
FileReader::FileReader(fs::path const& file)
    : path_(file), descriptor_(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor_ < 0) reader_refuse(path_, reader_reason());
  struct stat facts {};
  auto const known = ::fstat(descriptor_, &facts) == 0;
  auto const reason = known ? "it is no regular file" : reader_reason();
  if (known && S_ISREG(facts.st_mode)) {
    size_ = static_cast<std::uint64_t>(facts.st_size);
    return;
  }
  ::close(descriptor_);
  reader_refuse(path_, reason);
}

FileReader::~FileReader() {
  ::close(descriptor_);
}

void FileReader::read(std::uint64_t at, std::span<std::byte> room) const {
  constexpr std::size_t step = 1U << 30;
  for (std::size_t done = 0; done < room.size();) {
    auto const got = ::pread(descriptor_, room.data() + done,
                             std::min(step, room.size() - done), static_cast<off_t>(at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) reader_refuse(path_, reader_reason());
    if (got == 0)
      reader_refuse(path_, text("expected ", room.size(), " bytes at ", at, ", got ", done));
    done += static_cast<std::size_t>(got);
  }
}

}  // namespace fovea
