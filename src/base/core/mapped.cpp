#include "base/core/mapped.hpp"

#include "base/core/error.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace fovea {
namespace {

std::string mapped_reason() {
  return std::error_code{errno, std::generic_category()}.message();
}

[[noreturn]] void mapped_refuse(fs::path const& file, std::string const& reason) {
  throw Error{Fault::input, text("cannot read ", file, ": ", reason),
              "check the path and its permissions"};
}

}  // namespace

// O_NONBLOCK: a pipe that nobody writes into is refused below, not waited for.
MappedFile::MappedFile(fs::path const& file) {
  auto const descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0) mapped_refuse(file, mapped_reason());
  struct stat facts {};
  auto const known = ::fstat(descriptor, &facts) == 0;
  auto const reason = mapped_reason();
  if (!known || !S_ISREG(facts.st_mode)) {
    ::close(descriptor);
    mapped_refuse(file, known ? "it is no regular file" : reason);
  }
  auto const size = static_cast<std::size_t>(facts.st_size);
  // Nothing can be mapped of an empty file.
  auto* const at =
      size == 0 ? nullptr : ::mmap(nullptr, size, PROT_READ, MAP_SHARED, descriptor, 0);
  auto const fault = mapped_reason();
  ::close(descriptor);
  if (at == MAP_FAILED)
    throw Error{Fault::resource, text("mapping ", file, " failed: ", fault),
                "free some memory, or raise the limit of mappings (vm.max_map_count)"};
  bytes_ = {static_cast<std::byte const*>(at), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace fovea
