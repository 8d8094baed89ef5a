// What the services of this folder are made of, and for whom they act.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/athena.hpp"
#include "api/operations.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/random.hpp"
#include "catalog/catalog.hpp"
#include "govern/authority.hpp"
#include "meta/metadata.hpp"
#include "query/engine.hpp"
#include "store/store.hpp"

namespace tarn::query {

namespace athena = api::athena;

// All must outlive what is given them.
struct Parts {
  meta::Metadata& metadata;
  store::Store& store;
  const govern::Authority& authority;
  catalog::Catalog& catalog;
  Engine& engine;
  Clock& clock;
  Random& random;
};

// Who asks, and in which region.
struct Caller {
  api::Principal principal;
  std::string region;

  static Caller of(const api::Context& context) { return {context.principal, context.region}; }
  const std::string& account() const { return principal.account; }
  catalog::Scope scope() const { return {principal.account, region, principal.arn}; }
  std::string key(std::initializer_list<std::string_view> parts) const;  // of a record of this account and region
  std::string prefix(std::initializer_list<std::string_view> parts) const;
};

// Athena's error for nearly everything; `athena_code` becomes its AthenaErrorCode.
Error invalid_request(std::string message, std::string_view athena_code = "INVALID_INPUT");

// Records of one kind in key order, a page at a time. `token` is what the page before gave; a foreign one throws
// invalid_request.
struct RecordPage {
  std::vector<meta::Record> records;
  std::optional<std::string> next;
};
RecordPage record_page(meta::Reader& metadata, std::string_view kind, const std::string& prefix,
                       const std::optional<std::string>& token, std::size_t limit);
// The same over anything that has an order: a token that holds `position`, and back.
std::string page_token(std::string_view position);
std::string page_position(const std::optional<std::string>& token);  // empty without a token
uint64_t page_offset(const std::optional<std::string>& token);       // the same where positions are numbers; 0 without

}  // namespace tarn::query
