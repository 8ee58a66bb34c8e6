#pragma once

#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <span>

// libjpeg's headers use FILE without including it, so <cstdio> stands before them.
#include <jpeglib.h>

namespace fovea {

/// libjpeg's decoder of one stream of 8-bit samples: pictures (base/io) and frames of DICOM
/// files. It leaves by longjmp; what it crosses must have no destructors, so this holds plain
/// things and is destroyed by the frame above. Damage that libjpeg would fill up with grey is
/// an error here, and so are more scans than any picture needs: a small progressive stream with
/// thousands would take hours.
class LibJpeg {
 public:
  /// `refuse` throws what libjpeg complained about; `harmless`: the code of a warning that is
  /// no damage here.
  explicit LibJpeg(void (*refuse)(char const* found), int harmless = 0);
  ~LibJpeg() { jpeg_destroy_decompress(&info); }
  LibJpeg(LibJpeg const&) = delete;
  LibJpeg& operator=(LibJpeg const&) = delete;

  /// Calls into libjpeg, without anything in `step` that has a destructor.
  template <class Step>
  void operator()(Step const& step) {
    // From a frame that the jump did not cross.
    if (jumped(step) || damaged_) refuse_(fault_);
  }

  /// Inside a step, before the header is read.
  void source(std::span<std::byte const> bytes) {
    info.progress = &progress_;
    jpeg_mem_src(&info, reinterpret_cast<unsigned char const*>(bytes.data()), bytes.size());
  }

  jpeg_decompress_struct info{};

 private:
  template <class Step>
  bool jumped(Step const& step) {
    if (setjmp(back_) != 0) return true;
    step();
    return false;
  }
  static LibJpeg& of(j_common_ptr info) { return *static_cast<LibJpeg*>(info->client_data); }
  static void on_error(j_common_ptr info);
  static void on_message(j_common_ptr info, int level);
  static void on_progress(j_common_ptr info);

  jpeg_error_mgr errors_{};
  jpeg_progress_mgr progress_{};
  std::jmp_buf back_{};
  char fault_[JMSG_LENGTH_MAX]{};
  bool damaged_ = false;
  int harmless_;
  void (*refuse_)(char const* found);
};

}  // namespace fovea
