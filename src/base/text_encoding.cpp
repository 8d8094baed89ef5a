#include "base/text_encoding.hpp"

namespace tarn {

void Utf8Check::feed(std::string_view bytes) {
  for (char b : bytes) {
    auto c = static_cast<unsigned char>(b);
    if (skip_ && (c & 0xc0) == 0x80) continue;
    skip_ = false;
    if (missing_ > 0) {
      if (c < low_ || c > high_) valid_ = false;
      low_ = 0x80, high_ = 0xbf;
      --missing_;
    } else if (c >= 0x80) {
      // The first continuation byte's range shuts out overlong forms, surrogates and what lies beyond U+10FFFF.
      if (c >= 0xc2 && c <= 0xdf)
        missing_ = 1;
      else if (c >= 0xe0 && c <= 0xef)
        missing_ = 2, low_ = c == 0xe0 ? 0xa0 : 0x80, high_ = c == 0xed ? 0x9f : 0xbf;
      else if (c >= 0xf0 && c <= 0xf4)
        missing_ = 3, low_ = c == 0xf0 ? 0x90 : 0x80, high_ = c == 0xf4 ? 0x8f : 0xbf;
      else
        valid_ = false;
    }
    if (!valid_) return;
  }
}

bool is_utf8(std::string_view text) {
  Utf8Check check;
  check.feed(text);
  return check.complete();
}

std::string latin1_to_utf8(std::string_view text) {
  std::string out;
  for (char b : text) {
    auto c = static_cast<unsigned char>(b);
    if (c < 0x80) {
      out += b;
    } else {
      out += static_cast<char>(0xc0 | (c >> 6));
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  return out;
}

}  // namespace tarn
