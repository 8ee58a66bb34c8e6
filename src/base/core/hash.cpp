#include "base/core/hash.hpp"

#include "base/core/error.hpp"

#include <array>
#include <fstream>
#include <openssl/evp.h>
#include <vector>

namespace fovea {

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  State() = default;
  State(State const&) = delete;
  State& operator=(State const&) = delete;
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  if (state_->context == nullptr ||
      EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) != 1)
    throw Error{Fault::bug, "SHA-256 could not be started", "check the OpenSSL library"};
}

Sha256::~Sha256() = default;

void Sha256::add(std::span<std::byte const> bytes) {
  EVP_DigestUpdate(state_->context, bytes.data(), bytes.size());
}

std::string Sha256::hex() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(state_->context, digest.data(), nullptr);
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (auto const byte : digest) {
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

std::string sha256(std::span<std::byte const> bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.hex();
}

std::string sha256(std::string_view bytes) {
  return sha256(std::as_bytes(std::span{bytes}));
}

std::string sha256_of_file(std::filesystem::path const& file) {
  std::ifstream in{file, std::ios::binary};
  if (!in)
    throw Error{Fault::input, text("cannot read ", file), "check the path and its permissions"};
  Sha256 hash;
  std::vector<char> block(1 << 20);
  while (in) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    hash.add(std::string_view{block.data(), static_cast<std::size_t>(in.gcount())});
  }
  if (in.bad()) throw Error{Fault::input, text("reading ", file, " failed"), "check the disk"};
  return hash.hex();
}

}  // namespace fovea
