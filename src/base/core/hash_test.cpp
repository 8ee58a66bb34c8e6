#include "base/core/hash.hpp"

#include "base/core/error.hpp"
#include "base/core/file.hpp"

#include <gtest/gtest.h>

namespace fovea {
namespace {

TEST(Sha256, EqualsTheExamplesOfFips180) {
  EXPECT_EQ(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, IsTheSameInPiecesAndOfAFile) {
  std::string const words(3'000'000, 'x');
  Sha256 pieces;
  for (std::size_t i = 0; i < words.size(); i += 7777)
    pieces.add(std::string_view{words}.substr(i, 7777));
  EXPECT_EQ(pieces.hex(), sha256(words));
  ScratchFolder const folder;
  write_file(folder.path() / "x", words);
  EXPECT_EQ(sha256_of_file(folder.path() / "x"), sha256(words));
}

TEST(Sha256, RefusesWhatIsNoReadableFile) {
  ScratchFolder const folder;
  EXPECT_THROW(sha256_of_file(folder.path() / "none"), Error);
  EXPECT_THROW(sha256_of_file(folder.path()), Error);
}

}  // namespace
}  // namespace fovea
