#include "query/json_keys.hpp"

#include <algorithm>

namespace tarn::query {

namespace {
constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return lower(c); });
  return text;
}
}  // namespace

JsonKeys::JsonKeys(JsonText options) : options_(std::move(options)) {
  for (const auto& [column, key] : options_.renamed)
    column_of_key_[options_.case_insensitive ? lower(key) : key] = column;
}

void JsonKeys::end_key(std::string& out) {
  if (options_.case_insensitive) key_ = lower(std::move(key_));
  if (auto found = column_of_key_.find(key_); found != column_of_key_.end()) key_ = found->second;
  if (options_.dots_in_keys) std::replace(key_.begin(), key_.end(), '.', '_');
  out += key_;
  out += '"';
  key_.clear();
  in_ = In::nothing;
}

void JsonKeys::feed(std::string_view text, std::string& out) {
  std::size_t i = 0;
  while (byte_order_mark_ >= 0 && i < text.size()) {
    const auto at = static_cast<std::size_t>(byte_order_mark_);
    if (at < byte_order_mark.size() && text[i] == byte_order_mark[at]) {
      ++byte_order_mark_, ++i;
    } else {
      if (at < byte_order_mark.size()) out += byte_order_mark.substr(0, at);  // it was none
      byte_order_mark_ = -1;
    }
  }
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (in_ == In::value_string || in_ == In::key) {
      std::string& into = in_ == In::key ? key_ : out;
      if (escaped_) {
        escaped_ = false;
      } else if (c == '\\') {
        escaped_ = true;
      } else if (c == '"' || c == '\n') {  // no JSON string goes past its line
        if (in_ == In::key && c == '"') {
          end_key(out);
          continue;
        }
        if (in_ == In::key) out += key_, key_.clear();
        in_ = In::nothing;
        out += c;
        continue;
      }
      into += c;
      continue;
    }
    switch (c) {
      case '"':
        in_ = expects_key_ ? In::key : In::value_string;
        expects_key_ = false;
        break;
      case '{':
        in_object_.push_back(true);
        expects_key_ = true;
        break;
      case '[':
        in_object_.push_back(false);
        expects_key_ = false;
        break;
      case '}':
      case ']':
        if (!in_object_.empty()) in_object_.pop_back();
        expects_key_ = false;
        break;
      case ',':
        expects_key_ = !in_object_.empty() && in_object_.back();
        break;
      default:
        break;
    }
    out += c;
  }
}

void JsonKeys::finish(std::string& out) {
  if (byte_order_mark_ > 0 && byte_order_mark_ < 3)
    out += byte_order_mark.substr(0, static_cast<std::size_t>(byte_order_mark_));
  out += key_;
  key_.clear();
}

}  // namespace tarn::query
