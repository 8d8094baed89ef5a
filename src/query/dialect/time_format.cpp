#include "query/dialect/time_format.hpp"

#include <cctype>

namespace tarn::dialect {

namespace {

void append_plain(std::string& pattern, char c) {
  if (c == '%') pattern += '%';
  pattern += c;
}

// The pattern for `count` times the letter; empty when there is none.
std::string joda_letters(char letter, size_t count) {
  switch (letter) {
    case 'y':
    case 'Y':
      return count == 2 ? "%y" : "%Y";
    case 'x':
      return count == 2 ? "" : "%G";
    case 'M':
      return count == 1 ? "%-m" : count == 2 ? "%m" : count == 3 ? "%b" : "%B";
    case 'd':
      return count == 1 ? "%-d" : count == 2 ? "%d" : "";
    case 'D':
      return count == 1 ? "%-j" : count == 3 ? "%j" : "";
    case 'E':
      return count <= 3 ? "%a" : "%A";
    case 'e':
      return count == 1 ? "%u" : "";
    case 'w':
      return count == 2 ? "%V" : "";
    case 'a':
      return "%p";
    case 'H':
      return count == 1 ? "%-H" : count == 2 ? "%H" : "";
    case 'h':
      return count == 1 ? "%-I" : count == 2 ? "%I" : "";
    case 'm':
      return count == 1 ? "%-M" : count == 2 ? "%M" : "";
    case 's':
      return count == 1 ? "%-S" : count == 2 ? "%S" : "";
    case 'S':
      return count == 3 ? "%g" : count == 6 ? "%f" : "";
    default:
      return "";
  }
}

}  // namespace

TimeFormat mysql_format(std::string_view format) {
  TimeFormat out;
  for (size_t i = 0; i < format.size(); i++) {
    if (format[i] != '%' || i + 1 == format.size()) {
      append_plain(out.pattern, format[i]);
      continue;
    }
    char c = format[++i];
    switch (c) {
      case 'a':
        out.pattern += "%a";
        break;
      case 'b':
        out.pattern += "%b";
        break;
      case 'c':
        out.pattern += "%-m";
        break;
      case 'd':
        out.pattern += "%d";
        break;
      case 'e':
        out.pattern += "%-d";
        break;
      case 'f':
        out.pattern += "%f";
        break;
      case 'H':
        out.pattern += "%H";
        break;
      case 'h':
      case 'I':
        out.pattern += "%I";
        break;
      case 'i':
        out.pattern += "%M";
        break;
      case 'j':
        out.pattern += "%j";
        break;
      case 'k':
        out.pattern += "%-H";
        break;
      case 'l':
        out.pattern += "%-I";
        break;
      case 'M':
        out.pattern += "%B";
        break;
      case 'm':
        out.pattern += "%m";
        break;
      case 'p':
        out.pattern += "%p";
        break;
      case 'r':
        out.pattern += "%I:%M:%S %p";
        break;
      case 'S':
      case 's':
        out.pattern += "%S";
        break;
      case 'T':
        out.pattern += "%H:%M:%S";
        break;
      case 'v':
        out.pattern += "%V";
        break;
      case 'W':
        out.pattern += "%A";
        break;
      case 'x':
        out.pattern += "%G";
        out.has_year = true;
        break;
      case 'Y':
        out.pattern += "%Y";
        out.has_year = true;
        break;
      case 'y':
        out.pattern += "%y";
        out.has_year = true;
        break;
      case 'D':
      case 'U':
      case 'u':
      case 'V':
      case 'w':
      case 'X':
        out.unsupported = std::string("%") + c;
        return out;
      default:
        append_plain(out.pattern, c);
    }
  }
  return out;
}

TimeFormat joda_format(std::string_view format) {
  TimeFormat out;
  for (size_t i = 0; i < format.size();) {
    char c = format[i];
    if (c == '\'') {
      if (i + 1 < format.size() && format[i + 1] == '\'') {
        out.pattern += '\'';
        i += 2;
        continue;
      }
      size_t end = format.find('\'', i + 1);
      if (end == std::string_view::npos) end = format.size();
      for (size_t k = i + 1; k < end; k++) append_plain(out.pattern, format[k]);
      i = end + 1;
      continue;
    }
    if (!std::isalpha(static_cast<unsigned char>(c))) {
      append_plain(out.pattern, c);
      i++;
      continue;
    }
    size_t count = 1;
    while (i + count < format.size() && format[i + count] == c) count++;
    i += count;
    if (c == 'Z' && count <= 2) {
      out.has_zone = true;
      out.zone_last = i == format.size();
      if (!out.zone_last) out.pattern += count == 1 ? "+0000" : "+00:00";
      continue;
    }
    std::string letters = joda_letters(c, count);
    if (letters.empty()) {
      out.unsupported = std::string(count, c);
      return out;
    }
    out.has_year = out.has_year || c == 'y' || c == 'Y' || c == 'x';
    out.pattern += letters;
  }
  return out;
}

}  // namespace tarn::dialect
