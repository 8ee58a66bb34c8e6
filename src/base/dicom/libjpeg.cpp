#include "base/dicom/libjpeg.hpp"

#include <algorithm>
// The list of message codes needs the main header first.
#include <jerror.h>

namespace fovea {
namespace {

constexpr int libjpeg_scans = 200;

}  // namespace

LibJpeg::LibJpeg(void (*refuse)(char const* found), int harmless)
    : harmless_(harmless), refuse_(refuse) {
  info.err = jpeg_std_error(&errors_);
  info.client_data = this;
  errors_.error_exit = on_error;
  errors_.emit_message = on_message;
  errors_.output_message = [](j_common_ptr) {};
  progress_.progress_monitor = on_progress;
  (*this)([&] { jpeg_create_decompress(&info); });
}

void LibJpeg::on_error(j_common_ptr info) {
  auto& self = of(info);
  info->err->format_message(info, self.fault_);
  std::longjmp(self.back_, 1);
}

// Some warnings touch no sample.
void LibJpeg::on_message(j_common_ptr info, int level) {
  if (level >= 0) return;
  constexpr int harmless[] = {JWRN_ADOBE_XFORM, JWRN_EXTRANEOUS_DATA, JWRN_JFIF_MAJOR,
                              JWRN_BOGUS_ICC};
  auto& self = of(info);
  if (self.damaged_ || info->err->msg_code == self.harmless_ ||
      std::ranges::count(harmless, info->err->msg_code) > 0)
    return;
  self.damaged_ = true;
  info->err->format_message(info, self.fault_);
}

void LibJpeg::on_progress(j_common_ptr info) {
  auto& self = of(info);
  if (self.info.input_scan_number <= libjpeg_scans) return;
  std::snprintf(self.fault_, sizeof self.fault_, "more than %d scans", libjpeg_scans);
  std::longjmp(self.back_, 1);
}

}  // namespace fovea
