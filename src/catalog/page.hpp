// Listings in parts, with the opaque tokens that AWS calls NextToken.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tarn::catalog {

struct PageRequest {
  std::optional<std::string> token;  // as the page before gave it; absent: from the start
  std::size_t limit = 100;
};

template <class T>
struct Page {
  std::vector<T> items;
  std::optional<std::string> next;  // absent: this is the last page
};

// The token for the place after `key`, and back. A token of another make throws Error (caller, InvalidInputException).
std::string token_after(std::string_view key);
std::string key_of_token(const std::optional<std::string>& token);  // empty without a token

}  // namespace tarn::catalog
