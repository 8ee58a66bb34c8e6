#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace fovea {

/// RFC 4648, with padding: how a page carries its pictures inside.
std::string base64(std::span<std::byte const> bytes);

}  // namespace fovea
