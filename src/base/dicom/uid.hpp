#pragma once

#include <string>
#include <string_view>

namespace fovea {

/// Digits and single dots, at most 64 characters, no number with a leading 0 (PS3.5 section 9).
bool valid_uid(std::string_view words);

/// A UID of our own for what was hashed: "2.25." and the UUID (version 8, RFC 9562) that the
/// first 128 bits of a SHA-256 make, in decimal (PS3.5 B.2). The same hash gives the same UID.
/// Throws Error{bug} unless it gets at least 32 hexadecimal digits.
std::string uid_of_hash(std::string_view sha256_hex);

}  // namespace fovea
