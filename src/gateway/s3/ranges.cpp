#include "gateway/s3/ranges.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "base/error.hpp"

namespace tarn::gateway::s3 {
namespace {

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) return UINT64_MAX;  // beyond every object, which is all that counts
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

struct Ends {
  std::string_view first, last;
};

std::optional<Ends> split(std::string_view text) {
  constexpr std::string_view unit = "bytes=";
  if (!text.starts_with(unit)) return std::nullopt;
  text.remove_prefix(unit.size());
  auto dash = text.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  return Ends{text.substr(0, dash), text.substr(dash + 1)};
}

}  // namespace

std::optional<ByteRange> parse_range(std::string_view text, uint64_t object_size_bytes) {
  auto ends = split(text);
  if (!ends) return std::nullopt;
  auto first = number(ends->first), last = number(ends->last);
  if ((!ends->first.empty() && !first) || (!ends->last.empty() && !last) || (!first && !last)) return std::nullopt;
  if (first && last && *first > *last) return std::nullopt;
  uint64_t from, to;  // `to` is the first byte behind the range
  if (first) {
    from = *first;
    to = last && *last < object_size_bytes ? *last + 1 : object_size_bytes;
  } else {
    from = object_size_bytes - std::min(*last, object_size_bytes);
    to = object_size_bytes;
  }
  if (from >= object_size_bytes)
    throw Error(ErrorKind::caller, "InvalidRange", "The requested range is not satisfiable")
        .with("RangeRequested", std::string(text))
        .with("ActualObjectSize", std::to_string(object_size_bytes));
  return ByteRange{from, to - from};
}

ByteRange parse_copy_range(std::string_view text, uint64_t object_size_bytes) {
  auto ends = split(text);
  auto first = ends ? number(ends->first) : std::nullopt, last = ends ? number(ends->last) : std::nullopt;
  if (!first || !last || *first > *last)
    throw Error(ErrorKind::caller, "InvalidArgument",
                "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
                "zero-based offsets "
                "of the first and last bytes to copy");
  if (*last >= object_size_bytes)
    throw Error(ErrorKind::caller, "InvalidArgument",
                "Range specified is not valid for source object of size: " + std::to_string(object_size_bytes));
  return {*first, *last - *first + 1};
}

}  // namespace tarn::gateway::s3
