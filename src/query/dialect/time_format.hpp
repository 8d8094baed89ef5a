// Trino's two languages of time formats, as DuckDB's strftime() and strptime() write them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace tarn::dialect {

struct TimeFormat {
  std::string pattern;  // of strftime and strptime
  bool has_year = false, has_zone = false;
  bool zone_last = false;  // the zone's offset ends the text (and stands not in `pattern`)
  // What has no counterpart, by name; nothing else holds then.
  std::string unsupported;
};

// date_format and date_parse: MySQL's %Y-%m-%d %H:%i:%s.
TimeFormat mysql_format(std::string_view format);
// format_datetime and parse_datetime: Joda's yyyy-MM-dd HH:mm:ss.
TimeFormat joda_format(std::string_view format);

}  // namespace tarn::dialect
