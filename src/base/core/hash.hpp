#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace fovea {

/// SHA-256 (FIPS 180-4) of all that was added, as 64 lower-case hex digits.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256 const&) = delete;
  Sha256& operator=(Sha256 const&) = delete;

  void add(std::span<std::byte const> bytes);
  void add(std::string_view bytes) { add(std::as_bytes(std::span{bytes})); }
  std::string hex();  ///< ends it; add nothing afterwards

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256(std::span<std::byte const> bytes);
std::string sha256(std::string_view bytes);
/// Throws Error{input} if the file cannot be read.
std::string sha256_of_file(std::filesystem::path const& file);

}  // namespace fovea
