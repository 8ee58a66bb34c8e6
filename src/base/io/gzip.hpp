#pragma once

#include "base/core/file.hpp"

#include <span>

// Gzip (RFC 1952) on all cores. Inside base/io only.
namespace fovea {

/// One gzip member whose deflate stream is joined of parts of 2 MiB, packed apart: any reader
/// takes it. Where there are several parts, an index of their sizes lies in the header's extra
/// field "FV", so that unpack_gzip_parts can take them apart again. The same bytes for any
/// number of cores.
///
/// level  1 (fast) … 12 (small)
Bytes gzip_packed(std::span<std::byte const> bytes, int level);

/// Unpacks on all cores what gzip_packed made of just `room.size()` bytes. False if it has no
/// index, or one that does not fit: then `room` holds anything, and it is to be unpacked as any
/// other gzip. True only if reading it from the start to the end would give the same.
bool unpack_gzip_parts(std::span<std::byte const> packed, std::span<std::byte> room);

}  // namespace fovea
