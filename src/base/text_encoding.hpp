// Whether text is UTF-8, which AWS asks for, or ISO 8859-1, which older systems write.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tarn {

// Checks UTF-8 as it comes in (RFC 3629).
class Utf8Check {
 public:
  void feed(std::string_view bytes);
  // What comes next may begin in the middle of a character.
  void resynchronize() {
    missing_ = 0;
    skip_ = true;
  }
  bool valid() const { return valid_; }  // so far
  bool complete() const { return valid_ && missing_ == 0; }

 private:
  bool valid_ = true, skip_ = false;
  int missing_ = 0;  // continuation bytes
  unsigned char low_ = 0x80, high_ = 0xbf;
};

// Whether all of `text` is UTF-8, whole characters only.
bool is_utf8(std::string_view text);

std::string latin1_to_utf8(std::string_view text);

}  // namespace tarn
