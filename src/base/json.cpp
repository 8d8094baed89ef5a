#include "base/json.hpp"

#include <boost/json/basic_parser_impl.hpp>
#include <charconv>
#include <cmath>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn {
namespace {

// Receives Boost.JSON's parse events and builds a Value on an explicit stack.
struct ValueBuilder {
  static constexpr std::size_t max_object_size = -1;
  static constexpr std::size_t max_array_size = -1;
  static constexpr std::size_t max_key_size = -1;
  static constexpr std::size_t max_string_size = -1;
  using error_code = boost::system::error_code;
  using string_view = boost::json::string_view;

  Value root;
  std::vector<Value> open;
  std::vector<std::string> keys;
  std::string text;

  void add(Value v) {
    if (open.empty()) {
      root = std::move(v);
    } else if (open.back().is_list()) {
      open.back().push_back(std::move(v));
    } else {
      // Appending keeps the parse of a wide map linear; equal keys are settled when the object closes.
      open.back().as_map().push_back({std::move(keys.back()), std::move(v)});
      keys.pop_back();
    }
  }

  static void keep_last_of_equal_keys(ValueMap& members) {
    if (members.size() > 64) return keep_last_sorted(members);
    for (std::size_t i = 0; i < members.size(); i++)
      for (std::size_t j = members.size() - 1; j > i; j--)
        if (members[i].key == members[j].key) {
          members[i].value = std::move(members[j].value);
          members.erase(members.begin() + static_cast<std::ptrdiff_t>(j));
        }
  }

  static void keep_last_sorted(ValueMap& members) {
    std::vector<std::size_t> order(members.size());
    for (std::size_t i = 0; i < order.size(); i++) order[i] = i;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return members[a].key != members[b].key ? members[a].key < members[b].key : a < b;
    });
    std::vector<bool> dead(members.size());
    for (std::size_t i = 0; i + 1 < order.size(); i++)
      if (members[order[i]].key == members[order[i + 1]].key) dead[order[i]] = true;
    ValueMap kept;
    kept.reserve(members.size());
    for (std::size_t i = 0; i < members.size(); i++)
      if (!dead[i]) kept.push_back(std::move(members[i]));
    members = std::move(kept);
  }

  bool close() {
    Value done = std::move(open.back());
    open.pop_back();
    add(std::move(done));
    return true;
  }

  bool on_document_begin(error_code&) { return true; }
  bool on_document_end(error_code&) { return true; }
  bool on_object_begin(error_code&) {
    open.push_back(Value::map());
    return true;
  }
  bool on_object_end(std::size_t, error_code&) {
    keep_last_of_equal_keys(open.back().as_map());
    return close();
  }
  bool on_array_begin(error_code&) {
    open.push_back(Value::list());
    return true;
  }
  bool on_array_end(std::size_t, error_code&) { return close(); }
  bool on_key_part(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    return true;
  }
  bool on_key(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    keys.push_back(std::move(text));
    text.clear();
    return true;
  }
  bool on_string_part(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    return true;
  }
  bool on_string(string_view s, std::size_t, error_code&) {
    text.append(s.data(), s.size());
    add(Value(std::move(text)));
    text.clear();
    return true;
  }
  bool on_number_part(string_view, error_code&) { return true; }
  bool on_int64(std::int64_t i, string_view, error_code&) {
    add(Value(i));
    return true;
  }
  bool on_uint64(std::uint64_t u, string_view, error_code&) {
    add(Value(static_cast<double>(u)));
    return true;
  }
  // Boost 1.81 reads doubles a little wrong where they have many digits; the whole number stands in `digits`, since the
  // text is one piece.
  bool on_double(double rough, string_view digits, error_code& ec) {
    double exact = rough;
    auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), exact);
    if (error != std::errc() || end != digits.data() + digits.size()) exact = rough;
    if (!std::isfinite(exact)) ec = boost::json::error::exponent_overflow;
    add(Value(exact));
    return !ec;
  }
  bool on_bool(bool b, error_code&) {
    add(Value(b));
    return true;
  }
  bool on_null(error_code&) {
    add(Value());
    return true;
  }
  bool on_comment_part(string_view, error_code&) { return true; }
  bool on_comment(string_view, error_code&) { return true; }
};

void append_number(std::string& out, double d) {
  if (std::isnan(d) || std::isinf(d)) {
    out += std::isnan(d) ? "\"NaN\"" : d > 0 ? "\"Infinity\"" : "\"-Infinity\"";
    return;
  }
  char buffer[32];
  auto [end, ec] = std::to_chars(buffer, buffer + sizeof buffer, d);
  std::string_view text(buffer, static_cast<std::size_t>(end - buffer));
  out += text;
  if (text.find_first_of(".en") == std::string_view::npos) out += ".0";
}

void append_time(std::string& out, Time t) {
  int64_t ms = t.time_since_epoch().count();
  int64_t seconds = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
  int64_t rest = ms - seconds * 1000;
  if (seconds < 0 && rest > 0) {  // -1.5 is written with its sign on the whole number
    append_number(out, static_cast<double>(ms) / 1000.0);
    return;
  }
  out += std::to_string(seconds);
  if (rest == 0) return;
  std::string digits = std::to_string(1000 + rest).substr(1);
  while (digits.back() == '0') digits.pop_back();
  out += "." + digits;
}

void break_line(std::string& out, int indent) {
  out += '\n';
  out.append(static_cast<std::size_t>(indent) * 2, ' ');
}

// `indent` below zero writes compact JSON.
void append(std::string& out, const Value& v, int indent) {
  const bool pretty = indent >= 0;
  const int inner = pretty ? indent + 1 : -1;
  if (v.is_null()) {
    out += "null";
  } else if (v.is_bool()) {
    out += v.as_bool() ? "true" : "false";
  } else if (v.is_int()) {
    out += std::to_string(v.as_int());
  } else if (v.is_double()) {
    append_number(out, v.as_double());
  } else if (v.is_string()) {
    append_json_string(out, v.as_string());
  } else if (v.is_blob()) {
    append_json_string(out, base64_encode(v.as_blob().bytes));
  } else if (v.is_time()) {
    append_time(out, v.as_time());
  } else if (v.is_list()) {
    const auto& items = v.as_list();
    out += '[';
    for (std::size_t i = 0; i < items.size(); i++) {
      if (i) out += ',';
      if (pretty) break_line(out, inner);
      append(out, items[i], inner);
    }
    if (pretty && !items.empty()) break_line(out, indent);
    out += ']';
  } else {
    const auto& members = v.as_map();
    out += '{';
    for (std::size_t i = 0; i < members.size(); i++) {
      if (i) out += ',';
      if (pretty) break_line(out, inner);
      append_json_string(out, members[i].key);
      out += pretty ? ": " : ":";
      append(out, members[i].value, inner);
    }
    if (pretty && !members.empty()) break_line(out, indent);
    out += '}';
  }
}

}  // namespace

Value parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = 256;
  boost::json::basic_parser<ValueBuilder> parser(options);
  boost::system::error_code ec;
  std::size_t read = parser.write_some(false, text.data(), text.size(), ec);
  if (!ec && !parser.done()) ec = boost::json::error::incomplete;
  if (!ec)
    while (read < text.size() && std::string_view(" \t\r\n").find(text[read]) != std::string_view::npos) read++;
  if (!ec && read < text.size()) ec = boost::json::error::extra_data;
  if (ec)
    throw Error(ErrorKind::caller, "SerializationException",
                "malformed JSON at byte " + std::to_string(read) + ": " + ec.message());
  return std::move(parser.handler().root);
}

std::string to_json(const Value& value) {
  std::string out;
  append(out, value, -1);
  return out;
}

std::string to_pretty_json(const Value& value) {
  std::string out;
  append(out, value, 0);
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  for (char c : text) {
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (static_cast<unsigned char>(c) < 0x20) {
          out += "\\u00";
          out += hex[(c >> 4) & 15];
          out += hex[c & 15];
        } else {
          out += c;
        }
    }
  }
  out += '"';
}

}  // namespace tarn
