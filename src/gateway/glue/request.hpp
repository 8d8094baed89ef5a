// What the handlers of Glue's operations share: whose catalog is meant, and pages.
#pragma once

#include <optional>
#include <string>

#include "api/glue.hpp"
#include "api/operations.hpp"
#include "catalog/catalog.hpp"

namespace tarn::gateway::glue {

namespace model = api::glue;

// The caller's own catalog. Another CatalogId throws: of another account AccessDeniedException, of another form
// NotImplemented.
catalog::Scope scope_of(const api::Context& context, const std::optional<std::string>& catalog_id);

inline catalog::PageRequest page_of(const std::optional<std::string>& token, const std::optional<int64_t>& limit,
                                    std::size_t otherwise) {
  return {token, limit ? static_cast<std::size_t>(*limit) : otherwise};
}

// Throws Error (unsupported, NotImplemented) naming the property when it was given.
template <class T>
void refuse(const std::optional<T>& given, const char* property) {
  if (given)
    throw Error(ErrorKind::unsupported, "NotImplemented", std::string("tarn does not have ") + property + " of Glue.");
}

}  // namespace tarn::gateway::glue
