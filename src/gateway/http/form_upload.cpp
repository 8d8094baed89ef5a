#include "gateway/http/form_upload.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.hpp"
#include "base/limits.hpp"

namespace tarn::gateway {
namespace {

constexpr std::size_t max_boundary_size_bytes = 70;

[[noreturn]] void malformed() {
  throw Error(ErrorKind::caller, "MalformedPOSTRequest",
              "The body of your POST request is not well-formed multipart/form-data.");
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ') || text.starts_with('\t')) text.remove_prefix(1);
  while (text.ends_with(' ') || text.ends_with('\t')) text.remove_suffix(1);
  return text;
}

// The parameter of `form-data; name="key"; filename="a.txt"`; absent where it is not there.
std::optional<std::string> parameter(std::string_view text, std::string_view name) {
  while (true) {
    auto semicolon = text.find(';');
    if (semicolon == text.npos) return std::nullopt;
    text = trimmed(text.substr(semicolon + 1));
    auto equals = text.find('=');
    if (equals == text.npos) return std::nullopt;
    const std::string key = lower(trimmed(text.substr(0, equals)));
    text = trimmed(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      std::size_t i = 1;
      for (; i < text.size() && text[i] != '"'; i++) {
        if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) i++;
        value += text[i];
      }
      text.remove_prefix(std::min(i + 1, text.size()));
    } else {
      value = trimmed(text.substr(0, text.find(';')));
      text.remove_prefix(std::min(text.find(';'), text.size()));
    }
    if (key == name) return value;
  }
}

}  // namespace

FormUpload::FormUpload(api::BodySource& body, std::string_view content_type) : body_(body) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > max_boundary_size_bytes) malformed();
  delimiter_ = "\r\n--" + *boundary;
  // The first delimiter stands at the very beginning, without its line break.
  buffer_ = "\r\n";
  while (buffer_.size() < delimiter_.size())
    if (!fill()) malformed();
  if (!buffer_.starts_with(delimiter_)) malformed();
  at_ = delimiter_.size();
  while (auto part = read_part_head()) {
    if (part->is_file) {
      file_name_ = std::move(part->file_name);
      file_type_ = std::move(part->type);
      in_file_ = true;
      return;
    }
    std::string value = read_field();
    before_file_bytes_ += part->name.size() + value.size();
    if (before_file_bytes_ > limits::max_form_fields_size_bytes)
      throw Error(ErrorKind::caller, "MaxPostPreDataLengthExceededError",
                  "Your POST request fields preceding the upload file were too large.");
    if (!fields_.emplace(part->name, std::move(value)).second) malformed();
  }
  throw Error(ErrorKind::caller, "InvalidArgument", "POST requires exactly one file upload per request.")
      .with("ArgumentName", "file")
      .with("ArgumentValue", "0");
}

bool FormUpload::fill() {
  if (at_ > 0) {
    buffer_.erase(0, at_);
    at_ = 0;
  }
  std::array<char, 64 * 1024> bytes;
  const std::size_t got = body_.read(bytes.data(), bytes.size());
  buffer_.append(bytes.data(), got);
  return got > 0;
}

std::string FormUpload::read_line() {
  std::size_t end;
  while ((end = buffer_.find("\r\n", at_)) == buffer_.npos) {
    if (buffer_.size() - at_ > limits::max_form_fields_size_bytes || !fill()) malformed();
  }
  std::string line = buffer_.substr(at_, end - at_);
  at_ = end + 2;
  return line;
}

std::optional<FormUpload::Part> FormUpload::read_part_head() {
  const std::string rest = read_line();  // of the delimiter's line
  if (trimmed(rest) == "--") return std::nullopt;
  if (!trimmed(rest).empty()) malformed();
  Part part;
  bool named = false;
  std::size_t size = 0;
  for (std::string line = read_line(); !line.empty(); line = read_line()) {
    if ((size += line.size()) > limits::max_form_fields_size_bytes) malformed();
    const auto colon = line.find(':');
    if (colon == line.npos) malformed();
    const std::string name = lower(trimmed(std::string_view(line).substr(0, colon)));
    const std::string_view value = trimmed(std::string_view(line).substr(colon + 1));
    if (name == "content-type") part.type = value;
    if (name != "content-disposition") continue;
    auto given = parameter(value, "name");
    if (!given || given->empty()) malformed();
    named = true;
    part.name = lower(*given);
    part.file_name = parameter(value, "filename").value_or("");
    // A browser may send the whole path.
    if (auto slash = part.file_name.find_last_of("/\\"); slash != std::string::npos) part.file_name.erase(0, slash + 1);
  }
  if (!named) malformed();
  part.is_file = part.name == "file";
  return part;
}

std::string FormUpload::read_field() {
  std::size_t end;
  while ((end = buffer_.find(delimiter_, at_)) == buffer_.npos) {
    if (buffer_.size() - at_ > limits::max_form_fields_size_bytes)
      throw Error(ErrorKind::caller, "MaxPostPreDataLengthExceededError",
                  "Your POST request fields preceding the upload file were too large.");
    if (!fill()) malformed();
  }
  std::string value = buffer_.substr(at_, end - at_);
  at_ = end + delimiter_.size();
  return value;
}

std::size_t FormUpload::read(char* into, std::size_t size_bytes) {
  if (!in_file_ || ended_) return 0;
  while (true) {
    const std::size_t found = buffer_.find(delimiter_, at_);
    // What can't be the beginning of the delimiter is the file's.
    const std::size_t sure = found != buffer_.npos                ? found
                             : buffer_.size() > delimiter_.size() ? buffer_.size() - delimiter_.size()
                                                                  : 0;
    if (sure > at_) {
      const std::size_t n = std::min(sure - at_, size_bytes);
      std::memcpy(into, buffer_.data() + at_, n);
      at_ += n;
      return n;
    }
    if (found != buffer_.npos) {
      ended_ = true;
      return 0;
    }
    if (!fill()) malformed();
  }
}

}  // namespace tarn::gateway
