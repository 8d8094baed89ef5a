// Pages of lists in the order of names: Limit and NextToken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/base64.hpp"
#include "base/error.hpp"

namespace tarn::gateway {

struct PageOfNames {
  std::string after;  // the name that the page before ended with
  std::size_t size;

  // A token that no page gave is a ValidationException.
  PageOfNames(const std::optional<std::string>& token, const std::optional<int64_t>& limit)
      : size(static_cast<std::size_t>(limit.value_or(100))) {
    if (!token) return;
    auto name = base64_decode(*token);
    if (!name || name->empty()) throw Error(ErrorKind::caller, "ValidationException", "Invalid NextToken provided.");
    after = *name;
  }

  // Cuts what was listed with one more than the page holds, and tells the token of the next one.
  template <class T, class Name>
  std::optional<std::string> cut(std::vector<T>& listed, Name name_of) const {
    if (listed.size() <= size) return std::nullopt;
    listed.resize(size);
    return base64_encode(name_of(listed.back()));
  }
};

}  // namespace tarn::gateway
