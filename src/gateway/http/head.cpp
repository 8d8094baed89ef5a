#include "gateway/http/head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/error.hpp"

namespace tarn::gateway {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; c++) table[static_cast<unsigned>(c)] = true;
  for (int c = 'a'; c <= 'z'; c++) table[static_cast<unsigned>(c)] = table[static_cast<unsigned>(c - 32)] = true;
  for (char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<unsigned char>(c)] = true;
  return table;
}
constexpr auto token_characters = make_token_table();

bool is_token(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return token_characters[static_cast<unsigned char>(c)]; });
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

[[noreturn]] void bad(const char* message) {
  throw Error(ErrorKind::caller, "BadRequest", message);
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Whether the comma-separated list `value` has `word` (lower case).
bool lists(std::string_view value, std::string_view word) {
  while (!value.empty()) {
    auto comma = std::min(value.find(','), value.size());
    if (api::same_header(trim(value.substr(0, comma)), word)) return true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
  return false;
}

// The target as origin-form: "http://host/path" is cut, and its host stands in for the Host header (RFC 9112, 3.2.2).
void parse_target(std::string_view target, RequestHead& head, std::string& absolute_host) {
  for (char c : target)
    if (is_control(c) || c == ' ' || c == '#')
      bad("The request target has a character that it may not have unencoded.");
  if (target.starts_with("http://") || target.starts_with("https://")) {
    target.remove_prefix(target.find("//") + 2);
    auto slash = std::min(target.find_first_of("/?"), target.size());
    absolute_host = target.substr(0, slash);
    if (absolute_host.empty()) bad("The request target names no host.");
    target.remove_prefix(slash);
  } else if (target != "*" && !target.starts_with('/')) {
    bad("The request target must be a path.");
  }
  auto question = std::min(target.find('?'), target.size());
  head.request.path = target.substr(0, question);
  if (head.request.path.empty()) head.request.path = "/";
  if (question < target.size()) head.request.query = target.substr(question + 1);
}

void parse_request_line(std::string_view line, RequestHead& head, std::string& absolute_host) {
  auto first = line.find(' '), last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) bad("The request line must be: METHOD TARGET HTTP/1.1");
  std::string_view method = line.substr(0, first), version = line.substr(last + 1);
  if (!is_token(method) || method.size() > 32) bad("The request method is malformed.");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    if (version.size() == 8 && version.starts_with("HTTP/"))
      throw Error(ErrorKind::unsupported, "HTTPVersionNotSupported", "tarn speaks HTTP/1.1.");
    bad("The request line must end in HTTP/1.1.");
  }
  head.request.method = method;
  parse_target(line.substr(first + 1, last - first - 1), head, absolute_host);
  head.version_1_1 = version == "HTTP/1.1";
}

void parse_field(std::string_view line, api::Headers& headers) {
  if (line.front() == ' ' || line.front() == '\t')
    bad("A header is folded over lines, which HTTP/1.1 no longer allows.");
  auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) bad("A header's name is malformed.");
  std::string_view value = trim(line.substr(colon + 1));
  for (char c : value)
    if (is_control(c) && c != '\t') bad("A header's value has a control character.");
  headers.emplace_back(line.substr(0, colon), value);
}

uint64_t parse_length(std::string_view text) {
  uint64_t length = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (error != std::errc() || end != text.data() + text.size()) bad("Content-Length must be a number of bytes.");
  return length;
}

// What the headers say about the message itself.
void read_framing(RequestHead& head) {
  const bool version_1_1 = head.version_1_1;
  int hosts = 0;
  head.keep_alive = version_1_1;
  for (const auto& [name, value] : head.request.headers) {
    switch (name.size()) {
      case 4:
        if (api::same_header(name, "host")) hosts++;
        break;
      case 6:
        if (api::same_header(name, "expect")) head.expects_continue = version_1_1 && lists(value, "100-continue");
        break;
      case 10:
        if (!api::same_header(name, "connection")) break;
        if (lists(value, "close"))
          head.keep_alive = false;
        else if (!version_1_1 && lists(value, "keep-alive"))
          head.keep_alive = true;
        break;
      case 14:
        if (api::same_header(name, "content-length")) {
          uint64_t length = parse_length(value);
          if (head.content_length) bad("Content-Length is given twice.");
          head.content_length = length;
        }
        break;
      case 17:
        if (!api::same_header(name, "transfer-encoding")) break;
        if (head.chunked || !version_1_1) bad("Transfer-Encoding is not allowed here.");
        if (!api::same_header(value, "chunked"))
          throw Error(ErrorKind::unsupported, "NotImplemented",
                      "The only Transfer-Encoding that tarn takes is chunked.");
        head.chunked = true;
        break;
    }
  }
  if (hosts > 1) bad("Host is given twice.");
  if (hosts == 0 && version_1_1) bad("The Host header is missing.");
  if (head.chunked && head.content_length) bad("Both Content-Length and Transfer-Encoding are given.");
}

}  // namespace

std::size_t find_head_end(std::string_view bytes, std::size_t searched) {
  std::size_t at = searched > 3 ? searched - 3 : 0;
  while (at < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, '\n', bytes.size() - at);
    if (!found) return 0;
    at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data()) + 1;
    if (at < bytes.size() && bytes[at] == '\n') return at + 1;  // refused by parse_head, rather than waited on
    if (at + 1 < bytes.size() && bytes[at] == '\r' && bytes[at + 1] == '\n') return at + 2;
  }
  return 0;
}

RequestHead parse_head(std::string_view text) {
  RequestHead head;
  head.request.headers.reserve(16);
  std::string absolute_host;
  bool first = true;
  while (true) {
    auto end = text.find('\n');
    if (end == std::string_view::npos) bad("The request's head ends too early.");
    if (end == 0 || text[end - 1] != '\r') bad("Lines of a request's head must end in CR LF.");
    std::string_view line = text.substr(0, end - 1);
    text.remove_prefix(end + 1);
    if (first) {
      parse_request_line(line, head, absolute_host);
      first = false;
    } else if (line.empty()) {
      break;
    } else {
      parse_field(line, head.request.headers);
    }
  }
  read_framing(head);
  if (!absolute_host.empty()) api::set_header(head.request.headers, "Host", absolute_host);
  return head;
}

}  // namespace tarn::gateway
