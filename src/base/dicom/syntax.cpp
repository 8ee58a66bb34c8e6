#include "base/dicom/syntax.hpp"

#include <algorithm>

namespace fovea {
namespace {

constexpr Syntax syntax_packed(std::string_view uid, std::string_view name, Codec codec) {
  return {.uid = uid, .name = name, .encapsulated = true, .codec = codec};
}

constexpr Syntax syntax_rows[] = {
    {.uid = "1.2.840.10008.1.2", .name = "implicit little endian", .explicit_kinds = false},
    {.uid = "1.2.840.10008.1.2.1", .name = "explicit little endian"},
    {.uid = "1.2.840.10008.1.2.1.99", .name = "deflated", .deflated = true},
    {.uid = "1.2.840.10008.1.2.2", .name = "explicit big endian", .big = true},
    {.uid = "1.2.840.10008.1.2.1.98",
     .name = "encapsulated uncompressed",
     .encapsulated = true},
    syntax_packed("1.2.840.10008.1.2.5", "RLE", Codec::rle),
    syntax_packed("1.2.840.10008.1.2.8.1", "deflated frames", Codec::frames_deflated),
    syntax_packed("1.2.840.10008.1.2.4.50", "JPEG baseline", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.51", "JPEG extended", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.53", "JPEG spectral selection", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.55", "JPEG progressive", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.57", "JPEG lossless", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.70", "JPEG lossless, first order", Codec::jpeg),
    syntax_packed("1.2.840.10008.1.2.4.80", "JPEG-LS lossless", Codec::jpeg_ls),
    syntax_packed("1.2.840.10008.1.2.4.81", "JPEG-LS near-lossless", Codec::jpeg_ls),
    syntax_packed("1.2.840.10008.1.2.4.90", "JPEG 2000 lossless", Codec::jpeg_2000),
    syntax_packed("1.2.840.10008.1.2.4.91", "JPEG 2000", Codec::jpeg_2000),
    syntax_packed("1.2.840.10008.1.2.4.201", "HTJ2K lossless", Codec::jpeg_2000),
    syntax_packed("1.2.840.10008.1.2.4.202", "HTJ2K lossless RPCL", Codec::jpeg_2000),
    syntax_packed("1.2.840.10008.1.2.4.203", "HTJ2K", Codec::jpeg_2000),
    syntax_packed("1.2.840.10008.1.2.4.100", "MPEG2", Codec::video),
    syntax_packed("1.2.840.10008.1.2.4.101", "MPEG2 high", Codec::video),
    syntax_packed("1.2.840.10008.1.2.4.102", "H.264", Codec::video),
    syntax_packed("1.2.840.10008.1.2.4.103", "H.264 BD", Codec::video)};

constexpr Syntax syntax_unknown =
    syntax_packed("", "a transfer syntax nobody knows", Codec::other);

}  // namespace

std::span<Syntax const> syntaxes() {
  return syntax_rows;
}

Syntax const& syntax_of(std::string_view uid) {
  auto const row = std::ranges::find(syntax_rows, uid, &Syntax::uid);
  return row == std::end(syntax_rows) ? syntax_unknown : *row;
}

}  // namespace fovea
