// What the files of this folder share.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/cloudformation.hpp"
#include "base/base64.hpp"
#include "base/error.hpp"
#include "deploy/stacks.hpp"

namespace tarn::gateway {

namespace cf = api::cloudformation;

void register_change_sets(api::Operations& operations, deploy::Stacks& stacks);
void register_descriptions(api::Operations& operations, deploy::Stacks& stacks);
void register_templates(api::Operations& operations, deploy::Stacks& stacks);

// Where the last page ended; empty for the first.
inline std::string place_of(const std::optional<std::string>& token) {
  if (!token) return {};
  auto place = base64_decode(*token);
  if (!place || place->empty()) throw Error(ErrorKind::caller, "ValidationError", "Invalid NextToken");
  return *place;
}

// A page of `all` by position; sets the token of the next where there is more.
template <class T>
std::vector<T> page_of(const std::vector<T>& all, const std::optional<std::string>& token, std::size_t size,
                       std::optional<std::string>& next) {
  std::size_t from = 0;
  for (char c : place_of(token)) {
    if (c < '0' || c > '9' || from > all.size()) throw Error(ErrorKind::caller, "ValidationError", "Invalid NextToken");
    from = from * 10 + static_cast<std::size_t>(c - '0');
  }
  from = std::min(from, all.size());
  const std::size_t end = std::min(all.size(), from + size);
  if (end < all.size()) next = base64_encode(std::to_string(end));
  return {all.begin() + static_cast<std::ptrdiff_t>(from), all.begin() + static_cast<std::ptrdiff_t>(end)};
}

}  // namespace tarn::gateway
