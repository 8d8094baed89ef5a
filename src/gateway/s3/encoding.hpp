// encoding-type=url: keys in listings as XML 1.0 can always carry them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "api/wire/percent.hpp"
#include "base/error.hpp"

namespace tarn::gateway::s3 {

class Encoding {
 public:
  // Throws Error (caller, InvalidArgument) for a type other than "url".
  explicit Encoding(const std::optional<std::string>& type) : url_(type.has_value()) {
    if (type && *type != "url")
      throw Error(ErrorKind::caller, "InvalidArgument", "Invalid Encoding Method specified in Request")
          .with("ArgumentName", "encoding-type")
          .with("ArgumentValue", *type);
  }
  std::string text(std::string_view key) const {
    if (!url_) return std::string(key);
    std::string out;
    api::append_percent_encoded(out, key, true);
    return out;
  }
  std::optional<std::string> optional_text(const std::optional<std::string>& key) const {
    return key ? std::optional(text(std::string_view(*key))) : std::nullopt;
  }

 private:
  bool url_;
};

}  // namespace tarn::gateway::s3
