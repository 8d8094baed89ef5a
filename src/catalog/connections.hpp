// Glue connections, as records that jobs and crawlers read ("AWS Glue Web API Reference", Connections API).
//
// Thread-safe; a change that returned is on disk. Secrets stand in the metadata as they were given: tarn has no key of
// its own to lock them with, and says so through GetDataCatalogEncryptionSettings. Errors as in catalog.hpp.
#pragma once

#include "catalog/catalog.hpp"
#include "catalog/tags.hpp"

namespace tarn::catalog {

class Connections {
 public:
  Connections(meta::Metadata& metadata, Clock& clock) : metadata_(metadata), clock_(clock) {}

  void create(const Scope& scope, const glue::ConnectionInput& input, const TagMap& tags = {});
  std::optional<glue::Connection> find(const Scope& scope, std::string_view name) const;
  glue::Connection get(const Scope& scope, std::string_view name) const;
  Page<glue::Connection> list(const Scope& scope, const std::optional<glue::GetConnectionsFilter>& filter,
                              const PageRequest& page) const;
  void update(const Scope& scope, std::string_view name, const glue::ConnectionInput& input);
  void erase(const Scope& scope, std::string_view name);

 private:
  meta::Metadata& metadata_;
  Clock& clock_;
};

// The connection without its passwords: what HidePassword asks for.
glue::Connection without_passwords(glue::Connection connection);

}  // namespace tarn::catalog
